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
/* The most queues of a server with hosts. */
#define QUEUES_MAX 10000u

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

static struct bench_params *add_group(struct bench_plan *plan, const struct bench_case *test,
				      uint32_t size, uint32_t sockets, uint32_t batch)
{
	const struct bench_options *options = plan->options;
	uint32_t stride = (size + STRIDE_STEP_BYTES - 1) / STRIDE_STEP_BYTES * STRIDE_STEP_BYTES;

	if (plan->group_count == GROUPS_MAX) {
		plan->too_many = true;
		return NULL;
	}
	if (stride < STRIDE_BYTES)
		stride = STRIDE_BYTES;
	plan->groups[plan->group_count] = (struct bench_group){
		.test = test,
		.params =
			{
				.size = size,
				.stride = test->packed ? size : stride,
				.batch = batch,
				.sockets = sockets,
				.hosts = 1,
				.active = sockets,
				.rate = options->rate ? options->rate : test->rate,
				.flood = options->flood ? options->flood : test->flood,
				.sizes_vary = test->sizes_vary,
				.streams = test->streams,
				.verify = options->verify,
				.spin = test->spin,
				.one_core = plan->placement.one_core,
			},
	};
	return &plan->groups[plan->group_count++].params;
}

/* What the user says, where the case lets the user choose. */
static struct number_list settings(bool free, const struct number_list *said, uint32_t else_one)
{
	return free && said->count ? *said
				   : (struct number_list){.numbers = {else_one}, .count = 1};
}

/* ---- Hosts and loads ------------------------------------------------------ */

/*
 * What density runs unless the user chooses: first more hosts, then more queues, of which few are
 * active.
 */
static const struct {
	uint32_t hosts, queues, active;
} layouts[] = {
	{1, 1, 0},  {1, 150, 0},  {4, 150, 0}, {16, 150, 0},
	{64, 1, 0}, {64, 150, 0}, {1, 16, 16}, {1, 10000, 16},
};

#define QUEUES_USUAL 150u

static void add_layout(struct bench_plan *plan, const struct bench_case *test, uint32_t size,
		       uint32_t hosts, uint32_t queues, uint32_t active)
{
	struct bench_params *params = add_group(plan, test, size, hosts * queues, 1);

	if (!params)
		return;
	params->hosts = hosts;
	params->active = active && active < params->sockets ? active : params->sockets;
	/* Each host has one at least. */
	if (params->active < hosts)
		params->active = hosts;
	params->active -= params->active % hosts;
}

static void add_hosts(struct bench_plan *plan, const struct bench_case *test, uint32_t size)
{
	const struct bench_options *options = plan->options;
	const struct number_list usual = {.numbers = {1, 4, 16, BENCH_HOSTS_MAX}, .count = 4};
	const struct number_list *hosts = options->hosts.count ? &options->hosts : &usual;
	struct number_list queues = settings(true, &options->sockets, QUEUES_USUAL);

	if (!options->hosts.count && !options->sockets.count) {
		for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
			add_layout(plan, test, size, layouts[i].hosts, layouts[i].queues,
				   options->active ? options->active : layouts[i].active);
		return;
	}
	for (uint32_t i = 0; i < hosts->count; i++) {
		for (uint32_t j = 0; j < queues.count; j++)
			add_layout(plan, test, size, hosts->numbers[i], queues.numbers[j],
				   options->active);
	}
}

static void add_load(struct bench_plan *plan, const struct bench_case *test, uint32_t size,
		     uint32_t load, uint32_t flood)
{
	struct bench_params *params = add_group(plan, test, size, 2, 1);

	if (!params)
		return;
	params->hosts = 2;
	params->apart = true;
	params->load = load;
	params->flood = flood;
}

static void add_loads(struct bench_plan *plan, const struct bench_case *test, uint32_t size)
{
	const struct number_list usual = {.numbers = {10, 50, 80}, .count = 3};
	const struct number_list *loads =
		plan->options->loads.count ? &plan->options->loads : &usual;

	for (uint32_t i = 0; i < loads->count; i++) {
		add_load(plan, test, size, loads->numbers[i], 0);
		add_load(plan, test, size, loads->numbers[i], BENCH_FLOOD_ALL);
	}
}

static void add_workers(struct bench_plan *plan, const struct bench_case *test, uint32_t size)
{
	const struct number_list usual = {.numbers = {1, 2}, .count = 2};
	const struct number_list *workers =
		plan->options->workers.count ? &plan->options->workers : &usual;

	for (uint32_t i = 0; i < workers->count; i++) {
		struct bench_params *params = add_group(plan, test, size, workers->numbers[i], 1);

		if (!params)
			return;
		params->workers = workers->numbers[i];
		memcpy(params->core_cpus, plan->core_cpus, sizeof(params->core_cpus));
	}
}

/* Cases with parameters of their own; false where it is another case. */
static bool add_special(struct bench_plan *plan, const struct bench_case *test, uint32_t size)
{
	if (test->hosts)
		add_hosts(plan, test, size);
	else if (test->loads)
		add_loads(plan, test, size);
	else if (test->workers)
		add_workers(plan, test, size);
	else
		return false;
	return true;
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
		if (add_special(plan, test, sizes.numbers[i]))
			continue;
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
		if (group->test->loads)
			row->latency = calloc(1, sizeof(*row->latency));
		group->row_count++;
	}
}

/*
 * What a run of the group opens: hosts have one socket each, other peers one for each of the
 * server's.
 */
static uint32_t descriptors_of(const struct bench_group *group)
{
	uint32_t peers = group->test->hosts ? group->params.hosts : group->params.sockets;

	return group->params.sockets + peers + SPARE_FDS;
}

/* Many sockets need many descriptors: take what the hard limit gives. */
static int raise_descriptor_limit(const struct bench_plan *plan)
{
	uint32_t most = 0, sockets = 0;
	struct rlimit limit;

	for (unsigned i = 0; i < plan->group_count; i++) {
		if (descriptors_of(&plan->groups[i]) <= most)
			continue;
		most = descriptors_of(&plan->groups[i]);
		sockets = plan->groups[i].params.sockets;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= most)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max >= most && !setrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	fprintf(stderr,
		"regio bench: --sockets: %u sockets of a server need %u descriptors, and the limit "
		"of open files (ulimit -n) is %llu\n",
		sockets, most, (unsigned long long)limit.rlim_max);
	return 2;
}

static int refuse_queues(const struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct bench_group *group = &plan->groups[i];

		if (!group->test->hosts || group->params.sockets <= QUEUES_MAX)
			continue;
		fprintf(stderr,
			"regio bench: --hosts %u --sockets %u: must be at most %u queues in all\n",
			group->params.hosts, group->params.sockets / group->params.hosts,
			QUEUES_MAX);
		return 2;
	}
	return 0;
}

static int refuse_workers(const struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		if (plan->groups[i].params.workers <= plan->core_count)
			continue;
		fprintf(stderr,
			"regio bench: --workers %u: each needs a CPU of its own, and there are "
			"%u\n",
			plan->groups[i].params.workers, plan->core_count);
		return 2;
	}
	return 0;
}

static int refuse_small(const struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct bench_group *group = &plan->groups[i];

		if (group->params.size >= group->test->size_min)
			continue;
		fprintf(stderr, "regio bench: --size %u: must be at least %u in %s\n",
			group->params.size, group->test->size_min, group->test->name);
		return 2;
	}
	return 0;
}

/* What cases need before any of their runs. */
static int prepare_cases(const struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		if (plan->groups[i].test->prepare && plan->groups[i].test->prepare())
			return 2;
	}
	return 0;
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
	ret_plan->core_count = placement_cpus(placement, ret_plan->core_cpus);
	add_groups(ret_plan);
	if (refuse_many(ret_plan) || refuse_sizes(ret_plan) || refuse_small(ret_plan) ||
	    refuse_queues(ret_plan) || refuse_workers(ret_plan) ||
	    raise_descriptor_limit(ret_plan) || prepare_cases(ret_plan) ||
	    call_cost_calibrate(options->call_cost_ns, placement, &ret_plan->call_cost))
		return 2;
	for (unsigned i = 0; i < ret_plan->group_count; i++)
		add_rows(ret_plan, &ret_plan->groups[i]);
	return refuse_empty(ret_plan);
}

void plan_free(struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		struct bench_group *group = &plan->groups[i];

		for (unsigned j = 0; j < group->row_count; j++) {
			free(group->rows[j].results);
			free(group->rows[j].latency);
		}
		free(group->rows);
	}
	free(plan->groups);
}
