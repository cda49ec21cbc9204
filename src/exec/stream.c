/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets: connecting, the end of the stream, errors.
 *
 * Requests wait while the socket is not connected. The first error that ends the connection is
 * kept, because the kernel tells it once: it becomes the result of every request that has moved no
 * bytes, on both halves. What had arrived before it is received first.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/count.h"
#include "exec/stream.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/socket.h"
#include "queue/watch.h"
#include "stream/receive.h"
#include "stream/send.h"

/* A slice that is filled says little of what follows: below this it may well have been all. */
#define LONE_BYTES_MAX 4096u

void regioi_stream_open(struct regioi_rq *rq)
{
	rq->connected = regioi_socket_is_connected(rq);
	/* A read of a unix socket ends where descriptors were passed, with more after them. */
	rq->broken = rq->family == AF_UNIX;
}

static bool is_connected(struct regioi_rq *rq)
{
	return atomic_load_explicit(&rq->connected, memory_order_relaxed);
}

/*
 * Called where the kernel's answer may mean that the socket is not connected. Returns true where
 * it is now, but was not known to be: the answer may be of an earlier moment, so ask again.
 */
static bool is_connected_by_now(struct regioi_rq *rq)
{
	if (is_connected(rq) || !regioi_socket_is_connected(rq))
		return false;
	atomic_store_explicit(&rq->connected, true, memory_order_relaxed);
	return true;
}

static void note_connected(struct regioi_rq *rq)
{
	if (!is_connected(rq))
		atomic_store_explicit(&rq->connected, true, memory_order_relaxed);
}

/* Keeps a fatal error, unless there is one, and has the other half look. Returns what is kept. */
static int keep_error(struct regioi_half *half, int error)
{
	struct regioi_rq *rq = half->rq;
	struct regioi_half *other = &rq->halves[!half->direction];
	int32_t none = 0;

	if (!atomic_compare_exchange_strong(&rq->error, &none, error))
		return none;
	regioi_ready_event(other);
	regioi_node_list(other->node);
	return error;
}

/*
 * Whether nobody executes the other half. Of a connection that was reset or refused the kernel
 * tells once, and shows an end, or EPIPE, from then on. Whoever has been told keeps the error
 * before leaving its half: so this is asked before the error is looked at.
 */
static bool other_is_settled(const struct regioi_half *half)
{
	return atomic_load(&half->rq->halves[!half->direction].executor) == REGIOI_EXECUTOR_IDLE;
}

/* Memory that is gone behind its region's back: of all requests, the oldest met it. */
static uint32_t refuse_oldest(const struct regioi_window *window, uint32_t *begun, int error)
{
	struct regioi_request *request = regioi_window_request(window, 0);

	request->status = error;
	request->bytes = *begun;
	*begun = 0;
	return 1;
}

uint32_t regioi_stream_plan(struct regioi_half *half, const struct regioi_window *window,
			    struct regioi_work *work)
{
	int error = regioi_stream_error(half->rq);

	if (half->direction == REGIOI_RECEIVE)
		return regioi_stream_receive_plan(&half->receive, window, work->area, &work->op,
						  &work->planned);
	if (!error)
		return regioi_stream_send_plan(&half->send, window, work->area, &work->op,
					       &work->planned);
	/* What has arrived is received all the same; after a send that failed none may follow. */
	work->planned = 0;
	regioi_half_fail(half, error);
	return 0;
}

/* ---- Receiving ---- */

static enum regioi_ready ready_when_empty(struct regioi_half *half)
{
	return regioi_watch_is_on(half->rq) ? REGIOI_READY_NO : REGIOI_READY_PERHAPS;
}

/*
 * What a receive that brought bytes says of those that follow. One that brought less than it asked
 * for has emptied the socket, and the next arrival is an event, unless it stopped at something
 * else, which an event has told of.
 */
static enum regioi_ready ready_after_bytes(struct regioi_half *half, const struct regioi_work *work)
{
	const struct regioi_op *op = &work->op;

	if ((size_t)op->result < op->length)
		return atomic_load(&half->rq->broken) ? REGIOI_READY_YES : ready_when_empty(half);
	return work->planned == 1 && op->length < LONE_BYTES_MAX ? REGIOI_READY_PERHAPS
								 : REGIOI_READY_YES;
}

static uint32_t settle_end(struct regioi_half *half, const struct regioi_window *window,
			   enum regioi_ready *ret_ready)
{
	const bool settled = other_is_settled(half);
	int error = regioi_stream_error(half->rq);

	if (!error && !settled) {
		*ret_ready = REGIOI_READY_PERHAPS;
		regioi_node_list(half->node);
		return 0;
	}
	/* Every receive posted later finds the end as well. */
	*ret_ready = REGIOI_READY_YES;
	if (!error && is_connected_by_now(half->rq))
		return 0;
	if (!error && is_connected(half->rq))
		return regioi_stream_receive_end(&half->receive, window);
	/* Connecting has failed, and its error has been told to somebody else. */
	regioi_half_fail(half, error ? error : -ENOTCONN);
	return 0;
}

static uint32_t settle_receive_error(struct regioi_half *half, const struct regioi_window *window,
				     int error, enum regioi_ready *ret_ready)
{
	/* What unix sockets call ENOTCONN, also where it is connected by now. */
	bool waits = error == -EAGAIN || error == -ENOTCONN ||
		     (error == -EINVAL && half->rq->family == AF_UNIX);
	int kept = regioi_stream_error(half->rq);

	*ret_ready = REGIOI_READY_YES;
	if (error == -EFAULT)
		return refuse_oldest(window, &half->receive.begun, error);
	if (waits && !kept) {
		half->receive.lone = 0;
		*ret_ready = ready_when_empty(half);
		return 0;
	}
	regioi_half_fail(half, kept ? kept : keep_error(half, error));
	return 0;
}

uint32_t regioi_stream_settle_receive(struct regioi_half *half, const struct regioi_window *window,
				      const struct regioi_work *work, enum regioi_ready *ret_ready)
{
	const struct regioi_op *op = &work->op;
	uint32_t done;

	regioi_count_add(&half->receive.calls, 1);
	if (op->result < 0)
		return settle_receive_error(half, window, op->result, ret_ready);
	if (op->result == 0 && op->length > 0)
		return settle_end(half, window, ret_ready);
	note_connected(half->rq);
	*ret_ready = ready_after_bytes(half, work);
	done = regioi_stream_receive_settle(&half->receive, window, work->area, op, work->planned);
	/* The program may have asked since for fewer events than the rest of this receive needs. */
	if (half->receive.begun && *ret_ready == REGIOI_READY_NO)
		regioi_socket_tell_all(half->rq);
	return done;
}

/* ---- Sending ---- */

static uint32_t settle_send_error(struct regioi_half *half, const struct regioi_window *window,
				  int error, enum regioi_send_verdict *ret_verdict)
{
	const bool settled = other_is_settled(half);
	int kept = regioi_stream_error(half->rq);

	*ret_verdict = REGIOI_SEND_PROGRESS;
	if (error == -EFAULT)
		return refuse_oldest(window, &half->send.begun, error);
	/* EINPROGRESS: connecting with the first send, TCP_FASTOPEN_CONNECT. */
	if ((error == -EAGAIN || error == -EINPROGRESS) && !kept) {
		*ret_verdict = REGIOI_SEND_FULL;
		return 0;
	}
	if (error == -EPIPE && !kept && !settled) {
		*ret_verdict = REGIOI_SEND_UNDECIDED;
		return 0;
	}
	if (error == -EPIPE && !kept && !is_connected(half->rq)) {
		if (is_connected_by_now(half->rq))
			return 0;
		/* One that has failed to connect looks the same, but there was an event of it. */
		if (!atomic_load(&half->rq->broken)) {
			*ret_verdict = REGIOI_SEND_UNCONNECTED;
			return 0;
		}
		error = -ENOTCONN;
	}
	/* These leave the other half as it is. */
	if (!kept && error != -EPIPE && error != -ENOTCONN)
		kept = keep_error(half, error);
	regioi_half_fail(half, kept ? kept : error);
	return 0;
}

uint32_t regioi_stream_settle_send(struct regioi_half *half, const struct regioi_window *window,
				   const struct regioi_work *work,
				   enum regioi_send_verdict *ret_verdict)
{
	const struct regioi_op *op = &work->op;

	regioi_count_add(&half->send.calls, 1);
	if (op->result < 0)
		return settle_send_error(half, window, op->result, ret_verdict);
	note_connected(half->rq);
	*ret_verdict = (size_t)op->result < op->length ? REGIOI_SEND_FULL : REGIOI_SEND_PROGRESS;
	return regioi_stream_send_settle(&half->send, window, op, work->planned);
}
