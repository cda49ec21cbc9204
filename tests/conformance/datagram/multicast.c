/* SPDX-License-Identifier: MIT */
/*
 * multicast.c - one sender, many receivers: multicast groups and broadcast
 *
 * IPv4 runs on loopback where that will do. IPv6 has no multicast there, and runs on a pair of
 * interfaces in a network namespace of its own.
 */
#include "../../support/extra.h"
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 64u
#define SLOT_SIZE 2048u
#define MESSAGE_SIZE 100u

/* Where the groups of a case live. */
static struct {
	int family, level;
	unsigned int interface;
	union address sources[2]; /* of this host */
} place;

static union address address_of(const char *text)
{
	union address address = {.any.sa_family = (sa_family_t)place.family};
	void *at = place.family == AF_INET ? (void *)&address.v4.sin_addr
					   : (void *)&address.v6.sin6_addr;

	EXPECT(inet_pton(place.family, text, at) == 1, "%s", text);
	return address;
}

static const char *open_interfaces(void)
{
	const char *refused = enter_own_network();

	if (refused)
		return refused;
	if (system("ip link add regio0 type veth peer name regio1 2>/dev/null && "
		   "ip link set regio0 up && ip link set regio1 up && "
		   "ip address add 10.77.0.1/24 dev regio0 && "
		   "ip address add 10.77.0.2/24 dev regio0 && "
		   "ip address add fd00::1/64 dev regio0 nodad && "
		   "ip address add fd00::2/64 dev regio0 nodad") != 0)
		return "no interface with multicast (ip from iproute2 and veth needed)";
	return NULL;
}

static void set_place(int family, const char *interface, const char *first, const char *second)
{
	place.family = family;
	place.level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	place.interface = if_nametoindex(interface);
	place.sources[0] = address_of(first);
	place.sources[1] = address_of(second);
}

/* An interface that is not loopback. Returns why the case cannot run, or NULL. */
static const char *open_own_place(int family)
{
	const char *refused = open_interfaces();

	if (refused)
		return refused;
	if (family == AF_INET)
		set_place(family, "regio0", "10.77.0.1", "10.77.0.2");
	else
		set_place(family, "regio0", "fd00::1", "fd00::2");
	return NULL;
}

static const char *open_place(int family)
{
	if (family == AF_INET6)
		return open_own_place(family);
	set_place(family, "lo", "127.0.0.1", "127.0.0.2");
	return NULL;
}

#define OPEN_PLACE(open)                                                                           \
	do {                                                                                       \
		const char *refused = (open)(families[_i]);                                        \
		if (refused)                                                                       \
			SKIP("%s", refused);                                                       \
	} while (0)

/* The group of that number; it has the port of 'fd'. */
static union address group_of(unsigned int number, int fd)
{
	char text[64];
	union address group;

	snprintf(text, sizeof(text), place.family == AF_INET ? "239.77.0.%u" : "ff05::77:%x",
		 number + 1);
	group = address_of(text);
	group.v4.sin_port = own_address(fd).v4.sin_port;
	return group;
}

static void set_membership(int fd, int option, unsigned int number)
{
	union address group = group_of(number, fd);
	struct group_req request = {.gr_interface = place.interface};

	memcpy(&request.gr_group, &group, sizeof(group));
	EXPECT(setsockopt(fd, place.level, option, &request, sizeof(request)) == 0, "%m");
}

static void join_source(int fd, unsigned int number, const union address *source)
{
	union address group = group_of(number, fd);
	struct group_source_req request = {.gsr_interface = place.interface};

	memcpy(&request.gsr_group, &group, sizeof(group));
	memcpy(&request.gsr_source, source, sizeof(*source));
	EXPECT(setsockopt(fd, place.level, MCAST_JOIN_SOURCE_GROUP, &request, sizeof(request)) == 0,
	       "%m");
}

/* Bound to every address, at the port of 'other' or one of its own; not a member of any group. */
static int listening_socket(int other)
{
	union address any = {.any.sa_family = (sa_family_t)place.family};
	int fd = udp_socket(place.family);

	if (other >= 0)
		any.v4.sin_port = own_address(other).v4.sin_port;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, 4 << 20);
	/* Else a socket gets whatever any other of the host has joined. */
	set_option(fd, place.level, place.family == AF_INET ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL,
		   0);
	EXPECT(bind(fd, &any.any, address_length(&any)) == 0, "%m");
	return fd;
}

static int member(int other, unsigned int number)
{
	int fd = listening_socket(other);

	set_membership(fd, MCAST_JOIN_GROUP, number);
	return fd;
}

/* Sends to groups on the interface of the place, from one of its addresses. */
static int sending_socket(unsigned int source)
{
	struct ip_mreqn v4 = {.imr_ifindex = (int)place.interface};
	union address address = place.sources[source];
	int fd = udp_socket(place.family);

	EXPECT(bind(fd, &address.any, address_length(&address)) == 0, "%m");
	if (place.family == AF_INET)
		EXPECT(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4)) == 0, "%m");
	else
		set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)place.interface);
	return fd;
}

static void open_side(struct side *side, int fd, const struct regio_rq_opts *opts)
{
	SIDE_OPEN(side, .fd = fd, .receives = SLOTS, .sends = SLOTS, .slot_size = SLOT_SIZE,
		  .rq_opts = opts);
}

static void aim(int fd, const union address *to)
{
	EXPECT(connect(fd, &to->any, address_length(to)) == 0, "%m");
}

/* A full commit of messages first, first + 1, ..., in trains where the kernel has them. */
static void commit(struct side *side, uint64_t first)
{
	struct regio_result results[SLOTS];

	for (uint64_t i = 0; i < SLOTS; i++)
		post_message(side, SLOTS + i, MESSAGE_SIZE, first + i,
			     i + 1 < SLOTS ? REGIO_MSG_DEFER : 0);
	collect(side->send_cq, results, SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++)
		expect_result(&results[i], 0, MESSAGE_SIZE, SLOTS + i);
}

static void post_receives(struct side *side)
{
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(side, i);
}

static void expect_commit(struct side *side, uint64_t first)
{
	struct regio_result results[SLOTS];

	collect(side->receive_cq, results, SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++) {
		expect_result(&results[i], 0, MESSAGE_SIZE, i);
		expect_message(slot_memory(side, i), MESSAGE_SIZE, first + i);
	}
}

static void expect_commit_plainly(int fd, uint64_t first)
{
	uint8_t data[SLOT_SIZE];

	for (uint64_t i = 0; i < SLOTS; i++) {
		ck_assert_uint_eq(receive_plain(fd, data, sizeof(data)), MESSAGE_SIZE);
		expect_message(data, MESSAGE_SIZE, first + i);
	}
}

/* Of a socket with UDP_GRO of its own. Returns whether some came joined. */
static bool expect_commit_in_trains(int fd, uint64_t first)
{
	static uint8_t data[65536];
	uint64_t have = 0;
	bool joined = false;

	while (have < SLOTS) {
		size_t size, length = receive_train(fd, data, sizeof(data), &size);

		for (size_t at = 0; at < length; at += size)
			expect_message(data + at, MESSAGE_SIZE, first + have++);
		joined |= size < length;
	}
	ck_assert_uint_eq(have, SLOTS);
	return joined;
}

static struct regio_rq_info info_of(const struct side *side)
{
	struct regio_rq_info info;

	EXPECT_RETURN(0, regio_rq_get_info(side->rq, &info, sizeof(info)));
	return info;
}

START_TEST(every_receiver_of_a_group_gets_every_message_once_and_in_order)
{
	const struct regio_rq_opts no_trains = {.size = sizeof(no_trains),
						.trains = REGIO_TRAINS_OFF};
	struct side sender, with_trains, without;
	bool joined = false;
	int plain, joining;

	OPEN_PLACE(open_place);
	open_side(&with_trains, member(-1, 0), NULL);
	open_side(&without, member(with_trains.fd, 0), &no_trains);
	plain = member(with_trains.fd, 0);
	joining = member(with_trains.fd, 0);
	set_option(joining, SOL_UDP, UDP_GRO, 1);
	open_side(&sender, sending_socket(0), NULL);
	union address group = group_of(0, plain);

	aim(sender.fd, &group);
	for (uint64_t round = 0; round < 100; round++) {
		post_receives(&with_trains);
		post_receives(&without);
		commit(&sender, round * SLOTS);
		expect_commit(&with_trains, round * SLOTS);
		expect_commit(&without, round * SLOTS);
		expect_commit_plainly(plain, round * SLOTS);
		joined |= expect_commit_in_trains(joining, round * SLOTS);
	}
	expect_empty(with_trains.receive_cq);
	expect_empty(without.receive_cq);
	EXPECT(nothing_queued(plain) && nothing_queued(joining), "a copy too many");
	/* Those that take trains get them, whoever else is there. */
	if (train_limit() > 1)
		EXPECT(info_of(&sender).trains_sent > 0, "no train was sent");
	if (!trains_not_joined()) {
		EXPECT(joined, "no train came through");
		/*
		 * A driver's thread takes the first messages of a commit on another processor
		 * before the last have come, so the runs that trains are known by may be short.
		 */
		EXPECT(driven_by_a_thread() || info_of(&with_trains).trains_received > 0,
		       "no train was received");
	}
	ck_assert_uint_eq(info_of(&without).trains_received, 0);
	side_close(&sender);
	side_close(&with_trains);
	side_close(&without);
	close(plain);
	close(joining);
}
END_TEST

static void expect_address(const union address *found, const union address *wanted)
{
	EXPECT(found->any.sa_family == wanted->any.sa_family &&
		       address_port(found) == address_port(wanted),
	       "family %d, port %u; wanted %d, %u", found->any.sa_family, address_port(found),
	       wanted->any.sa_family, address_port(wanted));
	if (wanted->any.sa_family == AF_INET)
		ck_assert_uint_eq(found->v4.sin_addr.s_addr, wanted->v4.sin_addr.s_addr);
	else
		ck_assert_mem_eq(&found->v6.sin6_addr, &wanted->v6.sin6_addr, 16);
}

static struct extra extras[SLOTS];

static void post_receives_with_extras(struct side *side)
{
	for (uint64_t i = 0; i < SLOTS; i++) {
		struct regio_buf slice = slot_slice(side, i, SLOT_SIZE);

		EXPECT_RETURN(0, regio_receive_ex(side->rq, &slice, &extras[i].slices, 0, i));
	}
}

START_TEST(a_receive_reports_the_group_and_the_sender)
{
	union address groups[2], senders[2];
	struct side receiver, sides[2];

	OPEN_PLACE(open_place);
	open_side(&receiver, member(-1, 0), NULL);
	set_membership(receiver.fd, MCAST_JOIN_GROUP, 1);
	for (uint32_t i = 0; i < SLOTS; i++)
		extra_open(&extras[i]);
	for (unsigned int i = 0; i < 2; i++) {
		open_side(&sides[i], sending_socket(i), NULL);
		groups[i] = group_of(i, receiver.fd);
		aim(sides[i].fd, &groups[i]);
		senders[i] = own_address(sides[i].fd);
	}
	for (unsigned int round = 0; round < 100; round++) {
		unsigned int which = round / 3 % 2;

		post_receives_with_extras(&receiver);
		commit(&sides[which], round * SLOTS);
		expect_commit(&receiver, round * SLOTS);
		for (uint32_t i = 0; i < SLOTS; i++) {
			expect_address(&extras[i].memory.local_address, &groups[which]);
			expect_address(&extras[i].memory.remote_address, &senders[which]);
			ck_assert_uint_eq(count_control(&extras[i]), 0);
		}
	}
	/* Faults cut the runs short, too. */
	if (!trains_not_joined() && !faults_injected() && !driven_by_a_thread())
		EXPECT(info_of(&receiver).trains_received > 0, "no train was received");
	for (uint32_t i = 0; i < SLOTS; i++)
		extra_close(&extras[i]);
	side_close(&sides[0]);
	side_close(&sides[1]);
	side_close(&receiver);
}
END_TEST

/* One socket sends to all groups in turn, runs of equal destinations in one commit. */
static void send_to_groups(struct side *sender, unsigned int groups, uint32_t run, int other)
{
	struct regio_result results[SLOTS];

	for (uint64_t i = 0; i < SLOTS; i++) {
		struct regio_buf slice = slot_slice(sender, SLOTS + i, MESSAGE_SIZE);
		const struct regio_extra to = {.remote_address = extras[i].slices.remote_address};

		extras[i].memory.remote_address = group_of((unsigned int)i / run % groups, other);
		fill_message(slot_memory(sender, SLOTS + i), MESSAGE_SIZE, i);
		EXPECT_RETURN(0, regio_send_ex(sender->rq, &slice, &to,
					       i + 1 < SLOTS ? REGIO_MSG_DEFER : 0, i));
	}
	collect(sender->send_cq, results, SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++)
		expect_result(&results[i], 0, MESSAGE_SIZE, i);
}

START_TEST(several_groups_on_one_completion_queue_are_kept_apart)
{
	enum { GROUPS = 4, RUN = 8 };
	uint64_t next[GROUPS] = {0};
	struct regio_cq *cq = cq_of(GROUPS * SLOTS, NULL);
	struct regio_result results[SLOTS];
	struct side sides[GROUPS], sender;

	OPEN_PLACE(open_place);
	for (unsigned int i = 0; i < GROUPS; i++) {
		SIDE_OPEN(&sides[i], .fd = member(i ? sides[0].fd : -1, i), .receives = SLOTS,
			  .slot_size = MESSAGE_SIZE, .cq = cq, .rq_context = i);
		for (uint32_t k = 0; k < SLOTS; k++)
			post_receive(&sides[i], k);
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		extra_open(&extras[i]);
	open_side(&sender, sending_socket(0), NULL);
	send_to_groups(&sender, GROUPS, RUN, sides[0].fd);
	collect(cq, results, SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint64_t group = results[i].rq_context, k = results[i].request_context;

		ck_assert_uint_lt(group, GROUPS);
		ck_assert_int_eq(results[i].status, 0);
		ck_assert_uint_eq(k, next[group]++);
		expect_message(slot_memory(&sides[group], k), MESSAGE_SIZE,
			       k / RUN * GROUPS * RUN + group * RUN + k % RUN);
	}
	expect_empty(cq);
	for (unsigned int i = 0; i < GROUPS; i++)
		side_close(&sides[i]);
	EXPECT_RETURN(0, regio_cq_close(cq));
	side_close(&sender);
}
END_TEST

START_TEST(a_member_of_one_source_gets_messages_of_that_source_alone)
{
	struct side senders[2], receiver;
	int fd;

	OPEN_PLACE(open_place);
	fd = listening_socket(-1);
	join_source(fd, 0, &place.sources[1]);
	open_side(&receiver, fd, NULL);
	union address group = group_of(0, fd);

	for (unsigned int i = 0; i < 2; i++) {
		open_side(&senders[i], sending_socket(i), NULL);
		aim(senders[i].fd, &group);
	}
	for (uint64_t round = 0; round < 20; round++) {
		post_receives(&receiver);
		commit(&senders[0], 1000000);
		commit(&senders[1], round * SLOTS);
		commit(&senders[0], 1000000);
		expect_commit(&receiver, round * SLOTS);
	}
	expect_empty(receiver.receive_cq);
	side_close(&senders[0]);
	side_close(&senders[1]);
	side_close(&receiver);
}
END_TEST

START_TEST(groups_are_joined_and_left_while_receives_are_posted)
{
	struct side sender, receiver;
	int fd;

	OPEN_PLACE(open_place);
	fd = listening_socket(-1);
	open_side(&receiver, fd, NULL);
	open_side(&sender, sending_socket(0), NULL);
	union address group = group_of(0, fd);

	aim(sender.fd, &group);
	post_receives(&receiver);
	for (uint64_t round = 0; round < 20; round++) {
		commit(&sender, 1000000);
		expect_empty(receiver.receive_cq);
		set_membership(fd, MCAST_JOIN_GROUP, 0);
		commit(&sender, round * SLOTS);
		expect_commit(&receiver, round * SLOTS);
		set_membership(fd, MCAST_LEAVE_GROUP, 0);
		post_receives(&receiver);
	}
	side_close(&sender);
	side_close(&receiver);
}
END_TEST

START_TEST(the_options_of_the_sender_count_for_trains)
{
	const bool v4 = families[_i] == AF_INET;
	struct side sender, receiver;
	struct extra extra;

	OPEN_PLACE(open_own_place);
	open_side(&receiver, member(-1, 0), NULL);
	open_side(&sender, sending_socket(0), NULL);
	extra_open(&extra);
	union address group = group_of(0, receiver.fd);
	struct regio_buf slice = slot_slice(&receiver, 0, SLOT_SIZE);

	aim(sender.fd, &group);
	set_option(receiver.fd, place.level, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
	for (int hops = 1; hops <= 7; hops += 3) {
		const int *found;

		set_option(sender.fd, place.level, v4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS,
			   hops);
		EXPECT_RETURN(0, regio_receive_ex(receiver.rq, &slice, &extra.slices, 0, 0));
		for (uint64_t i = 1; i < SLOTS; i++)
			post_receive(&receiver, i);
		commit(&sender, 0);
		expect_commit(&receiver, 0);
		found = find_control(&extra, place.level, v4 ? IP_TTL : IPV6_HOPLIMIT, sizeof(int));
		EXPECT(found && *found == hops, "%d hops, not %d", found ? *found : -1, hops);
	}
	set_option(sender.fd, place.level, v4 ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP, 0);
	post_receives(&receiver);
	commit(&sender, 0);
	expect_empty(receiver.receive_cq);
	extra_close(&extra);
	side_close(&sender);
	side_close(&receiver);
}
END_TEST

START_TEST(a_group_without_members_takes_every_message)
{
	struct side sender;
	int other;

	OPEN_PLACE(open_place);
	other = listening_socket(-1);
	open_side(&sender, sending_socket(0), NULL);
	union address group = group_of(9, other);

	aim(sender.fd, &group);
	for (uint64_t round = 0; round < 20; round++)
		commit(&sender, round * SLOTS);
	EXPECT(nothing_queued(other), "a message for nobody");
	side_close(&sender);
	close(other);
}
END_TEST

START_TEST(broadcasts_need_leave_and_reach_everybody)
{
	struct regio_result results[SLOTS];
	struct side sender, receiver;
	int plain;

	EXPECT(!open_place(AF_INET), "loopback is refused");
	open_side(&receiver, listening_socket(-1), NULL);
	plain = listening_socket(receiver.fd);
	open_side(&sender, bound_socket(AF_INET), NULL);
	union address everybody = address_of("127.255.255.255");

	for (uint32_t i = 0; i < SLOTS; i++)
		extra_open(&extras[i]);
	everybody.v4.sin_port = own_address(plain).v4.sin_port;
	for (int allowed = 0; allowed < 2; allowed++) {
		if (allowed)
			set_option(sender.fd, SOL_SOCKET, SO_BROADCAST, 1);
		post_receives(&receiver);
		for (uint64_t i = 0; i < SLOTS; i++) {
			struct regio_buf slice = slot_slice(&sender, SLOTS + i, MESSAGE_SIZE);
			const struct regio_extra to = {.remote_address =
							       extras[i].slices.remote_address};

			extras[i].memory.remote_address = everybody;
			fill_message(slot_memory(&sender, SLOTS + i), MESSAGE_SIZE, i);
			EXPECT_RETURN(0, regio_send_ex(sender.rq, &slice, &to,
						       i + 1 < SLOTS ? REGIO_MSG_DEFER : 0, i));
		}
		collect(sender.send_cq, results, SLOTS);
		for (uint64_t i = 0; i < SLOTS; i++)
			expect_result(&results[i], allowed ? 0 : -EACCES,
				      allowed ? MESSAGE_SIZE : 0, i);
		if (!allowed) {
			expect_empty(receiver.receive_cq);
			EXPECT_RETURN((int)SLOTS, regio_rq_cancel(receiver.rq, REGIO_HALF_RECEIVE));
			collect(receiver.receive_cq, results, SLOTS);
		}
	}
	expect_commit(&receiver, 0);
	expect_commit_plainly(plain, 0);
	EXPECT(nothing_queued(plain), "a copy too many");
	side_close(&sender);
	side_close(&receiver);
	close(plain);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(every_receiver_of_a_group_gets_every_message_once_and_in_order),
		CASE_PER_FAMILY(a_receive_reports_the_group_and_the_sender),
		CASE_PER_FAMILY(several_groups_on_one_completion_queue_are_kept_apart),
		CASE_PER_FAMILY(a_member_of_one_source_gets_messages_of_that_source_alone),
		CASE_PER_FAMILY(groups_are_joined_and_left_while_receives_are_posted),
		CASE_PER_FAMILY(the_options_of_the_sender_count_for_trains),
		CASE_PER_FAMILY(a_group_without_members_takes_every_message),
		CASE(broadcasts_need_leave_and_reach_everybody),
	};

	return run_ordered_cases(cases, ARRAY_SIZE(cases));
}
