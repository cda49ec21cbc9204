/* SPDX-License-Identifier: MIT */
/*
 * winsock2.h - sockets
 *
 * A SOCKET is the number of a file descriptor. Errors are reported by WSAGetLastError(), not in
 * errno. Include this before the POSIX socket headers if both are needed.
 */
#ifndef REGIO_WINSOCK_WINSOCK2_H
#define REGIO_WINSOCK_WINSOCK2_H
#define _WINSOCK2API_
#define _WINSOCKAPI_

#include <poll.h>

#include "mstcpip.h"
#include "windows.h"
#include "ws2def.h"

/* ---- Types ------------------------------------------------------------------ */

typedef UINT_PTR SOCKET, *PSOCKET;
typedef UINT GROUP;
typedef HANDLE WSAEVENT, *LPWSAEVENT;
typedef OVERLAPPED WSAOVERLAPPED, *LPWSAOVERLAPPED;

#define INVALID_SOCKET ((SOCKET)(~(SOCKET)0))
#define SOCKET_ERROR (-1)
#define WSA_INVALID_EVENT ((WSAEVENT)NULL)
#define WSA_MAXIMUM_WAIT_EVENTS MAXIMUM_WAIT_OBJECTS
#define WSA_WAIT_FAILED WAIT_FAILED
#define WSA_WAIT_EVENT_0 WAIT_OBJECT_0
#define WSA_WAIT_IO_COMPLETION WAIT_IO_COMPLETION
#define WSA_WAIT_TIMEOUT ((DWORD)WAIT_TIMEOUT)
#define WSA_INFINITE INFINITE

#define WINSOCK_VERSION MAKEWORD(2, 2)
#define WSADESCRIPTION_LEN 256
#define WSASYS_STATUS_LEN 128

typedef struct WSAData {
	WORD wVersion;
	WORD wHighVersion;
	USHORT iMaxSockets;
	USHORT iMaxUdpDg;
	char *lpVendorInfo;
	char szDescription[WSADESCRIPTION_LEN + 1];
	char szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

#define MAX_PROTOCOL_CHAIN 7
#define WSAPROTOCOL_LEN 255

typedef struct _WSAPROTOCOLCHAIN {
	int ChainLen;
	DWORD ChainEntries[MAX_PROTOCOL_CHAIN];
} WSAPROTOCOLCHAIN, *LPWSAPROTOCOLCHAIN;

typedef struct _WSAPROTOCOL_INFOA {
	DWORD dwServiceFlags1;
	DWORD dwServiceFlags2;
	DWORD dwServiceFlags3;
	DWORD dwServiceFlags4;
	DWORD dwProviderFlags;
	GUID ProviderId;
	DWORD dwCatalogEntryId;
	WSAPROTOCOLCHAIN ProtocolChain;
	int iVersion;
	int iAddressFamily;
	int iMaxSockAddr;
	int iMinSockAddr;
	int iSocketType;
	int iProtocol;
	int iProtocolMaxOffset;
	int iNetworkByteOrder;
	int iSecurityScheme;
	DWORD dwMessageSize;
	DWORD dwProviderReserved;
	CHAR szProtocol[WSAPROTOCOL_LEN + 1];
} WSAPROTOCOL_INFOA, *LPWSAPROTOCOL_INFOA;

typedef struct _WSAPROTOCOL_INFOW WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW;

typedef struct _QualityOfService QOS, *LPQOS;

#define WSA_FLAG_OVERLAPPED 0x01
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#define WSA_FLAG_REGISTERED_IO 0x100

#define SD_RECEIVE 0
#define SD_SEND 1
#define SD_BOTH 2

#define CF_ACCEPT 0
#define CF_REJECT 1
#define CF_DEFER 2

#undef SOMAXCONN
#define SOMAXCONN 0x7fffffff
#define SOMAXCONN_HINT(backlog) (-(backlog))
#define MSG_PARTIAL 0x8000
#define MSG_INTERRUPT 0x10
#define FROM_PROTOCOL_INFO (-1)
#define XP1_IFS_HANDLES 0x00020000
#define INADDR_LOOPBACK_INIT 0x0100007f

/* gethostbyname() is the system's; its failures are reported as errors of Windows. */
#if defined(h_errno)
static inline int regio_winsock_h_errno(void)
{
	return h_errno > 0 ? WSAHOST_NOT_FOUND - 1 + h_errno : h_errno;
}
#undef h_errno
#define h_errno regio_winsock_h_errno()
#endif
#undef HOST_NOT_FOUND
#undef TRY_AGAIN
#undef NO_RECOVERY
#undef NO_DATA
#undef NO_ADDRESS
#define HOST_NOT_FOUND WSAHOST_NOT_FOUND
#define TRY_AGAIN WSATRY_AGAIN
#define NO_RECOVERY WSANO_RECOVERY
#define NO_DATA WSANO_DATA
#define NO_ADDRESS WSANO_ADDRESS

/*
 * FIONBIO, FIONREAD and SIOCATMARK have the kernel's values, for the ioctl() of POSIX:
 * ioctlsocket() and WSAIoctl() take those and the values of Windows.
 */

/* ---- select and poll ---------------------------------------------------------- */

/* 64 on Windows. A program may define it before its first header. */
#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif

typedef struct fd_set {
	UINT fd_count;
	SOCKET fd_array[FD_SETSIZE];
} FD_SET, *PFD_SET, *LPFD_SET;
#if !defined(__cplusplus)
typedef struct fd_set fd_set;
#endif

#define FD_ZERO(set) ((void)((set)->fd_count = 0))
#define FD_ISSET(socket_, set) regio_winsock_fd_isset((SOCKET)(socket_), (set))
#define FD_SET(socket_, set) regio_winsock_fd_add((SOCKET)(socket_), (set))
#define FD_CLR(socket_, set) regio_winsock_fd_remove((SOCKET)(socket_), (set))

static inline int regio_winsock_fd_isset(SOCKET s, const struct fd_set *set)
{
	for (UINT i = 0; i < set->fd_count; i++)
		if (set->fd_array[i] == s)
			return 1;
	return 0;
}

static inline void regio_winsock_fd_add(SOCKET s, struct fd_set *set)
{
	if (!regio_winsock_fd_isset(s, set) && set->fd_count < FD_SETSIZE)
		set->fd_array[set->fd_count++] = s;
}

static inline void regio_winsock_fd_remove(SOCKET s, struct fd_set *set)
{
	for (UINT i = 0; i < set->fd_count; i++) {
		if (set->fd_array[i] != s)
			continue;
		set->fd_count--;
		for (; i < set->fd_count; i++)
			set->fd_array[i] = set->fd_array[i + 1];
	}
}

typedef struct pollfd_winsock {
	SOCKET fd;
	SHORT events;
	SHORT revents;
} WSAPOLLFD, *PWSAPOLLFD, *LPWSAPOLLFD;

/*
 * As on Windows, POLLIN is two of these, and POLLOUT is the same as one. They include the kernel's
 * bits, so the poll() of POSIX takes them too; the other names have the kernel's values.
 */
#undef POLLRDNORM
#undef POLLRDBAND
#undef POLLWRNORM
#undef POLLIN
#undef POLLOUT
#define POLLRDNORM 0x041
#define POLLRDBAND 0x080
#define POLLIN (POLLRDNORM | POLLRDBAND)
#define POLLWRNORM 0x104
#define POLLOUT POLLWRNORM
#ifndef POLLWRBAND
#define POLLWRBAND 0x200
#endif

/* ---- Functions ------------------------------------------------------------------ */

typedef void(CALLBACK *LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD, DWORD, LPWSAOVERLAPPED, DWORD);
typedef int(CALLBACK *LPCONDITIONPROC)(LPWSABUF, LPWSABUF, LPQOS, LPQOS, LPWSABUF, LPWSABUF,
				       GROUP *, DWORD_PTR);

REGIO_WINSOCK_BEGIN
int WSAAPI WSAStartup(WORD version, LPWSADATA data) REGIO_WINSOCK_SYMBOL(WSAStartup);
int WSAAPI WSACleanup(void) REGIO_WINSOCK_SYMBOL(WSACleanup);
int WSAAPI WSAGetLastError(void) REGIO_WINSOCK_SYMBOL(WSAGetLastError);
void WSAAPI WSASetLastError(int error) REGIO_WINSOCK_SYMBOL(WSASetLastError);

SOCKET WSAAPI socket(int family, int type, int protocol) REGIO_WINSOCK_SYMBOL(socket);
SOCKET WSAAPI WSASocketA(int family, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP group,
			 DWORD flags) REGIO_WINSOCK_SYMBOL(WSASocketA);
SOCKET WSAAPI WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group,
			 DWORD flags) REGIO_WINSOCK_SYMBOL(WSASocketW);
int WSAAPI closesocket(SOCKET s) REGIO_WINSOCK_SYMBOL(closesocket);
REGIO_WINSOCK_END

/* Not extern "C": in C++ these overload the POSIX functions if those are declared. */
SOCKET WSAAPI accept(SOCKET s, struct sockaddr *address, int *length) REGIO_WINSOCK_SYMBOL(accept);
int WSAAPI bind(SOCKET s, const struct sockaddr *address, int length) REGIO_WINSOCK_SYMBOL(bind);
int WSAAPI connect(SOCKET s, const struct sockaddr *address, int length)
	REGIO_WINSOCK_SYMBOL(connect);
int WSAAPI getpeername(SOCKET s, struct sockaddr *address, int *length)
	REGIO_WINSOCK_SYMBOL(getpeername);
int WSAAPI getsockname(SOCKET s, struct sockaddr *address, int *length)
	REGIO_WINSOCK_SYMBOL(getsockname);
int WSAAPI getsockopt(SOCKET s, int level, int name, char *value, int *length)
	REGIO_WINSOCK_SYMBOL(getsockopt);
int WSAAPI listen(SOCKET s, int backlog) REGIO_WINSOCK_SYMBOL(listen);
int WSAAPI recv(SOCKET s, char *buffer, int length, int flags) REGIO_WINSOCK_SYMBOL(recv);
int WSAAPI recvfrom(SOCKET s, char *buffer, int length, int flags, struct sockaddr *from,
		    int *from_length) REGIO_WINSOCK_SYMBOL(recvfrom);
int WSAAPI select(int ignored, struct fd_set *readable, struct fd_set *writable,
		  struct fd_set *exceptional, const struct timeval *timeout)
	REGIO_WINSOCK_SYMBOL(select);
int WSAAPI send(SOCKET s, const char *buffer, int length, int flags) REGIO_WINSOCK_SYMBOL(send);
int WSAAPI sendto(SOCKET s, const char *buffer, int length, int flags, const struct sockaddr *to,
		  int to_length) REGIO_WINSOCK_SYMBOL(sendto);
int WSAAPI setsockopt(SOCKET s, int level, int name, const char *value, int length)
	REGIO_WINSOCK_SYMBOL(setsockopt);
int WSAAPI shutdown(SOCKET s, int how) REGIO_WINSOCK_SYMBOL(shutdown);
char *WSAAPI inet_ntoa(struct in_addr address) REGIO_WINSOCK_SYMBOL(inet_ntoa);

#if defined(__cplusplus) && defined(REGIO_WINSOCK_POSIX_FIRST)
/* A length given by sizeof, which is an int for Winsock, must not select the POSIX function. */
template <typename Length> inline int bind(SOCKET s, const struct sockaddr *address, Length length)
{
	return bind(s, address, (int)length);
}
template <typename Length>
inline int connect(SOCKET s, const struct sockaddr *address, Length length)
{
	return connect(s, address, (int)length);
}
template <typename Length> inline int recv(SOCKET s, char *buffer, Length length, int flags)
{
	return recv(s, buffer, (int)length, flags);
}
template <typename Length>
inline int recvfrom(SOCKET s, char *buffer, Length length, int flags, struct sockaddr *from,
		    int *from_length)
{
	return recvfrom(s, buffer, (int)length, flags, from, from_length);
}
template <typename Length> inline int send(SOCKET s, const char *buffer, Length length, int flags)
{
	return send(s, buffer, (int)length, flags);
}
template <typename Length, typename ToLength>
inline int sendto(SOCKET s, const char *buffer, Length length, int flags, const struct sockaddr *to,
		  ToLength to_length)
{
	return sendto(s, buffer, (int)length, flags, to, (int)to_length);
}
#endif

REGIO_WINSOCK_BEGIN
ULONG WSAAPI inet_addr(const char *text) REGIO_WINSOCK_SYMBOL(inet_addr);
int WSAAPI gethostname(char *name, int length) REGIO_WINSOCK_SYMBOL(gethostname);
int regio_winsock_ioctlsocket(SOCKET s, DWORD command, void *argument, size_t size)
	REGIO_WINSOCK_SYMBOL(ioctlsocket);

SOCKET WSAAPI WSAAccept(SOCKET s, struct sockaddr *address, int *length, LPCONDITIONPROC condition,
			DWORD_PTR context) REGIO_WINSOCK_SYMBOL(WSAAccept);
int WSAAPI WSAConnect(SOCKET s, const struct sockaddr *address, int length, LPWSABUF caller_data,
		      LPWSABUF callee_data, LPQOS send_quality, LPQOS group_quality)
	REGIO_WINSOCK_SYMBOL(WSAConnect);
int WSAAPI WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size,
		    LPDWORD ret_bytes, LPWSAOVERLAPPED overlapped,
		    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) REGIO_WINSOCK_SYMBOL(WSAIoctl);
int WSAAPI WSAPoll(LPWSAPOLLFD descriptors, ULONG count, INT timeout_ms)
	REGIO_WINSOCK_SYMBOL(WSAPoll);
int WSAAPI WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, LPDWORD flags,
		   LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
	REGIO_WINSOCK_SYMBOL(WSARecv);
int WSAAPI WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, LPDWORD flags,
		       struct sockaddr *from, LPINT from_length, LPWSAOVERLAPPED overlapped,
		       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
	REGIO_WINSOCK_SYMBOL(WSARecvFrom);
int WSAAPI WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, DWORD flags,
		   LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
	REGIO_WINSOCK_SYMBOL(WSASend);
int WSAAPI WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, DWORD flags,
		     const struct sockaddr *to, int to_length, LPWSAOVERLAPPED overlapped,
		     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) REGIO_WINSOCK_SYMBOL(WSASendTo);
INT WSAAPI WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD ret_bytes,
		      LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
	REGIO_WINSOCK_SYMBOL(WSASendMsg);
BOOL WSAAPI WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD ret_bytes,
				   BOOL wait, LPDWORD ret_flags)
	REGIO_WINSOCK_SYMBOL(WSAGetOverlappedResult);

WSAEVENT WSAAPI WSACreateEvent(void) REGIO_WINSOCK_SYMBOL(WSACreateEvent);
BOOL WSAAPI WSACloseEvent(WSAEVENT event) REGIO_WINSOCK_SYMBOL(WSACloseEvent);
BOOL WSAAPI WSASetEvent(WSAEVENT event) REGIO_WINSOCK_SYMBOL(WSASetEvent);
BOOL WSAAPI WSAResetEvent(WSAEVENT event) REGIO_WINSOCK_SYMBOL(WSAResetEvent);
INT WSAAPI WSAAddressToStringA(struct sockaddr *address, DWORD length, LPWSAPROTOCOL_INFOA protocol,
			       LPSTR text, LPDWORD size) REGIO_WINSOCK_SYMBOL(WSAAddressToStringA);
INT WSAAPI WSAAddressToStringW(struct sockaddr *address, DWORD length, LPWSAPROTOCOL_INFOW protocol,
			       LPWSTR text, LPDWORD size) REGIO_WINSOCK_SYMBOL(WSAAddressToStringW);
INT WSAAPI WSAStringToAddressA(LPSTR text, INT family, LPWSAPROTOCOL_INFOA protocol,
			       struct sockaddr *ret_address, LPINT length)
	REGIO_WINSOCK_SYMBOL(WSAStringToAddressA);
INT WSAAPI WSAStringToAddressW(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW protocol,
			       struct sockaddr *ret_address, LPINT length)
	REGIO_WINSOCK_SYMBOL(WSAStringToAddressW);
int WSAAPI WSAHtonl(SOCKET s, ULONG value, ULONG *ret_value) REGIO_WINSOCK_SYMBOL(WSAHtonl);
int WSAAPI WSAHtons(SOCKET s, USHORT value, USHORT *ret_value) REGIO_WINSOCK_SYMBOL(WSAHtons);
int WSAAPI WSANtohl(SOCKET s, ULONG value, ULONG *ret_value) REGIO_WINSOCK_SYMBOL(WSANtohl);
int WSAAPI WSANtohs(SOCKET s, USHORT value, USHORT *ret_value) REGIO_WINSOCK_SYMBOL(WSANtohs);
DWORD WSAAPI WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *events, BOOL wait_all,
				      DWORD timeout_ms, BOOL alertable)
	REGIO_WINSOCK_SYMBOL(WSAWaitForMultipleEvents);
REGIO_WINSOCK_END

static inline uint64_t htonll(uint64_t value)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(value) : value;
}

static inline uint64_t ntohll(uint64_t value)
{
	return htonll(value);
}

/* Some programs pass a u_long as the argument, others an unsigned long. */
#if defined(__cplusplus)
template <typename Argument> inline int ioctlsocket(SOCKET s, DWORD command, Argument *argument)
{
	return regio_winsock_ioctlsocket(s, command, argument, sizeof(*argument));
}
#else
#define ioctlsocket(s, command, argument)                                                          \
	regio_winsock_ioctlsocket((s), (DWORD)(command), (argument), sizeof(*(argument)))
#endif

#if defined(UNICODE)
#define WSASocket WSASocketW
#define WSAAddressToString WSAAddressToStringW
#define WSAStringToAddress WSAStringToAddressW
#define SO_PROTOCOL_INFO SO_PROTOCOL_INFOW
#else
#define WSASocket WSASocketA
#define WSAAddressToString WSAAddressToStringA
#define WSAStringToAddress WSAStringToAddressA
#define SO_PROTOCOL_INFO SO_PROTOCOL_INFOA
#endif

#endif
