/* SPDX-License-Identifier: MIT */
/*
 * table.c - docs/FAULTS.md: what comes of each error of each system call
 *
 * A row is "| call | error | times | outcomes |". How often an error was tried depends on the
 * machine, and is not compared.
 */
#include "table.h"

#include "../support/suite.h"

#include <stdio.h>
#include <string.h>

static const char *const outcome_names[] = {
	"refused with the same error",
	"completed with the error",
	"worked around",
};

static const char head[] =
	"# Results of each fault\n"
	"\n"
	"This table lists every system call that the library makes, with each error that\n"
	"it may return. `./run faults` creates it. In each scenario of `tests/faults`, on\n"
	"`epoll`, on `uring` and with a driver's thread, each call failed once with each\n"
	"error, at each place where it is made (at most 24). In every case the right\n"
	"error was reported and explained, everything was undone, every message that was\n"
	"accepted arrived, and the next call worked. A row has the results of all runs\n"
	"together. A test compares new results with it, and fails on one that is not\n"
	"listed, unless the fault was worked around.\n"
	"\n"
	"- *refused with the same error*: the call of the program failed with it, and\n"
	"  worked when it was made again. (If a ring does not work, the error is\n"
	"  `ENOTSUP`, permanently; if one has to be closed, a wait may end with `EINTR`;\n"
	"  if there is no memory for a thread, the error is `EAGAIN`; if a range cannot\n"
	"  be accessed, it is `EFAULT`.)\n"
	"- *completed with the error*: requests completed with it.\n"
	"- *worked around*: the program noticed nothing.\n"
	"\n"
	"An allocation is not a system call, but is made to fail in the same way.\n"
	"\n"
	"| call | error | times | result |\n"
	"|---|---|---|---|\n";

/* "a, b": the outcomes by name. */
static void print_outcomes(unsigned int outcomes, char *ret_text, size_t size)
{
	ret_text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(outcome_names); i++) {
		size_t length = strlen(ret_text);

		if (outcomes & 1u << i)
			snprintf(ret_text + length, size - length, "%s%s", length ? ", " : "",
				 outcome_names[i]);
	}
}

static unsigned int read_outcomes(const char *text)
{
	unsigned int outcomes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(outcome_names); i++) {
		if (strstr(text, outcome_names[i]))
			outcomes |= 1u << i;
	}
	return outcomes;
}

/* Finds the row's place among the rules. */
static bool find_row(const char *call_name, const char *error_name, size_t *ret_call,
		     size_t *ret_error)
{
	for (size_t call = 0; call < rules_count; call++) {
		if (strcmp(rule_calls[call].name, call_name) != 0)
			continue;
		for (size_t i = 0; rules[call].errors[i].error; i++) {
			if (strcmp(strerrorname_np(rules[call].errors[i].error), error_name) == 0) {
				*ret_call = call;
				*ret_error = i;
				return true;
			}
		}
	}
	return false;
}

/* Returns the name of a call that is listed and not tried any more, or NULL. */
static const char *read_table(FILE *file, tallies ret_all)
{
	char line[256], error_name[64], outcomes[128];
	static char call_name[64];
	const char *unknown = NULL;
	size_t call, error;
	unsigned int tried;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "| %63[^|] | `%63[^`]` | %u | %127[^|] |", call_name, error_name,
			   &tried, outcomes) != 4)
			continue;
		call_name[strcspn(call_name, "|")] = '\0';
		while (call_name[0] && call_name[strlen(call_name) - 1] == ' ')
			call_name[strlen(call_name) - 1] = '\0';
		if (find_row(call_name, error_name, &call, &error))
			ret_all[call][error] =
				(struct tally){.tried = tried, .outcomes = read_outcomes(outcomes)};
		else
			unknown = call_name;
	}
	return unknown;
}

static void write_table(FILE *file, const tallies all)
{
	char outcomes[128];

	fputs(head, file);
	for (size_t call = 0; call < rules_count; call++) {
		for (size_t i = 0; rules[call].errors[i].error; i++) {
			const struct tally *tally = &all[call][i];

			if (!tally->tried)
				continue;
			print_outcomes(tally->outcomes, outcomes, sizeof(outcomes));
			fprintf(file, "| %s | `%s` | %u | %s |\n", rule_calls[call].name,
				strerrorname_np(rules[call].errors[i].error), tally->tried,
				outcomes);
		}
	}
}

/* Where threads race, one run meets what another does not. */
static void add_seen(tallies all, const tallies before)
{
	for (size_t call = 0; call < rules_count; call++) {
		for (size_t i = 0; i < RULE_ERRORS_MAX; i++) {
			all[call][i].outcomes |= before[call][i].outcomes;
			if (all[call][i].tried < before[call][i].tried)
				all[call][i].tried = before[call][i].tried;
		}
	}
}

void table_write(const char *path, tallies all)
{
	static tallies before;
	FILE *file = fopen(path, "re");

	if (file) {
		read_table(file, before);
		fclose(file);
		add_seen(all, before);
	}
	file = fopen(path, "we");
	EXPECT(file, "%s: %m", path);
	write_table(file, all);
	EXPECT(fclose(file) == 0, "%s: %m", path);
}

void table_check(const char *path, const tallies all)
{
	static tallies listed;
	char outcomes[128];
	FILE *file = fopen(path, "re");
	const char *unknown;

	EXPECT(file, "%s: %m; ./run faults makes it", path);
	unknown = read_table(file, listed);
	fclose(file);
	EXPECT(!unknown, "%s lists %s with an error that is not tried any more; delete its row",
	       path, unknown);
	for (size_t call = 0; call < rules_count; call++) {
		for (size_t i = 0; rules[call].errors[i].error; i++) {
			const struct tally *found = &all[call][i];
			/*
			 * The rules have judged what came out. A fault that nobody notices is no
			 * news: where threads race, a close may come before its completion is
			 * reported.
			 */
			unsigned int news = found->outcomes & ~(listed[call][i].outcomes | WORKED);
			const char *error = strerrorname_np(rules[call].errors[i].error);

			print_outcomes(news, outcomes, sizeof(outcomes));
			EXPECT(!news,
			       "%s does not list \"%s\" for %s with %s; ./run faults adds it", path,
			       outcomes, rule_calls[call].name, error);
		}
	}
}
