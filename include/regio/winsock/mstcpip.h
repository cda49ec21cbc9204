/* SPDX-License-Identifier: MIT */
/*
 * mstcpip.h - ioctls of TCP/IP
 */
#ifndef REGIO_WINSOCK_MSTCPIP_H
#define REGIO_WINSOCK_MSTCPIP_H

#include "ws2def.h"

struct tcp_keepalive {
	ULONG onoff;
	ULONG keepalivetime;	 /* ms */
	ULONG keepaliveinterval; /* ms */
};

#define SIO_KEEPALIVE_VALS 0x98000004u
#define SIO_UDP_CONNRESET 0x9800000Cu
#define SIO_UDP_NETRESET 0x9800000Fu
#define SIO_LOOPBACK_FAST_PATH 0x98000010u

#endif
