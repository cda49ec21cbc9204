/* SPDX-License-Identifier: MIT */
/*
 * report.c - what a soak says of itself: each round, and at its end
 */
#include "report.h"

#include "../support/net.h"
#include "../support/suite.h"
#include "tally.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX 20000u
/* Buffers of libc that are there or not. */
#define HEAP_SLACK (64u << 10)
#define RESIDENT_SLACK (1u << 20)
/* Until malloc() has met every number of threads and each has its arena. */
#define ROUNDS_WARM 8u

struct holding {
	uint64_t resident; /* bytes */
	uint64_t heap;
	uint32_t descriptors;
};

static const char *prefix;
static struct holding at_rest[ROUNDS_MAX];
static struct holding highest;
static uint64_t verified_before;
static int64_t elapsed_before_ns;

void report_open(bool tap)
{
	prefix = tap ? "# " : "";
}

/* ---- What the process holds ---------------------------------------------------- */

static uint64_t resident(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	EXPECT(file && fscanf(file, "%*u %llu", &pages) == 1, "/proc/self/statm: %m");
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t heap_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void raise(struct holding *to, const struct holding *by)
{
	to->resident = greater(to->resident, by->resident);
	to->heap = greater(to->heap, by->heap);
	to->descriptors = (uint32_t)greater(to->descriptors, by->descriptors);
}

/* The heap is left out: its lock is the stations'. */
void report_look(void)
{
	struct holding now = {.resident = resident(), .descriptors = open_descriptors()};

	raise(&highest, &now);
}

/* ---- Words --------------------------------------------------------------------- */

#define GROUPED_SIZE 32

static const char *grouped(uint64_t value, char *text)
{
	char digits[GROUPED_SIZE];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	char *at = text;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return text;
}

static uint64_t verified_in_all(void)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < SOAK_KINDS; kind++)
		sum += atomic_load(&tally->verified[kind]);
	return sum;
}

static void print_list(const char *title, const char *const *names, const _Atomic uint64_t *values,
		       int count)
{
	const char *between = "";
	char text[GROUPED_SIZE];

	printf("%s  %s:", prefix, title);
	for (int i = 0; i < count; i++) {
		if (!values[i])
			continue;
		printf("%s %s %s", between, names[i], grouped(values[i], text));
		between = ",";
	}
	printf("\n");
}

static void print_lists(void)
{
	print_list("verified", kind_names, tally->verified, SOAK_KINDS);
	print_list("survived", fault_names, tally->survived, SOAK_FAULTS);
	print_list("made", count_names, tally->counts, SOAK_COUNTS);
}

static void print_holding(const char *when, const struct holding *holding)
{
	char first[GROUPED_SIZE], second[GROUPED_SIZE];

	printf(" %s %s KiB resident", when, grouped(holding->resident >> 10, first));
	if (holding->heap)
		printf(", %s bytes of heap", grouped(holding->heap, second));
	printf(", %u descriptors;", holding->descriptors);
}

/* ---- Rounds -------------------------------------------------------------------- */

void report_round(uint32_t round, int64_t elapsed_ns)
{
	struct holding *now = &at_rest[round % ROUNDS_MAX];
	uint64_t verified = verified_in_all();
	double seconds = (double)(elapsed_ns - elapsed_before_ns) / 1e9;
	char first[GROUPED_SIZE], second[GROUPED_SIZE];

	malloc_trim(0);
	*now = (struct holding){resident(), heap_in_use(), open_descriptors()};
	printf("%sround %u, %.1f minutes: %s messages verified, %s a second\n", prefix, round + 1,
	       (double)elapsed_ns / 60e9, grouped(verified, first),
	       grouped((uint64_t)((double)(verified - verified_before) / seconds), second));
	print_lists();
	printf("%s  held:", prefix);
	print_holding("at the start", &at_rest[0]);
	print_holding("now", now);
	print_holding("highest", &highest);
	printf("\n");
	fflush(stdout);
	verified_before = verified;
	elapsed_before_ns = elapsed_ns;
}

void report_verdict(uint32_t rounds)
{
	struct holding before = {0}, after = {0};
	char text[GROUPED_SIZE];

	for (uint32_t i = 0; i < rounds && i < ROUNDS_MAX; i++)
		raise(i < rounds / 2 ? &before : &after, &at_rest[i]);
	printf("%sin all: %s messages verified, none lost, doubled, moved or changed\n", prefix,
	       grouped(verified_in_all(), text));
	print_lists();
	printf("%s  held at most, with everything closed:", prefix);
	print_holding("in the first half", &before);
	print_holding("in the second", &after);
	printf("\n");
	EXPECT(after.descriptors <= before.descriptors, "descriptors have grown from %u to %u",
	       before.descriptors, after.descriptors);
	/* A sanitizer keeps what is freed, and finds leaks by itself. */
	if (built_with_sanitizer())
		return;
	EXPECT(after.heap <= before.heap + HEAP_SLACK, "the heap has grown from %llu to %llu",
	       (unsigned long long)before.heap, (unsigned long long)after.heap);
	if (rounds < ROUNDS_WARM)
		return;
	EXPECT(after.resident <= before.resident + RESIDENT_SLACK,
	       "memory has grown from %llu to %llu", (unsigned long long)before.resident,
	       (unsigned long long)after.resident);
}
