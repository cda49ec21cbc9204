/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: getaddrinfo and related functions, and addresses as text.
 */
#include <stdio.h>

#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"
#include "winsock/win32/text.h"

const struct in6_addr in6addr_any;
const struct in6_addr in6addr_loopback = {.u = {.Byte = {[15] = 1}}};

/* ---- Converting between the two sets of constants ---- */

static const struct regioi_ws_pair lookup_flags[] = {
	{POSIX_AI_PASSIVE, AI_PASSIVE},
	{POSIX_AI_CANONNAME, AI_CANONNAME},
	{POSIX_AI_NUMERICHOST, AI_NUMERICHOST},
	{POSIX_AI_NUMERICSERV, AI_NUMERICSERV},
	{POSIX_AI_ALL, AI_ALL},
	{POSIX_AI_ADDRCONFIG, AI_ADDRCONFIG},
	{POSIX_AI_V4MAPPED, AI_V4MAPPED},
};

static const struct regioi_ws_pair name_flags[] = {
	{POSIX_NI_NOFQDN, NI_NOFQDN},	  {POSIX_NI_NUMERICHOST, NI_NUMERICHOST},
	{POSIX_NI_NAMEREQD, NI_NAMEREQD}, {POSIX_NI_NUMERICSERV, NI_NUMERICSERV},
	{POSIX_NI_DGRAM, NI_DGRAM},
};

static const struct regioi_ws_pair lookup_errors[] = {
	{POSIX_EAI_AGAIN, EAI_AGAIN},	  {POSIX_EAI_BADFLAGS, EAI_BADFLAGS},
	{POSIX_EAI_FAIL, EAI_FAIL},	  {POSIX_EAI_FAMILY, EAI_FAMILY},
	{POSIX_EAI_MEMORY, EAI_MEMORY},	  {POSIX_EAI_NONAME, EAI_NONAME},
	{POSIX_EAI_NODATA, WSANO_DATA},	  {POSIX_EAI_ADDRFAMILY, EAI_NONAME},
	{POSIX_EAI_SERVICE, EAI_SERVICE}, {POSIX_EAI_SOCKTYPE, EAI_SOCKTYPE},
};

/* Returns -1 if a flag is not known. */
static int flags_to_posix(const struct regioi_ws_pair *pairs, size_t count, int flags)
{
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		if (flags & pairs[i].windows)
			result |= pairs[i].posix;
		flags &= ~pairs[i].windows;
	}
	return flags ? -1 : result;
}

/* Also sets the last error. */
static int lookup_error(int error)
{
	error = regioi_ws_windows_of(lookup_errors, ARRAYSIZE(lookup_errors), error,
				     WSANO_RECOVERY);
	return regioi_ws_fail(error, error);
}

/* ---- Looking up ---- */

void WSAAPI freeaddrinfo(PADDRINFOA list)
{
	while (list) {
		PADDRINFOA next = list->ai_next;

		free(list->ai_canonname);
		free(list);
		list = next;
	}
}

/* Allocates one block for the entry and its address. */
static PADDRINFOA entry_copy(const sys_addrinfo *from)
{
	PADDRINFOA entry = calloc(1, sizeof(*entry) + sizeof(SOCKADDR_STORAGE));

	if (!entry)
		return NULL;
	entry->ai_family = from->ai_family;
	entry->ai_socktype = from->ai_socktype;
	entry->ai_protocol = from->ai_protocol;
	entry->ai_addrlen = from->ai_addrlen;
	entry->ai_addr = (struct sockaddr *)(entry + 1);
	memcpy(entry->ai_addr, from->ai_addr, from->ai_addrlen);
	if (from->ai_canonname)
		entry->ai_canonname = strdup(from->ai_canonname);
	return entry;
}

INT WSAAPI getaddrinfo(PCSTR name, PCSTR service, const ADDRINFOA *hints, PADDRINFOA *ret_list)
{
	sys_addrinfo wanted = {0}, *found;
	PADDRINFOA list = NULL, *last = &list;
	bool any_type;
	int error;

	if (!regioi_ws_started())
		return WSANOTINITIALISED;
	if (!ret_list)
		return regioi_ws_fail(WSAEFAULT, WSAEFAULT);
	if (hints) {
		wanted.ai_flags =
			flags_to_posix(lookup_flags, ARRAYSIZE(lookup_flags), hints->ai_flags);
		wanted.ai_family = hints->ai_family;
		wanted.ai_socktype = hints->ai_socktype;
		wanted.ai_protocol = hints->ai_protocol;
	}
	if (wanted.ai_flags < 0)
		return regioi_ws_fail(EAI_BADFLAGS, EAI_BADFLAGS);
	/* An empty name means this host. */
	if (name && !name[0])
		name = "localhost";
	/* Windows gives an address once, without a type, if none is asked for. */
	any_type = wanted.ai_socktype == 0 && wanted.ai_protocol == 0;
	if (any_type)
		wanted.ai_socktype = SOCK_STREAM;
	error = sys_getaddrinfo(name, service, &wanted, &found);
	if (error == POSIX_EAI_SERVICE && any_type) {
		wanted.ai_socktype = SOCK_DGRAM; /* a service of UDP only */
		error = sys_getaddrinfo(name, service, &wanted, &found);
	}
	if (error)
		return lookup_error(error);
	for (const sys_addrinfo *entry = found; entry; entry = entry->ai_next) {
		*last = entry_copy(entry);
		if (!*last)
			break;
		if (any_type)
			(*last)->ai_socktype = (*last)->ai_protocol = 0;
		last = &(*last)->ai_next;
	}
	sys_freeaddrinfo(found);
	if (!list)
		return regioi_ws_fail(EAI_MEMORY, EAI_MEMORY);
	*ret_list = list;
	return 0;
}

INT WSAAPI getnameinfo(const SOCKADDR *address, int length, PCHAR host, DWORD host_size,
		       PCHAR service, DWORD service_size, INT flags)
{
	int wanted = flags_to_posix(name_flags, ARRAYSIZE(name_flags), flags);
	int error;

	if (!regioi_ws_started())
		return WSANOTINITIALISED;
	if (wanted < 0)
		return regioi_ws_fail(EAI_BADFLAGS, EAI_BADFLAGS);
	if (!address || length < 0)
		return regioi_ws_fail(WSAEFAULT, WSAEFAULT);
	error = sys_getnameinfo(address, (socklen_t)length, host, host_size, service, service_size,
				wanted);
	return error ? lookup_error(error) : 0;
}

char *WSAAPI gai_strerrorA(int error)
{
	static _Thread_local char text[128];

	FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
		       (DWORD)error, 0, text, sizeof(text), NULL);
	return text;
}

int WSAAPI gethostname(char *name, int length)
{
	if (!regioi_ws_started())
		return SOCKET_ERROR;
	if (!name || length <= 0 || sys_gethostname(name, (size_t)length) < 0)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	return 0;
}

/* ---- Addresses as text ---- */

INT WSAAPI inet_pton(INT family, PCSTR text, PVOID ret_address)
{
	int result;

	if (!text || !ret_address)
		return regioi_ws_fail(WSAEFAULT, -1);
	result = sys_inet_pton(family, text, ret_address);
	return result < 0 ? regioi_ws_fail(WSAEAFNOSUPPORT, -1) : result;
}

PCSTR WSAAPI inet_ntop(INT family, const void *address, PSTR text, size_t size)
{
	PCSTR result = sys_inet_ntop(family, address, text, (socklen_t)size);

	if (!result)
		SetLastError(errno == ENOSPC ? ERROR_INVALID_PARAMETER : WSAEAFNOSUPPORT);
	return result;
}

INT WSAAPI InetPtonW(INT family, PCWSTR text, PVOID ret_address)
{
	char narrow[INET6_ADDRSTRLEN];

	if (!text)
		return regioi_ws_fail(WSAEFAULT, -1);
	/* A longer text, or one with other characters, is not an address. */
	return regioi_ws_narrow(narrow, sizeof(narrow), text)
		       ? inet_pton(family, narrow, ret_address)
		       : 0;
}

PCWSTR WSAAPI InetNtopW(INT family, const void *address, PWSTR text, size_t size)
{
	char narrow[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, address, narrow, sizeof(narrow)))
		return NULL;
	if (strlen(narrow) < size) {
		regioi_ws_widen(text, narrow);
		return text;
	}
	return regioi_ws_fail_null(ERROR_INVALID_PARAMETER);
}

/* "1.2.3.4:80", "[2001:db8::1%2]:80"; without the port if that is 0. Returns the length. */
static size_t describe(const struct sockaddr *address, char text[REGIOI_WS_ADDRESS_TEXT])
{
	const SOCKADDR_INET *name = (const void *)address;
	unsigned int port = ntohs(name->Ipv4.sin_port); /* at the same place in both */
	char number[INET6_ADDRSTRLEN], scope[16] = "";

	if (address->sa_family == AF_INET) {
		sys_inet_ntop(AF_INET, &name->Ipv4.sin_addr, number, sizeof(number));
		return (size_t)snprintf(text, REGIOI_WS_ADDRESS_TEXT, port ? "%s:%u" : "%s", number,
					port);
	}
	sys_inet_ntop(AF_INET6, &name->Ipv6.sin6_addr, number, sizeof(number));
	if (name->Ipv6.sin6_scope_id)
		snprintf(scope, sizeof(scope), "%%%u", name->Ipv6.sin6_scope_id);
	return (size_t)snprintf(text, REGIOI_WS_ADDRESS_TEXT, port ? "[%s%s]:%u" : "%s%s", number,
				scope, port);
}

/*
 * Puts the text into one of the two buffers, of 'size' characters, and its length into 'size'.
 * Returns 0, or SOCKET_ERROR with the last error set.
 */
static int address_text(const struct sockaddr *address, DWORD length, char *narrow, WCHAR *wide,
			DWORD *size)
{
	char text[REGIOI_WS_ADDRESS_TEXT];
	DWORD room, needed;

	if (!regioi_ws_started())
		return SOCKET_ERROR;
	if (!address || !size)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	if ((address->sa_family != AF_INET || length < sizeof(SOCKADDR_IN)) &&
	    (address->sa_family != AF_INET6 || length < sizeof(SOCKADDR_IN6)))
		return regioi_ws_fail(WSAEINVAL, SOCKET_ERROR);
	room = *size;
	*size = needed = (DWORD)describe(address, text) + 1;
	if ((!narrow && !wide) || room < needed)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	if (narrow)
		memcpy(narrow, text, needed);
	else
		regioi_ws_widen(wide, text);
	return 0;
}

INT WSAAPI WSAAddressToStringA(struct sockaddr *address, DWORD length, LPWSAPROTOCOL_INFOA protocol,
			       LPSTR ret_text, LPDWORD size)
{
	return address_text(address, length, ret_text, NULL, size);
}

INT WSAAPI WSAAddressToStringW(struct sockaddr *address, DWORD length, LPWSAPROTOCOL_INFOW protocol,
			       LPWSTR ret_text, LPDWORD size)
{
	return address_text(address, length, NULL, ret_text, size);
}

char *WSAAPI inet_ntoa(struct in_addr address)
{
	static _Thread_local char text[16];

	sys_inet_ntop(AF_INET, &address, text, sizeof(text));
	return text;
}

ULONG WSAAPI inet_addr(const char *text)
{
	struct in_addr address;

	return text && inet_aton(text, (void *)&address) ? address.S_un.S_addr : INADDR_NONE;
}
