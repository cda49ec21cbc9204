/* SPDX-License-Identifier: MIT */
/*
 * run.h - executing programs, and recording what happens
 */
#ifndef REGIO_TESTS_MODEL_RUN_H
#define REGIO_TESTS_MODEL_RUN_H

#include "checker.h"

/* Sockets, drivers, memory and threads that programs are run with, one after the other. */
struct stage;

/* On the engine of that name. Ends the process where the system refuses what it must grant. */
struct stage *stage_open(const char *engine);
void stage_close(struct stage *stage);
/* From now on what must come is given up early: most of the programs to come fail. */
void stage_set_shrinking(struct stage *stage);

/*
 * Executes a program to the end and beyond: takes out everything that must come, then puts all
 * away. Returns whether the history was accepted; 'check' and 'history' say what happened.
 */
bool stage_run(struct stage *stage, const struct program *program, struct history *history,
	       struct check *check);

#endif
