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
static _Atomic(struct regioi_hazard *) records;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* for its destructor, at the end of a thread */
static bool key_made;

static void record_give(void *argument)
{
	struct regioi_hazard *record = argument;

	own = regioi_hazard_quick = NULL;
	atomic_store(&record->owned, false);
}

static void key_create(void)
{
	key_made = pthread_key_create(&key, record_give) == 0;
}

static void forget_seen(struct regioi_hazard *record)
{
	record->rq = record->region = (struct regioi_table_seen){0, &regioi_table_nothing};
}

void regioi_hazards_forget(void)
{
	for (struct regioi_hazard *record = atomic_load(&records); record; record = record->next)
		forget_seen(record);
}

static struct regioi_hazard *record_find(void)
{
	for (struct regioi_hazard *record = atomic_load(&records); record; record = record->next) {
		bool owned = false;

		if (atomic_compare_exchange_strong(&record->owned, &owned, true))
			return record;
	}
	return NULL;
}

static struct regioi_hazard *record_make(void)
{
	struct regioi_hazard *record = aligned_alloc(REGIOI_CACHE_LINE, sizeof(*record));

	if (!record)
		return NULL;
	*record = (struct regioi_hazard){
		.section = (uint32_t)regioi_counter_start(UINT32_MAX) & ~1u,
		.owned = true,
		.next = atomic_load(&records),
	};
	forget_seen(record);
	while (!atomic_compare_exchange_weak(&records, &record->next, record))
		continue;
	return record;
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
	return atomic_load(&records);
}

struct regioi_hazard *regioi_hazard_enter(const void *handle)
{
	struct regioi_hazard *record = regioi_hazard_enter_quickly(handle);

	if (record || !regioi_hazard_own())
		return record;
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
	for (struct regioi_hazard *record = atomic_load(&records); record; record = record->next) {
		struct regioi_back_off back_off = {0};

		while (atomic_load(&record->inside) == id)
			regioi_back_off(&back_off, low_half(&record->inside), (uint32_t)id);
	}
}
