/* SPDX-License-Identifier: MIT */
/*
 * Sleeping and waking: waits, notifications, the descriptor.
 */
#ifndef REGIO_CORE_WAIT_H
#define REGIO_CORE_WAIT_H

#include "core/objects.h"

/*
 * A notifiable completion has arrived on a CQ that is armed or has a sleeper: of 'half', the last
 * below number 'end'; or some are known to be there, with half NULL.
 */
void regioi_cq_wake(struct regioi_cq *cq, const struct regioi_half *half, uint32_t end);
/* Disarms, where it was armed. */
void regioi_cq_disarm(struct regioi_cq *cq);
/* Takes back a signal on the descriptor, at dequeue. */
void regioi_cq_unfire(struct regioi_cq *cq);
/* The right to sleep in the engine, of which there is one. False where another thread has it. */
bool regioi_lead_take(struct regioi_driver *driver);
void regioi_lead_leave(struct regioi_driver *driver);
/* Closes the descriptors of a driver that ends. */
void regioi_wait_fini(struct regioi_driver *driver);

#endif
