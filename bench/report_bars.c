/* SPDX-License-Identifier: MIT */
/*
 * What is decided, below a table.
 */
#include <math.h>

#include "case.h"
#include "report.h"

static void print_ratio(FILE *file, const struct interval *ratio)
{
	if (isnan(ratio->middle))
		fprintf(file, "-");
	else
		fprintf(file, "%.2f", ratio->middle);
	if (isnan(ratio->low))
		fprintf(file, " (%u rounds are too few)", ratio->count);
	else
		fprintf(file, " (%.2f to %.2f)", ratio->low, ratio->high);
}

static void print_bar(FILE *file, const struct bench_row *row, const struct bench_bar *bar)
{
	fprintf(file, "    %-13s %-10s ", row->impl->name,
		row->impl->control_of ? "control" : interval_decision_names[bar->decision]);
	print_ratio(file, &bar->ratio);
}

static void print_peers(FILE *file, const struct bench_group *group)
{
	bool titled = false;

	for (unsigned i = 0; i < group->row_count; i++) {
		const struct bench_row *row = &group->rows[i];

		if (!row->peers.than)
			continue;
		if (!titled)
			fprintf(file,
				"\n  p99.9 at most %.2f of each peer's? Median of the ratios of "
				"rounds, and 95 %% interval\n",
				group->test->most_of_peers);
		titled = true;
		print_bar(file, row, &row->peers);
		fprintf(file, " of %s\n", row->peers.than->impl->name);
	}
}

static void print_fewest_hosts(FILE *file, const struct bench_group *group)
{
	bool titled = false;

	for (unsigned i = 0; i < group->row_count; i++) {
		const struct bench_row *row = &group->rows[i];

		if (!row->fewest_hosts.than)
			continue;
		if (!titled)
			fprintf(file, "\n  p99.9 at most %.2f of that with fewer hosts?\n",
				group->test->most_of_fewest_hosts);
		titled = true;
		print_bar(file, row, &row->fewest_hosts);
		fprintf(file, " of that with %u\n", row->fewest_hosts.than->params.hosts);
	}
}

void report_bars(FILE *file, const struct bench_group *group)
{
	print_peers(file, group);
	print_fewest_hosts(file, group);
}
