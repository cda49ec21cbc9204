/* SPDX-License-Identifier: MIT */
/*
 * Splitting trains.
 *
 * Without UDP_GRO (generic receive offload, GRO) a datagram is received directly into its slice,
 * and the sender's address into the slice for that. With it, one receive may return up to 64 KiB of
 * messages, so it goes to a stage of the working area and is copied to the slices; the control
 * message UDP_GRO reports the length of each message. The number of datagrams that one call asks
 * for depends on what the last calls found.
 */
#include <errno.h>
#include <string.h>

#include "base/count.h"
#include "base/kernel.h"
#include "base/lesser.h"
#include "dgram/control.h"
#include "dgram/icmp.h"
#include "dgram/path.h"
#include "dgram/receive.h"
#include "mem/copy.h"
#include "mem/slices.h"

/*
 * After so many calls in a row that asked for one message, and got it, a call asks for more. The
 * number begins with the least, and doubles each time that asking for more did not pay.
 */
#define SINGLE_RECEIVES_MIN 4u
#define SINGLE_RECEIVES_MAX 64u
#define ASKED_FIRST 16u
#define ASKED_MIN 4u
#define ASKED_TRAINS 4u
/*
 * A call that asks for more costs 65 ns more if it finds only one message. A message that it finds
 * beyond the first saves a call, and often a wait: it pays for so many calls that find only one.
 */
#define ASK_GAIN 8u
#define ASK_CREDIT_MAX (8u * ASK_GAIN)
/*
 * From so many calls on that found several messages and the end of the queue, the same is expected
 * of the next ones, until as many have found one message.
 */
#define DRAINS_MAX 32u
/*
 * When receive trains are worth turning on. A burst is consecutive messages of one sender that were
 * queued together, so that they could have been one train. It is long from BURST_LONG messages on.
 * So many long bursts in a row are no accident, such as a receiver that was late once; nor is one
 * of them if the receiver has not slept for AWAKE_MIN messages.
 */
#define BURST_LONG 8u
#define LONG_BURSTS_MIN 8u
#define AWAKE_MIN 1024u
/* From this mean length on, in messages, only ASKED_TRAINS trains are received at once. */
#define LONG_TRAIN 16u

/* ---- The result of a request ---- */

/* The kernel's control data is cut: where the message was sent to may be missing from it. */
static inline void note_control(struct regioi_receive_state *state, const struct msghdr *header)
{
	if (__builtin_expect(header->msg_flags & MSG_CTRUNC, 0))
		atomic_store_explicit(&state->long_control, true, memory_order_relaxed);
}

static void fill_local(struct regioi_receive_state *state, struct regioi_resolver *resolver,
		       const struct regio_buf *slice, struct msghdr *header)
{
	union regioi_address local = state->local;

	state->destination_missing = !regioi_control_local_address(header, &local);
	regioi_slice_fill(resolver, slice, &local, regioi_address_length(&local));
}

static void fill_control_and_flags(const struct regioi_receive_state *state,
				   struct regioi_resolver *resolver,
				   const struct regio_extra *extra, struct msghdr *header,
				   bool truncated)
{
	uint8_t *control = regioi_slice_open(resolver, &extra->control);
	uint32_t flags = truncated ? MSG_TRUNC : 0;

	if (control &&
	    regioi_control_to_user(header, state->hidden, control, extra->control.length))
		flags |= MSG_CTRUNC;
	regioi_slice_fill(resolver, &extra->message_flags, &flags, sizeof(flags));
}

/* Fills in what a message has beside its data and its sender. */
static void fill_rest(struct regioi_receive_state *state, struct regioi_resolver *resolver,
		      const struct regio_extra *extra, struct msghdr *header, bool truncated)
{
	if (extra->local_address.region)
		fill_local(state, resolver, &extra->local_address, header);
	if (extra->control.region | extra->message_flags.region)
		fill_control_and_flags(state, resolver, extra, header, truncated);
}

/*
 * Stores the result of a request, whose slice has been filled from 'bytes' bytes. Returns whether
 * these were too many.
 */
static inline bool store_result(struct regioi_receive_state *state, struct regioi_request *request,
				uint32_t bytes)
{
	bool truncated = bytes > request->bytes;

	regioi_request_settle(request, truncated ? -EMSGSIZE : 0,
			      regioi_lesser(bytes, request->bytes));
	if (__builtin_expect(truncated, 0))
		regioi_count_add(&state->truncated, 1);
	return truncated;
}

/*
 * Completes request 'index', which was received straight into its slices; 'header' is that of the
 * message.
 */
static inline void complete_direct(struct regioi_receive_state *state,
				   struct regioi_resolver *extra_resolver,
				   const struct regioi_window *window, uint32_t index,
				   uint32_t bytes, struct msghdr *header)
{
	struct regioi_request *request = regioi_window_request(window, index);
	const bool truncated = store_result(state, request, bytes);
	const struct regio_extra *extra;

	if (!(request->flags & REGIOI_REQUEST_EXTRA))
		return;
	extra = regioi_window_extra(window, index);
	note_control(state, header);
	if (regioi_extra_is_more_than_remote(extra))
		fill_rest(state, extra_resolver, extra, header, truncated);
}

/* Completes one whose data was copied from a stage. */
static void complete_copied(struct regioi_receive_state *state,
			    struct regioi_resolver *extra_resolver,
			    const struct regioi_window *window, uint32_t index, uint32_t bytes,
			    struct msghdr *header)
{
	struct regioi_request *request = regioi_window_request(window, index);
	const bool truncated = store_result(state, request, bytes);
	const struct regio_extra *extra;

	if (__builtin_expect(!(request->flags & REGIOI_REQUEST_EXTRA), 1))
		return;
	extra = regioi_window_extra(window, index);
	note_control(state, header);
	regioi_slice_fill(extra_resolver, &extra->remote_address, header->msg_name,
			  header->msg_namelen);
	if (regioi_extra_is_more_than_remote(extra))
		fill_rest(state, extra_resolver, extra, header, truncated);
}

/* ---- Planning ---- */

static enum regioi_area_layout layout_for(const struct regioi_receive_state *state)
{
	/* A train may be delivered to requests posted later, which may have extra slices. */
	if (!state->extras && !state->trains)
		return REGIOI_LAYOUT_DATA;
	return atomic_load_explicit(&state->long_control, memory_order_relaxed)
		       ? REGIOI_LAYOUT_LONG_CONTROLS
		       : REGIOI_LAYOUT_NAMES;
}

/* The layout is read once: a poster may want more at any time, and fewer messages have room then.
 */
static uint32_t messages_to_ask(const struct regioi_receive_state *state,
				enum regioi_area_layout layout)
{
	const uint32_t most = layout == REGIOI_LAYOUT_LONG_CONTROLS ? REGIOI_AREA_LONG_CONTROLS
								    : REGIOI_AREA_MESSAGES;

	return state->asked > 1 ? regioi_lesser(state->asked, most) : 1;
}

static __attribute__((noinline)) void lay_out(struct regioi_area *area,
					      enum regioi_area_layout layout, uint32_t count)
{
	for (uint32_t i = area->layout == layout ? area->laid_out : 0; i < count; i++) {
		struct msghdr *header = &area->receives[i].msg_hdr;

		*header = (struct msghdr){.msg_iov = &area->vectors[i], .msg_iovlen = 1};
		if (layout == REGIOI_LAYOUT_DATA)
			continue;
		header->msg_control =
			layout == REGIOI_LAYOUT_NAMES ? area->control[i] : area->long_control[i];
	}
	area->layout = (uint8_t)layout;
	area->laid_out = count;
}

/* Where the kernel stores what it delivers beside the data, and how much room it has there. */
static inline void ask_for_name(struct regioi_area *area, enum regioi_area_layout layout,
				uint32_t index, void *name)
{
	struct msghdr *header = &area->receives[index].msg_hdr;

	header->msg_name = name;
	header->msg_namelen = sizeof(area->names[index]);
	header->msg_controllen =
		layout == REGIOI_LAYOUT_NAMES ? REGIOI_CONTROL_BYTES : REGIOI_LONG_CONTROL_BYTES;
}

/*
 * Where the kernel stores the sender's address of request 'index': in the slice for it, if there is
 * one. NULL if the request has lost a region; those of the first were looked up just before.
 */
static inline void *find_name(struct regioi_resolver *resolver, const struct regioi_window *window,
			      struct regioi_area *area, uint32_t index)
{
	const struct regio_extra *extra = regioi_window_extra(window, index);
	void *name = &area->names[index];

	if (!(regioi_window_request(window, index)->flags & REGIOI_REQUEST_EXTRA))
		return name;
	if (regioi_extra_is_more_than_remote(extra) && index > 0 &&
	    !regioi_extra_lives(resolver, extra))
		return NULL;
	if (extra->remote_address.region)
		name = regioi_resolve(resolver, extra->remote_address.region,
				      extra->remote_address.offset);
	return name;
}

/* The parts of the headers that no operation changes. */
static inline void prepare_headers(enum regioi_area_layout layout, struct regioi_area *area,
				   uint32_t count)
{
	if (layout != area->layout || count > area->laid_out)
		lay_out(area, layout, count);
}

static uint32_t plan_messages(struct regioi_area *area, struct regioi_op *op, uint32_t count)
{
	op->kind = REGIOI_OP_RECEIVE_MESSAGES;
	op->messages = area->receives;
	op->count = count;
	return count;
}

/*
 * Plans the messages, the first of which has its slices looked up. Ends before a request that has
 * lost a region. Returns their number. 'names' is a constant.
 */
static inline __attribute__((always_inline)) uint32_t plan_each(enum regioi_area_layout layout,
								const struct regioi_window *window,
								uint8_t *data, uint32_t most,
								struct regioi_area *area,
								bool names)
{
	const struct regioi_request *request = regioi_window_request(window, 0);
	struct regioi_resolvers resolvers = {
		.data = {request->region, data - request->offset},
	};
	/* A copy, as the compiler cannot know that no store to the area changes the window. */
	const struct regioi_window local = *window;
	struct iovec *vector = area->vectors;
	void *name = names ? find_name(&resolvers.extra, &local, area, 0) : NULL;
	uint32_t index = 0;

	if (names && !name)
		name = &area->names[0];
	for (;; vector++) {
		vector->iov_base = data;
		vector->iov_len = request->bytes;
		if (names)
			ask_for_name(area, layout, index, name);
		if (++index == most)
			break;
		request = regioi_window_request(&local, index);
		if (names) {
			name = find_name(&resolvers.extra, &local, area, index);
			if (!name)
				break;
		}
		data = regioi_receive_open_data(&resolvers.data, request);
		if (!data)
			break;
	}
	return index;
}

uint32_t regioi_receive_plan_slices(enum regioi_area_layout layout,
				    const struct regioi_window *window, uint8_t *data,
				    uint32_t most, struct regioi_area *area, struct regioi_op *op)
{
	prepare_headers(layout, area, most);
	most = layout == REGIOI_LAYOUT_DATA ? plan_each(layout, window, data, most, area, false)
					    : plan_each(layout, window, data, most, area, true);
	return plan_messages(area, op, most);
}

static uint32_t plan_stages(enum regioi_area_layout layout, uint32_t count,
			    struct regioi_area *area, struct regioi_op *op)
{
	prepare_headers(layout, area, count);
	for (uint32_t i = 0; i < count; i++) {
		area->vectors[i] = (struct iovec){regioi_area_stage(area, i), REGIOI_STAGE_BYTES};
		ask_for_name(area, layout, i, &area->names[i]);
	}
	return plan_messages(area, op, count);
}

uint32_t regioi_receive_plan(struct regioi_receive_state *state, const struct regioi_window *window,
			     struct regioi_area *area, struct regioi_op *op, uint32_t *ret_planned)
{
	const enum regioi_area_layout layout = layout_for(state);
	struct regioi_resolvers resolvers = {0};
	struct regioi_window rest = *window;
	uint32_t asked;
	uint8_t *data = NULL;

	for (; rest.count; rest.first++, rest.count--) {
		data = regioi_receive_open(&resolvers, &rest, 0);
		if (data)
			break;
		regioi_request_settle(regioi_window_request(&rest, 0), -EFAULT, 0);
	}
	*ret_planned = 0;
	op->result = 0;
	asked = regioi_lesser(messages_to_ask(state, layout), rest.count);
	if (asked == 0)
		return window->count;
	if (!area) {
		op->kind = REGIOI_OP_RECEIVE;
		op->data = data;
		op->length = regioi_window_request(&rest, 0)->bytes;
		*ret_planned = 1;
	} else if (state->trains) {
		*ret_planned =
			plan_stages(layout, regioi_lesser(asked, REGIOI_AREA_STAGES), area, op);
	} else {
		*ret_planned = regioi_receive_plan_slices(layout, &rest, data, asked, area, op);
	}
	return window->count - rest.count;
}

/* ---- Settling ---- */

static inline void end_burst(struct regioi_receive_state *state)
{
	if (state->burst == 0)
		return;
	if (state->burst < BURST_LONG)
		state->long_bursts = 0;
	else if (state->long_bursts < LONG_BURSTS_MIN)
		state->long_bursts++;
	state->burst = 0;
}

bool regioi_receive_bursts(const struct regioi_receive_state *state)
{
	return state->long_bursts >= LONG_BURSTS_MIN ||
	       (state->long_bursts > 0 && state->awake >= AWAKE_MIN) || state->burst >= AWAKE_MIN;
}

/*
 * The sender is compared as far as it is known. Lengths are not, because two messages of different
 * length can be one train.
 */
static void count_burst(struct regioi_receive_state *state, const struct mmsghdr *messages,
			uint32_t count)
{
	const struct mmsghdr *const end = messages + count;
	const void *sender = &state->burst_sender;

	if (!messages->msg_hdr.msg_name) {
		state->burst += count;
		return;
	}
	for (; messages < end; messages++) {
		const void *name = messages->msg_hdr.msg_name;

		if (!regioi_address_equal(name, sender)) {
			end_burst(state);
			sender = name;
		}
		state->burst++;
	}
	if (sender != &state->burst_sender)
		memcpy(&state->burst_sender, sender, sizeof(state->burst_sender));
}

static void count_drain(struct regioi_receive_state *state, uint32_t asked, uint32_t found)
{
	if (found == 1) {
		if (state->drains > 0 && --state->drains == 0)
			state->drains_often = false;
	} else if (found < asked && state->drains < DRAINS_MAX && ++state->drains == DRAINS_MAX) {
		state->drains_often = true;
	}
}

/*
 * The next call asks for as many as this one found, or for more if this one got all it asked for.
 */
static void adapt(struct regioi_receive_state *state, uint32_t asked, uint32_t found)
{
	if (asked == 1) {
		if (state->single_receives_max == 0)
			state->single_receives_max = SINGLE_RECEIVES_MIN;
		state->asked =
			++state->single_receives >= state->single_receives_max ? ASKED_FIRST : 1;
		return;
	}
	state->single_receives = 0;
	if (found == 1 && state->ask_credit == 0 && !state->drains_often) {
		state->asked = 1;
		state->single_receives_max = (uint8_t)regioi_lesser(2u * state->single_receives_max,
								    SINGLE_RECEIVES_MAX);
		return;
	}
	if (found == 1) {
		state->ask_credit -= state->ask_credit > 0;
	} else {
		state->single_receives_max = SINGLE_RECEIVES_MIN;
		state->ask_credit = (uint8_t)regioi_lesser(
			state->ask_credit + ASK_GAIN * (found - 1), ASK_CREDIT_MAX);
	}
	state->asked =
		(uint8_t)regioi_lesser(found < asked ? 2 * found : 4 * asked, REGIOI_AREA_MESSAGES);
	if (state->asked < ASKED_MIN)
		state->asked = ASKED_MIN;
}

static uint32_t settle_single(struct regioi_receive_state *state,
			      const struct regioi_window *window, uint32_t bytes)
{
	end_burst(state);
	store_result(state, regioi_window_request(window, 0), bytes);
	regioi_count_add(&state->messages, 1);
	/* If no more receives are posted, the call could not have asked for more. */
	if (window->count > 1)
		adapt(state, 1, 1);
	return 1;
}

static __attribute__((noinline)) uint32_t settle_slices(struct regioi_receive_state *state,
							const struct regioi_window *window,
							const struct regioi_op *op)
{
	const uint32_t found = (uint32_t)op->result;
	struct regioi_resolver extra_resolver = {0};
	const struct regioi_window local = *window;
	struct mmsghdr *const messages = op->messages;

	count_burst(state, messages, found);
	for (uint32_t i = 0; i < found; i++)
		complete_direct(state, &extra_resolver, &local, i, messages[i].msg_len,
				&messages[i].msg_hdr);
	/* What arrives after the queue was empty was not queued together with these. */
	if (found < op->count)
		end_burst(state);
	regioi_count_add(&state->messages, found);
	adapt(state, op->count, found);
	return found;
}

/* Copies a piece of 'segment' bytes into each slice of a run. 'is_short' is a constant. */
static inline __attribute__((always_inline)) void scatter(const struct regioi_run *run,
							  uint8_t *data, const uint8_t *pieces,
							  uint32_t segment, bool is_short)
{
	struct regioi_request *request = run->first, *const end = request + run->count;
	uint8_t *const base = data - request->offset;
	const uint64_t result = regioi_word(0, segment);

	for (; request < end; request++, pieces += segment) {
		uint8_t *slice = base + request->offset;

		if (is_short)
			regioi_copy_ends(slice, pieces, segment, 2);
		else
			regioi_copy(slice, pieces, segment);
		regioi_word_store(&request->result, result);
	}
}

/*
 * The common case of deliver_message(): a run of plain requests is filled with whole pieces of
 * 'segment' bytes, of which 'left' bytes are left. Returns the number of requests completed.
 */
static uint32_t deliver_run(const struct regioi_window *window, uint32_t index,
			    struct regioi_resolver *resolver, const uint8_t *pieces, uint32_t left,
			    uint32_t segment)
{
	struct regioi_request *first = regioi_window_request(window, index);
	struct regioi_run run;
	uint32_t count;
	uint8_t *data;

	if (first->region == 0 || first->flags & REGIOI_REQUEST_EXTRA || first->bytes < segment ||
	    left < segment || segment == 0)
		return 0;
	data = regioi_resolve(resolver, first->region, first->offset);
	if (!data)
		return 0;
	count = regioi_lesser(left / segment, window->count - index);
	run = regioi_window_run(window, index, count, count);
	regioi_guard_unpoison_run(data, &run);
	if (run.together && run.bytes == segment) {
		regioi_copy(data, pieces, (size_t)segment * run.count);
		return run.count;
	}
	if (regioi_copy_is_short(segment))
		scatter(&run, data, pieces, segment, true);
	else
		scatter(&run, data, pieces, segment, false);
	return run.count;
}

/* Gives one request the next piece. Returns false if its region was deregistered. */
static bool deliver_piece(struct regioi_receive_state *state, const struct regioi_window *window,
			  uint32_t index, struct regioi_resolvers *resolvers, const uint8_t *piece,
			  uint32_t bytes)
{
	struct regioi_request *request = regioi_window_request(window, index);
	uint8_t *data = regioi_receive_open(resolvers, window, index);

	if (__builtin_expect(!data, 0)) {
		regioi_request_settle(request, -EFAULT, 0);
		return false;
	}
	regioi_copy(data, piece, regioi_lesser(bytes, request->bytes));
	complete_copied(state, &resolvers->extra, window, index, bytes,
			&state->staged.area->receives[state->staged.message].msg_hdr);
	return true;
}

/*
 * Distributes the rest of one received message over the requests from 'index' on, in pieces of
 * 'segment' bytes. Returns the number of requests completed; *ret_whole is whether all of it was
 * delivered.
 */
static uint32_t deliver_message(struct regioi_receive_state *state,
				const struct regioi_window *window, uint32_t index,
				struct regioi_resolvers *resolvers, bool *ret_whole)
{
	struct regioi_staged *staged = &state->staged;
	struct mmsghdr *message = &staged->area->receives[staged->message];
	const uint8_t *stage = regioi_area_stage(staged->area, staged->message);
	uint32_t segment = regioi_control_segment(&message->msg_hdr);
	uint32_t done = index, delivered = 0, offset = staged->offset;

	if (segment == 0)
		segment = message->msg_len;
	*ret_whole = false;
	while (done < window->count && !*ret_whole) {
		const uint32_t left = message->msg_len - offset;
		uint32_t run = 0;

		/* For one piece, looking for a run would cost more than what it saves. */
		if (left > segment)
			run = deliver_run(window, done, &resolvers->data, stage + offset, left,
					  segment);
		if (run == 0) {
			run = 1;
			if (!deliver_piece(state, window, done, resolvers, stage + offset,
					   regioi_lesser(segment, left))) {
				done++;
				continue;
			}
		}
		done += run;
		delivered += run;
		offset += regioi_lesser(left, run * segment);
		*ret_whole = offset >= message->msg_len;
	}
	staged->offset = offset;
	regioi_count_add(&state->messages, delivered);
	return done - index;
}

uint32_t regioi_receive_deliver(struct regioi_receive_state *state,
				const struct regioi_window *window)
{
	struct regioi_staged *staged = &state->staged;
	struct regioi_resolvers resolvers = {0};
	uint32_t done = 0;
	bool whole;

	while (staged->message < staged->messages && done < window->count) {
		done += deliver_message(state, window, done, &resolvers, &whole);
		if (!whole)
			break;
		staged->message++;
		staged->offset = 0;
	}
	return done;
}

static __attribute__((noinline)) uint32_t settle_stages(struct regioi_receive_state *state,
							const struct regioi_window *window,
							struct regioi_area *area,
							const struct regioi_op *op)
{
	const uint32_t found = (uint32_t)op->result;
	uint32_t trains = 0, done;

	for (uint32_t i = 0; i < found; i++) {
		uint32_t segment = regioi_control_segment(&op->messages[i].msg_hdr);

		trains += segment && segment < op->messages[i].msg_len;
	}
	regioi_count_add(&state->received_trains, trains);
	state->staged = (struct regioi_staged){.area = area, .messages = found};
	done = regioi_receive_deliver(state, window);
	if (state->staged.message == found)
		state->staged.area = NULL;
	adapt(state, op->count, found);
	/* Four long trains fill the caches; receiving more at once saves nothing. */
	if (done >= LONG_TRAIN * found)
		state->asked = ASKED_TRAINS;
	return done;
}

static uint32_t settle_error(struct regioi_receive_state *state, const struct regioi_window *window,
			     int error, enum regioi_receive_verdict *ret_verdict)
{
	if (error == -EAGAIN) {
		*ret_verdict = REGIOI_RECEIVE_EMPTY;
		end_burst(state);
		state->single_receives = 0;
		state->retries = 0;
		return 0;
	}
	/* The ICMP answer to an earlier send; reading the error has cleared it. */
	if (regioi_error_is_icmp(error) && !state->report_icmp &&
	    (!regioi_error_may_last(error) || state->retries++ < REGIOI_ICMP_RETRIES))
		return 0;
	state->retries = 0;
	regioi_request_settle(regioi_window_request(window, 0), error, 0);
	return 1;
}

uint32_t regioi_receive_settle(struct regioi_receive_state *state,
			       const struct regioi_window *window, struct regioi_area *area,
			       const struct regioi_op *op, enum regioi_receive_verdict *ret_verdict)
{
	regioi_count_add(&state->calls, 1);
	*ret_verdict = REGIOI_RECEIVE_PROGRESS;
	if (op->result < 0)
		return settle_error(state, window, op->result, ret_verdict);
	state->retries = 0;
	if (op->kind == REGIOI_OP_RECEIVE) {
		count_drain(state, 1, 1);
		return settle_single(state, window, (uint32_t)op->result);
	}
	count_drain(state, op->count, (uint32_t)op->result);
	/*
	 * Fewer than asked for: the call reached the end of the queue, or an error. An error is
	 * looked for at once only if the program wants ICMP errors reported.
	 */
	if ((uint32_t)op->result < op->count && !state->report_icmp)
		*ret_verdict = REGIOI_RECEIVE_EMPTY;
	if (state->trains)
		return settle_stages(state, window, area, op);
	return settle_slices(state, window, op);
}
