/* SPDX-License-Identifier: MIT */
/*
 * UDP_SEGMENT and UDP_GRO.
 */
#include "gso.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* The longer train is tried once, to ourselves. */
uint32_t gso_train_max(struct bench_side *side)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int segment = 1;
	char probe[128] = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(fd, (struct sockaddr *)&address, &bytes) ||
	    connect(fd, (struct sockaddr *)&address, bytes) ||
	    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		side_fail_call(side, "UDP_SEGMENT", errno);
	bool all = send(fd, probe, sizeof(probe), MSG_DONTWAIT) == sizeof(probe);
	close(fd);
	return all ? 128 : 64;
}

void gso_cut(struct msghdr *message, struct gso_control *control, uint32_t segment)
{
	uint16_t value = (uint16_t)segment;
	struct cmsghdr *header;

	message->msg_control = control->bytes;
	message->msg_controllen = CMSG_SPACE(sizeof(value));
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_UDP;
	header->cmsg_type = UDP_SEGMENT;
	header->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(header), &value, sizeof(value));
}

void gso_receive_trains(struct bench_side *side, uint32_t index)
{
	int on = 1;

	if (setsockopt(side->fds[index], SOL_UDP, UDP_GRO, &on, sizeof(on)))
		side_fail_call(side, "UDP_GRO", errno);
}

uint32_t gso_segment_of(struct mmsghdr *arrival)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(&arrival->msg_hdr);
	int segment = 0;

	if (header && header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO)
		memcpy(&segment, CMSG_DATA(header), sizeof(segment));
	return segment > 0 ? (uint32_t)segment : arrival->msg_len;
}
