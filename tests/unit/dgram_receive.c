/* SPDX-License-Identifier: MIT */
/*
 * dgram_receive.c - trains are taken apart right, whatever arrives and whatever is posted
 *
 * No socket: each test fills in what the kernel would.
 */
#include "../support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/kernel.h"
#include "dgram/control.h"
#include "dgram/receive.h"
#include "mem/request.h"
#include "mem/section.h"

#define REQUESTS 1024u
#define SLICE_BYTES 256u

static struct regioi_request requests[REQUESTS];
static struct regio_extra extras[REQUESTS];
static struct regioi_window window;
static struct regioi_receive_state state;
static struct regioi_area *area;
static struct regioi_op op;
static uint8_t *memory;
static uint64_t region;
static uint32_t planned;

static void set_up(bool trains)
{
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ck_assert_ptr_ne(area, MAP_FAILED);
	EXPECT_RETURN(0, regio_region_allocate((size_t)REQUESTS * SLICE_BYTES, NULL, &region,
					       (void **)&memory));
	memset(requests, 0, sizeof(requests));
	memset(extras, 0, sizeof(extras));
	memset(&state, 0, sizeof(state));
	state.trains = trains;
	state.local.v4.sin_family = AF_INET;
	window = (struct regioi_window){requests, extras, REQUESTS - 1, 0, 0};
}

static struct regioi_request *post(uint32_t bytes)
{
	uint32_t number = (window.first + window.count++) & window.mask;

	requests[number] = (struct regioi_request){
		.region = region, .offset = number * SLICE_BYTES, .bytes = bytes};
	return &requests[number];
}

static void advance(uint32_t done)
{
	window.first += done;
	window.count -= done;
}

/* Message number n is n bytes of its own value. */
static uint8_t value_of(uint32_t number)
{
	return (uint8_t)(number % 251 + 1);
}

/* Puts a train of 'count' messages into stage 'index', the first of them number 'number'. */
static void arrive(uint32_t index, uint32_t number, uint32_t count, uint32_t segment, uint32_t last)
{
	struct msghdr *header = &op.messages[index].msg_hdr;
	struct cmsghdr *item = header->msg_control;
	uint8_t *stage = header->msg_iov->iov_base;
	int value = (int)segment;

	for (uint32_t i = 0; i < count; i++)
		memset(stage + (size_t)i * segment, value_of(number + i),
		       i + 1 < count ? segment : last);
	op.messages[index].msg_len = (count - 1) * segment + last;
	header->msg_controllen = 0;
	header->msg_namelen = 0;
	if (count == 1)
		return;
	item->cmsg_level = SOL_UDP;
	item->cmsg_type = UDP_GRO;
	item->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(item), &value, sizeof(value));
	header->msg_controllen = CMSG_SPACE(sizeof(value));
}

static uint32_t settle(int32_t result)
{
	enum regioi_receive_verdict verdict;

	op.result = result;
	return regioi_receive_settle(&state, &window, area, &op, &verdict);
}

static void check_result(uint32_t request, uint32_t number, uint32_t bytes)
{
	const struct regioi_request *slot = &requests[request & window.mask];

	EXPECT(slot->status == 0, "request %u has status %d", request, slot->status);
	EXPECT(slot->bytes == bytes, "request %u has %u bytes, not %u", request, slot->bytes,
	       bytes);
	for (uint32_t i = 0; i < bytes; i++)
		EXPECT(memory[slot->offset + i] == value_of(number),
		       "request %u, byte %u: not of message %u", request, i, number);
}

START_TEST(a_train_fills_the_posted_slices_in_order)
{
	set_up(true);
	for (int i = 0; i < 200; i++)
		post(SLICE_BYTES);
	ck_assert_uint_eq(regioi_receive_plan(&state, &window, area, &op, &planned), 0);
	arrive(0, 0, 128, 64, 10);
	ck_assert_uint_eq(settle(1), 128);
	for (uint32_t i = 0; i < 128; i++)
		check_result(i, i, i < 127 ? 64 : 10);
	ck_assert_ptr_null(state.staged.area);
	ck_assert_uint_eq(state.received_trains, 1);
	ck_assert_uint_eq(state.messages, 128);
}
END_TEST

/* One copy fills many slices; what lies between two that are not side by side is not touched. */
START_TEST(slices_side_by_side_are_filled_and_nothing_between_them)
{
	uint32_t offset = 0;

	set_up(true);
	for (uint32_t i = 0; i < 128; i++) {
		struct regioi_request *request = post(64);

		request->offset = offset;
		offset += i % 7 == 3 || i % 5 == 0 ? 65 : 64;
		memory[offset - 1] = 0;
	}
	ck_assert_uint_eq(regioi_receive_plan(&state, &window, area, &op, &planned), 0);
	arrive(0, 0, 128, 64, 64);
	ck_assert_uint_eq(settle(1), 128);
	for (uint32_t i = 0; i < 128; i++) {
		check_result(i, i, 64);
		if (i % 7 == 3 || i % 5 == 0)
			ck_assert_uint_eq(memory[requests[i].offset + 64], 0);
	}
}
END_TEST

START_TEST(what_has_no_request_waits_for_the_next_ones)
{
	uint32_t number = 0;

	set_up(true);
	for (int i = 0; i < 10; i++)
		post(SLICE_BYTES);
	state.asked = 4;
	regioi_receive_plan(&state, &window, area, &op, &planned);
	ck_assert_uint_eq(op.count, 4);
	for (uint32_t i = 0; i < 4; i++)
		arrive(i, i * 50, 50, 30, 30);
	ck_assert_uint_eq(settle(4), 10);
	ck_assert_ptr_eq(state.staged.area, area);
	for (number = 0; number < 10; number++)
		check_result(number, number, 30);
	while (number < 200) {
		uint32_t first = number, done;

		advance(window.count);
		for (uint32_t i = 0; i < 1 + number % 7; i++)
			post(SLICE_BYTES);
		done = regioi_receive_deliver(&state, &window);
		ck_assert_uint_gt(done, 0);
		for (; number < first + done; number++)
			check_result(number, number, 30);
	}
	ck_assert_uint_eq(number, 200);
	ck_assert_uint_eq(state.staged.message, state.staged.messages);
}
END_TEST

START_TEST(a_message_too_long_for_its_slice_fills_it)
{
	set_up(true);
	post(64);
	post(20);
	post(64);
	regioi_receive_plan(&state, &window, area, &op, &planned);
	arrive(0, 0, 3, 50, 50);
	ck_assert_uint_eq(settle(1), 3);
	check_result(0, 0, 50);
	ck_assert_int_eq(requests[1].status, -EMSGSIZE);
	ck_assert_uint_eq(requests[1].bytes, 20);
	ck_assert_uint_eq(memory[requests[1].offset + 19], value_of(1));
	ck_assert_uint_eq(memory[requests[1].offset + 20], 0);
	check_result(2, 2, 50);
	ck_assert_uint_eq(state.truncated, 1);
}
END_TEST

START_TEST(a_request_without_its_region_consumes_nothing)
{
	set_up(true);
	for (int i = 0; i < 6; i++)
		post(64);
	requests[0].region = 0x700000001;
	requests[3].region = 0x700000001;
	ck_assert_uint_eq(regioi_receive_plan(&state, &window, area, &op, &planned), 1);
	ck_assert_int_eq(requests[0].status, -EFAULT);
	advance(1);
	arrive(0, 0, 4, 50, 50);
	ck_assert_uint_eq(settle(1), 5);
	check_result(1, 0, 50);
	check_result(2, 1, 50);
	ck_assert_int_eq(requests[3].status, -EFAULT);
	check_result(4, 2, 50);
	check_result(5, 3, 50);
}
END_TEST

START_TEST(an_empty_message_is_a_message)
{
	set_up(true);
	post(64);
	post(64);
	state.asked = 2;
	regioi_receive_plan(&state, &window, area, &op, &planned);
	arrive(0, 0, 1, 0, 0);
	arrive(1, 1, 1, 0, 40);
	ck_assert_uint_eq(settle(2), 2);
	check_result(0, 0, 0);
	check_result(1, 1, 40);
}
END_TEST

START_TEST(a_lone_receive_goes_straight_to_its_slice)
{
	set_up(false);
	post(64);
	post(64);
	ck_assert(!regioi_receive_needs_area(&state, &window));
	regioi_receive_plan(&state, &window, NULL, &op, &planned);
	ck_assert_int_eq(op.kind, REGIOI_OP_RECEIVE);
	ck_assert_ptr_eq(op.data, memory);
	ck_assert_uint_eq(op.length, 64);
	ck_assert_uint_eq(settle(70), 1);
	ck_assert_int_eq(requests[0].status, -EMSGSIZE);
	ck_assert_uint_eq(requests[0].bytes, 64);
}
END_TEST

/* Receives 16 messages of 'senders' senders in one call that could have found 'asked'. */
static void receive_burst(uint32_t senders, uint8_t asked)
{
	for (int i = 0; i < asked; i++)
		post(64);
	state.asked = asked;
	regioi_receive_plan(&state, &window, area, &op, &planned);
	ck_assert_uint_eq(op.count, asked);
	for (uint32_t i = 0; i < 16; i++) {
		area->names[i].v4 = (struct sockaddr_in){.sin_family = AF_INET,
							 .sin_port = (in_port_t)(i % senders)};
		op.messages[i].msg_hdr.msg_controllen = 0;
		op.messages[i].msg_len = 30 + i % 2;
	}
	advance(settle(16));
	window.count = 0;
}

START_TEST(bursts_in_a_row_of_one_sender_each_look_like_trains)
{
	set_up(false);
	state.extras = true;
	for (int round = 0; round < 12; round++) {
		receive_burst(round < 3 ? 2 : 1, 17);
		ck_assert_int_eq(regioi_receive_bursts(&state), round >= 10);
	}
	/* One that is no burst ends the row. */
	receive_burst(16, 17);
	ck_assert_int_eq(regioi_receive_bursts(&state), false);
}
END_TEST

START_TEST(one_burst_looks_like_trains_if_it_is_long)
{
	set_up(false);
	state.extras = true;
	for (int round = 0; round < 64; round++) {
		receive_burst(1, 16);
		ck_assert_int_eq(regioi_receive_bursts(&state), round == 63);
	}
}
END_TEST

START_TEST(one_burst_looks_like_trains_amid_many_messages_without_a_sleep)
{
	set_up(false);
	state.extras = true;
	state.awake = 1024;
	ck_assert_int_eq(regioi_receive_bursts(&state), false);
	receive_burst(1, 17);
	ck_assert_int_eq(regioi_receive_bursts(&state), true);
	state.awake = 1023;
	ck_assert_int_eq(regioi_receive_bursts(&state), false);
}
END_TEST

/* Calls that could have found four messages, and find 'found'. */
static void find_in_each(uint32_t found, int calls)
{
	for (; calls > 0; calls--) {
		for (int i = 0; i < 4; i++)
			post(64);
		state.asked = 4;
		regioi_receive_plan(&state, &window, area, &op, &planned);
		for (uint32_t i = 0; i < found; i++)
			op.messages[i].msg_len = 30;
		advance(settle((int32_t)found));
		window.count = 0;
	}
}

START_TEST(a_socket_that_receives_mostly_empty_is_known)
{
	set_up(false);
	find_in_each(2, 31);
	ck_assert(!state.drains_often);
	/* The end of the queue was not reached, or is not known. */
	find_in_each(4, 40);
	ck_assert(!state.drains_often);
	find_in_each(2, 1);
	ck_assert(state.drains_often);
	find_in_each(1, 31);
	ck_assert(state.drains_often);
	/* A call that asked for one would leave a doubt. */
	ck_assert_uint_gt(state.asked, 1);
	find_in_each(2, 1);
	find_in_each(1, 2);
	ck_assert(!state.drains_often);
}
END_TEST

/* It leaves a doubt, like one that could find one message. */
START_TEST(a_call_that_could_find_one_train_ends_it)
{
	set_up(true);
	state.drains = 1;
	state.drains_often = true;
	post(64);
	regioi_receive_plan(&state, &window, area, &op, &planned);
	ck_assert_uint_eq(op.count, 1);
	arrive(0, 0, 1, 30, 30);
	ck_assert_uint_eq(settle(1), 1);
	ck_assert(!state.drains_often);
}
END_TEST

/* Plans a receive of three messages, and checks what it asks the kernel for. */
static void plan_three(bool names, bool long_control)
{
	const size_t control = long_control ? REGIOI_LONG_CONTROL_BYTES : REGIOI_CONTROL_BYTES;

	state.extras = names;
	state.long_control = long_control;
	state.asked = 3;
	window.count = 0;
	for (int i = 0; i < 3; i++)
		post(64);
	regioi_receive_plan(&state, &window, area, &op, &planned);
	ck_assert_uint_eq(op.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct msghdr *header = &op.messages[i].msg_hdr;

		ck_assert_uint_eq(header->msg_iovlen, 1);
		ck_assert_ptr_eq(header->msg_iov->iov_base, memory + i * SLICE_BYTES);
		ck_assert_uint_eq(header->msg_iov->iov_len, 64);
		ck_assert_uint_eq(header->msg_namelen, names ? sizeof(union regioi_address) : 0);
		ck_assert_uint_eq(header->msg_controllen, names ? control : 0);
		ck_assert(!header->msg_name == !names && !header->msg_control == !names);
		/* What the kernel does. */
		header->msg_namelen = names ? sizeof(struct sockaddr_in) : 0;
		header->msg_controllen = 0;
	}
}

START_TEST(headers_ask_for_what_is_wanted_now)
{
	set_up(false);
	for (int round = 0; round < 3; round++) {
		plan_three(false, false);
		plan_three(false, false);
		plan_three(true, false);
		plan_three(true, false);
		plan_three(true, true);
		plan_three(true, true);
		plan_three(true, false);
	}
}
END_TEST

/* No copy is made of it; and nothing is stored where no address is wanted. */
START_TEST(the_sender_of_a_message_goes_straight_to_the_slice_for_it)
{
	struct sockaddr_in *slice;

	set_up(false);
	state.extras = true;
	state.asked = 4;
	for (int i = 0; i < 4; i++)
		post(64);
	requests[1].flags = requests[3].flags = REGIOI_REQUEST_EXTRA;
	extras[1].remote_address = (struct regio_buf){region, 128, 28};
	extras[3].message_flags = (struct regio_buf){region, 3 * SLICE_BYTES + 128, 4};
	regioi_receive_plan(&state, &window, area, &op, &planned);
	ck_assert_uint_eq(op.count, 4);
	for (uint32_t i = 0; i < 4; i++) {
		struct msghdr *header = &op.messages[i].msg_hdr;

		ck_assert_ptr_eq(header->msg_name,
				 i == 1 ? (void *)(memory + 128) : (void *)&area->names[i]);
		slice = header->msg_name;
		*slice = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = 7};
		header->msg_namelen = sizeof(*slice);
		header->msg_controllen = 0;
		header->msg_flags = 0;
		op.messages[i].msg_len = i == 3 ? 70 : 30;
	}
	memset(memory + 3 * SLICE_BYTES + 128, 0xFF, 4);
	ck_assert_uint_eq(settle(4), 4);
	ck_assert_int_eq(requests[3].status, -EMSGSIZE);
	ck_assert_uint_eq(memory[3 * SLICE_BYTES + 128], MSG_TRUNC);
	slice = (void *)(memory + 128);
	ck_assert_uint_eq(slice->sin_port, 7);
}
END_TEST

START_TEST(an_operation_ends_before_a_request_that_has_lost_the_slice_for_an_address)
{
	set_up(false);
	state.extras = true;
	state.asked = 4;
	for (int i = 0; i < 4; i++)
		post(64);
	requests[2].flags = REGIOI_REQUEST_EXTRA;
	extras[2].remote_address = (struct regio_buf){0x700000001, 0, 28};
	ck_assert_uint_eq(regioi_receive_plan(&state, &window, area, &op, &planned), 0);
	ck_assert_uint_eq(op.count, 2);
	advance(2);
	ck_assert_uint_eq(regioi_receive_plan(&state, &window, area, &op, &planned), 1);
	ck_assert_int_eq(requests[2].status, -EFAULT);
	ck_assert_uint_eq(op.count, 1);
}
END_TEST

START_TEST(errors_of_earlier_sends_are_passed_over_unless_asked_for)
{
	set_up(false);
	post(64);
	regioi_receive_plan(&state, &window, NULL, &op, &planned);
	/* Each is of a message of its own, however many there are in a row. */
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(settle(-ECONNREFUSED), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(settle(-EACCES), 0);
	ck_assert_uint_eq(settle(-EACCES), 1);
	ck_assert_int_eq(requests[0].status, -EACCES);
	state.report_icmp = true;
	ck_assert_uint_eq(settle(-ECONNREFUSED), 1);
	ck_assert_int_eq(requests[0].status, -ECONNREFUSED);
}
END_TEST

/* Random trains into random slices, posted at random: the k-th message is in the k-th slice. */
START_TEST(random_trains_land_in_order)
{
	uint32_t sent = 0, received = 0;

	set_up(true);
	srandom(2);
	for (uint64_t round = 0; round < scaled(3000); round++) {
		uint32_t first = window.first, done = 0;

		while (window.count < REQUESTS / 2 && random() % 40)
			post(SLICE_BYTES);
		if (window.count == 0)
			continue;
		if (state.staged.area) {
			done = regioi_receive_deliver(&state, &window);
			if (state.staged.message == state.staged.messages)
				state.staged.area = NULL;
		} else {
			regioi_receive_plan(&state, &window, area, &op, &planned);
			for (uint32_t i = 0; i < op.count; i++) {
				uint32_t segment = 1 + (uint32_t)random() % 200;
				uint32_t count = 1 + (uint32_t)random() % 128;

				arrive(i, sent, count, segment, segment);
				sent += count;
			}
			done = settle((int32_t)op.count);
		}
		for (uint32_t i = 0; i < done; i++, received++) {
			const struct regioi_request *slot = &requests[(first + i) & window.mask];

			check_result(first + i, received, slot->bytes);
		}
		advance(done);
	}
	ck_assert_uint_gt(received, 0);
}
END_TEST

START_TEST(control_data_of_any_length_is_read_safely)
{
	static uint8_t slice[256];
	struct msghdr header = {.msg_control = slice, .msg_controllen = 0};

	srandom(3);
	for (uint64_t round = 0; round < scaled(100000); round++) {
		uint8_t *data = malloc(128);
		uint8_t *to = malloc(64);
		size_t length = (uint32_t)random() % 129;
		uint32_t room = 8 + (uint32_t)random() % 57;
		struct regioi_control_span span;
		struct regio_control head;

		for (size_t i = 0; i < 128; i++)
			data[i] = (uint8_t)(random() % 4 ? 0 : random());
		/* Often a length that makes sense. */
		data[0] = (uint8_t)(random() % 48);
		header.msg_control = data;
		header.msg_controllen = length;
		regioi_control_segment(&header);
		regioi_control_to_user(&header, REGIOI_HIDE_TRAIN, to, room);
		memcpy(&head, to, sizeof(head));
		ck_assert_uint_le(head.total_length, room);
		ck_assert_uint_ge(head.total_length, sizeof(head));
		if (regioi_control_from_user(data, 128, &span) == 0)
			regioi_control_joinable(&span);
		free(data);
		free(to);
	}
}
END_TEST

/* The kernel cuts the last message where a buffer is full; what would follow is not ours to read.
 */
START_TEST(a_destination_that_was_cut_is_not_read)
{
	const int levels[] = {IPPROTO_IP, IPPROTO_IPV6};
	const int types[] = {IP_ORIGDSTADDR, IPV6_ORIGDSTADDR};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		for (size_t length = 0; length < 8; length++) {
			struct cmsghdr *item = malloc(CMSG_LEN(length));
			struct msghdr header = {.msg_control = item,
						.msg_controllen = CMSG_LEN(length)};
			union regioi_address address = {.any.sa_family = (sa_family_t)families[i]};
			union regioi_address before = address;

			memset(item, 0xFF, CMSG_LEN(length));
			*item = (struct cmsghdr){CMSG_LEN(length), levels[i], types[i]};
			EXPECT(!regioi_control_local_address(&header, &address), "reported");
			ck_assert_mem_eq(&address, &before, sizeof(address));
			free(item);
		}
	}
}
END_TEST

/* Nor is a part of it shown, and the rest counts as cut. */
START_TEST(a_control_message_that_was_cut_is_not_shown)
{
	_Alignas(struct cmsghdr) uint8_t list[64] = {0}, slice[256];
	struct cmsghdr first = {CMSG_LEN(4), IPPROTO_IP, IP_TTL},
		       last = {40, IPPROTO_IP, IP_RETOPTS};
	struct msghdr header = {
		.msg_control = list, .msg_controllen = sizeof(list), .msg_flags = MSG_CTRUNC};
	struct regio_control head;

	memcpy(list, &first, sizeof(first));
	memcpy(list + CMSG_SPACE(4), &last, sizeof(last));
	ck_assert_uint_eq(CMSG_SPACE(4) + 40, sizeof(list));
	EXPECT(regioi_control_to_user(&header, 0, slice, sizeof(slice)), "nothing was cut");
	memcpy(&head, slice, sizeof(head));
	ck_assert_uint_eq(head.total_length, sizeof(head) + CMSG_SPACE(4));
	/* Whole, where the kernel does not say so. */
	header.msg_flags = 0;
	EXPECT(!regioi_control_to_user(&header, 0, slice, sizeof(slice)), "something was cut");
	memcpy(&head, slice, sizeof(head));
	ck_assert_uint_eq(head.total_length, sizeof(head) + sizeof(list));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_train_fills_the_posted_slices_in_order),
		CASE(slices_side_by_side_are_filled_and_nothing_between_them),
		CASE(what_has_no_request_waits_for_the_next_ones),
		CASE(a_message_too_long_for_its_slice_fills_it),
		CASE(a_request_without_its_region_consumes_nothing),
		CASE(an_empty_message_is_a_message),
		CASE(a_lone_receive_goes_straight_to_its_slice),
		CASE(bursts_in_a_row_of_one_sender_each_look_like_trains),
		CASE(one_burst_looks_like_trains_if_it_is_long),
		CASE(one_burst_looks_like_trains_amid_many_messages_without_a_sleep),
		CASE(a_socket_that_receives_mostly_empty_is_known),
		CASE(a_call_that_could_find_one_train_ends_it),
		CASE(headers_ask_for_what_is_wanted_now),
		CASE(the_sender_of_a_message_goes_straight_to_the_slice_for_it),
		CASE(an_operation_ends_before_a_request_that_has_lost_the_slice_for_an_address),
		CASE(errors_of_earlier_sends_are_passed_over_unless_asked_for),
		CASE(random_trains_land_in_order),
		CASE(control_data_of_any_length_is_read_safely),
		CASE(a_destination_that_was_cut_is_not_read),
		CASE(a_control_message_that_was_cut_is_not_shown),
	};

	/* The library would be in one. */
	regioi_section_enter();
	return run_cases(cases, ARRAY_SIZE(cases));
}
