/* SPDX-License-Identifier: MIT */
/*
 * netns_traffic.c - one end of a checked stream of datagrams between two network namespaces
 *
 *	netns_traffic receive IMPL ADDRESS PORT
 *	netns_traffic send IMPL ADDRESS PORT
 *
 * IMPL is "regio" or "mmsg" (sendmmsg and recvmmsg by hand) and counts for this end alone.
 * The receiver prints "ready" when it may be sent to, checks number and content of every
 * message, acknowledges how many came, and prints the rate. The sender has no more in flight
 * than the receiver's socket buffer holds, so nothing may be lost.
 */
#include "support/net.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 128u
#define SLOTS 8192u
#define MESSAGE_SIZE 64u
#define TOTAL UINT64_C(250000)
/* What a small datagram is charged in a socket buffer, with room to spare. */
#define DATAGRAM_CHARGE 2048u
#define STALL_MS 10000

struct end {
	int fd;
	bool with_regio;
	struct regio_cq *cq;
	struct regio_rq *rq;
	uint64_t region;
	uint8_t *memory;
	uint64_t posted;
	uint64_t pending; /* sends not yet dequeued */
};

/* From the receiver: what has come, and how much may be in flight. */
struct acknowledgement {
	uint64_t count;
	uint64_t window;
};

static void give_up(const char *what)
{
	fprintf(stderr, "netns_traffic: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void demand(bool condition, const char *what)
{
	if (!condition)
		give_up(what);
}

static void open_queues(struct end *end)
{
	void *memory;

	demand(!regio_region_allocate((size_t)SLOTS * MESSAGE_SIZE, NULL, &end->region, &memory),
	       regio_last_error());
	end->memory = memory;
	if (!end->with_regio)
		return;
	demand(!regio_cq_create(2 * SLOTS, NULL, &end->cq), regio_last_error());
	demand(!regio_rq_create(end->fd, SLOTS, SLOTS, end->cq, end->cq, 0, NULL, &end->rq),
	       regio_last_error());
}

static struct regio_buf slot_of(const struct end *end, uint64_t sequence)
{
	return (struct regio_buf){end->region, (uint32_t)(sequence % SLOTS) * MESSAGE_SIZE,
				  MESSAGE_SIZE};
}

static uint8_t *memory_of(const struct end *end, uint64_t sequence)
{
	return end->memory + sequence % SLOTS * MESSAGE_SIZE;
}

static void prepare_vectors(struct end *end, uint64_t first, struct mmsghdr *messages,
			    struct iovec *vectors)
{
	for (size_t i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){memory_of(end, first + i), MESSAGE_SIZE};
		messages[i] =
			(struct mmsghdr){.msg_hdr = {.msg_iov = &vectors[i], .msg_iovlen = 1}};
	}
}

/* ---- Sending ------------------------------------------------------------------- */

static void drain_sends(struct end *end)
{
	struct regio_result results[BATCH];
	int got;

	while ((got = regio_cq_dequeue(end->cq, results, BATCH)) > 0) {
		for (int i = 0; i < got; i++)
			demand(results[i].status == 0, regio_error_name(results[i].status));
		end->pending -= (uint64_t)got;
	}
}

static void send_with_regio(struct end *end, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct regio_buf slice = slot_of(end, first + i);

		demand(!regio_send(end->rq, &slice, i + 1 < count ? REGIO_MSG_DEFER : 0, first + i),
		       "regio_send");
		end->pending++;
	}
	drain_sends(end);
}

static void send_with_mmsg(struct end *end, uint64_t first, uint64_t count)
{
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];

	prepare_vectors(end, first, messages, vectors);
	for (uint64_t done = 0; done < count;) {
		int sent = sendmmsg(end->fd, messages + done, (unsigned int)(count - done), 0);

		demand(sent > 0, "sendmmsg");
		done += (uint64_t)sent;
	}
}

/* Takes the acknowledgements that are there, or waits for one. */
static void read_acknowledgements(int fd, struct acknowledgement *latest, bool wait)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	struct acknowledgement next;

	demand(poll(&readable, 1, wait ? STALL_MS : 0) > 0 || !wait, "no acknowledgement came");
	while (recv(fd, &next, sizeof(next), MSG_DONTWAIT) == sizeof(next))
		*latest = next;
}

static void run_sender(struct end *end, int back_fd)
{
	struct acknowledgement latest = {0};
	uint64_t sent = 0;

	while (latest.count < TOTAL) {
		uint64_t room = latest.count + latest.window - sent;
		uint64_t count = TOTAL - sent < BATCH ? TOTAL - sent : BATCH;

		count = room < count ? room : count;
		for (uint64_t i = sent; i < sent + count; i++)
			fill_message(memory_of(end, i), MESSAGE_SIZE, i);
		if (count > 0 && end->with_regio)
			send_with_regio(end, sent, count);
		else if (count > 0)
			send_with_mmsg(end, sent, count);
		sent += count;
		read_acknowledgements(back_fd, &latest, count == 0);
	}
}

/* ---- Receiving ----------------------------------------------------------------- */

static uint64_t receive_with_regio(struct end *end, uint64_t received)
{
	struct regio_result results[BATCH];

	for (; end->posted < received + SLOTS; end->posted++) {
		struct regio_buf slice = slot_of(end, end->posted);

		demand(!regio_receive(end->rq, &slice, REGIO_MSG_DEFER, end->posted),
		       "regio_receive");
	}
	int got = regio_cq_dequeue(end->cq, results, BATCH);

	if (got == 0) {
		demand(regio_cq_wait(end->cq, 1, 0, STALL_MS * MILLISECOND_NS) > 0,
		       "messages were lost");
		got = regio_cq_dequeue(end->cq, results, BATCH);
	}
	for (int i = 0; i < got; i++)
		demand(results[i].status == 0 && results[i].bytes == MESSAGE_SIZE &&
			       results[i].request_context == received + (uint64_t)i,
		       "a result is wrong");
	return (uint64_t)got;
}

static uint64_t receive_with_mmsg(struct end *end, uint64_t received)
{
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct pollfd readable = {.fd = end->fd, .events = POLLIN};

	prepare_vectors(end, received, messages, vectors);
	demand(poll(&readable, 1, STALL_MS) > 0, "messages were lost");
	int got = recvmmsg(end->fd, messages, BATCH, MSG_DONTWAIT, NULL);

	demand(got > 0, "recvmmsg");
	for (int i = 0; i < got; i++)
		demand(messages[i].msg_len == MESSAGE_SIZE, "a length is wrong");
	return (uint64_t)got;
}

static struct acknowledgement opening_window(int fd)
{
	int size = 0;
	socklen_t length = sizeof(size);
	struct acknowledgement window = {0};

	demand(!getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &length), "getsockopt");
	window.window = (uint64_t)size / DATAGRAM_CHARGE;
	if (window.window > SLOTS / 2)
		window.window = SLOTS / 2;
	return window;
}

static void acknowledge(int fd, const struct acknowledgement *what, const union address *to)
{
	demand(sendto(fd, what, sizeof(*what), 0, &to->any, address_length(to)) == sizeof(*what),
	       "sendto");
}

static void run_receiver(struct end *end, int back_fd, const union address *back)
{
	struct acknowledgement latest = opening_window(end->fd);
	uint64_t received = 0;
	int64_t begin_ns = now_ns();

	acknowledge(back_fd, &latest, back);
	while (received < TOTAL) {
		uint64_t got = end->with_regio ? receive_with_regio(end, received)
					       : receive_with_mmsg(end, received);

		for (uint64_t i = 0; i < got; i++, received++)
			demand(message_is(memory_of(end, received), MESSAGE_SIZE, received),
			       "a message was lost, doubled, moved or changed");
		if (received - latest.count < latest.window / 8 && received < TOTAL)
			continue;
		latest.count = received;
		acknowledge(back_fd, &latest, back);
	}
	printf("%.0f\n", (double)TOTAL * 1e9 / (double)(now_ns() - begin_ns));
}

/* ---- Both ---------------------------------------------------------------------- */

static union address parse_address(const char *text, int port)
{
	union address address = {0};

	if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
		address.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1)
		address.any.sa_family = AF_INET6;
	else
		give_up(text);
	address.v4.sin_port = htons((uint16_t)port);
	return address;
}

static void send_stream(struct end *end, int back_fd, const union address *stream,
			const union address *back)
{
	demand(!connect(end->fd, &stream->any, address_length(stream)), "connect");
	demand(!connect(back_fd, &back->any, address_length(back)), "connect");
	open_queues(end);
	demand(send(back_fd, "", 0, 0) == 0, "send");
	run_sender(end, back_fd);
}

static void receive_stream(struct end *end, int back_fd, const union address *stream,
			   const union address *back)
{
	struct pollfd readable = {.fd = back_fd, .events = POLLIN};
	union address sender = {0};
	socklen_t length = sizeof(sender);
	int size = 8 << 20;
	char byte;

	if (setsockopt(end->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(end->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	demand(!bind(end->fd, &stream->any, address_length(stream)), "bind");
	demand(!bind(back_fd, &back->any, address_length(back)), "bind");
	open_queues(end);
	puts("ready");
	fflush(stdout);
	demand(poll(&readable, 1, STALL_MS) > 0, "no sender came");
	demand(recvfrom(back_fd, &byte, 1, 0, &sender.any, &length) >= 0, "recvfrom");
	run_receiver(end, back_fd, &sender);
}

/* Acknowledgements take a way of their own, on the next port, so the stream stays pure. */
int main(int argc, char **argv)
{
	struct end end = {0};

	demand(argc == 5, "arguments are: receive|send regio|mmsg ADDRESS PORT");
	int port = (int)strtol(argv[4], NULL, 10);
	union address stream = parse_address(argv[3], port);
	union address back = parse_address(argv[3], port + 1);
	int back_fd = socket(back.any.sa_family, SOCK_DGRAM, 0);

	end.with_regio = !strcmp(argv[2], "regio");
	end.fd = socket(stream.any.sa_family, SOCK_DGRAM, 0);
	demand(end.fd >= 0 && back_fd >= 0, "socket");
	if (!strcmp(argv[1], "receive"))
		receive_stream(&end, back_fd, &stream, &back);
	else
		send_stream(&end, back_fd, &stream, &back);
	return EXIT_SUCCESS;
}
