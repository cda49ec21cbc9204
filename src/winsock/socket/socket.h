/* SPDX-License-Identifier: MIT */
/*
 * Sockets: the data of one besides its descriptor.
 */
#ifndef REGIO_WINSOCK_SOCKET_SOCKET_H
#define REGIO_WINSOCK_SOCKET_SOCKET_H

#include "regio.h"
#include "winsock/win32/port.h"

struct regioi_ws_socket {
	pthread_mutex_t lock; /* first: what follows is cleared for each new socket */
	bool open;
	_Atomic bool closing;
	bool registered_io;	  /* WSA_FLAG_REGISTERED_IO */
	_Atomic bool nonblocking; /* FIONBIO; the descriptor's own flag is not changed */
	_Atomic bool listening;
	_Atomic bool report_icmp;   /* SIO_UDP_CONNRESET was set to TRUE */
	_Atomic bool ignore_icmp;   /* it was set to FALSE */
	_Atomic bool unreachable;   /* a send has found that its peer is; not reported yet */
	_Atomic bool bound;	    /* known to be; false: not known */
	_Atomic bool send_shut;	    /* shutdown() with SD_SEND or SD_BOTH */
	_Atomic bool receive_shut;  /* shutdown() with SD_RECEIVE or SD_BOTH */
	_Atomic bool was_reset;	    /* the peer has reset the connection, as a call has reported */
	_Atomic bool connecting;    /* connect() has begun without blocking */
	_Atomic bool fresh;	    /* DisconnectEx() has made it usable again */
	_Atomic bool reuse_address; /* SO_REUSEADDR as the program has set it */
	_Atomic bool exclusive;	    /* SO_EXCLUSIVEADDRUSE */
	_Atomic bool skip_port_on_success;
	_Atomic bool accepting; /* an AcceptEx() will give it a connection */
	/* Of the thread of overlapped.c, which sleeps in an epoll set: whether the socket is */
	bool watched;	     /* in the set */
	uint32_t armed;	     /* events that it waits for */
	DWORD coalesced_max; /* UDP_RECV_MAX_COALESCED_SIZE */
	int fd;
	int family;
	int type;
	uint32_t calls; /* threads in a call on the socket; the last to leave closes it */
	_Atomic uint64_t connected_ns; /* time of connecting; 0: not connected */
	struct regio_rq *rq;
	struct regioi_ws_port *port;
	ULONG_PTR key;
	/* Overlapped operations that wait, oldest first: to receive or accept; to send or connect.
	 */
	struct regioi_ws_list operations[2];
};

/*
 * The socket, which stays valid until regioi_ws_socket_leave(). NULL, with the last error set, if
 * there is none.
 */
struct regioi_ws_socket *regioi_ws_socket_enter(SOCKET s);
void regioi_ws_socket_leave(struct regioi_ws_socket *socket);
/* The same, and sets the last error. Returns 0, or SOCKET_ERROR if there is an error. */
int regioi_ws_socket_leave_with(struct regioi_ws_socket *socket, int error);
/* The same for the library's own thread, also after the last WSACleanup(). */
struct regioi_ws_socket *regioi_ws_socket_find(SOCKET s);

/*
 * Makes the descriptor of a connection that a listener has accepted a SOCKET, which inherits the
 * listener's properties. On failure closes it and returns INVALID_SOCKET.
 */
SOCKET regioi_ws_socket_inherit(int fd, const struct regioi_ws_socket *listener);

/* Whether it has a local port; true for sockets of families without ports. */
bool regioi_ws_socket_bound(struct regioi_ws_socket *socket);
/* Whether it is connected, or was until the peer closed. */
bool regioi_ws_socket_connected(struct regioi_ws_socket *socket);
/* The length of an address of its family, or 0 if that is not known. */
int regioi_ws_socket_name_bytes(const struct regioi_ws_socket *socket);
/* Creates a descriptor with the defaults of Windows sockets. -1 with errno set. */
int regioi_ws_descriptor_make(int family, int type, int protocol);

/* The error of a receive or send that failed with 'error'. */
int regioi_ws_transfer_error(struct regioi_ws_socket *socket, int error);

/* Sets an option of the kernel that is a number. Returns 0 or a Winsock error. */
int regioi_ws_socket_set(const struct regioi_ws_socket *socket, int level, int name, int number);
/* Connects without blocking. Returns 0 or a positive errno value. */
int regioi_ws_socket_connect(const struct regioi_ws_socket *socket, const struct sockaddr *address,
			     socklen_t length);

/* Waits for 'events'. Returns 0 or a Winsock error. */
int regioi_ws_socket_wait(const struct regioi_ws_socket *socket, short events);

/* Whether WSAStartup() has been called; sets the last error if not. */
bool regioi_ws_started(void);

#endif
