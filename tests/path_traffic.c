/* SPDX-License-Identifier: MIT */
/*
 * path_traffic.c - one end of a checked stream of numbered datagrams over a path between two hosts
 *
 *	path_traffic receive HOW ADDRESS PORT
 *	path_traffic send HOW ADDRESS PORT MESSAGES LENGTH_MIN LENGTH_MAX RUN WINDOW
 *
 * HOW is "regio", "single" (regio without trains), "mmsg" (sendmmsg and recvmmsg by hand) or, to
 * receive, "gro" (UDP_GRO by hand), and counts for this end alone. RUN messages after one another
 *have one length. No more than WINDOW are in flight, nor than the receiver's socket buffer holds,
 *so whatever is missing was lost on the way. A TCP connection to the same port carries what the two
 *ends send each other.
 *
 * The receiver prints "ready" when it may be sent to. At the end each prints one line of counts.
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
#define HEAD sizeof(uint64_t)
/* What a datagram is charged in a socket buffer beside its bytes, with room to spare. */
#define DATAGRAM_CHARGE 2048u
/* Without a sign of life, and without a message: longer than an adapter takes to come back. */
#define STALL_MS 60000
#define QUIET_MS 5000
/* Without an acknowledgement: what is in flight is lost. */
#define LOST_MS 1000

struct plan {
	uint64_t messages, length_min, length_max, run, window;
};

struct end {
	struct plan plan;
	int fd, control;
	const char *how;
	struct regio_cq *cq;
	struct regio_rq *rq;
	uint64_t region;
	uint8_t *memory;
	size_t slot_size;
	uint64_t posted;
	uint64_t pending; /* sends not yet dequeued */
	uint64_t errors;
	int64_t first_error;
};

/* From the receiver: what has come or is lost, and how much may be in flight. */
struct acknowledgement {
	uint64_t count, window;
};

/* What the receiver has found. */
struct tally {
	uint64_t next; /* after the highest number so far */
	uint64_t received, lost, late, repeated, broken;
	uint8_t *seen; /* a bit for each number */
};

static void give_up(const char *what)
{
	fprintf(stderr, "path_traffic: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void demand(bool condition, const char *what)
{
	if (!condition)
		give_up(what);
}

static bool with_regio(const struct end *end)
{
	return !strcmp(end->how, "regio") || !strcmp(end->how, "single");
}

static void open_queues(struct end *end)
{
	struct regio_rq_opts opts = {.size = sizeof(opts)};
	void *memory;

	/* A message that is too long must not look as if it were not. */
	end->slot_size = end->plan.length_max + HEAD;
	demand(!regio_region_allocate(SLOTS * end->slot_size, NULL, &end->region, &memory),
	       regio_last_error());
	end->memory = memory;
	if (!with_regio(end))
		return;
	opts.train_max_messages = !strcmp(end->how, "single") ? 1 : 0;
	demand(!regio_cq_create(2 * SLOTS, NULL, &end->cq), regio_last_error());
	demand(!regio_rq_create(end->fd, SLOTS, SLOTS, end->cq, end->cq, 0, &opts, &end->rq),
	       regio_last_error());
}

static uint8_t *memory_of(const struct end *end, uint64_t slot)
{
	return end->memory + slot % SLOTS * end->slot_size;
}

static struct regio_buf slice_of(const struct end *end, uint64_t slot, size_t length)
{
	return (struct regio_buf){end->region, (uint32_t)(slot % SLOTS * end->slot_size),
				  (uint32_t)length};
}

static void set_message(struct mmsghdr *message, struct iovec *vector, void *data, size_t length)
{
	*vector = (struct iovec){data, length};
	*message = (struct mmsghdr){.msg_hdr = {.msg_iov = vector, .msg_iovlen = 1}};
}

static struct regio_rq_info read_counts(const struct end *end)
{
	struct regio_rq_info info = {0};

	demand(!end->rq || !regio_rq_get_info(end->rq, &info, sizeof(info)), regio_last_error());
	return info;
}

/* ---- Messages ------------------------------------------------------------------ */

/* Follows from the number alone, so that the receiver knows it. */
static size_t length_of(const struct plan *plan, uint64_t number)
{
	uint64_t drawn = (number / plan->run + 1) * UINT64_C(0x9E3779B97F4A7C15);

	return plan->length_min + (drawn >> 32) % (plan->length_max - plan->length_min + 1);
}

static void write_message(const struct end *end, uint64_t number)
{
	uint8_t *memory = memory_of(end, number);

	memcpy(memory, &number, HEAD);
	fill_message(memory + HEAD, length_of(&end->plan, number) - HEAD, number);
}

static void enter(const struct plan *plan, struct tally *tally, const uint8_t *data, size_t length)
{
	uint64_t number = UINT64_MAX;
	uint8_t bit;

	if (length >= HEAD)
		memcpy(&number, data, HEAD);
	if (number >= plan->messages || length != length_of(plan, number) ||
	    !message_is(data + HEAD, length - HEAD, number)) {
		tally->broken++;
		return;
	}
	bit = (uint8_t)(1 << number % 8);
	if (tally->seen[number / 8] & bit) {
		tally->repeated++;
		return;
	}
	tally->seen[number / 8] |= bit;
	tally->received++;
	if (number < tally->next) {
		tally->late++;
		tally->lost--;
		return;
	}
	tally->lost += number - tally->next;
	tally->next = number + 1;
}

/* ---- Sending ------------------------------------------------------------------- */

static void count_error(struct end *end, int64_t error)
{
	end->errors++;
	if (!end->first_error)
		end->first_error = error;
}

/* Until no more than 'pending_max' are left. */
static void drain_sends(struct end *end, uint64_t pending_max)
{
	struct regio_result results[BATCH];

	do {
		int got = regio_cq_dequeue(end->cq, results, BATCH);

		demand(got >= 0, regio_error_name(got));
		for (int i = 0; i < got; i++)
			if (results[i].status)
				count_error(end, results[i].status);
		end->pending -= (uint64_t)got;
		if (got == 0 && end->pending > pending_max)
			demand(regio_cq_wait(end->cq, 1, 0, STALL_MS * MILLISECOND_NS) > 0,
			       "sends do not complete");
	} while (end->pending > pending_max);
}

static void send_with_regio(struct end *end, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		struct regio_buf slice = slice_of(end, i, length_of(&end->plan, i));

		demand(!regio_send(end->rq, &slice, i + 1 < first + count ? REGIO_MSG_DEFER : 0, i),
		       regio_last_error());
		end->pending++;
	}
	drain_sends(end, SLOTS - BATCH);
}

static void send_with_mmsg(struct end *end, uint64_t first, uint64_t count)
{
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];

	for (uint64_t i = 0; i < count; i++) {
		set_message(&messages[i], &vectors[i], memory_of(end, first + i),
			    length_of(&end->plan, first + i));
	}
	for (uint64_t done = 0; done < count;) {
		int sent = sendmmsg(end->fd, messages + done, (unsigned int)(count - done), 0);

		if (sent < 0)
			count_error(end, -errno);
		done += sent < 0 ? 1 : (uint64_t)sent;
	}
}

/* Takes the acknowledgements that are there, or waits for one; false when none came in time. */
static bool read_acknowledgements(int control, struct acknowledgement *latest, int wait_ms)
{
	struct pollfd readable = {.fd = control, .events = POLLIN};
	struct acknowledgement next;

	if (poll(&readable, 1, wait_ms) <= 0)
		return false;
	do {
		demand(recv(control, &next, sizeof(next), MSG_WAITALL) == sizeof(next),
		       "the receiver is gone");
		latest->window = next.window;
		/* The sender may have given up what is in flight. */
		if (next.count > latest->count)
			latest->count = next.count;
	} while (poll(&readable, 1, 0) > 0);
	return true;
}

static void run_sender(struct end *end)
{
	struct acknowledgement latest = {0};
	uint64_t sent = 0, stalls = 0, room, count;

	demand(read_acknowledgements(end->control, &latest, STALL_MS), "no window was opened");
	while (sent < end->plan.messages) {
		room = latest.count + latest.window - sent;
		count = end->plan.messages - sent;
		count = room < count ? room : count;
		count = count < BATCH ? count : BATCH;
		for (uint64_t i = sent; i < sent + count; i++)
			write_message(end, i);
		if (count > 0 && with_regio(end))
			send_with_regio(end, sent, count);
		else if (count > 0)
			send_with_mmsg(end, sent, count);
		sent += count;
		/* The receiver may have got everything by now, and ended. */
		if (sent == end->plan.messages)
			break;
		/* Nobody else takes on what the socket had no room for. */
		if (count == 0 && with_regio(end))
			drain_sends(end, 0);
		if (read_acknowledgements(end->control, &latest, count ? 0 : LOST_MS) || count)
			continue;
		stalls++;
		latest.count = sent;
	}
	if (with_regio(end))
		drain_sends(end, 0);

	struct regio_rq_info info = read_counts(end);

	printf("sent %llu errors %llu (%s) stalls %llu trains %llu refused %llu\n",
	       (unsigned long long)sent, (unsigned long long)end->errors,
	       end->first_error ? regio_error_name((int)end->first_error) : "none",
	       (unsigned long long)stalls, (unsigned long long)info.trains_sent,
	       (unsigned long long)info.trains_refused);
}

/* ---- Receiving ----------------------------------------------------------------- */

static void post_receives(struct end *end, uint64_t until)
{
	for (; end->posted < until; end->posted++) {
		struct regio_buf slice = slice_of(end, end->posted, end->slot_size);

		demand(!regio_receive(end->rq, &slice,
				      end->posted + 1 < until ? REGIO_MSG_DEFER : 0, end->posted),
		       regio_last_error());
	}
}

/* Both return how many came, 0 when none did for a while. */
static int receive_with_regio(struct end *end, struct tally *tally)
{
	struct regio_result results[BATCH];
	int got = regio_cq_dequeue(end->cq, results, BATCH);

	if (got == 0) {
		int queued = regio_cq_wait(end->cq, 1, 0, QUIET_MS * MILLISECOND_NS);

		demand(queued > 0 || queued == -ETIMEDOUT, regio_error_name(queued));
		got = queued > 0 ? regio_cq_dequeue(end->cq, results, BATCH) : 0;
	}
	demand(got >= 0, regio_error_name(got));
	for (int i = 0; i < got; i++) {
		demand(results[i].status == 0, regio_error_name(results[i].status));
		enter(&end->plan, tally, memory_of(end, results[i].request_context),
		      results[i].bytes);
	}
	post_receives(end, end->posted + (uint64_t)got);
	return got;
}

static int receive_with_mmsg(struct end *end, struct tally *tally)
{
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct pollfd readable = {.fd = end->fd, .events = POLLIN};

	if (poll(&readable, 1, QUIET_MS) <= 0)
		return 0;
	for (uint64_t i = 0; i < BATCH; i++) {
		set_message(&messages[i], &vectors[i], memory_of(end, i), end->slot_size);
	}
	int got = recvmmsg(end->fd, messages, BATCH, MSG_DONTWAIT, NULL);

	demand(got > 0, "recvmmsg");
	for (int i = 0; i < got; i++)
		enter(&end->plan, tally, memory_of(end, (uint64_t)i), messages[i].msg_len);
	return got;
}

static int receive_with_gro(struct end *end, struct tally *tally)
{
	struct pollfd readable = {.fd = end->fd, .events = POLLIN};
	static uint8_t data[65536];
	size_t message_size, length;
	int count = 0;

	if (poll(&readable, 1, QUIET_MS) <= 0)
		return 0;
	length = receive_train(end->fd, data, sizeof(data), &message_size);
	for (size_t at = 0; at < length; at += message_size, count++)
		enter(&end->plan, tally, data + at,
		      length - at < message_size ? length - at : message_size);
	return count;
}

static uint64_t allowed_window(const struct end *end)
{
	int size = 0;
	socklen_t length = sizeof(size);
	uint64_t window;

	demand(!getsockopt(end->fd, SOL_SOCKET, SO_RCVBUF, &size, &length), "getsockopt");
	window = (uint64_t)size / (DATAGRAM_CHARGE + 2 * end->plan.length_max);
	window = window < SLOTS / 2 ? window : SLOTS / 2;
	return window < end->plan.window ? window : end->plan.window;
}

/* The sender may have ended already. */
static void acknowledge(const struct end *end, const struct acknowledgement *what)
{
	send(end->control, what, sizeof(*what), MSG_NOSIGNAL);
}

static void run_receiver(struct end *end)
{
	struct acknowledgement latest = {.window = allowed_window(end)};
	struct tally tally = {.seen = calloc(1, end->plan.messages / 8 + 1)};
	int64_t begin_ns = 0, last_ns = 1;
	int (*receive)(struct end *, struct tally *) = receive_with_mmsg;
	int got;

	demand(tally.seen && latest.window > 0, "no memory, or a window of nothing");
	if (with_regio(end)) {
		receive = receive_with_regio;
		post_receives(end, SLOTS);
	} else if (!strcmp(end->how, "gro")) {
		receive = receive_with_gro;
		set_option(end->fd, SOL_UDP, UDP_GRO, 1);
	}
	acknowledge(end, &latest);
	while (tally.received < end->plan.messages) {
		got = receive(end, &tally);
		if (got == 0)
			break;
		last_ns = now_ns();
		/* What it takes to begin is not the path's. */
		if (begin_ns == 0)
			begin_ns = last_ns - 1;
		if (tally.next - latest.count < latest.window / 8)
			continue;
		latest.count = tally.next;
		acknowledge(end, &latest);
	}
	tally.lost += end->plan.messages - tally.next;

	struct regio_rq_info info = read_counts(end);

	printf("received %llu lost %llu late %llu repeated %llu broken %llu trains %llu rate "
	       "%.0f\n",
	       (unsigned long long)tally.received, (unsigned long long)tally.lost,
	       (unsigned long long)tally.late, (unsigned long long)tally.repeated,
	       (unsigned long long)tally.broken, (unsigned long long)info.trains_received,
	       (double)tally.received * 1e9 / (double)(last_ns - begin_ns));
	free(tally.seen);
}

/* ---- Both ---------------------------------------------------------------------- */

static union address parse_address(const char *text, const char *port)
{
	union address address = {0};

	if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
		address.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1)
		address.any.sa_family = AF_INET6;
	else
		give_up(text);
	address.v4.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	return address;
}

static void send_stream(struct end *end, const union address *to, char **numbers)
{
	uint64_t *const fields[] = {&end->plan.messages, &end->plan.length_min,
				    &end->plan.length_max, &end->plan.run, &end->plan.window};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		*fields[i] = strtoull(numbers[i], NULL, 10);
	demand(end->plan.length_min >= HEAD && end->plan.length_max >= end->plan.length_min &&
		       end->plan.run > 0,
	       "lengths are at least 8 bytes, LENGTH_MIN is not above LENGTH_MAX, RUN not 0");
	demand(!connect(end->fd, &to->any, address_length(to)), "connect");
	end->control = socket(to->any.sa_family, SOCK_STREAM, 0);
	demand(!connect(end->control, &to->any, address_length(to)), "connect to the receiver");
	demand(send(end->control, &end->plan, sizeof(end->plan), 0) == sizeof(end->plan), "send");
	open_queues(end);
	run_sender(end);
}

static void receive_stream(struct end *end, const union address *at)
{
	int listener = socket(at->any.sa_family, SOCK_STREAM, 0), size = 16 << 20;
	struct pollfd readable = {.fd = listener, .events = POLLIN};

	if (setsockopt(end->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		set_option(end->fd, SOL_SOCKET, SO_RCVBUF, size);
	set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	demand(!bind(end->fd, &at->any, address_length(at)), "bind");
	demand(!bind(listener, &at->any, address_length(at)) && !listen(listener, 1), "listen");
	puts("ready");
	fflush(stdout);
	demand(poll(&readable, 1, STALL_MS) > 0, "no sender came");
	end->control = accept(listener, NULL, NULL);
	demand(recv(end->control, &end->plan, sizeof(end->plan), MSG_WAITALL) == sizeof(end->plan),
	       "no plan came");
	open_queues(end);
	run_receiver(end);
}

int main(int argc, char **argv)
{
	bool sends = argc == 10 && !strcmp(argv[1], "send");

	if (!sends && (argc != 5 || strcmp(argv[1], "receive"))) {
		fputs("usage: path_traffic receive HOW ADDRESS PORT\n"
		      "       path_traffic send HOW ADDRESS PORT MESSAGES LENGTH_MIN LENGTH_MAX "
		      "RUN "
		      "WINDOW\n",
		      stderr);
		return 2;
	}
	union address address = parse_address(argv[3], argv[4]);
	struct end end = {.how = argv[2], .fd = socket(address.any.sa_family, SOCK_DGRAM, 0)};

	demand(end.fd >= 0, "socket");
	if (sends)
		send_stream(&end, &address, argv + 5);
	else
		receive_stream(&end, &address);
	return EXIT_SUCCESS;
}
