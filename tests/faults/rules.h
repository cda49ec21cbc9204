/* SPDX-License-Identifier: MIT */
/*
 * rules.h - the system calls of the library, how each may fail, and what may come of that
 */
#ifndef REGIO_TESTS_RULES_H
#define REGIO_TESTS_RULES_H

#include <stddef.h>

#include "../support/trap.h"

/* What came of a failure. */
#define REFUSED 0x1u   /* the call of the program failed with it, and worked when made again */
#define COMPLETED 0x2u /* requests completed with it */
#define WORKED 0x4u    /* the program has noticed nothing */

struct rule_error {
	int error;
	unsigned int datagrams; /* what may come of it, by the kind of socket that is in use */
	unsigned int streams;
};

#define RULE_ERRORS_MAX 16u

struct rule {
	struct rule_error errors[RULE_ERRORS_MAX]; /* error 0 behind the last */
};

/* Both by the same index. */
extern const struct trap_call rule_calls[];
extern const struct rule rules[];
extern const size_t rules_count;

/* Whether a call of the program may fail with 'out' where system call 'index' failed with 'in'. */
_Bool may_become(size_t index, int in, int out);

/*
 * Whether the error says that an engine does not work here, which is asked once in a process: a
 * call that has failed with it will fail again.
 */
_Bool is_judgement(size_t index, int error);

#endif
