/* SPDX-License-Identifier: MIT */
/*
 * Control messages: reading the user's, hiding ours.
 */
#ifndef REGIO_DGRAM_CONTROL_H
#define REGIO_DGRAM_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "mem/area.h"

/* Control messages the library asked the kernel for, which the user must not see. */
#define REGIOI_HIDE_TRAIN 0x1u		/* UDP_GRO */
#define REGIOI_HIDE_DESTINATION 0x2u	/* IP_ORIGDSTADDR */
#define REGIOI_HIDE_DESTINATION_V6 0x4u /* IPV6_ORIGDSTADDR */

/* The messages of a user's control slice, without its head. */
struct regioi_control_span {
	uint8_t *data;
	size_t length;
};

/*
 * Finds the control messages in a send's slice of 'slice_length' bytes. Returns 0, or -EINVAL when
 * total_length is impossible. What lies inside is checked by the kernel.
 */
int regioi_control_from_user(uint8_t *slice, uint32_t slice_length,
			     struct regioi_control_span *ret_span);

/* Whether equal messages like these may ride on the messages of one train. */
bool regioi_control_joinable(const struct regioi_control_span *span);

/*
 * Copies what the kernel delivered to the user's slice, without what is hidden. Returns whether
 * something had to be left out.
 */
bool regioi_control_to_user(struct msghdr *header, uint32_t hidden, uint8_t *slice,
			    uint32_t slice_length);

/* The length of the messages of a received train, or 0 when it is a lone message. */
uint32_t regioi_control_segment(struct msghdr *header);

/*
 * Where the message was sent to, as a socket of the family that its sender's name has would call
 * it. Returns false, with *ret_address as it was, where the kernel has not told.
 */
bool regioi_control_local_address(struct msghdr *header, union regioi_address *ret_address);

/* Writes the one control message that makes a send a train; returns the length. */
size_t regioi_control_put_segment(uint8_t *at, uint16_t segment);

#endif
