/* SPDX-License-Identifier: MIT */
/*
 * shrink.h - the shortest program that still shows what a long one showed
 */
#ifndef REGIO_TESTS_MODEL_SHRINK_H
#define REGIO_TESTS_MODEL_SHRINK_H

#include "program.h"

/* Whether a program still fails. */
typedef bool (*shrink_fails)(void *context, const struct program *program);

/* Leaves out of the program whatever does not make it pass. */
void shrink(struct program *program, shrink_fails fails, void *context);

#endif
