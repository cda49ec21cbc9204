/* SPDX-License-Identifier: MIT */
/*
 * The processor's own counter. A virtual machine often has none.
 */
#include "instructions.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int instructions_open(void)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.inherit = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int counter =
		(int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return counter >= 0 ? counter : -errno;
}

void instructions_begin(int counter)
{
	ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
}

uint64_t instructions_end(int counter)
{
	uint64_t count = 0;

	ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
	return read(counter, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

const char *instructions_refused(void)
{
	int counter = instructions_open();

	if (counter >= 0) {
		close(counter);
		return NULL;
	}
	switch (counter) {
	case -ENOENT:
	case -EOPNOTSUPP:
		return "the processor has no counters for them here";
	case -EACCES:
	case -EPERM:
		return "not permitted; sysctl kernel.perf_event_paranoid=2 permits it";
	default:
		return strerror(-counter);
	}
}
