/* SPDX-License-Identifier: MIT */
/*
 * From options to groups of rows.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "message.h"

/*
 * Message buffers this far apart fall into different sets of the cache; a power
 * of two would put the first lines of all of them into a few.
 */
#define STRIDE_BYTES 2112u
#define STRIDE_STEP_BYTES 64u
#define GROUPS_MAX 1024u
/* Descriptors a run needs besides its sockets. */
#define SPARE_FDS 64u

/* What is run without a CASE; 0 means the case's own. */
static const struct {
	const char *name;
	uint32_t size;
	uint32_t sockets;
} overview[] = {
	{"udp-stream", 64, 0},	 {"udp-stream", 256, 0}, {"udp-stream", 1400, 0},
	{"udp-mixed", 0, 0},	 {"udp-nodefer", 0, 0},	 {"udp-pingpong", 0, 0},
	{"udp-wait", 0, 0},	 {"udp-paced", 0, 0},	 {"udp-fanin", 0, 64},
	{"udp-fanin", 0, 1000},	 {"udp-sockets", 0, 64}, {"udp-sockets", 0, 1000},
	{"udp-multicast", 0, 4}, {"tcp-stream", 0, 0},	 {"tcp-echo", 0, 1000},
	{"idle-poll", 0, 0},	 {"core-cost", 0, 0},
};

static void add_group(struct bench_plan *plan, const struct bench_case *test, uint32_t size,
		      uint32_t sockets, uint32_t batch)
{
	const struct bench_options *options = plan->options;
	uint32_t stride = (size + STRIDE_STEP_BYTES - 1) / STRIDE_STEP_BYTES * STRIDE_STEP_BYTES;

	if (plan->group_count == GROUPS_MAX) {
		plan->too_many = true;
		return;
	}
	if (stride < STRIDE_BYTES)
		stride = STRIDE_BYTES;
	plan->groups[plan->group_count++] = (struct bench_group){
		.test = test,
		.params =
			{
				.size = size,
				.stride = test->packed ? size : stride,
				.batch = batch,
				.sockets = sockets,
				.rate = options->rate,
				.sizes_vary = test->sizes_vary,
				.streams = test->streams,
				.verify = options->verify,
				.spin = test->spin,
				.one_core = plan->placement.one_core,
			},
	};
}

/* What the user says, where the case lets the user choose. */
static struct number_list settings(bool free, const struct number_list *said, uint32_t else_one)
{
	return free && said->count ? *said
				   : (struct number_list){.numbers = {else_one}, .count = 1};
}

/* Every size with every number of sockets and of messages in a commit. */
static void add_case(struct bench_plan *plan, const struct bench_case *test, uint32_t size,
		     uint32_t sockets)
{
	const struct bench_options *options = plan->options;
	const uint32_t own_number = !test->sockets ? 1 : sockets ? sockets : test->sockets;
	struct number_list sizes = settings(test->size, &options->sizes, size ? size : test->size);
	struct number_list numbers = settings(test->sockets, &options->sockets, own_number);
	struct number_list batches =
		settings(case_commits(test), &options->batches,
			 test->batch ? test->batch : options->batches.numbers[0]);

	for (uint32_t i = 0; i < sizes.count; i++) {
		for (uint32_t j = 0; j < numbers.count; j++) {
			for (uint32_t k = 0; k < batches.count; k++)
				add_group(plan, test, sizes.numbers[i], numbers.numbers[j],
					  batches.numbers[k]);
		}
	}
}

/* What the user chooses must not be run once for each line of the overview. */
static bool already_planned(const struct bench_plan *plan, const struct bench_case *test)
{
	const struct bench_options *options = plan->options;
	bool chosen =
		(test->size && options->sizes.count) || (test->sockets && options->sockets.count);

	for (unsigned i = 0; chosen && i < plan->group_count; i++) {
		if (plan->groups[i].test == test)
			return true;
	}
	return false;
}

static void add_groups(struct bench_plan *plan)
{
	const struct bench_options *options = plan->options;

	for (uint32_t i = 0; i < options->case_count; i++)
		add_case(plan, options->cases[i], 0, 0);
	if (options->case_count)
		return;
	for (size_t i = 0; i < sizeof(overview) / sizeof(overview[0]); i++) {
		const struct bench_case *test = case_find(overview[i].name);

		if (!already_planned(plan, test))
			add_case(plan, test, overview[i].size, overview[i].sockets);
	}
}

/* Tries an implementation once; false when it does not work here. */
static bool works(struct bench_plan *plan, const struct bench_impl *impl)
{
	struct bench_skip *skip = &plan->skips[plan->skip_count];

	for (unsigned i = 0; i < plan->skip_count; i++) {
		if (plan->skips[i].impl == impl)
			return false;
	}
	if (!impl->probe || !impl->probe(impl, skip->reason, sizeof(skip->reason)))
		return true;
	skip->impl = impl;
	plan->skip_count++;
	return false;
}

static bool wanted(const struct bench_options *options, const struct bench_impl *impl)
{
	for (uint32_t i = 0; i < options->chosen.count; i++) {
		if (options->chosen.impls[i] == impl)
			return true;
	}
	return options->chosen.count == 0;
}

static void add_rows(struct bench_plan *plan, struct bench_group *group)
{
	group->rows = calloc(bench_impl_count, sizeof(*group->rows));
	for (unsigned i = 0; group->rows && i < bench_impl_count; i++) {
		const struct bench_impl *impl = bench_impls[i];
		struct bench_row *row = &group->rows[group->row_count];

		if (!case_runs(group->test, impl) || !wanted(plan->options, impl) ||
		    !works(plan, impl))
			continue;
		row->results = calloc(plan->options->rounds, sizeof(*row->results));
		if (!row->results)
			return;
		row->test = group->test;
		row->impl = impl;
		row->params = group->params;
		group->row_count++;
	}
}

/* Many sockets need many descriptors: take what the hard limit gives. */
static int raise_descriptor_limit(const struct bench_plan *plan)
{
	uint32_t most = 0;
	struct rlimit limit;

	for (unsigned i = 0; i < plan->group_count; i++) {
		if (plan->groups[i].params.sockets > most)
			most = plan->groups[i].params.sockets;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= 2 * most + SPARE_FDS)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max >= 2 * most + SPARE_FDS && !setrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	fprintf(stderr,
		"regio bench: --sockets %u: must be at most %llu under the limit of open files "
		"(ulimit -n)\n",
		most, ((unsigned long long)limit.rlim_max - SPARE_FDS) / 2);
	return 2;
}

/* What one datagram holds is no limit to a stream. */
static int refuse_sizes(const struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct bench_group *group = &plan->groups[i];

		if (!group->test || group->test->streams || group->params.size <= MESSAGE_BYTES_MAX)
			continue;
		fprintf(stderr, "regio bench: --size %u: must be at most %u in %s\n",
			group->params.size, MESSAGE_BYTES_MAX, group->test->name);
		return 2;
	}
	return 0;
}

static int refuse_many(const struct bench_plan *plan)
{
	if (!plan->too_many)
		return 0;
	fprintf(stderr,
		"regio bench: nothing to run: --size, --sockets and --batch must make at most %u "
		"combinations in all cases\n",
		GROUPS_MAX);
	return 2;
}

static int refuse_empty(const struct bench_plan *plan)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < plan->group_count; i++)
		rows += plan->groups[i].row_count;
	if (rows > 0)
		return 0;
	for (unsigned i = 0; i < plan->skip_count; i++)
		fprintf(stderr, "regio bench: %s does not work here: %s\n",
			plan->skips[i].impl->name, plan->skips[i].reason);
	fprintf(stderr, "regio bench: nothing to run: no implementation chosen with --impl runs "
			"in the cases chosen; see regio bench --list\n");
	return 2;
}

int plan_make(const struct bench_options *options, const struct placement *placement,
	      struct bench_plan *ret_plan)
{
	*ret_plan = (struct bench_plan){.options = options, .placement = *placement};
	ret_plan->groups = calloc(GROUPS_MAX, sizeof(*ret_plan->groups));
	if (!ret_plan->groups)
		return 2;
	calls_choose(&ret_plan->counting);
	add_groups(ret_plan);
	if (refuse_many(ret_plan) || refuse_sizes(ret_plan) || raise_descriptor_limit(ret_plan) ||
	    dear_calls_calibrate(options->dear_calls_ns, placement, &ret_plan->dear))
		return 2;
	for (unsigned i = 0; i < ret_plan->group_count; i++)
		add_rows(ret_plan, &ret_plan->groups[i]);
	return refuse_empty(ret_plan);
}

void plan_free(struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		struct bench_group *group = &plan->groups[i];

		for (unsigned j = 0; j < group->row_count; j++)
			free(group->rows[j].results);
		free(group->rows);
	}
	free(plan->groups);
}
