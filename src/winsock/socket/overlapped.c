/* SPDX-License-Identifier: MIT */
/*
 * Overlapped operations.
 *
 * An operation is tried in the call that starts it. One that must wait is queued for its direction
 * of the socket, and finished by a thread of the library, which is started with the first such
 * operation and sleeps in an epoll set. The completion is reported as on Windows: in the
 * OVERLAPPED, its event, and the port of the socket.
 *
 * OVERLAPPED.Internal holds STATUS_PENDING, 0, or the Win32 error with STATUS_ERROR set.
 */
#include <sys/epoll.h>

#include "winsock/socket/overlapped.h"
#include "winsock/win32/error.h"
#include "winsock/win32/thread.h"

#define STATUS_ERROR 0xE0000000u
#define EVENTS_MAX 64

/* ---- Completing ---- */

static void operation_free(struct regioi_ws_operation *operation)
{
	if (operation->event)
		regioi_ws_object_drop(&operation->event->object);
	if (operation->port)
		regioi_ws_object_drop(&operation->port->object);
	free(operation);
}

/* Both the thread that posts and the one that takes a packet hold the port. */
static void packet_taken(struct regioi_ws_packet *packet)
{
	operation_free(CONTAINING_RECORD(packet, struct regioi_ws_operation, packet));
}

/*
 * For threads that wait for an operation without an event. On Windows they wait for the file
 * handle, which is signalled when any operation on it ends.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
} ended = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* Stores the result; after that the OVERLAPPED is the program's again. */
static void store_result(OVERLAPPED *overlapped, DWORD error)
{
	REGIOI_LOCKED(&ended.lock);

	/* Release: pairs with the acquire in result_of(). */
	__atomic_store_n(&overlapped->Internal, error ? STATUS_ERROR | error : 0, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&ended.changed);
}

/* Before the result is reported, because the program may then use or close them. */
static void leave_sockets(struct regioi_ws_operation *operation)
{
	struct regioi_ws_socket *accepted = operation->accepted;

	if (accepted) {
		accepted->accepting = false;
		regioi_ws_socket_leave(accepted);
	}
	regioi_ws_socket_leave(operation->socket);
}

/* Ends an operation that is on no list. It may be freed by the return. */
static void complete(struct regioi_ws_operation *operation, int error, DWORD bytes, bool to_port)
{
	OVERLAPPED *overlapped = operation->overlapped;
	struct regioi_ws_port *port = operation->port;
	DWORD status = regioi_ws_completion_error(error, operation->socket->type == SOCK_DGRAM);

	overlapped->InternalHigh = bytes;
	leave_sockets(operation);
	store_result(overlapped, status);
	if (operation->event)
		regioi_ws_event_set(operation->event);
	if (!port || !to_port) {
		operation_free(operation);
		return;
	}
	operation->packet.overlapped = overlapped;
	operation->packet.bytes = bytes;
	operation->packet.error = status;
	operation->packet.taken = packet_taken;
	regioi_ws_object_hold(&port->object);
	regioi_ws_port_post(port, &operation->packet);
	regioi_ws_object_drop(&port->object);
}

/* ---- The thread ---- */

static struct {
	pthread_mutex_t lock;
	int epoll_fd;
	bool running;
} service = {.lock = PTHREAD_MUTEX_INITIALIZER, .epoll_fd = -1};

/* With the socket's lock: the events that its operations wait for. */
static uint32_t wanted_events(const struct regioi_ws_socket *socket)
{
	return (socket->operations[REGIOI_WS_IN].first ? (uint32_t)EPOLLIN : 0) |
	       (socket->operations[REGIOI_WS_OUT].first ? (uint32_t)EPOLLOUT : 0);
}

/* With the socket's lock: has the thread look when one of the events, if any, comes. */
static int watch(struct regioi_ws_socket *socket, uint32_t wanted)
{
	struct epoll_event event = {.events = (uint32_t)EPOLLONESHOT | wanted,
				    .data.fd = socket->fd};
	int how = socket->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if ((socket->armed & wanted) == wanted)
		return 0;
	if (epoll_ctl(service.epoll_fd, how, socket->fd, &event) < 0)
		return regioi_ws_error(errno);
	socket->watched = true;
	socket->armed = wanted;
	return 0;
}

void regioi_ws_operations_move(struct regioi_ws_socket *socket)
{
	socket->watched = false;
	socket->armed = 0;
	watch(socket, wanted_events(socket));
}

void regioi_ws_operations_retry(struct regioi_ws_socket *socket)
{
	/* A datagram socket is nearly always writable. */
	if (socket->operations[REGIOI_WS_IN].first)
		watch(socket, (uint32_t)EPOLLIN | (uint32_t)EPOLLOUT);
}

/*
 * Tries the oldest operation of a direction, and takes it off its list if it is done. NULL if it is
 * not.
 */
static struct regioi_ws_operation *next_done(struct regioi_ws_socket *socket,
					     enum regioi_ws_side side, int *ret_error,
					     DWORD *ret_bytes)
{
	REGIOI_LOCKED(&socket->lock);
	struct regioi_ws_operation *operation = (void *)socket->operations[side].first;

	*ret_bytes = 0;
	if (!operation)
		return NULL;
	*ret_error = operation->attempt(operation, ret_bytes);
	if (*ret_error == WSAEWOULDBLOCK)
		return NULL;
	regioi_ws_list_remove(&socket->operations[side], &operation->link);
	return operation;
}

static void serve(SOCKET s)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_find(s);
	struct regioi_ws_operation *operation;
	DWORD bytes;
	int error;

	/* The thread that closed it has ended its operations. */
	if (!socket)
		return;
	/*
	 * The event has disarmed the socket. Until the end of this function nobody need arm it:
	 * what is posted meanwhile is tried here.
	 */
	pthread_mutex_lock(&socket->lock);
	socket->armed = (uint32_t)EPOLLIN | (uint32_t)EPOLLOUT;
	pthread_mutex_unlock(&socket->lock);
	for (int side = REGIOI_WS_IN; side <= REGIOI_WS_OUT; side++)
		while ((operation = next_done(socket, (enum regioi_ws_side)side, &error, &bytes)))
			complete(operation, error, bytes, true);
	pthread_mutex_lock(&socket->lock);
	socket->armed = 0;
	watch(socket, wanted_events(socket));
	pthread_mutex_unlock(&socket->lock);
	regioi_ws_socket_leave(socket);
}

static void *service_main(void *argument)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		int count = epoll_wait(service.epoll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++)
			serve((SOCKET)events[i].data.fd);
	}
	return NULL;
}

/* Returns 0 or a Winsock error. The thread runs until the process ends. */
static int service_start(void)
{
	REGIOI_LOCKED(&service.lock);

	if (service.epoll_fd < 0)
		service.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!service.running && service.epoll_fd >= 0)
		service.running = regioi_ws_thread_spawn(service_main, NULL, 0);
	return service.running ? 0 : WSAENOBUFS;
}

/* ---- Starting and cancelling ---- */

struct regioi_ws_operation *regioi_ws_operation_make(struct regioi_ws_socket *socket,
						     OVERLAPPED *overlapped,
						     enum regioi_ws_side side)
{
	struct regioi_ws_operation *operation = calloc(1, sizeof(*operation));
	/* If the lowest bit is set, no packet is posted to the port. */
	uintptr_t handle = (uintptr_t)overlapped->hEvent;
	HANDLE event = (HANDLE)(handle & ~(uintptr_t)1);

	if (operation && event)
		operation->event = regioi_ws_event_get(event);
	if (!operation || (event && !operation->event)) {
		SetLastError(operation ? WSA_INVALID_HANDLE : WSAENOBUFS);
		regioi_ws_socket_leave(socket);
		free(operation);
		return NULL;
	}
	operation->socket = socket;
	operation->overlapped = overlapped;
	operation->side = side;
	pthread_mutex_lock(&socket->lock);
	operation->port = handle & 1 ? NULL : socket->port;
	operation->packet.key = socket->key;
	if (operation->port)
		regioi_ws_object_hold(&operation->port->object);
	pthread_mutex_unlock(&socket->lock);
	if (operation->event)
		regioi_ws_event_reset(operation->event);
	overlapped->InternalHigh = 0;
	__atomic_store_n(&overlapped->Internal, STATUS_PENDING, __ATOMIC_RELEASE);
	return operation;
}

/* Returns 0, a Winsock error, or WSA_IO_PENDING if it is on a list: then it may be freed. */
static int attempt_or_list(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct regioi_ws_socket *socket = operation->socket;
	struct regioi_ws_list *list = &socket->operations[operation->side];
	REGIOI_LOCKED(&socket->lock);
	int error;

	if (socket->closing)
		return WSA_OPERATION_ABORTED;
	if (list->first) {
		/* The socket is watched already, for those before it. */
		regioi_ws_list_append(list, &operation->link);
		return WSA_IO_PENDING;
	}
	error = operation->attempt(operation, ret_bytes);
	if (error != WSAEWOULDBLOCK)
		return error;
	regioi_ws_list_append(list, &operation->link);
	error = watch(socket, wanted_events(socket));
	if (!error)
		return WSA_IO_PENDING;
	regioi_ws_list_remove(list, &operation->link);
	return error;
}

void regioi_ws_operation_refuse(struct regioi_ws_operation *operation, int error)
{
	const bool datagram = operation->socket->type == SOCK_DGRAM;

	leave_sockets(operation);
	store_result(operation->overlapped, regioi_ws_completion_error(error, datagram));
	operation_free(operation);
}

int regioi_ws_operation_start(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	const bool to_port = !operation->socket->skip_port_on_success;
	int error = service_start();

	if (!error)
		error = attempt_or_list(operation, ret_bytes);
	if (error == 0)
		complete(operation, 0, *ret_bytes, to_port);
	else if (error != WSA_IO_PENDING)
		regioi_ws_operation_refuse(operation, error);
	return error;
}

int regioi_ws_operations_cancel(struct regioi_ws_socket *socket, const OVERLAPPED *overlapped)
{
	struct regioi_ws_list cancelled = {0};
	struct regioi_ws_operation *operation, *next;
	int count = 0;

	pthread_mutex_lock(&socket->lock);
	for (int side = REGIOI_WS_IN; side <= REGIOI_WS_OUT; side++) {
		operation = (void *)socket->operations[side].first;
		for (; operation; operation = next) {
			next = (void *)operation->link.next;
			if (overlapped && operation->overlapped != overlapped)
				continue;
			regioi_ws_list_remove(&socket->operations[side], &operation->link);
			regioi_ws_list_append(&cancelled, &operation->link);
		}
	}
	pthread_mutex_unlock(&socket->lock);
	for (operation = (void *)cancelled.first; operation; operation = next) {
		next = (void *)operation->link.next;
		complete(operation, WSA_OPERATION_ABORTED, 0, true);
		count++;
	}
	return count;
}

/* ---- Results ---- */

BOOL WINAPI CancelIoEx(HANDLE file, LPOVERLAPPED overlapped)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter((SOCKET)file);
	int count;

	if (!socket)
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	count = regioi_ws_operations_cancel(socket, overlapped);
	return regioi_ws_socket_leave_with(socket, count ? 0 : ERROR_NOT_FOUND) == 0;
}

/*
 * Also cancels operations that other threads started, unlike Windows; a program that cancels
 * usually wants that.
 */
BOOL WINAPI CancelIo(HANDLE file)
{
	return CancelIoEx(file, NULL) || GetLastError() == ERROR_NOT_FOUND;
}

/* Returns 0, ERROR_IO_INCOMPLETE or the operation's Win32 error. */
static DWORD result_of(const OVERLAPPED *overlapped, DWORD *ret_bytes)
{
	ULONG_PTR status = __atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE);

	if (status == STATUS_PENDING)
		return ERROR_IO_INCOMPLETE;
	*ret_bytes = (DWORD)overlapped->InternalHigh;
	return status ? (DWORD)status & ~STATUS_ERROR : 0;
}

static void wait_for_end(const OVERLAPPED *overlapped)
{
	REGIOI_LOCKED(&ended.lock);

	while (__atomic_load_n(&overlapped->Internal, __ATOMIC_RELAXED) == STATUS_PENDING)
		pthread_cond_wait(&ended.changed, &ended.lock);
}

BOOL WINAPI GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD ret_bytes, BOOL wait)
{
	DWORD error;

	if (!overlapped || !ret_bytes)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	error = result_of(overlapped, ret_bytes);
	if (error == ERROR_IO_INCOMPLETE && wait) {
		HANDLE event = (HANDLE)((uintptr_t)overlapped->hEvent & ~(uintptr_t)1);

		if (!event)
			wait_for_end(overlapped);
		else if (WaitForSingleObject(event, INFINITE) == WAIT_FAILED)
			return FALSE;
		error = result_of(overlapped, ret_bytes);
	}
	return error ? regioi_ws_fail((int)error, FALSE) : TRUE;
}

BOOL WSAAPI WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD ret_bytes,
				   BOOL wait, LPDWORD ret_flags)
{
	if (!ret_flags)
		return regioi_ws_fail(WSAEFAULT, FALSE);
	if (GetOverlappedResult((HANDLE)s, overlapped, ret_bytes, wait)) {
		*ret_flags = 0;
		return TRUE;
	}
	return regioi_ws_fail(regioi_ws_completion_winsock(GetLastError()), FALSE);
}
