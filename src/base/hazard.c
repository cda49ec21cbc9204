/* SPDX-License-Identifier: MIT */
/*
 * The records of threads, and waiting for them. Records are never freed, but reused: a list that
 * only grows can be read without a lock, even while a thread ends, and in a forked child.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/back_off.h"
#include "base/barrier.h"
#include "base/hazard.h"

_Thread_local struct regioi_hazard *regioi_hazard_quick;

static _Thread_local struct regioi_hazard *own __attribute__((tls_model("initial-exec")));
static _Atomic(struct regioi_hazard *) calls;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* for its destructor, at the end of a thread */
static bool key_made;

static void record_give(void *argument)
{
	struct regioi_hazard *call = argument;

	own = regioi_hazard_quick = NULL;
	atomic_store(&call->owned, false);
}

static void key_create(void)
{
	key_made = pthread_key_create(&key, record_give) == 0;
}

static void forget_seen(struct regioi_hazard *call)
{
	call->rq = call->region = (struct regioi_table_seen){0, &regioi_table_nothing};
}

void regioi_hazards_forget(void)
{
	for (struct regioi_hazard *call = atomic_load(&calls); call; call = call->next)
		forget_seen(call);
}

static struct regioi_hazard *record_find(void)
{
	for (struct regioi_hazard *call = atomic_load(&calls); call; call = call->next) {
		bool owned = false;

		if (atomic_compare_exchange_strong(&call->owned, &owned, true))
			return call;
	}
	return NULL;
}

static struct regioi_hazard *record_make(void)
{
	struct regioi_hazard *call = aligned_alloc(REGIOI_CACHE_LINE, sizeof(*call));

	if (!call)
		return NULL;
	*call = (struct regioi_hazard){
		.section = (uint32_t)regioi_counter_start(UINT32_MAX) & ~1u,
		.owned = true,
		.next = atomic_load(&calls),
	};
	forget_seen(call);
	while (!atomic_compare_exchange_weak(&calls, &call->next, call))
		continue;
	return call;
}

static void record_take(void)
{
	pthread_once(&key_once, key_create);
	own = record_find();
	if (!own)
		own = record_make();
	if (!own)
		return;
	/* Without the key, the record of a thread that ends is not reused. */
	if (key_made)
		pthread_setspecific(key, own);
	if (regioi_barrier_available())
		regioi_hazard_quick = own;
}

struct regioi_hazard *regioi_hazard_own(void)
{
	if (__builtin_expect(!own, 0))
		record_take();
	return own;
}

struct regioi_hazard *regioi_hazard_first(void)
{
	return atomic_load(&calls);
}

struct regioi_hazard *regioi_hazard_enter(const void *handle)
{
	struct regioi_hazard *call = regioi_hazard_enter_quickly(handle);

	if (call || !regioi_hazard_own())
		return call;
	REGIOI_ASSERT(!atomic_load(&own->inside) || atomic_load(&own->inside) == (uintptr_t)handle);
	/*
	 * Sequentially consistent: there may be no barrier in regioi_hazards_wait(), its partner.
	 */
	atomic_store(&own->inside, (uintptr_t)handle);
	return own;
}

void regioi_hazard_leave(void)
{
	/* Release: pairs with the load in regioi_hazards_wait(). */
	atomic_store_explicit(&own->inside, 0, memory_order_release);
}

bool regioi_hazard_is_inside(const void *handle)
{
	return own && atomic_load_explicit(&own->inside, memory_order_relaxed) == (uintptr_t)handle;
}

/* The half of an id that a futex compares. */
static const void *low_half(const _Atomic uint64_t *word)
{
	const void *start = word;

	return (const uint32_t *)start + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

void regioi_hazards_wait(uint64_t id)
{
	regioi_barrier_everywhere();
	for (struct regioi_hazard *call = atomic_load(&calls); call; call = call->next) {
		struct regioi_back_off back_off = {0};

		while (atomic_load(&call->inside) == id)
			regioi_back_off(&back_off, low_half(&call->inside), (uint32_t)id);
	}
}
