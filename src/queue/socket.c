/* SPDX-License-Identifier: MIT */
/*
 * Everything done with a socket except moving data.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/kernel.h"
#include "base/option.h"
#include "dgram/control.h"
#include "queue/offload.h"
#include "queue/registry.h"
#include "queue/socket.h"

/* The part of SO_RCVBUF that a queued small datagram uses, including the kernel's overhead. */
#define BUFFER_PER_RECEIVE 2304u
#define BUFFER_DEFAULT_MAX 212992u

/* ---- Options ---- */

bool regioi_socket_is_ours(const struct regioi_rq *rq)
{
	return regioi_cookie_is(rq->fd, rq->cookie);
}

bool regioi_socket_number_is_taken(const struct regioi_rq *rq)
{
	return !regioi_socket_is_ours(rq) && fcntl(rq->fd, F_GETFD) >= 0;
}

/* A filter sees the length of the queued packet, and a train is one long packet. */
static bool has_filter(int fd)
{
	socklen_t length = 0;

	/* Returns the number of instructions; EACCES for a program loaded with bpf(2). */
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &length) < 0)
		return errno == EACCES;
	return length > 0;
}

/* SO_TXTIME returns the flags and clock that were set, two words; all 0 when it is off. */
static bool has_transmit_time(int fd)
{
	uint32_t words[2] = {0};
	socklen_t length = sizeof(words);

	return getsockopt(fd, SOL_SOCKET, SO_TXTIME, words, &length) == 0 && (words[0] || words[1]);
}

static bool has_timestamps(int fd, bool transmit)
{
	/* Bits 0, 1, 8, 9 and 18 of SOF_TIMESTAMPING_... request transmit timestamps. */
	const int transmit_bits = 1 << 0 | 1 << 1 | 1 << 8 | 1 << 9 | 1 << 18;
	/*
	 * Each option has a name for each of the two widths of time, and an option set under one
	 * name is not reported under the other.
	 */
	const int names[] = {SO_TIMESTAMP_OLD, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_OLD,
			     SO_TIMESTAMPNS_NEW};
	const int stamping = regioi_option(fd, SOL_SOCKET, SO_TIMESTAMPING_OLD) |
			     regioi_option(fd, SOL_SOCKET, SO_TIMESTAMPING_NEW);
	bool receive = stamping & ~transmit_bits;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		receive |= regioi_option(fd, SOL_SOCKET, names[i]) != 0;
	return transmit ? stamping & transmit_bits : receive;
}

/* Sets an option of SOL_SOCKET to 'value'; option_restore() restores it. */
static bool option_keep(int fd, int name, int value, struct regioi_kept_option *kept)
{
	int before = regioi_option(fd, SOL_SOCKET, name);

	if (!regioi_option_set(fd, SOL_SOCKET, name, value))
		return false;
	if (!kept->set)
		kept->before = before;
	kept->set = true;
	kept->ours = regioi_option(fd, SOL_SOCKET, name);
	return true;
}

/* If the option has been set by the program since, it must not be restored. */
static bool option_is_kept(int fd, int name, const struct regioi_kept_option *kept)
{
	return kept->set && regioi_option(fd, SOL_SOCKET, name) == kept->ours;
}

static void option_restore(int fd, int name, const struct regioi_kept_option *kept)
{
	if (option_is_kept(fd, name, kept))
		regioi_option_set(fd, SOL_SOCKET, name, kept->before);
}

/* ---- Opening ---- */

/* UDP, TCP, or a unix stream. */
static bool is_supported(int family, int type, int protocol)
{
	if (family == AF_UNIX)
		return type == SOCK_STREAM;
	if (family != AF_INET && family != AF_INET6)
		return false;
	/* The protocol is checked because ping sockets and UDP-Lite also have type SOCK_DGRAM. */
	return (type == SOCK_DGRAM && protocol == IPPROTO_UDP) ||
	       (type == SOCK_STREAM && protocol == IPPROTO_TCP);
}

static int kind(int fd, int *ret_family, int *ret_type, int *ret_protocol)
{
	const int names[] = {SO_DOMAIN, SO_TYPE, SO_PROTOCOL};
	int *const values[] = {ret_family, ret_type, ret_protocol};

	for (int i = 0; i < 3; i++) {
		socklen_t length = sizeof(int);

		if (getsockopt(fd, SOL_SOCKET, names[i], values[i], &length) < 0)
			return -errno;
	}
	return 0;
}

static int check_type(struct regioi_rq *rq, int fd)
{
	static const char step[] = "creating an RQ";
	int error = regioi_cookie(fd, &rq->cookie);
	int type = 0, protocol = 0;

	if (error == -ENOTSOCK || error == -EBADF)
		return regioi_fail(error, "%s: descriptor %d is %s", step, fd,
				   error == -ENOTSOCK ? "not a socket"
				   : fd < 0	      ? "none; did socket() or accept() fail?"
						      : "not open");
	if (error)
		return regioi_fail(error, "%s: asking for SO_COOKIE: %s; regio needs Linux 4.18",
				   step, strerror(-error));
	error = kind(fd, &rq->family, &type, &protocol);
	if (error)
		return regioi_fail(error, "%s: asking what socket descriptor %d is: %s", step, fd,
				   regio_error_text(error));
	if (!is_supported(rq->family, type, protocol))
		return regioi_fail(-EOPNOTSUPP,
				   "%s: descriptor %d is neither a UDP or TCP socket over IPv4 or "
				   "IPv6 nor a unix stream socket",
				   step, fd);
	rq->stream = type == SOCK_STREAM;
	return 0;
}

/*
 * Joining is off if socket options rely on messages passing through the stack one at a time, or if
 * the program sets UDP_SEGMENT itself.
 */
static void choose_trains(struct regioi_rq *rq, const struct regio_rq_opts *opts)
{
	bool wanted = !rq->stream && opts->trains != REGIO_TRAINS_OFF;

	rq->join_allowed = wanted && !regioi_option(rq->fd, SOL_UDP, UDP_SEGMENT) &&
			   !has_timestamps(rq->fd, true) && !has_transmit_time(rq->fd);
	rq->trains_auto =
		wanted && opts->trains == REGIO_TRAINS_AUTO && regioi_offload().receive_trains;
}

int regioi_socket_open(struct regioi_rq *rq, int fd, const struct regio_rq_opts *opts)
{
	int error = check_type(rq, fd);

	if (error)
		return error;
	rq->fd = fd;
	if (!regioi_registry_add(rq))
		return regioi_fail(-EEXIST,
				   "creating an RQ: the socket has an RQ already; close it first");
	choose_trains(rq, opts);
	if (rq->stream)
		regioi_socket_report_all(rq);
	return 0;
}

void regioi_socket_report_all(struct regioi_rq *rq)
{
	if (regioi_option(rq->fd, SOL_SOCKET, SO_RCVLOWAT) <= 1)
		return;
	/* The last value that the program set is the one to be restored. */
	rq->low_water.set = false;
	option_keep(rq->fd, SO_RCVLOWAT, 1, &rq->low_water);
}

int regioi_socket_replace(struct regioi_rq *rq, int fd)
{
	const uint64_t before = rq->cookie;
	int family = 0, type = 0, protocol = 0, error;
	uint64_t fresh;

	error = regioi_cookie(fd, &fresh);
	if (!error)
		error = kind(fd, &family, &type, &protocol);
	if (error)
		return error;
	if (type != SOCK_STREAM || family != rq->family || !is_supported(family, type, protocol))
		return -EOPNOTSUPP;
	regioi_registry_remove(rq);
	rq->cookie = fresh;
	if (!regioi_registry_add(rq))
		error = -EEXIST;
	else if (fd != rq->fd && dup3(fd, rq->fd, O_CLOEXEC) < 0)
		error = -errno;
	if (!error) {
		rq->low_water = (struct regioi_kept_option){0};
		regioi_socket_report_all(rq);
		return 0;
	}
	if (error != -EEXIST)
		regioi_registry_remove(rq);
	rq->cookie = before;
	regioi_registry_add(rq);
	return error;
}

/* ---- Buffers and polling ---- */

/*
 * Whether the program has set the size; if so, it is neither raised nor restored. The kernel marks
 * a size that was set (SO_BUF_LOCK). The RQ clears that mark when it has set the size itself; for
 * datagram sockets the mark has no other effect.
 */
static bool buffer_is_chosen(const struct regioi_rq *rq)
{
	const struct regioi_kept_option *kept = &rq->receive_buffer;
	socklen_t length = sizeof(int);
	uint32_t present;
	int lock = 0;

	if (getsockopt(rq->fd, SOL_SOCKET, SO_BUF_LOCK, &lock, &length) == 0)
		return lock & SOCK_RCVBUF_LOCK;
	/*
	 * Before SO_BUF_LOCK (Linux 5.14): any size other than the default was set by the program.
	 */
	if (kept->set)
		return !option_is_kept(rq->fd, SO_RCVBUF, kept);
	present = (uint32_t)regioi_option(rq->fd, SOL_SOCKET, SO_RCVBUF);
	return present != regioi_file_number("/proc/sys/net/core/rmem_default", present);
}

static void buffer_unlock(int fd)
{
	regioi_option_set(fd, SOL_SOCKET, SO_BUF_LOCK,
			  regioi_option(fd, SOL_SOCKET, SO_BUF_LOCK) & ~SOCK_RCVBUF_LOCK);
}

void regioi_socket_size_buffer(struct regioi_rq *rq, uint32_t receives)
{
	uint64_t wanted = (uint64_t)receives * BUFFER_PER_RECEIVE;
	uint64_t present = (uint64_t)regioi_option(rq->fd, SOL_SOCKET, SO_RCVBUF);
	uint64_t allowed;

	/*
	 * Setting it would stop TCP's automatic tuning, and a stream loses no data when the buffer
	 * is full.
	 */
	if (rq->stream || present >= wanted || buffer_is_chosen(rq))
		return;
	/*
	 * The kernel doubles the value that is set, and reports the doubled value. It reduces a
	 * value above the limit to the limit, which may be less than the present size.
	 */
	allowed = 2ull * regioi_file_number("/proc/sys/net/core/rmem_max", BUFFER_DEFAULT_MAX);
	if (wanted > allowed)
		wanted = allowed;
	if (present < wanted &&
	    option_keep(rq->fd, SO_RCVBUF, (int)(wanted / 2), &rq->receive_buffer))
		buffer_unlock(rq->fd);
}

static void restore_buffer(const struct regioi_rq *rq)
{
	if (!rq->receive_buffer.set || buffer_is_chosen(rq))
		return;
	regioi_option_set(rq->fd, SOL_SOCKET, SO_RCVBUF, rq->receive_buffer.before / 2);
	buffer_unlock(rq->fd);
}

int regioi_socket_busy_poll(struct regioi_rq *rq, const struct regioi_driver *driver)
{
	if (!driver->busy_poll_us)
		return 0;
	if ((option_keep(rq->fd, SO_BUSY_POLL, (int)driver->busy_poll_us, &rq->busy_poll) &&
	     (!driver->busy_poll_preferred ||
	      option_keep(rq->fd, SO_PREFER_BUSY_POLL, 1, &rq->prefer_busy_poll))) ||
	    errno != EPERM)
		return 0;
	return regioi_fail(-EPERM,
			   "creating an RQ: busy polling: not permitted; it needs CAP_NET_ADMIN");
}

/* ---- While it is open ---- */

bool regioi_socket_joins_receives(const struct regioi_rq *rq)
{
	return regioi_option(rq->fd, SOL_UDP, UDP_GRO);
}

bool regioi_socket_join_receives(const struct regioi_rq *rq)
{
	/* A train has only one timestamp, and passes a filter as one message. */
	if (has_timestamps(rq->fd, false) || has_filter(rq->fd))
		return false;
	return regioi_option_set(rq->fd, SOL_UDP, UDP_GRO, 1);
}

/*
 * These options make the kernel report the address each message was sent to, port and scope
 * included. Packet information would do as well, but programs use it themselves, and may set it
 * before or after the RQ is created; it would then be unknown whether the program or the RQ had set
 * it.
 */
static const struct destination_option {
	int level;
	int name;
	uint32_t hide;
} destination_options[] = {
	/* An IPv6 socket may receive IPv4 messages as well. */
	{IPPROTO_IP, IP_RECVORIGDSTADDR, REGIOI_HIDE_DESTINATION},
	{IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, REGIOI_HIDE_DESTINATION_V6},
};
#define DESTINATION_OPTIONS (sizeof(destination_options) / sizeof(destination_options[0]))

/*
 * IPv6 extension headers come before the destination in the control data, and are longer than
 * everything else.
 */
static bool has_long_control(const struct regioi_rq *rq)
{
	const int names[] = {IPV6_RECVHOPOPTS, IPV6_RECVDSTOPTS, IPV6_RECVRTHDR,
			     IPV6_2292HOPOPTS, IPV6_2292DSTOPTS, IPV6_2292RTHDR};
	bool any = false;

	for (size_t i = 0; rq->family == AF_INET6 && i < sizeof(names) / sizeof(names[0]); i++)
		any |= regioi_option(rq->fd, IPPROTO_IPV6, names[i]) != 0;
	return any;
}

void regioi_socket_want_local(struct regioi_rq *rq)
{
	if (has_long_control(rq))
		atomic_store(&rq->halves[REGIOI_RECEIVE].receive.long_control, true);
	for (size_t i = 0; i < DESTINATION_OPTIONS; i++) {
		const struct destination_option *option = &destination_options[i];

		if ((option->level == IPPROTO_IPV6 && rq->family != AF_INET6) ||
		    regioi_option(rq->fd, option->level, option->name))
			continue;
		/*
		 * Set before the option is: an executor may receive the first such message at once.
		 */
		atomic_fetch_or(&rq->destination_ours, option->hide);
		if (!regioi_option_set(rq->fd, option->level, option->name, 1))
			atomic_fetch_and(&rq->destination_ours, ~option->hide);
	}
}

static void unwant_local(const struct regioi_rq *rq)
{
	for (size_t i = 0; i < DESTINATION_OPTIONS; i++) {
		const struct destination_option *option = &destination_options[i];

		if (atomic_load(&rq->destination_ours) & option->hide)
			regioi_option_set(rq->fd, option->level, option->name, 0);
	}
}

bool regioi_socket_local(const struct regioi_rq *rq, union regioi_address *ret_address)
{
	socklen_t length = sizeof(*ret_address);

	if (getsockname(rq->fd, &ret_address->any, &length) < 0)
		return false;
	return ret_address->any.sa_family == AF_INET ? ret_address->v4.sin_port != 0
						     : ret_address->v6.sin6_port != 0;
}

bool regioi_socket_is_connected(const struct regioi_rq *rq)
{
	union regioi_address peer;
	socklen_t length = sizeof(peer);

	return getpeername(rq->fd, &peer.any, &length) == 0;
}

bool regioi_socket_names(const struct regioi_rq *rq, union regioi_address *ret_local,
			 union regioi_address *ret_peer)
{
	socklen_t length = sizeof(*ret_local);

	if (getsockname(rq->fd, &ret_local->any, &length) < 0)
		return false;
	length = sizeof(*ret_peer);
	return getpeername(rq->fd, &ret_peer->any, &length) == 0;
}

void regioi_socket_close(struct regioi_rq *rq)
{
	struct regioi_receive_state *receive = &rq->halves[REGIOI_RECEIVE].receive;
	char byte;

	regioi_registry_remove(rq);
	if (!regioi_socket_is_ours(rq))
		return;
	option_restore(rq->fd, SO_BUSY_POLL, &rq->busy_poll);
	option_restore(rq->fd, SO_PREFER_BUSY_POLL, &rq->prefer_busy_poll);
	option_restore(rq->fd, SO_RCVLOWAT, &rq->low_water);
	restore_buffer(rq);
	unwant_local(rq);
	if (!receive->trains)
		return;
	regioi_option_set(rq->fd, SOL_UDP, UDP_GRO, 0);
	/*
	 * Queued messages may be joined, and without UDP_GRO there is no way to split them. The
	 * loop is bounded: messages that arrive from now on are not joined, and need not be
	 * discarded.
	 */
	for (uint32_t i = 0; i < 65536; i++) {
		if (recv(rq->fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
			break;
	}
}
