/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a line: one that sends to a group, one that has joined it.
 */
#ifndef REGIO_FEED_LINE_H
#define REGIO_FEED_LINE_H

#include <stdbool.h>

#include "address.h"

struct line_opts {
	const char *interface; /* a name; NULL: that of the group's zone, or loopback */
	int ttl;
	bool no_loop;	  /* not to receivers on this host */
	int buffer_bytes; /* to receive; asked for */
};

/* Reads the lines a command line names. Returns 0, or -1 after saying why. */
int lines_read(int count, char **names, struct address *ret_lines, uint32_t lines_max);

/* Each returns a descriptor, or -1 after saying why. An address that is no group will do. */
int line_open_sender(const struct address *group, const struct line_opts *opts);
int line_open_receiver(const struct address *group, const struct line_opts *opts);

#endif
