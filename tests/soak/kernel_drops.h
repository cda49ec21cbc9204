/* SPDX-License-Identifier: MIT */
/*
 * kernel_drops.h - what the kernel owns up to having dropped
 */
#ifndef REGIO_TESTS_SOAK_KERNEL_DROPS_H
#define REGIO_TESTS_SOAK_KERNEL_DROPS_H

#include <stdint.h>

/*
 * Packets that the socket had no room for, and those that the interfaces of the thread's network
 * had none for. A train is one packet.
 */
uint64_t kernel_drops(int fd);

#endif
