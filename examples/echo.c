/* SPDX-License-Identifier: MIT */
/*
 * A UDP echo server without its loop, which each of the examples adds.
 */
#include "echo.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 256, MESSAGE_BYTES = 2048 };

int echo_turn(struct echo *echo)
{
	struct regio_slot messages[64];
	int count = regio_slots_dequeue(echo->slots, messages, 64);

	/* Replies are deferred: they start together, at the latest when the CQ is found empty. */
	for (int i = 0; i < count; i++) {
		if (regio_slots_reply(echo->slots, &messages[i], messages[i].length) == 0)
			echo->answered++;
	}
	return count;
}

int echo_finished(const struct echo *echo)
{
	return echo->limit != 0 && echo->answered >= echo->limit;
}

/* An IPv6 socket serves IPv4 as well. Returns the descriptor or -1. */
static int open_socket(const char *port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
		perror("socket");
		return -1;
	}
	printf("port %d\n", ntohs(address.sin6_port));
	fflush(stdout);
	return fd;
}

int echo_open(struct echo *echo, int argc, char **argv)
{
	int fd = open_socket(argc > 1 ? argv[1] : "0");

	if (fd < 0)
		return -1;
	*echo = (struct echo){.limit = argc > 2 ? strtoull(argv[2], NULL, 10) : 0};
	if (regio_cq_create(2 * SLOTS, NULL, &echo->cq) ||
	    regio_rq_create(fd, SLOTS, SLOTS, echo->cq, echo->cq, 0, NULL, &echo->rq) ||
	    regio_slots_create(echo->cq, SLOTS, MESSAGE_BYTES, NULL, &echo->slots) ||
	    regio_slots_attach(echo->slots, echo->rq, SLOTS)) {
		fprintf(stderr, "%s\n", regio_last_error());
		return -1;
	}
	return 0;
}

int echo_close(struct echo *echo, int error)
{
	if (error < 0)
		fprintf(stderr, "%s: %s\n", regio_error_name(error), regio_error_text(error));
	/* In this order: replies that are queued are sent, then their memory ends. */
	regio_rq_close(echo->rq, REGIO_CLOSE_SOCKET);
	regio_slots_close(echo->slots);
	regio_cq_close(echo->cq);
	return error < 0;
}
