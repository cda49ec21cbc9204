/* SPDX-License-Identifier: MIT */
/*
 * Messages by plain calls, for --timestamps. When a message has left, the kernel reports
 * it in the error queue of its socket, which no request queue reads; and messages that
 * leave as a train would have one time stamp between them. So each is sent, received and
 * asked about on its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* It needs <time.h>, and does not include it. */
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "console.h"
#include "load.h"

/* Messages of a connection that a stamp or an answer may still come for. */
#define STAMPS 1024u
#define CONTROL_BYTES 256u
/* Of one connection, before the next has its turn. */
#define RECEIVES_AT_ONCE 64u
/* Until the kernel stamps what comes. */
#define STAMPING_PATIENCE_NS (5 * SECOND_NS)

/* Times of day, as the kernel stamps; 0: not known yet. */
struct stamp {
	uint64_t number;
	uint64_t called_ns;
	uint64_t left_ns;
	uint64_t came_ns;
};

struct stamps {
	uint64_t base;	/* the number of the message that the kernel counts as the first */
	uint64_t asked; /* messages that the kernel has reported, or that were given up */
	struct stamp list[STAMPS];
	uint8_t data[65536];
};

static struct stamp *stamp_of(struct load_connection *connection, uint64_t number)
{
	return &connection->stamps->list[number % STAMPS];
}

/* ---- Waiting for the kernel ---------------------------------------------- */

/* The time stamp made in software, of a message; 0: it has none. */
static uint64_t stamp_in(struct msghdr *header)
{
	struct scm_timestamping stamps;

	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
		if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SO_TIMESTAMPING)
			continue;
		memcpy(&stamps, CMSG_DATA(item), sizeof(stamps));
		return (uint64_t)stamps.ts[0].tv_sec * SECOND_NS + (uint64_t)stamps.ts[0].tv_nsec;
	}
	return 0;
}

/* A socket that receives what it sends, with time stamps. Returns it, or -1. */
static int open_mirror(void)
{
	const uint32_t flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&name, bytes) ||
	    getsockname(fd, (struct sockaddr *)&name, &bytes) ||
	    connect(fd, (struct sockaddr *)&name, bytes) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags))) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * A kernel that was not stamping begins later than it is asked to, on a busy machine by half a
 * second, and what comes before has no stamp. Where loopback is down there is no waiting.
 */
static void await_stamping(void)
{
	const uint64_t end_ns = clock_now_ns() + STAMPING_PATIENCE_NS;
	char control[CONTROL_BYTES] __attribute__((aligned(8)));
	struct pollfd descriptor = {.fd = open_mirror(), .events = POLLIN};
	uint64_t stamp_ns = 0;

	if (descriptor.fd < 0)
		return;
	while (stamp_ns == 0 && clock_now_ns() < end_ns && send(descriptor.fd, "", 1, 0) == 1) {
		struct msghdr header = {.msg_control = control, .msg_controllen = sizeof(control)};

		if (poll(&descriptor, 1, 100) == 1 && recvmsg(descriptor.fd, &header, 0) >= 0)
			stamp_ns = stamp_in(&header);
		/* The processor is for what starts the stamping. */
		if (stamp_ns == 0)
			poll(NULL, 0, 1);
	}
	close(descriptor.fd);
}

/* ---- Opening and closing ------------------------------------------------- */

/* The kernel counts messages from here on. Returns 0 or -1. */
static int count_from_here(struct load_connection *connection)
{
	uint32_t flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
			 SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
			 SOF_TIMESTAMPING_OPT_TSONLY;
	uint32_t none = 0;

	connection->stamps->base = connection->stamps->asked = connection->sent;
	if (setsockopt(connection->fd, SOL_SOCKET, SO_TIMESTAMPING, &none, sizeof(none)) ||
	    setsockopt(connection->fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)))
		return console_fail("--timestamps: have the kernel stamp messages: %s",
				    strerror(errno));
	return 0;
}

static int open_plain(struct load *load)
{
	load->sends = load->receives = load->window = STAMPS;
	load->station.spin = load->options->spin;
	memcpy(load->station.engine, "plain calls", sizeof("plain calls"));
	for (uint32_t i = 0; i < load->connection_count; i++) {
		load->connections[i].stamps = calloc(1, sizeof(struct stamps));
		if (!load->connections[i].stamps)
			return console_fail("--timestamps: %s", strerror(ENOMEM));
		if (count_from_here(&load->connections[i]))
			return -1;
	}
	await_stamping();
	return 0;
}

static void close_plain(struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
		free(load->connections[i].stamps);
		load->connections[i].stamps = NULL;
	}
}

/* ---- Sending ------------------------------------------------------------- */

static int send_plain(struct load *load, struct load_connection *connection, uint32_t bytes,
		      uint64_t made_ns)
{
	const struct address *to = connection->group ? connection->address : NULL;
	uint8_t *data = connection->stamps->data;

	message_write_head(data, connection->sent, made_ns);
	*stamp_of(connection, connection->sent) =
		(struct stamp){.number = connection->sent, .called_ns = clock_of_day_ns()};
	if (sendto(connection->fd, data, bytes, 0, to ? &to->name.any : NULL, to ? to->bytes : 0) >=
	    0) {
		load_take_sent(load, connection, 0);
		return 0;
	}
	load->refused += errno == ECONNREFUSED;
	load_take_sent(load, connection, -errno);
	/* Kernels differ in whether they count a message that they have refused. */
	connection->sent++;
	if (count_from_here(connection))
		return -1;
	connection->sent--;
	return 0;
}

/* ---- Stamps -------------------------------------------------------------- */

static void add_stage(struct load_stages *stages, struct histogram *stage, uint64_t from_ns,
		      uint64_t to_ns)
{
	/* The clock of the day may be set at any time. */
	if (to_ns < from_ns)
		stages->odd++;
	else
		histogram_record(stage, to_ns - from_ns);
}

static void add_away(struct load *load, const struct stamp *stamp)
{
	if (stamp->left_ns && stamp->came_ns)
		add_stage(load->stages, &load->stages->away, stamp->left_ns, stamp->came_ns);
}

/* Which message it is that has left. */
static bool find_left(struct msghdr *header, uint32_t *ret_count)
{
	struct sock_extended_err error;

	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
		bool v4 = item->cmsg_level == SOL_IP && item->cmsg_type == IP_RECVERR;
		bool v6 = item->cmsg_level == SOL_IPV6 && item->cmsg_type == IPV6_RECVERR;

		if (!v4 && !v6)
			continue;
		memcpy(&error, CMSG_DATA(item), sizeof(error));
		*ret_count = error.ee_data;
		return error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
	}
	return false;
}

static void take_left(struct load *load, struct load_connection *connection, struct msghdr *header)
{
	uint64_t left_ns = stamp_in(header), number;
	struct stamp *stamp;
	uint32_t count;

	if (!find_left(header, &count) || left_ns == 0)
		return;
	/* The kernel counts with 32 bits; what it reports is among the last. */
	number = connection->stamps->base + count;
	number += (connection->sent - number) >> 32 << 32;
	stamp = stamp_of(connection, number);
	if (number >= connection->sent || stamp->number != number || stamp->left_ns)
		return;
	connection->stamps->asked = number + 1;
	stamp->left_ns = left_ns;
	add_stage(load->stages, &load->stages->left, stamp->called_ns, left_ns);
	add_away(load, stamp);
}

static void take_all_left(struct load *load, struct load_connection *connection)
{
	char control[CONTROL_BYTES] __attribute__((aligned(8)));

	while (connection->stamps->asked < connection->sent) {
		struct msghdr header = {.msg_control = control, .msg_controllen = sizeof(control)};

		if (recvmsg(connection->fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		take_left(load, connection, &header);
	}
}

/* ---- Receiving ----------------------------------------------------------- */

static void take_came(struct load *load, struct load_connection *connection, const uint8_t *data,
		      uint64_t came_ns)
{
	uint64_t number = message_read_head(data).number;
	struct stamp *stamp = stamp_of(connection, number);

	if (came_ns == 0 || number >= connection->sent || stamp->number != number)
		return;
	add_stage(load->stages, &load->stages->read, came_ns, clock_of_day_ns());
	stamp->came_ns = came_ns;
	add_away(load, stamp);
}

/* Returns 1, or 0 when there is nothing. */
static int receive(struct load *load, struct load_connection *connection)
{
	char control[CONTROL_BYTES] __attribute__((aligned(8)));
	uint8_t *data = connection->stamps->data;
	struct address from = {.bytes = sizeof(from.name)};
	struct iovec part = {data, sizeof(connection->stamps->data)};
	struct msghdr header = {.msg_name = connection->group ? &from.name : NULL,
				.msg_namelen = connection->group ? from.bytes : 0,
				.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	ssize_t bytes = recvmsg(connection->fd, &header, MSG_DONTWAIT);

	load->now_ns = clock_now_ns();
	if (bytes < 0 && errno != EAGAIN && errno != EINTR)
		load_take_error(load, connection, -errno);
	if (bytes < 0)
		return 0;
	if (bytes >= MESSAGE_HEAD_BYTES)
		take_came(load, connection, data, stamp_in(&header));
	load_take(load, connection, connection->group ? &from : NULL, data, (uint32_t)bytes);
	return 1;
}

static int progress_plain(struct load *load)
{
	uint64_t before_ns = load->now_ns;
	int count = 0;

	load->now_ns = clock_now_ns();
	crew_note_pause(&load->pause_ns, before_ns, load->now_ns);
	for (uint32_t i = 0; i < load->connection_count; i++) {
		struct load_connection *connection = &load->connections[i];
		uint32_t received = 0;

		while (received < RECEIVES_AT_ONCE && receive(load, connection))
			received++;
		if (received > 0 || connection->sent - connection->stamps->asked > STAMPS / 2)
			take_all_left(load, connection);
		if (received > 0 && load_is_closed_loop(load) && load_fill(load, connection))
			return -1;
		count += (int)received;
	}
	return count;
}

static int wait_plain(struct load *load, uint64_t nap_ns)
{
	struct timespec nap = {.tv_sec = (time_t)(nap_ns / SECOND_NS),
			       .tv_nsec = (long)(nap_ns % SECOND_NS)};
	struct pollfd descriptors[LOAD_CONNECTIONS_MAX];

	if (load->options->spin)
		return 0;
	for (uint32_t i = 0; i < load->connection_count; i++)
		descriptors[i] = (struct pollfd){.fd = load->connections[i].fd, .events = POLLIN};
	ppoll(descriptors, load->connection_count, &nap, NULL);
	for (uint32_t i = 0; i < load->connection_count; i++) {
		if (descriptors[i].revents & POLLERR)
			take_all_left(load, &load->connections[i]);
	}
	return 0;
}

const struct load_carrier load_plain = {
	.open = open_plain,
	.send = send_plain,
	.progress = progress_plain,
	.wait = wait_plain,
	.close = close_plain,
};
