/* SPDX-License-Identifier: MIT */
/*
 * team_result.h - what the requests of a team have brought
 */
#ifndef REGIO_TESTS_SOAK_TEAM_RESULT_H
#define REGIO_TESTS_SOAK_TEAM_RESULT_H

#include "team.h"

/* Of message 'number'. */
uint32_t message_length(const struct traffic *traffic, uint64_t number);
uint8_t *team_slot(const struct team *team, uint32_t lane, uint64_t request);

/* Dequeues once, and checks order, status and content. Returns whether there was anything. */
bool team_dequeue(struct team *team);

#endif
