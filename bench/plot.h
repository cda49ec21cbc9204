/* SPDX-License-Identifier: MIT */
/*
 * The charts of a picture, and what they share. A chart is written as commands of gnuplot. 'top' is
 * where it begins, in pixels from the upper edge of a picture of 'height' pixels.
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "report.h"

/* In pixels. */
#define PLOT_WIDTH 1140u
#define PLOT_NAMES_WIDTH 130u
#define PLOT_TITLE_HEIGHT 52u
#define PLOT_GAP_HEIGHT 18u

#define PLOT_TEXT_COLOUR "#303438"
#define PLOT_QUIET_COLOUR "#70787f"
#define PLOT_WARNING_COLOUR "#b03020"

enum plot_kind { PLOT_PEER, PLOT_LIMIT, PLOT_REGIO, PLOT_KINDS };

struct plot_kind_look {
	const char *name;
	const char *colour;
};

extern const struct plot_kind_look plot_kinds[PLOT_KINDS];

enum plot_kind plot_kind_of(const struct bench_impl *impl);

/* What the groups of a chart may differ in. */
enum plot_parameter { PLOT_SIZE, PLOT_SOCKETS, PLOT_BATCH, PLOT_HOSTS, PLOT_PARAMETERS };

/* A string of gnuplot's: what would end it is left out. */
void plot_write_text(FILE *gnuplot, const char *text);

/* 'x' and 'y' are in pixels from the upper left corner. */
void plot_write_label(FILE *gnuplot, unsigned x, unsigned y, unsigned height);

/*
 * Two lines above a chart: the parameters of the group but 'left_out', which may be
 * PLOT_PARAMETERS, and what is compared. Takes the labels of the chart before away.
 */
void plot_write_title(FILE *gnuplot, const struct bench_group *group, enum plot_parameter left_out,
		      unsigned top, unsigned height);

double plot_per_cent_lost(const struct bench_row *row);

/* Whether at least one round was kept and none was disturbed. */
bool plot_trusted(const struct bench_row *row);

/* Whether there is a figure. */
bool plot_has_value(const struct bench_row *row);

/* ---- Bars: a group, a bar for each row ------------------------------------------ */

unsigned plot_bars_height(const struct bench_group *group);

void plot_write_bars(FILE *gnuplot, const struct bench_group *group, unsigned top, unsigned height);

/* ---- Curves --------------------------------------------------------------------- */

#define PLOT_CURVES_HEIGHT 400u /* with title and axis */

/* Colours are given out in turn; zeroed before the first curve of a chart. */
struct plot_palette {
	unsigned used[PLOT_KINDS];
};

const char *plot_next_colour(struct plot_palette *palette, const struct bench_impl *impl);

/* The axes, and room for the names of the curves. */
void plot_open_curves(FILE *gnuplot, unsigned top, unsigned height);

void plot_close_curves(FILE *gnuplot);

/* Percentiles of a group: a curve for each row. */
void plot_write_percentiles(FILE *gnuplot, const struct bench_group *group, unsigned top,
			    unsigned height);

/*
 * How many of the groups, from the first, differ in one parameter alone, which increases; 0 if they
 * are too few for a curve.
 */
unsigned plot_growth_groups(const struct bench_group *groups, unsigned count,
			    enum plot_parameter *ret_parameter);

/* How figures grow with a parameter: a curve for each implementation, a point for each group. */
void plot_write_growth(FILE *gnuplot, const struct bench_group *groups, unsigned count,
		       enum plot_parameter parameter, unsigned top, unsigned height);

#endif
