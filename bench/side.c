/* SPDX-License-Identifier: MIT */
/*
 * The part of a side that is the same in every implementation: start, the
 * measured window, failure, memory.
 */
#include "side.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "instructions.h"

static void take_mark(const struct bench_side *side, struct side_mark *ret_mark)
{
	*ret_mark = (struct side_mark){
		.wall_ns = clock_now_ns(),
		.thread_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID),
		.cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID),
		.busy_ns = side->busy_ns,
		.messages = side->role == BENCH_TX ? side->next_sequence - side->pending
						   : side->received,
		.lost = side->lost,
		.duplicated = side->duplicated,
		.reordered = side->reordered,
		.corrupted = side->corrupted,
	};
}

void side_start(struct bench_side *side)
{
	struct bench_shared *shared = side->shared;

	side->record->spins = side->params.spin;
	side->record->yields = side->yields;
	atomic_store(&side->record->ready, 1);
	while (atomic_load(&shared->phase) == PHASE_SETUP)
		syscall(SYS_futex, &shared->phase, FUTEX_WAIT, PHASE_SETUP, NULL, NULL, 0);
	side_running(side);
}

static void close_window(struct bench_side *side)
{
	if (side->counter)
		calls_end(side->counter, &side->record->calls);
	if (side->instruction_counter >= 0)
		side->record->instructions = instructions_end(side->instruction_counter);
	take_mark(side, &side->record->end);
}

bool side_enter_phase(struct bench_side *side)
{
	struct side_record *record = side->record;
	uint32_t phase = atomic_load(&side->shared->phase);

	if (phase == PHASE_STOP) {
		/* side->phase stays behind, so that every later question gets the same answer. */
		if (atomic_exchange(&record->window_open, 0))
			close_window(side);
		return false;
	}
	side->phase = phase;
	if (phase == PHASE_MEASURE) {
		histogram_clear(&record->latency);
		memset(record->host_messages, 0, sizeof(record->host_messages));
		take_mark(side, &record->start);
		atomic_store(&record->window_open, 1);
		if (side->counter)
			calls_begin(side->counter);
		if (side->instruction_counter >= 0)
			instructions_begin(side->instruction_counter);
	}
	return true;
}

void side_fail(struct bench_side *side, const char *format, ...)
{
	va_list arguments;

	if (!side_running(side))
		_exit(0);
	va_start(arguments, format);
	vsnprintf(side->record->error, sizeof(side->record->error), format, arguments);
	va_end(arguments);
	_exit(1);
}

void side_fail_call(struct bench_side *side, const char *call, int error)
{
	side_fail(side, "%s: %s", call, strerror(error));
}

bool side_place_thread(struct bench_side *side)
{
	bool together = side->thread_cpu == side->cpu;

	if (together)
		side->yields = true;
	return together;
}

void side_start_thread(struct bench_side *side, void *(*function)(void *), void *argument)
{
	pthread_t thread;
	cpu_set_t set;
	int error;

	side_place_thread(side);
	error = pthread_create(&thread, NULL, function, argument);
	if (error)
		side_fail_call(side, "pthread_create", error);
	CPU_ZERO(&set);
	CPU_SET(side->thread_cpu, &set);
	error = pthread_setaffinity_np(thread, sizeof(set), &set);
	if (error)
		side_fail_call(side, "pthread_setaffinity_np", error);
}

void *side_alloc(struct bench_side *side, uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		side_fail_call(side, "mmap", errno);
	return memory;
}
