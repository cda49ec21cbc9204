/* SPDX-License-Identifier: MIT */
/*
 * FormatMessage: the texts of errors, in the two widths.
 */
#include <stdio.h>

#include "winsock/win32/error.h"
#include "winsock/win32/text.h"

/*
 * Returns the length of the text with its line end, or 0 with the last error set. 'width' is that
 * of a character.
 */
static DWORD format(DWORD flags, DWORD message, void *buffer, DWORD size, size_t width)
{
	/* One line, where the program asks for no line ends. */
	const char *end = (flags & FORMAT_MESSAGE_MAX_WIDTH_MASK) == FORMAT_MESSAGE_MAX_WIDTH_MASK
				  ? " "
				  : "\r\n";
	const char *found = regioi_ws_error_text(message);
	char text[256];
	DWORD length;

	if (!(flags & FORMAT_MESSAGE_FROM_SYSTEM) || flags & FORMAT_MESSAGE_FROM_STRING)
		return (DWORD)regioi_ws_fail(ERROR_NOT_SUPPORTED, 0);
	if (!found)
		return (DWORD)regioi_ws_fail(ERROR_MR_MID_NOT_FOUND, 0);
	length = (DWORD)snprintf(text, sizeof(text), "%s%s", found, end);
	if (flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) {
		void *memory = malloc((length + 1 > size ? length + 1 : size) * width);

		if (!memory)
			return (DWORD)regioi_ws_fail(ERROR_NOT_ENOUGH_MEMORY, 0);
		memcpy(buffer, &memory, sizeof(memory));
		buffer = memory;
		size = length + 1;
	}
	if (size < length + 1)
		return (DWORD)regioi_ws_fail(ERROR_INSUFFICIENT_BUFFER, 0);
	if (width == 1)
		memcpy(buffer, text, length + 1);
	else
		regioi_ws_widen(buffer, text);
	return length;
}

DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPSTR buffer, DWORD size, void *arguments)
{
	return format(flags, message, buffer, size, 1);
}

DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPWSTR buffer, DWORD size, void *arguments)
{
	return format(flags, message, buffer, size, sizeof(WCHAR));
}
