/* SPDX-License-Identifier: MIT */
/*
 * How long the parts of a run take, and so the whole of it.
 */
#ifndef BENCH_LENGTHS_H
#define BENCH_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

/* Long enough for a socket to settle into its way of receiving. */
#define WARMUP_NS 100000000u
/* Of the pass that counts; each peer is to make so many requests before it, and inside it. */
#define COUNTED_WARMUP_NS 100000000u
#define COUNTED_REQUESTS_PER_PEER 32u
#define COUNTED_SETTLE_LIMIT_NS 15000000000u
#define COUNTED_MEASURE_NS 150000000u

/* Enough for every text of length_text(). */
#define LENGTH_TEXT_BYTES 40u

/* What a row takes with 'measured_s' split over 'rounds', on a machine that is not busy. */
double length_of_row_s(double measured_s, uint32_t rounds, uint32_t sockets);

/* "12 seconds", "4 minutes 10 seconds", "1 hour 5 minutes": two units at most. */
void length_text(double seconds, char ret_text[LENGTH_TEXT_BYTES]);

#endif
