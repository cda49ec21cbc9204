/* SPDX-License-Identifier: MIT */
/*
 * json.c - the JSON that the tool and the benchmark write, of any figures and any names
 *
 * Properties. Whatever was counted, whatever a peer or a user is called and however a row has
 * failed: the text is one JSON value in UTF-8 with a line end behind it; each figure that is in it
 * is finite and the one that went in; each name that is text comes out as it went in.
 */
#include "target.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>

#include "feed/subscribe.h"
#include "load/load.h"
#include "report.h"

#define ROWS_MAX 8u
#define CONNECTIONS_MAX 2u

/* ---- Reading ---- */

/* The length of the UTF-8 sequence at 'text', or 0 where there is none. */
static size_t sequence_length(const uint8_t *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80	  ? 1
			: text[0] < 0xC0  ? 0
			: text[0] < 0xE0  ? 2
			: text[0] < 0xF0  ? 3
			: text[0] <= 0xF4 ? 4
					  : 0;
	uint32_t point = length > 1 ? text[0] & (0x7F >> length) : text[0];

	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xC0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3F);
	}
	return length && point >= least[length] && point <= 0x10FFFF &&
			       !(point >= 0xD800 && point <= 0xDFFF)
		       ? length
		       : 0;
}

static bool is_text(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	for (size_t length; *at; at += length) {
		length = sequence_length(at);
		if (!length)
			return false;
	}
	return true;
}

static void check_numbers(const cJSON *value)
{
	for (; value; value = value->next) {
		if (cJSON_IsNumber(value))
			CHECK(isfinite(value->valuedouble), "%s is not finite", value->string);
		check_numbers(value->child);
	}
}

/* What was written, read. */
static cJSON *read_back(const char *text, size_t size)
{
	const char *end = NULL;
	cJSON *document = cJSON_ParseWithOpts(text, &end, false);

	CHECK(document, "no JSON: %s", text);
	CHECK(end + 1 == text + size && *end == '\n', "something behind it: %s", end);
	CHECK(is_text(text), "not UTF-8");
	check_numbers(document);
	return document;
}

static void check_number(const cJSON *object, const char *name, double expected)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	/* cJSON writes 15 digits where what they give is as near as this. */
	CHECK(cJSON_IsNumber(item) &&
		      fabs(item->valuedouble - expected) <=
			      fmax(fabs(item->valuedouble), fabs(expected)) * DBL_EPSILON,
	      "%s: %.17g, not %.17g", name, cJSON_IsNumber(item) ? item->valuedouble : NAN,
	      expected);
}

static void check_string(const cJSON *object, const char *name, const char *expected)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	CHECK(cJSON_IsString(item), "%s", name);
	if (is_text(expected))
		CHECK(!strcmp(item->valuestring, expected), "%s is %s, not %s", name,
		      item->valuestring, expected);
}

/* ---- Making ---- */

static uint64_t take_count(struct input *input)
{
	return input_number(input, input_byte(input) % 9);
}

static double take_value(struct input *input)
{
	uint64_t bits = take_count(input);
	double value;

	if (bits < 4096)
		return (double)bits / 7;
	memcpy(&value, &bits, sizeof(value));
	/* With 15 digits the largest there are become infinite. */
	return isfinite(value) && fabs(value) > 1e300 ? 1e300 : value;
}

static const char *take_text(struct input *input, char *ret_text, size_t size)
{
	size_t length = input_byte(input) % size;

	length = input_copy(input, ret_text, length);
	ret_text[length] = '\0';
	return ret_text;
}

static struct address take_address(struct input *input)
{
	struct address address = {.bytes = sizeof(address.name.v4)};

	address.name.v4.sin_family = AF_INET;
	if (input_byte(input) & 1) {
		address.name.v6.sin6_family = AF_INET6;
		address.bytes = sizeof(address.name.v6);
		input_copy(input, &address.name.v6.sin6_addr, 16);
		return address;
	}
	input_copy(input, &address.name.v4.sin_addr, 4);
	address.name.v4.sin_port = (in_port_t)input_number(input, 2);
	return address;
}

static void take_sequence(struct input *input, struct sequence *sequence)
{
	sequence->next = take_count(input);
	sequence->received = take_count(input);
	sequence->lost = take_count(input);
	sequence->reordered = take_count(input);
	sequence->duplicated = take_count(input);
	sequence->gaps.count = input_byte(input) % 4;
	sequence->gaps.forgotten = take_count(input);
	for (uint32_t i = 0; i < sequence->gaps.count; i++)
		sequence->gaps.list[i] = (struct gap){take_count(input), take_count(input), 0};
}

static void take_latency(struct input *input, struct latency *latency)
{
	histogram_clear(&latency->all);
	for (uint32_t i = input_byte(input) % 8; i > 0; i--)
		histogram_record(&latency->all, take_count(input));
}

/* ---- regio feed subscribe ---- */

static void run_subscribe(struct input *input)
{
	static struct subscriber subscriber;
	static struct feed feed;
	struct subscribe_options options = {.subscribers = 1,
					    .line_count = 1 + input_below(input, 3)};
	struct feed_session *session = &feed.sessions[0];
	const cJSON *first;
	cJSON *document;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	CHECK(file, "no memory");
	for (uint32_t i = 0; i < options.line_count; i++)
		options.lines[i] = take_address(input);
	subscriber.options = &options;
	subscriber.feed = &feed;
	subscriber.messages = take_count(input);
	subscriber.start_ns = take_count(input);
	subscriber.stop_ns = take_count(input);
	subscriber.first_ns = take_count(input);
	subscriber.last_ns = take_count(input);
	take_latency(input, &subscriber.latency);
	session->used = true;
	session->ended = input_byte(input) & 1;
	input_copy(input, session->name, sizeof(session->name));
	session->first = take_count(input);
	take_sequence(input, &session->merged);
	for (uint32_t i = 0; i < options.line_count; i++) {
		session->lines[i].heard = input_byte(input) & 1;
		take_sequence(input, &session->lines[i].sequence);
		subscriber.lines[i].packets = take_count(input);
	}
	CHECK(subscribe_write_json(file, &subscriber, &options) == 0, "not written");
	document = read_back(text, size);
	first = cJSON_GetObjectItem(document, "subscribers")->child;
	check_number(first, "messages", (double)subscriber.messages);
	first = cJSON_GetObjectItem(first, "sessions")->child;
	check_number(first, "received", (double)session->merged.received);
	check_number(first, "lost", (double)session->merged.lost);
	CHECK(cJSON_GetArraySize(cJSON_GetObjectItem(first, "gaps")) ==
		      (int)session->merged.gaps.count,
	      "gaps");
	cJSON_Delete(document);
	free(text);
}

/* ---- regio load ---- */

static void run_load(struct input *input)
{
	static struct load_connection connections[CONNECTIONS_MAX];
	static struct load_member members[CONNECTIONS_MAX];
	static struct load load;
	struct address address;
	struct load_options options = {.connections = CONNECTIONS_MAX};
	cJSON *document;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	CHECK(file, "no memory");
	options.mode = (enum serve_mode)(input_byte(input) % SERVE_MODES);
	options.tcp = input_byte(input) & 1;
	options.size = (uint32_t)take_count(input);
	options.rate = take_count(input);
	load.options = &options;
	address = take_address(input);
	load.addresses = (struct address_list){&address, 1};
	load.connections = connections;
	load.connection_count = CONNECTIONS_MAX;
	load.size_most = options.size;
	load.open_loop = options.rate > 0;
	load.start_ns = take_count(input);
	load.end_ns = take_count(input);
	load.done_ns = take_count(input);
	load.behind_ns = take_count(input);
	load.odd = take_count(input);
	for (uint32_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct load_connection *connection = &connections[i];

		connection->ended = input_byte(input) & 1;
		members[i] = (struct load_member){.address = address};
		connection->address = &address;
		connection->members = &members[i];
		connection->member_count = 1;
		members[i].counted = input_byte(input) & 1;
		connection->sent = take_count(input);
		members[i].counts.received = take_count(input);
		members[i].counts.sent = take_count(input);
		take_sequence(input, &members[i].answers);
	}
	take_latency(input, &load.latency);
	load.named = input_byte(input) & 1;
	for (uint32_t i = 0; i < CONNECTIONS_MAX; i++)
		connections[i].group = load.named && input_byte(input) & 1;
	CHECK(load_write_json(file, &load) == 0, "not written");
	document = read_back(text, size);
	check_number(document, "odd", (double)load.odd);
	check_string(document, "address", address_text(&address).text);
	cJSON_Delete(document);
	free(text);
}

/* ---- regio bench ---- */

static void take_row(struct input *input, struct bench_row *row, char *error, size_t error_size)
{
	*row = (struct bench_row){
		.test = bench_cases[input_below(input, bench_case_count)],
		.impl = bench_impls[input_below(input, bench_impl_count)],
		.params.size = (uint32_t)take_count(input),
		.failed = input_byte(input) % 4 == 0,
		.error = take_text(input, error, error_size),
		.spread = take_value(input),
		.ratio = take_value(input),
		.losses.lost = take_count(input),
	};
	for (int i = 0; i < VALUES; i++)
		row->values[i] = take_value(input);
}

static void check_row(const cJSON *object, const struct bench_row *row)
{
	check_string(object, "impl", row->impl->name);
	if (row->failed) {
		check_string(object, "error", row->error);
		return;
	}
	for (int i = 0; i < VALUES; i++) {
		if (isfinite(row->values[i]))
			check_number(object, bench_value_names[i], row->values[i]);
		else
			CHECK(!cJSON_GetObjectItem(object, bench_value_names[i]), "%s",
			      bench_value_names[i]);
	}
}

static void run_bench(struct input *input)
{
	static char errors[ROWS_MAX][64];
	struct bench_row rows[ROWS_MAX];
	struct bench_options options = {.seconds = 1, .rounds = 3};
	struct bench_group group = {.rows = rows, .row_count = input_below(input, ROWS_MAX)};
	struct bench_plan plan = {.options = &options, .groups = &group, .group_count = 1};
	struct bench_host host = {.cores = 2};
	const cJSON *object;
	cJSON *document;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	CHECK(file, "no memory");
	plan.placement.one_core = input_byte(input) & 1;
	group.core_min_ns = take_value(input);
	group.core_max_ns = take_value(input);
	take_text(input, host.kernel, sizeof(host.kernel));
	take_text(input, host.cpu_model, sizeof(host.cpu_model));
	for (uint32_t i = 0; i < group.row_count; i++)
		take_row(input, &rows[i], errors[i], sizeof(errors[i]));
	if (input_byte(input) & 1) {
		plan.skips[0].impl = bench_impls[0];
		take_text(input, plan.skips[0].reason, sizeof(plan.skips[0].reason));
		plan.skip_count = 1;
	}
	CHECK(report_json(file, &plan, &host) == 0, "not written");
	document = read_back(text, size);
	check_string(cJSON_GetObjectItem(document, "host"), "cpu_model", host.cpu_model);
	object = cJSON_GetObjectItem(document, "rows")->child;
	for (uint32_t i = 0; i < group.row_count; i++, object = object->next)
		check_row(object, &rows[i]);
	cJSON_Delete(document);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};

	switch (input_byte(&input) % 3) {
	case 0:
		run_subscribe(&input);
		break;
	case 1:
		run_load(&input);
		break;
	default:
		run_bench(&input);
		break;
	}
	return 0;
}
