/* SPDX-License-Identifier: MIT */
/*
 * The null engine: a network stack that costs nothing. Every send is accepted at once; every
 * receive finds a full train, or on a stream all it asks for. `regio bench core-cost` and
 * `slots-udp` use it to measure the library alone; no messages are sent.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/kernel.h"
#include "engine/epoll.h"

#define TRAIN_MESSAGES 128
#define MESSAGE_BYTES 64

static int null_create(struct regioi_engine **ret_engine, struct regioi_refusal *ret_refusal)
{
	int error = regioi_epoll_create(sizeof(**ret_engine), ret_engine, ret_refusal);

	/* Its descriptor is always readable. */
	if (!error)
		regioi_epoll_wake(*ret_engine);
	return error;
}

static int null_watch(struct regioi_engine *engine, int fd, uint64_t id, uint32_t flags)
{
	return 0;
}

static void null_unwatch(struct regioi_engine *engine, int fd)
{
}

static int null_poll(struct regioi_engine *engine, struct regioi_event *ret_events,
		     uint32_t events_max)
{
	return 0;
}

/* Never sleeps: a queue with receives posted always has something to receive. */
static int null_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
		      uint32_t events_max, int64_t timeout_ns)
{
	return 0;
}

static void null_doorbell(struct regioi_engine *engine)
{
}

/* Where every message is from. */
static const struct sockaddr_in sender = {.sin_family = AF_INET};

/* Delivers a train if the caller asks for the length of its messages, otherwise one message. */
static void receive_message(struct mmsghdr *message)
{
	struct msghdr *header = &message->msg_hdr;
	struct cmsghdr *item = CMSG_FIRSTHDR(header);
	int segment = MESSAGE_BYTES;

	header->msg_flags = 0;
	if (header->msg_name && header->msg_namelen >= sizeof(sender))
		memcpy(header->msg_name, &sender, sizeof(sender));
	header->msg_namelen = header->msg_name ? sizeof(sender) : 0;
	message->msg_len = MESSAGE_BYTES;
	if (!item || header->msg_controllen < CMSG_SPACE(sizeof(segment)) ||
	    header->msg_iov->iov_len < TRAIN_MESSAGES * MESSAGE_BYTES) {
		header->msg_controllen = 0;
		return;
	}
	item->cmsg_level = SOL_UDP;
	item->cmsg_type = UDP_GRO;
	item->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(item), &segment, sizeof(segment));
	header->msg_controllen = CMSG_SPACE(sizeof(segment));
	message->msg_len = TRAIN_MESSAGES * MESSAGE_BYTES;
}

static void execute_one(struct regioi_op *op)
{
	switch (op->kind) {
	case REGIOI_OP_RECEIVE:
		op->result = MESSAGE_BYTES;
		break;
	case REGIOI_OP_RECEIVE_MESSAGES:
		for (uint32_t k = 0; k < op->count; k++)
			receive_message(&op->messages[k]);
		op->result = (int32_t)op->count;
		break;
	case REGIOI_OP_SEND_MESSAGES:
		op->result = (int32_t)op->count;
		break;
	case REGIOI_OP_SEND:
	case REGIOI_OP_SEND_VECTORS:
	case REGIOI_OP_RECEIVE_BYTES:
	case REGIOI_OP_RECEIVE_VECTORS:
		op->result = op->length < INT32_MAX ? (int32_t)op->length : INT32_MAX;
		break;
	}
}

static void null_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	for (uint32_t i = 0; i < ops_count; i++)
		execute_one(&ops[i]);
}

const struct regioi_engine_ops regioi_engine_null = {
	.name = "null",
	.about = "carries no traffic, for measuring only",
	.automatic = false,
	.create = null_create,
	.destroy = regioi_epoll_destroy,
	.watch = null_watch,
	.unwatch = null_unwatch,
	.poll = null_poll,
	.sleep = null_sleep,
	.doorbell = null_doorbell,
	.wake = null_doorbell,
	.wake_ack = null_doorbell,
	.descriptor = regioi_epoll_descriptor,
	.execute = null_execute,
};
