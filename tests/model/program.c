/* SPDX-License-Identifier: MIT */
/*
 * program.c - making random programs, and writing them as calls
 */
#include "program.h"

#include <string.h>

#include <regio.h>

/* Kept within what the socket buffers of a standard system hold, so that nothing may be lost. */
#define MESSAGES_MAX 150u

struct generator {
	struct program *program;
	uint64_t state;
	uint32_t messages; /* so far */
	uint8_t part, thread;
};

/* ---- Chance ---- */

/* splitmix64 */
static uint64_t random_next(struct generator *generator)
{
	uint64_t word = generator->state += UINT64_C(0x9E3779B97F4A7C15);

	word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
	return word ^ word >> 31;
}

static uint32_t below(struct generator *generator, uint32_t limit)
{
	return (uint32_t)((random_next(generator) >> 32) * limit >> 32);
}

static bool chance(struct generator *generator, uint32_t percent)
{
	return below(generator, 100) < percent;
}

static uint32_t one_of(struct generator *generator, const uint32_t *values, uint32_t count)
{
	return values[below(generator, count)];
}

#define ONE_OF(generator, ...)                                                                     \
	one_of(generator, (const uint32_t[]){__VA_ARGS__},                                         \
	       sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/*
 * Numbers of objects: low ones are more frequent, so that calls meet. In part 1 the number decides
 * about the thread, so it is chosen by that.
 */
static uint8_t pick(struct generator *generator, uint32_t count)
{
	uint32_t number = below(generator, count);

	return (uint8_t)(chance(generator, 40) ? below(generator, number + 1) : number);
}

/* The number whose turn it is, where the object's calls belong to thread (number + shift) % 3. */
static uint8_t pick_own(struct generator *generator, uint32_t count, uint32_t shift)
{
	uint8_t number;

	do
		number = pick(generator, count);
	while (generator->part == 1 && (number + shift) % THREADS != generator->thread);
	return number;
}

/* ---- Calls ---- */

static struct call *add(struct generator *generator, enum call_kind kind)
{
	struct program *program = generator->program;
	struct call *call = &program->calls[program->calls_count++];

	*call = (struct call){
		.kind = (uint8_t)kind,
		.part = generator->part,
		.thread = generator->thread,
		.repeat = 1,
	};
	return call;
}

static uint32_t message_length(struct generator *generator, bool may_be_empty)
{
	if (may_be_empty && chance(generator, 12))
		return 0;
	if (chance(generator, 15))
		return 1 + below(generator, MESSAGE_BYTES_MAX);
	return ONE_OF(generator, 1, 2, 8, 16, 64, 64, 64, 100, 512, 513, MESSAGE_BYTES_MAX);
}

static uint8_t repeat(struct generator *generator)
{
	return (uint8_t)(chance(generator, 50) ? 1 : 1 + below(generator, REPEAT_MAX));
}

static uint32_t request_flags(struct generator *generator)
{
	return (chance(generator, 45) ? REGIO_MSG_DEFER : 0) |
	       (chance(generator, 15) ? REGIO_MSG_DONT_NOTIFY : 0);
}

/* Some calls are wrong in one more way. */
static void spoil(struct generator *generator, struct call *call, uint32_t kinds)
{
	if (chance(generator, 4))
		call->wrong = (uint8_t)(1 + below(generator, kinds - 1));
}

/* Of no chance of its own, so that a seed stays the program it was. NULL is not for one call. */
static bool together(const struct generator *generator, const struct call *call)
{
	return call->repeat > 1 && call->wrong != WRONG_POINTER && generator->state >> 33 & 1;
}

static void add_receive(struct generator *generator)
{
	struct call *call = add(generator, CALL_RECEIVE);
	uint8_t socket;

	call->to = NOTHING;
	call->object = pick_own(generator, RQS, 0);
	socket = generator->program->rq_socket[call->object];
	call->region = pick(generator, 2);
	call->a = message_length(generator, has_one_sender(socket));
	if (chance(generator, 60))
		call->a = chance(generator, 70) ? 64 : MESSAGE_BYTES_MAX;
	call->repeat = repeat(generator);
	call->flags = request_flags(generator);
	call->extra = chance(generator, 20);
	if (!is_udp(socket) && chance(generator, 20))
		call->flags |= REGIO_MSG_WAITALL;
	if (chance(generator, 5))
		call->flags = REGIO_MSG_COMMIT_ONLY;
	spoil(generator, call, WRONGS);
	call->together = together(generator, call);
}

static bool take_messages(struct generator *generator, struct call *call)
{
	call->repeat = repeat(generator);
	if (generator->messages + call->repeat > MESSAGES_MAX) {
		generator->program->calls_count--;
		return false;
	}
	generator->messages += call->repeat;
	return true;
}

static void add_commit(struct generator *generator)
{
	struct call *call = add(generator, CALL_SEND);

	/* The one call that any thread may make. */
	call->object = pick(generator, RQS);
	call->to = NOTHING;
	call->flags = REGIO_MSG_COMMIT_ONLY;
}

static void add_send(struct generator *generator)
{
	const struct program *program = generator->program;
	struct call *call = add(generator, CALL_SEND);
	uint8_t socket;

	call->object = pick_own(generator, RQS, 1);
	socket = program->rq_socket[call->object];
	call->to = NOTHING;
	if (is_udp(socket) &&
	    (socket >= 2 ? !chance(generator, 5)
			 : program->plain_lane[peer_of_socket(socket)] || chance(generator, 20)))
		call->to = (uint8_t)(2 + below(generator, 2));
	call->region = pick(generator, 2);
	call->a = message_length(generator, call->to == NOTHING && has_one_sender(socket));
	call->flags = request_flags(generator);
	spoil(generator, call, WRONGS);
	if (take_messages(generator, call))
		call->together = together(generator, call);
}

static void add_plain_send(struct generator *generator)
{
	const struct program *program = generator->program;
	struct call *call = add(generator, CALL_PLAIN_SEND);

	call->to = NOTHING;
	do
		call->object = pick_own(generator, SOCKETS, 0);
	while (!is_udp(call->object) && socket_has_rqs(program, call->object));
	if (is_udp(call->object) &&
	    (call->object >= 2 || !program->plain_lane[peer_of_socket(call->object)]))
		call->to = (uint8_t)(2 + below(generator, 2));
	call->a = message_length(generator, call->to == NOTHING && is_udp(call->object));
	if (!is_udp(call->object) && call->a == 0)
		call->a = 1;
	/* A train. */
	call->b = chance(generator, 40);
	if (call->b && call->a > 512)
		call->a = 64;
	take_messages(generator, call);
}

static void add_plain_receive(struct generator *generator)
{
	struct call *call = add(generator, CALL_PLAIN_RECEIVE);

	call->object = pick_own(generator, SOCKETS, 0);
	if (socket_has_rqs(generator->program, call->object))
		generator->program->calls_count--;
}

static void add_cq_create(struct generator *generator)
{
	struct call *call = add(generator, CALL_CQ_CREATE);

	call->object = pick(generator, CQS);
	call->a = ONE_OF(generator, 1, 4, 16, 32, 64, 64, 64, 128);
	/* The driver, and whether it calls. */
	call->b = below(generator, DRIVERS * 2);
	spoil(generator, call, WRONG_FLAG);
}

static void add_rq_create(struct generator *generator)
{
	struct call *call = add(generator, CALL_RQ_CREATE);

	call->object = pick(generator, RQS);
	call->cqs[0] = pick(generator, CQS);
	call->cqs[1] = chance(generator, 50) ? call->cqs[0] : pick(generator, CQS);
	call->a = ONE_OF(generator, 0, 1, 2, 4, 8, 16, 16, 24);
	call->b = ONE_OF(generator, 0, 1, 2, 4, 8, 16, 16, 24);
	call->flags = ONE_OF(generator, REGIO_TRAINS_AUTO, REGIO_TRAINS_AUTO, REGIO_TRAINS_AUTO,
			     REGIO_TRAINS_SEND_ONLY, REGIO_TRAINS_OFF);
	spoil(generator, call, WRONG_WAITALL);
}

static void add_on_rq(struct generator *generator, enum call_kind kind)
{
	struct call *call = add(generator, kind);

	call->object = pick(generator, RQS);
	switch (kind) {
	case CALL_RQ_RESIZE:
		call->a = ONE_OF(generator, 0, 1, 4, 16, 24, 32);
		call->b = ONE_OF(generator, 0, 1, 4, 16, 24, 32);
		spoil(generator, call, WRONG_FLAG);
		break;
	case CALL_RQ_CANCEL:
		call->flags = 1 + below(generator, 3);
		if (generator->part == 1) {
			bool send = chance(generator, 50);

			call->flags = send ? REGIO_HALF_SEND : REGIO_HALF_RECEIVE;
			call->object = pick_own(generator, RQS, send);
		}
		if (chance(generator, 4))
			call->flags = 0;
		break;
	default:
		if (chance(generator, 4))
			call->wrong = WRONG_FLAG;
		break;
	}
}

static void add_on_cq(struct generator *generator, enum call_kind kind)
{
	struct call *call = add(generator, kind);

	call->object = pick_own(generator, CQS, 0);
	if (kind == CALL_CQ_RESIZE)
		call->a = ONE_OF(generator, 1, 8, 32, 64, 100, 128);
	if (kind == CALL_DEQUEUE)
		call->a = ONE_OF(generator, 0, 1, 2, 8, 32, 64, 64);
	if (kind == CALL_WAIT)
		call->a = ONE_OF(generator, 0, 1, 1, 2, 8);
	if (kind == CALL_CQ_RESIZE)
		spoil(generator, call, WRONG_FLAG);
	if (kind == CALL_DEQUEUE && chance(generator, 3))
		call->wrong = WRONG_POINTER;
}

static void add_region(struct generator *generator, enum call_kind kind)
{
	struct call *call = add(generator, kind);

	call->object = pick_own(generator, REGIONS, 0);
	if (kind == CALL_REGISTER)
		spoil(generator, call, WRONG_FLAG);
}

static void add_stream_end(struct generator *generator, enum call_kind kind)
{
	struct call *call = add(generator, kind);

	call->object = (uint8_t)(UDP_SOCKETS + below(generator, SOCKETS - UDP_SOCKETS));
	if (kind == CALL_RESET && socket_has_rqs(generator->program, call->object))
		generator->program->calls_count--;
}

/* What moves messages. */
static void add_traffic(struct generator *generator)
{
	uint32_t dice = below(generator, 100);

	if (dice < 24)
		add_receive(generator);
	else if (dice < 46)
		add_send(generator);
	else if (dice < 49)
		add_commit(generator);
	else if (dice < 66)
		add_plain_send(generator);
	else if (dice < 82)
		add_on_cq(generator, CALL_DEQUEUE);
	else if (dice < 88)
		add_on_cq(generator, CALL_NOTIFY);
	else if (dice < 94 || generator->part == 1)
		add_on_cq(generator, CALL_WAIT);
	else
		add_on_cq(generator, CALL_AWAIT);
}

/* What threads may do beside each other, or what nobody else may be beside. */
static void add_change(struct generator *generator)
{
	uint32_t dice = below(generator, generator->part == 1 ? 50 : 100);

	if (dice < 10)
		add_region(generator, CALL_REGISTER);
	else if (dice < 16)
		add_region(generator, CALL_DEREGISTER);
	else if (dice < 25)
		add_on_cq(generator, CALL_CQ_RESIZE);
	else if (dice < 39)
		add_on_rq(generator, CALL_RQ_CANCEL);
	else if (dice < 50)
		add_plain_receive(generator);
	else if (dice < 59)
		add_cq_create(generator);
	else if (dice < 63)
		add_on_cq(generator, CALL_CQ_CLOSE);
	else if (dice < 76)
		add_rq_create(generator);
	else if (dice < 86)
		add_on_rq(generator, CALL_RQ_RESIZE);
	else if (dice < 95)
		add_on_rq(generator, CALL_RQ_CLOSE);
	else if (dice < 99)
		add_stream_end(generator, CALL_SHUTDOWN);
	else
		add_stream_end(generator, CALL_RESET);
}

/* ---- Programs ---- */

/* Objects to begin with; what random calls would make of nothing is mostly errors. */
static void add_beginning(struct generator *generator)
{
	uint8_t count = (uint8_t)(1 + below(generator, 2));

	for (uint8_t i = 0; i < 2; i++)
		add(generator, CALL_REGISTER)->object = i;
	for (uint8_t i = 0; i < 2; i++) {
		add_cq_create(generator);
		generator->program->calls[generator->program->calls_count - 1].object = i;
	}
	for (uint8_t i = 0; i < count; i++) {
		add_rq_create(generator);
		generator->program->calls[generator->program->calls_count - 1].object = i;
	}
}

static void add_calls(struct generator *generator, uint32_t count, uint32_t changes_percent)
{
	struct program *program = generator->program;
	uint32_t until = program->calls_count + count;

	/* Some come to nothing. */
	for (uint32_t tries = 0; program->calls_count < until && tries < 4 * count; tries++) {
		if (chance(generator, changes_percent))
			add_change(generator);
		else
			add_traffic(generator);
	}
}

static void choose_sockets(struct generator *generator)
{
	struct program *program = generator->program;
	const bool udp = chance(generator, 60);

	for (int i = 0; i < RQS; i++) {
		bool this_udp = chance(generator, 85) ? udp : !udp;

		program->rq_socket[i] =
			(uint8_t)(this_udp ? below(generator, UDP_SOCKETS)
					   : UDP_SOCKETS + below(generator, SOCKETS - UDP_SOCKETS));
	}
	for (int i = 0; i < 2; i++)
		program->plain_lane[i] = chance(generator, 50);
}

void program_generate(struct program *ret_program, uint64_t seed, bool threads)
{
	struct generator generator = {.program = ret_program, .state = seed * 2 + threads};

	memset(ret_program, 0, sizeof(*ret_program));
	ret_program->seed = seed;
	ret_program->ipv6 = seed & 1;
	ret_program->threads = threads;
	choose_sockets(&generator);
	add_beginning(&generator);
	if (!threads) {
		add_calls(&generator, 10 + below(&generator, 45), 5 + below(&generator, 25));
		return;
	}
	add_calls(&generator, 2 + below(&generator, 8), 10);
	generator.part = 1;
	for (uint8_t i = 0; i < THREADS; i++) {
		generator.thread = i;
		add_calls(&generator, 2 + below(&generator, 10), below(&generator, 20));
	}
	generator.part = 2;
	generator.thread = 0;
	add_calls(&generator, 2 + below(&generator, 8), 30);
}

/* ---- Writing ---- */

static const char *const kind_names[CALL_KINDS] = {
	[CALL_REGISTER] = "regio_region_register",
	[CALL_DEREGISTER] = "regio_region_deregister",
	[CALL_CQ_CREATE] = "regio_cq_create",
	[CALL_CQ_RESIZE] = "regio_cq_resize",
	[CALL_CQ_CLOSE] = "regio_cq_close",
	[CALL_RQ_CREATE] = "regio_rq_create",
	[CALL_RQ_RESIZE] = "regio_rq_resize",
	[CALL_RQ_CANCEL] = "regio_rq_cancel",
	[CALL_RQ_CLOSE] = "regio_rq_close",
	[CALL_RECEIVE] = "regio_receive",
	[CALL_SEND] = "regio_send",
	[CALL_DEQUEUE] = "regio_cq_dequeue",
	[CALL_NOTIFY] = "regio_cq_notify",
	[CALL_WAIT] = "regio_cq_wait",
	[CALL_AWAIT] = "await the signal of",
	[CALL_PLAIN_SEND] = "send",
	[CALL_PLAIN_RECEIVE] = "recv",
	[CALL_SHUTDOWN] = "shutdown",
	[CALL_RESET] = "reset",
	[CALL_SIGNAL] = "signal of",
};

static const char *const wrong_names[WRONGS] = {
	[WRONG_POINTER] = "NULL",
	[WRONG_SIZE] = "a size out of range",
	[WRONG_FLAG] = "an unknown flag",
	[WRONG_WAITALL] = "WAITALL where it is not allowed",
	[WRONG_COMMIT] = "COMMIT_ONLY and more",
};

static void print_flags(uint32_t flags, FILE *out)
{
	static const char *const names[] = {"DONT_NOTIFY", "DEFER", "WAITALL", "COMMIT_ONLY"};

	for (int i = 0; i < 4; i++) {
		if (flags & 1u << i)
			fprintf(out, ", %s", names[i]);
	}
}

static void print_request(const struct call *call, FILE *out)
{
	fprintf(out, "rq%u", call->object);
	if (!(call->flags & REGIO_MSG_COMMIT_ONLY))
		fprintf(out, ", region%u, %u bytes", call->region, call->a);
	print_flags(call->flags, out);
	if (call->kind == CALL_SEND && call->to != NOTHING)
		fprintf(out, ", to socket%u", call->to);
	if (call->kind == CALL_RECEIVE && call->extra)
		fprintf(out, ", with address and flags");
}

static void print_arguments(const struct program *program, const struct call *call, FILE *out)
{
	static const char *const trains[] = {"auto", "send only", "off"};

	switch (call->kind) {
	case CALL_REGISTER:
	case CALL_DEREGISTER:
		fprintf(out, "region%u", call->object);
		break;
	case CALL_CQ_CREATE:
		fprintf(out, "cq%u, %u, driver%u%s", call->object, call->a, call->b % DRIVERS,
			call->b / DRIVERS ? ", calls" : "");
		break;
	case CALL_CQ_RESIZE:
	case CALL_DEQUEUE:
	case CALL_WAIT:
		fprintf(out, "cq%u, %u", call->object, call->a);
		break;
	case CALL_CQ_CLOSE:
	case CALL_NOTIFY:
	case CALL_AWAIT:
	case CALL_SIGNAL:
		fprintf(out, "cq%u", call->object);
		break;
	case CALL_RQ_CREATE:
		fprintf(out, "rq%u, socket%u, %u, %u, cq%u, cq%u, trains %s", call->object,
			program->rq_socket[call->object], call->a, call->b, call->cqs[0],
			call->cqs[1], trains[call->flags]);
		break;
	case CALL_RQ_RESIZE:
		fprintf(out, "rq%u, %u, %u", call->object, call->a, call->b);
		break;
	case CALL_RQ_CANCEL:
		fprintf(out, "rq%u%s%s", call->object,
			call->flags & REGIO_HALF_RECEIVE ? ", receives" : "",
			call->flags & REGIO_HALF_SEND ? ", sends" : "");
		break;
	case CALL_RQ_CLOSE:
		fprintf(out, "rq%u", call->object);
		break;
	case CALL_RECEIVE:
	case CALL_SEND:
		print_request(call, out);
		break;
	case CALL_PLAIN_SEND:
		fprintf(out, "socket%u, %u bytes", call->object, call->a);
		if (call->to != NOTHING)
			fprintf(out, ", to socket%u", call->to);
		if (call->b && is_udp(call->object))
			fprintf(out, ", as one train");
		break;
	default:
		fprintf(out, "socket%u", call->object);
		break;
	}
}

void call_print(const struct program *program, const struct call *call, FILE *out)
{
	fprintf(out, "%s(", kind_names[call->kind]);
	print_arguments(program, call, out);
	fprintf(out, ")");
	if (call->repeat > 1)
		fprintf(out, " %u times%s", call->repeat, call->together ? " in one call" : "");
	if (call->wrong)
		fprintf(out, " with %s", wrong_names[call->wrong]);
}

void program_print(const struct program *program, FILE *out)
{
	static const char *const parts[] = {"before", "beside", "after"};

	for (uint32_t i = 0; i < program->calls_count; i++) {
		const struct call *call = &program->calls[i];

		fprintf(out, "    ");
		if (program->threads && call->part == 1)
			fprintf(out, "[thread %u] ", call->thread);
		else if (program->threads)
			fprintf(out, "[%s] ", parts[call->part]);
		call_print(program, call, out);
		fputc('\n', out);
	}
}
