/* SPDX-License-Identifier: MIT */
/*
 * Threads, as the rest of the library uses them.
 */
#ifndef REGIO_WINSOCK_WIN32_THREAD_H
#define REGIO_WINSOCK_WIN32_THREAD_H

#include <sys/types.h>

#include "winsock/win32/wait.h"

struct regioi_ws_thread {
	struct regioi_ws_waitable waitable; /* signaled when it has ended */
	LPTHREAD_START_ROUTINE start;
	unsigned (*start_c)(void *); /* the same from process.h; one of the two */
	void *argument;
	size_t stack_size;
	/* Under the dispatcher's lock. */
	pid_t id; /* of the kernel; 0 until it runs */
	bool suspended;
	DWORD exit_code;
	pthread_cond_t running; /* 'id' is there, or it goes on from being suspended */
};

/* The thread with a reference for the caller, NULL with the last error set. */
struct regioi_ws_thread *regioi_ws_thread_get(HANDLE handle);
/* The kernel's id of it; 0, with the last error set, where it has ended. */
pid_t regioi_ws_thread_id(HANDLE handle);

#endif
