/* SPDX-License-Identifier: MIT */
/*
 * checker.h - a recorded history against the model
 */
#ifndef REGIO_TESTS_MODEL_CHECKER_H
#define REGIO_TESTS_MODEL_CHECKER_H

#include "model.h"

struct check {
	struct model model;
	const struct history *history;
	uint32_t fed;	/* events that the model has had */
	uint32_t event; /* the one that was rejected, or EVENTS_MAX */
};

void check_start(struct check *check, const struct program *program, const struct history *history);
/* Tells the model what has been added to the history. Returns false where it rejects that. */
bool check_feed(struct check *check);
bool check_finish(struct check *check);

/* The whole of it. */
bool check_history(struct check *check, const struct program *program,
		   const struct history *history);

/* The reason and the event that it is about. */
void check_print(const struct check *check, const struct program *program, FILE *out);
/* Everything that happened. */
void history_print(const struct program *program, const struct history *history, FILE *out);

#endif
