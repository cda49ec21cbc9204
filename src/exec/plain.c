/* SPDX-License-Identifier: MIT */
/*
 * A shorter path for plain messages.
 *
 * A program that plays ping-pong sends one message and spins until the answer arrives; one that
 * sleeps finds one or a few when it wakes up. Each step adds to the latency, or to the cost of a
 * wake-up: the general path, which may have to join, split or name messages, adds a tenth to a
 * round trip. The code here does the same with the same states in a fraction of the instructions,
 * and leaves anything unusual to the general path.
 */
#include "exec/plain.h"
#include "base/lesser.h"
#include "exec/stream.h"
#include "mem/region.h"
#include "queue/ready.h"
#include "queue/rq.h"

static bool send_is_plain(const struct regioi_half *half, uint32_t pending)
{
	/* For a stream, 'unsegmented_left' is 'partial_bytes'. */
	return pending == 1 && half->send.unsegmented_left == 0 &&
	       !(half->stream && regioi_stream_error(half->rq));
}

/* Several receives of a stream would be vectors of one message. */
static bool receive_is_plain(const struct regioi_half *half, uint32_t pending)
{
	const struct regioi_receive_state *state = &half->receive;

	/* Checked after 'tail' is read: a request before it that has extra slices has set this. */
	return pending > 0 && (state->asked <= 1 || pending == 1 || !half->stream) &&
	       !state->staged.area && state->partial_bytes == 0 &&
	       !atomic_load_explicit(&state->trains, memory_order_relaxed) &&
	       !atomic_load_explicit(&state->extras, memory_order_relaxed);
}

static inline void begin(struct regioi_half *half, struct regioi_work *work)
{
	work->half = half;
	work->op.fd = half->rq->fd;
	half->verify_in--;
	regioi_ready_attempt_begins(half);
}

/* Several receives, the first of them into 'data'. Its own function: one need not save registers.
 */
static __attribute__((noinline)) bool prepare_receives(struct regioi_half *half, uint8_t *data,
						       uint32_t pending, struct regioi_work *work)
{
	const struct regioi_window window = regioi_half_window(half);
	/* Requests that were posted after the check may want more than data. */
	const uint32_t most = regioi_lesser(half->receive.asked, pending);

	work->area = regioi_area_take(&half->node->driver->areas);
	if (!work->area)
		return false;
	work->planned = regioi_receive_plan_slices(REGIOI_LAYOUT_DATA, &window, data, most,
						   work->area, &work->op);
	begin(half, work);
	return true;
}

bool regioi_plain_prepare(struct regioi_half *half, struct regioi_work *ret_work)
{
	const bool send = half->direction == REGIOI_SEND;
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);
	const struct regioi_request *request = &half->requests[first & half->mask];
	uint32_t pending;
	void *data;

	/* The general path checks the socket's identity when that is due. */
	if (half->verify_in == 0 || atomic_load_explicit(&half->rq->fd_stale, memory_order_relaxed))
		return false;
	pending = regioi_half_pending(half);
	if (!(send ? send_is_plain(half, pending) : receive_is_plain(half, pending)) ||
	    request->region == 0 || request->flags & REGIOI_REQUEST_EXTRA)
		return false;
	data = regioi_region_resolve(request->region, request->offset);
	if (!data)
		return false;
	if (!send)
		regioi_guard_unpoison(data, request->bytes);
	/* Not where it is a send, or a stream: they have one. */
	if (pending > 1 && half->receive.asked > 1)
		return prepare_receives(half, data, pending, ret_work);
	ret_work->area = NULL;
	ret_work->planned = 1;
	ret_work->op.kind = half->single_op;
	ret_work->op.data = data;
	ret_work->op.length = request->bytes;
	begin(half, ret_work);
	return true;
}
