/* SPDX-License-Identifier: MIT */
/*
 * Texts of ASCII characters in the two widths.
 */
#ifndef REGIO_WINSOCK_WIN32_TEXT_H
#define REGIO_WINSOCK_WIN32_TEXT_H

#include "winsock/win32/posix.h"

/* An IPv6 address with its scope, brackets and port. */
#define REGIOI_WS_ADDRESS_TEXT 80

/* Converts a text of ASCII characters. False if it has other characters, or is too long. */
static inline bool regioi_ws_narrow(char *narrow, size_t size, const WCHAR *text)
{
	/* Cast, because whether wchar_t is signed depends on the machine. */
	for (size_t i = 0; i < size && (uint32_t)text[i] < 128; i++) {
		narrow[i] = (char)text[i];
		if (!text[i])
			return true;
	}
	return false;
}

static inline void regioi_ws_widen(WCHAR *text, const char *narrow)
{
	do
		*text++ = (WCHAR)(unsigned char)*narrow;
	while (*narrow++);
}

#endif
