/* SPDX-License-Identifier: MIT */
/*
 * Critical sections, slim reader/writer locks and condition variables, implemented with those of
 * POSIX.
 */
#include "winsock/win32/deadline.h"
#include "winsock/win32/error.h"

/*
 * A waiting thread holds 'lock' from before it releases the program's lock until it sleeps, and a
 * thread that wakes others takes it, so no wake is lost.
 */
struct condition {
	pthread_mutex_t lock;
	pthread_cond_t awake;
};

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(CRITICAL_SECTION), "a section holds a mutex");
_Static_assert(sizeof(pthread_rwlock_t) <= sizeof(SRWLOCK), "a lock holds a lock");
_Static_assert(sizeof(struct condition) <= sizeof(CONDITION_VARIABLE), "a condition holds one");

/* ---- Critical sections ---- */

void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init((void *)section, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins)
{
	InitializeCriticalSection(section);
	return TRUE;
}

BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins, DWORD flags)
{
	InitializeCriticalSection(section);
	return TRUE;
}

void WINAPI EnterCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutex_lock((void *)section);
}

BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION section)
{
	return pthread_mutex_trylock((void *)section) == 0;
}

void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutex_unlock((void *)section);
}

void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION section)
{
	pthread_mutex_destroy((void *)section);
}

/* ---- Reader/writer locks ---- */

void WINAPI InitializeSRWLock(PSRWLOCK lock)
{
	pthread_rwlock_init((void *)lock, NULL);
}

void WINAPI AcquireSRWLockExclusive(PSRWLOCK lock)
{
	pthread_rwlock_wrlock((void *)lock);
}

void WINAPI AcquireSRWLockShared(PSRWLOCK lock)
{
	pthread_rwlock_rdlock((void *)lock);
}

BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK lock)
{
	return pthread_rwlock_trywrlock((void *)lock) == 0;
}

BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK lock)
{
	return pthread_rwlock_tryrdlock((void *)lock) == 0;
}

void WINAPI ReleaseSRWLockExclusive(PSRWLOCK lock)
{
	pthread_rwlock_unlock((void *)lock);
}

void WINAPI ReleaseSRWLockShared(PSRWLOCK lock) REGIOI_WS_SAME_AS(ReleaseSRWLockExclusive);

/* ---- Condition variables ---- */

static struct condition *condition_of(PCONDITION_VARIABLE condition)
{
	return (struct condition *)(void *)condition;
}

void WINAPI InitializeConditionVariable(PCONDITION_VARIABLE condition)
{
	pthread_mutex_init(&condition_of(condition)->lock, NULL);
	pthread_cond_init(&condition_of(condition)->awake, NULL);
}

/* Called with the condition's lock, which is released. */
static BOOL condition_sleep(struct condition *condition, DWORD timeout_ms)
{
	int error = ETIMEDOUT;

	if (timeout_ms)
		error = regioi_ws_cond_wait(&condition->awake, &condition->lock,
					    regioi_ws_deadline(timeout_ms));
	pthread_mutex_unlock(&condition->lock);
	return error ? regioi_ws_fail(ERROR_TIMEOUT, FALSE) : TRUE;
}

BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE condition, LPCRITICAL_SECTION section,
				     DWORD timeout_ms)
{
	BOOL awoken;

	pthread_mutex_lock(&condition_of(condition)->lock);
	LeaveCriticalSection(section);
	awoken = condition_sleep(condition_of(condition), timeout_ms);
	EnterCriticalSection(section);
	return awoken;
}

BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE condition, PSRWLOCK lock,
				      DWORD timeout_ms, ULONG flags)
{
	BOOL awoken;

	if (flags & ~CONDITION_VARIABLE_LOCKMODE_SHARED)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	pthread_mutex_lock(&condition_of(condition)->lock);
	pthread_rwlock_unlock((void *)lock);
	awoken = condition_sleep(condition_of(condition), timeout_ms);
	if (flags)
		AcquireSRWLockShared(lock);
	else
		AcquireSRWLockExclusive(lock);
	return awoken;
}

void WINAPI WakeConditionVariable(PCONDITION_VARIABLE condition)
{
	REGIOI_LOCKED(&condition_of(condition)->lock);

	pthread_cond_signal(&condition_of(condition)->awake);
}

void WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE condition)
{
	REGIOI_LOCKED(&condition_of(condition)->lock);

	pthread_cond_broadcast(&condition_of(condition)->awake);
}
