/* SPDX-License-Identifier: MIT */
/*
 * said.h - what goes to standard output and standard error meanwhile, kept
 */
#ifndef REGIO_TESTS_FUZZ_SAID_H
#define REGIO_TESTS_FUZZ_SAID_H

#include <stdio.h>

struct said {
	FILE *streams[2];
	char *texts[2]; /* of standard output, of standard error */
	size_t sizes[2];
};

void said_begin(struct said *said);

/* The texts are complete from here on. */
void said_end(struct said *said);

void said_free(struct said *said);

#endif
