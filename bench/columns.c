/* SPDX-License-Identifier: MIT */
/*
 * Leaving out columns instead of breaking lines.
 */
#include "columns.h"

static unsigned width_of(const struct column_room *columns, unsigned count, const bool *shown)
{
	unsigned width = 0;

	for (unsigned i = 0; i < count; i++)
		width += shown[i] ? columns[i].gap + columns[i].width : 0;
	return width;
}

/* Which of those shown has the earliest turn; 'count' when none has one. */
static unsigned next_out(const struct column_room *columns, unsigned count, const bool *shown)
{
	unsigned next = count;

	for (unsigned i = 0; i < count; i++) {
		if (shown[i] && columns[i].turn &&
		    (next == count || columns[i].turn < columns[next].turn))
			next = i;
	}
	return next;
}

unsigned columns_fit(const struct column_room *columns, unsigned count, unsigned lead,
		     unsigned limit, bool *shown)
{
	unsigned taken = 0;

	while (lead + width_of(columns, count, shown) > limit) {
		unsigned next = next_out(columns, count, shown);

		if (next == count)
			break;
		shown[next] = false;
		taken++;
	}
	return taken;
}
