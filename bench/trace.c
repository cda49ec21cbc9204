/* SPDX-License-Identifier: MIT */
/*
 * System calls are counted when they return, as what they found is known then.
 */
#include "trace.h"

#include <linux/ptrace.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "empty_calls.h"

/* How PTRACE_O_TRACESYSGOOD marks the stop at a system call. */
#define SYSCALL_STOP (SIGTRAP | 0x80)

static long trace_request(int request, pid_t id, uintptr_t argument, uintptr_t data)
{
	return syscall(SYS_ptrace, (long)request, (long)id, argument, data);
}

bool trace_me(void)
{
	if (trace_request(PTRACE_TRACEME, 0, 0, 0))
		return false;
	raise(SIGSTOP);
	return true;
}

void trace_add(struct trace *trace, pid_t id, enum bench_role role)
{
	if (trace->task_count < TRACE_TASKS_MAX)
		trace->tasks[trace->task_count++] = (struct trace_task){.id = id, .role = role};
}

static struct trace_task *find_task(struct trace *trace, pid_t id)
{
	for (uint32_t i = 0; i < trace->task_count; i++) {
		if (trace->tasks[i].id == id)
			return &trace->tasks[i];
	}
	return NULL;
}

static void count_call(struct trace *trace, struct trace_task *task)
{
	struct ptrace_syscall_info info;

	if (trace_request(PTRACE_GET_SYSCALL_INFO, task->id, sizeof(info), (uintptr_t)&info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		task->call = info.entry.nr;
		return;
	}
	if (info.op != PTRACE_SYSCALL_INFO_EXIT ||
	    !atomic_load(&trace->shared->records[task->role].window_open))
		return;
	trace->calls[task->role].made++;
	trace->calls[task->role].empty += empty_call(task->call, info.exit.rval);
}

/* A thread of a side counts with that side. */
static void add_thread(struct trace *trace, const struct trace_task *parent)
{
	unsigned long id = 0;

	if (!trace_request(PTRACE_GETEVENTMSG, parent->id, 0, (uintptr_t)&id))
		trace_add(trace, (pid_t)id, parent->role);
}

void trace_stopped(struct trace *trace, pid_t id, int wait_status)
{
	struct trace_task *task = find_task(trace, id);
	int signal = WSTOPSIG(wait_status);

	if (signal == SYSCALL_STOP) {
		if (task)
			count_call(trace, task);
		signal = 0;
	} else if (wait_status >> 8 == (SIGTRAP | PTRACE_EVENT_CLONE << 8)) {
		if (task)
			add_thread(trace, task);
		signal = 0;
	} else if (signal == SIGSTOP) {
		trace_request(PTRACE_SETOPTIONS, id, 0,
			      PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
		signal = 0;
	}
	trace_request(PTRACE_SYSCALL, id, 0, (uintptr_t)signal);
}
