/* SPDX-License-Identifier: MIT */
/*
 * Reading options by their table, with getopt_long.
 */
#include "arguments.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32

/* What getopt_long returns for an option: no character, so that a letter is known for one. */
enum { OPTION_HELP = UCHAR_MAX + 1, OPTION_FIRST };

/* ---- Values --------------------------------------------------------------- */

bool argument_refuse(const struct argument *argument, const char *allowed, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: --%s %s: ", argument->command, argument->spec->name, argument->text);
	va_start(arguments, allowed);
	vfprintf(stderr, allowed, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return false;
}

/* A whole number in the range, ended by 'stop' or the end of the text. */
static bool take_number(const struct argument_spec *spec, const char **next, char stop,
			uint64_t *ret_number)
{
	char *end;

	if (**next < '0' || **next > '9')
		return false;
	/* What overflows becomes more than any range has. */
	*ret_number = strtoull(*next, &end, 10);
	if ((*end && *end != stop) || *ret_number < (uint64_t)spec->least ||
	    *ret_number > (uint64_t)spec->most)
		return false;
	*next = *end ? end + 1 : end;
	return !*end || end[1];
}

static bool read_number(const struct argument *argument, void *field)
{
	const struct argument_spec *spec = argument->spec;
	const char *next = argument->text;
	uint64_t number;

	if (!take_number(spec, &next, '\0', &number))
		return argument_refuse(argument, "must be a whole number from " ARGUMENT_RANGE,
				       spec->least, spec->most);
	if (spec->bytes == sizeof(uint16_t))
		*(uint16_t *)field = (uint16_t)number;
	else if (spec->bytes == sizeof(uint32_t))
		*(uint32_t *)field = (uint32_t)number;
	else
		*(uint64_t *)field = number;
	return true;
}

static bool read_numbers(const struct argument *argument, struct number_list *list)
{
	const struct argument_spec *spec = argument->spec;
	const char *next = argument->text;
	uint64_t number;

	list->text = argument->text;
	list->count = 0;
	do {
		if (list->count == NUMBER_LIST_MAX || !take_number(spec, &next, ',', &number))
			return argument_refuse(argument,
					       "must be up to %d whole numbers from " ARGUMENT_RANGE
					       ", with commas between",
					       NUMBER_LIST_MAX, spec->least, spec->most);
		list->numbers[list->count++] = (uint32_t)number;
	} while (*next);
	return true;
}

static bool read_span(const struct argument *argument, struct range *span)
{
	const struct argument_spec *spec = argument->spec;
	const char *next = argument->text;

	if (take_number(spec, &next, '-', &span->least)) {
		span->most = span->least;
		if (!*next ||
		    (take_number(spec, &next, '\0', &span->most) && span->most >= span->least))
			return true;
	}
	return argument_refuse(argument,
			       "must be a whole number from " ARGUMENT_RANGE
			       ", or two with a dash between, the smaller first",
			       spec->least, spec->most);
}

static bool read_seconds(const struct argument *argument, double *seconds)
{
	const struct argument_spec *spec = argument->spec;
	char *end;

	*seconds = strtod(argument->text, &end);
	if (end != argument->text && !*end && *seconds >= spec->least && *seconds <= spec->most)
		return true;
	return argument_refuse(argument, "must be a number from " ARGUMENT_RANGE, spec->least,
			       spec->most);
}

static bool apply(const struct argument *argument, void *options)
{
	const struct argument_spec *spec = argument->spec;
	void *field = (char *)options + spec->offset;

	switch (spec->kind) {
	case ARGUMENT_ON:
	case ARGUMENT_OFF:
		*(bool *)field = spec->kind == ARGUMENT_ON;
		return true;
	case ARGUMENT_NUMBER:
		return read_number(argument, field);
	case ARGUMENT_NUMBERS:
		return read_numbers(argument, field);
	case ARGUMENT_SPAN:
		return read_span(argument, field);
	case ARGUMENT_SECONDS:
		return read_seconds(argument, field);
	case ARGUMENT_TEXT:
		*(const char **)field = argument->text;
		return true;
	case ARGUMENT_OTHER:
		break;
	}
	return spec->read(argument, field);
}

/* ---- All of it ------------------------------------------------------------ */

static void list_options(const struct argument_spec *specs, struct option list[OPTIONS_MAX])
{
	int count = 0;

	for (; specs[count].name; count++) {
		assert(count + 2 < OPTIONS_MAX);
		list[count] = (struct option){specs[count].name,
					      specs[count].value ? required_argument : no_argument,
					      NULL, OPTION_FIRST + count};
	}
	list[count] = (struct option){"help", no_argument, NULL, OPTION_HELP};
	list[count + 1] = (struct option){0};
}

/*
 * Names what getopt would not have. No command has options of one letter; of several behind one
 * dash, getopt tells the letter and not the argument.
 */
static int refuse_option(const char *command, int option, char **argv)
{
	char letter[] = {'-', (char)optopt, '\0'};
	/* 0: no letter; below 0: one beyond ASCII. */
	bool short_one = option == '?' && optopt && optopt <= UCHAR_MAX;
	const char *reason = option == ':'	     ? "needs a value"
			     : optopt >= OPTION_HELP ? "takes no value"
						     : "no such option";

	fprintf(stderr, "%s: %s: %s; see %s --help\n", command,
		short_one ? letter : argv[optind - 1], reason, command);
	return 2;
}

int arguments_apply(const struct argument_plan *plan, int argc, char **argv, void *options)
{
	struct option list[OPTIONS_MAX];
	int option;

	list_options(plan->specs, list);
	memset(options, 0, plan->options_bytes);
	for (const struct argument_spec *spec = plan->specs; spec->name; spec++) {
		/* Only ARGUMENT_OTHER cuts texts, and has no initial value. */
		struct argument argument = {plan->command, spec, (char *)(uintptr_t)spec->initial};

		if (spec->initial && !apply(&argument, options))
			return 2;
	}
	opterr = 0;
	optind = 0; /* getopt forgets what it was in the middle of */
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		struct argument argument = {plan->command, NULL, optarg};

		if (option == OPTION_HELP) {
			arguments_help(plan);
			return 0;
		}
		if (option < OPTION_FIRST)
			return refuse_option(plan->command, option, argv);
		argument.spec = &plan->specs[option - OPTION_FIRST];
		if (!apply(&argument, options))
			return 2;
	}
	if (argc - optind <= plan->operands_max)
		return -1;
	fprintf(stderr, "%s: unexpected argument %s; see %s --help\n", plan->command,
		argv[optind + plan->operands_max], plan->command);
	return 2;
}
