/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets: connecting, the end of the stream, errors.
 *
 * Requests wait while the socket is not connected. The first error that ends the connection is
 * kept, because the kernel reports it only once: it becomes the result of every request that has
 * moved no bytes, on both halves. Data that arrived before the error is received first.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/count.h"
#include "exec/half_ops.h"
#include "exec/names.h"
#include "exec/stream.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/socket.h"
#include "queue/watch.h"
#include "stream/receive.h"
#include "stream/send.h"

/* A filled slice does not show whether more follows; if it is shorter than this, probably not. */
#define SHORT_SLICE_BYTES 4096u

void regioi_stream_open(struct regioi_rq *rq)
{
	rq->connected = regioi_socket_is_connected(rq);
	/*
	 * A read of a unix socket stops where descriptors were passed, even if more data follows.
	 */
	rq->hangup_seen = rq->family == AF_UNIX;
}

static bool is_connected(struct regioi_rq *rq)
{
	return atomic_load_explicit(&rq->connected, memory_order_relaxed);
}

/*
 * Called when the kernel's answer may mean that the socket is not connected. Returns true if it is
 * connected now but was not known to be: the answer may date from before that, so the caller must
 * try again.
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

/*
 * Keeps a fatal error, unless there is one already, and makes the other half look. Returns the
 * error that is kept.
 */
static int keep_error(struct regioi_half *half, int error)
{
	struct regioi_rq *rq = half->rq;
	struct regioi_half *other = &rq->halves[!half->direction];
	int32_t none = 0;

	if (!atomic_compare_exchange_strong(&rq->error, &none, error))
		return none;
	regioi_ready_event(other);
	regioi_node_queue(other->node);
	return error;
}

/*
 * Whether no thread executes the other half. The kernel reports once that a connection was reset or
 * refused; after that it reports an end of the stream, or EPIPE. The executor that gets the error
 * keeps it before it leaves its half; so this must be checked before the kept error is read.
 */
static bool other_is_settled(const struct regioi_half *half)
{
	return atomic_load(&half->rq->halves[!half->direction].executor) == REGIOI_EXECUTOR_IDLE;
}

/*
 * Memory was unmapped while its region is registered: the oldest request is the one that uses it.
 */
static struct regioi_outcome refuse_oldest(const struct regioi_window *window,
					   uint32_t *partial_bytes, int error)
{
	struct regioi_request *request = regioi_window_request(window, 0);

	regioi_request_settle(request, error, *partial_bytes);
	*partial_bytes = 0;
	return (struct regioi_outcome){.completed = 1, .ready = REGIOI_READY_YES};
}

/* ---- Receiving ---- */

static bool receive_needs_area(const struct regioi_half *half, const struct regioi_window *window)
{
	return regioi_stream_receive_needs_area(&half->receive, window);
}

/* Data that arrived before an error is still received. */
static struct regioi_outcome receive_plan(struct regioi_half *half,
					  const struct regioi_window *window,
					  struct regioi_work *work)
{
	return (struct regioi_outcome){
		.completed = regioi_stream_receive_plan(&half->receive, window, work->area,
							&work->op, &work->planned),
	};
}

/*
 * Whether more can be received after a receive that got bytes. One that got less than it asked for
 * has emptied the socket, and an event will report the next arrival, unless it stopped for another
 * reason, which an event has reported.
 */
static enum regioi_ready ready_after_bytes(struct regioi_half *half, const struct regioi_work *work)
{
	const struct regioi_op *op = &work->op;

	if ((size_t)op->result < op->length)
		return atomic_load(&half->rq->hangup_seen) ? REGIOI_READY_YES
							   : regioi_watch_when_empty(half->rq);
	return work->planned == 1 && op->length < SHORT_SLICE_BYTES ? REGIOI_READY_UNKNOWN
								    : REGIOI_READY_YES;
}

static struct regioi_outcome settle_end(struct regioi_half *half,
					const struct regioi_window *window)
{
	const bool settled = other_is_settled(half);
	/* Every receive posted later gets the end of the stream as well. */
	struct regioi_outcome outcome = {.ready = REGIOI_READY_YES};
	int error = regioi_stream_error(half->rq);

	if (error) {
		outcome.fail_status = error;
	} else if (!settled) {
		outcome.ready = REGIOI_READY_UNKNOWN;
		regioi_node_queue(half->node);
	} else if (!is_connected_by_now(half->rq)) {
		/* If connecting has failed, its error was reported elsewhere. */
		if (is_connected(half->rq))
			outcome.completed = regioi_stream_receive_end(&half->receive, window);
		else
			outcome.fail_status = -ENOTCONN;
	}
	return outcome;
}

static struct regioi_outcome settle_receive_error(struct regioi_half *half,
						  const struct regioi_window *window, int error)
{
	/*
	 * EINVAL: what unix sockets return in place of ENOTCONN; the socket may be connected by
	 * now.
	 */
	bool waits = error == -EAGAIN || error == -ENOTCONN ||
		     (error == -EINVAL && half->rq->family == AF_UNIX);
	int kept = regioi_stream_error(half->rq);

	if (error == -EFAULT)
		return refuse_oldest(window, &half->receive.partial_bytes, error);
	if (waits && !kept) {
		half->receive.single_receives = 0;
		return (struct regioi_outcome){.ready = regioi_watch_when_empty(half->rq)};
	}
	return (struct regioi_outcome){
		.ready = REGIOI_READY_YES,
		.fail_status = kept ? kept : keep_error(half, error),
	};
}

static struct regioi_outcome receive_settle(struct regioi_half *half, struct regioi_work *work)
{
	const struct regioi_window window = regioi_half_window_with_names(half);
	const struct regioi_op *op = &work->op;
	struct regioi_outcome outcome = {0};

	regioi_count_add(&half->receive.calls, 1);
	if (op->result < 0)
		return settle_receive_error(half, &window, op->result);
	if (op->result == 0 && op->length > 0)
		return settle_end(half, &window);
	note_connected(half->rq);
	outcome.ready = ready_after_bytes(half, work);
	outcome.completed = regioi_stream_receive_settle(&half->receive, &window, work->area, op,
							 work->planned);
	/*
	 * The program may have raised SO_RCVLOWAT since, so that the rest of this receive causes no
	 * event.
	 */
	if (half->receive.partial_bytes && outcome.ready == REGIOI_READY_NO)
		regioi_socket_report_all(half->rq);
	return outcome;
}

const struct regioi_half_ops regioi_stream_receive_ops = {
	.needs_area = receive_needs_area,
	.plan = receive_plan,
	.settle = receive_settle,
};

/* ---- Sending ---- */

static bool send_needs_area(const struct regioi_half *half, const struct regioi_window *window)
{
	return regioi_stream_send_needs_area(window);
}

/* After an error that ends the connection no send may follow. */
static struct regioi_outcome send_plan(struct regioi_half *half, const struct regioi_window *window,
				       struct regioi_work *work)
{
	struct regioi_outcome outcome = {.fail_status = regioi_stream_error(half->rq)};

	work->planned = 0;
	if (!outcome.fail_status)
		outcome.completed = regioi_stream_send_plan(&half->send, window, work->area,
							    &work->op, &work->planned);
	return outcome;
}

/* An unconnected socket counts as writable: watching it again would report it again. */
static enum regioi_ready ready_unconnected(struct regioi_rq *rq)
{
	return rq->watching_writable ? REGIOI_READY_NO : regioi_watch_when_full(rq);
}

static struct regioi_outcome settle_send_error(struct regioi_half *half,
					       const struct regioi_window *window, int error)
{
	const bool settled = other_is_settled(half);
	struct regioi_rq *rq = half->rq;
	int kept = regioi_stream_error(rq);

	if (error == -EFAULT)
		return refuse_oldest(window, &half->send.partial_bytes, error);
	/* EINPROGRESS: the first send connects (TCP_FASTOPEN_CONNECT). */
	if ((error == -EAGAIN || error == -EINPROGRESS) && !kept)
		return (struct regioi_outcome){.ready = regioi_watch_when_full(rq)};
	/*
	 * The executor of the receives may get the reason. No event will come, so the driver looks
	 * again.
	 */
	if (error == -EPIPE && !kept && !settled)
		return (struct regioi_outcome){.ready = REGIOI_READY_UNKNOWN};
	if (error == -EPIPE && !kept && !is_connected(rq)) {
		if (is_connected_by_now(rq))
			return (struct regioi_outcome){.ready = REGIOI_READY_YES};
		/*
		 * A socket that failed to connect looks the same, but there was an event for the
		 * failure.
		 */
		if (!atomic_load(&rq->hangup_seen))
			return (struct regioi_outcome){.ready = ready_unconnected(rq)};
		error = -ENOTCONN;
	}
	/* These leave the other half as it is. */
	if (!kept && error != -EPIPE && error != -ENOTCONN)
		kept = keep_error(half, error);
	return (struct regioi_outcome){
		.ready = REGIOI_READY_YES,
		.fail_status = kept ? kept : error,
	};
}

static struct regioi_outcome send_settle(struct regioi_half *half, struct regioi_work *work)
{
	const struct regioi_window window = regioi_half_window(half);
	const struct regioi_op *op = &work->op;
	struct regioi_outcome outcome = {.ready = REGIOI_READY_YES};

	regioi_count_add(&half->send.calls, 1);
	if (op->result < 0)
		return settle_send_error(half, &window, op->result);
	note_connected(half->rq);
	outcome.completed = regioi_stream_send_settle(&half->send, &window, op, work->planned);
	if ((size_t)op->result < op->length)
		outcome.ready = regioi_watch_when_full(half->rq);
	return outcome;
}

const struct regioi_half_ops regioi_stream_send_ops = {
	.needs_area = send_needs_area,
	.plan = send_plan,
	.settle = send_settle,
};
