/* SPDX-License-Identifier: MIT */
/*
 * The epoll engine: readiness from one epoll set, operations as plain calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/kernel.h"
#include "base/option.h"
#include "base/print.h"
#include "base/syscalls.h"
#include "engine/costs.h"
#include "engine/epoll.h"
#include "engine/plain.h"

/* The core's ids are above 2^32. */
#define DOORBELL_ID 0
#define WAKE_ID 1
#define WITNESS_ID 2

#define DOORBELL_EVENTS (EPOLLIN | EPOLLET)
#define WAKE_EVENTS EPOLLIN
#define WITNESS_EVENTS 0

#define EVENTS_MAX 64
/* The most packets that a busy poll takes; more would need CAP_NET_ADMIN. */
#define BUSY_POLL_BUDGET 64

/*
 * Numbers of descriptors that other files get last: the kernel gives the lowest free one. Below
 * 1,024, which the usual limit allows and select() can name.
 */
#define APART_FIRST 512
#define APART_NUMBERS 500

/*
 * Gives the file another number, each time another one as long as they last. If the program closes
 * it, nothing that is opened later gets the number by chance, and a sleep on it fails instead of
 * waiting for another file's events. False if the limit of descriptors is too low.
 */
static bool move_apart(int *fd)
{
	static _Atomic uint32_t moved;
	const uint32_t number = atomic_fetch_add(&moved, 1) % APART_NUMBERS;
	int apart = fcntl(*fd, F_DUPFD_CLOEXEC, APART_FIRST + number);

	if (apart < 0)
		return false;
	close(*fd);
	*fd = apart;
	return true;
}

static int add_eventfd(struct regioi_engine *engine, uint64_t id, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = id};
	/* A semaphore, so that a read takes one; the doorbell is never read. */
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);

	if (fd >= 0 && epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* Without a witness the descriptors are assumed to be ours as long as they work. */
static void add_witness(struct regioi_engine *engine)
{
	struct epoll_event event = {.events = WITNESS_EVENTS, .data.u64 = WITNESS_ID};
	int fds[2];
	bool apart;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	/*
	 * A program that closes all numbers up to some limit closes the witness; the set and the
	 * end in it are above that limit, stay open, and report it.
	 */
	apart = move_apart(&engine->epoll_fd) && move_apart(&fds[1]);
	if (regioi_cookie(fds[0], &engine->witness_cookie) == 0 &&
	    epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fds[1], &event) == 0) {
		engine->witness_fd = fds[0];
		engine->witness_end_fd = fds[1];
		engine->apart = apart;
		return;
	}
	close(fds[0]);
	close(fds[1]);
}

static bool witness_is_ours(const struct regioi_engine *engine)
{
	return engine->witness_fd < 0 ||
	       regioi_cookie_is(engine->witness_fd, engine->witness_cookie);
}

static bool set_holds(const struct regioi_engine *engine, int fd, uint32_t events, uint64_t id)
{
	return regioi_sys_epoll_holds(engine->epoll_fd, fd, events, id);
}

static bool is_lost(const struct regioi_engine *engine)
{
	return atomic_load_explicit(&engine->lost, memory_order_relaxed);
}

bool regioi_epoll_intact(struct regioi_engine *engine)
{
	if (!is_lost(engine) && !witness_is_ours(engine))
		atomic_store(&engine->lost, true);
	return !is_lost(engine);
}

bool regioi_epoll_apart(const struct regioi_engine *engine)
{
	return engine->apart;
}

static void close_unless(int fd, bool others)
{
	if (fd >= 0 && !others)
		close(fd);
}

/* A number that the program has closed may be used for another file by now. */
static void close_descriptors(struct regioi_engine *engine)
{
	const bool complete = engine->witness_fd >= 0, witness = witness_is_ours(engine);
	const bool others = complete && !(witness && set_holds(engine, engine->witness_end_fd,
							       WITNESS_EVENTS, WITNESS_ID));

	close_unless(engine->wake_fd, others || (complete && !set_holds(engine, engine->wake_fd,
									WAKE_EVENTS, WAKE_ID)));
	close_unless(engine->doorbell_fd,
		     others || (complete && !set_holds(engine, engine->doorbell_fd, DOORBELL_EVENTS,
						       DOORBELL_ID)));
	close_unless(engine->witness_end_fd, others);
	close_unless(engine->epoll_fd, others);
	close_unless(engine->witness_fd, complete && !witness);
}

static const char *remedy_of(int error)
{
	switch (error) {
	case -EMFILE:
		return "raise the descriptor limit: ulimit -n";
	case -ENFILE:
		return "raise fs.file-max";
	case -ENOSPC:
		return "raise fs.epoll.max_user_watches";
	case -ENOMEM:
		return "free some memory";
	default:
		return "allow epoll_create1, epoll_ctl and eventfd2 in the seccomp profile";
	}
}

static int refuse(const char *step, int error, struct regioi_refusal *ret_refusal)
{
	regioi_print(ret_refusal->reason, "%s: %s", step, strerror(-error));
	regioi_print(ret_refusal->remedy, "%s", remedy_of(error));
	return error;
}

static int open_descriptors(struct regioi_engine *engine, struct regioi_refusal *ret_refusal)
{
	int error;

	*engine = (struct regioi_engine){
		.doorbell_fd = -1,
		.wake_fd = -1,
		.witness_fd = -1,
		.witness_end_fd = -1,
		.nanoseconds = true,
	};
	engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (engine->epoll_fd >= 0)
		engine->doorbell_fd = add_eventfd(engine, DOORBELL_ID, DOORBELL_EVENTS);
	if (engine->doorbell_fd >= 0)
		engine->wake_fd = add_eventfd(engine, WAKE_ID, WAKE_EVENTS);
	if (engine->wake_fd >= 0) {
		add_witness(engine);
		return 0;
	}
	error = refuse(engine->epoll_fd < 0 ? "creating an epoll set"
					    : "adding an eventfd to an epoll set",
		       -errno, ret_refusal);
	close_descriptors(engine);
	return error;
}

int regioi_epoll_create(size_t size, struct regioi_engine **ret_engine,
			struct regioi_refusal *ret_refusal)
{
	struct regioi_engine *engine = calloc(1, size);
	int error = engine ? open_descriptors(engine, ret_refusal)
			   : refuse("creating an engine", -ENOMEM, ret_refusal);

	if (error)
		free(engine);
	else
		*ret_engine = engine;
	return error;
}

void regioi_epoll_destroy(struct regioi_engine *engine)
{
	if (!engine)
		return;
	close_descriptors(engine);
	free(engine);
}

static int epoll_engine_create(struct regioi_engine **ret_engine,
			       struct regioi_refusal *ret_refusal)
{
	return regioi_epoll_create(sizeof(**ret_engine), ret_engine, ret_refusal);
}

int regioi_epoll_busy_poll(struct regioi_engine *engine, uint32_t time_us, bool prefer)
{
	struct regioi_epoll_params params = {
		.busy_poll_usecs = time_us,
		.busy_poll_budget = BUSY_POLL_BUDGET,
		.prefer_busy_poll = prefer,
	};

	if (ioctl(engine->epoll_fd, REGIOI_EPIOCSPARAMS, &params) == 0)
		return 0;
	return errno == EPERM ? -EPERM : -EOPNOTSUPP;
}

int regioi_epoll_watch(struct regioi_engine *engine, int fd, uint64_t id, uint32_t flags)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLPRI |
			  (flags & REGIOI_WATCH_LEVEL ? 0 : EPOLLET) |
			  (flags & REGIOI_WATCH_WRITABLE ? EPOLLOUT : 0),
		.data.u64 = id,
	};

	if (is_lost(engine))
		return -EBADF;
	/* Who waits for room has mostly been watched before. */
	if (epoll_ctl(engine->epoll_fd,
		      flags & REGIOI_WATCH_WRITABLE ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
		      &event) == 0)
		return 0;
	if (errno == ENOENT && epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	if (errno == EEXIST && epoll_ctl(engine->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return -errno;
}

void regioi_epoll_unwatch(struct regioi_engine *engine, int fd)
{
	/*
	 * Fails harmlessly if the descriptor was closed: the kernel has removed the socket then. If
	 * the number was reused, the kernel compares the socket as well, not only the number.
	 */
	if (!is_lost(engine))
		epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* epoll_pwait2; returns false where the kernel, or a filter, does not allow it. */
static bool wait_exactly(struct regioi_engine *engine, struct epoll_event *events, int events_max,
			 int64_t timeout_ns, int *ret_count)
{
	const struct timespec timeout = regioi_timespec((uint64_t)timeout_ns);

	if (!atomic_load_explicit(&engine->nanoseconds, memory_order_relaxed))
		return false;
	*ret_count = regioi_sys_epoll_pwait2(engine->epoll_fd, events, events_max, &timeout);
	/*
	 * A filter may refuse the call with any error. If the descriptor is the reason, the call
	 * that is tried next fails as well.
	 */
	if (*ret_count >= 0 || errno == EINTR || errno == EBADF)
		return true;
	atomic_store_explicit(&engine->nanoseconds, false, memory_order_relaxed);
	return false;
}

static int wait_for_events(struct regioi_engine *engine, struct epoll_event *events, int events_max,
			   int64_t timeout_ns)
{
	int64_t timeout_ms = timeout_ns;
	int count;

	if (timeout_ns > 0) {
		if (wait_exactly(engine, events, events_max, timeout_ns, &count))
			return count;
		/*
		 * Rounded up, without adding before the division: that would overflow with the
		 * longest time-out. Where it is cut the core checks the clock and sleeps again.
		 */
		timeout_ms = timeout_ns / 1000000 + (timeout_ns % 1000000 > 0);
		if (timeout_ms > INT32_MAX)
			timeout_ms = INT32_MAX;
	}
	return regioi_sys_epoll_wait(engine->epoll_fd, events, events_max,
				     timeout_ms < 0 ? -1 : (int)timeout_ms);
}

/* Leaves out the engine's own events. */
static int translate(const struct epoll_event *events, int found, struct regioi_event *ret_events)
{
	int count = 0;

	for (int i = 0; i < found; i++) {
		/* cppcheck-suppress uninitvar ; epoll_wait has filled 'found' of them */
		uint32_t bits = events[i].events;

		if (events[i].data.u64 <= WITNESS_ID)
			continue;
		ret_events[count++] = (struct regioi_event){
			.id = events[i].data.u64,
			/*
			 * An error or hang-up is returned by the next operation, whichever it is.
			 */
			.events = (bits & (EPOLLIN | EPOLLERR | EPOLLHUP) ? REGIOI_EVENT_READABLE
									  : 0) |
				  (bits & (EPOLLOUT | EPOLLERR | EPOLLHUP) ? REGIOI_EVENT_WRITABLE
									   : 0) |
				  (bits & (EPOLLRDHUP | EPOLLPRI | EPOLLERR) ? REGIOI_EVENT_HANGUP
									     : 0),
		};
	}
	return count;
}

/* After an epoll_wait that failed. */
static int failed_to_poll(struct regioi_engine *engine)
{
	/* Closed, or the number is used for another kind of file. */
	if (errno == EBADF || errno == EINVAL)
		atomic_store(&engine->lost, true);
	return is_lost(engine) ? -EBADF : 0;
}

int regioi_epoll_poll(struct regioi_engine *engine, struct regioi_event *ret_events,
		      uint32_t events_max)
{
	struct epoll_event events[EVENTS_MAX];
	int max = (int)(events_max < EVENTS_MAX ? events_max : EVENTS_MAX);
	int found = is_lost(engine) ? -1 : regioi_sys_epoll_wait(engine->epoll_fd, events, max, 0);

	return found < 0 ? failed_to_poll(engine) : translate(events, found, ret_events);
}

int regioi_epoll_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
		       uint32_t events_max, int64_t timeout_ns)
{
	struct epoll_event events[EVENTS_MAX];
	int max = (int)(events_max < EVENTS_MAX ? events_max : EVENTS_MAX);
	int found = is_lost(engine) ? -1 : wait_for_events(engine, events, max, timeout_ns);

	if (found >= 0)
		return translate(events, found, ret_events);
	return !is_lost(engine) && errno == EINTR ? -EINTR : failed_to_poll(engine);
}

void regioi_epoll_doorbell(struct regioi_engine *engine)
{
	/* Fails only when the counter is near 2^64. */
	if (!is_lost(engine))
		regioi_sys_event_add(engine->doorbell_fd);
}

void regioi_epoll_wake(struct regioi_engine *engine)
{
	if (!is_lost(engine))
		regioi_sys_event_add(engine->wake_fd);
}

void regioi_epoll_wake_ack(struct regioi_engine *engine)
{
	/* Fails only without a wake before it. */
	if (!is_lost(engine))
		regioi_sys_event_take(engine->wake_fd);
}

int regioi_epoll_descriptor(struct regioi_engine *engine)
{
	return engine->epoll_fd;
}

static struct regioi_costs epoll_engine_costs(struct regioi_engine *engine)
{
	return regioi_costs_measured();
}

const struct regioi_engine_ops regioi_engine_epoll = {
	.name = "epoll",
	.about = "epoll for readiness, plain system calls; works on every supported kernel",
	REGIOI_EPOLL_OPS,
	.automatic = true,
	.create = epoll_engine_create,
	.destroy = regioi_epoll_destroy,
	.watch = regioi_epoll_watch,
	.unwatch = regioi_epoll_unwatch,
	.poll = regioi_epoll_poll,
	.sleep = regioi_epoll_sleep,
	.apart = regioi_epoll_apart,
	.costs = epoll_engine_costs,
	.fork_child = regioi_costs_fork_child,
	.execute = regioi_plain_execute,
};
