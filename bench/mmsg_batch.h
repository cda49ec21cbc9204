/* SPDX-License-Identifier: MIT */
/*
 * A batch for recvmmsg and sendmmsg, as the peers that use them share it: 64
 * messages in buffers of their own.
 */
#ifndef BENCH_MMSG_BATCH_H
#define BENCH_MMSG_BATCH_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "message.h"

/* Customary; from 8 to 256, the CPU time for a message stays within 3 per cent. */
#define MMSG_BATCH 64

struct mmsg_batch {
	struct mmsghdr headers[MMSG_BATCH];
	struct iovec vectors[MMSG_BATCH];
	struct sockaddr_in names[MMSG_BATCH];
};

/* With names, for sockets that are not connected. */
void mmsg_batch_open(struct mmsg_batch *batch, struct bench_side *side, bool names);

/* Writes 64 messages. */
void mmsg_batch_write(struct mmsg_batch *batch, struct bench_side *side);

/*
 * Sends the first 'count', retrying what a call leaves over. With MSG_DONTWAIT,
 * returns how many were sent before the socket was full, else 'count'.
 */
unsigned mmsg_batch_send(struct mmsg_batch *batch, struct bench_side *side, unsigned count,
			 int flags);

/* Makes room for whole messages again after mmsg_batch_echo(). */
void mmsg_batch_reset(struct mmsg_batch *batch, struct bench_side *side, unsigned count);

/* Turns 'count' received messages into answers of the same length to the same peers. */
void mmsg_batch_echo(struct mmsg_batch *batch, unsigned count);

/* Up to 64 messages; how many, or -1 when there are none (EAGAIN, EINTR). */
int mmsg_batch_receive(struct mmsg_batch *batch, struct bench_side *side, int flags);

/* The same on socket number 'index'. */
int mmsg_batch_receive_on(struct mmsg_batch *batch, struct bench_side *side, uint32_t index,
			  int flags);

/* Accounts for 'count' received messages. */
void mmsg_batch_read(const struct mmsg_batch *batch, struct bench_side *side, unsigned count);

/*
 * Takes what one of several sockets has, 64 messages at most, and accounts for it;
 * returns how many there were.
 */
unsigned mmsg_batch_take(struct mmsg_batch *batch, struct bench_side *side, uint32_t index,
			 struct message_track *track);

#endif
