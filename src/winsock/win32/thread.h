/* SPDX-License-Identifier: MIT */
/*
 * Threads, for use by the rest of the library.
 */
#ifndef REGIO_WINSOCK_WIN32_THREAD_H
#define REGIO_WINSOCK_WIN32_THREAD_H

#include <sys/types.h>

#include "winsock/win32/wait.h"

struct regioi_ws_thread {
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

/* Starts a thread that is not joined; a stack size of 0 is the default. False if that fails. */
bool regioi_ws_thread_spawn(void *(*main)(void *), void *argument, size_t stack_size);

/* The thread with a reference for the caller, NULL with the last error set. */
struct regioi_ws_thread *regioi_ws_thread_get(HANDLE handle);
/* That of the calling thread, with a reference for the caller; NULL if there is no memory. */
struct regioi_ws_object *regioi_ws_thread_current(void);
/* The kernel's id of the thread; 0, with the last error set, if it has ended. */
pid_t regioi_ws_thread_id(HANDLE handle);

#endif
