/* SPDX-License-Identifier: MIT */
/*
 * Look-ups with wide characters. Names of other characters than those of ASCII are not found: the
 * program would have to give them in their encoded form.
 */
#include "winsock/socket/socket.h"
#include "winsock/socket/text.h"
#include "winsock/win32/error.h"

#define NAME_TEXT NI_MAXHOST

/* Returns the narrow text in 'room', NULL for NULL; false if it cannot be one. */
static bool narrow_of(char *room, const WCHAR *text, const char **ret_narrow)
{
	*ret_narrow = text ? room : NULL;
	return !text || regioi_ws_narrow(room, NAME_TEXT, text);
}

void WSAAPI FreeAddrInfoW(PADDRINFOW list)
{
	while (list) {
		PADDRINFOW next = list->ai_next;

		free(list->ai_canonname);
		free(list);
		list = next;
	}
}

/* Allocates one block for the entry and its address. */
static PADDRINFOW entry_widen(const ADDRINFOA *from)
{
	PADDRINFOW entry = calloc(1, sizeof(*entry) + sizeof(SOCKADDR_STORAGE));

	if (!entry)
		return NULL;
	entry->ai_flags = from->ai_flags;
	entry->ai_family = from->ai_family;
	entry->ai_socktype = from->ai_socktype;
	entry->ai_protocol = from->ai_protocol;
	entry->ai_addrlen = from->ai_addrlen;
	entry->ai_addr = (struct sockaddr *)(entry + 1);
	memcpy(entry->ai_addr, from->ai_addr, from->ai_addrlen);
	if (from->ai_canonname)
		entry->ai_canonname = calloc(strlen(from->ai_canonname) + 1, sizeof(WCHAR));
	if (entry->ai_canonname)
		regioi_ws_widen(entry->ai_canonname, from->ai_canonname);
	return entry;
}

INT WSAAPI GetAddrInfoW(PCWSTR name, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *ret_list)
{
	char name_room[NAME_TEXT], service_room[NAME_TEXT];
	const char *narrow_name, *narrow_service;
	PADDRINFOW list = NULL, *last = &list;
	ADDRINFOA wanted = {0}, *found;
	INT error;

	if (!ret_list)
		return regioi_ws_fail(WSAEFAULT, WSAEFAULT);
	if (!narrow_of(name_room, name, &narrow_name) ||
	    !narrow_of(service_room, service, &narrow_service))
		return regioi_ws_fail(WSAHOST_NOT_FOUND, WSAHOST_NOT_FOUND);
	if (hints) {
		wanted.ai_flags = hints->ai_flags;
		wanted.ai_family = hints->ai_family;
		wanted.ai_socktype = hints->ai_socktype;
		wanted.ai_protocol = hints->ai_protocol;
	}
	error = getaddrinfo(narrow_name, narrow_service, hints ? &wanted : NULL, &found);
	if (error)
		return error;
	for (const ADDRINFOA *entry = found; entry; entry = entry->ai_next) {
		*last = entry_widen(entry);
		if (!*last)
			break;
		last = &(*last)->ai_next;
	}
	freeaddrinfo(found);
	if (!list)
		return regioi_ws_fail(EAI_MEMORY, EAI_MEMORY);
	*ret_list = list;
	return 0;
}

INT WSAAPI GetNameInfoW(const SOCKADDR *address, int length, PWCHAR host, DWORD host_size,
			PWCHAR service, DWORD service_size, INT flags)
{
	char host_room[NAME_TEXT], service_room[NAME_TEXT];
	INT error = getnameinfo(address, length, host ? host_room : NULL,
				host ? sizeof(host_room) : 0, service ? service_room : NULL,
				service ? sizeof(service_room) : 0, flags);

	if (error)
		return error;
	if ((host && strlen(host_room) >= host_size) ||
	    (service && strlen(service_room) >= service_size))
		return regioi_ws_fail(WSAEFAULT, WSAEFAULT);
	if (host)
		regioi_ws_widen(host, host_room);
	if (service)
		regioi_ws_widen(service, service_room);
	return 0;
}
