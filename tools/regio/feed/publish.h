/* SPDX-License-Identifier: MIT */
/*
 * regio feed publish: what is asked for, and its work.
 */
#ifndef REGIO_FEED_PUBLISH_H
#define REGIO_FEED_PUBLISH_H

#include "arguments.h"
#include "framing.h"
#include "line.h"
#include "session.h"

/* What UDP over IPv4 carries. */
#define FEED_PACKET_BYTES_MAX 65507u

struct publish_options {
	struct address lines[FEED_LINES_MAX];
	uint32_t line_count;
	struct line_opts line;
	uint64_t rate;	/* messages a second; 0: as many as go */
	uint64_t burst; /* messages at a time; 0: evenly */
	uint64_t count; /* messages; 0: no end */
	double seconds; /* 0: no end */
	struct range size;
	struct range per_packet;
	uint32_t packet_bytes;
	uint32_t heartbeat_ms;
	char session[FRAMING_SESSION_BYTES];
	bool spin;
	const char *json_path;
};

/* Returns -1 to go on, or the exit status. */
int publish_options_parse(int argc, char **argv, struct publish_options *ret_options);

/* Returns the exit status. */
int publish(const struct publish_options *options);

#endif
