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

#define THREAD_SUFFIX "+thread"

static const struct regioi_engine_ops *engine_find(const char *name)
{
	const struct regioi_engine_ops *ops;

	for (uint32_t i = 0; (ops = regioi_engine_at(i)); i++) {
		if (strcmp(ops->name, name) == 0)
			return ops;
	}
	return NULL;
}

/* What is short of descriptors or memory is no judgement on the engine. */
static int refusal_error(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM ? error : -ENOTSUP;
}

static int engine_named(const char *name, const char *why, struct regioi_driver *driver)
{
	struct regioi_refusal refusal = {0};
	int error;

	driver->ops = engine_find(name);
	if (!driver->ops)
		return regioi_fail(-ENOENT,
				   "choosing an engine: %s asks for \"%s\"; regio info lists "
				   "those there are",
				   why, name);
	error = driver->ops->create(&driver->engine, &refusal);
	if (error)
		return regioi_fail(refusal_error(error),
				   "choosing an engine: %s does not work here: %s; %s", name,
				   refusal.reason, refusal.remedy);
	snprintf(driver->reason, sizeof(driver->reason), "asked for by %s", why);
	return 0;
}

/* The first that works, of those that carry traffic. */
static int engine_automatic(struct regioi_driver *driver)
{
	struct regioi_refusal refusal = {0};
	char refused[96] = "";
	int error = -ENOTSUP;

	for (uint32_t i = 0; (driver->ops = regioi_engine_at(i)); i++) {
		if (!driver->ops->automatic)
			continue;
		error = driver->ops->create(&driver->engine, &refusal);
		if (!error) {
			snprintf(driver->reason, sizeof(driver->reason), "%s",
				 refused[0] ? refused : "the preferred engine");
			return 0;
		}
		snprintf(refused, sizeof(refused), "%s: %.80s", driver->ops->name, refusal.reason);
	}
	return regioi_fail(refusal_error(error),
			   "choosing an engine: none works; the last said: %s; %s", refusal.reason,
			   refusal.remedy);
}

/* The name without "+thread", which asks for a thread. */
static void read_wish(const char *wish, char *ret_name, size_t name_size, bool *ret_threaded)
{
	size_t length = strlen(wish), suffix = strlen(THREAD_SUFFIX);

	if (length >= suffix && strcmp(wish + length - suffix, THREAD_SUFFIX) == 0) {
		*ret_threaded = true;
		length -= suffix;
	}
	snprintf(ret_name, name_size, "%.*s", (int)length, wish);
}

int regioi_engine_open(const char *wish, struct regioi_driver *driver)
{
	const char *environment = getenv("REGIO_ENGINE");
	const char *why = "the program";
	char name[32] = "auto";

	if (wish)
		read_wish(wish, name, sizeof(name), &driver->threaded);
	if (strcmp(name, "auto") == 0 && environment && environment[0]) {
		why = "REGIO_ENGINE";
		read_wish(environment, name, sizeof(name), &driver->threaded);
	}
	if (strcmp(name, "auto") == 0)
		return engine_automatic(driver);
	return engine_named(name, why, driver);
}

static bool engine_works(const struct regioi_engine_ops *ops, struct regioi_refusal *ret_refusal)
{
	struct regioi_engine *engine;

	if (ops->create(&engine, ret_refusal) != 0)
		return false;
	ops->destroy(engine);
	return true;
}

int regio_engine_info(uint32_t index, struct regio_engine_info *ret_info)
{
	const struct regioi_engine_ops *ops = regioi_engine_at(index);
	struct regio_engine_info info = {0};
	struct regioi_refusal refusal = {0};
	bool earlier = false;

	if (!ret_info)
		return regioi_fail(-EINVAL, "describing an engine: ret_info is NULL");
	if (!ops)
		return regioi_fail(-ENOENT, "describing an engine: there is no number %u", index);
	for (uint32_t i = 0; i < index && !earlier; i++) {
		const struct regioi_engine_ops *other = regioi_engine_at(i);

		earlier = other->automatic && engine_works(other, &refusal);
	}
	refusal = (struct regioi_refusal){0};
	info.available = engine_works(ops, &refusal);
	info.automatic = info.available && ops->automatic && !earlier;
	snprintf(info.name, sizeof(info.name), "%s", ops->name);
	snprintf(info.reason, sizeof(info.reason), "%s",
		 info.available ? ops->about : refusal.reason);
	snprintf(info.remedy, sizeof(info.remedy), "%s", refusal.remedy);
	*ret_info = info;
	return 0;
}
