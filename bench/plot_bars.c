/* SPDX-License-Identifier: MIT */
/*
 * A chart of bars: one for each row of a group, with its name before it and its value after it.
 * Bars begin at zero, so lengths may be compared. A whisker spans the rounds; a row whose rounds
 * were disturbed is hatched, and says so.
 */
#include <math.h>
#include <string.h>

#include "plot.h"

#define BAR_HEIGHT 24u
/* Of the room for bars, what the longest may take; texts need the rest. */
#define BARS_SHARE 0.46

unsigned plot_bars_height(const struct bench_group *group)
{
	return PLOT_TITLE_HEIGHT + group->row_count * BAR_HEIGHT + PLOT_GAP_HEIGHT;
}

/* ---- Texts ---------------------------------------------------------------- */

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

/* What takes from a figure's worth; "" where nothing does. */
static void warning_text(const struct bench_row *row, char *ret_text, size_t bytes)
{
	double lost = plot_per_cent_lost(row);
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

/* ---- A row ---------------------------------------------------------------- */

static double longest(const struct bench_group *group)
{
	double most = 0;

	for (unsigned i = 0; i < group->row_count; i++) {
		if (plot_has_value(&group->rows[i]))
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
		y - 0.34, value, y + 0.34, plot_kinds[plot_kind_of(row->impl)].colour,
		plot_trusted(row) ? "solid 1.0" : "transparent pattern 4",
		plot_kinds[plot_kind_of(row->impl)].colour);
	if (row->most <= row->least)
		return;
	fprintf(gnuplot,
		"set arrow from first %.9g,%.3f to first %.9g,%.3f heads size screen 0.004,90 "
		"front linecolor rgb '%s' linewidth 1.2\n",
		row->least, y, fmin(row->most, end), y, PLOT_TEXT_COLOUR);
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
		y, row->impl->name, PLOT_TEXT_COLOUR);
	warning_text(row, warning, sizeof(warning));
	if (plot_has_value(row)) {
		write_bar(gnuplot, group, index, end);
		value_text(value, group->test->ratio_of, text, sizeof(text));
		if (isfinite(row->ratio))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "   %.*f×",
				 row->ratio < 10 ? 2 : 1, row->ratio);
	}
	fprintf(gnuplot, "set label at first %.9g,%.3f ",
		plot_has_value(row) ? fmax(value, row->most) : 0.0, y);
	plot_write_text(gnuplot, text);
	fprintf(gnuplot, " left offset character 0.8,0 noenhanced textcolor rgb '%s'\n",
		PLOT_TEXT_COLOUR);
	/* In a column of their own, at the right. */
	fprintf(gnuplot, "set label at graph 1,first %.3f ", y);
	plot_write_text(gnuplot, warning);
	fprintf(gnuplot, " right noenhanced textcolor rgb '%s'\n", PLOT_WARNING_COLOUR);
}

void plot_write_bars(FILE *gnuplot, const struct bench_group *group, unsigned top, unsigned height)
{
	unsigned bars = top + PLOT_TITLE_HEIGHT;
	double end = longest(group) / BARS_SHARE;

	plot_write_title(gnuplot, group, PLOT_PARAMETERS, top, height);
	for (unsigned i = 0; i < group->row_count; i++)
		write_row(gnuplot, group, i, end);
	fprintf(gnuplot,
		"set arrow from first 0,graph 0 to first 0,graph 1 nohead front linecolor rgb "
		"'%s'\n",
		PLOT_QUIET_COLOUR);
	fprintf(gnuplot, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n",
		(double)PLOT_NAMES_WIDTH / PLOT_WIDTH, 1 - 20.0 / PLOT_WIDTH);
	fprintf(gnuplot, "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
		1 - (double)bars / height,
		1 - (double)(bars + group->row_count * BAR_HEIGHT) / height);
	fprintf(gnuplot, "set xrange [0:%.9g]\nset yrange [0.5:%u.5]\nplot NaN notitle\n", end,
		group->row_count);
}
