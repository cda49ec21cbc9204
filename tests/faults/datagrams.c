/* SPDX-License-Identifier: MIT */
/*
 * datagrams.c - scenarios of UDP: lone messages, bursts, trains, addresses, groups, many sockets
 */
#include "lane.h"

#include <poll.h>

#define WAIT_NS (5 * SECOND_NS)

/* ---- Messages ------------------------------------------------------------------ */

/* Takes 'count' messages of the peer, which must come in order; posts again where one failed. */
static void expect_messages(struct lane *lane, uint32_t count, uint32_t length)
{
	while (count > 0) {
		struct regio_result result = next_result(lane->cqs[RECEIVE]);

		if (result.status != 0) {
			note_completion(result.status);
			post_receive(lane, SLOT_SIZE, 0);
			continue;
		}
		MUST(result.bytes == length, "%u bytes, not %u", result.bytes, length);
		MUST(message_is(slot_of(lane, result.request_context), length, lane->received),
		     "message %llu is lost or harmed", (unsigned long long)lane->received);
		lane->received++;
		count--;
	}
}

static void receive_burst(struct lane *lane, uint32_t count)
{
	uint8_t data[MESSAGE_SIZE];

	for (uint32_t i = 0; i < count; i++)
		post_receive(lane, SLOT_SIZE, 0);
	for (uint32_t i = 0; i < count; i++) {
		fill_message(data, sizeof(data), lane->received + i);
		send_plain(lane->peer, data, sizeof(data));
	}
	expect_messages(lane, count, MESSAGE_SIZE);
}

static void receive_joined(struct lane *lane, uint32_t count)
{
	uint8_t data[SLOTS * MESSAGE_SIZE];

	if (train_limit() < count)
		return;
	for (uint32_t i = 0; i < count; i++) {
		post_receive(lane, SLOT_SIZE, 0);
		fill_message(data + (size_t)i * MESSAGE_SIZE, MESSAGE_SIZE, lane->received + i);
	}
	send_train(lane->peer, data, (size_t)count * MESSAGE_SIZE, MESSAGE_SIZE);
	expect_messages(lane, count, MESSAGE_SIZE);
}

/* Every message that was accepted has arrived, in order, and no other. */
static void expect_arrived(struct lane *lane, const bool *accepted, const uint32_t *lengths,
			   uint32_t count)
{
	uint8_t data[SLOT_SIZE];

	for (uint32_t i = 0; i < count; i++, lane->sent++) {
		ssize_t bytes;

		if (!accepted[i])
			continue;
		bytes = recv(lane->peer, data, sizeof(data), MSG_DONTWAIT);
		MUST(bytes == (ssize_t)lengths[i], "message %u of %u: %zd bytes, not %u", i, count,
		     bytes, lengths[i]);
		MUST(message_is(data, lengths[i], lane->sent), "message %u of %u is not that", i,
		     count);
	}
	MUST(nothing_queued(lane->peer), "a message has arrived that was not accepted");
}

/* Sends messages of 'length' bytes, or of mixed lengths where it is 0. */
static void send_messages(struct lane *lane, uint32_t count, uint32_t length,
			  const struct regio_extra *extra)
{
	uint32_t lengths[SLOTS];
	bool accepted[SLOTS] = {false};

	for (uint32_t i = 0; i < count; i++) {
		struct regio_buf slice;

		lengths[i] = length ? length : 16 + 100 * (i % 7);
		slice = slice_of(lane, SLOTS + i, lengths[i]);
		fill_message(slot_of(lane, SLOTS + i), lengths[i], lane->sent + i);
		must_work(INSIDE(regio_send_ex(lane->rq, &slice, extra,
					       i + 1 < count ? REGIO_MSG_DEFER : 0, i)),
			  "regio_send_ex()");
	}
	for (uint32_t i = 0; i < count; i++) {
		struct regio_result result = next_result(lane->cqs[SEND]);

		MUST(result.request_context == i, "send %llu completes as number %u",
		     (unsigned long long)result.request_context, i);
		if (result.status == 0)
			accepted[i] = true;
		else
			note_completion(result.status);
	}
	expect_arrived(lane, accepted, lengths, count);
}

/* Where the slices of 'extra' lie in the last slots of the region. */
enum { LOCAL_AT = 0, REMOTE_AT = 64, CONTROL_AT = 128, FLAGS_AT = 1024 };

static struct regio_buf extra_slice(const struct lane *lane, uint32_t at, uint32_t length)
{
	return (struct regio_buf){lane->region, (2 * SLOTS - 1) * SLOT_SIZE + at, length};
}

static void receive_with_addresses(struct lane *lane)
{
	const struct regio_extra extra = {
		.local_address = extra_slice(lane, LOCAL_AT, 28),
		.remote_address = extra_slice(lane, REMOTE_AT, 28),
		.control = extra_slice(lane, CONTROL_AT, 256),
		.message_flags = extra_slice(lane, FLAGS_AT, 4),
	};
	const union address peer = own_address(lane->peer);
	uint8_t *memory = slot_of(lane, 2 * SLOTS - 1), data[MESSAGE_SIZE];

	for (int i = 0; i < 3; i++) {
		struct regio_buf slice = slice_of(lane, 0, SLOT_SIZE);
		struct regio_result result;

		fill_message(data, sizeof(data), lane->received);
		memset(memory, 0, SLOT_SIZE);
		must_work(INSIDE(regio_receive_ex(lane->rq, &slice, &extra, 0, 0)),
			  "regio_receive_ex()");
		send_plain(lane->peer, data, sizeof(data));
		result = next_result(lane->cqs[RECEIVE]);
		if (result.status != 0) {
			note_completion(result.status);
			post_receive(lane, SLOT_SIZE, 0);
			expect_messages(lane, 1, MESSAGE_SIZE);
			continue;
		}
		MUST(message_is(slot_of(lane, 0), MESSAGE_SIZE, lane->received), "message %llu",
		     (unsigned long long)lane->received);
		MUST(memcmp(memory + REMOTE_AT, &peer, address_length(&peer)) == 0,
		     "another sender");
		lane->received++;
	}
}

static void send_to_address(struct lane *lane)
{
	const struct regio_extra extra = {.remote_address = extra_slice(lane, REMOTE_AT, 28)};
	const union address peer = own_address(lane->peer);

	memcpy(slot_of(lane, 2 * SLOTS - 1) + REMOTE_AT, &peer, sizeof(peer));
	send_messages(lane, 1, MESSAGE_SIZE, &extra);
	send_messages(lane, 8, MESSAGE_SIZE, &extra);
}

static void expect_timeout(struct lane *lane)
{
	int result = INSIDE(regio_cq_wait(lane->cqs[RECEIVE], 1, 0, MILLISECOND_NS));

	if (result == -EINTR)
		is_refusal(result, "regio_cq_wait()");
	else
		MUST(result == -ETIMEDOUT, "%d, with nothing to wait for", result);
}

/* A signal that finds a completion. */
static void be_notified(struct lane *lane)
{
	int fd = TRY(regio_cq_fd(lane->cqs[RECEIVE]));
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	struct regio_result result = {0};
	uint8_t data[MESSAGE_SIZE];
	int64_t deadline_ns = now_ns() + WAIT_NS;
	int got = 0;

	post_receive(lane, SLOT_SIZE, 0);
	must_work(INSIDE(regio_cq_notify(lane->cqs[RECEIVE])), "regio_cq_notify()");
	fill_message(data, sizeof(data), lane->received);
	send_plain(lane->peer, data, sizeof(data));
	while (got == 0) {
		MUST(poll(&readable, 1, 5000) == 1, "no signal");
		got = INSIDE(regio_cq_dequeue(lane->cqs[RECEIVE], &result, 1));
		MUST(got > 0 || now_ns() < deadline_ns, "signals, and no completion");
	}
	if (result.status != 0) {
		note_completion(result.status);
		post_receive(lane, SLOT_SIZE, 0);
		expect_messages(lane, 1, MESSAGE_SIZE);
		return;
	}
	MUST(message_is(slot_of(lane, result.request_context), MESSAGE_SIZE, lane->received),
	     "message %llu", (unsigned long long)lane->received);
	lane->received++;
}

/* A receive whose region has ended fails in its turn, and takes no message. */
static void lose_a_region(struct lane *lane)
{
	static uint8_t memory[2 * SLOT_SIZE];
	struct regio_result result;
	struct regio_buf slice = {.length = SLOT_SIZE};
	uint8_t data[MESSAGE_SIZE];

	TRY(regio_region_register(memory, sizeof(memory), NULL, &slice.region));
	must_work(INSIDE(regio_receive(lane->rq, &slice, 0, 99)), "regio_receive()");
	post_receive(lane, SLOT_SIZE, 0);
	TRY(regio_region_deregister(slice.region));
	fill_message(data, sizeof(data), lane->received);
	send_plain(lane->peer, data, sizeof(data));
	result = next_result(lane->cqs[RECEIVE]);
	if (result.request_context == 99 && result.status == -EFAULT) {
		expect_messages(lane, 1, MESSAGE_SIZE);
		return;
	}
	/* The system call has failed when both were tried. */
	MUST(result.request_context == 99, "out of order");
	note_completion(result.status);
	expect_messages(lane, 1, MESSAGE_SIZE);
}

static void use_datagrams(struct lane *lane)
{
	for (int i = 0; i < 5; i++) {
		receive_burst(lane, 1);
		send_messages(lane, 1, MESSAGE_SIZE, NULL);
	}
	for (int i = 0; i < 3; i++) {
		receive_burst(lane, SLOTS);
		receive_joined(lane, SLOTS);
	}
	send_messages(lane, SLOTS - 1, MESSAGE_SIZE, NULL);
	send_messages(lane, SLOTS - 1, 0, NULL);
	send_messages(lane, 8, 1200, NULL);
	be_notified(lane);
	lose_a_region(lane);
	resize(lane);
	receive_with_addresses(lane);
	send_to_address(lane);
	receive_burst(lane, 8);
	expect_timeout(lane);
}

static void datagrams(int family)
{
	struct lane lane;
	int fds[2];

	datagram_pair(family, fds);
	lane_open(&lane, fds[0], fds[1]);
	use_datagrams(&lane);
	lane_close(&lane);
}

void datagrams_v4(void)
{
	datagrams(AF_INET);
}

void datagrams_v6(void)
{
	datagrams(AF_INET6);
}

void two_drivers(void)
{
	struct lane lane;
	int fds[2];

	datagram_pair(AF_INET, fds);
	lane_join(&lane, fds[0], fds[1], driver_open(), driver_open());
	use_datagrams(&lane);
	lane_close(&lane);
}

/* A member of a group on loopback, and the peer that sends to it. */
void multicast(void)
{
	const struct sockaddr_in group = {.sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(0xEFFF0102)};
	struct ip_mreqn member = {.imr_multiaddr = group.sin_addr,
				  .imr_address.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = udp_socket(AF_INET), peer = udp_socket(AF_INET);
	union address to = {.v4 = group};
	socklen_t length = sizeof(to);
	struct lane lane;

	MUST(bind(fd, &to.any, sizeof(to.v4)) == 0 && getsockname(fd, &to.any, &length) == 0 &&
		     setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof(member)) == 0 &&
		     setsockopt(peer, IPPROTO_IP, IP_MULTICAST_IF, &member.imr_address,
				sizeof(member.imr_address)) == 0 &&
		     connect(peer, &to.any, sizeof(to.v4)) == 0,
	     "no multicast on loopback: %m");
	lane_open(&lane, fd, peer);
	for (int i = 0; i < 3; i++) {
		receive_burst(&lane, 1);
		receive_burst(&lane, SLOTS);
		receive_joined(&lane, SLOTS);
	}
	lane_close(&lane);
}

/* ---- Many sockets on one driver ------------------------------------------------ */

enum { MANY = 8, MANY_ROUNDS = 12, EMPTY_DEQUEUES = 40 };

static void many_round(struct lane *lanes)
{
	struct regio_result result;
	bool accepted;
	uint32_t length = MESSAGE_SIZE;

	for (int i = 0; i < EMPTY_DEQUEUES; i++)
		MUST(INSIDE(regio_cq_dequeue(lanes[0].cqs[SEND], &result, 1)) == 0, "a completion");
	for (int i = 0; i < MANY; i++) {
		uint8_t data[MESSAGE_SIZE];
		struct regio_buf slice = slice_of(&lanes[i], SLOTS, MESSAGE_SIZE);

		post_receive(&lanes[i], SLOT_SIZE, 0);
		fill_message(data, sizeof(data), lanes[i].received);
		send_plain(lanes[i].peer, data, sizeof(data));
		fill_message(slot_of(&lanes[i], SLOTS), MESSAGE_SIZE, lanes[i].sent);
		must_work(INSIDE(regio_send(lanes[i].rq, &slice, REGIO_MSG_DEFER, 0)),
			  "regio_send()");
	}
	for (int i = 0; i < MANY; i++) {
		expect_messages(&lanes[i], 1, MESSAGE_SIZE);
		result = next_result(lanes[i].cqs[SEND]);
		accepted = result.status == 0;
		if (!accepted)
			note_completion(result.status);
		expect_arrived(&lanes[i], &accepted, &length, 1);
	}
}

/* What a ring is for: polls, and batches over many sockets. */
void many_sockets(void)
{
	struct regio_driver *driver = driver_open();
	struct lane lanes[MANY];

	for (int i = 0; i < MANY; i++) {
		int fds[2];

		datagram_pair(AF_INET, fds);
		lane_join(&lanes[i], fds[0], fds[1], driver, driver);
	}
	for (int round = 0; round < MANY_ROUNDS; round++)
		many_round(lanes);
	for (int i = 0; i < MANY; i++)
		lane_end(&lanes[i]);
	TRY(regio_driver_close(driver));
}

/* ---- A driver's thread --------------------------------------------------------- */

void thread_on_a_cpu(void)
{
	const struct regio_driver_opts opts = {
		.size = sizeof(opts),
		.flags = REGIO_DRIVER_THREAD | REGIO_DRIVER_THREAD_CPU,
		.thread_spin_ns = 1000,
	};
	struct regio_driver *driver = NULL;
	struct lane lane;
	int fds[2];

	TRY(regio_driver_create(&opts, &driver));
	datagram_pair(AF_INET, fds);
	lane_join(&lane, fds[0], fds[1], driver, driver);
	for (int i = 0; i < 3; i++) {
		receive_burst(&lane, SLOTS);
		send_messages(&lane, SLOTS - 1, MESSAGE_SIZE, NULL);
		expect_timeout(&lane);
	}
	lane_close(&lane);
}
