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

#define SIO_KEEPALIVE_VALS _WSAIOW(IOC_VENDOR, 4)
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#define SIO_LOOPBACK_FAST_PATH _WSAIOW(IOC_VENDOR, 16)

#endif
