/* SPDX-License-Identifier: MIT */
/*
 * The RQs that have a socket: one for each, found by the socket's cookie.
 */
#ifndef REGIO_QUEUE_REGISTRY_H
#define REGIO_QUEUE_REGISTRY_H

#include "queue/rq.h"

/* False where the socket has one. */
bool regioi_registry_add(struct regioi_rq *rq);
void regioi_registry_remove(struct regioi_rq *rq);
/* Calls for each RQ, with a lock held that ends none of them meanwhile. */
void regioi_registry_each(void (*visit)(struct regioi_rq *rq, void *argument), void *argument);
/* In the child of a fork. */
void regioi_registry_fork_child(void);

#endif
