/* SPDX-License-Identifier: MIT */
/*
 * The options of a command: one table from which they are read, and listed by
 * --help. A value that will not do is named on stderr with what is allowed.
 */
#ifndef COMMON_ARGUMENTS_H
#define COMMON_ARGUMENTS_H

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_LIST_MAX 32

/* Numbers as "8,64" has them. */
struct number_list {
	uint32_t numbers[NUMBER_LIST_MAX];
	uint32_t count;
	const char *text; /* as it was written */
};

/* "24-64", or one number for both. */
struct range {
	uint64_t least;
	uint64_t most;
};

struct argument {
	const char *command;
	const struct argument_spec *spec;
	char *text; /* the value; a reader may cut it in pieces */
};

/* Reads a value into its field; false, with argument_refuse(), when it will not do. */
typedef bool argument_read_fn(const struct argument *argument, void *field);

enum argument_kind {
	ARGUMENT_ON,
	ARGUMENT_OFF,
	ARGUMENT_NUMBER,
	ARGUMENT_NUMBERS,
	ARGUMENT_SPAN,
	ARGUMENT_SECONDS,
	ARGUMENT_TEXT,
	ARGUMENT_OTHER,
};

struct argument_spec {
	const char *name;  /* without dashes; NULL ends the table */
	const char *value; /* what the help calls it; NULL: there is none */
	enum argument_kind kind;
	size_t bytes;
	size_t offset;
	double least; /* of numbers; exact up to 2^53 */
	double most;
	argument_read_fn *read; /* of ARGUMENT_OTHER */
	const char *initial;	/* read unless another is given; NULL: the field is 0 */
	const char *help;	/* range and initial value are put where {} is, or at the end;
				   NULL: a former name, which --help does not list */
};

/*
 * The entries of a table. Whoever has one defines OPTIONS, the type of the structure that 'member'
 * is in. A member of a type that cannot hold what the option takes does not compile.
 */
#define OPTION_ON(name, member, help) OPTION_OF_TYPE(name, NULL, member, bool, ARGUMENT_ON, help)
#define OPTION_OFF(name, member, help) OPTION_OF_TYPE(name, NULL, member, bool, ARGUMENT_OFF, help)
#define OPTION_TEXT(name, value, member, help)                                                     \
	OPTION_OF_TYPE(name, value, member, const char *, ARGUMENT_TEXT, help)
#define OPTION_NUMBER(name, value, member, least, most, initial, help)                             \
	OPTION_ENTRY(name, value, member,                                                          \
		     _Generic(((OPTIONS *)NULL)->member, int                                       \
			      : ARGUMENT_NUMBER, uint16_t                                          \
			      : ARGUMENT_NUMBER, uint32_t                                          \
			      : ARGUMENT_NUMBER, uint64_t                                          \
			      : ARGUMENT_NUMBER, struct number_list                                \
			      : ARGUMENT_NUMBERS, struct range                                     \
			      : ARGUMENT_SPAN, double                                              \
			      : ARGUMENT_SECONDS),                                                 \
		     least, most, NULL, initial, help)
#define OPTION_OTHER(name, value, member, read, help)                                              \
	OPTION_ENTRY(name, value, member, ARGUMENT_OTHER, 0, 0, read, NULL, help)

/* A type, and a case of _Generic, take no parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define OPTION_OF_TYPE(name, value, member, type, kind, help)                                      \
	OPTION_ENTRY(name, value, member,                                                          \
		     _Generic(((OPTIONS *)NULL)->member, type                                      \
			      : kind),                                                             \
		     0, 0, NULL, NULL, help)
/* NOLINTEND(bugprone-macro-parentheses) */
#define OPTION_ENTRY(name, value, member, kind, least, most, read, initial, help)                  \
	{                                                                                          \
		name, value, kind, sizeof(((OPTIONS *)NULL)->member), offsetof(OPTIONS, member),   \
			least, most, read, initial, help                                           \
	}

struct argument_plan {
	const char *command;  /* "regio bench" */
	const char *synopsis; /* what the usage has behind it */
	const char *about;
	const struct argument_spec *specs; /* all but --help, which every command has */
	const char *notes;		   /* below the options */
	size_t options_bytes;		   /* of the structure they fill in */
	int operands_max;
};

/*
 * Fills in all of 'options', by argv[1] and on or else by initial values. Returns -1 to go on, with
 * the operands from argv[optind] on, or the exit status: 0 after --help, 2 when something will not
 * do.
 */
int arguments_apply(const struct argument_plan *plan, int argc, char **argv, void *options);

/* Prints what --help does. */
void arguments_help(const struct argument_plan *plan);

/* How a range is told: every digit of a whole number, and no more of 0.01 than that. */
#define ARGUMENT_RANGE "%.16g to %.16g"

/* Says why the value will not do; returns false. */
bool argument_refuse(const struct argument *argument, const char *allowed, ...)
	__attribute__((format(printf, 2, 3)));

#endif
