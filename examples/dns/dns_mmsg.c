/* SPDX-License-Identifier: MIT */
/*
 * A DNS responder that receives and sends up to 64 messages with one call.
 */
#include "dns.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum { BATCH = 64 };

static uint8_t data[BATCH][DNS_BYTES];
static struct sockaddr_in6 senders[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr received[BATCH], replies[BATCH];

static void prepare(void)
{
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){data[i], DNS_BYTES};
		received[i].msg_hdr = (struct msghdr){.msg_name = &senders[i],
						      .msg_namelen = sizeof(senders[i]),
						      .msg_iov = &parts[i],
						      .msg_iovlen = 1};
	}
}

int main(int argc, char **argv)
{
	int fd = dns_socket(argc, argv);

	for (;;) {
		int count, ready = 0, sent = 0;

		prepare();
		count = recvmmsg(fd, received, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < count; i++) {
			parts[i].iov_len = dns_answer(data[i], received[i].msg_len);
			if (parts[i].iov_len)
				replies[ready++].msg_hdr = received[i].msg_hdr;
		}
		while (sent < ready) {
			int more = sendmmsg(fd, replies + sent, (unsigned int)(ready - sent), 0);

			/* The first of them was refused. */
			if (more < 0)
				perror("sendmmsg");
			sent += more > 0 ? more : 1;
		}
	}
}
