/* SPDX-License-Identifier: MIT */
/*
 * Batches for recvmmsg and sendmmsg.
 */
#include "mmsg_batch.h"

#include <errno.h>

void mmsg_batch_open(struct mmsg_batch *batch, struct bench_side *side, bool names)
{
	uint8_t *messages = side_alloc_messages(side, MMSG_BATCH);

	memset(batch, 0, sizeof(*batch));
	for (unsigned i = 0; i < MMSG_BATCH; i++) {
		struct msghdr *header = &batch->headers[i].msg_hdr;

		batch->vectors[i].iov_base = messages + (uint64_t)i * side->params.stride;
		batch->vectors[i].iov_len = side->params.stride;
		header->msg_iov = &batch->vectors[i];
		header->msg_iovlen = 1;
		if (names) {
			header->msg_name = &batch->names[i];
			header->msg_namelen = sizeof(batch->names[i]);
		}
	}
}

void mmsg_batch_write(struct mmsg_batch *batch, struct bench_side *side)
{
	for (unsigned i = 0; i < MMSG_BATCH; i++) {
		struct iovec *vector = &batch->vectors[i];

		vector->iov_len = message_write(side, vector->iov_base);
	}
}

unsigned mmsg_batch_send(struct mmsg_batch *batch, struct bench_side *side, unsigned count,
			 int flags)
{
	unsigned sent = 0;

	while (sent < count) {
		int n = sendmmsg(side->fds[0], batch->headers + sent, count - sent, flags);

		if (n >= 0)
			sent += (unsigned)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != ENOBUFS && errno != EINTR)
			side_fail_call(side, "sendmmsg", errno);
	}
	return sent;
}

void mmsg_batch_reset(struct mmsg_batch *batch, struct bench_side *side, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		batch->vectors[i].iov_len = side->params.stride;
		batch->headers[i].msg_hdr.msg_namelen = sizeof(batch->names[i]);
	}
}

void mmsg_batch_echo(struct mmsg_batch *batch, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		batch->vectors[i].iov_len = batch->headers[i].msg_len;
}

int mmsg_batch_receive_on(struct mmsg_batch *batch, struct bench_side *side, uint32_t index,
			  int flags)
{
	int count = recvmmsg(side->fds[index], batch->headers, MMSG_BATCH, flags, NULL);

	if (count < 0 && errno != EAGAIN && errno != EINTR)
		side_fail_call(side, "recvmmsg", errno);
	return count;
}

int mmsg_batch_receive(struct mmsg_batch *batch, struct bench_side *side, int flags)
{
	return mmsg_batch_receive_on(batch, side, 0, flags);
}

void mmsg_batch_read(const struct mmsg_batch *batch, struct bench_side *side, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		message_read(side, batch->vectors[i].iov_base, batch->headers[i].msg_len);
}

unsigned mmsg_batch_take(struct mmsg_batch *batch, struct bench_side *side, uint32_t index,
			 struct message_track *track)
{
	int count = mmsg_batch_receive_on(batch, side, index, MSG_DONTWAIT);

	for (int i = 0; i < count; i++)
		message_read_on(side, track, batch->vectors[i].iov_base, batch->headers[i].msg_len);
	return count > 0 ? (unsigned)count : 0;
}
