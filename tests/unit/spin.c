/* SPDX-License-Identifier: MIT */
/*
 * spin.c - how long a driver's thread spins, after what its spins have brought
 */
#include "../support/suite.h"

#include "drive/spin.h"

enum { LIMIT_NS = 50000 };

START_TEST(spins_that_bring_nothing_become_short)
{
	uint64_t spin_ns = LIMIT_NS;

	for (int i = 0; i < 4; i++) {
		uint64_t next_ns = regioi_spin_next(spin_ns, LIMIT_NS, LIMIT_NS + 1);

		EXPECT(next_ns < spin_ns, "%llu", (unsigned long long)next_ns);
		spin_ns = next_ns;
	}
	ck_assert_uint_eq(spin_ns, LIMIT_NS / 16);
	ck_assert_uint_eq(regioi_spin_next(spin_ns, LIMIT_NS, UINT64_MAX), LIMIT_NS / 16);
}
END_TEST

/* Whether it was found by a spin, or by a sleep after one that was too short. */
START_TEST(what_comes_within_the_limit_makes_spins_long)
{
	uint64_t spin_ns = LIMIT_NS / 16;

	for (int i = 0; i < 4; i++)
		spin_ns = regioi_spin_next(spin_ns, LIMIT_NS, LIMIT_NS);
	ck_assert_uint_eq(spin_ns, LIMIT_NS);
	ck_assert_uint_eq(regioi_spin_next(spin_ns, LIMIT_NS, 0), LIMIT_NS);
}
END_TEST

START_TEST(no_spin_is_longer_than_the_limit)
{
	static const uint64_t limits[] = {1, 2, 15, 16, 17, 1000, UINT64_MAX - 1};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		uint64_t spin_ns = limits[i];

		for (uint32_t k = 0; k < 200; k++) {
			spin_ns = regioi_spin_next(spin_ns, limits[i],
						   k * 2654435761u & 0x40 ? UINT64_MAX : 0);
			EXPECT(spin_ns <= limits[i] && spin_ns >= limits[i] >> 4, "%llu of %llu",
			       (unsigned long long)spin_ns, (unsigned long long)limits[i]);
		}
		for (uint32_t k = 0; k < 64; k++)
			spin_ns = regioi_spin_next(spin_ns, limits[i], 0);
		ck_assert_uint_eq(spin_ns, limits[i]);
	}
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(spins_that_bring_nothing_become_short),
		CASE(what_comes_within_the_limit_makes_spins_long),
		CASE(no_spin_is_longer_than_the_limit),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
