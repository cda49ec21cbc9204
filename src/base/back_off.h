/* SPDX-License-Identifier: MIT */
/*
 * Waiting for another thread that will finish soon.
 *
 * It finishes within a few instructions or one non-blocking call, so checking a few times is
 * usually enough. But it may be preempted, even by the waiting thread itself if that has a higher
 * real-time priority: then sched_yield() would never let it run. So a waiting thread sleeps, longer
 * each time. It is not woken, so the other thread has no extra cost.
 */
#ifndef REGIO_BASE_BACK_OFF_H
#define REGIO_BASE_BACK_OFF_H

#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The number of checks before the first sleep. The models of tests/protocols sleep at once. */
#ifndef REGIOI_BACK_OFF_LOOKS
#define REGIOI_BACK_OFF_LOOKS 32u
#endif
#define REGIOI_BACK_OFF_FIRST_NS 1000
#define REGIOI_BACK_OFF_MAX_NS 50000

struct regioi_back_off {
	uint32_t looks;
	long sleep_ns;
};

static inline void regioi_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#elif defined(__riscv)
	/*
	 * PAUSE of Zihintpause; a fence without effect on processors, and for assemblers, without
	 * it.
	 */
	__asm__ volatile(".4byte 0x0100000f");
#endif
}

/*
 * Called after each check that found 'seen' in 'word', of 32 bits. 'state' is zeroed before the
 * first.
 */
static inline void regioi_back_off(struct regioi_back_off *state, const void *word, uint32_t seen)
{
	struct timespec timeout;

	if (state->looks++ < REGIOI_BACK_OFF_LOOKS) {
		regioi_relax();
		return;
	}
	state->sleep_ns = state->sleep_ns ? 2 * state->sleep_ns : REGIOI_BACK_OFF_FIRST_NS;
	if (state->sleep_ns > REGIOI_BACK_OFF_MAX_NS)
		state->sleep_ns = REGIOI_BACK_OFF_MAX_NS;
	timeout = (struct timespec){.tv_nsec = state->sleep_ns};
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, &timeout, NULL, 0);
}

#endif
