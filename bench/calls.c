/* SPDX-License-Identifier: MIT */
/*
 * The tracepoint raw_syscalls:sys_exit, counted by two perf events: one of all
 * calls, one with a filter that lets through those that found nothing. Nothing is
 * sampled, and nothing is copied.
 */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "empty_calls.h"

#define TRACEPOINT_ID "events/raw_syscalls/sys_exit/id"

const char *calls_way_name(enum calls_way way)
{
	return way == CALLS_BY_TRACEPOINT ? "tracepoints" : "ptrace";
}

/* A tracefs of our own that is mounted nowhere, for machines that have not mounted theirs. */
static int open_unmounted(void)
{
	int context = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	int mount = -1;

	if (context < 0)
		return -1;
	if (!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return mount;
}

static int open_id(void)
{
	int file = open("/sys/kernel/tracing/" TRACEPOINT_ID, O_RDONLY | O_CLOEXEC);
	int mount;

	if (file < 0)
		file = open("/sys/kernel/debug/tracing/" TRACEPOINT_ID, O_RDONLY | O_CLOEXEC);
	if (file >= 0 || errno == EACCES)
		return file;
	mount = open_unmounted();
	if (mount < 0)
		return -1;
	file = openat(mount, TRACEPOINT_ID, O_RDONLY | O_CLOEXEC);
	close(mount);
	return file;
}

/* The number of the tracepoint, or 0. */
static uint64_t find_tracepoint(void)
{
	char text[32] = {0};
	int file = open_id();

	if (file < 0)
		return 0;
	if (read(file, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(file);
	return strtoull(text, NULL, 10);
}

static int open_event(const struct calls_method *method, int group)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attributes),
		.config = method->tracepoint,
		.disabled = 1,
		.inherit = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
}

int calls_open(const struct calls_method *method, struct calls_counter *ret_counter)
{
	char filter[EMPTY_CALLS_FILTER_BYTES];
	int error;

	empty_calls_filter(filter, sizeof(filter));
	*ret_counter = (struct calls_counter){.made = open_event(method, -1), .empty = -1};
	if (ret_counter->made >= 0)
		ret_counter->empty = open_event(method, ret_counter->made);
	if (ret_counter->empty >= 0 &&
	    !ioctl(ret_counter->empty, PERF_EVENT_IOC_SET_FILTER, filter))
		return 0;
	error = errno;
	calls_close(ret_counter);
	return error;
}

void calls_close(struct calls_counter *counter)
{
	if (counter->empty >= 0)
		close(counter->empty);
	if (counter->made >= 0)
		close(counter->made);
	counter->made = counter->empty = -1;
}

void calls_choose(struct calls_method *ret_method)
{
	struct calls_counter counter;
	int error;

	*ret_method = (struct calls_method){.tracepoint = find_tracepoint()};
	if (ret_method->tracepoint == 0) {
		ret_method->way = CALLS_BY_STOPS;
		snprintf(ret_method->reason, sizeof(ret_method->reason),
			 "the kernel's tracepoints are not readable here");
		return;
	}
	error = calls_open(ret_method, &counter);
	if (error) {
		ret_method->way = CALLS_BY_STOPS;
		snprintf(ret_method->reason, sizeof(ret_method->reason), "perf_event_open: %s",
			 strerror(error));
		return;
	}
	calls_close(&counter);
}

void calls_begin(const struct calls_counter *counter)
{
	ioctl(counter->made, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
}

void calls_end(const struct calls_counter *counter, struct calls_count *ret_count)
{
	uint64_t made = 0, empty = 0;

	ioctl(counter->made, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
	if (read(counter->made, &made, sizeof(made)) != sizeof(made) ||
	    read(counter->empty, &empty, sizeof(empty)) != sizeof(empty))
		return;
	/* Less the call that began it, which returned when counting was on. */
	ret_count->made = made > 0 ? made - 1 : 0;
	ret_count->empty = empty;
}
