/* SPDX-License-Identifier: MIT */
/*
 * names.c - what Registered I/O programs use beside sockets and waits, and what it does
 */
#include "rig.h"

#include <limits.h>
#include <mstcpip.h>
#include <stdio.h>
#include <versionhelpers.h>

/* docs/PORTING.md lists those that differ from Windows. */
C_ASSERT(sizeof(LINGER) == 4 && sizeof(INIT_ONCE) == 8);
C_ASSERT(sizeof(struct timeval) == 16 && sizeof(CRITICAL_SECTION) == 64);
C_ASSERT(sizeof(SRWLOCK) == 64 && sizeof(CONDITION_VARIABLE) == 96);
C_ASSERT(sizeof(fd_set) == 8200 && sizeof(IN_PKTINFO) == 12 && sizeof(WCHAR) == 4);

START_TEST(names_and_versions_are_there)
{
	const int constants[] = {
		IP_UNICAST_IF,
		IPV6_UNICAST_IF,
		(int)SIO_TCP_INITIAL_RTO,
		(int)SIO_CPU_AFFINITY,
		(int)SIO_SET_COMPATIBILITY_MODE,
		ERROR_NO_SYSTEM_RESOURCES,
		SO_REUSE_UNICASTPORT,
		SO_PORT_SCALABILITY,
		XP1_IFS_HANDLES,
		SO_PROTOCOL_INFO,
		WINSOCK_VERSION,
		E_OUTOFMEMORY,
		DLL_PROCESS_ATTACH,
		IP_DONTFRAGMENT,
		IP_USER_MTU,
		IP_ECN,
		IP_TOS,
		SO_RANDOMIZE_PORT,
		TCP_FASTOPEN,
		UDP_SEND_MSG_SIZE,
		UDP_RECV_MAX_COALESCED_SIZE,
		(int)SIO_KEEPALIVE_VALS,
		SO_CONNECT_TIME,
		SO_MAX_MSG_SIZE,
		SO_EXCLUSIVEADDRUSE,
	};

	EXPECT(ARRAY_SIZE(constants) == 25, "constants");
	EXPECT(IsWindows8OrGreater() && IsWindows10OrGreater() && !IsWindowsServer(), "a version");
	EXPECT(IsWindowsVersionOrGreater(6, 2, 0) && !IsWindowsVersionOrGreater(11, 0, 0),
	       "a version");
	EXPECT(WINSOCK_VERSION == MAKEWORD(2, 2), "%x", WINSOCK_VERSION);
}
END_TEST

/* ---- Win32 ---- */

static LONG runs;

static BOOL WINAPI initialize(PINIT_ONCE once, PVOID parameter, PVOID *ret_context)
{
	InterlockedIncrement(&runs);
	*ret_context = parameter;
	return parameter != NULL;
}

static DWORD WINAPI initialize_often(LPVOID argument)
{
	static char context[4] __attribute__((aligned(4)));
	DWORD wrong = 0;

	for (int i = 0; i < 1000; i++) {
		PVOID made = NULL;

		wrong += !InitOnceExecuteOnce(argument, initialize, context, &made) ||
			 made != context;
	}
	return wrong;
}

START_TEST(initialization_runs_once)
{
	INIT_ONCE once = INIT_ONCE_STATIC_INIT;
	HANDLE threads[4];
	DWORD wrong;

	/* A failure leaves it to the next call. */
	EXPECT(!InitOnceExecuteOnce(&once, initialize, NULL, NULL) && runs == 1, "%d runs", runs);
	for (int i = 0; i < 4; i++)
		threads[i] = CreateThread(NULL, 0, initialize_often, &once, 0, NULL);
	EXPECT(WaitForMultipleObjects(4, threads, TRUE, PATIENCE_MS) == WAIT_OBJECT_0,
	       "they go on");
	for (int i = 0; i < 4; i++) {
		EXPECT(GetExitCodeThread(threads[i], &wrong) && wrong == 0, "%u wrong", wrong);
		CloseHandle(threads[i]);
	}
	EXPECT(runs == 2, "%d runs", runs);
}
END_TEST

static DWORD WINAPI pass_itself(LPVOID argument)
{
	return DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(),
			       argument, 0, FALSE, DUPLICATE_SAME_ACCESS)
		       ? 7
		       : 0;
}

START_TEST(duplicated_handles_name_the_same_object)
{
	HANDLE self = GetCurrentProcess(), event = CreateEvent(NULL, TRUE, FALSE, NULL);
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0), other, thread;
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes, code;

	EXPECT_TRUE(DuplicateHandle(self, event, self, &other, 0, FALSE, DUPLICATE_SAME_ACCESS));
	EXPECT(other != event, "the same handle");
	SetEvent(event);
	EXPECT_TRUE(CloseHandle(event));
	EXPECT(WaitForSingleObject(other, 0) == WAIT_OBJECT_0, "it is not set");
	EXPECT_TRUE(CloseHandle(other));
	/* A port works until its last handle is closed. */
	EXPECT_TRUE(DuplicateHandle(self, port, self, &other, 0, FALSE, DUPLICATE_CLOSE_SOURCE));
	EXPECT_FAILS(ERROR_INVALID_HANDLE, FALSE, CloseHandle(port));
	EXPECT_TRUE(PostQueuedCompletionStatus(other, 5, 6, NULL));
	EXPECT_TRUE(GetQueuedCompletionStatus(other, &bytes, &key, &overlapped, 0));
	EXPECT(bytes == 5 && key == 6, "another packet");
	EXPECT_TRUE(CloseHandle(other));
	thread = CreateThread(NULL, 0, pass_itself, &other, 0, NULL);
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	EXPECT(WaitForSingleObject(other, 0) == WAIT_OBJECT_0, "another thread");
	EXPECT(GetExitCodeThread(other, &code) && code == 7, "%u", code);
	CloseHandle(thread);
	CloseHandle(other);
	/* Of a thread that was not created by CreateThread(). */
	EXPECT_TRUE(DuplicateHandle(self, GetCurrentThread(), self, &thread, 0, FALSE,
				    DUPLICATE_SAME_ACCESS));
	EXPECT(GetThreadId(thread) == GetCurrentThreadId(), "another thread");
	EXPECT(WaitForSingleObject(thread, 0) == WAIT_TIMEOUT, "it has ended");
	CloseHandle(thread);
	EXPECT_FAILS(ERROR_INVALID_HANDLE, FALSE,
		     DuplicateHandle(self, NULL, self, &other, 0, FALSE, 0));
}
END_TEST

START_TEST(events_by_flags)
{
	HANDLE event = CreateEventEx(NULL, NULL, CREATE_EVENT_INITIAL_SET, EVENT_ALL_ACCESS);

	EXPECT(WaitForSingleObject(event, 0) == WAIT_OBJECT_0, "it is not set");
	EXPECT(WaitForSingleObject(event, 0) == WAIT_TIMEOUT, "it does not reset itself");
	CloseHandle(event);
	event = CreateEventEx(NULL, NULL, CREATE_EVENT_MANUAL_RESET, SYNCHRONIZE);
	EXPECT(WaitForSingleObject(event, 0) == WAIT_TIMEOUT, "it is set");
	CloseHandle(event);
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, NULL, CreateEventEx(NULL, NULL, 4, 0));
	EXPECT_FAILS(ERROR_NOT_SUPPORTED, NULL, CreateEventEx(NULL, "named", 0, 0));
	EXPECT_FAILS(ERROR_FILE_NOT_FOUND, NULL, OpenEvent(SYNCHRONIZE, FALSE, "named"));
}
END_TEST

START_TEST(memory_that_grows_keeps_its_content_and_not_its_registration)
{
	HANDLE heap = GetProcessHeap();
	char *memory, *grown;
	RIO_BUFFERID id;

	rig_start();
	memory = HeapAlloc(heap, 0, 100);
	memset(memory, 'x', 100);
	id = rio.RIORegisterBuffer(memory, 100);
	EXPECT(id != RIO_INVALID_BUFFERID, "error %u", GetLastError());
	grown = HeapReAlloc(heap, HEAP_ZERO_MEMORY, memory, 1 << 20);
	EXPECT(grown && grown[0] == 'x' && grown[99] == 'x' && grown[(1 << 20) - 1] == 0,
	       "content");
	rio.RIODeregisterBuffer(id);
	EXPECT(!HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, grown, 1 << 24), "it has grown");
	EXPECT_TRUE(HeapFree(heap, 0, grown));
}
END_TEST

static ULONGLONG counts(FILETIME time)
{
	return (ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

START_TEST(times_of_process_and_thread)
{
	FILETIME creation, end, kernel, user, now;

	GetSystemTimeAsFileTime(&now);
	EXPECT_TRUE(GetProcessTimes(GetCurrentProcess(), &creation, &end, &kernel, &user));
	/* A second of tolerance for the two clocks. */
	EXPECT(counts(creation) < counts(now) + 10000000 && counts(end) == 0, "times");
	EXPECT_TRUE(GetThreadTimes(GetCurrentThread(), &creation, &end, &kernel, &user));
	EXPECT(counts(creation) < counts(now) + 10000000, "times");
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, FALSE,
		     GetThreadTimes(GetCurrentThread(), NULL, &end, &kernel, &user));
}
END_TEST

START_TEST(processors_and_their_group)
{
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION *entries;
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX *large;
	GROUP_AFFINITY affinity, before;
	PROCESSOR_NUMBER number;
	DWORD size = 0, cores = 0, groups = 0;
	char *memory;

	EXPECT_FAILS(ERROR_INSUFFICIENT_BUFFER, FALSE, GetLogicalProcessorInformation(NULL, &size));
	entries = malloc(size);
	EXPECT_TRUE(GetLogicalProcessorInformation(entries, &size));
	for (DWORD i = 0; i < size / sizeof(*entries); i++) {
		EXPECT(entries[i].ProcessorMask, "entry %u names no processor", i);
		cores += entries[i].Relationship == RelationProcessorCore;
	}
	EXPECT(cores >= 1 && cores <= GetActiveProcessorCount(ALL_PROCESSOR_GROUPS), "%u", cores);
	free(entries);
	size = 0;
	EXPECT_FAILS(ERROR_INSUFFICIENT_BUFFER, FALSE,
		     GetLogicalProcessorInformationEx(RelationAll, NULL, &size));
	memory = malloc(size);
	large = (void *)memory;
	EXPECT_TRUE(GetLogicalProcessorInformationEx(RelationAll, large, &size));
	for (DWORD at = 0; at < size; at += large->Size) {
		large = (void *)(memory + at);
		EXPECT(large->Size >= 8 && at + large->Size <= size, "%u bytes", large->Size);
		cores -= large->Relationship == RelationProcessorCore;
		groups += large->Relationship == RelationGroup;
	}
	EXPECT(cores == 0 && groups == 1, "other numbers");
	free(memory);
	EXPECT(GetActiveProcessorGroupCount() == 1, "groups");
	GetCurrentProcessorNumberEx(&number);
	EXPECT(number.Group == 0, "group %u", number.Group);
	EXPECT_TRUE(GetThreadGroupAffinity(GetCurrentThread(), &affinity));
	EXPECT_TRUE(SetThreadGroupAffinity(GetCurrentThread(), &affinity, &before));
	EXPECT(before.Mask == affinity.Mask && affinity.Mask, "another mask");
	affinity.Group = 1;
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, FALSE,
		     SetThreadGroupAffinity(GetCurrentThread(), &affinity, NULL));
}
END_TEST

static LONG WINAPI filter(EXCEPTION_POINTERS *exception)
{
	return EXCEPTION_CONTINUE_SEARCH;
}

START_TEST(exception_filter_is_kept)
{
	EXPECT(!SetUnhandledExceptionFilter(filter), "a filter");
	EXPECT(SetUnhandledExceptionFilter(NULL) == filter, "another filter");
}
END_TEST

/* ---- Addresses ---- */

START_TEST(addresses_from_text)
{
	static const struct {
		const char *text;
		int family;
		USHORT port;
		ULONG scope;
	} texts[] = {{"1.2.3.4", AF_INET, 0, 0},      {"1.2.3.4:80", AF_INET, 80, 0},
		     {"2001:db8::1", AF_INET6, 0, 0}, {"[2001:db8::1]:443", AF_INET6, 443, 0},
		     {"fe80::1%7", AF_INET6, 0, 7},   {"[fe80::1%7]:9", AF_INET6, 9, 7}};
	static const char *wrong[] = {"",	   "1.2.3",    "1.2.3.4:", "1.2.3.4:70000",
				      "1.2.3.4:x", "[::1]:80", "::1::2",   "1.2.3.4:0"};
	SOCKADDR_INET name;
	wchar_t wide[64];
	char text[64], copy[64];
	int length;
	DWORD size;

	rig_start();
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		length = sizeof(name);
		size = sizeof(text);
		snprintf(copy, sizeof(copy), "%s", texts[i].text);
		EXPECT(WSAStringToAddress(copy, texts[i].family, NULL, (SOCKADDR *)&name,
					  &length) == 0,
		       "%s: error %d", copy, WSAGetLastError());
		EXPECT(name.si_family == texts[i].family && length == name_length(&name) &&
			       ntohs(name.Ipv4.sin_port) == texts[i].port,
		       "%s: port %u", copy, ntohs(name.Ipv4.sin_port));
		EXPECT(WSAAddressToString((SOCKADDR *)&name, (DWORD)length, NULL, text, &size) ==
				       0 &&
			       strcmp(text, copy) == 0,
		       "%s is %s", copy, text);
		for (length = 0; copy[length]; length++)
			wide[length] = (unsigned char)copy[length];
		wide[length] = 0;
		length = sizeof(name);
		EXPECT(WSAStringToAddressW(wide, texts[i].family, NULL, (SOCKADDR *)&name,
					   &length) == 0,
		       "%s: error %d", copy, WSAGetLastError());
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		length = sizeof(name);
		snprintf(copy, sizeof(copy), "%s", wrong[i]);
		EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR,
			     WSAStringToAddress(copy, AF_INET, NULL, (SOCKADDR *)&name, &length));
	}
	length = 4;
	snprintf(copy, sizeof(copy), "1.2.3.4");
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
		     WSAStringToAddress(copy, AF_INET, NULL, (SOCKADDR *)&name, &length));
	EXPECT(length == sizeof(SOCKADDR_IN), "%d", length);
	EXPECT(if_nametoindex("lo") != 0 && if_nametoindex("") == 0, "an interface");
}
END_TEST

START_TEST(numbers_in_the_order_of_the_network)
{
	USHORT half = 0;
	ULONG whole = 0;
	SOCKET s;

	rig_start();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT(WSAHtons(s, 0x1234, &half) == 0 && half == htons(0x1234), "%x", half);
	EXPECT(WSANtohs(s, half, &half) == 0 && half == 0x1234, "%x", half);
	EXPECT(WSAHtonl(s, 0x12345678, &whole) == 0 && whole == htonl(0x12345678), "%x", whole);
	EXPECT(WSANtohl(s, whole, &whole) == 0 && whole == 0x12345678, "%x", whole);
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, WSAHtons(s, 1, NULL));
	EXPECT_FAILS(WSAENOTSOCK, SOCKET_ERROR, WSAHtons(INVALID_SOCKET, 1, &half));
	closesocket(s);
}
END_TEST

START_TEST(look_up_with_wide_characters)
{
	ADDRINFOW hints = {.ai_family = AF_INET, .ai_flags = AI_NUMERICHOST}, *list = NULL;
	wchar_t host[64], service[16];
	SOCKET_ADDRESS address;

	rig_start();
	EXPECT(GetAddrInfoW(L"127.0.0.1", L"4660", &hints, &list) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(list->ai_family == AF_INET && !list->ai_next, "another address");
	address = (SOCKET_ADDRESS){list->ai_addr, (INT)list->ai_addrlen};
	EXPECT(GetNameInfoW(address.lpSockaddr, address.iSockaddrLength, host, 64, service, 16,
			    NI_NUMERICHOST | NI_NUMERICSERV) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(wcscmp(host, L"127.0.0.1") == 0 && wcscmp(service, L"4660") == 0, "%ls, %ls", host,
	       service);
	EXPECT(GetNameInfoW(address.lpSockaddr, address.iSockaddrLength, host, 4, NULL, 0,
			    NI_NUMERICHOST) == WSAEFAULT,
	       "it fits");
	FreeAddrInfoW(list);
	EXPECT(GetAddrInfoW(L"\u00e9.example", NULL, &hints, &list) == WSAHOST_NOT_FOUND, "found");
}
END_TEST

START_TEST(ioctls_for_processors_and_connecting)
{
	TCP_INITIAL_RTO_PARAMETERS rto = {TCP_INITIAL_RTO_UNSPECIFIED_RTT, 3};
	USHORT processor = 0;
	DWORD bytes;
	SOCKET s, tcp;
	int value = 0, length = sizeof(value);

	rig_start();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(WSAIoctl(s, SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, &bytes, NULL,
			NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(WSAIoctl(tcp, SIO_TCP_INITIAL_RTO, &rto, sizeof(rto), NULL, 0, &bytes, NULL, NULL) ==
		       0,
	       "error %d", WSAGetLastError());
	EXPECT_FAILS(
		WSAEOPNOTSUPP, SOCKET_ERROR,
		WSAIoctl(s, SIO_TCP_INITIAL_RTO, &rto, sizeof(rto), NULL, 0, &bytes, NULL, NULL));
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
		     WSAIoctl(s, SIO_CPU_AFFINITY, NULL, 0, NULL, 0, &bytes, NULL, NULL));
	EXPECT_FAILS(WSAENOPROTOOPT, SOCKET_ERROR,
		     setsockopt(s, IPPROTO_IP, IP_USER_MTU, (char *)&length, sizeof(length)));
	EXPECT(getsockopt(s, IPPROTO_IP, IP_UNICAST_IF, (char *)&value, &length) == 0, "error %d",
	       WSAGetLastError());
	closesocket(s);
	closesocket(tcp);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(names_and_versions_are_there),
		CASE(initialization_runs_once),
		CASE(duplicated_handles_name_the_same_object),
		CASE(events_by_flags),
		CASE(memory_that_grows_keeps_its_content_and_not_its_registration),
		CASE(times_of_process_and_thread),
		CASE(processors_and_their_group),
		CASE(exception_filter_is_kept),
		CASE(addresses_from_text),
		CASE(numbers_in_the_order_of_the_network),
		CASE(look_up_with_wide_characters),
		CASE(ioctls_for_processors_and_connecting),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
