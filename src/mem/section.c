/* SPDX-License-Identifier: MIT */
/*
 * Waiting for read sections.
 */
#include "mem/section.h"
#include "base/back_off.h"

_Thread_local uint32_t regioi_sections;

static void wait_phase(struct regioi_readers *readers, uint32_t phase)
{
	struct regioi_back_off back_off = {0};
	uint32_t inside;

	/* Acquire: pairs with the release in regioi_readers_leave(). */
	while ((inside = atomic_load_explicit(&readers->inside[phase], memory_order_acquire)))
		regioi_back_off(&back_off, &readers->inside[phase], inside);
}

/*
 * Executors are counted in the present phase. The other phase may still count one that read the
 * phase before the last flip. So: wait for the other phase, flip, and wait for those that were in
 * the present one. Executors that come later cannot delay this.
 */
void regioi_readers_wait(struct regioi_readers *readers)
{
	uint32_t phase = atomic_load(&readers->phase) & 1;

	wait_phase(readers, !phase);
	atomic_fetch_add(&readers->phase, 1);
	wait_phase(readers, phase);
}
