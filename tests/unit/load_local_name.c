/* SPDX-License-Identifier: MIT */
/*
 * load_local_name.c - the control data of a question becomes that of its answer
 */
#include "../support/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <regio.h>
#include <string.h>

#include "load/local_name.h"

static union {
	struct regio_control head;
	uint8_t bytes[LOCAL_NAME_BYTES];
} control;

static void start(void)
{
	memset(&control, 0xee, sizeof(control));
	control.head.total_length = sizeof(control.head);
}

static void add(int level, int type, const void *data, size_t bytes)
{
	struct cmsghdr *item = (void *)(control.bytes + control.head.total_length);

	item->cmsg_level = level;
	item->cmsg_type = type;
	item->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(item), data, bytes);
	control.head.total_length += (uint32_t)CMSG_SPACE(bytes);
}

static void add_v4(const char *address)
{
	struct in_pktinfo info = {.ipi_ifindex = 7};

	ck_assert_int_eq(inet_pton(AF_INET, address, &info.ipi_spec_dst), 1);
	add(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static void add_v6(const char *address)
{
	struct in6_pktinfo info = {.ipi6_ifindex = 7};

	ck_assert_int_eq(inet_pton(AF_INET6, address, &info.ipi6_addr), 1);
	add(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static const struct cmsghdr *only_item(size_t bytes)
{
	ck_assert_uint_eq(control.head.total_length, sizeof(control.head) + CMSG_SPACE(bytes));
	return (const void *)(control.bytes + sizeof(control.head));
}

START_TEST(the_address_is_kept_and_the_interface_is_not)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	start();
	add_v4("192.0.2.7");
	local_name_turn(&control);
	memcpy(&v4, CMSG_DATA(only_item(sizeof(v4))), sizeof(v4));
	ck_assert_uint_eq(ntohl(v4.ipi_spec_dst.s_addr), 0xc0000207);
	ck_assert_int_eq(v4.ipi_ifindex, 0);
	start();
	add_v6("2001:db8::7");
	local_name_turn(&control);
	memcpy(&v6, CMSG_DATA(only_item(sizeof(v6))), sizeof(v6));
	ck_assert_int_eq(v6.ipi6_addr.s6_addr[15], 7);
	ck_assert_uint_eq(v6.ipi6_ifindex, 0);
}
END_TEST

START_TEST(a_link_local_address_keeps_its_link)
{
	struct in6_pktinfo v6;

	start();
	add_v6("fe80::7");
	local_name_turn(&control);
	memcpy(&v6, CMSG_DATA(only_item(sizeof(v6))), sizeof(v6));
	ck_assert_uint_eq(v6.ipi6_ifindex, 7);
}
END_TEST

START_TEST(of_ipv4_inside_ipv6_its_own_information_is_left)
{
	start();
	add_v6("::ffff:192.0.2.255");
	add_v4("192.0.2.7");
	local_name_turn(&control);
	ck_assert_int_eq(only_item(sizeof(struct in_pktinfo))->cmsg_level, IPPROTO_IP);
}
END_TEST

START_TEST(nothing_is_left_of_a_group_or_of_other_control_data)
{
	int other = 5;

	start();
	add_v6("ff02::7");
	add(IPPROTO_IP, IP_TTL, &other, sizeof(other));
	local_name_turn(&control);
	ck_assert_uint_eq(control.head.total_length, sizeof(control.head));
	start();
	local_name_turn(&control);
	ck_assert_uint_eq(control.head.total_length, sizeof(control.head));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(the_address_is_kept_and_the_interface_is_not),
		CASE(a_link_local_address_keeps_its_link),
		CASE(of_ipv4_inside_ipv6_its_own_information_is_left),
		CASE(nothing_is_left_of_a_group_or_of_other_control_data),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
