/* SPDX-License-Identifier: MIT */
/*
 * Gathering: one operation sends several requests.
 *
 * Small messages are copied into one buffer, so that a thousand of them are one vector; each long
 * one is a separate vector. What the socket did not take is left for the next operation, which
 * starts in the middle of a request.
 */
#include <errno.h>

#include "base/count.h"
#include "dgram/copy.h"
#include "mem/slices.h"
#include "stream/send.h"

/*
 * An operation ends with the request that reaches this length, so that other queues get their turn.
 */
#define GATHERED_BYTES 262144u

_Static_assert(GATHERED_BYTES + REGIOI_COPY_TOGETHER_MAX <=
		       sizeof(((struct regioi_area *)0)->stages),
	       "all that is copied together fits");

/* A plan while it is being made. */
struct plan {
	const struct regioi_window *window;
	struct regioi_area *area;
	struct regioi_resolver resolver;
	size_t bytes;
	uint32_t taken; /* requests so far */
	uint32_t vectors;
	uint32_t copied; /* bytes of the stages in use */
	bool copying;	 /* the last vector is in the stages, and grows */
};

static const uint8_t nothing[1];

/* The data of a request, or NULL if one of its regions was deregistered. */
static const uint8_t *open_request(struct plan *plan, uint32_t index)
{
	const struct regioi_request *request = regioi_window_request(plan->window, index);
	const uint32_t flags = 0;

	if (__builtin_expect(request->flags & REGIOI_REQUEST_EXTRA, 0)) {
		const struct regio_extra *extra = regioi_window_extra(plan->window, index);

		if (!regioi_slice_lives(&extra->message_flags))
			return NULL;
		regioi_slice_fill(&extra->message_flags, &flags, sizeof(flags));
	}
	if (request->region == 0)
		return nothing;
	return regioi_resolve(&plan->resolver, request->region, request->offset);
}

/*
 * Completes the oldest requests as long as they cannot be executed. Returns their number, and the
 * data of the next request.
 */
static uint32_t refuse_broken(struct plan *plan, uint32_t *begun, const uint8_t **ret_data)
{
	uint32_t refused = 0;

	for (; refused < plan->window->count; refused++) {
		struct regioi_request *request = regioi_window_request(plan->window, refused);

		*ret_data = open_request(plan, refused);
		if (*ret_data)
			break;
		request->status = -EFAULT;
		request->bytes = *begun;
		*begun = 0;
	}
	return refused;
}

static void add_bytes(struct plan *plan, const uint8_t *data, uint32_t length)
{
	struct iovec *vector = &plan->area->vectors[plan->vectors];

	plan->bytes += length;
	if (length > REGIOI_COPY_TOGETHER_MAX) {
		*vector = (struct iovec){(void *)(uintptr_t)data, length};
		plan->vectors++;
		plan->copying = false;
		return;
	}
	if (!plan->copying) {
		*vector = (struct iovec){plan->area->stages + plan->copied, 0};
		plan->vectors++;
		plan->copying = true;
	}
	regioi_copy(plan->area->stages + plan->copied, data, length);
	plan->copied += length;
	plan->area->vectors[plan->vectors - 1].iov_len += length;
}

static void gather(struct plan *plan, uint32_t begun)
{
	while (plan->taken < plan->window->count && plan->vectors < REGIOI_AREA_VECTORS &&
	       plan->bytes < GATHERED_BYTES) {
		const uint8_t *data = open_request(plan, plan->taken);

		if (!data)
			break;
		add_bytes(plan, data + begun,
			  regioi_window_request(plan->window, plan->taken)->bytes - begun);
		begun = 0;
		plan->taken++;
	}
}

/* send(2) is the cheapest call for one vector. */
static void plan_single(struct regioi_op *op, const uint8_t *data, size_t length)
{
	op->kind = REGIOI_OP_SEND;
	op->data = (void *)(uintptr_t)data;
	op->length = length;
}

uint32_t regioi_stream_send_plan(struct regioi_send_state *state,
				 const struct regioi_window *window, struct regioi_area *area,
				 struct regioi_op *op, uint32_t *ret_planned)
{
	struct plan plan = {.window = window, .area = area};
	struct regioi_window rest = *window;
	const uint8_t *data = NULL;
	uint32_t refused = refuse_broken(&plan, &state->partial_bytes, &data);

	rest.first += refused;
	rest.count -= refused;
	plan.window = &rest;
	*ret_planned = 0;
	op->result = 0;
	if (!data)
		return refused;
	if (!area || rest.count == 1) {
		plan_single(op, data + state->partial_bytes,
			    regioi_window_request(&rest, 0)->bytes - state->partial_bytes);
		*ret_planned = 1;
		return refused;
	}
	gather(&plan, state->partial_bytes);
	*ret_planned = plan.taken;
	if (plan.vectors == 1) {
		plan_single(op, area->vectors[0].iov_base, area->vectors[0].iov_len);
		return refused;
	}
	op->kind = REGIOI_OP_SEND_VECTORS;
	op->message = &area->messages[0].msg_hdr;
	op->length = plan.bytes;
	*op->message = (struct msghdr){.msg_iov = area->vectors, .msg_iovlen = plan.vectors};
	return refused;
}

uint32_t regioi_stream_send_settle(struct regioi_send_state *state,
				   const struct regioi_window *window, const struct regioi_op *op,
				   uint32_t planned)
{
	size_t moved = (size_t)op->result;
	uint32_t done = 0;

	while (done < planned) {
		uint32_t left = regioi_window_request(window, done)->bytes - state->partial_bytes;

		if (moved < left) {
			state->partial_bytes += (uint32_t)moved;
			break;
		}
		moved -= left;
		state->partial_bytes = 0;
		done++;
	}
	regioi_count_add(&state->messages, done);
	return done;
}
