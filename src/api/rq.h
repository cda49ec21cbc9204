/* SPDX-License-Identifier: MIT */
/*
 * What the calls on request queues share.
 */
#ifndef REGIO_API_RQ_H
#define REGIO_API_RQ_H

#include "queue/rq.h"
#include "regio.h"

/*
 * Finds the RQ of a handle. What is found stays until regioi_hazard_leave(), which is due only
 * after success. Returns 0 or an explained error.
 */
int regioi_rq_enter(const struct regio_rq *handle, const char *step, struct regioi_rq **ret_rq);
/* Returns 0 or an explained error. */
int regioi_rq_check_limits(const char *step, uint32_t max_receives, uint32_t max_sends);
/* Splits what is joined already on a socket of which the RQ may join receives. 0 or -ENOMEM. */
int regioi_rq_take_over_trains(struct regioi_rq *rq, uint32_t max_receives);

#endif
