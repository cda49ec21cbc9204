/* SPDX-License-Identifier: MIT */
/*
 * Whether rings work here, and whether batches of operations save time: tried once in a process,
 * with a separate ring.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/locked.h"
#include "base/print.h"
#include "engine/costs.h"
#include "engine/ring.h"
#include "engine/ring_trial.h"

/* How often batches are tried, none after TRIAL_NS, and their size. */
#define TRIAL_ROUNDS 8
#define TRIAL_NS 400000
#define TRIAL_OPS 32u

/* The result of the trial. */
struct trial {
	const char *step;  /* the step that failed */
	const char *calls; /* that it makes */
	int error;
	uint32_t calls_ns; /* time of a plain call, and of an operation in a batch */
	uint32_t batch_ns;
};

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Polls an eventfd that is ready, and moves a byte from one socket to another. */
static int try_operations(struct regioi_ring *ring, const int sockets[2], int ready_fd)
{
	char byte = 'r', got = 0;
	struct regioi_op ops[2] = {
		{.fd = sockets[0], .kind = REGIOI_OP_SEND, .data = &byte, .length = 1},
		{.fd = sockets[1], .kind = REGIOI_OP_RECEIVE, .data = &got, .length = 1},
	};
	int error;

	error = regioi_ring_arm(ring, 0, ring->polls[0].serial, ready_fd);
	if (!error)
		error = regioi_ring_execute(ring, ops, 2);
	if (error)
		return error;
	return ops[0].result == 1 && ops[1].result == 1 && got == byte && ring->polls[0].fired
		       ? 0
		       : -EINVAL;
}

/* Reads an eventfd 'count' times. Returns how long that took, in ns. */
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
static uint64_t time_batch(struct regioi_ring *ring, int event_fd, uint32_t count)
{
	struct regioi_op ops[TRIAL_OPS] = {0};
	uint64_t values[TRIAL_OPS], start = regioi_now_ns();

	for (uint32_t i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = regioi_ring_entry(ring);

		if (!sqe)
			return UINT64_MAX;
		io_uring_prep_read(sqe, event_fd, &values[i], sizeof(values[i]), 0);
		sqe->user_data = i;
		ops[i].kind = REGIOI_OP_SEND;
	}
	return regioi_ring_submit(ring, ops, count) == 0 ? regioi_now_ns() - start : UINT64_MAX;
}

/*
 * Whether batches save time here. A ring saves a system call for each operation. That may be less
 * than its own cost for each operation, such as looking up the socket; it depends on the processor,
 * on mitigations and on filters. The cheapest operation shows the difference best.
 */
static void try_batches(struct regioi_ring *ring, struct trial *trial)
{
	const uint64_t plenty = 2u * TRIAL_OPS * TRIAL_ROUNDS;
	int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	const uint64_t until = regioi_now_ns() + TRIAL_NS;
	uint64_t calls_ns = UINT64_MAX, batch_ns = UINT64_MAX;

	if (event_fd < 0)
		return;
	if (write(event_fd, &plenty, sizeof(plenty)) == sizeof(plenty)) {
		for (int i = 0; i < TRIAL_ROUNDS && (i == 0 || regioi_now_ns() < until); i++) {
			calls_ns = lesser(calls_ns, time_calls(event_fd, TRIAL_OPS));
			batch_ns = lesser(batch_ns, time_batch(ring, event_fd, TRIAL_OPS));
		}
		trial->calls_ns = (uint32_t)(calls_ns / TRIAL_OPS);
		trial->batch_ns = (uint32_t)(batch_ns / TRIAL_OPS);
	}
	close(event_fd);
}

/* Runs in its own thread, so that the state that a ring leaves in a thread ends with the thread. */
static void *try_ring(void *argument)
{
	struct trial *trial = argument;
	struct regioi_ring ring = {0};
	int sockets[2], ready_fd;

	trial->step = "io_uring_setup";
	trial->calls = "io_uring_setup, io_uring_enter and io_uring_register";
	trial->error = regioi_ring_open(&ring.io);
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
		trial->calls = "eventfd2 and socketpair";
		trial->error = -errno;
	}
	if (ready_fd >= 0)
		close(ready_fd);
	if (!trial->error)
		try_batches(&ring, trial);
	regioi_ring_unmap(&ring.io);
	return NULL;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool tried;     /* and the result is final */
static bool inherited; /* the result is that of the parent, whose trial succeeded */
static struct trial trial;
static struct regioi_refusal refused;

static void suggest(void)
{
	switch (trial.error) {
	case -ENOSYS:
		regioi_print(
			refused.remedy,
			"Linux 6.1 or newer with io_uring, and no seccomp profile that hides %s",
			trial.calls);
		break;
	case -EINVAL:
		regioi_print(refused.remedy, "Linux 6.1 or newer");
		break;
	case -ENOMEM:
		regioi_print(refused.remedy, "raise the locked-memory limit: ulimit -l");
		break;
	case -EMFILE:
		regioi_print(refused.remedy, "raise the descriptor limit: ulimit -n");
		break;
	case -ENFILE:
		regioi_print(refused.remedy, "raise fs.file-max");
		break;
	case -EAGAIN:
		regioi_print(refused.remedy, "raise the limit of threads: ulimit -u");
		break;
	default:
		regioi_print(refused.remedy, "allow %s in the seccomp profile", trial.calls);
	}
}

void regioi_ring_costs(struct regioi_costs *costs)
{
	const char *wish = secure_getenv("REGIO_URING_BATCHES");

	/* For "always" a call has to cost more than nothing. */
	costs->call = trial.calls_ns ? trial.calls_ns : 1;
	costs->batch = trial.batch_ns;
	if (wish && strcmp(wish, "always") == 0)
		costs->batch = 0;
	else if (wish && strcmp(wish, "never") == 0)
		costs->batch = REGIOI_COST_MAX_NS;
}

/* Whether the error is temporary: a resource that was short may be available later. */
static bool is_passing(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EAGAIN ||
	       error == -EBUSY;
}

static struct trial try_in_a_thread(void)
{
	struct trial now = {0};
	pthread_t thread;
	int error = pthread_create(&thread, NULL, try_ring, &now);

	/* The thread may finish before pthread_create() returns: 'now' is set only on an error. */
	if (error)
		return (struct trial){
			.step = "creating a thread to try it", .calls = "clone3", .error = -error};
	pthread_join(thread, NULL);
	return now;
}

static void try_now(void)
{
	struct trial now = try_in_a_thread();
	unsigned long disabled;

	/* Rings worked in the parent, and will when there is room again. */
	if (inherited && is_passing(now.error))
		return;
	trial = now;
	if (!trial.error)
		return;
	disabled = trial.error == -EPERM
			   ? regioi_file_number("/proc/sys/kernel/io_uring_disabled", 0)
			   : 0;
	if (disabled) {
		regioi_print(refused.reason, "kernel.io_uring_disabled is %lu", disabled);
		regioi_print(refused.remedy, "sysctl kernel.io_uring_disabled=0");
		return;
	}
	regioi_print(refused.reason, "%s: %s", trial.step, strerror(-trial.error));
	suggest();
}

int regioi_ring_try(struct regioi_refusal *ret_refusal)
{
	REGIOI_LOCKED(&lock);

	if (!tried) {
		try_now();
		tried = !is_passing(trial.error);
	}
	if (trial.error)
		*ret_refusal = refused;
	return trial.error;
}

/* A child may run under another seccomp filter than its parent, so it tries for itself. */
void regioi_ring_trial_fork_child(void)
{
	pthread_mutex_init(&lock, NULL);
	inherited = tried && !trial.error;
	tried = false;
}
