/* SPDX-License-Identifier: MIT */
/*
 * An io_uring ring of a thread: it polls the epoll sets of engines and executes batches of
 * operations. Only that thread may use it.
 *
 * Where an error of a ring is returned, it is not the error of an operation: those have their
 * results all the same.
 */
#ifndef REGIO_ENGINE_RING_H
#define REGIO_ENGINE_RING_H

#include <liburing.h>

#include "engine/engine.h"

/* Engines of a process that can be polled by rings; others are asked each time. */
#define REGIOI_RING_PLACES 64u

/* The core executes at most 64 operations at a time. */
#define REGIOI_RING_ENTRIES 128u

/*
 * A ring's poll of the epoll set of one engine. It pays where the engine is polled again and again
 * and has nothing: polls that found nothing are counted until it is armed, sleeps and polls that
 * found something until it is dropped.
 */
struct regioi_ring_poll {
	uint64_t serial;	/* of the engine */
	uint32_t empty_polls;	/* in a row */
	uint32_t useful_in_row; /* sleeps, and polls that found something */
	bool armed;
	bool fired; /* and the epoll set has not been looked at since */
};

struct regioi_ring {
	struct io_uring io;
	bool flagged; /* IORING_SQ_TASKRUN was set at the last look, and nothing has run it since */
	struct regioi_ring_poll polls[REGIOI_RING_PLACES];
	bool left; /* entries of a call that failed are still in the ring */
	/* What is prepared for the next submission, in order. */
	uint32_t entries_count;
	struct io_uring_sqe *entries[REGIOI_RING_ENTRIES];
};

/* The calling thread's ring, or NULL. */
extern _Thread_local __attribute__((tls_model("initial-exec"))) struct regioi_ring *regioi_ring_own;

/* For a thread that has none. Returns NULL where it cannot have one. */
struct regioi_ring *regioi_ring_make(void);
/*
 * A filter may let a ring be made, and then not be used: closes the calling thread's after an error
 * that does not pass. Returns whether it is still there.
 */
bool regioi_ring_survives(int error);
/* In a forked child: forgets the ring of the thread that forked, which is the parent's. */
void regioi_ring_fork_child(void);

/* Have the ring tell of events of 'fd', an epoll set, in 'place'; no longer. Error of the ring. */
int regioi_ring_arm(struct regioi_ring *ring, uint32_t place, uint64_t serial, int fd);
int regioi_ring_disarm(struct regioi_ring *ring, uint32_t place);
/* Takes in what the ring has to tell. */
void regioi_ring_look(struct regioi_ring *ring);
/* As an engine's execute. Error of the ring. */
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
 * Submits what is prepared, 'pending' of it operations whose index is in user_data, and takes their
 * results. Error of the ring.
 */
int regioi_ring_submit(struct regioi_ring *ring, struct regioi_op *ops, uint32_t pending);

#endif
