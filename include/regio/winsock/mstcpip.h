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

/* Only the number of retransmissions has an effect: the kernel's first time-out is fixed. */
typedef struct _TCP_INITIAL_RTO_PARAMETERS {
	USHORT Rtt; /* ms */
	UCHAR MaxSynRetransmissions;
} TCP_INITIAL_RTO_PARAMETERS, *PTCP_INITIAL_RTO_PARAMETERS;

#define TCP_INITIAL_RTO_UNSPECIFIED_RTT ((USHORT)0xFFFF)
#define TCP_INITIAL_RTO_UNSPECIFIED_MAX_SYN_RETRANSMISSIONS ((UCHAR)0xFF)
#define TCP_INITIAL_RTO_DEFAULT_RTT 0
#define TCP_INITIAL_RTO_DEFAULT_MAX_SYN_RETRANSMISSIONS 0
#define TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS ((UCHAR)0xFE)

#define SIO_KEEPALIVE_VALS 0x98000004u
#define SIO_UDP_CONNRESET 0x9800000Cu
#define SIO_UDP_NETRESET 0x9800000Fu
#define SIO_LOOPBACK_FAST_PATH 0x98000010u
#define SIO_TCP_INITIAL_RTO 0x98000011u
#define SIO_CPU_AFFINITY 0x98000015u

#endif
