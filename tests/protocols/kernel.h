/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - what the stage does with its kernel and its ids between two orders
 */
#ifndef REGIO_TESTS_PROTOCOLS_KERNEL_H
#define REGIO_TESTS_PROTOCOLS_KERNEL_H

#include "stage.h"

void kernel_reset(const int fds[STAGE_QUEUES]);
/* The next id is the first again. */
void ids_reset(void);

#endif
