/* SPDX-License-Identifier: MIT */
/*
 * Which kinds of trains the kernel supports, found by trying on loopback. Each process does this
 * once, when it first can. The kernel's version is no reliable sign: the segment count is 64 or
 * 128, and containers may refuse options with a seccomp filter.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/kernel.h"
#include "base/locked.h"
#include "base/option.h"
#include "base/print.h"
#include "base/uncancelled.h"
#include "dgram/control.h"
#include "queue/offload.h"

static pthread_mutex_t tried_lock = PTHREAD_MUTEX_INITIALIZER;
static bool tried;
static struct regio_offload_info offload;

/* Time for a packet to pass through loopback on a busy machine. */
#define LOOPBACK_TIMEOUT_MS 1000

/* Sends 'count' messages of one byte as a train. Returns 0 or negative errno. */
static int try_train(int fd, const struct sockaddr_in *to, uint32_t count)
{
	uint8_t data[128] = {0};
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
	struct sockaddr_in name = *to;
	struct iovec vector = {data, count};
	struct msghdr message = {
		.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = regioi_control_put_segment(control, 1),
	};

	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/*
 * Without loopback nothing can be sent. A kernel that knows the option can send trains, of at least
 * 64 messages; a train that it refuses is sent as single messages in any case.
 */
static void assume_sending(int fd)
{
	offload.send_train_messages = regioi_option_set(fd, SOL_UDP, UDP_SEGMENT, 1) ? 64 : 1;
	regioi_print(offload.reason,
		     "loopback cannot be used, so this is not measured; ip link set lo up");
}

/* Returns whether a train was sent. */
static bool try_sending(int fd, const struct sockaddr_in *to)
{
	static const uint32_t counts[] = {128, 64, 2};
	int error = 0;

	offload.send_train_messages = 1;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		error = try_train(fd, to, counts[i]);
		if (!error) {
			offload.send_train_messages = counts[i];
			return true;
		}
	}
	if (error == -ENETUNREACH || error == -ENETDOWN)
		assume_sending(fd);
	else
		regioi_print(offload.reason, "UDP_SEGMENT on loopback: %s (Linux 4.18 has it)",
			     strerror(-error));
	return false;
}

/*
 * Whether the messages sent as a train have arrived as one. On a kernel that accepts UDP_GRO,
 * loopback may split trains (5.10 does, 6.1 does not), while devices join them.
 */
static void try_receiving(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	uint8_t data[128];
	int ready;

	do {
		ready = poll(&poll_fd, 1, LOOPBACK_TIMEOUT_MS);
	} while (ready < 0 && errno == EINTR);
	if (ready == 1)
		offload.loopback_joins = recv(fd, data, sizeof(data), MSG_DONTWAIT) > 1;
	if (!offload.loopback_joins && !offload.reason[0])
		regioi_print(offload.reason,
			     "loopback splits trains (Linux 5.10 does, 6.1 does not); devices may "
			     "join");
}

static void try_busy_poll(int fd)
{
	struct regioi_epoll_params params = {.busy_poll_usecs = 1, .busy_poll_budget = 8};
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (regioi_option_set(fd, SOL_SOCKET, SO_BUSY_POLL, 1))
		offload.busy_poll |= REGIO_BUSY_POLL_SOCKET;
	if (regioi_option_set(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, 1))
		offload.busy_poll |= REGIO_BUSY_POLL_PREFER;
	if (set < 0)
		return;
	if (ioctl(set, REGIOI_EPIOCSPARAMS, &params) == 0)
		offload.busy_poll |= REGIO_BUSY_POLL_SLEEP;
	close(set);
}

/*
 * There is no socket to try with, because descriptors or memory have run out, or in a sandbox. What
 * is missing is detected when it is used: messages are then sent one at a time.
 */
static void assume_all(int error)
{
	offload = (struct regio_offload_info){.send_train_messages = 64, .receive_trains = 1};
	regioi_print(offload.reason, "assumed, as no socket could be created to try it: %s",
		     strerror(error));
}

static void try_sockets(int sender, int receiver)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);

	offload = (struct regio_offload_info){0};
	offload.receive_trains = regioi_option_set(receiver, SOL_UDP, UDP_GRO, 1);
	if (!offload.receive_trains)
		regioi_print(offload.reason, "UDP_GRO: %s (Linux 5.0 has it)", strerror(errno));
	if (bind(receiver, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(receiver, (struct sockaddr *)&address, &length) < 0)
		assume_sending(sender);
	else if (try_sending(sender, &address) && offload.receive_trains)
		try_receiving(receiver);
	try_busy_poll(receiver);
}

/* Returns whether the result is final. */
static bool try_offload(void)
{
	REGIOI_UNCANCELLED;
	int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int sender = receiver < 0 ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool both = sender >= 0;

	if (both)
		try_sockets(sender, receiver);
	else
		assume_all(errno);
	if (receiver >= 0)
		close(receiver);
	if (both)
		close(sender);
	return both;
}

struct regio_offload_info regioi_offload(void)
{
	REGIOI_LOCKED(&tried_lock);

	if (!tried)
		tried = try_offload();
	return offload;
}

void regioi_offload_fork_child(void)
{
	pthread_mutex_init(&tried_lock, NULL);
}
