/* SPDX-License-Identifier: MIT */
/*
 * Scattering: one operation fills several slices.
 *
 * The bytes of one operation fill the slices of the oldest receives, one after the other. If
 * arrivals usually fill a single slice, only the oldest slice is asked for. If they fill several,
 * slices that are long, or lie side by side, are passed to the kernel as vectors; small ones that
 * do not are filled from a stage, which costs less.
 */
#include <errno.h>
#include <string.h>

#include "base/count.h"
#include "base/lesser.h"
#include "dgram/control.h"
#include "dgram/path.h"
#include "mem/copy.h"
#include "mem/slices.h"
#include "stream/receive.h"

/*
 * An operation ends with the slice that reaches this length, so that other queues get their turn.
 */
#define SCATTERED_BYTES 262144u
/* After so many operations in a row that asked for one slice, and filled it, one asks for more. */
#define SINGLE_RECEIVES_MAX 4u
/* Pieces of memory that an operation asks for, if it asks for more than the oldest slice. */
#define ASKED_MIN 16u
#define ASKED_MANY 255u /* as many as an area has vectors */

/* ---- Planning ---- */

static bool is_small(const struct regioi_request *request)
{
	return request->bytes <= REGIOI_COPY_TOGETHER_MAX;
}

/*
 * Completes the oldest requests as long as they cannot be executed, and takes them off the window.
 * Returns their number, and the memory of the first that can.
 */
static uint32_t refuse_broken(struct regioi_receive_state *state, struct regioi_window *window,
			      struct regioi_resolvers *resolvers, uint8_t **ret_data)
{
	uint32_t refused = 0;

	for (; window->count; window->first++, window->count--, refused++) {
		*ret_data = regioi_receive_open(resolvers, window, 0);
		if (*ret_data)
			break;
		regioi_request_settle(regioi_window_request(window, 0), -EFAULT,
				      state->partial_bytes);
		state->partial_bytes = 0;
	}
	return refused;
}

static uint32_t pieces_to_ask(const struct regioi_receive_state *state)
{
	return state->asked == ASKED_MANY ? REGIOI_AREA_VECTORS : state->asked;
}

/* Whether two slices are small, and do not lie side by side. */
static bool pays_to_stage(const struct regioi_request *first, const struct regioi_request *second)
{
	return first->region && is_small(first) && is_small(second) &&
	       (first->region != second->region || first->offset + first->bytes != second->offset);
}

/*
 * Plans small slices of one region. The region's address is kept until they are filled, so that
 * bytes taken from the stream can be stored even if the region is being deregistered. Returns their
 * number.
 */
static uint32_t plan_stage(const struct regioi_receive_state *state,
			   const struct regioi_window *window, struct regioi_resolvers *resolvers,
			   struct regioi_area *area, struct regioi_op *op)
{
	const uint32_t most = regioi_lesser(window->count, pieces_to_ask(state));
	const uint64_t region = regioi_window_request(window, 0)->region;
	uint32_t count = 0;
	size_t bytes = 0;

	while (count < most && bytes + REGIOI_COPY_TOGETHER_MAX <= REGIOI_STAGE_BYTES) {
		const struct regioi_request *request = regioi_window_request(window, count);

		if (request->region != region || !is_small(request) ||
		    !regioi_receive_open(resolvers, window, count))
			break;
		bytes += request->bytes;
		count++;
	}
	area->vectors[0].iov_base = resolvers->data.base;
	op->kind = REGIOI_OP_RECEIVE_BYTES;
	op->data = regioi_area_stage(area, 0);
	op->length = bytes - state->partial_bytes;
	return count;
}

static bool is_staged(const struct regioi_area *area, const struct regioi_op *op)
{
	return area && op->kind == REGIOI_OP_RECEIVE_BYTES && op->data == area->stages;
}

static uint32_t plan_vectors(const struct regioi_receive_state *state,
			     const struct regioi_window *window, struct regioi_resolvers *resolvers,
			     struct regioi_area *area, struct regioi_op *op)
{
	struct iovec *vector = area->vectors;
	const struct iovec *vectors_end = vector + pieces_to_ask(state);
	uint8_t *end = NULL; /* of the last vector */
	uint32_t partial_bytes = state->partial_bytes, count = 0;
	size_t bytes = 0;

	while (count < window->count && vector < vectors_end && bytes < SCATTERED_BYTES) {
		uint8_t *data = regioi_receive_open(resolvers, window, count);
		uint32_t pieces, length;
		struct regioi_run run;

		if (!data)
			break;
		run = regioi_window_run(window, count, partial_bytes ? 1 : window->count - count,
					(uint32_t)(vectors_end - vector));
		regioi_run_end_at(&run, SCATTERED_BYTES - bytes);
		regioi_guard_unpoison_run(data, &run);
		run.bytes -= partial_bytes;
		pieces = regioi_run_pieces(&run, &length);
		for (uint32_t i = 0; i < pieces; i++) {
			uint8_t *piece = regioi_run_slice(&run, data + partial_bytes, i);

			if (piece == end)
				vector[-1].iov_len += length;
			else
				*vector++ = (struct iovec){piece, length};
			end = piece + length;
		}
		bytes += (size_t)run.bytes * run.count;
		partial_bytes = 0;
		count += run.count;
	}
	op->kind = REGIOI_OP_RECEIVE_VECTORS;
	op->message = &area->messages[0].msg_hdr;
	op->length = bytes;
	*op->message = (struct msghdr){.msg_iov = area->vectors,
				       .msg_iovlen = (size_t)(vector - area->vectors)};
	return count;
}

uint32_t regioi_stream_receive_plan(struct regioi_receive_state *state,
				    const struct regioi_window *window, struct regioi_area *area,
				    struct regioi_op *op, uint32_t *ret_planned)
{
	struct regioi_resolvers resolvers = {0};
	struct regioi_window rest = *window; /* from the operation's first request on */
	uint8_t *data = NULL;
	const uint32_t refused = refuse_broken(state, &rest, &resolvers, &data);
	const struct regioi_request *first;

	*ret_planned = 0;
	op->result = 0;
	if (!data)
		return refused;
	first = regioi_window_request(&rest, 0);
	if (!area || rest.count == 1) {
		op->kind = REGIOI_OP_RECEIVE_BYTES;
		op->data = data + state->partial_bytes;
		op->length = first->bytes - state->partial_bytes;
		*ret_planned = 1;
	} else if (pays_to_stage(first, regioi_window_request(&rest, 1))) {
		*ret_planned = plan_stage(state, &rest, &resolvers, area, op);
	} else {
		*ret_planned = plan_vectors(state, &rest, &resolvers, area, op);
	}
	return refused;
}

/* ---- Settling ---- */

static uint32_t address_length(const union regioi_address *address)
{
	uint32_t length = regioi_address_length(address);

	/* The address of a unix socket does not fit in a slice, so only its family is written. */
	return length ? length : sizeof(address->any.sa_family);
}

static void fill_extra(const struct regioi_receive_state *state, const struct regio_extra *extra)
{
	struct regioi_resolver resolver = {0};
	uint8_t *control = regioi_slice_open(&resolver, &extra->control);
	struct msghdr none = {0};
	const uint32_t flags = 0;

	regioi_slice_fill(&resolver, &extra->local_address, &state->local,
			  address_length(&state->local));
	regioi_slice_fill(&resolver, &extra->remote_address, &state->peer,
			  address_length(&state->peer));
	if (control)
		regioi_control_to_user(&none, 0, control, extra->control.length);
	regioi_slice_fill(&resolver, &extra->message_flags, &flags, sizeof(flags));
}

/* Completes a request with the bytes that it has got. */
static void complete_request(struct regioi_receive_state *state, const struct regioi_window *window,
			     uint32_t index)
{
	struct regioi_request *request = regioi_window_request(window, index);

	regioi_request_settle(request, 0, state->partial_bytes);
	state->partial_bytes = 0;
	if (__builtin_expect(request->flags & REGIOI_REQUEST_EXTRA, 0))
		fill_extra(state, regioi_window_extra(window, index));
}

/*
 * Sets the number of pieces that the next operation asks for: planning each takes time, and those
 * that are not filled are planned again.
 */
static void adapt(struct regioi_receive_state *state, uint32_t posted, uint32_t done, bool full)
{
	if (full ? done > 1 : done > ASKED_MANY / 2) {
		state->asked = ASKED_MANY;
	} else if (done > 1) {
		state->asked = (uint8_t)(2 * done < ASKED_MIN ? ASKED_MIN : 2 * done);
	} else if (!full) {
		state->asked = 1;
		state->single_receives = 0;
	} else if (posted > 1 && ++state->single_receives >= SINGLE_RECEIVES_MAX) {
		state->asked = ASKED_MANY;
		state->single_receives = 0;
	}
}

/*
 * The common case of settling: plain slices that the kernel has filled whole. Returns their number.
 */
static uint32_t skip_whole(const struct regioi_window *window, uint32_t planned, uint32_t *left)
{
	uint32_t bytes = *left, done = 0;

	while (done < planned && bytes > 0) {
		const struct regioi_request *request = regioi_window_request(window, done);
		uint32_t most = planned - done;
		struct regioi_run run;

		if (request->bytes > bytes || request->flags & REGIOI_REQUEST_EXTRA)
			break;
		if (request->bytes && most > bytes / request->bytes)
			most = bytes / request->bytes;
		run = regioi_window_run(window, done, most, most);
		bytes -= run.count * run.bytes;
		done += run.count;
	}
	*left = bytes;
	return done;
}

uint32_t regioi_stream_receive_settle(struct regioi_receive_state *state,
				      const struct regioi_window *window,
				      const struct regioi_area *area, const struct regioi_op *op,
				      uint32_t planned)
{
	const uint8_t *staged = is_staged(area, op) ? op->data : NULL;
	uint8_t *base = staged ? area->vectors[0].iov_base : NULL;
	uint32_t left = (uint32_t)op->result;
	uint32_t done = 0;

	if (planned > 1 && !staged && !state->partial_bytes)
		done = skip_whole(window, planned, &left);
	/*
	 * If no bytes were asked for, empty slices complete, because there is something to receive.
	 */
	while (done < planned && (left > 0 || op->length == 0)) {
		const struct regioi_request *request = regioi_window_request(window, done);
		uint32_t part = request->bytes - state->partial_bytes;

		if (part > left)
			part = left;
		if (staged) {
			regioi_copy(base + request->offset + state->partial_bytes, staged, part);
			staged += part;
		}
		left -= part;
		state->partial_bytes += part;
		if (request->flags & REGIO_MSG_WAITALL && state->partial_bytes < request->bytes)
			break;
		complete_request(state, window, done++);
	}
	regioi_count_add(&state->messages, done);
	adapt(state, window->count, done, (size_t)op->result == op->length);
	return done;
}

uint32_t regioi_stream_receive_end(struct regioi_receive_state *state,
				   const struct regioi_window *window)
{
	for (uint32_t i = 0; i < window->count; i++) {
		regioi_guard_unpoison_request(regioi_window_request(window, i));
		complete_request(state, window, i);
	}
	return window->count;
}
