/* SPDX-License-Identifier: MIT */
/*
 * Declarations of the two interfaces between which this library translates.
 *
 * The POSIX headers come first; functions whose names the Windows headers use get other names here.
 * After this, bind() is the one of Winsock and sys_bind() the system's.
 */
#ifndef REGIO_WINSOCK_WIN32_POSIX_H
#define REGIO_WINSOCK_WIN32_POSIX_H

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct addrinfo sys_addrinfo;
typedef struct linger sys_linger;

/* Constant, so a call through one is a direct call. */
static __typeof__(socket) *const sys_socket = socket;
static __typeof__(bind) *const sys_bind = bind;
static __typeof__(connect) *const sys_connect = connect;
static __typeof__(listen) *const sys_listen = listen;
static __typeof__(shutdown) *const sys_shutdown = shutdown;
static __typeof__(getsockname) *const sys_getsockname = getsockname;
static __typeof__(getpeername) *const sys_getpeername = getpeername;
static __typeof__(getsockopt) *const sys_getsockopt = getsockopt;
static __typeof__(setsockopt) *const sys_setsockopt = setsockopt;
static __typeof__(gethostname) *const sys_gethostname = gethostname;
static __typeof__(getaddrinfo) *const sys_getaddrinfo = getaddrinfo;
static __typeof__(freeaddrinfo) *const sys_freeaddrinfo = freeaddrinfo;
static __typeof__(getnameinfo) *const sys_getnameinfo = getnameinfo;
static __typeof__(inet_pton) *const sys_inet_pton = inet_pton;
static __typeof__(inet_ntop) *const sys_inet_ntop = inet_ntop;

static inline int sys_accept(int fd, struct sockaddr *address, socklen_t *length)
{
	return accept4(fd, address, length, SOCK_CLOEXEC);
}

enum {
	POSIX_AI_PASSIVE = AI_PASSIVE,
	POSIX_AI_CANONNAME = AI_CANONNAME,
	POSIX_AI_NUMERICHOST = AI_NUMERICHOST,
	POSIX_AI_NUMERICSERV = AI_NUMERICSERV,
	POSIX_AI_ALL = AI_ALL,
	POSIX_AI_ADDRCONFIG = AI_ADDRCONFIG,
	POSIX_AI_V4MAPPED = AI_V4MAPPED,
	POSIX_EAI_ADDRFAMILY = EAI_ADDRFAMILY,
	POSIX_EAI_AGAIN = EAI_AGAIN,
	POSIX_EAI_BADFLAGS = EAI_BADFLAGS,
	POSIX_EAI_FAIL = EAI_FAIL,
	POSIX_EAI_FAMILY = EAI_FAMILY,
	POSIX_EAI_MEMORY = EAI_MEMORY,
	POSIX_EAI_NONAME = EAI_NONAME,
	POSIX_EAI_NODATA = EAI_NODATA,
	POSIX_EAI_SERVICE = EAI_SERVICE,
	POSIX_EAI_SOCKTYPE = EAI_SOCKTYPE,
	POSIX_NI_NOFQDN = NI_NOFQDN,
	POSIX_NI_NUMERICHOST = NI_NUMERICHOST,
	POSIX_NI_NAMEREQD = NI_NAMEREQD,
	POSIX_NI_NUMERICSERV = NI_NUMERICSERV,
	POSIX_NI_DGRAM = NI_DGRAM,
};

#include "base/locked.h"
#include "regio/winsock/mswsock.h"
#include "regio/winsock/process.h"
#include "regio/winsock/winsock2.h"
#include "regio/winsock/ws2tcpip.h"
#undef min
#undef max
/* The one of the Windows headers is for programs. */
#undef socklen_t

/* A declaration: the function is another one, defined in the same file, under a second name. */
#define REGIOI_WS_SAME_AS(name) __attribute__((alias("regio_winsock_" #name)))

#endif
