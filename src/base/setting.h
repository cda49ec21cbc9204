/* SPDX-License-Identifier: MIT */
/*
 * Settings in environment variables: "name=number,name=number".
 */
#ifndef REGIO_BASE_SETTING_H
#define REGIO_BASE_SETTING_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct regioi_setting {
	const char *name; /* not terminated */
	size_t name_length;
	unsigned long long number;
};

/* Reads one setting, up to a comma or the end. Returns the text after it, or NULL. */
static inline const char *regioi_setting_read(const char *text, struct regioi_setting *ret_setting)
{
	size_t length = strcspn(text, "=,");
	char *end;

	/* strtoull() would accept a sign and spaces. */
	if (text[length] != '=' || text[length + 1] < '0' || text[length + 1] > '9')
		return NULL;
	errno = 0;
	*ret_setting = (struct regioi_setting){
		.name = text,
		.name_length = length,
		.number = strtoull(text + length + 1, &end, 10),
	};
	if (errno || (*end && *end != ','))
		return NULL;
	return *end ? end + 1 : end;
}

static inline bool regioi_setting_is(const struct regioi_setting *setting, const char *name)
{
	return strlen(name) == setting->name_length &&
	       strncmp(setting->name, name, setting->name_length) == 0;
}

#endif
