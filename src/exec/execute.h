/* SPDX-License-Identifier: MIT */
/*
 * Executing one half of an RQ: who may, what is executed, what it completes.
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
 * As executor, in a read section of any driver: plan the next operation. May complete requests that
 * need none.
 */
enum regioi_prepared regioi_half_prepare(struct regioi_half *half, struct regioi_work *work);
/*
 * The same for a caller that has nothing else to finish, and so no area: where none is free one is
 * made. REGIOI_PREPARED_NO_AREA then means that there is no memory.
 */
enum regioi_prepared regioi_half_prepare_alone(struct regioi_half *half, struct regioi_work *work);
/* Settle it after execution. Returns how many requests completed. */
uint32_t regioi_half_settle(struct regioi_work *work);

/*
 * One operation for the half, unless somebody is at it. 'sink' may be NULL. Returns how many
 * requests completed.
 */
uint32_t regioi_half_run_one(struct regioi_half *half, struct regioi_direct_results *sink);

/* Execute the half now, unless somebody is at it. */
void regioi_half_run(struct regioi_half *half);
/* The same, waiting for somebody who is, and also where nothing is known to be possible. */
void regioi_half_run_last(struct regioi_half *half);

/*
 * Stop being the executor. Executes first what others have posted meanwhile and left to the
 * caller. In a read section of any driver.
 */
void regioi_half_release(struct regioi_half *half);

#endif
