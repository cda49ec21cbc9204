/* SPDX-License-Identifier: MIT */
/*
 * Whether rows keep their bars.
 */
#include "bars.h"

#include <math.h>
#include <string.h>

#include "case.h"

static bool has_value(const struct bench_row *row, unsigned round)
{
	const struct bench_result *result = &row->results[round];

	return round < row->rounds && !result->failed && !result->set_aside &&
	       result->values[BAR_VALUE] > 0;
}

static struct bench_bar compare(const struct bench_row *row, const struct bench_row *than,
				double most)
{
	struct bench_bar bar = {.than = than, .most = most};
	double ratios[BENCH_ROUNDS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < row->rounds; i++) {
		if (has_value(row, i) && has_value(than, i))
			ratios[count++] = row->results[i].values[BAR_VALUE] /
					  than->results[i].values[BAR_VALUE];
	}
	bar.ratio = interval_of_median(ratios, count);
	bar.decision = interval_at_most(&bar.ratio, most);
	return bar;
}

/* ---- Peers --------------------------------------------------------------- */

static bool is_peer(const struct bench_impl *impl)
{
	return !impl->engine && !impl->control_of && !impl->no_messages;
}

/* Bars of one row: no comes before undecided, and that before yes. */
static bool met_less(const struct bench_bar *bar, const struct bench_bar *other)
{
	if (bar->decision != other->decision)
		return bar->decision > other->decision;
	return bar->ratio.middle > other->ratio.middle;
}

static void compare_with_peers(struct bench_row *row, const struct bench_row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct bench_bar bar;

		if (!is_peer(rows[i].impl) || rows[i].failed)
			continue;
		bar = compare(row, &rows[i], row->test->most_of_peers);
		if (!row->peers.than || met_less(&bar, &row->peers))
			row->peers = bar;
	}
}

/* Returns false where the control differs from what it repeats. */
static bool compare_control(struct bench_row *row, const struct bench_row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(rows[i].impl->name, row->impl->control_of) != 0 || rows[i].failed)
			continue;
		row->peers = compare(row, &rows[i], NAN);
		return !(row->peers.ratio.low > 1 || row->peers.ratio.high < 1);
	}
	return true;
}

void bars_to_peers(struct bench_row *rows, unsigned count)
{
	bool alike = true;

	if (rows[0].test->most_of_peers == 0)
		return;
	for (unsigned i = 0; i < count; i++) {
		if (rows[i].failed)
			continue;
		if (rows[i].impl->control_of)
			alike &= compare_control(&rows[i], rows, count);
		else if (rows[i].impl->engine)
			compare_with_peers(&rows[i], rows, count);
	}
	for (unsigned i = 0; i < count && !alike; i++)
		rows[i].peers.decision = INTERVAL_UNDECIDED;
}

/* ---- Hosts --------------------------------------------------------------- */

static uint32_t queues_of_host(const struct bench_group *group)
{
	return group->params.sockets / group->params.hosts;
}

static const struct bench_group *with_fewest_hosts(const struct bench_group *group,
						   const struct bench_group *groups, unsigned count)
{
	const struct bench_group *fewest = group;

	for (unsigned i = 0; i < count; i++) {
		if (queues_of_host(&groups[i]) == queues_of_host(group) &&
		    groups[i].params.hosts < fewest->params.hosts)
			fewest = &groups[i];
	}
	return fewest;
}

void bars_to_fewest_hosts(struct bench_group *groups, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct bench_group *fewest = with_fewest_hosts(&groups[i], groups, count);
		double most = groups[i].test->most_of_fewest_hosts;

		/* The rows of all groups are those of the same implementations. */
		for (unsigned j = 0; most > 0 && fewest != &groups[i] && j < groups[i].row_count;
		     j++) {
			if (!groups[i].rows[j].failed && !fewest->rows[j].failed &&
			    !groups[i].rows[j].impl->no_messages)
				groups[i].rows[j].fewest_hosts =
					compare(&groups[i].rows[j], &fewest->rows[j], most);
		}
	}
}
