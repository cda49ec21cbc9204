/* SPDX-License-Identifier: MIT */
/*
 * What receives with extra slices need to know of the socket: its addresses, and which control
 * messages the library has asked for itself.
 */
#ifndef REGIO_EXEC_NAMES_H
#define REGIO_EXEC_NAMES_H

#include "queue/half.h"

/*
 * As executor, before an attempt: a program may have connected a stream anew since, or have turned
 * off what says where a datagram was sent to.
 */
void regioi_names_doubt(struct regioi_half *half);

/* As executor: asks for what is not known. */
void regioi_names_learn(struct regioi_half *half);

/* As executor: the window of a half, with what its requests may want to be known. */
static inline struct regioi_window regioi_names_window(struct regioi_half *half)
{
	struct regioi_window window = regioi_half_window(half);

	/* After the window is read: a request in it that has extra slices has set this. */
	if (half->direction == REGIOI_RECEIVE &&
	    atomic_load_explicit(&half->receive.extras, memory_order_acquire))
		regioi_names_learn(half);
	return window;
}

#endif
