/* SPDX-License-Identifier: MIT */
/*
 * What the Registered I/O examples share.
 */
#include "common.h"

RIO_EXTENSION_FUNCTION_TABLE rio;

void die(const char *what)
{
	DWORD error = GetLastError();
	char text[256] = "";

	FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0,
		       text, sizeof(text), NULL);
	fprintf(stderr, "%s: error %d: %s\n", what, (int)error, text);
	exit(1);
}

void start(void)
{
	GUID id = WSAID_MULTIPLE_RIO;
	DWORD bytes = 0;
	WSADATA data;
	SOCKET s;

	if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
		die("WSAStartup");
	/* Any socket will do. */
	s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	if (s == INVALID_SOCKET)
		die("socket");
	if (WSAIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &rio,
		     sizeof(rio), &bytes, NULL, NULL) != 0)
		die("WSAIoctl");
	closesocket(s);
}

long count_wanted(int argc, char **argv)
{
	long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

	if (count > 0)
		return count;
	fprintf(stderr, "usage: %s COUNT\n", argv[0]);
	exit(2);
}

SOCKET bound_socket(int type)
{
	struct sockaddr_in address;
	SOCKET s = WSASocketW(AF_INET, type, type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP, NULL,
			      0, WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED);

	if (s == INVALID_SOCKET)
		die("WSASocket");
	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(s, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("bind");
	return s;
}

void announce(SOCKET s)
{
	struct sockaddr_in address;
	int length = sizeof(address);

	if (getsockname(s, (struct sockaddr *)&address, &length) != 0)
		die("getsockname");
	printf("port %d\n", ntohs(address.sin_port));
	fflush(stdout);
}

char *registered_memory(DWORD slots, RIO_BUFFERID *ret_id)
{
	DWORD bytes = slots * SLOT_SIZE;
	char *memory = (char *)VirtualAlloc(NULL, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

	if (!memory)
		die("VirtualAlloc");
	*ret_id = rio.RIORegisterBuffer(memory, bytes);
	if (*ret_id == RIO_INVALID_BUFFERID)
		die("RIORegisterBuffer");
	return memory;
}

RIO_BUF slot(RIO_BUFFERID id, DWORD number, DWORD length)
{
	RIO_BUF buffer;

	buffer.BufferId = id;
	buffer.Offset = number * SLOT_SIZE;
	buffer.Length = length;
	return buffer;
}
