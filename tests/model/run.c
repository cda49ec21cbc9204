/* SPDX-License-Identifier: MIT */
/*
 * run.c - executing programs, and recording what happens
 */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crew.h"
#include "stage.h"

/* What is certain comes within this, or not at all; the second while a program is shrunk. */
#define PATIENCE_NS INT64_C(20000000000)
#define PATIENCE_SHRINKING_NS INT64_C(500000000)
/* For what may come or not, in programs with threads. */
#define GLANCE_NS INT64_C(20000)
#define RESULTS_MAX 64u
/* Of sends. Receives have this bit besides. */
#define NUMBERS_MAX 2048u
#define RECEIVE_BIT 0x10000u
/* Programs leave it to what takes out the rest. */
#define LAST_REGION (REGIONS - 1)
/* No region has it. */
#define NO_REGION UINT64_C(0x1234567800000001)

struct posted {
	uint8_t piece, slot; /* of memory */
	bool extra;
	bool notifies;
	uint32_t length;
};

struct run_cq {
	struct regio_cq *handle;
	struct regio_driver *driver;
	struct run *run;
	uint8_t number;
	bool calls;
	bool armed;		  /* and whoever waits for the signal need not ask again */
	_Atomic uint32_t signals; /* since the last notify */
	/* Sends that may notify, and are certain to complete. */
	_Atomic uint32_t sends_posted;
	uint32_t sends_dequeued;
};

struct run {
	struct stage *stage;
	struct stage_sockets *sockets;
	const struct program *program;
	struct history *history;
	struct check *check;
	pthread_mutex_t lock; /* of the history */
	_Atomic uint32_t clock, completions, data;
	_Atomic uint32_t registrations; /* so far */
	_Atomic uint32_t send_number, receive_number, rqs_created;
	_Atomic uint32_t posters_done;
	_Atomic uint32_t present[REGIONS]; /* number of the latest registration, or 0 */
	uint64_t regions[MODEL_OBJECTS];
	bool region_live[MODEL_OBJECTS];
	struct run_cq cqs[CQS];
	struct regio_rq *rqs[RQS];
	uint8_t rq_cqs[RQS][2];
	struct posted sends[NUMBERS_MAX], receives[NUMBERS_MAX];
	bool used[SOCKETS];   /* TCP: something was sent or ended */
	bool spoilt[SOCKETS]; /* and cannot be used again */
	bool parallel;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t patience_ns(const struct run *run)
{
	return run->stage->shrinking ? PATIENCE_SHRINKING_NS : PATIENCE_NS;
}

/* ---- Recording ---- */

static uint32_t stamp(struct run *run)
{
	return atomic_fetch_add(&run->clock, 1) + 1;
}

static struct event event_of(struct run *run, const struct call *call)
{
	return (struct event){.call = *call, .begin = stamp(run)};
}

static void limit(uint32_t used, uint32_t most)
{
	if (used < most)
		return;
	fprintf(stderr, "model-programs: a program does more than can be recorded\n");
	exit(2);
}

/*
 * Under the lock, so that the events stand in the order in which the calls returned: a signal may
 * come on a driver's thread at any time.
 */
static void record(struct run *run, struct event *event)
{
	pthread_mutex_lock(&run->lock);
	limit(run->history->events_count, EVENTS_MAX);
	event->end = stamp(run);
	if (event->call.kind == CALL_SIGNAL)
		event->begin = event->end;
	run->history->events[run->history->events_count++] = *event;
	pthread_mutex_unlock(&run->lock);
}

/* Room for bytes of the history; the first is number '*ret_first'. */
static uint8_t *record_data(struct run *run, uint32_t length, uint32_t *ret_first)
{
	*ret_first = atomic_fetch_add(&run->data, length);
	limit(*ret_first + length, DATA_MAX);
	return &run->history->data[*ret_first];
}

/* Tells the model. Only while one thread runs. */
static bool feed(struct run *run)
{
	bool good;

	pthread_mutex_lock(&run->lock);
	run->history->completions_count = atomic_load(&run->completions);
	run->history->data_count = atomic_load(&run->data);
	good = check_feed(run->check);
	pthread_mutex_unlock(&run->lock);
	return good;
}

/* The model's view, or 0 where it has none yet. */
static uint32_t due(struct run *run, uint8_t cq)
{
	const struct model *model = &run->check->model;

	return run->parallel ? 0 : model_due(model, model->cq_at[cq], true);
}

/* ---- Memory ---- */

static uint8_t *slot_memory(struct run *run, const struct posted *posted)
{
	return run->stage->memory + (size_t)posted->piece * REGION_BYTES +
	       (size_t)posted->slot * SLOT_BYTES;
}

static bool slot_take(struct run *run, uint8_t piece, uint8_t *ret_slot)
{
	_Atomic uint32_t *taken = &run->stage->slots_taken[piece];
	uint32_t before = atomic_load(taken);

	do {
		if (before == UINT32_MAX)
			return false;
		*ret_slot = (uint8_t)__builtin_ctz(~before);
	} while (!atomic_compare_exchange_weak(taken, &before, before | 1u << *ret_slot));
	return true;
}

static void slot_give(struct run *run, const struct posted *posted)
{
	atomic_fetch_and(&run->stage->slots_taken[posted->piece], ~(1u << posted->slot));
}

static void slot_fill(struct run *run, const struct posted *posted, bool send, uint32_t number)
{
	uint8_t *memory = slot_memory(run, posted);
	uint8_t *data = memory + SLOT_GUARD;

	if (send) {
		for (uint32_t i = 0; i < posted->length; i++)
			data[i] = message_byte(number, i);
		return;
	}
	memset(memory, GUARD_BYTE, SLOT_GUARD);
	memset(data + posted->length, GUARD_BYTE, SLOT_GUARD);
}

static bool guards_intact(const uint8_t *memory, uint32_t length)
{
	for (uint32_t i = 0; i < SLOT_GUARD; i++) {
		if (memory[i] != GUARD_BYTE || memory[SLOT_GUARD + length + i] != GUARD_BYTE)
			return false;
	}
	return true;
}

/* ---- Regions ---- */

static void do_register(struct run *run, const struct call *call)
{
	uint8_t *memory = run->stage->memory + (size_t)call->object * REGION_BYTES;
	uint32_t present = atomic_load(&run->present[call->object]);
	struct event event;
	uint64_t id = 0;

	/* One at a time for each piece of memory. */
	if (present && run->region_live[present - 1])
		return;
	event = event_of(run, call);
	event.result =
		regio_region_register(call->wrong == WRONG_POINTER ? NULL : memory,
				      call->wrong == WRONG_SIZE ? 0 : REGION_BYTES, NULL, &id);
	if (event.result == 0) {
		event.region = atomic_fetch_add(&run->registrations, 1) + 1;
		run->regions[event.region - 1] = id;
		run->region_live[event.region - 1] = true;
	}
	record(run, &event);
	if (event.result == 0)
		atomic_store(&run->present[call->object], event.region);
}

static void do_deregister(struct run *run, const struct call *call)
{
	uint32_t present = atomic_load(&run->present[call->object]);
	struct event event = event_of(run, call);

	event.region = present;
	if (present)
		run->region_live[present - 1] = false;
	event.result = regio_region_deregister(present ? run->regions[present - 1] : NO_REGION);
	record(run, &event);
}

/* ---- Completion queues ---- */

static void on_signal(void *context)
{
	struct run_cq *cq = context;
	const struct call call = {.kind = CALL_SIGNAL, .object = cq->number, .repeat = 1};
	struct event event = {.call = call};

	record(cq->run, &event);
	atomic_fetch_add(&cq->signals, 1);
	regio_driver_wake(cq->driver);
}

static void do_cq_create(struct run *run, const struct call *call)
{
	struct run_cq *cq = &run->cqs[call->object];
	struct regio_cq_opts opts = {.size = sizeof(opts)};
	struct regio_cq *handle = NULL;
	struct event event;

	if (run->check->model.cq_at[call->object] && run->check->model.cq_at[call->object]->live)
		return;
	event = event_of(run, call);
	opts.driver = run->stage->drivers[call->b % DRIVERS];
	if (call->b / DRIVERS) {
		opts.on_notify = on_signal;
		opts.on_notify_context = cq;
	}
	event.result = regio_cq_create(call->wrong == WRONG_SIZE ? 0 : call->a, &opts,
				       call->wrong == WRONG_POINTER ? NULL : &handle);
	if (event.result == 0) {
		*cq = (struct run_cq){
			.handle = handle,
			.driver = opts.driver,
			.run = run,
			.number = call->object,
			.calls = call->b / DRIVERS,
		};
	}
	record(run, &event);
}

static void do_cq_resize(struct run *run, const struct call *call)
{
	struct event event = event_of(run, call);

	event.result =
		regio_cq_resize(call->wrong == WRONG_POINTER ? NULL : run->cqs[call->object].handle,
				call->wrong == WRONG_SIZE ? 0 : call->a);
	record(run, &event);
}

static void do_cq_close(struct run *run, const struct call *call)
{
	struct event event = event_of(run, call);

	event.result = regio_cq_close(run->cqs[call->object].handle);
	record(run, &event);
}

/* ---- Request queues ---- */

static void do_rq_create(struct run *run, const struct call *call)
{
	const uint8_t socket = run->program->rq_socket[call->object];
	const struct model_rq *present = run->check->model.rq_at[call->object];
	struct regio_rq_opts opts = {
		.size = sizeof(opts),
		.flags = call->wrong == WRONG_FLAG ? 0x80 : 0,
		.trains = call->flags,
	};
	struct regio_rq *handle = NULL;
	struct event event;

	/* Of the socket, some end has been reset. */
	if ((present && present->live) || run->sockets->fds[socket] < 0)
		return;
	event = event_of(run, call);
	event.result =
		regio_rq_create(run->sockets->fds[socket],
				call->wrong == WRONG_SIZE ? REGIO_RQ_REQUESTS_MAX + 1 : call->a,
				call->b, run->cqs[call->cqs[0]].handle,
				run->cqs[call->cqs[1]].handle, atomic_load(&run->rqs_created) + 1,
				&opts, call->wrong == WRONG_POINTER ? NULL : &handle);
	if (event.result == 0) {
		atomic_fetch_add(&run->rqs_created, 1);
		run->rqs[call->object] = handle;
		memcpy(run->rq_cqs[call->object], call->cqs, sizeof(call->cqs));
		run->used[socket] = true;
	}
	record(run, &event);
}

static void do_rq_resize(struct run *run, const struct call *call)
{
	struct event event = event_of(run, call);

	event.result = regio_rq_resize(
		call->wrong == WRONG_POINTER ? NULL : run->rqs[call->object],
		call->wrong == WRONG_SIZE ? REGIO_RQ_REQUESTS_MAX + 1 : call->a, call->b);
	record(run, &event);
}

static void do_rq_cancel(struct run *run, const struct call *call)
{
	struct event event = event_of(run, call);

	event.result = regio_rq_cancel(run->rqs[call->object], call->flags);
	record(run, &event);
}

static void do_rq_close(struct run *run, const struct call *call)
{
	struct event event = event_of(run, call);

	event.result = regio_rq_close(run->rqs[call->object], call->wrong ? 0x80 : 0);
	record(run, &event);
}

/* ---- Requests ---- */

static int post(struct regio_rq *rq, bool send, const struct regio_buf *data,
		const struct regio_extra *extra, uint32_t flags, uint64_t context)
{
	if (send)
		return extra ? regio_send_ex(rq, data, extra, flags, context)
			     : regio_send(rq, data, flags, context);
	return extra ? regio_receive_ex(rq, data, extra, flags, context)
		     : regio_receive(rq, data, flags, context);
}

static void do_commit(struct run *run, const struct call *call)
{
	const struct regio_buf data = {0};
	struct event event = event_of(run, call);

	event.result = post(run->rqs[call->object], call->kind == CALL_SEND,
			    call->wrong ? &data : NULL, NULL, REGIO_MSG_COMMIT_ONLY, 0);
	record(run, &event);
}

static uint32_t flags_of(const struct call *call)
{
	switch (call->wrong) {
	case WRONG_FLAG:
		return call->flags | 0x100;
	case WRONG_COMMIT:
		return call->flags | REGIO_MSG_COMMIT_ONLY | REGIO_MSG_DEFER;
	case WRONG_WAITALL:
		return call->flags | REGIO_MSG_WAITALL;
	default:
		return call->flags;
	}
}

/* The optional slices, which lie in the slot behind the data. Returns NULL where there are none. */
static struct regio_extra *extra_of(struct run *run, const struct call *call,
				    const struct posted *posted, uint64_t region,
				    struct regio_extra *extra)
{
	const uint32_t offset = posted->slot * SLOT_BYTES + SLOT_EXTRA;
	struct slot_extra *memory = (void *)(slot_memory(run, posted) + SLOT_EXTRA);

	*extra = (struct regio_extra){0};
	if (posts_null(run->program, call) ||
	    (call->kind == CALL_RECEIVE ? !call->extra : call->to == NOTHING))
		return NULL;
	extra->remote_address = (struct regio_buf){
		region, offset + (uint32_t)offsetof(struct slot_extra, remote_address), 28};
	if (call->kind == CALL_SEND)
		memcpy(memory->remote_address, &run->sockets->addresses[call->to], 28);
	else
		extra->message_flags = (struct regio_buf){
			region, offset + (uint32_t)offsetof(struct slot_extra, message_flags), 4};
	return extra;
}

/* A request, ready to be posted. */
struct prepared {
	struct posted *posted;
	struct regio_buf data;
	struct regio_extra extra;
	const struct regio_extra *has_extra; /* or NULL */
	struct event event;
};

/* Returns false where there is no memory for it. */
static bool prepare(struct run *run, const struct call *call, struct prepared *prepared)
{
	const bool send = call->kind == CALL_SEND;
	const bool null = posts_null(run->program, call);
	const uint32_t number =
		atomic_fetch_add(send ? &run->send_number : &run->receive_number, 1) + 1;
	const uint32_t present = atomic_load(&run->present[call->region]);
	const uint64_t region = present ? run->regions[present - 1] : NO_REGION;
	struct posted *posted = send ? &run->sends[number] : &run->receives[number];

	limit(number, NUMBERS_MAX);
	*posted = (struct posted){
		.piece = call->region,
		.length = null ? 0 : call->a,
		.extra = !send && !null && call->extra,
		.notifies = !(call->flags & REGIO_MSG_DONT_NOTIFY),
	};
	prepared->posted = posted;
	if (!slot_take(run, call->region, &posted->slot))
		return false;
	slot_fill(run, posted, send, number);
	prepared->data =
		(struct regio_buf){region, posted->slot * SLOT_BYTES + SLOT_GUARD, call->a};
	if (call->wrong == WRONG_SIZE)
		prepared->data.length = REGION_BYTES;
	prepared->has_extra = extra_of(run, call, posted, region, &prepared->extra);
	prepared->event = event_of(run, call);
	prepared->event.number = send ? number : number | RECEIVE_BIT;
	prepared->event.length = posted->length;
	prepared->event.region = null ? 0 : present;
	return true;
}

/* It was posted, with that result. */
static void report(struct run *run, struct prepared *prepared, int32_t result)
{
	const struct call *call = &prepared->event.call;

	prepared->event.result = result;
	record(run, &prepared->event);
	if (result != 0)
		slot_give(run, prepared->posted);
	else if (call->kind == CALL_SEND && prepared->posted->notifies)
		atomic_fetch_add(&run->cqs[run->rq_cqs[call->object][1]].sends_posted, 1);
}

/* Returns false where there is no memory for it. */
static bool post_one(struct run *run, const struct call *call)
{
	const bool null = posts_null(run->program, call);
	struct prepared prepared;

	if (!prepare(run, call, &prepared))
		return false;
	report(run, &prepared,
	       post(run->rqs[call->object], call->kind == CALL_SEND, null ? NULL : &prepared.data,
		    prepared.has_extra, flags_of(call), prepared.event.number));
	return true;
}

/* What is behind the first that is refused is posted again, until the first of all is. */
static void post_prepared(struct run *run, const struct call *call, struct prepared *prepared,
			  const struct regio_request *requests, uint32_t count)
{
	const uint32_t half = call->kind == CALL_SEND ? REGIO_HALF_SEND : REGIO_HALF_RECEIVE;
	uint32_t first = 0;
	int accepted = 0;

	while (first < count && accepted >= 0) {
		for (uint32_t i = first; i < count; i++)
			prepared[i].event.begin = stamp(run);
		accepted =
			regio_post(run->rqs[call->object], half, requests + first, count - first);
		for (int i = 0; i < accepted; i++) {
			prepared[first].event.behind = (uint32_t)(accepted - 1 - i);
			report(run, &prepared[first++], 0);
		}
		if (accepted <= 0)
			report(run, &prepared[first++], accepted);
	}
	for (; first < count; first++)
		slot_give(run, prepared[first].posted);
}

static void post_together(struct run *run, const struct call *call)
{
	struct regio_request requests[REPEAT_MAX];
	struct prepared prepared[REPEAT_MAX];
	uint32_t count = 0;

	while (count < call->repeat && prepare(run, call, &prepared[count])) {
		requests[count] = (struct regio_request){
			.data = prepared[count].data,
			.extra = prepared[count].has_extra,
			.context = prepared[count].event.number,
			.flags = flags_of(call),
		};
		count++;
	}
	post_prepared(run, call, prepared, requests, count);
}

static void do_post(struct run *run, const struct call *call)
{
	if (call->flags & REGIO_MSG_COMMIT_ONLY) {
		do_commit(run, call);
		return;
	}
	if (call->together) {
		post_together(run, call);
		return;
	}
	for (uint32_t i = 0; i < call->repeat; i++) {
		if (!post_one(run, call))
			break;
	}
}

/* ---- Dequeueing ---- */

static uint8_t sender_of(struct run *run, const struct slot_extra *extra)
{
	for (uint8_t i = 0; i < UDP_SOCKETS; i++) {
		const union address *address = &run->sockets->addresses[i];

		/* Behind the port and the address are fields that may differ. */
		if (address->any.sa_family == AF_INET ? !memcmp(extra->remote_address, address, 8)
						      : !memcmp(extra->remote_address, address, 24))
			return i;
	}
	return NOTHING - 1;
}

static void take_send(struct run_cq *cq, const struct posted *posted)
{
	cq->sends_dequeued += posted->notifies;
}

static void take_receive(struct run *run, const struct posted *posted,
			 struct completion *completion)
{
	const uint8_t *memory = slot_memory(run, posted);
	const struct slot_extra *extra = (const void *)(memory + SLOT_EXTRA);
	uint32_t bytes = completion->result.bytes;

	if (bytes > posted->length)
		bytes = posted->length;
	completion->bytes_seen = bytes;
	memcpy(record_data(run, bytes, &completion->data), memory + SLOT_GUARD, bytes);
	completion->damaged = !guards_intact(memory, posted->length);
	if (posted->extra &&
	    (completion->result.status == 0 || completion->result.status == -EMSGSIZE)) {
		completion->sender = sender_of(run, extra);
		completion->message_flags = extra->message_flags;
	}
}

static struct completion complete(struct run *run, struct run_cq *cq,
				  const struct regio_result *result)
{
	struct completion completion = {.result = *result, .sender = NOTHING};
	const uint64_t number = result->request_context & ~(uint64_t)RECEIVE_BIT;
	const bool send = number == result->request_context;
	struct posted *posted;

	/* The model will say what that is. */
	if (number == 0 || number >= NUMBERS_MAX)
		return completion;
	posted = send ? &run->sends[number] : &run->receives[number];
	if (send)
		take_send(cq, posted);
	else
		take_receive(run, posted, &completion);
	slot_give(run, posted);
	return completion;
}

static int dequeue(struct run *run, const struct call *call, bool record_nothing)
{
	struct run_cq *cq = &run->cqs[call->object];
	struct regio_result results[RESULTS_MAX];
	struct event event = event_of(run, call);

	/* A dequeue takes back what the descriptor says. */
	if (!cq->calls)
		cq->armed = false;
	event.result = regio_cq_dequeue(cq->handle, call->wrong ? NULL : results, call->a);
	if (event.result > 0) {
		event.first = atomic_fetch_add(&run->completions, (uint32_t)event.result);
		limit(event.first + (uint32_t)event.result, COMPLETIONS_MAX);
	}
	for (int32_t i = 0; i < event.result; i++)
		run->history->completions[event.first + (uint32_t)i] =
			complete(run, cq, &results[i]);
	if (event.result != 0 || record_nothing)
		record(run, &event);
	return event.result;
}

static void do_dequeue(struct run *run, const struct call *call)
{
	dequeue(run, call, true);
}

/* Everything that there is now; polls leave no trace. */
static int drain(struct run *run, uint8_t cq)
{
	const struct call call = {
		.kind = CALL_DEQUEUE, .object = cq, .repeat = 1, .a = RESULTS_MAX};

	return dequeue(run, &call, false);
}

/* ---- Notification ---- */

static void do_notify(struct run *run, const struct call *call)
{
	struct run_cq *cq = &run->cqs[call->object];
	struct event event = event_of(run, call);

	/* Before: the signal may come inside the call. */
	if (atomic_load(&cq->signals))
		atomic_store(&cq->signals, 0);
	event.result = regio_cq_notify(cq->handle);
	cq->armed |= event.result == 0;
	record(run, &event);
}

static int wait(struct run *run, uint8_t number, uint32_t least, int64_t timeout_ns, bool patient)
{
	const struct call call = {.kind = CALL_WAIT, .object = number, .repeat = 1, .a = least};
	struct event event = event_of(run, &call);

	event.patient = patient;
	event.result = regio_cq_wait(run->cqs[number].handle, least,
				     patient ? (uint64_t)timeout_ns : 0, timeout_ns);
	record(run, &event);
	return event.result;
}

static void do_wait(struct run *run, const struct call *call)
{
	const uint32_t certain = due(run, call->object);
	const bool patient = certain > 0 && certain >= call->a;

	wait(run, call->object, call->a,
	     patient	     ? patience_ns(run)
	     : run->parallel ? GLANCE_NS
			     : 0,
	     patient);
}

/* The program is called. Returns 0 or -ETIMEDOUT. */
static int await_call(struct run *run, struct run_cq *cq, int64_t until_ns)
{
	while (!atomic_load(&cq->signals)) {
		int64_t left_ns = until_ns - now_ns();

		if (left_ns <= 0)
			return -ETIMEDOUT;
		if (run->stage->threaded)
			sched_yield();
		else
			regio_driver_run(cq->driver, left_ns);
	}
	cq->armed = false;
	return 0;
}

/* The descriptor is readable. It may be without anything to dequeue, and then is asked again. */
static int await_descriptor(struct run *run, struct run_cq *cq, int64_t until_ns)
{
	const struct call call = {.kind = CALL_NOTIFY, .object = cq->number, .repeat = 1};
	struct pollfd readable = {.fd = regio_cq_fd(cq->handle), .events = POLLIN};

	for (;;) {
		int64_t left_ms = (until_ns - now_ns()) / 1000000;

		if (left_ms <= 0 || poll(&readable, 1, (int)left_ms) != 1)
			return -ETIMEDOUT;
		if (drain(run, cq->number) != 0)
			return 0;
		do_notify(run, &call);
	}
}

static void do_await(struct run *run, const struct call *call)
{
	struct run_cq *cq = &run->cqs[call->object];
	struct event event;

	if (!cq->armed || !due(run, call->object))
		return;
	event = event_of(run, call);
	event.patient = true;
	if (cq->calls)
		event.result = await_call(run, cq, now_ns() + patience_ns(run));
	else
		event.result = await_descriptor(run, cq, now_ns() + patience_ns(run));
	record(run, &event);
}

/* ---- Plain sockets ---- */

static ssize_t send_joined(int fd, const struct iovec *vector, uint16_t message_size)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(message_size))];
	} control = {0};
	struct msghdr message = {
		.msg_iov = (struct iovec *)(uintptr_t)vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_UDP;
	head->cmsg_type = UDP_SEGMENT;
	head->cmsg_len = CMSG_LEN(sizeof(message_size));
	memcpy(CMSG_DATA(head), &message_size, sizeof(message_size));
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int32_t send_plainly(struct run *run, const struct call *call, uint32_t number)
{
	static _Thread_local uint8_t data[REPEAT_MAX * MESSAGE_BYTES_MAX];
	const int fd = run->sockets->fds[call->object];
	const struct iovec vector = {data, (size_t)call->repeat * call->a};
	const union address *to = call->to == NOTHING ? NULL : &run->sockets->addresses[call->to];
	ssize_t sent;

	for (uint32_t i = 0; i < call->repeat; i++) {
		for (uint32_t k = 0; k < call->a; k++)
			data[i * call->a + k] = message_byte(number + i, k);
	}
	if (call->repeat > 1 && is_udp(call->object))
		sent = send_joined(fd, &vector, (uint16_t)call->a);
	else
		sent = sendto(fd, data, vector.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL,
			      to ? &to->any : NULL, to ? address_length(to) : 0);
	return sent < 0 ? -errno : (int32_t)sent;
}

static void do_plain_send(struct run *run, const struct call *call)
{
	struct call one = *call;
	struct event event;
	uint32_t calls = 1;

	if (run->sockets->fds[call->object] < 0)
		return;
	run->used[call->object] = true;
	/* What cannot be one train is sent one by one. */
	if (is_udp(call->object) && (!call->b || call->a == 0 || call->to != NOTHING)) {
		one.repeat = 1;
		calls = call->repeat;
	}
	for (uint32_t i = 0; i < calls; i++) {
		uint32_t number = atomic_fetch_add(&run->send_number, one.repeat) + 1;

		limit(number + one.repeat, NUMBERS_MAX);
		event = event_of(run, &one);
		event.number = number;
		event.length = call->a;
		event.result = send_plainly(run, &one, number);
		record(run, &event);
	}
}

static int32_t receive_plainly(struct run *run, uint8_t socket, bool record_nothing)
{
	const struct call call = {.kind = CALL_PLAIN_RECEIVE, .object = socket, .repeat = 1};
	uint8_t data[2 * MESSAGE_BYTES_MAX];
	struct event event = event_of(run, &call);
	ssize_t length = recv(run->sockets->fds[socket], data, sizeof(data), MSG_DONTWAIT);

	event.result = length < 0 ? -errno : (int32_t)length;
	if (length > 0)
		memcpy(record_data(run, (uint32_t)length, &event.first), data, (size_t)length);
	if (length >= 0 || record_nothing)
		record(run, &event);
	return event.result;
}

static void do_plain_receive(struct run *run, const struct call *call)
{
	if (run->sockets->fds[call->object] >= 0)
		receive_plainly(run, call->object, true);
}

static void do_shutdown(struct run *run, const struct call *call)
{
	struct event event;

	if (run->sockets->fds[call->object] < 0)
		return;
	event = event_of(run, call);
	event.result = shutdown(run->sockets->fds[call->object], SHUT_WR) < 0 ? -errno : 0;
	run->spoilt[call->object] = true;
	record(run, &event);
}

static void do_reset(struct run *run, const struct call *call)
{
	struct event event;

	if (run->sockets->fds[call->object] < 0)
		return;
	event = event_of(run, call);
	stage_reset(run->sockets, call->object);
	run->spoilt[call->object] = true;
	record(run, &event);
}

/* ---- Programs ---- */

static void (*const actions[CALL_KINDS])(struct run *run, const struct call *call) = {
	[CALL_REGISTER] = do_register,
	[CALL_DEREGISTER] = do_deregister,
	[CALL_CQ_CREATE] = do_cq_create,
	[CALL_CQ_RESIZE] = do_cq_resize,
	[CALL_CQ_CLOSE] = do_cq_close,
	[CALL_RQ_CREATE] = do_rq_create,
	[CALL_RQ_RESIZE] = do_rq_resize,
	[CALL_RQ_CANCEL] = do_rq_cancel,
	[CALL_RQ_CLOSE] = do_rq_close,
	[CALL_RECEIVE] = do_post,
	[CALL_SEND] = do_post,
	[CALL_DEQUEUE] = do_dequeue,
	[CALL_NOTIFY] = do_notify,
	[CALL_WAIT] = do_wait,
	[CALL_AWAIT] = do_await,
	[CALL_PLAIN_SEND] = do_plain_send,
	[CALL_PLAIN_RECEIVE] = do_plain_receive,
	[CALL_SHUTDOWN] = do_shutdown,
	[CALL_RESET] = do_reset,
};

static bool run_part(struct run *run, uint8_t part)
{
	bool good = true;

	for (uint32_t i = 0; i < run->program->calls_count && good; i++) {
		const struct call *call = &run->program->calls[i];

		if (call->part != part)
			continue;
		actions[call->kind](run, call);
		good = feed(run);
	}
	return good;
}

/* Takes the sends of all threads out of a CQ, waiting for each. */
static void collect_sends(struct run *run, struct run_cq *cq)
{
	const int64_t until_ns = now_ns() + patience_ns(run);

	while (now_ns() < until_ns) {
		bool done = atomic_load(&run->posters_done) == THREADS;
		bool certain = atomic_load(&cq->sends_posted) > cq->sends_dequeued;

		if (done && !certain)
			return;
		if (wait(run, cq->number, 1, certain ? patience_ns(run) : GLANCE_NS, certain) > 0)
			drain(run, cq->number);
	}
}

static void work(void *argument, uint8_t thread)
{
	struct run *run = argument;
	struct run_cq *cq = &run->cqs[thread];

	for (uint32_t i = 0; i < run->program->calls_count; i++) {
		const struct call *call = &run->program->calls[i];

		if (call->part == 1 && call->thread == thread)
			actions[call->kind](run, call);
	}
	atomic_fetch_add(&run->posters_done, 1);
	if (run->check->model.cq_at[thread] && run->check->model.cq_at[thread]->live)
		collect_sends(run, cq);
}

static bool run_parts(struct run *run)
{
	if (!run_part(run, 0))
		return false;
	if (!run->program->threads)
		return true;
	run->parallel = true;
	crew_work(run->stage->crew, work, run);
	run->parallel = false;
	return feed(run) && run_part(run, 2);
}

/* ---- What is left ---- */

static bool is_live(const struct run *run, uint8_t cq)
{
	const struct model_cq *model_cq = run->check->model.cq_at[cq];

	return model_cq && model_cq->live;
}

/* Takes out what is certain to come, of each CQ once. Returns whether more is. */
static bool settle_once(struct run *run)
{
	const struct model *model = &run->check->model;
	bool more = false;

	for (uint8_t i = 0; i < CQS; i++) {
		if (is_live(run, i) && model_due(model, model->cq_at[i], false))
			drain(run, i);
		/* What one has sent may be what another is to receive. */
		feed(run);
	}
	for (uint8_t i = 0; i < CQS; i++)
		more |= is_live(run, i) && model_due(model, model->cq_at[i], false);
	return more && !model->reason[0];
}

/* Until nothing more is certain to come. */
static bool settle(struct run *run)
{
	const int64_t until_ns = now_ns() + patience_ns(run);

	while (settle_once(run)) {
		if (now_ns() > until_ns)
			return model_settled(&run->check->model);
	}
	return !run->check->model.reason[0];
}

/* Receives what is in the socket of a request queue. */
static bool receive_rest(struct run *run, uint8_t number)
{
	const struct model *model = &run->check->model;
	const struct model_rq *rq = model->rq_at[number];
	const struct call region = {.kind = CALL_REGISTER, .object = LAST_REGION, .repeat = 1};
	const struct call receive = {
		.kind = CALL_RECEIVE,
		.object = number,
		.repeat = 1,
		.region = LAST_REGION,
		.to = NOTHING,
		.a = MESSAGE_BYTES_MAX,
	};
	uint32_t before;

	if (!rq || !rq->live || !rq->halves[0].cq->live || rq->halves[0].limit == 0)
		return true;
	do_register(run, &region);
	do {
		before = model_undelivered(model, rq->socket);
		if (!feed(run) || !before)
			break;
		post_one(run, &receive);
		if (!feed(run) || !settle(run))
			break;
	} while (model_undelivered(model, rq->socket) < before);
	return model->reason[0] == '\0';
}

static bool close_rqs(struct run *run)
{
	for (uint8_t i = 0; i < RQS; i++) {
		const struct call call = {.kind = CALL_RQ_CLOSE, .object = i, .repeat = 1};
		const struct model_rq *rq = run->check->model.rq_at[i];

		if (!rq || !rq->live)
			continue;
		do_rq_close(run, &call);
		if (!feed(run))
			return false;
	}
	return settle(run);
}

static bool receive_plain_rest(struct run *run, uint8_t socket)
{
	const int64_t until_ns = now_ns() + patience_ns(run);

	if (run->sockets->fds[socket] < 0 ||
	    (run->stage->sim && socket_has_rqs(run->program, socket)))
		return true;
	while (model_undelivered(&run->check->model, socket)) {
		if (now_ns() > until_ns)
			break;
		if (receive_plainly(run, socket, false) >= 0 && !feed(run))
			return false;
	}
	return true;
}

static bool finish(struct run *run)
{
	if (!settle(run))
		return false;
	for (uint8_t i = 0; i < RQS; i++) {
		if (!receive_rest(run, i))
			return false;
	}
	if (!close_rqs(run))
		return false;
	for (uint8_t i = 0; i < SOCKETS; i++) {
		if (!receive_plain_rest(run, i))
			return false;
	}
	return check_finish(run->check);
}

/* Whatever has become of the program, nothing of it stays. */
static void put_away(struct run *run)
{
	for (int i = 0; i < RQS; i++) {
		if (run->rqs[i])
			regio_rq_close(run->rqs[i], 0);
	}
	for (int i = 0; i < CQS; i++) {
		if (run->cqs[i].handle)
			regio_cq_close(run->cqs[i].handle);
	}
	for (uint32_t i = 0; i < atomic_load(&run->registrations); i++) {
		if (run->region_live[i])
			regio_region_deregister(run->regions[i]);
	}
	for (uint8_t i = UDP_SOCKETS; i < SOCKETS; i++) {
		const struct model_stream *stream = &run->check->model.streams[i];

		/* sim may have in its hands what nobody has received. */
		run->spoilt[i] |= stream->unchecked || run->check->model.reason[0] ||
				  (run->used[i] && run->stage->sim);
	}
	for (uint32_t i = 0; i < run->check->model.messages_count; i++) {
		const struct model_message *message = &run->check->model.messages[i];

		/* Nobody knows whether its bytes are still to come. */
		if (!message->sent && !message->failed)
			run->spoilt[message->from] = true;
	}
	stage_clean(run->stage, run->sockets, run->spoilt);
}

bool stage_run(struct stage *stage, const struct program *program, struct history *history,
	       struct check *check)
{
	static struct run run;
	bool good;

	memset(&run, 0, offsetof(struct run, sends));
	memset(run.used, 0, sizeof(run) - offsetof(struct run, used));
	run.stage = stage;
	run.program = program;
	run.history = history;
	run.check = check;
	run.sockets = stage_prepare(stage, program);
	history->sim = stage->sim;
	history->lossy = stage->lossy;
	history->errors = stage->errors;
	history->threaded = stage->threaded;
	history->events_count = history->completions_count = history->data_count = 0;
	pthread_mutex_init(&run.lock, NULL);
	check_start(check, program, history);
	good = run_parts(&run) && finish(&run);
	feed(&run);
	put_away(&run);
	pthread_mutex_destroy(&run.lock);
	return good && !check->model.reason[0];
}

void stage_set_shrinking(struct stage *stage)
{
	stage->shrinking = true;
}
