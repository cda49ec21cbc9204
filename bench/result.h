/* SPDX-License-Identifier: MIT */
/*
 * Figures: of one run, and of the row that several runs make. A figure that has
 * no meaning in a case is NaN, and is shown nowhere.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "interval.h"
#include "side.h"

/* More rounds than this are refused. */
#define BENCH_ROUNDS_MAX 1000

/* Where there is a value for each side, tx + role is that of the role. */
enum bench_value {
	VALUE_MSGS_PER_S,
	VALUE_GBIT_PER_S,
	VALUE_NS_PER_MSG,
	VALUE_TX_NS_PER_MSG,
	VALUE_RX_NS_PER_MSG,
	VALUE_CPU_NS_PER_MSG,
	VALUE_TX_CPU_NS_PER_MSG,
	VALUE_RX_CPU_NS_PER_MSG,
	VALUE_SYSCALLS_PER_MSG,
	VALUE_TX_SYSCALLS_PER_MSG,
	VALUE_RX_SYSCALLS_PER_MSG,
	VALUE_EMPTY_PER_MSG, /* of these, those that found nothing */
	VALUE_TX_EMPTY_PER_MSG,
	VALUE_RX_EMPTY_PER_MSG,
	VALUE_P50_US,
	VALUE_P99_US,
	VALUE_P999_US,
	VALUE_MAX_US,
	VALUE_RX_INSTRUCTIONS_PER_MSG, /* outside the kernel */
	VALUE_FAIRNESS,		       /* between hosts: Jain's index */
	VALUE_QUEUE_BYTES,
	VALUE_OPEN_MS, /* all queues */
	VALUE_CLOSE_MS,
	VALUES
};

/* Those between, both included, come from the pass that counts system calls. */
#define VALUE_COUNTED_FIRST VALUE_SYSCALLS_PER_MSG
#define VALUE_COUNTED_LAST VALUE_RX_EMPTY_PER_MSG

/* The name of a figure in JSON. */
extern const char *const bench_value_names[VALUES];

/* Counts of messages, over whole runs. */
struct bench_losses {
	uint64_t arrived;
	uint64_t lost;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t corrupted;
};

/* One run of one implementation. */
struct bench_result {
	bool failed;
	bool set_aside; /* measured on cores placed otherwise than most */
	bool disturbed; /* a side that spins had not all of its core */
	char error[256];
	double core_before_ns;
	double core_after_ns;
	double values[VALUES];
	struct bench_losses losses;
};

struct bench_case;

/* What the p99.9 of a row may be of another's, and whether the rounds decide it: see bars.h. */
struct bench_bar {
	const struct bench_row *than; /* NULL: there is no bar */
	double most;
	struct interval ratio; /* of each round to the same round of the other */
	enum interval_decision decision;
};

/* All runs of one implementation with the same parameters. */
struct bench_row {
	const struct bench_case *test;
	const struct bench_impl *impl;
	struct bench_params params;
	unsigned rounds;
	struct bench_result *results;
	/* What follows is made from the rounds by row_summarise(). */
	bool failed;
	const char *error;
	char calls_note[256]; /* why system calls were not counted, or "" */
	unsigned rounds_kept;
	unsigned rounds_set_aside;
	unsigned rounds_disturbed;
	double values[VALUES];
	double spread; /* (largest - smallest) / median of the value compared */
	double least;  /* round kept, of the value compared, and the greatest */
	double most;
	double worst_us;	   /* of all rounds; NaN where no time is taken */
	struct histogram *latency; /* of all rounds, where percentiles are shown, or NULL */
	double ratio;		   /* to the reference; NaN where there is none */
	struct bench_bar peers;	   /* to the peer with which the bar is least met */
	struct bench_bar fewest_hosts;
	struct bench_losses losses;
};

/* The figures of one run from the marks its two sides left behind. */
void result_from_marks(const struct bench_case *test, const struct bench_params *params,
		       const struct bench_shared *shared, bool has_tx, bool has_rx,
		       struct bench_result *ret_result);

/*
 * Keeps, of all runs of the rows of one group, those made on cores placed as in
 * most of them.
 */
void rows_set_aside(struct bench_row *rows, unsigned count);

/* Medians of the rounds kept. */
void row_summarise(struct bench_row *row);

/* Ratios to the reference of the case, where it is among the rows. */
void rows_compare(struct bench_row *rows, unsigned count);

#endif
