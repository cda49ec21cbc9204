/* SPDX-License-Identifier: MIT */
/*
 * regio_slots.h - a pool of equal buffers that are posted, handled and posted again
 *
 * Most programs want the same thing: some receives are always posted, a message
 * that has arrived is handled where it lies, and the answer goes back from the
 * same memory, which is then posted again. A pool does this. It registers the
 * memory, cuts it into slots, posts receives on the RQs that are attached to
 * it, hands out the slots that a message has arrived in, and sends replies from
 * them. Everything it does can be done with the calls of regio.h as well.
 *
 * A slot is always in one of four states. It is free; or a receive is posted on
 * it; or the program holds it, because a message in it was handed out, or
 * because the program took a free one; or it is being sent. What the program
 * holds it gives back in one of three calls: regio_slots_reply(),
 * regio_slots_send() or regio_slots_free(). When a slot is freed, or has been
 * sent, the pool posts it again where it came from.
 *
 * Each attached RQ has a number of receives that the pool tries to keep posted.
 * When the pool has no free slot, RQs with fewer wait in turn for the next slot
 * that comes back, from any RQ. Nothing is lost meanwhile: messages wait in the
 * socket.
 *
 * Threads, in general: all calls on a pool, and all calls on its CQ, must be
 * serialised by the caller. They also post on the RQs that are attached to it: a
 * program that posts requests of its own there does so in turn with them. What
 * a slot holds, data and addresses, may be read and written in any thread while
 * the program holds the slot.
 *
 * The pool allocates memory when it is created and when an RQ is attached, and
 * at no other time.
 *
 * When a call fails, regio_last_error() explains why.
 */
#ifndef REGIO_SLOTS_H
#define REGIO_SLOTS_H

#include <regio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Slots --------------------------------------------------------------- */

/*
 * A pool is never dereferenced, and NULL is never one. What a struct sockaddr
 * pointer here points to is a struct sockaddr_in or sockaddr_in6.
 */
struct regio_slots;
struct sockaddr;

/*
 * A slot that the program holds, or a result that is not the pool's.
 *
 * data        the bytes of the slot: as many as each slot has may be written.
 *             NULL: the result is not the pool's; 'status', 'length',
 *             'rq_context' and 'context' are those of its struct regio_result,
 *             the rest is NULL.
 * length      how many bytes were received, at the start of 'data'
 * status      0 for a message; otherwise why a receive failed
 * rq          the RQ that received it; NULL in a slot that was taken
 * rq_context  the context given to regio_rq_create()
 * context     which slot, and which use of it: a copy that is used after the
 *             slot was given back is refused
 * sender      where the message came from; the other end of a connection. NULL
 *             if there is no such address.
 * local       the address and port it was sent to, or NULL. If the socket is
 *             bound to one address, this is it.
 *
 * 'sender' and 'local' are valid as long as the program holds the slot.
 */
struct regio_slot {
	void *data;
	uint32_t length;
	int32_t status;
	struct regio_rq *rq;
	uint64_t rq_context;
	uint64_t context;
	const struct sockaddr *sender;
	const struct sockaddr *local;
};

REGIO_STATIC_ASSERT(sizeof(struct regio_slot) == 56, "regio_slot is frozen");

/*
 * The contexts of the pools' own requests are those whose highest four bits are
 * 1010. A program that posts requests of its own on the CQ of a pool gives them
 * other contexts, such as small numbers, pointers or -1.
 */
#define REGIO_SLOTS_CONTEXT_MIN 0xA000000000000000ull /* the first */
#define REGIO_SLOTS_CONTEXT_MAX 0xAFFFFFFFFFFFFFFFull /* the last */

/* The most slots of one pool. */
#define REGIO_SLOTS_COUNT_MAX 0x100000u

struct regio_slots_opts {
	uint32_t size;	    /* sizeof(struct regio_slots_opts) */
	uint32_t flags;	    /* REGIO_REGION_..., of the memory */
	uint32_t numa_node; /* with REGIO_REGION_NUMA: the node of the memory */
	uint32_t reserved;  /* 0 */
};

/*
 * regio_slots_create - make a pool of 'count' slots of 'bytes' bytes for a CQ
 *
 * Every slot starts on a cache line. 128 bytes or a little more are added to
 * each for addresses. 'opts' may be NULL. A CQ may have several pools.
 *
 * Ownership  close with regio_slots_close(); the memory is the library's
 * Threads    any
 * Blocking   may fault pages in
 * Returns    0, or
 *            -EINVAL  ret_slots is NULL, count is 0 or above
 *                     REGIO_SLOTS_COUNT_MAX, bytes is 0, bad size, unknown
 *                     flag, reserved field not 0, node without the flag, no
 *                     such NUMA node
 *            -E2BIG   opts has fields this version does not know
 *            -EBADF   cq is NULL or closed
 *            -EMSGSIZE the slots would need 4 GiB or more
 *            -ENOMEM  no memory
 *            -EPERM   as regio_region_allocate()
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_create(struct regio_cq *cq, uint32_t count, uint32_t bytes,
				 const struct regio_slots_opts *opts,
				 struct regio_slots **ret_slots);

/*
 * regio_slots_close - end a pool
 *
 * RQs, CQ and pool may be closed in any order. After the call nothing reads or
 * writes the memory: receives that are still posted complete with -EFAULT, as
 * after regio_region_deregister(), and replies that are still queued are not
 * sent. Their results, with contexts of the pool, are for the program to
 * ignore. To have queued replies sent, close the RQs first.
 *
 * Ownership  the handle and all its slots are no longer valid
 * Threads    as regio_cq_dequeue(), for the CQ and the pool
 * Blocking   for the length of one non-blocking socket call
 * Returns    0, or
 *            -EBADF   no such pool
 *            -ECHILD  the pool belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_close(struct regio_slots *slots);

/*
 * regio_slots_attach - keep 'receives' receives of the pool posted on an RQ
 *
 * Called again for an RQ, it adds to their number. With fewer free slots than
 * that, the RQ waits in turn for those that come back.
 *
 * Bind the socket first, and connect it if it is to be connected: the call looks at
 * both. If a datagram socket is bound to no single address, the local address of
 * each message is asked for, and replies leave from the address that was asked,
 * over IPv4, IPv6 and both at once. After regio_rq_replace_socket() attach again.
 *
 * No call undoes it: when the RQ is closed its slots come back to the pool; so
 * does each slot whose receive regio_rq_cancel() cancels, and the number of
 * receives is one less. The end of a stream, or an error that ends it, is handed
 * out once, and the pool posts no more receives on it.
 *
 * Ownership  the RQ stays the caller's
 * Threads    as regio_cq_dequeue(), for the CQ and the pool
 * Blocking   never
 * Returns    0, or, with nothing changed,
 *            -EBADF   no such pool, the RQ or its CQ is closed
 *            -EINVAL  receives is 0; the RQ's receives, or its sends, use
 *                     another CQ than the pool
 *            -ENOBUFS the RQ allows fewer receives, or fewer sends although it
 *                     allows some: a reply to each must fit
 *            -ENOMEM  no memory
 *            -ECHILD  the pool or the RQ belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_attach(struct regio_slots *slots, struct regio_rq *rq, uint32_t receives);

/* ---- Slots that hold something ------------------------------------------- */

/*
 * regio_slots_dequeue - take messages that have arrived off the pool's CQ
 *
 * Calls regio_cq_dequeue(), posts again the slots that have been sent, and writes
 * up to 'slots_max' of the rest: messages, failed receives, and results that are
 * not the pool's. After a return of 0 use regio_cq_wait() or regio_cq_notify() as
 * after regio_cq_dequeue().
 *
 * A failed receive: -EMSGSIZE, the message was too long, and its start fills
 * the slot; an error of a datagram socket that REGIO_RQ_REPORT_ICMP asked for;
 * or, once for a stream, what ended it. The end of a stream is a slot with
 * status 0 and length 0. A program holds these slots too.
 *
 * A send that failed is not handed out: regio_slots_get_info() counts them.
 *
 * Ownership  the program holds each slot with data, and gives it back with
 *            regio_slots_reply(), regio_slots_send() or regio_slots_free()
 * Threads    as regio_cq_dequeue(), for the CQ and the pool
 * Blocking   never
 * Returns    the number written (0 is normal), or
 *            -EBADF   no such pool, or its CQ is closed
 *            -EINVAL  ret_slots is NULL and slots_max is not 0
 *            -ECHILD  the pool belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_dequeue(struct regio_slots *slots, struct regio_slot *ret_slots,
				  uint32_t slots_max);

/*
 * regio_slots_process - hand a result that the program has dequeued to the pool
 *
 * For programs that call regio_cq_dequeue() themselves; they hand every result
 * of the CQ to its pool. With several pools, a result that is not of the first
 * is handed to the next.
 *
 * Ownership  as regio_slots_dequeue()
 * Threads    as regio_slots_dequeue()
 * Blocking   never
 * Returns    1: ret_slot was written, as by regio_slots_dequeue(); 0: there is
 *            nothing for the program; or
 *            -EBADF   no such pool
 *            -EINVAL  result or ret_slot is NULL
 *            -ECHILD  the pool belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_process(struct regio_slots *slots, const struct regio_result *result,
				  struct regio_slot *ret_slot);

/*
 * regio_slots_reply - send the first 'length' bytes of a slot to where it came from
 *
 * A datagram goes to the sender of the message, from the address that the
 * message was sent to; if that is no address to send from (a group, a
 * broadcast address), from one that the kernel chooses. On a stream it goes to
 * the other end. The reply is deferred, as with REGIO_MSG_DEFER: it starts at
 * the latest in the next dequeue that finds the CQ empty, notify or wait,
 * together with others.
 *
 * Ownership  the slot is the pool's again, also after an error, unless the
 *            program did not hold it. It is posted again when it has been sent.
 * Threads    as regio_slots_dequeue()
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such pool, or the RQ is closed
 *            -EINVAL  the program does not hold the slot; length is more than
 *                     a slot has; the slot was taken, or its receive failed, so
 *                     that there is no sender
 *            -ENOBUFS the limit of outstanding sends of the RQ is reached, which
 *                     happens only if there are sends other than replies
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the pool belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_reply(struct regio_slots *slots, const struct regio_slot *slot,
				uint32_t length);

/*
 * regio_slots_take - take a free slot, to send from
 *
 * Make the pool as large as all attached receives, and the sends that are not
 * replies, together.
 *
 * Ownership  the program holds the slot
 * Threads    as regio_slots_dequeue()
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such pool
 *            -EINVAL  ret_slot is NULL
 *            -ENOBUFS no slot is free: dequeue first
 *            -ECHILD  the pool belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_take(struct regio_slots *slots, struct regio_slot *ret_slot);

/*
 * regio_slots_send - send the first 'length' bytes of a slot on any RQ of the CQ
 *
 * Of a slot that was taken, or of one that holds a message. 'to' is an IPv4 or
 * IPv6 address and read during the call only; NULL if the socket is connected.
 * Deferred as regio_slots_reply().
 *
 * Ownership  after success the slot is the pool's again; after an error the
 *            program still holds it
 * Threads    as regio_slots_dequeue()
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such pool, or the RQ is closed
 *            -EINVAL  the program does not hold the slot; length is more than
 *                     a slot has; 'to' is neither IPv4 nor IPv6
 *            -ENOBUFS the limit of outstanding sends of the RQ is reached:
 *                     dequeue first
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the pool or the RQ belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_send(struct regio_slots *slots, const struct regio_slot *slot,
			       uint32_t length, struct regio_rq *rq, const struct sockaddr *to);

/*
 * regio_slots_free - give a slot back without sending anything
 *
 * Ownership  the slot is the pool's again
 * Threads    as regio_slots_dequeue()
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such pool
 *            -EINVAL  the program does not hold the slot
 *            -ECHILD  the pool belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_free(struct regio_slots *slots, const struct regio_slot *slot);

/* ---- What a pool does ---------------------------------------------------- */

/* The first four add up to the number of slots. */
struct regio_slots_info {
	uint32_t free;
	uint32_t receiving;	   /* a receive is posted */
	uint32_t held;		   /* by the program */
	uint32_t sending;	   /* a send is posted, or its result is not dequeued */
	uint32_t receives_missing; /* for which attached RQs wait for a slot */
	int32_t last_send_error;   /* status of the last send that failed, or 0 */
	uint64_t sends_failed;
};

/*
 * regio_slots_get_info - where the slots of a pool are
 *
 * 'size' is sizeof(struct regio_slots_info).
 *
 * Ownership  none
 * Threads    as regio_slots_dequeue()
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such pool
 *            -EINVAL  ret_info is NULL, or size below 16 or above 4096
 *            -ECHILD  the pool belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_slots_get_info(struct regio_slots *slots, struct regio_slots_info *ret_info,
				   uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
