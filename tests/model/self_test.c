/* SPDX-License-Identifier: MIT */
/*
 * self_test.c - that the model rejects
 *
 * A program is executed, its history accepted; then one thing in the history is changed, as a
 * library with that bug would have made it, and the history must be rejected for that reason.
 */
#include "run.h"
#include "shrink.h"

#include "../support/suite.h"

#include <string.h>

static struct history history;
static struct check check;

/* Three receives that come to nothing else, a signal, sends, and one request above the limit. */
static const struct program sample = {
	.rq_socket = {0, 4, 2},
	.plain_lane = {true, false},
	.calls_count = 15,
	.calls =
		{
			{.kind = CALL_REGISTER, .object = 0, .repeat = 1},
			{.kind = CALL_REGISTER, .object = 1, .repeat = 1},
			{.kind = CALL_CQ_CREATE, .object = 0, .repeat = 1, .a = 32, .b = DRIVERS},
			{.kind = CALL_RQ_CREATE,
			 .object = 0,
			 .repeat = 1,
			 .a = 4,
			 .b = 4,
			 .flags = REGIO_TRAINS_OFF},
			{.kind = CALL_RQ_CREATE, .object = 1, .repeat = 1, .a = 4, .b = 4},
			{.kind = CALL_RECEIVE, .repeat = 5, .to = NOTHING, .a = 100},
			{.kind = CALL_NOTIFY, .repeat = 1},
			{.kind = CALL_PLAIN_SEND, .object = 1, .repeat = 3, .to = NOTHING, .a = 64},
			{.kind = CALL_AWAIT, .repeat = 1},
			{.kind = CALL_DEQUEUE, .repeat = 1, .a = 64},
			{.kind = CALL_SEND, .repeat = 3, .region = 1, .to = NOTHING, .a = 64},
			{.kind = CALL_SEND,
			 .object = 1,
			 .repeat = 2,
			 .region = 1,
			 .to = NOTHING,
			 .a = 64},
			{.kind = CALL_DEQUEUE, .repeat = 1, .a = 64},
			{.kind = CALL_DEREGISTER, .object = 1, .repeat = 1},
			{.kind = CALL_SEND, .repeat = 1, .region = 1, .to = NOTHING, .a = 64},
		},
};

static void record_sample(void)
{
	struct stage *stage = stage_open("epoll");

	EXPECT(stage_run(stage, &sample, &history, &check), "%s", check.model.reason);
	stage_close(stage);
}

static void expect_rejected(const char *why)
{
	EXPECT(!check_history(&check, &sample, &history), "it was accepted");
	EXPECT(strstr(check.model.reason, why), "the reason is: %s", check.model.reason);
}

/* The first event of a kind that has the result. */
static struct event *find(enum call_kind kind, int32_t result)
{
	for (uint32_t i = 0; i < history.events_count; i++) {
		if (history.events[i].call.kind == kind && history.events[i].result == result)
			return &history.events[i];
	}
	ck_abort_msg("the sample has no such event");
}

/* The first dequeue, or the last, that found something. */
static struct event *find_dequeue(bool last)
{
	struct event *found = NULL;

	for (uint32_t i = 0; i < history.events_count && (last || !found); i++) {
		if (history.events[i].call.kind == CALL_DEQUEUE && history.events[i].result > 0)
			found = &history.events[i];
	}
	EXPECT(found, "nothing was dequeued");
	return found;
}

/* Where the completion of a request is. */
static struct completion *completion_of(uint64_t context)
{
	for (uint32_t i = 0; i < history.completions_count; i++) {
		if (history.completions[i].result.request_context == context)
			return &history.completions[i];
	}
	ck_abort_msg("the sample has no such completion");
}

/* Of the receives, and of the sends on the same RQ. */
#define RECEIVE(number) (0x10000u + (number))
#define SEND(number) (3u + (number))

START_TEST(swapped_completions_are_rejected)
{
	struct completion *one, *other, swap;

	record_sample();
	one = completion_of(RECEIVE(1));
	other = completion_of(RECEIVE(2));
	swap = *one;
	*one = *other;
	*other = swap;
	expect_rejected("the oldest request is");
}
END_TEST

START_TEST(messages_that_change_places_are_rejected)
{
	struct completion *one, *other;
	uint32_t swap;

	record_sample();
	one = completion_of(RECEIVE(1));
	other = completion_of(RECEIVE(2));
	swap = one->data;
	one->data = other->data;
	other->data = swap;
	expect_rejected("one that its sender sent later has been received before");
}
END_TEST

START_TEST(a_message_received_twice_is_rejected)
{
	record_sample();
	completion_of(RECEIVE(2))->data = completion_of(RECEIVE(1))->data;
	expect_rejected("it has been received before");
}
END_TEST

START_TEST(a_byte_that_has_changed_is_rejected)
{
	record_sample();
	history.data[completion_of(RECEIVE(3))->data + 63] ^= 1;
	expect_rejected("it is none that was sent");
}
END_TEST

START_TEST(a_message_that_is_too_short_is_rejected)
{
	record_sample();
	completion_of(RECEIVE(1))->result.bytes--;
	completion_of(RECEIVE(1))->bytes_seen--;
	expect_rejected("it is none that was sent");
}
END_TEST

START_TEST(bytes_beside_the_slice_are_rejected)
{
	record_sample();
	completion_of(RECEIVE(1))->damaged = true;
	expect_rejected("beside the slice");
}
END_TEST

START_TEST(a_wrong_status_is_rejected)
{
	record_sample();
	completion_of(SEND(1))->result.status = -EFAULT;
	completion_of(SEND(1))->result.bytes = 0;
	expect_rejected("status EFAULT");
}
END_TEST

START_TEST(a_cancellation_that_nobody_asked_for_is_rejected)
{
	record_sample();
	completion_of(SEND(1))->result.status = -ECANCELED;
	completion_of(SEND(1))->result.bytes = 0;
	expect_rejected("it was not cancelled");
}
END_TEST

START_TEST(a_send_said_to_have_failed_that_arrived_is_rejected)
{
	record_sample();
	find(CALL_PLAIN_SEND, 64)->result = -ENOBUFS;
	expect_rejected("it is none that was sent");
}
END_TEST

START_TEST(a_request_above_the_limit_is_rejected)
{
	record_sample();
	find(CALL_RECEIVE, -ENOBUFS)->result = 0;
	expect_rejected("not ENOBUFS");
}
END_TEST

START_TEST(a_limit_that_ends_too_early_is_rejected)
{
	record_sample();
	find(CALL_SEND, 0)->result = -ENOBUFS;
	expect_rejected("ENOBUFS, with no reason to");
}
END_TEST

START_TEST(a_region_that_has_ended_and_is_used_is_rejected)
{
	record_sample();
	find(CALL_SEND, -EFAULT)->result = 0;
	expect_rejected("not EFAULT");
}
END_TEST

START_TEST(a_lost_wake_up_is_rejected)
{
	record_sample();
	find(CALL_AWAIT, 0)->result = -ETIMEDOUT;
	expect_rejected("the signal has not come");
}
END_TEST

START_TEST(an_empty_wake_up_is_rejected)
{
	record_sample();
	find_dequeue(false)->result = 0;
	expect_rejected("nothing that may notify was there");
}
END_TEST

START_TEST(a_signal_that_nobody_asked_for_is_rejected)
{
	struct event *event;

	record_sample();
	event = &history.events[history.events_count++];
	*event = *find(CALL_SIGNAL, 0);
	event->begin = event->end = event[-1].end + 1;
	expect_rejected("a signal that nobody has asked for");
}
END_TEST

START_TEST(a_completion_that_does_not_come_is_rejected)
{
	record_sample();
	find_dequeue(true)->result--;
	EXPECT(!check_history(&check, &sample, &history), "it was accepted");
}
END_TEST

START_TEST(a_byte_of_a_stream_that_has_changed_is_rejected)
{
	record_sample();
	history.data[find(CALL_PLAIN_RECEIVE, 128)->first + 70] ^= 1;
	expect_rejected("bytes of socket 4's stream");
}
END_TEST

START_TEST(a_byte_of_a_stream_that_is_missing_is_rejected)
{
	record_sample();
	find(CALL_PLAIN_RECEIVE, 128)->result = 127;
	expect_rejected("has not come");
}
END_TEST

/* ---- The shrinker ---- */

static bool has_kind(const struct program *program, enum call_kind kind)
{
	for (uint32_t i = 0; i < program->calls_count; i++) {
		if (program->calls[i].kind == kind)
			return true;
	}
	return false;
}

static bool has_two_kinds(void *context, const struct program *program)
{
	return has_kind(program, CALL_RQ_CANCEL) && has_kind(program, CALL_NOTIFY);
}

START_TEST(a_program_is_shrunk_to_the_calls_that_matter)
{
	struct program program;
	uint32_t shrunk = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		program_generate(&program, seed, false);
		if (!has_two_kinds(NULL, &program))
			continue;
		shrink(&program, has_two_kinds, NULL);
		EXPECT(program.calls_count == 2, "%u calls are left", program.calls_count);
		shrunk++;
	}
	EXPECT(shrunk > 0, "no program had both calls");
}
END_TEST

/* A library that reports one byte too many of the first datagram received. */
static bool fails_with_a_bug(void *context, const struct program *program)
{
	EXPECT(stage_run(context, program, &history, &check), "%s", check.model.reason);
	for (uint32_t i = 0; i < history.completions_count; i++) {
		struct regio_result *result = &history.completions[i].result;

		if (result->request_context < 0x10000 || result->status || !result->bytes)
			continue;
		result->bytes++;
		return !check_history(&check, program, &history);
	}
	return false;
}

START_TEST(a_bug_is_shrunk_to_a_program_of_a_few_calls)
{
	struct stage *stage = stage_open("epoll");
	struct program program;
	uint64_t seed = 0;

	do
		program_generate(&program, ++seed, false);
	while (program.calls_count < 30 || !fails_with_a_bug(stage, &program));
	shrink(&program, fails_with_a_bug, stage);
	/* Memory, a CQ, an RQ, a receive and a send. */
	EXPECT(program.calls_count <= 6, "%u calls are left", program.calls_count);
	stage_close(stage);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(swapped_completions_are_rejected),
		CASE(messages_that_change_places_are_rejected),
		CASE(a_message_received_twice_is_rejected),
		CASE(a_byte_that_has_changed_is_rejected),
		CASE(a_message_that_is_too_short_is_rejected),
		CASE(bytes_beside_the_slice_are_rejected),
		CASE(a_wrong_status_is_rejected),
		CASE(a_cancellation_that_nobody_asked_for_is_rejected),
		CASE(a_send_said_to_have_failed_that_arrived_is_rejected),
		CASE(a_request_above_the_limit_is_rejected),
		CASE(a_limit_that_ends_too_early_is_rejected),
		CASE(a_region_that_has_ended_and_is_used_is_rejected),
		CASE(a_lost_wake_up_is_rejected),
		CASE(an_empty_wake_up_is_rejected),
		CASE(a_signal_that_nobody_asked_for_is_rejected),
		CASE(a_completion_that_does_not_come_is_rejected),
		CASE(a_byte_of_a_stream_that_has_changed_is_rejected),
		CASE(a_byte_of_a_stream_that_is_missing_is_rejected),
		CASE(a_program_is_shrunk_to_the_calls_that_matter),
		CASE(a_bug_is_shrunk_to_a_program_of_a_few_calls),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
