/* SPDX-License-Identifier: MIT */
/*
 * scale.c - as large as programs ask for; times are told and not judged
 */
#include <sys/resource.h>

#include "rig.h"

static void tell(const char *what, int64_t since_ns, uint64_t count)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("# %s: %.1f ms, %.0f ns each, %ld MB at most\n", what,
	       (double)(now_ns() - since_ns) / 1e6, (double)(now_ns() - since_ns) / (double)count,
	       usage.ru_maxrss / 1024);
}

START_TEST(two_thousand_queues_of_110_entries_on_one_port)
{
	enum { QUEUES = 2000, ENTRIES = 110 };
	static RIO_CQ cqs[QUEUES];
	static SOCKET sockets[QUEUES];
	static RIO_RQ rqs[QUEUES];
	static char memory[QUEUES * 64];
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	OVERLAPPED token, *overlapped;
	struct rlimit limit;
	RIO_BUFFERID id;
	SOCKET peer;
	int64_t start_ns;

	rig_start();
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < QUEUES + 100)
		SKIP("%lu descriptors allowed", (unsigned long)limit.rlim_cur);
	peer = socket(AF_INET, SOCK_DGRAM, 0);
	id = rio.RIORegisterBuffer(memory, sizeof(memory));
	start_ns = now_ns();
	for (ULONG i = 0; i < QUEUES; i++) {
		RIO_NOTIFICATION_COMPLETION how = by_port(port, (void *)(ULONG_PTR)(i + 1), &token);
		RIO_BUF buffer = {id, i * 64, 64};

		cqs[i] = rio.RIOCreateCompletionQueue(ENTRIES, &how);
		EXPECT(cqs[i] != RIO_INVALID_CQ, "%u: error %u", i, GetLastError());
		sockets[i] = bound(flagged_socket(AF_INET, SOCK_DGRAM), AF_INET);
		rqs[i] = rio.RIOCreateRequestQueue(sockets[i], ENTRIES / 2, 1, ENTRIES / 2, 1,
						   cqs[i], cqs[i], NULL);
		EXPECT(rqs[i] != RIO_INVALID_RQ, "%u: error %u", i, GetLastError());
		EXPECT_TRUE(rio.RIOReceive(rqs[i], &buffer, 1, 0, NULL));
		EXPECT(rio.RIONotify(cqs[i]) == 0, "RIONotify");
	}
	tell("2,000 queues", start_ns, QUEUES);
	start_ns = now_ns();
	for (ULONG i = 0; i < QUEUES; i++) {
		ULONG at = i * 7 % QUEUES;
		SOCKADDR_INET name = name_of(sockets[at]);
		RIORESULT result;
		ULONG_PTR key;
		DWORD bytes;

		sendto(peer, "x", 1, 0, (struct sockaddr *)&name, name_length(&name));
		EXPECT_TRUE(
			GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
		EXPECT(key == at + 1, "another queue");
		EXPECT(rio.RIODequeueCompletion(cqs[at], &result, 1) == 1, "an empty wake-up");
	}
	tell("a message on each", start_ns, QUEUES);
	start_ns = now_ns();
	for (ULONG i = 0; i < QUEUES; i++) {
		closesocket(sockets[i]);
		rio.RIOCloseCompletionQueue(cqs[i]);
	}
	tell("closing them", start_ns, QUEUES);
	rio.RIODeregisterBuffer(id);
	CloseHandle(port);
}
END_TEST

START_TEST(ten_thousand_registrations_of_64_kib)
{
	enum { COUNT = 10240, BYTES = 65536 };
	static RIO_BUFFERID ids[COUNT];
	int64_t start_ns;
	char *memory;

	rig_start();
	/* The same 16 MiB again and again: registrations may overlap. */
	memory = VirtualAlloc(NULL, 256 * BYTES, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	start_ns = now_ns();
	for (int i = 0; i < COUNT; i++) {
		ids[i] = rio.RIORegisterBuffer(memory + (size_t)(i % 256) * BYTES, BYTES);
		EXPECT(ids[i] != RIO_INVALID_BUFFERID, "%d: error %u", i, GetLastError());
	}
	tell("10,240 registrations", start_ns, COUNT);
	start_ns = now_ns();
	for (int i = 0; i < COUNT; i++)
		rio.RIODeregisterBuffer(ids[i]);
	tell("ending them", start_ns, COUNT);
	EXPECT_TRUE(VirtualFree(memory, 0, MEM_RELEASE));
}
END_TEST

START_TEST(registration_of_almost_4_gib)
{
	const SIZE_T bytes = 0xF9999000u; /* 3.9 GiB */
	int64_t start_ns;
	RIO_BUFFERID id;
	char *memory;

	rig_start();
	if (built_with_sanitizer())
		SKIP("too much memory beside a sanitizer's");
	if (sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE) < 6ll << 30)
		SKIP("less than 6 GiB of memory are free");
	memory = VirtualAlloc(NULL, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	start_ns = now_ns();
	id = rio.RIORegisterBuffer(memory, (DWORD)bytes);
	EXPECT(id != RIO_INVALID_BUFFERID, "error %u", GetLastError());
	tell("3.9 GiB", start_ns, 1);
	rio.RIODeregisterBuffer(id);
	EXPECT_TRUE(VirtualFree(memory, 0, MEM_RELEASE));
}
END_TEST

START_TEST(hundred_and_fifty_thousand_receives_on_one_queue)
{
	enum { RECEIVES = 150000, SLOT = 64, MESSAGES = 50000 };
	static RIORESULT results[1000];
	uint64_t seen = 0, sent = 0, total = scaled(MESSAGES);
	SOCKET s, peer;
	RIO_BUFFERID id;
	SOCKADDR_INET name;
	int64_t start_ns;
	char *memory;
	RIO_CQ cq;
	RIO_RQ rq;

	rig_start();
	memory = VirtualAlloc(NULL, RECEIVES * SLOT, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	id = rio.RIORegisterBuffer(memory, RECEIVES * SLOT);
	cq = rio.RIOCreateCompletionQueue(RECEIVES, NULL);
	s = bound(flagged_socket(AF_INET, SOCK_DGRAM), AF_INET);
	start_ns = now_ns();
	rq = rio.RIOCreateRequestQueue(s, RECEIVES, 1, 0, 1, cq, cq, NULL);
	EXPECT(rq != RIO_INVALID_RQ, "error %u", GetLastError());
	for (ULONG i = 0; i < RECEIVES; i++) {
		RIO_BUF buffer = {id, i * SLOT, SLOT};

		EXPECT_TRUE(rio.RIOReceive(rq, &buffer, 1, 0, (PVOID)(ULONG_PTR)i));
	}
	tell("150,000 receives", start_ns, RECEIVES);
	peer = socket(AF_INET, SOCK_DGRAM, 0);
	name = name_of(s);
	start_ns = now_ns();
	while (seen < total) {
		ULONG count;

		for (; sent < total && sent < seen + 64; sent++)
			sendto(peer, (char *)&sent, sizeof(sent), 0, (struct sockaddr *)&name,
			       name_length(&name));
		count = rio.RIODequeueCompletion(cq, results, 1000);
		EXPECT(now_ns() - start_ns < 60 * SECOND_NS, "%llu of %llu",
		       (unsigned long long)seen, (unsigned long long)total);
		for (ULONG i = 0; i < count; i++, seen++)
			EXPECT(results[i].RequestContext == seen &&
				       memcmp(memory + seen * SLOT, &seen, sizeof(seen)) == 0,
			       "message %llu", (unsigned long long)seen);
	}
	tell("messages", start_ns, total);
	start_ns = now_ns();
	closesocket(s);
	tell("closing", start_ns, RECEIVES);
	rio.RIOCloseCompletionQueue(cq);
	rio.RIODeregisterBuffer(id);
	EXPECT_TRUE(VirtualFree(memory, 0, MEM_RELEASE));
}
END_TEST

/* ---- A port, four threads, 100,000 receives ---- */

#define SERVERS 4
#define SLOT 64
#define RECEIVES 100000u

static struct {
	HANDLE port;
	RIO_CQ cq;
	RIO_RQ rq;
	RIO_BUFFERID id;
	CRITICAL_SECTION dequeue_lock, post_lock;
	volatile LONG64 echoed;
	volatile LONG empty;
} server;

static void serve_result(const RIORESULT *result)
{
	ULONG at = (ULONG)(result->RequestContext / 2);
	RIO_BUF data = {server.id, at * SLOT, 8};
	RIO_BUF address = {server.id, at * SLOT + 32, sizeof(SOCKADDR_INET)};

	EnterCriticalSection(&server.post_lock);
	if (result->RequestContext % 2)
		rio.RIOReceiveEx(server.rq, &data, 1, NULL, &address, NULL, NULL, 0,
				 (PVOID)(ULONG_PTR)(at * 2));
	else
		rio.RIOSendEx(server.rq, &data, 1, NULL, &address, NULL, NULL, 0,
			      (PVOID)(ULONG_PTR)(at * 2 + 1));
	LeaveCriticalSection(&server.post_lock);
	if (result->RequestContext % 2)
		InterlockedIncrement64(&server.echoed);
}

static unsigned __stdcall serve(void *argument)
{
	RIORESULT results[64];
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;
	ULONG count;

	while (GetQueuedCompletionStatus(server.port, &bytes, &key, &overlapped, INFINITE) && key) {
		EnterCriticalSection(&server.dequeue_lock);
		count = rio.RIODequeueCompletion(server.cq, results, 64);
		if (count == 0 || count == RIO_CORRUPT_CQ)
			InterlockedIncrement(&server.empty);
		rio.RIONotify(server.cq);
		LeaveCriticalSection(&server.dequeue_lock);
		for (ULONG i = 0; i < count && count != RIO_CORRUPT_CQ; i++)
			serve_result(&results[i]);
	}
	return 0;
}

static void server_open(SOCKET s, char *memory)
{
	RIO_NOTIFICATION_COMPLETION how;

	server.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, SERVERS);
	how = by_port(server.port, (void *)1, &server);
	InitializeCriticalSection(&server.dequeue_lock);
	InitializeCriticalSection(&server.post_lock);
	server.id = rio.RIORegisterBuffer(memory, RECEIVES * SLOT);
	server.cq = rio.RIOCreateCompletionQueue(2 * RECEIVES, &how);
	server.rq =
		rio.RIOCreateRequestQueue(s, RECEIVES, 1, RECEIVES, 1, server.cq, server.cq, NULL);
	EXPECT(server.rq != RIO_INVALID_RQ, "error %u", GetLastError());
	for (ULONG i = 0; i < RECEIVES; i++) {
		RIO_BUF data = {server.id, i * SLOT, 8};
		RIO_BUF address = {server.id, i * SLOT + 32, sizeof(SOCKADDR_INET)};

		EXPECT(rio.RIOReceiveEx(server.rq, &data, 1, NULL, &address, NULL, NULL, 0,
					(PVOID)(ULONG_PTR)(i * 2)),
		       "error %u", GetLastError());
	}
	EXPECT(rio.RIONotify(server.cq) == 0, "RIONotify");
}

START_TEST(port_echo_with_four_threads_and_a_hundred_thousand_receives)
{
	uint64_t total = scaled(100000), sent = 0, back = 0;
	DWORD timeout_ms = PATIENCE_MS;
	HANDLE threads[SERVERS];
	SOCKADDR_INET name;
	int64_t start_ns;
	SOCKET s, peer;
	char *memory;

	rig_start();
	memory = VirtualAlloc(NULL, RECEIVES * SLOT, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	s = bound(flagged_socket(AF_INET, SOCK_DGRAM), AF_INET);
	start_ns = now_ns();
	server_open(s, memory);
	tell("100,000 receives", start_ns, RECEIVES);
	for (int i = 0; i < SERVERS; i++)
		threads[i] = (HANDLE)_beginthreadex(NULL, 0, serve, NULL, 0, NULL);
	peer = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout_ms, sizeof(timeout_ms));
	name = name_of(s);
	start_ns = now_ns();
	while (back < total) {
		uint64_t number;

		for (; sent < total && sent < back + 32; sent++)
			sendto(peer, (char *)&sent, sizeof(sent), 0, (struct sockaddr *)&name,
			       name_length(&name));
		EXPECT(recv(peer, (char *)&number, sizeof(number), 0) == sizeof(number),
		       "after %llu: error %d", (unsigned long long)back, WSAGetLastError());
		EXPECT(number < sent, "a message never sent");
		back++;
	}
	tell("echoes", start_ns, total);
	for (int i = 0; i < SERVERS; i++)
		PostQueuedCompletionStatus(server.port, 0, 0, NULL);
	EXPECT(WaitForMultipleObjects(SERVERS, threads, TRUE, PATIENCE_MS) == WAIT_OBJECT_0,
	       "a server goes on");
	EXPECT(server.empty == 0, "%d empty wake-ups", server.empty);
	for (int i = 0; i < SERVERS; i++)
		CloseHandle(threads[i]);
	closesocket(s);
	rio.RIOCloseCompletionQueue(server.cq);
	rio.RIODeregisterBuffer(server.id);
	CloseHandle(server.port);
	EXPECT_TRUE(VirtualFree(memory, 0, MEM_RELEASE));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_SLOW(two_thousand_queues_of_110_entries_on_one_port),
		CASE_SLOW(ten_thousand_registrations_of_64_kib),
		CASE_SLOW(registration_of_almost_4_gib),
		CASE_SLOW(hundred_and_fifty_thousand_receives_on_one_queue),
		CASE_SLOW(port_echo_with_four_threads_and_a_hundred_thousand_receives),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
