/* SPDX-License-Identifier: MIT */
/*
 * What is asked of a socket beside moving data: identity, options, names.
 */
#ifndef REGIO_QUEUE_SOCKET_H
#define REGIO_QUEUE_SOCKET_H

#include "queue/driver.h"
#include "queue/rq.h"
#include "regio.h"

/* Fills in what an RQ must know of its socket. Returns 0 or an explained error. */
int regioi_socket_open(struct regioi_rq *rq, int fd, const struct regio_rq_opts *opts);
/*
 * Raises SO_RCVBUF of a datagram socket towards 'receives' messages, as far as allowed, where the
 * program has not chosen it.
 */
void regioi_socket_size_buffer(struct regioi_rq *rq, uint32_t receives);
/* Restores the options that were changed, and discards joined messages. Ends regioi_socket_open().
 */
void regioi_socket_close(struct regioi_rq *rq);

/* Puts the stream socket 'fd' behind the RQ's descriptor. Returns 0 or negative errno. */
int regioi_socket_replace(struct regioi_rq *rq, int fd);
/*
 * A stream socket tells of each byte: with SO_RCVLOWAT the last of a receive, or all of a short
 * one, could be there without an event.
 */
void regioi_socket_tell_all(struct regioi_rq *rq);
/* Whether the descriptor still is the RQ's socket. */
bool regioi_socket_is_ours(const struct regioi_rq *rq);
/* Whether its number is another file's. */
bool regioi_socket_number_is_taken(const struct regioi_rq *rq);

/* Whether they are on, whoever has done it. */
bool regioi_socket_joins_receives(const struct regioi_rq *rq);
/* Turns receive trains on, where nothing set on the socket forbids it. Returns whether they are. */
bool regioi_socket_join_receives(const struct regioi_rq *rq);
/* Has the kernel tell where messages were sent to, for local address slices. */
void regioi_socket_want_local(struct regioi_rq *rq);
/* The bound address; true once it has a port. */
bool regioi_socket_local(const struct regioi_rq *rq, union regioi_address *ret_address);
/* Whether it has a peer. */
bool regioi_socket_is_connected(const struct regioi_rq *rq);
/* The addresses of both ends, as far as they fit; true once there is a peer. */
bool regioi_socket_names(const struct regioi_rq *rq, union regioi_address *ret_local,
			 union regioi_address *ret_peer);

/* Lets receives poll the device, as the driver was asked to. Returns 0 or -EPERM, explained. */
int regioi_socket_busy_poll(struct regioi_rq *rq, const struct regioi_driver *driver);

#endif
