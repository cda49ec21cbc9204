/* SPDX-License-Identifier: MIT */
/*
 * Kernel constants that musl 1.2.3 does not have, with the release that introduced them; and one
 * structure. The C library of Debian 12, the oldest that regio is built with, has all but the last
 * constant.
 */
#ifndef REGIO_BASE_KERNEL_H
#define REGIO_BASE_KERNEL_H

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22  /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
/* musl has these only under the names without a width. Values as in asm-generic/socket.h. */
#ifndef SO_TIMESTAMP_NEW
#define SO_TIMESTAMP_OLD 29
#define SO_TIMESTAMPNS_OLD 35
#define SO_TIMESTAMPING_OLD 37
#define SO_TIMESTAMP_NEW 63 /* Linux 5.1 */
#define SO_TIMESTAMPNS_NEW 64
#define SO_TIMESTAMPING_NEW 65
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.14 */
#endif
#ifndef SOCK_RCVBUF_LOCK
#define SOCK_RCVBUF_LOCK 2
#endif

/* From linux/eventpoll.h, Linux 6.9; glibc has its own names for it since 2.40. */
struct regioi_epoll_params {
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget;
	uint8_t prefer_busy_poll;
	uint8_t padding; /* 0 */
};
#define REGIOI_EPIOCSPARAMS _IOW(0x8A, 0x01, struct regioi_epoll_params)

#endif
