/* SPDX-License-Identifier: MIT */
/*
 * Waiting for completions.
 */
#ifndef REGIO_DRIVE_WAIT_H
#define REGIO_DRIVE_WAIT_H

#include "queue/cq.h"

/*
 * Waits until there are 'enough' completions that may notify, for at most 'timeout_ns' (below 0: no
 * end) and for 'max_delay_ns' after the first. Returns how many there are, -ETIMEDOUT, -EINTR or
 * -EBADF.
 */
int regioi_cq_wait(struct regioi_cq *cq, int64_t enough, uint64_t max_delay_ns, int64_t timeout_ns);

#endif
