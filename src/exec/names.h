/* SPDX-License-Identifier: MIT */
/*
 * What receives with extra slices need to know about the socket: its addresses, and which control
 * messages the library has requested itself.
 */
#ifndef REGIO_EXEC_NAMES_H
#define REGIO_EXEC_NAMES_H

#include "queue/half.h"

/*
 * As executor, before an attempt: marks the names as unknown, because the program may have
 * connected a stream again since, or turned off the option that reports where a datagram was sent
 * to.
 */
void regioi_names_forget(struct regioi_half *half);

/* As executor: gets the names that are not known. */
void regioi_names_learn(struct regioi_half *half);

/* As executor: returns the window of a half, after getting the names that its requests may want. */
static inline struct regioi_window regioi_half_window_with_names(struct regioi_half *half)
{
	struct regioi_window window = regioi_half_window(half);

	/* Checked after the window is read: a request in it that has extra slices has set this. */
	if (half->direction == REGIOI_RECEIVE &&
	    atomic_load_explicit(&half->receive.extras, memory_order_acquire))
		regioi_names_learn(half);
	return window;
}

#endif
