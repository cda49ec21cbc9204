/* SPDX-License-Identifier: MIT */
/*
 * Initialization that runs once.
 *
 * INIT_ONCE.Ptr is NULL, RUNNING, or the context with the lowest bit set: the two low bits of a
 * context are free, as on Windows.
 */
#include "winsock/win32/error.h"

#define RUNNING ((uintptr_t)2)
#define DONE ((uintptr_t)1)
#define CONTEXT_BITS (~(uintptr_t)3)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;

void WINAPI InitOnceInitialize(PINIT_ONCE once)
{
	once->Ptr = NULL;
}

/* Waits while another thread runs the function. Whether it is the caller who must run it now. */
static bool begin(PINIT_ONCE once, uintptr_t *ret_state)
{
	REGIOI_LOCKED(&lock);

	while ((*ret_state = (uintptr_t)once->Ptr) == RUNNING)
		pthread_cond_wait(&ended, &lock);
	if (*ret_state == 0)
		__atomic_store_n(&once->Ptr, (PVOID)RUNNING, __ATOMIC_RELAXED);
	return *ret_state == 0;
}

/* After a failure the next call runs the function again. */
static void end(PINIT_ONCE once, uintptr_t state)
{
	REGIOI_LOCKED(&lock);

	/* Release: pairs with the acquire in InitOnceExecuteOnce(). */
	__atomic_store_n(&once->Ptr, (PVOID)state, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&ended);
}

BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN function, PVOID parameter,
				LPVOID *ret_context)
{
	uintptr_t state;
	PVOID context = NULL;
	BOOL made;

	if (!once || !function)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	state = (uintptr_t)__atomic_load_n(&once->Ptr, __ATOMIC_ACQUIRE);
	if (!(state & DONE) && begin(once, &state)) {
		made = function(once, parameter, &context);
		state = (uintptr_t)context | DONE;
		end(once, made ? state : 0);
		if (!made)
			return FALSE;
	}
	if (ret_context)
		*ret_context = (PVOID)(state & CONTEXT_BITS);
	return TRUE;
}
