/* SPDX-License-Identifier: MIT */
/*
 * winsock.c - what the Windows spelling reads and writes for a program: texts, options, buffers
 *
 * Properties. Nothing is read or written outside of what was handed over, however long it says it
 * is. An address that was read, written and read again is the same. A call either works or leaves
 * an error that FormatMessage has a text for; a text is as long as it is said to be, in both
 * widths. Bytes gathered from any buffers and scattered over any others are the same bytes in
 * order.
 */
#include "target.h"

#include <mswsock.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include "namespace.h"

#define BUFFERS_MAX 20u

static bool started, namespace_made;

/* A piece of memory that ends where it is said to, filled from the input. */
static char *take_piece(struct input *input, size_t size)
{
	char *piece = malloc(size ? size : 1);

	CHECK(piece, "no memory");
	memset(piece, 0, size);
	input_copy(input, piece, size);
	return piece;
}

/* ---- Errors and their texts ---- */

static void check_message(DWORD flags, DWORD error, DWORD size)
{
	char *narrow = malloc(size ? size : 1);
	wchar_t *wide = malloc((size ? size : 1) * sizeof(wchar_t));
	DWORD length, wide_length;

	CHECK(narrow && wide, "no memory");
	flags &= ~(DWORD)FORMAT_MESSAGE_ALLOCATE_BUFFER;
	SetLastError(0);
	length = FormatMessageA(flags, NULL, error, 0, narrow, size, NULL);
	CHECK(length ? strlen(narrow) == length && length < size : GetLastError() != 0, "%u of %u",
	      length, size);
	wide_length = FormatMessageW(flags, NULL, error, 0, wide, size, NULL);
	CHECK(wide_length == length, "%u wide, %u narrow", wide_length, length);
	for (DWORD i = 0; length && i <= length; i++)
		CHECK(wide[i] == (wchar_t)narrow[i], "character %u", i);
	free(narrow);
	free(wide);
}

static void check_message_allocated(DWORD flags, DWORD error, DWORD size)
{
	wchar_t *wide = NULL;
	char *narrow = NULL;
	DWORD length;

	flags |= FORMAT_MESSAGE_ALLOCATE_BUFFER;
	length = FormatMessageA(flags, NULL, error, 0, (LPSTR)&narrow, size, NULL);
	CHECK(length ? strlen(narrow) == length : !narrow, "%u", length);
	CHECK(FormatMessageW(flags, NULL, error, 0, (LPWSTR)&wide, size, NULL) == length, "wide");
	LocalFree(narrow);
	LocalFree(wide);
}

/* Of a call that may fail. */
static void check_outcome(int result, const char *call)
{
	char text[256];
	DWORD error = (DWORD)WSAGetLastError();

	CHECK(result == 0 || result == SOCKET_ERROR, "%s returned %d", call, result);
	if (result == SOCKET_ERROR)
		CHECK(error && FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, error, 0, text,
					      sizeof(text), NULL),
		      "%s: error %u has no text", call, error);
}

static void run_messages(struct input *input)
{
	DWORD flags = (DWORD)input_number(input, 2);
	DWORD error = input_byte(input) & 1 ? 10000u + input_byte(input) : input_below(input, 2000);
	DWORD size = input_byte(input);

	check_message(flags, error, size);
	check_message_allocated(flags, error, size);
}

/* ---- Addresses as text ---- */

static void check_address(int family, const char *text)
{
	struct in6_addr address, again;
	size_t size = 1 + strlen(text) % 64;
	char *written = malloc(size);
	char full[64];

	CHECK(written, "no memory");
	if (inet_pton(family, text, &address) == 1) {
		CHECK(inet_ntop(family, &address, full, sizeof(full)) == full, "not written");
		CHECK(inet_pton(family, full, &again) == 1, "%s is not read", full);
		CHECK(!memcmp(&address, &again, family == AF_INET ? 4 : 16), "%s is another", full);
		/* All of it, or nothing. */
		if (inet_ntop(family, &address, written, size))
			CHECK(!strcmp(written, full), "%s, not %s", written, full);
		else
			CHECK(strlen(full) >= size && GetLastError(), "%s had room", full);
	}
	free(written);
}

static void run_addresses(struct input *input)
{
	char text[80];
	size_t length = input_copy(input, text, sizeof(text) - 1);
	struct in_addr four;

	text[length] = '\0';
	check_address(AF_INET, text);
	check_address(AF_INET6, text);
	if (inet_pton(AF_INET, text, &four) == 1) {
		CHECK(inet_addr(text) == four.s_addr, "%s is two addresses", text);
		CHECK(inet_addr(inet_ntoa(four)) == four.s_addr, "%s", text);
	}
}

/* ---- Strings with a bound ---- */

static void run_strings(struct input *input)
{
	size_t room = input_byte(input) % 32, count = input_byte(input) % 32, length, expected;
	char *target = take_piece(input, room), *source = take_piece(input, 32);
	size_t wanted = input_byte(input) & 1 ? _TRUNCATE : count;
	bool cut;

	source[31] = '\0';
	length = strlen(source);
	expected = length < wanted ? length : wanted;
	cut = expected >= room;
	if (wanted == _TRUNCATE && cut && room)
		expected = room - 1;
	if (strncpy_s(target, room, source, wanted) == 0)
		CHECK(room && (wanted == _TRUNCATE || !cut) && strlen(target) == expected &&
			      !memcmp(target, source, expected),
		      "%zu of %zu in %zu", wanted, length, room);
	else
		CHECK(room == 0 || (cut && wanted != _TRUNCATE && target[0] == '\0'), "refused");
	/* cppcheck-suppress invalidFunctionArg ; no room at all is to be refused */
	if (strcpy_s(target, room, source) == 0)
		CHECK(!strcmp(target, source), "copied");
	else
		CHECK(length >= room, "%zu in %zu", length, room);
	CHECK(memcpy_s(target, room, source, count) == (count > room ? ERANGE : 0), "memcpy_s");
	free(target);
	free(source);
}

/* ---- Options and controls ---- */

static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP};

static const DWORD controls[] = {
	SIO_GET_EXTENSION_FUNCTION_POINTER,
	SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
	SIO_KEEPALIVE_VALS,
	SIO_UDP_CONNRESET,
	SIO_LOOPBACK_FAST_PATH,
	SIO_FLUSH,
	FIONBIO,
	FIONREAD,
	SIOCATMARK,
};

static int take_option(struct input *input)
{
	static const int names[] = {
		SO_RCVTIMEO,
		SO_SNDTIMEO,
		SO_ERROR,
		SO_EXCLUSIVEADDRUSE,
		SO_MAX_MSG_SIZE,
		SO_CONNECT_TIME,
		SO_LINGER,
		SO_DONTLINGER,
		SO_RCVBUF,
		SO_TYPE,
		SO_UPDATE_ACCEPT_CONTEXT,
		SO_UPDATE_CONNECT_CONTEXT,
	};
	uint8_t kind = input_byte(input);

	return kind < 128   ? kind
	       : kind < 240 ? names[kind % (sizeof(names) / sizeof(names[0]))]
			    : (int)input_number(input, 4);
}

static void call_options(SOCKET s, struct input *input)
{
	int level = levels[input_byte(input) % 5], name = take_option(input);
	int size = input_byte(input) < 240 ? input_byte(input) % 16 : input_byte(input), length;
	char *value = take_piece(input, (size_t)size);

	length = input_byte(input) < 250 ? size : -size;
	check_outcome(setsockopt(s, level, name, value, length), "setsockopt");
	length = size;
	check_outcome(getsockopt(s, level, name, value, &length), "getsockopt");
	CHECK(length >= 0 && length <= size, "%d of %d bytes", length, size);
	free(value);
}

static void call_control(SOCKET s, struct input *input)
{
	uint8_t kind = input_byte(input);
	DWORD code = kind < 240 ? controls[kind % (sizeof(controls) / sizeof(controls[0]))]
				: (DWORD)input_number(input, 4);
	DWORD in_size = input_byte(input) % 32, out_size = input_byte(input), bytes = 0;
	char *in = take_piece(input, in_size), *out = take_piece(input, out_size);

	check_outcome(WSAIoctl(s, code, in_size ? in : NULL, in_size, out_size ? out : NULL,
			       out_size, &bytes, NULL, NULL),
		      "WSAIoctl");
	CHECK(bytes <= out_size, "%u of %u bytes", bytes, out_size);
	free(in);
	free(out);
}

static void call_name(SOCKET s, struct input *input)
{
	int size = input_byte(input) % 40, length = size;
	char *name = take_piece(input, (size_t)size);

	check_outcome(bind(s, (struct sockaddr *)name, length), "bind");
	check_outcome(getsockname(s, (struct sockaddr *)name, &length), "getsockname");
	CHECK(length >= 0 && length <= size, "%d of %d bytes", length, size);
	length = size;
	check_outcome(getpeername(s, (struct sockaddr *)name, &length), "getpeername");
	free(name);
}

static void run_socket(struct input *input)
{
	uint8_t kind = input_byte(input);
	SOCKET s = WSASocketA(kind & 1 ? AF_INET6 : AF_INET, kind & 2 ? SOCK_STREAM : SOCK_DGRAM, 0,
			      NULL, 0, WSA_FLAG_OVERLAPPED);

	CHECK(s != INVALID_SOCKET, "error %d", WSAGetLastError());
	for (uint32_t i = 0; i < 64 && input_left(input); i++) {
		switch (input_byte(input) % 4) {
		case 0:
			call_control(s, input);
			break;
		case 1:
			call_name(s, input);
			break;
		default:
			call_options(s, input);
			break;
		}
	}
	CHECK(closesocket(s) == 0, "error %d", WSAGetLastError());
}

/* ---- Buffers ---- */

struct pieces {
	WSABUF buffers[BUFFERS_MAX];
	DWORD count;
	size_t size;
};

static struct pieces take_pieces(struct input *input)
{
	struct pieces pieces = {.count = input_byte(input) % (BUFFERS_MAX + 1)};

	for (DWORD i = 0; i < pieces.count; i++) {
		pieces.buffers[i].len = input_byte(input);
		pieces.buffers[i].buf = take_piece(input, pieces.buffers[i].len);
		pieces.size += pieces.buffers[i].len;
	}
	return pieces;
}

static void free_pieces(struct pieces *pieces)
{
	for (DWORD i = 0; i < pieces->count; i++)
		free(pieces->buffers[i].buf);
}

static char at(const struct pieces *pieces, size_t offset)
{
	DWORD i = 0;

	for (; offset >= pieces->buffers[i].len; i++)
		offset -= pieces->buffers[i].len;
	return pieces->buffers[i].buf[offset];
}

static void run_buffers(struct input *input)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	struct pieces out = take_pieces(input), in = take_pieces(input);
	DWORD sent = 0, received = 0, flags = 0;
	int length = sizeof(name), result;

	CHECK(s != INVALID_SOCKET && bind(s, (struct sockaddr *)&name, length) == 0 &&
		      getsockname(s, (struct sockaddr *)&name, &length) == 0,
	      "error %d", WSAGetLastError());
	result = WSASendTo(s, out.buffers, out.count, &sent, 0, (struct sockaddr *)&name, length,
			   NULL, NULL);
	check_outcome(result, "WSASendTo");
	if (result == 0) {
		CHECK(sent == out.size, "%u of %zu bytes", sent, out.size);
		result = WSARecvFrom(s, in.buffers, in.count, &received, &flags, NULL, NULL, NULL,
				     NULL);
		check_outcome(result, "WSARecvFrom");
		CHECK(in.count == 0 || in.count > 16 || (result == 0) == (in.size >= out.size),
		      "%zu bytes in %zu", out.size, in.size);
		for (size_t i = 0; in.count && in.count <= 16 && i < out.size && i < in.size; i++)
			CHECK(at(&in, i) == at(&out, i), "byte %zu", i);
	}
	free_pieces(&in);
	free_pieces(&out);
	closesocket(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	WSADATA versions;

	if (!started) {
		namespace_made = namespace_make();
		CHECK(WSAStartup(MAKEWORD(2, 2), &versions) == 0, "WSAStartup");
		started = true;
	}
	switch (input_byte(&input) % 8) {
	case 0:
		run_messages(&input);
		break;
	case 1:
		run_addresses(&input);
		break;
	case 2:
		run_strings(&input);
		break;
	case 3:
		if (namespace_made)
			run_buffers(&input);
		break;
	default:
		if (namespace_made)
			run_socket(&input);
		break;
	}
	return 0;
}
