/* SPDX-License-Identifier: MIT */
/*
 * A connection that echoes what it receives.
 */
#include "tcp_echo.h"

RIO_BUFFERID tcp_buffer_id;
long tcp_echoed;

void connection_open(struct connection *connection, RIO_CQ completions)
{
	connection->length = 0;
	connection->queue = rio.RIOCreateRequestQueue(connection->s, 1, 1, 1, 1, completions,
						      completions, connection);
	if (connection->queue == RIO_INVALID_RQ)
		die("RIOCreateRequestQueue");
}

void connection_receive(struct connection *connection)
{
	RIO_BUF buffer = slot(tcp_buffer_id, connection->slot, SLOT_SIZE);

	connection->length = 0;
	if (!rio.RIOReceive(connection->queue, &buffer, 1, 0, connection))
		die("RIOReceive");
}

static void connection_send(struct connection *connection, DWORD length)
{
	RIO_BUF buffer = slot(tcp_buffer_id, connection->slot, length);

	connection->length = length;
	if (!rio.RIOSend(connection->queue, &buffer, 1, 0, connection))
		die("RIOSend");
}

BOOL connection_complete(const RIORESULT *result)
{
	struct connection *connection = (struct connection *)(ULONG_PTR)result->RequestContext;

	/* The end of the stream is success with 0 bytes. */
	if (result->Status != 0 || result->BytesTransferred == 0) {
		closesocket(connection->s);
		return FALSE;
	}
	if (connection->length) {
		tcp_echoed += (long)connection->length;
		connection_receive(connection);
	} else {
		connection_send(connection, result->BytesTransferred);
	}
	return TRUE;
}
