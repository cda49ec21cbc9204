/* SPDX-License-Identifier: MIT */
/*
 * The uring engine: the epoll engine, with an io_uring ring on top for each thread that has use
 * for one.
 *
 * A ring does two things. It polls the epoll descriptor, so that a look at two words of memory
 * tells whether there is anything to ask for; and it executes several operations in one system
 * call, where that is cheaper. It never holds a socket, nor memory of the program, once a call has
 * returned.
 *
 * A ring with DEFER_TASKRUN belongs to one thread, and closing a ring interrupts the blocking calls
 * of every thread that has used it, some time later (Linux 6.18, io_ring_exit_work: TWA_SIGNAL). So
 * a ring belongs to a thread and not to an engine: it is made when the thread first needs it,
 * serves whatever engines the thread works on, and is closed when the thread ends. A thread that
 * cannot have one works through epoll and plain calls. This is the only file that makes io_uring
 * calls.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/clock.h"
#include "engine/calls.h"
#include "engine/epoll.h"
#include "engine/uring.h"

/* The core executes at most 64 operations at a time. */
#define RING_ENTRIES 128u
/* Fewer operations cost less as plain calls. */
#define BATCH_MIN 3u
/* Batches until a thread gets a ring for them. */
#define BATCHES_FIRST 8u
/*
 * Asks in vain, one after the other, until the thread's ring polls the epoll set. A thread that
 * sleeps, or always finds something, has no use for that, and each event would wake two.
 */
#define ASKS_FIRST 16u
/* Sleeps, and asks that found something, one after the other until it does no longer. */
#define NEEDLESS_MAX 64u
/* Engines of a process that can be polled by rings; others are asked each time. */
#define PLACES 64u
/* Rings of a process: a program with a thread for each connection keeps its descriptors. */
#define RINGS_MAX 128u

/* How often, and how many at once, batches are tried; and what they must save an operation. */
#define TRIAL_ROUNDS 8
#define TRIAL_OPS 32u
#define BATCH_GAIN_NS 30u

/* In user_data: of an operation, its index; of a poll, what poll_data() makes. */
#define POLL_MARK (1ull << 63)
#define CANCEL_DATA UINT64_MAX

/* A ring's poll of the epoll set of one engine. */
struct epoll_poll {
	uint64_t serial;   /* of the engine */
	uint32_t asks;	   /* in vain, since the last of the others */
	uint32_t needless; /* the others, since the last of these */
	bool armed;
	bool fired; /* and the epoll set has not been asked since */
};

struct ring {
	struct io_uring io;
	bool flagged; /* IORING_SQ_TASKRUN was set at the last look, and nothing has run it since */
	struct epoll_poll polls[PLACES];
};

struct uring {
	struct regioi_engine epoll;
	uint64_t serial;  /* never used again */
	uint32_t place;	  /* among those that can be polled, or PLACES */
	atomic_bool more; /* the last ask or sleep may have left events */
};

static struct uring *uring_of(struct regioi_engine *engine)
{
	_Static_assert(offsetof(struct uring, epoll) == 0, "the one is the other");
	return (struct uring *)engine;
}

/* ---- The rings of threads ---- */

#define THREAD_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

THREAD_LOCAL struct ring *own;
/* It could not have one, or has closed it. */
THREAD_LOCAL bool without;
THREAD_LOCAL uint32_t batches;

static _Atomic uint32_t rings;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
/* Of the trial, below. */
static pthread_mutex_t trial_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key; /* for its destructor, at the end of a thread */

/* What an error of a ring says of the ring: the others pass. */
static bool is_fatal(int error)
{
	return error != -EINTR && error != -EAGAIN && error != -EBUSY && error != -ENOMEM;
}

static int ring_open(struct io_uring *io)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	};
	int error = io_uring_queue_init_params(RING_ENTRIES, io, &params);

	/* A forked child has no use for the mappings. */
	if (!error)
		io_uring_ring_dontfork(io);
	return error;
}

static void ring_close(void *argument)
{
	struct ring *ring = argument;

	io_uring_queue_exit(&ring->io);
	free(ring);
	own = NULL;
	without = true;
	atomic_fetch_sub(&rings, 1);
}

static void key_create(void)
{
	/* Without it there are no rings: nobody would close them. */
	if (pthread_key_create(&key, ring_close) != 0)
		atomic_store(&rings, RINGS_MAX);
}

static struct ring *ring_make(void)
{
	struct ring *ring = NULL;

	if (without)
		return NULL;
	pthread_once(&key_once, key_create);
	if (atomic_fetch_add(&rings, 1) < RINGS_MAX)
		ring = calloc(1, sizeof(*ring));
	if (ring && ring_open(&ring->io) == 0) {
		if (pthread_setspecific(key, ring) == 0) {
			own = ring;
			return ring;
		}
		io_uring_queue_exit(&ring->io);
	}
	free(ring);
	atomic_fetch_sub(&rings, 1);
	without = true;
	return NULL;
}

void regioi_uring_fork_child(void)
{
	if (own) {
		close(own->io.ring_fd);
		free(own);
		pthread_setspecific(key, NULL);
	}
	own = NULL;
	without = false;
	atomic_store(&rings, 0);
	pthread_mutex_init(&trial_lock, NULL);
}

/* ---- Submitting and completing ---- */

static uint64_t poll_data(uint64_t serial, uint64_t place)
{
	return POLL_MARK | serial * PLACES | place;
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

static void settle_poll(struct ring *ring, const struct io_uring_cqe *cqe)
{
	const uint64_t place = cqe->user_data % PLACES;
	struct epoll_poll *epoll_poll = &ring->polls[place];

	/* Of an engine that is gone. */
	if (poll_data(epoll_poll->serial, place) != cqe->user_data)
		return;
	epoll_poll->fired = true;
	/* It ends now and then, and is armed again by the next ask. */
	if (!(cqe->flags & IORING_CQE_F_MORE))
		epoll_poll->armed = false;
}

/* Takes all completions. Returns how many were of 'ops'. */
static uint32_t reap(struct ring *ring, struct regioi_op *ops)
{
	struct io_uring_cqe *cqe;
	uint32_t all = 0, settled = 0;
	unsigned int head;

	io_uring_for_each_cqe(&ring->io, head, cqe)
	{
		all++;
		if (!(cqe->user_data & POLL_MARK)) {
			settle_op(&ops[cqe->user_data], cqe->res);
			settled++;
		} else if (cqe->user_data != CANCEL_DATA) {
			settle_poll(ring, cqe);
		}
	}
	io_uring_cq_advance(&ring->io, all);
	return settled;
}

/*
 * Executes operations that the kernel has not taken off the ring as plain calls, and returns how
 * many. Whatever else it has not taken is dropped.
 */
static uint32_t take_back(struct ring *ring, struct regioi_op *ops)
{
	struct io_uring_sq *sq = &ring->io.sq;
	const unsigned int head = *sq->khead;
	uint32_t executed = 0;

	for (unsigned int at = head; at != *sq->ktail; at++) {
		const struct io_uring_sqe *sqe = &sq->sqes[sq->array[at & sq->ring_mask]];

		if (sqe->user_data & POLL_MARK)
			continue;
		regioi_calls_execute(&ops[sqe->user_data], 1);
		executed++;
	}
	*sq->ktail = head;
	sq->sqe_head = head;
	sq->sqe_tail = head;
	return executed;
}

static bool task_work_waits(const struct ring *ring)
{
	return IO_URING_READ_ONCE(*ring->io.sq.kflags) & IORING_SQ_TASKRUN;
}

/*
 * Submits what is prepared, 'pending' of it operations, and takes their results. Returns 0 or the
 * error of the ring, which is not the operations'.
 */
static int submit(struct ring *ring, struct regioi_op *ops, uint32_t pending)
{
	int error = 0, result;

	/*
	 * With MSG_DONTWAIT an operation is complete when it has been submitted, so this does not
	 * wait; should a kernel see it otherwise, nothing is left behind all the same.
	 */
	do {
		result = io_uring_submit_and_wait(&ring->io, pending);
		pending -= reap(ring, ops);
		if (result < 0 && result != -EINTR) {
			error = result;
			pending -= take_back(ring, ops);
		}
	} while (pending > 0);
	/* What is cancelled ends in task work. */
	if (!ops && task_work_waits(ring)) {
		io_uring_get_events(&ring->io);
		reap(ring, NULL);
	}
	ring->flagged = false;
	return error;
}

/* A filter may let a ring be made, and then not be used. Returns whether it is still there. */
static bool keep_or_close(struct ring *ring, int error)
{
	if (!error || !is_fatal(error))
		return true;
	pthread_setspecific(key, NULL);
	ring_close(ring);
	return false;
}

/* ---- Readiness ---- */

/* The thread's poll of the engine, armed or not; NULL where there is none. */
static struct epoll_poll *find_poll(const struct uring *uring)
{
	struct epoll_poll *epoll_poll;

	if (!own || uring->place == PLACES)
		return NULL;
	epoll_poll = &own->polls[uring->place];
	return epoll_poll->serial == uring->serial ? epoll_poll : NULL;
}

/* Returns whether the ring is still there. */
static bool disarm(struct ring *ring, uint64_t place)
{
	struct epoll_poll *epoll_poll = &ring->polls[place];
	struct io_uring_sqe *sqe;

	/* Between two calls the ring is empty, so there always is an entry. */
	if (!epoll_poll->armed || !(sqe = io_uring_get_sqe(&ring->io)))
		return true;
	io_uring_prep_poll_remove(sqe, poll_data(epoll_poll->serial, place));
	sqe->user_data = CANCEL_DATA;
	epoll_poll->armed = false;
	return keep_or_close(ring, submit(ring, NULL, 0));
}

static void arm(struct ring *ring, const struct uring *uring, struct epoll_poll *epoll_poll)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);
	int error;

	if (!sqe)
		return;
	io_uring_prep_poll_multishot(sqe, uring->epoll.epoll_fd, POLLIN);
	sqe->user_data = poll_data(uring->serial, uring->place);
	epoll_poll->armed = true;
	error = submit(ring, NULL, 0);
	/* What the kernel has not taken is dropped; the next ask tries again. */
	if (error)
		epoll_poll->armed = false;
	keep_or_close(ring, error);
}

/*
 * The first ask of a thread: its place may have been another engine's, which is gone. NULL where
 * the ring is gone, too.
 */
static struct epoll_poll *take_place(struct ring *ring, const struct uring *uring)
{
	struct epoll_poll *epoll_poll = &ring->polls[uring->place];

	if (!disarm(ring, uring->place))
		return NULL;
	*epoll_poll = (struct epoll_poll){.serial = uring->serial};
	return epoll_poll;
}

/* Takes in what the ring has to tell. Task work is run at its second sight: a batch runs it too. */
static void look(struct ring *ring)
{
	bool waits = task_work_waits(ring);

	if (waits && ring->flagged)
		io_uring_get_events(&ring->io);
	ring->flagged = waits && !ring->flagged;
	reap(ring, NULL);
}

static bool uring_idle(struct regioi_engine *engine)
{
	struct uring *uring = uring_of(engine);
	const struct epoll_poll *epoll_poll = find_poll(uring);

	return epoll_poll && epoll_poll->armed && !epoll_poll->fired && !task_work_waits(own) &&
	       io_uring_cq_ready(&own->io) == 0 &&
	       !atomic_load_explicit(&uring->more, memory_order_relaxed);
}

/* The ring's part of an ask: false where the epoll set has nothing. */
static bool ask_ring(struct regioi_engine *engine)
{
	struct uring *uring = uring_of(engine);
	struct epoll_poll *epoll_poll;
	struct ring *ring;

	if (uring_idle(engine))
		return false;
	ring = own ? own : ring_make();
	if (!ring || uring->place == PLACES)
		return true;
	epoll_poll = find_poll(uring);
	if (!epoll_poll)
		epoll_poll = take_place(ring, uring);
	if (!epoll_poll)
		return true;
	if (!epoll_poll->armed) {
		if (epoll_poll->asks >= ASKS_FIRST)
			arm(ring, uring, epoll_poll);
		return true;
	}
	look(ring);
	/* Before the epoll set is asked: what comes from now on will tell anew. */
	epoll_poll->fired = false;
	return true;
}

static void count_needless(const struct uring *uring)
{
	struct epoll_poll *epoll_poll = find_poll(uring);

	if (!epoll_poll)
		return;
	epoll_poll->asks = 0;
	if (++epoll_poll->needless > NEEDLESS_MAX)
		disarm(own, uring->place);
}

static void count_in_vain(const struct uring *uring)
{
	struct epoll_poll *epoll_poll = find_poll(uring);

	if (!epoll_poll)
		return;
	epoll_poll->asks++;
	epoll_poll->needless = 0;
}

static int uring_ask(struct regioi_engine *engine, struct regioi_event *ret_events,
		     uint32_t events_max)
{
	int count;

	if (!ask_ring(engine))
		return 0;
	count = regioi_epoll_ask(engine, ret_events, events_max);
	if (count > 0)
		count_needless(uring_of(engine));
	else
		count_in_vain(uring_of(engine));
	atomic_store_explicit(&uring_of(engine)->more, count + REGIOI_EPOLL_OWN >= (int)events_max,
			      memory_order_relaxed);
	return count;
}

static int uring_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
		       uint32_t events_max, int64_t timeout_ns)
{
	struct uring *uring = uring_of(engine);

	count_needless(uring);
	/* It may leave some, as an ask may. */
	atomic_store_explicit(&uring->more, true, memory_order_relaxed);
	return regioi_epoll_sleep(engine, ret_events, events_max, timeout_ns);
}

/* ---- Executing ---- */

/* False for what has no form in the ring. */
static bool prepare(struct ring *ring, const struct regioi_op *op, uint64_t index)
{
	const int receive_flags = MSG_DONTWAIT | MSG_TRUNC;
	const int send_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	struct io_uring_sqe *sqe;

	if (carries_messages(op) && op->count > 1)
		return false;
	sqe = io_uring_get_sqe(&ring->io);
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

static struct ring *ring_for_batch(uint32_t ops_count)
{
	if (ops_count < BATCH_MIN)
		return NULL;
	if (own)
		return own;
	return ++batches < BATCHES_FIRST ? NULL : ring_make();
}

static void uring_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	struct ring *ring = ring_for_batch(ops_count);
	uint32_t pending = 0;

	if (!ring) {
		regioi_calls_execute(ops, ops_count);
		return;
	}
	for (uint32_t i = 0; i < ops_count; i++) {
		if (prepare(ring, &ops[i], i))
			pending++;
		else
			regioi_calls_execute(&ops[i], 1);
	}
	if (pending)
		keep_or_close(ring, submit(ring, ops, pending));
}

/* ---- Whether it works here ---- */

/* What came of it. */
struct trial {
	const char *step; /* the one that failed */
	int error;
	uint32_t calls_ns; /* an operation as a plain call, and in a batch */
	uint32_t batch_ns;
};

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Polls an eventfd that is ready, and moves a byte from one socket to another, in one call. */
static int try_operations(struct ring *ring, const int sockets[2], int ready_fd)
{
	char byte = 'r', got = 0;
	struct regioi_op ops[2] = {
		{.fd = sockets[0], .kind = REGIOI_OP_SEND, .data = &byte, .length = 1},
		{.fd = sockets[1], .kind = REGIOI_OP_RECEIVE, .data = &got, .length = 1},
	};
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);
	int error;

	if (!sqe)
		return -ENOMEM;
	io_uring_prep_poll_multishot(sqe, ready_fd, POLLIN);
	sqe->user_data = poll_data(1, 0);
	ring->polls[0].serial = 1;
	if (!prepare(ring, &ops[0], 0) || !prepare(ring, &ops[1], 1))
		return -ENOMEM;
	error = submit(ring, ops, 2);
	if (error)
		return error;
	return ops[0].result == 1 && ops[1].result == 1 && got == byte && ring->polls[0].fired
		       ? 0
		       : -EINVAL;
}

/* Takes 'count' from an eventfd, as many times. Returns how long that took, in ns. */
static uint64_t time_calls(int event_fd, uint32_t count)
{
	uint64_t value, start = regioi_now_ns();

	for (uint32_t i = 0; i < count; i++) {
		if (syscall(SYS_read, event_fd, &value, sizeof(value)) < 0)
			return UINT64_MAX;
	}
	return regioi_now_ns() - start;
}

/* The same in one batch. */
static uint64_t time_batch(struct ring *ring, int event_fd, uint32_t count)
{
	struct regioi_op ops[TRIAL_OPS] = {0};
	uint64_t values[TRIAL_OPS], start = regioi_now_ns();

	for (uint32_t i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);

		if (!sqe)
			return UINT64_MAX;
		io_uring_prep_read(sqe, event_fd, &values[i], sizeof(values[i]), 0);
		sqe->user_data = i;
		ops[i].kind = REGIOI_OP_SEND;
	}
	return submit(ring, ops, count) == 0 ? regioi_now_ns() - start : UINT64_MAX;
}

/*
 * Whether batches pay here. What a ring saves, a system call for each operation, may be less than
 * what it costs to look up the socket and keep the books of each: that depends on the processor,
 * on mitigations and on filters. The cheapest operation there is shows it best.
 */
static void try_batches(struct ring *ring, struct trial *trial)
{
	const uint64_t plenty = 2u * TRIAL_OPS * TRIAL_ROUNDS;
	int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	uint64_t calls_ns = UINT64_MAX, batch_ns = UINT64_MAX;

	if (event_fd < 0)
		return;
	if (write(event_fd, &plenty, sizeof(plenty)) == sizeof(plenty)) {
		for (int i = 0; i < TRIAL_ROUNDS; i++) {
			calls_ns = lesser(calls_ns, time_calls(event_fd, TRIAL_OPS));
			batch_ns = lesser(batch_ns, time_batch(ring, event_fd, TRIAL_OPS));
		}
		trial->calls_ns = (uint32_t)(calls_ns / TRIAL_OPS);
		trial->batch_ns = (uint32_t)(batch_ns / TRIAL_OPS);
	}
	close(event_fd);
}

/* In a thread of its own, whose end is the end of what a ring leaves in a thread. */
static void *try_ring(void *argument)
{
	struct trial *trial = argument;
	struct ring ring = {0};
	int sockets[2], ready_fd;

	trial->step = "io_uring_setup";
	trial->error = ring_open(&ring.io);
	if (trial->error)
		return NULL;
	ready_fd = eventfd(1, EFD_CLOEXEC);
	if (ready_fd >= 0 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets) == 0) {
		trial->step = "io_uring_enter";
		trial->error = try_operations(&ring, sockets, ready_fd);
		close(sockets[0]);
		close(sockets[1]);
	} else {
		trial->step = "creating descriptors to try it";
		trial->error = -errno;
	}
	if (ready_fd >= 0)
		close(ready_fd);
	if (!trial->error)
		try_batches(&ring, trial);
	io_uring_queue_exit(&ring.io);
	return NULL;
}

static long io_uring_disabled(void)
{
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	long value = 0;

	if (file) {
		if (fscanf(file, "%ld", &value) != 1)
			value = 0;
		fclose(file);
	}
	return value;
}

static const char *remedy_of(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		return "allow io_uring_setup, io_uring_enter and io_uring_register in the seccomp "
		       "profile";
	case -ENOSYS:
		return "Linux 6.1 or newer with io_uring, and no seccomp profile that hides it";
	case -EINVAL:
		return "Linux 6.1 or newer";
	case -ENOMEM:
		return "raise the locked-memory limit: ulimit -l";
	case -EMFILE:
		return "raise the descriptor limit: ulimit -n";
	default:
		return "";
	}
}

static bool tried; /* and what came of it will stay so */
static struct trial trial;
static struct regioi_refusal refused;
static const char *batches_wish; /* "always", "never", or what the trial says */

static char about[160] = "epoll for readiness, io_uring for polls and batches";

static bool uring_batches(struct regioi_engine *engine)
{
	if (batches_wish && strcmp(batches_wish, "always") == 0)
		return true;
	if (batches_wish && strcmp(batches_wish, "never") == 0)
		return false;
	return trial.batch_ns + BATCH_GAIN_NS <= trial.calls_ns;
}

/* What was short then may not be short now. */
static bool is_passing(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EAGAIN;
}

static void try_now(void)
{
	pthread_t thread;
	long disabled;
	int error;

	batches_wish = getenv("REGIO_URING_BATCHES");
	/* The thread may have an answer before this one has its own. */
	error = pthread_create(&thread, NULL, try_ring, &trial);
	if (error)
		trial = (struct trial){.step = "creating a thread to try it", .error = -error};
	else
		pthread_join(thread, NULL);
	if (!trial.error) {
		snprintf(about, sizeof(about),
			 "epoll for readiness, io_uring for polls%s (an operation costs %u ns in a "
			 "batch, %u as a call)",
			 uring_batches(NULL) ? " and batches" : "", trial.batch_ns, trial.calls_ns);
		return;
	}
	disabled = trial.error == -EPERM ? io_uring_disabled() : 0;
	if (disabled) {
		snprintf(refused.reason, sizeof(refused.reason), "kernel.io_uring_disabled is %ld",
			 disabled);
		snprintf(refused.remedy, sizeof(refused.remedy),
			 "sysctl kernel.io_uring_disabled=0");
		return;
	}
	snprintf(refused.reason, sizeof(refused.reason), "%s: %s", trial.step,
		 strerror(-trial.error));
	snprintf(refused.remedy, sizeof(refused.remedy), "%s", remedy_of(trial.error));
}

/* Returns 0 where rings work here, or why not. */
static int try_once(struct regioi_refusal *ret_refusal)
{
	int error;

	pthread_mutex_lock(&trial_lock);
	if (!tried) {
		try_now();
		tried = !is_passing(trial.error);
	}
	error = trial.error;
	if (error)
		*ret_refusal = refused;
	pthread_mutex_unlock(&trial_lock);
	return error;
}

/* ---- Life ---- */

static _Atomic uint64_t places_taken; /* a bit for each */
static _Atomic uint64_t last_serial;

_Static_assert(PLACES == 64, "a bit for each place");

static uint32_t place_take(void)
{
	uint64_t taken = atomic_load(&places_taken);
	uint32_t place;

	do {
		if (taken == UINT64_MAX)
			return PLACES;
		place = (uint32_t)__builtin_ctzll(~taken);
	} while (!atomic_compare_exchange_weak(&places_taken, &taken, taken | 1ull << place));
	return place;
}

static int uring_create(struct regioi_engine **ret_engine, struct regioi_refusal *ret_refusal)
{
	struct uring *uring;
	int error = try_once(ret_refusal);

	if (error)
		return error;
	uring = calloc(1, sizeof(*uring));
	if (!uring)
		return -ENOMEM;
	error = regioi_epoll_init(&uring->epoll, ret_refusal);
	if (error) {
		free(uring);
		return error;
	}
	uring->serial = atomic_fetch_add(&last_serial, 1) + 1;
	uring->place = place_take();
	*ret_engine = &uring->epoll;
	return 0;
}

static void uring_destroy(struct regioi_engine *engine)
{
	struct uring *uring = uring_of(engine);

	if (!engine)
		return;
	/* Where another thread's ring polls it, that ring notices when the place is used again. */
	if (find_poll(uring))
		disarm(own, uring->place);
	regioi_epoll_fini(engine);
	if (uring->place < PLACES)
		atomic_fetch_and(&places_taken, ~(1ull << uring->place));
	free(uring);
}

const struct regioi_engine_ops regioi_engine_uring = {
	.name = "uring",
	.about = about,
	.automatic = true,
	.create = uring_create,
	.destroy = uring_destroy,
	.busy_poll = regioi_epoll_busy_poll,
	.watch = regioi_epoll_watch,
	.unwatch = regioi_epoll_unwatch,
	.idle = uring_idle,
	.ask = uring_ask,
	.sleep = uring_sleep,
	.doorbell = regioi_epoll_doorbell,
	.wake = regioi_epoll_wake,
	.unwake = regioi_epoll_unwake,
	.descriptor = regioi_epoll_descriptor,
	.batches = uring_batches,
	.execute = uring_execute,
};
