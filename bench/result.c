/* SPDX-License-Identifier: MIT */
/*
 * From marks to figures, and from figures of rounds to rows.
 */
#include "result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "placement.h"

const char *const bench_value_names[VALUES] = {
	[VALUE_MSGS_PER_S] = "msgs_per_s",
	[VALUE_GBIT_PER_S] = "gbit_per_s",
	[VALUE_NS_PER_MSG] = "ns_per_msg",
	[VALUE_TX_NS_PER_MSG] = "tx_ns_per_msg",
	[VALUE_RX_NS_PER_MSG] = "rx_ns_per_msg",
	[VALUE_CPU_NS_PER_MSG] = "cpu_ns_per_msg",
	[VALUE_TX_CPU_NS_PER_MSG] = "tx_cpu_ns_per_msg",
	[VALUE_RX_CPU_NS_PER_MSG] = "rx_cpu_ns_per_msg",
	[VALUE_SYSCALLS_PER_MSG] = "syscalls_per_msg",
	[VALUE_TX_SYSCALLS_PER_MSG] = "tx_syscalls_per_msg",
	[VALUE_RX_SYSCALLS_PER_MSG] = "rx_syscalls_per_msg",
	[VALUE_EMPTY_PER_MSG] = "empty_calls_per_msg",
	[VALUE_TX_EMPTY_PER_MSG] = "tx_empty_calls_per_msg",
	[VALUE_RX_EMPTY_PER_MSG] = "rx_empty_calls_per_msg",
	[VALUE_P50_US] = "p50_us",
	[VALUE_P99_US] = "p99_us",
	[VALUE_P999_US] = "p999_us",
	[VALUE_MAX_US] = "max_us",
	[VALUE_RX_INSTRUCTIONS_PER_MSG] = "rx_instructions_per_msg",
	[VALUE_FAIRNESS] = "fairness",
	[VALUE_QUEUE_BYTES] = "queue_bytes",
	[VALUE_OPEN_MS] = "open_ms",
	[VALUE_CLOSE_MS] = "close_ms",
};

/* A spinning side with less of its core than this shares it with somebody. */
#define WHOLE_CORE 0.95

_Static_assert(VALUE_TX_NS_PER_MSG + BENCH_RX == VALUE_RX_NS_PER_MSG &&
		       VALUE_TX_CPU_NS_PER_MSG + BENCH_RX == VALUE_RX_CPU_NS_PER_MSG &&
		       VALUE_TX_SYSCALLS_PER_MSG + BENCH_RX == VALUE_RX_SYSCALLS_PER_MSG &&
		       VALUE_TX_EMPTY_PER_MSG + BENCH_RX == VALUE_RX_EMPTY_PER_MSG,
	       "values of a side are found by its role");

/* ---- One run ------------------------------------------------------------- */

static void no_values(double values[VALUES])
{
	for (int i = 0; i < VALUES; i++)
		values[i] = NAN;
}

static void side_figures(const struct bench_case *test, enum bench_role role,
			 const struct side_record *record, struct bench_result *result)
{
	const struct side_mark *start = &record->start, *end = &record->end;
	double messages = (double)(end->messages - start->messages);
	double wall_ns = (double)(end->wall_ns - start->wall_ns);
	uint64_t cpu_ns = end->cpu_ns - start->cpu_ns;
	uint64_t thread_ns = end->thread_ns - start->thread_ns;

	if (record->spins && (double)thread_ns < WHOLE_CORE * wall_ns)
		result->disturbed = true;
	if (messages == 0)
		return;
	result->values[VALUE_TX_NS_PER_MSG + role] = wall_ns / messages;
	if (test->paced && role == BENCH_TX) {
		if (record->yields)
			return;
		cpu_ns += end->busy_ns - start->busy_ns - thread_ns;
	}
	result->values[VALUE_TX_CPU_NS_PER_MSG + role] = (double)cpu_ns / messages;
}

/* Of the values of the sides there are; NaN where one of them has none. */
static double sum_of(const double values[BENCH_ROLES], bool has_tx, bool has_rx)
{
	return (has_tx ? values[BENCH_TX] : 0) + (has_rx ? values[BENCH_RX] : 0);
}

static void latency_figures(const struct bench_shared *shared, double values[VALUES])
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		const struct histogram *latency = &shared->records[role].latency;

		if (latency->count == 0)
			continue;
		values[VALUE_P50_US] = (double)histogram_quantile_ns(latency, 0.50) / 1e3;
		values[VALUE_P99_US] = (double)histogram_quantile_ns(latency, 0.99) / 1e3;
		values[VALUE_P999_US] = (double)histogram_quantile_ns(latency, 0.999) / 1e3;
		values[VALUE_MAX_US] = (double)latency->max_ns / 1e3;
	}
}

/* Jain's index of what each host got through: 1 when all got the same, 1/n when one got all. */
static double fairness(const uint64_t *messages, uint32_t hosts)
{
	double sum = 0, squares = 0;

	for (uint32_t i = 0; i < hosts; i++) {
		sum += (double)messages[i];
		squares += (double)messages[i] * (double)messages[i];
	}
	return squares > 0 ? sum * sum / (hosts * squares) : NAN;
}

static void many_figures(const struct bench_case *test, const struct bench_params *params,
			 const struct side_record *record, double values[VALUES])
{
	double messages = (double)(record->end.messages - record->start.messages);

	if (record->instructions > 0 && messages > 0)
		values[VALUE_RX_INSTRUCTIONS_PER_MSG] = (double)record->instructions / messages;
	/* Without queues there is nothing to open. */
	if (!test->hosts || record->open_ns == 0)
		return;
	values[VALUE_FAIRNESS] = fairness(record->host_messages, params->hosts);
	values[VALUE_QUEUE_BYTES] = (double)record->queue_bytes;
	values[VALUE_OPEN_MS] = (double)record->open_ns / 1e6;
	values[VALUE_CLOSE_MS] = (double)record->close_ns / 1e6;
}

static void add_losses(const struct side_record *record, bool arrivals, struct bench_losses *losses)
{
	const struct side_mark *start = &record->start, *end = &record->end;

	if (arrivals)
		losses->arrived += end->messages - start->messages;
	losses->lost += end->lost - start->lost;
	losses->duplicated += end->duplicated - start->duplicated;
	losses->reordered += end->reordered - start->reordered;
	losses->corrupted += end->corrupted - start->corrupted;
}

void result_from_marks(const struct bench_case *test, const struct bench_params *params,
		       const struct bench_shared *shared, bool has_tx, bool has_rx,
		       struct bench_result *ret_result)
{
	double *values = ret_result->values;

	no_values(values);
	if (has_tx)
		side_figures(test, BENCH_TX, &shared->records[BENCH_TX], ret_result);
	if (has_rx)
		side_figures(test, BENCH_RX, &shared->records[BENCH_RX], ret_result);
	values[VALUE_CPU_NS_PER_MSG] = sum_of(&values[VALUE_TX_CPU_NS_PER_MSG], has_tx, has_rx);
	values[VALUE_NS_PER_MSG] = values[VALUE_TX_NS_PER_MSG + test->rate_of];
	if (test->copies)
		values[VALUE_NS_PER_MSG] *= params->sockets;
	if (test->operations) {
		values[VALUE_NS_PER_MSG] =
			sum_of(&values[VALUE_TX_NS_PER_MSG], has_tx, has_rx) / (has_tx + has_rx);
	} else {
		values[VALUE_MSGS_PER_S] = 1e9 / values[VALUE_NS_PER_MSG];
		values[VALUE_TX_NS_PER_MSG] = NAN;
		values[VALUE_RX_NS_PER_MSG] = NAN;
	}
	if (test->bandwidth)
		values[VALUE_GBIT_PER_S] = 8.0 * params->size / values[VALUE_NS_PER_MSG];
	if (test->has_latency)
		latency_figures(shared, values);
	if (test->shape == SHAPE_MANY)
		many_figures(test, params, &shared->records[BENCH_RX], values);
	for (int role = 0; role < BENCH_ROLES; role++)
		add_losses(&shared->records[role], role == (int)test->rate_of, &ret_result->losses);
}

/* ---- Placement ----------------------------------------------------------- */

enum placement_class { PLACEMENT_NEAR, PLACEMENT_FAR, PLACEMENT_MOVED, PLACEMENT_CLASSES };

static double nearest_ns(const struct bench_row *rows, unsigned count)
{
	double nearest = INFINITY;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < rows[i].rounds; j++) {
			const struct bench_result *result = &rows[i].results[j];

			nearest =
				fmin(nearest, fmin(result->core_before_ns, result->core_after_ns));
		}
	}
	return nearest;
}

/* Cores that moved during a run are of no placement. */
static enum placement_class class_of(const struct bench_result *result, double limit_ns)
{
	bool near_before = result->core_before_ns <= limit_ns;
	bool near_after = result->core_after_ns <= limit_ns;

	if (near_before != near_after)
		return PLACEMENT_MOVED;
	return near_before ? PLACEMENT_NEAR : PLACEMENT_FAR;
}

void rows_set_aside(struct bench_row *rows, unsigned count)
{
	double limit_ns = nearest_ns(rows, count) * PLACEMENT_RATIO;
	unsigned members[PLACEMENT_CLASSES] = {0};
	enum placement_class kept;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < rows[i].rounds; j++)
			members[class_of(&rows[i].results[j], limit_ns)]++;
	}
	kept = members[PLACEMENT_FAR] > members[PLACEMENT_NEAR] ? PLACEMENT_FAR : PLACEMENT_NEAR;
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < rows[i].rounds; j++) {
			struct bench_result *result = &rows[i].results[j];

			result->set_aside = class_of(result, limit_ns) != kept;
		}
	}
}

/* ---- Rows ---------------------------------------------------------------- */

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Sorts 'values'; NaN when there are none. */
static double median(double *values, unsigned count)
{
	if (count == 0)
		return NAN;
	qsort(values, count, sizeof(*values), compare_doubles);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* The figure of each round kept, NaN left out. */
static unsigned gather(const struct bench_row *row, enum bench_value value, double *ret_values)
{
	unsigned count = 0;

	for (unsigned i = 0; i < row->rounds; i++) {
		const struct bench_result *result = &row->results[i];

		if (!result->failed && !result->set_aside && !isnan(result->values[value]))
			ret_values[count++] = result->values[value];
	}
	return count;
}

static void summarise_rounds(struct bench_row *row)
{
	for (unsigned i = 0; i < row->rounds; i++) {
		const struct bench_result *result = &row->results[i];

		if (result->failed) {
			row->failed = true;
			row->error = result->error;
			continue;
		}
		row->losses.arrived += result->losses.arrived;
		row->losses.lost += result->losses.lost;
		row->losses.duplicated += result->losses.duplicated;
		row->losses.reordered += result->losses.reordered;
		row->losses.corrupted += result->losses.corrupted;
		row->rounds_kept += !result->set_aside;
		row->rounds_set_aside += result->set_aside;
		row->rounds_disturbed += result->disturbed;
	}
}

/* A row all of whose rounds were set aside is better shown than lost. */
static void keep_something(struct bench_row *row)
{
	if (row->rounds_kept > 0)
		return;
	for (unsigned i = 0; i < row->rounds; i++)
		row->results[i].set_aside = false;
}

/* The worst is not to be set aside, and has no median. */
static double worst(const struct bench_row *row)
{
	double worst_us = NAN;

	for (unsigned i = 0; i < row->rounds; i++) {
		if (!row->results[i].failed)
			worst_us = fmax(worst_us, row->results[i].values[VALUE_MAX_US]);
	}
	return worst_us;
}

void row_summarise(struct bench_row *row)
{
	double values[BENCH_ROUNDS_MAX];

	summarise_rounds(row);
	keep_something(row);
	row->worst_us = worst(row);
	for (int value = 0; value < VALUES; value++) {
		unsigned count;

		if (value >= VALUE_COUNTED_FIRST && value <= VALUE_COUNTED_LAST)
			continue;
		count = gather(row, (enum bench_value)value, values);
		row->values[value] = median(values, count);
		if (value != (int)row->test->ratio_of || count == 0)
			continue;
		row->least = values[0];
		row->most = values[count - 1];
		row->spread = (row->most - row->least) / row->values[value];
	}
}

void rows_compare(struct bench_row *rows, unsigned count)
{
	enum bench_value value = rows[0].test->ratio_of;
	const char *name = rows[0].test->reference;
	double reference = NAN;

	for (unsigned i = 0; name && i < count; i++) {
		if (!rows[i].failed && !strcmp(rows[i].impl->name, name))
			reference = rows[i].values[value];
	}
	for (unsigned i = 0; i < count; i++)
		rows[i].ratio = rows[i].values[value] / reference;
}
