/* SPDX-License-Identifier: MIT */
/*
 * The tables on the terminal. A column in which no row has a value is left out.
 */
#include <math.h>
#include <regio.h>
#include <string.h>

#include "lengths.h"
#include "report.h"

typedef double column_fn(const struct bench_row *row);

static double rate_millions(const struct bench_row *row)
{
	return row->values[VALUE_MSGS_PER_S] / 1e6;
}

static double ratio(const struct bench_row *row)
{
	return row->ratio;
}

static double per_cent_lost(const struct bench_row *row)
{
	const struct bench_losses *losses = &row->losses;

	if (!case_delivers(row->test))
		return NAN;
	return 100.0 * (double)losses->lost / (double)(losses->lost + losses->arrived);
}

static double disorder(const struct bench_row *row, uint64_t count)
{
	bool checked = row->params.verify && case_delivers(row->test);

	return count || checked ? (double)count : NAN;
}

static double duplicated(const struct bench_row *row)
{
	return disorder(row, row->losses.duplicated);
}

static double reordered(const struct bench_row *row)
{
	return disorder(row, row->losses.reordered);
}

static double corrupted(const struct bench_row *row)
{
	return disorder(row, row->losses.corrupted);
}

static double per_cent_spread(const struct bench_row *row)
{
	return row->rounds_kept > 1 ? 100.0 * row->spread : NAN;
}

struct column {
	const char *title;
	int decimals;
	column_fn *get; /* NULL: the value below */
	enum bench_value value;
};

static const struct column columns[] = {
	{"Mmsg/s", 3, rate_millions, 0},
	{"Gbit/s", 2, NULL, VALUE_GBIT_PER_S},
	{"ratio", 2, ratio, 0},
	{"ns/msg", 1, NULL, VALUE_NS_PER_MSG},
	{"ns tx", 1, NULL, VALUE_TX_NS_PER_MSG},
	{"ns rx", 1, NULL, VALUE_RX_NS_PER_MSG},
	{"cpu tx", 0, NULL, VALUE_TX_CPU_NS_PER_MSG},
	{"cpu rx", 0, NULL, VALUE_RX_CPU_NS_PER_MSG},
	{"calls tx", 3, NULL, VALUE_TX_SYSCALLS_PER_MSG},
	{"calls rx", 3, NULL, VALUE_RX_SYSCALLS_PER_MSG},
	{"empty tx", 3, NULL, VALUE_TX_EMPTY_PER_MSG},
	{"empty rx", 3, NULL, VALUE_RX_EMPTY_PER_MSG},
	{"p50 us", 2, NULL, VALUE_P50_US},
	{"p99 us", 2, NULL, VALUE_P99_US},
	{"p99.9 us", 1, NULL, VALUE_P999_US},
	{"max us", 0, NULL, VALUE_MAX_US},
	{"lost %", 2, per_cent_lost, 0},
	{"twice", 0, duplicated, 0},
	{"disorder", 0, reordered, 0},
	{"corrupt", 0, corrupted, 0},
	{"spread %", 0, per_cent_spread, 0},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static double cell(const struct column *column, const struct bench_row *row)
{
	return column->get ? column->get(row) : row->values[column->value];
}

static bool column_empty(const struct column *column, const struct bench_group *group)
{
	for (unsigned i = 0; i < group->row_count; i++) {
		if (!group->rows[i].failed && !isnan(cell(column, &group->rows[i])))
			return false;
	}
	return true;
}

static void print_row(FILE *file, const struct bench_group *group, const struct bench_row *row)
{
	fprintf(file, "  %-12s", row->impl->name);
	if (row->failed) {
		fprintf(file, "  FAILED: %s\n", row->error);
		return;
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		double value = cell(&columns[i], row);

		if (column_empty(&columns[i], group))
			continue;
		if (isnan(value))
			fprintf(file, " %9s", "-");
		else
			fprintf(file, " %9.*f", columns[i].decimals, value);
	}
	fprintf(file, "\n");
}

static void print_title(FILE *file, const struct bench_group *group)
{
	const struct bench_params *params = &group->params;

	fprintf(file, "\n%s: %s\n ", group->test->name, group->test->about);
	if (params->size)
		fprintf(file, " %s%u bytes,", params->sizes_vary ? "up to " : "", params->size);
	if (group->test->sockets)
		fprintf(file, " %u %s%s,", params->sockets,
			group->test->copies ? "subscriber" : "peer",
			params->sockets > 1 ? "s" : "");
	if (case_commits(group->test))
		fprintf(file, " %u per commit,", params->batch);
	if (params->verify && case_delivers(group->test))
		fprintf(file, " every message verified,");
	if (params->one_core)
		fprintf(file, " both sides on one core\n");
	else
		fprintf(file, " cores %.0f to %.0f ns apart\n", group->core_min_ns,
			group->core_max_ns);
	fprintf(file, "  %s\n\n", group->test->figure);
}

static void print_notes(FILE *file, const struct bench_group *group)
{
	const char *note = "";
	unsigned set_aside = 0, disturbed = 0;

	for (unsigned i = 0; i < group->row_count; i++) {
		set_aside += group->rows[i].rounds_set_aside;
		disturbed += group->rows[i].rounds_disturbed;
		if (group->rows[i].calls_note[0])
			note = group->rows[i].calls_note;
	}
	if (set_aside)
		fprintf(file, "  %u rounds set aside: the cores were placed otherwise\n",
			set_aside);
	if (disturbed)
		fprintf(file,
			"  %u rounds were disturbed: a side that spins had not all of its core\n",
			disturbed);
	if (*note)
		fprintf(file, "  system calls not counted: %s\n", note);
}

static void print_placement(FILE *file, const struct placement *placement)
{
	fprintf(file, "sending side on CPU %d, receiving side on CPU %d, ",
		placement->cpus[BENCH_TX], placement->cpus[BENCH_RX]);
	if (memcmp(placement->thread_cpus, placement->cpus, sizeof(placement->cpus)) != 0)
		fprintf(file, "driver threads on %d and %d\n", placement->thread_cpus[BENCH_TX],
			placement->thread_cpus[BENCH_RX]);
	else
		fprintf(file, "driver threads beside them\n");
}

void report_heading(FILE *file, const struct bench_plan *plan, const struct bench_host *host)
{
	const struct bench_options *options = plan->options;
	uint32_t version = regio_version();

	fprintf(file, "regio %u.%u.%u on %s, %u x %s\n", version >> 16, version >> 8 & 0xff,
		version & 0xff, host->kernel, host->cores, host->cpu_model);
	print_placement(file, &plan->placement);
	fprintf(file, "socket buffers %d KiB receive, %d KiB send\n",
		host->grant.receive_bytes / 1024, host->grant.send_bytes / 1024);
	fprintf(file, "%u interleaved rounds, %.3g s for each implementation; medians\n",
		options->rounds, options->seconds);
	fprintf(file, "an empty system call takes %.0f ns", plan->dear.plain_ns);
	if (plan->dear.wanted_ns)
		fprintf(file, ", and %.0f ns as both sides make it (--dear-calls %u)",
			plan->dear.dear_ns, plan->dear.wanted_ns);
	fprintf(file, "\n");
	if (plan->counting.way == CALLS_BY_TRACEPOINT)
		fprintf(file, "system calls counted by tracepoints, in a pass of their own\n");
	else
		fprintf(file,
			"system calls counted by stopping both sides at each, in a pass of their "
			"own: %s\n",
			plan->counting.reason);
	for (unsigned i = 0; i < plan->skip_count; i++)
		fprintf(file, "left out: %s: %s\n", plan->skips[i].impl->name,
			plan->skips[i].reason);
}

void report_length(FILE *file, const struct bench_plan *plan)
{
	const struct bench_options *options = plan->options;
	char text[LENGTH_TEXT_BYTES];
	double seconds = 0;
	unsigned rows = 0;

	for (unsigned i = 0; i < plan->group_count; i++) {
		const struct bench_group *group = &plan->groups[i];

		rows += group->row_count;
		seconds += group->row_count * length_of_row_s(options->seconds, options->rounds,
							      group->params.sockets);
	}
	length_text(seconds, text);
	fprintf(file, "%u row%s: about %s\n", rows, rows == 1 ? "" : "s", text);
	fflush(file);
}

void report_group(FILE *file, const struct bench_group *group)
{
	print_title(file, group);
	fprintf(file, "  %-12s", "");
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!column_empty(&columns[i], group))
			fprintf(file, " %9s", columns[i].title);
	}
	fprintf(file, "\n");
	for (unsigned i = 0; i < group->row_count; i++)
		print_row(file, group, &group->rows[i]);
	print_notes(file, group);
	fflush(file);
}

void report_legend(FILE *file)
{
	fputs("\n"
	      "What each figure means\n"
	      "  Mmsg/s      million distinct messages received a second (round trips, requests);\n"
	      "              udp-nodefer: sends the kernel has accepted; udp-multicast: of\n"
	      "              one subscriber\n"
	      "  ratio       to the implementation named above each table, which has 1.00\n"
	      "  ns/msg      wall-clock time for each of them\n"
	      "  cpu tx, rx  CPU time of the sending process per message sent, and of the\n"
	      "              receiving process per message received, in ns, the kernel's work\n"
	      "              included; udp-paced: tx is the time inside sends alone, and that\n"
	      "              of a driver's thread\n"
	      "  calls       system calls per message, in a pass of its own\n"
	      "  empty       of these, calls that found nothing: receives and sends that would\n"
	      "              have had to wait, waits without an event, yields\n"
	      "  p50..max    round trip; udp-paced: from when the message was due to be sent\n"
	      "  lost        messages sent and never received, of all sent\n"
	      "  spread      largest less smallest round, of the median of what is compared\n",
	      file);
}
