/* SPDX-License-Identifier: MIT */
/*
 * Reading settings.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/print.h"
#include "engine/settings.h"

/* Reads one setting, up to a comma or the end. Returns the text after it, or NULL. */
static const char *read_one(const char *text, struct regioi_setting *ret_setting)
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

int regioi_settings_read(const char *variable, const char *text,
			 bool (*set)(const struct regioi_setting *setting, void *to), void *to,
			 struct regioi_refusal *ret_refusal)
{
	while (text && *text) {
		struct regioi_setting setting;
		const char *next = read_one(text, &setting);

		if (!next || !set(&setting, to)) {
			regioi_print(ret_refusal->reason, "%s has \"%.*s\"", variable,
				     (int)strcspn(text, ","), text);
			return -EINVAL;
		}
		text = next;
	}
	return 0;
}
