/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of nanoseconds: 128 steps to each power of two, so a
 * value read back is at most 0.8 per cent off. It holds no pointers and lives in
 * memory shared by two processes, one of which writes.
 */
#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7
#define HISTOGRAM_STEPS (1u << HISTOGRAM_STEP_BITS)
/* Values up to 2^44 ns, almost five hours; anything longer counts as that. */
#define HISTOGRAM_BUCKETS ((44 - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
	uint64_t count;
	uint64_t max_ns;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t value_ns)
{
	if (value_ns < HISTOGRAM_STEPS)
		return (uint32_t)value_ns;
	uint32_t shift = 63 - (uint32_t)__builtin_clzll(value_ns) - HISTOGRAM_STEP_BITS;
	uint32_t bucket = (shift << HISTOGRAM_STEP_BITS) + (uint32_t)(value_ns >> shift);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_record(struct histogram *histogram, uint64_t value_ns)
{
	histogram->buckets[histogram_bucket(value_ns)]++;
	histogram->count++;
	if (value_ns > histogram->max_ns)
		histogram->max_ns = value_ns;
}

void histogram_clear(struct histogram *histogram);

/* Adds what another has recorded. */
void histogram_add(struct histogram *histogram, const struct histogram *other);

/* The largest value that falls into a bucket. */
uint64_t histogram_bucket_top_ns(uint32_t bucket);

/* The value that 'fraction' (0 to 1) of the recorded values do not exceed; 0 when empty. */
uint64_t histogram_quantile_ns(const struct histogram *histogram, double fraction);

#endif
