/* SPDX-License-Identifier: MIT */
/*
 * Includes the compiler's mm_malloc.h, which would take _WIN32 for a system with Microsoft's C
 * library.
 */
#pragma GCC system_header
#pragma push_macro("_WIN32")
#undef _WIN32
#include_next <mm_malloc.h>
#pragma pop_macro("_WIN32")
