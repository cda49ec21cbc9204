/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a line: one that sends to a group, one that has joined it. The lines of a feed,
 * and the groups of load and serve.
 */
#ifndef REGIO_TOOL_LINE_H
#define REGIO_TOOL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

#define LINE_SOURCES_MAX 8u

/* Those whose packets are taken; none: everybody's. */
struct line_sources {
	uint32_t count;
	struct address list[LINE_SOURCES_MAX];
};

struct line_opts {
	const char *interface; /* a name; NULL: that of the group's zone, or loopback */
	int ttl;
	bool no_loop;	  /* not to receivers on this host */
	int buffer_bytes; /* to receive; asked for */
	struct line_sources sources;
};

/* Reads the lines a command line names. Returns 0, or -1 after saying why. */
int lines_read(int count, char **names, struct address *ret_lines, uint32_t lines_max);

/*
 * Whether sources and groups fit: a source-specific group (232.0.0.0/8, ff3x::/32) needs a source,
 * and each source a group of its family. Returns 0, or -1 after saying why.
 */
int lines_check_sources(const struct address *lines, uint32_t count,
			const struct line_sources *sources);

/* Whether the source is one of that line: both are of one family, and the line is a group. */
bool line_has_source(const struct address *group, const struct address *source);

bool line_is_group(const struct address *address);

/* What to do about a failure of a call on a socket of the group; "" where nothing is known. */
const char *line_remedy(int error, const struct address *group);

/* Has a socket send to the group as 'opts' say. Returns 0, or -1 after saying why. */
int line_prepare_sender(int fd, const struct address *group, const struct line_opts *opts);

/* Each returns a descriptor, or -1 after saying why. An address that is no group will do. */
int line_open_sender(const struct address *group, const struct line_opts *opts);

/* 'ret_interface' is the number of the interface where it has joined; 0: it is no group. */
int line_open_receiver(const struct address *group, const struct line_opts *opts,
		       unsigned *ret_interface);

/*
 * False when that interface is gone. One that is made again, even with the same name, has another
 * number, and nobody has joined the group there.
 */
bool line_is_joined(unsigned interface);

#endif
