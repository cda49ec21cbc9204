/* SPDX-License-Identifier: MIT */
/*
 * model.c - the contract, call by call
 */
#include "model.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

static bool reject(struct model *model, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool reject(struct model *model, const char *format, ...)
{
	va_list arguments;

	if (model->reason[0])
		return false;
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the line before does it */
	vsnprintf(model->reason, sizeof(model->reason), format, arguments);
	va_end(arguments);
	return false;
}

/* ---- What a call may answer ---- */

/*
 * The errors that hold for a call, each for certain or perhaps. Where several do, any may be
 * reported.
 */
struct errors {
	int known[8];
	int count;
	bool certain;
};

static void hold(struct errors *errors, bool perhaps, bool certain, int error)
{
	if (perhaps)
		errors->known[errors->count++] = error;
	errors->certain |= certain;
}

static void hold_if(struct errors *errors, bool condition, int error)
{
	hold(errors, condition, condition, error);
}

static bool settle(struct model *model, const struct event *event, const struct errors *errors)
{
	if (event->result >= 0 && !errors->certain)
		return true;
	for (int i = 0; i < errors->count; i++) {
		if (event->result == errors->known[i])
			return true;
	}
	if (errors->certain)
		return reject(model, "returned %s, not %s", regio_error_name(event->result),
			      regio_error_name(errors->known[0]));
	return reject(model, "returned %s, with no reason to", regio_error_name(event->result));
}

/* ---- Regions ---- */

static struct model_region *region_of(struct model *model, uint32_t number)
{
	return number && number <= model->regions_count ? &model->regions[number - 1] : NULL;
}

static bool end_register(struct model *model, const struct event *event)
{
	struct errors errors = {0};

	hold_if(&errors, event->call.wrong, -EINVAL);
	/* Counted where it is used: another thread may have been faster. */
	return settle(model, event, &errors);
}

static void begin_register(struct model *model, const struct event *event)
{
	if (event->result == 0 && event->region > model->regions_count)
		while (model->regions_count < event->region)
			model->regions[model->regions_count++] = (struct model_region){0};
}

static bool end_deregister(struct model *model, const struct event *event)
{
	struct model_region *region = region_of(model, event->region);
	struct errors errors = {0};

	hold_if(&errors, !region || region->dead_end, -EFAULT);
	if (region && !region->dead_end)
		region->dead_end = event->end;
	return settle(model, event, &errors);
}

/* ---- Completion queues ---- */

static bool end_cq_create(struct model *model, const struct event *event)
{
	struct errors errors = {0};

	hold_if(&errors, event->call.wrong, -EINVAL);
	if (event->result == 0) {
		struct model_cq *cq = &model->cqs[model->cqs_count++];

		*cq = (struct model_cq){
			.live = true,
			.calls = event->call.b / DRIVERS,
			.capacity = event->call.a,
		};
		model->cq_at[event->call.object] = cq;
	}
	return settle(model, event, &errors);
}

static struct model_cq *cq_live(struct model *model, const struct event *event)
{
	struct model_cq *cq = model->cq_at[event->call.object];

	return cq && cq->live ? cq : NULL;
}

static bool end_cq_resize(struct model *model, const struct event *event)
{
	struct model_cq *cq = cq_live(model, event);
	struct errors errors = {0};

	hold_if(&errors, !cq || event->call.wrong == WRONG_POINTER, -EBADF);
	hold_if(&errors, event->call.wrong == WRONG_SIZE, -EINVAL);
	hold_if(&errors, cq && event->call.a < cq->reserved, -ETOOMANYREFS);
	if (cq && event->result == 0)
		cq->capacity = event->call.a;
	return settle(model, event, &errors);
}

/* Bytes that nobody will see may have gone into requests of the socket, from now on or before. */
static void forget_received(struct model *model, uint8_t socket)
{
	for (uint32_t i = 0; i < model->messages_count; i++) {
		struct model_message *message = &model->messages[i];

		if (is_udp(socket) && message->to == socket && !message->received)
			message->droppable = true;
	}
	if (!is_udp(socket))
		model->streams[peer_of_socket(socket)].unchecked = true;
}

static bool end_cq_close(struct model *model, const struct event *event)
{
	struct model_cq *cq = cq_live(model, event);
	struct errors errors = {0};

	hold_if(&errors, !cq, -EBADF);
	for (uint32_t i = 0; i < model->rqs_count && cq; i++) {
		struct model_half *half = &model->rqs[i].halves[0];

		if (half->cq == cq && half->head)
			forget_received(model, model->rqs[i].socket);
	}
	if (cq)
		cq->live = false;
	return settle(model, event, &errors);
}

/* ---- Request queues ---- */

static struct model_rq *rq_live(struct model *model, const struct event *event)
{
	struct model_rq *rq = model->rq_at[event->call.object];

	return rq && rq->live ? rq : NULL;
}

static bool has_room(const struct model_cq *cq, uint32_t more)
{
	return cq->capacity - cq->reserved >= more;
}

static void rq_add(struct model *model, const struct event *event, struct model_cq *const cqs[2])
{
	struct model_rq *rq = &model->rqs[model->rqs_count++];
	const uint32_t limits[2] = {event->call.a, event->call.b};

	*rq = (struct model_rq){
		.live = true,
		.socket = model->program->rq_socket[event->call.object],
		.trains = event->call.flags == REGIO_TRAINS_AUTO,
		.begin = event->begin,
	};
	for (int i = 0; i < 2; i++) {
		rq->halves[i].limit = limits[i];
		rq->halves[i].cq = cqs[i];
		rq->halves[i].attached = true;
		cqs[i]->reserved += limits[i];
	}
	model->rq_at[event->call.object] = rq;
	model->socket_rq[rq->socket] = rq;
}

static bool end_rq_create(struct model *model, const struct event *event)
{
	const struct call *call = &event->call;
	const uint8_t socket = model->program->rq_socket[call->object];
	struct model_cq *const cqs[2] = {model->cq_at[call->cqs[0]], model->cq_at[call->cqs[1]]};
	const bool live = cqs[0] && cqs[0]->live && cqs[1] && cqs[1]->live;
	struct errors errors = {0};
	bool room = true;

	if (live && cqs[0] == cqs[1])
		room = has_room(cqs[0], call->a + call->b);
	else if (live)
		room = has_room(cqs[0], call->a) && has_room(cqs[1], call->b);
	hold_if(&errors, call->wrong || (call->a == 0 && call->b == 0), -EINVAL);
	hold_if(&errors, !live, -EBADF);
	hold_if(&errors, !room, -ENOBUFS);
	hold_if(&errors, model->socket_rq[socket] && model->socket_rq[socket]->live, -EEXIST);
	if (event->result == 0 && live)
		rq_add(model, event, cqs);
	return settle(model, event, &errors);
}

/* Completions that a closed CQ has dropped are counted no more, and nobody knows how many. */
static uint32_t outstanding_min(const struct model_half *half)
{
	return half->cq->live ? half->posted_count - half->released_sure : 0;
}

static uint32_t outstanding_max(const struct model_half *half)
{
	return half->posted_count - half->released_sure;
}

static bool end_rq_resize(struct model *model, const struct event *event)
{
	const uint32_t limits[2] = {event->call.a, event->call.b};
	struct model_rq *rq = rq_live(model, event);
	struct errors errors = {0};
	bool room = true;

	hold_if(&errors, !rq || event->call.wrong == WRONG_POINTER, -EBADF);
	hold_if(&errors, event->call.wrong == WRONG_SIZE || (!limits[0] && !limits[1]), -EINVAL);
	for (int i = 0; i < 2 && rq; i++)
		hold(&errors, outstanding_max(&rq->halves[i]) > limits[i],
		     outstanding_min(&rq->halves[i]) > limits[i], -ETOOMANYREFS);
	for (int i = 0; i < 2 && rq; i++) {
		const struct model_half *half = &rq->halves[i], *other = &rq->halves[!i];
		uint32_t reserved = half->cq->reserved - half->limit + limits[i];

		if (half->cq == other->cq)
			reserved += limits[!i] - other->limit;
		room &= limits[i] <= half->limit ||
			(half->cq->live && reserved <= half->cq->capacity);
	}
	hold_if(&errors, !room, -ENOBUFS);
	for (int i = 0; i < 2 && rq && event->result == 0; i++) {
		rq->halves[i].cq->reserved += limits[i] - rq->halves[i].limit;
		rq->halves[i].limit = limits[i];
	}
	return settle(model, event, &errors);
}

/* ---- The end of requests ---- */

/* The half has given its last completion: its room in the CQ is free again. */
static void detach_if_drained(struct model_rq *rq, struct model_half *half)
{
	if (rq->live || half->head || !half->attached)
		return;
	half->attached = false;
	half->cq->reserved -= half->limit;
}

static uint32_t group_open(struct model *model, uint32_t wanted)
{
	uint32_t group = ++model->groups_count;

	model->groups[group].wanted = wanted;
	model->groups[group].seen = 0;
	model->groups[group].open = 0;
	return group;
}

/* All outstanding requests may be cancelled now. */
static void may_cancel(struct model *model, struct model_half *half, uint32_t group)
{
	for (struct model_request *request = half->head; request; request = request->next) {
		if (request->cancel != CANCEL_NO)
			continue;
		request->cancel = CANCEL_MAYBE;
		request->cancel_group = group;
		model->groups[group].open++;
	}
}

/* Of the requests outstanding, exactly the last 'count' were cancelled, by that group. */
static bool did_cancel(struct model *model, struct model_half *half, uint32_t group, uint32_t count)
{
	uint32_t outstanding = 0, undecided = 0;
	struct model_request *request;

	for (request = half->head; request; request = request->next) {
		outstanding++;
		undecided += request->cancel == CANCEL_NO || request->cancel == CANCEL_MAYBE;
	}
	if (count > undecided && half->cq->live && !model->program->threads)
		return reject(model, "cancelled %u of %u", count, undecided);
	for (request = half->head; request; request = request->next, outstanding--) {
		if (outstanding <= count)
			request->cancel = CANCEL_MUST;
		else if (request->cancel == CANCEL_MAYBE && request->cancel_group == group)
			request->cancel = CANCEL_NEVER;
	}
	return true;
}

static void begin_cancel(struct model *model, const struct event *event)
{
	struct model_rq *rq = rq_live(model, event);
	uint32_t group;

	if (!rq || event->result < 0)
		return;
	group = group_open(model, (uint32_t)event->result);
	for (int i = 0; i < 2; i++) {
		if (event->call.flags & (i == 0 ? REGIO_HALF_RECEIVE : REGIO_HALF_SEND))
			may_cancel(model, &rq->halves[i], group);
	}
}

static bool end_cancel(struct model *model, const struct event *event)
{
	const bool both = event->call.flags == (REGIO_HALF_RECEIVE | REGIO_HALF_SEND);
	struct model_rq *rq = rq_live(model, event);
	struct errors errors = {0};
	bool good;

	hold_if(&errors, !rq, -EBADF);
	hold_if(&errors, event->call.flags == 0, -EINVAL);
	good = settle(model, event, &errors);
	if (!good || event->result < 0)
		return good;
	for (int i = 0; i < 2; i++) {
		struct model_half *half = &rq->halves[i], *other = &rq->halves[!i];

		if (!(event->call.flags & (i == 0 ? REGIO_HALF_RECEIVE : REGIO_HALF_SEND)))
			continue;
		/* Where both were, how many of each only their completions show. */
		if ((!both || !other->head) && half->cq->live)
			good &= did_cancel(model, half, model->groups_count,
					   (uint32_t)event->result);
	}
	return good;
}

static void begin_rq_close(struct model *model, const struct event *event)
{
	struct model_rq *rq = rq_live(model, event);
	uint32_t group;

	if (!rq || event->result < 0)
		return;
	group = group_open(model, UINT32_MAX);
	for (int i = 0; i < 2; i++)
		may_cancel(model, &rq->halves[i], group);
}

static bool end_rq_close(struct model *model, const struct event *event)
{
	struct model_rq *rq = rq_live(model, event);
	struct errors errors = {0};

	hold_if(&errors, !rq, -EBADF);
	hold_if(&errors, event->call.wrong, -EINVAL);
	if (rq && event->result == 0) {
		rq->live = false;
		/* What was joined is discarded, and what sim has in its hands. */
		if (rq->trains && is_udp(rq->socket))
			forget_received(model, rq->socket);
		for (int i = 0; i < 2; i++)
			detach_if_drained(rq, &rq->halves[i]);
	}
	return settle(model, event, &errors);
}

/* ---- Requests ---- */

static bool is_commit(const struct call *call)
{
	return call->flags & REGIO_MSG_COMMIT_ONLY;
}

/* Whether requests wait there whose completions are dropped. */
static bool swallows(const struct model *model, uint8_t socket)
{
	const struct model_rq *rq = model->socket_rq[socket];

	return rq && rq->live && !rq->halves[0].cq->live && rq->halves[0].head;
}

static void add_message(struct model *model, const struct event *event, uint8_t from, uint8_t to,
			uint32_t number)
{
	struct model_message *message = &model->messages[model->messages_count++];
	const bool plain = event->call.kind == CALL_PLAIN_SEND;

	*message = (struct model_message){
		.number = number,
		.length = event->length,
		.begin = event->begin,
		.from = from,
		.to = to,
		.plain = plain,
		.droppable = is_udp(to) && (model->history->lossy || swallows(model, to)),
	};
}

static uint8_t destination(const struct call *call, uint8_t from)
{
	return is_udp(from) && call->to != NOTHING ? call->to : peer_of_socket(from);
}

static bool goes_nowhere(const struct call *call, uint8_t from)
{
	return is_udp(from) && from >= 2 && call->to == NOTHING;
}

static void begin_post(struct model *model, const struct event *event)
{
	struct model_rq *rq = rq_live(model, event);
	const bool send = event->call.kind == CALL_SEND;
	struct model_request *request;
	struct model_half *half;

	if (!rq || is_commit(&event->call))
		return;
	half = &rq->halves[send];
	half->released_at_begin = half->released_sure;
	if (event->result != 0)
		return;
	request = &model->requests[model->requests_count++];
	*request = (struct model_request){
		.context = event->number,
		.begin = event->begin,
		.length = event->length,
		.flags = event->call.flags |
			 (event->call.wrong == WRONG_WAITALL ? REGIO_MSG_WAITALL : 0),
		.region = event->region,
	};
	if (send && goes_nowhere(&event->call, rq->socket)) {
		request->unconnected = true;
	} else if (send) {
		add_message(model, event, rq->socket, destination(&event->call, rq->socket),
			    event->number);
		request->message = &model->messages[model->messages_count - 1];
	}
	if (half->head)
		half->posted->next = request;
	else
		half->head = request;
	half->posted = request;
	half->posted_count++;
}

static bool flags_are_wrong(const struct model_rq *rq, const struct call *call)
{
	switch (call->wrong) {
	case WRONG_FLAG:
	case WRONG_COMMIT:
		return true;
	case WRONG_WAITALL:
		return call->kind == CALL_SEND || is_udp(rq->socket);
	default:
		return false;
	}
}

static bool end_post(struct model *model, const struct event *event)
{
	const struct call *call = &event->call;
	struct model_rq *rq = rq_live(model, event);
	const struct model_region *region = region_of(model, event->region);
	const struct model_half *half = rq ? &rq->halves[call->kind == CALL_SEND] : NULL;
	const bool null = posts_null(model->program, call);
	struct errors errors = {0};
	int64_t charged;

	hold_if(&errors, !half || !half->cq->live, -EBADF);
	if (is_commit(call)) {
		hold_if(&errors, call->wrong, -EINVAL);
		return settle(model, event, &errors);
	}
	if (!half)
		return settle(model, event, &errors);
	hold_if(&errors, flags_are_wrong(rq, call), -EINVAL);
	hold_if(&errors, call->wrong == WRONG_SIZE, -EINVAL);
	hold_if(&errors, null && !is_udp(rq->socket), -EINVAL);
	if (!null)
		hold(&errors, !region || region->dead_begin,
		     !region || (region->dead_end && region->dead_end < event->begin), -EFAULT);
	/* Charged by the requests before this one, which counts itself where it was taken. */
	charged = (int64_t)half->posted_count - event->behind - (event->result == 0);
	if (half->cq->live)
		hold(&errors, charged - half->released_at_begin >= half->limit,
		     charged - half->released_maybe >= half->limit, -ENOBUFS);
	return settle(model, event, &errors);
}

/* ---- Datagrams ---- */

/* Whether a message, of which 'bytes' were received into 'length', is the one. */
static bool message_fits(const struct model *model, const struct model_message *message,
			 const struct completion *completion, uint32_t length)
{
	const struct regio_result *result = &completion->result;

	if (result->status == 0 ? result->bytes != message->length
				: message->length <= length || result->bytes != length)
		return false;
	return message_matches(&model->history->data[completion->data], completion->bytes_seen,
			       message->number, 0);
}

static bool same_lane(const struct model_message *a, const struct model_message *b)
{
	return a->from == b->from && a->plain == b->plain && a->to == b->to;
}

/*
 * Whether a message that an RQ receives now is out of order. Of an RQ before, or after, only what
 * became of it is known, and not when.
 */
static bool overtaken(const struct model *model, const struct model_message *message, uint32_t by)
{
	for (uint32_t i = 0; i < model->messages_count; i++) {
		const struct model_message *other = &model->messages[i];

		/* Which of two empty ones it is cannot be known. */
		if (other->length == 0 && message->length == 0)
			continue;
		if (other->received && same_lane(other, message) &&
		    (other > message ? other->received_by <= by : other->received_by > by))
			return true;
	}
	return false;
}

static bool receive_message(struct model *model, uint8_t socket, uint32_t by, uint32_t end,
			    const struct completion *completion, uint32_t length)
{
	const char *why = "it is none that was sent";

	for (uint32_t i = 0; i < model->messages_count; i++) {
		struct model_message *message = &model->messages[i];

		if (message->to != socket || message->begin > end ||
		    !message_fits(model, message, completion, length))
			continue;
		if (message->received)
			why = "it has been received before";
		else if (message->failed)
			why = "its send has failed";
		else if (overtaken(model, message, by))
			why = "one that its sender sent later has been received before";
		else if (completion->sender != NOTHING && completion->sender != message->from)
			why = "the address is not the sender's";
		else {
			message->received = true;
			message->received_by = by;
			return true;
		}
	}
	return reject(model, "a message of %u bytes, first byte %u, on socket %u: %s",
		      completion->result.bytes,
		      completion->bytes_seen ? model->history->data[completion->data] : 0, socket,
		      why);
}

/* A message that looks like the next has been taken for it. */
static void unreceive(struct model *model, struct model_message *message)
{
	for (struct model_message *next = message + 1;
	     next < model->messages + model->messages_count; next++) {
		if (same_lane(next, message) && next->length == message->length &&
		    !next->received && !next->failed) {
			message->received = false;
			next->received = true;
			next->received_by = message->received_by;
			return;
		}
	}
}

static bool check_datagram(struct model *model, const struct model_rq *rq,
			   const struct model_request *request, const struct event *event,
			   const struct completion *completion)
{
	const struct regio_result *result = &completion->result;
	const struct model_region *region = region_of(model, request->region);
	struct completion without_extra = *completion;

	if (result->status != 0 && result->status != -EMSGSIZE)
		return result->bytes == 0 || reject(model, "bytes with an error");
	/* A region that ends while a message arrives may miss what was to be written beside it. */
	if (region && region->dead_begin && region->dead_begin < event->end) {
		without_extra.sender = NOTHING;
		completion = &without_extra;
	}
	if (completion->message_flags != (result->status ? MSG_TRUNC : 0u) &&
	    completion->sender != NOTHING)
		return reject(model, "message flags %#x", completion->message_flags);
	return receive_message(model, rq->socket, (uint32_t)(rq - model->rqs), event->end,
			       completion, request->length);
}

/* ---- Streams ---- */

/*
 * The RQs of a socket receive one after the other, whatever the order in which their CQs are
 * dequeued; a plain receive comes after all.
 */
static bool append(struct model *model, uint8_t socket, uint8_t by, const uint8_t *data,
		   uint32_t length)
{
	struct model_stream *stream = &model->streams[peer_of_socket(socket)];
	uint32_t at = stream->got;

	_Static_assert(MODEL_OBJECTS < UINT8_MAX, "'by' holds any RQ");

	if (length && stream->ended && by >= stream->ended_by)
		return reject(model, "bytes behind the end of a stream");
	while (at > 0 && stream->by[at - 1] > by)
		at--;
	memmove(stream->data + at + length, stream->data + at, stream->got - at);
	memmove(stream->by + at + length, stream->by + at, stream->got - at);
	memcpy(stream->data + at, data, length);
	memset(stream->by + at, by, length);
	stream->got += length;
	return true;
}

static bool end_of_stream(struct model *model, uint8_t socket, uint8_t by, uint32_t when)
{
	struct model_stream *stream = &model->streams[peer_of_socket(socket)];

	if (!stream->shut_begin || stream->shut_begin > when)
		return reject(model, "the end of a stream that nobody has ended");
	if (!stream->ended || by < stream->ended_by)
		stream->ended_by = by;
	stream->ended = true;
	return true;
}

static bool check_stream_bytes(struct model *model, const struct model_rq *rq,
			       const struct model_request *request, const struct event *event,
			       const struct completion *completion)
{
	const struct regio_result *result = &completion->result;
	const uint8_t by = (uint8_t)(rq - model->rqs);

	if (result->bytes > request->length)
		return reject(model, "%u bytes in a slice of %u", result->bytes, request->length);
	if (!append(model, rq->socket, by, &model->history->data[completion->data],
		    completion->bytes_seen))
		return false;
	if (result->status == 0 && request->length &&
	    (result->bytes == 0 ||
	     (request->flags & REGIO_MSG_WAITALL && result->bytes < request->length)))
		return end_of_stream(model, rq->socket, by, event->end);
	return true;
}

static bool is_reset(const struct model *model, uint8_t socket, uint32_t when)
{
	const struct model_stream *own = &model->streams[socket];
	const struct model_stream *peers = &model->streams[peer_of_socket(socket)];

	return (own->reset_begin && own->reset_begin < when) ||
	       (peers->reset_begin && peers->reset_begin < when);
}

/* Of sockets that had an RQ, sim may hold what nobody else can receive. */
static bool is_kept_by_sim(const struct model *model, uint8_t socket)
{
	return model->history->sim && socket_has_rqs(model->program, socket);
}

/* The bytes of a stream that were sent, one after the other, against those that were received. */
static bool compare_stream(struct model *model, uint8_t from)
{
	const struct model_stream *stream = &model->streams[from];
	uint32_t at = 0;

	for (uint32_t i = 0; i < model->messages_count; i++) {
		const struct model_message *message = &model->messages[i];
		uint32_t left = stream->got - at;

		if (message->from != from)
			continue;
		if (!message->sent && !message->failed)
			return true;
		if (left > message->bytes)
			left = message->bytes;
		if (!message_matches(stream->data + at, left, message->number, 0))
			/* Where bytes went with a closed CQ, what follows them is others. */
			return stream->unchecked ||
			       reject(model, "bytes of socket %u's stream near %u are others", from,
				      at);
		at += left;
		if (left < message->bytes && !stream->unchecked &&
		    !is_reset(model, from, UINT32_MAX) &&
		    !is_kept_by_sim(model, peer_of_socket(from)))
			return reject(model, "byte %u of socket %u's stream has not come", at,
				      from);
	}
	return at == stream->got || reject(model, "%u bytes too many in the stream of socket %u",
					   stream->got - at, from);
}

/* ---- Dequeueing ---- */

static struct model_half *half_of(struct model *model, const struct completion *completion)
{
	const uint64_t rq = completion->result.rq_context;

	if (rq == 0 || rq > model->rqs_count)
		return NULL;
	return &model->rqs[rq - 1].halves[completion->result.request_context < 0x10000];
}

static bool check_cancelled(struct model *model, struct model_half *half,
			    const struct model_request *request, bool cancelled)
{
	if (cancelled && (request->cancel == CANCEL_NO || request->cancel == CANCEL_NEVER))
		return reject(model, "ECANCELED, but it was not cancelled");
	if (!cancelled && request->cancel == CANCEL_MUST)
		return reject(model, "completed, but it was counted as cancelled");
	if (!cancelled && half->canceled_group && half->canceled_group == request->cancel_group)
		return reject(model, "completed, but an older one was cancelled");
	half->canceled_group = cancelled ? request->cancel_group : 0;
	if (request->cancel_group) {
		model->groups[request->cancel_group].open--;
		model->groups[request->cancel_group].seen += cancelled;
	}
	return true;
}

/* Whether the connection had ended before the RQ was made, which cannot know that there was one. */
static bool was_over(const struct model *model, const struct model_rq *rq)
{
	const struct model_stream *own = &model->streams[rq->socket];
	const struct model_stream *peers = &model->streams[peer_of_socket(rq->socket)];

	return is_reset(model, rq->socket, rq->begin) ||
	       (own->shut_begin && own->shut_begin < rq->begin && peers->shut_begin &&
		peers->shut_begin < rq->begin);
}

static bool check_status(struct model *model, const struct model_rq *rq,
			 const struct model_request *request, const struct event *event,
			 int32_t status)
{
	const struct model_region *region = region_of(model, request->region);
	const struct model_stream *stream = &model->streams[rq->socket];
	const bool send = request->context < 0x10000;
	bool good;

	switch (status) {
	case 0:
		good = !request->unconnected &&
		       !(send && !is_udp(rq->socket) && request->length && stream->shut_end &&
			 stream->shut_end < request->begin);
		break;
	case -ECANCELED:
		good = true; /* has been looked at */
		break;
	case -EFAULT:
		good = region && region->dead_begin && region->dead_begin < event->end;
		break;
	case -EMSGSIZE:
		good = !send && is_udp(rq->socket);
		break;
	case -EDESTADDRREQ:
		good = request->unconnected;
		break;
	case -ENOBUFS:
		good = send && is_udp(rq->socket) && model->history->errors;
		break;
	case -EPIPE:
		good = !is_udp(rq->socket) &&
		       ((send && stream->shut_begin) || is_reset(model, rq->socket, event->end));
		break;
	case -ENOTCONN:
		good = !is_udp(rq->socket) && was_over(model, rq);
		break;
	case -ECONNRESET:
		good = !is_udp(rq->socket) && is_reset(model, rq->socket, event->end);
		break;
	default:
		good = false;
	}
	return good || reject(model, "status %s, with no reason to", regio_error_name(status));
}

static bool settle_send(struct model *model, const struct model_request *request,
			const struct regio_result *result, bool udp)
{
	struct model_message *message = request->message;

	if (result->status == 0 && result->bytes != request->length)
		return reject(model, "%u bytes of %u were sent", result->bytes, request->length);
	if (result->status != 0 && (udp ? result->bytes : result->bytes > request->length))
		return reject(model, "%u bytes were sent, and an error", result->bytes);
	if (!message)
		return true;
	message->sent = result->status == 0;
	message->failed = !message->sent;
	message->bytes = result->bytes;
	if (udp && message->failed && message->received)
		unreceive(model, message);
	if (udp && message->failed && message->received)
		return reject(model, "message %u was received, but its send has failed",
			      message->number);
	return true;
}

static bool check_completion(struct model *model, const struct event *event,
			     const struct completion *completion)
{
	const struct regio_result *result = &completion->result;
	struct model_half *half = half_of(model, completion);
	struct model_request *request = half ? half->head : NULL;
	struct model_rq *rq;
	bool good;

	if (!half || half->cq != model->cq_at[event->call.object])
		return reject(model, "a completion that is none of this CQ's");
	if (!request || request->context != result->request_context)
		return reject(model, "completion %#llx came, the oldest request is %#x",
			      (unsigned long long)result->request_context,
			      request ? request->context : 0);
	rq = &model->rqs[result->rq_context - 1];
	half->head = request->next;
	request->dequeued = true;
	request->status = result->status;
	if (completion->damaged)
		return reject(model, "bytes beside the slice were written");
	good = check_cancelled(model, half, request, result->status == -ECANCELED) &&
	       check_status(model, rq, request, event, result->status);
	if (half == &rq->halves[1])
		good = good && settle_send(model, request, result, is_udp(rq->socket));
	else if (is_udp(rq->socket))
		good = good && check_datagram(model, rq, request, event, completion);
	else
		good = good && check_stream_bytes(model, rq, request, event, completion);
	detach_if_drained(rq, half);
	return good;
}

static void release(struct model *model, const struct event *event, bool maybe)
{
	for (int32_t i = 0; i < event->result; i++) {
		struct model_half *half =
			half_of(model, &model->history->completions[event->first + i]);

		if (half && maybe)
			half->released_maybe++;
		else if (half)
			half->released_sure++;
	}
}

static bool may_notify(const struct model *model, const struct completion *completion)
{
	const struct model_rq *rq = &model->rqs[completion->result.rq_context - 1];
	const struct model_half *half = &rq->halves[completion->result.request_context < 0x10000];
	const struct model_request *request = half->head;

	for (; request; request = request->next) {
		if (request->context == completion->result.request_context)
			return !(request->flags & REGIO_MSG_DONT_NOTIFY);
	}
	return true;
}

/* What a signal and a wait have promised. */
static bool check_promises(struct model *model, struct model_cq *cq, const struct event *event,
			   uint32_t notifiable)
{
	const uint32_t count = (uint32_t)event->result, most = event->call.a;

	if (count < most && notifiable < cq->queued)
		return reject(model, "a wait found %u, a dequeue %u", cq->queued, notifiable);
	cq->queued -= notifiable < cq->queued ? notifiable : cq->queued;
	cq->seen += notifiable;
	if (cq->calls && cq->signalled && cq->signalled < event->begin && cq->seen == 0 &&
	    count < most)
		return reject(model, "a signal, but nothing that may notify was there");
	return true;
}

static bool end_dequeue(struct model *model, const struct event *event)
{
	struct model_cq *cq = cq_live(model, event);
	struct errors errors = {0};
	uint32_t notifiable = 0;

	hold_if(&errors, !cq, -EBADF);
	hold_if(&errors, event->call.wrong && event->call.a, -EINVAL);
	if (!settle(model, event, &errors))
		return false;
	if (event->result > (int32_t)event->call.a)
		return reject(model, "more completions than there is room for");
	for (int32_t i = 0; i < event->result; i++) {
		const struct completion *completion =
			&model->history->completions[event->first + i];

		if (!half_of(model, completion))
			return reject(model, "a completion of no RQ");
		notifiable += may_notify(model, completion);
		if (!check_completion(model, event, completion))
			return false;
	}
	release(model, event, false);
	return !cq || event->result < 0 || check_promises(model, cq, event, notifiable);
}

/* ---- What must come ---- */

/* Requests of closed RQs that nobody has dequeued may hold what was sent to the socket. */
static uint32_t hidden_in_closed(const struct model *model, uint8_t socket)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < model->rqs_count; i++) {
		const struct model_rq *rq = &model->rqs[i];

		if (rq->live || rq->socket != socket)
			continue;
		for (const struct model_request *request = rq->halves[0].head; request;
		     request = request->next)
			count++;
	}
	return count;
}

uint32_t model_undelivered(const struct model *model, uint8_t socket)
{
	const struct model_stream *stream = &model->streams[peer_of_socket(socket)];
	uint32_t count = 0;

	for (uint32_t i = 0; i < model->messages_count; i++) {
		const struct model_message *message = &model->messages[i];

		if (message->to != socket)
			continue;
		if (!is_udp(socket) && !message->sent && !message->failed)
			break;
		if (!is_udp(socket))
			count += message->bytes;
		else
			count += message->sent && !message->received && !message->droppable;
	}
	if (is_udp(socket))
		return count;
	return stream->unchecked || is_reset(model, socket, UINT32_MAX) || count < stream->got
		       ? 0
		       : count - stream->got;
}

/* Whether every receive finds the end of its stream. */
static bool is_over(const struct model *model, uint8_t socket)
{
	const struct model_stream *stream = &model->streams[peer_of_socket(socket)];

	return !is_udp(socket) && (stream->shut_end || stream->reset_end);
}

/* Whether the next request is certain to complete with what is left, and takes its part. */
static bool takes_part(const struct model *model, const struct model_rq *rq,
		       const struct model_request *request, uint32_t *left)
{
	uint32_t part = request->length < *left ? request->length : *left;

	if (request->cancel == CANCEL_MUST || !rq->live || is_over(model, rq->socket))
		return true;
	if (is_udp(rq->socket))
		part = *left > 0;
	if (*left == 0 ||
	    (!is_udp(rq->socket) && request->flags & REGIO_MSG_WAITALL && part < request->length))
		return false;
	*left -= part;
	return true;
}

static uint32_t due_of_half(const struct model *model, const struct model_rq *rq, int index,
			    bool notifiable)
{
	const struct model_half *half = &rq->halves[index];
	uint32_t left = 0, due = 0, hidden;

	if (index == 0) {
		left = model_undelivered(model, rq->socket);
		hidden = hidden_in_closed(model, rq->socket);
		if (hidden && !is_udp(rq->socket))
			left = 0;
		left -= hidden < left ? hidden : left;
	}
	for (const struct model_request *request = half->head; request; request = request->next) {
		if (index == 0 && !takes_part(model, rq, request, &left))
			break;
		due += !notifiable || !(request->flags & REGIO_MSG_DONT_NOTIFY);
	}
	return due;
}

uint32_t model_due(const struct model *model, const struct model_cq *cq, bool notifiable)
{
	uint32_t due = 0;

	if (!cq || !cq->live)
		return 0;
	for (uint32_t i = 0; i < model->rqs_count; i++) {
		for (int k = 0; k < 2; k++) {
			if (model->rqs[i].halves[k].cq == cq)
				due += due_of_half(model, &model->rqs[i], k, notifiable);
		}
	}
	return due;
}

/* ---- Notification ---- */

static void begin_wait(struct model *model, const struct event *event)
{
	struct model_cq *cq = cq_live(model, event);

	if (!cq)
		return;
	cq->due = model_due(model, cq, true);
	cq->signals_begin = cq->signals;
	/* The signal may come inside the call. */
	if (event->call.kind == CALL_NOTIFY && event->result == 0) {
		cq->answered = cq->signals && cq->seen;
		cq->signals++;
		cq->signalled = 0;
		cq->seen = 0;
	}
}

static bool end_notify(struct model *model, const struct event *event)
{
	struct model_cq *cq = cq_live(model, event);
	const bool exact = !model->program->threads && !model->history->threaded;
	struct errors errors = {0};

	hold_if(&errors, !cq, -EBADF);
	if (cq && cq->calls)
		hold(&errors, cq->signals_begin > 0, cq->signals > 1, -EALREADY);
	else if (cq)
		hold(&errors, cq->armed && !(exact && cq->seen), false, -EALREADY);
	if (cq)
		cq->armed = true;
	return settle(model, event, &errors);
}

static bool end_signal(struct model *model, const struct event *event)
{
	struct model_cq *cq = model->cq_at[event->call.object];

	if (!cq || !cq->signals)
		return reject(model, "a signal that nobody has asked for");
	/*
	 * Inside a notify that was called while another was out, it is that one's, and has the
	 * lock that both need. What it is for may have been dequeued already, beside it.
	 */
	if (--cq->signals == 0 || !cq->answered)
		cq->signalled = event->end;
	return true;
}

static bool end_wait(struct model *model, const struct event *event)
{
	struct model_cq *cq = cq_live(model, event);
	struct errors errors = {0};

	hold_if(&errors, !cq, -EBADF);
	hold(&errors, cq && !(event->patient && cq->due) && !cq->queued, false, -ETIMEDOUT);
	if (!settle(model, event, &errors))
		return false;
	if (event->result == 0)
		return reject(model, "a wait that found nothing");
	if (cq && event->patient && event->result > 0 && cq->due >= event->call.a &&
	    (uint32_t)event->result < event->call.a)
		return reject(model, "a wait for %u that found %d", event->call.a, event->result);
	if (cq && event->result > 0)
		cq->queued = (uint32_t)event->result;
	return true;
}

static bool end_await(struct model *model, const struct event *event)
{
	const struct model_cq *cq = cq_live(model, event);

	if (cq && event->patient && event->result == -ETIMEDOUT)
		return reject(model, "the signal has not come");
	return true;
}

/* ---- Plain sockets ---- */

static void begin_plain_send(struct model *model, const struct event *event)
{
	const struct call *call = &event->call;

	for (uint32_t i = 0; i < call->repeat && event->result >= 0; i++)
		add_message(model, event, call->object, destination(call, call->object),
			    event->number + i);
}

static bool end_plain_send(struct model *model, const struct event *event)
{
	uint32_t left = event->result < 0 ? 0 : (uint32_t)event->result;

	for (uint32_t i = 0; i < model->messages_count; i++) {
		struct model_message *message = &model->messages[i];

		if (event->result < 0 || message->number < event->number ||
		    message->number >= event->number + event->call.repeat)
			continue;
		message->sent = true;
		message->bytes = left < message->length ? left : message->length;
		left -= message->bytes;
	}
	return true;
}

static bool end_plain_receive(struct model *model, const struct event *event)
{
	const uint8_t socket = event->call.object;
	struct completion completion = {
		.result = {.bytes = (uint32_t)event->result},
		.data = event->first,
		.bytes_seen = (uint32_t)event->result,
		.sender = NOTHING,
	};

	if (event->result < 0)
		return true;
	if (is_udp(socket))
		return receive_message(model, socket, UINT32_MAX, event->end, &completion,
				       UINT32_MAX);
	if (event->result == 0)
		return is_reset(model, socket, event->end) ||
		       end_of_stream(model, socket, UINT8_MAX, event->end);
	return append(model, socket, UINT8_MAX, &model->history->data[event->first],
		      (uint32_t)event->result);
}

/* ---- All together ---- */

void model_start(struct model *model, const struct program *program, const struct history *history)
{
	model->program = program;
	model->history = history;
	model->regions_count = 0;
	model->cqs_count = model->rqs_count = 0;
	model->requests_count = model->messages_count = 0;
	model->groups_count = 0;
	memset(model->cq_at, 0, sizeof(model->cq_at));
	memset(model->rq_at, 0, sizeof(model->rq_at));
	memset(model->socket_rq, 0, sizeof(model->socket_rq));
	for (int i = 0; i < SOCKETS; i++)
		memset(&model->streams[i], 0, offsetof(struct model_stream, data));
	model->reason[0] = '\0';
}

bool model_begin(struct model *model, const struct event *event)
{
	struct model_region *region;

	switch (event->call.kind) {
	case CALL_REGISTER:
		begin_register(model, event);
		break;
	case CALL_DEREGISTER:
		region = region_of(model, event->region);
		if (region && !region->dead_begin)
			region->dead_begin = event->begin;
		break;
	case CALL_RQ_CANCEL:
		begin_cancel(model, event);
		break;
	case CALL_RQ_CLOSE:
		begin_rq_close(model, event);
		break;
	case CALL_RECEIVE:
	case CALL_SEND:
		begin_post(model, event);
		break;
	case CALL_DEQUEUE:
		release(model, event, true);
		break;
	case CALL_NOTIFY:
	case CALL_WAIT:
	case CALL_AWAIT:
		begin_wait(model, event);
		break;
	case CALL_PLAIN_SEND:
		begin_plain_send(model, event);
		break;
	case CALL_SHUTDOWN:
		if (!model->streams[event->call.object].shut_begin)
			model->streams[event->call.object].shut_begin = event->begin;
		break;
	case CALL_RESET:
		model->streams[event->call.object].reset_begin = event->begin;
		break;
	}
	return !model->reason[0];
}

bool model_end(struct model *model, const struct event *event)
{
	switch ((enum call_kind)event->call.kind) {
	case CALL_REGISTER:
		return end_register(model, event);
	case CALL_DEREGISTER:
		return end_deregister(model, event);
	case CALL_CQ_CREATE:
		return end_cq_create(model, event);
	case CALL_CQ_RESIZE:
		return end_cq_resize(model, event);
	case CALL_CQ_CLOSE:
		return end_cq_close(model, event);
	case CALL_RQ_CREATE:
		return end_rq_create(model, event);
	case CALL_RQ_RESIZE:
		return end_rq_resize(model, event);
	case CALL_RQ_CANCEL:
		return end_cancel(model, event);
	case CALL_RQ_CLOSE:
		return end_rq_close(model, event);
	case CALL_RECEIVE:
	case CALL_SEND:
		return end_post(model, event);
	case CALL_DEQUEUE:
		return end_dequeue(model, event);
	case CALL_NOTIFY:
		return end_notify(model, event);
	case CALL_WAIT:
		return end_wait(model, event);
	case CALL_AWAIT:
		return end_await(model, event);
	case CALL_PLAIN_SEND:
		return end_plain_send(model, event);
	case CALL_PLAIN_RECEIVE:
		return end_plain_receive(model, event);
	case CALL_SHUTDOWN:
		model->streams[event->call.object].shut_end = event->end;
		return true;
	case CALL_RESET:
		model->streams[event->call.object].reset_end = event->end;
		return true;
	case CALL_SIGNAL:
		return end_signal(model, event);
	case CALL_KINDS:
		break;
	}
	return reject(model, "no such call");
}

bool model_settled(struct model *model)
{
	for (uint32_t i = 0; i < model->rqs_count; i++) {
		for (int k = 0; k < 2; k++) {
			const struct model_half *half = &model->rqs[i].halves[k];
			uint32_t due = 0;

			if (half->cq->live)
				due = due_of_half(model, &model->rqs[i], k, false);
			if (due)
				return reject(model,
					      "%u completions have not come, the first is #%x of "
					      "rq %u",
					      due, half->head->context, i + 1);
		}
	}
	return true;
}

/* An empty message may have been taken for an earlier one, which may have been lost in its place.
 */
static void exchange_empty(struct model *model)
{
	for (uint32_t i = 0; i < model->messages_count; i++) {
		struct model_message *message = &model->messages[i];

		if (message->length == 0 && message->received && message->droppable)
			unreceive(model, message);
	}
}

bool model_finish(struct model *model)
{
	for (uint32_t i = 1; i <= model->groups_count; i++) {
		if (model->groups[i].wanted != UINT32_MAX && model->groups[i].open == 0 &&
		    model->groups[i].seen < model->groups[i].wanted)
			return reject(model, "%u requests were said to be cancelled, %u were",
				      model->groups[i].wanted, model->groups[i].seen);
	}
	if (!model_settled(model))
		return false;
	exchange_empty(model);
	for (uint8_t i = 0; i < UDP_SOCKETS; i++) {
		if (model_undelivered(model, i) && !is_kept_by_sim(model, i))
			return reject(model, "%u messages to socket %u have not come",
				      model_undelivered(model, i), i);
	}
	for (uint8_t i = UDP_SOCKETS; i < SOCKETS; i++) {
		if (!compare_stream(model, i))
			return false;
	}
	return true;
}
