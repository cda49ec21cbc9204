/* SPDX-License-Identifier: MIT */
/*
 * Threads: CreateThread and _beginthreadex.
 *
 * A suspended thread waits at its start, so that it has an id for setting priority and affinity.
 */
#include <sys/syscall.h>

#include "winsock/win32/error.h"
#include "winsock/win32/thread.h"

#define CURRENT_THREAD ((HANDLE)(LONG_PTR)-2)
#define CURRENT_PROCESS ((HANDLE)(LONG_PTR)-1)

struct thread {
	struct regioi_ws_waitable waitable; /* signaled when it has ended */
	/* One of these is set. */
	LPTHREAD_START_ROUTINE start;
	void (*start_simple)(void *); /* of _beginthread() */
	void *argument;
	size_t stack_size;
	/* Protected by the dispatcher's lock. */
	pid_t id; /* the kernel's; 0 until it runs */
	bool suspended;
	DWORD exit_code;
	pthread_cond_t running; /* 'id' is set, or it was resumed */
};

/* pthread_exit() calls on_exit() with its value; NULL in threads that were not created here. */
static pthread_key_t current_key;

/* ---- Creating and ending ---- */

static void thread_destroy(struct regioi_ws_object *object)
{
	struct thread *thread = (struct thread *)object;

	pthread_cond_destroy(&thread->running);
	free(thread);
}

/* The last thing a thread does. */
static void on_exit_of(void *value)
{
	struct thread *thread = value;
	REGIOI_LOCKED(&regioi_ws_dispatcher.lock);

	thread->id = 0;
	regioi_ws_signal(&thread->waitable);
	regioi_ws_object_drop(&thread->waitable.object);
}

/* When the library is loaded, so that no thread can be too early. */
static __attribute__((constructor)) void current_key_make(void)
{
	pthread_key_create(&current_key, on_exit_of);
}

static void note_exit_code(struct thread *thread, DWORD code)
{
	REGIOI_LOCKED(&regioi_ws_dispatcher.lock);

	thread->exit_code = code;
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	DWORD code = 0;

	pthread_setspecific(current_key, thread);
	pthread_mutex_lock(&regioi_ws_dispatcher.lock);
	thread->id = (pid_t)syscall(SYS_gettid);
	pthread_cond_broadcast(&thread->running);
	while (thread->suspended)
		pthread_cond_wait(&thread->running, &regioi_ws_dispatcher.lock);
	pthread_mutex_unlock(&regioi_ws_dispatcher.lock);
	if (thread->start)
		code = thread->start(thread->argument);
	else
		thread->start_simple(thread->argument);
	note_exit_code(thread, code);
	return NULL;
}

bool regioi_ws_thread_spawn(void *(*main)(void *), void *argument, size_t stack_size)
{
	pthread_attr_t attributes;
	pthread_t id;
	bool made;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* A size that is too small is refused by the C library, and the default is used. */
	if (stack_size)
		pthread_attr_setstacksize(&attributes, (stack_size + 0xFFFF) & ~0xFFFFul);
	made = pthread_create(&id, &attributes, main, argument) == 0;
	pthread_attr_destroy(&attributes);
	return made;
}

static void thread_init(struct thread *thread)
{
	thread->waitable.object = (struct regioi_ws_object){
		.kind = REGIOI_WS_THREAD, .references = 1, .destroy = thread_destroy};
	thread->waitable.manual_reset = true;
	thread->exit_code = STILL_ACTIVE;
	pthread_cond_init(&thread->running, NULL);
}

struct regioi_ws_object *regioi_ws_thread_current(void)
{
	struct thread *thread = pthread_getspecific(current_key);

	if (!thread) {
		/* It was not created here; its end is noticed all the same. */
		thread = calloc(1, sizeof(*thread));
		if (!thread)
			return NULL;
		thread_init(thread);
		thread->id = (pid_t)syscall(SYS_gettid);
		pthread_setspecific(current_key, thread);
	}
	regioi_ws_object_hold(&thread->waitable.object);
	return &thread->waitable.object;
}

/* Returns the handle, or NULL with the last error set. */
static HANDLE thread_make(const struct thread *how, DWORD flags, DWORD *ret_id)
{
	struct thread *thread = malloc(sizeof(*thread));

	if (!thread || flags & ~(DWORD)(CREATE_SUSPENDED | STACK_SIZE_PARAM_IS_A_RESERVATION) ||
	    (!how->start && !how->start_simple)) {
		SetLastError(thread ? ERROR_INVALID_PARAMETER : ERROR_NOT_ENOUGH_MEMORY);
		free(thread);
		return NULL;
	}
	*thread = *how;
	thread_init(thread);
	thread->suspended = flags & CREATE_SUSPENDED;
	/* For on_exit_of(). */
	regioi_ws_object_hold(&thread->waitable.object);
	if (!regioi_ws_thread_spawn(thread_main, thread, thread->stack_size)) {
		thread_destroy(&thread->waitable.object);
		return regioi_ws_fail_null(ERROR_NOT_ENOUGH_MEMORY);
	}
	pthread_mutex_lock(&regioi_ws_dispatcher.lock);
	while (thread->id == 0 && !thread->waitable.signaled)
		pthread_cond_wait(&thread->running, &regioi_ws_dispatcher.lock);
	if (ret_id)
		*ret_id = (DWORD)thread->id;
	pthread_mutex_unlock(&regioi_ws_dispatcher.lock);
	return regioi_ws_handle_add(&thread->waitable.object);
}

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES security, SIZE_T stack_size,
			   LPTHREAD_START_ROUTINE start, LPVOID argument, DWORD flags,
			   LPDWORD ret_id)
{
	struct thread how = {.start = start, .argument = argument, .stack_size = stack_size};

	return thread_make(&how, flags, ret_id);
}

uintptr_t _beginthreadex(void *security, unsigned stack_size, unsigned(__stdcall *start)(void *),
			 void *argument, unsigned flags, unsigned *ret_id)
{
	return (uintptr_t)CreateThread(security, stack_size, start, argument, flags, ret_id);
}

/* The handle is closed automatically: the program gets a number that it may only compare. */
uintptr_t _beginthread(void(__cdecl *start)(void *), unsigned stack_size, void *argument)
{
	struct thread how = {.start_simple = start, .argument = argument, .stack_size = stack_size};
	HANDLE handle = thread_make(&how, 0, NULL);

	if (handle) {
		CloseHandle(handle);
		return (uintptr_t)handle;
	}
	errno = EAGAIN;
	return (uintptr_t)-1;
}

DECLSPEC_NORETURN void WINAPI ExitThread(DWORD code)
{
	struct thread *thread = pthread_getspecific(current_key);

	if (thread)
		note_exit_code(thread, code);
	pthread_exit(NULL);
}

DECLSPEC_NORETURN void _endthreadex(unsigned code) REGIOI_WS_SAME_AS(ExitThread);

DECLSPEC_NORETURN void _endthread(void)
{
	ExitThread(0);
}

/* ---- Information and control ---- */

/* The thread with a reference for the caller, NULL with the last error set. */
static struct thread *thread_get(HANDLE handle)
{
	struct regioi_ws_object *object = regioi_ws_handle_get(handle, REGIOI_WS_THREAD);

	return object ? (struct thread *)object : regioi_ws_fail_null(ERROR_INVALID_HANDLE);
}

pid_t regioi_ws_thread_id(HANDLE handle)
{
	struct thread *thread;
	pid_t id;

	if (handle == CURRENT_THREAD)
		return (pid_t)syscall(SYS_gettid);
	thread = thread_get(handle);
	if (!thread)
		return 0;
	REGIOI_LOCKED(&regioi_ws_dispatcher.lock);
	id = thread->id;
	regioi_ws_object_drop(&thread->waitable.object);
	return id ? id : regioi_ws_fail(ERROR_INVALID_PARAMETER, 0);
}

DWORD WINAPI ResumeThread(HANDLE handle)
{
	struct thread *thread = thread_get(handle);
	DWORD before;

	if (!thread)
		return (DWORD)-1;
	REGIOI_LOCKED(&regioi_ws_dispatcher.lock);
	before = thread->suspended;
	thread->suspended = false;
	pthread_cond_broadcast(&thread->running);
	regioi_ws_object_drop(&thread->waitable.object);
	return before;
}

BOOL WINAPI GetExitCodeThread(HANDLE handle, LPDWORD ret_code)
{
	struct thread *thread;

	if (handle == CURRENT_THREAD) {
		*ret_code = STILL_ACTIVE;
		return TRUE;
	}
	thread = thread_get(handle);
	if (!thread)
		return FALSE;
	REGIOI_LOCKED(&regioi_ws_dispatcher.lock);
	*ret_code = thread->exit_code;
	regioi_ws_object_drop(&thread->waitable.object);
	return TRUE;
}

HANDLE WINAPI GetCurrentThread(void)
{
	return CURRENT_THREAD;
}

DWORD WINAPI GetCurrentThreadId(void)
{
	static _Thread_local DWORD id;

	if (!id)
		id = (DWORD)syscall(SYS_gettid);
	return id;
}

DWORD WINAPI GetThreadId(HANDLE thread)
{
	return (DWORD)regioi_ws_thread_id(thread);
}

HANDLE WINAPI GetCurrentProcess(void)
{
	return CURRENT_PROCESS;
}

DWORD WINAPI GetCurrentProcessId(void)
{
	return (DWORD)getpid();
}
