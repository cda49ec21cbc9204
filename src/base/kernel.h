/* SPDX-License-Identifier: MIT */
/*
 * Kernel constants newer than the oldest headers regio is built with (Debian 12), each with the
 * release that introduced it.
 */
#ifndef REGIO_BASE_KERNEL_H
#define REGIO_BASE_KERNEL_H

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* Linux 4.18 */
#endif
#ifndef UDP_GRO
#define UDP_GRO 104 /* Linux 5.0 */
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef SO_TXTIME
#define SO_TXTIME 61 /* Linux 4.19 */
#endif
#ifndef SO_COOKIE
#define SO_COOKIE 57 /* Linux 4.12 */
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef IPV6_ORIGDSTADDR
#define IPV6_ORIGDSTADDR 74
#endif
#ifndef IPV6_RECVORIGDSTADDR
#define IPV6_RECVORIGDSTADDR IPV6_ORIGDSTADDR
#endif
/*
 * musl defines these options only under the names without a width. Values as in
 * asm-generic/socket.h.
 */
#ifndef SO_TIMESTAMP_OLD
#define SO_TIMESTAMP_OLD 29
#define SO_TIMESTAMPNS_OLD 35
#define SO_TIMESTAMPING_OLD 37
#endif
#ifndef SO_TIMESTAMP_NEW
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
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69 /* Linux 5.11 */
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
