/* SPDX-License-Identifier: MIT */
/*
 * locked_pages.c - a process that forks while another thread's registration moves the record of
 * locked pages
 *
 * The file under test is compiled with a realloc of ours, which forks at the one moment that
 * matters: the old record is gone, and nobody has been told of the new one.
 */
#include "../support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fork.h"
#include "core/locked_pages.h"

/* More than the record has room for at first. */
#define REGIONS 100u

void *moving_realloc(void *old, size_t size);

static uint8_t *memory;
static size_t page;
static bool forking; /* the child moves a record of its own */
static int child_status = -1;

/* Every other page, so that each is an entry of its own. */
static void lock_and_unlock_each(void)
{
	for (uint32_t i = 0; i < REGIONS; i++)
		EXPECT(regioi_pages_lock(memory + 2 * i * page, page), "page %u", i);
	for (uint32_t i = 0; i < REGIONS; i++)
		regioi_pages_unlock(memory + 2 * i * page, page);
}

static void fork_here(void)
{
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		regioi_locked_pages_fork_child();
		lock_and_unlock_each();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &child_status, 0), child);
}

void *moving_realloc(void *old, size_t size)
{
	uint8_t *moved = malloc(size);

	if (!old || !moved)
		return moved;
	/* It only ever grows, to twice the size. */
	memcpy(moved, old, size / 2);
	memset(old, 0xDD, size / 2);
	free(old);
	if (!forking) {
		forking = true;
		fork_here();
	}
	return moved;
}

START_TEST(a_child_starts_a_record_of_its_own)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, 2 * REGIONS * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	if (mlock(memory, 2 * REGIONS * page) < 0)
		SKIP("locked memory is too limited");
	munlock(memory, 2 * REGIONS * page);
	lock_and_unlock_each();
	EXPECT(forking, "the record was never moved");
	EXPECT(WIFEXITED(child_status) && WEXITSTATUS(child_status) == 0,
	       "the child ended with %#x", (unsigned int)child_status);
	munmap(memory, 2 * REGIONS * page);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_child_starts_a_record_of_its_own),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
