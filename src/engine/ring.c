/* SPDX-License-Identifier: MIT */
/*
 * A ring with DEFER_TASKRUN belongs to one thread, and closing a ring interrupts the blocking calls
 * of every thread that has used it, some time later (Linux 6.18, io_ring_exit_work: TWA_SIGNAL). So
 * a ring belongs to a thread and not to an engine: it is created when the thread first needs it,
 * serves all engines that the thread works on, and is closed when the thread ends. A thread that
 * cannot have one uses epoll and plain calls. Only this file and ring_trial.c make io_uring calls.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/plain.h"
#include "engine/ring.h"

/*
 * The most rings of a process, so that a program with a thread for each connection does not run out
 * of descriptors.
 */
#define RINGS_MAX 128u

/* user_data is the index of an operation, the value of poll_data() for a poll, or none. */
#define POLL_MARK (1ull << 63)
#define NO_DATA UINT64_MAX
/* The user_data of a ring's last operation. */
#define LAST_DATA (UINT64_MAX - 1)

/* ---- The rings of threads ---- */

_Thread_local struct regioi_ring *regioi_ring_own;
/* The thread could not create a ring, or has closed it. */
static _Thread_local __attribute__((tls_model("initial-exec"))) bool without;

static _Atomic uint32_t rings;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* for its destructor, at the end of a thread */

/*
 * The kernel may map a ring at the address of another that was unmapped. The thread sanitizer
 * reports the accesses of both threads as a race, because liburing makes these calls without libc;
 * so they are ordered here as well.
 */
static _Atomic uint32_t unmapped;

void regioi_ring_unmap(struct io_uring *io)
{
	/* Release: pairs with the acquire in regioi_ring_open(). */
	atomic_fetch_add_explicit(&unmapped, 1, memory_order_release);
	io_uring_queue_exit(io);
}

int regioi_ring_open(struct io_uring *io)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	};
	int error = io_uring_queue_init_params(REGIOI_RING_ENTRIES, io, &params);

	atomic_load_explicit(&unmapped, memory_order_acquire);
	/* A forked child does not need the mappings. */
	if (!error)
		io_uring_ring_dontfork(io);
	return error;
}

/*
 * An operation that does nothing shows whether the descriptor is still the ring's: no other file
 * would complete it in this memory. Other errors do not count.
 */
static bool is_ours(struct regioi_ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);
	bool completed = false;
	struct io_uring_cqe *cqe;
	unsigned int head;
	int submitted;

	if (!sqe)
		return true;
	io_uring_prep_nop(sqe);
	sqe->user_data = LAST_DATA;
	submitted = io_uring_submit(&ring->io);
	io_uring_for_each_cqe(&ring->io, head, cqe)
	{
		completed |= cqe->user_data == LAST_DATA;
	}
	if (submitted >= 0)
		return completed;
	return submitted != -EBADF && submitted != -EOPNOTSUPP && submitted != -EEXIST;
}

static void ring_close(void *argument)
{
	struct regioi_ring *ring = argument;

	/*
	 * If the program has closed it, its number may be used for another file; the mappings are
	 * still ours.
	 */
	if (!is_ours(ring))
		ring->io.ring_fd = -1;
	regioi_ring_unmap(&ring->io);
	free(ring);
	regioi_ring_own = NULL;
	without = true;
	atomic_fetch_sub(&rings, 1);
}

static void key_create(void)
{
	/* Without the key there are no rings, because nothing would close them. */
	if (pthread_key_create(&key, ring_close) != 0)
		atomic_store(&rings, RINGS_MAX);
}

struct regioi_ring *regioi_ring_make(void)
{
	struct regioi_ring *ring = NULL;

	if (without)
		return NULL;
	pthread_once(&key_once, key_create);
	if (atomic_fetch_add(&rings, 1) < RINGS_MAX)
		ring = calloc(1, sizeof(*ring));
	if (ring && regioi_ring_open(&ring->io) == 0) {
		if (pthread_setspecific(key, ring) == 0) {
			regioi_ring_own = ring;
			return ring;
		}
		regioi_ring_unmap(&ring->io);
	}
	free(ring);
	atomic_fetch_sub(&rings, 1);
	without = true;
	return NULL;
}

void regioi_ring_fork_child(void)
{
	if (regioi_ring_own) {
		close(regioi_ring_own->io.ring_fd);
		free(regioi_ring_own);
		pthread_setspecific(key, NULL);
	}
	regioi_ring_own = NULL;
	without = false;
	atomic_store(&rings, 0);
}

/* ---- Submitting and completing ---- */

static uint64_t poll_data(uint64_t serial, uint32_t place)
{
	return POLL_MARK | serial * REGIOI_RING_PLACES | place;
}

static bool carries_messages(const struct regioi_op *op)
{
	return op->kind == REGIOI_OP_RECEIVE_MESSAGES || op->kind == REGIOI_OP_SEND_MESSAGES;
}

static void settle_op(struct regioi_op *op, int32_t result)
{
	op->result = result;
	if (result < 0 || !carries_messages(op))
		return;
	op->messages->msg_len = (unsigned int)result;
	op->result = 1;
}

static void settle_poll(struct regioi_ring *ring, const struct io_uring_cqe *cqe)
{
	const uint32_t place = cqe->user_data % REGIOI_RING_PLACES;
	struct regioi_ring_poll *ring_poll = &ring->polls[place];

	/* The poll of an engine that was destroyed. */
	if (poll_data(ring_poll->serial, place) != cqe->user_data)
		return;
	ring_poll->fired = true;
	/* The kernel ends it now and then, and the next poll arms it again. */
	if (!(cqe->flags & IORING_CQE_F_MORE))
		ring_poll->armed = false;
}

/*
 * Takes all completions. Returns the number that belonged to 'ops', which may be NULL between
 * batches: a batch ends when its last operation has ended.
 */
static uint32_t reap(struct regioi_ring *ring, struct regioi_op *ops)
{
	struct io_uring_cqe *cqe;
	uint32_t all = 0, settled = 0;
	unsigned int head;

	io_uring_for_each_cqe(&ring->io, head, cqe)
	{
		all++;
		if (ops && !(cqe->user_data & POLL_MARK)) {
			settle_op(&ops[cqe->user_data], cqe->res);
			settled++;
		} else if (cqe->user_data != NO_DATA) {
			settle_poll(ring, cqe);
		}
	}
	io_uring_cq_advance(&ring->io, all);
	return settled;
}

/*
 * Executes operations that the kernel has not taken off the ring as plain calls, and returns their
 * number. An entry cannot be removed from the ring, so each becomes one that does nothing, for
 * submit_left(). How entries are stored is internal to liburing: version 2.6 has stopped using the
 * index array (IORING_SETUP_NO_SQARRAY, Linux 6.6).
 */
static uint32_t take_back(struct regioi_ring *ring, struct regioi_op *ops)
{
	const uint32_t waiting = io_uring_sq_ready(&ring->io);
	uint32_t executed = 0;

	ring->left = waiting > 0;
	for (uint32_t i = ring->entries_count > waiting ? ring->entries_count - waiting : 0;
	     i < ring->entries_count; i++) {
		struct io_uring_sqe *sqe = ring->entries[i];

		if (!(sqe->user_data & POLL_MARK)) {
			regioi_plain_execute(NULL, &ops[sqe->user_data], 1);
			executed++;
		}
		io_uring_prep_nop(sqe);
		sqe->user_data = NO_DATA;
	}
	return executed;
}

struct io_uring_sqe *regioi_ring_entry(struct regioi_ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);

	if (sqe)
		ring->entries[ring->entries_count++] = sqe;
	return sqe;
}

int regioi_ring_submit(struct regioi_ring *ring, struct regioi_op *ops, uint32_t pending)
{
	int error = 0, result;

	/*
	 * With MSG_DONTWAIT an operation is complete when it has been submitted, so this does not
	 * wait; should a kernel behave differently, the loop still waits until no operation is
	 * left.
	 */
	do {
		result = io_uring_submit_and_wait(&ring->io, pending);
		pending -= reap(ring, ops);
		if (result < 0 && result != -EINTR) {
			error = result;
			pending -= take_back(ring, ops);
		}
	} while (pending > 0);
	ring->entries_count = 0;
	/* Cancelled operations end in task work. */
	if (!ops && regioi_ring_task_work_waits(ring)) {
		io_uring_get_events(&ring->io);
		reap(ring, NULL);
	}
	ring->flagged = false;
	return error;
}

/* Entries left by a call that failed are submitted first, so that the ring has room for a batch. */
static int submit_left(struct regioi_ring *ring)
{
	if (!ring->left)
		return 0;
	ring->left = false;
	return regioi_ring_submit(ring, NULL, 0);
}

bool regioi_ring_survives(int error)
{
	/* These are temporary. */
	if (!error || error == -EINTR || error == -EAGAIN || error == -EBUSY || error == -ENOMEM)
		return true;
	pthread_setspecific(key, NULL);
	ring_close(regioi_ring_own);
	return false;
}

/* ---- Polls ---- */

int regioi_ring_arm(struct regioi_ring *ring, uint32_t place, uint64_t serial, int fd)
{
	struct regioi_ring_poll *ring_poll = &ring->polls[place];
	int error = submit_left(ring);
	struct io_uring_sqe *sqe;

	if (error)
		return error;
	sqe = regioi_ring_entry(ring);
	if (!sqe)
		return -EAGAIN;
	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	sqe->user_data = poll_data(serial, place);
	ring_poll->armed = true;
	error = regioi_ring_submit(ring, NULL, 0);
	/* Entries that the kernel has not taken are dropped. */
	if (error)
		ring_poll->armed = false;
	return error;
}

int regioi_ring_disarm(struct regioi_ring *ring, uint32_t place)
{
	struct regioi_ring_poll *ring_poll = &ring->polls[place];
	struct io_uring_sqe *sqe;
	int error;

	if (!ring_poll->armed)
		return 0;
	error = submit_left(ring);
	if (error)
		return error;
	sqe = regioi_ring_entry(ring);
	if (!sqe)
		return -EAGAIN;
	io_uring_prep_poll_remove(sqe, poll_data(ring_poll->serial, place));
	sqe->user_data = NO_DATA;
	ring_poll->armed = false;
	return regioi_ring_submit(ring, NULL, 0);
}

void regioi_ring_look(struct regioi_ring *ring)
{
	bool waits = regioi_ring_task_work_waits(ring);

	/* Task work is run when it is seen a second time: a batch may run it before that. */
	if (waits && ring->flagged)
		io_uring_get_events(&ring->io);
	ring->flagged = waits && !ring->flagged;
	reap(ring, NULL);
}

/* ---- Batches ---- */

/* False for operations that a ring cannot execute. */
static bool prepare(struct regioi_ring *ring, const struct regioi_op *op, uint64_t index)
{
	const int receive_flags = MSG_DONTWAIT | MSG_TRUNC;
	const int send_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	struct io_uring_sqe *sqe;

	if (carries_messages(op) && op->count > 1)
		return false;
	sqe = regioi_ring_entry(ring);
	if (!sqe)
		return false;
	switch (op->kind) {
	case REGIOI_OP_RECEIVE:
		io_uring_prep_recv(sqe, op->fd, op->data, op->length, receive_flags);
		break;
	case REGIOI_OP_SEND:
		io_uring_prep_send(sqe, op->fd, op->data, op->length, send_flags);
		break;
	case REGIOI_OP_RECEIVE_MESSAGES:
		io_uring_prep_recvmsg(sqe, op->fd, &op->messages->msg_hdr, receive_flags);
		break;
	case REGIOI_OP_SEND_MESSAGES:
		io_uring_prep_sendmsg(sqe, op->fd, &op->messages->msg_hdr, send_flags);
		break;
	case REGIOI_OP_RECEIVE_BYTES:
		io_uring_prep_recv(sqe, op->fd, op->data, op->length, MSG_DONTWAIT);
		break;
	case REGIOI_OP_RECEIVE_VECTORS:
		io_uring_prep_recvmsg(sqe, op->fd, op->message, MSG_DONTWAIT);
		break;
	case REGIOI_OP_SEND_VECTORS:
		io_uring_prep_sendmsg(sqe, op->fd, op->message, send_flags);
		break;
	}
	sqe->user_data = index;
	return true;
}

int regioi_ring_execute(struct regioi_ring *ring, struct regioi_op *ops, uint32_t ops_count)
{
	const int error = submit_left(ring);
	uint32_t pending = 0;

	if (error) {
		regioi_plain_execute(NULL, ops, ops_count);
		return error;
	}
	for (uint32_t i = 0; i < ops_count; i++) {
		if (prepare(ring, &ops[i], i))
			pending++;
		else
			regioi_plain_execute(NULL, &ops[i], 1);
	}
	return pending ? regioi_ring_submit(ring, ops, pending) : 0;
}
