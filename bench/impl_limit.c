/* SPDX-License-Identifier: MIT */
/*
 * Peer "limit": as fast as this kernel can move messages, by hand, for these cases
 * and no other. It knows its messages, its one peer and its batch, so it needs no
 * queues, no checks and no completions: what regio can approach and not pass.
 *
 * Sending: see limit_trains.h. All trains of a batch leave in one sendmmsg. A
 * sender that hands over one message at a time puts it into a ring, from which a
 * second thread sends whatever has gathered. Receiving: UDP_GRO into four staging
 * areas of 64 KiB, each train copied out into a buffer for each message, with its
 * length: what a program that keeps its messages needs.
 */
#include "gso.h"
#include "impl.h"
#include "limit_trains.h"
#include "message.h"
#include "tcp_sides.h"

#define STAGES 4
#define STAGE_BYTES GSO_ARRIVAL_BYTES_MAX
#define SLOTS 2048u
/* At once; more would leave the maker of messages without room meanwhile. */
#define JOINED_MAX 512u

/* ---- Sending ------------------------------------------------------------- */

static void stream_tx(struct bench_side *side)
{
	uint32_t batch = side->params.batch;
	struct limit_trains trains;

	limit_trains_open(&trains, side, batch);
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < batch; i++)
			limit_trains_write(&trains, i);
		limit_trains_send(&trains, 0, batch);
	}
}

/* Between the thread that makes messages and the one that sends them. */
struct ring {
	_Alignas(BENCH_CACHE_LINE_BYTES) _Atomic uint64_t made;
	_Alignas(BENCH_CACHE_LINE_BYTES) _Atomic uint64_t accepted;
	struct limit_trains trains;
};

static void *send_what_gathers(void *argument)
{
	struct ring *ring = argument;
	uint64_t accepted = 0;

	for (;;) {
		/* Pairs with the release in nodefer_tx(): the messages are whole. */
		uint64_t made = atomic_load_explicit(&ring->made, memory_order_acquire);
		uint32_t first = accepted % SLOTS;
		uint64_t count = made - accepted;

		if (count > SLOTS - first)
			count = SLOTS - first;
		if (count > JOINED_MAX)
			count = JOINED_MAX;
		if (count == 0) {
			side_relax(ring->trains.side);
			continue;
		}
		limit_trains_send(&ring->trains, first, (uint32_t)count);
		accepted += count;
		/* Pairs with the acquire in nodefer_tx(): the slots are free. */
		atomic_store_explicit(&ring->accepted, accepted, memory_order_release);
	}
	return NULL;
}

static void nodefer_tx(struct bench_side *side)
{
	struct ring *ring = side_alloc(side, sizeof(*ring));
	uint64_t made = 0;

	limit_trains_open(&ring->trains, side, SLOTS);
	side_start_thread(side, send_what_gathers, ring);
	side_start(side);
	while (side_running(side)) {
		uint64_t accepted = atomic_load_explicit(&ring->accepted, memory_order_acquire);

		if (made - accepted == SLOTS)
			side_relax(side);
		for (; made - accepted < SLOTS; made++) {
			limit_trains_write(&ring->trains, made % SLOTS);
			atomic_store_explicit(&ring->made, made + 1, memory_order_release);
		}
		side->pending = made - accepted;
	}
}

/* ---- Receiving ----------------------------------------------------------- */

struct receiver {
	struct message_track track;
	uint8_t *slots; /* a buffer for each message */
	uint32_t *lengths;
	uint32_t next_slot;
	uint8_t *stages;
	struct iovec vectors[STAGES];
	struct mmsghdr headers[STAGES];
	struct gso_control controls[STAGES];
};

/* Of socket number 'index'. */
static void receiver_open(struct receiver *receiver, struct bench_side *side, uint32_t index)
{
	gso_receive_trains(side, index);
	memset(receiver, 0, sizeof(*receiver));
	receiver->track = side->track;
	receiver->slots = side_alloc_messages(side, SLOTS);
	receiver->lengths = side_alloc(side, SLOTS * sizeof(*receiver->lengths));
	receiver->stages = side_alloc(side, STAGES * STAGE_BYTES);
	for (int i = 0; i < STAGES; i++) {
		struct msghdr *header = &receiver->headers[i].msg_hdr;

		receiver->vectors[i] =
			(struct iovec){receiver->stages + (uint32_t)i * STAGE_BYTES, STAGE_BYTES};
		header->msg_iov = &receiver->vectors[i];
		header->msg_iovlen = 1;
		header->msg_control = &receiver->controls[i];
	}
}

static void deliver(struct receiver *receiver, struct bench_side *side, const uint8_t *data,
		    uint32_t bytes)
{
	uint32_t slot = receiver->next_slot++ % SLOTS;
	uint8_t *message = receiver->slots + (uint64_t)slot * side->params.stride;

	if (bytes > side->params.stride)
		bytes = side->params.stride;
	memcpy(message, data, bytes);
	receiver->lengths[slot] = bytes;
	message_read_on(side, &receiver->track, message, receiver->lengths[slot]);
}

static void take_apart(struct receiver *receiver, struct bench_side *side, int index)
{
	struct mmsghdr *arrival = &receiver->headers[index];
	const uint8_t *data = receiver->vectors[index].iov_base;
	uint32_t segment = gso_segment_of(arrival);
	uint32_t left = arrival->msg_len;

	while (left > 0) {
		uint32_t bytes = left < segment ? left : segment;

		deliver(receiver, side, data, bytes);
		data += bytes;
		left -= bytes;
	}
}

/* Takes what is there, as far as the stages go; how many datagrams, or -1. */
static int take(struct receiver *receiver, struct bench_side *side, uint32_t index)
{
	int count;

	for (int i = 0; i < STAGES; i++)
		receiver->headers[i].msg_hdr.msg_controllen = sizeof(receiver->controls[i]);
	count = recvmmsg(side->fds[index], receiver->headers, STAGES, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++)
		take_apart(receiver, side, i);
	return count;
}

static void multicast_rx(struct bench_side *side)
{
	struct receiver *receivers = side_alloc(side, side->fd_count * sizeof(*receivers));
	struct message_track *tracks = message_tracks(side);

	for (uint32_t i = 0; i < side->fd_count; i++) {
		receiver_open(&receivers[i], side, i);
		receivers[i].track = tracks[i];
	}
	side_start(side);
	while (side_running(side)) {
		int taken = 0;

		for (uint32_t i = 0; i < side->fd_count; i++)
			taken += take(&receivers[i], side, i) > 0;
		if (taken == 0)
			side_relax(side);
	}
}

static void stream_rx(struct bench_side *side)
{
	struct receiver receiver;

	receiver_open(&receiver, side, 0);
	side_start(side);
	while (side_running(side)) {
		if (take(&receiver, side, 0) <= 0)
			side_relax(side);
	}
}

const struct bench_impl bench_impl_limit = {
	.name = "limit",
	.about = "by hand for this case, segmentation offload and all",
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
			[SHAPE_NODEFER] = {nodefer_tx, NULL},
			[SHAPE_MULTICAST] = {stream_tx, multicast_rx},
			[SHAPE_TCP_STREAM] = {limit_tcp_stream_tx, socket_tcp_stream_rx},
		},
};
