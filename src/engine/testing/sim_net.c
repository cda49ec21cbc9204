/* SPDX-License-Identifier: MIT */
/*
 * What is in transit in the network of the sim engine. Datagrams of one sender keep their order,
 * those of different senders need not; a stream arrives in pieces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/kernel.h"
#include "base/option.h"
#include "base/syscalls.h"
#include "engine/testing/sim_net.h"

/*
 * Limits of the virtual time that passes between two calls, and that data is in transit: usually
 * short.
 */
#define TICK_MAX_NS 4000u
#define SOON_MAX_NS 2000u
#define LATE_MAX_NS 200000u
/* The most that is taken off a socket, so that a faster sender finds the socket full. */
#define QUEUED_MAX (1u << 20)
#define DATAGRAM_BYTES 65536u
#define CONTROL_BYTES 512u

struct regioi_sim_net regioi_sim_net = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- Time and chance ---- */

void regioi_sim_tick(void)
{
	regioi_sim_net.clock_ns += 1 + regioi_sim_below(TICK_MAX_NS);
}

/* splitmix64 */
uint32_t regioi_sim_below(uint32_t limit)
{
	uint64_t word = regioi_sim_net.chance += UINT64_C(0x9E3779B97F4A7C15);

	word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
	return (uint32_t)(((word ^ word >> 31) >> 32) * limit >> 32);
}

uint64_t regioi_sim_later(void)
{
	uint32_t most = regioi_sim_below(2) ? SOON_MAX_NS : LATE_MAX_NS;

	return regioi_sim_net.clock_ns + 1 + regioi_sim_below(most);
}

/* ---- Sockets ---- */

/* The descriptor is used for another socket now: drops what was in transit. */
static void forget(struct regioi_sim_socket **link)
{
	struct regioi_sim_socket *socket = *link;

	*link = socket->next;
	while (socket->items)
		regioi_sim_drop(socket);
	while (socket->watchers) {
		struct regioi_sim_watcher *watcher = socket->watchers;

		socket->watchers = watcher->next;
		free(watcher);
	}
	free(socket);
}

void regioi_sim_forget_all(void)
{
	while (regioi_sim_net.sockets)
		forget(&regioi_sim_net.sockets);
}

struct regioi_sim_socket *regioi_sim_find(int fd)
{
	struct regioi_sim_socket **link = &regioi_sim_net.sockets, *socket;
	uint64_t cookie;

	if (regioi_cookie(fd, &cookie) != 0)
		return NULL;
	while ((socket = *link)) {
		if (socket->fd == fd && socket->cookie == cookie)
			return socket;
		if (socket->fd == fd)
			forget(link);
		else
			link = &socket->next;
	}
	socket = calloc(1, sizeof(*socket));
	if (!socket)
		return NULL;
	socket->cookie = cookie;
	socket->fd = fd;
	socket->stream = regioi_is_stream(fd);
	socket->next = regioi_sim_net.sockets;
	regioi_sim_net.sockets = socket;
	return socket;
}

void regioi_sim_unwatch(int fd, const struct regioi_engine *engine)
{
	for (struct regioi_sim_socket *socket = regioi_sim_net.sockets; socket;
	     socket = socket->next) {
		struct regioi_sim_watcher **link = &socket->watchers, *watcher;

		while ((watcher = *link)) {
			if (watcher->engine != engine || (fd >= 0 && socket->fd != fd)) {
				link = &watcher->next;
				continue;
			}
			*link = watcher->next;
			free(watcher);
		}
	}
}

/* ---- In transit ---- */

static void have_events(struct regioi_sim_socket *socket)
{
	for (struct regioi_sim_watcher *watcher = socket->watchers; watcher;
	     watcher = watcher->next)
		regioi_sim_engine_wake(watcher->engine);
}

void regioi_sim_report_again(struct regioi_sim_socket *socket)
{
	for (struct regioi_sim_watcher *watcher = socket->watchers; watcher;
	     watcher = watcher->next)
		watcher->reported_ns = 0;
	have_events(socket);
}

static bool same_sender(const struct regioi_sim_socket *socket, const struct regioi_sim_item *a,
			const struct regioi_sim_item *b)
{
	return socket->stream || a->error || b->error || regioi_sim_same_name(a, b);
}

static void put(struct regioi_sim_socket *socket, struct regioi_sim_item *item)
{
	struct regioi_sim_item **link, **place = &socket->items;

	item->due_ns = regioi_sim_later();
	for (link = &socket->items; *link; link = &(*link)->next) {
		if (same_sender(socket, *link, item) && (*link)->due_ns > item->due_ns)
			item->due_ns = (*link)->due_ns;
	}
	while (*place && (*place)->due_ns <= item->due_ns)
		place = &(*place)->next;
	item->next = *place;
	*place = item;
	socket->queued_bytes += item->length;
	have_events(socket);
}

void regioi_sim_drop(struct regioi_sim_socket *socket)
{
	struct regioi_sim_item *item = socket->items;

	socket->items = item->next;
	socket->queued_bytes -= item->length;
	free(item);
}

static struct regioi_sim_item *item_new(uint32_t control_length, uint32_t length)
{
	struct regioi_sim_item *item = calloc(1, sizeof(*item) + control_length + length);

	if (!item)
		return NULL;
	item->control_length = control_length;
	item->length = length;
	item->data = item->control + control_length;
	return item;
}

/*
 * Copies the control data without UDP_GRO, because single datagrams are in transit; the length of
 * each datagram of a train is returned instead, or 0.
 */
static uint32_t copy_control(struct msghdr *message, uint8_t *ret_control, uint32_t *ret_segment)
{
	uint32_t length = 0;

	*ret_segment = 0;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
	     head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level == SOL_UDP && head->cmsg_type == UDP_GRO) {
			memcpy(ret_segment, CMSG_DATA(head), sizeof(*ret_segment));
			continue;
		}
		memcpy(ret_control + length, head, head->cmsg_len);
		length += (uint32_t)CMSG_ALIGN(head->cmsg_len);
	}
	return length;
}

static void put_datagrams(struct regioi_sim_socket *socket, struct msghdr *message,
			  const uint8_t *data, uint32_t length)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
	uint32_t offset = 0, segment;
	const uint32_t control_length = copy_control(message, control, &segment);

	do {
		uint32_t part = segment && length - offset > segment ? segment : length - offset;
		struct regioi_sim_item *item = item_new(control_length, part);

		if (!item)
			return;
		memcpy(item->control, control, control_length);
		memcpy(item->data, data + offset, part);
		item->name_length = message->msg_namelen;
		memcpy(&item->name, message->msg_name, message->msg_namelen);
		item->flags = message->msg_flags & MSG_CTRUNC;
		offset += part;
		if (regioi_sim_below(1000) < regioi_sim_net.loss)
			free(item);
		else
			put(socket, item);
	} while (offset < length);
}

static void put_stream(struct regioi_sim_socket *socket, const uint8_t *data, uint32_t length)
{
	uint32_t offset = 0;

	while (offset < length) {
		uint32_t part = 1 + regioi_sim_below(length - offset);
		struct regioi_sim_item *item = item_new(0, part);

		if (!item)
			return;
		memcpy(item->data, data + offset, part);
		offset += part;
		put(socket, item);
	}
}

static void put_mark(struct regioi_sim_socket *socket, bool end, int error)
{
	struct regioi_sim_item *item = item_new(0, 0);

	if (!item)
		return;
	item->end = end;
	item->error = error;
	put(socket, item);
}

static bool has_ended(const struct regioi_sim_socket *socket)
{
	for (const struct regioi_sim_item *item = socket->items; item; item = item->next) {
		if (item->end)
			return true;
	}
	return false;
}

/* Returns false if the socket has nothing more to receive. */
static bool take_one(struct regioi_sim_socket *socket, int *ret_error)
{
	static uint8_t data[DATAGRAM_BYTES];
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
	struct sockaddr_storage name;
	struct iovec vector = {data, sizeof(data)};
	struct msghdr message = {
		.msg_name = &name,
		.msg_namelen = socket->stream ? 0 : sizeof(name),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = socket->stream ? 0 : sizeof(control),
	};
	ssize_t length = regioi_sys_recvmsg(socket->fd, &message, MSG_DONTWAIT);

	if (length < 0) {
		*ret_error = -errno;
		/* ENOTCONN, EINVAL: a stream that is not connected; it may be later. */
		if (errno == EAGAIN || errno == ENOTCONN || errno == EINVAL || errno == EBADF)
			return false;
		*ret_error = 0;
		put_mark(socket, false, -errno);
	} else if (!socket->stream) {
		put_datagrams(socket, &message, data, (uint32_t)length);
	} else if (length == 0) {
		put_mark(socket, true, 0);
		return false;
	} else {
		put_stream(socket, data, (uint32_t)length);
	}
	return true;
}

int regioi_sim_take(struct regioi_sim_socket *socket)
{
	int error = 0;

	if (socket->stream && has_ended(socket))
		return 0;
	while (socket->queued_bytes < QUEUED_MAX && take_one(socket, &error))
		continue;
	return error == -EAGAIN ? 0 : error;
}
