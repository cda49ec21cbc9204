/* SPDX-License-Identifier: MIT */
/*
 * All RQs that have a socket, at most one for each socket, found by the socket's cookie.
 */
#ifndef REGIO_QUEUE_REGISTRY_H
#define REGIO_QUEUE_REGISTRY_H

#include "queue/rq.h"

/* False if the socket has an RQ already. */
bool regioi_registry_add(struct regioi_rq *rq);
void regioi_registry_remove(struct regioi_rq *rq);
/* Calls 'visit' for each RQ, with a lock held that keeps all of them alive. */
void regioi_registry_each(void (*visit)(struct regioi_rq *rq, void *argument), void *argument);
/* Called in the child of a fork. */
void regioi_registry_fork_child(void);

#endif
