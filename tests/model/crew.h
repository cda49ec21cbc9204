/* SPDX-License-Identifier: MIT */
/*
 * crew.h - threads that stay, and work at the same time when they are asked to
 */
#ifndef REGIO_TESTS_MODEL_CREW_H
#define REGIO_TESTS_MODEL_CREW_H

#include <stdint.h>

struct crew;

/* Returns NULL where there are no more threads. */
struct crew *crew_open(void);
void crew_close(struct crew *crew);

/* Has work(argument, number) done by THREADS threads, of which the caller is number 0. */
void crew_work(struct crew *crew, void (*work)(void *argument, uint8_t number), void *argument);

#endif
