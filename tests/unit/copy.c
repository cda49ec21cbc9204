/* SPDX-License-Identifier: MIT */
/*
 * copy.c - a message of any length is copied whole, and nothing beside it is written
 */
#include "../support/suite.h"

#include <string.h>

#include "mem/copy.h"

#define LENGTH_MAX (2 * REGIOI_COPY_TOGETHER_MAX)
#define BESIDE 64u

/* At odd addresses, as the messages of a train may be. */
static void check_copy(size_t length)
{
	uint8_t from[LENGTH_MAX + 1], to[1 + BESIDE + LENGTH_MAX + BESIDE];
	uint8_t *const at = to + 1 + BESIDE;

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i % 251 + 1);
	memset(to, 0, sizeof(to));
	regioi_copy(at, from + 1, length);
	for (size_t i = 0; i < length; i++)
		EXPECT(at[i] == from[i + 1], "byte %zu of %zu is not copied", i, length);
	for (size_t i = 0; i < BESIDE; i++)
		EXPECT(at[-1 - (ptrdiff_t)i] == 0 && at[length + i] == 0,
		       "%zu bytes beside one of %zu is written", i, length);
}

START_TEST(a_message_of_any_length_is_copied_and_no_more)
{
	for (size_t length = 0; length <= LENGTH_MAX; length++)
		check_copy(length);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_message_of_any_length_is_copied_and_no_more),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
