/* SPDX-License-Identifier: MIT */
/*
 * `regio bench`: runs the groups of the plan, one after the other. Within a
 * group the implementations take turns, round after round, so that whatever the
 * machine is doing meanwhile befalls all of them.
 */
#include "bench.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bars.h"
#include "lengths.h"
#include "options.h"
#include "output.h"
#include "plan.h"
#include "report.h"
#include "result.h"
#include "run.h"

/* ---- Progress ------------------------------------------------------------ */

static void progress(const struct bench_plan *plan, unsigned group, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One line on a terminal that the next overwrites; nothing elsewhere. */
static void progress(const struct bench_plan *plan, unsigned group, const char *format, ...)
{
	va_list arguments;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K");
	if (!format)
		return;
	fprintf(stderr, "[%u/%u] %s ", group + 1, plan->group_count,
		plan->groups[group].test->name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
}

/* ---- Groups -------------------------------------------------------------- */

static struct run_request make_request(const struct bench_plan *plan, const struct bench_row *row)
{
	uint64_t total_ns = (uint64_t)(plan->options->seconds * 1e9);

	assert(plan->options->rounds > 0);

	return (struct run_request){
		.test = row->test,
		.impl = row->impl,
		.params = row->params,
		.sockets = plan->options->socket_opts,
		.placement = plan->placement,
		.call_work = plan->call_cost.work,
		.warmup_ns = WARMUP_NS,
		.measure_ns = total_ns / plan->options->rounds,
		.latency = row->latency,
	};
}

static void note_distance(struct bench_group *group, double core_ns)
{
	if (group->core_max_ns == 0 || core_ns < group->core_min_ns)
		group->core_min_ns = core_ns;
	group->core_max_ns = fmax(group->core_max_ns, core_ns);
}

/* One round of one row; a row that has failed is not tried again. */
static void run_round(struct bench_plan *plan, struct bench_group *group, struct bench_row *row)
{
	struct run_request request = make_request(plan, row);
	struct bench_result *result = &row->results[row->rounds];
	double before_ns;

	if (row->rounds > 0 && row->results[row->rounds - 1].failed)
		return;
	before_ns = placement_measure_ns(&plan->placement);
	run_once(&request, result);
	result->core_before_ns = before_ns;
	result->core_after_ns = placement_measure_ns(&plan->placement);
	note_distance(group, result->core_before_ns);
	note_distance(group, result->core_after_ns);
	row->rounds++;
}

static void run_counted(struct bench_plan *plan, struct bench_row *row)
{
	struct run_request request = make_request(plan, row);
	struct bench_result result;

	for (int value = VALUE_COUNTED_FIRST; value <= VALUE_COUNTED_LAST; value++)
		row->values[value] = NAN;
	if (row->failed)
		return;
	request.latency = NULL;
	request.counting = &plan->counting;
	request.warmup_ns = COUNTED_WARMUP_NS;
	request.measure_ns = COUNTED_MEASURE_NS;
	if (run_once(&request, &result)) {
		memcpy(row->calls_note, result.error, sizeof(row->calls_note));
		return;
	}
	for (int value = VALUE_COUNTED_FIRST; value <= VALUE_COUNTED_LAST; value++)
		row->values[value] = result.values[value];
}

/* ---- Capacity ------------------------------------------------------------- */

#define CAPACITY_MEASURE_NS 300000000u

/* What the weakest row gets through of a flood without an end; 0 when none gets anything. */
static double weakest_capacity(struct bench_plan *plan, unsigned index)
{
	struct bench_group *group = &plan->groups[index];
	double weakest = INFINITY;

	for (unsigned i = 0; i < group->row_count && !run_interrupted(); i++) {
		struct run_request request = make_request(plan, &group->rows[i]);
		struct bench_result result;

		if (group->rows[i].impl->no_messages)
			continue;
		progress(plan, index, "%s, capacity", group->rows[i].impl->name);
		request.params.rate = 0;
		request.params.flood = BENCH_FLOOD_ALL;
		request.measure_ns = CAPACITY_MEASURE_NS;
		request.latency = NULL;
		if (run_once(&request, &result) == 0)
			weakest = fmin(weakest, result.values[VALUE_MSGS_PER_S]);
	}
	return isinf(weakest) ? 0 : weakest;
}

/* The same for all loads of a size, and for all implementations. */
static void set_load(struct bench_plan *plan, unsigned index)
{
	const struct bench_group *before = index > 0 ? &plan->groups[index - 1] : NULL;
	struct bench_group *group = &plan->groups[index];

	if (before && before->test == group->test && before->params.size == group->params.size)
		group->capacity = before->capacity;
	else
		group->capacity = weakest_capacity(plan, index);
	/* One a second, where nothing could be measured: the rows say why. */
	group->params.rate = (uint32_t)fmax(1, group->capacity * group->params.load / 100);
	for (unsigned i = 0; i < group->row_count; i++)
		group->rows[i].params.rate = group->params.rate;
}

static void run_group_round(struct bench_plan *plan, unsigned index, uint32_t round)
{
	struct bench_group *group = &plan->groups[index];

	for (unsigned i = 0; i < group->row_count && !run_interrupted(); i++) {
		progress(plan, index, "%u bytes, %u peer%s: %s, round %u of %u", group->params.size,
			 group->params.sockets, group->params.sockets == 1 ? "" : "s",
			 group->rows[i].impl->name, round + 1, plan->options->rounds);
		run_round(plan, group, &group->rows[i]);
	}
}

static void summarise_group(struct bench_plan *plan, unsigned index)
{
	struct bench_group *group = &plan->groups[index];

	rows_set_aside(group->rows, group->row_count);
	for (unsigned i = 0; i < group->row_count && !run_interrupted(); i++) {
		progress(plan, index, "%s, counting system calls", group->rows[i].impl->name);
		row_summarise(&group->rows[i]);
		run_counted(plan, &group->rows[i]);
	}
	rows_compare(group->rows, group->row_count);
	bars_to_peers(group->rows, group->row_count);
	progress(plan, index, NULL);
}

/* Groups whose rows are compared with each other take turns. */
static unsigned end_of_turns(const struct bench_plan *plan, unsigned first)
{
	const struct bench_group *group = &plan->groups[first];
	unsigned end = first + 1;

	while (group->test->most_of_fewest_hosts > 0 && end < plan->group_count &&
	       plan->groups[end].test == group->test &&
	       plan->groups[end].params.size == group->params.size)
		end++;
	return end;
}

/* Stops when interrupted, with nothing of these groups to show. */
static void run_groups(struct bench_plan *plan, unsigned first, unsigned end)
{
	if (plan->groups[first].test->loads)
		set_load(plan, first);
	for (uint32_t round = 0; round < plan->options->rounds; round++) {
		for (unsigned i = first; i < end; i++)
			run_group_round(plan, i, round);
	}
	for (unsigned i = first; i < end && !run_interrupted(); i++)
		summarise_group(plan, i);
	bars_to_fewest_hosts(&plan->groups[first], end - first);
}

static bool any_failed(const struct bench_plan *plan)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		for (unsigned j = 0; j < plan->groups[i].row_count; j++) {
			if (plan->groups[i].rows[j].failed)
				return true;
		}
	}
	return false;
}

/* ---- The command --------------------------------------------------------- */

static int write_json(const struct bench_plan *plan, const struct bench_host *host)
{
	FILE *file = json_open("regio bench", plan->options->json_path);

	return file ? report_json(file, plan, host) : -1;
}

/* What was measured before is a result; a run without any leaves the files as they are. */
static int end_interrupted(struct bench_plan *plan, unsigned groups_done,
			   const struct bench_host *host)
{
	const char *path = plan->options->json_path;
	unsigned all = plan->group_count;

	fprintf(stderr, "regio bench: interrupted\n");
	plan->interrupted = true;
	plan->group_count = groups_done;
	if (path && (groups_done > 0 || json_to_stdout(path)))
		write_json(plan, host);
	plan->group_count = all;
	return 128 + run_interrupted();
}

/* The tables go to standard output, unless JSON does. */
static int run_plan(struct bench_plan *plan, const struct bench_host *host)
{
	bool tables = !json_to_stdout(plan->options->json_path);
	int status = 0;

	run_prepare();
	if (tables)
		report_heading(stdout, plan, host);
	report_length(tables ? stdout : stderr, plan);
	for (unsigned i = 0, end; i < plan->group_count; i = end) {
		end = end_of_turns(plan, i);
		if (plan->groups[i].row_count == 0)
			continue;
		run_groups(plan, i, end);
		if (run_interrupted())
			return end_interrupted(plan, i, host);
		for (unsigned j = i; tables && j < end; j++)
			report_group(stdout, &plan->groups[j]);
	}
	if (tables)
		report_legend(stdout, plan);
	if (plan->options->json_path && write_json(plan, host))
		status = 1;
	if (plan->options->plot_path && report_plot(plan->options->plot_path, plan, host))
		status = 1;
	return any_failed(plan) ? 1 : status;
}

/* Whatever cannot be written is refused before minutes are spent on it. */
static int check_outputs(const struct bench_options *options)
{
	if (options->plot_path && plot_check("regio bench", options->plot_path))
		return -1;
	return options->json_path ? json_check("regio bench", options->json_path) : 0;
}

int bench_command(int argc, char **argv)
{
	struct bench_options options;
	struct placement placement;
	struct bench_host host;
	struct bench_plan plan;
	int status;

	status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;
	if (placement_choose(options.cpus.numbers, options.cpus.count, &placement)) {
		fprintf(stderr,
			"regio bench: --cpus %s: must be CPUs this process may use; "
			"`taskset -cp $$` shows them\n",
			options.cpus.text);
		return 2;
	}
	if (host_describe(&options.socket_opts, &host) || check_outputs(&options))
		return 2;
	status = plan_make(&options, &placement, &plan);
	if (status == 0 && options.plot_path && plot_fits(options.plot_path, &plan))
		status = 2;
	if (status == 0)
		status = run_plan(&plan, &host);
	plan_free(&plan);
	return status;
}
