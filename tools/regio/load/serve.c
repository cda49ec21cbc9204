/* SPDX-License-Identifier: MIT */
/*
 * regio serve: opens the socket, has it served, says how that went.
 */
#include "serve.h"

#include <string.h>

#include "confine.h"
#include "console.h"
#include "identity.h"
#include "numbers.h"
#include "output.h"
#include "serve_socket.h"

/* ---- Reports ------------------------------------------------------------- */

static void show_live(void *context)
{
	struct server *server = context;
	const struct serve_counts *counts = &server->counts;
	bool source = server->options->mode == SERVE_SOURCE;
	uint64_t messages = counter_read(source ? &counts->sent : &counts->received);
	uint64_t bytes = counter_read(source ? &counts->sent_bytes : &counts->received_bytes);

	console_live("%s %s/s, %.1f Mbit/s; %s in all, clients: %s",
		     count_grouped(messages - server->shown_messages).text,
		     server->options->tcp ? "pieces" : "messages",
		     (double)(bytes - server->shown_bytes) * 8 / 1e6, count_grouped(messages).text,
		     count_grouped(counter_read(&counts->clients)).text);
	server->shown_messages = messages;
	server->shown_bytes = bytes;
}

static double seconds_of(const struct server *server)
{
	return (double)(server->stop_ns - server->start_ns) / 1e9;
}

static void print_summary(FILE *file, const struct server *server)
{
	const struct serve_counts *counts = &server->counts;
	const char *what = server->options->tcp ? "pieces of streams" : "messages";

	fprintf(file, "served %.2f s, clients: %s\n", seconds_of(server),
		count_grouped(counts->clients).text);
	fprintf(file, "  received %s %s, %s bytes\n", count_grouped(counts->received).text, what,
		count_grouped(counts->received_bytes).text);
	fprintf(file, "  sent %s %s, %s bytes\n", count_grouped(counts->sent).text, what,
		count_grouped(counts->sent_bytes).text);
	if (counts->too_long)
		fprintf(file, "  %s messages were longer than --size %u and not taken\n",
			count_grouped(counts->too_long).text, server->options->size);
	if (counts->strangers)
		fprintf(file,
			"  %s messages were of clients that have not greeted, and not answered;\n"
			"    see --open\n",
			count_grouped(counts->strangers).text);
	if (server->kernel_drops)
		fprintf(file,
			"  the kernel dropped %s packets for want of room\n"
			"    (a train counts once); see sysctl net.core.rmem_max\n",
			count_grouped(server->kernel_drops).text);
	if (server->pause_ns >= CREW_PAUSE_NS)
		fprintf(file, "  this program did not run for up to %.3f s\n",
			(double)server->pause_ns / 1e9);
	if (counts->stalls)
		fprintf(file,
			"  %s times messages waited in the socket and were not found:\n"
			"    a fault of regio, please report it\n",
			count_grouped(counts->stalls).text);
	if (counts->failed)
		fprintf(file, "  %s sends or receives failed\n",
			count_grouped(counts->failed).text);
	if (counts->refused)
		fprintf(file, "  %s connections refused; see --connections, and ulimit -n\n",
			count_grouped(counts->refused).text);
	if (counts->resets)
		fprintf(file, "  %s connections ended with an error\n",
			count_grouped(counts->resets).text);
	output_flush();
}

static int write_json(const struct server *server)
{
	const struct serve_counts *counts = &server->counts;
	FILE *file = json_open(console_command(), server->options->json_path);
	cJSON *document;
	int status;

	if (!file)
		return -1;
	document = cJSON_CreateObject();

	cJSON_AddStringToObject(document, "command", "serve");
	identity_add_json(document, server->engine, server->options->spin);
	cJSON_AddStringToObject(document, "mode", serve_mode_names[server->options->mode]);
	cJSON_AddStringToObject(document, "protocol", server->options->tcp ? "tcp" : "udp");
	cJSON_AddStringToObject(document, "address",
				address_text(&server->sockets[0].address).text);
	cJSON_AddNumberToObject(document, "addresses", server->socket_count);
	cJSON_AddNumberToObject(document, "seconds", seconds_of(server));
	json_add_count(document, "clients", counts->clients);
	json_add_count(document, "received", counts->received);
	json_add_count(document, "received_bytes", counts->received_bytes);
	json_add_count(document, "sent", counts->sent);
	json_add_count(document, "sent_bytes", counts->sent_bytes);
	json_add_count(document, "too_long", counts->too_long);
	json_add_count(document, "strangers", counts->strangers);
	json_add_count(document, "kernel_drops", server->kernel_drops);
	if (!server->options->tcp)
		cJSON_AddNumberToObject(document, "pause_max_us", (double)server->pause_ns / 1e3);
	json_add_count(document, "stalls", counts->stalls);
	json_add_count(document, "failed", counts->failed);
	json_add_count(document, "refused", counts->refused);
	json_add_count(document, "resets", counts->resets);
	status = json_write(console_command(), file, document);
	cJSON_Delete(document);
	return status;
}

/* ---- The command --------------------------------------------------------- */

static int serve(struct server *server)
{
	const struct serve_options *options = server->options;
	struct crew crew = {
		.work = options->tcp ? serve_tcp : serve_udp, .tick = show_live, .context = server};
	int status = confine_to_cpus(&options->cpus) || serve_sockets_open(server) ? -1 : 0;

	if (status == 0) {
		for (uint32_t i = 0; i < server->socket_count; i++)
			console_say("listening on %s (%s %s)",
				    address_text(&server->sockets[i].address).text,
				    options->tcp ? "TCP" : "UDP", serve_mode_names[options->mode]);
		server->start_ns = clock_now_ns();
		if (options->seconds > 0)
			server->stop_ns = server->start_ns + (uint64_t)(options->seconds * 1e9);
		status = crew_run(&crew, server, sizeof(*server), 1);
		server->stop_ns = clock_now_ns();
		if (!options->tcp)
			server->kernel_drops = serve_sockets_drops(server);
	}
	return status;
}

int serve_command(int argc, char **argv)
{
	struct serve_options options;
	struct server server = {.options = &options};
	int status = serve_options_parse(argc, argv, &options);

	if (status >= 0)
		return status;
	if (options.json_path && json_check(console_command(), options.json_path))
		return 2;
	status = serve(&server);
	if (status == 0 && !json_to_stdout(options.json_path))
		print_summary(stdout, &server);
	if (status == 0 && options.json_path)
		status = write_json(&server);
	else
		console_end(options.json_path, status ? 1 : 0);
	serve_sockets_close(&server);
	return status ? 1 : 0;
}
