/* SPDX-License-Identifier: MIT */
/*
 * regio load: connects, has the load run, says what became of it.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "hgrm.h"
#include "numbers.h"
#include "output.h"

static void write_log(struct load *load, uint64_t sent, uint64_t received)
{
	uint64_t p50_ns = counter_read(&load->latency.p50_ns);

	fprintf(load->log, "%llu,%llu,%llu,", (unsigned long long)++load->logged_s,
		(unsigned long long)sent, (unsigned long long)received);
	/* Nothing came in that second, or nothing ever comes back. */
	if (p50_ns == 0)
		fprintf(load->log, ",\n");
	else
		fprintf(load->log, "%.3f,%.3f\n", (double)p50_ns / 1e3,
			(double)counter_read(&load->latency.p99_ns) / 1e3);
}

static void show_second(void *context)
{
	struct load *load = context;
	uint64_t sent = counter_read(&load->sent), received = counter_read(&load->received);

	if (load->log)
		write_log(load, sent - load->shown_sent, received - load->shown_received);
	if (load->options->mode == SERVE_ECHO)
		console_live("sent %s/s, back %s/s, p50 %.1f us, p99 %.1f us, unanswered %s",
			     number_grouped((long long)(sent - load->shown_sent)).text,
			     number_grouped((long long)(received - load->shown_received)).text,
			     (double)counter_read(&load->latency.p50_ns) / 1e3,
			     (double)counter_read(&load->latency.p99_ns) / 1e3,
			     number_grouped((long long)(sent - received)).text);
	else
		console_live("%s messages/s",
			     number_grouped((long long)(sent + received - load->shown_sent -
							load->shown_received))
				     .text);
	load->shown_sent = sent;
	load->shown_received = received;
}

static int write_json(const struct load *load)
{
	FILE *file = json_open(console_command(), load->options->json_path);

	return file ? load_write_json(file, load) : -1;
}

struct number_text load_sizes(const struct load *load)
{
	struct number_text text;

	if (load->playback.count && load->playback.bytes_least < load->playback.bytes_most)
		snprintf(text.text, sizeof(text.text), "%u-%u bytes", load->playback.bytes_least,
			 load->playback.bytes_most);
	else
		snprintf(text.text, sizeof(text.text), "%u bytes", load->size_most);
	return text;
}

/* The title says what was measured: where, what, how often, and from when latency counts. */
static int draw(const struct load *load)
{
	const struct load_options *options = load->options;
	const struct histogram *histograms[] = {&load->latency.all};
	const char *names[] = {load->open_loop ? "from the due time" : "round trip"};
	char title[256], rate[64];

	if (load->playback.count)
		snprintf(rate, sizeof(rate), "times of a file");
	else if (options->rate)
		snprintf(rate, sizeof(rate), "%s messages/s",
			 number_grouped((long long)options->rate).text);
	else
		snprintf(rate, sizeof(rate), "closed loop, %u at a time", options->depth);
	snprintf(title, sizeof(title), "regio load %s (%s): %s, %s, %u connection%s",
		 load_where(load).text, options->tcp ? "TCP" : "UDP", load_sizes(load).text, rate,
		 load->connection_count, load->connection_count > 1 ? "s" : "");
	return latency_plot(options->plot_path, title, histograms, names, 1);
}

static int write_hgrm(const struct load *load)
{
	const char *path = load->options->hgrm_path;
	FILE *file = output_open(console_command(), "--hgrm", path);

	if (!file)
		return -1;
	hgrm_write(file, &load->latency.all);
	return output_close(console_command(), "--hgrm", path, file);
}

static int report(const struct load *load)
{
	int status = load_judge(load);

	if (!json_to_stdout(load->options->json_path))
		load_print(stdout, load);
	if (load->options->json_path && write_json(load))
		status = -1;
	if (load->options->plot_path && draw(load))
		status = -1;
	if (load->options->hgrm_path && write_hgrm(load))
		status = -1;
	return status;
}

/* Once the run can start: until then what an earlier one has logged stays. */
static int open_log(struct load *load)
{
	load->log = output_open(console_command(), "--log", load->options->log_path);
	if (!load->log)
		return -1;
	fputs("second,sent,received,p50_us,p99_us\n", load->log);
	return 0;
}

struct address_text load_where(const struct load *load)
{
	struct address_text text;

	if (!load->options->list_path)
		return address_text(&load->addresses.addresses[0]);
	snprintf(text.text, sizeof(text.text), "%u addresses", load->addresses.count);
	return text;
}

/* What the options say, as the load needs it. Returns 0, or -1 after saying why. */
static int prepare(struct load *load)
{
	const struct load_options *options = load->options;

	if (options->playback_path && playback_read(options->playback_path, &load->playback))
		return -1;
	load->size_most = load->playback.count ? load->playback.bytes_most : options->size;
	load->open_loop = options->rate || load->playback.count;
	load->carrier = options->timestamps ? &load_plain : &load_queues;
	if (!options->timestamps)
		return 0;
	load->stages = calloc(1, sizeof(*load->stages));
	return load->stages ? 0 : console_fail("--timestamps: %s", strerror(ENOMEM));
}

static int run(struct load *load)
{
	struct crew crew = {.work = load_run, .tick = show_second, .context = load};

	if (prepare(load) || load_connect(load))
		return -1;
	if (load->options->log_path && open_log(load))
		return -1;
	console_say("connected to %s (%s %s)", load_where(load).text,
		    load->options->tcp ? "TCP" : "UDP", serve_mode_names[load->options->mode]);
	if (crew_run(&crew, load, sizeof(*load), 1))
		return -1;
	return report(load);
}

int load_command(int argc, char **argv)
{
	struct load_options options;
	struct load load = {.options = &options};
	int status = load_options_parse(argc, argv, &options);

	if (status >= 0)
		return status;
	if (options.plot_path && plot_check(console_command(), options.plot_path))
		return 2;
	if (options.json_path && json_check(console_command(), options.json_path))
		return 2;
	if (options.log_path && output_check(console_command(), "--log", options.log_path))
		return 2;
	if (options.hgrm_path && output_check(console_command(), "--hgrm", options.hgrm_path))
		return 2;
	status = run(&load) ? 1 : 0;
	if (load.log && output_close(console_command(), "--log", options.log_path, load.log))
		status = 1;
	load_disconnect(&load);
	playback_free(&load.playback);
	free(load.stages);
	return console_end(options.json_path, status);
}
