/* SPDX-License-Identifier: MIT */
/*
 * Segmentation and receive offload of UDP, as the peers that use them by hand share
 * it: a train is one buffer that the kernel cuts into messages of one length, and
 * puts together again.
 */
#ifndef BENCH_GSO_H
#define BENCH_GSO_H

#include <sys/socket.h>

#include "side.h"

/* With more, the kernel quietly sends the messages one by one. */
#define GSO_TRAIN_BYTES_MAX 65400u
/* What a train that arrives may have. */
#define GSO_ARRIVAL_BYTES_MAX 65536u

/* Of one message header: room for the length of a segment, to the kernel or from it. */
struct gso_control {
	_Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

/* How many messages a train of this kernel may have: 64 or 128. */
uint32_t gso_train_max(struct bench_side *side);

/* Has the kernel cut what 'header' sends into segments. */
void gso_cut(struct msghdr *header, struct gso_control *control, uint32_t segment);

/* Has a socket take trains whole. */
void gso_receive_trains(struct bench_side *side, uint32_t index);

/* The length of each message in what arrived, the last of which may be shorter. */
uint32_t gso_segment_of(struct mmsghdr *arrival);

#endif
