/* SPDX-License-Identifier: MIT */
/*
 * Settings in environment variables: "name=number,name=number".
 */
#ifndef REGIO_ENGINE_SETTINGS_H
#define REGIO_ENGINE_SETTINGS_H

#include <string.h>

#include "engine/engine.h"

struct regioi_setting {
	const char *name; /* not terminated */
	size_t name_length;
	unsigned long long number;
};

/*
 * Calls 'set' for each setting in 'text', the value of the environment variable, or NULL. Returns
 * 0; or -EINVAL and the reason, if the text has another form, or 'set' refuses a setting.
 */
int regioi_settings_read(const char *variable, const char *text,
			 bool (*set)(const struct regioi_setting *setting, void *to), void *to,
			 struct regioi_refusal *ret_refusal);

static inline bool regioi_setting_is(const struct regioi_setting *setting, const char *name)
{
	return strlen(name) == setting->name_length &&
	       strncmp(setting->name, name, setting->name_length) == 0;
}

#endif
