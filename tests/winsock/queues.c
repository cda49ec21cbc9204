/* SPDX-License-Identifier: MIT */
/*
 * queues.c - points 1 to 25 of the contract, and 63 to 67: the table, making and resizing queues
 */
#include "rig.h"

#define EXTENSION SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER

/* ---- The function table ---- */

START_TEST(p01_structures_have_the_sizes_of_64_bit_windows)
{
	EXPECT(sizeof(RIORESULT) == 24, "%zu", sizeof(RIORESULT));
	EXPECT(sizeof(RIO_BUF) == 16, "%zu", sizeof(RIO_BUF));
	EXPECT(sizeof(RIO_NOTIFICATION_COMPLETION) == 32, "%zu",
	       sizeof(RIO_NOTIFICATION_COMPLETION));
	EXPECT(sizeof(RIO_EXTENSION_FUNCTION_TABLE) == 112, "%zu",
	       sizeof(RIO_EXTENSION_FUNCTION_TABLE));
	EXPECT(sizeof(SOCKADDR_INET) == 28 && sizeof(OVERLAPPED) == 32 && sizeof(WSABUF) == 16 &&
		       sizeof(DWORD) == 4 && sizeof(LONG) == 4 && sizeof(OVERLAPPED_ENTRY) == 32,
	       "another size");
	EXPECT(RIO_CMSG_BASE_SIZE == 8 && RIO_MAX_CQ_SIZE == 0x8000000, "another value");
	EXPECT(EXTENSION == 0xC8000024 && SIO_LOOPBACK_FAST_PATH == 0x98000010 &&
		       SIO_FLUSH == 0x28000004,
	       "another value");
}
END_TEST

START_TEST(p02_table_has_the_documented_order)
{
#define AT(member, place)                                                                          \
	EXPECT(offsetof(RIO_EXTENSION_FUNCTION_TABLE, member) == 8u * (place), #member)
	AT(RIOReceive, 1);
	AT(RIOReceiveEx, 2);
	AT(RIOSend, 3);
	AT(RIOSendEx, 4);
	AT(RIOCloseCompletionQueue, 5);
	AT(RIOCreateCompletionQueue, 6);
	AT(RIOCreateRequestQueue, 7);
	AT(RIODequeueCompletion, 8);
	AT(RIODeregisterBuffer, 9);
	AT(RIONotify, 10);
	AT(RIORegisterBuffer, 11);
	AT(RIOResizeCompletionQueue, 12);
	AT(RIOResizeRequestQueue, 13);
}
END_TEST

START_TEST(p03_table_comes_by_value_with_its_size_preset_or_not)
{
	RIO_EXTENSION_FUNCTION_TABLE table = {.cbSize = sizeof(table)}, other = {0};
	GUID id = WSAID_MULTIPLE_RIO;
	DWORD bytes = 0;
	SOCKET s;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	EXPECT(WSAIoctl(s, EXTENSION, &id, sizeof(id), &table, sizeof(table), &bytes, NULL, NULL) ==
		       0,
	       "error %d", WSAGetLastError());
	EXPECT(bytes == sizeof(table) && table.cbSize == sizeof(table) && table.RIOSend, "%u",
	       bytes);
	EXPECT(WSAIoctl(s, EXTENSION, &id, sizeof(id), &other, sizeof(other), &bytes, NULL, NULL) ==
		       0,
	       "error %d", WSAGetLastError());
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): they are copies of one */
	EXPECT(memcmp(&table, &other, sizeof(table)) == 0, "two tables");
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
		     WSAIoctl(s, EXTENSION, &id, sizeof(id), &other, 8, &bytes, NULL, NULL));
}
END_TEST

START_TEST(p04_table_comes_from_a_plain_socket)
{
	rig_start();
	EXPECT(rio.RIOReceive && rio.RIOResizeRequestQueue, "no table");
}
END_TEST

START_TEST(p05_unknown_guid_fails)
{
	GUID id = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
	RIO_EXTENSION_FUNCTION_TABLE table;
	DWORD bytes = 1;
	SOCKET s;

	rig_start();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_FAILS(
		WSAEINVAL, SOCKET_ERROR,
		WSAIoctl(s, EXTENSION, &id, sizeof(id), &table, sizeof(table), &bytes, NULL, NULL));
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR,
		     WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &table,
			      sizeof(table), &bytes, NULL, NULL));
	EXPECT_FAILS(WSAEOPNOTSUPP, SOCKET_ERROR,
		     WSAIoctl(s, _WSAIOW(IOC_VENDOR, 999), &id, sizeof(id), &table, sizeof(table),
			      &bytes, NULL, NULL));
}
END_TEST

/* ---- Completion queues ---- */

START_TEST(p06_size_0_is_invalid)
{
	rig_start();
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_CQ, rio.RIOCreateCompletionQueue(0, NULL));
}
END_TEST

START_TEST(p07_largest_size_is_accepted_and_one_more_is_not)
{
	RIO_CQ cq;

	rig_start();
	cq = rio.RIOCreateCompletionQueue(RIO_MAX_CQ_SIZE, NULL);
	EXPECT(cq != RIO_INVALID_CQ || GetLastError() == WSAENOBUFS, "error %u", GetLastError());
	rio.RIOCloseCompletionQueue(cq);
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_CQ,
		     rio.RIOCreateCompletionQueue(RIO_MAX_CQ_SIZE + 1, NULL));
}
END_TEST

START_TEST(p08_no_notification_makes_a_polled_queue)
{
	RIO_CQ cq;

	rig_start();
	cq = rio.RIOCreateCompletionQueue(16, NULL);
	EXPECT(cq != RIO_INVALID_CQ, "error %u", GetLastError());
	expect_none(cq);
	/* Our choice: there is nothing to signal. */
	EXPECT(rio.RIONotify(cq) == WSAEINVAL, "RIONotify");
	/* A program may look with no array. */
	EXPECT(rio.RIODequeueCompletion(cq, NULL, 0) == 0, "with no array");
	rio.RIOCloseCompletionQueue(cq);
}
END_TEST

START_TEST(p09_unknown_notification_type_is_invalid)
{
	RIO_NOTIFICATION_COMPLETION notification = by_event(NULL, FALSE);

	rig_start();
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_CQ, rio.RIOCreateCompletionQueue(1, &notification));
	notification.Type = (RIO_NOTIFICATION_COMPLETION_TYPE)3;
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_CQ, rio.RIOCreateCompletionQueue(1, &notification));
}
END_TEST

START_TEST(p10_port_without_overlapped_is_invalid)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	RIO_NOTIFICATION_COMPLETION notification = by_port(port, NULL, NULL);

	rig_start();
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_CQ, rio.RIOCreateCompletionQueue(1, &notification));
	CloseHandle(port);
}
END_TEST

START_TEST(p11_overlapped_is_a_token_and_not_dereferenced)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	RIO_NOTIFICATION_COMPLETION notification = by_port(port, (void *)7, (void *)-1);
	struct rig rig;
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .notification = &notification});
	memset(&notification, 0xEE, sizeof(notification));
	EXPECT_TRUE(receive(&rig, 0, 0));
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	peer_send(&rig, "x", 1);
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT(key == 7 && overlapped == (OVERLAPPED *)-1, "another packet");
	rig_close(&rig);
	CloseHandle(port);
}
END_TEST

START_TEST(p12_closing_no_queue_is_ignored)
{
	rig_start();
	rio.RIOCloseCompletionQueue(RIO_INVALID_CQ);
	rio.RIOCloseCompletionQueue((RIO_CQ)(ULONG_PTR)0x1234);
}
END_TEST

START_TEST(p13_closing_with_requests_pending_drops_what_arrives)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 8, .sends = 1});
	for (ULONG i = 0; i < 8; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	rio.RIOCloseCompletionQueue(rig.cq);
	for (int i = 0; i < 8; i++)
		peer_send(&rig, "late", 4);
	/* Our choice: the queue is there, and refuses. */
	EXPECT_FAILS(WSAEINVAL, FALSE, receive(&rig, 0, 0));
	EXPECT_FAILS(WSAEINVAL, FALSE, transmit(&rig, 0, 1, 0));
	EXPECT(closesocket(rig.s) == 0, "error %d", WSAGetLastError());
	closesocket(rig.peer);
}
END_TEST

/* ---- Request queues ---- */

static RIO_CQ queue_of(DWORD size)
{
	RIO_CQ cq = rio.RIOCreateCompletionQueue(size, NULL);

	EXPECT(cq != RIO_INVALID_CQ, "error %u", GetLastError());
	return cq;
}

static RIO_RQ create(SOCKET s, ULONG receives, ULONG sends, RIO_CQ cq)
{
	return rio.RIOCreateRequestQueue(s, receives, 1, sends, 1, cq, cq, NULL);
}

START_TEST(p14_socket_without_the_flag_is_refused)
{
	rig_start();
	/* Our choice of error. */
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ,
		     create(socket(AF_INET, SOCK_DGRAM, 0), 1, 1, queue_of(8)));
}
END_TEST

START_TEST(p15_raw_socket_is_not_supported)
{
	SOCKET s;

	rig_start();
	s = WSASocketW(AF_INET, SOCK_RAW, IPPROTO_ICMP, NULL, 0, WSA_FLAG_REGISTERED_IO);
	if (s == INVALID_SOCKET)
		SKIP("no right to raw sockets");
	EXPECT_FAILS(WSAEOPNOTSUPP, RIO_INVALID_RQ, create(s, 1, 1, queue_of(8)));
	closesocket(s);
}
END_TEST

START_TEST(p16_what_is_no_socket_is_refused)
{
	SOCKET s;

	rig_start();
	EXPECT_FAILS(WSAENOTSOCK, RIO_INVALID_RQ, create(INVALID_SOCKET, 1, 1, queue_of(8)));
	EXPECT_FAILS(WSAENOTSOCK, RIO_INVALID_RQ, create(0, 1, 1, queue_of(8)));
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	closesocket(s);
	EXPECT_FAILS(WSAENOTSOCK, RIO_INVALID_RQ, create(s, 1, 1, queue_of(8)));
	EXPECT_FAILS(WSAENOTSOCK, SOCKET_ERROR, closesocket(s));
}
END_TEST

START_TEST(p17_both_completion_queues_must_be_there)
{
	SOCKET s;
	RIO_CQ cq;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	cq = queue_of(8);
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ,
		     rio.RIOCreateRequestQueue(s, 1, 1, 0, 1, cq, RIO_INVALID_CQ, NULL));
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ,
		     rio.RIOCreateRequestQueue(s, 0, 1, 1, 1, RIO_INVALID_CQ, cq, NULL));
}
END_TEST

START_TEST(p18_both_maxima_0_are_invalid)
{
	rig_start();
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ,
		     create(flagged_socket(AF_INET, SOCK_DGRAM), 0, 0, queue_of(8)));
}
END_TEST

START_TEST(p19_one_maximum_may_be_0_and_that_direction_is_full)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 1});
	EXPECT_FAILS(WSAENOBUFS, FALSE, transmit(&rig, 0, 1, 0));
	rig_close(&rig);
	rig_open(&rig, &(struct rig_plan){.sends = 1});
	EXPECT_FAILS(WSAENOBUFS, FALSE, receive(&rig, 0, 0));
	rig_close(&rig);
}
END_TEST

START_TEST(p20_one_data_buffer_a_request_and_no_other_number)
{
	SOCKET s;
	RIO_CQ cq;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	cq = queue_of(8);
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ,
		     rio.RIOCreateRequestQueue(s, 1, 0, 1, 1, cq, cq, NULL));
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ,
		     rio.RIOCreateRequestQueue(s, 1, 1, 1, 2, cq, cq, NULL));
}
END_TEST

START_TEST(p21_reservation_fits_exactly_and_one_more_does_not)
{
	SOCKET s;
	RIO_CQ cq;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	cq = queue_of(8);
	EXPECT_FAILS(WSAENOBUFS, RIO_INVALID_RQ, create(s, 4, 5, cq));
	EXPECT(create(s, 4, 4, cq) != RIO_INVALID_RQ, "error %u", GetLastError());
	EXPECT_FAILS(WSAENOBUFS, RIO_INVALID_RQ,
		     create(flagged_socket(AF_INET, SOCK_DGRAM), 1, 0, cq));
}
END_TEST

START_TEST(p22_one_queue_for_both_directions_counts_the_sum)
{
	RIO_CQ cq;

	rig_start();
	cq = queue_of(4);
	EXPECT_FAILS(WSAENOBUFS, RIO_INVALID_RQ,
		     create(flagged_socket(AF_INET, SOCK_DGRAM), 3, 2, cq));
	EXPECT(create(flagged_socket(AF_INET, SOCK_DGRAM), 2, 2, cq) != RIO_INVALID_RQ, "error %u",
	       GetLastError());
}
END_TEST

START_TEST(p23_room_comes_back_after_close_and_drain)
{
	struct rig rig;
	RIORESULT results[4];
	SOCKET second;

	rig_open(&rig, &(struct rig_plan){.receives = 4});
	second = flagged_socket(AF_INET, SOCK_DGRAM);
	for (ULONG i = 0; i < 4; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	EXPECT_FAILS(WSAENOBUFS, RIO_INVALID_RQ, create(second, 4, 0, rig.cq));
	closesocket(rig.s);
	take(rig.cq, results, 4);
	/* Our choice: at once when it is drained. */
	EXPECT(create(second, 4, 0, rig.cq) != RIO_INVALID_RQ, "error %u", GetLastError());
	closesocket(second);
	closesocket(rig.peer);
}
END_TEST

START_TEST(p24_queue_and_receives_before_bind_work_afterwards)
{
	SOCKET s, peer;
	SOCKADDR_INET name;
	char memory[64];
	RIO_BUFFERID id;
	RIO_BUF buffer;
	RIORESULT result;
	RIO_CQ cq;
	RIO_RQ rq;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	cq = queue_of(2);
	rq = create(s, 2, 0, cq);
	id = rio.RIORegisterBuffer(memory, sizeof(memory));
	buffer = (RIO_BUF){id, 0, sizeof(memory)};
	EXPECT_TRUE(rio.RIOReceive(rq, &buffer, 1, 0, NULL));
	expect_none(cq);
	bound(s, AF_INET);
	name = name_of(s);
	peer = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT(sendto(peer, "hello", 5, 0, (struct sockaddr *)&name, name_length(&name)) == 5,
	       "error %d", WSAGetLastError());
	result = take_one(cq);
	EXPECT(result.Status == 0 && result.BytesTransferred == 5, "status %d", result.Status);
	closesocket(s);
	rio.RIODeregisterBuffer(id);
}
END_TEST

START_TEST(p25_second_queue_on_a_socket_fails)
{
	SOCKET s;
	RIO_CQ cq;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	cq = queue_of(8);
	EXPECT(create(s, 1, 1, cq) != RIO_INVALID_RQ, "error %u", GetLastError());
	/* Our choice of error. */
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ, create(s, 1, 1, cq));
}
END_TEST

/* ---- Resizing ---- */

START_TEST(p63_growing_keeps_entries_and_handle)
{
	struct rig rig;
	RIORESULT results[2];

	rig_open(&rig, &(struct rig_plan){.receives = 2});
	EXPECT_TRUE(receive(&rig, 0, 0));
	EXPECT_TRUE(receive(&rig, 1, 0));
	peer_send(&rig, "one", 3);
	peer_send(&rig, "three", 5);
	take(rig.cq, results, 1);
	EXPECT_TRUE(rio.RIOResizeCompletionQueue(rig.cq, 1000));
	take(rig.cq, results + 1, 1);
	expect_is(&results[0], 0, 3, 0);
	expect_is(&results[1], 0, 5, 1);
	EXPECT_TRUE(rio.RIOResizeRequestQueue(rig.rq, 500, 500));
	rig_close(&rig);
}
END_TEST

START_TEST(p64_shrinking_a_cq_below_what_is_reserved_fails_and_changes_nothing)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 4, .sends = 4});
	EXPECT_FAILS(WSAETOOMANYREFS, FALSE, rio.RIOResizeCompletionQueue(rig.cq, 7));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOResizeCompletionQueue(rig.cq, 0));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOResizeCompletionQueue(rig.cq, RIO_MAX_CQ_SIZE + 1));
	EXPECT_FAILS(WSAENOBUFS, FALSE, rio.RIOResizeRequestQueue(rig.rq, 5, 4));
	rig_close(&rig);
}
END_TEST

START_TEST(p65_shrinking_an_rq_below_what_is_outstanding_fails)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 4, .sends = 1});
	for (ULONG i = 0; i < 3; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	EXPECT_FAILS(WSAETOOMANYREFS, FALSE, rio.RIOResizeRequestQueue(rig.rq, 2, 1));
	EXPECT_TRUE(rio.RIOResizeRequestQueue(rig.rq, 3, 1));
	EXPECT_FAILS(WSAENOBUFS, FALSE, receive(&rig, 3, 0));
	rig_close(&rig);
}
END_TEST

START_TEST(p66_growing_an_rq_without_room_in_its_cq_fails)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 2, .sends = 2});
	EXPECT_FAILS(WSAENOBUFS, FALSE, rio.RIOResizeRequestQueue(rig.rq, 3, 2));
	EXPECT_TRUE(rio.RIOResizeCompletionQueue(rig.cq, 5));
	EXPECT_TRUE(rio.RIOResizeRequestQueue(rig.rq, 3, 2));
	rig_close(&rig);
}
END_TEST

START_TEST(p67_resizing_both_to_0_is_invalid)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 2, .sends = 2});
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOResizeRequestQueue(rig.rq, 0, 0));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOResizeRequestQueue(RIO_INVALID_RQ, 1, 1));
	rig_close(&rig);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(p01_structures_have_the_sizes_of_64_bit_windows),
		CASE(p02_table_has_the_documented_order),
		CASE(p03_table_comes_by_value_with_its_size_preset_or_not),
		CASE(p04_table_comes_from_a_plain_socket),
		CASE(p05_unknown_guid_fails),
		CASE(p06_size_0_is_invalid),
		CASE(p07_largest_size_is_accepted_and_one_more_is_not),
		CASE(p08_no_notification_makes_a_polled_queue),
		CASE(p09_unknown_notification_type_is_invalid),
		CASE(p10_port_without_overlapped_is_invalid),
		CASE(p11_overlapped_is_a_token_and_not_dereferenced),
		CASE(p12_closing_no_queue_is_ignored),
		CASE(p13_closing_with_requests_pending_drops_what_arrives),
		CASE(p14_socket_without_the_flag_is_refused),
		CASE(p15_raw_socket_is_not_supported),
		CASE(p16_what_is_no_socket_is_refused),
		CASE(p17_both_completion_queues_must_be_there),
		CASE(p18_both_maxima_0_are_invalid),
		CASE(p19_one_maximum_may_be_0_and_that_direction_is_full),
		CASE(p20_one_data_buffer_a_request_and_no_other_number),
		CASE(p21_reservation_fits_exactly_and_one_more_does_not),
		CASE(p22_one_queue_for_both_directions_counts_the_sum),
		CASE(p23_room_comes_back_after_close_and_drain),
		CASE(p24_queue_and_receives_before_bind_work_afterwards),
		CASE(p25_second_queue_on_a_socket_fails),
		CASE(p63_growing_keeps_entries_and_handle),
		CASE(p64_shrinking_a_cq_below_what_is_reserved_fails_and_changes_nothing),
		CASE(p65_shrinking_an_rq_below_what_is_outstanding_fails),
		CASE(p66_growing_an_rq_without_room_in_its_cq_fails),
		CASE(p67_resizing_both_to_0_is_invalid),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
