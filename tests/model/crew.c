/* SPDX-License-Identifier: MIT */
/*
 * crew.c - threads that stay, and work at the same time when they are asked to
 */
#include "crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "program.h"

struct crew {
	pthread_barrier_t start, finish;
	void (*work)(void *argument, uint8_t number); /* NULL: end */
	void *argument;
	struct member {
		struct crew *crew;
		pthread_t thread;
		uint8_t number;
	} members[THREADS];
};

static void *serve(void *argument)
{
	const struct member *member = argument;
	struct crew *crew = member->crew;

	for (;;) {
		pthread_barrier_wait(&crew->start);
		if (!crew->work)
			return NULL;
		crew->work(crew->argument, member->number);
		pthread_barrier_wait(&crew->finish);
	}
}

struct crew *crew_open(void)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return NULL;
	pthread_barrier_init(&crew->start, NULL, THREADS);
	pthread_barrier_init(&crew->finish, NULL, THREADS);
	for (uint8_t i = 1; i < THREADS; i++) {
		crew->members[i].crew = crew;
		crew->members[i].number = i;
		/* The others would wait for it for ever. */
		if (pthread_create(&crew->members[i].thread, NULL, serve, &crew->members[i]))
			abort();
	}
	return crew;
}

void crew_work(struct crew *crew, void (*work)(void *argument, uint8_t number), void *argument)
{
	crew->work = work;
	crew->argument = argument;
	pthread_barrier_wait(&crew->start);
	if (!work)
		return;
	work(argument, 0);
	pthread_barrier_wait(&crew->finish);
}

void crew_close(struct crew *crew)
{
	crew_work(crew, NULL, NULL);
	for (uint8_t i = 1; i < THREADS; i++)
		pthread_join(crew->members[i].thread, NULL);
	pthread_barrier_destroy(&crew->start);
	pthread_barrier_destroy(&crew->finish);
	free(crew);
}
