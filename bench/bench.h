/* SPDX-License-Identifier: MIT */
/*
 * Entry of `regio bench`: every way to move small messages, side by side in one run.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/*
 * Runs the command; argv[0] is "bench". Returns the exit status: 0, 1 when a
 * run failed, 2 for bad arguments, 130 when interrupted.
 */
int bench_command(int argc, char **argv);

#endif
