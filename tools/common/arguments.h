/* SPDX-License-Identifier: MIT */
/*
 * Reading options. A value that will not do is named on stderr with what is
 * allowed, and the call returns false.
 */
#ifndef COMMON_ARGUMENTS_H
#define COMMON_ARGUMENTS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* 'command' is "regio bench", 'option' its name without dashes, 'text' the value. */
struct argument {
	const char *command;
	const char *option;
	char *text;
};

struct range {
	uint64_t least;
	uint64_t most;
};

/* What argument_next() returns beside the values in 'options'. */
#define ARGUMENT_END (-1)
#define ARGUMENT_BAD '?'

/* The next option, with its value in 'ret_argument'. argv[0] is not looked at. */
int argument_next(const char *command, int argc, char **argv, const struct option *options,
		  struct argument *ret_argument);

/* The value of --help in 'options' of struct argument_plan; like all others, no character's. */
#define ARGUMENT_HELP 0x8000

/* Applies one option to 'options'; false, with why on stderr, when it will not do. */
typedef bool argument_apply_fn(int option, const struct argument *argument, void *options);

struct argument_plan {
	const char *command;
	const struct option *options;
	const char *help; /* the text of --help */
	argument_apply_fn *apply;
};

/*
 * Applies all options. Returns -1 to go on, with the rest at argv[optind], or the exit status: 0
 * after --help, 2 when one will not do.
 */
int arguments_apply(const struct argument_plan *plan, int argc, char **argv, void *options);

/* Starts over, for another command line. */
void argument_restart(void);

/* Says why the value will not do; returns false. */
bool argument_refuse(const struct argument *argument, const char *allowed);

bool argument_number(const struct argument *argument, struct range range, uint32_t *ret_number);
bool argument_long(const struct argument *argument, struct range range, uint64_t *ret_number);

/* Up to 'numbers_max' numbers with commas between. */
bool argument_numbers(const struct argument *argument, struct range range, uint32_t *ret_numbers,
		      uint32_t numbers_max, uint32_t *ret_count);

/* "24-64", or one number for both. */
bool argument_span(const struct argument *argument, struct range range, struct range *ret_span);

bool argument_seconds(const struct argument *argument, double least, double most,
		      double *ret_seconds);

#endif
