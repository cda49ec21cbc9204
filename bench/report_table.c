/* SPDX-License-Identifier: MIT */
/*
 * The tables on the terminal. A column in which no row has a value is left out,
 * and one there is no room for.
 */
#include <math.h>
#include <regio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "columns.h"
#include "instructions.h"
#include "lengths.h"
#include "numbers.h"
#include "output.h"
#include "report.h"

/* What fits into most terminals and all reviews. */
#define TABLE_WIDTH_MAX 100u

typedef double column_fn(const struct bench_row *row);

static double rate_millions(const struct bench_row *row)
{
	return row->values[VALUE_MSGS_PER_S] / 1e6;
}

/* Where there is no rate, of which it is the other side. */
static double lone_ns(const struct bench_row *row)
{
	return isnan(row->values[VALUE_MSGS_PER_S]) ? row->values[VALUE_NS_PER_MSG] : NAN;
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

static double worst(const struct bench_row *row)
{
	return row->test->hosts || row->test->loads ? row->worst_us : NAN;
}

struct column {
	const char *family; /* above the titles of neighbours, or NULL */
	const char *title;
	int decimals;	/* BY_SIZE: three digits */
	unsigned turn;	/* to be left out, see columns.h */
	column_fn *get; /* NULL: the value below */
	enum bench_value value;
};

#define BY_SIZE (-1)

/* What says least beside the others has the first turn. */
static const struct column columns[] = {
	{NULL, "Mmsg/s", 3, 0, rate_millions, 0},
	{NULL, "Gbit/s", 2, 0, NULL, VALUE_GBIT_PER_S},
	{NULL, "ratio", 2, 0, ratio, 0},
	{NULL, "ns/msg", BY_SIZE, 0, lone_ns, 0},
	{"ns", "tx", BY_SIZE, 9, NULL, VALUE_TX_NS_PER_MSG},
	{"ns", "rx", BY_SIZE, 8, NULL, VALUE_RX_NS_PER_MSG},
	{"cpu ns", "tx", 0, 6, NULL, VALUE_TX_CPU_NS_PER_MSG},
	{"cpu ns", "rx", 0, 0, NULL, VALUE_RX_CPU_NS_PER_MSG},
	{"calls", "tx", BY_SIZE, 5, NULL, VALUE_TX_SYSCALLS_PER_MSG},
	{"calls", "rx", BY_SIZE, 0, NULL, VALUE_RX_SYSCALLS_PER_MSG},
	{"empty", "tx", BY_SIZE, 4, NULL, VALUE_TX_EMPTY_PER_MSG},
	{"empty", "rx", BY_SIZE, 0, NULL, VALUE_RX_EMPTY_PER_MSG},
	{"us", "p50", BY_SIZE, 0, NULL, VALUE_P50_US},
	{"us", "p99", BY_SIZE, 7, NULL, VALUE_P99_US},
	{"us", "p99.9", BY_SIZE, 2, NULL, VALUE_P999_US},
	{"us", "max", BY_SIZE, 1, NULL, VALUE_MAX_US},
	{"us", "worst", BY_SIZE, 0, worst, 0},
	{"%", "lost", 2, 0, per_cent_lost, 0},
	{"%", "spread", 0, 3, per_cent_spread, 0},
	{NULL, "instr", 0, 0, NULL, VALUE_RX_INSTRUCTIONS_PER_MSG},
	{NULL, "Jain", 3, 0, NULL, VALUE_FAIRNESS},
	{"queue", "bytes", 0, 0, NULL, VALUE_QUEUE_BYTES},
	{"all, ms", "open", BY_SIZE, 0, NULL, VALUE_OPEN_MS},
	{"all, ms", "close", BY_SIZE, 0, NULL, VALUE_CLOSE_MS},
	{NULL, "twice", 0, 0, duplicated, 0},
	{NULL, "disorder", 0, 0, reordered, 0},
	{NULL, "corrupt", 0, 0, corrupted, 0},
};

#define COLUMNS ((unsigned)(sizeof(columns) / sizeof(columns[0])))
#define ROWS_MAX 32u
#define CELL_BYTES 24u

/* A group's cells as text, and how wide its columns are. */
struct table {
	const struct bench_group *group;
	unsigned lead; /* the column of names */
	bool shown[COLUMNS];
	struct column_room room[COLUMNS];
	char cells[ROWS_MAX][COLUMNS][CELL_BYTES];
};

static double cell(const struct column *column, const struct bench_row *row)
{
	return column->get ? column->get(row) : row->values[column->value];
}

static int decimals_for(double largest)
{
	return largest < 1 ? 3 : largest < 10 ? 2 : largest < 100 ? 1 : 0;
}

/* How many decimals the column has; -1 when it has no value at all. */
static int column_decimals(const struct column *column, const struct bench_group *group)
{
	double largest = -1;

	for (unsigned i = 0; i < group->row_count; i++) {
		if (!group->rows[i].failed)
			largest = fmax(largest, cell(column, &group->rows[i]));
	}
	if (largest < 0)
		return -1;
	return column->decimals == BY_SIZE ? decimals_for(largest) : column->decimals;
}

/* The rate of the first column is not always one of messages. */
static const char *column_title(unsigned index, const struct bench_group *group)
{
	return index == 0 && group->test->unread ? "Msends/s" : columns[index].title;
}

static bool same_family(unsigned left, unsigned right)
{
	return columns[left].family && columns[right].family &&
	       !strcmp(columns[left].family, columns[right].family);
}

/* Where a tail is what counts, calls give way to it. */
static unsigned turn_of(const struct column *column, const struct bench_case *test)
{
	if (!test->open_loop || column->get)
		return column->turn;
	switch (column->value) {
	case VALUE_P99_US:
	case VALUE_P999_US:
		return 0;
	case VALUE_RX_SYSCALLS_PER_MSG:
	case VALUE_RX_EMPTY_PER_MSG:
		return 1;
	case VALUE_QUEUE_BYTES:
	case VALUE_OPEN_MS:
	case VALUE_CLOSE_MS:
		return 10;
	default:
		return column->turn;
	}
}

static void fill_column(struct table *table, unsigned index)
{
	const struct bench_group *group = table->group;
	const struct column *column = &columns[index];
	struct column_room *room = &table->room[index];
	int decimals = column_decimals(column, group);

	table->shown[index] = decimals >= 0;
	room->gap = index > 0 && same_family(index - 1, index) ? 1 : 2;
	room->turn = turn_of(column, group->test);
	room->width = (unsigned)strlen(column_title(index, group));
	for (unsigned i = 0; i < group->row_count && decimals >= 0; i++) {
		double value = cell(column, &group->rows[i]);
		char *text = table->cells[i][index];
		unsigned width;

		if (group->rows[i].failed)
			continue;
		if (isnan(value))
			snprintf(text, CELL_BYTES, "-");
		else
			snprintf(text, CELL_BYTES, "%.*f", decimals, value);
		width = (unsigned)strlen(text);
		if (width > room->width)
			room->width = width;
	}
}

/* Where the family of 'first' ends: the index after its last column. */
static unsigned family_end(unsigned first)
{
	unsigned end = first + 1;

	while (end < COLUMNS && same_family(first, end))
		end++;
	return end;
}

/* The characters a family takes, the gap before it left out. */
static unsigned family_span(const struct table *table, unsigned first, unsigned end)
{
	unsigned span = 0;

	for (unsigned i = first; i < end; i++) {
		if (table->shown[i])
			span += table->room[i].width + (span > 0);
	}
	return span;
}

/* Gaps between those that are left, and room for the names of families. */
static void settle_families(struct table *table)
{
	for (unsigned first = 0; first < COLUMNS; first = family_end(first)) {
		unsigned end = family_end(first);
		unsigned span = family_span(table, first, end);
		unsigned name = columns[first].family ? (unsigned)strlen(columns[first].family) : 0;
		bool leading = true;

		for (unsigned i = first; i < end; i++) {
			if (!table->shown[i])
				continue;
			table->room[i].gap = leading ? 2 : 1;
			if (leading && span < name)
				table->room[i].width += name - span;
			leading = false;
		}
	}
}

static void make_table(struct table *table, const struct bench_group *group, unsigned limit)
{
	memset(table, 0, sizeof(*table));
	table->group = group;
	for (unsigned i = 0; i < group->row_count; i++) {
		unsigned width = 2 + (unsigned)strlen(group->rows[i].impl->name);

		if (width > table->lead)
			table->lead = width;
	}
	for (unsigned i = 0; i < COLUMNS; i++)
		fill_column(table, i);
	/* A family's last column may have to be wider than before, for the name. */
	do {
		settle_families(table);
	} while (columns_fit(table->room, COLUMNS, table->lead, limit, table->shown) > 0);
}

static void print_families(FILE *file, const struct table *table)
{
	unsigned pending = table->lead;

	for (unsigned first = 0; first < COLUMNS; first = family_end(first)) {
		unsigned span = family_span(table, first, family_end(first));
		const char *name = columns[first].family ? columns[first].family : "";
		unsigned left = (span - (unsigned)strlen(name)) / 2;

		if (span == 0)
			continue;
		pending += 2;
		if (*name) {
			fprintf(file, "%*s%s", (int)(pending + left), "", name);
			pending = span - left - (unsigned)strlen(name);
		} else {
			pending += span;
		}
	}
	fprintf(file, "\n");
}

static void print_titles(FILE *file, const struct table *table)
{
	fprintf(file, "%*s", (int)table->lead, "");
	for (unsigned i = 0; i < COLUMNS; i++) {
		if (table->shown[i])
			fprintf(file, "%*s%*s", (int)table->room[i].gap, "",
				(int)table->room[i].width, column_title(i, table->group));
	}
	fprintf(file, "\n");
}

static void print_row(FILE *file, const struct table *table, unsigned index)
{
	const struct bench_row *row = &table->group->rows[index];

	fprintf(file, "  %-*s", (int)table->lead - 2, row->impl->name);
	if (row->failed) {
		fprintf(file, "  FAILED: %s\n", row->error);
		return;
	}
	for (unsigned i = 0; i < COLUMNS; i++) {
		if (table->shown[i])
			fprintf(file, "%*s%*s", (int)table->room[i].gap, "",
				(int)table->room[i].width, table->cells[index][i]);
	}
	fprintf(file, "\n");
}

/* What had a value and found no room. */
static void print_left_out(FILE *file, const struct table *table)
{
	const char *before = "  no room for: ";

	for (unsigned i = 0; i < COLUMNS; i++) {
		const char *family = columns[i].family;

		if (table->shown[i] || column_decimals(&columns[i], table->group) < 0)
			continue;
		fprintf(file, "%s%s%s%s", before, family ? family : "", family ? " " : "",
			columns[i].title);
		before = ", ";
	}
	if (*before == ',')
		fprintf(file, "\n");
}

/* As wide as the terminal, or as COLUMNS says where there is none, within reason. */
static unsigned table_limit(FILE *file)
{
	const char *wanted = getenv("COLUMNS");
	struct winsize size;
	unsigned limit = 0;

	if (isatty(fileno(file)) && !ioctl(fileno(file), TIOCGWINSZ, &size))
		limit = size.ws_col;
	else if (wanted)
		limit = (unsigned)strtoul(wanted, NULL, 10);
	return limit == 0 || limit > TABLE_WIDTH_MAX ? TABLE_WIDTH_MAX : limit;
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
	if (group->test->hosts)
		fprintf(file, " %u host%s, %u queue%s, %u active,", params->hosts,
			params->hosts > 1 ? "s" : "", params->sockets,
			params->sockets > 1 ? "s" : "", params->active);
	if (group->test->hosts)
		fprintf(file, "\n ");
	if (group->test->workers)
		fprintf(file, " %u worker%s, %s messages/s to each,", params->workers,
			params->workers > 1 ? "s" : "", number_grouped(params->rate).text);
	if (group->test->paced)
		fprintf(file, " %s messages/s", number_grouped(params->rate).text);
	if (params->load)
		fprintf(file, ", %u %% of the weakest capacity", params->load);
	if (params->flood == BENCH_FLOOD_ALL)
		fprintf(file, ", beside a flood");
	else if (params->flood)
		fprintf(file, " and a flood of %s/s", number_grouped(params->flood).text);
	if (group->test->paced)
		fprintf(file, ",");
	if (group->test->loads)
		fprintf(file, "\n ");
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
		fprintf(file,
			"  %u round%s set aside: the cores were nearer or farther than in "
			"the others\n",
			set_aside, set_aside == 1 ? "" : "s");
	if (disturbed)
		fprintf(file,
			"  %u round%s disturbed: a side that spins did not have all of its "
			"core\n",
			disturbed, disturbed == 1 ? " was" : "s were");
	if (group->test->shape == SHAPE_MANY && instructions_refused())
		fprintf(file, "  instructions not counted: %s\n", instructions_refused());
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
		fprintf(file, "driver threads on the same\n");
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
	fprintf(file, "%u interleaved round%s, %.3g s for each implementation; medians\n",
		options->rounds, options->rounds == 1 ? "" : "s", options->seconds);
	fprintf(file, "an empty system call takes %.0f ns", plan->call_cost.plain_ns);
	if (plan->call_cost.wanted_ns)
		fprintf(file, ", with --call-cost %u %.0f ns on both sides",
			plan->call_cost.wanted_ns, plan->call_cost.costly_ns);
	fprintf(file, "\n");
	if (plan->counting.way == CALLS_BY_TRACEPOINT)
		fprintf(file, "system calls counted by tracepoints, in a pass of their own\n");
	else
		fprintf(file,
			"system calls counted by stopping both sides at each, in a pass of their "
			"own:\n  %s\n",
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
		seconds += group->row_count *
			   length_of_row_s(options->seconds, options->rounds,
					   group->test->open_loop ? 0 : group->params.sockets);
	}
	length_text(seconds, text);
	fprintf(file, "%u row%s: about %s\n", rows, rows == 1 ? "" : "s", text);
	output_flush();
}

void report_group(FILE *file, const struct bench_group *group)
{
	struct table table;

	make_table(&table, group, table_limit(file));
	print_title(file, group);
	print_families(file, &table);
	print_titles(file, &table);
	for (unsigned i = 0; i < group->row_count; i++)
		print_row(file, &table, i);
	print_left_out(file, &table);
	print_notes(file, group);
	report_bars(file, group);
	output_flush();
}

/* ---- What the figures mean -------------------------------------------------- */

/* By the titles of columns, or of their families; those that no table has shown are left out. */
static const struct meaning {
	const char *name;
	const char *columns[3];
	const char *text;
} meanings[] = {
	{"Mmsg/s",
	 {"Mmsg/s"},
	 "million distinct messages received a second, or round trips, or\n"
	 "requests; udp-multicast: of one subscriber; Msends/s in\n"
	 "udp-nodefer: sends that the kernel has accepted, and nobody reads"},
	{"ratio", {"ratio"}, "to the implementation named above each table, which has 1.00"},
	{"ns/msg, ns",
	 {"ns/msg", "ns"},
	 "wall-clock time for each of them, where there is no rate"},
	{"cpu ns",
	 {"cpu ns"},
	 "CPU time of the sending process per message sent, and of the\n"
	 "receiving process per message received, the kernel's work\n"
	 "included; udp-paced: tx is the time inside sends alone, and that\n"
	 "of a driver's thread"},
	{"calls", {"calls"}, "system calls per message, in a pass of its own"},
	{"empty",
	 {"empty"},
	 "of these, calls that found nothing: receives and sends that would\n"
	 "have had to wait, waits without an event, yields"},
	{"p50..max",
	 {"us"},
	 "round trip; udp-paced, density, jitter: from when the message was\n"
	 "due to be sent; worst: of all rounds"},
	{"instr",
	 {"instr"},
	 "instructions of the receiving process outside the kernel, per\n"
	 "message: those of the library and of the loop around it"},
	{"Jain", {"Jain"}, "fairness between hosts: 1 when each got the same through"},
	{"queue bytes", {"queue"}, "memory of the process for a queue, without its messages"},
	{"all, ms", {"all, ms"}, "time to open and to close all queues"},
	{"lost", {"lost"}, "messages sent and never received, of all sent"},
	{"spread", {"spread"}, "largest less smallest round, of the median of what is compared"},
	{"twice..",
	 {"twice", "disorder", "corrupt"},
	 "messages received again, after a later one, or with another content"},
};

static bool is_meant(const struct meaning *meaning, const struct column *column)
{
	for (unsigned i = 0; i < 3 && meaning->columns[i]; i++) {
		if (!strcmp(meaning->columns[i], column->title) ||
		    (column->family && !strcmp(meaning->columns[i], column->family)))
			return true;
	}
	return false;
}

static void print_meaning(FILE *file, const struct meaning *meaning)
{
	const char *name = meaning->name;

	for (const char *line = meaning->text; *line; name = "") {
		size_t bytes = strcspn(line, "\n");

		fprintf(file, "  %-11s %.*s\n", name, (int)bytes, line);
		line += bytes + (line[bytes] == '\n');
	}
}

void report_legend(FILE *file, const struct bench_plan *plan)
{
	bool shown[COLUMNS] = {false};
	struct table table;

	for (unsigned i = 0; i < plan->group_count; i++) {
		make_table(&table, &plan->groups[i], table_limit(file));
		for (unsigned column = 0; column < COLUMNS; column++)
			shown[column] |= table.shown[column];
	}
	fputs("\nWhat each figure means\n", file);
	for (unsigned i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		unsigned column = 0;

		while (column < COLUMNS &&
		       !(shown[column] && is_meant(&meanings[i], &columns[column])))
			column++;
		if (column < COLUMNS)
			print_meaning(file, &meanings[i]);
	}
}
