/* SPDX-License-Identifier: MIT */
/*
 * process.h - threads, with the names of Microsoft's C library
 */
#ifndef REGIO_WINSOCK_PROCESS_H
#define REGIO_WINSOCK_PROCESS_H

#include <unistd.h>

#include "windef.h"

typedef unsigned(__stdcall *_beginthreadex_proc_type)(void *);
typedef void(__cdecl *_beginthread_proc_type)(void *);

REGIO_WINSOCK_BEGIN
uintptr_t _beginthreadex(void *security, unsigned stack_size, unsigned(__stdcall *start)(void *),
			 void *argument, unsigned flags, unsigned *ret_id)
	REGIO_WINSOCK_SYMBOL(_beginthreadex);
uintptr_t _beginthread(void(__cdecl *start)(void *), unsigned stack_size, void *argument)
	REGIO_WINSOCK_SYMBOL(_beginthread);
DECLSPEC_NORETURN void _endthreadex(unsigned code) REGIO_WINSOCK_SYMBOL(_endthreadex);
DECLSPEC_NORETURN void _endthread(void) REGIO_WINSOCK_SYMBOL(_endthread);
REGIO_WINSOCK_END

#endif
