/* SPDX-License-Identifier: MIT */
/*
 * Control messages: reading those of the program, hiding those of the library.
 */
#ifndef REGIO_DGRAM_CONTROL_H
#define REGIO_DGRAM_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "mem/area.h"

/* Control messages that the library has requested from the kernel, and the program must not see. */
#define REGIOI_HIDE_TRAIN 0x1u		/* UDP_GRO */
#define REGIOI_HIDE_DESTINATION 0x2u	/* IP_ORIGDSTADDR */
#define REGIOI_HIDE_DESTINATION_V6 0x4u /* IPV6_ORIGDSTADDR */

/* The messages of a control slice of the program, without its head. */
struct regioi_control_span {
	uint8_t *data;
	size_t length;
};

/*
 * Finds the control messages in a send's slice of 'slice_length' bytes. Returns 0, or -EINVAL if
 * total_length is impossible. The messages themselves are checked by the kernel.
 */
int regioi_control_from_user(uint8_t *slice, uint32_t slice_length,
			     struct regioi_control_span *ret_span);

/* Whether sends that all have these control messages may be joined into a train. */
bool regioi_control_joinable(const struct regioi_control_span *span);

/*
 * Copies the messages that the kernel delivered to the program's slice, without those to hide.
 * Returns whether something did not fit.
 */
bool regioi_control_to_user(struct msghdr *header, uint32_t hidden, uint8_t *slice,
			    uint32_t slice_length);

/* The length of the messages of a received train, or 0 for a single message. */
uint32_t regioi_control_segment(struct msghdr *header);

/*
 * Gets the address that the message was sent to, in the form used by a socket of the family of the
 * sender's address. Returns false, with *ret_address unchanged, if the kernel has not reported it.
 */
bool regioi_control_local_address(struct msghdr *header, union regioi_address *ret_address);

/* Writes the one control message that makes a send a train; returns the length. */
size_t regioi_control_put_segment(uint8_t *at, uint16_t segment);

#endif
