/* SPDX-License-Identifier: MIT */
/*
 * Gathering: one operation sends several requests.
 *
 * Slices that lie side by side are one vector; small ones that do not are copied together. What the
 * socket did not take is left for the next operation, which starts in the middle of a request.
 */
#include <errno.h>

#include "base/count.h"
#include "mem/gather.h"
#include "mem/slices.h"
#include "stream/send.h"

/*
 * An operation ends with the request that reaches this length, so that other queues get their turn.
 * With a quarter of it, messages of some KiB have down to 0.7 of the rate (Linux 6.18).
 */
#define GATHERED_BYTES 1048576u

_Static_assert(GATHERED_BYTES + REGIOI_COPY_TOGETHER_MAX <=
		       sizeof(((struct regioi_area *)0)->stages),
	       "all that is copied together fits");

/* A plan while it is being made. */
struct plan {
	const struct regioi_window *window;
	struct regioi_resolver resolver;
	struct regioi_gather gather;
	size_t bytes;
	uint32_t taken; /* requests so far */
};

static const uint8_t nothing[1];

/* The data of a request, or NULL if one of its regions was deregistered. */
static const uint8_t *open_request(struct plan *plan, uint32_t index)
{
	const struct regioi_request *request = regioi_window_request(plan->window, index);
	const uint32_t flags = 0;

	if (__builtin_expect(request->flags & REGIOI_REQUEST_EXTRA, 0)) {
		const struct regio_extra *extra = regioi_window_extra(plan->window, index);
		struct regioi_resolver resolver = {0};

		if (!regioi_slice_lives(&resolver, &extra->message_flags))
			return NULL;
		regioi_slice_fill(&resolver, &extra->message_flags, &flags, sizeof(flags));
	}
	if (request->region == 0)
		return nothing;
	return regioi_resolve(&plan->resolver, request->region, request->offset);
}

/*
 * Completes the oldest requests as long as they cannot be executed, and takes them off the window.
 * Returns their number, and the data of the first that can.
 */
static uint32_t refuse_broken(struct plan *plan, struct regioi_window *window,
			      uint32_t *partial_bytes, const uint8_t **ret_data)
{
	uint32_t refused = 0;

	for (; window->count; window->first++, window->count--, refused++) {
		*ret_data = open_request(plan, 0);
		if (*ret_data)
			break;
		regioi_request_settle(regioi_window_request(window, 0), -EFAULT, *partial_bytes);
		*partial_bytes = 0;
	}
	return refused;
}

static void gather_all(struct plan *plan, uint32_t partial_bytes)
{
	const struct regioi_window *window = plan->window;
	struct regioi_gather *gather = &plan->gather;

	regioi_gather_begin(gather, nothing, 0);
	/* One vector more for the piece, and one for the next. */
	while (plan->taken < window->count && gather->vectors + 1 < REGIOI_AREA_VECTORS &&
	       plan->bytes < GATHERED_BYTES) {
		const uint8_t *data = open_request(plan, plan->taken);
		struct regioi_run run;

		if (!data)
			break;
		run = regioi_window_run(window, plan->taken,
					partial_bytes ? 1 : window->count - plan->taken,
					REGIOI_AREA_VECTORS - 1 - gather->vectors);
		regioi_run_end_at(&run, GATHERED_BYTES - plan->bytes);
		run.bytes -= partial_bytes;
		if (plan->bytes == 0)
			regioi_gather_begin(gather, data + partial_bytes, 0);
		if (run.bytes)
			regioi_gather_run(gather, data + partial_bytes, &run);
		plan->bytes += (size_t)run.bytes * run.count;
		plan->taken += run.count;
		partial_bytes = 0;
	}
	regioi_gather_end(gather, 0);
}

uint32_t regioi_stream_send_plan(struct regioi_send_state *state,
				 const struct regioi_window *window, struct regioi_area *area,
				 struct regioi_op *op, uint32_t *ret_planned)
{
	struct regioi_window rest = *window; /* from the operation's first request on */
	struct plan plan = {.window = &rest, .gather = {.area = area}};
	const uint8_t *data = NULL;
	const uint32_t refused = refuse_broken(&plan, &rest, &state->partial_bytes, &data);

	*ret_planned = 0;
	op->result = 0;
	if (!data)
		return refused;
	if (!area || rest.count == 1) {
		regioi_plan_plain_send(op, data + state->partial_bytes,
				       regioi_window_request(&rest, 0)->bytes -
					       state->partial_bytes);
		*ret_planned = 1;
		return refused;
	}
	gather_all(&plan, state->partial_bytes);
	*ret_planned = plan.taken;
	if (plan.gather.vectors == 1) {
		regioi_plan_plain_send(op, area->vectors[0].iov_base, area->vectors[0].iov_len);
		return refused;
	}
	op->kind = REGIOI_OP_SEND_VECTORS;
	op->message = &area->messages[0].msg_hdr;
	op->length = plan.bytes;
	*op->message = (struct msghdr){.msg_iov = area->vectors, .msg_iovlen = plan.gather.vectors};
	return refused;
}

uint32_t regioi_stream_send_settle(struct regioi_send_state *state,
				   const struct regioi_window *window, const struct regioi_op *op,
				   uint32_t planned)
{
	size_t moved = (size_t)op->result;
	uint32_t done = 0;

	if (moved == op->length) {
		state->partial_bytes = 0;
		done = planned;
	}
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
