/* SPDX-License-Identifier: MIT */
/*
 * demand.h - what a program needs that a script runs and counts
 */
#ifndef REGIO_TESTS_DEMAND_H
#define REGIO_TESTS_DEMAND_H

#include <errno.h>
#include <regio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program, with a line that says why, unless the condition holds. */
static inline void demand(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, regio_last_error());
	exit(EXIT_FAILURE);
}

#endif
