/* SPDX-License-Identifier: MIT */
/*
 * The io_uring ring of a thread: it polls the epoll sets of engines and executes batches of
 * operations. Only that thread may use it.
 *
 * The functions return errors of the ring. Those of operations are in their results, which the
 * operations have even if the ring fails.
 */
#ifndef REGIO_ENGINE_RING_H
#define REGIO_ENGINE_RING_H

#include <liburing.h>

#include "engine/engine.h"

/* The number of engines of a process that rings can poll; others are polled by a system call. */
#define REGIOI_RING_PLACES 64u

/* The core executes at most 64 operations at a time. */
#define REGIOI_RING_ENTRIES 128u

/*
 * A ring's poll of the epoll set of one engine. It saves time only if the engine is polled again
 * and again and has no events. So polls that found nothing are counted until it is armed, and
 * sleeps and polls that found something are counted until it is dropped.
 */
struct regioi_ring_poll {
	uint64_t serial;	/* of the engine */
	uint32_t empty_polls;	/* in a row */
	uint32_t useful_in_row; /* sleeps, and polls that found something */
	bool armed;
	bool fired; /* completed, and the epoll set not polled since */
};

struct regioi_ring {
	struct io_uring io;
	bool flagged; /* IORING_SQ_TASKRUN was set at the last look, and not acted on since */
	struct regioi_ring_poll polls[REGIOI_RING_PLACES];
	bool left; /* entries of a call that failed are still in the ring */
	/* The entries prepared for the next submission, in order. */
	uint32_t entries_count;
	struct io_uring_sqe *entries[REGIOI_RING_ENTRIES];
};

/* The calling thread's ring, or NULL. */
extern _Thread_local __attribute__((tls_model("initial-exec"))) struct regioi_ring *regioi_ring_own;

/* Creates the ring of a thread that has none. Returns NULL if it cannot have one. */
struct regioi_ring *regioi_ring_make(void);
/*
 * A filter may allow creating a ring but not using it: closes the calling thread's ring after a
 * permanent error. Returns whether the ring still exists.
 */
bool regioi_ring_survives(int error);
/* In a forked child: forgets the ring of the thread that forked, which belongs to the parent. */
void regioi_ring_fork_child(void);

/*
 * Start, or stop, reporting events of 'fd', an epoll set, in 'place'. Returns an error of the ring.
 */
int regioi_ring_arm(struct regioi_ring *ring, uint32_t place, uint64_t serial, int fd);
int regioi_ring_disarm(struct regioi_ring *ring, uint32_t place);
/* Processes the ring's completions. */
void regioi_ring_look(struct regioi_ring *ring);
/* As an engine's execute. Returns an error of the ring. */
int regioi_ring_execute(struct regioi_ring *ring, struct regioi_op *ops, uint32_t ops_count);

static inline bool regioi_ring_task_work_waits(const struct regioi_ring *ring)
{
	return IO_URING_READ_ONCE(*ring->io.sq.kflags) & IORING_SQ_TASKRUN;
}

/* ---- For the trial ---- */

int regioi_ring_open(struct io_uring *io);
void regioi_ring_unmap(struct io_uring *io);
/* The next entry of the ring, to be prepared and then submitted, or NULL. */
struct io_uring_sqe *regioi_ring_entry(struct regioi_ring *ring);
/*
 * Submits what is prepared, including 'pending' operations whose index is in user_data, and takes
 * their results. Returns an error of the ring.
 */
int regioi_ring_submit(struct regioi_ring *ring, struct regioi_op *ops, uint32_t pending);

#endif
