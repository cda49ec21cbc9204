/* SPDX-License-Identifier: MIT */
/*
 * What the Registered I/O examples share: start-up, sockets, buffers, and a way to stop.
 *
 * Each example is one Windows program, and compiles on Linux as it is. It prints the port it has
 * bound to, serves 'count' messages, and prints how many it has seen.
 */
#ifndef REGIO_EXAMPLES_WINSOCK_COMMON_H
#define REGIO_EXAMPLES_WINSOCK_COMMON_H

#include <mswsock.h>
#include <process.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest message, and a multiple of what alignment anybody could want. */
#define SLOT_SIZE 2048

extern RIO_EXTENSION_FUNCTION_TABLE rio;

/* Prints what failed and its error, and ends the program. */
void die(const char *what);

/* WSAStartup, and the function table. */
void start(void);

/* How many messages the command line asks for. */
long count_wanted(int argc, char **argv);

/* A socket for Registered I/O, bound to a free port of the loopback interface. */
SOCKET bound_socket(int type);

/* Prints its port: from now on it can be reached. */
void announce(SOCKET s);

/* 'slots' slots of memory, and their registration. */
char *registered_memory(DWORD slots, RIO_BUFFERID *ret_id);

RIO_BUF slot(RIO_BUFFERID id, DWORD number, DWORD length);

#endif
