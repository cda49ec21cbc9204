/* SPDX-License-Identifier: MIT */
/*
 * refuse.c - a system that says no
 */
#include "refuse.h"

#include "suite.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 8u
/* What many systems call nobody. */
#define UNPRIVILEGED_ID 65534

static void install(struct sock_filter *filter, unsigned int length)
{
	struct sock_fprog program = {.filter = filter, .len = (unsigned short)length};

	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "%m");
	EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "%m");
}

void refuse_calls(const int *numbers, unsigned int count, int error)
{
	struct sock_filter filter[CALLS_MAX + 3];
	unsigned int length = 0;

	EXPECT(count <= CALLS_MAX, "%u calls", count);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							offsetof(struct seccomp_data, nr));
	for (unsigned int i = 0; i < count; i++)
		filter[length++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)numbers[i], (uint8_t)(count - i), 0);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[length++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error);
	install(filter, length);
}

/* glibc makes these by way of socketcall(2) there, whose arguments a filter does not see. */
static bool is_hidden(int number)
{
#ifdef __s390x__
	return number == SYS_setsockopt || number == SYS_getsockopt;
#else
	(void)number;
	return false;
#endif
}

const char *refuse_call_with(int number, unsigned int argument, uint32_t value, int error)
{
	/* The low half comes first where the least significant byte does. */
	const uint32_t half = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4;
	const uint32_t at = (uint32_t)offsetof(struct seccomp_data, args) + 8 * argument + half;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	if (is_hidden(number))
		return "a filter does not see which option a call is for";
	install(filter, sizeof(filter) / sizeof(filter[0]));
	return NULL;
}

/* Returns why that is not allowed, or NULL. */
static const char *enter_own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return "no mount namespace allowed (CAP_SYS_ADMIN or user namespaces needed)";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "mounts cannot be made private";
	return NULL;
}

const char *hide_proc(void)
{
	const char *refused = enter_own_mounts();

	if (refused)
		return refused;
	return mount("regio-test", "/proc", "tmpfs", 0, NULL) < 0
		       ? "nothing may be mounted over /proc"
		       : NULL;
}

const char *show_io_uring_disabled(const char *value)
{
	const char *refused = enter_own_mounts();
	int fd;

	if (refused)
		return refused;
	if (mount("regio-test", "/proc/sys/kernel", "tmpfs", 0, NULL) < 0)
		return "nothing may be mounted over /proc/sys/kernel";
	fd = open("/proc/sys/kernel/io_uring_disabled", O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	EXPECT(fd >= 0 && dprintf(fd, "%s\n", value) > 0, "%m");
	close(fd);
	return NULL;
}

static void drop_privileges(void)
{
	if (getuid() != 0)
		return;
	EXPECT(setgid(UNPRIVILEGED_ID) == 0 && setuid(UNPRIVILEGED_ID) == 0, "%m");
	/* Which the change has ended, and the leak sanitizer needs. */
	EXPECT(prctl(PR_SET_DUMPABLE, 1) == 0, "%m");
}

void limit_locked_memory(unsigned int bytes)
{
	struct rlimit limit = {bytes, bytes};

	EXPECT(setrlimit(RLIMIT_MEMLOCK, &limit) == 0, "%m");
	drop_privileges();
}

void refuse_threads(void)
{
	struct rlimit limit = {0, 0};

	EXPECT(setrlimit(RLIMIT_NPROC, &limit) == 0, "%m");
	drop_privileges();
}

unsigned int refuse_descriptors(void)
{
	struct rlimit limit;
	rlim_t before;
	int next = dup(STDIN_FILENO);

	EXPECT(next >= 0, "%m");
	close(next);
	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
	before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)next;
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
	return (unsigned int)before;
}

void allow_descriptors(unsigned int count)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
	limit.rlim_cur = count;
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
}
