/* SPDX-License-Identifier: MIT */
/*
 * Joining sends into trains.
 *
 * A train is a run of consecutive requests with one destination, equal control data and equal
 * length; a shorter one may follow, and ends the run. It is sent by one sendmsg(2) with
 * UDP_SEGMENT, and passes through the network stack as one packet (generic segmentation offload,
 * GSO). Slices that lie side by side are passed as one vector. Small ones that do not are first
 * copied into one buffer: passing the kernel a vector for each costs more than the copy.
 */
#include <errno.h>
#include <string.h>

#include "base/count.h"
#include "base/lesser.h"
#include "dgram/control.h"
#include "dgram/icmp.h"
#include "dgram/send.h"
#include "mem/gather.h"
#include "mem/slices.h"

/* The destination and control data of a request. */
struct envelope {
	const union regioi_address *address; /* NULL: the connected peer */
	uint32_t address_length;
	struct regioi_control_span control;
};

/* A request that has been looked up. */
struct opened {
	const uint8_t *data;
	struct envelope envelope;
};

/* A plan while it is being made. */
struct plan {
	struct regioi_send_state *state;
	const struct regioi_window *window;
	struct regioi_area *area;
	struct regioi_resolver data_resolver, extra_resolver;
	struct regioi_gather gather;
	uint64_t now_ns;
	uint32_t taken;	   /* requests so far */
	uint32_t messages; /* of the area */
	struct opened next;
	uint32_t next_end; /* 'next' is the request before this one, if it is not taken yet */
};

static const uint8_t nothing[1];

static uint8_t *resolve_extra(struct plan *plan, const struct regio_buf *slice)
{
	return regioi_resolve(&plan->extra_resolver, slice->region, slice->offset);
}

/* Returns 0, or the status the request completes with. */
static int open_envelope(struct plan *plan, const struct regio_extra *extra,
			 struct envelope *ret_envelope)
{
	uint8_t *slice;

	if (extra->remote_address.region) {
		slice = resolve_extra(plan, &extra->remote_address);
		if (!slice)
			return -EFAULT;
		ret_envelope->address = (const union regioi_address *)(void *)slice;
		ret_envelope->address_length = regioi_address_length(ret_envelope->address);
		if (ret_envelope->address_length == 0)
			return -EAFNOSUPPORT;
	}
	if (extra->message_flags.region) {
		slice = resolve_extra(plan, &extra->message_flags);
		if (!slice)
			return -EFAULT;
		memset(slice, 0, sizeof(uint32_t));
	}
	if (extra->control.region) {
		slice = resolve_extra(plan, &extra->control);
		if (!slice)
			return -EFAULT;
		return regioi_control_from_user(slice, extra->control.length,
						&ret_envelope->control);
	}
	return 0;
}

/*
 * Opens request 'index', which is 'next' then, unless that is done. Returns 0, or the status the
 * request completes with.
 */
static inline int open_request(struct plan *plan, uint32_t index)
{
	const struct regioi_request *request;
	int error = 0;

	if (plan->next_end == index + 1)
		return 0;
	request = regioi_window_request(plan->window, index);
	plan->next = (struct opened){.data = nothing};
	plan->next_end = 0;
	if (request->region)
		plan->next.data =
			regioi_resolve(&plan->data_resolver, request->region, request->offset);
	if (!plan->next.data)
		return -EFAULT;
	if (request->flags & REGIOI_REQUEST_EXTRA)
		error = open_envelope(plan, regioi_window_extra(plan->window, index),
				      &plan->next.envelope);
	if (error == 0)
		plan->next_end = index + 1;
	return error;
}

static bool envelope_equal(const struct envelope *a, const struct envelope *b)
{
	if (a->control.length != b->control.length ||
	    (a->control.length && a->control.data != b->control.data &&
	     memcmp(a->control.data, b->control.data, a->control.length) != 0))
		return false;
	if (a->address == b->address)
		return true;
	return a->address && b->address && regioi_address_equal(a->address, b->address);
}

/* The longest message to this destination that may be joined; 0: none may. */
static uint32_t joinable_bytes(const struct plan *plan, const struct envelope *envelope)
{
	struct regioi_send_state *state = plan->state;

	if (state->train_messages_max < 2 || state->unsegmented_left > 0)
		return 0;
	if (envelope->control.length &&
	    (envelope->control.length + CMSG_SPACE(sizeof(uint16_t)) > REGIOI_CONTROL_BYTES ||
	     !regioi_control_joinable(&envelope->control)))
		return 0;
	if (__builtin_expect(state->paths.used > 0, 0))
		return regioi_paths_message_max(&state->paths, envelope->address, plan->now_ns);
	return UINT32_MAX;
}

/* Whether request 'index' may be added to the train whose messages have 'segment' bytes. */
static inline bool may_follow(struct plan *plan, uint32_t index, uint32_t segment,
			      const struct envelope *envelope)
{
	const struct regioi_request *request = regioi_window_request(plan->window, index);

	return request->bytes > 0 && request->bytes <= segment && open_request(plan, index) == 0 &&
	       envelope_equal(envelope, &plan->next.envelope);
}

/*
 * Adds the vectors of a train that begins with 'first', which is the next request, and to which
 * there may be more. Returns the number of requests in it.
 */
static uint32_t add_train(struct plan *plan, const struct opened *first, uint32_t segment)
{
	const uint32_t fitting = plan->state->train_bytes_max / segment;
	/* The first is sent even if it is too long for a train. */
	const uint32_t messages_max = regioi_lesser(
		regioi_lesser(plan->state->train_messages_max, plan->window->count - plan->taken),
		regioi_lesser(REGIOI_AREA_VECTORS - plan->taken, fitting ? fitting : 1));
	const uint32_t vectors = plan->gather.vectors;
	const uint8_t *data = first->data;
	uint32_t count = 0, bytes = segment;

	regioi_gather_begin(&plan->gather, data, 0);
	do {
		const uint32_t most = bytes < segment ? 1 : messages_max - count;
		struct regioi_run run =
			regioi_window_run(plan->window, plan->taken + count, most, most);

		regioi_gather_run(&plan->gather, data, &run);
		count += run.count;
		if (bytes < segment || count == messages_max ||
		    !may_follow(plan, plan->taken + count, segment, &first->envelope))
			break;
		data = plan->next.data;
		bytes = regioi_window_request(plan->window, plan->taken + count)->bytes;
	} while (true);
	regioi_gather_end(&plan->gather, vectors);
	plan->gather.copied = (plan->gather.copied + 63u) & ~63u;
	return count;
}

static void address_message(struct plan *plan, const struct envelope *envelope,
			    struct msghdr *header)
{
	header->msg_name = (void *)(uintptr_t)envelope->address;
	header->msg_namelen = envelope->address_length;
	header->msg_control = envelope->control.length ? envelope->control.data : NULL;
	header->msg_controllen = envelope->control.length;
	header->msg_flags = 0;
}

/* Adds the control data of a train: the program's, if any, and the segment length. */
static void control_train(struct plan *plan, const struct envelope *envelope, uint32_t segment,
			  struct msghdr *header)
{
	uint8_t *control = plan->area->control[plan->messages];
	size_t length = CMSG_ALIGN(envelope->control.length);

	if (envelope->control.length) {
		memset(control, 0, length);
		memcpy(control, envelope->control.data, envelope->control.length);
	}
	length += regioi_control_put_segment(control + length, (uint16_t)segment);
	header->msg_control = control;
	header->msg_controllen = length;
}

/* Adds one message, a train if possible, that begins with the next request, which is open. */
static void add_message(struct plan *plan)
{
	const uint32_t segment = regioi_window_request(plan->window, plan->taken)->bytes;
	struct msghdr *header = &plan->area->messages[plan->messages].msg_hdr;
	const uint32_t vectors = plan->gather.vectors, after = plan->taken + 1;
	const struct opened first = plan->next;
	uint32_t count = 1;

	address_message(plan, &first.envelope, header);
	header->msg_iov = &plan->area->vectors[vectors];
	if (after < plan->window->count && segment > 0 &&
	    segment <= joinable_bytes(plan, &first.envelope) &&
	    may_follow(plan, after, segment, &first.envelope))
		count = add_train(plan, &first, segment);
	else
		regioi_gather_vector(&plan->gather, first.data, segment);
	header->msg_iovlen = plan->gather.vectors - vectors;
	if (count > 1)
		control_train(plan, &first.envelope, segment, header);
	plan->area->requests[plan->messages] = count;
	plan->taken += count;
	plan->messages++;
}

/*
 * Completes the oldest requests as long as they cannot be executed, and opens the first that can.
 * Returns their number.
 */
static uint32_t refuse_broken(struct plan *plan, struct regioi_window *window)
{
	uint32_t refused = 0;

	for (; window->count; window->first++, window->count--, refused++) {
		int error = open_request(plan, 0);

		if (!error)
			break;
		regioi_request_settle(regioi_window_request(window, 0), error, 0);
	}
	return refused;
}

static bool plan_has_room(const struct plan *plan)
{
	return plan->taken < plan->window->count && plan->messages < REGIOI_AREA_MESSAGES &&
	       plan->taken < REGIOI_AREA_VECTORS &&
	       plan->gather.copied + REGIOI_STAGE_BYTES <= sizeof(plan->area->stages);
}

uint32_t regioi_send_plan(struct regioi_send_state *state, const struct regioi_window *window,
			  struct regioi_area *area, struct regioi_op *op, uint64_t now_ns,
			  uint32_t *ret_planned)
{
	struct regioi_window rest = *window; /* from the operation's first request on */
	struct plan plan = {.state = state,
			    .window = &rest,
			    .area = area,
			    .gather = {.area = area},
			    .now_ns = now_ns};
	const uint32_t refused = refuse_broken(&plan, &rest);

	*ret_planned = 0;
	op->result = 0;
	if (rest.count == 0)
		return refused;
	if (!area) {
		regioi_plan_plain_send(op, plan.next.data, regioi_window_request(&rest, 0)->bytes);
		*ret_planned = 1;
		return refused;
	}
	if (state->unsegmented_left && rest.count > state->unsegmented_left)
		rest.count = state->unsegmented_left;
	do
		add_message(&plan);
	while (plan_has_room(&plan) && open_request(&plan, plan.taken) == 0);

	*ret_planned = plan.taken;
	if (plan.messages == 1 && plan.taken == 1 && !area->messages[0].msg_hdr.msg_name &&
	    !area->messages[0].msg_hdr.msg_controllen) {
		regioi_plan_plain_send(op, area->vectors[0].iov_base, area->vectors[0].iov_len);
		return refused;
	}
	op->kind = REGIOI_OP_SEND_MESSAGES;
	op->messages = area->messages;
	op->count = plan.messages;
	return refused;
}

uint32_t regioi_send_settle_messages(struct regioi_send_state *state,
				     const struct regioi_area *area, uint32_t messages)
{
	uint32_t done = 0, trains = 0;

	for (uint32_t i = 0; i < messages; i++) {
		done += area->requests[i];
		trains += area->requests[i] > 1;
	}
	return regioi_send_count(state, done, trains);
}

/*
 * After a refused train: note the refusal, and send its messages one at a time. They have not been
 * sent.
 */
static void settle_refused(struct regioi_send_state *state, const struct regioi_area *area,
			   int error, uint32_t segment, uint64_t now_ns)
{
	const union regioi_address *address = area->messages[0].msg_hdr.msg_name;

	regioi_count_add(&state->trains_refused, 1);
	state->unsegmented_left = area->requests[0];
	regioi_paths_refused(&state->paths, address, error == -EIO ? 0 : segment - 1, now_ns);
}

uint32_t regioi_send_settle_error(struct regioi_send_state *state,
				  const struct regioi_window *window, struct regioi_area *area,
				  const struct regioi_op *op, uint64_t now_ns,
				  enum regioi_send_verdict *ret_verdict)
{
	uint32_t carried = op->kind == REGIOI_OP_SEND ? 1 : area->requests[0];
	int error = op->result;

	if (error == -EAGAIN) {
		*ret_verdict = REGIOI_SEND_FULL;
		return 0;
	}
	if (carried > 1 && (error == -EMSGSIZE || error == -EINVAL || error == -EIO)) {
		settle_refused(state, area, error, regioi_window_request(window, 0)->bytes, now_ns);
		return 0;
	}
	if (regioi_error_is_icmp(error) && state->retries < REGIOI_ICMP_RETRIES) {
		state->retries++;
		return 0;
	}
	for (uint32_t i = 0; i < carried; i++)
		regioi_request_settle(regioi_window_request(window, i), error, 0);
	state->retries = 0;
	state->unsegmented_left -= regioi_lesser(state->unsegmented_left, carried);
	return carried;
}
