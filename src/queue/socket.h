/* SPDX-License-Identifier: MIT */
/*
 * Everything done with a socket except moving data: identity, options, names.
 */
#ifndef REGIO_QUEUE_SOCKET_H
#define REGIO_QUEUE_SOCKET_H

#include "queue/driver.h"
#include "queue/rq.h"
#include "regio.h"

/* Fills in what an RQ must know about its socket. Returns 0 or an explained error. */
int regioi_socket_open(struct regioi_rq *rq, int fd, const struct regio_rq_opts *opts);
/*
 * Raises SO_RCVBUF of a datagram socket to fit 'receives' messages, as far as allowed, unless the
 * program has set it.
 */
void regioi_socket_size_buffer(struct regioi_rq *rq, uint32_t receives);
/*
 * Restores the options that were changed, and discards joined messages. Undoes
 * regioi_socket_open().
 */
void regioi_socket_close(struct regioi_rq *rq);

/*
 * Replaces the file of the RQ's descriptor by the stream socket 'fd'. Returns 0 or negative errno.
 */
int regioi_socket_replace(struct regioi_rq *rq, int fd);
/*
 * Makes a stream socket report each byte: with a higher SO_RCVLOWAT the last bytes of a receive, or
 * all of a short one, could arrive without an event.
 */
void regioi_socket_report_all(struct regioi_rq *rq);
/* Whether the descriptor still is the RQ's socket. */
bool regioi_socket_is_ours(const struct regioi_rq *rq);
/* Whether the descriptor's number is used for another file now. */
bool regioi_socket_number_is_taken(const struct regioi_rq *rq);

/* Whether receive trains are on, no matter who turned them on. */
bool regioi_socket_joins_receives(const struct regioi_rq *rq);
/*
 * Turns receive trains on, unless an option of the socket forbids it. Returns whether they are on.
 */
bool regioi_socket_join_receives(const struct regioi_rq *rq);
/* Makes the kernel report the address messages were sent to, for local address slices. */
void regioi_socket_want_local(struct regioi_rq *rq);
/* Gets the bound address; true once it has a port. */
bool regioi_socket_local(const struct regioi_rq *rq, union regioi_address *ret_address);
/* Whether it has a peer. */
bool regioi_socket_is_connected(const struct regioi_rq *rq);
/* Gets the addresses of both ends, as far as they fit; true once there is a peer. */
bool regioi_socket_names(const struct regioi_rq *rq, union regioi_address *ret_local,
			 union regioi_address *ret_peer);

/*
 * Makes receives poll the device, if the driver was created to do so. Returns 0 or -EPERM,
 * explained.
 */
int regioi_socket_busy_poll(struct regioi_rq *rq, const struct regioi_driver *driver);

#endif
