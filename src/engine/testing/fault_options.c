/* SPDX-License-Identifier: MIT */
/*
 * Reading REGIO_FAULTS.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/testing/fault_options.h"

#define SEED_DEFAULT 1u
#define SHARE_DEFAULT 10u
/* At 100 percent no operation would ever be executed. */
#define PERCENT_MAX 90u

static const char *const kinds[REGIOI_FAULT_KINDS] = {
	[REGIOI_FAULT_DELAY] = "delay", [REGIOI_FAULT_SHORT] = "short",
	[REGIOI_FAULT_LATE] = "late",	[REGIOI_FAULT_REPEAT] = "repeat",
	[REGIOI_FAULT_EARLY] = "early", [REGIOI_FAULT_SIGNAL] = "signal",
	[REGIOI_FAULT_WATCH] = "watch", [REGIOI_FAULT_FAIL] = "fail",
	[REGIOI_FAULT_CUT] = "cut",
};

static void share_set(struct regioi_fault_options *options, uint32_t percent)
{
	for (int i = 0; i < REGIOI_FAULT_SHOWS; i++)
		options->percent[i] = percent;
}

static bool kind_set(struct regioi_fault_options *options, const char *name, size_t length,
		     uint32_t percent)
{
	for (int i = 0; i < REGIOI_FAULT_KINDS; i++) {
		if (strlen(kinds[i]) == length && strncmp(kinds[i], name, length) == 0) {
			options->percent[i] = percent;
			return true;
		}
	}
	return false;
}

/* Reads "name=number", up to a comma or the end. Returns the text after it, or NULL. */
static const char *item_read(const char *item, struct regioi_fault_options *options)
{
	size_t length = strcspn(item, "=,");
	unsigned long long number;
	char *end;

	/* strtoull() would accept a sign and spaces. */
	if (item[length] != '=' || item[length + 1] < '0' || item[length + 1] > '9')
		return NULL;
	errno = 0;
	number = strtoull(item + length + 1, &end, 10);
	if (errno || (*end && *end != ','))
		return NULL;
	if (length == strlen("seed") && strncmp(item, "seed", length) == 0)
		options->seed = number;
	else if (number <= PERCENT_MAX && length == strlen("share") &&
		 strncmp(item, "share", length) == 0)
		share_set(options, (uint32_t)number);
	else if (number > PERCENT_MAX || !kind_set(options, item, length, (uint32_t)number))
		return NULL;
	return *end ? end + 1 : end;
}

int regioi_fault_options_read(const char *text, struct regioi_fault_options *ret_options,
			      struct regioi_refusal *ret_refusal)
{
	struct regioi_fault_options options = {.seed = SEED_DEFAULT};
	const char *at = text ? text : "";

	share_set(&options, SHARE_DEFAULT);
	while (*at) {
		const char *next = item_read(at, &options);

		if (!next) {
			snprintf(ret_refusal->reason, sizeof(ret_refusal->reason),
				 "REGIO_FAULTS has \"%.*s\"", (int)strcspn(at, ","), at);
			snprintf(ret_refusal->remedy, sizeof(ret_refusal->remedy),
				 "seed=N, and percentages up to %u for share, delay, short, late, "
				 "repeat, early, signal, watch, fail and cut",
				 PERCENT_MAX);
			return -EINVAL;
		}
		at = next;
	}
	*ret_options = options;
	return 0;
}
