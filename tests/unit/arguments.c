/* SPDX-License-Identifier: MIT */
/*
 * arguments.c - options are read, refused and listed as their table says
 */
#include "../support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

#define WORDS_MAX 24

struct options {
	bool on;
	uint16_t port;
	uint16_t beside_port;
	int ttl;
	uint32_t depth;
	uint64_t count;
	struct number_list sizes;
	struct range span;
	double seconds;
	const char *path;
	char letter;
};

static bool read_letter(const struct argument *argument, void *field)
{
	if (strlen(argument->text) != 1)
		return argument_refuse(argument, "must be %d letter", 1);
	*(char *)field = argument->text[0];
	return true;
}

#define OPTIONS struct options

static const struct argument_spec specs[] = {
	OPTION_ON("on", on, "on"),
	OPTION_OFF("off", on, "off"),
	OPTION_NUMBER("port", "N", port, 0, UINT16_MAX, "7766", "port, {}; 0: any"),
	OPTION_NUMBER("ttl", "N", ttl, 1, 255, "3", "routers"),
	OPTION_NUMBER("depth", "N", depth, 2, UINT32_MAX, "4", "depth"),
	OPTION_NUMBER("former-name-of-depth", "N", depth, 2, UINT32_MAX, NULL, NULL),
	OPTION_NUMBER("count", "N", count, 1, 1e15, NULL, "end after so many"),
	OPTION_NUMBER("sizes", "N[,N...]", sizes, 16, 64, "32,48", "sizes"),
	OPTION_NUMBER("span", "N[-N]", span, 12, 90, "24-64", "span"),
	OPTION_NUMBER("seconds", "S", seconds, 0.01, 1e6, "0.25", "for how long"),
	OPTION_TEXT("path", "FILE", path,
		    "a text that fills the first one of its lines up to column 80 and the second "
		    "to column 77, so that three letters do not fit"),
	OPTION_OTHER("letter", "C", letter, read_letter, "a letter"),
	{0},
};

static const struct argument_plan plan = {
	.command = "tool",
	.synopsis = "[WORD] [OPTION...]",
	.about = "Tries them.\n",
	.specs = specs,
	.notes = "That is all.\n",
	.options_bytes = sizeof(OPTIONS),
	.operands_max = 1,
};

static struct options options;
static char line_text[512];
static char *words[WORDS_MAX + 1];
static int word_count;
static char *said[2]; /* on standard output, and standard error */

/* Words of 'line', with one space between. */
static int apply(const char *line)
{
	FILE *kept[2] = {stdout, stderr};
	char *rest = line_text;
	size_t bytes[2];
	int status;

	snprintf(line_text, sizeof(line_text), "tool%s%s", *line ? " " : "", line);
	for (word_count = 0; rest && word_count < WORDS_MAX; word_count++)
		words[word_count] = strsep(&rest, " ");
	words[word_count] = NULL;
	for (int i = 0; i < 2; i++)
		free(said[i]);
	stdout = open_memstream(&said[0], &bytes[0]);
	stderr = open_memstream(&said[1], &bytes[1]);
	status = arguments_apply(&plan, word_count, words, &options);
	fclose(stdout);
	fclose(stderr);
	stdout = kept[0];
	stderr = kept[1];
	return status;
}

static void accepts(const char *line)
{
	EXPECT(apply(line) == -1 && !*said[0] && !*said[1], "%s: %s", line, said[1]);
}

static void refuses(const char *line, const char *reason)
{
	EXPECT(apply(line) == 2 && !*said[0], "%s", line);
	ck_assert_str_eq(said[1], reason);
}

/* Each of the values, which a NULL ends. */
static void refuses_values(const char *option, const char *const *values, const char *allowed)
{
	char line[256], reason[512];

	for (; *values; values++) {
		snprintf(line, sizeof(line), "--%s=%s", option, *values);
		snprintf(reason, sizeof(reason), "tool: --%s %s: %s\n", option, *values, allowed);
		refuses(line, reason);
	}
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(without_options_there_are_the_initial_values)
{
	memset(&options, 0xFF, sizeof(options));
	accepts("");
	ck_assert(!options.on && options.port == 7766 && options.beside_port == 0);
	ck_assert(options.ttl == 3 && options.depth == 4 && options.count == 0);
	ck_assert(options.sizes.count == 2 && options.sizes.numbers[1] == 48);
	ck_assert(options.span.least == 24 && options.span.most == 64);
	ck_assert(options.seconds == 0.25 && !options.path && !options.letter);
}
END_TEST

START_TEST(each_kind_fills_in_its_field_and_no_other)
{
	struct options wanted;

	accepts("");
	memcpy(&wanted, &options, sizeof(wanted));
	accepts("--on --depth 4294967295 --ttl 255 --port=65535 --count=1000000000000000 "
		"--span 12-90 --seconds 1e6 --path=a=b --letter x");
	wanted.on = true;
	wanted.port = 65535;
	wanted.ttl = 255;
	wanted.depth = UINT32_MAX;
	wanted.count = 1000000000000000;
	wanted.span = (struct range){12, 90};
	wanted.seconds = 1e6;
	wanted.path = options.path;
	wanted.letter = 'x';
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): they are copies of one */
	ck_assert(!memcmp(&options, &wanted, sizeof(options)));
	ck_assert_str_eq(options.path, "a=b");
}
END_TEST

START_TEST(both_ends_of_a_range_are_in_it)
{
	accepts("--port 0 --ttl 1 --depth 2 --count 1 --sizes 16,64 --span 12 --seconds 0.01");
	ck_assert_int_eq(options.port + options.ttl, 1);
	ck_assert_uint_eq(options.depth + options.count, 3);
	ck_assert_uint_eq(options.sizes.numbers[0], 16);
	ck_assert_uint_eq(options.sizes.numbers[1], 64);
	ck_assert(options.span.least == 12 && options.span.most == 12);
	ck_assert_double_eq(options.seconds, 0.01);
	accepts("--span 90-90");
}
END_TEST

START_TEST(what_is_beyond_is_refused_with_the_range)
{
	refuses_values("ttl",
		       VALUES("0", "256", "", "-1", "+1", "1.5", "1x", "x", "18446744073709551617"),
		       "must be a whole number from 1 to 255");
	refuses_values("port", VALUES("65536"), "must be a whole number from 0 to 65535");
	refuses_values("count", VALUES("0", "1000000000000001"),
		       "must be a whole number from 1 to 1000000000000000");
	refuses_values("seconds", VALUES("", "0.009", "1000001", "nan", "inf", "1s"),
		       "must be a number from 0.01 to 1000000");
	refuses_values(
		"span",
		VALUES("", "-", "11", "91", "12-", "-12", "13-12", "12-91", "12-13-14", "12,13"),
		"must be a whole number from 12 to 90, or two with a dash between, the "
		"smaller first");
	refuses_values("letter", VALUES("", "xy"), "must be 1 letter");
}
END_TEST

START_TEST(a_list_has_32_numbers_at_most_and_none_missing)
{
	char line[256] = "--sizes=16";

	for (int i = 1; i < NUMBER_LIST_MAX; i++)
		strncat(line, ",20", sizeof(line) - strlen(line) - 1);
	accepts(line);
	ck_assert_uint_eq(options.sizes.count, NUMBER_LIST_MAX);
	ck_assert_uint_eq(options.sizes.numbers[NUMBER_LIST_MAX - 1], 20);
	ck_assert_str_eq(options.sizes.text, line + strlen("--sizes="));
	strncat(line, ",20", sizeof(line) - strlen(line) - 1);
	refuses_values("sizes",
		       VALUES(line + strlen("--sizes="), "", ",", "16,", ",16", "16,,17", "15,16",
			      "16,65", "16-17"),
		       "must be up to 32 whole numbers from 16 to 64, with commas between");
}
END_TEST

START_TEST(what_is_no_option_or_lacks_its_value_is_named)
{
	refuses("--no-such", "tool: --no-such: no such option; see tool --help\n");
	refuses("--no-such=1", "tool: --no-such=1: no such option; see tool --help\n");
	refuses("-xy", "tool: -x: no such option; see tool --help\n");
	/* Of --on and --off. */
	refuses("--o", "tool: --o: no such option; see tool --help\n");
	refuses("--on --depth", "tool: --depth: needs a value; see tool --help\n");
	refuses("--on=1", "tool: --on=1: takes no value; see tool --help\n");
	refuses("--help=1", "tool: --help=1: takes no value; see tool --help\n");
	/* Whatever was refused before. */
	accepts("--on");
}
END_TEST

START_TEST(the_last_of_several_counts)
{
	accepts("--depth 5 --sizes 16,17,18 --path a --on --depth=6 --sizes 20 --path b --off");
	ck_assert(!options.on);
	ck_assert_uint_eq(options.depth, 6);
	ck_assert_uint_eq(options.sizes.count, 1);
	ck_assert_uint_eq(options.sizes.numbers[0], 20);
	ck_assert_str_eq(options.sizes.text, "20");
	ck_assert_str_eq(options.path, "b");
	refuses("--ttl 256 --ttl 1", "tool: --ttl 256: must be a whole number from 1 to 255\n");
	/* The beginning of a name is named in whole. */
	refuses("--dep 1", "tool: --depth 1: must be a whole number from 2 to 4294967295\n");
}
END_TEST

START_TEST(a_former_name_means_the_same)
{
	accepts("--former-name-of-depth 5");
	ck_assert_uint_eq(options.depth, 5);
	accepts("--former-name-of-depth 5 --depth 6");
	ck_assert_uint_eq(options.depth, 6);
	refuses("--former-name-of-depth 1",
		"tool: --former-name-of-depth 1: must be a whole number from 2 to 4294967295\n");
}
END_TEST

START_TEST(operands_stand_anywhere_and_are_counted)
{
	accepts("--on word --depth 7");
	ck_assert_int_eq(word_count - optind, 1);
	ck_assert_str_eq(words[optind], "word");
	ck_assert_uint_eq(options.depth, 7);
	accepts("-- --depth");
	ck_assert_str_eq(words[optind], "--depth");
	refuses("word --on other", "tool: unexpected argument other; see tool --help\n");
}
END_TEST

START_TEST(help_has_every_option_with_its_range_and_its_initial_value)
{
	/* What was said before is not initial. */
	ck_assert_int_eq(apply("--depth 9 --help --no-such"), 0);
	ck_assert_str_eq(said[1], "");
	ck_assert_str_eq(
		said[0],
		"usage: tool [WORD] [OPTION...]\n"
		"\n"
		"Tries them.\n"
		"\n"
		"  --on              on\n"
		"  --off             off\n"
		"  --port N          port, 0 to 65535 (7766); 0: any\n"
		"  --ttl N           routers, 1 to 255 (3)\n"
		"  --depth N         depth, 2 to 4294967295 (4)\n"
		"  --count N         end after so many, 1 to 1000000000000000\n"
		"  --sizes N[,N...]  sizes, 16 to 64 (32,48)\n"
		"  --span N[-N]      span, 12 to 90 (24-64)\n"
		"  --seconds S       for how long, 0.01 to 1000000 (0.25)\n"
		"  --path FILE       a text that fills the first one of its lines up to column 80\n"
		"                    and the second to column 77, so that three letters do not\n"
		"                    fit\n"
		"  --letter C        a letter\n"
		"  --help            this text\n"
		"\n"
		"That is all.\n");
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(without_options_there_are_the_initial_values),
		CASE(each_kind_fills_in_its_field_and_no_other),
		CASE(both_ends_of_a_range_are_in_it),
		CASE(what_is_beyond_is_refused_with_the_range),
		CASE(a_list_has_32_numbers_at_most_and_none_missing),
		CASE(what_is_no_option_or_lacks_its_value_is_named),
		CASE(the_last_of_several_counts),
		CASE(a_former_name_means_the_same),
		CASE(operands_stand_anywhere_and_are_counted),
		CASE(help_has_every_option_with_its_range_and_its_initial_value),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
