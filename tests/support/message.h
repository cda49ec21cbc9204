/* SPDX-License-Identifier: MIT */
/*
 * message.h - messages that prove themselves, and repeatable chance
 */
#ifndef REGIO_TESTS_MESSAGE_H
#define REGIO_TESTS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that follow from the sequence number alone, number first. */
void fill_message(void *ret_data, size_t length, uint64_t sequence);
bool message_is(const void *data, size_t length, uint64_t sequence);
/* As message_is(), and fails the case with what was found. */
void expect_message(const void *data, size_t length, uint64_t sequence);

/* A repeatable random number below 'limit'. */
uint32_t random_below(uint64_t *state, uint32_t limit);

#endif
