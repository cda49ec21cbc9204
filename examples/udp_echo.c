/* SPDX-License-Identifier: MIT */
/*
 * The example of README.md: a UDP echo server for IPv4 and IPv6. Usage: udp_echo [PORT]
 * The README shows the file from the first include on, letter for letter.
 */
#include <netinet/in.h>
#include <regio_slots.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), count = 0;
	struct regio_slot messages[64];
	struct regio_slots *slots;
	struct regio_cq *cq;
	struct regio_rq *rq;

	address.sin6_port = htons(argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 7777);
	if (bind(fd, (void *)&address, length) || getsockname(fd, (void *)&address, &length))
		return perror("bind"), 1;
	if (regio_cq_create(512, NULL, &cq) ||
	    regio_rq_create(fd, 256, 256, cq, cq, 0, NULL, &rq) ||
	    regio_slots_create(cq, 256, 2048, NULL, &slots) || regio_slots_attach(slots, rq, 256))
		return puts(regio_last_error()), 1;
	dprintf(1, "port %d\n", ntohs(address.sin6_port));
	while (count >= 0) {
		count = regio_slots_dequeue(slots, messages, 64);
		for (int i = 0; i < count; i++)
			regio_slots_reply(slots, &messages[i], messages[i].length);
		if (count == 0)
			regio_cq_wait(cq, 1, 0, -1);
	}
	return puts(regio_last_error()), 1;
}
