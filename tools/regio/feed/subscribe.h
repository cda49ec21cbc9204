/* SPDX-License-Identifier: MIT */
/*
 * regio feed subscribe: what is asked for, what a subscriber has seen, and how
 * that is told.
 */
#ifndef REGIO_FEED_SUBSCRIBE_H
#define REGIO_FEED_SUBSCRIBE_H

#include "arguments.h"
#include "counter.h"
#include "latency.h"
#include "line.h"
#include "session.h"
#include "station.h"

#define SUBSCRIBERS_MAX 64u

struct subscribe_options {
	struct address lines[FEED_LINES_MAX];
	uint32_t line_count;
	struct line_opts line;
	uint32_t subscribers;
	uint32_t packet_bytes; /* the largest packet taken */
	double seconds;	       /* 0: no end */
	bool until_end;
	bool from_start;
	bool spin;
	const char *json_path;
	const char *plot_path;
};

/* Returns -1 to go on, or the exit status. */
int subscribe_options_parse(int argc, char **argv, struct subscribe_options *ret_options);

/* Returns the exit status. */
int subscribe(const struct subscribe_options *options);

/* One of a subscriber's sockets. */
struct subscriber_line {
	int fd;
	struct regio_rq *rq;
	uint64_t packets; /* whole ones, heartbeats included */
	uint64_t messages;
	uint64_t heartbeats;
	uint64_t malformed;
	uint64_t too_long;   /* packets */
	uint64_t trailing;   /* packets with bytes after the last message */
	uint64_t unnumbered; /* heartbeats and ends numbered 0 */
	uint64_t drops;	     /* the kernel's count */
	uint32_t drops_read;
	unsigned interface; /* where the group was joined */
	bool gone;	    /* that interface is no longer there: nothing more is heard */
	struct regio_rq_info info;
};

struct subscriber {
	const struct subscribe_options *options;
	uint32_t number; /* from 1 */
	struct station station;
	struct subscriber_line lines[FEED_LINES_MAX];
	struct feed *feed;
	struct latency latency;
	uint64_t clock_disagrees; /* messages from the future */
	uint64_t start_ns;
	uint64_t stop_ns;
	uint64_t first_ns; /* when the first message came, and the last */
	uint64_t last_ns;
	uint64_t announced; /* lines said within this second */
	uint64_t left_out;
	/* For the live line. */
	counter messages;
	counter lost;
	counter late;
	counter kernel_drops;
	uint64_t shown;
};

/* What the session's messages became, on the terminal. */
void subscribe_print_event(const struct subscriber *subscriber, const struct feed_event *event);

void subscribe_print(FILE *file, const struct subscriber *subscribers,
		     const struct subscribe_options *options);

/* Each returns 0, or -1 after a complaint. */
int subscribe_write_json(FILE *file, const struct subscriber *subscribers,
			 const struct subscribe_options *options);
int subscribe_plot(const struct subscriber *subscribers, const struct subscribe_options *options);

#endif
