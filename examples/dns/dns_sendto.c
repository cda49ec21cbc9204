/* SPDX-License-Identifier: MIT */
/*
 * A DNS responder with one call to receive and one to send for each query.
 */
#include "dns.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	int fd = dns_socket(argc, argv);
	struct sockaddr_in6 sender;
	uint8_t message[DNS_BYTES];

	for (;;) {
		socklen_t sender_length = sizeof(sender);
		ssize_t bytes =
			recvfrom(fd, message, DNS_BYTES, 0, (void *)&sender, &sender_length);
		uint32_t length = bytes < 0 ? 0 : dns_answer(message, (uint32_t)bytes);

		if (length && sendto(fd, message, length, 0, (void *)&sender, sender_length) < 0)
			perror("sendto");
	}
}
