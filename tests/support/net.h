/* SPDX-License-Identifier: MIT */
/*
 * net.h - plain sockets for the far end of a test
 *
 * Every function fails the case when the system refuses something a machine must grant.
 */
#ifndef REGIO_TESTS_NET_H
#define REGIO_TESTS_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "message.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

/* The most messages this suite puts in one train; the kernel may take fewer. */
#define TRAIN_MESSAGES_MAX 128u

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

socklen_t address_length(const union address *address);
uint16_t address_port(const union address *address);
union address loopback(int family);
union address own_address(int fd);

/* UDP, not bound. */
int udp_socket(int family);
/* Bound to port 0 of the loopback address, with a large receive buffer. */
int bound_socket(int family);
/* As bound_socket(), and connected to 'fd'. */
int peer_of(int fd);
void connect_to(int fd, int other);
/*
 * Sends from one UDP socket to another until something arrives. A link and its addresses go on
 * being set up after the command that makes them has returned, and what is sent meanwhile is lost.
 */
void await_way(int from, int to);

void set_option(int fd, int level, int name, int value);
int get_option(int fd, int level, int name);

void send_plain(int fd, const void *data, size_t length);
/* The next datagram; waits for it. */
size_t receive_plain(int fd, void *ret_data, size_t size);
/* True when no datagram is queued. */
bool nothing_queued(int fd);

/*
 * What is sent over loopback waits in a queue of the processor that sends it, and the kernel drops
 * what finds the queue full: it has room for 1,000 packets of all programs, unless
 * net.core.netdev_max_backlog is set. The send empties it, but some kernels leave that to a thread
 * which may have to wait for the processor. So a case that needs all it sends has no more packets
 * on the way than this; a train is one.
 */
#define ON_THE_WAY_MAX 800u

/*
 * Sends a datagram and waits for it; then what the thread has sent before over loopback has come
 * as well, if it was on the same processor. To be called after a quarter of ON_THE_WAY_MAX, so
 * that it may change its processor meanwhile.
 */
void await_arrival(int family);

/* Sends 'length' bytes as one train of messages of 'message_size', the last one shorter. */
void send_train(int fd, const void *data, size_t length, size_t message_size);
/* How many messages a train may have here: 128, 64, or 1 when there are no trains. */
unsigned int train_limit(void);
/*
 * NULL where a train that is sent over loopback arrives as one, or why not here: Linux 5.10 takes
 * it apart on the way.
 */
const char *trains_not_joined(void);

/*
 * The next datagram or train of a socket with UDP_GRO on. 'ret_message_size' is the size of
 * a message when several arrived joined, else the length.
 */
size_t receive_train(int fd, void *ret_data, size_t size, size_t *ret_message_size);

/* Bound to every address, so that only the packet shows where it was sent to. */
int wildcard_socket(int family);

/* How many descriptors the process has open. */
unsigned int open_descriptors(void);

/*
 * Moves the process into a network namespace of its own, loopback up. Returns NULL, or why
 * that is not allowed.
 */
const char *enter_own_network(void);
void set_loopback_mtu(int mtu);
/*
 * The same, with a loopback that passes 10 Mbit/s: what waits in its queue is charged to the
 * sending socket, which is then full.
 */
const char *enter_slow_network(void);

/* Allows the process so many descriptors. False where the system does not let it have them. */
bool descriptors_for(uint32_t count);

#endif
