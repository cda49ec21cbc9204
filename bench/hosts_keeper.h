/* SPDX-License-Identifier: MIT */
/*
 * The process that keeps the hosts: it answers each request on its socket with descriptors.
 */
#ifndef BENCH_HOSTS_KEEPER_H
#define BENCH_HOSTS_KEEPER_H

#include <stdint.h>

/* Descriptors in a message; the kernel takes 253. */
#define KEEPER_FDS 128u
#define KEEPER_TEXT_BYTES 160u

struct keeper_request {
	uint32_t hosts;
	uint32_t queues; /* of each host */
};

/* With up to KEEPER_FDS descriptors: those of the server, then those of the hosts. */
struct keeper_answer {
	uint32_t count;
	char error[KEEPER_TEXT_BYTES]; /* "": none */
};

/*
 * Answers requests until the other end of the socket is closed. The first answer, without a
 * request, says whether namespaces can be made.
 */
_Noreturn void keeper_run(int fd);

#endif
