/* SPDX-License-Identifier: MIT */
/*
 * The socket of a DNS responder.
 */
#include "dns.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int dns_socket(int argc, char **argv)
{
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_DGRAM};
	struct sockaddr_in6 bound = {0};
	socklen_t length = sizeof(bound);
	struct addrinfo *found;
	int error = getaddrinfo(argc > 1 ? argv[1] : "127.0.0.1", argc > 2 ? argv[2] : "0", &hints,
				&found);
	int fd = error ? -1 : socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (error) {
		fprintf(stderr, "%s\n", gai_strerror(error));
		exit(1);
	}
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) ||
	    getsockname(fd, (void *)&bound, &length)) {
		perror("socket");
		exit(1);
	}
	freeaddrinfo(found);
	printf("port %d\n", ntohs(bound.sin6_port));
	fflush(stdout);
	return fd;
}
