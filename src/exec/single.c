/* SPDX-License-Identifier: MIT */
/*
 * A shorter path for a single message.
 *
 * A program that plays ping-pong sends one message and spins until the answer arrives. Nothing can
 * be joined, and each step adds to the latency: the general path, which is made for many messages
 * at a time, adds a tenth to such a round trip. The code here does the same with the same states in
 * a fraction of the instructions, and leaves anything unusual to the general path.
 */
#include "exec/single.h"
#include "exec/stream.h"
#include "mem/region.h"
#include "queue/ready.h"
#include "queue/rq.h"

static bool send_is_single(const struct regioi_half *half)
{
	/* For a stream, 'unsegmented_left' is 'partial_bytes'. */
	return regioi_half_pending(half) == 1 && half->send.unsegmented_left == 0 &&
	       !(half->stream && regioi_stream_error(half->rq));
}

static bool receive_is_single(const struct regioi_half *half)
{
	const struct regioi_receive_state *state = &half->receive;
	uint32_t pending = regioi_half_pending(half);

	return pending > 0 && (state->asked <= 1 || pending == 1) && !state->staged.area &&
	       state->partial_bytes == 0 &&
	       !atomic_load_explicit(&state->trains, memory_order_relaxed) &&
	       !atomic_load_explicit(&state->extras, memory_order_relaxed);
}

bool regioi_single_prepare(struct regioi_half *half, struct regioi_work *ret_work)
{
	const bool send = half->direction == REGIOI_SEND;
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);
	const struct regioi_request *request = &half->requests[first & half->mask];
	void *data;

	/* The general path checks the socket's identity when that is due. */
	if (half->verify_in == 0 ||
	    atomic_load_explicit(&half->rq->fd_stale, memory_order_relaxed) ||
	    !(send ? send_is_single(half) : receive_is_single(half)) || request->region == 0 ||
	    request->flags & REGIOI_REQUEST_EXTRA)
		return false;
	data = regioi_region_resolve(request->region, request->offset);
	if (!data)
		return false;
	if (!send)
		regioi_guard_unpoison(data, request->bytes);
	half->verify_in--;
	ret_work->half = half;
	ret_work->area = NULL;
	ret_work->planned = 1;
	ret_work->op.fd = half->rq->fd;
	ret_work->op.kind = half->single_op;
	ret_work->op.data = data;
	ret_work->op.length = request->bytes;
	regioi_ready_attempt_begins(half);
	return true;
}
