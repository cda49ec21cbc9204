/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - the engine of the stage
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../interleave/state.h"
#include "engine/engine.h"
#include "kernel.h"
#include "stage.h"

struct line {
	int fd;
	bool watched;
	uint64_t id;
	uint32_t flags;
	uint32_t news; /* REGIOI_EVENT_..., not reported yet */
	unsigned int waiting;
	bool full;
	uint8_t sent[STAGE_SENT_MAX];
	unsigned int sent_count;
};

struct regioi_engine {
	int descriptor;
	bool rung, called;
	bool sleeps; /* a thread is in a sleep, or about to be */
	struct line lines[STAGE_QUEUES];
};

static struct regioi_engine kernel = {.descriptor = -1};
static unsigned int users;

void kernel_reset(const int fds[STAGE_QUEUES])
{
	kernel.rung = kernel.called = kernel.sleeps = false;
	users = 0;
	for (unsigned int i = 0; i < STAGE_QUEUES; i++)
		kernel.lines[i] = (struct line){.fd = fds[i]};
}

static struct line *line_of(int fd)
{
	for (unsigned int i = 0; i < STAGE_QUEUES; i++) {
		if (kernel.lines[i].fd == fd)
			return &kernel.lines[i];
	}
	EXPECT(false, "descriptor %d is not of the stage", fd);
	return NULL;
}

/* ---- Events -------------------------------------------------------------------- */

static uint32_t state_of(const struct line *line)
{
	return (line->waiting ? REGIOI_EVENT_READABLE : 0) |
	       (!line->full && line->flags & REGIOI_WATCH_WRITABLE ? REGIOI_EVENT_WRITABLE : 0);
}

static uint32_t events_of(const struct line *line)
{
	if (!line->watched)
		return 0;
	return line->flags & REGIOI_WATCH_LEVEL ? state_of(line) : line->news & state_of(line);
}

bool stage_has_events(void)
{
	for (unsigned int i = 0; i < STAGE_QUEUES; i++) {
		if (events_of(&kernel.lines[i]))
			return true;
	}
	return kernel.rung || kernel.called;
}

static int collect(struct regioi_event *ret_events)
{
	int count = 0;

	for (unsigned int i = 0; i < STAGE_QUEUES; i++) {
		struct line *line = &kernel.lines[i];
		const uint32_t events = events_of(line);

		line->news &= ~events;
		if (events)
			ret_events[count++] =
				(struct regioi_event){.id = line->id, .events = events};
	}
	kernel.rung = false;
	return count;
}

static int kernel_watch(struct regioi_engine *engine, int fd, uint64_t id, uint32_t flags)
{
	struct line *line;

	interleave_system_call();
	line = line_of(fd);
	line->watched = true;
	line->id = id;
	line->flags = flags;
	line->news = state_of(line);
	return 0;
}

static void kernel_unwatch(struct regioi_engine *engine, int fd)
{
	interleave_system_call();
	line_of(fd)->watched = false;
}

static int kernel_poll(struct regioi_engine *engine, struct regioi_event *ret_events,
		       uint32_t events_max)
{
	interleave_system_call();
	return collect(ret_events);
}

static int kernel_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
			uint32_t events_max, int64_t timeout_ns)
{
	EXPECT(!engine->sleeps, "two threads sleep in the engine, in the order %s",
	       interleave_order());
	engine->sleeps = true;
	interleave_system_call();
	if (timeout_ns != 0 && !stage_has_events())
		interleave_sleep(stage_has_events);
	engine->sleeps = false;
	return collect(ret_events);
}

static void kernel_doorbell(struct regioi_engine *engine)
{
	interleave_system_call();
	engine->rung = true;
}

static void kernel_wake(struct regioi_engine *engine)
{
	interleave_system_call();
	engine->called = true;
}

static void kernel_wake_ack(struct regioi_engine *engine)
{
	interleave_system_call();
	engine->called = false;
}

/* ---- Operations ---------------------------------------------------------------- */

/* What the kernel does with the program's memory can race as well. Each message is one byte. */
static int32_t receive(struct line *line, uint8_t *data)
{
	if (line->waiting == 0)
		return -EAGAIN;
	line->waiting--;
	interleave_access(data, 1, true, __builtin_return_address(0));
	*data = 1;
	return 1;
}

static int32_t receive_messages(struct line *line, struct regioi_op *op)
{
	uint32_t done = 0;

	for (; done < op->count && line->waiting > 0; done++) {
		struct msghdr *header = &op->messages[done].msg_hdr;

		header->msg_flags = 0;
		header->msg_namelen = 0;
		header->msg_controllen = 0;
		receive(line, header->msg_iov->iov_base);
		op->messages[done].msg_len = 1;
	}
	return done ? (int32_t)done : -EAGAIN;
}

static int32_t send_bytes(struct line *line, const uint8_t *data, size_t length)
{
	if (line->full)
		return -EAGAIN;
	EXPECT(line->sent_count + length <= STAGE_SENT_MAX, "too much is sent");
	interleave_access(data, length, false, __builtin_return_address(0));
	memcpy(&line->sent[line->sent_count], data, length);
	line->sent_count += (unsigned int)length;
	return (int32_t)length;
}

static int32_t send_messages(struct line *line, struct regioi_op *op)
{
	if (line->full)
		return -EAGAIN;
	for (uint32_t i = 0; i < op->count; i++) {
		const struct msghdr *header = &op->messages[i].msg_hdr;

		op->messages[i].msg_len = 0;
		for (size_t k = 0; k < header->msg_iovlen; k++) {
			send_bytes(line, header->msg_iov[k].iov_base, header->msg_iov[k].iov_len);
			op->messages[i].msg_len += header->msg_iov[k].iov_len;
		}
	}
	return (int32_t)op->count;
}

static void kernel_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	for (uint32_t i = 0; i < ops_count; i++) {
		struct line *line = line_of(ops[i].fd);

		interleave_system_call();
		switch (ops[i].kind) {
		case REGIOI_OP_RECEIVE:
			ops[i].result = receive(line, ops[i].data);
			break;
		case REGIOI_OP_RECEIVE_MESSAGES:
			ops[i].result = receive_messages(line, &ops[i]);
			break;
		case REGIOI_OP_SEND:
			ops[i].result = send_bytes(line, ops[i].data, ops[i].length);
			break;
		case REGIOI_OP_SEND_MESSAGES:
			ops[i].result = send_messages(line, &ops[i]);
			break;
		default:
			EXPECT(false, "the stage has no streams");
		}
	}
}

void stage_arrive(unsigned int queue)
{
	interleave_system_call();
	kernel.lines[queue].waiting++;
	kernel.lines[queue].news |= REGIOI_EVENT_READABLE;
}

void stage_fill(unsigned int queue, bool full)
{
	interleave_system_call();
	kernel.lines[queue].full = full;
	if (!full)
		kernel.lines[queue].news |= REGIOI_EVENT_WRITABLE;
}

void stage_users(unsigned int count)
{
	users = count;
}

bool stage_leave(void)
{
	return --users == 0;
}

unsigned int stage_waiting(unsigned int queue)
{
	return kernel.lines[queue].waiting;
}

bool stage_is_watched(unsigned int queue)
{
	return kernel.lines[queue].watched;
}

bool stage_first_is_sent(void)
{
	return kernel.lines[0].sent_count > 0;
}

bool stage_has_sent(unsigned int queue, unsigned int count)
{
	const struct line *line = &kernel.lines[queue];

	for (unsigned int i = 0; i < count && i < line->sent_count; i++) {
		if (line->sent[i] != i + 1)
			return false;
	}
	return line->sent_count == count;
}

/* ---- The engine ---------------------------------------------------------------- */

static int kernel_create(struct regioi_engine **ret_engine, struct regioi_refusal *ret_refusal)
{
	/* For the descriptor of a driver, which is asked for once, and stays. */
	if (kernel.descriptor < 0)
		kernel.descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*ret_engine = &kernel;
	return kernel.descriptor < 0 ? -errno : 0;
}

static void kernel_destroy(struct regioi_engine *engine)
{
}

static int kernel_descriptor(struct regioi_engine *engine)
{
	return engine->descriptor;
}

/* Time stands still, so that each run of an order is the same. */
static uint64_t kernel_now_ns(struct regioi_engine *engine)
{
	return 1;
}

static int kernel_busy_poll(struct regioi_engine *engine, uint32_t time_us, bool prefer)
{
	return -EOPNOTSUPP;
}

static const struct regioi_engine_ops kernel_ops = {
	.name = "stage",
	.about = "counters in place of sockets",
	.automatic = true,
	.create = kernel_create,
	.destroy = kernel_destroy,
	.busy_poll = kernel_busy_poll,
	.watch = kernel_watch,
	.unwatch = kernel_unwatch,
	.poll = kernel_poll,
	.sleep = kernel_sleep,
	.doorbell = kernel_doorbell,
	.wake = kernel_wake,
	.wake_ack = kernel_wake_ack,
	.now_ns = kernel_now_ns,
	.descriptor = kernel_descriptor,
	.execute = kernel_execute,
};

/* In the place of engine/list.c. */
const struct regioi_engine_ops *regioi_engine_at(uint32_t index)
{
	return index == 0 ? &kernel_ops : NULL;
}
