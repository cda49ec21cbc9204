/* SPDX-License-Identifier: MIT */
/*
 * Joining messages into trains, with no more than limit needs.
 */
#include "limit_trains.h"

#include <errno.h>

#include "gso.h"

#define COPY_BYTES_MAX 512u

void limit_trains_open(struct limit_trains *trains, struct bench_side *side, uint32_t slots)
{
	*trains = (struct limit_trains){
		.side = side,
		.stride = side->params.stride,
		.train_max = gso_train_max(side),
		.messages = side_alloc_messages(side, slots),
		.sizes = side_alloc(side, slots * sizeof(uint32_t)),
		.together = side_alloc(side, (uint64_t)slots * side->params.stride),
		.vectors = side_alloc(side, slots * sizeof(struct iovec)),
		.trains = side_alloc(side, slots * sizeof(struct mmsghdr)),
		.controls = side_alloc(side, slots * sizeof(struct gso_control)),
	};
}

static void add_message(struct limit_trains *trains, struct msghdr *train, uint32_t slot,
			bool together)
{
	uint8_t *at = trains->messages + (uint64_t)slot * trains->stride;
	uint32_t bytes = trains->sizes[slot];

	if (together) {
		memcpy(trains->together + trains->together_bytes, at, bytes);
		at = trains->together + trains->together_bytes;
		trains->together_bytes += bytes;
	}
	if (together && train->msg_iovlen > 0) {
		train->msg_iov[train->msg_iovlen - 1].iov_len += bytes;
		return;
	}
	trains->vectors[trains->vector_count++] = (struct iovec){at, bytes};
	train->msg_iovlen++;
}

/* Joins the longest run from slot 'first' on; returns where it ends. */
static uint32_t add_train(struct limit_trains *trains, uint32_t first, uint32_t end)
{
	struct msghdr *train = &trains->trains[trains->train_count].msg_hdr;
	const uint32_t *sizes = trains->sizes;
	uint32_t segment = sizes[first];
	uint32_t total = 0;
	uint32_t next = first;

	*train = (struct msghdr){.msg_iov = &trains->vectors[trains->vector_count]};
	do {
		add_message(trains, train, next, segment <= COPY_BYTES_MAX);
		total += sizes[next++];
	} while (sizes[next - 1] == segment && next < end && sizes[next] <= segment &&
		 next - first < trains->train_max && total + sizes[next] <= GSO_TRAIN_BYTES_MAX);
	if (next - first > 1)
		gso_cut(train, &trains->controls[trains->train_count], segment);
	trains->train_count++;
	return next;
}

static void send_trains(struct limit_trains *trains)
{
	struct bench_side *side = trains->side;
	uint32_t sent = 0;

	while (sent < trains->train_count) {
		int n = sendmmsg(side->fds[0], trains->trains + sent, trains->train_count - sent,
				 0);

		if (n > 0)
			sent += (uint32_t)n;
		else if (errno != ENOBUFS && errno != EINTR)
			side_fail_call(side, "sendmmsg", errno);
	}
}

void limit_trains_send(struct limit_trains *trains, uint32_t first, uint32_t count)
{
	trains->train_count = trains->vector_count = trains->together_bytes = 0;
	for (uint32_t next = first; next < first + count;)
		next = add_train(trains, next, first + count);
	send_trains(trains);
}
