/* SPDX-License-Identifier: MIT */
/*
 * The table of implementations, in the order they are shown.
 */
#include "impl.h"

#include <string.h>

#ifdef BENCH_WINSOCK
#define WINSOCK_IMPLS(X) X(regio_winsock)
#else
#define WINSOCK_IMPLS(X)
#endif

/* A line for each: X(the part of its variable's name after bench_impl_). */
#define IMPLS(X)                                                                                   \
	X(socket)                                                                                  \
	X(mmsg)                                                                                    \
	X(epoll)                                                                                   \
	X(uring)                                                                                   \
	X(libuv)                                                                                   \
	X(gso)                                                                                     \
	X(limit)                                                                                   \
	X(regio_epoll)                                                                             \
	X(regio_uring)                                                                             \
	X(regio_thread)                                                                            \
	X(regio_post)                                                                              \
	X(regio_slots)                                                                             \
	WINSOCK_IMPLS(X)                                                                           \
	X(regio_sim)                                                                               \
	X(post_sim)                                                                                \
	X(slots_sim)                                                                               \
	X(epoll_again)                                                                             \
	X(machine)

#define DECLARE(name) extern const struct bench_impl bench_impl_##name;
#define ENTRY(name) &bench_impl_##name,

IMPLS(DECLARE)

const struct bench_impl *const bench_impls[] = {IMPLS(ENTRY)};

const unsigned bench_impl_count = sizeof(bench_impls) / sizeof(bench_impls[0]);

const struct bench_impl *impl_find(const char *name, size_t name_bytes)
{
	for (unsigned i = 0; i < bench_impl_count; i++) {
		if (strlen(bench_impls[i]->name) == name_bytes &&
		    !strncmp(bench_impls[i]->name, name, name_bytes))
			return bench_impls[i];
	}
	return NULL;
}
