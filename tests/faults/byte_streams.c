/* SPDX-License-Identifier: MIT */
/*
 * byte_streams.c - scenarios of TCP and unix streams: gathered, scattered, ended, replaced
 */
#include "../support/streams.h"
#include "lane.h"

static void note_stream_error(struct lane *lane, int status)
{
	note_completion(status);
	lane->broken = true;
}

/* Sends 'count' requests of 'length' bytes; the peer gets what they say was sent. */
static void send_bytes(struct lane *lane, uint32_t count, uint32_t length)
{
	uint64_t accepted = 0;

	/* Of EPIPE the library asks the kernel each time, and the socket is shut down for it alone.
	 */
	if (lane->broken && attempt->error == EPIPE)
		return;
	for (uint32_t i = 0; i < count; i++) {
		struct regio_buf slice = slice_of(lane, SLOTS + i, length);

		fill_stream(slot_of(lane, SLOTS + i), length, lane->sent + (uint64_t)i * length);
		must_work(INSIDE(regio_send(lane->rq, &slice, i + 1 < count ? REGIO_MSG_DEFER : 0,
					    i)),
			  "regio_send()");
	}
	for (uint32_t i = 0; i < count; i++) {
		struct regio_result result = next_result(lane->cqs[SEND]);

		MUST(result.request_context == i, "out of order");
		if (result.status != 0)
			note_stream_error(lane, result.status);
		else if (lane->broken && attempt->error == EPIPE)
			continue;
		else
			MUST(result.bytes == length && !lane->broken, "%u bytes", result.bytes);
		accepted += result.bytes;
	}
	read_stream(lane->peer, accepted, lane->sent);
	lane->sent += accepted;
}

/* Takes the result of one receive. Returns how many bytes it has brought. */
static uint32_t take_bytes(struct lane *lane)
{
	struct regio_result result = next_result(lane->cqs[RECEIVE]);

	if (result.status != 0)
		note_stream_error(lane, result.status);
	expect_stream(slot_of(lane, result.request_context), result.bytes, lane->received);
	lane->received += result.bytes;
	return result.bytes;
}

/* The peer writes, and receives of 'length' bytes take it. */
static void receive_bytes(struct lane *lane, uint32_t total, uint32_t length, uint32_t flags)
{
	uint32_t posted = 0, taken = 0;

	if (lane->broken)
		return;
	for (; posted < 4; posted++)
		post_receive(lane, length, flags);
	write_stream(lane->peer, total, lane->received);
	while (taken < total && !lane->broken) {
		taken += take_bytes(lane);
		posted--;
		if (taken < total && taken + posted * length < total && !lane->broken) {
			post_receive(lane, length, flags);
			posted++;
		}
	}
	must_work(INSIDE(regio_rq_cancel(lane->rq, REGIO_HALF_RECEIVE)), "regio_rq_cancel()");
	while (posted > 0) {
		struct regio_result result = next_result(lane->cqs[RECEIVE]);

		posted--;
		if (result.status == -ECANCELED || lane->broken)
			continue;
		note_stream_error(lane, result.status);
	}
}

/* The end of the stream is a receive of nothing. */
static void expect_stream_end(struct lane *lane)
{
	if (lane->broken)
		return;
	post_receive(lane, SLOT_SIZE, 0);
	MUST(shutdown(lane->peer, SHUT_WR) == 0, "%m");
	MUST(take_bytes(lane) == 0, "bytes behind the end");
}

static void use_stream(struct lane *lane)
{
	for (int i = 0; i < 3; i++) {
		send_bytes(lane, 1, MESSAGE_SIZE);
		receive_bytes(lane, 10, SLOT_SIZE, 0);
	}
	send_bytes(lane, 32, MESSAGE_SIZE);
	send_bytes(lane, 6, SLOT_SIZE);
	receive_bytes(lane, 5000, MESSAGE_SIZE, 0);
	receive_bytes(lane, 4 * SLOT_SIZE, SLOT_SIZE, REGIO_MSG_WAITALL);
	resize(lane);
	receive_bytes(lane, 10, SLOT_SIZE, 0);
	expect_stream_end(lane);
}

static void replace_stream(struct lane *lane, int family)
{
	int fds[2];

	stream_pair(family, fds);
	TRY(regio_rq_replace_socket(lane->rq, fds[0]));
	close(fds[0]);
	close(lane->peer);
	lane->peer = fds[1];
	lane->sent = lane->received = 0;
	lane->broken = false;
	send_bytes(lane, 4, MESSAGE_SIZE);
	receive_bytes(lane, 100, SLOT_SIZE, 0);
}

static void streams(int family)
{
	struct regio_offload_info offload;
	struct lane lane;
	int fds[2];

	/* Outside: what is tried with datagrams is not what is looked for here. */
	regio_offload_get_info(&offload, sizeof(offload));
	stream_pair(family, fds);
	lane_open(&lane, fds[0], fds[1]);
	use_stream(&lane);
	replace_stream(&lane, family);
	lane_close(&lane);
}

void streams_v4(void)
{
	streams(AF_INET);
}

void streams_v6(void)
{
	streams(AF_INET6);
}

void streams_unix(void)
{
	streams(AF_UNIX);
}

/* Requests that wait for the connection. */
void connect_later(void)
{
	int listener = stream_listener(AF_INET), fd = stream_socket(AF_INET);
	struct regio_offload_info offload;
	struct regio_buf slice;
	struct lane lane;
	uint8_t data[MESSAGE_SIZE];

	regio_offload_get_info(&offload, sizeof(offload));
	lane_open(&lane, fd, -1);
	post_receive(&lane, SLOT_SIZE, 0);
	slice = slice_of(&lane, SLOTS, MESSAGE_SIZE);
	fill_stream(slot_of(&lane, SLOTS), MESSAGE_SIZE, 0);
	must_work(INSIDE(regio_send(lane.rq, &slice, 0, 0)), "regio_send()");
	lane.peer = connect_stream(fd, listener);
	close(listener);
	fill_stream(data, sizeof(data), 0);
	write_all(lane.peer, data, sizeof(data));
	if (take_bytes(&lane) != sizeof(data))
		MUST(lane.broken, "fewer bytes than were sent");
	struct regio_result result = next_result(lane.cqs[SEND]);

	if (result.status != 0)
		note_stream_error(&lane, result.status);
	else
		read_stream(lane.peer, MESSAGE_SIZE, 0);
	lane_close(&lane);
}
