/* SPDX-License-Identifier: MIT */
/*
 * table.c - ids: none is given twice, whatever the number of objects that had the same slot
 */
#include "../support/suite.h"

#include "base/table.h"

static int object;

static uint64_t add(void)
{
	uint64_t id;

	EXPECT_RETURN(0, regioi_table_add(REGIOI_KIND_CQ, &object, 0, 0, &id));
	return id;
}

static void end(uint64_t id)
{
	struct regioi_slot *slot = regioi_table_invalidate(id, REGIOI_KIND_CQ);

	EXPECT(slot, "id %#llx is none", (unsigned long long)id);
	regioi_table_release(id);
}

START_TEST(a_slot_is_used_again_under_another_id)
{
	uint64_t first = add(), second;

	end(first);
	second = add();
	ck_assert_uint_eq((uint32_t)second, (uint32_t)first);
	ck_assert_uint_eq(second >> 32, (first >> 32) + 1);
	ck_assert_ptr_null(regioi_table_find(first, REGIOI_KIND_CQ));
	end(second);
}
END_TEST

START_TEST(a_slot_that_has_used_up_its_generations_is_retired)
{
	uint64_t first = add(), id, last;
	struct regioi_slot *slot = regioi_table_find(first, REGIOI_KIND_CQ);

	EXPECT(slot, "id %#llx is none", (unsigned long long)first);
	end(first);
	/* One more is left. */
	slot->generation = UINT32_MAX - 1;
	last = add();
	ck_assert_uint_eq((uint32_t)last, (uint32_t)first);
	ck_assert_uint_eq(last >> 32, UINT32_MAX);
	end(last);
	id = add();
	ck_assert_uint_ne((uint32_t)id, (uint32_t)last);
	ck_assert_ptr_null(regioi_table_find(last, REGIOI_KIND_CQ));
	end(id);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_slot_is_used_again_under_another_id),
		CASE(a_slot_that_has_used_up_its_generations_is_retired),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
