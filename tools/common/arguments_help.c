/* SPDX-License-Identifier: MIT */
/*
 * The text of --help, from the table by which options are read.
 */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "words.h"

#define LABEL_BYTES 64

static const struct argument_spec help_spec = {.name = "help", .help = "this text"};

static size_t label_of(const struct argument_spec *spec, char label[LABEL_BYTES])
{
	return (size_t)snprintf(label, LABEL_BYTES, "--%s%s%s", spec->name, spec->value ? " " : "",
				spec->value ? spec->value : "");
}

static void print_option(const struct argument_spec *spec, size_t width)
{
	const char *rest = strstr(spec->help, "{}");
	size_t bytes = rest ? (size_t)(rest - spec->help) : strlen(spec->help);
	const char *initial = spec->initial;
	char label[LABEL_BYTES], text[512];

	label_of(spec, label);
	printf("  %-*s  ", (int)width, label);
	snprintf(text, sizeof(text), "%.*s%s" ARGUMENT_RANGE "%s%s%s%s", (int)bytes, spec->help,
		 rest ? "" : ", ", spec->least, spec->most, initial ? " (" : "",
		 initial ? initial : "", initial ? ")" : "", rest ? rest + 2 : "");
	words_print(spec->most > 0 ? text : spec->help, width + 4);
}

void arguments_help(const struct argument_plan *plan)
{
	char label[LABEL_BYTES];
	size_t width = label_of(&help_spec, label);

	for (const struct argument_spec *spec = plan->specs; spec->name; spec++) {
		size_t bytes = spec->help ? label_of(spec, label) : 0;

		width = bytes > width ? bytes : width;
	}
	printf("usage: %s %s\n\n%s\n", plan->command, plan->synopsis, plan->about);
	for (const struct argument_spec *spec = plan->specs; spec->name; spec++)
		if (spec->help)
			print_option(spec, width);
	print_option(&help_spec, width);
	printf("%s%s", plan->notes ? "\n" : "", plan->notes ? plan->notes : "");
}
