/* SPDX-License-Identifier: MIT */
/*
 * posixnames.h - lets the POSIX socket headers and these headers share their names
 *
 * Both declare socket(), struct in_addr and similar names, with different types. If the POSIX
 * headers have not been included yet, they are included here with those names changed, so that the
 * names are free. If they have been included, the Windows declarations get other names: in C all of
 * them, in C++ only the structures, because there the functions overload, as their sockets have
 * another type.
 */
#ifndef REGIO_WINSOCK_POSIXNAMES_H
#define REGIO_WINSOCK_POSIXNAMES_H

#if !defined(_SYS_SOCKET_H) && !defined(_NETINET_IN_H)

#define accept regio_posix_accept
#define bind regio_posix_bind
#define connect regio_posix_connect
#define getpeername regio_posix_getpeername
#define getsockname regio_posix_getsockname
#define getsockopt regio_posix_getsockopt
#define listen regio_posix_listen
#define recv regio_posix_recv
#define recvfrom regio_posix_recvfrom
#define send regio_posix_send
#define sendto regio_posix_sendto
#define setsockopt regio_posix_setsockopt
#define shutdown regio_posix_shutdown
#define socket regio_posix_socket
#define in_addr regio_posix_in_addr
#define in6_addr regio_posix_in6_addr
#define in6addr_any regio_posix_in6addr_any
#define in6addr_loopback regio_posix_in6addr_loopback
#define sockaddr_in regio_posix_sockaddr_in
#define sockaddr_in6 regio_posix_sockaddr_in6
#define linger regio_posix_linger
#define ip_mreq regio_posix_ip_mreq
#define ip_mreq_source regio_posix_ip_mreq_source
#define ipv6_mreq regio_posix_ipv6_mreq
#define group_req regio_posix_group_req
#define group_source_req regio_posix_group_source_req
#define in_pktinfo regio_posix_in_pktinfo
#define in6_pktinfo regio_posix_in6_pktinfo
#define inet_addr regio_posix_inet_addr
#define inet_ntoa regio_posix_inet_ntoa
#define inet_ntop regio_posix_inet_ntop
#define inet_pton regio_posix_inet_pton
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#undef accept
#undef bind
#undef connect
#undef getpeername
#undef getsockname
#undef getsockopt
#undef listen
#undef recv
#undef recvfrom
#undef send
#undef sendto
#undef setsockopt
#undef shutdown
#undef socket
#undef in_addr
#undef in6_addr
#undef in6addr_any
#undef in6addr_loopback
#undef sockaddr_in
#undef sockaddr_in6
#undef linger
#undef ip_mreq
#undef ip_mreq_source
#undef ipv6_mreq
#undef group_req
#undef group_source_req
#undef in_pktinfo
#undef in6_pktinfo
#undef inet_addr
#undef inet_ntoa
#undef inet_ntop
#undef inet_pton

#else

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define REGIO_WINSOCK_POSIX_FIRST

/* In C++ a name that is a macro would also change the program's own member functions. */
#define socket regio_winsock_socket
#define inet_addr regio_winsock_inet_addr
#define inet_pton regio_winsock_inet_pton
#if !defined(__cplusplus)
#define accept regio_winsock_accept
#define bind regio_winsock_bind
#define connect regio_winsock_connect
#define getpeername regio_winsock_getpeername
#define getsockname regio_winsock_getsockname
#define getsockopt regio_winsock_getsockopt
#define listen regio_winsock_listen
#define recv regio_winsock_recv
#define recvfrom regio_winsock_recvfrom
#define send regio_winsock_send
#define sendto regio_winsock_sendto
#define setsockopt regio_winsock_setsockopt
#define shutdown regio_winsock_shutdown
#define inet_ntoa regio_winsock_inet_ntoa
#define inet_ntop regio_winsock_inet_ntop
#endif
#define in_addr regio_winsock_in_addr
#define in6_addr regio_winsock_in6_addr
#define in6addr_any regio_winsock_in6addr_any
#define in6addr_loopback regio_winsock_in6addr_loopback
#define sockaddr_in regio_winsock_sockaddr_in
#define sockaddr_in6 regio_winsock_sockaddr_in6
#define linger regio_winsock_linger
#define ip_mreq regio_winsock_ip_mreq
#define ip_mreq_source regio_winsock_ip_mreq_source
#define ipv6_mreq regio_winsock_ipv6_mreq
#define group_req regio_winsock_group_req
#define group_source_req regio_winsock_group_source_req
#define in_pktinfo regio_winsock_in_pktinfo
#define in6_pktinfo regio_winsock_in6_pktinfo

#endif

#if !defined(_NETDB_H)

#define addrinfo regio_posix_addrinfo
#define getaddrinfo regio_posix_getaddrinfo
#define freeaddrinfo regio_posix_freeaddrinfo
#define getnameinfo regio_posix_getnameinfo
#define gai_strerror regio_posix_gai_strerror
#include <netdb.h>
#undef addrinfo
#undef getaddrinfo
#undef freeaddrinfo
#undef getnameinfo
#undef gai_strerror

#else

#define addrinfo regio_winsock_addrinfo
#define getaddrinfo regio_winsock_getaddrinfo
#define freeaddrinfo regio_winsock_freeaddrinfo
#define getnameinfo regio_winsock_getnameinfo
#define gai_strerror regio_winsock_gai_strerror

#endif

/* Included here once, so that no later inclusion redefines a name that these headers define. */
#include <asm/ioctl.h>
#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <sys/select.h>
#include <unistd.h>

/* The standard headers have defined these two already. */
#define fd_set regio_winsock_fd_set
#define gethostname regio_winsock_gethostname
#if !defined(__cplusplus)
#define select regio_winsock_select
#endif

#undef FD_SET
#undef FD_CLR
#undef FD_ISSET
#undef FD_ZERO

#endif
