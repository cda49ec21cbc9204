/* SPDX-License-Identifier: MIT */
/*
 * fault.c - the fault engine does to operations and events what was asked for, and loses none
 *
 * The engine behind it is a script: it records what it gets, and its operations succeed.
 */
#include "../support/net.h"
#include "../support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/testing/fault.h"
#include "engine/testing/fault_options.h"

#define FD 7
#define ID (1ull << 40)
#define TRIES 1000

struct regioi_engine {
	uint32_t executed;
	uint32_t doorbells;
	int64_t timeout_ns;
	uint64_t inner_id; /* what it was given to watch under */
	struct regioi_event found;
	int found_count;
	uint32_t count; /* of the last operation */
	size_t length;
};

static struct regioi_engine script;
static const struct regioi_engine_ops *ops;
static struct regioi_engine *engine;

/* ---- The script ---------------------------------------------------------------- */

static void script_destroy(struct regioi_engine *self)
{
}

static int script_watch(struct regioi_engine *self, int fd, uint64_t id, uint32_t flags)
{
	self->inner_id = id;
	return 0;
}

static void script_unwatch(struct regioi_engine *self, int fd)
{
}

static bool script_idle(struct regioi_engine *self)
{
	return true;
}

static int script_ask(struct regioi_engine *self, struct regioi_event *ret_events,
		      uint32_t events_max)
{
	int count = self->found_count;

	self->found_count = 0;
	self->found.id = self->inner_id;
	ret_events[0] = self->found;
	return count;
}

static int script_sleep(struct regioi_engine *self, struct regioi_event *ret_events,
			uint32_t events_max, int64_t timeout_ns)
{
	self->timeout_ns = timeout_ns;
	return script_ask(self, ret_events, events_max);
}

static void script_doorbell(struct regioi_engine *self)
{
	self->doorbells++;
}

static void script_execute(struct regioi_engine *self, struct regioi_op *operations,
			   uint32_t operations_count)
{
	for (uint32_t i = 0; i < operations_count; i++) {
		struct regioi_op *op = &operations[i];

		self->executed++;
		self->count = op->count;
		self->length = op->length;
		if (op->kind == REGIOI_OP_RECEIVE_MESSAGES || op->kind == REGIOI_OP_SEND_MESSAGES)
			op->result = (int32_t)op->count;
		else
			op->result = (int32_t)op->length;
	}
}

static const struct regioi_engine_ops script_ops = {
	.name = "script",
	.about = "does what it is asked",
	.destroy = script_destroy,
	.watch = script_watch,
	.unwatch = script_unwatch,
	.idle = script_idle,
	.poll = script_ask,
	.sleep = script_sleep,
	.doorbell = script_doorbell,
	.wake = script_doorbell,
	.wake_ack = script_doorbell,
	.execute = script_execute,
};

static void wrap(const char *faults)
{
	struct regioi_refusal refusal = {0};

	script = (struct regioi_engine){0};
	ops = &script_ops;
	engine = &script;
	setenv("REGIO_FAULTS", faults, 1);
	EXPECT_RETURN(0, regioi_fault_wrap(&ops, &engine, &refusal));
	ck_assert_str_eq(ops->name, "fault+script");
	EXPECT_RETURN(0, ops->watch(engine, FD, ID, 0));
}

static void unwrap(void)
{
	ops->destroy(engine);
}

static int32_t execute_one(struct regioi_op op)
{
	ops->execute(engine, &op, 1);
	return op.result;
}

static struct regioi_op receive_op(void *data, size_t length)
{
	return (struct regioi_op){
		.fd = FD, .kind = REGIOI_OP_RECEIVE, .data = data, .length = length};
}

/* Asks until an event comes; it must. */
static struct regioi_event next_event(void)
{
	struct regioi_event events[4];

	for (int i = 0; i < TRIES; i++) {
		uint32_t doorbells = script.doorbells;
		int count = ops->poll(engine, events, ARRAY_SIZE(events));

		if (count > 0)
			return events[0];
		EXPECT(script.doorbells > doorbells, "a poll leaves an event and rings nobody");
		ck_assert(!ops->idle(engine));
	}
	ck_abort_msg("an event was never reported");
}

static void expect_no_event(void)
{
	struct regioi_event event;

	for (int i = 0; i < TRIES; i++)
		EXPECT_RETURN(0, ops->poll(engine, &event, 1));
	ck_assert(ops->idle(engine));
}

/* ---- Options ------------------------------------------------------------------- */

START_TEST(what_is_not_named_does_not_strike)
{
	struct regioi_fault_options options;
	struct regioi_refusal refusal;

	EXPECT_RETURN(0, regioi_fault_options_read(NULL, &options, &refusal));
	for (int i = 0; i < REGIOI_FAULT_KINDS; i++)
		ck_assert_uint_eq(options.percent[i], i < REGIOI_FAULT_SHOWS ? 10 : 0);
	EXPECT_RETURN(
		0, regioi_fault_options_read("seed=7,share=0,fail=5,cut=90", &options, &refusal));
	ck_assert_uint_eq(options.seed, 7);
	for (int i = 0; i < REGIOI_FAULT_KINDS; i++) {
		uint32_t wanted = i == REGIOI_FAULT_FAIL ? 5 : i == REGIOI_FAULT_CUT ? 90 : 0;

		ck_assert_uint_eq(options.percent[i], wanted);
	}
}
END_TEST

START_TEST(a_value_that_makes_no_sense_is_named_with_those_that_do)
{
	static const char *const wrong[] = {
		"shares=1", "share",   "share=",	 "share=91",
		"fail=-1",  "fail= 1", "seed=7;",	 "=5",
		",",	    "cut=1x",  "seed=1,,fail=1", "seed=99999999999999999999"};
	struct regioi_fault_options options;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct regioi_refusal refusal = {0};
		struct regio_driver *driver;

		EXPECT(regioi_fault_options_read(wrong[i], &options, &refusal) == -EINVAL, "%s",
		       wrong[i]);
		ck_assert_ptr_nonnull(strstr(refusal.remedy, "percentages"));
		setenv("REGIO_ENGINE", "fault+epoll", 1);
		setenv("REGIO_FAULTS", wrong[i], 1);
		EXPECT_RETURN(-EINVAL, regio_driver_create(NULL, &driver));
		ck_assert_ptr_nonnull(strstr(regio_last_error(), refusal.reason));
	}
}
END_TEST

START_TEST(the_same_seed_strikes_the_same_operations)
{
	bool struck[TRIES];
	uint32_t differ = 0, count = 0;
	uint8_t data[8];

	wrap("seed=5,share=50");
	for (int i = 0; i < TRIES; i++) {
		struck[i] = execute_one(receive_op(data, sizeof(data))) < 0;
		count += struck[i];
	}
	unwrap();
	wrap("seed=5,share=50");
	for (int i = 0; i < TRIES; i++)
		ck_assert(struck[i] == (execute_one(receive_op(data, sizeof(data))) < 0));
	unwrap();
	wrap("seed=6,share=50");
	for (int i = 0; i < TRIES; i++)
		differ += struck[i] != (execute_one(receive_op(data, sizeof(data))) < 0);
	unwrap();
	EXPECT(count > TRIES / 4 && count < TRIES * 3 / 4, "%u of %d", count, TRIES);
	EXPECT(differ > 0, "another seed is no other");
}
END_TEST

/* ---- Operations ---------------------------------------------------------------- */

START_TEST(a_delayed_operation_is_not_executed_and_reported_later)
{
	struct regioi_event event;
	uint32_t delayed = 0;
	uint8_t data[8];

	wrap("share=0,delay=50");
	for (int i = 0; i < TRIES; i++) {
		uint32_t executed = script.executed;
		int32_t result = execute_one(receive_op(data, sizeof(data)));

		ck_assert_uint_eq(script.executed - executed, result == -EAGAIN ? 0 : 1);
		if (result != -EAGAIN) {
			ck_assert_int_eq(result, sizeof(data));
			ck_assert(ops->idle(engine));
			continue;
		}
		delayed++;
		EXPECT_RETURN(0, ops->sleep(engine, &event, 0, -1));
		ck_assert_int_eq(script.timeout_ns, 0);
		event = next_event();
		ck_assert_uint_eq(event.id, ID);
		ck_assert_uint_eq(event.events, REGIOI_EVENT_READABLE);
	}
	EXPECT(delayed > TRIES / 4, "%u of %d", delayed, TRIES);
	unwrap();
}
END_TEST

START_TEST(nothing_is_reported_of_a_descriptor_that_is_not_watched)
{
	struct regioi_op op = receive_op(NULL, 0);

	wrap("share=0,delay=90");
	op.fd = 5000;
	for (int i = 0; i < TRIES; i++)
		execute_one(op);
	expect_no_event();
	for (int i = 0; i < TRIES; i++)
		execute_one(receive_op(NULL, 0));
	ops->unwatch(engine, FD);
	expect_no_event();
	unwrap();
}
END_TEST

START_TEST(a_short_batch_does_at_least_one_message)
{
	struct mmsghdr messages[8] = {0};
	struct regioi_op op = {.fd = FD,
			       .kind = REGIOI_OP_RECEIVE_MESSAGES,
			       .messages = messages,
			       .count = ARRAY_SIZE(messages)};
	bool seen[ARRAY_SIZE(messages) + 1] = {false};
	struct iovec vector = {0};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i].msg_hdr.msg_iov = &vector;
	wrap("share=0,short=50");
	for (int i = 0; i < TRIES; i++) {
		int32_t result = execute_one(op);

		EXPECT(result >= 1 && result <= (int32_t)ARRAY_SIZE(messages), "%d", result);
		seen[result] = true;
		if (result < (int32_t)ARRAY_SIZE(messages))
			ck_assert_uint_eq(next_event().events, REGIOI_EVENT_READABLE);
		ck_assert(ops->idle(engine));
	}
	for (size_t i = 1; i < ARRAY_SIZE(seen); i++)
		EXPECT(seen[i], "never %zu messages", i);
	unwrap();
}
END_TEST

START_TEST(bytes_of_streams_are_shortened_and_datagrams_are_not)
{
	int datagram = udp_socket(AF_INET), stream = socket(AF_INET, SOCK_STREAM, 0);
	char data[100];
	struct iovec vectors[3] = {{data, 1}, {data, 2}, {data, 3}};
	struct msghdr message = {.msg_iov = vectors, .msg_iovlen = 3};
	uint32_t sends = 0, gathered = 0;

	wrap("share=0,short=50");
	for (int i = 0; i < TRIES; i++) {
		struct regioi_op op = {.fd = datagram,
				       .kind = REGIOI_OP_SEND,
				       .data = data,
				       .length = sizeof(data)};
		int32_t result = execute_one(op);

		ck_assert_int_eq(result, sizeof(data));
		op.fd = stream;
		result = execute_one(op);
		EXPECT(result >= 1 && result <= (int32_t)sizeof(data), "%d", result);
		sends += result < (int32_t)sizeof(data);
		op = (struct regioi_op){.fd = stream, .kind = REGIOI_OP_SEND_VECTORS};
		op.message = &message;
		op.length = 6;
		result = execute_one(op);
		EXPECT(result == 1 || result == 3 || result == 6, "%d", result);
		gathered += result < 6;
		ck_assert_uint_eq(message.msg_iovlen, 3);
	}
	EXPECT(sends > TRIES / 4 && gathered > TRIES / 4, "%u and %u of %d", sends, gathered,
	       TRIES);
	close(datagram);
	close(stream);
	unwrap();
}
END_TEST

START_TEST(an_operation_that_fails_is_not_executed)
{
	uint32_t failed = 0;
	uint8_t data[8];

	wrap("share=0,fail=50");
	for (int i = 0; i < TRIES; i++) {
		uint32_t executed = script.executed;
		int32_t result = execute_one(receive_op(data, sizeof(data)));

		ck_assert(result == -ENOMEM || result == sizeof(data));
		ck_assert_uint_eq(script.executed - executed, result < 0 ? 0 : 1);
		failed += result < 0;
	}
	EXPECT(failed > TRIES / 4, "%u of %d", failed, TRIES);
	expect_no_event();
	unwrap();
}
END_TEST

START_TEST(a_datagram_that_fills_its_slice_may_count_as_longer)
{
	uint32_t cut = 0;
	uint8_t data[8];

	wrap("share=0,cut=50");
	for (int i = 0; i < TRIES; i++) {
		int32_t result = execute_one(receive_op(data, sizeof(data)));

		ck_assert(result == sizeof(data) || result == sizeof(data) + 1);
		cut += result > (int32_t)sizeof(data);
	}
	EXPECT(cut > TRIES / 4, "%u of %d", cut, TRIES);
	unwrap();
}
END_TEST

/* ---- Events -------------------------------------------------------------------- */

/* How many of so many events are reported at once, and how often each is in the end. */
static void report_all(const char *faults, uint32_t *ret_at_once, uint32_t *ret_reported)
{
	struct regioi_event event;

	*ret_at_once = *ret_reported = 0;
	wrap(faults);
	for (int i = 0; i < TRIES; i++) {
		script.found_count = 1;
		script.found.events = REGIOI_EVENT_READABLE | REGIOI_EVENT_HANGUP;
		if (ops->poll(engine, &event, 1)) {
			ck_assert_uint_eq(event.id, ID);
			ck_assert_uint_eq(event.events, script.found.events);
			++*ret_at_once;
			++*ret_reported;
		}
		while (!ops->idle(engine)) {
			event = next_event();
			ck_assert_uint_eq(event.id, ID);
			ck_assert_uint_eq(event.events, script.found.events);
			++*ret_reported;
		}
	}
	unwrap();
}

START_TEST(an_event_may_be_late_and_is_reported_once)
{
	uint32_t at_once, reported;

	report_all("share=0,late=50", &at_once, &reported);
	EXPECT(at_once > TRIES / 4 && at_once < TRIES, "%u of %d", at_once, TRIES);
	ck_assert_uint_eq(reported, TRIES);
}
END_TEST

START_TEST(an_event_may_be_reported_again)
{
	uint32_t at_once, reported;

	report_all("share=0,repeat=50", &at_once, &reported);
	ck_assert_uint_eq(at_once, TRIES);
	EXPECT(reported > TRIES + TRIES / 4 && reported < 2 * TRIES, "%u of %d", reported, TRIES);
}
END_TEST

START_TEST(a_sleep_may_end_early_or_with_a_signal)
{
	uint32_t early = 0, signals = 0;
	struct regioi_event event;

	wrap("share=0,early=30,signal=30");
	for (int i = 0; i < TRIES; i++) {
		int result;

		script.timeout_ns = 1;
		result = ops->sleep(engine, &event, 1, -1);
		ck_assert(result == 0 || result == -EINTR);
		signals += result < 0;
		early += script.timeout_ns == 0;
	}
	EXPECT(early > TRIES / 8 && signals > TRIES / 8, "%u and %u of %d", early, signals, TRIES);
	unwrap();
}
END_TEST

START_TEST(there_may_be_no_room_to_watch)
{
	uint32_t memory = 0, space = 0;

	wrap("share=0");
	unwrap();
	setenv("REGIO_FAULTS", "share=0,watch=50", 1);
	ops = &script_ops;
	engine = &script;
	EXPECT_RETURN(0, regioi_fault_wrap(&ops, &engine, &(struct regioi_refusal){0}));
	for (int i = 0; i < TRIES; i++) {
		int result = ops->watch(engine, FD, ID, 0);

		ck_assert(result == 0 || result == -ENOMEM || result == -ENOSPC);
		memory += result == -ENOMEM;
		space += result == -ENOSPC;
	}
	EXPECT(memory > TRIES / 8 && space > TRIES / 8, "%u and %u of %d", memory, space, TRIES);
	unwrap();
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(what_is_not_named_does_not_strike),
		CASE(a_value_that_makes_no_sense_is_named_with_those_that_do),
		CASE(the_same_seed_strikes_the_same_operations),
		CASE(a_delayed_operation_is_not_executed_and_reported_later),
		CASE(nothing_is_reported_of_a_descriptor_that_is_not_watched),
		CASE(a_short_batch_does_at_least_one_message),
		CASE(bytes_of_streams_are_shortened_and_datagrams_are_not),
		CASE(an_operation_that_fails_is_not_executed),
		CASE(a_datagram_that_fills_its_slice_may_count_as_longer),
		CASE(an_event_may_be_late_and_is_reported_once),
		CASE(an_event_may_be_reported_again),
		CASE(a_sleep_may_end_early_or_with_a_signal),
		CASE(there_may_be_no_room_to_watch),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
