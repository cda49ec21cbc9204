/* SPDX-License-Identifier: MIT */
/*
 * UDP echo server that sleeps in regio_cq_wait(): up to 32 completions or 50 us
 * after the first of them, so that a busy server wakes once for a batch.
 * Usage: udp_wait [PORT [MESSAGES]]
 */
#include "echo.h"

#include <errno.h>

int main(int argc, char **argv)
{
	struct echo echo;
	int count = 0;

	if (echo_open(&echo, argc, argv) < 0)
		return 1;
	while (count >= 0 && !echo_finished(&echo)) {
		count = regio_cq_wait(echo.cq, 32, 50000, -1);
		if (count > 0)
			count = echo_turn(&echo);
		else if (count == -EINTR)
			count = 0;
	}
	return echo_close(&echo, count);
}
