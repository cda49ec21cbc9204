/* SPDX-License-Identifier: MIT */
/*
 * TCP echo server: up to 1,000 connections, each with a request queue, on one completion queue and
 * one pool of slots. Usage: tcp_echo [PORT]
 */
#include <netinet/in.h>
#include <poll.h>
#include <regio_slots.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct regio_cq *cq;
static struct regio_slots *slots;

static void accept_connection(int listener)
{
	int fd = accept(listener, NULL, NULL);
	struct regio_rq *rq;

	if (regio_rq_create(fd, 1, 1, cq, cq, 0, NULL, &rq) == 0)
		regio_slots_attach(slots, rq, 1);
	else if (fd >= 0)
		close(fd); /* too many */
}

static void echo(const struct regio_slot *slot)
{
	if (slot->status == 0 && slot->length > 0) {
		regio_slots_reply(slots, slot, slot->length);
	} else { /* the end of the stream, or an error */
		regio_slots_free(slots, slot);
		regio_rq_close(slot->rq, REGIO_CLOSE_SOCKET);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET6, SOCK_STREAM, 0), count = 0;
	struct pollfd ready[2] = {{listener, POLLIN, 0}, {-1, POLLIN, 0}};
	struct regio_slot got[64];

	address.sin6_port = htons(argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 7777);
	if (bind(listener, (void *)&address, length) || listen(listener, 64) ||
	    getsockname(listener, (void *)&address, &length))
		return perror("socket"), 1;
	if (regio_cq_create(2000, NULL, &cq) || regio_slots_create(cq, 1000, 16384, NULL, &slots))
		return puts(regio_last_error()), 1;
	dprintf(1, "port %d\n", ntohs(address.sin6_port));
	ready[1].fd = regio_cq_fd(cq);
	while (count >= 0) {
		count = regio_slots_dequeue(slots, got, 64);
		for (int i = 0; i < count; i++)
			echo(&got[i]);
		if (count > 0)
			continue;
		regio_cq_notify(cq);
		if (poll(ready, 2, -1) > 0 && ready[0].revents)
			accept_connection(listener);
	}
	return puts(regio_last_error()), 1;
}
