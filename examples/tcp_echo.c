/* SPDX-License-Identifier: MIT */
/*
 * TCP echo server: many connections, each with a request queue, on one completion
 * queue. Each has a buffer that is always under one request, a receive or the reply.
 * Usage: tcp_echo [PORT [CONNECTIONS]]; ends after so many, if given.
 */
#include <netinet/in.h>
#include <poll.h>
#include <regio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, BUFFER_BYTES = 16384 };
enum { RECEIVE, REPLY };

static struct regio_cq *cq;
static uint64_t region;
static struct regio_rq *connections[CONNECTIONS_MAX]; /* NULL: free */
static unsigned long ended;

static int post(uint32_t index, uint64_t kind, uint32_t bytes)
{
	struct regio_buf buffer = {region, index * BUFFER_BYTES, bytes};

	if (kind == REPLY)
		return regio_send(connections[index], &buffer, REGIO_MSG_DEFER, kind);
	return regio_receive(connections[index], &buffer, REGIO_MSG_DEFER, kind);
}

static void accept_connection(int listener)
{
	int fd = accept(listener, NULL, NULL);
	uint32_t index = 0;

	if (fd < 0)
		return;
	while (index < CONNECTIONS_MAX && connections[index])
		index++;
	/* The context of a request queue tells its connection. */
	if (index == CONNECTIONS_MAX ||
	    regio_rq_create(fd, 1, 1, cq, cq, index, NULL, &connections[index])) {
		close(fd);
		return;
	}
	post(index, RECEIVE, BUFFER_BYTES);
}

static void handle(const struct regio_result *result)
{
	uint32_t index = (uint32_t)result->rq_context;

	if (result->status == 0 && result->request_context == REPLY) {
		post(index, RECEIVE, BUFFER_BYTES);
	} else if (result->status == 0 && result->bytes > 0) {
		post(index, REPLY, result->bytes);
	} else {
		/* The end of the stream, or an error. Nothing else is outstanding. */
		regio_rq_close(connections[index], REGIO_CLOSE_SOCKET);
		connections[index] = NULL;
		ended++;
	}
}

static void serve(int listener, unsigned long limit)
{
	struct pollfd ready[2] = {{.fd = listener, .events = POLLIN},
				  {.fd = regio_cq_fd(cq), .events = POLLIN}};
	struct regio_result results[64];

	while (limit == 0 || ended < limit) {
		int count = regio_cq_dequeue(cq, results, 64);

		for (int i = 0; i < count; i++)
			handle(&results[i]);
		if (count > 0)
			continue;
		regio_cq_notify(cq);
		if (poll(ready, 2, -1) > 0 && ready[0].revents)
			accept_connection(listener);
	}
}

/* Returns the descriptor or -1. */
static int open_listener(const char *port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
	    listen(fd, CONNECTIONS_MAX) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
		perror("socket");
		return -1;
	}
	printf("port %d\n", ntohs(address.sin6_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	int listener = open_listener(argc > 1 ? argv[1] : "0");
	void *memory;

	if (listener < 0)
		return 1;
	if (regio_region_allocate(CONNECTIONS_MAX * BUFFER_BYTES, NULL, &region, &memory) ||
	    regio_cq_create(2 * CONNECTIONS_MAX, NULL, &cq)) {
		fprintf(stderr, "%s\n", regio_last_error());
		return 1;
	}
	serve(listener, argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	close(listener);
	for (uint32_t i = 0; i < CONNECTIONS_MAX; i++)
		regio_rq_close(connections[i], REGIO_CLOSE_SOCKET);
	regio_cq_close(cq);
	regio_region_deregister(region);
	return 0;
}
