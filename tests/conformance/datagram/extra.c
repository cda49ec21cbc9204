/* SPDX-License-Identifier: MIT */
/*
 * extra.c - addresses and control data, in and out
 */
#include "../../support/extra.h"
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <string.h>
#include <unistd.h>

/* How each family names what the cases set and ask for. */
static const struct family_options {
	int level, receive_class, class, receive_hops, hops, unicast_hops, receive_info, info;
} family_options[2] = {
	{IPPROTO_IP, IP_RECVTOS, IP_TOS, IP_RECVTTL, IP_TTL, IP_TTL, IP_PKTINFO, IP_PKTINFO},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, IPV6_TCLASS, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT,
	 IPV6_UNICAST_HOPS, IPV6_RECVPKTINFO, IPV6_PKTINFO},
};

/* What a control message says of the class: a byte with IPv4, an int with IPv6. */
static int class_of(const struct family_options *options, const void *data)
{
	int class;

	if (options->level == IPPROTO_IP)
		return *(const uint8_t *)data;
	memcpy(&class, data, sizeof(class));
	return class;
}

static void open_side(struct side *side, struct side_plan plan)
{
	plan.receives = 128;
	plan.sends = 128;
	plan.slot_size = 64;
	side_open(side, &plan);
}

static void receive_extra(struct side *side, const struct regio_extra *slices, uint64_t slot)
{
	struct regio_buf slice = slot_slice(side, slot, side->slot_size);

	EXPECT_RETURN(0, regio_receive_ex(side->rq, &slice, slices, 0, slot));
}

static void expect_address(const union address *found, const union address *wanted)
{
	EXPECT(found->any.sa_family == wanted->any.sa_family, "family %d, wanted %d",
	       found->any.sa_family, wanted->any.sa_family);
	EXPECT(address_port(found) == address_port(wanted), "port %u, wanted %u",
	       address_port(found), address_port(wanted));
	if (wanted->any.sa_family == AF_INET)
		ck_assert_uint_eq(found->v4.sin_addr.s_addr, wanted->v4.sin_addr.s_addr);
	else
		ck_assert_mem_eq(&found->v6.sin6_addr, &wanted->v6.sin6_addr, 16);
}

/*
 * Holds: regio_extra.local_address, regio_extra.remote_address, regio_control what,
 * regio_receive_ex what, regio_receive_ex Blocking.
 */
START_TEST(a_receive_reports_both_addresses)
{
	union address mine, theirs;
	struct extra extra;
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	extra_open(&extra);
	mine = own_address(side.fd);
	theirs = own_address(side.peer);
	receive_extra(&side, &extra.slices, 0);
	send_plain(side.peer, "hello", 5);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 5, 0);
	expect_address(&extra.memory.local_address, &mine);
	expect_address(&extra.memory.remote_address, &theirs);
	ck_assert_uint_eq(count_control(&extra), 0);
	ck_assert_uint_eq(extra.memory.control.total_length, 8);
	ck_assert_uint_eq(extra.memory.message_flags, 0);
	extra_close(&extra);
	side_close(&side);
}
END_TEST

static void send_to(int fd, const union address *to, const void *data, size_t length)
{
	EXPECT(sendto(fd, data, length, 0, &to->any, address_length(to)) == (ssize_t)length, "%m");
}

/* Holds: regio_extra.local_address. */
START_TEST(a_socket_bound_to_every_address_learns_the_one_used)
{
	struct extra extra;
	struct side side;
	int peer = bound_socket(families[_i]);
	union address to = loopback(families[_i]), theirs = own_address(peer);

	open_side(&side, (struct side_plan){.fd = wildcard_socket(families[_i])});
	extra_open(&extra);
	to.v4.sin_port = own_address(side.fd).v4.sin_port;
	for (uint8_t last = 1; last <= 3; last++) {
		if (families[_i] == AF_INET)
			to.v4.sin_addr.s_addr = htonl(0x7F000000u + last);
		receive_extra(&side, &extra.slices, 0);
		send_to(peer, &to, "hello", 5);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 5, 0);
		expect_address(&extra.memory.local_address, &to);
		expect_address(&extra.memory.remote_address, &theirs);
	}
	extra_close(&extra);
	side_close(&side);
	close(peer);
}
END_TEST

static union address mapped_loopback(uint16_t port)
{
	union address address = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
	const uint8_t bytes[16] = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1};

	memcpy(&address.v6.sin6_addr, bytes, sizeof(bytes));
	return address;
}

START_TEST(a_dual_stack_socket_sees_and_answers_IPv4_peers_as_mapped_addresses)
{
	struct extra extra;
	struct side side;
	int peer = bound_socket(AF_INET);
	union address to = loopback(AF_INET);
	struct regio_buf slice;
	uint8_t data[64];

	open_side(&side, (struct side_plan){.fd = wildcard_socket(AF_INET6)});
	extra_open(&extra);
	to.v4.sin_port = own_address(side.fd).v4.sin_port;
	union address mine = mapped_loopback(ntohs(to.v4.sin_port));
	union address theirs =
		mapped_loopback(address_port(&(union address){.v4 = own_address(peer).v4}));

	receive_extra(&side, &extra.slices, 0);
	send_to(peer, &to, "hello", 5);
	collect_one(side.receive_cq);
	expect_address(&extra.memory.remote_address, &theirs);
	expect_address(&extra.memory.local_address, &mine);

	const struct regio_extra back = {.remote_address = extra.slices.remote_address};

	slice = slot_slice(&side, 128, 64);
	fill_message(slot_memory(&side, 128), 64, 3);
	EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &back, 0, 1));
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, 0, 64, 1);
	ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), 64);
	expect_message(data, 64, 3);
	extra_close(&extra);
	side_close(&side);
	close(peer);
}
END_TEST

/* Holds: regio_extra.local_address, regio_extra.remote_address, regio_receive_ex Returns. */
START_TEST(address_slices_may_be_longer_than_an_address_but_not_shorter)
{
	uint8_t memory[256];
	struct side side;
	uint64_t region;
	struct regio_buf data;

	memset(memory, 0xEE, sizeof(memory));
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &region));
	struct regio_extra slices = {.remote_address = {region, 64, 27},
				     .local_address = {region, 0, 28}};

	data = slot_slice(&side, 0, 64);
	EXPECT_RETURN(-EINVAL, regio_receive_ex(side.rq, &data, &slices, 0, 0));
	slices.remote_address.length = 144;
	slices.local_address.length = 27;
	EXPECT_RETURN(-EINVAL, regio_receive_ex(side.rq, &data, &slices, 0, 0));
	slices.local_address.length = 32;
	EXPECT_RETURN(0, regio_receive_ex(side.rq, &data, &slices, 0, 0));
	union address theirs = own_address(side.peer), found;

	send_plain(side.peer, "x", 1);
	collect_one(side.receive_cq);
	memcpy(&found, memory + 64, sizeof(found));
	expect_address(&found, &theirs);
	EXPECT(memory[63] == 0xEE && memory[64 + 28] == 0xEE, "written beside the address");
	EXPECT_RETURN(0, regio_region_deregister(region));
	side_close(&side);
}
END_TEST

/* What the user's own options ask for is shown, and nothing that the library needs itself. */
static void expect_class_and_hops(int family_index, unsigned int burst)
{
	const struct family_options *options = &family_options[family_index];
	static struct extra extras[64];
	static uint8_t data[64 * 64];
	struct side side;

	open_side(&side,
		  (struct side_plan){.family = families[family_index], .peer = PEER_ONE_WAY});
	set_option(side.fd, options->level, options->receive_class, 1);
	set_option(side.fd, options->level, options->receive_hops, 1);
	set_option(side.peer, options->level, options->class, 0x48);
	set_option(side.peer, options->level, options->unicast_hops, 33);
	for (uint64_t i = 0; i < burst; i++) {
		extra_open(&extras[i]);
		receive_extra(&side, &extras[i].slices, i);
	}
	if (burst > 1)
		send_train(side.peer, data, (size_t)burst * 64, 64);
	else
		send_plain(side.peer, data, 64);
	for (uint64_t i = 0; i < burst; i++) {
		struct regio_result result = collect_one(side.receive_cq);
		const void *class = find_control(&extras[i], options->level, options->class, 1);
		const int *hops = find_control(&extras[i], options->level, options->hops, 4);

		expect_result(&result, 0, 64, i);
		EXPECT(class && class_of(options, class) == 0x48, "message %u: class",
		       (unsigned int)i);
		EXPECT(hops && *hops == 33, "message %u: hops", (unsigned int)i);
		ck_assert_uint_eq(count_control(&extras[i]), 2);
		extra_close(&extras[i]);
	}
	side_close(&side);
}

/* Holds: regio_receive_ex what 2, regio_extra.control. */
START_TEST(control_data_the_user_asked_for_comes_and_nothing_else)
{
	expect_class_and_hops(_i, 1);
}
END_TEST

/* Holds: regio_receive_ex what 2. */
START_TEST(control_data_comes_with_every_message_of_a_train)
{
	if (train_limit() == 1)
		SKIP("the kernel has no UDP_SEGMENT");
	expect_class_and_hops(_i, 64);
}
END_TEST

/* Holds: regio_receive_ex what 2. */
START_TEST(control_messages_of_the_library_are_never_shown)
{
	const struct family_options *options = &family_options[_i];
	struct extra extras[8];
	struct side side;
	static uint8_t data[8 * 64];

	if (train_limit() == 1)
		SKIP("the kernel has no UDP_SEGMENT");
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	union address mine = own_address(side.fd), theirs = own_address(side.peer);

	EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	set_option(side.fd, options->level, options->receive_class, 1);
	for (uint64_t i = 0; i < 8; i++) {
		extra_open(&extras[i]);
		receive_extra(&side, &extras[i].slices, i);
	}
	send_train(side.peer, data, sizeof(data), 64);
	for (uint64_t i = 0; i < 8; i++) {
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 64, i);
		ck_assert_uint_eq(count_control(&extras[i]), 1);
		EXPECT(find_control(&extras[i], options->level, options->class, 1), "no class");
		expect_address(&extras[i].memory.local_address, &mine);
		expect_address(&extras[i].memory.remote_address, &theirs);
		extra_close(&extras[i]);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_receive_ex what 2. */
START_TEST(packet_information_the_user_asked_for_is_shown)
{
	const struct family_options *options = &family_options[_i];
	struct extra extra;
	struct side side;
	int fd = bound_socket(families[_i]);

	set_option(fd, options->level, options->receive_info, 1);
	open_side(&side, (struct side_plan){.fd = fd, .peer = PEER_ONE_WAY});
	extra_open(&extra);
	receive_extra(&side, &extra.slices, 0);
	send_plain(side.peer, "x", 1);
	collect_one(side.receive_cq);
	ck_assert_uint_eq(count_control(&extra), 1);
	EXPECT(find_control(&extra, options->level, options->info, sizeof(struct in_pktinfo)),
	       "no packet information");
	EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	EXPECT(get_option(fd, options->level, options->receive_info) == 1, "the option is gone");
	EXPECT_RETURN(0,
		      regio_rq_create(fd, 1, 0, side.receive_cq, side.send_cq, 0, NULL, &side.rq));
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/*
 * Holds: regio_receive_ex what, regio_receive_ex Returns, regio_extra.control,
 * regio_extra.message_flags.
 */
START_TEST(control_data_is_cut_between_messages_and_says_so)
{
	const struct family_options *options = &family_options[_i];
	const uint32_t one_message = sizeof(struct regio_control) + CMSG_SPACE(sizeof(int));
	const struct {
		uint32_t length;
		unsigned int messages;
	} cuts[] = {{8, 0}, {9, 0}, {23, 0}, {one_message, 1}, {one_message + 8, 1}, {512, 2}};
	struct extra extra;
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	set_option(side.fd, options->level, options->receive_class, 1);
	set_option(side.fd, options->level, options->receive_hops, 1);
	extra_open(&extra);
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		extra.slices.control.length = cuts[i].length;
		receive_extra(&side, &extra.slices, 0);
		memset(&extra.memory.control, 0xEE, 504);
		send_plain(side.peer, "x", 1);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 1, 0);
		EXPECT(count_control(&extra) == cuts[i].messages, "%u bytes: %u messages",
		       cuts[i].length, count_control(&extra));
		EXPECT(!(extra.memory.message_flags & MSG_CTRUNC) == (cuts[i].messages == 2),
		       "%u bytes: flags %#x", cuts[i].length, extra.memory.message_flags);
		EXPECT(((uint8_t *)&extra.memory.control)[cuts[i].length] == 0xEE ||
			       cuts[i].messages == 2,
		       "%u bytes: written behind the slice", cuts[i].length);
	}
	extra.slices.control.length = 7;
	struct regio_buf slice = slot_slice(&side, 0, 64);

	EXPECT_RETURN(-EINVAL, regio_receive_ex(side.rq, &slice, &extra.slices, 0, 0));
	extra.slices.control.length = 512;
	extra.slices.message_flags.length = 3;
	EXPECT_RETURN(-EINVAL, regio_receive_ex(side.rq, &slice, &extra.slices, 0, 0));
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/* No padding is needed behind the last one, and none is counted. Holds: regio_control what. */
START_TEST(control_data_may_fill_its_slice_to_the_last_byte)
{
	const struct family_options *options = &family_options[_i];
	const uint32_t length = sizeof(struct regio_control) + CMSG_LEN(sizeof(int));
	struct extra extra;
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	set_option(side.fd, options->level, options->receive_hops, 1);
	extra_open(&extra);
	extra.slices.control.length = length;
	receive_extra(&side, &extra.slices, 0);
	send_plain(side.peer, "hello", 5);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 5, 0);
	ck_assert_uint_eq(extra.memory.control.total_length, length);
	ck_assert_uint_eq(extra.memory.message_flags, 0);
	ck_assert_ptr_nonnull(find_control(&extra, options->level, options->hops, sizeof(int)));
	extra_close(&extra);
	side_close(&side);
}
END_TEST

#define LONG_OPTIONS 1520u

/*
 * From now on 'fd' sends destination options of that length, in six that nobody knows and everybody
 * skips. Returns NULL, or why it may not.
 */
static const char *send_long_options(int fd)
{
	uint8_t header[LONG_OPTIONS] = {0, LONG_OPTIONS / 8 - 1};

	for (size_t at = 2; at < LONG_OPTIONS; at += 253) {
		header[at] = 0x1E;
		header[at + 1] = 251;
		memset(header + at + 2, 0x77, 251);
	}
	return setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, header, sizeof(header)) == 0
		       ? NULL
		       : strerror(errno);
}

static const struct long_plan {
	uint32_t slice;
	bool trains;	/* are on before */
	bool set_first; /* the options of the receiver, before a local address is wanted */
	unsigned int messages;
} long_plans[] = {
	{4096, false, true, 2}, {4096, false, false, 2}, {4096, true, true, 2},
	{1024, false, true, 1}, {1024, true, true, 1},	 {8, false, true, 0},
};
static const char *const long_plan_names[] = {
	"all fits",	     "all fits, set later",	     "all fits, in trains",
	"the last does not", "the last does not, in trains", "nothing fits",
};

/*
 * A side, reached at *ret_to, for which 'peer' sends long options. Returns why that is not possible
 * here, or NULL.
 */
static const char *open_side_for_long_options(struct side *side, int peer, union address *ret_to)
{
	const char *refused = send_long_options(peer);

	if (refused)
		return refused;
	open_side(side, (struct side_plan){.fd = wildcard_socket(AF_INET6)});
	*ret_to = loopback(AF_INET6);
	ret_to->v6.sin6_port = own_address(side->fd).v6.sin6_port;
	return NULL;
}

static void want_long_control(int fd)
{
	set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1);
}

/*
 * What the kernel has is reported as far as the slice goes, and costs no local address.
 *
 * Holds: regio_receive_ex what.
 */
START_TEST(control_data_may_be_long)
{
	const struct long_plan *plan = &long_plans[_i];
	static struct {
		union address local;
		uint32_t flags;
		struct regio_control head __attribute__((aligned(8)));
		uint8_t messages[4096 - 8];
	} memory;
	struct regio_extra slices;
	struct side side;
	uint64_t region;
	int peer = bound_socket(AF_INET6);
	union address to;
	const char *refused = open_side_for_long_options(&side, peer, &to);

	if (refused)
		SKIP("IPV6_DSTOPTS: %s (CAP_NET_RAW needed)", refused);
	if (plan->trains) {
		int plain = bound_socket(AF_INET6);

		EXPECT(connect(plain, &to.any, address_length(&to)) == 0, "%m");
		if (train_limit() == 1)
			SKIP("the kernel has no UDP_SEGMENT");
		EXPECT(turn_trains_on(&side, plain), "bursts did not turn UDP_GRO on");
		close(plain);
	}
	EXPECT_RETURN(0, regio_region_register(&memory, sizeof(memory), NULL, &region));
	slices = (struct regio_extra){
		.local_address = {region, 0, 28},
		.control = {region, (uint32_t)offsetof(__typeof__(memory), head), plan->slice},
		.message_flags = {region, (uint32_t)offsetof(__typeof__(memory), flags), 4}};
	if (plan->set_first)
		want_long_control(side.fd);
	receive_extra(&side, &slices, 0);
	if (!plan->set_first)
		want_long_control(side.fd);
	send_to(peer, &to, "hello", 5);
	struct regio_result result = collect_one(side.receive_cq);
	uint8_t *at = memory.messages, *end = (uint8_t *)&memory.head + memory.head.total_length;
	unsigned int messages = 0;

	expect_result(&result, 0, 5, 0);
	expect_address(&memory.local, &to);
	while (at < end) {
		const int types[] = {IPV6_HOPLIMIT, IPV6_DSTOPTS};
		const size_t lengths[] = {CMSG_LEN(sizeof(int)), CMSG_LEN(LONG_OPTIONS)};
		struct cmsghdr head;

		memcpy(&head, at, sizeof(head));
		ck_assert_uint_lt(messages, 2);
		EXPECT(head.cmsg_type == types[messages] && head.cmsg_len == lengths[messages],
		       "message %u: type %d, %zu bytes", messages, head.cmsg_type,
		       (size_t)head.cmsg_len);
		at += CMSG_ALIGN(head.cmsg_len);
		messages++;
	}
	ck_assert_uint_eq(messages, plan->messages);
	EXPECT(memory.flags == (messages < 2 ? MSG_CTRUNC : 0), "flags %#x", memory.flags);
	EXPECT_RETURN(0, regio_region_deregister(region));
	side_close(&side);
	close(peer);
}
END_TEST

/*
 * Where the room that long headers need becomes known with the first of them.
 *
 * Holds: regio_receive_ex what 3.
 */
START_TEST(long_headers_asked_for_later_cost_the_first_local_address)
{
	struct side side;
	struct extra extra;
	int peer = bound_socket(AF_INET6);
	union address to;
	const char *refused = open_side_for_long_options(&side, peer, &to);

	if (refused)
		SKIP("IPV6_DSTOPTS: %s (CAP_NET_RAW needed)", refused);
	extra_open(&extra);
	const struct regio_extra slices = {.local_address = extra.slices.local_address};

	for (uint64_t i = 0; i < 3; i++) {
		union address bound = own_address(side.fd);

		receive_extra(&side, &slices, i);
		if (i == 0)
			want_long_control(side.fd);
		send_to(peer, &to, "hello", 5);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 5, i);
		expect_address(&extra.memory.local_address, i == 0 ? &bound : &to);
	}
	extra_close(&extra);
	side_close(&side);
	close(peer);
}
END_TEST

/* The class and hops that 'peer' sees on the next datagram. */
static void expect_peer_sees(int peer, const struct family_options *options, int class, int hops)
{
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	char data[64];
	struct iovec vector = {.iov_base = data, .iov_len = sizeof(data)};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	int seen_class = -1, seen_hops = -1;

	EXPECT(recvmsg(peer, &message, MSG_DONTWAIT) == 64, "%m");
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
		if (at->cmsg_level == options->level && at->cmsg_type == options->class)
			seen_class = class_of(options, CMSG_DATA(at));
		else if (at->cmsg_level == options->level && at->cmsg_type == options->hops)
			memcpy(&seen_hops, CMSG_DATA(at), sizeof(seen_hops));
	}
	EXPECT(seen_class == class && seen_hops == hops, "class %d, hops %d; wanted %d, %d",
	       seen_class, seen_hops, class, hops);
}

/* Holds: regio_extra.control, regio_send_ex what. */
START_TEST(control_data_goes_out_with_its_own_message_only)
{
	const struct family_options *options = &family_options[_i];
	struct regio_result results[7];
	struct extra marked, alike, other;
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_BOTH_WAYS});
	set_option(side.fd, options->level, options->unicast_hops, 44);
	set_option(side.peer, options->level, options->receive_class, 1);
	set_option(side.peer, options->level, options->receive_hops, 1);
	extra_open(&marked);
	extra_open(&alike);
	extra_open(&other);
	add_control_int(&marked, options->level, options->class, 0x28);
	add_control_int(&marked, options->level, options->hops, 7);
	add_control_int(&alike, options->level, options->class, 0x28);
	add_control_int(&alike, options->level, options->hops, 8);
	add_control_int(&other, options->level, options->class, 0x88);
	const struct regio_extra *pattern[7] = {
		NULL,
		&(struct regio_extra){.control = marked.slices.control},
		&(struct regio_extra){.control = marked.slices.control},
		&(struct regio_extra){.control = alike.slices.control},
		&(struct regio_extra){.control = other.slices.control},
		NULL,
		NULL};

	for (uint64_t i = 0; i < 7; i++) {
		struct regio_buf slice = slot_slice(&side, 128 + i, 64);

		EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, pattern[i],
					       i < 6 ? REGIO_MSG_DEFER : 0, i));
	}
	collect(side.send_cq, results, 7);
	for (uint64_t i = 0; i < 7; i++)
		expect_result(&results[i], 0, 64, i);
	expect_peer_sees(side.peer, options, 0, 44);
	expect_peer_sees(side.peer, options, 0x28, 7);
	expect_peer_sees(side.peer, options, 0x28, 7);
	expect_peer_sees(side.peer, options, 0x28, 8);
	expect_peer_sees(side.peer, options, 0x88, 44);
	expect_peer_sees(side.peer, options, 0, 44);
	expect_peer_sees(side.peer, options, 0, 44);
	extra_close(&marked);
	extra_close(&alike);
	extra_close(&other);
	side_close(&side);
}
END_TEST

/* Holds: regio_extra.control, regio_send_ex what. */
START_TEST(packet_information_chooses_the_source_address)
{
	const struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7F000005u)};
	struct extra extra;
	struct side side;
	struct regio_buf slice;
	int peer = bound_socket(AF_INET);
	union address from = {0};
	socklen_t length = sizeof(from);
	char data[64];

	open_side(&side, (struct side_plan){.fd = wildcard_socket(AF_INET)});
	extra_open(&extra);
	add_control(&extra, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	extra.memory.remote_address = own_address(peer);
	const struct regio_extra slices = {.remote_address = extra.slices.remote_address,
					   .control = extra.slices.control};

	slice = slot_slice(&side, 128, 64);
	EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &slices, 0, 0));
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, 0, 64, 0);
	EXPECT(recvfrom(peer, data, sizeof(data), 0, &from.any, &length) == 64, "%m");
	ck_assert_uint_eq(from.v4.sin_addr.s_addr, info.ipi_spec_dst.s_addr);
	extra_close(&extra);
	side_close(&side);
	close(peer);
}
END_TEST

/* Holds: regio_control what. */
START_TEST(malformed_control_data_fails_its_own_send_alone)
{
	const uint32_t total_lengths[] = {0, 7, 24, 512, 513, UINT32_MAX};
	struct extra extra;
	struct side side;
	struct regio_buf slice;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ITSELF});
	extra_open(&extra);
	memset(extra.memory.messages, 0xFF, sizeof(extra.memory.messages));
	const struct regio_extra slices = {.control = extra.slices.control};

	slice = slot_slice(&side, 128, 64);
	for (uint64_t i = 0; i < ARRAY_SIZE(total_lengths); i++) {
		extra.memory.control.total_length = total_lengths[i];
		EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &slices, 0, i));
		struct regio_result result = collect_one(side.send_cq);

		EXPECT(result.status < 0, "a total length of %u was accepted", total_lengths[i]);
		ck_assert_uint_eq(result.bytes, 0);
	}
	post_send(&side, 128, 64, 0);
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, 0, 64, 128);
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/* Holds: regio_extra.local_address, regio_send_ex Returns. */
START_TEST(a_local_address_on_a_send_is_refused)
{
	struct extra extra;
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i]});
	extra_open(&extra);
	const struct regio_extra slices = {.local_address = extra.slices.local_address};
	struct regio_buf slice = slot_slice(&side, 128, 64);

	EXPECT_RETURN(-EINVAL, regio_send_ex(side.rq, &slice, &slices, 0, 0));
	expect_empty(side.send_cq);
	extra_close(&extra);
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(a_receive_reports_both_addresses),
		CASE_PER_FAMILY(a_socket_bound_to_every_address_learns_the_one_used),
		CASE(a_dual_stack_socket_sees_and_answers_IPv4_peers_as_mapped_addresses),
		CASE_PER_FAMILY(address_slices_may_be_longer_than_an_address_but_not_shorter),
		CASE_PER_FAMILY(control_data_the_user_asked_for_comes_and_nothing_else),
		CASE_PER_FAMILY(control_data_comes_with_every_message_of_a_train),
		CASE_PER_FAMILY(control_messages_of_the_library_are_never_shown),
		CASE_PER_FAMILY(packet_information_the_user_asked_for_is_shown),
		CASE_PER_FAMILY(control_data_is_cut_between_messages_and_says_so),
		CASE_PER_FAMILY(control_data_may_fill_its_slice_to_the_last_byte),
		{control_data_may_be_long, long_plan_names, ARRAY_SIZE(long_plans), CASE_TIMEOUT_S},
		CASE(long_headers_asked_for_later_cost_the_first_local_address),
		CASE_PER_FAMILY(control_data_goes_out_with_its_own_message_only),
		CASE(packet_information_chooses_the_source_address),
		CASE_PER_FAMILY(malformed_control_data_fails_its_own_send_alone),
		CASE_PER_FAMILY(a_local_address_on_a_send_is_refused),
	};

	return run_ordered_cases(cases, ARRAY_SIZE(cases));
}
