/* SPDX-License-Identifier: MIT */
/*
 * options.c - command lines of the tool, in any order and with any text
 *
 * Properties. A line is accepted with every value inside the range that its help names, or helped,
 * or refused; what is refused is explained in one line that begins with the command and names an
 * argument or what is missing, and nothing but help and lists goes to standard output. Names are
 * looked up as numbers only, so nothing leaves the machine.
 */
#include "said.h"
#include "target.h"

#include "feed/publish.h"
#include "feed/subscribe.h"
#include "load/load.h"
#include "load/serve.h"
#include "message.h"
#include "options.h"

#define ARGUMENTS_MAX 16

/* ---- Arguments ---- */

static const char *const words[] = {
	"--size",
	"--sockets",
	"--batch",
	"--rate",
	"--seconds",
	"--rounds",
	"--impl",
	"--json",
	"--plot",
	"--cpus",
	"--addresses",
	"--netns",
	"--port",
	"--connections",
	"--depth",
	"--timeout",
	"--burst",
	"--count",
	"--per-packet",
	"--packet-bytes",
	"--heartbeat",
	"--session",
	"--interface",
	"--ttl",
	"--no-loop",
	"--spin",
	"--subscribers",
	"--until-end",
	"--from-start",
	"--buffer",
	"--bind",
	"--tcp",
	"--udp",
	"--verify",
	"--no-verify",
	"--help",
	"--list",
	"--",
	"echo",
	"sink",
	"source",
	"udp-stream",
	"127.0.0.1",
	"239.1.1.1:5000",
	"[ff15::1]:5000",
	"24-64",
	"1,2",
	"65507",
	"0.5",
	"regio-epoll,mmsg",
	"-",
	"-xyz",
	"--s",
	"18446744073709551616",
	"--playback",
	"--timestamps",
	"--hgrm",
	"--log",
	"--source",
	"lo,lo",
	"density",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

struct line {
	int count;
	char *arguments[ARGUMENTS_MAX + 1];
	const char *original[ARGUMENTS_MAX + 1]; /* getopt changes their order */
};

/* A word that is known, several put together, or any text. */
static char *take_argument(struct input *input)
{
	char text[256];
	size_t length = 0, part;
	uint8_t kind = input_byte(input);
	char *argument;

	if (kind < 3 * WORDS) {
		length = strlen(words[kind % WORDS]);
		memcpy(text, words[kind % WORDS], length);
	}
	if (kind >= WORDS) {
		if (kind < 2 * WORDS)
			text[length++] = '=';
		part = input_byte(input) % 128;
		length += input_copy(input, text + length, part);
	}
	argument = malloc(length + 1);
	CHECK(argument, "no memory");
	memcpy(argument, text, length);
	argument[length] = '\0';
	return argument;
}

static struct line take_line(struct input *input, const char *command)
{
	struct line line = {.count = 1};

	line.arguments[0] = strdup(command);
	CHECK(line.arguments[0], "no memory");
	while (line.count < ARGUMENTS_MAX && input_left(input))
		line.arguments[line.count++] = take_argument(input);
	memcpy(line.original, line.arguments, sizeof(line.original));
	return line;
}

static void free_line(struct line *line)
{
	for (int i = 0; i < line->count; i++)
		free(line->arguments[i]);
}

/* ---- What was said ---- */

/* One of several letters behind a dash. */
static bool names_a_letter(const char *text, const char *argument)
{
	const char *letter = strstr(text, ": -");

	return letter && argument[0] == '-' && letter[3] && strchr(argument + 1, letter[3]) &&
	       letter[4] == ':';
}

/* Of "HOST:PORT" or "[HOST]:PORT" the host alone. */
static bool names_a_host(const char *text, const char *argument)
{
	const char *end = strrchr(argument, ':');

	if (!end)
		return false;
	if (*argument == '[' && end - argument > 1 && end[-1] == ']') {
		argument++;
		end--;
	}
	return end > argument && memmem(text, strlen(text), argument, (size_t)(end - argument));
}

static bool names_an_argument(const char *text, const struct line *line)
{
	for (int i = 1; i < line->count; i++) {
		/* Behind an = is a value, and either may be named without the other. */
		const char *value = strchr(line->original[i], '=');
		size_t option_length = strcspn(line->original[i], "=");

		if (strstr(text, line->original[i]) || names_a_letter(text, line->original[i]) ||
		    names_a_host(text, line->original[i]))
			return true;
		if (value && (strstr(text, value + 1) ||
			      memmem(text, strlen(text), line->original[i], option_length)))
			return true;
	}
	return false;
}

static void check_said(const struct said *said, const struct line *line, const char *command,
		       int status)
{
	const char *refusal = said->texts[1];

	if (status == 0) {
		CHECK(said->sizes[0] && !said->sizes[1], "help on the wrong stream");
		return;
	}
	CHECK(said->sizes[0] == 0, "said on standard output: %s", said->texts[0]);
	if (status == -1) {
		CHECK(said->sizes[1] == 0, "accepted, and said: %s", refusal);
		return;
	}
	CHECK(status == 2, "status %d", status);
	CHECK(said->sizes[1] && refusal[said->sizes[1] - 1] == '\n', "refused without a word");
	CHECK(!strncmp(refusal, command, strlen(command)), "who says this: %s", refusal);
	CHECK(names_an_argument(refusal, line) || strstr(refusal, "names no") ||
		      strstr(refusal, "groups given") || strstr(refusal, "find the address of"),
	      "what is refused: %s", refusal);
}

/* ---- What was accepted ---- */

static bool within(uint64_t value, uint64_t least, uint64_t most)
{
	return value >= least && value <= most;
}

static bool seconds_within(double seconds, double least, double most)
{
	return seconds >= least && seconds <= most;
}

static int run_serve(struct line *line)
{
	struct serve_options options;
	int status = serve_options_parse(line->count, line->arguments, &options);

	if (status == -1)
		CHECK(options.mode < SERVE_MODES && within(options.size, 64, 65507) &&
			      within(options.connections, 1, 100000) &&
			      (options.seconds == 0 || seconds_within(options.seconds, 0.01, 1e6)),
		      "serve");
	return status;
}

static int run_load(struct line *line)
{
	struct load_options options;
	int status = load_options_parse(line->count, line->arguments, &options);

	if (status == -1)
		CHECK(!options.host == !!options.list_path && options.mode < SERVE_MODES &&
			      options.port && within(options.size, 16, 65507) &&
			      within(options.depth, 1, 4096) &&
			      within(options.connections, 1, 10000) && options.rate <= 1000000000 &&
			      within(options.timeout_ms, 1, 600000) &&
			      ((options.playback_path && options.seconds == 0) ||
			       seconds_within(options.seconds, 0.01, 1e6)),
		      "load");
	return status;
}

static int run_publish(struct line *line)
{
	struct publish_options options;
	int status = publish_options_parse(line->count, line->arguments, &options);

	if (status == -1)
		CHECK(within(options.line_count, 1, FEED_LINES_MAX) &&
			      within(options.size.least, 12, options.size.most) &&
			      options.size.most + 22 <= options.packet_bytes &&
			      within(options.packet_bytes, 64, 2000) &&
			      within(options.per_packet.least, 1, options.per_packet.most) &&
			      options.per_packet.most <= 2000 && options.rate <= 1000000000 &&
			      options.burst <= 100000000 && options.count <= 1000000000000000ull &&
			      within(options.heartbeat_ms, 1, 60000) &&
			      within((uint64_t)options.line.ttl, 0, 255) &&
			      (options.seconds == 0 || seconds_within(options.seconds, 0.01, 1e6)),
		      "publish");
	return status;
}

static int run_subscribe(struct line *line)
{
	struct subscribe_options options;
	int status = subscribe_options_parse(line->count, line->arguments, &options);

	if (status == -1)
		CHECK(within(options.line_count, 1, FEED_LINES_MAX) &&
			      within(options.subscribers, 1, SUBSCRIBERS_MAX) &&
			      within((uint64_t)options.line.buffer_bytes, 1, 1u << 30) &&
			      (options.seconds == 0 || seconds_within(options.seconds, 0.01, 1e6)),
		      "subscribe");
	return status;
}

static void check_list(const struct number_list *list, uint64_t least, uint64_t most)
{
	CHECK(list->count <= NUMBER_LIST_MAX, "too many numbers");
	for (uint32_t i = 0; i < list->count; i++)
		CHECK(within(list->numbers[i], least, most), "number %u", list->numbers[i]);
}

static int run_bench(struct line *line)
{
	struct bench_options options;
	int status = options_parse(line->count, line->arguments, &options);

	if (status >= 0)
		return status;
	CHECK(options.case_count <= OPTIONS_LIST_MAX && options.chosen.count <= OPTIONS_LIST_MAX &&
		      (options.rate == 0 || within(options.rate, 1, 10000000)) &&
		      within(options.rounds, 1, 100) &&
		      seconds_within(options.seconds, 0.01, 3600) &&
		      (options.call_cost_ns == 0 || within(options.call_cost_ns, 10, 20000)) &&
		      (options.cpus.count == 0 || options.cpus.count == 2 ||
		       options.cpus.count == 4),
	      "bench");
	check_list(&options.sizes, MESSAGE_BYTES_MIN, MESSAGE_BYTES_LIMIT);
	check_list(&options.sockets, 1, 10000);
	check_list(&options.batches, 1, 4096);
	check_list(&options.hosts, 1, BENCH_HOSTS_MAX);
	check_list(&options.loads, 1, 100);
	check_list(&options.workers, 1, BENCH_WORKERS_MAX);
	CHECK(options.active <= 10000 && options.flood <= 10000000, "flood");
	check_list(&options.cpus, 0, 4095);
	return -1;
}

static const struct {
	const char *name;
	const char *argument;
	int (*run)(struct line *line);
} commands[] = {
	{"regio serve", "serve", run_serve},
	{"regio load", "load", run_load},
	{"regio feed publish", "publish", run_publish},
	{"regio feed subscribe", "subscribe", run_subscribe},
	{"regio bench", "bench", run_bench},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	uint32_t command = input_below(&input, sizeof(commands) / sizeof(commands[0]));
	struct line line = take_line(&input, commands[command].argument);
	struct said said;
	int status;

	said_begin(&said);
	status = commands[command].run(&line);
	said_end(&said);
	check_said(&said, &line, commands[command].name, status);
	said_free(&said);
	free_line(&line);
	return 0;
}
