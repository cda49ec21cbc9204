/* SPDX-License-Identifier: MIT */
/*
 * Which engine a driver gets, and why.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/engine_choice.h"
#include "base/error.h"
#include "base/print.h"
#include "drive/poll_policy.h"
#include "engine/costs.h"
#include "engine/testing/fault.h"

/* What a name requests: an engine, and words joined to it by '+'. */
struct wish {
	const char *by;
	const char *text;
	char engine[32];
	bool thread;
	bool fault;
};

static const struct regioi_engine_ops *engine_find(const char *name)
{
	const struct regioi_engine_ops *ops;

	for (uint32_t i = 0; (ops = regioi_engine_at(i)); i++) {
		if (strcmp(ops->name, name) == 0)
			return ops;
	}
	return NULL;
}

/* A lack of descriptors, memory or threads does not mean that the engine does not work. */
static int refusal_error(int error)
{
	switch (error) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOSPC:
	case -EAGAIN:
		return error;
	default:
		return -ENOTSUP;
	}
}

static int refuse(int error, const char *which, const struct regioi_refusal *refusal)
{
	return regioi_fail(refusal_error(error), "choosing an engine: %s: %s%s%s", which,
			   refusal->reason, refusal->remedy[0] ? "; " : "", refusal->remedy);
}

static int refuse_name(const struct wish *wish)
{
	const struct regioi_engine_ops *ops;
	char names[64] = "";

	for (uint32_t i = 0; (ops = regioi_engine_at(i)); i++) {
		size_t length = strlen(names);

		if (ops->automatic)
			snprintf(names + length, sizeof(names) - length, ", %s", ops->name);
	}
	return regioi_fail(-ENOENT,
			   "choosing an engine: %s requests \"%.120s\", and no engine has "
			   "that name; those for traffic are auto%s, and regio info "
			   "describes them",
			   wish->by, wish->text, names);
}

static int engine_named(const struct wish *wish, struct regioi_driver *driver)
{
	struct regioi_refusal refusal = {0};
	char which[64];
	int error;

	driver->ops = engine_find(wish->engine);
	if (!driver->ops)
		return refuse_name(wish);
	error = driver->ops->create(&driver->engine, &refusal);
	regioi_print(which, "%s does not work here", wish->engine);
	if (error)
		return refuse(error, which, &refusal);
	regioi_print(driver->reason, "requested by %s", wish->by);
	return 0;
}

/* Chooses the first engine that works, among those that carry traffic. */
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
			regioi_print(driver->reason, "%s",
				     refused[0] ? refused : "the preferred engine");
			return 0;
		}
		regioi_print(refused, "%s: %.80s", driver->ops->name, refusal.reason);
	}
	return refuse(error, "none works; the last one reported", &refusal);
}

static bool word_is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && strncmp(word, name, length) == 0;
}

/* "fault+epoll+thread": the words may come before or after the name of the engine. */
static void read_wish(const char *text, struct wish *wish)
{
	size_t length;

	wish->by = "REGIO_ENGINE";
	wish->text = text;
	wish->engine[0] = '\0';
	for (const char *word = text; word; word = word[length] ? word + length + 1 : NULL) {
		length = strcspn(word, "+");
		if (word_is(word, length, "thread"))
			wish->thread = true;
		else if (word_is(word, length, "fault"))
			wish->fault = true;
		else if (!wish->engine[0])
			regioi_print(wish->engine, "%.*s", (int)length, word);
		else
			/* Two names: look for the whole text, which is no engine's name. */
			regioi_print(wish->engine, "%s", text);
	}
}

/* Puts fault injection between the driver and its engine. */
static int engine_wrap(struct regioi_driver *driver)
{
	struct regioi_refusal refusal = {0};
	int error = regioi_fault_wrap(&driver->ops, &driver->engine, &refusal);

	if (error == -ENOMEM)
		return regioi_fail(error, "choosing an engine: out of memory for fault injection");
	if (error)
		return regioi_fail(error, "choosing an engine: %s; it takes %s", refusal.reason,
				   refusal.remedy);
	return 0;
}

/* Words joined to a name are for the user who runs the program, not for the program. */
static int read_name(const char *text, struct wish *wish)
{
	if (strchr(text, '+'))
		return regioi_fail(-ENOENT,
				   "choosing an engine: the program requests \"%s\"; words joined "
				   "by '+' are only for the environment variable REGIO_ENGINE: "
				   "give the engine alone, and REGIO_DRIVER_THREAD for a thread",
				   text);
	regioi_print(wish->engine, "%s", text);
	return 0;
}

static int read_costs(struct regioi_driver *driver)
{
	struct regioi_refusal refusal;
	struct regioi_costs costs;
	int error = regioi_costs_of(driver->ops, driver->engine, &costs, &refusal);

	if (error)
		return regioi_fail(error, "choosing an engine: %s; it takes %s", refusal.reason,
				   refusal.remedy);
	driver->policy = regioi_policy_of(&costs);
	return 0;
}

int regioi_engine_open(struct regioi_driver *driver, const char *text)
{
	const char *environment = secure_getenv("REGIO_ENGINE");
	struct wish wish = {.by = "the program", .text = text, .engine = "auto"};
	int error = text ? read_name(text, &wish) : 0;

	if (error)
		return error;
	if (strcmp(wish.engine, "auto") == 0 && environment && environment[0])
		read_wish(environment, &wish);
	driver->threaded = wish.thread;
	if (strcmp(wish.engine, "auto") == 0)
		error = engine_automatic(driver);
	else
		error = engine_named(&wish, driver);
	if (!error)
		error = read_costs(driver);
	return error || !wish.fault ? error : engine_wrap(driver);
}
