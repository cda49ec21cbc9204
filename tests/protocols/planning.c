/* SPDX-License-Identifier: MIT */
/*
 * planning.c - a plan of receives is sound, whatever is posted while it is made
 *
 * dgram/receive.c and exec/plain.c: a poster stores that more than data is wanted, or long control
 * data, and then the request; an executor that is planning reads both at any time. An area has room
 * for fewer messages where their control data may be long.
 */
#include "stage.h"

#include <errno.h>

#include "exec/execute.h"
#include "mem/area.h"
#include "mem/section.h"

#define MANY (REGIOI_AREA_LONG_CONTROLS + 3u)
#define FEW 2u

/* The slices that are posted during the plan begin with those of a name and of control data. */
static _Alignas(8) uint8_t names[32], control[4096];
static uint64_t names_region, control_region;
static struct regioi_work work;
static enum regioi_prepared prepared;

static struct regioi_half *receives(void)
{
	return &stage.rq_objects[0]->halves[REGIOI_RECEIVE];
}

static void post(bool name, bool long_control, uint64_t context)
{
	const struct regio_buf slice = {.region = stage.region, .length = 1};
	struct regio_extra extra = {0};

	if (name)
		extra.remote_address = (struct regio_buf){names_region, 0, sizeof(names)};
	if (long_control)
		extra.control = (struct regio_buf){control_region, 0, sizeof(control)};
	EXPECT_RETURN(0, regio_receive_ex(stage.rqs[0], &slice,
					  name || long_control ? &extra : NULL, 0, context));
}

static void open_with(uint32_t count, bool name)
{
	stage_open(&(struct stage_options){.queues = 1});
	EXPECT_RETURN(0, regio_cq_resize(stage.cqs[0], MANY + 1 + STAGE_REQUESTS));
	EXPECT_RETURN(0, regio_rq_resize(stage.rqs[0], MANY + 1, STAGE_REQUESTS));
	EXPECT_RETURN(0, regio_region_register(names, sizeof(names), NULL, &names_region));
	EXPECT_RETURN(0, regio_region_register(control, sizeof(control), NULL, &control_region));
	for (uint32_t i = 0; i < count; i++)
		post(name, false, i);
	receives()->receive.asked = REGIOI_AREA_MESSAGES;
}

static void open_many(void)
{
	open_with(MANY, true);
}

static void open_few(void)
{
	open_with(FEW, false);
}

/* ---- The actors ---------------------------------------------------------------- */

static void plan(void)
{
	struct regioi_hazard *section = regioi_section_enter();

	regioi_half_acquire(receives());
	prepared = regioi_half_prepare(receives(), &work);
	regioi_section_leave(section);
}

static void want_long_control(void)
{
	post(false, true, MANY);
}

static void want_name(void)
{
	post(true, false, FEW);
}

/* ---- What is planned ----------------------------------------------------------- */

static void expect_room(const struct msghdr *header)
{
	const uint8_t *begin = header->msg_control, *end = begin + header->msg_controllen;

	EXPECT(!begin || (begin >= work.area->control[0] && end <= work.area->stages),
	       "control data has no room, in the order %s", interleave_order());
}

/* Also closes the stage. */
static void finish(uint32_t planned_min)
{
	struct regioi_hazard *section = regioi_section_enter();

	EXPECT(prepared == REGIOI_PREPARED && work.op.kind == REGIOI_OP_RECEIVE_MESSAGES &&
		       work.planned >= planned_min && work.op.count == work.planned,
	       "%u are planned, in the order %s", work.planned, interleave_order());
	for (uint32_t i = 0; i < work.planned; i++) {
		const struct msghdr *header = &work.op.messages[i].msg_hdr;
		const struct regioi_request *request = &receives()->requests[i];

		expect_room(header);
		EXPECT(!(request->flags & REGIOI_REQUEST_EXTRA) ||
			       (header->msg_name && header->msg_control),
		       "a name is not asked for, in the order %s", interleave_order());
	}
	work.op.result = -EAGAIN;
	regioi_half_settle(&work);
	regioi_half_release(receives());
	regioi_section_leave(section);
	EXPECT_RETURN(0, regio_region_deregister(names_region));
	EXPECT_RETURN(0, regio_region_deregister(control_region));
	EXPECT((int)regio_rq_cancel(stage.rqs[0], REGIO_HALF_RECEIVE) > 0, "%s",
	       regio_last_error());
	for (int i = 0; i < 4; i++)
		stage_drop(0);
	stage_close();
}

static void finish_many(void)
{
	finish(REGIOI_AREA_LONG_CONTROLS);
}

static void finish_few(void)
{
	finish(FEW);
}

/* ---- Cases --------------------------------------------------------------------- */

START_TEST(control_data_has_room_when_it_may_become_long)
{
	const struct interleave_plan each = {
		.prepare = open_many,
		.actors = {plan, want_long_control},
		.finish = finish_many,
	};

	stage_search(&each, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 10);
}
END_TEST

START_TEST(a_name_that_is_wanted_is_asked_for)
{
	const struct interleave_plan each = {
		.prepare = open_few,
		.actors = {plan, want_name},
		.finish = finish_few,
	};

	stage_search(&each, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 10);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASE(control_data_has_room_when_it_may_become_long),
		STAGE_CASE(a_name_that_is_wanted_is_asked_for),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
