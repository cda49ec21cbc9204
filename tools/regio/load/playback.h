/* SPDX-License-Identifier: MIT */
/*
 * Traffic that a file describes: when each message is due, in seconds, and how long it
 * is. The playback files of sockperf will do.
 */
#ifndef REGIO_LOAD_PLAYBACK_H
#define REGIO_LOAD_PLAYBACK_H

#include <stdint.h>

struct playback_message {
	uint64_t at_ns; /* from the first */
	uint32_t bytes;
};

struct playback {
	struct playback_message *messages;
	uint64_t count;
	uint32_t bytes_least;
	uint32_t bytes_most;
};

/* Returns 0, or -1 after saying why. */
int playback_read(const char *path, struct playback *ret_playback);

void playback_free(struct playback *playback);

#endif
