/* SPDX-License-Identifier: MIT */
/*
 * What the charts of a picture share: colours, texts, titles and the axes of curves.
 */
#include <math.h>
#include <string.h>

#include "numbers.h"
#include "plot.h"

#define KEY_WIDTH 230u
#define AXIS_HEIGHT 40u

#define COLOURS 5u

const struct plot_kind_look plot_kinds[PLOT_KINDS] = {
	[PLOT_PEER] = {"peers", "#b4bcc4"},
	[PLOT_LIMIT] = {"limit", "#d9a23b"},
	[PLOT_REGIO] = {"regio", "#2f74b5"},
};

/* Of the curves of a kind in turn: blue and its neighbours are regio's, as in the bars. */
static const char *const curve_colours[PLOT_KINDS][COLOURS] = {
	[PLOT_PEER] = {"#8a929a", "#c8553d", "#8a6d3b", "#4a9d5b", "#b0407f"},
	[PLOT_LIMIT] = {"#d9a23b", "#d9a23b", "#d9a23b", "#d9a23b", "#d9a23b"},
	[PLOT_REGIO] = {"#2f74b5", "#3aa6a6", "#8e6bbf", "#1b4a7a", "#6aa8dd"},
};

enum plot_kind plot_kind_of(const struct bench_impl *impl)
{
	if (!strncmp(impl->name, "regio", strlen("regio")))
		return PLOT_REGIO;
	return strcmp(impl->name, "limit") ? PLOT_PEER : PLOT_LIMIT;
}

const char *plot_next_colour(struct plot_palette *palette, const struct bench_impl *impl)
{
	enum plot_kind kind = plot_kind_of(impl);

	return curve_colours[kind][palette->used[kind]++ % COLOURS];
}

/* ---- Rows ------------------------------------------------------------------ */

double plot_per_cent_lost(const struct bench_row *row)
{
	double all = (double)(row->losses.lost + row->losses.arrived);

	return case_delivers(row->test) && all > 0 ? 100.0 * (double)row->losses.lost / all : 0;
}

bool plot_trusted(const struct bench_row *row)
{
	return !row->rounds_disturbed && row->rounds_kept > 0;
}

bool plot_has_value(const struct bench_row *row)
{
	return !row->failed && isfinite(row->values[row->test->ratio_of]);
}

/* ---- Texts ----------------------------------------------------------------- */

void plot_write_text(FILE *gnuplot, const char *text)
{
	fputc('"', gnuplot);
	for (; *text; text++)
		fputc(strchr("\"\\`\n", *text) ? ' ' : *text, gnuplot);
	fputc('"', gnuplot);
}

void plot_write_label(FILE *gnuplot, unsigned x, unsigned y, unsigned height)
{
	fprintf(gnuplot, "set label at screen %.5f,%.5f ", (double)x / PLOT_WIDTH,
		1 - (double)y / height);
}

static const char *what_is_compared(const struct bench_case *test)
{
	switch (test->ratio_of) {
	case VALUE_MSGS_PER_S:
		return ", per second; more is better";
	case VALUE_GBIT_PER_S:
		return ", in Gbit/s; more is better";
	case VALUE_P50_US:
		return ": p50 of their time in µs; less is better";
	case VALUE_P999_US:
		return ": percentiles of their time from when they were due, in µs; less is better";
	case VALUE_RX_CPU_NS_PER_MSG:
		return ": the receiver's CPU time for each in ns; less is better";
	default:
		return ": the time for one in ns; less is better";
	}
}

static void write_parameters(FILE *text, const struct bench_group *group,
			     enum plot_parameter left_out)
{
	const struct bench_params *params = &group->params;

	fputs(group->test->name, text);
	if (params->size && left_out != PLOT_SIZE)
		fprintf(text, ", %s%u bytes", params->sizes_vary ? "up to " : "", params->size);
	if (group->test->sockets && left_out != PLOT_SOCKETS)
		fprintf(text, ", %u %s%s", params->sockets,
			group->test->copies ? "subscriber" : "peer",
			params->sockets > 1 ? "s" : "");
	if (case_commits(group->test) && left_out != PLOT_BATCH)
		fprintf(text, ", %u per commit", params->batch);
	if (group->test->hosts && left_out != PLOT_HOSTS)
		fprintf(text, ", %u hosts", params->hosts);
	if (group->test->hosts && left_out != PLOT_SOCKETS)
		fprintf(text, ", %u queues, %u active", params->sockets, params->active);
	if (group->test->paced)
		fprintf(text, ", %s messages/s", number_grouped(params->rate).text);
	if (params->load)
		fprintf(text, ", %u %% of the weakest capacity", params->load);
	if (params->flood)
		fputs(", beside a flood", text);
}

void plot_write_title(FILE *gnuplot, const struct bench_group *group, enum plot_parameter left_out,
		      unsigned top, unsigned height)
{
	const struct bench_case *test = group->test;
	bool bars = left_out == PLOT_PARAMETERS && !test->loads;

	fputs("unset label\nunset object\nunset arrow\n", gnuplot);
	plot_write_label(gnuplot, 20, top + 14, height);
	/* Nothing in it needs plot_write_text(). */
	fputc('"', gnuplot);
	write_parameters(gnuplot, group, left_out);
	fprintf(gnuplot, "\" noenhanced font ',12' textcolor rgb '%s'\n", PLOT_TEXT_COLOUR);
	plot_write_label(gnuplot, 20, top + 34, height);
	fprintf(gnuplot, "\"%s%s%s%s\" noenhanced textcolor rgb '%s'\n", test->counted,
		what_is_compared(test), test->reference && bars ? "; × to " : "",
		test->reference && bars ? test->reference : "", PLOT_QUIET_COLOUR);
}

/* ---- The axes of curves ---------------------------------------------------- */

void plot_open_curves(FILE *gnuplot, unsigned top, unsigned height)
{
	unsigned upper = top + PLOT_TITLE_HEIGHT;
	unsigned lower = top + PLOT_CURVES_HEIGHT - AXIS_HEIGHT;

	fprintf(gnuplot,
		"set border 3 linecolor rgb '%s'\nset logscale y\nset ytics nomirror\n"
		"set grid\nset key outside right top\n",
		PLOT_QUIET_COLOUR);
	fprintf(gnuplot, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n",
		(double)PLOT_NAMES_WIDTH / PLOT_WIDTH, 1 - (double)KEY_WIDTH / PLOT_WIDTH);
	fprintf(gnuplot, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
		1 - (double)upper / height, 1 - (double)lower / height);
}

void plot_close_curves(FILE *gnuplot)
{
	fputs("unset logscale\nunset border\nunset xtics\nunset ytics\nunset grid\nunset key\n"
	      "unset xlabel\nset format y\n",
	      gnuplot);
}
