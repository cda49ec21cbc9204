/* SPDX-License-Identifier: MIT */
/*
 * table.h - docs/FAULTS.md: what comes of each error of each system call
 */
#ifndef REGIO_TESTS_TABLE_H
#define REGIO_TESTS_TABLE_H

#include "rules.h"

#define CALLS_MAX 64u

struct tally {
	unsigned int tried;
	unsigned int outcomes;
};

typedef struct tally tallies[CALLS_MAX][RULE_ERRORS_MAX];

/* Adds to the file, and to 'all' what is in it. Fails the case where that cannot be. */
void table_write(const char *path, tallies all);
/*
 * Fails the case where something was tried, or came out, that the file does not list, or where it
 * lists what there are no rules for.
 */
void table_check(const char *path, const tallies all);

#endif
