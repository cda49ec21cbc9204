/* SPDX-License-Identifier: MIT */
/*
 * What happens in the child of a fork().
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "api/fork.h"
#include "base/error.h"
#include "engine/engine.h"
#include "mem/guard.h"
#include "mem/section.h"
#include "queue/offload.h"
#include "queue/registry.h"

static bool watched;

static void engines_fork_child(void)
{
	const struct regioi_engine_ops *ops;

	for (uint32_t i = 0; (ops = regioi_engine_at(i)); i++)
		if (ops->fork_child)
			ops->fork_child();
}

static void fork_child(void)
{
	regioi_guard_fork_child();
	regioi_table_forget();
	regioi_hazards_forget();
	regioi_table_unlock();
	regioi_sections_fork_child();
	regioi_offload_fork_child();
	regioi_registry_fork_child();
	engines_fork_child();
}

/*
 * Done when the library is loaded: if a fork happened before this, while a thread held the table's
 * lock, the lock would stay taken in the child.
 */
static __attribute__((constructor)) void watch(void)
{
	watched = pthread_atfork(regioi_table_lock, regioi_table_unlock, fork_child) == 0;
}

int regioi_id_add(const char *step, enum regioi_kind kind, void *object, uint32_t length,
		  uint32_t flags, uint64_t *ret_id)
{
	int error = watched ? regioi_table_add(kind, object, length, flags, ret_id) : -ENOMEM;

	return error ? regioi_fail(error, "%s: out of memory", step) : 0;
}
