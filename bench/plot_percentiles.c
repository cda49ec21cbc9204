/* SPDX-License-Identifier: MIT */
/*
 * Percentiles of a group's latencies, a curve for each row.
 */
#include <math.h>

#include "plot.h"

/* The axis is one of nines: 90 is at 1, 99 at 2. */
#define STEPS_PER_NINE 10u
#define NINES 5u

static bool has_curve(const struct bench_row *row)
{
	return !row->failed && row->latency && row->latency->count > 0;
}

/* As far as there were messages. */
static void write_curve(FILE *gnuplot, unsigned index, const struct histogram *latency)
{
	fprintf(gnuplot, "$curve%u << END\n", index);
	for (unsigned i = 0; i <= NINES * STEPS_PER_NINE; i++) {
		double beyond = pow(10, -(double)i / STEPS_PER_NINE);
		uint64_t ns = histogram_quantile_ns(latency, 1 - beyond);

		if (beyond * (double)latency->count < 1)
			break;
		fprintf(gnuplot, "%.2f %.3f\n", (double)i / STEPS_PER_NINE, (double)ns / 1e3);
	}
	fprintf(gnuplot, "END\n");
}

static void plot_curves(FILE *gnuplot, const struct bench_group *group)
{
	const char *before = "plot ";
	struct plot_palette palette = {0};

	for (unsigned i = 0; i < group->row_count; i++) {
		const struct bench_row *row = &group->rows[i];

		if (!has_curve(row))
			continue;
		fprintf(gnuplot,
			"%s$curve%u using 1:2 with lines linewidth 1.8 linecolor rgb '%s' "
			"title '%s' noenhanced",
			before, i, plot_next_colour(&palette, row->impl), row->impl->name);
		before = ", ";
	}
	fprintf(gnuplot, "%s\n", *before == ',' ? "" : "plot NaN notitle");
}

void plot_write_percentiles(FILE *gnuplot, const struct bench_group *group, unsigned top,
			    unsigned height)
{
	plot_write_title(gnuplot, group, PLOT_PARAMETERS, top, height);
	for (unsigned i = 0; i < group->row_count; i++) {
		if (has_curve(&group->rows[i]))
			write_curve(gnuplot, i, group->rows[i].latency);
	}
	plot_open_curves(gnuplot, top, height);
	fputs("set xtics nomirror ('0 %%' 0, '50 %%' 0.30103, '90 %%' 1, '99 %%' 2, '99.9 %%' 3, "
	      "'99.99 %%' 4, '99.999 %%' 5)\n",
	      gnuplot);
	fprintf(gnuplot, "set xrange [0:%u]\nset yrange [*:*]\n", NINES);
	plot_curves(gnuplot, group);
	plot_close_curves(gnuplot);
}
