/* SPDX-License-Identifier: MIT */
/*
 * traffic.c - a great many messages between two request queues, each byte checked
 *
 * Sender and receiver run on threads of their own. The sender never has more in flight than
 * the receiver's socket buffer and the way there hold, so every message must come, once, in
 * order, unharmed.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <sched.h>

#define SLOTS 512u
#define COMMIT 128u
#define MESSAGE_SIZE_MAX 1400u

struct flow {
	struct side sender, receiver;
	uint32_t size; /* 0: random, the same for sender and receiver */
	uint32_t window;
	uint64_t total;
	uint64_t received; /* by the receiver, read by the sender */
};

static uint32_t message_size(const struct flow *flow, uint64_t sequence)
{
	uint64_t state = sequence;

	return flow->size ? flow->size : 16 + random_below(&state, MESSAGE_SIZE_MAX - 15);
}

static uint64_t received_so_far(const struct flow *flow)
{
	return __atomic_load_n(&flow->received, __ATOMIC_ACQUIRE);
}

/* As many messages as the window and the quota allow, committed together. */
static uint64_t send_batch(struct flow *flow, uint64_t sent, uint64_t done)
{
	uint64_t end = received_so_far(flow) + flow->window;

	end = end < done + SLOTS ? end : done + SLOTS;
	end = end < sent + COMMIT ? end : sent + COMMIT;
	end = end < flow->total ? end : flow->total;
	for (; sent < end; sent++)
		post_message(&flow->sender, sent % SLOTS, message_size(flow, sent), sent,
			     sent + 1 < end ? REGIO_MSG_DEFER : 0);
	return sent;
}

static void *send_all(void *argument)
{
	struct flow *flow = argument;
	struct regio_result results[SLOTS];
	uint64_t sent = 0, done = 0;

	while (done < flow->total) {
		uint64_t before = sent;

		sent = send_batch(flow, sent, done);
		int got = regio_cq_dequeue(flow->sender.send_cq, results, SLOTS);

		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++, done++)
			expect_result(&results[i], 0, message_size(flow, done), done % SLOTS);
		if (got == 0 && sent == before)
			sched_yield();
	}
	return NULL;
}

static void receive_all(struct flow *flow)
{
	struct regio_result results[COMMIT];
	uint64_t posted = 0, received = 0;

	while (received < flow->total) {
		int64_t deadline_ns = now_ns() + PATIENCE_NS;
		int got = 0;

		for (; posted < received + SLOTS; posted++)
			post_receive(&flow->receiver, posted % SLOTS);
		while (got == 0 && now_ns() < deadline_ns) {
			got = regio_cq_dequeue(flow->receiver.receive_cq, results, COMMIT);
			if (got == 0)
				sched_yield();
		}
		EXPECT(got > 0, "%llu of %llu messages came", (unsigned long long)received,
		       (unsigned long long)flow->total);
		for (int i = 0; i < got; i++, received++) {
			expect_result(&results[i], 0, message_size(flow, received),
				      received % SLOTS);
			expect_message(slot_memory(&flow->receiver, received % SLOTS),
				       results[i].bytes, received);
		}
		__atomic_store_n(&flow->received, received, __ATOMIC_RELEASE);
	}
}

static void run_flow(int family, uint32_t size, uint64_t total, const struct regio_rq_opts *opts)
{
	struct flow flow = {.size = size, .total = scaled(total)};
	pthread_t thread;

	SIDE_OPEN(&flow.receiver, .family = family, .receives = SLOTS,
		  .slot_size = MESSAGE_SIZE_MAX, .rq_opts = opts);
	SIDE_OPEN(&flow.sender, .family = family, .sends = SLOTS, .slot_size = MESSAGE_SIZE_MAX,
		  .rq_opts = opts);
	connect_to(flow.sender.fd, flow.receiver.fd);
	connect_to(flow.receiver.fd, flow.sender.fd);
	/*
	 * A message that crosses alone is charged with up to 2,304 bytes, and the kernel gives the
	 * last quarter of a buffer back late.
	 */
	flow.window = (uint32_t)get_option(flow.receiver.fd, SOL_SOCKET, SO_RCVBUF) / (2 * 2304);
	if (flow.window > ON_THE_WAY_MAX)
		flow.window = ON_THE_WAY_MAX;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_all, &flow), 0);
	receive_all(&flow);
	pthread_join(thread, NULL);
	expect_empty(flow.receiver.receive_cq);
	side_close(&flow.sender);
	side_close(&flow.receiver);
}

static const uint32_t sizes[] = {16, 64, 256, 512, 1000, 1400};
static const char *const size_names[] = {"16 bytes",  "64 bytes",   "256 bytes",
					 "512 bytes", "1000 bytes", "1400 bytes"};

START_TEST(two_million_messages_arrive_once_in_order_and_unharmed)
{
	run_flow(families[_i % 2], sizes[_i], 2000000, NULL);
}
END_TEST

START_TEST(messages_of_random_length_arrive_once_in_order_and_unharmed)
{
	run_flow(families[_i], 0, 250000, NULL);
}
END_TEST

START_TEST(messages_that_cross_alone_arrive_once_in_order_and_unharmed)
{
	const struct regio_rq_opts opts = {.size = sizeof(opts), .trains = REGIO_TRAINS_OFF};

	run_flow(families[_i % 2], sizes[_i], 200000, &opts);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{two_million_messages_arrive_once_in_order_and_unharmed, size_names,
		 ARRAY_SIZE(sizes), 3 * CASE_TIMEOUT_S},
		CASE_PER_FAMILY(messages_of_random_length_arrive_once_in_order_and_unharmed),
		{messages_that_cross_alone_arrive_once_in_order_and_unharmed, size_names,
		 ARRAY_SIZE(sizes), 3 * CASE_TIMEOUT_S},
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
