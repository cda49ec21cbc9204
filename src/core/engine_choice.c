/* SPDX-License-Identifier: MIT */
/*
 * Which engine a driver gets, and why.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine_choice.h"
#include "core/error.h"

static const struct regioi_engine_ops *engine_find(const char *name)
{
	const struct regioi_engine_ops *ops;

	for (uint32_t i = 0; (ops = regioi_engine_at(i)); i++) {
		if (strcmp(ops->name, name) == 0)
			return ops;
	}
	return NULL;
}

static int engine_named(const char *name, const char *why, struct regioi_driver *driver)
{
	char reason[160], remedy[160];
	int error;

	driver->ops = engine_find(name);
	if (!driver->ops)
		return regioi_fail(-ENOENT,
				   "choosing an engine: %s asks for \"%s\"; regio info lists "
				   "those there are",
				   why, name);
	error = driver->ops->probe(reason, remedy, sizeof(reason));
	if (error)
		return regioi_fail(
			error == -EMFILE || error == -ENFILE || error == -ENOMEM ? error : -ENOTSUP,
			"choosing an engine: %s does not work here: %s; %s", name, reason, remedy);
	snprintf(driver->reason, sizeof(driver->reason), "asked for by %s", why);
	return 0;
}

/* The first that works, of those that carry traffic. */
static int engine_automatic(struct regioi_driver *driver)
{
	char reason[160], remedy[160], refused[96] = "";
	int error = -ENOTSUP;

	for (uint32_t i = 0; (driver->ops = regioi_engine_at(i)); i++) {
		if (!driver->ops->automatic)
			continue;
		error = driver->ops->probe(reason, remedy, sizeof(reason));
		if (!error) {
			snprintf(driver->reason, sizeof(driver->reason), "%s",
				 refused[0] ? refused : "the preferred engine here");
			return 0;
		}
		snprintf(refused, sizeof(refused), "%s: %.80s", driver->ops->name, reason);
	}
	return regioi_fail(error, "choosing an engine: none works; the last said: %s; %s", reason,
			   remedy);
}

int regioi_engine_choose(const char *name, struct regioi_driver *driver)
{
	const char *environment = getenv("REGIO_ENGINE");

	if (name && strcmp(name, "auto") != 0)
		return engine_named(name, "the program", driver);
	if (environment && environment[0] && strcmp(environment, "auto") != 0)
		return engine_named(environment, "REGIO_ENGINE", driver);
	return engine_automatic(driver);
}

int regio_engine_info(uint32_t index, struct regio_engine_info *ret_info)
{
	const struct regioi_engine_ops *ops = regioi_engine_at(index);
	struct regio_engine_info info = {0};
	bool earlier = false;

	if (!ret_info)
		return regioi_fail(-EINVAL, "describing an engine: ret_info is NULL");
	if (!ops)
		return regioi_fail(-ENOENT, "describing an engine: there is no number %u", index);
	for (uint32_t i = 0; i < index && !earlier; i++) {
		const struct regioi_engine_ops *other = regioi_engine_at(i);

		earlier = other->automatic &&
			  other->probe(info.reason, info.remedy, sizeof(info.reason)) == 0;
	}
	snprintf(info.name, sizeof(info.name), "%s", ops->name);
	info.available = ops->probe(info.reason, info.remedy, sizeof(info.reason)) == 0;
	info.automatic = info.available && ops->automatic && !earlier;
	*ret_info = info;
	return 0;
}
