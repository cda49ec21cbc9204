/* SPDX-License-Identifier: MIT */
/*
 * Threads, for use by the rest of the library.
 */
#ifndef REGIO_WINSOCK_WIN32_THREAD_H
#define REGIO_WINSOCK_WIN32_THREAD_H

#include <sys/types.h>

#include "winsock/win32/wait.h"

/* Starts a thread that is not joined; a stack size of 0 is the default. False if that fails. */
bool regioi_ws_thread_spawn(void *(*main)(void *), void *argument, size_t stack_size);

/* That of the calling thread, with a reference for the caller; NULL if there is no memory. */
struct regioi_ws_object *regioi_ws_thread_current(void);
/* The kernel's id of the thread; 0, with the last error set, if it has ended. */
pid_t regioi_ws_thread_id(HANDLE handle);

#endif
