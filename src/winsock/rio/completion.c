/* SPDX-License-Identifier: MIT */
/*
 * Completion queues of Registered I/O, and their notifications.
 *
 * A RIO_CQ is the handle of the native API. Additional data is kept in a map and looked up only
 * when a queue is armed or closed: dequeuing does not need it. Queues that signal a port use the
 * driver of that port's domain, those that signal events use the driver that all events share, and
 * a polled queue has its own.
 */
#include "regio.h"
#include "winsock/rio/rio.h"
#include "winsock/win32/error.h"
#include "winsock/win32/event.h"
#include "winsock/win32/map.h"
#include "winsock/win32/port.h"

_Static_assert(sizeof(RIORESULT) == sizeof(struct regio_result) &&
		       offsetof(RIORESULT, BytesTransferred) ==
			       offsetof(struct regio_result, bytes) &&
		       offsetof(RIORESULT, SocketContext) ==
			       offsetof(struct regio_result, rq_context) &&
		       offsetof(RIORESULT, RequestContext) ==
			       offsetof(struct regio_result, request_context),
	       "a RIORESULT is a regio_result");

struct completion_queue {
	struct regio_cq *cq;
	_Atomic uint32_t references; /* the handle, and each packet on a port */
	struct regioi_ws_waitable *event;
	bool notify_reset;
	_Atomic bool armed; /* RIONotify() was called, and nothing was signalled since */
	struct regioi_ws_port *port;
	struct regioi_ws_packet packet;
	struct regioi_ws_domain domain; /* of a polled queue */
};

static struct regioi_ws_map queues = REGIOI_WS_MAP_INIT;

/* ---- Signals ---- */

static void queue_drop(struct completion_queue *queue)
{
	if (atomic_fetch_sub(&queue->references, 1) != 1)
		return;
	if (queue->event)
		regioi_ws_object_drop(&queue->event->object);
	else if (queue->port)
		regioi_ws_object_drop(&queue->port->object);
	else
		regioi_ws_domain_fini(&queue->domain);
	free(queue);
}

static void packet_taken(struct regioi_ws_packet *packet)
{
	queue_drop(CONTAINING_RECORD(packet, struct completion_queue, packet));
}

/* regio_cq_opts.on_notify */
static void notified(void *context)
{
	struct completion_queue *queue = context;

	atomic_store(&queue->armed, false);
	if (queue->event) {
		regioi_ws_event_set(queue->event);
	} else {
		atomic_fetch_add(&queue->references, 1);
		regioi_ws_port_post(queue->port, &queue->packet);
	}
}

INT PASCAL regioi_ws_rio_notify(RIO_CQ handle)
{
	struct completion_queue *queue = regioi_ws_map_find(&queues, (uintptr_t)handle);

	if (!queue || (!queue->event && !queue->port))
		return WSAEINVAL;
	/* If it is armed already it is left unchanged, so that a signal in progress is not lost. */
	if (atomic_exchange(&queue->armed, true))
		return WSAEALREADY;
	if (queue->event && queue->notify_reset)
		regioi_ws_event_reset(queue->event);
	if (regio_cq_notify(queue->cq) == 0)
		return ERROR_SUCCESS;
	/* In a forked child, or if there is no memory, no signal will come. */
	atomic_store(&queue->armed, false);
	return WSAEINVAL;
}

/* ---- Creating and closing ---- */

/* Finds the event or port in the notification. Returns 0 or a Winsock error. */
static int queue_bind(struct completion_queue *queue, const RIO_NOTIFICATION_COMPLETION *how)
{
	switch (how ? (int)how->Type : 0) {
	case RIO_EVENT_COMPLETION:
		queue->event = regioi_ws_event_get(how->Event.EventHandle);
		queue->notify_reset = how->Event.NotifyReset;
		return queue->event ? 0 : WSAEINVAL;
	case RIO_IOCP_COMPLETION:
		if (!how->Iocp.Overlapped)
			return WSAEINVAL;
		queue->port = regioi_ws_port_get(how->Iocp.IocpHandle);
		queue->packet = (struct regioi_ws_packet){
			.key = (ULONG_PTR)how->Iocp.CompletionKey,
			.overlapped = how->Iocp.Overlapped,
			.taken = packet_taken,
		};
		return queue->port ? 0 : WSAEINVAL;
	default:
		regioi_ws_domain_init(&queue->domain);
		return how ? WSAEINVAL : 0;
	}
}

static struct regioi_ws_domain *queue_domain(struct completion_queue *queue)
{
	if (queue->event)
		return &regioi_ws_dispatcher;
	return queue->port ? &queue->port->domain : &queue->domain;
}

/* Returns 0 or a Winsock error. */
static int queue_open(struct completion_queue *queue, DWORD size)
{
	struct regio_cq_opts opts = {.size = sizeof(opts)};
	int error = regioi_ws_domain_driver(queue_domain(queue), &opts.driver);

	if (error)
		return WSAENOBUFS;
	if (queue->event || queue->port) {
		opts.on_notify = notified;
		opts.on_notify_context = queue;
	}
	error = regio_cq_create(size, &opts, &queue->cq);
	if (error)
		return error == -EINVAL ? WSAEINVAL : WSAENOBUFS;
	if (!regioi_ws_map_add(&queues, (uintptr_t)queue->cq, queue)) {
		regio_cq_close(queue->cq);
		return WSAENOBUFS;
	}
	if (queue->event) {
		REGIOI_LOCKED(&regioi_ws_dispatcher.lock);
		regioi_ws_bind(queue->event);
	}
	return 0;
}

RIO_CQ PASCAL regioi_ws_rio_create_cq(DWORD size, PRIO_NOTIFICATION_COMPLETION notification)
{
	struct completion_queue *queue = NULL;
	int error = WSAEINVAL;

	if (size > 0 && size <= RIO_MAX_CQ_SIZE) {
		queue = calloc(1, sizeof(*queue));
		error = WSAENOBUFS;
	}
	if (queue) {
		atomic_init(&queue->references, 1);
		error = queue_bind(queue, notification);
		if (!error)
			error = queue_open(queue, size);
		if (!error)
			return (RIO_CQ)queue->cq;
		queue_drop(queue);
	}
	SetLastError((DWORD)error);
	return RIO_INVALID_CQ;
}

void PASCAL regioi_ws_rio_close_cq(RIO_CQ handle)
{
	struct completion_queue *queue = regioi_ws_map_remove(&queues, (uintptr_t)handle);

	if (!queue)
		return;
	regio_cq_close(queue->cq);
	if (queue->event) {
		REGIOI_LOCKED(&regioi_ws_dispatcher.lock);
		queue->event->queues--;
	}
	queue_drop(queue);
}

BOOL PASCAL regioi_ws_rio_resize_cq(RIO_CQ handle, DWORD size)
{
	int error = regio_cq_resize((struct regio_cq *)handle, size);

	if (!error)
		return TRUE;
	return regioi_ws_fail(error == -EBADF ? WSAEINVAL : regioi_ws_error(-error), FALSE);
}

/* ---- Dequeuing ---- */

ULONG PASCAL regioi_ws_rio_dequeue(RIO_CQ handle, PRIORESULT ret_results, ULONG results_max)
{
	int count = regio_cq_dequeue((struct regio_cq *)handle, (struct regio_result *)ret_results,
				     results_max);

	if (__builtin_expect(count < 0, 0))
		return RIO_CORRUPT_CQ;
	for (int i = 0; i < count; i++)
		if (__builtin_expect(ret_results[i].Status != 0, 0))
			ret_results[i].Status = regioi_ws_status(-ret_results[i].Status);
	return (ULONG)count;
}
