/* SPDX-License-Identifier: MIT */
/*
 * extra.h - memory for the optional slices of one request, laid out in one region
 */
#ifndef REGIO_TESTS_EXTRA_H
#define REGIO_TESTS_EXTRA_H

#include "net.h"

#include <stddef.h>
#include <stdint.h>

#include <regio.h>

struct extra_memory {
	union address local_address;
	union address remote_address;
	uint32_t message_flags;
	struct regio_control control __attribute__((aligned(8))); /* its messages follow */
	uint8_t messages[504];
};

struct extra {
	struct extra_memory memory;
	uint64_t region;
	struct regio_extra slices; /* all four, the control slice at full length */
};

void extra_open(struct extra *extra);
void extra_close(struct extra *extra);

/* The slice of one member. */
#define EXTRA_SLICE(extra, member)                                                                 \
	((struct regio_buf){(extra)->region, offsetof(struct extra_memory, member),                \
			    sizeof((extra)->memory.member)})

/* Appends a control message that holds one int, or any bytes. */
void add_control(struct extra *extra, int level, int type, const void *data, size_t length);
void add_control_int(struct extra *extra, int level, int type, int value);
/* How many control messages there are; fails the case when the slice is malformed. */
unsigned int count_control(const struct extra *extra);
/* The data of the message of that kind and at least 'length' bytes, or NULL. */
const void *find_control(const struct extra *extra, int level, int type, size_t length);

#endif
