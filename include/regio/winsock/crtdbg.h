/* SPDX-License-Identifier: MIT */
/*
 * crtdbg.h - the assertions of Microsoft's C library, which are active if _DEBUG is defined
 */
#ifndef REGIO_WINSOCK_CRTDBG_H
#define REGIO_WINSOCK_CRTDBG_H

#include <stdio.h>
#include <stdlib.h>

#if defined(_DEBUG)
#define _ASSERT(condition)                                                                         \
	((condition) ? (void)0                                                                     \
		     : (void)(fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, \
				      #condition),                                                 \
			      abort()))
#else
#define _ASSERT(condition) ((void)0)
#endif
#define _ASSERTE(condition) _ASSERT(condition)

#endif
