/* SPDX-License-Identifier: MIT */
/*
 * trap.c - every system call of the process passes through here, counted, and one of them fails
 */
#include "trap.h"

#include "suite.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define CALLS_MAX 64u
#define NOBODY SIZE_MAX

static const struct trap_call *list;
static size_t list_count;
static _Atomic unsigned int counts[CALLS_MAX];
static _Atomic size_t failing = NOBODY;
static unsigned int failing_at;
static int failing_with;
static _Atomic bool failed;
static _Atomic long allocations;
static _Atomic long mapped_bytes;

/* How deep the thread is outside; the library's own threads are inside from the start. */
static _Thread_local int outside __attribute__((tls_model("initial-exec")));

void trap_enter(void)
{
	outside--;
}

void trap_leave(void)
{
	outside++;
}

void trap_fail(size_t index, unsigned int occurrence, int error)
{
	failing_at = occurrence;
	failing_with = error;
	atomic_store(&failed, false);
	atomic_store(&failing, index);
}

bool trap_failed(void)
{
	return atomic_load(&failed);
}

unsigned int trap_count(size_t index)
{
	return atomic_load(&counts[index]);
}

void trap_forget(void)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		atomic_store(&counts[i], 0);
}

long trap_allocations(void)
{
	return atomic_load(&allocations);
}

long trap_mapped_bytes(void)
{
	return atomic_load(&mapped_bytes);
}

/* Counts a call that is made inside. Returns whether it is the one that fails. */
static bool strikes(size_t index)
{
	unsigned int occurrence = atomic_fetch_add(&counts[index], 1);

	if (atomic_load(&failing) != index || occurrence != failing_at ||
	    atomic_exchange(&failed, true))
		return false;
	return true;
}

#if defined(__x86_64__)

/* ---- Passing the filter -------------------------------------------------------- */

/*
 * The filter lets calls pass that come from these two places. The second is where a thread goes on
 * that makes another: what comes back there, twice, must not need the handler's stack. Its way back
 * is in r9, which libc does not use around these calls.
 */
long trap_pass(long number, const long arguments[6]);
extern const char trap_passed[], trap_again[], trap_passed_again[];

__asm__(".text\n"
	".globl trap_pass, trap_passed, trap_again, trap_passed_again\n"
	".hidden trap_pass, trap_passed, trap_again, trap_passed_again\n"
	".type trap_pass, @function\n"
	"trap_pass:\n"
	"	movq %rdi, %rax\n"
	"	movq %rsi, %r11\n"
	"	movq 0(%r11), %rdi\n"
	"	movq 8(%r11), %rsi\n"
	"	movq 16(%r11), %rdx\n"
	"	movq 24(%r11), %r10\n"
	"	movq 32(%r11), %r8\n"
	"	movq 40(%r11), %r9\n"
	"	syscall\n"
	"trap_passed:\n"
	"	ret\n"
	"trap_again:\n"
	"	syscall\n"
	"trap_passed_again:\n"
	"	jmpq *%r9\n");

/* ---- The handler --------------------------------------------------------------- */

/* The mask that the kernel sets when the handler returns, which is the thread's. */
static long change_mask(ucontext_t *context, const long arguments[6])
{
	const uint64_t own = 1ull << (SIGSYS - 1);
	uint64_t *mask = (uint64_t *)(void *)&context->uc_sigmask;
	uint64_t before = *mask, set;

	if (arguments[1]) {
		memcpy(&set, (const void *)arguments[1], sizeof(set));
		if (arguments[0] == SIG_BLOCK)
			*mask |= set;
		else if (arguments[0] == SIG_UNBLOCK)
			*mask &= ~set;
		else
			*mask = set;
		*mask &= ~own;
	}
	if (arguments[2])
		memcpy((void *)arguments[2], &before, sizeof(before));
	return 0;
}

static void count_mapping(long number, const long arguments[6], long result)
{
	const long page = 4096;
	long bytes = (arguments[1] + page - 1) & -page;

	if (outside > 0)
		return;
	if (number == SYS_mmap && (result < -4095 || result >= 0))
		atomic_fetch_add(&mapped_bytes, bytes);
	else if (number == SYS_munmap && result == 0)
		atomic_fetch_sub(&mapped_bytes, bytes);
}

static long pass(long number, const long arguments[6])
{
	long result = trap_pass(number, arguments);

	count_mapping(number, arguments, result);
	return result;
}

static size_t find_call(long number, const long arguments[6])
{
	for (size_t i = 0; i < list_count; i++) {
		const struct trap_call *call = &list[i];

		if (call->number == number &&
		    (call->argument < 0 || (int)arguments[call->argument] == (int)call->value))
			return i;
	}
	return NOBODY;
}

static void handle(int signal_number, siginfo_t *info, void *argument)
{
	ucontext_t *context = argument;
	greg_t *registers = context->uc_mcontext.gregs;
	const long number = info->si_syscall;
	const long arguments[6] = {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
				   registers[REG_R10], registers[REG_R8],  registers[REG_R9]};
	size_t index;

	if (number == SYS_rt_sigprocmask) {
		registers[REG_RAX] = change_mask(context, arguments);
		return;
	}
	index = find_call(number, arguments);
	if (outside <= 0 && index != NOBODY && strikes(index)) {
		if (list[index].flags & TRAP_AFTER)
			pass(number, arguments);
		registers[REG_RAX] = -failing_with;
		return;
	}
	if (number == SYS_clone3 || (number == SYS_clone && arguments[0] & CLONE_VM)) {
		registers[REG_R9] = registers[REG_RIP];
		registers[REG_RAX] = number;
		registers[REG_RIP] = (greg_t)(uintptr_t)trap_again;
		return;
	}
	registers[REG_RAX] = pass(number, arguments);
}

static bool install_handler(void)
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) == 0;
}

/* ---- The filter ---------------------------------------------------------------- */

struct program {
	struct sock_filter code[CALLS_MAX * 2 + 32];
	unsigned short length;
};

static void add(struct program *program, struct sock_filter instruction)
{
	EXPECT(program->length < ARRAY_SIZE(program->code), "the list of calls is too long");
	program->code[program->length++] = instruction;
}

/* Lets pass what returns to that place. */
static void add_place(struct program *program, const char *place)
{
	const uint32_t at = offsetof(struct seccomp_data, instruction_pointer);
	const uint64_t value = (uintptr_t)place;

	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at));
	add(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)value, 0, 3));
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at + 4));
	add(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value >> 32), 0, 1));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

static void add_call(struct program *program, long number)
{
	if (number < 0)
		return;
	add(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
}

static bool install_filter(void)
{
	struct program program = {.length = 0};
	struct sock_fprog argument = {.filter = program.code};

	add_place(&program, trap_passed);
	add_place(&program, trap_passed_again);
	add(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < list_count; i++)
		add_call(&program, list[i].number);
	/* These need care, whether they fail or not; and mappings are counted. */
	add_call(&program, SYS_rt_sigprocmask);
	add_call(&program, SYS_clone);
	add_call(&program, SYS_clone3);
	add_call(&program, SYS_mmap);
	add_call(&program, SYS_munmap);
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	argument.len = program.length;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &argument) == 0;
}

void trap_calls(const struct trap_call *calls, size_t count)
{
	EXPECT(count <= CALLS_MAX, "%zu calls", count);
	list = calls;
	list_count = count;
	outside = 1;
	EXPECT(install_handler() && install_filter(), "%m");
}

const char *trap_refused(void)
{
	if (built_with_thread_sanitizer())
		return "the thread sanitizer keeps signals for later";
	return prctl(PR_GET_SECCOMP) < 0 ? "the kernel has no seccomp filters" : NULL;
}

#else

void trap_calls(const struct trap_call *calls, size_t count)
{
}

const char *trap_refused(void)
{
	return "system calls are trapped on x86-64 only";
}

#endif

/* ---- Allocations --------------------------------------------------------------- */

/* The sanitizers have their own, and see leaks themselves. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                             \
	!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static size_t allocation_index(void)
{
	for (size_t i = 0; i < list_count; i++) {
		if (list[i].number == TRAP_ALLOCATION)
			return i;
	}
	return NOBODY;
}

static bool refused(void)
{
	size_t index = list_count && outside <= 0 ? allocation_index() : NOBODY;

	if (index == NOBODY || !strikes(index))
		return false;
	errno = failing_with;
	return true;
}

static void *counted(void *block)
{
	if (block)
		atomic_fetch_add(&allocations, 1);
	return block;
}

void *malloc(size_t size)
{
	return refused() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return refused() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
	void *larger;

	if (refused())
		return NULL;
	larger = __libc_realloc(block, size);
	return block ? larger : counted(larger);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return refused() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *block)
{
	if (block)
		atomic_fetch_sub(&allocations, 1);
	__libc_free(block);
}

#endif
