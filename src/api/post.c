/* SPDX-License-Identifier: MIT */
/*
 * Posting requests.
 */
#include "api/known.h"
#include "api/refusal.h"
#include "base/barrier.h"
#include "base/error.h"
#include "base/hazard.h"
#include "base/lesser.h"
#include "exec/execute.h"
#include "mem/guard.h"
#include "mem/region.h"
#include "queue/handle.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/socket.h"

/* The length of a slice that holds an address of any family. */
#define ADDRESS_SLICE_MIN 28u

/* The maximum number of requests announced before a node is pinned again. */
#define PIN_AFTER_MAX 4096u

/* Fewer slices side by side are stored like others, because setting up a row takes time. */
#define TOGETHER_MIN 8u

static const struct regio_buf no_slice;

static int check_slice(enum regioi_direction direction, const char *what,
		       const struct regio_buf *slice, uint32_t length_min, bool write)
{
	if (slice->region == 0 ||
	    (slice->length >= length_min && regioi_region_allows(slice, write)))
		return 0;
	return regioi_refuse_slice(direction, what, slice, length_min);
}

static int check_extra(const struct regioi_half *half, const struct regio_extra *extra)
{
	const enum regioi_direction direction = half->direction;
	const bool receive = direction == REGIOI_RECEIVE;
	int error;

	if (!receive && extra->local_address.region)
		return regioi_refuse_extra(direction, "a local address");
	/* A stream cannot carry control data, and leaving it out would change the message. */
	if (!receive && half->stream && extra->control.region)
		return regioi_refuse_extra(direction, "control data on a stream");
	error = check_slice(direction, "the local address", &extra->local_address,
			    ADDRESS_SLICE_MIN, true);
	if (!error)
		error = check_slice(direction, "the remote address", &extra->remote_address,
				    ADDRESS_SLICE_MIN, receive);
	if (!error)
		error = check_slice(direction, "the control data", &extra->control,
				    sizeof(struct regio_control), receive);
	if (!error)
		error = check_slice(direction, "the message flags", &extra->message_flags,
				    sizeof(uint32_t), true);
	return error;
}

/* From the first receive that wants more than data, the kernel is asked for it. */
static inline __attribute__((always_inline)) void expect_extras(struct regioi_half *half,
								const struct regio_extra *extra)
{
	struct regioi_rq *rq = half->rq;

	if (half->direction != REGIOI_RECEIVE)
		return;
	if ((extra->local_address.region || (half->stream && extra->remote_address.region)) &&
	    !atomic_load_explicit(&half->names_wanted, memory_order_relaxed)) {
		if (!half->stream)
			regioi_socket_want_local(rq);
		/* Published with the request, by the store of 'tail'. */
		atomic_store_explicit(&half->names_wanted, true, memory_order_relaxed);
	}
	if (extra->control.region &&
	    extra->control.length - sizeof(struct regio_control) + REGIOI_CONTROL_OURS >
		    REGIOI_CONTROL_BYTES)
		atomic_store_explicit(&half->receive.long_control, true, memory_order_relaxed);
	if (!atomic_load_explicit(&half->receive.extras, memory_order_relaxed))
		atomic_store_explicit(&half->receive.extras, true, memory_order_release);
}

/* How many more requests the limit allows. Looks again if they seem to be fewer than 'wanted'. */
static inline uint32_t room(struct regioi_half *half, uint32_t tail, uint32_t wanted)
{
	/*
	 * Acquire: pairs with the release in half_dequeue() of completion.c; the slots may be
	 * written.
	 */
	if (__builtin_expect(half->tail_max - tail < wanted, 0))
		half->tail_max =
			atomic_load_explicit(&half->dequeued, memory_order_acquire) + half->limit;
	return half->tail_max - tail;
}

/*
 * Pins the node of a queue that announces one request after another, so that it need not announce
 * any more.
 */
static void count_announced(struct regioi_half *half)
{
	uint32_t listed = REGIOI_NODE_QUEUED;
	uint16_t announced = atomic_load_explicit(&half->announces, memory_order_relaxed) + 1;
	uint16_t pin_after = atomic_load_explicit(&half->pin_threshold, memory_order_relaxed);

	atomic_store_explicit(&half->announces, announced, memory_order_relaxed);
	if (announced < pin_after ||
	    atomic_load_explicit(&half->node->queued, memory_order_relaxed) != REGIOI_NODE_QUEUED ||
	    !regioi_barrier_available())
		return;
	if (atomic_compare_exchange_strong(&half->node->queued, &listed, REGIOI_NODE_PINNED)) {
		/*
		 * Each pinning will cost a barrier on every thread, so the next one takes twice as
		 * many requests.
		 */
		atomic_store_explicit(&half->announces, 0, memory_order_relaxed);
		if (pin_after < PIN_AFTER_MAX)
			atomic_store_explicit(&half->pin_threshold, pin_after * 2,
					      memory_order_relaxed);
		/*
		 * From now on posting here wakes no thread, so a thread that sleeps now must unpin
		 * the node first.
		 */
		if (atomic_load(&half->node->driver->listeners))
			regioi_driver_kick(half->node->driver);
	}
}

/*
 * Called after the store of 'tail': whether a thread that makes progress will see it without being
 * woken. The fence keeps the compiler from reordering the two; no CPU barrier is needed here,
 * because nodes_rest() of progress.c executes one on every thread after it has removed a pinned
 * node, and then looks at 'tail'.
 */
static inline bool still_pinned(const struct regioi_node *node)
{
	atomic_signal_fence(memory_order_seq_cst);
	return atomic_load_explicit(&node->queued, memory_order_relaxed) == REGIOI_NODE_PINNED;
}

/* Makes sure that a thread that makes progress sees the request stored last. */
static __attribute__((noinline)) void announce(struct regioi_half *half)
{
	if (__builtin_expect(still_pinned(half->node), 1))
		return;
	/*
	 * A barrier that the thread sanitizer understands. Pairs with nodes_rest(), and with the
	 * event that sets 'ready': each side stores, then looks at what the other has stored.
	 */
	atomic_fetch_or(&half->tail, 0);
	if (half->direction == REGIOI_SEND || regioi_ready_now(half) != REGIOI_READY_NO)
		regioi_node_queue(half->node);
	count_announced(half);
}

/* Whether what is posted is for a thread that makes progress, whatever its flags are. */
static inline bool is_for_driver(const struct regioi_half *half)
{
	return half->direction == REGIOI_RECEIVE ||
	       !regioi_driver_posters_execute(half->node->driver);
}

/* What follows the store of 'tail'. */
static inline void start(struct regioi_half *half, bool deferred)
{
	if (deferred)
		announce(half);
	else
		regioi_half_execute_all(half);
}

/*
 * COMMIT_ONLY and nothing posted with it: starts what is deferred, in this thread unless another
 * one is the executor.
 */
static __attribute__((cold)) void commit(struct regioi_half *half)
{
	if (!is_for_driver(half))
		regioi_half_execute_all(half);
	/*
	 * Not announce(), which only the poster may call: this may be another thread. Receives are
	 * executed by the threads that take completions; if there is no data, an event will come.
	 */
	else if (half->direction == REGIOI_SEND || regioi_ready_now(half) != REGIOI_READY_NO)
		regioi_node_queue(half->node);
}

/* Stores the extra slices of a request. Returns 0 or why it is refused. */
static int post_extra(struct regioi_half *half, uint32_t tail, const struct regio_extra *extra)
{
	int error = check_extra(half, extra);

	if (error)
		return error;
	half->extras[tail & half->mask] = *extra;
	expect_extras(half, extra);
	return 0;
}

/*
 * Reads one word of the caller's slice. The caller has just stored the words separately, and a
 * single load of two words would have to wait until both stores have left the store buffer: 2 ns.
 */
static inline uint32_t word(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static inline struct regio_buf slice_of(const struct regio_buf *data)
{
	return (struct regio_buf){data->region, word(&data->offset), word(&data->length)};
}

/* The slot is the poster's until the store of 'tail'. */
static inline void write_request(struct regioi_request *slot, struct regio_buf data, uint32_t flags,
				 uint64_t context)
{
	const uint64_t place = regioi_word(data.offset, flags & ~REGIO_MSG_DEFER);

	regioi_word_store(&slot->region, data.region);
	regioi_word_store(&slot->place, place);
	regioi_word_store(&slot->result, regioi_word(0, data.length));
	regioi_word_store(&slot->context, context);
}

/* Before the store of 'tail': after that the executor may unpoison the slice. */
static inline void guard_request(const struct regioi_half *half,
				 const struct regioi_request *request)
{
	struct regioi_hazard *section;

	if (!REGIOI_GUARDED || half->direction != REGIOI_RECEIVE)
		return;
	section = regioi_section_enter();
	regioi_guard_poison_request(request);
	regioi_section_leave(section);
}

static inline void store_request(const struct regioi_half *half, struct regioi_request *slot,
				 struct regio_buf data, uint32_t flags, uint64_t context)
{
	write_request(slot, data, flags, context);
	guard_request(half, slot);
}

static inline struct regioi_request *slot_at(const struct regioi_half *half, uint32_t number)
{
	return &half->requests[number & half->mask];
}

/* The requests that one call posts. */
struct batch {
	struct regioi_half *half;
	uint32_t tail;	/* after the last request stored */
	bool stored;	/* at least one request is */
	bool committed; /* COMMIT_ONLY was among them */
	bool start;	/* at least one is not deferred */
};

static int store(struct batch *batch, const struct regio_buf *data, const struct regio_extra *extra,
		 uint32_t flags, uint64_t context)
{
	struct regioi_half *half = batch->half;
	int error;

	if ((data->region || data->length) &&
	    !regioi_region_allows(data, half->direction == REGIOI_RECEIVE))
		return regioi_refuse_slice(half->direction, "the data", data, 0);
	if (!room(half, batch->tail, 1))
		return regioi_refuse_full(half->direction);
	REGIOI_ASSERT(batch->tail - atomic_load(&half->dequeued) < half->limit);
	/*
	 * The slot belongs to the poster until 'tail' moves, so nothing need be undone after a
	 * refusal.
	 */
	error = extra ? post_extra(half, batch->tail, extra) : 0;
	if (error)
		return error;
	store_request(half, slot_at(half, batch->tail), slice_of(data),
		      extra ? flags | REGIOI_REQUEST_EXTRA : flags, context);
	if (flags & REGIO_MSG_DONT_NOTIFY)
		atomic_store_explicit(&half->muted_used, true, memory_order_relaxed);
	batch->tail++;
	batch->stored = true;
	batch->start |= !(flags & REGIO_MSG_DEFER);
	return 0;
}

static __attribute__((cold)) bool is_wait_for_all(const struct regioi_half *half, uint32_t flags)
{
	return half->stream && half->direction == REGIOI_RECEIVE &&
	       !(flags & ~(REGIO_MSG_WAITALL | REGIO_MSG_DONT_NOTIFY | REGIO_MSG_DEFER));
}

/* Stores one request, or notes COMMIT_ONLY. Returns 0 or why it is refused; 'data' may be NULL. */
static inline int take(struct batch *batch, const struct regio_buf *data,
		       const struct regio_extra *extra, uint32_t flags, uint64_t context)
{
	if (flags & ~(REGIO_MSG_DONT_NOTIFY | REGIO_MSG_DEFER) &&
	    !is_wait_for_all(batch->half, flags)) {
		if (flags != REGIO_MSG_COMMIT_ONLY || data || extra || context)
			return regioi_refuse_flags(batch->half, flags);
		batch->committed = true;
		return 0;
	}
	if (!data && batch->half->stream)
		return regioi_refuse_nothing(batch->half->direction);
	return store(batch, data ? data : &no_slice, extra, flags, context);
}

/* Makes the stored requests visible to the executor, and starts them. */
static inline void finish(struct batch *batch)
{
	struct regioi_half *half = batch->half;

	if (!batch->stored) {
		if (batch->committed)
			commit(half);
		return;
	}
	/* Release: pairs with the executor's acquire in regioi_half_window(). */
	atomic_store_explicit(&half->tail, batch->tail, memory_order_release);
	start(half, !(batch->start || batch->committed) || is_for_driver(half));
}

/*
 * Called between entering and leaving the RQ, so that it stays valid. NULL, with the reason, if
 * nothing can be posted.
 */
static inline struct regioi_half *find_half(struct regioi_hazard *call, struct regio_rq *handle,
					    enum regioi_direction direction, int *ret_error)
{
	struct regioi_rq *rq = regioi_rq_inside_again(call, handle, true);
	struct regioi_half *half;

	if (!rq) {
		*ret_error = regioi_table_reason((uintptr_t)handle, -EBADF);
		return NULL;
	}
	half = &rq->halves[direction];
	*ret_error = -EBADF;
	return atomic_load_explicit(&half->cq->closed, memory_order_relaxed) ||
			       atomic_load_explicit(&rq->fd_stale, memory_order_relaxed)
		       ? NULL
		       : half;
}

static inline struct batch batch_of(struct regioi_half *half)
{
	return (struct batch){
		.half = half,
		.tail = atomic_load_explicit(&half->tail, memory_order_relaxed),
	};
}

static __attribute__((noinline)) int submit(struct regio_rq *handle,
					    enum regioi_direction direction,
					    const struct regio_buf *data,
					    const struct regio_extra *extra, uint32_t flags,
					    uint64_t context)
{
	struct regioi_hazard *call = regioi_hazard_enter(handle);
	struct regioi_half *half;
	struct batch batch;
	int error;

	if (!call)
		return regioi_refuse_queue(direction, -ENOMEM);
	half = find_half(call, handle, direction, &error);
	if (half) {
		batch = batch_of(half);
		error = take(&batch, data, extra, flags, context);
		if (!error)
			finish(&batch);
	} else {
		regioi_refuse_queue(direction, error);
	}
	regioi_hazard_leave_quickly(call);
	return error;
}

static int take_request(struct batch *batch, const struct regio_request *request)
{
	const struct regio_buf *data = &request->data;

	if (request->reserved)
		return regioi_fail(-EINVAL, "posting requests: a reserved field is not 0");
	if (request->flags & REGIO_MSG_COMMIT_ONLY && !data->region && !data->offset &&
	    !data->length)
		data = NULL;
	return take(batch, data, request->extra, request->flags, request->context);
}

/* The end of post_quickly() for a request that has to be announced, or executed. */
static __attribute__((noinline)) int start_and_leave(struct regioi_half *half, bool deferred,
						     struct regioi_hazard *call)
{
	start(half, deferred);
	regioi_hazard_leave_quickly(call);
	return 0;
}

/* Of post_quickly(): how much is known of what is posted. */
enum known {
	KNOWN_SEEN,    /* its RQ and region are those seen last; if not, it is posted slowly */
	KNOWN_NOTHING, /* both are looked up */
	KNOWN_GOOD,    /* its slices need no check */
};

static int post_less_common(struct regio_rq *rq, const struct regio_buf *data, uint32_t flags,
			    uint64_t context, enum regioi_direction direction);
static int post_written(const struct regioi_rq *rq, enum regioi_direction direction,
			uint32_t flags);

/* Enters the same handle again, and leaves it. */
static inline __attribute__((always_inline)) int post_slowly(
	struct regio_rq *rq, enum regioi_direction direction, const struct regio_buf *data,
	const struct regio_extra *extra, enum known known, uint32_t flags, uint64_t context)
{
	/* Copies, so that what is known is itself nowhere but in registers. */
	const struct regio_buf data_copy = *data;
	const struct regio_extra extra_copy = extra ? *extra : (struct regio_extra){0};

	if (known == KNOWN_GOOD)
		return submit(rq, direction, &data_copy, extra ? &extra_copy : NULL, flags,
			      context);
	return known == KNOWN_SEEN ? post_less_common(rq, data, flags, context, direction)
				   : submit(rq, direction, data, extra, flags, context);
}

/*
 * Posts a plain request in as few instructions as possible: on a busy queue, whose node is pinned,
 * one that is only to be stored need not even be announced. A third of the cost of a message is
 * here (see `regio bench core-cost`). 'extra' is only for a send that is KNOWN_GOOD.
 *
 * The request is written before its region is checked, so that no more is needed after that than
 * fits in the registers that a function need not save.
 */
static inline __attribute__((always_inline)) int post_quickly(
	struct regio_rq *handle, enum regioi_direction direction, const struct regio_buf *data,
	const struct regio_extra *extra, enum known known, uint32_t flags, uint64_t context)
{
	struct regioi_hazard *call = regioi_hazard_enter_quickly(handle);
	struct regioi_request *slot;
	struct regioi_half *half;
	struct regio_buf slice;
	struct regioi_rq *rq;
	bool deferred;
	uint32_t tail;

	if (!call)
		return post_slowly(handle, direction, data, extra, known, flags, context);
	rq = regioi_rq_inside_again(call, handle, known != KNOWN_SEEN);
	if (__builtin_expect(!rq, 0))
		return post_slowly(handle, direction, data, extra, known, flags, context);
	half = &rq->halves[direction];
	tail = atomic_load_explicit(&half->tail, memory_order_relaxed);
	/* The comparison is a part of room(), and saves what it would return. */
	if (__builtin_expect(tail == half->tail_max && !room(half, tail, 1), 0) ||
	    __builtin_expect(atomic_load_explicit(&half->cq->closed, memory_order_relaxed), 0) ||
	    __builtin_expect(atomic_load_explicit(&rq->fd_stale, memory_order_relaxed), 0))
		return post_slowly(handle, direction, data, extra, known, flags, context);
	slice = known == KNOWN_GOOD ? *data : slice_of(data);
	slot = slot_at(half, tail);
	write_request(slot, slice, extra ? flags | REGIOI_REQUEST_EXTRA : flags, context);
	if (known != KNOWN_GOOD &&
	    __builtin_expect(!regioi_region_allows_again(&slice, direction == REGIOI_RECEIVE,
							 &call->region, known == KNOWN_NOTHING),
			     0))
		return known == KNOWN_SEEN ? post_written(rq, direction, flags)
					   : submit(handle, direction, data, extra, flags, context);
	guard_request(half, slot);
	if (extra)
		half->extras[tail & half->mask] = *extra;
	if (known == KNOWN_NOTHING && flags & REGIO_MSG_DONT_NOTIFY)
		atomic_store_explicit(&half->muted_used, true, memory_order_relaxed);
	/* Release: pairs with the executor's acquire in regioi_half_window(). */
	atomic_store_explicit(&half->tail, tail + 1, memory_order_release);
	deferred = direction == REGIOI_RECEIVE || flags & REGIO_MSG_DEFER ||
		   !regioi_driver_posters_execute(half->node->driver);
	if (__builtin_expect(!(deferred && still_pinned(half->node)), 0))
		return start_and_leave(half, deferred, call);
	regioi_hazard_leave_quickly(call);
	return 0;
}

/* What post_plain() could not: with DONT_NOTIFY, or with another RQ or region than last time. */
static __attribute__((noinline)) int post_less_common(struct regio_rq *rq,
						      const struct regio_buf *data, uint32_t flags,
						      uint64_t context,
						      enum regioi_direction direction)
{
	if (data && !(flags & ~(REGIO_MSG_DEFER | REGIO_MSG_DONT_NOTIFY)))
		return post_quickly(rq, direction, data, NULL, KNOWN_NOTHING, flags, context);
	return submit(rq, direction, data, NULL, flags, context);
}

/* One that post_quickly() has written to its slot, of a region that is not the one seen last. */
static __attribute__((noinline)) int post_written(const struct regioi_rq *rq,
						  enum regioi_direction direction, uint32_t flags)
{
	const struct regioi_half *half = &rq->halves[direction];
	const struct regioi_request *slot =
		slot_at(half, atomic_load_explicit(&half->tail, memory_order_relaxed));
	const struct regio_buf data = {slot->region, slot->offset, slot->bytes};

	return post_less_common((struct regio_rq *)(uintptr_t)rq->id, &data, flags, slot->context,
				direction);
}

/* Flags that are a constant take fewer instructions. A receive is always deferred. */
static inline __attribute__((always_inline)) int post_plain(struct regio_rq *rq,
							    enum regioi_direction direction,
							    const struct regio_buf *data,
							    uint32_t flags, uint64_t context)
{
	const bool receive = direction == REGIOI_RECEIVE;

	if (__builtin_expect(!data, 0))
		return post_less_common(rq, data, flags, context, direction);
	if (__builtin_expect(receive ? !(flags & ~REGIO_MSG_DEFER) : flags == REGIO_MSG_DEFER, 1))
		return post_quickly(rq, direction, data, NULL, KNOWN_SEEN, REGIO_MSG_DEFER,
				    context);
	if (!receive && flags == 0)
		return post_quickly(rq, direction, data, NULL, KNOWN_SEEN, 0, context);
	return post_less_common(rq, data, flags, context, direction);
}

int regio_receive(struct regio_rq *rq, const struct regio_buf *data, uint32_t flags,
		  uint64_t context)
{
	return post_plain(rq, REGIOI_RECEIVE, data, flags, context);
}

int regio_receive_ex(struct regio_rq *rq, const struct regio_buf *data,
		     const struct regio_extra *extra, uint32_t flags, uint64_t context)
{
	return submit(rq, REGIOI_RECEIVE, data, extra, flags, context);
}

int regio_send(struct regio_rq *rq, const struct regio_buf *data, uint32_t flags, uint64_t context)
{
	return post_plain(rq, REGIOI_SEND, data, flags, context);
}

int regio_send_ex(struct regio_rq *rq, const struct regio_buf *data,
		  const struct regio_extra *extra, uint32_t flags, uint64_t context)
{
	return submit(rq, REGIOI_SEND, data, extra, flags, context);
}

/* Plain requests in one region that a call posts one after the other, while they are stored. */
struct row {
	const struct regioi_half *half;
	const struct regio_request *next, *end;
	struct regioi_request *slot; /* of the next */
	uint64_t region;
	uint64_t bytes;	   /* of the region */
	uint32_t deferred; /* REGIO_MSG_DEFER if all that were stored are */
};

static inline bool is_plain(const struct regio_request *request)
{
	return !(request->flags & ~REGIO_MSG_DEFER) &&
	       !((uintptr_t)request->extra | request->reserved);
}

/* How many slices, side by side from 'first' on, the region has room for; at most 'most'. */
static inline uint32_t slices_in_region(struct regio_buf first, uint64_t bytes, uint32_t most)
{
	if (first.offset + (uint64_t)first.length * most <= bytes)
		return most;
	return first.offset + (uint64_t)first.length > bytes
		       ? 0
		       : (uint32_t)((bytes - first.offset) / first.length);
}

typedef uint64_t words __attribute__((may_alias));

/*
 * Two words of a request of a row. Of a long row the caller's stores have left the store buffer by
 * the time they are read, but for those of the last few requests.
 */
static inline uint64_t two_words(const uint32_t *first)
{
	return *(const words *)first;
}

/*
 * Stores requests of the length of the first, each slice where the one before it ends. Returns
 * their number.
 */
static inline uint32_t store_together(struct row *row)
{
	const struct regio_buf first = slice_of(&row->next->data);
	const struct regio_request *next = row->next;
	const struct regio_request *end =
		next + slices_in_region(first, row->bytes, (uint32_t)(row->end - next));
	const uint64_t result = regioi_word(0, first.length);
	const uint32_t first_deferred = next->flags & REGIO_MSG_DEFER;
	const uint64_t flags = regioi_word(first_deferred, 0);
	const uint64_t step = regioi_word(first.length, 0);
	const regioi_word_pair slice_step = {0, step};
	regioi_word_pair slice = {first.region, regioi_word(first.offset, 0)};
	uint64_t place = regioi_word(first.offset, first.length);
	struct regioi_request *slot = row->slot;
	uint32_t deferred = row->deferred & first_deferred, stored;

	for (; next < end; next++, slot++, place += step, slice += slice_step) {
		if (next->data.region != first.region || two_words(&next->data.offset) != place ||
		    next->extra)
			break;
		if (__builtin_expect(two_words(&next->flags) != flags, 0)) {
			if (!is_plain(next))
				break;
			deferred &= next->flags;
		}
		regioi_request_store_slice(slot, slice);
		regioi_request_store_rest(slot, result, next->context);
		guard_request(row->half, slot);
	}
	stored = (uint32_t)(next - row->next);
	if (stored > 1)
		regioi_request_note_followed(row->slot, stored - 1);
	if (stored > 0)
		row->deferred = deferred;
	row->next = next;
	row->slot = slot;
	return stored;
}

/* Stores requests with slices anywhere in the region. */
static inline void store_apart(struct row *row)
{
	for (; row->next < row->end; row->next++, row->slot++) {
		const struct regio_buf data = slice_of(&row->next->data);

		if (data.region != row->region ||
		    (uint64_t)data.offset + data.length > row->bytes || !is_plain(row->next))
			break;
		row->deferred &= row->next->flags;
		store_request(row->half, row->slot, data, 0, row->next->context);
	}
}

/*
 * Stores the plain requests in one region that 'requests' begins with, as far as there is room
 * before the ring wraps: the region and the limit are checked once. Returns their number.
 */
static uint32_t take_row(struct batch *batch, const struct regio_request *requests, uint32_t count)
{
	struct regioi_half *half = batch->half;
	const uint64_t region = requests[0].data.region;
	struct row row = {
		.half = half,
		.next = requests,
		.slot = slot_at(half, batch->tail),
		.region = region,
		.bytes = regioi_region_bytes(region, half->direction == REGIOI_RECEIVE),
		.deferred = REGIO_MSG_DEFER,
	};
	uint32_t taken;

	if (row.bytes == 0)
		return 0;
	count = regioi_lesser(count, room(half, batch->tail, count));
	count = regioi_lesser(count, half->mask + 1 - (batch->tail & half->mask));
	row.end = requests + count;
	if (count < TOGETHER_MIN || store_together(&row) < TOGETHER_MIN)
		store_apart(&row);
	taken = (uint32_t)(row.next - requests);
	batch->tail += taken;
	batch->stored |= taken > 0;
	batch->start |= !row.deferred;
	return taken;
}

/* Returns the number posted, or why the first is refused. */
static int post_many(struct regioi_half *half, const struct regio_request *requests, uint32_t count)
{
	struct batch batch = batch_of(half);
	uint32_t taken = 0;
	int error = 0;

	while (taken < count) {
		uint32_t row = take_row(&batch, requests + taken, count - taken);

		if (row == 0) {
			error = take_request(&batch, &requests[taken]);
			if (error)
				break;
			row = 1;
		}
		taken += row;
	}
	finish(&batch);
	return taken ? (int)taken : error;
}

int regio_post(struct regio_rq *rq, uint32_t half, const struct regio_request *requests,
	       uint32_t count)
{
	const enum regioi_direction direction =
		half == REGIO_HALF_SEND ? REGIOI_SEND : REGIOI_RECEIVE;
	struct regioi_hazard *call;
	struct regioi_half *found;
	int result;

	if ((half != REGIO_HALF_SEND && half != REGIO_HALF_RECEIVE) || (!requests && count) ||
	    count > INT32_MAX)
		return regioi_refuse_batch(half, count);
	call = regioi_hazard_enter(rq);
	if (!call)
		return regioi_refuse_queue(direction, -ENOMEM);
	found = find_half(call, rq, direction, &result);
	if (found)
		result = post_many(found, requests, count);
	else
		regioi_refuse_queue(direction, result);
	regioi_hazard_leave_quickly(call);
	return result;
}

/* ---- Slices that are known to be good ---- */

static inline __attribute__((always_inline)) int send_known(
	struct regio_rq *rq, uint64_t region, const struct regioi_known_request *request,
	uint32_t bytes, const struct regio_extra *extra)
{
	const struct regio_buf data = {region, request->data_at, bytes};

	return post_quickly(rq, REGIOI_SEND, &data, extra, KNOWN_GOOD, REGIO_MSG_DEFER,
			    request->context);
}

int regioi_send_known(struct regio_rq *rq, uint64_t region,
		      const struct regioi_known_request *request, uint32_t bytes)
{
	return send_known(rq, region, request, bytes, NULL);
}

static inline struct regio_buf known_slice(const struct regioi_known_slices *slices,
					   const struct regioi_known_request *request, uint32_t at,
					   uint32_t bytes)
{
	return (struct regio_buf){slices->region, request->names_at + at, bytes};
}

int regioi_send_known_to(struct regio_rq *rq, const struct regioi_known_slices *slices,
			 const struct regioi_known_request *request, uint32_t bytes)
{
	const struct regio_extra extra = {
		.remote_address =
			known_slice(slices, request, slices->remote_at, slices->name_bytes),
	};

	return send_known(rq, slices->region, request, bytes, &extra);
}

int regioi_send_known_with(struct regio_rq *rq, const struct regioi_known_slices *slices,
			   const struct regioi_known_request *request, uint32_t bytes)
{
	const struct regio_extra extra = {
		.remote_address =
			known_slice(slices, request, slices->remote_at, slices->name_bytes),
		.control = known_slice(slices, request, slices->control_at, slices->control_bytes),
	};

	return send_known(rq, slices->region, request, bytes, &extra);
}

/* The extra slices of a receive with 'names_at' 0. */
static inline struct regio_extra names_of(const struct regioi_known_slices *slices)
{
	struct regio_extra extra = {
		.remote_address = {slices->region, slices->remote_at, slices->name_bytes}};

	if (slices->local_at)
		extra.local_address =
			(struct regio_buf){slices->region, slices->local_at, slices->name_bytes};
	return extra;
}

/* As take(), for all of them; with the extra slices 'names', or NULL. */
static inline __attribute__((always_inline)) uint32_t store_all_known(
	struct batch *batch, const struct regioi_known_slices *slices,
	const struct regio_extra *names, const struct regioi_known_request *const *receives,
	uint32_t count)
{
	struct regio_buf data = {slices->region, 0, slices->data_bytes};
	struct regioi_half *half = batch->half;
	uint32_t tail = batch->tail;

	count = regioi_lesser(count, room(half, tail, count));
	for (uint32_t i = 0; i < count; i++, tail++) {
		const struct regioi_known_request *request = receives[i];

		data.offset = request->data_at;
		store_request(half, slot_at(half, tail), data, names ? REGIOI_REQUEST_EXTRA : 0,
			      request->context);
		if (names) {
			struct regio_extra *extra = &half->extras[tail & half->mask];

			*extra = *names;
			/* Nobody looks where a slice is that is absent. */
			extra->remote_address.offset += request->names_at;
			extra->local_address.offset += request->names_at;
		}
	}
	batch->tail = tail;
	return count;
}

static uint32_t store_named(struct batch *batch, const struct regioi_known_slices *slices,
			    const struct regioi_known_request *const *receives, uint32_t count)
{
	const struct regio_extra names = names_of(slices);

	expect_extras(batch->half, &names);
	return store_all_known(batch, slices, &names, receives, count);
}

int regioi_receive_known(struct regio_rq *rq, const struct regioi_known_slices *slices,
			 const struct regioi_known_request *const *receives, uint32_t count)
{
	struct regioi_hazard *call = regioi_hazard_enter(rq);
	struct regioi_half *half;
	struct batch batch;
	int result;

	if (!call)
		return -ENOMEM;
	half = find_half(call, rq, REGIOI_RECEIVE, &result);
	if (half) {
		batch = batch_of(half);
		result = (int)(slices->remote_at
				       ? store_named(&batch, slices, receives, count)
				       : store_all_known(&batch, slices, NULL, receives, count));
		batch.stored = result > 0;
		finish(&batch);
		if (result == 0)
			result = -ENOBUFS;
	}
	regioi_hazard_leave_quickly(call);
	return result;
}
