/* SPDX-License-Identifier: MIT */
/*
 * regio load: connects, has the load run, says what became of it.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "numbers.h"
#include "output.h"

static void show_live(void *context)
{
	struct load *load = context;
	uint64_t sent = counter_read(&load->sent), received = counter_read(&load->received);

	if (load->options->mode == SERVE_ECHO)
		console_live("%s sent/s, %s back/s, p50 %.1f us, p99 %.1f us; %s without an answer",
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

static int report(const struct load *load)
{
	const struct histogram *histograms[] = {&load->latency.all};
	const char *names[] = {"round trip"};
	int status = load_judge(load);

	if (!json_to_stdout(load->options->json_path))
		load_print(stdout, load);
	if (load->options->json_path && write_json(load))
		status = -1;
	if (load->options->plot_path &&
	    latency_plot(load->options->plot_path, "regio load", histograms, names, 1))
		status = -1;
	return status;
}

static int run(struct load *load)
{
	struct crew crew = {.work = load_run, .tick = show_live, .context = load};

	if (load_connect(load))
		return -1;
	console_say("connected to %s (%s %s)", address_text(&load->address).text,
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
	load.connections = calloc(options.connections, sizeof(*load.connections));
	if (!load.connections) {
		console_fail("allocate %u connections: %s", options.connections, strerror(ENOMEM));
		return console_end(options.json_path, 1);
	}
	for (uint32_t i = 0; i < options.connections; i++)
		load.connections[i].fd = -1;
	status = run(&load) ? 1 : 0;
	for (uint32_t i = 0; i < options.connections; i++) {
		if (load.connections[i].fd >= 0)
			close(load.connections[i].fd);
	}
	free(load.connections);
	return console_end(options.json_path, status);
}
