/* SPDX-License-Identifier: MIT */
/*
 * dgram_send.c - trains are put together right, whatever is queued and whatever the kernel says
 *
 * No socket: a plan is read the way the kernel would read it.
 */
#include "../support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/kernel.h"
#include "dgram/control.h"
#include "dgram/send.h"
#include "mem/request.h"
#include "mem/section.h"

#define REQUESTS 1024u
#define SLICE_BYTES 2048u

static struct regioi_request requests[REQUESTS];
static struct regio_extra extras[REQUESTS];
static struct regioi_window window;
static struct regioi_send_state state;
static struct regioi_area *area;
static struct regioi_op op;
static uint8_t *memory;
static uint64_t region;
static uint32_t planned;

static void set_up(void)
{
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ck_assert_ptr_ne(area, MAP_FAILED);
	EXPECT_RETURN(0, regio_region_allocate((size_t)REQUESTS * SLICE_BYTES, NULL, &region,
					       (void **)&memory));
	memset(requests, 0, sizeof(requests));
	memset(extras, 0, sizeof(extras));
	memset(&state, 0, sizeof(state));
	state.train_messages_max = 128;
	state.train_bytes_max = REGIOI_TRAIN_BYTES_MAX;
	window = (struct regioi_window){requests, extras, REQUESTS - 1, 0, 0};
}

/* Posts a message of 'bytes' bytes that name its number. */
static struct regioi_request *post(uint32_t bytes)
{
	uint32_t number = (window.first + window.count++) & window.mask;

	requests[number] = (struct regioi_request){
		.region = region, .offset = number * SLICE_BYTES, .bytes = bytes};
	memset(memory + requests[number].offset, (int)(number % 251 + 1), bytes);
	return &requests[number];
}

/* The same, side by side with the message before it. */
static void post_beside(uint32_t bytes)
{
	const struct regioi_request *before = regioi_window_request(&window, window.count - 1);
	const uint32_t offset = before->offset + before->bytes;

	post(0)->bytes = bytes;
	regioi_window_request(&window, window.count - 1)->offset = offset;
	memset(memory + offset, (int)(window.count % 251 + 1), bytes);
}

/* Whether the slot of the last message has room for another before its address. */
static bool last_has_room(uint32_t bytes)
{
	const struct regioi_request *last = regioi_window_request(&window, window.count - 1);

	return window.count > 0 && last->offset % SLICE_BYTES + last->bytes + bytes <= 1600;
}

static void address_to(struct regioi_request *request, uint32_t host, uint16_t port)
{
	uint32_t number = (uint32_t)(request - requests);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host),
				      .sin_port = htons(port)};
	/* Behind any message of these tests. */
	uint32_t offset = number * SLICE_BYTES + 1600;

	memcpy(memory + offset, &address, sizeof(address));
	request->flags |= REGIOI_REQUEST_EXTRA;
	extras[number].remote_address = (struct regio_buf){region, offset, 28};
}

static uint32_t plan(void)
{
	return regioi_send_plan(&state, &window, area, &op, 1, &planned);
}

static uint32_t settle(int32_t result)
{
	enum regioi_send_verdict verdict;
	uint32_t done;

	op.result = result;
	done = regioi_send_settle(&state, &window, area, &op, 1, &verdict);
	window.first += done;
	window.count -= done;
	return done;
}

/* The length of the messages of a planned train; 0 for a lone one. */
static uint32_t segment_of(const struct msghdr *header)
{
	struct cmsghdr *item;
	uint16_t segment;

	for (item = CMSG_FIRSTHDR(header); item;
	     item = CMSG_NXTHDR((struct msghdr *)(uintptr_t)header, item)) {
		if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_SEGMENT) {
			memcpy(&segment, CMSG_DATA(item), sizeof(segment));
			return segment;
		}
	}
	return 0;
}

static size_t flatten(const struct msghdr *header, uint8_t *ret_data)
{
	size_t length = 0;

	for (size_t i = 0; i < header->msg_iovlen; i++) {
		memcpy(ret_data + length, header->msg_iov[i].iov_base, header->msg_iov[i].iov_len);
		length += header->msg_iov[i].iov_len;
	}
	return length;
}

/* Checks that one planned message is the requests from *at on, cut as the kernel would. */
static void check_message(const struct msghdr *header, uint32_t *at)
{
	static uint8_t data[REGIOI_STAGE_BYTES];
	size_t length = flatten(header, data);
	uint32_t segment = segment_of(header);
	size_t offset = 0;

	ck_assert_uint_le(length, REGIOI_TRAIN_BYTES_MAX);
	do {
		const struct regioi_request *request = regioi_window_request(&window, (*at)++);
		size_t bytes = segment && length - offset > segment ? segment : length - offset;

		ck_assert_uint_eq(bytes, request->bytes);
		EXPECT(memcmp(data + offset, memory + request->offset, bytes) == 0,
		       "request %u has other bytes", *at - 1);
		offset += bytes;
	} while (offset < length);
}

static void check_plan(void)
{
	uint32_t at = 0;

	if (op.kind == REGIOI_OP_SEND) {
		ck_assert_uint_eq(op.length, regioi_window_request(&window, 0)->bytes);
		ck_assert_uint_eq(planned, 1);
		return;
	}
	for (uint32_t i = 0; i < op.count; i++)
		check_message(&op.messages[i].msg_hdr, &at);
	ck_assert_uint_eq(at, planned);
}

START_TEST(equal_messages_become_one_train)
{
	set_up();
	for (int i = 0; i < 128; i++)
		post(64);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_uint_eq(op.count, 1);
	ck_assert_uint_eq(planned, 128);
	ck_assert_uint_eq(segment_of(&op.messages[0].msg_hdr), 64);
	ck_assert_uint_eq(op.messages[0].msg_hdr.msg_iovlen, 1);
	check_plan();
	ck_assert_uint_eq(settle(1), 128);
	ck_assert_uint_eq(state.messages, 128);
	ck_assert_uint_eq(state.trains, 1);
}
END_TEST

START_TEST(slices_side_by_side_are_passed_as_they_lie)
{
	set_up();
	post(64);
	for (int i = 1; i < 20; i++)
		post_beside(64);
	post_beside(10);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_uint_eq(op.count, 1);
	ck_assert_uint_eq(planned, 21);
	ck_assert_uint_eq(op.messages[0].msg_hdr.msg_iovlen, 1);
	ck_assert_ptr_eq(op.messages[0].msg_hdr.msg_iov->iov_base, memory);
	check_plan();
}
END_TEST

/* Two long pieces with short ones between them, before them and after them. */
START_TEST(short_pieces_are_copied_together_and_long_ones_are_not)
{
	const struct iovec *vectors;

	set_up();
	for (int piece = 0; piece < 2; piece++) {
		post(100);
		post(100);
		post(100);
		for (int i = 0; i < 9; i++)
			post_beside(100);
	}
	post(100);
	post(50);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_uint_eq(planned, 26);
	ck_assert_uint_eq(op.messages[0].msg_hdr.msg_iovlen, 5);
	vectors = op.messages[0].msg_hdr.msg_iov;
	ck_assert_uint_eq(vectors[0].iov_len, 200);
	ck_assert_ptr_eq(vectors[1].iov_base, memory + requests[2].offset);
	ck_assert_uint_eq(vectors[1].iov_len, 1000);
	ck_assert_uint_eq(vectors[2].iov_len, 200);
	ck_assert_ptr_eq(vectors[3].iov_base, memory + requests[14].offset);
	ck_assert_uint_eq(vectors[4].iov_len, 150);
	check_plan();
}
END_TEST

START_TEST(a_shorter_message_ends_the_train_and_an_empty_one_travels_alone)
{
	static const uint32_t lengths[] = {100, 100, 60, 100, 0, 100, 100, 101};
	static const uint32_t runs[] = {3, 1, 1, 2, 1};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		post(lengths[i]);
	plan();
	ck_assert_uint_eq(op.count, ARRAY_SIZE(runs));
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		ck_assert_uint_eq(area->requests[i], runs[i]);
	check_plan();
}
END_TEST

START_TEST(large_messages_are_vectors_and_stay_below_the_byte_limit)
{
	set_up();
	for (int i = 0; i < 100; i++)
		post(1400);
	plan();
	ck_assert_uint_eq(area->requests[0], REGIOI_TRAIN_BYTES_MAX / 1400);
	ck_assert_uint_eq(op.messages[0].msg_hdr.msg_iovlen, REGIOI_TRAIN_BYTES_MAX / 1400);
	check_plan();
}
END_TEST

START_TEST(a_message_longer_than_a_train_may_be_travels_alone)
{
	set_up();
	state.train_bytes_max = 1000;
	post(1200);
	post(1200);
	post(64);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_uint_eq(planned, 3);
	ck_assert_uint_eq(op.count, 3);
	check_plan();
}
END_TEST

START_TEST(the_limits_of_the_queue_hold)
{
	set_up();
	state.train_messages_max = 10;
	state.train_bytes_max = 500;
	for (int i = 0; i < 40; i++)
		post(i < 20 ? 20 : 100);
	plan();
	ck_assert_uint_eq(area->requests[0], 10);
	ck_assert_uint_eq(area->requests[1], 10);
	ck_assert_uint_eq(area->requests[2], 5);
	check_plan();
}
END_TEST

START_TEST(destinations_are_not_mixed)
{
	set_up();
	for (int i = 0; i < 12; i++)
		address_to(post(64), i < 4 ? 0 : 1, i < 8 ? 1000 : 1001);
	for (int i = 0; i < 4; i++)
		post(64);
	plan();
	ck_assert_uint_eq(op.count, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(area->requests[i], 4);
	check_plan();
}
END_TEST

START_TEST(a_refused_train_goes_singly_and_then_trains_are_shorter)
{
	set_up();
	for (int i = 0; i < 30; i++)
		post(i < 20 ? 1000 : 900);
	plan();
	ck_assert_uint_eq(area->requests[0], 20 + 1);
	ck_assert_uint_eq(settle(-EMSGSIZE), 0);
	ck_assert_uint_eq(state.trains_refused, 1);
	plan();
	ck_assert_uint_eq(planned, 21);
	ck_assert_uint_eq(op.count, 21);
	check_plan();
	ck_assert_uint_eq(settle(21), 21);
	plan();
	/* 900 bytes are below what was refused, and joined again. */
	ck_assert_uint_eq(op.count, 1);
	ck_assert_uint_eq(planned, 9);
	check_plan();
}
END_TEST

START_TEST(a_path_without_offload_is_remembered_for_ten_seconds)
{
	enum regioi_send_verdict verdict;

	set_up();
	for (int i = 0; i < 8; i++)
		post(64);
	plan();
	settle(-EIO);
	plan();
	ck_assert_uint_eq(op.count, 8);
	ck_assert_uint_eq(settle(8), 8);
	for (int i = 0; i < 8; i++)
		post(64);
	plan();
	ck_assert_uint_eq(op.count, 8);
	regioi_send_plan(&state, &window, area, &op, 2 + REGIOI_PATH_MEMORY_NS, &planned);
	ck_assert_uint_eq(op.count, 1);
	op.result = 1;
	ck_assert_uint_eq(regioi_send_settle(&state, &window, area, &op, 3, &verdict), 8);
}
END_TEST

START_TEST(an_error_of_an_earlier_message_is_not_taken_for_this_one)
{
	set_up();
	post(64);
	for (int i = 0; i < 4; i++) {
		plan();
		ck_assert_uint_eq(settle(-ECONNREFUSED), 0);
	}
	plan();
	ck_assert_uint_eq(settle(64), 1);
	ck_assert_int_eq(requests[0].status, 0);
	/* One that stays is the message's own. */
	post(64);
	for (int i = 0; i < 5; i++) {
		plan();
		ck_assert_uint_eq(settle(-ENETUNREACH), i < 4 ? 0 : 1);
	}
	ck_assert_int_eq(requests[1].status, -ENETUNREACH);
}
END_TEST

START_TEST(other_errors_are_the_result_of_every_message_of_the_train)
{
	set_up();
	for (int i = 0; i < 8; i++)
		post(64);
	post(65);
	plan();
	ck_assert_uint_eq(settle(-ENOBUFS), 8);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(requests[i].status, -ENOBUFS);
		ck_assert_uint_eq(requests[i].bytes, 0);
	}
	ck_assert_int_eq(requests[8].status, 0);
	plan();
	ck_assert_uint_eq(planned, 1);
}
END_TEST

START_TEST(a_request_without_its_region_fails_at_its_turn)
{
	set_up();
	for (int i = 0; i < 6; i++)
		post(64);
	requests[0].region = 0x700000001;
	requests[1].region = 0x700000001;
	requests[4].region = 0x700000001;
	ck_assert_uint_eq(plan(), 2);
	ck_assert_int_eq(requests[0].status, -EFAULT);
	ck_assert_int_eq(requests[1].status, -EFAULT);
	ck_assert_uint_eq(planned, 2);
	ck_assert_int_eq(requests[4].status, 0);
	window.first += 2;
	window.count -= 2;
	check_plan();
	settle(1);
	ck_assert_uint_eq(plan(), 1);
	ck_assert_int_eq(requests[4].status, -EFAULT);
	ck_assert_uint_eq(planned, 1);
}
END_TEST

/* Ten thousand random queues, sent to a kernel of moods: what arrives is what was posted. */
START_TEST(random_queues_leave_in_order_and_once)
{
	static const int32_t moods[] = {-EAGAIN, -EMSGSIZE, -EIO, -ECONNREFUSED, -EINVAL};
	uint32_t posted = 0, gone = 0;

	set_up();
	srandom(1);
	for (uint64_t round = 0; round < scaled(10000); round++) {
		uint32_t length = (uint32_t)random() % 1500;

		while (window.count < REQUESTS && random() % 64) {
			if (random() % 8 == 0)
				length = (uint32_t)random() % 1500;
			if (random() % 2 && last_has_room(length))
				post_beside(length);
			else
				post(random() % 50 ? length : 0);
			if (random() % 3 == 0)
				address_to(regioi_window_request(&window, window.count - 1), 0,
					   (uint16_t)(1000 + random() % 2));
			else
				regioi_window_request(&window, window.count - 1)->flags = 0;
			posted++;
		}
		if (window.count == 0)
			continue;
		plan();
		ck_assert_uint_gt(planned, 0);
		check_plan();
		if (random() % 4 == 0)
			gone += settle(moods[random() % ARRAY_SIZE(moods)]);
		else if (op.kind == REGIOI_OP_SEND)
			gone += settle((int32_t)op.length);
		else
			gone += settle(1 + (int32_t)((uint32_t)random() % op.count));
	}
	ck_assert_uint_gt(gone, 0);
	ck_assert_uint_eq(gone + window.count, posted);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(equal_messages_become_one_train),
		CASE(slices_side_by_side_are_passed_as_they_lie),
		CASE(short_pieces_are_copied_together_and_long_ones_are_not),
		CASE(a_shorter_message_ends_the_train_and_an_empty_one_travels_alone),
		CASE(large_messages_are_vectors_and_stay_below_the_byte_limit),
		CASE(a_message_longer_than_a_train_may_be_travels_alone),
		CASE(the_limits_of_the_queue_hold),
		CASE(destinations_are_not_mixed),
		CASE(a_refused_train_goes_singly_and_then_trains_are_shorter),
		CASE(a_path_without_offload_is_remembered_for_ten_seconds),
		CASE(an_error_of_an_earlier_message_is_not_taken_for_this_one),
		CASE(other_errors_are_the_result_of_every_message_of_the_train),
		CASE(a_request_without_its_region_fails_at_its_turn),
		CASE(random_queues_leave_in_order_and_once),
	};

	/* The library would be in one. */
	regioi_section_enter();
	return run_cases(cases, ARRAY_SIZE(cases));
}
