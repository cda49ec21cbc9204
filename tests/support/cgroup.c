/* SPDX-License-Identifier: MIT */
/*
 * cgroup.c - a control group whose memory ends: version 2, or version 1's memory controller
 */
#include "cgroup.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct version {
	const char *root;
	const char *controllers; /* a file that names "memory", or NULL */
	const char *usage;
	const char *limit;
};

static const struct version versions[] = {
	{"/sys/fs/cgroup", "cgroup.subtree_control", "memory.current", "memory.max"},
	{"/sys/fs/cgroup/memory", NULL, "memory.usage_in_bytes", "memory.limit_in_bytes"},
};

static const struct version *version;
static char group[128];

static bool read_line(const char *directory, const char *name, char *ret_line, size_t size)
{
	char path[256];
	FILE *file;
	bool done;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	done = fgets(ret_line, (int)size, file);
	fclose(file);
	return done;
}

static void write_number(const char *name, unsigned long long number)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", group, name);
	file = fopen(path, "we");
	EXPECT(file && fprintf(file, "%llu\n", number) > 0 && fclose(file) == 0, "%s: %m", path);
}

static bool has_memory(const struct version *candidate)
{
	char line[256];

	if (candidate->controllers)
		return read_line(candidate->root, candidate->controllers, line, sizeof(line)) &&
		       strstr(line, "memory");
	return read_line(candidate->root, candidate->usage, line, sizeof(line));
}

const char *memory_group_make(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions) && !version; i++) {
		if (has_memory(&versions[i]))
			version = &versions[i];
	}
	if (!version)
		return "there is no memory controller";
	snprintf(group, sizeof(group), "%s/regio-test-%d", version->root, (int)getpid());
	return mkdir(group, 0755) == 0 ? NULL : "a control group cannot be made";
}

void memory_group_enter(void)
{
	write_number("cgroup.procs", (unsigned long long)getpid());
}

void memory_group_limit(size_t more)
{
	unsigned long long usage = 0;
	char line[64];

	EXPECT(read_line(group, version->usage, line, sizeof(line)) &&
		       sscanf(line, "%llu", &usage) == 1,
	       "%s/%s: %m", group, version->usage);
	write_number(version->limit, usage + more);
}

void memory_group_remove(void)
{
	EXPECT(rmdir(group) == 0, "%s: %m", group);
}
