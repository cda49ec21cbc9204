/* SPDX-License-Identifier: MIT */
/*
 * guard.c - in the address build the slice of a posted receive is nobody's until it completes
 *
 * A program that touches one is reported, and there is no way for a receive to end, or not to,
 * behind which its memory is left shut. Other builds have no such guard and leave this out.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <sanitizer/asan_interface.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 4, SLOT_SIZE = 64 };

/* The memory of a region that ends with requests queued is still there. */
static _Alignas(SLOT_SIZE) uint8_t memory[SLOTS * SLOT_SIZE];

static bool is_shut(const uint8_t *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!__asan_address_is_poisoned(from + i))
			return false;
	return true;
}

/* A driver's thread may be looking whether there is data, which opens a slice for a moment. */
static void expect_shut(const uint8_t *from, size_t length)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (!is_shut(from, length)) {
		EXPECT(driven_by_a_thread() && now_ns() < deadline_ns,
		       "a queued slice can be touched");
		sched_yield();
	}
}

static void expect_open(void *from, size_t length)
{
	const uint8_t *shut = __asan_region_is_poisoned(from, length);

	EXPECT(!shut, "byte %td of %zu is shut", shut - (uint8_t *)from, length);
}

/* A side whose region is 'memory'. */
static void open_on_memory(struct side *side, struct side_plan plan)
{
	plan.receives = SLOTS;
	plan.sends = SLOTS;
	plan.slot_size = SLOT_SIZE;
	side_open(side, &plan);
	EXPECT_RETURN(0, regio_region_deregister(side->region));
	side->memory = memory;
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &side->region));
}

static void post_all(struct side *side)
{
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(side, i);
	expect_shut(memory, sizeof(memory));
}

/* Takes the completions of all, and their memory. */
static void expect_ended(struct side *side, int32_t status)
{
	struct regio_result results[SLOTS];

	collect(side->receive_cq, results, SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++) {
		EXPECT(results[i].status == status, "%s", regio_error_name(results[i].status));
		expect_open(slot_memory(side, i), SLOT_SIZE);
	}
	memset(memory, 0, sizeof(memory));
}

static void close_side(struct side *side)
{
	side_close_rest(side);
	expect_open(memory, sizeof(memory));
}

/* ---- Datagrams ----------------------------------------------------------------- */

static void end_by_data(struct side *side)
{
	/* One after the other, and then the rest at once. */
	for (uint64_t i = 0; i < 2; i++) {
		send_plain(side->peer, "datagram", 8);
		collect_one(side->receive_cq);
		expect_open(slot_memory(side, i), SLOT_SIZE);
		expect_shut(slot_memory(side, i + 1), SLOT_SIZE);
		post_receive(side, i);
	}
	for (uint64_t i = 0; i < SLOTS; i++)
		send_plain(side->peer, "datagram", 8);
	expect_ended(side, 0);
}

static void end_truncated(struct side *side)
{
	static const uint8_t data[SLOT_SIZE + 1];

	for (uint64_t i = 0; i < SLOTS; i++)
		send_plain(side->peer, data, sizeof(data));
	expect_ended(side, -EMSGSIZE);
}

static void end_empty(struct side *side)
{
	for (uint64_t i = 0; i < SLOTS; i++)
		send_plain(side->peer, "", 0);
	expect_ended(side, 0);
}

static void end_by_errors(struct side *side)
{
	peer_close(side);
	for (uint64_t i = 0; i < SLOTS; i++) {
		struct regio_result result;

		post_send(side, i, 0, 0);
		result = collect_one(side->receive_cq);
		expect_result(&result, -ECONNREFUSED, 0, i);
		expect_open(slot_memory(side, i), SLOT_SIZE);
		if (i + 1 < SLOTS)
			expect_shut(slot_memory(side, i + 1), SLOT_SIZE);
		collect_one(side->send_cq);
	}
}

static void end_by_cancelling(struct side *side)
{
	EXPECT_RETURN(SLOTS, regio_rq_cancel(side->rq, REGIO_HALF_RECEIVE));
	expect_ended(side, -ECANCELED);
}

static void end_with_the_request_queue(struct side *side)
{
	EXPECT_RETURN(0, regio_rq_close(side->rq, 0));
	side->rq = NULL;
	expect_ended(side, -ECANCELED);
}

static void end_with_the_completion_queue(struct side *side)
{
	EXPECT_RETURN(0, regio_cq_close(side->receive_cq));
	expect_shut(memory, sizeof(memory));
	EXPECT_RETURN(0, regio_rq_close(side->rq, 0));
	side->rq = NULL;
	expect_open(memory, sizeof(memory));
	side->receive_cq = cq_of(SLOTS, NULL);
}

static void end_with_the_region(struct side *side)
{
	EXPECT_RETURN(0, regio_region_deregister(side->region));
	expect_open(memory, sizeof(memory));
	send_plain(side->peer, "datagram", 8);
	expect_ended(side, -EFAULT);
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &side->region));
}

/* A queue that has executed nothing yet looks at the socket first, unless a thread has done so. */
static void end_with_the_socket(struct side *side)
{
	struct regio_result results[SLOTS];

	close(side->fd);
	if (driven_by_a_thread())
		regio_rq_cancel(side->rq, REGIO_HALF_RECEIVE);
	collect(side->receive_cq, results, SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++)
		EXPECT(results[i].status == -EBADF ||
			       (driven_by_a_thread() && results[i].status == -ECANCELED),
		       "%s", regio_error_name(results[i].status));
	side->fd = -1;
}

static const struct way {
	const char *name;
	void (*end)(struct side *side);
} ways[] = {
	{"data", end_by_data},
	{"truncated", end_truncated},
	{"empty", end_empty},
	{"errors", end_by_errors},
	{"cancelled", end_by_cancelling},
	{"request queue closed", end_with_the_request_queue},
	{"completion queue closed", end_with_the_completion_queue},
	{"region ended", end_with_the_region},
	{"socket closed", end_with_the_socket},
};

static const char *way_names[ARRAY_SIZE(ways)];

/* Holds: regio_receive Ownership, regio_cq_dequeue Ownership, regio_rq_cancel Ownership. */
START_TEST(a_slice_is_shut_while_its_receive_is_queued_and_open_however_it_ends)
{
	const struct regio_rq_opts opts = {.size = sizeof(opts), .flags = REGIO_RQ_REPORT_ICMP};
	struct side side;

	open_on_memory(&side, (struct side_plan){
				      .family = AF_INET, .peer = PEER_BOTH_WAYS, .rq_opts = &opts});
	post_all(&side);
	ways[_i].end(&side);
	expect_open(memory, sizeof(memory));
	if (side.rq)
		EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	close_side(&side);
}
END_TEST

START_TEST(a_slice_tried_in_vain_is_shut_again)
{
	struct side side;

	open_on_memory(&side, (struct side_plan){.family = AF_INET, .peer = PEER_ONE_WAY});
	post_all(&side);
	for (int round = 0; round < 100; round++) {
		/* From the third round on, several are asked for at once. */
		send_plain(side.peer, "datagram", 8);
		collect_one(side.receive_cq);
		expect_empty(side.receive_cq);
		expect_open(slot_memory(&side, round % SLOTS), SLOT_SIZE);
		post_receive(&side, round % SLOTS);
		expect_empty(side.receive_cq);
		expect_shut(memory, sizeof(memory));
	}
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	close_side(&side);
}
END_TEST

START_TEST(slices_that_a_train_is_split_into_are_open)
{
	enum { RECEIVES = 128, SIZE = 16 };
	static const uint8_t data[RECEIVES / 2 * SIZE];
	struct regio_result results[RECEIVES];
	struct side side;

	if (train_limit() == 1)
		SKIP("this kernel has no trains");
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ONE_WAY, .receives = RECEIVES, .sends = 1,
		  .slot_size = SIZE);
	EXPECT(turn_trains_on(&side, side.peer), "trains stay off");
	for (uint64_t i = 0; i < RECEIVES; i++)
		post_receive(&side, i);
	send_train(side.peer, data, sizeof(data), SIZE);
	collect(side.receive_cq, results, RECEIVES / 2);
	expect_open(side.memory, sizeof(data));
	expect_shut(side.memory + sizeof(data), sizeof(data));
	/* The second train waits for receives. */
	send_train(side.peer, data, sizeof(data), SIZE);
	send_train(side.peer, data, sizeof(data), SIZE);
	collect(side.receive_cq, results, RECEIVES / 2);
	expect_open(side.memory, 2 * sizeof(data));
	post_receive(&side, 0);
	collect(side.receive_cq, results, 1);
	expect_open(side.memory, SIZE);
	side_close(&side);
}
END_TEST

START_TEST(a_receive_refused_for_another_slice_of_its_own_has_its_data_open)
{
	static _Alignas(8) uint8_t other[64];
	struct side side;
	uint64_t region;

	open_on_memory(&side, (struct side_plan){.family = AF_INET, .peer = PEER_ONE_WAY});
	struct regio_buf slice = slot_slice(&side, 0, SLOT_SIZE);

	EXPECT_RETURN(0, regio_region_register(other, sizeof(other), NULL, &region));
	struct regio_extra extra = {.remote_address = {region, 0, sizeof(other)}};

	EXPECT_RETURN(0, regio_receive_ex(side.rq, &slice, &extra, 0, 0));
	expect_shut(memory, SLOT_SIZE);
	EXPECT_RETURN(0, regio_region_deregister(region));
	expect_shut(memory, SLOT_SIZE);
	send_plain(side.peer, "datagram", 8);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, -EFAULT, 0, 0);
	expect_open(memory, SLOT_SIZE);
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	close_side(&side);
}
END_TEST

/* What shares eight bytes with a slice may be another thread's. */
START_TEST(bytes_beside_a_slice_stay_open)
{
	const struct {
		uint32_t offset, length, shut, shut_length;
	} slices[] = {{0, 7, 0, 0}, {3, 12, 0, 0}, {3, 13, 8, 8}, {9, 31, 16, 24}, {8, 17, 8, 16}};
	struct side side;

	open_on_memory(&side, (struct side_plan){.family = AF_INET});
	for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
		struct regio_buf slice = {side.region, slices[i].offset, slices[i].length};
		uint32_t end = slices[i].shut + slices[i].shut_length;

		EXPECT_RETURN(0, regio_receive(side.rq, &slice, 0, i));
		expect_shut(memory + slices[i].shut, slices[i].shut_length);
		expect_open(memory, slices[i].shut);
		expect_open(memory + end, sizeof(memory) - end);
		EXPECT_RETURN(1, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
		collect_one(side.receive_cq);
		expect_open(memory, sizeof(memory));
	}
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	close_side(&side);
}
END_TEST

/* ---- Streams ------------------------------------------------------------------- */

static void end_by_bytes(struct side *side)
{
	for (uint64_t i = 0; i < 2; i++) {
		write_stream(side->peer, 3, 0);
		collect_one(side->receive_cq);
		expect_open(slot_memory(side, i), SLOT_SIZE);
		expect_shut(slot_memory(side, i + 1), SLOT_SIZE);
		post_receive(side, i);
	}
	/* In one call, where the last ones filled their slices. */
	for (int round = 0; round < 10; round++) {
		write_stream(side->peer, sizeof(memory), 0);
		expect_ended(side, 0);
		post_all(side);
	}
	write_stream(side->peer, sizeof(memory), 0);
	expect_ended(side, 0);
}

static void end_waiting_for_all(struct side *side)
{
	const struct regio_buf all = {side->region, 0, sizeof(memory)};

	EXPECT_RETURN(SLOTS, regio_rq_cancel(side->rq, REGIO_HALF_RECEIVE));
	expect_ended(side, -ECANCELED);
	EXPECT_RETURN(0, regio_receive(side->rq, &all, REGIO_MSG_WAITALL, 0));
	write_stream(side->peer, 100, 0);
	expect_empty(side->receive_cq);
	expect_shut(memory, sizeof(memory));
	write_stream(side->peer, sizeof(memory) - 100, 100);
	struct regio_result result = collect_one(side->receive_cq);

	expect_result(&result, 0, sizeof(memory), 0);
	expect_open(memory, sizeof(memory));
}

static void end_of_stream(struct side *side)
{
	shutdown(side->peer, SHUT_WR);
	expect_ended(side, 0);
	/* And of every one posted behind it. */
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(side, i);
	expect_ended(side, 0);
}

static void end_by_reset(struct side *side)
{
	peer_reset(side);
	expect_ended(side, -ECONNRESET);
}

static const struct way stream_ways[] = {
	{"bytes", end_by_bytes},	  {"all bytes", end_waiting_for_all},
	{"end of stream", end_of_stream}, {"reset", end_by_reset},
	{"cancelled", end_by_cancelling}, {"request queue closed", end_with_the_request_queue},
};

static const char *stream_way_names[ARRAY_SIZE(stream_ways)];

/* Holds: regio_receive Ownership, regio_cq_dequeue Ownership. */
START_TEST(a_slice_on_a_stream_is_shut_while_queued_and_open_however_it_ends)
{
	struct side side;

	open_on_memory(&side, (struct side_plan){.family = AF_INET, .peer = PEER_STREAM});
	post_all(&side);
	stream_ways[_i].end(&side);
	expect_open(memory, sizeof(memory));
	if (side.rq)
		EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	close_side(&side);
}
END_TEST

/* ---- Reports ------------------------------------------------------------------- */

static void touch_nothing(volatile uint8_t *slice)
{
}

static void read_slice(volatile uint8_t *slice)
{
	(void)slice[SLOT_SIZE / 2];
}

static void write_slice(volatile uint8_t *slice)
{
	slice[SLOT_SIZE / 2] = 1;
}

/* What a process says that posts a receive and touches its slice; it exits with *ret_status. */
static size_t hear_child(void (*touch)(volatile uint8_t *slice), char *ret_said, size_t size,
			 int *ret_status)
{
	int ends[2];
	size_t length = 0;
	ssize_t got;
	pid_t child;

	EXPECT(pipe(ends) == 0, "%m");
	child = fork();
	EXPECT(child >= 0, "%m");
	if (child == 0) {
		struct side side;

		dup2(ends[1], STDERR_FILENO);
		open_on_memory(&side, (struct side_plan){.family = AF_INET});
		post_all(&side);
		touch(memory);
		_exit(0);
	}
	close(ends[1]);
	while (length + 1 < size && (got = read(ends[0], ret_said + length, size - 1 - length)) > 0)
		length += (size_t)got;
	ret_said[length] = '\0';
	EXPECT(waitpid(child, ret_status, 0) == child, "%m");
	close(ends[0]);
	return length;
}

START_TEST(whoever_touches_a_posted_slice_is_reported)
{
	static const struct {
		void (*touch)(volatile uint8_t *slice);
		const char *access;
	} touches[] = {{read_slice, "READ of size 1"}, {write_slice, "WRITE of size 1"}};
	static char said[16384];
	int status;

	if (driven_by_a_thread())
		SKIP("a driver's thread opens the slice each time it looks for data");
	EXPECT(hear_child(touch_nothing, said, sizeof(said), &status) == 0 && status == 0,
	       "status %#x, and: %s", status, said);
	for (size_t i = 0; i < ARRAY_SIZE(touches); i++) {
		hear_child(touches[i].touch, said, sizeof(said), &status);
		EXPECT(status != 0 && strstr(said, "use-after-poison") &&
			       strstr(said, touches[i].access),
		       "status %#x, and: %s", status, said);
	}
}
END_TEST

START_TEST(in_a_forked_child_every_slice_is_open)
{
	struct side side;
	int status;
	pid_t child;

	if (driven_by_a_thread())
		SKIP("a sanitizer's locks may be taken when a process with threads forks");
	open_on_memory(&side, (struct side_plan){.family = AF_INET});
	post_all(&side);
	child = fork();
	EXPECT(child >= 0, "%m");
	if (child == 0)
		_exit(__asan_region_is_poisoned(memory, sizeof(memory)) ? 1 : 0);
	EXPECT(waitpid(child, &status, 0) == child, "%m");
	EXPECT(status == 0, "the child's copy is shut: %#x", status);
	expect_shut(memory, sizeof(memory));
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	close_side(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{a_slice_is_shut_while_its_receive_is_queued_and_open_however_it_ends, way_names,
		 ARRAY_SIZE(ways), CASE_TIMEOUT_S},
		CASE(a_slice_tried_in_vain_is_shut_again),
		CASE(slices_that_a_train_is_split_into_are_open),
		CASE(a_receive_refused_for_another_slice_of_its_own_has_its_data_open),
		CASE(bytes_beside_a_slice_stay_open),
		{a_slice_on_a_stream_is_shut_while_queued_and_open_however_it_ends,
		 stream_way_names, ARRAY_SIZE(stream_ways), CASE_TIMEOUT_S},
		CASE(whoever_touches_a_posted_slice_is_reported),
		CASE(in_a_forked_child_every_slice_is_open),
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		way_names[i] = ways[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(stream_ways); i++)
		stream_way_names[i] = stream_ways[i].name;
	return run_cases(cases, ARRAY_SIZE(cases));
}
