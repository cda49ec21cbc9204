/* SPDX-License-Identifier: MIT */
/*
 * A picture of the figures compared, drawn by gnuplot: a chart of bars for each group. Of groups
 * that differ in one parameter alone there is one chart, a curve for each implementation; of
 * latencies at shares of the capacity, a chart of percentiles.
 */
#include <regio.h>
#include <string.h>
#include <time.h>

#include "output.h"
#include "plot.h"

#define HEADER_HEIGHT 84u
#define HEIGHT_MAX 30000u

struct chart {
	const struct bench_group *groups;
	unsigned group_count;
	enum plot_parameter parameter; /* that grows, or PLOT_PARAMETERS: there is one group */
	unsigned height;
};

/* The chart that begins with a group of the plan; its height is 0 if nothing was measured. */
static struct chart chart_at(const struct bench_plan *plan, unsigned first)
{
	struct chart chart = {.groups = &plan->groups[first], .parameter = PLOT_PARAMETERS};

	chart.group_count =
		plot_growth_groups(chart.groups, plan->group_count - first, &chart.parameter);
	if (chart.group_count || (chart.groups->row_count && chart.groups->test->loads))
		chart.height = PLOT_CURVES_HEIGHT + PLOT_GAP_HEIGHT;
	else if (chart.groups->row_count)
		chart.height = plot_bars_height(chart.groups);
	if (!chart.group_count)
		chart.group_count = 1;
	return chart;
}

static unsigned picture_height(const struct bench_plan *plan)
{
	unsigned height = HEADER_HEIGHT;

	for (unsigned i = 0; i < plan->group_count && height <= HEIGHT_MAX;) {
		struct chart chart = chart_at(plan, i);

		height += chart.height;
		i += chart.group_count;
	}
	return height;
}

int plot_fits(const char *path, const struct bench_plan *plan)
{
	if (picture_height(plan) <= HEIGHT_MAX)
		return 0;
	fprintf(stderr, "regio bench: --plot %s: too many rows for one picture\n", path);
	return -1;
}

static void write_header(FILE *gnuplot, const struct bench_plan *plan,
			 const struct bench_host *host, unsigned height)
{
	time_t now = time(NULL);
	uint32_t version = regio_version();
	char text[512], date[64] = "";
	struct tm local;

	if (localtime_r(&now, &local))
		strftime(date, sizeof(date), "%e %B %Y", &local);
	snprintf(text, sizeof(text), "regio bench on %u × %s, %s, %s", host->cores, host->cpu_model,
		 host->kernel, date + strspn(date, " "));
	plot_write_label(gnuplot, 20, 20, height);
	plot_write_text(gnuplot, text);
	fprintf(gnuplot, " noenhanced font ',15' textcolor rgb '%s'\n", PLOT_TEXT_COLOUR);
	snprintf(text, sizeof(text),
		 "regio %u.%u.%u; %u interleaved round%s, %.3g s for each figure; medians",
		 version >> 16, version >> 8 & 0xff, version & 0xff, plan->options->rounds,
		 plan->options->rounds == 1 ? "" : "s", plan->options->seconds);
	if (plan->call_cost.wanted_ns)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "; a system call made to take %.0f ns", plan->call_cost.costly_ns);
	plot_write_label(gnuplot, 20, 41, height);
	plot_write_text(gnuplot, text);
	fprintf(gnuplot, " noenhanced textcolor rgb '%s'\n", PLOT_QUIET_COLOUR);
	for (int kind = 0; kind < PLOT_KINDS; kind++) {
		plot_write_label(gnuplot, 20 + 70 * (unsigned)kind, 60, height);
		fprintf(gnuplot, "'■ ' textcolor rgb '%s'\n", plot_kinds[kind].colour);
		plot_write_label(gnuplot, 36 + 70 * (unsigned)kind, 60, height);
		fprintf(gnuplot, "'%s' textcolor rgb '%s'\n", plot_kinds[kind].name,
			PLOT_TEXT_COLOUR);
	}
	plot_write_label(gnuplot, 240, 60, height);
	fprintf(gnuplot,
		"'whisker: least to greatest round; hatched or hollow: disturbed, do not trust it' "
		"textcolor rgb '%s'\n",
		PLOT_QUIET_COLOUR);
}

static void write_chart(FILE *gnuplot, const struct chart *chart, unsigned top, unsigned height)
{
	if (chart->group_count > 1)
		plot_write_growth(gnuplot, chart->groups, chart->group_count, chart->parameter, top,
				  height);
	else if (chart->groups->test->loads)
		plot_write_percentiles(gnuplot, chart->groups, top, height);
	else
		plot_write_bars(gnuplot, chart->groups, top, height);
}

int report_plot(const char *path, const struct bench_plan *plan, const struct bench_host *host)
{
	unsigned height = picture_height(plan), top = HEADER_HEIGHT;
	FILE *gnuplot = plot_open("regio bench", path, PLOT_WIDTH, height);

	if (!gnuplot)
		return -1;
	fprintf(gnuplot, "set multiplot\nunset border\nunset xtics\nunset ytics\nunset key\n");
	write_header(gnuplot, plan, host, height);
	/* Of the header alone; each chart takes the labels of the one before away. */
	fprintf(gnuplot, "set xrange [0:1]\nset yrange [0:1]\nplot NaN notitle\n");
	for (unsigned i = 0; i < plan->group_count;) {
		struct chart chart = chart_at(plan, i);

		if (chart.height)
			write_chart(gnuplot, &chart, top, height);
		top += chart.height;
		i += chart.group_count;
	}
	fprintf(gnuplot, "unset multiplot\n");
	return plot_close("regio bench", path, gnuplot);
}
