/* SPDX-License-Identifier: MIT */
/*
 * The epoll engine: readiness from one edge-triggered epoll set, operations as plain calls.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"

/* The core's ids are above 2^32. */
#define DOORBELL_ID 0
#define WAKE_ID 1

#define EVENTS_MAX 64

struct regioi_engine {
	int epoll_fd;
	int doorbell_fd; /* edge-triggered: the first to ask takes it, and makes progress */
	int wake_fd;	 /* level-triggered semaphore: each wake stays until its unwake */
	/* epoll_pwait2 is of Linux 5.11; cleared when the kernel, or a filter, does not have it. */
	atomic_bool nanoseconds;
};

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

static void epoll_engine_destroy(struct regioi_engine *engine)
{
	if (!engine)
		return;
	if (engine->wake_fd >= 0)
		close(engine->wake_fd);
	if (engine->doorbell_fd >= 0)
		close(engine->doorbell_fd);
	if (engine->epoll_fd >= 0)
		close(engine->epoll_fd);
	free(engine);
}

static int epoll_engine_create(struct regioi_engine **ret_engine)
{
	struct regioi_engine *engine = malloc(sizeof(*engine));
	int error;

	if (!engine)
		return -ENOMEM;
	*engine = (struct regioi_engine){.doorbell_fd = -1, .wake_fd = -1, .nanoseconds = true};
	engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (engine->epoll_fd >= 0)
		engine->doorbell_fd = add_eventfd(engine, DOORBELL_ID, EPOLLIN | EPOLLET);
	if (engine->doorbell_fd >= 0)
		engine->wake_fd = add_eventfd(engine, WAKE_ID, EPOLLIN);
	if (engine->wake_fd >= 0) {
		*ret_engine = engine;
		return 0;
	}
	error = -errno;
	epoll_engine_destroy(engine);
	return error;
}

static int epoll_engine_probe(char *ret_reason, char *ret_remedy, size_t text_size)
{
	struct regioi_engine *engine = NULL;
	int error = epoll_engine_create(&engine);

	snprintf(ret_remedy, text_size, "%s",
		 error == -EMFILE ? "raise the descriptor limit: ulimit -n" : "");
	if (error) {
		snprintf(ret_reason, text_size, "creating an epoll set failed: %s",
			 strerror(-error));
		return error;
	}
	epoll_engine_destroy(engine);
	snprintf(ret_reason, text_size, "works on every supported kernel");
	return 0;
}

static int epoll_engine_watch(struct regioi_engine *engine, int fd, uint64_t id, bool writable)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET | (writable ? EPOLLOUT : 0),
		.data.u64 = id,
	};

	if (epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	/* Watched already: writability changes. */
	if (errno == EEXIST && epoll_ctl(engine->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return -errno;
}

static void epoll_engine_unwatch(struct regioi_engine *engine, int fd)
{
	/*
	 * Fails harmlessly where the descriptor was closed: the kernel removed the socket then,
	 * and compares the socket, not the number alone, if the number was used again.
	 */
	epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static int wait_for_events(struct regioi_engine *engine, struct epoll_event *events, int events_max,
			   int64_t timeout_ns)
{
	struct timespec timeout = {
		.tv_sec = timeout_ns / 1000000000,
		.tv_nsec = timeout_ns % 1000000000,
	};
	int64_t timeout_ms = (timeout_ns + 999999) / 1000000;
	int count;

	if (timeout_ns > 0 && atomic_load_explicit(&engine->nanoseconds, memory_order_relaxed)) {
		count = epoll_pwait2(engine->epoll_fd, events, events_max, &timeout, NULL);
		if (count >= 0 || (errno != ENOSYS && errno != EPERM))
			return count;
		atomic_store_explicit(&engine->nanoseconds, false, memory_order_relaxed);
	}
	if (timeout_ns < 0)
		timeout_ms = -1;
	else if (timeout_ms > INT32_MAX)
		timeout_ms = INT32_MAX; /* the core looks at the clock and sleeps again */
	return epoll_wait(engine->epoll_fd, events, events_max, (int)timeout_ms);
}

/* Leaves out what is ours. */
static int translate(const struct epoll_event *events, int found, struct regioi_event *ret_events)
{
	int count = 0;

	for (int i = 0; i < found; i++) {
		/* cppcheck-suppress uninitvar ; epoll_wait has filled 'found' of them */
		uint32_t bits = events[i].events;

		if (events[i].data.u64 == WAKE_ID || events[i].data.u64 == DOORBELL_ID)
			continue;
		ret_events[count++] = (struct regioi_event){
			.id = events[i].data.u64,
			/* An error or hang-up shows in whatever is tried next. */
			.events = (bits & (EPOLLIN | EPOLLERR | EPOLLHUP) ? REGIOI_EVENT_READABLE
									  : 0) |
				  (bits & (EPOLLOUT | EPOLLERR | EPOLLHUP) ? REGIOI_EVENT_WRITABLE
									   : 0) |
				  (bits & (EPOLLRDHUP | EPOLLPRI | EPOLLERR) ? REGIOI_EVENT_BREAK
									     : 0),
		};
	}
	return count;
}

static int epoll_engine_ask(struct regioi_engine *engine, struct regioi_event *ret_events,
			    uint32_t events_max)
{
	struct epoll_event events[EVENTS_MAX];
	int max = (int)(events_max < EVENTS_MAX ? events_max : EVENTS_MAX);

	return translate(events, epoll_wait(engine->epoll_fd, events, max, 0), ret_events);
}

static int epoll_engine_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
			      uint32_t events_max, int64_t timeout_ns)
{
	struct epoll_event events[EVENTS_MAX];
	int max = (int)(events_max < EVENTS_MAX ? events_max : EVENTS_MAX);
	int found = wait_for_events(engine, events, max, timeout_ns);

	if (found < 0)
		return errno == EINTR ? -EINTR : 0;
	return translate(events, found, ret_events);
}

static void add_one(int fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is near 2^64. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void epoll_engine_doorbell(struct regioi_engine *engine)
{
	add_one(engine->doorbell_fd);
}

static void epoll_engine_wake(struct regioi_engine *engine)
{
	add_one(engine->wake_fd);
}

static void epoll_engine_unwake(struct regioi_engine *engine)
{
	uint64_t one;

	/* Fails only without a wake before it. */
	if (read(engine->wake_fd, &one, sizeof(one)) < 0)
		return;
}

static int epoll_engine_descriptor(struct regioi_engine *engine)
{
	return engine->epoll_fd;
}

/*
 * Flags are given per call, and O_NONBLOCK is left as the user has it: with it set, poll reports a
 * datagram with a bad checksum as readable (Linux 6.18, udp_poll).
 */
static int32_t execute_one(struct regioi_op *op)
{
	ssize_t result = 0;

	switch (op->kind) {
	case REGIOI_OP_RECEIVE:
		result = recv(op->fd, op->data, op->length, MSG_DONTWAIT | MSG_TRUNC);
		break;
	case REGIOI_OP_SEND:
		result = send(op->fd, op->data, op->length, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case REGIOI_OP_RECEIVE_MESSAGES:
		if (op->count > 1) {
			result = recvmmsg(op->fd, op->messages, op->count, MSG_DONTWAIT | MSG_TRUNC,
					  NULL);
			break;
		}
		/* recvmmsg of one costs about 65 ns more. */
		result = recvmsg(op->fd, &op->messages->msg_hdr, MSG_DONTWAIT | MSG_TRUNC);
		goto one_message;
	case REGIOI_OP_SEND_MESSAGES:
		if (op->count > 1) {
			result = sendmmsg(op->fd, op->messages, op->count,
					  MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		}
		result = sendmsg(op->fd, &op->messages->msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
		goto one_message;
	case REGIOI_OP_RECEIVE_BYTES:
		result = recv(op->fd, op->data, op->length, MSG_DONTWAIT);
		break;
	case REGIOI_OP_RECEIVE_VECTORS:
		result = recvmsg(op->fd, op->message, MSG_DONTWAIT);
		break;
	case REGIOI_OP_SEND_VECTORS:
		result = sendmsg(op->fd, op->message, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	}
	return result < 0 ? -errno : (int32_t)result;

one_message:
	if (result < 0)
		return -errno;
	op->messages->msg_len = (unsigned int)result;
	return 1;
}

static void epoll_engine_execute(struct regioi_engine *engine, struct regioi_op *ops,
				 uint32_t ops_count)
{
	for (uint32_t i = 0; i < ops_count; i++)
		ops[i].result = execute_one(&ops[i]);
}

const struct regioi_engine_ops regioi_engine_epoll = {
	.name = "epoll",
	.automatic = true,
	.batches = false,
	.probe = epoll_engine_probe,
	.create = epoll_engine_create,
	.destroy = epoll_engine_destroy,
	.watch = epoll_engine_watch,
	.unwatch = epoll_engine_unwatch,
	.ask = epoll_engine_ask,
	.sleep = epoll_engine_sleep,
	.doorbell = epoll_engine_doorbell,
	.wake = epoll_engine_wake,
	.unwake = epoll_engine_unwake,
	.descriptor = epoll_engine_descriptor,
	.execute = epoll_engine_execute,
};
