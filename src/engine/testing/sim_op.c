/* SPDX-License-Identifier: MIT */
/*
 * Operations in the network of the sim engine: now and then it gives each result that a kernel may
 * give. Sockets that appear full, short batches, pieces of streams, trains of any length, errors
 * that belong to another message.
 */
#include <errno.h>
#include <string.h>

#include "base/kernel.h"
#include "base/lesser.h"
#include "base/option.h"
#include "engine/plain.h"
#include "engine/testing/sim_net.h"

static bool chance(uint32_t one_of)
{
	return regioi_sim_below(one_of) == 0;
}

static const struct regioi_sim_item *due(const struct regioi_sim_item *item)
{
	return item && item->due_ns <= regioi_sim_net.clock_ns ? item : NULL;
}

/* ---- Datagrams received ---- */

static void scatter(struct msghdr *message, size_t offset, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < message->msg_iovlen && length; i++) {
		struct iovec *vector = &message->msg_iov[i];
		size_t part;

		if (offset >= vector->iov_len) {
			offset -= vector->iov_len;
			continue;
		}
		part = vector->iov_len - offset < length ? vector->iov_len - offset : length;
		memcpy((uint8_t *)vector->iov_base + offset, data, part);
		data += part;
		length -= part;
		offset = 0;
	}
}

static size_t room(const struct msghdr *message)
{
	size_t bytes = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		bytes += message->msg_iov[i].iov_len;
	return bytes;
}

static bool joins_receives(const struct regioi_sim_socket *socket, const struct msghdr *message)
{
	return message->msg_controllen && !socket->stream &&
	       regioi_option(socket->fd, SOL_UDP, UDP_GRO);
}

/* Whether the item may be the next in a train of messages of that length. */
static bool follows(const struct regioi_sim_item *first, const struct regioi_sim_item *item)
{
	return due(item) && !item->error && item->length && item->length <= first->length &&
	       regioi_sim_same_name(item, first) && item->control_length == first->control_length &&
	       !memcmp(item->control, first->control, first->control_length);
}

/* The number of datagrams delivered as one train. */
static uint32_t train_length(const struct regioi_sim_socket *socket, const struct msghdr *message)
{
	const struct regioi_sim_item *first = socket->items, *item = first;
	size_t bytes = first->length, most = room(message);
	uint32_t count = 1;

	if (!joins_receives(socket, message) || !first->length || chance(4))
		return 1;
	if (most > UINT16_MAX)
		most = UINT16_MAX;
	while ((item = item->next) && follows(first, item) && bytes + item->length <= most &&
	       !chance(16)) {
		bytes += item->length;
		count++;
		if (item->length < first->length)
			break;
	}
	return count;
}

static void give_control(const struct regioi_sim_item *item, struct msghdr *message, int segment)
{
	size_t most = message->msg_controllen, length = item->control_length;
	struct cmsghdr *head;

	message->msg_flags = item->flags;
	message->msg_controllen = 0;
	if (!message->msg_control)
		return;
	if (length > most) {
		message->msg_flags |= MSG_CTRUNC;
		length = 0;
	}
	memcpy(message->msg_control, item->control, length);
	if (segment && length + CMSG_SPACE(sizeof(segment)) <= most) {
		head = (struct cmsghdr *)(void *)((uint8_t *)message->msg_control + length);
		head->cmsg_level = SOL_UDP;
		head->cmsg_type = UDP_GRO;
		head->cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(head), &segment, sizeof(segment));
		length += CMSG_SPACE(sizeof(segment));
	}
	message->msg_controllen = length;
}

static void give_message(struct regioi_sim_socket *socket, struct mmsghdr *message)
{
	struct msghdr *header = &message->msg_hdr;
	uint32_t count = train_length(socket, header);
	const struct regioi_sim_item *first = socket->items;

	if (header->msg_name)
		memcpy(header->msg_name, &first->name,
		       regioi_lesser(header->msg_namelen, first->name_length));
	header->msg_namelen = header->msg_name ? first->name_length : 0;
	give_control(first, header, count > 1 ? (int)first->length : 0);
	message->msg_len = 0;
	while (count--) {
		scatter(header, message->msg_len, socket->items->data, socket->items->length);
		message->msg_len += socket->items->length;
		regioi_sim_drop(socket);
	}
	if (message->msg_len > room(header))
		header->msg_flags |= MSG_TRUNC;
}

static int32_t receive_messages(struct regioi_sim_socket *socket, struct regioi_op *op)
{
	uint32_t count = 0;

	while (count < op->count && due(socket->items) && !socket->items->error &&
	       !(count && chance(16)))
		give_message(socket, &op->messages[count++]);
	return (int32_t)count;
}

static int32_t receive_datagram(struct regioi_sim_socket *socket, struct regioi_op *op)
{
	uint32_t length = socket->items->length;

	memcpy(op->data, socket->items->data, op->length < length ? op->length : length);
	regioi_sim_drop(socket);
	return (int32_t)length;
}

/* ---- Streams received ---- */

static int32_t receive_bytes(struct regioi_sim_socket *socket, struct msghdr *message)
{
	size_t most = room(message), bytes = 0;

	if (most > INT32_MAX)
		most = INT32_MAX;
	if (most > 1 && chance(4))
		most = 1 + regioi_sim_below((uint32_t)most);
	while (bytes < most && due(socket->items) && !socket->items->error && !socket->items->end) {
		struct regioi_sim_item *item = socket->items;
		uint32_t part = regioi_lesser(item->length - item->taken, (uint32_t)(most - bytes));

		scatter(message, bytes, item->data + item->taken, part);
		item->taken += part;
		bytes += part;
		if (item->taken == item->length)
			regioi_sim_drop(socket);
	}
	return (int32_t)bytes;
}

static int32_t receive(struct regioi_sim_socket *socket, struct regioi_op *op)
{
	struct iovec vector = {op->data, op->length};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	int error;

	if (!due(socket->items))
		return -EAGAIN;
	error = socket->items->error;
	if (error) {
		regioi_sim_drop(socket);
		return error;
	}
	switch (op->kind) {
	case REGIOI_OP_RECEIVE_MESSAGES:
		return receive_messages(socket, op);
	case REGIOI_OP_RECEIVE_BYTES:
		return receive_bytes(socket, &message);
	case REGIOI_OP_RECEIVE_VECTORS:
		return receive_bytes(socket, op->message);
	default:
		return receive_datagram(socket, op);
	}
}

static void execute_receive(struct regioi_sim_socket *socket, struct regioi_op *op)
{
	int error = regioi_sim_take(socket);

	if (error && !socket->items) {
		op->result = error;
		return;
	}
	op->result = chance(16) ? -EAGAIN : receive(socket, op);
	/* A program that got less than there is relies on an event. */
	if (due(socket->items))
		regioi_sim_report_again(socket);
}

/* ---- Sending ---- */

static bool is_train(const struct regioi_op *op)
{
	struct msghdr *header;

	if (op->kind != REGIOI_OP_SEND_MESSAGES)
		return false;
	header = &op->messages->msg_hdr;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(header); head; head = CMSG_NXTHDR(header, head)) {
		if (head->cmsg_level == SOL_UDP && head->cmsg_type == UDP_SEGMENT)
			return true;
	}
	return false;
}

/* The error of a send that fails without being tried, or 0. */
static int refusal(struct regioi_sim_socket *socket, const struct regioi_op *op)
{
	bool refused = socket->refused;

	socket->refused = false;
	if (regioi_sim_net.clock_ns < socket->full_until_ns)
		return -EAGAIN;
	if (chance(16)) {
		socket->full_until_ns = regioi_sim_later();
		return -EAGAIN;
	}
	if (socket->stream)
		return 0;
	/* The ICMP answer to an earlier send: each such error is reported once. */
	if (!refused && chance(32)) {
		socket->refused = true;
		return -ECONNREFUSED;
	}
	if (is_train(op) && chance(32))
		return -EIO;
	return regioi_sim_below(1000) < regioi_sim_net.errors ? -ENOBUFS : 0;
}

static void execute_send(struct regioi_sim_socket *socket, struct regioi_op *op)
{
	struct regioi_op part = *op;
	struct msghdr message;

	op->result = refusal(socket, op);
	if (op->result)
		return;
	if (op->kind == REGIOI_OP_SEND_MESSAGES && op->count > 1 && chance(4))
		part.count = 1 + regioi_sim_below(op->count - 1);
	if (socket->stream && op->length > 1 && chance(4)) {
		if (op->kind == REGIOI_OP_SEND) {
			part.length = 1 + regioi_sim_below((uint32_t)op->length - 1);
		} else if (op->message->msg_iovlen > 1) {
			message = *op->message;
			message.msg_iovlen = 1 + regioi_sim_below((uint32_t)message.msg_iovlen - 1);
			part.message = &message;
		}
		socket->full_until_ns = regioi_sim_later();
	}
	regioi_plain_execute(NULL, &part, 1);
	op->result = part.result;
}

void regioi_sim_execute(struct regioi_op *op)
{
	struct regioi_sim_socket *socket = regioi_sim_find(op->fd);

	regioi_sim_tick();
	if (!socket)
		regioi_plain_execute(NULL, op, 1);
	else if (op->kind == REGIOI_OP_SEND || op->kind == REGIOI_OP_SEND_MESSAGES ||
		 op->kind == REGIOI_OP_SEND_VECTORS)
		execute_send(socket, op);
	else
		execute_receive(socket, op);
}
