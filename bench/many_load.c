/* SPDX-License-Identifier: MIT */
/*
 * The load of many queues: one thread that has a socket on each host. Paced messages leave when
 * they are due, one at a time; a flood leaves in short bursts, each from the next host, at a rate
 * of its own or in all the time that is left. What a host sends goes to its active queues in turn.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "many.h"
#include "pace.h"

/* Long enough to be worth a sendmmsg, short enough not to delay what is due. */
#define BURST 8u

struct load {
	struct bench_side *side;
	uint32_t hosts, queues_per_host, active_per_host;
	struct sockaddr_in *names; /* by queue */
	uint64_t *sequences;
	uint32_t *turns; /* by host: of its active queues */
	uint64_t paced, bursts;
	uint8_t *messages;
	struct mmsghdr headers[BURST];
	struct iovec vectors[BURST];
};

static void load_open(struct load *load, struct bench_side *side)
{
	const struct bench_params *params = &side->params;
	uint32_t queues = side->peer_fd_count;

	memset(load, 0, sizeof(*load));
	load->side = side;
	load->hosts = params->hosts;
	load->queues_per_host = queues / params->hosts;
	load->active_per_host = params->active / params->hosts;
	if (load->active_per_host == 0)
		load->active_per_host = 1;
	if (load->active_per_host > load->queues_per_host)
		load->active_per_host = load->queues_per_host;
	load->names = side_alloc(side, queues * sizeof(*load->names));
	load->sequences = side_alloc(side, queues * sizeof(*load->sequences));
	load->turns = side_alloc(side, load->hosts * sizeof(*load->turns));
	load->messages = side_alloc_messages(side, BURST);
	for (uint32_t i = 0; i < queues; i++) {
		socklen_t bytes = sizeof(load->names[i]);

		if (getsockname(side->peer_fds[i], (struct sockaddr *)&load->names[i], &bytes))
			side_fail_call(side, "getsockname", errno);
	}
	for (uint32_t i = 0; i < BURST; i++) {
		load->vectors[i].iov_base = load->messages + (uint64_t)i * params->stride;
		load->headers[i].msg_hdr.msg_iov = &load->vectors[i];
		load->headers[i].msg_hdr.msg_iovlen = 1;
		load->headers[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
	}
}

/* The host's next active queue; they are spread over all it has. */
static uint32_t next_queue(struct load *load, uint32_t host)
{
	uint32_t turn = load->turns[host]++ % load->active_per_host;

	return host * load->queues_per_host +
	       turn * (load->queues_per_host / load->active_per_host);
}

static void write_message(struct load *load, uint32_t index, uint32_t host, uint64_t due_ns)
{
	uint32_t queue = next_queue(load, host), size = load->side->params.size;
	void *data = load->vectors[index].iov_base;
	const struct many_message message = {
		.header.sequence = load->sequences[queue]++,
		.due_ns = due_ns,
	};

	memcpy(data, &message, sizeof(message));
	if (load->side->params.verify) {
		message_fill(data, size);
		memcpy(data, &message, sizeof(message));
		message_close(data, size);
	}
	load->vectors[index].iov_len = size;
	load->headers[index].msg_hdr.msg_name = &load->names[queue];
	load->side->next_sequence++;
}

/* What the network does not take now is lost on the way, as it would be later. */
static void send_messages(struct load *load, uint32_t host, uint32_t count)
{
	int sent = sendmmsg(load->side->fds[host], load->headers, count, MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR &&
	    errno != ECONNREFUSED)
		side_fail_call(load->side, "sendmmsg", errno);
}

static bool send_paced(struct load *load, uint64_t now_ns)
{
	const struct bench_params *params = &load->side->params;
	uint32_t host = params->apart ? 0 : (uint32_t)(load->paced % load->hosts);
	uint64_t wanted_ns;

	if (params->rate == 0)
		return false;
	wanted_ns = pace_due_ns(load->side, load->paced, params->rate);
	if (now_ns < wanted_ns)
		return false;
	write_message(load, 0, host, wanted_ns);
	send_messages(load, host, 1);
	load->paced++;
	return true;
}

static bool send_burst(struct load *load, uint64_t now_ns)
{
	const struct bench_params *params = &load->side->params;
	uint32_t host = params->apart ? 1 : (uint32_t)(load->bursts % load->hosts);

	if (params->flood == 0 ||
	    (params->flood != BENCH_FLOOD_ALL &&
	     now_ns < pace_due_ns(load->side, load->bursts * BURST, params->flood)))
		return false;
	for (uint32_t i = 0; i < BURST; i++)
		write_message(load, i, host, 0);
	send_messages(load, host, BURST);
	load->bursts++;
	return true;
}

void many_load(struct bench_side *side)
{
	struct load load;

	load_open(&load, side);
	side_start(side);
	while (side_running(side)) {
		uint64_t now_ns = clock_now_ns();

		if (send_paced(&load, now_ns) || send_burst(&load, now_ns))
			side->busy_ns += clock_now_ns() - now_ns;
		else
			side_relax(side);
	}
}
