/* SPDX-License-Identifier: MIT */
/*
 * What an implementation sees of a run. A run has two sides, each a process of
 * its own on a core of its own: the side that sends first (sender, client) and
 * the side that is sent to (receiver, server). Both get a struct bench_side with
 * their sockets and the parameters of the row, and account for what they do
 * through the few calls here and in message.h.
 *
 * A side function sets itself up, calls side_start(), and then works for as
 * long as side_running() says so, asking once per batch:
 *
 *	side_start(side);
 *	while (side_running(side)) {
 *		bytes = recv(side->fds[0], buffer, side->params.stride, 0);
 *		message_read(side, buffer, bytes);
 *	}
 *
 * A side may have a second thread; side_start_thread() puts it where it belongs.
 *
 * A side that sleeps in the kernel at the end is woken by one-byte datagrams,
 * which message_read() ignores; streams are shut down then, and side_fail() ends a
 * side quietly. A side function need not clean up: its process ends when it returns.
 */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "calls.h"
#include "clock.h"
#include "histogram.h"

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define BENCH_CACHE_LINE_BYTES 128
/* The most hosts of a case that has them. */
#define BENCH_HOSTS_MAX 64u
/* The most threads of a side. */
#define BENCH_WORKERS_MAX 4u
#define BENCH_FLOOD_ALL UINT32_MAX

enum bench_role { BENCH_TX, BENCH_RX, BENCH_ROLES };

enum bench_phase { PHASE_SETUP, PHASE_WARMUP, PHASE_MEASURE, PHASE_STOP };

/* Parameters of one row, the same for every implementation in it. */
struct bench_params {
	uint32_t size;	 /* bytes of a message; the most where sizes vary */
	uint32_t stride; /* distance between message buffers, not below 'size' */
	uint32_t batch;	 /* messages per commit, for those who join messages */
	uint32_t sockets;
	uint32_t rate;	/* messages per second of a paced sender */
	uint32_t flood; /* messages per second beside them; BENCH_FLOOD_ALL: all that can be sent */
	uint32_t hosts; /* the sockets are those of so many hosts, in this order */
	uint32_t active;  /* sockets that get messages, of cases with hosts */
	uint32_t load;	  /* per cent of the capacity that 'rate' is made of; 0: it is given */
	uint32_t workers; /* threads of each side, on core_cpus */
	int core_cpus[BENCH_WORKERS_MAX];
	bool apart; /* the flood has a host of its own */
	bool sizes_vary;
	bool streams;  /* bytes arrive, and messages in pieces */
	bool verify;   /* seal each message and check it on receipt */
	bool spin;     /* poll without sleeping; a side that cannot takes it back */
	bool one_core; /* both sides share a core */
};

/* A side's clocks and counters at one moment. */
struct side_mark {
	uint64_t wall_ns;
	uint64_t cpu_ns;    /* of the process, whatever threads it has */
	uint64_t thread_ns; /* of that, the thread that runs the side function */
	uint64_t busy_ns;
	uint64_t messages; /* tx: sent; rx: received, or requests served */
	uint64_t lost;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t corrupted;
};

/* What a side leaves behind, in shared memory. */
struct side_record {
	_Alignas(BENCH_CACHE_LINE_BYTES) _Atomic uint32_t ready;
	_Atomic uint32_t window_open; /* the measured window, for the system call tracer */
	_Atomic uint64_t progress;    /* requests made so far, of a side that tells */
	struct calls_count calls;     /* inside it, where the side has a counter */
	bool spins;
	bool yields; /* so that somebody else may have had the core while it was busy */
	struct side_mark start;
	struct side_mark end;
	/* Of a receiver of many sockets. */
	uint64_t open_ns; /* to open all queues */
	uint64_t close_ns;
	uint64_t queue_bytes;  /* memory of one */
	uint64_t instructions; /* outside the kernel, in the window; 0: not counted */
	uint64_t host_messages[BENCH_HOSTS_MAX]; /* received, in the window */
	char error[256];
	struct histogram latency;
};

struct bench_shared {
	/* On a line of its own: both sides read it all the time. */
	_Alignas(BENCH_CACHE_LINE_BYTES) _Atomic uint32_t phase;
	/* When message 0 of a paced sender is due; set before the first phase. */
	_Alignas(BENCH_CACHE_LINE_BYTES) _Atomic uint64_t pace_start_ns;
	struct side_record records[BENCH_ROLES];
};

struct bench_impl;
struct gaps;

/* The order of the messages that arrive on one path. */
struct message_track {
	uint64_t expected_sequence;
	struct gaps *gaps;
};

struct bench_side {
	enum bench_role role;
	const struct bench_impl *impl;
	struct bench_params params;
	const int *fds; /* this side's sockets */
	uint32_t fd_count;
	const int *peer_fds; /* the other side's, for their names */
	uint32_t peer_fd_count;
	int instruction_counter; /* -1: none */
	int cpu;
	int thread_cpu; /* for a second thread, if the side has one; may be 'cpu' */
	bool yields;	/* somebody else works on 'cpu': a spinning side must yield */
	uint32_t phase; /* the last phase this side has seen */
	struct bench_shared *shared;
	struct side_record *record;
	const struct calls_counter *counter; /* of its system calls, or NULL */
	const uint16_t *sizes;		     /* of messages that vary, or NULL */
	struct message_track track;	     /* of messages from the one sender there is */

	uint64_t next_sequence; /* of the next message to send */
	uint64_t pending;	/* made, and not known to be taken by the kernel */
	uint64_t received;	/* distinct messages, or requests served */
	uint64_t lost;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t corrupted;
	uint32_t served_bytes; /* of the request that is not whole yet */
	uint64_t busy_ns;      /* time a paced sender spends sending */
};

typedef void bench_side_fn(struct bench_side *side);

/* Says that this side is set up, and returns when both sides are. */
void side_start(struct bench_side *side);

/* Takes note of a new phase; false when it is the last. */
bool side_enter_phase(struct bench_side *side);

/* False when it is time to return. */
static inline bool side_running(struct bench_side *side)
{
	uint32_t phase = atomic_load_explicit(&side->shared->phase, memory_order_relaxed);

	return likely(phase == side->phase) || side_enter_phase(side);
}

/* For a spinning side that found nothing. */
static inline void side_relax(const struct bench_side *side)
{
	if (side->yields)
		sched_yield();
#if defined(__x86_64__) || defined(__i386__)
	else
		__builtin_ia32_pause();
#endif
}

/* Accounts for what carries no sequence number of its own: requests served, polls made. */
static inline void side_count(struct bench_side *side, uint64_t operations)
{
	if (side->role == BENCH_TX)
		side->next_sequence += operations;
	else
		side->received += operations;
}

/* The same for a server of streams, by the bytes it has answered. */
static inline void side_count_bytes(struct bench_side *side, uint32_t bytes)
{
	side->served_bytes += bytes;
	for (; side->served_bytes >= side->params.size; side->served_bytes -= side->params.size)
		side->received++;
}

/*
 * One message went to the other side and back. Returns the time, which is
 * where the next round trip begins.
 */
static inline uint64_t side_round_trip(struct bench_side *side, uint64_t started_ns)
{
	uint64_t now_ns = clock_now_ns();

	histogram_record(&side->record->latency, now_ns - started_ns);
	return now_ns;
}

/*
 * Ends the process and the run, with a reason for the user. What fails after the
 * end of the run is no failure: streams are shut down then.
 */
_Noreturn void side_fail(struct bench_side *side, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for a system call that failed: 'error' is a positive errno value. */
_Noreturn void side_fail_call(struct bench_side *side, const char *call, int error);

/*
 * Starts the side's second thread on thread_cpu; it ends with the process. Where
 * both are on one core, the side yields from now on.
 */
void side_start_thread(struct bench_side *side, void *(*function)(void *), void *argument);

/* The same for a thread that somebody else starts. True when both are on one core. */
bool side_place_thread(struct bench_side *side);

/* Zeroed pages, touched; ends the run when there are none. */
void *side_alloc(struct bench_side *side, uint64_t bytes);

/* 'count' message buffers, params.stride apart. */
static inline uint8_t *side_alloc_messages(struct bench_side *side, uint32_t count)
{
	return side_alloc(side, (uint64_t)count * side->params.stride);
}

#endif
