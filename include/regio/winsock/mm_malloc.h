/* SPDX-License-Identifier: MIT */
/*
 * The next mm_malloc.h on the path, which takes _WIN32 for a system with Microsoft's C library.
 */
#pragma GCC system_header
#pragma push_macro("_WIN32")
#undef _WIN32
#include_next <mm_malloc.h>
#pragma pop_macro("_WIN32")
