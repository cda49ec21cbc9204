/* SPDX-License-Identifier: MIT */
/*
 * All figures as JSON. A field is absent where it has no meaning.
 */
#include <math.h>
#include <regio.h>
#include <time.h>

#include "bars.h"
#include "instructions.h"
#include "output.h"
#include "report.h"

static void add_value(cJSON *object, const char *name, double value)
{
	if (isfinite(value))
		cJSON_AddNumberToObject(object, name, value);
}

static void add_cores(cJSON *host, const struct bench_plan *plan)
{
	double min_ns = INFINITY, max_ns = 0;
	cJSON *object;

	if (plan->placement.one_core)
		return;
	for (unsigned i = 0; i < plan->group_count; i++) {
		min_ns = fmin(min_ns, plan->groups[i].core_min_ns);
		max_ns = fmax(max_ns, plan->groups[i].core_max_ns);
	}
	object = cJSON_AddObjectToObject(host, "core_to_core_ns");
	add_value(object, "min", min_ns);
	add_value(object, "max", max_ns);
}

/* When the run ended, as ISO 8601 writes it. */
static void add_date(cJSON *host)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[32];

	if (gmtime_r(&now, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		cJSON_AddStringToObject(host, "date", text);
}

static void add_host(cJSON *document, const struct bench_plan *plan, const struct bench_host *host)
{
	cJSON *object = cJSON_AddObjectToObject(document, "host");
	uint32_t version = regio_version();
	char text[32];

	snprintf(text, sizeof(text), "%u.%u.%u", version >> 16, version >> 8 & 0xff,
		 version & 0xff);
	cJSON_AddStringToObject(object, "regio_version", text);
	add_date(object);
	cJSON_AddStringToObject(object, "kernel", host->kernel);
	cJSON_AddStringToObject(object, "cpu_model", host->cpu_model);
	cJSON_AddNumberToObject(object, "cores", host->cores);
	cJSON_AddNumberToObject(object, "tx_cpu", plan->placement.cpus[BENCH_TX]);
	cJSON_AddNumberToObject(object, "rx_cpu", plan->placement.cpus[BENCH_RX]);
	cJSON_AddNumberToObject(object, "tx_thread_cpu", plan->placement.thread_cpus[BENCH_TX]);
	cJSON_AddNumberToObject(object, "rx_thread_cpu", plan->placement.thread_cpus[BENCH_RX]);
	add_cores(object, plan);
	cJSON_AddNumberToObject(object, "receive_buffer_bytes", host->grant.receive_bytes);
	cJSON_AddNumberToObject(object, "send_buffer_bytes", host->grant.send_bytes);
	cJSON_AddNumberToObject(object, "empty_call_ns", plan->call_cost.plain_ns);
	if (plan->call_cost.wanted_ns) {
		cJSON_AddNumberToObject(object, "call_cost_ns", plan->call_cost.wanted_ns);
		cJSON_AddNumberToObject(object, "empty_costly_call_ns", plan->call_cost.costly_ns);
	}
	if (instructions_refused())
		cJSON_AddStringToObject(object, "instructions_not_counted", instructions_refused());
	cJSON_AddStringToObject(object, "calls_counted_by", calls_way_name(plan->counting.way));
	cJSON_AddNumberToObject(object, "seconds", plan->options->seconds);
	cJSON_AddNumberToObject(object, "rounds", plan->options->rounds);
}

/* Of all rounds together: [per cent, microseconds]. */
static void add_percentiles(cJSON *object, const struct histogram *latency)
{
	static const double per_cents[] = {50, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999, 100};
	cJSON *array = cJSON_AddArrayToObject(object, "percentiles_us");

	for (size_t i = 0; i < sizeof(per_cents) / sizeof(per_cents[0]); i++) {
		cJSON *pair = cJSON_CreateArray();
		double us = (double)histogram_quantile_ns(latency, per_cents[i] / 100) / 1e3;

		cJSON_AddItemToArray(pair, cJSON_CreateNumber(per_cents[i]));
		cJSON_AddItemToArray(pair, cJSON_CreateNumber(us));
		cJSON_AddItemToArray(array, pair);
	}
}

static void add_losses(cJSON *object, const struct bench_row *row)
{
	const struct bench_losses *losses = &row->losses;

	if (!case_delivers(row->test))
		return;
	cJSON_AddNumberToObject(object, "lost", (double)losses->lost);
	cJSON_AddNumberToObject(object, "duplicated", (double)losses->duplicated);
	cJSON_AddNumberToObject(object, "reordered", (double)losses->reordered);
	cJSON_AddNumberToObject(object, "corrupted", (double)losses->corrupted);
	cJSON_AddNumberToObject(object, "received", (double)losses->arrived);
	cJSON_AddBoolToObject(object, "verified", row->params.verify);
}

/* What many queues and hosts got, and what of the times no median is made. */
static void add_loads(cJSON *object, const struct bench_row *row)
{
	const struct bench_params *params = &row->params;

	if (row->test->hosts) {
		cJSON_AddNumberToObject(object, "hosts", params->hosts);
		cJSON_AddNumberToObject(object, "active", params->active);
	}
	if (params->load)
		cJSON_AddNumberToObject(object, "load_per_cent", params->load);
	if (params->flood == BENCH_FLOOD_ALL)
		cJSON_AddStringToObject(object, "flood", "all");
	else
		cJSON_AddNumberToObject(object, "flood", params->flood);
	if (row->failed)
		return;
	add_value(object, "worst_us", row->worst_us);
	if (row->latency && row->latency->count)
		add_percentiles(object, row->latency);
}

static cJSON *make_interval(const struct interval *ratio)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "compared", bench_value_names[BAR_VALUE]);
	add_value(object, "ratio", ratio->middle);
	add_value(object, "low", ratio->low);
	add_value(object, "high", ratio->high);
	cJSON_AddNumberToObject(object, "rounds", ratio->count);
	return object;
}

static cJSON *make_bar(const struct bench_bar *bar)
{
	cJSON *object = make_interval(&bar->ratio);

	cJSON_AddNumberToObject(object, "most", bar->most);
	cJSON_AddStringToObject(object, "decided", interval_decision_names[bar->decision]);
	return object;
}

static void add_bars(cJSON *object, const struct bench_row *row)
{
	const struct bench_bar *peers = &row->peers, *fewest = &row->fewest_hosts;
	cJSON *bar;

	if (peers->than) {
		bool control = row->impl->control_of;

		bar = control ? make_interval(&peers->ratio) : make_bar(peers);
		cJSON_AddStringToObject(bar, "than", peers->than->impl->name);
		cJSON_AddItemToObject(object, control ? "control" : "bar_peers", bar);
	}
	if (fewest->than) {
		bar = make_bar(fewest);
		cJSON_AddNumberToObject(bar, "than_hosts", fewest->than->params.hosts);
		cJSON_AddItemToObject(object, "bar_hosts", bar);
	}
}

static void add_row(cJSON *rows, const struct bench_row *row)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddItemToArray(rows, object);
	cJSON_AddStringToObject(object, "case", row->test->name);
	cJSON_AddStringToObject(object, "impl", row->impl->name);
	if (row->params.size)
		cJSON_AddNumberToObject(object, "size", row->params.size);
	cJSON_AddNumberToObject(object, "sockets", row->params.sockets);
	cJSON_AddNumberToObject(object, "batch", row->params.batch);
	if (row->test->paced)
		cJSON_AddNumberToObject(object, "rate", row->params.rate);
	if (row->test->workers)
		cJSON_AddNumberToObject(object, "workers", row->params.workers);
	if (row->test->hosts || row->test->loads)
		add_loads(object, row);
	if (row->failed) {
		cJSON_AddStringToObject(object, "error", row->error);
		return;
	}
	cJSON_AddStringToObject(object, "counted", row->test->counted);
	for (int value = 0; value < VALUES; value++)
		add_value(object, bench_value_names[value], row->values[value]);
	add_losses(object, row);
	cJSON_AddStringToObject(object, "compared", bench_value_names[row->test->ratio_of]);
	if (row->test->reference)
		cJSON_AddStringToObject(object, "reference", row->test->reference);
	add_value(object, "ratio", row->ratio);
	add_value(object, "spread", row->spread);
	add_value(object, "least", row->least);
	add_value(object, "most", row->most);
	cJSON_AddNumberToObject(object, "rounds", row->rounds_kept);
	cJSON_AddNumberToObject(object, "rounds_set_aside", row->rounds_set_aside);
	cJSON_AddNumberToObject(object, "rounds_disturbed", row->rounds_disturbed);
	add_bars(object, row);
}

static void add_skips(cJSON *document, const struct bench_plan *plan)
{
	cJSON *skips = cJSON_AddArrayToObject(document, "left_out");

	for (unsigned i = 0; i < plan->skip_count; i++) {
		cJSON *object = cJSON_CreateObject();

		cJSON_AddItemToArray(skips, object);
		cJSON_AddStringToObject(object, "impl", plan->skips[i].impl->name);
		cJSON_AddStringToObject(object, "reason", plan->skips[i].reason);
	}
}

int report_json(FILE *file, const struct bench_plan *plan, const struct bench_host *host)
{
	cJSON *document = cJSON_CreateObject();
	cJSON *rows;
	int status;

	add_host(document, plan, host);
	if (plan->interrupted)
		cJSON_AddBoolToObject(document, "interrupted", true);
	rows = cJSON_AddArrayToObject(document, "rows");
	for (unsigned i = 0; i < plan->group_count; i++) {
		for (unsigned j = 0; j < plan->groups[i].row_count; j++)
			add_row(rows, &plan->groups[i].rows[j]);
	}
	if (plan->skip_count)
		add_skips(document, plan);
	status = json_write("regio bench", file, document);
	cJSON_Delete(document);
	return status;
}
