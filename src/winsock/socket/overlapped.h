/* SPDX-License-Identifier: MIT */
/*
 * Overlapped operations: started by a call, finished by a thread of the library.
 */
#ifndef REGIO_WINSOCK_SOCKET_OVERLAPPED_H
#define REGIO_WINSOCK_SOCKET_OVERLAPPED_H

#include "winsock/socket/socket.h"
#include "winsock/win32/event.h"

enum regioi_ws_side {
	REGIOI_WS_IN,  /* waits for the socket to be readable */
	REGIOI_WS_OUT, /* waits for the socket to be writable */
};

#define REGIOI_WS_BUFFERS_MAX 16

/* What a call sends or receives, and where it puts what is said about that. */
struct regioi_ws_transfer {
	struct msghdr message; /* of the vectors that follow */
	struct iovec vectors[REGIOI_WS_BUFFERS_MAX];
	int flags;
	int *ret_name_length; /* or NULL */
	LPWSAMSG ret_message; /* that of WSARecvMsg(), or NULL */
};

struct regioi_ws_operation {
	struct regioi_ws_link link;
	struct regioi_ws_socket *socket;  /* entered */
	struct regioi_ws_port *port;	  /* the socket's when it was started, or NULL */
	struct regioi_ws_waitable *event; /* or NULL */
	OVERLAPPED *overlapped;
	struct regioi_ws_packet packet;
	enum regioi_ws_side side;
	/*
	 * Tries it, without blocking and with the socket's lock. Returns 0, a Winsock error, or
	 * WSAEWOULDBLOCK if it must wait.
	 */
	int (*attempt)(struct regioi_ws_operation *operation, DWORD *ret_bytes);
	/* For use by the code that starts it: */
	struct regioi_ws_socket *accepted; /* entered, or NULL */
	void *buffer;
	DWORD sizes[3];
	struct regioi_ws_transfer transfer;
	DWORD done_bytes;
	int flags;
	struct sockaddr_storage address; /* of ConnectEx(), or a copy of what a send names */
};

/*
 * Creates an operation on an entered socket; its OVERLAPPED becomes pending. NULL, with the last
 * error set, on failure.
 */
struct regioi_ws_operation *regioi_ws_operation_make(struct regioi_ws_socket *socket,
						     OVERLAPPED *overlapped,
						     enum regioi_ws_side side);
/*
 * Tries it, and leaves the rest to the library's thread. Returns 0 if it is done, WSA_IO_PENDING if
 * it continues, or a Winsock error. Its completion is reported unless it failed at once.
 */
int regioi_ws_operation_start(struct regioi_ws_operation *operation, DWORD *ret_bytes);

/* Frees an operation that fails at once, so that no completion is reported. */
void regioi_ws_operation_refuse(struct regioi_ws_operation *operation, int error);

/* Ends all waiting operations, or only that of 'overlapped'. Returns their number. */
int regioi_ws_operations_cancel(struct regioi_ws_socket *socket, const OVERLAPPED *overlapped);

/*
 * With the socket's lock: another socket has the descriptor, and the operations wait for that one.
 */
void regioi_ws_operations_move(struct regioi_ws_socket *socket);
/* With the lock of a datagram socket: has the thread try the receives that wait. */
void regioi_ws_operations_retry(struct regioi_ws_socket *socket);

#endif
