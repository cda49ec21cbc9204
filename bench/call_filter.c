/* SPDX-License-Identifier: MIT */
/*
 * The kernel remembers the answer of a filter that looks at nothing but the number
 * of the call, and does not run it again. So this one begins with an argument.
 * The multiplications depend on each other: their time is the sum of their times.
 */
#include "call_filter.h"

#include <assert.h>
#include <linux/seccomp.h>
#include <stddef.h>

uint16_t call_filter_make(uint32_t work, struct sock_filter *ret_filter)
{
	uint16_t count = 0;

	assert(work <= CALL_FILTER_WORK_MAX);

	ret_filter[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							   offsetof(struct seccomp_data, args));
	for (uint32_t i = 0; i < work; i++)
		ret_filter[count++] =
			(struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1u);
	ret_filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return count;
}
