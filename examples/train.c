/* SPDX-License-Identifier: MIT */
/*
 * A socket sends 64 messages to itself, which pass through the network stack together, as one
 * train.
 */
#include <netinet/in.h>
#include <regio.h>
#include <stdio.h>

int main(void)
{
	struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(self);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), done = 0;
	static char memory[128 * 32];
	struct regio_result results[128];
	struct regio_cq *cq;
	struct regio_rq *rq;
	uint64_t region;

	if (bind(fd, (void *)&self, length) || getsockname(fd, (void *)&self, &length) ||
	    connect(fd, (void *)&self, length))
		return perror("socket"), 1;
	if (regio_region_register(memory, sizeof(memory), NULL, &region) ||
	    regio_cq_create(128, NULL, &cq) || regio_rq_create(fd, 64, 64, cq, cq, 0, NULL, &rq))
		return puts(regio_last_error()), 1;
	for (uint32_t i = 0; i < 64; i++) {
		regio_receive(rq, &(struct regio_buf){region, i * 32, 32}, 0, i);
		regio_send(rq, &(struct regio_buf){region, (64 + i) * 32, 32}, REGIO_MSG_DEFER,
			   64 + i);
	}
	while (done < 128 && regio_cq_wait(cq, 1, 0, 1000000000) > 0)
		done += regio_cq_dequeue(cq, results, 128);
	printf("%d of 128 requests completed\n", done);
	return done != 128 || regio_rq_close(rq, REGIO_CLOSE_SOCKET) || regio_cq_close(cq) ||
	       regio_region_deregister(region);
}
