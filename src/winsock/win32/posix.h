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
typedef struct ip_mreq sys_ip_mreq;
typedef struct linger sys_linger;

static inline int sys_socket(int family, int type, int protocol)
{
	return socket(family, type, protocol);
}

static inline int sys_accept(int fd, struct sockaddr *address, socklen_t *length)
{
	return accept4(fd, address, length, SOCK_CLOEXEC);
}

static inline int sys_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	return bind(fd, address, length);
}

static inline int sys_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return connect(fd, address, length);
}

static inline int sys_listen(int fd, int backlog)
{
	return listen(fd, backlog);
}

static inline int sys_shutdown(int fd, int how)
{
	return shutdown(fd, how);
}

static inline int sys_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	return getsockname(fd, address, length);
}

static inline int sys_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
	return getpeername(fd, address, length);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	return getsockopt(fd, level, name, value, length);
}

static inline int sys_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	return setsockopt(fd, level, name, value, length);
}

static inline int sys_gethostname(char *name, size_t size)
{
	return gethostname(name, size);
}

static inline int sys_getaddrinfo(const char *name, const char *service, const sys_addrinfo *hints,
				  sys_addrinfo **ret_list)
{
	return getaddrinfo(name, service, hints, ret_list);
}

static inline void sys_freeaddrinfo(sys_addrinfo *list)
{
	freeaddrinfo(list);
}

static inline int sys_getnameinfo(const struct sockaddr *address, socklen_t length, char *host,
				  socklen_t host_size, char *service, socklen_t service_size,
				  int flags)
{
	return getnameinfo(address, length, host, host_size, service, service_size, flags);
}

static inline int sys_inet_pton(int family, const char *text, void *ret_address)
{
	return inet_pton(family, text, ret_address);
}

static inline const char *sys_inet_ntop(int family, const void *address, char *text, socklen_t size)
{
	return inet_ntop(family, address, text, size);
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

#include "regio/winsock/mswsock.h"
#include "regio/winsock/process.h"
#include "regio/winsock/winsock2.h"
#include "regio/winsock/ws2tcpip.h"
#undef min
#undef max
/* The one of the Windows headers is for programs. */
#undef socklen_t

#endif
