/* SPDX-License-Identifier: MIT */
/*
 * Cores, packages, NUMA nodes and caches, as sysfs has them.
 */
#include <stdarg.h>

#include "base/file.h"
#include "winsock/win32/error.h"

#define CPUS 64u
#define NODES 64u
#define CACHES 8u
#define PATH_SIZE 128
#define CPU_PATH "/sys/devices/system/cpu/cpu%u/"

/* What has been found: of each CPU a core, a package and its caches, and the nodes. */
struct collection {
	DWORD count;
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION entries[CPUS * (2 + CACHES) + NODES];
};

/* ---- sysfs ---- */

static __attribute__((format(printf, 2, 3))) const char *format_path(char *path, const char *format,
								     ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path, PATH_SIZE, format, arguments);
	va_end(arguments);
	return path;
}

#define PATH(...) format_path((char[PATH_SIZE]){0}, __VA_ARGS__)

/* A mask such as "00000000,0000000f"; only the CPUs 0 to 63 are named. 0 if there is none. */
static ULONG_PTR read_mask(const char *path)
{
	char line[1024];
	ULONG_PTR mask = 0;

	if (!regioi_file_line(path, line, sizeof(line)))
		return 0;
	for (const char *at = line; *at; at++)
		if (*at != ',' && *at != '\n')
			mask = mask << 4 | (ULONG_PTR)strtoul((char[]){*at, 0}, NULL, 16);
	return mask;
}

static unsigned long read_number(const char *path)
{
	char line[64], *end;
	unsigned long number;

	if (!regioi_file_line(path, line, sizeof(line)))
		return 0;
	number = strtoul(line, &end, 10);
	return *end == 'K' ? number * 1024 : number;
}

static PROCESSOR_CACHE_TYPE read_cache_type(unsigned int cpu, unsigned int index)
{
	char line[32] = "";

	regioi_file_line(PATH(CPU_PATH "cache/index%u/type", cpu, index), line, sizeof(line));
	return line[0] == 'I' ? CacheInstruction : (line[0] == 'D' ? CacheData : CacheUnified);
}

/* ---- Collecting ---- */

/* Returns the entry, for the rest of it. */
static SYSTEM_LOGICAL_PROCESSOR_INFORMATION *add(struct collection *to,
						 LOGICAL_PROCESSOR_RELATIONSHIP relationship,
						 ULONG_PTR mask)
{
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION *entry = &to->entries[to->count++];

	*entry = (SYSTEM_LOGICAL_PROCESSOR_INFORMATION){.ProcessorMask = mask,
							.Relationship = relationship};
	return entry;
}

/* An entry is that of the lowest of its CPUs. */
static bool is_first(ULONG_PTR mask, unsigned int cpu)
{
	return mask && (unsigned int)__builtin_ctzll(mask) == cpu;
}

static void add_caches(struct collection *to, unsigned int cpu)
{
	for (unsigned int i = 0; i < CACHES; i++) {
		ULONG_PTR mask = read_mask(PATH(CPU_PATH "cache/index%u/shared_cpu_map", cpu, i));

		if (!is_first(mask, cpu))
			continue;
		add(to, RelationCache, mask)->Cache = (CACHE_DESCRIPTOR){
			.Level = (BYTE)read_number(PATH(CPU_PATH "cache/index%u/level", cpu, i)),
			.Associativity = (BYTE)read_number(
				PATH(CPU_PATH "cache/index%u/ways_of_associativity", cpu, i)),
			.LineSize = (WORD)read_number(
				PATH(CPU_PATH "cache/index%u/coherency_line_size", cpu, i)),
			.Size = (DWORD)read_number(PATH(CPU_PATH "cache/index%u/size", cpu, i)),
			.Type = read_cache_type(cpu, i),
		};
	}
}

static void add_of_cpu(struct collection *to, unsigned int cpu)
{
	ULONG_PTR core = read_mask(PATH(CPU_PATH "topology/thread_siblings", cpu));
	ULONG_PTR package = read_mask(PATH(CPU_PATH "topology/core_siblings", cpu));

	if (is_first(core, cpu))
		add(to, RelationProcessorCore, core)->ProcessorCore.Flags =
			__builtin_popcountll(core) > 1 ? LTP_PC_SMT : 0;
	if (is_first(package, cpu))
		add(to, RelationProcessorPackage, package);
	add_caches(to, cpu);
}

static void collect(struct collection *to)
{
	to->count = 0;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		add_of_cpu(to, cpu);
	for (unsigned int node = 0; node < NODES; node++) {
		ULONG_PTR mask = read_mask(PATH("/sys/devices/system/node/node%u/cpumap", node));

		if (mask)
			add(to, RelationNumaNode, mask)->NumaNode.NodeNumber = node;
	}
}

BOOL WINAPI GetLogicalProcessorInformation(PSYSTEM_LOGICAL_PROCESSOR_INFORMATION ret_entries,
					   PDWORD size)
{
	struct collection collection;
	DWORD room;

	if (!size)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	collect(&collection);
	room = *size;
	*size = collection.count * (DWORD)sizeof(*ret_entries);
	if (!ret_entries || room < *size)
		return regioi_ws_fail(ERROR_INSUFFICIENT_BUFFER, FALSE);
	memcpy(ret_entries, collection.entries, *size);
	return TRUE;
}

/* ---- The larger form ---- */

#define EX_HEAD offsetof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX, Processor)

static SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX enlarge(
	const SYSTEM_LOGICAL_PROCESSOR_INFORMATION *entry)
{
	const GROUP_AFFINITY affinity = {.Mask = entry->ProcessorMask};
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX large = {.Relationship = entry->Relationship};

	switch (entry->Relationship) {
	case RelationCache:
		large.Size = (DWORD)(EX_HEAD + sizeof(large.Cache));
		large.Cache = (CACHE_RELATIONSHIP){
			.Level = entry->Cache.Level,
			.Associativity = entry->Cache.Associativity,
			.LineSize = entry->Cache.LineSize,
			.CacheSize = entry->Cache.Size,
			.Type = entry->Cache.Type,
			.GroupCount = 1,
			.GroupMask = affinity,
		};
		break;
	case RelationNumaNode:
		large.Size = (DWORD)(EX_HEAD + sizeof(large.NumaNode));
		large.NumaNode = (NUMA_NODE_RELATIONSHIP){.NodeNumber = entry->NumaNode.NodeNumber,
							  .GroupCount = 1,
							  .GroupMask = affinity};
		break;
	default:
		large.Size = (DWORD)(EX_HEAD + sizeof(large.Processor));
		large.Processor = (PROCESSOR_RELATIONSHIP){.GroupCount = 1};
		if (entry->Relationship == RelationProcessorCore)
			large.Processor.Flags = entry->ProcessorCore.Flags;
		large.Processor.GroupMask[0] = affinity;
	}
	return large;
}

static SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX only_group(void)
{
	DWORD_PTR process, all = 0;
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX large = {
		.Relationship = RelationGroup,
		.Size = (DWORD)(EX_HEAD + sizeof(large.Group)),
		.Group = {.MaximumGroupCount = 1, .ActiveGroupCount = 1},
	};

	GetProcessAffinityMask(GetCurrentProcess(), &process, &all);
	large.Group.GroupInfo[0] = (PROCESSOR_GROUP_INFO){
		.MaximumProcessorCount = (BYTE)__builtin_popcountll(all),
		.ActiveProcessorCount = (BYTE)__builtin_popcountll(all),
		.ActiveProcessorMask = all,
	};
	return large;
}

/* Appends an entry if there is room for it. */
static void append(uint8_t *to, DWORD room, DWORD *used,
		   const SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX *entry)
{
	if (to && *used + entry->Size <= room)
		memcpy(to + *used, entry, entry->Size);
	*used += entry->Size;
}

BOOL WINAPI GetLogicalProcessorInformationEx(LOGICAL_PROCESSOR_RELATIONSHIP relationship,
					     PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX ret_entries,
					     PDWORD size)
{
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX large;
	struct collection collection;
	DWORD used = 0;
	bool fits;

	if (!size)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	collect(&collection);
	for (DWORD i = 0; i < collection.count; i++) {
		large = enlarge(&collection.entries[i]);
		if (relationship == RelationAll || relationship == large.Relationship)
			append((uint8_t *)ret_entries, *size, &used, &large);
	}
	large = only_group();
	if (relationship == RelationAll || relationship == RelationGroup)
		append((uint8_t *)ret_entries, *size, &used, &large);
	fits = ret_entries && used <= *size;
	*size = used;
	return fits ? TRUE : regioi_ws_fail(ERROR_INSUFFICIENT_BUFFER, FALSE);
}
