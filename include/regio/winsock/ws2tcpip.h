/* SPDX-License-Identifier: MIT */
/*
 * ws2tcpip.h - names and addresses
 */
#ifndef REGIO_WINSOCK_WS2TCPIP_H
#define REGIO_WINSOCK_WS2TCPIP_H

#include <net/if.h>

#include "winsock2.h"

/* The C library's socklen_t is unsigned, so pointers to it have another type. */
typedef int regio_winsock_socklen_t;
#define socklen_t regio_winsock_socklen_t

struct addrinfo {
	int ai_flags;
	int ai_family;
	int ai_socktype;
	int ai_protocol;
	size_t ai_addrlen;
	char *ai_canonname;
	struct sockaddr *ai_addr;
	struct addrinfo *ai_next;
};
typedef struct addrinfo ADDRINFOA, ADDRINFO, *PADDRINFOA, *LPADDRINFO;

typedef struct addrinfoW {
	int ai_flags;
	int ai_family;
	int ai_socktype;
	int ai_protocol;
	size_t ai_addrlen;
	PWSTR ai_canonname;
	struct sockaddr *ai_addr;
	struct addrinfoW *ai_next;
} ADDRINFOW, *PADDRINFOW;

#undef AI_PASSIVE
#undef AI_CANONNAME
#undef AI_NUMERICHOST
#undef AI_NUMERICSERV
#undef AI_ALL
#undef AI_ADDRCONFIG
#undef AI_V4MAPPED
#define AI_PASSIVE 0x00000001
#define AI_CANONNAME 0x00000002
#define AI_NUMERICHOST 0x00000004
#define AI_NUMERICSERV 0x00000008
#define AI_ALL 0x00000100
#define AI_ADDRCONFIG 0x00000400
#define AI_V4MAPPED 0x00000800

#undef EAI_AGAIN
#undef EAI_BADFLAGS
#undef EAI_FAIL
#undef EAI_FAMILY
#undef EAI_MEMORY
#undef EAI_NONAME
#undef EAI_NODATA
#undef EAI_SERVICE
#undef EAI_SOCKTYPE
#define EAI_AGAIN WSATRY_AGAIN
#define EAI_BADFLAGS WSAEINVAL
#define EAI_FAIL WSANO_RECOVERY
#define EAI_FAMILY WSAEAFNOSUPPORT
#define EAI_MEMORY WSA_NOT_ENOUGH_MEMORY
#define EAI_NONAME WSAHOST_NOT_FOUND
#define EAI_NODATA EAI_NONAME
#define EAI_SERVICE WSATYPE_NOT_FOUND
#define EAI_SOCKTYPE WSAESOCKTNOSUPPORT

#undef NI_NOFQDN
#undef NI_NUMERICHOST
#undef NI_NAMEREQD
#undef NI_NUMERICSERV
#undef NI_DGRAM
#define NI_NOFQDN 0x01
#define NI_NUMERICHOST 0x02
#define NI_NAMEREQD 0x04
#define NI_NUMERICSERV 0x08
#define NI_DGRAM 0x10
#ifndef NI_MAXHOST
#define NI_MAXHOST 1025
#define NI_MAXSERV 32
#endif

REGIO_WINSOCK_BEGIN
INT WSAAPI getaddrinfo(PCSTR name, PCSTR service, const ADDRINFOA *hints, PADDRINFOA *ret_list)
	REGIO_WINSOCK_SYMBOL(getaddrinfo);
void WSAAPI freeaddrinfo(PADDRINFOA list) REGIO_WINSOCK_SYMBOL(freeaddrinfo);
INT WSAAPI getnameinfo(const SOCKADDR *address, int length, PCHAR host, DWORD host_size,
		       PCHAR service, DWORD service_size, INT flags)
	REGIO_WINSOCK_SYMBOL(getnameinfo);
INT WSAAPI GetAddrInfoW(PCWSTR name, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *ret_list)
	REGIO_WINSOCK_SYMBOL(GetAddrInfoW);
void WSAAPI FreeAddrInfoW(PADDRINFOW list) REGIO_WINSOCK_SYMBOL(FreeAddrInfoW);
INT WSAAPI GetNameInfoW(const SOCKADDR *address, int length, PWCHAR host, DWORD host_size,
			PWCHAR service, DWORD service_size, INT flags)
	REGIO_WINSOCK_SYMBOL(GetNameInfoW);
char *WSAAPI gai_strerrorA(int error) REGIO_WINSOCK_SYMBOL(gai_strerrorA);
INT WSAAPI InetPtonW(INT family, PCWSTR text, PVOID ret_address) REGIO_WINSOCK_SYMBOL(InetPtonW);
PCWSTR WSAAPI InetNtopW(INT family, const void *address, PWSTR text, size_t size)
	REGIO_WINSOCK_SYMBOL(InetNtopW);
INT WSAAPI inet_pton(INT family, PCSTR text, PVOID ret_address) REGIO_WINSOCK_SYMBOL(inet_pton);
REGIO_WINSOCK_END
PCSTR WSAAPI inet_ntop(INT family, const void *address, PSTR text, size_t size)
	REGIO_WINSOCK_SYMBOL(inet_ntop);

#undef gai_strerror
#define gai_strerror gai_strerrorA
#define InetPtonA inet_pton
#define InetNtopA inet_ntop
#define GetAddrInfoA getaddrinfo
#define FreeAddrInfoA freeaddrinfo
#define GetNameInfoA getnameinfo
#if defined(UNICODE)
#define InetPton InetPtonW
#define InetNtop InetNtopW
#define GetAddrInfo GetAddrInfoW
#define FreeAddrInfo FreeAddrInfoW
#define GetNameInfo GetNameInfoW
#else
#define InetPton InetPtonA
#define InetNtop InetNtopA
#define GetAddrInfo GetAddrInfoA
#define FreeAddrInfo FreeAddrInfoA
#define GetNameInfo GetNameInfoA
#endif

#define IN4ADDR_LOOPBACK 0x0100007f

/* ---- Messages that pass through the stack together -------------------------------- */

static inline int regio_winsock_udp_get(SOCKET s, int name, PDWORD ret_size)
{
	int length = sizeof(*ret_size);

	return getsockopt(s, IPPROTO_UDP, name, (char *)ret_size, &length);
}

static inline int WSASetUdpSendMessageSize(SOCKET s, DWORD size)
{
	return setsockopt(s, IPPROTO_UDP, UDP_SEND_MSG_SIZE, (const char *)&size,
			  (int)sizeof(size));
}

static inline int WSAGetUdpSendMessageSize(SOCKET s, PDWORD ret_size)
{
	return regio_winsock_udp_get(s, UDP_SEND_MSG_SIZE, ret_size);
}

static inline int WSASetUdpRecvMaxCoalescedSize(SOCKET s, DWORD size)
{
	return setsockopt(s, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, (const char *)&size,
			  (int)sizeof(size));
}

static inline int WSAGetUdpRecvMaxCoalescedSize(SOCKET s, PDWORD ret_size)
{
	return regio_winsock_udp_get(s, UDP_RECV_MAX_COALESCED_SIZE, ret_size);
}

#endif
