/* SPDX-License-Identifier: MIT */
/*
 * How figures grow with a parameter: a curve for each implementation over groups that differ in
 * that parameter alone. A bar spans the rounds; a point whose rounds were disturbed is hollow.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "plot.h"

/* Fewer are better compared as bars. */
#define GROUPS_MIN 3u

/* Between the outermost points and the frame, as a factor. */
#define MARGIN 1.15

#define POINT_TRUSTED 7
#define POINT_DISTURBED 6

static const struct {
	size_t offset; /* in struct bench_params */
	const char *axis;
} parameters[PLOT_PARAMETERS] = {
	[PLOT_SIZE] = {offsetof(struct bench_params, size), "bytes of a message"},
	[PLOT_SOCKETS] = {offsetof(struct bench_params, sockets), "sockets"},
	[PLOT_BATCH] = {offsetof(struct bench_params, batch), "messages in a commit"},
	[PLOT_HOSTS] = {offsetof(struct bench_params, hosts), "hosts"},
};

static uint32_t parameter_of(const struct bench_group *group, enum plot_parameter parameter)
{
	uint32_t value;

	memcpy(&value, (const char *)&group->params + parameters[parameter].offset, sizeof(value));
	return value;
}

/* The one parameter that is greater in the second group, or PLOT_PARAMETERS. */
static enum plot_parameter what_grows(const struct bench_group *first,
				      const struct bench_group *second)
{
	enum plot_parameter grows = PLOT_PARAMETERS;

	if (first->test != second->test || first->test->loads ||
	    first->params.flood != second->params.flood ||
	    first->params.workers != second->params.workers)
		return PLOT_PARAMETERS;
	for (enum plot_parameter i = 0; i < PLOT_PARAMETERS; i++) {
		uint32_t less = parameter_of(first, i), more = parameter_of(second, i);

		if (less > more || (less < more && grows != PLOT_PARAMETERS))
			return PLOT_PARAMETERS;
		if (less < more)
			grows = i;
	}
	return grows;
}

unsigned plot_growth_groups(const struct bench_group *groups, unsigned count,
			    enum plot_parameter *ret_parameter)
{
	unsigned length = 1;

	if (count < GROUPS_MIN)
		return 0;
	*ret_parameter = what_grows(&groups[0], &groups[1]);
	if (*ret_parameter == PLOT_PARAMETERS)
		return 0;
	while (length < count && what_grows(&groups[length - 1], &groups[length]) == *ret_parameter)
		length++;
	return length < GROUPS_MIN ? 0 : length;
}

/* ---- Curves ---------------------------------------------------------------- */

static const struct bench_row *row_of(const struct bench_group *group,
				      const struct bench_impl *impl)
{
	for (unsigned i = 0; i < group->row_count; i++) {
		if (group->rows[i].impl == impl && plot_has_value(&group->rows[i]))
			return &group->rows[i];
	}
	return NULL;
}

/* Of the values and rounds drawn. */
struct extent {
	double least;
	double most;
};

/* Returns what per cent of the messages was lost where most were. */
static double write_points(FILE *gnuplot, unsigned index, const struct bench_group *groups,
			   unsigned count, enum plot_parameter parameter, struct extent *extent)
{
	const struct bench_impl *impl = groups[0].rows[index].impl;
	double lost = 0;

	fprintf(gnuplot, "$curve%u << END\n", index);
	for (unsigned i = 0; i < count; i++) {
		const struct bench_row *row = row_of(&groups[i], impl);
		double value, least, most;

		if (!row)
			continue;
		value = row->values[row->test->ratio_of];
		least = fmin(row->least, value);
		most = fmax(row->most, value);
		fprintf(gnuplot, "%u %.9g %.9g %.9g %d\n", parameter_of(&groups[i], parameter),
			value, least, most, plot_trusted(row) ? POINT_TRUSTED : POINT_DISTURBED);
		extent->least = fmin(extent->least, least);
		extent->most = fmax(extent->most, most);
		lost = fmax(lost, plot_per_cent_lost(row));
	}
	fprintf(gnuplot, "END\n");
	return lost;
}

/* Has a tick at each value measured. */
static void write_x_axis(FILE *gnuplot, const struct bench_group *groups, unsigned count,
			 enum plot_parameter parameter)
{
	double first = parameter_of(&groups[0], parameter);
	double last = parameter_of(&groups[count - 1], parameter);

	fprintf(gnuplot, "set logscale x\nset xrange [%.9g:%.9g]\nset xlabel '%s'\n",
		first / MARGIN, last * MARGIN, parameters[parameter].axis);
	fputs("set xtics nomirror (", gnuplot);
	for (unsigned i = 0; i < count; i++)
		fprintf(gnuplot, "%s%u", i ? ", " : "", parameter_of(&groups[i], parameter));
	fputs(")\n", gnuplot);
}

/* Has ticks at 1, 2 and 5 times powers of ten, or at these alone where there are many. */
static void write_y_axis(FILE *gnuplot, struct extent extent)
{
	static const double steps[] = {1, 2, 5};
	double least = extent.least / MARGIN, most = extent.most * MARGIN;
	unsigned count = most / least < 1000 ? 3 : 1;
	int first, last;

	if (!(extent.least > 0 && extent.most < INFINITY))
		return;
	first = (int)floor(log10(least));
	last = (int)floor(log10(most));
	fprintf(gnuplot, "set format y '%%.0s%%c'\nset yrange [%.9g:%.9g]\nset ytics nomirror (",
		least, most);
	for (int power = first; power <= last; power++) {
		for (unsigned i = 0; i < count; i++)
			fprintf(gnuplot, "%s%.9g", i || power > first ? ", " : "",
				steps[i] * pow(10, power));
	}
	fputs(")\n", gnuplot);
}

static void plot_curves(FILE *gnuplot, const struct bench_group *group, const double *lost)
{
	struct plot_palette palette = {0};

	fputs("plot NaN notitle", gnuplot);
	for (unsigned i = 0; i < group->row_count; i++) {
		const char *colour = plot_next_colour(&palette, group->rows[i].impl);
		char note[32] = "";

		if (lost[i] > 0)
			snprintf(note, sizeof(note), ", lost %s%.1f %%",
				 lost[i] < 0.1 ? "< " : "to ", fmax(lost[i], 0.1));
		fprintf(gnuplot,
			", $curve%u using 1:2 with lines linewidth 1.8 linecolor rgb '%s' "
			"title '%s%s' noenhanced",
			i, colour, group->rows[i].impl->name, note);
		fprintf(gnuplot,
			", $curve%u using 1:2:3:4:5 with yerrorbars pointtype variable "
			"pointsize 0.6 linecolor rgb '%s' notitle",
			i, colour);
	}
	fputc('\n', gnuplot);
}

void plot_write_growth(FILE *gnuplot, const struct bench_group *groups, unsigned count,
		       enum plot_parameter parameter, unsigned top, unsigned height)
{
	struct extent extent = {INFINITY, 0};
	double lost[OPTIONS_LIST_MAX];

	plot_write_title(gnuplot, &groups[0], parameter, top, height);
	for (unsigned i = 0; i < groups[0].row_count; i++)
		lost[i] = write_points(gnuplot, i, groups, count, parameter, &extent);
	plot_open_curves(gnuplot, top, height);
	write_x_axis(gnuplot, groups, count, parameter);
	write_y_axis(gnuplot, extent);
	plot_curves(gnuplot, &groups[0], lost);
	plot_close_curves(gnuplot);
}
