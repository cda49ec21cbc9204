/* SPDX-License-Identifier: MIT */
/*
 * A table of RQs by cookie.
 */
#include <string.h>

#include "base/locked.h"
#include "queue/registry.h"

#define REGISTRY_BUCKETS 4096u

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct regioi_rq *registry[REGISTRY_BUCKETS];

void regioi_registry_fork_child(void)
{
	pthread_mutex_init(&registry_lock, NULL);
	memset(registry, 0, sizeof(registry));
}

static struct regioi_rq **registry_bucket(uint64_t cookie)
{
	return &registry[cookie % REGISTRY_BUCKETS];
}

bool regioi_registry_add(struct regioi_rq *rq)
{
	struct regioi_rq **bucket = registry_bucket(rq->cookie);
	REGIOI_LOCKED(&registry_lock);

	for (struct regioi_rq *other = *bucket; other; other = other->registry_next)
		if (other->cookie == rq->cookie)
			return false;
	rq->registry_next = *bucket;
	*bucket = rq;
	return true;
}

void regioi_registry_remove(struct regioi_rq *rq)
{
	struct regioi_rq **link = registry_bucket(rq->cookie);
	REGIOI_LOCKED(&registry_lock);

	while (*link && *link != rq)
		link = &(*link)->registry_next;
	if (*link)
		*link = rq->registry_next;
}

void regioi_registry_each(void (*visit)(struct regioi_rq *rq, void *argument), void *argument)
{
	REGIOI_LOCKED(&registry_lock);

	for (uint32_t i = 0; i < REGISTRY_BUCKETS; i++)
		for (struct regioi_rq *rq = registry[i]; rq; rq = rq->registry_next)
			visit(rq, argument);
}
