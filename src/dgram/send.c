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

/*
 * A plan while it is being made. A request is opened, that is looked up, before it is known whether
 * it begins a message: its destination and control data are in the header that it then has.
 */
struct plan {
	struct regioi_send_state *state;
	struct regioi_window window; /* from the operation's first request on */
	struct regioi_area *area;
	struct regioi_resolver data_resolver, extra_resolver;
	struct regioi_gather gather;
	uint64_t now_ns;
	uint32_t taken;	     /* requests so far */
	uint32_t messages;   /* of the area */
	const uint8_t *next; /* the data of the next request; NULL: it is not open */
	uint32_t next_bytes; /* its length */
	bool joins;	     /* there may be trains */
};

static const uint8_t nothing[1];

static inline uint8_t *resolve_extra(struct plan *plan, const struct regio_buf *slice)
{
	return regioi_resolve(&plan->extra_resolver, slice->region, slice->offset);
}

static inline int open_destination(struct plan *plan, const struct regio_buf *slice,
				   struct msghdr *header)
{
	header->msg_name = resolve_extra(plan, slice);
	if (!header->msg_name)
		return -EFAULT;
	header->msg_namelen = regioi_address_length(header->msg_name);
	return header->msg_namelen ? 0 : -EAFNOSUPPORT;
}

static __attribute__((noinline)) int open_flags_and_control(struct plan *plan,
							    const struct regio_extra *extra,
							    struct msghdr *header)
{
	struct regioi_control_span control;
	uint8_t *slice;
	int error;

	if (extra->message_flags.region) {
		slice = resolve_extra(plan, &extra->message_flags);
		if (!slice)
			return -EFAULT;
		memset(slice, 0, sizeof(uint32_t));
	}
	if (!extra->control.region)
		return 0;
	slice = resolve_extra(plan, &extra->control);
	if (!slice)
		return -EFAULT;
	error = regioi_control_from_user(slice, extra->control.length, &control);
	if (!error && control.length) {
		header->msg_control = control.data;
		header->msg_controllen = control.length;
	}
	return error;
}

/* Returns 0, or the status the request completes with. */
static inline int open_extra(struct plan *plan, const struct regio_extra *extra,
			     struct msghdr *header)
{
	int error = 0;

	if (extra->remote_address.region)
		error = open_destination(plan, &extra->remote_address, header);
	if (!error && extra->message_flags.region | extra->control.region)
		error = open_flags_and_control(plan, extra, header);
	return error;
}

/*
 * Opens request 'index', as the next one, into the header of message 'message'. Returns 0, or the
 * status the request completes with.
 */
static inline int open_request(struct plan *plan, uint32_t index, uint32_t message)
{
	const struct regioi_request *request = regioi_window_request(&plan->window, index);
	struct msghdr *header = &plan->area->messages[message].msg_hdr;
	const uint8_t *data = nothing;
	int error = 0;

	plan->next = NULL;
	if (request->region)
		data = regioi_resolve(&plan->data_resolver, request->region, request->offset);
	if (!data)
		return -EFAULT;
	*header = (struct msghdr){.msg_iovlen = 1};
	if (request->flags & REGIOI_REQUEST_EXTRA)
		error = open_extra(plan, regioi_window_extra(&plan->window, index), header);
	if (error)
		return error;
	plan->next = data;
	plan->next_bytes = request->bytes;
	return 0;
}

/* Opens the request after the next 'count', if it is one that can be executed. */
static inline void open_after(struct plan *plan, uint32_t count)
{
	plan->next = NULL;
	if (plan->taken + count < plan->window.count)
		open_request(plan, plan->taken + count, plan->messages + 1);
}

static bool control_equal(const struct msghdr *a, const struct msghdr *b)
{
	return a->msg_controllen == b->msg_controllen &&
	       (a->msg_control == b->msg_control ||
		memcmp(a->msg_control, b->msg_control, a->msg_controllen) == 0);
}

static inline bool destination_equal(const struct msghdr *a, const struct msghdr *b)
{
	if (a->msg_name == b->msg_name)
		return true;
	return a->msg_name && b->msg_name && regioi_address_equal(a->msg_name, b->msg_name);
}

/* Whether requests of 'segment' bytes to this destination may be joined. */
static bool is_joinable(const struct plan *plan, const struct msghdr *header, uint32_t segment)
{
	struct regioi_send_state *state = plan->state;

	if (header->msg_controllen &&
	    (header->msg_controllen + CMSG_SPACE(sizeof(uint16_t)) > REGIOI_CONTROL_BYTES ||
	     !regioi_control_joinable(
		     &(struct regioi_control_span){header->msg_control, header->msg_controllen})))
		return false;
	return state->paths.used == 0 ||
	       segment <= regioi_paths_message_max(&state->paths, header->msg_name, plan->now_ns);
}

/* Whether the next request may be added to the present message, of pieces of 'segment' bytes. */
static inline bool next_follows(const struct plan *plan, uint32_t segment)
{
	const struct mmsghdr *message = &plan->area->messages[plan->messages];

	return plan->next && plan->next_bytes > 0 && plan->next_bytes <= segment &&
	       destination_equal(&message[0].msg_hdr, &message[1].msg_hdr) &&
	       control_equal(&message[0].msg_hdr, &message[1].msg_hdr);
}

/*
 * Adds the vectors of a train that begins with 'data', and to which there may be more. Returns the
 * number of requests in it.
 */
static uint32_t add_pieces(struct plan *plan, const uint8_t *data, uint32_t segment)
{
	const uint32_t fitting = plan->state->train_bytes_max / segment;
	/* The first is sent even if it is too long for a train. */
	const uint32_t messages_max = regioi_lesser(
		regioi_lesser(plan->state->train_messages_max, plan->window.count - plan->taken),
		fitting ? fitting : 1);
	const uint32_t vectors = plan->gather.vectors;
	uint32_t count = 0, bytes = segment;

	regioi_gather_begin(&plan->gather, data, 0);
	do {
		const uint32_t most = bytes < segment ? 1 : messages_max - count;
		struct regioi_run run =
			regioi_window_run(&plan->window, plan->taken + count, most, most);

		regioi_gather_run(&plan->gather, data, &run);
		count += run.count;
		open_after(plan, count);
		if (bytes < segment || count == messages_max || !next_follows(plan, segment))
			break;
		data = plan->next;
		bytes = plan->next_bytes;
	} while (true);
	regioi_gather_end(&plan->gather, vectors);
	plan->gather.copied = (plan->gather.copied + 63u) & ~63u;
	return count;
}

/* Adds the segment length to the control data of a train: the program's, if any. */
static void control_train(struct plan *plan, uint32_t segment, struct msghdr *header)
{
	uint8_t *control = plan->area->control[plan->messages];
	size_t length = CMSG_ALIGN(header->msg_controllen);

	if (header->msg_controllen) {
		memset(control, 0, length);
		memcpy(control, header->msg_control, header->msg_controllen);
	}
	length += regioi_control_put_segment(control + length, (uint16_t)segment);
	header->msg_control = control;
	header->msg_controllen = length;
}

/* Adds a message of several requests, of which the first is open. Returns their number. */
static __attribute__((noinline)) uint32_t add_train(struct plan *plan, const uint8_t *data,
						    uint32_t segment)
{
	struct msghdr *header = &plan->area->messages[plan->messages].msg_hdr;
	const uint32_t vectors = plan->gather.vectors;
	const uint32_t count = add_pieces(plan, data, segment);

	header->msg_iovlen = plan->gather.vectors - vectors;
	if (count > 1)
		control_train(plan, segment, header);
	/* There is no room for the pieces of another train. */
	if (plan->gather.copied + REGIOI_STAGE_BYTES > sizeof(plan->area->stages))
		plan->next = NULL;
	return count;
}

/* Adds one message, a train if possible, that begins with the next request, which is open. */
static inline void add_message(struct plan *plan)
{
	struct msghdr *header = &plan->area->messages[plan->messages].msg_hdr;
	const uint32_t segment = plan->next_bytes;
	const uint8_t *data = plan->next;
	uint32_t count = 1;

	header->msg_iov = &plan->area->vectors[plan->gather.vectors];
	open_after(plan, 1);
	if (plan->joins && next_follows(plan, segment) && is_joinable(plan, header, segment))
		count = add_train(plan, data, segment);
	else
		regioi_gather_vector(&plan->gather, data, segment);
	plan->area->requests[plan->messages] = count;
	plan->taken += count;
	plan->messages++;
}

/*
 * Completes the oldest requests as long as they cannot be executed, and opens the first that can.
 * Returns their number.
 */
static uint32_t refuse_broken(struct plan *plan)
{
	struct regioi_window *window = &plan->window;
	uint32_t refused = 0;

	for (; window->count; window->first++, window->count--, refused++) {
		int error = open_request(plan, 0, 0);

		if (!error)
			break;
		regioi_request_settle(regioi_window_request(window, 0), error, 0);
	}
	return refused;
}

static void plan_operation(const struct plan *plan, struct regioi_op *op)
{
	const struct msghdr *header = &plan->area->messages[0].msg_hdr;

	if (plan->taken == 1 && !header->msg_name && !header->msg_controllen) {
		regioi_plan_plain_send(op, header->msg_iov->iov_base, header->msg_iov->iov_len);
		return;
	}
	op->kind = REGIOI_OP_SEND_MESSAGES;
	op->messages = plan->area->messages;
	op->count = plan->messages;
}

/* The window is a single plain request. */
static uint32_t plan_alone(const struct regioi_window *window, struct regioi_op *op,
			   uint32_t *ret_planned)
{
	struct regioi_request *request = regioi_window_request(window, 0);
	const uint8_t *data =
		request->region ? regioi_region_resolve(request->region, request->offset) : nothing;

	if (!data) {
		regioi_request_settle(request, -EFAULT, 0);
		return 1;
	}
	regioi_plan_plain_send(op, data, request->bytes);
	*ret_planned = 1;
	return 0;
}

uint32_t regioi_send_plan(struct regioi_send_state *state, const struct regioi_window *window,
			  struct regioi_area *area, struct regioi_op *op, uint64_t now_ns,
			  uint32_t *ret_planned)
{
	struct plan plan = {
		.state = state,
		.window = *window,
		.area = area,
		.gather = {.area = area},
		.now_ns = now_ns,
		.joins = state->train_messages_max > 1 && state->unsegmented_left == 0,
	};
	uint32_t refused;

	*ret_planned = 0;
	op->result = 0;
	if (!area)
		return plan_alone(window, op, ret_planned);
	refused = refuse_broken(&plan);
	if (!plan.next)
		return refused;
	if (state->unsegmented_left)
		plan.window.count = regioi_lesser(plan.window.count, state->unsegmented_left);
	plan.window.count = regioi_lesser(plan.window.count, REGIOI_AREA_VECTORS);
	do
		add_message(&plan);
	while (plan.next && plan.messages < REGIOI_AREA_MESSAGES);

	*ret_planned = plan.taken;
	plan_operation(&plan, op);
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
