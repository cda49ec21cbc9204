/* SPDX-License-Identifier: MIT */
/*
 * Becoming the executor of a half that another thread executes.
 */
#include "queue/half.h"
#include "base/back_off.h"

static void take(struct regioi_half *half, enum regioi_executor as)
{
	struct regioi_back_off back_off = {0};
	uint32_t state = REGIOI_EXECUTOR_IDLE;

	/* The present executor finishes within one non-blocking call. */
	while (!atomic_compare_exchange_weak(&half->executor, &state, as)) {
		if (state != REGIOI_EXECUTOR_IDLE)
			regioi_back_off(&back_off, &half->executor, state);
		state = REGIOI_EXECUTOR_IDLE;
	}
}

void regioi_half_acquire(struct regioi_half *half)
{
	take(half, REGIOI_EXECUTOR_BUSY);
}

void regioi_half_retire(struct regioi_half *half)
{
	take(half, REGIOI_EXECUTOR_CLOSED);
}
