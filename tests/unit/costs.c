/* SPDX-License-Identifier: MIT */
/*
 * costs.c - from what calls cost to what a driver tries without asking its engine
 */
#include "../support/net.h"
#include "../support/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drive/poll_policy.h"
#include "engine/costs.h"

static struct regioi_policy policy_where(struct regioi_costs costs)
{
	return regioi_policy_of(&costs);
}

START_TEST(the_bounds_of_the_policy_hold_whatever_calls_cost)
{
	static const uint32_t ns[] = {0, 1, 7, 300, 1000000, REGIOI_COST_MAX_NS};
	enum { KINDS = 6, ALL = 6 * 6 * 6 * 6 * 6 * 6 };

	for (uint32_t i = 0; i < ALL; i++) {
		uint32_t each[KINDS], rest = i;
		struct regioi_policy policy;

		for (int k = 0; k < KINDS; k++, rest /= ARRAY_SIZE(ns))
			each[k] = ns[rest % ARRAY_SIZE(ns)];
		policy = policy_where((struct regioi_costs){.poll = each[0],
							    .watch = each[1],
							    .miss = each[2],
							    .event = each[3],
							    .call = each[4],
							    .batch = each[5]});
		EXPECT(policy.passes_unasked >= 1 && policy.passes_unasked <= 8, "%u: %u", i,
		       policy.passes_unasked);
		EXPECT(policy.passes_unasked_hot >= 4 && policy.passes_unasked_hot <= 32, "%u: %u",
		       i, policy.passes_unasked_hot);
		EXPECT(policy.miss_price >= 10 && policy.miss_price <= 64, "%u: %u", i,
		       policy.miss_price);
		EXPECT(policy.steady_shift >= 4 && policy.steady_shift <= 12, "%u: %u", i,
		       policy.steady_shift);
		EXPECT(!(policy.batches && policy.steady), "%u: both", i);
	}
}
END_TEST

/* As on a machine whose calls take about 200 ns. */
static const struct regioi_costs cheap = {.poll = 160, .watch = 700, .miss = 300, .event = 450};
/* The same with 10 us for each call; an event is not one. */
static const struct regioi_costs costly = {
	.poll = 10160, .watch = 10700, .miss = 10300, .event = 450};

START_TEST(a_try_that_finds_nothing_has_to_be_earned)
{
	struct regioi_costs costs = costly;

	ck_assert_uint_eq(policy_where(cheap).miss_price, 10);
	ck_assert_uint_eq(policy_where(costly).miss_price, 23);
	ck_assert(policy_where(cheap).steady && policy_where(costly).steady);
	costs.miss = 65 * costs.event;
	ck_assert(!policy_where(costs).steady);
	costs.event = 0;
	ck_assert(!policy_where(costs).steady);
}
END_TEST

START_TEST(a_socket_is_watched_until_that_has_cost_as_much_as_a_mistake)
{
	ck_assert_uint_eq(policy_where(cheap).steady_shift, 4);
	/* 42 us of calls, 450 ns for each message. */
	ck_assert_uint_eq(policy_where(costly).steady_shift, 7);
}
END_TEST

START_TEST(asking_takes_a_small_share_of_the_time)
{
	struct regioi_costs costs = cheap;

	ck_assert_uint_eq(policy_where(cheap).passes_unasked_hot, 32);
	ck_assert_uint_eq(policy_where(cheap).passes_unasked, 8);
	costs.poll = costs.miss / 5;
	ck_assert_uint_eq(policy_where(costs).passes_unasked_hot, 13);
	ck_assert_uint_eq(policy_where(costs).passes_unasked, 3);
}
END_TEST

START_TEST(batches_are_used_unless_they_cost_an_eighth_more)
{
	struct regioi_costs costs = cheap;

	ck_assert(!policy_where(costs).batches);
	costs.call = 800;
	costs.batch = 899;
	ck_assert(policy_where(costs).batches);
	costs.batch = 900;
	ck_assert(!policy_where(costs).batches);
}
END_TEST

START_TEST(costs_are_measured_once_and_leave_nothing)
{
	unsigned int descriptors = open_descriptors();
	struct regioi_costs first = regioi_costs_measured(), second = regioi_costs_measured();

	ck_assert_uint_eq(open_descriptors(), descriptors);
	ck_assert_mem_eq(&first, &second, sizeof(first));
	EXPECT(first.poll && first.watch && first.miss, "a call costs nothing");
}
END_TEST

static struct regioi_costs costs_with(const char *text)
{
	struct regioi_refusal refusal;
	struct regioi_costs costs;

	setenv("REGIO_COSTS", text, 1);
	EXPECT_RETURN(0, regioi_costs_of(&regioi_engine_null, NULL, &costs, &refusal));
	return costs;
}

START_TEST(the_environment_sets_some_costs_or_all)
{
	const struct regioi_costs usual = costs_with("");
	struct regioi_costs costs = costs_with("miss=7,poll=1000000000");

	ck_assert_uint_eq(costs.miss, 7);
	ck_assert_uint_eq(costs.poll, REGIOI_COST_MAX_NS);
	ck_assert_uint_eq(costs.watch, usual.watch);
	ck_assert_uint_eq(costs.event, usual.event);
	costs = costs_with("watch=1,event=2,call=3,batch=4");
	ck_assert_uint_eq(costs.watch, 1);
	ck_assert_uint_eq(costs.event, 2);
	ck_assert_uint_eq(costs.call, 3);
	ck_assert_uint_eq(costs.batch, 4);
}
END_TEST

START_TEST(a_cost_that_makes_no_sense_is_named_with_those_that_do)
{
	static const char *const wrong[] = {
		"poll",	   "poll=",   "poll=-1",  "poll=1000000001", "pool=1", "poll=1,,",
		"poll=1;", "poll=1 ", "poll=1ns", "miss=1,poll=1x",  "=1",     ","};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct regio_driver *driver;
		struct regio_engine_info info;

		setenv("REGIO_COSTS", wrong[i], 1);
		EXPECT_RETURN(-EINVAL, regio_driver_create(NULL, &driver));
		EXPECT(strstr(regio_last_error(), "REGIO_COSTS has \"") &&
			       strstr(regio_last_error(), "nanoseconds"),
		       "%s", regio_last_error());
		EXPECT_RETURN(0, regio_engine_get_info(0, &info, sizeof(info)));
		ck_assert_uint_eq(info.available, 0);
	}
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(the_bounds_of_the_policy_hold_whatever_calls_cost),
		CASE(a_try_that_finds_nothing_has_to_be_earned),
		CASE(a_socket_is_watched_until_that_has_cost_as_much_as_a_mistake),
		CASE(asking_takes_a_small_share_of_the_time),
		CASE(batches_are_used_unless_they_cost_an_eighth_more),
		CASE(costs_are_measured_once_and_leave_nothing),
		CASE(the_environment_sets_some_costs_or_all),
		CASE(a_cost_that_makes_no_sense_is_named_with_those_that_do),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
