/* SPDX-License-Identifier: MIT */
/*
 * data.c - points 51 to 62 of the contract: what is received, and in which order
 */
#include "rig.h"

static const struct rig_plan stream = {.receives = 8, .sends = 8, .stream = true};

/* ---- Streams ---- */

START_TEST(p51_end_of_a_stream_is_success_with_0_bytes)
{
	struct rig rig;
	RIORESULT results[2];

	rig_open(&rig, &stream);
	EXPECT_TRUE(receive(&rig, 0, 0));
	EXPECT_TRUE(receive(&rig, 1, 0));
	EXPECT(shutdown(rig.peer, SD_SEND) == 0, "error %d", WSAGetLastError());
	take(rig.cq, results, 2);
	expect_is(&results[0], 0, 0, 0);
	expect_is(&results[1], 0, 0, 1);
	rig_close(&rig);
}
END_TEST

START_TEST(p52_reset_is_an_error_of_what_is_posted)
{
	struct linger linger = {1, 0};
	struct rig rig;
	RIORESULT result;

	rig_open(&rig, &stream);
	EXPECT_TRUE(receive(&rig, 0, 0));
	setsockopt(rig.peer, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
	closesocket(rig.peer);
	rig.peer = socket(AF_INET, SOCK_STREAM, 0);
	result = take_one(rig.cq);
	expect_is(&result, WSAECONNRESET, 0, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(p53_receive_completes_with_what_is_there)
{
	struct rig rig;
	RIORESULT result;

	rig_open(&rig, &stream);
	EXPECT_TRUE(receive(&rig, 0, 0));
	peer_send(&rig, "part", 4);
	result = take_one(rig.cq);
	expect_is(&result, 0, 4, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(p54_waitall_fills_its_slice)
{
	char half[SLOT_BYTES / 2];
	struct rig rig;
	RIORESULT result;

	memset(half, 'h', sizeof(half));
	rig_open(&rig, &stream);
	EXPECT_TRUE(receive(&rig, 0, RIO_MSG_WAITALL));
	peer_send(&rig, half, sizeof(half));
	expect_none(rig.cq);
	peer_send(&rig, half, sizeof(half));
	result = take_one(rig.cq);
	expect_is(&result, 0, SLOT_BYTES, 0);
	rig_close(&rig);
}
END_TEST

static DWORD WINAPI send_numbers(LPVOID argument)
{
	const struct rig *rig = argument;
	uint32_t numbers[300];

	for (uint32_t first = 0; first < 30000; first += 300) {
		for (uint32_t i = 0; i < 300; i++)
			numbers[i] = first + i;
		peer_send(rig, numbers, sizeof(numbers));
	}
	shutdown(rig->peer, SD_SEND);
	return 0;
}

START_TEST(p55_eight_receives_on_a_stream_keep_bytes_and_completions_in_order)
{
	struct rig rig;
	ULONG expected_slot = 0, bytes = 0;
	HANDLE thread;

	rig_open(&rig, &stream);
	for (ULONG i = 0; i < 8; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	thread = CreateThread(NULL, 0, send_numbers, &rig, 0, NULL);
	for (;;) {
		RIORESULT result = take_one(rig.cq);
		const char *slot = slot_of(&rig, expected_slot);

		EXPECT(result.Status == 0 && result.RequestContext == expected_slot, "status %d",
		       result.Status);
		if (!result.BytesTransferred)
			break;
		for (ULONG i = 0; i < result.BytesTransferred; i++, bytes++) {
			uint32_t number = bytes / 4;

			EXPECT(slot[i] == ((char *)&number)[bytes % 4], "byte %u", bytes);
		}
		EXPECT_TRUE(receive(&rig, expected_slot, 0));
		expected_slot = (expected_slot + 1) % 8;
	}
	EXPECT(bytes == 30000 * 4, "%u bytes", bytes);
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	CloseHandle(thread);
	rig_close(&rig);
}
END_TEST

START_TEST(p55_datagrams_land_in_posting_order_also_when_posted_again_before_use)
{
	enum { SLOTS = 1024 };
	static RIORESULT results[SLOTS];
	struct rig rig;
	uint64_t sent = 0, seen = 0, total = scaled(20000);

	if (built_with_address_sanitizer())
		SKIP("the address build reports who touches a posted slice");
	rig_open(&rig, &(struct rig_plan){.receives = SLOTS});
	for (ULONG i = 0; i < SLOTS; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	while (seen < total) {
		for (; sent < total && sent < seen + 64; sent++)
			peer_send(&rig, &sent, sizeof(sent));
		take(rig.cq, results, (ULONG)(sent - seen));
		for (ULONG i = 0; seen < sent; i++, seen++) {
			ULONG at = (ULONG)(seen % SLOTS);

			expect_is(&results[i], 0, sizeof(seen), at);
			EXPECT_TRUE(receive(&rig, at, 0));
			EXPECT(memcmp(slot_of(&rig, at), &seen, sizeof(seen)) == 0, "slot %u", at);
		}
	}
	rig_close(&rig);
}
END_TEST

#define NUMBERS 4000000u
#define NUMBERS_BYTES (NUMBERS * 4u)

/* Reads until all numbers are there, in order. Returns 0, or what is wrong. */
static DWORD WINAPI read_numbers(LPVOID argument)
{
	const struct rig *rig = argument;
	uint32_t numbers[1000], expected = 0;
	size_t have = 0;

	while (expected < NUMBERS) {
		int bytes =
			recv(rig->peer, (char *)numbers + have, (int)(sizeof(numbers) - have), 0);

		if (bytes <= 0)
			return 2;
		have += (size_t)bytes;
		for (size_t i = 0; i < have / 4; i++)
			if (numbers[i] != expected++)
				return 1;
		memmove(numbers, (char *)numbers + have / 4 * 4, have % 4);
		have %= 4;
	}
	return 0;
}

static uint32_t *numbered_memory(RIO_BUFFERID *ret_id)
{
	uint32_t *numbers =
		VirtualAlloc(NULL, NUMBERS_BYTES, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

	EXPECT(numbers, "error %u", GetLastError());
	for (uint32_t i = 0; i < NUMBERS; i++)
		numbers[i] = i;
	*ret_id = rio.RIORegisterBuffer((char *)numbers, NUMBERS_BYTES);
	EXPECT(*ret_id != RIO_INVALID_BUFFERID, "error %u", GetLastError());
	return numbers;
}

static void expect_read(HANDLE thread)
{
	DWORD code;

	EXPECT(WaitForSingleObject(thread, 3 * PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	EXPECT_TRUE(GetExitCodeThread(thread, &code));
	EXPECT(code == 0, "%u", code);
	CloseHandle(thread);
}

START_TEST(p56_sends_above_the_socket_buffer_complete_whole_and_in_order)
{
	enum { PARTS = 4 };
	struct rig rig;
	uint32_t *numbers;
	RIO_BUFFERID id;
	HANDLE thread;

	rig_open(&rig, &stream);
	numbers = numbered_memory(&id);
	thread = CreateThread(NULL, 0, read_numbers, &rig, 0, NULL);
	for (ULONG i = 0; i < PARTS; i++) {
		RIO_BUF buffer = {id, i * (NUMBERS_BYTES / PARTS), NUMBERS_BYTES / PARTS};

		EXPECT_TRUE(rio.RIOSend(rig.rq, &buffer, 1, 0, (PVOID)(ULONG_PTR)i));
	}
	for (ULONG i = 0; i < PARTS; i++) {
		RIORESULT result = take_one(rig.cq);

		expect_is(&result, 0, NUMBERS_BYTES / PARTS, i);
	}
	expect_read(thread);
	rio.RIODeregisterBuffer(id);
	VirtualFree(numbers, 0, MEM_RELEASE);
	rig_close(&rig);
}
END_TEST

START_TEST(p56_sends_left_over_are_finished_with_no_thread_in_a_call)
{
	struct rig rig;
	uint32_t *numbers;
	RIO_BUFFERID id;
	RIO_BUF buffer;

	rig_open(&rig, &stream);
	numbers = numbered_memory(&id);
	buffer = (RIO_BUF){id, 0, NUMBERS_BYTES};
	EXPECT_TRUE(rio.RIOSend(rig.rq, &buffer, 1, 0, NULL));
	/* From here on nobody looks at the queue. */
	expect_read(CreateThread(NULL, 0, read_numbers, &rig, 0, NULL));
	rio.RIODeregisterBuffer(id);
	VirtualFree(numbers, 0, MEM_RELEASE);
	rig_close(&rig);
}
END_TEST

/* ---- Datagrams ---- */

START_TEST(p57_datagram_too_long_fills_its_slice_and_says_so)
{
	char data[2 * SLOT_BYTES];
	struct rig rig;
	RIORESULT result;

	memset(data, 'd', sizeof(data));
	rig_open(&rig, &(struct rig_plan){.receives = 2});
	EXPECT_TRUE(receive(&rig, 0, 0));
	EXPECT_TRUE(receive(&rig, 1, 0));
	peer_send(&rig, data, sizeof(data));
	peer_send(&rig, "ok", 2);
	result = take_one(rig.cq);
	expect_is(&result, WSAEMSGSIZE, SLOT_BYTES, 0);
	EXPECT(memcmp(slot_of(&rig, 0), data, SLOT_BYTES) == 0, "another content");
	result = take_one(rig.cq);
	expect_is(&result, 0, 2, 1);
	rig_close(&rig);
}
END_TEST

START_TEST(p58_empty_datagrams_go_both_ways)
{
	struct rig rig;
	RIORESULT results[3];

	rig_open(&rig, &(struct rig_plan){.receives = 2, .sends = 1});
	EXPECT_TRUE(receive(&rig, 0, 0));
	/* Without a slice: the payload is not wanted. */
	EXPECT_TRUE(rio.RIOReceive(rig.rq, NULL, 0, 0, (PVOID)9));
	peer_send(&rig, "", 0);
	peer_send(&rig, "", 0);
	take(rig.cq, results, 2);
	expect_is(&results[0], 0, 0, 0);
	expect_is(&results[1], 0, 0, 9);
	EXPECT_TRUE(rio.RIOSend(rig.rq, NULL, 0, 0, (PVOID)10));
	EXPECT(peer_receive(&rig, (char[8]){0}, 8) == 0, "not empty");
	results[2] = take_one(rig.cq);
	expect_is(&results[2], 0, 0, 10);
	rig_close(&rig);
}
END_TEST

START_TEST(p59_address_slices_report_both_ends)
{
	const RIO_BUF none = {0};
	struct rig rig;
	SOCKADDR_INET *local, *remote, mine, theirs;
	RIO_BUF data, at[2];
	RIORESULT result;

	rig_open(&rig, &(struct rig_plan){.family = families[_i], .receives = 4});
	data = slice(&rig, 0, SLOT_BYTES);
	at[0] = slice(&rig, 1, sizeof(SOCKADDR_INET));
	/* Longer than an address is fine. */
	at[1] = slice(&rig, 2, SLOT_BYTES);
	EXPECT_TRUE(rio.RIOReceiveEx(rig.rq, &data, 1, &at[0], &at[1], NULL, NULL, 0, NULL));
	peer_send(&rig, "hello", 5);
	result = take_one(rig.cq);
	expect_is(&result, 0, 5, 0);
	local = (SOCKADDR_INET *)(void *)slot_of(&rig, 1);
	remote = (SOCKADDR_INET *)(void *)slot_of(&rig, 2);
	mine = name_of(rig.s);
	theirs = name_of(rig.peer);
	EXPECT(memcmp(local, &mine, (size_t)name_length(&mine)) == 0, "another local address");
	EXPECT(memcmp(remote, &theirs, (size_t)name_length(&theirs)) == 0, "another sender");
	/* Our choice for a slice that an address may not fit in. */
	at[0].Length = sizeof(SOCKADDR_INET) - 1;
	EXPECT_FAILS(WSAEINVAL, FALSE,
		     rio.RIOReceiveEx(rig.rq, &data, 1, NULL, &at[0], NULL, NULL, 0, NULL));
	at[0] = none;
	EXPECT_FAILS(WSAEFAULT, FALSE,
		     rio.RIOReceiveEx(rig.rq, &data, 1, NULL, &at[0], NULL, NULL, 0, NULL));
	rig_close(&rig);
}
END_TEST

START_TEST(p60_control_buffer_has_its_prefix_and_total_length)
{
	struct rig rig;
	RIO_CMSG_BUFFER *control;
	RIO_BUF data, at, flags;
	WSACMSGHDR *header;
	IN_PKTINFO *info;
	RIORESULT result;
	BOOL on = TRUE;
	char text[8];

	rig_open(&rig, &(struct rig_plan){.receives = 4, .sends = 1});
	data = slice(&rig, 0, SLOT_BYTES);
	at = slice(&rig, 1, SLOT_BYTES);
	/* Also where a local address was wanted before. */
	EXPECT_TRUE(rio.RIOReceiveEx(rig.rq, &data, 1, &at, NULL, NULL, NULL, 0, NULL));
	peer_send(&rig, "in", 2);
	result = take_one(rig.cq);
	expect_is(&result, 0, 2, 0);
	EXPECT(setsockopt(rig.s, IPPROTO_IP, IP_PKTINFO, (char *)&on, sizeof(on)) == 0, "error %d",
	       WSAGetLastError());
	flags = slice(&rig, 2, 4);
	EXPECT_TRUE(rio.RIOReceiveEx(rig.rq, &data, 1, NULL, NULL, &at, &flags, 0, NULL));
	peer_send(&rig, "in", 2);
	result = take_one(rig.cq);
	expect_is(&result, 0, 2, 0);
	control = (RIO_CMSG_BUFFER *)(void *)slot_of(&rig, 1);
	header = RIO_CMSG_FIRSTHDR(control);
	EXPECT(header && header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO,
	       "another control message");
	info = (IN_PKTINFO *)(void *)WSA_CMSG_DATA(header);
	EXPECT(info->ipi_addr.S_un.S_addr == htonl(INADDR_LOOPBACK), "another address");
	EXPECT(control->TotalLength >= RIO_CMSG_BASE_SIZE + header->cmsg_len &&
		       RIO_CMSG_NEXTHDR(control, header) == NULL,
	       "total %u", control->TotalLength);
	EXPECT(*(ULONG *)(void *)slot_of(&rig, 2) == 0, "flags");
	/* The same goes out, with the source it says. */
	data.Length = 3;
	EXPECT_TRUE(rio.RIOSendEx(rig.rq, &data, 1, NULL, NULL, &at, NULL, 0, NULL));
	result = take_one(rig.cq);
	expect_is(&result, 0, 3, 0);
	EXPECT(peer_receive(&rig, text, sizeof(text)) == 3, "not sent");
	/* Our choice: too small a slice is no error; the flags say that something is missing. */
	data.Length = SLOT_BYTES;
	at.Length = RIO_CMSG_BASE_SIZE;
	EXPECT_TRUE(rio.RIOReceiveEx(rig.rq, &data, 1, NULL, NULL, &at, &flags, 0, NULL));
	peer_send(&rig, "in", 2);
	result = take_one(rig.cq);
	expect_is(&result, 0, 2, 0);
	EXPECT(control->TotalLength == RIO_CMSG_BASE_SIZE &&
		       *(ULONG *)(void *)slot_of(&rig, 2) == MSG_CTRUNC,
	       "total %u", control->TotalLength);
	rig_close(&rig);
}
END_TEST

START_TEST(p61_send_ex_reaches_a_peer_that_is_not_connected)
{
	SOCKET s, peer;
	struct rig rig;
	RIO_BUF data, to;
	RIORESULT result;
	RIO_RQ rq;
	char text[8];

	rig_open(&rig, &(struct rig_plan){.family = families[_i], .receives = 1, .sends = 1});
	s = bound(flagged_socket(families[_i], SOCK_DGRAM), families[_i]);
	peer = bound(socket(families[_i], SOCK_DGRAM, 0), families[_i]);
	EXPECT_TRUE(rio.RIOResizeCompletionQueue(rig.cq, 8));
	rq = rio.RIOCreateRequestQueue(s, 0, 1, 2, 1, rig.cq, rig.cq,
				       (PVOID)(ULONG_PTR)SOCKET_CONTEXT);
	data = slice(&rig, 0, 4);
	to = slice(&rig, 1, 128);
	*(SOCKADDR_INET *)(void *)slot_of(&rig, 1) = name_of(peer);
	EXPECT_TRUE(rio.RIOSendEx(rq, &data, 1, NULL, &to, NULL, NULL, 0, NULL));
	result = take_one(rig.cq);
	expect_is(&result, 0, 4, 0);
	EXPECT(recv(peer, text, sizeof(text), 0) == 4, "error %d", WSAGetLastError());
	EXPECT_TRUE(rio.RIOSendEx(rq, &data, 1, NULL, NULL, NULL, NULL, 0, (PVOID)1));
	result = take_one(rig.cq);
	expect_is(&result, WSAENOTCONN, 0, 1);
	/* A plain send beside it. */
	{
		SOCKADDR_INET name = name_of(peer);

		EXPECT(sendto(s, "plain", 5, 0, (struct sockaddr *)&name, name_length(&name)) == 5,
		       "error %d", WSAGetLastError());
		EXPECT(recv(peer, text, sizeof(text), 0) == 5, "error %d", WSAGetLastError());
	}
	closesocket(s);
	closesocket(peer);
	rig_close(&rig);
}
END_TEST

START_TEST(p62_local_address_of_a_send_is_invalid)
{
	struct rig rig;
	RIO_BUF data, at;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .sends = 1});
	data = slice(&rig, 0, 4);
	at = slice(&rig, 1, 64);
	EXPECT_FAILS(WSAEINVAL, FALSE,
		     rio.RIOSendEx(rig.rq, &data, 1, &at, NULL, NULL, NULL, 0, NULL));
	rig_close(&rig);
}
END_TEST

START_TEST(posted_receives_survive_fionbio)
{
	struct rig rig;
	RIORESULT result;
	u_long on = 1;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .sends = 1});
	EXPECT_TRUE(receive(&rig, 0, 0));
	EXPECT(ioctlsocket(rig.s, FIONBIO, &on) == 0, "error %d", WSAGetLastError());
	expect_none(rig.cq);
	peer_send(&rig, "x", 1);
	result = take_one(rig.cq);
	expect_is(&result, 0, 1, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(unreachable_peers_are_reported_only_when_asked_for)
{
	DWORD bytes, on = 1;
	struct rig rig;
	RIORESULT result;
	SOCKET last;

	/*
	 * Our choice: none unless SIO_UDP_CONNRESET has been set before the queue is made, not even
	 * where the last socket of the same number had it set.
	 */
	rig_start();
	last = flagged_socket(AF_INET, SOCK_DGRAM);
	EXPECT(WSAIoctl(last, SIO_UDP_CONNRESET, &on, sizeof(on), NULL, 0, &bytes, NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
	closesocket(last);
	rig_open(&rig, &(struct rig_plan){.receives = 1, .sends = 1});
	EXPECT(rig.s == last, "another number");
	closesocket(rig.peer);
	rig.peer = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_TRUE(receive(&rig, 0, 0));
	EXPECT_TRUE(transmit(&rig, 1, 1, 0));
	result = take_one(rig.cq);
	expect_is(&result, 0, 1, 1);
	expect_none(rig.cq);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(p51_end_of_a_stream_is_success_with_0_bytes),
		CASE(p52_reset_is_an_error_of_what_is_posted),
		CASE(p53_receive_completes_with_what_is_there),
		CASE(p54_waitall_fills_its_slice),
		CASE_SLOW(p55_eight_receives_on_a_stream_keep_bytes_and_completions_in_order),
		CASE_SLOW(p55_datagrams_land_in_posting_order_also_when_posted_again_before_use),
		CASE_SLOW(p56_sends_above_the_socket_buffer_complete_whole_and_in_order),
		CASE_SLOW(p56_sends_left_over_are_finished_with_no_thread_in_a_call),
		CASE(p57_datagram_too_long_fills_its_slice_and_says_so),
		CASE(p58_empty_datagrams_go_both_ways),
		CASE_PER_FAMILY(p59_address_slices_report_both_ends),
		CASE(p60_control_buffer_has_its_prefix_and_total_length),
		CASE_PER_FAMILY(p61_send_ex_reaches_a_peer_that_is_not_connected),
		CASE(p62_local_address_of_a_send_is_invalid),
		CASE(posted_receives_survive_fionbio),
		CASE(unreachable_peers_are_reported_only_when_asked_for),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
