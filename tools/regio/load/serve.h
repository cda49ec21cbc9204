/* SPDX-License-Identifier: MIT */
/*
 * regio serve: the other side of `regio load`, on another host perhaps.
 */
#ifndef REGIO_LOAD_SERVE_H
#define REGIO_LOAD_SERVE_H

#include <stdbool.h>

#include "address.h"
#include "arguments.h"
#include "counter.h"
#include "crew.h"
#include "protocol.h"

#define SERVE_PORT "7766"
#define SERVE_SOCKETS_MAX 1024u

struct serve_options {
	enum serve_mode mode;
	bool tcp;
	const char *bind; /* NULL: loopback */
	const char *list_path;
	uint16_t port;
	uint32_t size;	      /* the largest datagram */
	uint32_t connections; /* the most at a time */
	double seconds;	      /* 0: no end */
	bool open;	      /* echo to those who have not greeted, too */
	bool spin;
	const char *interface;
	struct number_list cpus;
	const char *json_path;
};

/* Written by the thread that serves, shown by the other. */
struct serve_counts {
	counter received;
	counter received_bytes;
	counter sent;
	counter sent_bytes;
	counter too_long;    /* datagrams */
	counter strangers;   /* messages of those who have not greeted, not answered */
	counter failed;	     /* sends and receives the kernel refused */
	counter clients;     /* connections accepted, or cookies returned */
	counter connections; /* open now */
	counter refused;     /* connections there was no room for */
	counter stalls;	     /* times data was in the socket and not found */
	counter resets;	     /* connections that ended with an error */
};

struct server_socket {
	struct address address;
	int fd;	       /* a datagram socket, or a listener */
	int answer_fd; /* of a group: what answers are sent from; else -1 */
};

struct server {
	const struct serve_options *options;
	struct server_socket *sockets;
	uint32_t socket_count;
	char engine[16]; /* that moves the messages */
	struct serve_counts counts;
	uint64_t start_ns;
	uint64_t stop_ns;      /* 0: no end */
	uint64_t pause_ns;     /* the longest the thread of a UDP server did not run */
	uint64_t kernel_drops; /* packets that found the socket full */
	uint64_t shown_messages;
	uint64_t shown_bytes;
};

/* argv[0] is "serve". Returns the exit status: 0, 1 for a failure, 2 for wrong usage. */
int serve_command(int argc, char **argv);

/* Reads "echo", "sink" or "source". Returns 0, or -1 after saying why. */
int serve_mode_read(const char *name, enum serve_mode *ret_mode);

/* Returns -1 to go on, or the exit status. */
int serve_options_parse(int argc, char **argv, struct serve_options *ret_options);

/* The work, until it is time to stop. Each returns 0, or -1 after saying why. */
int serve_udp(struct crew *crew, void *server);
int serve_tcp(struct crew *crew, void *server);

static inline bool server_stopping(const struct crew *crew, const struct server *server,
				   uint64_t now_ns)
{
	return crew_stopping(crew) || (server->stop_ns && now_ns >= server->stop_ns);
}

#endif
