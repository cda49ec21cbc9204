/* SPDX-License-Identifier: MIT */
/*
 * Which columns of a table there is room for.
 */
#ifndef BENCH_COLUMNS_H
#define BENCH_COLUMNS_H

#include <stdbool.h>

struct column_room {
	unsigned gap; /* before it */
	unsigned width;
	/* When it is left out: 1 first, then 2, and so on; 0: never. */
	unsigned turn;
};

/*
 * Takes back 'shown' of columns, in their turn, until the rest fits into 'limit'
 * characters after 'lead' others; returns how many it took. Those that have no
 * turn may not fit.
 */
unsigned columns_fit(const struct column_room *columns, unsigned count, unsigned lead,
		     unsigned limit, bool *shown);

#endif
