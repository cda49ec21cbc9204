/* SPDX-License-Identifier: MIT */
/*
 * The short way of a lone message.
 *
 * A program that plays ping-pong sends one message and spins until the answer is there. Nothing
 * can be joined, and each step on the way is felt: the long way, which is made for many messages
 * at a time, costs such a round trip a tenth. These two functions do the same with the same
 * states in a fraction of the instructions, and leave whatever is not plain to the long way.
 */
#include "core/lone.h"
#include "core/cq.h"
#include "core/half.h"
#include "core/region.h"
#include "core/watch.h"

/* As executor: one operation for the oldest request. False where the request is not plain. */
static bool execute_oldest(struct regioi_half *half, enum regioi_op_kind kind,
			   struct regioi_work *ret_work)
{
	struct regioi_driver *driver = half->node->driver;
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);
	const struct regioi_request *request = &half->requests[first & half->mask];
	void *data;

	/* The long way looks at the socket's identity when that is due. */
	if (half->verify_in == 0 || request->region == 0 || request->flags & REGIOI_REQUEST_EXTRA)
		return false;
	data = regioi_region_resolve(request->region, request->offset);
	if (!data)
		return false;
	half->verify_in--;
	*ret_work = (struct regioi_work){.half = half, .planned = 1};
	ret_work->op.fd = half->rq->fd;
	ret_work->op.kind = kind;
	ret_work->op.data = data;
	ret_work->op.length = request->bytes;
	/* Before the attempt, as in regioi_half_prepare(). */
	atomic_store_explicit(&half->ready, REGIOI_READY_NO, memory_order_release);
	driver->ops->execute(driver->engine, &ret_work->op, 1);
	return true;
}

bool regioi_lone_send(struct regioi_half *half)
{
	struct regioi_work work;

	if (regioi_half_pending(half) != 1 || half->send.singly > 0 ||
	    !execute_oldest(half, REGIOI_OP_SEND, &work))
		return false;
	regioi_half_finish(&work);
	return true;
}

/* Nothing is completed and not dequeued, nobody is to be told, and one datagram is asked for. */
static bool receive_is_lone(const struct regioi_half *half)
{
	const struct regioi_receive_state *state = &half->receive;
	uint32_t completed = atomic_load_explicit(&half->completed, memory_order_relaxed);
	uint32_t pending = atomic_load_explicit(&half->tail, memory_order_acquire) - completed;

	return pending > 0 && (state->asked <= 1 || pending == 1) && !state->staged.area &&
	       !atomic_load_explicit(&state->trains, memory_order_relaxed) &&
	       !atomic_load_explicit(&state->extras, memory_order_relaxed) &&
	       completed == atomic_load_explicit(&half->dequeued, memory_order_relaxed) &&
	       atomic_load_explicit(&half->listing, memory_order_relaxed) == 0 &&
	       !atomic_load_explicit(&half->cq->armed, memory_order_relaxed);
}

/* Completes the oldest request, and dequeues it. */
static void hand_over(struct regioi_half *half, struct regio_result *ret_result)
{
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);
	const struct regioi_request *request = &half->requests[first & half->mask];

	*ret_result = (struct regio_result){
		.status = request->status,
		.bytes = request->bytes,
		.rq_context = half->rq->context,
		.request_context = request->context,
	};
	atomic_store_explicit(&half->completed, first + 1, memory_order_release);
	/* Release: pairs with the poster's acquire; the slot is free to be written. */
	atomic_store_explicit(&half->dequeued, first + 1, memory_order_release);
}

bool regioi_lone_receive(struct regioi_half *half, struct regio_result *ret_result, bool *ret_tried)
{
	enum regioi_receive_verdict verdict;
	struct regioi_window window;
	struct regioi_work work;
	uint32_t done;

	*ret_tried = false;
	if (!receive_is_lone(half) || !regioi_half_enter(half))
		return false;
	*ret_tried = execute_oldest(half, REGIOI_OP_RECEIVE, &work);
	if (!*ret_tried) {
		regioi_half_done(half);
		return false;
	}
	window = regioi_half_window(half);
	done = regioi_receive_settle(&half->receive, &window, NULL, &work.op, &verdict);
	if (done)
		hand_over(half, ret_result);
	if ((verdict == REGIOI_RECEIVE_PROGRESS || !regioi_watch_is_on(half->rq)) &&
	    atomic_load_explicit(&half->ready, memory_order_relaxed) == REGIOI_READY_NO)
		atomic_store_explicit(&half->ready, REGIOI_READY_PERHAPS, memory_order_release);
	regioi_half_done(half);
	return done > 0;
}
