/* SPDX-License-Identifier: MIT */
/*
 * Peer "gso": segmentation offload by hand, as the authors of QUIC stacks and VPNs
 * write it.
 *
 * A sender writes its messages one after the other into one buffer, as they build
 * their packets, so nothing has to be copied together: a run of equal length (its
 * last may be shorter) leaves as one UDP_SEGMENT train, all trains of a batch in
 * one sendmmsg. A receiver has UDP_GRO on, takes what is there by recvmmsg, and
 * reads each message where it lies in the train. A server sends an arrival back
 * from there, as the train it was.
 *
 * There is no side for cases of one message at a time on each socket: "socket" and
 * "epoll" are how these authors write those.
 */
#include <errno.h>
#include <netinet/in.h>

#include "gso.h"
#include "impl.h"
#include "message.h"
#include "pace.h"

/* Trains at once: few buffers stay in the cache. Single messages: as many as mmsg takes. */
#define TRAINS 4u
#define ARRIVALS 64u
/* A power of two would put the first lines of all into the same few sets of the cache. */
#define BUFFER_BYTES (GSO_ARRIVAL_BYTES_MAX + 2112u)

/* ---- Sending ------------------------------------------------------------- */

struct sender {
	struct bench_side *side;
	uint32_t train_max;
	uint8_t *messages; /* one after the other */
	struct mmsghdr *trains;
	struct iovec *vectors;
	struct gso_control *controls;
	uint32_t train_count;
	/* Of the last train. */
	uint32_t segment;
	uint32_t segments;
	bool complete; /* its last message is shorter than the others */
};

static void sender_open(struct sender *sender, struct bench_side *side, uint32_t batch)
{
	*sender = (struct sender){
		.side = side,
		.train_max = gso_train_max(side),
		.messages = side_alloc(side, (uint64_t)batch * side->params.size),
		.trains = side_alloc(side, batch * sizeof(*sender->trains)),
		.vectors = side_alloc(side, batch * sizeof(*sender->vectors)),
		.controls = side_alloc(side, batch * sizeof(*sender->controls)),
	};
}

static bool goes_along(const struct sender *sender, uint32_t bytes)
{
	return sender->train_count > 0 && !sender->complete && bytes <= sender->segment &&
	       sender->segments < sender->train_max &&
	       sender->vectors[sender->train_count - 1].iov_len + bytes <= GSO_TRAIN_BYTES_MAX;
}

/* Accounts for a message that has been written after the one before. */
static void add_message(struct sender *sender, uint8_t *message, uint32_t bytes)
{
	uint32_t last = sender->train_count - 1;

	if (goes_along(sender, bytes)) {
		sender->vectors[last].iov_len += bytes;
		if (++sender->segments == 2)
			gso_cut(&sender->trains[last].msg_hdr, &sender->controls[last],
				sender->segment);
		sender->complete = bytes < sender->segment;
		return;
	}
	last = sender->train_count++;
	sender->vectors[last] = (struct iovec){message, bytes};
	sender->trains[last].msg_hdr =
		(struct msghdr){.msg_iov = &sender->vectors[last], .msg_iovlen = 1};
	sender->segment = bytes;
	sender->segments = 1;
	sender->complete = false;
}

static void send_all(struct bench_side *side, struct mmsghdr *headers, uint32_t count)
{
	uint32_t sent = 0;

	while (sent < count) {
		int n = sendmmsg(side->fds[0], headers + sent, count - sent, 0);

		if (n > 0)
			sent += (uint32_t)n;
		else if (errno != ENOBUFS && errno != EINTR)
			side_fail_call(side, "sendmmsg", errno);
	}
}

static void stream_tx(struct bench_side *side)
{
	uint32_t batch = side->params.batch;
	struct sender sender;

	sender_open(&sender, side, batch);
	side_start(side);
	while (side_running(side)) {
		uint8_t *next = sender.messages;

		sender.train_count = 0;
		for (uint32_t i = 0; i < batch; i++) {
			uint32_t bytes = message_write(side, next);

			add_message(&sender, next, bytes);
			next += bytes;
		}
		send_all(side, sender.trains, sender.train_count);
	}
}

/* There is nothing to join: one message is due at a time. */
static void paced_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);

	side_start(side);
	while (pace_next(side)) {
		if (send(side->fds[0], message, message_write(side, message), 0) < 0)
			side_fail_call(side, "send", errno);
		pace_done(side);
	}
}

/* ---- Receiving ----------------------------------------------------------- */

struct receiver {
	uint32_t count;
	struct mmsghdr headers[ARRIVALS];
	struct iovec vectors[ARRIVALS];
	struct sockaddr_in names[ARRIVALS];
	struct gso_control controls[ARRIVALS];
};

static void receiver_open(struct receiver *receiver, struct bench_side *side, uint32_t count,
			  bool names)
{
	uint8_t *buffers = side_alloc(side, (uint64_t)count * BUFFER_BYTES);

	memset(receiver, 0, sizeof(*receiver));
	receiver->count = count;
	for (uint32_t i = 0; i < side->fd_count; i++)
		gso_receive_trains(side, i);
	for (uint32_t i = 0; i < count; i++) {
		struct msghdr *header = &receiver->headers[i].msg_hdr;

		receiver->vectors[i].iov_base = buffers + (uint64_t)i * BUFFER_BYTES;
		header->msg_iov = &receiver->vectors[i];
		header->msg_iovlen = 1;
		header->msg_name = names ? &receiver->names[i] : NULL;
	}
}

/* Takes what is there; how many arrivals, or -1. */
static int take(struct receiver *receiver, struct bench_side *side, uint32_t index, int flags)
{
	int count;

	for (uint32_t i = 0; i < receiver->count; i++) {
		struct msghdr *header = &receiver->headers[i].msg_hdr;

		receiver->vectors[i].iov_len = GSO_ARRIVAL_BYTES_MAX;
		header->msg_control = &receiver->controls[i];
		header->msg_controllen = sizeof(receiver->controls[i]);
		header->msg_namelen = header->msg_name ? sizeof(receiver->names[i]) : 0;
	}
	count = recvmmsg(side->fds[index], receiver->headers, receiver->count, flags, NULL);
	if (count < 0 && errno != EAGAIN && errno != EINTR)
		side_fail_call(side, "recvmmsg", errno);
	return count;
}

/* Accounts for each message of an arrival, where it lies. */
static void read_arrival(struct receiver *receiver, struct bench_side *side, int index,
			 struct message_track *track)
{
	struct mmsghdr *arrival = &receiver->headers[index];
	const uint8_t *message = receiver->vectors[index].iov_base;
	uint32_t segment = gso_segment_of(arrival);
	uint32_t left = arrival->msg_len;

	while (left > 0) {
		uint32_t bytes = left < segment ? left : segment;

		message_read_on(side, track, message, bytes);
		message += bytes;
		left -= bytes;
	}
}

static void multicast_rx(struct bench_side *side)
{
	struct message_track *tracks = message_tracks(side);
	struct receiver receiver;

	receiver_open(&receiver, side, TRAINS, false);
	side_start(side);
	while (side_running(side)) {
		int taken = 0;

		for (uint32_t i = 0; i < side->fd_count; i++) {
			int count = take(&receiver, side, i, MSG_DONTWAIT);

			for (int j = 0; j < count; j++)
				read_arrival(&receiver, side, j, &tracks[i]);
			taken += count > 0;
		}
		if (taken == 0)
			side_relax(side);
	}
}

static void stream_rx(struct bench_side *side)
{
	struct receiver receiver;

	receiver_open(&receiver, side, TRAINS, false);
	side_start(side);
	while (side_running(side)) {
		int count = take(&receiver, side, 0, MSG_DONTWAIT);

		for (int i = 0; i < count; i++)
			read_arrival(&receiver, side, i, &side->track);
		if (count <= 0)
			side_relax(side);
	}
}

/* Of single sends the kernel makes no trains. */
static void paced_rx(struct bench_side *side)
{
	struct receiver receiver;

	receiver_open(&receiver, side, ARRIVALS, false);
	side_start(side);
	while (side_running(side)) {
		int count = take(&receiver, side, 0, MSG_WAITFORONE);

		for (int i = 0; i < count; i++)
			pace_read(side, receiver.vectors[i].iov_base, receiver.headers[i].msg_len);
	}
}

/* Turns an arrival into its answer; returns how many messages it has. */
static uint32_t answer(struct receiver *receiver, int index)
{
	struct mmsghdr *arrival = &receiver->headers[index];
	uint32_t segment = gso_segment_of(arrival);

	receiver->vectors[index].iov_len = arrival->msg_len;
	if (segment == arrival->msg_len) {
		arrival->msg_hdr.msg_control = NULL;
		arrival->msg_hdr.msg_controllen = 0;
		return 1;
	}
	gso_cut(&arrival->msg_hdr, &receiver->controls[index], segment);
	return (arrival->msg_len + segment - 1) / segment;
}

static void fanin_rx(struct bench_side *side)
{
	struct receiver receiver;

	receiver_open(&receiver, side, ARRIVALS, true);
	side_start(side);
	while (side_running(side)) {
		int count = take(&receiver, side, 0, MSG_WAITFORONE);
		uint32_t messages = 0;

		for (int i = 0; i < count; i++)
			messages += answer(&receiver, i);
		if (count > 0)
			send_all(side, receiver.headers, (uint32_t)count);
		side_count(side, messages);
	}
}

const struct bench_impl bench_impl_gso = {
	.name = "gso",
	.about = "UDP_SEGMENT and UDP_GRO by hand, messages read where they lie",
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
			[SHAPE_PACED] = {paced_tx, paced_rx},
			[SHAPE_FANIN] = {NULL, fanin_rx},
			[SHAPE_MULTICAST] = {stream_tx, multicast_rx},
		},
};
