/* SPDX-License-Identifier: MIT */
/*
 * The length of a run, told before it begins.
 */
#include "lengths.h"

#include <stdio.h>

/* Starting and ending two sides, and timing the cores before and after. */
#define OVERHEAD_S 0.06
#define OVERHEAD_S_PER_SOCKET 50e-6
/* What a request takes at least, of those that are made before calls are counted. */
#define REQUEST_S 8e-6

double length_of_row_s(double measured_s, uint32_t rounds, uint32_t sockets)
{
	double overhead_s = OVERHEAD_S + OVERHEAD_S_PER_SOCKET * sockets;
	double counted_s = (COUNTED_WARMUP_NS + COUNTED_MEASURE_NS) / 1e9 +
			   REQUEST_S * COUNTED_REQUESTS_PER_PEER * sockets;

	return measured_s + rounds * (WARMUP_NS / 1e9 + overhead_s) + counted_s + overhead_s;
}

static const char *plural(uint64_t number)
{
	return number == 1 ? "" : "s";
}

static void two_units(uint64_t large, const char *large_name, uint64_t small,
		      const char *small_name, char ret_text[LENGTH_TEXT_BYTES])
{
	if (small)
		snprintf(ret_text, LENGTH_TEXT_BYTES, "%u %s%s %u %s%s", (unsigned)large,
			 large_name, plural(large), (unsigned)small, small_name, plural(small));
	else
		snprintf(ret_text, LENGTH_TEXT_BYTES, "%u %s%s", (unsigned)large, large_name,
			 plural(large));
}

void length_text(double seconds, char ret_text[LENGTH_TEXT_BYTES])
{
	uint64_t whole = seconds < 1 ? 1 : (uint64_t)(seconds + 0.5);
	/* Nobody plans by the second of something long. */
	uint64_t tens = (whole + 5) / 10 * 10;
	uint64_t minutes = (whole + 30) / 60;

	if (whole < 60)
		two_units(whole, "second", 0, "", ret_text);
	else if (tens < 3600)
		two_units(tens / 60, "minute", tens % 60, "second", ret_text);
	else
		two_units(minutes / 60, "hour", minutes % 60, "minute", ret_text);
}
