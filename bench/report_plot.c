/* SPDX-License-Identifier: MIT */
/*
 * A picture of the figures compared, drawn by gnuplot: one chart for each case,
 * a cluster of bars for each size or number of peers, a bar for each
 * implementation.
 */
#include <math.h>

#include "output.h"
#include "report.h"

#define CHART_WIDTH 900
#define CHART_HEIGHT 360

static const char *axis_title(enum bench_value value)
{
	switch (value) {
	case VALUE_MSGS_PER_S:
		return "messages a second";
	case VALUE_P50_US:
		return "p50 of the round trip, us";
	case VALUE_RX_CPU_NS_PER_MSG:
		return "receiver's CPU ns a message";
	default:
		return "ns for one";
	}
}

static bool impl_in_case(const struct bench_plan *plan, const struct bench_case *test,
			 const struct bench_impl *impl)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct bench_group *group = &plan->groups[i];

		for (unsigned j = 0; group->test == test && j < group->row_count; j++) {
			if (group->rows[j].impl == impl)
				return true;
		}
	}
	return false;
}

static double value_of(const struct bench_group *group, const struct bench_impl *impl)
{
	for (unsigned i = 0; i < group->row_count; i++) {
		const struct bench_row *row = &group->rows[i];

		if (row->impl == impl && !row->failed)
			return row->values[group->test->ratio_of];
	}
	return NAN;
}

/* A block of data: a line of names, then a line for each group. */
static void write_data(FILE *gnuplot, const struct bench_plan *plan, const struct bench_case *test,
		       unsigned block)
{
	fprintf(gnuplot, "$data%u << END\n-", block);
	for (unsigned i = 0; i < bench_impl_count; i++) {
		if (impl_in_case(plan, test, bench_impls[i]))
			fprintf(gnuplot, " %s", bench_impls[i]->name);
	}
	fprintf(gnuplot, "\n");
	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct bench_group *group = &plan->groups[i];

		if (group->test != test)
			continue;
		fprintf(gnuplot, "\"%u bytes", group->params.size);
		if (test->sockets)
			fprintf(gnuplot, "\\n%u peer%s", group->params.sockets,
				group->params.sockets > 1 ? "s" : "");
		fprintf(gnuplot, "\"");
		for (unsigned j = 0; j < bench_impl_count; j++) {
			double value = value_of(group, bench_impls[j]);

			if (!impl_in_case(plan, test, bench_impls[j]))
				continue;
			if (isnan(value))
				fprintf(gnuplot, " ?");
			else
				fprintf(gnuplot, " %.6g", value);
		}
		fprintf(gnuplot, "\n");
	}
	fprintf(gnuplot, "END\n");
}

/* Rates differ by powers of ten; times are read from zero. An implementation keeps its colour. */
static void write_chart(FILE *gnuplot, const struct bench_plan *plan, const struct bench_case *test,
			unsigned block)
{
	unsigned column = 2;

	fprintf(gnuplot, "set title \"%s: %s\"\nset ylabel \"%s\"\n", test->name, test->about,
		axis_title(test->ratio_of));
	fprintf(gnuplot, "%s\nplot",
		test->ratio_of == VALUE_MSGS_PER_S ? "set logscale y\nset yrange [*:*]"
						   : "unset logscale y\nset yrange [0:*]");
	for (unsigned i = 0; i < bench_impl_count; i++) {
		if (!impl_in_case(plan, test, bench_impls[i]))
			continue;
		fprintf(gnuplot, "%s $data%u using %u%s title columnheader(%u) linetype %u",
			column > 2 ? "," : "", block, column, column == 2 ? ":xtic(1)" : "", column,
			i + 1);
		column++;
	}
	fprintf(gnuplot, "\n");
}

static bool first_of_case(const struct bench_plan *plan, unsigned index)
{
	for (unsigned i = 0; i < index; i++) {
		if (plan->groups[i].test == plan->groups[index].test)
			return false;
	}
	return plan->groups[index].row_count > 0;
}

static void write_charts(FILE *gnuplot, const struct bench_plan *plan, unsigned charts)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		if (first_of_case(plan, i))
			write_data(gnuplot, plan, plan->groups[i].test, i);
	}
	fprintf(gnuplot, "set multiplot layout %u,1\n", charts);
	fprintf(gnuplot, "set style data histogram\nset style histogram cluster gap 1\n"
			 "set style fill solid 0.8\nset grid ytics\n"
			 "set format y '%%.0s%%c'\nset datafile missing '?'\n"
			 "set key outside right\nset bmargin 4\n");
	for (unsigned i = 0; i < plan->group_count; i++) {
		if (first_of_case(plan, i))
			write_chart(gnuplot, plan, plan->groups[i].test, i);
	}
	fprintf(gnuplot, "unset multiplot\n");
}

int report_plot(const char *path, const struct bench_plan *plan)
{
	unsigned charts = 0;
	FILE *gnuplot;

	for (unsigned i = 0; i < plan->group_count; i++)
		charts += first_of_case(plan, i);
	gnuplot = plot_open("regio bench", path, CHART_WIDTH, CHART_HEIGHT * charts);
	if (!gnuplot)
		return -1;
	write_charts(gnuplot, plan, charts);
	return plot_close("regio bench", path, gnuplot);
}
