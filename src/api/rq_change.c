/* SPDX-License-Identifier: MIT */
/*
 * Changing a request queue: its limits, its posted requests, its socket.
 */
#include <errno.h>

#include "api/rq.h"
#include "base/error.h"
#include "base/hazard.h"
#include "exec/execute.h"
#include "exec/stream.h"
#include "queue/completion.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/socket.h"
#include "queue/watch.h"

/* ---- Resizing ---- */

/*
 * Two halves with the same CQ are reserved together, but neither may grow on a closed CQ. Returns
 * 0, or -ENOBUFS with nothing changed.
 */
static int reserve_shared(struct regioi_rq *rq, const uint32_t limits[2])
{
	const struct regioi_half *halves = rq->halves;
	const bool grows = limits[0] > halves[0].limit || limits[1] > halves[1].limit;

	if (grows && atomic_load(&halves[0].cq->closed))
		return -ENOBUFS;
	return regioi_cq_reserve(halves[0].cq, halves[0].limit + halves[1].limit,
				 limits[0] + limits[1]);
}

/*
 * Reserves for both halves, or for none. The half that grows comes first: shrinking only returns
 * places, and so cannot fail.
 */
static int reserve_both(struct regioi_rq *rq, const uint32_t limits[2])
{
	const int first = limits[0] > rq->halves[0].limit ? 0 : 1;
	struct regioi_half *half = &rq->halves[first], *other = &rq->halves[!first];
	int error;

	if (half->cq == other->cq) {
		error = reserve_shared(rq, limits);
	} else {
		error = regioi_cq_reserve(half->cq, half->limit, limits[first]);
		if (!error && regioi_cq_reserve(other->cq, other->limit, limits[!first])) {
			regioi_cq_reserve(half->cq, limits[first], half->limit);
			error = -ENOBUFS;
			half = other;
		}
	}
	if (!error)
		return 0;
	return regioi_fail(
		error, "resizing an RQ: its %s CQ has no room for %u; resize the CQ first",
		half->direction == REGIOI_RECEIVE ? "receive" : "send", limits[half->direction]);
}

/* As executor of both halves. */
static int resize_taken(struct regioi_rq *rq, const uint32_t limits[2])
{
	struct regioi_request_ring rings[2] = {0};
	int error;

	for (int i = 0; i < 2; i++) {
		if (regioi_half_outstanding(&rq->halves[i]) > limits[i])
			return regioi_fail(-ETOOMANYREFS,
					   "resizing an RQ: %u %s are outstanding, more than %u",
					   regioi_half_outstanding(&rq->halves[i]),
					   i == REGIOI_RECEIVE ? "receives" : "sends", limits[i]);
	}
	if (regioi_rq_take_over_trains(rq, limits[0]) ||
	    !regioi_request_ring_allocate(limits[0], &rings[0]) ||
	    !regioi_request_ring_allocate(limits[1], &rings[1]))
		error = regioi_fail(-ENOMEM, "resizing an RQ: out of memory");
	else
		error = reserve_both(rq, limits);
	for (int i = 0; i < 2; i++) {
		if (error)
			regioi_request_ring_free(&rings[i]);
		else
			regioi_half_move(&rq->halves[i], &rings[i], limits[i]);
	}
	return error;
}

/*
 * A thread that makes progress may have found the halves busy meanwhile, and gone to sleep. So work
 * that is left, including a half that regioi_half_release() has left in state UNKNOWN, is listed
 * where that thread looks.
 */
static void halves_release(struct regioi_rq *rq)
{
	for (int i = 0; i < 2; i++) {
		struct regioi_half *half = &rq->halves[i];

		regioi_half_release(half);
		if (regioi_half_pending(half) > 0 && regioi_ready_now(half) != REGIOI_READY_NO)
			regioi_node_queue(half->node);
	}
}

static int resize(struct regioi_rq *rq, const uint32_t limits[2])
{
	struct regioi_hazard *section;
	int error = regioi_rq_check_limits("resizing an RQ", limits[0], limits[1]);

	if (error)
		return error;
	section = regioi_section_enter();
	regioi_half_acquire(&rq->halves[REGIOI_RECEIVE]);
	regioi_half_acquire(&rq->halves[REGIOI_SEND]);
	error = resize_taken(rq, limits);
	halves_release(rq);
	regioi_section_leave(section);
	if (!error)
		regioi_socket_size_buffer(rq, limits[REGIOI_RECEIVE]);
	return error;
}

int regio_rq_resize(struct regio_rq *handle, uint32_t max_receives, uint32_t max_sends)
{
	static const char step[] = "resizing an RQ";
	struct regioi_rq *rq;
	int error = regioi_rq_enter(handle, step, &rq);

	if (error)
		return error;
	error = resize(rq, (uint32_t[2]){max_receives, max_sends});
	regioi_hazard_leave();
	return error;
}

/* ---- Cancelling ---- */

static int cancel(struct regioi_rq *rq, uint32_t halves)
{
	struct regioi_hazard *section;
	int cancelled = 0;

	if (halves == 0 || halves & ~(REGIO_HALF_RECEIVE | REGIO_HALF_SEND))
		return regioi_fail(-EINVAL, "cancelling: halves is %#x; see REGIO_HALF_...",
				   halves);
	section = regioi_section_enter();
	for (int i = 0; i < 2; i++) {
		struct regioi_half *half = &rq->halves[i];

		if (!(halves & (i == REGIOI_RECEIVE ? REGIO_HALF_RECEIVE : REGIO_HALF_SEND)))
			continue;
		regioi_half_acquire(half);
		cancelled += (int)regioi_half_fail(half, -ECANCELED);
		regioi_half_release(half);
	}
	regioi_section_leave(section);
	return cancelled;
}

int regio_rq_cancel(struct regio_rq *handle, uint32_t halves)
{
	struct regioi_rq *rq;
	int result = regioi_rq_enter(handle, "cancelling", &rq);

	if (result)
		return result;
	result = cancel(rq, halves);
	regioi_hazard_leave();
	return result;
}

/* ---- Replacing the socket ---- */

/* As executor of both halves. */
static int replace_taken(struct regioi_rq *rq, int fd)
{
	bool watched = regioi_watch_pause(rq);
	int error = regioi_socket_replace(rq, fd);

	if (!error) {
		atomic_store(&rq->error, 0);
		atomic_store(&rq->fd_stale, false);
		regioi_stream_open(rq);
		/* Options that were set on the old socket ended with it. */
		rq->busy_poll.set = rq->prefer_busy_poll.set = false;
		for (uint32_t i = 0; i < rq->nodes_count; i++)
			regioi_socket_busy_poll(rq, rq->nodes[i].driver);
	}
	for (int i = 0; i < 2; i++)
		regioi_ready_event(&rq->halves[i]);
	/*
	 * Resumed after the replacement: the engine reports the state of the new socket as an
	 * event.
	 */
	regioi_watch_resume(rq, watched);
	return error;
}

static int replace(struct regioi_rq *rq, int fd)
{
	static const char step[] = "replacing a socket";
	struct regioi_hazard *section;
	int error;

	if (!rq->stream)
		return regioi_fail(-EOPNOTSUPP, "%s: the RQ's socket is not a stream socket", step);
	if (fd != rq->fd && regioi_socket_number_is_taken(rq))
		return regioi_fail(-EBADF,
				   "%s: the RQ's descriptor %d was closed, and is another file's "
				   "now; close the RQ and make one for the new socket",
				   step, rq->fd);
	regioi_half_acquire(&rq->halves[REGIOI_RECEIVE]);
	regioi_half_acquire(&rq->halves[REGIOI_SEND]);
	error = replace_taken(rq, fd);
	/* Not entered before, because closing the old socket may take long. */
	section = regioi_section_enter();
	regioi_half_release(&rq->halves[REGIOI_SEND]);
	regioi_half_release(&rq->halves[REGIOI_RECEIVE]);
	regioi_section_leave(section);
	if (error)
		return regioi_fail(error, "%s: descriptor %d: %s", step, fd,
				   regio_error_text(error));
	for (uint32_t i = 0; i < rq->nodes_count; i++)
		regioi_node_queue(&rq->nodes[i]);
	return 0;
}

int regio_rq_replace_socket(struct regio_rq *handle, int fd)
{
	struct regioi_rq *rq;
	int error = regioi_rq_enter(handle, "replacing a socket", &rq);

	if (error)
		return error;
	error = replace(rq, fd);
	regioi_hazard_leave();
	return error;
}
