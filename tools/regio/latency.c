/* SPDX-License-Identifier: MIT */
/*
 * Percentiles of latencies, to 99.999.
 */
#include "latency.h"

#include <math.h>
#include <string.h>

#include "console.h"
#include "output.h"

/* Of a name and of a value in the table. */
#define NAME_COLUMNS 20
#define COLUMNS 7
#define CHART_WIDTH 900
#define CHART_HEIGHT 480
#define TEXT_COLOUR "#303438"
#define QUIET_COLOUR "#70787f"

/* Of the curves in turn; the same as the bench has. */
static const char *const colours[] = {"#2f74b5", "#c8553d", "#4a9d5b", "#8e6bbf",
				      "#d9a23b", "#3aa6a6", "#70787f", "#b0407f"};

#define COLOURS (sizeof(colours) / sizeof(colours[0]))

struct percentile {
	const char *name;
	double fraction;
};

static const struct percentile percentiles[] = {
	{"p50", 0.5},	  {"p90", 0.9},	      {"p99", 0.99},
	{"p99.9", 0.999}, {"p99.99", 0.9999}, {"p99.999", 0.99999},
};

#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

void latency_tick(struct latency *latency)
{
	counter_set(&latency->p50_ns, histogram_quantile_ns(&latency->recent, 0.5));
	counter_set(&latency->p99_ns, histogram_quantile_ns(&latency->recent, 0.99));
	histogram_clear(&latency->recent);
}

/*
 * Up to six characters, so that a line fits 80 columns: "16.9", "47470", and from a second on
 * "1.25s".
 */
static void print_value(FILE *file, int columns, uint64_t value_ns)
{
	double us = (double)value_ns / 1e3;
	char text[16];

	if (us < 9999.95)
		snprintf(text, sizeof(text), "%.1f", us);
	else if (us < 999999.5)
		snprintf(text, sizeof(text), "%.0f", us);
	else
		snprintf(text, sizeof(text), "%.*fs", us < 9.995e6 ? 2 : 1, us / 1e6);
	fprintf(file, "%*s", columns, text);
}

/* As wide as its title, and a blank. */
static int columns_of(const struct percentile *percentile)
{
	int columns = (int)strlen(percentile->name) + 1;

	return columns < COLUMNS ? COLUMNS : columns;
}

void latency_print_titles(FILE *file, const char *name)
{
	char title[32];

	snprintf(title, sizeof(title), "%s, us", name);
	/* The title may reach into the column of the minimum. */
	fprintf(file, "  %-*smin", NAME_COLUMNS + COLUMNS - 3, title);
	for (size_t i = 0; i < PERCENTILES; i++)
		fprintf(file, "%*s", columns_of(&percentiles[i]), percentiles[i].name);
	fprintf(file, "%*s\n", COLUMNS, "max");
}

void latency_print(FILE *file, const char *name, const struct histogram *histogram)
{
	fprintf(file, "  %-*s", NAME_COLUMNS, name);
	if (histogram->count == 0) {
		fprintf(file, "%*s\n", COLUMNS, "none");
		return;
	}
	print_value(file, COLUMNS, histogram_quantile_ns(histogram, 0));
	for (size_t i = 0; i < PERCENTILES; i++)
		print_value(file, columns_of(&percentiles[i]),
			    histogram_quantile_ns(histogram, percentiles[i].fraction));
	print_value(file, COLUMNS, histogram->max_ns);
	fputc('\n', file);
}

void latency_add_json(cJSON *object, const char *name, const struct histogram *histogram)
{
	cJSON *latency;

	if (histogram->count == 0)
		return;
	latency = cJSON_AddObjectToObject(object, name);
	cJSON_AddNumberToObject(latency, "count", (double)histogram->count);
	cJSON_AddNumberToObject(latency, "min", (double)histogram_quantile_ns(histogram, 0) / 1e3);
	for (size_t i = 0; i < PERCENTILES; i++)
		cJSON_AddNumberToObject(
			latency, percentiles[i].name,
			(double)histogram_quantile_ns(histogram, percentiles[i].fraction) / 1e3);
	cJSON_AddNumberToObject(latency, "max", (double)histogram->max_ns / 1e3);
}

/*
 * Points of the curve: x is how many nines, so that the tail has as much room as
 * the rest; it ends where a single message is.
 */
static void write_curve(FILE *gnuplot, const struct histogram *histogram, unsigned block)
{
	fprintf(gnuplot, "$curve%u << END\n", block);
	for (int step = 0; step <= 100; step++) {
		double nines = step / 20.0;
		double above = pow(10, -nines);

		if (above * (double)histogram->count < 1)
			break;
		fprintf(gnuplot, "%g %g\n", nines,
			(double)histogram_quantile_ns(histogram, 1 - above) / 1e3);
	}
	fprintf(gnuplot, "END\n");
}

int latency_plot(const char *path, const char *title, const struct histogram *const *histograms,
		 const char *const *names, unsigned count)
{
	FILE *gnuplot = plot_open(console_command(), path, CHART_WIDTH, CHART_HEIGHT);
	unsigned drawn = 0;

	if (!gnuplot)
		return -1;
	for (unsigned i = 0; i < count; i++)
		write_curve(gnuplot, histograms[i], i);
	fprintf(gnuplot,
		"set title \"%s\" noenhanced textcolor rgb \"%s\"\n"
		"set ylabel \"latency, µs\" textcolor rgb \"%s\"\n"
		"set xtics nomirror (\"0 %%%%\" 0, \"50 %%%%\" 0.30103, \"90 %%%%\" 1, \"99 %%%%\" "
		"2, "
		"\"99.9 %%%%\" 3, \"99.99 %%%%\" 4, \"99.999 %%%%\" 5)\n"
		"set xrange [0:5]\nset logscale y\nset ytics nomirror\nset grid\n"
		"set border 3 linecolor rgb \"%s\"\n"
		"set key bottom right Left reverse maxrows 12 textcolor rgb \"%s\"\nplot",
		title, TEXT_COLOUR, TEXT_COLOUR, QUIET_COLOUR, TEXT_COLOUR);
	for (unsigned i = 0; i < count; i++) {
		if (histograms[i]->count > 0)
			fprintf(gnuplot,
				"%s $curve%u with lines linewidth 2 linecolor rgb \"%s\" title "
				"\"%s\" noenhanced",
				drawn++ ? "," : "", i, colours[i % COLOURS], names[i]);
	}
	fprintf(gnuplot, drawn ? "\n" : " NaN notitle\n");
	return plot_close(console_command(), path, gnuplot);
}
