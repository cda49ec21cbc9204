/* SPDX-License-Identifier: MIT */
/*
 * Completion ports.
 *
 * If a thread waits, it gets the packet; otherwise packets are queued. The thread that has waited
 * for the shortest time is served first, as on Windows. But if the leader itself posts the packet
 * while it waits, it keeps the packet, because then no thread must be woken.
 */
#include "winsock/win32/port.h"
#include "winsock/win32/deadline.h"
#include "winsock/win32/error.h"

struct port_waiter {
	struct regioi_ws_waiter waiter;
	OVERLAPPED_ENTRY entry;
	bool abandoned;
};

/* ---- Packets ---- */

/* With the lock. The packet may be freed by the return. */
static void packet_take(struct regioi_ws_packet *packet, struct port_waiter *by)
{
	by->entry = (OVERLAPPED_ENTRY){
		.lpCompletionKey = packet->key,
		.lpOverlapped = packet->overlapped,
		.Internal = packet->error,
		.dwNumberOfBytesTransferred = packet->bytes,
	};
	packet->taken(packet);
}

/* With the lock. */
static bool queue_take(struct regioi_ws_port *port, struct port_waiter *by)
{
	struct regioi_ws_packet *packet = (void *)port->packets.first;

	if (!packet)
		return false;
	regioi_ws_list_remove(&port->packets, &packet->link);
	/* It was posted again before it was taken: it goes to the end of the queue. */
	if (--packet->times > 0)
		regioi_ws_list_append(&port->packets, &packet->link);
	packet_take(packet, by);
	return true;
}

static struct port_waiter *choose_waiter(const struct regioi_ws_domain *domain)
{
	const struct regioi_ws_waiter *own = regioi_ws_domain_leading(domain);
	struct regioi_ws_waiter *waiter, *chosen = NULL;

	for (waiter = (void *)domain->waiters.last; waiter;
	     waiter = (void *)waiter->link.previous) {
		if (waiter->done)
			continue;
		if (waiter == own)
			return (struct port_waiter *)waiter;
		/* Another thread is preferred to the leader, which would have to be replaced. */
		if (!chosen || chosen == domain->leader)
			chosen = waiter;
	}
	return (struct port_waiter *)chosen;
}

void regioi_ws_port_post(struct regioi_ws_port *port, struct regioi_ws_packet *packet)
{
	REGIOI_LOCKED(&port->domain.lock);
	struct port_waiter *waiter = choose_waiter(&port->domain);

	if (port->abandoned) {
		packet->taken(packet);
	} else if (waiter) {
		packet_take(packet, waiter);
		regioi_ws_waiter_satisfy(&port->domain, &waiter->waiter);
	} else if (packet->times++ == 0) {
		regioi_ws_list_append(&port->packets, &packet->link);
	}
}

/* ---- Creating and closing ---- */

struct regioi_ws_port *regioi_ws_port_get(HANDLE handle)
{
	return (struct regioi_ws_port *)regioi_ws_handle_get(handle, REGIOI_WS_PORT);
}

/* Called when the handle was closed: ends the waits. */
static void port_abandon(struct regioi_ws_object *object)
{
	struct regioi_ws_port *port = (struct regioi_ws_port *)object;
	struct regioi_ws_waiter *waiter;
	struct port_waiter dropped;
	REGIOI_LOCKED(&port->domain.lock);

	port->abandoned = true;
	while (queue_take(port, &dropped))
		continue;
	for (waiter = (void *)port->domain.waiters.last; waiter;
	     waiter = (void *)waiter->link.previous) {
		if (waiter->done)
			continue;
		((struct port_waiter *)waiter)->abandoned = true;
		regioi_ws_waiter_satisfy(&port->domain, waiter);
	}
}

static void port_destroy(struct regioi_ws_object *object)
{
	struct regioi_ws_port *port = (struct regioi_ws_port *)object;

	regioi_ws_domain_fini(&port->domain);
	free(port);
}

HANDLE regioi_ws_port_create(void)
{
	struct regioi_ws_port *port = malloc(sizeof(*port));

	if (!port)
		return regioi_ws_fail_null(ERROR_NOT_ENOUGH_MEMORY);
	*port = (struct regioi_ws_port){.object = {.kind = REGIOI_WS_PORT,
						   .references = 1,
						   .abandon = port_abandon,
						   .destroy = port_destroy}};
	regioi_ws_domain_init(&port->domain);
	return regioi_ws_handle_add(&port->object);
}

/* ---- Taking and posting ---- */

/* Waits for the first packet only. Returns 0 with at least one, or the Win32 error. */
static DWORD take(HANDLE handle, OVERLAPPED_ENTRY *ret_entries, ULONG entries_max, ULONG *ret_count,
		  DWORD timeout_ms)
{
	struct regioi_ws_port *port = regioi_ws_port_get(handle);
	const uint64_t deadline_ns = regioi_ws_deadline(timeout_ms);
	struct port_waiter waiter = {.waiter = {.drives = true}};
	DWORD error = 0;

	*ret_count = 0;
	if (!port)
		return ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&port->domain.lock);
	if (!queue_take(port, &waiter)) {
		waiter.abandoned = waiter.waiter.done = port->abandoned;
		regioi_ws_domain_sleep(&port->domain, &waiter.waiter, deadline_ns);
		if (!waiter.waiter.done)
			error = WAIT_TIMEOUT;
		else if (waiter.abandoned)
			error = ERROR_ABANDONED_WAIT_0;
	}
	while (!error) {
		ret_entries[(*ret_count)++] = waiter.entry;
		if (*ret_count == entries_max || !queue_take(port, &waiter))
			break;
	}
	pthread_mutex_unlock(&port->domain.lock);
	regioi_ws_object_drop(&port->object);
	return error;
}

BOOL WINAPI GetQueuedCompletionStatus(HANDLE port, LPDWORD ret_bytes, PULONG_PTR ret_key,
				      LPOVERLAPPED *ret_overlapped, DWORD timeout_ms)
{
	OVERLAPPED_ENTRY entry;
	ULONG count;
	DWORD error;

	if (!ret_bytes || !ret_key || !ret_overlapped)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	*ret_overlapped = NULL;
	error = take(port, &entry, 1, &count, timeout_ms);
	if (error)
		return regioi_ws_fail((int)error, FALSE);
	*ret_bytes = entry.dwNumberOfBytesTransferred;
	*ret_key = entry.lpCompletionKey;
	*ret_overlapped = entry.lpOverlapped;
	/* The error of the operation. */
	return entry.Internal ? regioi_ws_fail((int)entry.Internal, FALSE) : TRUE;
}

BOOL WINAPI GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG entries_max,
					PULONG ret_count, DWORD timeout_ms, BOOL alertable)
{
	DWORD error;

	if (!entries || !entries_max || !ret_count)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	error = take(port, entries, entries_max, ret_count, timeout_ms);
	return error ? regioi_ws_fail((int)error, FALSE) : TRUE;
}

static void posted_taken(struct regioi_ws_packet *packet)
{
	free(packet);
}

BOOL WINAPI PostQueuedCompletionStatus(HANDLE handle, DWORD bytes, ULONG_PTR key,
				       LPOVERLAPPED overlapped)
{
	struct regioi_ws_port *port = regioi_ws_port_get(handle);
	struct regioi_ws_packet *packet;

	if (!port)
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	packet = malloc(sizeof(*packet));
	if (packet) {
		*packet = (struct regioi_ws_packet){.key = key,
						    .overlapped = overlapped,
						    .bytes = bytes,
						    .taken = posted_taken};
		regioi_ws_port_post(port, packet);
	}
	regioi_ws_object_drop(&port->object);
	return packet ? TRUE : regioi_ws_fail(ERROR_NOT_ENOUGH_MEMORY, FALSE);
}
