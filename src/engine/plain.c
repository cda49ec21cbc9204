/* SPDX-License-Identifier: MIT */
/*
 * Operations as plain system calls, one after the other.
 */
#include <errno.h>

#include "base/syscalls.h"
#include "engine/plain.h"

/* EINTR must not be the result of an operation: nothing has been moved, so it is tried again. */
#define TRIES_MAX 16u

/*
 * Flags are given for each call, and O_NONBLOCK is left as the program has set it: with O_NONBLOCK,
 * poll reports a datagram with a bad checksum as readable (Linux 6.18, udp_poll).
 */
static int32_t call(struct regioi_op *op)
{
	ssize_t result = 0;

	switch (op->kind) {
	case REGIOI_OP_RECEIVE:
		result = regioi_sys_recv(op->fd, op->data, op->length, MSG_DONTWAIT | MSG_TRUNC);
		break;
	case REGIOI_OP_SEND:
		result = regioi_sys_send(op->fd, op->data, op->length, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case REGIOI_OP_RECEIVE_MESSAGES:
		if (op->count > 1) {
			result = regioi_sys_recvmmsg(op->fd, op->messages, op->count,
						     MSG_DONTWAIT | MSG_TRUNC);
			break;
		}
		/* recvmmsg of one message costs about 65 ns more. */
		result = regioi_sys_recvmsg(op->fd, &op->messages->msg_hdr,
					    MSG_DONTWAIT | MSG_TRUNC);
		goto one_message;
	case REGIOI_OP_SEND_MESSAGES:
		if (op->count > 1) {
			result = regioi_sys_sendmmsg(op->fd, op->messages, op->count,
						     MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		}
		result = regioi_sys_sendmsg(op->fd, &op->messages->msg_hdr,
					    MSG_DONTWAIT | MSG_NOSIGNAL);
		goto one_message;
	case REGIOI_OP_RECEIVE_BYTES:
		result = regioi_sys_recv(op->fd, op->data, op->length, MSG_DONTWAIT);
		break;
	case REGIOI_OP_RECEIVE_VECTORS:
		result = regioi_sys_recvmsg(op->fd, op->message, MSG_DONTWAIT);
		break;
	case REGIOI_OP_SEND_VECTORS:
		result = regioi_sys_sendmsg(op->fd, op->message, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	}
	return result < 0 ? -errno : (int32_t)result;

one_message:
	if (result < 0)
		return -errno;
	op->messages->msg_len = (unsigned int)result;
	return 1;
}

void regioi_plain_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	for (uint32_t i = 0; i < ops_count; i++) {
		uint32_t tries = 0;

		do {
			ops[i].result = call(&ops[i]);
		} while (__builtin_expect(ops[i].result == -EINTR, 0) && ++tries < TRIES_MAX);
	}
}
