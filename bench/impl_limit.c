/* SPDX-License-Identifier: MIT */
/*
 * Peer "limit": a stream as fast as this kernel can move it, by hand, for this
 * case and no other. It knows its messages, its one peer and its batch, so it
 * needs no queues, no checks and no completions: what regio can approach and not
 * pass.
 *
 * Sending: the program's messages are in buffers of their own. A run of equal
 * length (its last may be shorter) goes as one UDP_SEGMENT train, small messages
 * copied together first, because one long vector is cheaper for the kernel than
 * many short ones up to about 512 bytes. All trains of a batch leave in one
 * sendmmsg. Receiving: UDP_GRO into four staging areas of 64 KiB, each train
 * copied out into a buffer for each message, with its length: what a program
 * that keeps its messages needs.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "impl.h"
#include "message.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define TRAIN_BYTES_MAX 65400u
#define COPY_BYTES_MAX 512u
#define STAGES 4
#define STAGE_BYTES 65536u
#define SLOTS 2048u

/* ---- Sending ------------------------------------------------------------- */

struct train_control {
	_Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
};

struct sender {
	uint32_t train_max; /* messages */
	uint8_t *messages;
	uint8_t *together; /* copies of the messages of a batch, one after the other */
	struct iovec *vectors;
	struct mmsghdr *trains;
	struct train_control *controls;
	uint32_t train_count;
	uint32_t vector_count;
	uint32_t together_bytes;
};

/* Kernels take 64 or 128 segments; the longer is tried once, to ourselves. */
static uint32_t find_train_max(struct bench_side *side)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int segment = 1;
	char probe[128] = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(fd, (struct sockaddr *)&address, &bytes) ||
	    connect(fd, (struct sockaddr *)&address, bytes) ||
	    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		side_fail_call(side, "UDP_SEGMENT", errno);
	bool all = send(fd, probe, sizeof(probe), MSG_DONTWAIT) == sizeof(probe);
	close(fd);
	return all ? 128 : 64;
}

static void sender_open(struct sender *sender, struct bench_side *side)
{
	uint32_t batch = side->params.batch;

	*sender = (struct sender){
		.train_max = find_train_max(side),
		.messages = side_alloc_messages(side, batch),
		.together = side_alloc(side, (uint64_t)batch * side->params.stride),
		.vectors = side_alloc(side, batch * sizeof(struct iovec)),
		.trains = side_alloc(side, batch * sizeof(struct mmsghdr)),
		.controls = side_alloc(side, batch * sizeof(struct train_control)),
	};
}

static void add_message(struct sender *sender, struct msghdr *train, uint8_t *message,
			uint32_t bytes, bool together)
{
	uint8_t *at = message;

	if (together) {
		at = sender->together + sender->together_bytes;
		memcpy(at, message, bytes);
		sender->together_bytes += bytes;
	}
	if (together && train->msg_iovlen > 0) {
		train->msg_iov[train->msg_iovlen - 1].iov_len += bytes;
		return;
	}
	sender->vectors[sender->vector_count++] = (struct iovec){at, bytes};
	train->msg_iovlen++;
}

static void set_segment(struct sender *sender, struct msghdr *train, uint32_t segment)
{
	struct train_control *control = &sender->controls[sender->train_count];
	uint16_t value = (uint16_t)segment;
	struct cmsghdr *header;

	train->msg_control = control->bytes;
	train->msg_controllen = sizeof(control->bytes);
	header = CMSG_FIRSTHDR(train);
	header->cmsg_level = SOL_UDP;
	header->cmsg_type = UDP_SEGMENT;
	header->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(header), &value, sizeof(value));
}

/* Joins the longest run from message 'first' on; returns where it ends. */
static uint32_t add_train(struct sender *sender, const struct bench_side *side,
			  const uint32_t *sizes, uint32_t first)
{
	struct msghdr *train = &sender->trains[sender->train_count].msg_hdr;
	uint32_t segment = sizes[first];
	uint32_t total = 0;
	uint32_t next = first;

	*train = (struct msghdr){.msg_iov = &sender->vectors[sender->vector_count]};
	do {
		add_message(sender, train, sender->messages + (uint64_t)next * side->params.stride,
			    sizes[next], segment <= COPY_BYTES_MAX);
		total += sizes[next++];
	} while (sizes[next - 1] == segment && next < side->params.batch &&
		 sizes[next] <= segment && next - first < sender->train_max &&
		 total + sizes[next] <= TRAIN_BYTES_MAX);
	if (next - first > 1)
		set_segment(sender, train, segment);
	sender->train_count++;
	return next;
}

static void send_trains(struct sender *sender, struct bench_side *side)
{
	uint32_t sent = 0;

	while (sent < sender->train_count) {
		int n = sendmmsg(side->fds[0], sender->trains + sent, sender->train_count - sent,
				 0);

		if (n > 0)
			sent += (uint32_t)n;
		else if (errno != ENOBUFS && errno != EINTR)
			side_fail_call(side, "sendmmsg", errno);
	}
}

static void stream_tx(struct bench_side *side)
{
	uint32_t *sizes = side_alloc(side, side->params.batch * sizeof(*sizes));
	struct sender sender;

	sender_open(&sender, side);
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < side->params.batch; i++)
			sizes[i] = message_write(side, sender.messages +
							       (uint64_t)i * side->params.stride);
		sender.train_count = sender.vector_count = sender.together_bytes = 0;
		for (uint32_t next = 0; next < side->params.batch;)
			next = add_train(&sender, side, sizes, next);
		send_trains(&sender, side);
	}
}

/* ---- Receiving ----------------------------------------------------------- */

struct receiver {
	uint8_t *slots; /* a buffer for each message */
	uint32_t *lengths;
	uint32_t next_slot;
	uint8_t *stages;
	struct iovec vectors[STAGES];
	struct mmsghdr headers[STAGES];
	_Alignas(struct cmsghdr) uint8_t controls[STAGES][CMSG_SPACE(sizeof(int))];
};

static void receiver_open(struct receiver *receiver, struct bench_side *side)
{
	int on = 1;

	if (setsockopt(side->fds[0], SOL_UDP, UDP_GRO, &on, sizeof(on)))
		side_fail_call(side, "UDP_GRO", errno);
	memset(receiver, 0, sizeof(*receiver));
	receiver->slots = side_alloc_messages(side, SLOTS);
	receiver->lengths = side_alloc(side, SLOTS * sizeof(*receiver->lengths));
	receiver->stages = side_alloc(side, STAGES * STAGE_BYTES);
	for (int i = 0; i < STAGES; i++) {
		struct msghdr *header = &receiver->headers[i].msg_hdr;

		receiver->vectors[i] =
			(struct iovec){receiver->stages + (uint32_t)i * STAGE_BYTES, STAGE_BYTES};
		header->msg_iov = &receiver->vectors[i];
		header->msg_iovlen = 1;
		header->msg_control = receiver->controls[i];
	}
}

/* The length of each message in what arrived, which may be a single one. */
static uint32_t segment_of(struct mmsghdr *arrival)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(&arrival->msg_hdr);
	int segment = 0;

	if (header && header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO)
		memcpy(&segment, CMSG_DATA(header), sizeof(segment));
	return segment > 0 ? (uint32_t)segment : arrival->msg_len;
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
	message_read(side, message, receiver->lengths[slot]);
}

static void take_apart(struct receiver *receiver, struct bench_side *side, int index)
{
	struct mmsghdr *arrival = &receiver->headers[index];
	const uint8_t *data = receiver->vectors[index].iov_base;
	uint32_t segment = segment_of(arrival);
	uint32_t left = arrival->msg_len;

	while (left > 0) {
		uint32_t bytes = left < segment ? left : segment;

		deliver(receiver, side, data, bytes);
		data += bytes;
		left -= bytes;
	}
}

static void stream_rx(struct bench_side *side)
{
	struct receiver receiver;

	receiver_open(&receiver, side);
	side_start(side);
	while (side_running(side)) {
		for (int i = 0; i < STAGES; i++)
			receiver.headers[i].msg_hdr.msg_controllen = sizeof(receiver.controls[i]);
		int count = recvmmsg(side->fds[0], receiver.headers, STAGES, MSG_DONTWAIT, NULL);

		if (count <= 0)
			side_relax(side);
		for (int i = 0; i < count; i++)
			take_apart(&receiver, side, i);
	}
}

const struct bench_impl bench_impl_limit = {
	.name = "limit",
	.about = "by hand for this case, segmentation offload and all",
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
		},
};
