/* SPDX-License-Identifier: MIT */
/*
 * The threads of a side that has several, and their accounts.
 */
#include "cores.h"

#include <sys/socket.h>
#include <time.h>

#include "placement.h"

struct message {
	struct message_header header;
	uint64_t sender;
};

/* Of the process; a run has one side in each. */
static struct core cores[CORES_MAX];
static _Atomic uint32_t cores_ready;
static core_fn *core_function;

static void *core_main(void *argument)
{
	struct core *core = argument;

	placement_pin(core->side->params.core_cpus[core->index]);
	core_function(core);
	return NULL;
}

void cores_run(struct bench_side *side, core_fn *function)
{
	core_function = function;
	for (uint32_t i = 0; i < side->params.workers; i++)
		cores[i] = (struct core){.side = side, .index = i};
	for (uint32_t i = 1; i < side->params.workers; i++) {
		int error = pthread_create(&cores[i].thread, NULL, core_main, &cores[i]);

		if (error)
			side_fail_call(side, "pthread_create", error);
	}
	core_main(&cores[0]);
	for (uint32_t i = 1; i < side->params.workers; i++)
		pthread_join(cores[i].thread, NULL);
}

void core_start(struct core *core)
{
	struct bench_side *side = core->side;

	atomic_fetch_add(&cores_ready, 1);
	if (core->index == 0) {
		while (atomic_load(&cores_ready) < side->params.workers)
			sched_yield();
		side_start(side);
		return;
	}
	while (atomic_load(&side->shared->phase) == PHASE_SETUP)
		sched_yield();
}

/* The first thread is that of the side, and adds up what all have done. */
static void add_up(struct bench_side *side)
{
	uint64_t messages = 0;

	side->lost = side->reordered = 0;
	for (uint32_t i = 0; i < side->params.workers; i++) {
		messages += atomic_load_explicit(&cores[i].messages, memory_order_relaxed);
		side->lost += atomic_load_explicit(&cores[i].lost, memory_order_relaxed);
		side->reordered += atomic_load_explicit(&cores[i].elsewhere, memory_order_relaxed);
	}
	if (side->role == BENCH_TX)
		side->next_sequence = messages;
	else
		side->received = messages;
}

bool core_running(struct core *core)
{
	struct bench_side *side = core->side;

	if (core->index > 0)
		return atomic_load_explicit(&side->shared->phase, memory_order_relaxed) !=
		       PHASE_STOP;
	add_up(side);
	return side_running(side);
}

static void add(_Atomic uint64_t *counter, uint64_t count)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + count,
			      memory_order_relaxed);
}

void core_read(struct core *core, const void *data, uint32_t bytes)
{
	struct message message;

	if (bytes < sizeof(message))
		return;
	memcpy(&message, data, sizeof(message));
	add(&core->messages, 1);
	if (message.sender != core->index) {
		add(&core->elsewhere, 1);
		return;
	}
	if (message.header.sequence > core->expected)
		add(&core->lost, message.header.sequence - core->expected);
	core->expected = message.header.sequence + 1;
}

/* ---- The load ------------------------------------------------------------- */

/* A burst at a time, because a sender that shares a CPU with a server has to sleep. */
#define BURST 8u

static void sleep_until(uint64_t wanted_ns)
{
	const struct timespec until = {.tv_sec = (time_t)(wanted_ns / 1000000000u),
				       .tv_nsec = (long)(wanted_ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void send_burst(struct core *core, uint8_t *data)
{
	struct message message = {.sender = core->index};

	for (uint32_t i = 0; i < BURST; i++) {
		message.header.sequence = core->expected++;
		memcpy(data, &message, sizeof(message));
		send(core->side->fds[core->index], data, core->side->params.size, MSG_DONTWAIT);
		add(&core->messages, 1);
	}
}

static void load(struct core *core)
{
	uint8_t *data = side_alloc_messages(core->side, 1);
	uint64_t due_ns;

	core_start(core);
	due_ns = clock_now_ns();
	while (core_running(core)) {
		send_burst(core, data);
		due_ns += BURST * UINT64_C(1000000000) / core->side->params.rate;
		sleep_until(due_ns);
	}
}

void cores_load(struct bench_side *side)
{
	cores_run(side, load);
}
