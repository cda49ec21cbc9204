/* SPDX-License-Identifier: MIT */
/*
 * udp_echo.c without a pool of slots, and polling: the lowest latency, and a core of its own. Each
 * part of the region holds an address, control data and a message, and is always under one request:
 * a receive, then the reply, then a receive again. The request's context says which part, and which
 * of the two it is. Usage: udp_by_hand [PORT [MESSAGES]]
 *
 * The control data is packet information. The socket is bound to all addresses, and a reply must
 * come from the address that the client has sent to.
 */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include <netinet/in.h>
#include <regio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 256,
	ADDRESS_BYTES = 32, /* 28 count */
	CONTROL_BYTES = 96, /* a head, and packet information of IPv4 and IPv6 */
	MESSAGE_AT = ADDRESS_BYTES + CONTROL_BYTES,
	MESSAGE_BYTES = 2048,
	SLOT_BYTES = MESSAGE_AT + MESSAGE_BYTES,
};

enum { RECEIVE, REPLY };

struct echo {
	struct regio_cq *cq;
	struct regio_rq *rq;
	uint64_t region;
	void *memory;	/* the region */
	uint64_t limit; /* 0: none */
	uint64_t answered;
};

static int post(struct echo *echo, uint32_t slot, uint64_t kind, uint32_t bytes)
{
	struct regio_buf data = {echo->region, slot * SLOT_BYTES + MESSAGE_AT, bytes};
	struct regio_extra extra = {
		.remote_address = {echo->region, slot * SLOT_BYTES, ADDRESS_BYTES},
		.control = {echo->region, slot * SLOT_BYTES + ADDRESS_BYTES, CONTROL_BYTES}};
	uint64_t context = (uint64_t)slot << 1 | kind;

	/* Deferred requests start together, at the latest when the CQ is found empty. */
	if (kind == REPLY)
		return regio_send_ex(echo->rq, &data, &extra, REGIO_MSG_DEFER, context);
	return regio_receive_ex(echo->rq, &data, &extra, REGIO_MSG_DEFER, context);
}

/* True when the message was sent to a multicast group, which cannot be the source of a reply. */
static int set_interface(struct cmsghdr *item)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(item), sizeof(v4));
		v4.ipi_ifindex = 0;
		memcpy(CMSG_DATA(item), &v4, sizeof(v4));
	} else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(item), sizeof(v6));
		if (!IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr))
			v6.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(item), &v6, sizeof(v6));
		return IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr);
	}
	return 0;
}

/*
 * What came with a message goes with the reply: packet information names the address that was
 * asked. The interface is taken out, so that the routes choose the way back.
 */
static void prepare_reply(struct echo *echo, uint32_t slot)
{
	struct regio_control *control =
		(void *)((char *)echo->memory + slot * SLOT_BYTES + ADDRESS_BYTES);
	struct msghdr header = {.msg_control = control + 1,
				.msg_controllen = control->total_length - sizeof(*control)};

	for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item;
	     item = CMSG_NXTHDR(&header, item)) {
		if (set_interface(item))
			control->total_length = sizeof(*control);
	}
}

/* Answers what is there. Returns how many requests had completed, or an error. */
static int echo_turn(struct echo *echo)
{
	struct regio_result results[64];
	int count = regio_cq_dequeue(echo->cq, results, 64);

	for (int i = 0; i < count; i++) {
		uint32_t slot = (uint32_t)(results[i].request_context >> 1);
		uint64_t kind = results[i].request_context & 1;
		int error;

		/* Not answered: a message too long for its slot, a reply refused. */
		if (kind == RECEIVE && results[i].status == 0) {
			prepare_reply(echo, slot);
			error = post(echo, slot, REPLY, results[i].bytes);
		} else {
			error = post(echo, slot, RECEIVE, MESSAGE_BYTES);
		}
		if (error < 0)
			return error;
		echo->answered += kind == REPLY && results[i].status == 0;
	}
	return count;
}

/* An IPv6 socket serves IPv4 as well. Returns the descriptor or -1. */
static int open_socket(const char *port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	address.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, length) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
		perror("socket");
		return -1;
	}
	printf("port %d\n", ntohs(address.sin6_port));
	fflush(stdout);
	return fd;
}

static int echo_open(struct echo *echo, int argc, char **argv)
{
	int fd = open_socket(argc > 1 ? argv[1] : "0");
	int error;

	if (fd < 0)
		return -1;
	*echo = (struct echo){.limit = argc > 2 ? strtoull(argv[2], NULL, 10) : 0};
	error = regio_region_allocate((size_t)SLOTS * SLOT_BYTES, NULL, &echo->region,
				      &echo->memory);
	if (error == 0)
		error = regio_cq_create(2 * SLOTS, NULL, &echo->cq);
	if (error == 0)
		error = regio_rq_create(fd, SLOTS, SLOTS, echo->cq, echo->cq, 0, NULL, &echo->rq);
	for (uint32_t slot = 0; slot < SLOTS && error == 0; slot++)
		error = post(echo, slot, RECEIVE, MESSAGE_BYTES);
	if (error < 0)
		fprintf(stderr, "%s: %s\n", regio_error_name(error), regio_last_error());
	return error < 0 ? -1 : 0;
}

static int echo_close(struct echo *echo, int error)
{
	if (error < 0)
		fprintf(stderr, "%s: %s\n", regio_error_name(error), regio_error_text(error));
	regio_rq_close(echo->rq, REGIO_CLOSE_SOCKET);
	regio_cq_close(echo->cq);
	regio_region_deregister(echo->region);
	return error < 0;
}

int main(int argc, char **argv)
{
	struct echo echo;
	int count = 0;

	if (echo_open(&echo, argc, argv) < 0)
		return 1;
	while (count >= 0 && (echo.limit == 0 || echo.answered < echo.limit))
		count = echo_turn(&echo);
	return echo_close(&echo, count);
}
