/* SPDX-License-Identifier: MIT */
/*
 * Control messages: reading those of the program, hiding those of the library. The program's slices
 * may have any alignment, so headers are copied before they are read.
 */
#include <errno.h>
#include <string.h>

#include "base/kernel.h"
#include "dgram/control.h"
#include "regio.h"

/*
 * Reads the head of the message of 'span' at *at, and advances *at. Returns the message, or NULL at
 * the end or at an invalid length.
 */
static const uint8_t *control_next(const struct regioi_control_span *span, size_t *at,
				   struct cmsghdr *ret_item)
{
	const size_t start = *at;

	if (span->length < sizeof(*ret_item) || start > span->length - sizeof(*ret_item))
		return NULL;
	memcpy(ret_item, span->data + start, sizeof(*ret_item));
	if (ret_item->cmsg_len < sizeof(*ret_item) || ret_item->cmsg_len > span->length - start)
		return NULL;
	*at += CMSG_ALIGN(ret_item->cmsg_len);
	return span->data + start;
}

int regioi_control_from_user(uint8_t *slice, uint32_t slice_length,
			     struct regioi_control_span *ret_span)
{
	struct regio_control head;

	memcpy(&head, slice, sizeof(head));
	if (head.total_length < sizeof(head) || head.total_length > slice_length)
		return -EINVAL;
	ret_span->data = slice + sizeof(head);
	ret_span->length = head.total_length - sizeof(head);
	return 0;
}

static bool control_kind_joinable(const struct cmsghdr *item)
{
	const int type = item->cmsg_type;

	if (item->cmsg_level == IPPROTO_IP)
		return type == IP_PKTINFO || type == IP_TOS || type == IP_TTL;
	return item->cmsg_level == IPPROTO_IPV6 &&
	       (type == IPV6_PKTINFO || type == IPV6_TCLASS || type == IPV6_HOPLIMIT);
}

bool regioi_control_joinable(const struct regioi_control_span *span)
{
	struct cmsghdr item;
	size_t at = 0;

	while (control_next(span, &at, &item)) {
		if (!control_kind_joinable(&item))
			return false;
	}
	/*
	 * If anything is left over, the data is malformed: such a send is not joined, and the
	 * kernel refuses it.
	 */
	return at >= span->length;
}

static bool control_hidden(const struct cmsghdr *item, uint32_t hidden)
{
	if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_GRO)
		return hidden & REGIOI_HIDE_TRAIN;
	if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_ORIGDSTADDR)
		return hidden & REGIOI_HIDE_DESTINATION;
	if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_ORIGDSTADDR)
		return hidden & REGIOI_HIDE_DESTINATION_V6;
	return false;
}

static struct regioi_control_span control_span(struct msghdr *header)
{
	return (struct regioi_control_span){header->msg_control, header->msg_controllen};
}

bool regioi_control_to_user(struct msghdr *header, uint32_t hidden, uint8_t *slice,
			    uint32_t slice_length)
{
	struct regioi_control_span span = control_span(header);
	struct regio_control head = {.total_length = sizeof(head)};
	bool truncated = header->msg_flags & MSG_CTRUNC;
	const uint8_t *message;
	struct cmsghdr item;
	size_t at = 0;

	while ((message = control_next(&span, &at, &item))) {
		size_t padded = CMSG_ALIGN(item.cmsg_len);

		/* If its buffer was full, the kernel has cut the last message. */
		if (truncated && message + item.cmsg_len == span.data + span.length)
			break;
		if (control_hidden(&item, hidden))
			continue;
		/* The last message needs no padding. */
		if (head.total_length + item.cmsg_len > slice_length) {
			truncated = true;
			break;
		}
		if (padded > slice_length - head.total_length)
			padded = slice_length - head.total_length;
		memcpy(slice + head.total_length, message, item.cmsg_len);
		/* Zeroed, so that a byte such as IP_TOS may be read as an int. */
		memset(slice + head.total_length + item.cmsg_len, 0, padded - item.cmsg_len);
		head.total_length += (uint32_t)padded;
	}
	memcpy(slice, &head, sizeof(head));
	return truncated;
}

/* Whether the message is complete: if the buffer is full the kernel cuts the last message. */
static bool control_holds(const struct cmsghdr *item, size_t data_length)
{
	return item->cmsg_len >= CMSG_LEN(data_length);
}

uint32_t regioi_control_segment(struct msghdr *header)
{
	struct regioi_control_span span = control_span(header);
	const uint8_t *message;
	struct cmsghdr item;
	size_t at = 0;
	int segment;

	while ((message = control_next(&span, &at, &item))) {
		if (item.cmsg_level == SOL_UDP && item.cmsg_type == UDP_GRO &&
		    control_holds(&item, sizeof(segment))) {
			memcpy(&segment, message + CMSG_LEN(0), sizeof(segment));
			return segment > 0 ? (uint32_t)segment : 0;
		}
	}
	return 0;
}

/* The form in which an IPv6 socket reports an IPv4 address. */
static struct sockaddr_in6 mapped(const struct sockaddr_in *v4)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4->sin_port};

	memset(&v6.sin6_addr.s6_addr[10], 0xFF, 2);
	memcpy(&v6.sin6_addr.s6_addr[12], &v4->sin_addr, sizeof(v4->sin_addr));
	return v6;
}

bool regioi_control_local_address(struct msghdr *header, union regioi_address *ret_address)
{
	const bool v6 = header->msg_namelen && header->msg_name &&
			regioi_address_length(header->msg_name) == sizeof(ret_address->v6);
	struct regioi_control_span span = control_span(header);
	const uint8_t *message;
	struct sockaddr_in v4;
	struct cmsghdr item;
	size_t at = 0;

	while ((message = control_next(&span, &at, &item))) {
		const uint8_t *data = message + CMSG_LEN(0);

		if (item.cmsg_level == IPPROTO_IPV6 && item.cmsg_type == IPV6_ORIGDSTADDR &&
		    control_holds(&item, sizeof(ret_address->v6))) {
			memcpy(&ret_address->v6, data, sizeof(ret_address->v6));
			return true;
		}
		if (item.cmsg_level == IPPROTO_IP && item.cmsg_type == IP_ORIGDSTADDR &&
		    control_holds(&item, sizeof(ret_address->v4))) {
			memcpy(&v4, data, sizeof(v4));
			if (v6)
				ret_address->v6 = mapped(&v4);
			else
				ret_address->v4 = v4;
			return true;
		}
	}
	return false;
}

size_t regioi_control_put_segment(uint8_t *at, uint16_t segment)
{
	struct cmsghdr item = {
		.cmsg_level = SOL_UDP,
		.cmsg_type = UDP_SEGMENT,
		.cmsg_len = CMSG_LEN(sizeof(segment)),
	};

	memcpy(at, &item, sizeof(item));
	memcpy(at + CMSG_LEN(0), &segment, sizeof(segment));
	return CMSG_SPACE(sizeof(segment));
}
