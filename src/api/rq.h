/* SPDX-License-Identifier: MIT */
/*
 * Functions shared by the calls on request queues.
 */
#ifndef REGIO_API_RQ_H
#define REGIO_API_RQ_H

#include "queue/rq.h"
#include "regio.h"

/*
 * Finds the RQ of a handle. The RQ stays valid until regioi_hazard_leave(), which must be called
 * only after success. Returns 0 or an explained error.
 */
int regioi_rq_enter(const struct regio_rq *handle, const char *step, struct regioi_rq **ret_rq);
/* Returns 0 or an explained error. */
int regioi_rq_check_limits(const char *step, uint32_t max_receives, uint32_t max_sends);
/* Takes over UDP_GRO if it is on already and the RQ may use it. Returns 0 or -ENOMEM. */
int regioi_rq_take_over_trains(struct regioi_rq *rq, uint32_t max_receives);

#endif
