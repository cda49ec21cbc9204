/* SPDX-License-Identifier: MIT */
/*
 * The thirteen functions of Registered I/O, except those on completion queues.
 *
 * Handles are those of the native API, and so are the structures: a RIO_BUF is a struct regio_buf
 * and a RIORESULT a struct regio_result under another name.
 */
#include "winsock/rio/rio.h"
#include "regio.h"
#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"
#include "winsock/win32/registered.h"

_Static_assert(sizeof(RIO_BUF) == sizeof(struct regio_buf) &&
		       offsetof(RIO_BUF, Offset) == offsetof(struct regio_buf, offset) &&
		       offsetof(RIO_BUF, Length) == offsetof(struct regio_buf, length),
	       "a RIO_BUF is a regio_buf");
_Static_assert(sizeof(RIO_CMSG_BUFFER) <= sizeof(struct regio_control) &&
		       RIO_CMSG_BASE_SIZE == sizeof(struct regio_control),
	       "a RIO_CMSG_BUFFER is a regio_control");
_Static_assert(RIO_MSG_DONT_NOTIFY == REGIO_MSG_DONT_NOTIFY && RIO_MSG_DEFER == REGIO_MSG_DEFER &&
		       RIO_MSG_WAITALL == REGIO_MSG_WAITALL &&
		       RIO_MSG_COMMIT_ONLY == REGIO_MSG_COMMIT_ONLY,
	       "the flags are those of the native API");
_Static_assert(RIO_MAX_CQ_SIZE == REGIO_CQ_CAPACITY_MAX, "the limits are the same");

struct extra_slices {
	PRIO_BUF local_address, remote_address, control, message_flags;
};

/* ---- Requests ---- */

/* Sets the error of a request that was refused. */
static __attribute__((cold)) BOOL refused(int error)
{
	/*
	 * If there is no RQ, or its CQ is closed, the documentation of Windows says invalid
	 * parameter.
	 */
	return regioi_ws_fail(error == -EBADF ? WSAEINVAL : regioi_ws_error(-error), FALSE);
}

/* Whether pData and its count have one of the two documented forms. */
static BOOL check_data(const RIO_BUF *data, ULONG count)
{
	if (count > 1 || !data != !count)
		return regioi_ws_fail(WSAEINVAL, FALSE);
	/* For the native API region 0 means no slice. */
	if (data && !data->BufferId)
		return regioi_ws_fail(WSAEFAULT, FALSE);
	return TRUE;
}

static inline bool data_is_plain(const RIO_BUF *data, ULONG count)
{
	return __builtin_expect(data && count == 1 && data->BufferId, 1);
}

/* Gets an extra slice, which is absent if the pointer is NULL. */
static bool take_slice(const RIO_BUF *slice, struct regio_buf *ret_slice)
{
	if (!slice)
		return true;
	*ret_slice = (struct regio_buf){(uintptr_t)slice->BufferId, slice->Offset, slice->Length};
	return slice->BufferId != NULL;
}

static bool take_extra(const struct extra_slices *slices, struct regio_extra *ret_extra)
{
	return take_slice(slices->local_address, &ret_extra->local_address) &&
	       take_slice(slices->remote_address, &ret_extra->remote_address) &&
	       take_slice(slices->control, &ret_extra->control) &&
	       take_slice(slices->message_flags, &ret_extra->message_flags);
}

typedef int post_plain(struct regio_rq *rq, const struct regio_buf *data, uint32_t flags,
		       uint64_t context);

/*
 * Posts a request without a plain slice: COMMIT_ONLY, an empty datagram, or an error of the
 * program.
 */
static __attribute__((cold, noinline)) BOOL post_odd(post_plain *how, RIO_RQ queue,
						     const RIO_BUF *data, ULONG count, DWORD flags,
						     PVOID context)
{
	int error;

	if (!check_data(data, count))
		return FALSE;
	error = how((struct regio_rq *)queue, (const struct regio_buf *)data, flags,
		    (uintptr_t)context);
	return error ? refused(error) : TRUE;
}

static inline __attribute__((always_inline)) BOOL post(post_plain *how, RIO_RQ queue,
						       const RIO_BUF *data, ULONG count,
						       DWORD flags, PVOID context)
{
	int error;

	if (!data_is_plain(data, count))
		return post_odd(how, queue, data, count, flags, context);
	error = how((struct regio_rq *)queue, (const struct regio_buf *)data, flags,
		    (uintptr_t)context);
	return __builtin_expect(error == 0, 1) ? TRUE : refused(error);
}

static BOOL PASCAL rio_receive(RIO_RQ queue, PRIO_BUF data, ULONG count, DWORD flags, PVOID context)
{
	return post(regio_receive, queue, data, count, flags, context);
}

static BOOL PASCAL rio_send(RIO_RQ queue, PRIO_BUF data, ULONG count, DWORD flags, PVOID context)
{
	return post(regio_send, queue, data, count, flags, context);
}

typedef int post_ex(struct regio_rq *rq, const struct regio_buf *data,
		    const struct regio_extra *extra, uint32_t flags, uint64_t context);

static BOOL post_extra(post_ex *how, RIO_RQ queue, const RIO_BUF *data, ULONG count,
		       const struct extra_slices *slices, DWORD flags, PVOID context)
{
	const bool any = slices->local_address || slices->remote_address || slices->control ||
			 slices->message_flags;
	struct regio_extra extra = {0};
	int error;

	if (!data_is_plain(data, count) && !check_data(data, count))
		return FALSE;
	if (!take_extra(slices, &extra))
		return regioi_ws_fail(WSAEFAULT, FALSE);
	error = how((struct regio_rq *)queue, (const struct regio_buf *)data, any ? &extra : NULL,
		    flags, (uintptr_t)context);
	return error ? refused(error) : TRUE;
}

static int PASCAL rio_receive_ex(RIO_RQ queue, PRIO_BUF data, ULONG count, PRIO_BUF local_address,
				 PRIO_BUF remote_address, PRIO_BUF control, PRIO_BUF message_flags,
				 DWORD flags, PVOID context)
{
	const struct extra_slices slices = {local_address, remote_address, control, message_flags};

	return post_extra(regio_receive_ex, queue, data, count, &slices, flags, context);
}

static BOOL PASCAL rio_send_ex(RIO_RQ queue, PRIO_BUF data, ULONG count, PRIO_BUF local_address,
			       PRIO_BUF remote_address, PRIO_BUF control, PRIO_BUF message_flags,
			       DWORD flags, PVOID context)
{
	const struct extra_slices slices = {local_address, remote_address, control, message_flags};

	if (local_address)
		return regioi_ws_fail(WSAEINVAL, FALSE);
	return post_extra(regio_send_ex, queue, data, count, &slices, flags, context);
}

/* ---- Request queues ---- */

/* The documented errors of creating and resizing a queue. */
static int queue_error(int error)
{
	switch (error) {
	case -EBADF: /* a CQ, or the RQ: the socket was checked before */
	case -EEXIST:
		return WSAEINVAL;
	case -EMFILE:
	case -ENFILE:
		return WSAENOBUFS;
	default:
		return regioi_ws_error(-error);
	}
}

/* Two threads cannot both give the socket a queue. Returns 0 or a Winsock error. */
static int queue_create(struct regioi_ws_socket *socket, ULONG max_receives, ULONG max_sends,
			RIO_CQ receive_queue, RIO_CQ send_queue, PVOID context, RIO_RQ *ret_queue)
{
	struct regio_rq_opts opts = {.size = sizeof(opts)};
	REGIOI_LOCKED(&socket->lock);
	int error;

	if (max_receives > REGIO_RQ_REQUESTS_MAX || max_sends > REGIO_RQ_REQUESTS_MAX)
		return WSAENOBUFS;
	if (socket->type == SOCK_RAW)
		return WSAEOPNOTSUPP;
	if (!socket->registered_io || socket->rq || socket->closing)
		return WSAEINVAL;
	if (socket->report_icmp)
		opts.flags |= REGIO_RQ_REPORT_ICMP;
	/* The program splits them. */
	if (socket->coalesced_max)
		opts.trains = REGIO_TRAINS_SEND_ONLY;
	error = regio_rq_create(socket->fd, max_receives, max_sends,
				(struct regio_cq *)receive_queue, (struct regio_cq *)send_queue,
				(uintptr_t)context, &opts, &socket->rq);
	if (error)
		return queue_error(error);
	*ret_queue = (RIO_RQ)socket->rq;
	return 0;
}

static RIO_RQ PASCAL rio_create_request_queue(SOCKET s, ULONG max_receives,
					      ULONG max_receive_buffers, ULONG max_sends,
					      ULONG max_send_buffers, RIO_CQ receive_queue,
					      RIO_CQ send_queue, PVOID context)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	RIO_RQ queue = RIO_INVALID_RQ;
	int error = WSAEINVAL;

	if (!socket)
		return RIO_INVALID_RQ;
	if (max_receive_buffers == 1 && max_send_buffers == 1 && (max_receives || max_sends))
		error = queue_create(socket, max_receives, max_sends, receive_queue, send_queue,
				     context, &queue);
	regioi_ws_socket_leave_with(socket, error);
	return queue;
}

static BOOL PASCAL rio_resize_request_queue(RIO_RQ queue, DWORD max_receives, DWORD max_sends)
{
	int error;

	if (max_receives > REGIO_RQ_REQUESTS_MAX || max_sends > REGIO_RQ_REQUESTS_MAX)
		return regioi_ws_fail(WSAENOBUFS, FALSE);
	error = regio_rq_resize((struct regio_rq *)queue, max_receives, max_sends);
	return error ? regioi_ws_fail(queue_error(error), FALSE) : TRUE;
}

/* ---- Buffers ---- */

static RIO_BUFFERID PASCAL rio_register_buffer(PCHAR address, DWORD length)
{
	uint64_t region;
	int error = address ? regioi_ws_registered_add(address, length, &region) : -EFAULT;

	if (!error)
		return (RIO_BUFFERID)(uintptr_t)region;
	SetLastError((DWORD)regioi_ws_error(-error));
	return RIO_INVALID_BUFFERID;
}

static void PASCAL rio_deregister_buffer(RIO_BUFFERID buffer)
{
	regioi_ws_registered_remove((uintptr_t)buffer);
}

/* ---- The table ---- */

const RIO_EXTENSION_FUNCTION_TABLE regioi_ws_rio_table = {
	.cbSize = sizeof(RIO_EXTENSION_FUNCTION_TABLE),
	.RIOReceive = rio_receive,
	.RIOReceiveEx = rio_receive_ex,
	.RIOSend = rio_send,
	.RIOSendEx = rio_send_ex,
	.RIOCloseCompletionQueue = regioi_ws_rio_close_cq,
	.RIOCreateCompletionQueue = regioi_ws_rio_create_cq,
	.RIOCreateRequestQueue = rio_create_request_queue,
	.RIODequeueCompletion = regioi_ws_rio_dequeue,
	.RIODeregisterBuffer = rio_deregister_buffer,
	.RIONotify = regioi_ws_rio_notify,
	.RIORegisterBuffer = rio_register_buffer,
	.RIOResizeCompletionQueue = regioi_ws_rio_resize_cq,
	.RIOResizeRequestQueue = rio_resize_request_queue,
};
