/* SPDX-License-Identifier: MIT */
/*
 * region.c - memory whose region has ended is the program's again
 *
 * mem/section.h and base/hazard.c: whoever looks up an address stores first that it is in a read
 * section; whoever ends a region makes its id invalid, and then looks for sections. There is no
 * barrier in entering a section: the one that waits has it, on every thread.
 */
#include "stage.h"

#include "base/hazard.h"
#include "mem/region.h"

static bool slowly;

/* A thread without a record, or on a kernel without the barrier. */
static void enter(void)
{
	stage_enter();
	if (slowly)
		regioi_hazard_quick = NULL;
}

static void open_one(void)
{
	stage_open(&(struct stage_options){.queues = 1});
}

/* What races with this is reported as a data race. */
static void end_region(void)
{
	EXPECT_RETURN(0, regio_region_deregister(stage.region));
	stage_memory[1] = 0;
}

static void finish(void)
{
	stage.region = 0;
	stage_memory[1] = 1;
	for (unsigned int i = 0; i < 2; i++)
		stage_drop(0);
	stage_close();
}

/* ---- Read sections ------------------------------------------------------------- */

static void read_once(void)
{
	struct regioi_hazard *section = regioi_section_enter();
	const uint8_t *byte = regioi_region_resolve(stage.region, 1);

	EXPECT(!byte || *byte == 1, "memory is read after its region has ended, in the order %s",
	       interleave_order());
	regioi_section_leave(section);
}

static void read_twice(void)
{
	read_once();
	read_once();
}

static const char *const ways[] = {"with the barrier on every thread", "without"};

START_TEST(a_region_ends_after_the_sections_that_have_begun)
{
	const struct interleave_plan plan = {
		.enter = enter,
		.prepare = open_one,
		.actors = {read_twice, end_region, read_once},
		.finish = finish,
		.barrier_refused = _i == 1,
	};

	slowly = _i == 1;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 1}, 50);
}
END_TEST

/* ---- A new region -------------------------------------------------------------- */

static _Atomic uint64_t new_region;
static uint8_t new_memory;

static void open_without_region(void)
{
	open_one();
	atomic_store(&new_region, 0);
	new_memory = 0;
}

static void make_region(void)
{
	uint64_t region;

	new_memory = 1;
	EXPECT_RETURN(0, regioi_table_add(REGIOI_KIND_REGION, &new_memory, 1, 0, &region));
	atomic_store_explicit(&new_region, region, memory_order_relaxed);
}

/* The id comes over without any order: what it stands for does not. */
static void use_region(void)
{
	const uint64_t region = atomic_load_explicit(&new_region, memory_order_relaxed);
	struct regioi_hazard *section = regioi_section_enter();
	const uint8_t *byte = regioi_region_resolve(region, 0);

	EXPECT(!byte || byte == &new_memory, "a region without its address, in the order %s",
	       interleave_order());
	EXPECT(!byte || *byte == 1, "%u, in the order %s", *byte, interleave_order());
	regioi_section_leave(section);
}

static void finish_new(void)
{
	EXPECT_RETURN(0, regio_region_deregister(atomic_load(&new_region)));
	stage_close();
}

START_TEST(an_id_that_is_found_has_its_address)
{
	const struct interleave_plan plan = {
		.prepare = open_without_region,
		.actors = {make_region, use_region},
		.finish = finish_new,
	};

	stage_search(&plan, (struct stage_bounds){2, 2}, (struct stage_bounds){4, 3}, 5);
}
END_TEST

/* ---- The whole path ------------------------------------------------------------ */

static void send_one(void)
{
	const struct regio_buf slice = {.region = stage.region, .offset = 1, .length = 1};
	const int error = regio_send(stage.rqs[0], &slice, 0, 1);

	EXPECT(error == 0 || error == -EFAULT, "%s", regio_error_text(error));
}

START_TEST(a_send_does_not_read_memory_whose_region_has_ended)
{
	const struct interleave_plan plan = {
		.enter = enter,
		.prepare = open_one,
		.actors = {send_one, end_region},
		.finish = finish,
		.barrier_refused = _i == 1,
	};

	slowly = _i == 1;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){4, 2}, 20);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASES(a_region_ends_after_the_sections_that_have_begun, ways, 2),
		STAGE_CASE(an_id_that_is_found_has_its_address),
		STAGE_CASES(a_send_does_not_read_memory_whose_region_has_ended, ways, 2),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
