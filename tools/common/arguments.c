/* SPDX-License-Identifier: MIT */
/*
 * Reading options: getopt_long, and numbers that are checked.
 */
#include "arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void argument_restart(void)
{
	opterr = 0;
	optind = 0; /* getopt forgets what it was in the middle of */
}

static const char *option_name(const struct option *options, int value)
{
	while (options->name && options->val != value)
		options++;
	return options->name;
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

	fprintf(stderr, "%s: %s: %s; see %s --help\n", command,
		short_one ? letter : argv[optind - 1],
		option == ':' ? "needs a value" : "no such option", command);
	return ARGUMENT_BAD;
}

int argument_next(const char *command, int argc, char **argv, const struct option *options,
		  struct argument *ret_argument)
{
	int option = getopt_long(argc, argv, ":", options, NULL);

	if (option == '?' || option == ':')
		return refuse_option(command, option, argv);
	if (option != -1)
		*ret_argument = (struct argument){command, option_name(options, option), optarg};
	return option;
}

int arguments_apply(const struct argument_plan *plan, int argc, char **argv, void *options)
{
	struct argument argument;
	int option;

	argument_restart();
	while ((option = argument_next(plan->command, argc, argv, plan->options, &argument)) !=
	       ARGUMENT_END) {
		if (option == ARGUMENT_HELP) {
			fputs(plan->help, stdout);
			return 0;
		}
		if (option == ARGUMENT_BAD || !plan->apply(option, &argument, options))
			return 2;
	}
	return -1;
}

bool argument_refuse(const struct argument *argument, const char *allowed)
{
	fprintf(stderr, "%s: --%s %s: %s\n", argument->command, argument->option, argument->text,
		allowed);
	return false;
}

/* A whole number in the range, ended by 'stop' or the end of the text. */
static bool read_number(const char *text, char stop, struct range range, uint64_t *ret_number,
			const char **ret_next)
{
	unsigned long long number;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || (*end && *end != stop) || number < range.least || number > range.most)
		return false;
	*ret_number = number;
	*ret_next = *end ? end + 1 : end;
	return !*end || end[1];
}

bool argument_long(const struct argument *argument, struct range range, uint64_t *ret_number)
{
	const char *next;
	char allowed[96];

	if (read_number(argument->text, '\0', range, ret_number, &next))
		return true;
	snprintf(allowed, sizeof(allowed), "must be a whole number from %" PRIu64 " to %" PRIu64,
		 range.least, range.most);
	return argument_refuse(argument, allowed);
}

bool argument_number(const struct argument *argument, struct range range, uint32_t *ret_number)
{
	uint64_t number;

	if (!argument_long(argument, range, &number))
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

bool argument_numbers(const struct argument *argument, struct range range, uint32_t *ret_numbers,
		      uint32_t numbers_max, uint32_t *ret_count)
{
	const char *next = argument->text;
	uint32_t count = 0;
	uint64_t number;
	char allowed[128];

	do {
		if (count == numbers_max || !read_number(next, ',', range, &number, &next)) {
			snprintf(allowed, sizeof(allowed),
				 "must be up to %u whole numbers from %" PRIu64 " to %" PRIu64
				 ", with commas between",
				 numbers_max, range.least, range.most);
			return argument_refuse(argument, allowed);
		}
		ret_numbers[count++] = (uint32_t)number;
	} while (*next);
	*ret_count = count;
	return true;
}

bool argument_span(const struct argument *argument, struct range range, struct range *ret_span)
{
	const char *next;
	char allowed[128];

	if (read_number(argument->text, '-', range, &ret_span->least, &next)) {
		ret_span->most = ret_span->least;
		if (!*next)
			return true;
		range.least = ret_span->least;
		if (read_number(next, '\0', range, &ret_span->most, &next))
			return true;
	}
	snprintf(allowed, sizeof(allowed),
		 "must be a whole number from %" PRIu64 " to %" PRIu64
		 ", or two with a dash between, the smaller first",
		 range.least, range.most);
	return argument_refuse(argument, allowed);
}

bool argument_seconds(const struct argument *argument, double least, double most,
		      double *ret_seconds)
{
	char allowed[80];
	char *end;

	*ret_seconds = strtod(argument->text, &end);
	if (end != argument->text && !*end && *ret_seconds >= least && *ret_seconds <= most)
		return true;
	snprintf(allowed, sizeof(allowed), "must be a number from %g to %g", least, most);
	return argument_refuse(argument, allowed);
}
