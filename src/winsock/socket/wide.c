/* SPDX-License-Identifier: MIT */
/*
 * Look-ups with wide characters. Names of other characters than those of ASCII are not found: the
 * program would have to give them in their encoded form.
 */
#include "winsock/win32/error.h"
#include "winsock/win32/text.h"

#define NAME_TEXT NI_MAXHOST

_Static_assert(sizeof(ADDRINFOW) == sizeof(ADDRINFOA) &&
		       offsetof(ADDRINFOW, ai_canonname) == offsetof(ADDRINFOA, ai_canonname) &&
		       offsetof(ADDRINFOW, ai_addr) == offsetof(ADDRINFOA, ai_addr) &&
		       offsetof(ADDRINFOW, ai_next) == offsetof(ADDRINFOA, ai_next),
	       "an entry of a list has one form, apart from the width of its name");

/* Returns the narrow text in 'room', NULL for NULL; false if it cannot be one. */
static bool narrow_of(char *room, const WCHAR *text, const char **ret_narrow)
{
	*ret_narrow = text ? room : NULL;
	return !text || regioi_ws_narrow(room, NAME_TEXT, text);
}

void WSAAPI FreeAddrInfoW(PADDRINFOW list)
{
	freeaddrinfo((PADDRINFOA)(void *)list);
}

/*
 * Replaces the narrow names of a list by wide ones. Without memory for one, its entry has no name.
 */
static PADDRINFOW list_widen(PADDRINFOA list)
{
	PADDRINFOW wide = (PADDRINFOW)(void *)list;

	for (PADDRINFOW entry = wide; entry; entry = entry->ai_next) {
		char *narrow = (char *)(void *)entry->ai_canonname;

		if (!narrow)
			continue;
		entry->ai_canonname = calloc(strlen(narrow) + 1, sizeof(WCHAR));
		if (entry->ai_canonname)
			regioi_ws_widen(entry->ai_canonname, narrow);
		free(narrow);
	}
	return wide;
}

INT WSAAPI GetAddrInfoW(PCWSTR name, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *ret_list)
{
	char name_room[NAME_TEXT], service_room[NAME_TEXT];
	const char *narrow_name, *narrow_service;
	PADDRINFOA found;
	INT error;

	if (!ret_list)
		return regioi_ws_fail(WSAEFAULT, WSAEFAULT);
	if (!narrow_of(name_room, name, &narrow_name) ||
	    !narrow_of(service_room, service, &narrow_service))
		return regioi_ws_fail(WSAHOST_NOT_FOUND, WSAHOST_NOT_FOUND);
	/* The names of the hints are not looked at. */
	error = getaddrinfo(narrow_name, narrow_service, (const void *)hints, &found);
	if (!error)
		*ret_list = list_widen(found);
	return error;
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
