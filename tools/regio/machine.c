/* SPDX-License-Identifier: MIT */
/*
 * What this machine offers regio, and the problems worth fixing.
 */
#include "machine.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Below these a change is proposed. */
#define SOCKET_BUFFER_ENOUGH (4LL << 20)
#define LOCKED_MEMORY_ENOUGH (64ULL << 20)
#define DESCRIPTORS_ENOUGH 4096ULL

__attribute__((format(printf, 3, 4))) static void add_problem(struct machine *machine,
							      const char *remedy,
							      const char *format, ...)
{
	struct problem *problem = &machine->problems[machine->problem_count];
	va_list arguments;

	if (machine->problem_count == PROBLEMS_MAX)
		return;
	machine->problem_count++;
	snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
	va_start(arguments, format);
	vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
}

/* The number in a one-line file of /proc or /sys, or ABSENT. */
static long long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long long number;

	if (file == NULL)
		return ABSENT;
	if (fscanf(file, "%lld", &number) != 1)
		number = ABSENT;
	fclose(file);
	return number;
}

static void find_engines(struct machine *machine)
{
	while (machine->engine_count < ENGINES_MAX) {
		struct regio_engine_info *engine = &machine->engines[machine->engine_count];

		if (regio_engine_get_info((uint32_t)machine->engine_count, engine,
					  sizeof(*engine)) < 0)
			return;
		machine->engine_count++;
		if (!engine->available)
			add_problem(machine, engine->remedy, "engine %s is not available: %s",
				    engine->name, engine->reason);
	}
}

static void find_offload(struct machine *machine)
{
	const struct regio_offload_info *offload = &machine->offload;

	regio_offload_get_info(&machine->offload, sizeof(machine->offload));
	if (offload->send_train_messages <= 1 || !offload->receive_trains)
		add_problem(machine, "run Linux 5.0 or later",
			    "messages cross the stack one by one: %s", offload->reason);
}

static void find_socket_buffers(struct machine *machine)
{
	machine->rmem_default = read_number("/proc/sys/net/core/rmem_default");
	machine->rmem_max = read_number("/proc/sys/net/core/rmem_max");
	machine->wmem_default = read_number("/proc/sys/net/core/wmem_default");
	machine->wmem_max = read_number("/proc/sys/net/core/wmem_max");
	if (machine->rmem_max != ABSENT && machine->rmem_max < SOCKET_BUFFER_ENOUGH)
		add_problem(machine, "sudo sysctl -w net.core.rmem_max=8388608",
			    "bursts overflow receive buffers of at most %lld bytes",
			    machine->rmem_max);
	if (machine->wmem_max != ABSENT && machine->wmem_max < SOCKET_BUFFER_ENOUGH)
		add_problem(machine, "sudo sysctl -w net.core.wmem_max=8388608",
			    "a send buffer may not exceed %lld bytes", machine->wmem_max);
}

/* What a socket is really given: asked of a request queue that wants much. */
static void find_granted_buffers(struct machine *machine)
{
	struct regio_rq_info rq_info;
	struct regio_cq *cq = NULL;
	struct regio_rq *rq = NULL;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	machine->granted_receive = ABSENT;
	machine->granted_send = ABSENT;
	if (fd >= 0 && regio_cq_create(TRIAL_RECEIVES, NULL, &cq) == 0 &&
	    regio_rq_create(fd, TRIAL_RECEIVES, 0, cq, cq, 0, NULL, &rq) == 0 &&
	    regio_rq_get_info(rq, &rq_info, sizeof(rq_info)) == 0) {
		machine->granted_receive = rq_info.receive_buffer_bytes;
		machine->granted_send = rq_info.send_buffer_bytes;
	} else {
		add_problem(machine, "", "a request queue on a UDP socket failed: %s",
			    regio_last_error());
	}
	if (rq != NULL)
		regio_rq_close(rq, 0);
	if (cq != NULL)
		regio_cq_close(cq);
	if (fd >= 0)
		close(fd);
}

static int may_lock_all(void)
{
	enum { CAP_IPC_LOCK_BIT = 14 };
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long capabilities = 0;
	char line[256];

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "CapEff: %llx", &capabilities) == 1)
			break;
	fclose(file);
	return capabilities >> CAP_IPC_LOCK_BIT & 1;
}

static void find_limits(struct machine *machine)
{
	getrlimit(RLIMIT_MEMLOCK, &machine->locked);
	getrlimit(RLIMIT_NOFILE, &machine->descriptors);
	machine->may_lock_all = may_lock_all();
	if (!machine->may_lock_all && machine->locked.rlim_cur < LOCKED_MEMORY_ENOUGH)
		add_problem(machine, "ulimit -l unlimited (a service: LimitMEMLOCK=infinity)",
			    "registered memory beyond %llu bytes stays unlocked",
			    (unsigned long long)machine->locked.rlim_cur);
	if (machine->descriptors.rlim_cur < DESCRIPTORS_ENOUGH)
		add_problem(machine, "ulimit -n 65536 (a service: LimitNOFILE=65536)",
			    "at most %llu sockets and other descriptors in a process",
			    (unsigned long long)machine->descriptors.rlim_cur);
	machine->io_uring_disabled = read_number("/proc/sys/kernel/io_uring_disabled");
}

static void read_node(struct numa_node *node)
{
	const char *base = "/sys/devices/system/node";
	char path[128], line[128];
	FILE *file;
	int number;

	node->memory_kib = node->free_kib = ABSENT;
	snprintf(path, sizeof(path), "%s/node%d/cpulist", base, node->number);
	file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(node->processors, sizeof(node->processors), file) == NULL)
			node->processors[0] = '\0';
		node->processors[strcspn(node->processors, "\n")] = '\0';
		fclose(file);
	}
	snprintf(path, sizeof(path), "%s/node%d/meminfo", base, node->number);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Node %d MemTotal: %lld", &number, &node->memory_kib) != 2 &&
		    sscanf(line, "Node %d MemFree: %lld", &number, &node->free_kib) == 2)
			break;
	fclose(file);
}

static int compare_nodes(const void *a, const void *b)
{
	return ((const struct numa_node *)a)->number - ((const struct numa_node *)b)->number;
}

static void find_numa_nodes(struct machine *machine)
{
	DIR *directory = opendir("/sys/devices/system/node");
	struct dirent *entry;
	int number;

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL && machine->node_count < NODES_MAX)
		if (sscanf(entry->d_name, "node%d", &number) == 1)
			machine->nodes[machine->node_count++].number = number;
	closedir(directory);
	qsort(machine->nodes, (size_t)machine->node_count, sizeof(machine->nodes[0]),
	      compare_nodes);
	for (int i = 0; i < machine->node_count; i++)
		read_node(&machine->nodes[i]);
}

static void find_huge_pages(struct machine *machine)
{
	const char *base = "/sys/kernel/mm/hugepages";
	DIR *directory = opendir(base);
	struct dirent *entry;
	long long page_kib;
	char path[128];

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL && machine->huge_page_sizes < PAGE_SIZES_MAX) {
		struct huge_pages *pages = &machine->huge_pages[machine->huge_page_sizes];

		if (sscanf(entry->d_name, "hugepages-%lldkB", &page_kib) != 1)
			continue;
		pages->page_kib = page_kib;
		snprintf(path, sizeof(path), "%s/hugepages-%lldkB/nr_hugepages", base, page_kib);
		pages->total = read_number(path);
		snprintf(path, sizeof(path), "%s/hugepages-%lldkB/free_hugepages", base, page_kib);
		pages->free = read_number(path);
		machine->huge_page_sizes++;
	}
	closedir(directory);
}

void machine_find(struct machine *machine)
{
	*machine = (struct machine){0};
	uname(&machine->kernel);
	find_engines(machine);
	find_offload(machine);
	find_socket_buffers(machine);
	find_granted_buffers(machine);
	find_limits(machine);
	machine->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	find_numa_nodes(machine);
	find_huge_pages(machine);
}
