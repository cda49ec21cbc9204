/* SPDX-License-Identifier: MIT */
/*
 * slots_datagram.c - messages handed out in slots, with both addresses; replies from the address
 * that was asked, in trains where they can be; failed receives, other destinations
 */
#include "../../support/net.h"
#include "../../support/pool.h"
#include "../../support/suite.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void send_to(int fd, const union address *to, const void *data, size_t length)
{
	EXPECT(sendto(fd, data, length, 0, &to->any, address_length(to)) == (ssize_t)length, "%m");
}

/* The next datagram is 'text', and comes from 'from'. */
static void expect_from(int fd, const char *text, const union address *from)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	socklen_t length = sizeof(union address);
	union address found;
	char data[2048];
	ssize_t bytes;

	EXPECT(poll(&readable, 1, (int)(PATIENCE_NS / MILLISECOND_NS)) == 1, "no \"%s\"", text);
	bytes = recvfrom(fd, data, sizeof(data), 0, &found.any, &length);
	EXPECT(bytes == (ssize_t)strlen(text), "%zd bytes: %m", bytes);
	ck_assert_mem_eq(data, text, strlen(text));
	expect_name(&found.any, from, "source");
}

static void expect_slot(const struct regio_slot *slot, int status, const char *text,
			struct regio_rq *rq, int fd)
{
	EXPECT(slot->status == status && slot->length == strlen(text), "status %d, %u bytes",
	       slot->status, slot->length);
	EXPECT(slot->rq == rq && slot->rq_context == (uint64_t)fd, "of another queue");
	EXPECT((uintptr_t)slot->data % 64 == 0, "not at the start of a cache line");
	ck_assert_mem_eq(slot->data, text, strlen(text));
}

/* Asks 'to' from 'peer', answers, and expects the answer from there. */
static void expect_answered(struct pool *pool, struct regio_rq *rq, int fd, int peer,
			    const union address *to, const union address *local)
{
	union address sender = own_address(peer);

	if (local->any.sa_family == AF_INET6 && sender.any.sa_family == AF_INET)
		sender = mapped_address(&sender);
	send_to(peer, to, "question", 8);
	struct regio_slot slot = pool_next(pool);

	expect_slot(&slot, 0, "question", rq, fd);
	expect_name(slot.sender, &sender, "sender");
	expect_name(slot.local, local, "local");
	memcpy(slot.data, "the answer", 10);
	EXPECT_RETURN(0, regio_slots_reply(pool->slots, &slot, 10));
	pool_settle(pool);
	expect_from(peer, "the answer", to);
	ck_assert_uint_eq(pool_info(pool).sends_failed, 0);
}

/* ---- Addresses ----------------------------------------------------------------- */

/* Holds: regio_slot what, Slots what, regio_slots_create Returns, regio_slots_create Ownership,
 * regio_slots_dequeue Ownership, regio_slots_dequeue what, regio_slots_reply what, regio_slot.data,
 * regio_slot.length, regio_slot.status, regio_slot.rq, regio_slot.rq_context, regio_slot.sender,
 * regio_slot.local, regio_slots_create what, regio_slots_dequeue Returns, regio_slots_reply
 * Returns, regio_slots_reply Ownership. */
START_TEST(a_message_is_handed_out_and_answered)
{
	int fd = bound_socket(families[_i]), peer = bound_socket(families[_i]);
	union address own = own_address(fd);
	struct pool pool;

	pool_open(&pool, 8, 100);
	struct regio_rq *rq = pool_add(&pool, fd, 4);

	pool_expect(&pool, 4, 4, 0, 0);
	for (int i = 0; i < 20; i++)
		expect_answered(&pool, rq, fd, peer, &own, &own);
	pool_expect(&pool, 4, 4, 0, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* Holds: regio_slots_attach what 2, regio_slots_reply what, regio_slot.local. */
START_TEST(replies_leave_from_the_address_that_was_asked)
{
	int fd = wildcard_socket(families[_i]), peer = bound_socket(families[_i]);
	union address to = loopback(families[_i]);
	struct pool pool;

	to.v4.sin_port = own_address(fd).v4.sin_port;
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_add(&pool, fd, 4);

	for (unsigned int i = 1; i < 5; i++) {
		if (families[_i] == AF_INET)
			to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
		expect_answered(&pool, rq, fd, peer, &to, &to);
	}
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* Adds an address to loopback, or removes it, in a network of the process's own. */
static void change_address_v6(unsigned long change, const char *text)
{
	struct {
		struct in6_addr address;
		uint32_t prefix_bits;
		int index;
		char rest[16]; /* memcheck takes it for a struct ifreq, which is longer */
	} request = {.prefix_bits = 128, .index = (int)if_nametoindex("lo")};
	int fd = udp_socket(AF_INET6);

	EXPECT(inet_pton(AF_INET6, text, &request.address) == 1, "%s", text);
	EXPECT(ioctl(fd, change, &request) == 0, "%m");
	close(fd);
}

/*
 * Adds it, and waits until messages arrive there. The sender is not connected: its route would stay
 * the one from before the address was local.
 */
static void add_address_v6(const char *text)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	union address name = {.v6 = {.sin6_family = AF_INET6}};
	struct pollfd readable = {.fd = udp_socket(AF_INET6), .events = POLLIN};
	int peer = bound_socket(AF_INET6);

	change_address_v6(SIOCSIFADDR, text);
	EXPECT(inet_pton(AF_INET6, text, &name.v6.sin6_addr) == 1, "%s", text);
	while (bind(readable.fd, &name.any, sizeof(name.v6)) != 0)
		EXPECT(now_ns() < deadline_ns, "%m");
	name = own_address(readable.fd);
	do {
		EXPECT(now_ns() < deadline_ns, "nothing arrives at %s", text);
		sendto(peer, "", 0, MSG_DONTWAIT, &name.any, sizeof(name.v6));
	} while (poll(&readable, 1, 10) == 0);
	close(readable.fd);
	close(peer);
}

/* Holds: regio_slots_attach what 2, regio_slots_reply what. */
START_TEST(a_dual_stack_socket_replies_from_each_address_of_each_family)
{
	static const char *const texts[] = {"::1", "fd00::1", "fd00::2"};
	const char *refused = enter_own_network();
	struct pool pool;

	if (refused)
		SKIP("%s", refused);
	for (size_t i = 1; i < ARRAY_SIZE(texts); i++)
		add_address_v6(texts[i]);
	int fd = wildcard_socket(AF_INET6),
	    peers[2] = {bound_socket(AF_INET), bound_socket(AF_INET6)};
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_add(&pool, fd, 4);

	for (unsigned int i = 0; i < ARRAY_SIZE(texts); i++) {
		union address v6 = own_address(fd), v4 = {.v4 = {.sin_family = AF_INET}};

		inet_pton(AF_INET6, texts[i], &v6.v6.sin6_addr);
		expect_answered(&pool, rq, fd, peers[1], &v6, &v6);
		v4.v4.sin_port = v6.v6.sin6_port;
		v4.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
		union address local = mapped_address(&v4);

		expect_answered(&pool, rq, fd, peers[0], &v4, &local);
	}
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peers[0]);
	close(peers[1]);
}
END_TEST

/* Holds: regio_slots_reply what. */
START_TEST(a_reply_from_an_address_that_is_gone_leaves_from_another)
{
	const char *refused = enter_own_network();
	struct pool pool;

	if (refused)
		SKIP("%s", refused);
	add_address_v6("fd00::1");
	int fd = wildcard_socket(AF_INET6), peer = bound_socket(AF_INET6);
	union address to = own_address(fd), from = loopback(AF_INET6);

	inet_pton(AF_INET6, "fd00::1", &to.v6.sin6_addr);
	from.v6.sin6_port = to.v6.sin6_port;
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_add(&pool, fd, 4);

	expect_answered(&pool, rq, fd, peer, &to, &to);
	send_to(peer, &to, "x", 1);
	struct regio_slot slot = pool_next(&pool);

	change_address_v6(SIOCDIFADDR, "fd00::1");
	EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, 1));
	pool_settle(&pool);
	expect_from(peer, "x", &from);
	ck_assert_uint_eq(pool_info(&pool).sends_failed, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* Holds: regio_slots_attach what 2, regio_slot.sender, regio_slot.local. */
START_TEST(a_connected_socket_has_one_peer)
{
	int fd = bound_socket(families[_i]), peer = bound_socket(families[_i]);
	union address own = own_address(fd);
	struct pool pool;

	connect_to(fd, peer);
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_add(&pool, fd, 4);

	for (int i = 0; i < 10; i++)
		expect_answered(&pool, rq, fd, peer, &own, &own);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* A message to 'to' is answered, from another address. */
static void expect_answered_from_elsewhere(struct pool *pool, int peer, const union address *to,
					   const union address *from)
{
	send_to(peer, to, "x", 1);
	struct regio_slot slot = pool_next(pool);

	EXPECT(slot.status == 0 && slot.length == 1, "status %d", slot.status);
	EXPECT_RETURN(0, regio_slots_reply(pool->slots, &slot, 1));
	pool_settle(pool);
	expect_from(peer, "x", from);
	ck_assert_uint_eq(pool_info(pool).sends_failed, 0);
}

/* Holds: regio_slots_reply what. */
START_TEST(what_was_sent_to_a_broadcast_address_is_answered_from_another)
{
	/* IPv4, and IPv4 on a socket of IPv6. */
	int fd = wildcard_socket(families[_i]), peer = bound_socket(AF_INET);
	union address to = own_address(peer), from = to;
	struct pool pool;

	set_option(peer, SOL_SOCKET, SO_BROADCAST, 1);
	from.v4.sin_port = to.v4.sin_port = own_address(fd).v4.sin_port;
	to.v4.sin_addr.s_addr = htonl(0x7FFFFFFF);
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_add(&pool, fd, 4);

	for (int i = 0; i < 6; i++)
		expect_answered_from_elsewhere(&pool, peer, &to, &from);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* Holds: regio_slots_reply what. */
START_TEST(what_was_sent_to_a_group_is_answered_from_another_address)
{
	int fd = wildcard_socket(families[_i]), peer = bound_socket(AF_INET);
	union address to = own_address(peer), from = to;
	struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xEFFF0102),
				 .imr_address.s_addr = htonl(INADDR_LOOPBACK),
				 .imr_ifindex = (int)if_nametoindex("lo")};
	struct pool pool;

	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) ||
	    setsockopt(peer, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)))
		SKIP("no groups on loopback: %m");
	from.v4.sin_port = to.v4.sin_port = own_address(fd).v4.sin_port;
	to.v4.sin_addr = group.imr_multiaddr;
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_add(&pool, fd, 4);

	expect_answered_from_elsewhere(&pool, peer, &to, &from);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* ---- Trains -------------------------------------------------------------------- */

/* Holds: regio_slots_reply what. */
START_TEST(replies_to_one_peer_leave_together)
{
	int fd = wildcard_socket(families[_i]), peer = bound_socket(families[_i]);
	union address to = loopback(families[_i]);
	struct regio_slot got[32];
	struct regio_rq_info info;
	uint64_t data[8];
	struct pool pool;

	to.v4.sin_port = own_address(fd).v4.sin_port;
	pool_open(&pool, 32, 64);
	struct regio_rq *rq = pool_add(&pool, fd, 32);

	for (uint64_t i = 0; i < 32; i++) {
		fill_message(data, sizeof(data), i);
		send_to(peer, &to, data, sizeof(data));
	}
	for (uint32_t i = 0; i < 32; i++)
		got[i] = pool_next(&pool);
	pool_expect(&pool, 0, 0, 32, 0);
	for (uint32_t i = 0; i < 32; i++) {
		expect_message(got[i].data, got[i].length, i);
		EXPECT_RETURN(0, regio_slots_reply(pool.slots, &got[i], got[i].length));
	}
	pool_settle(&pool);
	for (uint64_t i = 0; i < 32; i++) {
		ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), sizeof(data));
		expect_message(data, sizeof(data), i);
	}
	EXPECT_RETURN(0, regio_rq_get_info(rq, &info, sizeof(info)));
	if (train_limit() > 1 && !faults_injected() && !driven_by_a_thread())
		ck_assert_uint_eq(info.trains_sent, 1);
	pool_expect(&pool, 0, 32, 0, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* ---- What fails ---------------------------------------------------------------- */

/* Holds: regio_slots_dequeue what 2, regio_slot.status. */
START_TEST(a_message_too_long_fills_its_slot_and_can_be_answered)
{
	int fd = wildcard_socket(families[_i]), peer = bound_socket(families[_i]);
	union address to = loopback(families[_i]), own = own_address(peer);
	struct pool pool;

	to.v4.sin_port = own_address(fd).v4.sin_port;
	pool_open(&pool, 2, 4);
	struct regio_rq *rq = pool_add(&pool, fd, 2);

	for (int i = 0; i < 5; i++) {
		send_to(peer, &to, "too long", 8);
		struct regio_slot slot = pool_next(&pool);

		expect_slot(&slot, -EMSGSIZE, "too ", rq, fd);
		expect_name(slot.sender, &own, "sender");
		expect_name(slot.local, &to, "local");
		EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, 3));
		pool_settle(&pool);
		expect_from(peer, "too", &to);
	}
	pool_expect(&pool, 0, 2, 0, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* Holds: regio_slots_dequeue what 2, regio_slots_reply -EINVAL, regio_slots_reply Ownership. */
START_TEST(an_ICMP_error_is_handed_out_and_cannot_be_answered)
{
	const struct regio_rq_opts opts = {.size = sizeof(opts), .flags = REGIO_RQ_REPORT_ICMP};
	int fd = bound_socket(families[_i]), peer = peer_of(fd);
	struct regio_rq *rq;
	struct pool pool;

	connect_to(fd, peer);
	pool_open(&pool, 4, 100);
	EXPECT_RETURN(0, regio_rq_create(fd, 2, 2, pool.cq, pool.cq, 0, &opts, &rq));
	EXPECT_RETURN(0, regio_slots_attach(pool.slots, rq, 2));
	close(peer);
	for (int i = 0; i < 3; i++) {
		send(fd, "x", 1, 0);
		struct regio_slot slot = pool_next(&pool);

		EXPECT(slot.status == -ECONNREFUSED && slot.length == 0 && slot.data,
		       "status %d, %u bytes", slot.status, slot.length);
		EXPECT_RETURN(-EINVAL, regio_slots_reply(pool.slots, &slot, 0));
		EXPECT(strstr(regio_last_error(), "failed"), "%s", regio_last_error());
		pool_expect(&pool, 2, 2, 0, 0);
	}
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_info.last_send_error, regio_slots_dequeue
 * what 3. */
START_TEST(a_send_that_fails_is_counted_and_its_slot_comes_back)
{
	int fd = udp_socket(families[_i]);
	struct regio_slot slot;
	struct pool pool;

	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_rq(&pool, fd, 0, 2);

	for (int i = 0; i < 3; i++) {
		EXPECT_RETURN(0, regio_slots_take(pool.slots, &slot));
		/* No address, and not connected. */
		EXPECT_RETURN(0, regio_slots_send(pool.slots, &slot, 1, rq, NULL));
		pool_settle(&pool);
	}
	ck_assert_uint_eq(pool_info(&pool).sends_failed, 3);
	ck_assert_int_eq(pool_info(&pool).last_send_error, -EDESTADDRREQ);
	pool_expect(&pool, 4, 0, 0, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
}
END_TEST

/* ---- Other destinations -------------------------------------------------------- */

/* Holds: regio_slots_take what, regio_slots_take Returns, regio_slots_take Ownership,
 * regio_slots_send what, regio_slots_send Returns, regio_slots_send Ownership. */
START_TEST(a_slot_that_was_taken_is_sent_to_an_address)
{
	int fd = bound_socket(families[_i]), peer = bound_socket(families[_i]);
	union address to = own_address(peer), from = own_address(fd);
	struct regio_slot slots[3];
	struct pool pool;

	pool_open(&pool, 3, 100);
	struct regio_rq *rq = pool_rq(&pool, fd, 0, 3);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++) {
			EXPECT_RETURN(0, regio_slots_take(pool.slots, &slots[i]));
			EXPECT(slots[i].data && !slots[i].rq && !slots[i].sender, "not empty");
			memcpy(slots[i].data, "news", 4);
		}
		pool_expect(&pool, 0, 0, 3, 0);
		for (int i = 0; i < 3; i++)
			EXPECT_RETURN(0, regio_slots_send(pool.slots, &slots[i], 4, rq, &to.any));
		pool_settle(&pool);
		pool_expect(&pool, 3, 0, 0, 0);
		for (int i = 0; i < 3; i++)
			expect_from(peer, "news", &from);
	}
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

/* Holds: regio_slots_send what, regio_slots_send Ownership. */
START_TEST(a_message_is_passed_on_in_its_slot)
{
	int fds[2] = {wildcard_socket(families[_i]), bound_socket(families[_i])};
	int asker = bound_socket(families[_i]), server = bound_socket(families[_i]);
	union address front = loopback(families[_i]), back = own_address(fds[1]);
	union address to = own_address(server);
	struct pool pool;

	front.v4.sin_port = own_address(fds[0]).v4.sin_port;
	pool_open(&pool, 8, 100);
	struct regio_rq *rqs[2] = {pool_add(&pool, fds[0], 4), pool_add(&pool, fds[1], 4)};

	for (int i = 0; i < 10; i++) {
		send_to(asker, &front, "pass on", 7);
		struct regio_slot slot = pool_next(&pool);

		expect_slot(&slot, 0, "pass on", rqs[0], fds[0]);
		EXPECT_RETURN(0, regio_slots_send(pool.slots, &slot, 7, rqs[1], &to.any));
		pool_settle(&pool);
		expect_from(server, "pass on", &back);
		/* And to where it came from, by another socket. */
		send_to(asker, &front, "come back", 9);
		slot = pool_next(&pool);
		EXPECT_RETURN(0, regio_slots_send(pool.slots, &slot, 9, rqs[1], slot.sender));
		pool_settle(&pool);
		expect_from(asker, "come back", &back);
		pool_expect(&pool, 0, 8, 0, 0);
	}
	for (int i = 0; i < 2; i++)
		EXPECT_RETURN(0, regio_rq_close(rqs[i], REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(asker);
	close(server);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(a_message_is_handed_out_and_answered),
		CASE_PER_FAMILY(replies_leave_from_the_address_that_was_asked),
		CASE(a_dual_stack_socket_replies_from_each_address_of_each_family),
		CASE(a_reply_from_an_address_that_is_gone_leaves_from_another),
		CASE_PER_FAMILY(a_connected_socket_has_one_peer),
		CASE_PER_FAMILY(what_was_sent_to_a_broadcast_address_is_answered_from_another),
		CASE_PER_FAMILY(what_was_sent_to_a_group_is_answered_from_another_address),
		CASE_PER_FAMILY(replies_to_one_peer_leave_together),
		CASE_PER_FAMILY(a_message_too_long_fills_its_slot_and_can_be_answered),
		CASE_PER_FAMILY(an_ICMP_error_is_handed_out_and_cannot_be_answered),
		CASE_PER_FAMILY(a_send_that_fails_is_counted_and_its_slot_comes_back),
		CASE_PER_FAMILY(a_slot_that_was_taken_is_sent_to_an_address),
		CASE_PER_FAMILY(a_message_is_passed_on_in_its_slot),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
