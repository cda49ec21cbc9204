/* SPDX-License-Identifier: MIT */
/*
 * Asking the socket for its addresses, if a receive wants them.
 */
#include "exec/names.h"
#include "dgram/control.h"
#include "queue/rq.h"
#include "queue/socket.h"

void regioi_names_learn(struct regioi_half *half)
{
	struct regioi_receive_state *state = &half->receive;

	state->hidden = atomic_load_explicit(&half->rq->destination_ours, memory_order_relaxed);
	if (state->trains)
		state->hidden |= REGIOI_HIDE_TRAIN;
	if (!half->names_known && atomic_load_explicit(&half->names_wanted, memory_order_relaxed))
		half->names_known =
			half->stream ? regioi_socket_names(half->rq, &state->local, &state->peer)
				     : regioi_socket_local(half->rq, &state->local);
}

void regioi_names_forget(struct regioi_half *half)
{
	if (!atomic_load_explicit(&half->receive.extras, memory_order_relaxed) ||
	    !atomic_load_explicit(&half->names_wanted, memory_order_relaxed) ||
	    !(half->stream || half->receive.destination_missing))
		return;
	half->names_known = false;
	if (!half->stream)
		regioi_socket_want_local(half->rq);
}
