/* SPDX-License-Identifier: MIT */
/*
 * Peer "mmsg": sendmmsg and recvmmsg, 64 messages to a call, the classic answer
 * to a high rate of small messages.
 *
 * The receiver of a stream spins (MSG_DONTWAIT): it has a core to itself and is
 * faster than the sender, who would otherwise pay for waking it. Servers and
 * paced receivers sleep in recvmmsg(MSG_WAITFORONE), which returns with what is
 * there.
 */
#include <errno.h>

#include "impl.h"
#include "many.h"
#include "mmsg_batch.h"
#include "pace.h"

static void stream_tx(struct bench_side *side)
{
	struct mmsg_batch batch;

	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		mmsg_batch_write(&batch, side);
		mmsg_batch_send(&batch, side, MMSG_BATCH, 0);
	}
}

static void stream_rx(struct bench_side *side)
{
	struct mmsg_batch batch;

	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		int count = mmsg_batch_receive(&batch, side, MSG_DONTWAIT);

		if (count > 0)
			mmsg_batch_read(&batch, side, (unsigned)count);
		else
			side_relax(side);
	}
}

static void multicast_rx(struct bench_side *side)
{
	struct message_track *tracks = message_tracks(side);
	struct mmsg_batch batch;

	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		unsigned count = 0;

		for (uint32_t i = 0; i < side->fd_count; i++)
			count += mmsg_batch_take(&batch, side, i, &tracks[i]);
		if (count == 0)
			side_relax(side);
	}
}

static void paced_tx(struct bench_side *side)
{
	struct mmsg_batch batch;

	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (pace_next(side)) {
		batch.vectors[0].iov_len = message_write(side, batch.vectors[0].iov_base);
		mmsg_batch_send(&batch, side, 1, 0);
		pace_done(side);
	}
}

static void paced_rx(struct bench_side *side)
{
	struct mmsg_batch batch;

	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		int count = mmsg_batch_receive(&batch, side, MSG_WAITFORONE);

		for (int i = 0; i < count; i++)
			pace_read(side, batch.vectors[i].iov_base, batch.headers[i].msg_len);
	}
}

static void fanin_rx(struct bench_side *side)
{
	struct mmsg_batch batch;

	mmsg_batch_open(&batch, side, true);
	side_start(side);
	while (side_running(side)) {
		int count = mmsg_batch_receive(&batch, side, MSG_WAITFORONE);

		if (count <= 0)
			continue;
		mmsg_batch_echo(&batch, (unsigned)count);
		mmsg_batch_send(&batch, side, (unsigned)count, 0);
		mmsg_batch_reset(&batch, side, (unsigned)count);
		side_count(side, (unsigned)count);
	}
}

#define POLLS 256u

static void idle_rx(struct bench_side *side)
{
	struct mmsg_batch batch;

	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < POLLS; i++)
			mmsg_batch_receive(&batch, side, MSG_DONTWAIT);
		side_count(side, POLLS);
	}
}

const struct bench_impl bench_impl_mmsg = {
	.name = "mmsg",
	.about = "sendmmsg and recvmmsg of 64",
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
			[SHAPE_PACED] = {paced_tx, paced_rx},
			[SHAPE_FANIN] = {NULL, fanin_rx},
			[SHAPE_MANY] = {NULL, mmsg_many_rx},
			[SHAPE_IDLE] = {NULL, idle_rx},
			[SHAPE_MULTICAST] = {stream_tx, multicast_rx},
		},
};
