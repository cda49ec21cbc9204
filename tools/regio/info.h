/* SPDX-License-Identifier: MIT */
/*
 * regio info: what this machine offers regio, and what to change.
 */
#ifndef REGIO_TOOL_INFO_H
#define REGIO_TOOL_INFO_H

/* argv[0] is "info". Returns the exit status: 0, 1 for a failure, 2 for wrong usage. */
int info_command(int argc, char **argv);

#endif
