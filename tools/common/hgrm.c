/* SPDX-License-Identifier: MIT */
/*
 * The percentile output of HdrHistogram: steps become half as wide each time the
 * rest of the values has halved, up to the last value.
 */
#include "hgrm.h"

#include <math.h>

#define STEPS_EACH_HALF 5.0
#define NS_EACH_US 1000.0

static double next_fraction(double fraction)
{
	double halves = floor(log2(1 / (1 - fraction))) + 1;

	return fraction + 1 / (STEPS_EACH_HALF * exp2(halves));
}

static uint64_t value_of(const struct histogram *histogram, uint32_t bucket)
{
	uint64_t top_ns = histogram_bucket_top_ns(bucket);

	return top_ns < histogram->max_ns ? top_ns : histogram->max_ns;
}

static void write_lines(FILE *file, const struct histogram *histogram)
{
	double fraction = 0;
	uint64_t seen = 0;

	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS && seen < histogram->count; bucket++) {
		double share;

		if (!histogram->buckets[bucket])
			continue;
		seen += histogram->buckets[bucket];
		share = (double)seen / (double)histogram->count;
		for (; fraction <= share && seen < histogram->count;
		     fraction = next_fraction(fraction))
			fprintf(file, "%12.3f %2.12f %10llu %14.2f\n",
				(double)value_of(histogram, bucket) / NS_EACH_US, fraction,
				(unsigned long long)seen, 1 / (1 - fraction));
	}
	if (histogram->count > 0)
		fprintf(file, "%12.3f %2.12f %10llu\n", (double)histogram->max_ns / NS_EACH_US, 1.0,
			(unsigned long long)histogram->count);
}

static void write_summary(FILE *file, const struct histogram *histogram)
{
	double sum = 0, squares = 0, count = (double)histogram->count, mean;

	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
		sum += (double)histogram->buckets[bucket] * (double)value_of(histogram, bucket);
	mean = count > 0 ? sum / count : 0;
	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		double off = (double)value_of(histogram, bucket) - mean;

		squares += (double)histogram->buckets[bucket] * off * off;
	}
	fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / NS_EACH_US,
		count > 0 ? sqrt(squares / count) / NS_EACH_US : 0.0);
	fprintf(file, "#[Max     = %12.3f, Total count    = %12llu]\n",
		(double)histogram->max_ns / NS_EACH_US, (unsigned long long)histogram->count);
	fprintf(file, "#[Buckets = %12u, SubBuckets     = %12u]\n",
		HISTOGRAM_BUCKETS / HISTOGRAM_STEPS, HISTOGRAM_STEPS);
}

void hgrm_write(FILE *file, const struct histogram *histogram)
{
	fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	write_lines(file, histogram);
	write_summary(file, histogram);
}
