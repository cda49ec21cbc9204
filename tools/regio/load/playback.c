/* SPDX-License-Identifier: MIT */
/*
 * Reading times and sizes. Times are read as digits, not as floating point: seconds of
 * the day with nanoseconds have more digits than that keeps.
 */
#include "playback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "grow.h"
#include "protocol.h"
#include "text_file.h"

#define MESSAGES_MAX 10000000u
/* More than a century, and room to add to. */
#define SECONDS_MAX 4000000000u
#define BYTES_MAX 65507u
#define DIGITS_OF_NS 9

/* Digits, of which at most nine follow a point. Returns what follows them, or NULL. */
static const char *read_time(const char *text, uint64_t *ret_ns)
{
	char *end;
	uint64_t fraction = 0;
	int digits = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	*ret_ns = strtoull(text, &end, 10);
	if (*ret_ns > SECONDS_MAX)
		return NULL;
	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++) {
			/* What is shorter than a nanosecond is left out. */
			if (digits == DIGITS_OF_NS)
				continue;
			fraction = fraction * 10 + (uint64_t)(*end - '0');
			digits++;
		}
	}
	for (; digits < DIGITS_OF_NS; digits++)
		fraction *= 10;
	*ret_ns = *ret_ns * SECOND_NS + fraction;
	return end;
}

/* "SECONDS, BYTES". Returns 0, or -1 after saying why. */
static int read_line(const char *line, struct playback_message *ret_message)
{
	const char *next = read_time(line, &ret_message->at_ns);
	unsigned long bytes = 0;
	char *end = NULL;

	if (next && next[strspn(next, " \t,")] >= '0' && next[strspn(next, " \t,")] <= '9' &&
	    strspn(next, " \t,") > 0)
		bytes = strtoul(next + strspn(next, " \t,"), &end, 10);
	if (!end || *end)
		return console_fail("%s: must be a time in seconds and a size in bytes, as "
				    "0.000250, 64",
				    line);
	if (bytes < MESSAGE_HEAD_BYTES || bytes > BYTES_MAX)
		return console_fail("%s: the size must be from %u to %u bytes", line,
				    MESSAGE_HEAD_BYTES, BYTES_MAX);
	ret_message->bytes = (uint32_t)bytes;
	return 0;
}

/* Returns 0, or -1 after saying why. */
static int add(struct playback *playback, const char *line, uint64_t *first_ns)
{
	struct playback_message *more, *message;

	if (playback->count == MESSAGES_MAX)
		return console_fail("has more than %u messages", MESSAGES_MAX);
	more = grow(playback->messages, playback->count, sizeof(*more));
	if (!more)
		return console_fail("%s", strerror(ENOMEM));
	playback->messages = more;
	message = &playback->messages[playback->count];
	if (read_line(line, message))
		return -1;
	if (playback->count == 0)
		*first_ns = message->at_ns;
	if (message->at_ns < *first_ns ||
	    (playback->count > 0 && message->at_ns - *first_ns < message[-1].at_ns))
		return console_fail("%s: the time is before that of the message before", line);
	message->at_ns -= *first_ns;
	if (playback->count++ == 0)
		playback->bytes_least = message->bytes;
	if (message->bytes < playback->bytes_least)
		playback->bytes_least = message->bytes;
	if (message->bytes > playback->bytes_most)
		playback->bytes_most = message->bytes;
	return 0;
}

int playback_read(const char *path, struct playback *ret_playback)
{
	struct text_file text;
	uint64_t first_ns = 0;
	int status = text_file_open(&text, "--playback", path);

	*ret_playback = (struct playback){0};
	if (status)
		return -1;
	while ((status = text_file_next(&text)) > 0) {
		status = add(ret_playback, text.line, &first_ns);
		if (status)
			break;
	}
	text_file_close(&text);
	if (status == 0 && ret_playback->count == 0)
		status = console_fail("--playback %s: has no message; a line is as 0.000250, 64",
				      path);
	if (status)
		playback_free(ret_playback);
	return status;
}

void playback_free(struct playback *playback)
{
	free(playback->messages);
	*playback = (struct playback){0};
}
