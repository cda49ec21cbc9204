/* SPDX-License-Identifier: MIT */
/*
 * one_wake.h - what becomes of one wake-up of the Windows interface, for the test of the soak
 */
#ifndef REGIO_TESTS_SOAK_ONE_WAKE_H
#define REGIO_TESTS_SOAK_ONE_WAKE_H

#include <stdbool.h>

/*
 * "lost": the queue is not armed again, so its sender waits for good. "held": not before the
 * process was stopped and continued, for which it asks by a line. Returns whether there is such a
 * fate. For this process and those that fork from it.
 */
bool one_wake_choose(const char *fate);

#endif
