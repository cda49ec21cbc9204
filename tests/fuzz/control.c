/* SPDX-License-Identifier: MIT */
/*
 * control.c - control messages, from the kernel to the program and from the program to the kernel
 *
 * Properties, of any bytes and any lengths: nothing is read or written outside of what was handed
 * over. A program sees exactly the messages that are not hidden, in order, whole, as many as fit,
 * learns when one is missing, and can walk them with the macros of cmsg(3). Handed back in a send,
 * they are the same bytes. A segment length that is written is read back. What is found in a list,
 * and whether it may ride on a train, is what a plain walk finds.
 */
#include "target.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>

#include "base/kernel.h"
#include "dgram/control.h"
#include "regio.h"

#define ITEMS_MAX 64u

/* A list of control messages, walked plainly: offsets and heads of those that are whole. */
struct walk {
	uint32_t count;
	size_t offsets[ITEMS_MAX];
	struct cmsghdr heads[ITEMS_MAX];
	bool whole; /* nothing is left over */
};

/* A piece of memory that ends where it is said to, so that a sanitizer watches its edges. */
struct piece {
	uint8_t *bytes;
	size_t size;
};

static struct piece piece_make(size_t size)
{
	struct piece piece = {malloc(size ? size : 1), size};

	CHECK(piece.bytes, "no memory");
	memset(piece.bytes, 0xA5, size);
	return piece;
}

static struct walk walk_list(const uint8_t *bytes, size_t size)
{
	struct walk walk = {0};
	size_t at = 0;

	while (size >= at + sizeof(struct cmsghdr) && walk.count < ITEMS_MAX) {
		struct cmsghdr head;

		memcpy(&head, bytes + at, sizeof(head));
		if (head.cmsg_len < sizeof(head) || head.cmsg_len > size - at)
			break;
		walk.offsets[walk.count] = at;
		walk.heads[walk.count++] = head;
		at += CMSG_ALIGN(head.cmsg_len);
	}
	walk.whole = at >= size;
	return walk;
}

/* ---- Making lists ---- */

static const struct {
	int level;
	int type;
} kinds[] = {
	{IPPROTO_IP, IP_PKTINFO},
	{IPPROTO_IPV6, IPV6_PKTINFO},
	{IPPROTO_IP, IP_TOS},
	{IPPROTO_IPV6, IPV6_TCLASS},
	{IPPROTO_IP, IP_TTL},
	{SOL_UDP, UDP_GRO},
	{IPPROTO_IPV6, IPV6_HOPLIMIT},
	{SOL_UDP, UDP_SEGMENT},
	{SOL_SOCKET, SCM_TIMESTAMP},
	{IPPROTO_IP, IP_ORIGDSTADDR},
	{IPPROTO_IPV6, IPV6_ORIGDSTADDR},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Mostly well-formed lists of what is known, and now and then any bytes at all. */
static size_t make_list(struct input *input, uint8_t *list, size_t size_max)
{
	uint32_t items = input_below(input, 12);
	size_t size = 0;

	for (uint32_t i = 0; i < items; i++) {
		uint8_t kind = input_byte(input), length = input_byte(input) % 40;
		struct cmsghdr head = {.cmsg_len = CMSG_LEN(length),
				       .cmsg_level = kinds[kind % KINDS].level,
				       .cmsg_type = kinds[kind % KINDS].type};

		if (size + CMSG_SPACE(length) > size_max)
			break;
		if (kind >= 240)
			head.cmsg_len = (size_t)input_number(input, kind >= 250 ? 8 : 1);
		memset(list + size, 0, CMSG_SPACE(length));
		memcpy(list + size, &head, sizeof(head));
		input_copy(input, list + size + CMSG_LEN(0), length);
		/* The last need not be padded. */
		size += i + 1 == items && kind & 1 ? CMSG_LEN(length) : CMSG_SPACE(length);
	}
	if (items == 0)
		size = input_copy(input, list, size_max);
	return size;
}

/* ---- From the kernel to the program ---- */

static bool is_packet_info(const struct cmsghdr *head)
{
	return (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) ||
	       (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO);
}

static bool is_hidden(const struct cmsghdr *head, uint32_t hidden)
{
	if (head->cmsg_level == SOL_UDP && head->cmsg_type == UDP_GRO)
		return hidden & REGIOI_HIDE_TRAIN;
	if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_ORIGDSTADDR)
		return hidden & REGIOI_HIDE_DESTINATION;
	return hidden & REGIOI_HIDE_DESTINATION_V6 && head->cmsg_level == IPPROTO_IPV6 &&
	       head->cmsg_type == IPV6_ORIGDSTADDR;
}

/* The macros need the alignment that a program gives its slice. */
static void check_macros(const uint8_t *bytes, size_t size, const struct walk *shown)
{
	alignas(struct cmsghdr) uint8_t copy[REGIOI_CONTROL_BYTES + 64];
	struct msghdr header = {.msg_control = copy, .msg_controllen = size};
	uint32_t index = 0;

	memcpy(copy, bytes, size);
	for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item;
	     item = CMSG_NXTHDR(&header, item), index++) {
		CHECK(index < shown->count, "the macros find more");
		CHECK((size_t)((uint8_t *)item - copy) == shown->offsets[index],
		      "at another place");
	}
	CHECK(index == shown->count, "the macros find %u of %u", index, shown->count);
}

static void check_to_user(struct msghdr *header, const struct walk *list, uint32_t hidden,
			  const struct piece *slice)
{
	bool reported = regioi_control_to_user(header, hidden, slice->bytes, (uint32_t)slice->size);
	const uint8_t *kernel = header->msg_control;
	struct regioi_control_span span;
	uint32_t visible = 0, next = 0;
	struct walk shown;

	CHECK(regioi_control_from_user(slice->bytes, (uint32_t)slice->size, &span) == 0,
	      "what was received cannot be sent");
	CHECK(span.data == slice->bytes + sizeof(struct regio_control), "another place");
	shown = walk_list(span.data, span.length);
	CHECK(shown.whole, "%zu bytes are more than the messages", span.length);
	check_macros(span.data, span.length, &shown);
	for (uint32_t i = 0; i < list->count; i++) {
		if (is_hidden(&list->heads[i], hidden))
			continue;
		visible++;
		if (next == shown.count)
			continue;
		CHECK(list->heads[i].cmsg_len == shown.heads[next].cmsg_len &&
			      !memcmp(kernel + list->offsets[i], span.data + shown.offsets[next],
				      list->heads[i].cmsg_len),
		      "message %u is another", next);
		next++;
	}
	CHECK(next == shown.count, "%u messages, %u of them known", shown.count, next);
	CHECK(reported == (next < visible || header->msg_flags & MSG_CTRUNC),
	      "%u of %u messages, and reported %d", next, visible, reported);
}

/* The longest prefix that fits is shown. */
static void check_fits(const struct walk *list, uint32_t hidden, const struct piece *slice)
{
	struct regio_control head;
	size_t end = sizeof(head), shown_end = sizeof(head);

	memcpy(&head, slice->bytes, sizeof(head));
	for (uint32_t i = 0; i < list->count; i++) {
		if (is_hidden(&list->heads[i], hidden))
			continue;
		if (end + list->heads[i].cmsg_len > slice->size)
			break;
		end += CMSG_ALIGN(list->heads[i].cmsg_len);
		shown_end = end < slice->size ? end : slice->size;
	}
	CHECK(head.total_length == shown_end && head.reserved == 0, "%u bytes, not %zu",
	      head.total_length, shown_end);
}

/* ---- What is found in a list ---- */

static uint32_t segment_in(const uint8_t *bytes, const struct walk *list)
{
	int segment;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct cmsghdr *head = &list->heads[i];

		if (head->cmsg_level != SOL_UDP || head->cmsg_type != UDP_GRO ||
		    head->cmsg_len < CMSG_LEN(sizeof(segment)))
			continue;
		memcpy(&segment, bytes + list->offsets[i] + CMSG_LEN(0), sizeof(segment));
		return segment > 0 ? (uint32_t)segment : 0;
	}
	return 0;
}

static bool joinable(const struct walk *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct cmsghdr *head = &list->heads[i];
		bool v4 = head->cmsg_level == IPPROTO_IP &&
			  (head->cmsg_type == IP_TOS || head->cmsg_type == IP_TTL);
		bool v6 = head->cmsg_level == IPPROTO_IPV6 &&
			  (head->cmsg_type == IPV6_TCLASS || head->cmsg_type == IPV6_HOPLIMIT);

		if (!v4 && !v6 && !is_packet_info(head))
			return false;
	}
	return list->whole;
}

/* The first destination that is whole counts. */
static void check_local_address(struct msghdr *header, const struct walk *list, bool v6)
{
	union regioi_address name = {.any.sa_family = v6 ? AF_INET6 : AF_INET}, found = {0},
			     expected = {0};
	struct msghdr named = *header;
	const uint8_t *bytes = header->msg_control;
	bool reported = false;

	for (uint32_t i = 0; i < list->count && !reported; i++) {
		const struct cmsghdr *head = &list->heads[i];
		const uint8_t *data = bytes + list->offsets[i] + CMSG_LEN(0);
		struct sockaddr_in four;

		if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_ORIGDSTADDR &&
		    head->cmsg_len >= CMSG_LEN(sizeof(expected.v6))) {
			memcpy(&expected.v6, data, sizeof(expected.v6));
			reported = true;
		}
		if (head->cmsg_level != IPPROTO_IP || head->cmsg_type != IP_ORIGDSTADDR ||
		    head->cmsg_len < CMSG_LEN(sizeof(four)))
			continue;
		reported = true;
		memcpy(&four, data, sizeof(four));
		if (!v6) {
			expected.v4 = four;
			continue;
		}
		expected.v6 =
			(struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = four.sin_port};
		expected.v6.sin6_addr.s6_addr[10] = expected.v6.sin6_addr.s6_addr[11] = 0xFF;
		memcpy(expected.v6.sin6_addr.s6_addr + 12, &four.sin_addr, 4);
	}
	named.msg_name = &name;
	named.msg_namelen = sizeof(name);
	CHECK(regioi_control_local_address(&named, &found) == reported, "reported or not");
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): they began as copies of one */
	CHECK(!memcmp(&found, &expected, sizeof(found)), "another address");
}

static void check_segment(uint16_t segment)
{
	alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(segment))] = {0};
	struct msghdr header = {.msg_control = bytes, .msg_controllen = sizeof(bytes)};
	struct cmsghdr *item;
	uint16_t read;

	CHECK(regioi_control_put_segment(bytes, segment) == sizeof(bytes), "another length");
	item = CMSG_FIRSTHDR(&header);
	CHECK(item && item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_SEGMENT &&
		      item->cmsg_len == CMSG_LEN(sizeof(read)),
	      "it is another message");
	memcpy(&read, CMSG_DATA(item), sizeof(read));
	CHECK(read == segment && !CMSG_NXTHDR(&header, item), "%u, not %u", read, segment);
}

/* ---- From the program to the kernel ---- */

static void check_from_user(struct input *input)
{
	struct piece slice = piece_make(sizeof(struct regio_control) + input_below(input, 256));
	struct regio_control head = {.total_length = input_edge(input)};
	struct regioi_control_span span = {0};
	bool possible = head.total_length >= sizeof(head) && head.total_length <= slice.size;
	struct walk list;
	int error;

	input_copy(input, slice.bytes, slice.size);
	memcpy(slice.bytes, &head, sizeof(head));
	error = regioi_control_from_user(slice.bytes, (uint32_t)slice.size, &span);
	CHECK(error == (possible ? 0 : -EINVAL), "%d for %u of %zu", error, head.total_length,
	      slice.size);
	if (!error) {
		CHECK(span.data == slice.bytes + sizeof(head) &&
			      span.length == head.total_length - sizeof(head),
		      "another span");
		list = walk_list(span.data, span.length);
		CHECK(regioi_control_joinable(&span) == joinable(&list), "joinable");
	}
	free(slice.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	uint8_t hidden = input_byte(&input), list_bytes[REGIOI_CONTROL_BYTES];
	struct piece slice = piece_make(sizeof(struct regio_control) + input_below(&input, 300));
	struct piece kernel;
	struct regioi_control_span span;
	struct msghdr header;
	struct walk list, whole;

	check_segment((uint16_t)input_number(&input, 2));
	kernel = piece_make(make_list(&input, list_bytes, sizeof(list_bytes)));
	memcpy(kernel.bytes, list_bytes, kernel.size);
	header = (struct msghdr){.msg_control = kernel.bytes,
				 .msg_controllen = kernel.size,
				 .msg_flags = hidden & 8 ? MSG_CTRUNC : 0};
	list = walk_list(kernel.bytes, kernel.size);
	whole = list;
	/* The kernel may have cut within the last one. */
	if (header.msg_flags & MSG_CTRUNC && list.count &&
	    list.offsets[list.count - 1] + list.heads[list.count - 1].cmsg_len == kernel.size)
		whole.count--;
	check_to_user(&header, &whole, hidden & 7, &slice);
	check_fits(&whole, hidden & 7, &slice);
	CHECK(regioi_control_segment(&header) == segment_in(kernel.bytes, &list), "segment");
	check_local_address(&header, &list, hidden & 16);
	span = (struct regioi_control_span){kernel.bytes, kernel.size};
	CHECK(regioi_control_joinable(&span) == joinable(&list), "joinable");
	check_from_user(&input);
	free(kernel.bytes);
	free(slice.bytes);
	return 0;
}
