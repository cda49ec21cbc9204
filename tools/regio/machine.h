/* SPDX-License-Identifier: MIT */
/*
 * What this machine offers regio: asked of the kernel, or tried through the
 * public API.
 */
#ifndef REGIO_TOOL_MACHINE_H
#define REGIO_TOOL_MACHINE_H

#include <regio.h>
#include <sys/resource.h>
#include <sys/utsname.h>

enum {
	ENGINES_MAX = 8,
	PAGE_SIZES_MAX = 8,
	NODES_MAX = 64,
	PROBLEMS_MAX = 16,
	TRIAL_RECEIVES = 4096, /* posted to see what socket buffer is granted */
};

/* A number the machine does not tell. */
#define ABSENT (-1LL)

struct huge_pages {
	long long page_kib;
	long long total;
	long long free;
};

/* A NUMA node: its processors as the kernel lists them, such as "0-3,8-11". */
struct numa_node {
	int number;
	char processors[80];
	long long memory_kib;
	long long free_kib;
};

/* 'remedy' is the command that fixes it, or "". */
struct problem {
	char text[200];
	char remedy[200];
};

struct machine {
	struct utsname kernel;
	struct regio_engine_info engines[ENGINES_MAX];
	int engine_count;
	struct regio_offload_info offload;
	long long rmem_default, rmem_max, wmem_default, wmem_max;
	long long granted_receive, granted_send;
	struct rlimit locked, descriptors;
	int may_lock_all; /* CAP_IPC_LOCK lifts the limit */
	long long io_uring_disabled;
	long cpus;
	struct numa_node nodes[NODES_MAX];
	int node_count; /* 0: the kernel tells of none, so all memory is alike */
	struct huge_pages huge_pages[PAGE_SIZES_MAX];
	int huge_page_sizes;
	struct problem problems[PROBLEMS_MAX];
	int problem_count;
};

void machine_find(struct machine *machine);

#endif
