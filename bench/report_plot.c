/* SPDX-License-Identifier: MIT */
/*
 * A picture of the figures compared, drawn by gnuplot: a chart for each group, a
 * bar for each row, with its name before it and its value after it. Bars begin at
 * zero, so lengths may be compared. A whisker spans the rounds; a row whose rounds
 * were disturbed is hatched, and says so.
 */
#include <math.h>
#include <regio.h>
#include <string.h>
#include <time.h>

#include "numbers.h"
#include "output.h"
#include "report.h"

/* In pixels. */
#define WIDTH 1140u
#define NAMES_WIDTH 130u
#define HEADER_HEIGHT 84u
#define TITLE_HEIGHT 52u
#define BAR_HEIGHT 24u
#define GAP_HEIGHT 18u
#define HEIGHT_MAX 30000u
#define CURVES_HEIGHT 300u
#define CURVES_AXIS_HEIGHT 40u
#define KEY_WIDTH 170u
/* Of the room for bars, what the longest may take; texts need the rest. */
#define BARS_SHARE 0.46

#define TEXT_COLOUR "#303438"
#define QUIET_COLOUR "#70787f"
#define WARNING_COLOUR "#b03020"

enum kind { KIND_PEER, KIND_LIMIT, KIND_REGIO, KINDS };

static const struct {
	const char *name;
	const char *colour;
} kinds[KINDS] = {
	[KIND_PEER] = {"peers", "#b4bcc4"},
	[KIND_LIMIT] = {"limit", "#d9a23b"},
	[KIND_REGIO] = {"regio", "#2f74b5"},
};

static enum kind kind_of(const struct bench_impl *impl)
{
	if (!strncmp(impl->name, "regio", strlen("regio")))
		return KIND_REGIO;
	return strcmp(impl->name, "limit") ? KIND_PEER : KIND_LIMIT;
}

/* ---- Texts ---------------------------------------------------------------- */

/* A string of gnuplot's: what would end it is left out. */
static void write_text(FILE *gnuplot, const char *text)
{
	fputc('"', gnuplot);
	for (; *text; text++)
		fputc(strchr("\"\\`\n", *text) ? ' ' : *text, gnuplot);
	fputc('"', gnuplot);
}

static const char *what_is_compared(const struct bench_case *test)
{
	switch (test->ratio_of) {
	case VALUE_MSGS_PER_S:
		return ", per second; longer is better";
	case VALUE_GBIT_PER_S:
		return ", in Gbit/s; longer is better";
	case VALUE_P50_US:
		return ": p50 of their time in µs; shorter is better";
	case VALUE_P999_US:
		return ": percentiles of their time from when they were due, in µs; lower is "
		       "better";
	case VALUE_RX_CPU_NS_PER_MSG:
		return ": the receiver's CPU time for each in ns; shorter is better";
	default:
		return ": the time for one in ns; shorter is better";
	}
}

/* Three digits and a unit. */
static void value_text(double value, enum bench_value kind, char *ret_text, size_t bytes)
{
	const char *unit = kind == VALUE_MSGS_PER_S   ? "/s"
			   : kind == VALUE_GBIT_PER_S ? " Gbit/s"
			   : kind == VALUE_P50_US     ? " µs"
						      : " ns";

	if (kind == VALUE_MSGS_PER_S && value >= 1e6)
		snprintf(ret_text, bytes, "%.*f M%s", value < 1e7 ? 2 : 1, value / 1e6, unit);
	else if (kind == VALUE_MSGS_PER_S && value >= 1e3)
		snprintf(ret_text, bytes, "%.*f k%s", value < 1e5 ? 1 : 0, value / 1e3, unit);
	else
		snprintf(ret_text, bytes, "%.*f%s",
			 value < 10    ? 2
			 : value < 100 ? 1
				       : 0,
			 value, unit);
}

static double per_cent_lost(const struct bench_row *row)
{
	double all = (double)(row->losses.lost + row->losses.arrived);

	return case_delivers(row->test) && all > 0 ? 100.0 * (double)row->losses.lost / all : 0;
}

/* What takes from a figure's worth; "" where nothing does. */
static void warning_text(const struct bench_row *row, char *ret_text, size_t bytes)
{
	double lost = per_cent_lost(row);
	size_t used = 0;

	ret_text[0] = '\0';
	if (row->failed) {
		snprintf(ret_text, bytes, "failed: %s", row->error);
		return;
	}
	if (row->losses.lost > 0)
		used += (size_t)snprintf(ret_text, bytes, "   lost %.*f %%", lost < 1 ? 3 : 1,
					 lost);
	if (row->rounds_disturbed && used < bytes)
		used += (size_t)snprintf(ret_text + used, bytes - used,
					 "   %u of %u rounds disturbed", row->rounds_disturbed,
					 row->rounds);
	if (row->rounds_set_aside && used < bytes)
		snprintf(ret_text + used, bytes - used, "   %u of %u set aside",
			 row->rounds_set_aside, row->rounds);
}

static void write_group_title(FILE *gnuplot, const struct bench_group *group)
{
	const struct bench_params *params = &group->params;
	char text[160];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", group->test->name);

	if (params->size)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ", %s%u bytes",
					 params->sizes_vary ? "up to " : "", params->size);
	if (group->test->sockets)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ", %u %s%s",
					 params->sockets,
					 group->test->copies ? "subscriber" : "peer",
					 params->sockets > 1 ? "s" : "");
	if (case_commits(group->test))
		used += (size_t)snprintf(text + used, sizeof(text) - used, ", %u per commit",
					 params->batch);
	if (group->test->hosts)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 ", %u hosts, %u queues, %u active", params->hosts,
					 params->sockets, params->active);
	if (group->test->paced)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ", %s messages/s",
					 number_grouped(params->rate).text);
	if (params->load)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 ", %u %% of the weakest capacity", params->load);
	if (params->flood)
		snprintf(text + used, sizeof(text) - used, ", beside a flood");
	write_text(gnuplot, text);
}

/* ---- Layout ---------------------------------------------------------------- */

static unsigned group_height(const struct bench_group *group)
{
	if (group->row_count && group->test->loads)
		return TITLE_HEIGHT + CURVES_HEIGHT + CURVES_AXIS_HEIGHT + GAP_HEIGHT;
	return group->row_count ? TITLE_HEIGHT + group->row_count * BAR_HEIGHT + GAP_HEIGHT : 0;
}

static unsigned picture_height(const struct bench_plan *plan)
{
	unsigned height = HEADER_HEIGHT;

	for (unsigned i = 0; i < plan->group_count && height <= HEIGHT_MAX; i++)
		height += group_height(&plan->groups[i]);
	return height;
}

int plot_fits(const char *path, const struct bench_plan *plan)
{
	if (picture_height(plan) <= HEIGHT_MAX)
		return 0;
	fprintf(stderr, "regio bench: --plot %s: too many rows for one picture\n", path);
	return -1;
}

/* A label at a place that is given in pixels from the upper left corner. */
static void write_label(FILE *gnuplot, unsigned x, unsigned y, unsigned height)
{
	fprintf(gnuplot, "set label at screen %.5f,%.5f ", (double)x / WIDTH,
		1 - (double)y / height);
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
	write_label(gnuplot, 20, 20, height);
	write_text(gnuplot, text);
	fprintf(gnuplot, " noenhanced font ',15' textcolor rgb '%s'\n", TEXT_COLOUR);
	snprintf(text, sizeof(text),
		 "regio %u.%u.%u; %u interleaved round%s, %.3g s for each bar; medians",
		 version >> 16, version >> 8 & 0xff, version & 0xff, plan->options->rounds,
		 plan->options->rounds == 1 ? "" : "s", plan->options->seconds);
	if (plan->call_cost.wanted_ns)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "; a system call made to take %.0f ns", plan->call_cost.costly_ns);
	write_label(gnuplot, 20, 41, height);
	write_text(gnuplot, text);
	fprintf(gnuplot, " noenhanced textcolor rgb '%s'\n", QUIET_COLOUR);
	for (int kind = 0; kind < KINDS; kind++) {
		write_label(gnuplot, 20 + 70 * (unsigned)kind, 60, height);
		fprintf(gnuplot, "'■ ' textcolor rgb '%s'\n", kinds[kind].colour);
		write_label(gnuplot, 36 + 70 * (unsigned)kind, 60, height);
		fprintf(gnuplot, "'%s' textcolor rgb '%s'\n", kinds[kind].name, TEXT_COLOUR);
	}
	write_label(gnuplot, 240, 60, height);
	fprintf(gnuplot,
		"'whisker: least to greatest round; hatched: disturbed, do not trust it' "
		"textcolor rgb '%s'\n",
		QUIET_COLOUR);
}

/* ---- A chart --------------------------------------------------------------- */

/* Whether there is a round behind the figure that nothing has spoilt. */
static bool trusted(const struct bench_row *row)
{
	return !row->rounds_disturbed && row->rounds_kept > 0;
}

static bool drawn(const struct bench_row *row)
{
	return !row->failed && isfinite(row->values[row->test->ratio_of]);
}

static double longest(const struct bench_group *group)
{
	double most = 0;

	for (unsigned i = 0; i < group->row_count; i++) {
		if (drawn(&group->rows[i]))
			most = fmax(most, fmax(group->rows[i].most,
					       group->rows[i].values[group->test->ratio_of]));
	}
	return most > 0 ? most : 1;
}

static void write_bar(FILE *gnuplot, const struct bench_group *group, unsigned index, double end)
{
	const struct bench_row *row = &group->rows[index];
	double value = row->values[group->test->ratio_of];
	double y = group->row_count - index;

	fprintf(gnuplot,
		"set object rectangle from first 0,%.3f to first %.9g,%.3f "
		"fillcolor rgb '%s' fillstyle %s border rgb '%s'\n",
		y - 0.34, value, y + 0.34, kinds[kind_of(row->impl)].colour,
		trusted(row) ? "solid 1.0" : "transparent pattern 4",
		kinds[kind_of(row->impl)].colour);
	if (row->most <= row->least)
		return;
	fprintf(gnuplot,
		"set arrow from first %.9g,%.3f to first %.9g,%.3f heads size screen 0.004,90 "
		"front linecolor rgb '%s' linewidth 1.2\n",
		row->least, y, fmin(row->most, end), y, TEXT_COLOUR);
}

static void write_row(FILE *gnuplot, const struct bench_group *group, unsigned index, double end)
{
	const struct bench_row *row = &group->rows[index];
	double value = row->values[group->test->ratio_of];
	double y = group->row_count - index;
	char text[96] = "", warning[320];

	fprintf(gnuplot,
		"set label at first 0,%.3f '%s' right offset character -0.8,0 noenhanced "
		"textcolor rgb '%s'\n",
		y, row->impl->name, TEXT_COLOUR);
	warning_text(row, warning, sizeof(warning));
	if (drawn(row)) {
		write_bar(gnuplot, group, index, end);
		value_text(value, group->test->ratio_of, text, sizeof(text));
		if (isfinite(row->ratio))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "   %.*f×",
				 row->ratio < 10 ? 2 : 1, row->ratio);
	}
	fprintf(gnuplot, "set label at first %.9g,%.3f ", drawn(row) ? fmax(value, row->most) : 0.0,
		y);
	write_text(gnuplot, text);
	fprintf(gnuplot, " left offset character 0.8,0 noenhanced textcolor rgb '%s'\n",
		TEXT_COLOUR);
	/* In a column of their own, at the right. */
	fprintf(gnuplot, "set label at graph 1,first %.3f ", y);
	write_text(gnuplot, warning);
	fprintf(gnuplot, " right noenhanced textcolor rgb '%s'\n", WARNING_COLOUR);
}

static void write_chart_title(FILE *gnuplot, const struct bench_group *group, unsigned top,
			      unsigned height)
{
	const struct bench_case *test = group->test;

	fprintf(gnuplot, "unset label\nunset object\nunset arrow\n");
	write_label(gnuplot, 20, top + 14, height);
	write_group_title(gnuplot, group);
	fprintf(gnuplot, " noenhanced font ',12' textcolor rgb '%s'\n", TEXT_COLOUR);
	write_label(gnuplot, 20, top + 34, height);
	fprintf(gnuplot, "\"%s%s%s%s\" noenhanced textcolor rgb '%s'\n", test->counted,
		what_is_compared(test), test->reference && !test->loads ? "; × to " : "",
		test->reference && !test->loads ? test->reference : "", QUIET_COLOUR);
}

/* ---- Curves of percentiles -------------------------------------------------- */

#define CURVE_COLOURS 5u

/* Of the rows of a kind in turn: blue and its neighbours are regio's, as in the bars. */
static const char *const curve_colours[KINDS][CURVE_COLOURS] = {
	[KIND_PEER] = {"#8a929a", "#c8553d", "#8a6d3b", "#4a9d5b", "#b0407f"},
	[KIND_LIMIT] = {"#d9a23b", "#d9a23b", "#d9a23b", "#d9a23b", "#d9a23b"},
	[KIND_REGIO] = {"#2f74b5", "#3aa6a6", "#8e6bbf", "#1b4a7a", "#6aa8dd"},
};
/* The axis is one of nines: 90 is at 1, 99 at 2. */
#define CURVE_STEPS_PER_NINE 10u
#define CURVE_NINES 5u

static bool has_curve(const struct bench_row *row)
{
	return !row->failed && row->latency && row->latency->count > 0;
}

/* As far as there were messages. */
static void write_curve(FILE *gnuplot, unsigned index, const struct histogram *latency)
{
	fprintf(gnuplot, "$curve%u << END\n", index);
	for (unsigned i = 0; i <= CURVE_NINES * CURVE_STEPS_PER_NINE; i++) {
		double beyond = pow(10, -(double)i / CURVE_STEPS_PER_NINE);
		uint64_t ns = histogram_quantile_ns(latency, 1 - beyond);

		if (beyond * (double)latency->count < 1)
			break;
		fprintf(gnuplot, "%.2f %.3f\n", (double)i / CURVE_STEPS_PER_NINE, (double)ns / 1e3);
	}
	fprintf(gnuplot, "END\n");
}

static void plot_curves(FILE *gnuplot, const struct bench_group *group)
{
	const char *before = "plot ";
	unsigned drawn[KINDS] = {0};

	for (unsigned i = 0; i < group->row_count; i++) {
		const struct bench_row *row = &group->rows[i];

		enum kind kind = kind_of(row->impl);

		if (!has_curve(row))
			continue;
		fprintf(gnuplot,
			"%s$curve%u using 1:2 with lines linewidth 1.8 linecolor rgb '%s' ", before,
			i, curve_colours[kind][drawn[kind]++ % CURVE_COLOURS]);
		fprintf(gnuplot, "title '%s' noenhanced", row->impl->name);
		before = ", ";
	}
	fprintf(gnuplot, "%s\n", *before == ',' ? "" : "plot NaN notitle");
}

static void write_curves(FILE *gnuplot, const struct bench_group *group, unsigned top,
			 unsigned height)
{
	unsigned upper = top + TITLE_HEIGHT;

	write_chart_title(gnuplot, group, top, height);
	for (unsigned i = 0; i < group->row_count; i++) {
		if (has_curve(&group->rows[i]))
			write_curve(gnuplot, i, group->rows[i].latency);
	}
	fprintf(gnuplot,
		"set border 3 linecolor rgb '%s'\nset logscale y\nset ytics nomirror\n"
		"set xtics nomirror ('0 %%%%' 0, '50 %%%%' 0.30103, '90 %%%%' 1, '99 %%%%' 2, "
		"'99.9 %%%%' 3, '99.99 "
		"%%%%' 4, "
		"'99.999 %%%%' 5)\nset grid\nset key outside right top\n",
		QUIET_COLOUR);
	fprintf(gnuplot, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n",
		(double)NAMES_WIDTH / WIDTH, 1 - (double)KEY_WIDTH / WIDTH);
	fprintf(gnuplot, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
		1 - (double)upper / height, 1 - (double)(upper + CURVES_HEIGHT) / height);
	fprintf(gnuplot, "set xrange [0:%u]\nset yrange [*:*]\n", CURVE_NINES);
	plot_curves(gnuplot, group);
	fprintf(gnuplot, "unset logscale y\nunset border\nunset xtics\nunset ytics\nunset grid\n"
			 "unset key\n");
}

/* ---- A chart of bars -------------------------------------------------------- */

/* 'top' is in pixels from the upper edge. */
static void write_chart(FILE *gnuplot, const struct bench_group *group, unsigned top,
			unsigned height)
{
	unsigned bars = top + TITLE_HEIGHT;
	double end = longest(group) / BARS_SHARE;

	write_chart_title(gnuplot, group, top, height);
	for (unsigned i = 0; i < group->row_count; i++)
		write_row(gnuplot, group, i, end);
	fprintf(gnuplot,
		"set arrow from first 0,graph 0 to first 0,graph 1 nohead front linecolor rgb "
		"'%s'\n",
		QUIET_COLOUR);
	fprintf(gnuplot, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n",
		(double)NAMES_WIDTH / WIDTH, 1 - 20.0 / WIDTH);
	fprintf(gnuplot, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
		1 - (double)bars / height,
		1 - (double)(bars + group->row_count * BAR_HEIGHT) / height);
	fprintf(gnuplot, "set xrange [0:%.9g]\nset yrange [0.5:%u.5]\nplot NaN notitle\n", end,
		group->row_count);
}

int report_plot(const char *path, const struct bench_plan *plan, const struct bench_host *host)
{
	unsigned height = picture_height(plan), top = HEADER_HEIGHT;
	FILE *gnuplot = plot_open("regio bench", path, WIDTH, height);

	if (!gnuplot)
		return -1;
	fprintf(gnuplot, "set multiplot\nunset border\nunset xtics\nunset ytics\nunset key\n");
	write_header(gnuplot, plan, host, height);
	/* Of the header alone; each chart takes the labels of the one before away. */
	fprintf(gnuplot, "set xrange [0:1]\nset yrange [0:1]\nplot NaN notitle\n");
	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct bench_group *group = &plan->groups[i];

		if (!group->row_count)
			continue;
		if (group->test->loads)
			write_curves(gnuplot, group, top, height);
		else
			write_chart(gnuplot, group, top, height);
		top += group_height(group);
	}
	fprintf(gnuplot, "unset multiplot\n");
	return plot_close("regio bench", path, gnuplot);
}
