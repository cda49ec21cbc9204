/* SPDX-License-Identifier: MIT */
/*
 * extra.c - memory for the optional slices of one request, laid out in one region
 */
#include "extra.h"

#include "suite.h"

#include <string.h>

void extra_open(struct extra *extra)
{
	memset(extra, 0, sizeof(*extra));
	extra->memory.control.total_length = sizeof(struct regio_control);
	EXPECT_RETURN(0, regio_region_register(&extra->memory, sizeof(extra->memory), NULL,
					       &extra->region));
	extra->slices.local_address = EXTRA_SLICE(extra, local_address);
	extra->slices.remote_address = EXTRA_SLICE(extra, remote_address);
	extra->slices.message_flags = EXTRA_SLICE(extra, message_flags);
	extra->slices.control = EXTRA_SLICE(extra, control);
	extra->slices.control.length += sizeof(extra->memory.messages);
}

void extra_close(struct extra *extra)
{
	EXPECT_RETURN(0, regio_region_deregister(extra->region));
}

void add_control(struct extra *extra, int level, int type, const void *data, size_t length)
{
	uint32_t at = extra->memory.control.total_length - sizeof(struct regio_control);
	struct cmsghdr head = {
		.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(length)};

	at = (uint32_t)CMSG_ALIGN(at);
	EXPECT(at + CMSG_SPACE(length) <= sizeof(extra->memory.messages), "no room");
	memcpy(extra->memory.messages + at, &head, sizeof(head));
	memcpy(extra->memory.messages + at + CMSG_LEN(0), data, length);
	extra->memory.control.total_length =
		(uint32_t)(sizeof(struct regio_control) + at + CMSG_SPACE(length));
}

void add_control_int(struct extra *extra, int level, int type, int value)
{
	add_control(extra, level, type, &value, sizeof(value));
}

static struct msghdr control_walk(const struct extra *extra)
{
	uint32_t total = extra->memory.control.total_length;

	EXPECT(total >= sizeof(struct regio_control) && total <= sizeof(extra->memory.messages) + 8,
	       "total length %u", total);
	return (struct msghdr){.msg_control = (void *)(uintptr_t)extra->memory.messages,
			       .msg_controllen = total - sizeof(struct regio_control)};
}

unsigned int count_control(const struct extra *extra)
{
	struct msghdr walk = control_walk(extra);
	unsigned int count = 0;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(&walk); at; at = CMSG_NXTHDR(&walk, at))
		count++;
	EXPECT(walk.msg_controllen == 0 || count > 0, "total length %zu, but no message",
	       walk.msg_controllen);
	return count;
}

const void *find_control(const struct extra *extra, int level, int type, size_t length)
{
	struct msghdr walk = control_walk(extra);

	for (struct cmsghdr *at = CMSG_FIRSTHDR(&walk); at; at = CMSG_NXTHDR(&walk, at))
		if (at->cmsg_level == level && at->cmsg_type == type &&
		    at->cmsg_len >= CMSG_LEN(length))
			return CMSG_DATA(at);
	return NULL;
}
