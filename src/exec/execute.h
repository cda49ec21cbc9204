/* SPDX-License-Identifier: MIT */
/*
 * Executing one half of an RQ: which thread may execute it, what is executed, what completes.
 */
#ifndef REGIO_EXEC_EXECUTE_H
#define REGIO_EXEC_EXECUTE_H

#include "exec/work.h"

enum regioi_prepared {
	REGIOI_PREPARED_NOTHING,
	REGIOI_PREPARED,
	REGIOI_PREPARED_NO_AREA, /* none is free: finish other work, then try again */
};

/*
 * As executor, in a read section: plan the next operation. May complete requests that
 * need no operation.
 */
enum regioi_prepared regioi_half_prepare(struct regioi_half *half, struct regioi_work *work);
/*
 * The same for a caller that has no other work in progress, and so holds no area: if none is free,
 * one is allocated. REGIOI_PREPARED_NO_AREA then means that there is no memory.
 */
enum regioi_prepared regioi_half_prepare_or_allocate(struct regioi_half *half,
						     struct regioi_work *work);
/* Settle it after execution. Returns the number of requests completed. */
uint32_t regioi_half_settle(struct regioi_work *work);

/*
 * Execute one operation for the half, unless another thread is the executor. 'direct' may be NULL.
 * Returns the number of requests completed.
 */
uint32_t regioi_half_execute_one(struct regioi_half *half, struct regioi_direct_results *direct);

/* Execute the half now, unless another thread is the executor. */
void regioi_half_execute_all(struct regioi_half *half);
/*
 * The same, but waits for a present executor, and tries the socket even if it is not known to be
 * ready.
 */
void regioi_half_execute_before_close(struct regioi_half *half);

/*
 * Stop being the executor. First executes what other threads have posted meanwhile and left to the
 * caller. In a read section.
 */
void regioi_half_release(struct regioi_half *half);

#endif
