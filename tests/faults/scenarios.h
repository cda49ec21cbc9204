/* SPDX-License-Identifier: MIT */
/*
 * scenarios.h - programs that use all of the library, and notice whatever goes wrong
 *
 * A scenario is run in a process in which one system call fails. A call of the library that fails
 * must fail with that error, explain itself, and work when it is made again; a request may complete
 * with it; every message that was accepted must arrive. Whatever is not so ends the process.
 */
#ifndef REGIO_TESTS_SCENARIOS_H
#define REGIO_TESTS_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>

struct scenario {
	const char *name;
	void (*run)(void);
	bool streams; /* the sockets it uses */
};

extern const struct scenario scenarios[];
extern const size_t scenarios_count;

/* datagrams.c */
void datagrams_v4(void);
void datagrams_v6(void);
void two_drivers(void);
void multicast(void);
void many_sockets(void);
void thread_on_a_cpu(void);

/* byte_streams.c */
void streams_v4(void);
void streams_v6(void);
void streams_unix(void);
void connect_later(void);

/* What is known of the one process that runs a scenario; shared with the one that looks on. */
struct attempt {
	size_t call; /* the one that fails, see rules.h */
	int error;
	unsigned int outcomes; /* REFUSED and COMPLETED */
	char wrong[256];       /* "" where all is well */
};

/* Exit status of a process whose engine was judged not to work, rightly. */
#define JUDGED 3

extern struct attempt *attempt;

/* Ends the process, saying why. */
void wrong(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
