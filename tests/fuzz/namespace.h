/* SPDX-License-Identifier: MIT */
/*
 * namespace.h - a network that leads nowhere, for targets that make sockets
 */
#ifndef REGIO_TESTS_FUZZ_NAMESPACE_H
#define REGIO_TESTS_FUZZ_NAMESPACE_H

#include <stdbool.h>

/*
 * Moves the process into a network namespace of its own, with a loopback that is up and nothing
 * else. False where that is not permitted: the target then keeps off the network.
 */
bool namespace_make(void);

#endif
