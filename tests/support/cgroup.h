/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h - a control group whose memory ends
 *
 * Where there is no more the kernel kills one of the group.
 */
#ifndef REGIO_TESTS_CGROUP_H
#define REGIO_TESTS_CGROUP_H

#include <stddef.h>

/* Makes a group. Returns NULL, or why that is not allowed. */
const char *memory_group_make(void);
/* Moves the process into it: what it allocates from now on is the group's. */
void memory_group_enter(void);
/* So much more than it has now, and no page beyond. */
void memory_group_limit(size_t more);
/* When every process has left it. */
void memory_group_remove(void);

#endif
