/* SPDX-License-Identifier: MIT */
/*
 * Reading a log-linear histogram; recording is inline in histogram.h.
 */
#include "histogram.h"

#include <string.h>

void histogram_clear(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

void histogram_add(struct histogram *histogram, const struct histogram *other)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram->buckets[i] += other->buckets[i];
	histogram->count += other->count;
	if (other->max_ns > histogram->max_ns)
		histogram->max_ns = other->max_ns;
}

uint64_t histogram_bucket_top_ns(uint32_t bucket)
{
	if (bucket < 2 * HISTOGRAM_STEPS)
		return bucket;
	uint32_t shift = (bucket >> HISTOGRAM_STEP_BITS) - 1;
	uint64_t step = HISTOGRAM_STEPS + (bucket & (HISTOGRAM_STEPS - 1));
	return ((step + 1) << shift) - 1;
}

uint64_t histogram_quantile_ns(const struct histogram *histogram, double fraction)
{
	uint64_t wanted = (uint64_t)(fraction * (double)histogram->count + 0.5);
	uint64_t seen = 0;

	if (wanted == 0)
		wanted = 1;
	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		seen += histogram->buckets[bucket];
		if (seen < wanted)
			continue;
		uint64_t top_ns = histogram_bucket_top_ns(bucket);
		return top_ns < histogram->max_ns ? top_ns : histogram->max_ns;
	}
	return histogram->max_ns;
}
