/* SPDX-License-Identifier: MIT */
/*
 * UDP echo server that polls: the lowest latency, and a core of its own.
 * Usage: udp_echo [PORT [MESSAGES]]
 */
#include "echo.h"

int main(int argc, char **argv)
{
	struct echo echo;
	int count = 0;

	if (echo_open(&echo, argc, argv) < 0)
		return 1;
	while (count >= 0 && !echo_finished(&echo))
		count = echo_turn(&echo);
	return echo_close(&echo, count);
}
