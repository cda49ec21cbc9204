/* SPDX-License-Identifier: MIT */
/*
 * Where a command works: on which processors, through which interface. Failures
 * have been said when a call returns -1.
 */
#ifndef REGIO_TOOL_CONFINE_H
#define REGIO_TOOL_CONFINE_H

#include "arguments.h"

/* This thread, and those it starts, run on the processors that --cpus names; on all if on none. */
int confine_to_cpus(const struct number_list *cpus);

/* A socket sends and receives through the interface that --interface names; NULL: any. */
int confine_to_interface(int fd, const char *name);

#endif
