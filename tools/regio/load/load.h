/* SPDX-License-Identifier: MIT */
/*
 * regio load: traffic for `regio serve`, or for any echo server, and what became
 * of it.
 *
 * Closed loop: each connection has a number of messages on their way, and sends
 * the next when one has come back. Open loop: message k is due at a time that
 * nothing can delay, and its latency is counted from then, so neither this side
 * nor the other can hide that it fell behind.
 */
#ifndef REGIO_LOAD_LOAD_H
#define REGIO_LOAD_LOAD_H

#include <stdbool.h>
#include <stdio.h>

#include "address.h"
#include "address_list.h"
#include "arguments.h"
#include "counter.h"
#include "crew.h"
#include "latency.h"
#include "numbers.h"
#include "playback.h"
#include "protocol.h"
#include "sequence.h"
#include "station.h"

#define LOAD_CONNECTIONS_MAX 10000u

struct load_options {
	const char *host; /* NULL: those of the list */
	const char *list_path;
	enum serve_mode mode;
	bool tcp;
	uint16_t port;
	uint32_t size;
	uint32_t depth;
	uint32_t connections; /* to each address */
	uint64_t rate;	      /* messages a second, in all; 0: closed loop, or as many as go */
	double seconds;	      /* 0: to the end of the playback */
	const char *playback_path;
	bool timestamps;     /* of the kernel, by plain calls */
	int ttl;	     /* of what goes to a group */
	uint32_t timeout_ms; /* without an answer, a message is lost */
	bool spin;
	const char *bind; /* the local address; NULL: the kernel's choice */
	const char *interface;
	struct number_list cpus;
	const char *json_path;
	const char *plot_path;
	const char *hgrm_path;
	const char *log_path;
};

/* One that answers: the server, or one of those that have joined a group. */
struct load_member {
	struct address address;
	bool greeted; /* it is `regio serve`, over UDP */
	bool counted;
	struct note counts; /* the server's, where it counts */
	uint64_t cookie;
	struct sequence answers;
};

struct load_connection {
	int fd;
	const struct address *address;
	bool group; /* its socket is not connected: answers come from the members */
	struct load_member *members;
	uint32_t member_count;
	struct regio_rq *rq;
	struct stamps *stamps; /* NULL without --timestamps */
	bool over;	       /* a stream that has ended or failed */
	bool ended;	       /* in good order: the other side has read everything */
	bool shut;	       /* a stream that has been ended by us */
	uint64_t sent;	       /* also the number of the next message */
	uint64_t sends_done;
	uint64_t waiting; /* answers neither here nor given up */
	uint64_t heard_ns;
};

struct load;

/* How messages move. Each returns 0, or -1 after saying why. */
struct load_carrier {
	int (*open)(struct load *load);
	/* The next message of the connection, of 'bytes', made at 'made_ns'. */
	int (*send)(struct load *load, struct load_connection *connection, uint32_t bytes,
		    uint64_t made_ns);
	/* Starts what waits, and takes what has come; returns how many, and -1 alike. */
	int (*progress)(struct load *load);
	int (*wait)(struct load *load, uint64_t nap_ns);
	void (*close)(struct load *load);
};

/* Request queues of regio; plain calls, which have the kernel's time stamps. */
extern const struct load_carrier load_queues;
extern const struct load_carrier load_plain;

/* With --timestamps: what the round trip is made of. */
struct load_stages {
	struct histogram left; /* from the call until it left */
	struct histogram away; /* until the answer came */
	struct histogram read; /* until this program had it */
	uint64_t odd;	       /* stamps that were before others that they follow */
};

struct load {
	const struct load_options *options;
	struct address_list addresses;
	struct playback playback;
	struct load_connection *connections;
	uint32_t connection_count;
	bool open_loop;	    /* messages are due at times */
	uint32_t size_most; /* of messages */
	bool named;	    /* requests have addresses: some connection is to a group */
	const struct load_carrier *carrier;
	struct load_stages *stages; /* or NULL */
	struct station station;
	uint32_t window; /* slots for each direction of a connection */
	uint32_t receives;
	uint32_t sends;
	uint64_t now_ns;
	uint64_t start_ns;
	uint64_t end_ns;    /* nothing is sent from here on */
	uint64_t done_ns;   /* when the last was sent, or came */
	uint64_t due;	    /* open loop: messages that have been due */
	uint64_t behind_ns; /* the most one was was sent late */
	uint64_t odd;	    /* what came and was no message of ours */
	uint64_t refused;   /* told by the other host that nobody listens */
	uint64_t failed;    /* sends the kernel refused */
	uint64_t pause_ns;  /* the longest this program did not run */
	uint64_t drops;	    /* of datagrams, by the kernel, for want of room in our sockets */
	uint64_t unread;    /* sockets with datagrams that were not read */
	uint64_t over;	    /* streams that ended before they should */
	int error;	    /* of the last of them */
	uint64_t tick_ns;
	counter sent;
	counter received;
	counter received_bytes;
	counter sent_bytes;
	struct latency latency;
	uint64_t shown_sent;
	uint64_t shown_received;
	FILE *log; /* a line each second, or NULL */
	uint64_t logged_s;
};

struct load_totals {
	uint64_t sent;	   /* by the side that sends messages */
	uint64_t expected; /* of them, by all members of groups together */
	uint64_t received;
	uint64_t lost;
	uint64_t reordered;
	uint64_t duplicated;
	bool known; /* the other side has told its part, where it has one */
	/* Of an echo: where messages were lost. */
	bool ways_known;
	uint64_t lost_there;
	uint64_t lost_back;
	uint64_t server_pause_us; /* the longest the server did not run */
};

/* argv[0] is "load". Returns the exit status: 0, 1 for a failure, 2 for wrong usage. */
int load_command(int argc, char **argv);

/* Returns -1 to go on, or the exit status. */
int load_options_parse(int argc, char **argv, struct load_options *ret_options);

/* Opens, connects and greets. Returns 0, or -1 after saying why. */
int load_connect(struct load *load);

/* Frees what load_connect() has opened. */
void load_disconnect(struct load *load);

/*
 * Asks a UDP server what it has counted: a sink for each connection, an echo server for those
 * where something is missing.
 */
void load_ask_counts(struct load *load);

/* Has connection->members filled by those of the group that answer. The same, or an errno value. */
int load_greet_group(struct load *load, struct load_connection *connection);

/* What has come on a connection; 'from' is the sender, where it is to a group. */
void load_take(struct load *load, struct load_connection *connection, const struct address *from,
	       const uint8_t *data, uint32_t bytes);

/* A receive or the send of a message that has failed; the latter also when it has not: 0. */
void load_take_error(struct load *load, struct load_connection *connection, int status);
void load_take_sent(struct load *load, struct load_connection *connection, int status);

/* The stream is over. That is so in good order where we have said that it is enough. */
void load_end_stream(struct load *load, struct load_connection *connection, int status);

/* Sends for what has come or gone, where a number of messages is to be in transit. */
int load_fill(struct load *load, struct load_connection *connection);

/* Closed loop: the next message is sent for an answer. */
static inline bool load_is_closed_loop(const struct load *load)
{
	return load->options->mode == SERVE_ECHO && !load->open_loop;
}

/* "64 bytes", or from the shortest to the longest of a playback. */
struct number_text load_sizes(const struct load *load);

/* Where to, for people: the address, or how many there are. */
struct address_text load_where(const struct load *load);

/* The work. Returns 0, or -1 after saying why. */
int load_run(struct crew *crew, void *load);

void load_sum(const struct load *load, struct load_totals *ret_totals);

/* Says why a run has failed, if it has: 0 or -1. */
int load_judge(const struct load *load);

void load_print(FILE *file, const struct load *load);
int load_write_json(FILE *file, const struct load *load);

#endif
