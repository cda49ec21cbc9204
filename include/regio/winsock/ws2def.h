/* SPDX-License-Identifier: MIT */
/*
 * ws2def.h - the structures and constants of addresses, options and ioctls
 *
 * Address families, protocols, options and message flags have the kernel's values; ioctls, and
 * options that only Windows has, have those of Windows.
 */
#ifndef REGIO_WINSOCK_WS2DEF_H
#define REGIO_WINSOCK_WS2DEF_H

#include "posixnames.h"
#include "windef.h"

/* ---- Addresses ------------------------------------------------------------ */

typedef USHORT ADDRESS_FAMILY;

struct in_addr {
	union {
		union {
			struct {
				UCHAR s_b1, s_b2, s_b3, s_b4;
			} S_un_b;
			struct {
				USHORT s_w1, s_w2;
			} S_un_w;
			ULONG S_addr;
		} S_un;
		ULONG s_addr;
	};
};
typedef struct in_addr IN_ADDR, *PIN_ADDR, *LPIN_ADDR;

struct sockaddr_in {
	ADDRESS_FAMILY sin_family;
	USHORT sin_port;
	IN_ADDR sin_addr;
	CHAR sin_zero[8];
};

/* The macros of the C library's netinet/in.h expect the name __in6_u. */
struct in6_addr {
	union {
		union {
			UCHAR Byte[16];
			USHORT Word[8];
		} u;
		union {
			uint8_t __u6_addr8[16];
			uint16_t __u6_addr16[8];
			uint32_t __u6_addr32[4];
		} __in6_u;
	};
};
typedef struct in6_addr IN6_ADDR, *PIN6_ADDR, *LPIN6_ADDR;
#define in_addr6 in6_addr

typedef struct {
	ULONG Zone : 28;
	ULONG Level : 4;
} SCOPE_LEVEL_BITS;

typedef union {
	SCOPE_LEVEL_BITS Bits;
	ULONG Value;
} SCOPE_ID;

struct sockaddr_in6 {
	ADDRESS_FAMILY sin6_family;
	USHORT sin6_port;
	ULONG sin6_flowinfo;
	IN6_ADDR sin6_addr;
	union {
		ULONG sin6_scope_id;
		SCOPE_ID sin6_scope_struct;
	};
};

typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE, *LPSOCKADDR_STORAGE;

typedef union _SOCKADDR_INET {
	SOCKADDR_IN Ipv4;
	SOCKADDR_IN6 Ipv6;
	ADDRESS_FAMILY si_family;
} SOCKADDR_INET, *PSOCKADDR_INET;

REGIO_WINSOCK_BEGIN
extern const struct in6_addr in6addr_any REGIO_WINSOCK_SYMBOL(in6addr_any);
extern const struct in6_addr in6addr_loopback REGIO_WINSOCK_SYMBOL(in6addr_loopback);
REGIO_WINSOCK_END

#ifndef INADDR_ANY
#define INADDR_ANY ((ULONG)0)
#endif
#define in4addr_any regio_winsock_in4addr_any
static const struct in_addr in4addr_any __attribute__((unused)) = {{{{0, 0, 0, 0}}}};
#define ADDR_ANY INADDR_ANY

/*
 * Including port and scope, as WSAAddressToString() writes them; the POSIX values are for the
 * address only.
 */
#undef INET_ADDRSTRLEN
#undef INET6_ADDRSTRLEN
#define INET_ADDRSTRLEN 22
#define INET6_ADDRSTRLEN 65

/* ---- Structures of options and control messages --------------------------- */

struct ip_mreq {
	IN_ADDR imr_multiaddr;
	IN_ADDR imr_interface;
};
typedef struct ip_mreq IP_MREQ, *PIP_MREQ;

/* In the kernel's order. */
struct ip_mreq_source {
	IN_ADDR imr_multiaddr;
	IN_ADDR imr_interface;
	IN_ADDR imr_sourceaddr;
};
typedef struct ip_mreq_source IP_MREQ_SOURCE, *PIP_MREQ_SOURCE;

struct ipv6_mreq {
	IN6_ADDR ipv6mr_multiaddr;
	ULONG ipv6mr_interface;
};
typedef struct ipv6_mreq IPV6_MREQ, *PIPV6_MREQ;

struct group_req {
	ULONG gr_interface;
	SOCKADDR_STORAGE gr_group;
};
typedef struct group_req GROUP_REQ, *PGROUP_REQ;

struct group_source_req {
	ULONG gsr_interface;
	SOCKADDR_STORAGE gsr_group;
	SOCKADDR_STORAGE gsr_source;
};
typedef struct group_source_req GROUP_SOURCE_REQ, *PGROUP_SOURCE_REQ;

/*
 * The kernel's structure, of 12 bytes and not 8. 'ipi_addr' is this host's address, as a program
 * gives it to choose the source of a send; the address that the sender used, which may be a group,
 * follows it.
 */
typedef struct in_pktinfo {
	ULONG ipi_ifindex;
	IN_ADDR ipi_addr;
	IN_ADDR ipi_addressed;
} IN_PKTINFO, *PIN_PKTINFO;

typedef struct in6_pktinfo {
	IN6_ADDR ipi6_addr;
	ULONG ipi6_ifindex;
} IN6_PKTINFO, *PIN6_PKTINFO;

typedef struct _SOCKET_ADDRESS {
	LPSOCKADDR lpSockaddr;
	INT iSockaddrLength;
} SOCKET_ADDRESS, *PSOCKET_ADDRESS, *LPSOCKET_ADDRESS;

struct linger {
	USHORT l_onoff;
	USHORT l_linger; /* s */
};
typedef struct linger LINGER, *PLINGER, *LPLINGER;
typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;
typedef struct hostent HOSTENT, *PHOSTENT, *LPHOSTENT;
typedef struct servent SERVENT, *PSERVENT, *LPSERVENT;
typedef struct protoent PROTOENT, *PPROTOENT, *LPPROTOENT;

typedef struct _WSABUF {
	ULONG len;
	CHAR *buf;
} WSABUF, *LPWSABUF;

typedef struct _WSAMSG {
	SOCKADDR *name;
	INT namelen;
	LPWSABUF lpBuffers;
	ULONG dwBufferCount;
	WSABUF Control;
	ULONG dwFlags;
} WSAMSG, *PWSAMSG, *LPWSAMSG;

typedef struct _WSACMSGHDR {
	SIZE_T cmsg_len;
	INT cmsg_level;
	INT cmsg_type;
} WSACMSGHDR, *PWSACMSGHDR, *LPWSACMSGHDR, CMSGHDR, *PCMSGHDR;

#define WSA_CMSGHDR_ALIGN(length) (((length) + sizeof(SIZE_T) - 1) & ~(sizeof(SIZE_T) - 1))
#define WSA_CMSGDATA_ALIGN(length) WSA_CMSGHDR_ALIGN(length)
#define WSA_CMSG_DATA(header) ((UCHAR *)(header) + WSA_CMSGDATA_ALIGN(sizeof(WSACMSGHDR)))
#define WSA_CMSG_SPACE(length) (WSA_CMSGHDR_ALIGN(sizeof(WSACMSGHDR)) + WSA_CMSGHDR_ALIGN(length))
#define WSA_CMSG_LEN(length) (WSA_CMSGDATA_ALIGN(sizeof(WSACMSGHDR)) + (length))
#define WSA_CMSG_FIRSTHDR(message)                                                                 \
	((message)->Control.len >= sizeof(WSACMSGHDR)                                              \
		 ? (LPWSACMSGHDR)(void *)(message)->Control.buf                                    \
		 : (LPWSACMSGHDR)NULL)
#define WSA_CMSG_NXTHDR(message, header)                                                           \
	((header) == NULL ? WSA_CMSG_FIRSTHDR(message)                                             \
	 : (UCHAR *)(header) + WSA_CMSGHDR_ALIGN((header)->cmsg_len) + sizeof(WSACMSGHDR) >        \
			 (UCHAR *)(message)->Control.buf + (message)->Control.len                  \
		 ? (LPWSACMSGHDR)NULL                                                              \
		 : (LPWSACMSGHDR)(void *)((UCHAR *)(header) +                                      \
					  WSA_CMSGHDR_ALIGN((header)->cmsg_len)))

/* ---- Options --------------------------------------------------------------- */

#ifndef IP_MULTICAST_IF
#define IP_MULTICAST_IF 32
#define IP_MULTICAST_TTL 33
#define IP_MULTICAST_LOOP 34
#define IP_ADD_MEMBERSHIP 35
#define IP_DROP_MEMBERSHIP 36
#endif
#ifndef IP_TTL
#define IP_TTL 2
#define IP_TOS 1
#define IP_PKTINFO 8
#define IP_RECVTTL 12
#define IP_RECVTOS 13
#endif
/* The option IP_RECVECN has this control message delivered, with all bits of the field. */
#define IP_ECN IP_TOS
#define IP_RECVECN IP_RECVTOS
#define IPV6_ECN IPV6_TCLASS
#define IPV6_RECVECN IPV6_RECVTCLASS
/* The kernel has no such limit: setting this option fails. */
#define IP_USER_MTU 0x714C
#define IPV6_USER_MTU 0x714C
#ifndef IP_UNICAST_IF
#define IP_UNICAST_IF 50
#endif
#ifndef IPV6_UNICAST_IF
#define IPV6_UNICAST_IF 76
#endif
#define IP_DONTFRAGMENT 0x7101
/* The kernel reports it only in IP_PKTINFO: setting this option fails. */
#define IP_ORIGINAL_ARRIVAL_IF 0x712F

#ifndef TCP_NODELAY
#define TCP_NODELAY 1
#define TCP_MAXSEG 2
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_FASTOPEN 23
#endif

/* Of IPPROTO_UDP: the kernel's UDP_SEGMENT and UDP_GRO, and the control message of the latter. */
#define UDP_SEND_MSG_SIZE 103
#define UDP_RECV_MAX_COALESCED_SIZE 104
#define UDP_COALESCED_INFO 104

#define SO_EXCLUSIVEADDRUSE ((int)~SO_REUSEADDR)
#define SO_DONTLINGER ((int)~SO_LINGER)
#define SO_USELOOPBACK 0x0040
#define SO_CONDITIONAL_ACCEPT 0x3002
#define SO_RANDOMIZE_PORT 0x3005
#define SO_MAX_MSG_SIZE 0x2003
#define SO_PROTOCOL_INFOA 0x2004
#define SO_PROTOCOL_INFOW 0x2005
#define SO_PORT_SCALABILITY 0x3006
#define SO_REUSE_UNICASTPORT 0x3007
#define SO_REUSE_MULTICASTPORT 0x3008
#define SO_UPDATE_ACCEPT_CONTEXT 0x700B
#define SO_CONNECT_TIME 0x700C
#define SO_UPDATE_CONNECT_CONTEXT 0x7010

/* ---- Ioctls ----------------------------------------------------------------- */

/*
 * The kernel has three of these names, with other values. So that a SIO_ constant has the value of
 * Windows no matter how a program defines them, it is a plain number that does not use them.
 */
#undef IOC_OUT
#undef IOC_IN
#undef IOC_INOUT
#define IOC_UNIX 0x00000000u
#define IOC_WS2 0x08000000u
#define IOC_PROTOCOL 0x10000000u
#define IOC_VENDOR 0x18000000u
#define IOC_VOID 0x20000000u
#define IOC_OUT 0x40000000u
#define IOC_IN 0x80000000u
#define IOC_INOUT 0xC0000000u
#define _WSAIO(family, number) (0x20000000u | (family) | (number))
#define _WSAIOR(family, number) (0x40000000u | (family) | (number))
#define _WSAIOW(family, number) (0x80000000u | (family) | (number))
#define _WSAIORW(family, number) (0xC0000000u | (family) | (number))

#define SIO_FLUSH 0x28000004u
#define SIO_SET_COMPATIBILITY_MODE 0x9800012Cu
#define SIO_GET_EXTENSION_FUNCTION_POINTER 0xC8000006u
#define SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER 0xC8000024u

#endif
