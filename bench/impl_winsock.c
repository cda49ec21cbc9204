/* SPDX-License-Identifier: MIT */
/*
 * regio under its Windows spelling, as a program for Winsock Registered I/O
 * streams: sends posted with RIO_MSG_DEFER and started by RIO_MSG_COMMIT_ONLY,
 * completions polled. Beside the rows of regio it shows what the spelling costs.
 */
#include <mswsock.h>
#include <windows.h>
#include <winsock2.h>

#include <unistd.h>

#include "impl.h"
#include "message.h"

#define RESULTS 1024u
#define SEND_BATCHES 4u
#define RECEIVES 2048u

struct stream {
	struct bench_side *side;
	RIO_EXTENSION_FUNCTION_TABLE rio;
	RIO_CQ cq;
	RIO_RQ rq;
	RIO_BUFFERID id;
	uint8_t *memory;
	RIORESULT results[RESULTS];
};

static void check(const struct stream *stream, const char *call, bool succeeded)
{
	if (unlikely(!succeeded))
		side_fail(stream->side, "%s: error %d", call, WSAGetLastError());
}

/*
 * The sockets of a run are made beforehand, the same for everybody. A SOCKET is the number of its
 * descriptor, so that one made here may be given the side's socket underneath.
 */
static SOCKET socket_open(const struct stream *stream)
{
	SOCKET s = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_REGISTERED_IO);

	check(stream, "WSASocket", s != INVALID_SOCKET);
	if (dup2(stream->side->fds[0], (int)s) < 0)
		side_fail(stream->side, "dup2 failed");
	return s;
}

static void stream_open(struct stream *stream, struct bench_side *side, ULONG receives, ULONG sends)
{
	const DWORD bytes = (receives + sends) * side->params.stride;
	GUID id = WSAID_MULTIPLE_RIO;
	WSADATA data;
	SOCKET s;

	memset(stream, 0, sizeof(*stream));
	stream->side = side;
	check(stream, "WSAStartup", WSAStartup(MAKEWORD(2, 2), &data) == 0);
	s = socket_open(stream);
	check(stream, "WSAIoctl",
	      WSAIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, &id, sizeof(id),
		       &stream->rio, sizeof(stream->rio), &(DWORD){0}, NULL, NULL) == 0);
	stream->memory = VirtualAlloc(NULL, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	check(stream, "VirtualAlloc", stream->memory);
	stream->id = stream->rio.RIORegisterBuffer((PCHAR)stream->memory, bytes);
	check(stream, "RIORegisterBuffer", stream->id != RIO_INVALID_BUFFERID);
	stream->cq = stream->rio.RIOCreateCompletionQueue(receives + sends, NULL);
	check(stream, "RIOCreateCompletionQueue", stream->cq != RIO_INVALID_CQ);
	stream->rq = stream->rio.RIOCreateRequestQueue(s, receives, 1, sends, 1, stream->cq,
						       stream->cq, NULL);
	check(stream, "RIOCreateRequestQueue", stream->rq != RIO_INVALID_RQ);
}

static inline uint8_t *slot_memory(const struct stream *stream, ULONG_PTR slot)
{
	return stream->memory + slot * stream->side->params.stride;
}

static inline RIO_BUF slot_slice(const struct stream *stream, ULONG_PTR slot, ULONG bytes)
{
	return (RIO_BUF){
		.BufferId = stream->id,
		.Offset = (ULONG)(slot * stream->side->params.stride),
		.Length = bytes,
	};
}

static inline ULONG take(struct stream *stream)
{
	ULONG count = stream->rio.RIODequeueCompletion(stream->cq, stream->results, RESULTS);

	check(stream, "RIODequeueCompletion", count != RIO_CORRUPT_CQ);
	for (ULONG i = 0; i < count; i++)
		if (unlikely(stream->results[i].Status))
			side_fail(stream->side, "a completion: error %d",
				  stream->results[i].Status);
	return count;
}

static void winsock_stream_tx(struct bench_side *side)
{
	const ULONG batch = side->params.batch, slots = batch * SEND_BATCHES;
	ULONG slot = 0, outstanding = 0;
	struct stream stream;

	stream_open(&stream, side, 0, slots);
	side_start(side);
	while (side_running(side)) {
		bool room = slots - outstanding >= batch;
		ULONG taken;

		for (ULONG i = 0; room && i < batch; i++) {
			ULONG bytes = message_write(side, slot_memory(&stream, slot));
			RIO_BUF slice = slot_slice(&stream, slot, bytes);

			check(&stream, "RIOSend",
			      stream.rio.RIOSend(stream.rq, &slice, 1, RIO_MSG_DEFER,
						 (PVOID)(ULONG_PTR)slot));
			slot = slot + 1 == slots ? 0 : slot + 1;
		}
		if (room) {
			outstanding += batch;
			check(&stream, "RIOSend",
			      stream.rio.RIOSend(stream.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
		}
		taken = take(&stream);
		outstanding -= taken;
		if (taken == 0 && !room)
			side_relax(side);
	}
}

static inline void post_receive(const struct stream *stream, ULONG_PTR slot)
{
	RIO_BUF slice = slot_slice(stream, slot, stream->side->params.stride);

	check(stream, "RIOReceive",
	      stream->rio.RIOReceive(stream->rq, &slice, 1, RIO_MSG_DEFER, (PVOID)slot));
}

static void winsock_stream_rx(struct bench_side *side)
{
	struct stream stream;

	stream_open(&stream, side, RECEIVES, 0);
	for (ULONG slot = 0; slot < RECEIVES; slot++)
		post_receive(&stream, slot);
	side_start(side);
	while (side_running(side)) {
		ULONG count = take(&stream);

		for (ULONG i = 0; i < count; i++) {
			ULONG_PTR slot = stream.results[i].RequestContext;

			message_read(side, slot_memory(&stream, slot),
				     stream.results[i].BytesTransferred);
			post_receive(&stream, slot);
		}
		if (count == 0)
			side_relax(side);
	}
}

const struct bench_impl bench_impl_regio_winsock = {
	.name = "regio-winsock",
	.about = "regio under its Windows spelling, on the automatic engine",
	.sides =
		{
			[SHAPE_STREAM] = {winsock_stream_tx, winsock_stream_rx},
		},
};
