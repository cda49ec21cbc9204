/* SPDX-License-Identifier: MIT */
/*
 * local_address.c - where a message was sent to: every address with its port and its link, whatever
 * becomes of the socket, and without the options that programs use
 */
#include "../../support/extra.h"
#include "../../support/net.h"
#include "../../support/refuse.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IPV6_RECVORIGDSTADDR
#define IPV6_RECVORIGDSTADDR 74
#endif

/* How each family names packet information and what tells of a destination. */
static const struct names {
	int level, receive_info, info, destination;
} names[2] = {
	{IPPROTO_IP, IP_PKTINFO, IP_PKTINFO, IP_RECVORIGDSTADDR},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVORIGDSTADDR},
};

static struct extra extra;

static void open_side(struct side *side, int fd)
{
	SIDE_OPEN(side, .fd = fd, .receives = 64, .sends = 64, .slot_size = 64);
	extra_open(&extra);
}

static void close_side(struct side *side)
{
	extra_close(&extra);
	side_close(side);
}

/* Whether by one address the same end is reached as by the other. */
static void expect_address(const union address *found, const union address *wanted,
			   const char *which)
{
	EXPECT(found->any.sa_family == wanted->any.sa_family &&
		       address_port(found) == address_port(wanted),
	       "%s: family %d, port %u; wanted %d, %u", which, found->any.sa_family,
	       address_port(found), wanted->any.sa_family, address_port(wanted));
	if (wanted->any.sa_family == AF_INET) {
		ck_assert_uint_eq(found->v4.sin_addr.s_addr, wanted->v4.sin_addr.s_addr);
		return;
	}
	ck_assert_mem_eq(&found->v6.sin6_addr, &wanted->v6.sin6_addr, 16);
	EXPECT(found->v6.sin6_scope_id == wanted->v6.sin6_scope_id, "%s: scope %u, wanted %u",
	       which, found->v6.sin6_scope_id, wanted->v6.sin6_scope_id);
}

static void post_with(struct side *side, const struct regio_extra *slices, uint32_t flags)
{
	struct regio_buf slice = slot_slice(side, 0, side->slot_size);

	memset(&extra.memory, 0xEE, sizeof(extra.memory));
	EXPECT_RETURN(0, regio_receive_ex(side->rq, &slice, slices, flags, 0));
}

static void post(struct side *side, const struct regio_extra *slices)
{
	post_with(side, slices, 0);
}

static void send_to(int fd, const union address *to, const char *text)
{
	size_t length = strlen(text);

	EXPECT(sendto(fd, text, length, 0, &to->any, address_length(to)) == (ssize_t)length, "%m");
}

/* Posts, has 'from' send to 'to', and compares what is told. */
static void expect_reported(struct side *side, int from, const union address *to,
			    const union address *local)
{
	post(side, &extra.slices);
	send_to(from, to, "hello");
	struct regio_result result = collect_one(side->receive_cq);

	expect_result(&result, 0, 5, 0);
	expect_address(&extra.memory.local_address, local, "local");
}

static union address to_port_of(int family, int fd)
{
	union address to = loopback(family);

	to.v4.sin_port = own_address(fd).v4.sin_port;
	return to;
}

static union address mapped(const union address *v4)
{
	union address v6 = {.v6 = {.sin6_family = AF_INET6, .sin6_port = v4->v4.sin_port}};

	memset(v6.v6.sin6_addr.s6_addr + 10, 0xFF, 2);
	memcpy(v6.v6.sin6_addr.s6_addr + 12, &v4->v4.sin_addr, 4);
	return v6;
}

/* ---- Whose options ------------------------------------------------------------- */

/* Holds: regio_receive_ex what 2. */
START_TEST(packet_information_is_the_programs_whenever_it_is_set)
{
	const struct names *name = &names[_i];
	struct regio_extra control_only = {0};
	struct side side;

	open_side(&side, wildcard_socket(families[_i]));
	int peer = bound_socket(families[_i]), copy = dup(side.fd);
	union address to = to_port_of(families[_i], side.fd);

	control_only.control = extra.slices.control;
	expect_reported(&side, peer, &to, &to);
	ck_assert_uint_eq(count_control(&extra), 0);
	EXPECT(get_option(copy, name->level, name->receive_info) == 0, "the library has set it");
	set_option(copy, name->level, name->receive_info, 1);
	expect_reported(&side, peer, &to, &to);
	ck_assert_uint_eq(count_control(&extra), 1);
	EXPECT(find_control(&extra, name->level, name->info, 12), "no packet information");
	post(&side, &control_only);
	send_to(peer, &to, "x");
	collect_one(side.receive_cq);
	ck_assert_uint_eq(count_control(&extra), 1);
	close_side(&side);
	EXPECT(get_option(copy, name->level, name->receive_info) == 1, "the library has ended it");
	close(copy);
	close(peer);
}
END_TEST

/* Holds: regio_receive_ex what 2, regio_rq_close what. */
START_TEST(closing_ends_the_reports_of_destinations)
{
	const struct names *name = &names[_i];
	struct side side;

	open_side(&side, wildcard_socket(families[_i]));
	int peer = bound_socket(families[_i]), copy = dup(side.fd);
	union address to = to_port_of(families[_i], side.fd);

	post(&side, &(struct regio_extra){.remote_address = extra.slices.remote_address,
					  .control = extra.slices.control});
	send_to(peer, &to, "x");
	collect_one(side.receive_cq);
	EXPECT(get_option(copy, name->level, name->destination) == 0,
	       "set where no local address is wanted");
	expect_reported(&side, peer, &to, &to);
	close_side(&side);
	for (size_t i = 0; i <= (size_t)_i; i++)
		EXPECT(get_option(copy, names[i].level, names[i].destination) == 0,
		       "the option stays");
	close(copy);
	close(peer);
}
END_TEST

/* Holds: regio_receive_ex what 2. */
START_TEST(a_destination_the_program_asked_for_is_shown)
{
	const struct names *name = &names[_i];
	int fd = wildcard_socket(families[_i]);
	struct side side;

	set_option(fd, name->level, name->destination, 1);
	open_side(&side, fd);
	int peer = bound_socket(families[_i]), copy = dup(side.fd);
	union address to = to_port_of(families[_i], side.fd);

	for (int i = 0; i < 2; i++) {
		expect_reported(&side, peer, &to, &to);
		ck_assert_uint_eq(count_control(&extra), 1);
		EXPECT(find_control(&extra, name->level, name->destination, 16), "not shown");
	}
	close_side(&side);
	EXPECT(get_option(copy, name->level, name->destination) == 1, "the option is gone");
	close(copy);
	close(peer);
}
END_TEST

/* Holds: regio_receive_ex what 2. */
START_TEST(a_destination_turned_off_is_turned_on_again)
{
	const struct names *name = &names[_i];
	struct side side;

	open_side(&side, wildcard_socket(families[_i]));
	int peer = bound_socket(families[_i]);
	union address to = to_port_of(families[_i], side.fd);

	expect_reported(&side, peer, &to, &to);
	set_option(side.fd, name->level, name->destination, 0);
	post(&side, &extra.slices);
	send_to(peer, &to, "x");
	collect_one(side.receive_cq);
	expect_reported(&side, peer, &to, &to);
	ck_assert_uint_eq(count_control(&extra), 0);
	close_side(&side);
	close(peer);
}
END_TEST

/* As by a sandbox: the socket's own name is the next best. */
START_TEST(where_the_option_is_refused_the_socket_is_asked_each_time)
{
	int peer = bound_socket(families[_i]), fd = udp_socket(families[_i]);
	const union address none = {.any.sa_family = AF_UNSPEC};
	struct side side;

	connect_to(fd, peer);
	open_side(&side, fd);
	const char *refused =
		refuse_call_with(SYS_setsockopt, 2, (uint32_t)names[_i].destination, EPERM);

	if (refused)
		SKIP("%s", refused);
	for (int i = 0; i < 3; i++) {
		union address mine = own_address(fd);

		expect_reported(&side, peer, &mine, &mine);
		EXPECT(connect(fd, &none.any, sizeof(none.any)) == 0, "%m");
		connect_to(fd, peer);
	}
	close_side(&side);
	close(peer);
}
END_TEST

/* ---- Sockets that change ------------------------------------------------------- */

START_TEST(the_port_is_reported_of_a_socket_that_was_connected_anew)
{
	const union address none = {.any.sa_family = AF_UNSPEC};
	int fd = udp_socket(families[_i]), holder;
	union address before = {0};
	struct side side;

	int peers[2] = {bound_socket(families[_i]), bound_socket(families[_i])};

	connect_to(fd, peers[0]);
	open_side(&side, fd);
	for (int i = 0; i < 2; i++) {
		union address mine = own_address(fd), theirs = own_address(peers[i]);

		EXPECT(address_port(&mine) != address_port(&before), "it kept its port");
		expect_reported(&side, peers[i], &mine, &mine);
		expect_address(&extra.memory.remote_address, &theirs, "remote");
		if (i == 1)
			break;
		/* Its port is given up, and taken by another before the next one is chosen. */
		EXPECT(connect(fd, &none.any, sizeof(none.any)) == 0, "%m");
		before = mine;
		holder = udp_socket(families[_i]);
		EXPECT(bind(holder, &mine.any, address_length(&mine)) == 0, "%m");
		connect_to(fd, peers[1]);
	}
	close_side(&side);
	close(holder);
	close(peers[0]);
	close(peers[1]);
}
END_TEST

/* Holds: regio_extra what 2. */
START_TEST(a_stream_that_was_connected_anew_reports_its_new_ends)
{
	const union address none = {.any.sa_family = AF_UNSPEC};
	int fd = stream_socket(families[_i]), listener = stream_listener(families[_i]);
	struct side side;
	int peers[2];

	peers[0] = connect_stream(fd, listener);
	open_side(&side, fd);
	for (int i = 0; i < 2; i++) {
		union address mine = own_address(fd), theirs = own_address(peers[i]);

		post_with(&side, &extra.slices, REGIO_MSG_WAITALL);
		write_stream(peers[i], 64, 0);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 64, 0);
		expect_address(&extra.memory.local_address, &mine, "local");
		expect_address(&extra.memory.remote_address, &theirs, "remote");
		if (i == 1)
			break;
		EXPECT(connect(fd, &none.any, sizeof(none.any)) == 0, "%m");
		close(listener);
		listener = stream_listener(families[_i]);
		peers[1] = connect_stream(fd, listener);
	}
	close_side(&side);
	close(peers[0]);
	close(peers[1]);
	close(listener);
}
END_TEST

/* Holds: regio_extra.local_address. */
START_TEST(a_dual_stack_socket_reports_both_families_apart)
{
	int peers[2] = {bound_socket(AF_INET), bound_socket(AF_INET6)};
	struct side side;

	open_side(&side, wildcard_socket(AF_INET6));
	for (int i = 0; i < 8; i++) {
		union address to = to_port_of(families[i % 2], side.fd), local = to;

		if (i % 2 == 0) {
			to.v4.sin_addr.s_addr = htonl(0x7F000001u + (uint32_t)i);
			local = mapped(&to);
		}
		expect_reported(&side, peers[i % 2], &to, &local);
		ck_assert_uint_eq(count_control(&extra), 0);
	}
	close_side(&side);
	close(peers[0]);
	close(peers[1]);
}
END_TEST

START_TEST(an_IPv6_socket_that_was_made_one_of_IPv4_reports_addresses_of_IPv4)
{
	int peer = bound_socket(AF_INET), fd = wildcard_socket(AF_INET6);
	union address theirs = own_address(peer), to = to_port_of(AF_INET, fd);
	union address theirs_mapped = mapped(&theirs), to_mapped = mapped(&to);
	struct side side;

	EXPECT(connect(fd, &theirs_mapped.any, address_length(&theirs_mapped)) == 0, "%m");
	open_side(&side, fd);
	for (int i = 0; i < 2; i++) {
		expect_reported(&side, peer, &to, i == 0 ? &to_mapped : &to);
		expect_address(&extra.memory.remote_address, i == 0 ? &theirs_mapped : &theirs,
			       "remote");
		if (i == 0)
			set_option(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET);
	}
	close_side(&side);
	close(peer);
}
END_TEST

/* ---- Links --------------------------------------------------------------------- */

/* Two links of one host, each with the same addresses. */
static const char *const links[2] = {"regio0", "regio2"};

static union address on_link(const char *text, unsigned int link, uint16_t port)
{
	union address address = {.v6 = {.sin6_family = AF_INET6,
					.sin6_port = htons(port),
					.sin6_scope_id = if_nametoindex(links[link])}};

	EXPECT(inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1, "%s", text);
	return address;
}

static int socket_on_link(const char *text, unsigned int link)
{
	union address address = on_link(text, link, 0);
	int fd = udp_socket(AF_INET6);

	EXPECT(bind(fd, &address.any, address_length(&address)) == 0, "%m");
	return fd;
}

static void await_address(unsigned int link, const char *text, const char *other)
{
	int to = socket_on_link(text, link), from = socket_on_link(other, link);

	await_way(from, to);
	close(from);
	close(to);
}

static const char *open_links(void)
{
	const char *refused = enter_own_network();
	char command[512];

	if (refused)
		return refused;
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(command, sizeof(command),
			 "ip link add %s type veth peer name regio%u 2>/dev/null && "
			 "ip link set %s addrgenmode none && ip link set regio%u up && "
			 "ip link set %s up && ip address add fe80::1/64 dev %s nodad && "
			 "ip address add fe80::2/64 dev %s nodad",
			 links[i], 2 * i + 1, links[i], 2 * i + 1, links[i], links[i], links[i]);
		if (system(command) != 0)
			return "no links (ip from iproute2 and veth needed)";
		await_address(i, "fe80::1", "fe80::2");
		await_address(i, "fe80::2", "fe80::1");
	}
	return NULL;
}

static void join(int fd, const union address *group)
{
	struct ipv6_mreq request = {.ipv6mr_multiaddr = group->v6.sin6_addr,
				    .ipv6mr_interface = group->v6.sin6_scope_id};

	EXPECT(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request)) == 0, "%m");
}

/* Holds: regio_extra.local_address, regio_extra.remote_address. */
START_TEST(a_link_is_reported_with_every_address_that_is_of_one)
{
	const char *const texts[] = {"fe80::1", "ff02::77", "ff01::77", "ff05::77"};
	int fd = -1, senders[2];
	struct side side;
	const char *refused = open_links();

	if (refused)
		SKIP("%s", refused);
	fd = wildcard_socket(AF_INET6);
	open_side(&side, fd);
	for (unsigned int link = 0; link < 2; link++) {
		senders[link] = socket_on_link("fe80::2", link);
		for (size_t i = 1; i < ARRAY_SIZE(texts); i++) {
			union address group = on_link(texts[i], link, 0);

			join(fd, &group);
		}
	}
	for (unsigned int round = 0; round < 16; round++) {
		unsigned int link = round % 2;
		size_t which = round / 2 % ARRAY_SIZE(texts);
		union address to = on_link(texts[which], link, 0), told;
		union address theirs = own_address(senders[link]);

		to.v6.sin6_port = own_address(fd).v6.sin6_port;
		told = to;
		/* Of a site, not of a link. */
		if (which == 3)
			told.v6.sin6_scope_id = 0;
		expect_reported(&side, senders[link], &to, &told);
		expect_address(&extra.memory.remote_address, &theirs, texts[which]);
		EXPECT(theirs.v6.sin6_scope_id, "the sender is of no link");
	}
	close_side(&side);
	close(senders[0]);
	close(senders[1]);
}
END_TEST

/* Holds: regio_extra what 2. */
START_TEST(a_stream_reports_the_link_of_both_ends)
{
	const char *refused = open_links();

	if (refused)
		SKIP("%s", refused);
	for (unsigned int link = 0; link < 2; link++) {
		union address to = on_link("fe80::1", link, 0), mine, theirs;
		int listener = stream_socket(AF_INET6), fd = stream_socket(AF_INET6), accepted;
		struct side side;

		EXPECT(bind(listener, &to.any, address_length(&to)) == 0, "%m");
		EXPECT(listen(listener, 1) == 0, "%m");
		to.v6.sin6_port = own_address(listener).v6.sin6_port;
		EXPECT(connect(fd, &to.any, address_length(&to)) == 0, "%m");
		accepted = accept(listener, NULL, NULL);
		EXPECT(accepted >= 0, "%m");
		open_side(&side, accepted);
		mine = to;
		theirs = own_address(fd);
		post_with(&side, &extra.slices, REGIO_MSG_WAITALL);
		write_stream(fd, 64, 0);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 64, 0);
		expect_address(&extra.memory.local_address, &mine, "local");
		expect_address(&extra.memory.remote_address, &theirs, "remote");
		EXPECT(theirs.v6.sin6_scope_id, "the peer is of no link");
		close_side(&side);
		close(fd);
		close(listener);
	}
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(packet_information_is_the_programs_whenever_it_is_set),
		CASE_PER_FAMILY(closing_ends_the_reports_of_destinations),
		CASE_PER_FAMILY(a_destination_the_program_asked_for_is_shown),
		CASE_PER_FAMILY(a_destination_turned_off_is_turned_on_again),
		CASE_PER_FAMILY(where_the_option_is_refused_the_socket_is_asked_each_time),
		CASE_PER_FAMILY(the_port_is_reported_of_a_socket_that_was_connected_anew),
		CASE_PER_FAMILY(a_stream_that_was_connected_anew_reports_its_new_ends),
		CASE(a_dual_stack_socket_reports_both_families_apart),
		CASE(an_IPv6_socket_that_was_made_one_of_IPv4_reports_addresses_of_IPv4),
		CASE(a_link_is_reported_with_every_address_that_is_of_one),
		CASE(a_stream_reports_the_link_of_both_ends),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
