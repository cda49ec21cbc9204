/* SPDX-License-Identifier: MIT */
/*
 * securecrt.h - functions that only Microsoft's C library has
 */
#ifndef REGIO_WINSOCK_SECURECRT_H
#define REGIO_WINSOCK_SECURECRT_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

#include "windef.h"

#define _TRUNCATE ((size_t)-1)

#define printf_s printf
#define fprintf_s fprintf
#define wprintf_s wprintf
#define vprintf_s vprintf
#define _snprintf snprintf
#define _vsnprintf vsnprintf
#define _stricmp strcasecmp
#define _strnicmp strncasecmp
#define _strdup strdup
#define _strtoi64 strtoll
#define _strtoui64 strtoull
#define _getpid getpid
#define _fileno fileno
#define strtok_s strtok_r
#define _wcsicmp wcscasecmp
#define _wcsnicmp wcsncasecmp
#define _wcsdup wcsdup
#define ExitProcess(code) exit((int)(code))
#define _byteswap_ushort __builtin_bswap16
#define _byteswap_ulong __builtin_bswap32
#define _byteswap_uint64 __builtin_bswap64

static inline errno_t memcpy_s(void *destination, size_t room, const void *source, size_t count)
{
	if (count == 0)
		return 0;
	if (!destination || !source || room < count) {
		if (destination)
			memset(destination, 0, room);
		return destination && source ? ERANGE : EINVAL;
	}
	memcpy(destination, source, count);
	return 0;
}

static inline errno_t memmove_s(void *destination, size_t room, const void *source, size_t count)
{
	if (count && (!destination || !source || room < count))
		return destination && source ? ERANGE : EINVAL;
	if (count)
		memmove(destination, source, count);
	return 0;
}

/* Copies at most 'count' characters; with _TRUNCATE, as many as fit. */
static inline errno_t strncpy_s(char *destination, size_t room, const char *source, size_t count)
{
	size_t length;

	if (!destination || !room || !source)
		return EINVAL;
	length = strnlen(source, count < room ? count : room);
	if (length >= room && count != _TRUNCATE) {
		destination[0] = '\0';
		return ERANGE;
	}
	if (length >= room)
		length = room - 1;
	memcpy(destination, source, length);
	destination[length] = '\0';
	return 0;
}

static inline errno_t strcpy_s(char *destination, size_t room, const char *source)
{
	/* A source of any length, but it must not be cut. */
	return strncpy_s(destination, room, source, _TRUNCATE - 1);
}

static inline errno_t strcat_s(char *destination, size_t room, const char *source)
{
	size_t length = destination ? strnlen(destination, room) : room;

	return length >= room ? EINVAL : strcpy_s(destination + length, room - length, source);
}

/* A text that does not fit is an error. */
static inline __attribute__((format(printf, 3, 0))) int vsprintf_s(char *buffer, size_t room,
								   const char *format,
								   va_list arguments)
{
	int length = vsnprintf(buffer, room, format, arguments);

	if (length >= 0 && (size_t)length < room)
		return length;
	if (room)
		buffer[0] = '\0';
	return -1;
}

/* A text that does not fit is cut. */
static inline __attribute__((format(printf, 4, 0))) int _vsnprintf_s(char *buffer, size_t room,
								     size_t count,
								     const char *format,
								     va_list arguments)
{
	size_t limit = count < room ? count + 1 : room;
	int length = vsnprintf(buffer, limit, format, arguments);

	return length < 0 || (size_t)length >= limit ? -1 : length;
}

static inline __attribute__((format(printf, 3, 4))) int sprintf_s(char *buffer, size_t room,
								  const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsprintf_s(buffer, room, format, arguments);
	va_end(arguments);
	return length;
}

static inline __attribute__((format(printf, 4, 5))) int _snprintf_s(char *buffer, size_t room,
								    size_t count,
								    const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = _vsnprintf_s(buffer, room, count, format, arguments);
	va_end(arguments);
	return length;
}

static inline int swprintf_s(wchar_t *buffer, size_t room, const wchar_t *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vswprintf(buffer, room, format, arguments);
	va_end(arguments);
	if (length < 0 && room)
		buffer[0] = L'\0';
	return length;
}

static inline errno_t wcscpy_s(wchar_t *destination, size_t room, const wchar_t *source)
{
	size_t length = source ? wcslen(source) : 0;

	if (!destination || !room || !source)
		return EINVAL;
	if (length >= room) {
		destination[0] = L'\0';
		return ERANGE;
	}
	wmemcpy(destination, source, length + 1);
	return 0;
}

static inline errno_t wcscat_s(wchar_t *destination, size_t room, const wchar_t *source)
{
	size_t length = destination ? wcsnlen(destination, room) : room;

	return length >= room ? EINVAL : wcscpy_s(destination + length, room - length, source);
}

static inline errno_t strerror_s(char *buffer, size_t room, int error)
{
	return strncpy_s(buffer, room, strerror(error), _TRUNCATE);
}

/* 'ret_size' includes the terminating 0, and is 0 if there is no such variable. */
static inline errno_t getenv_s(size_t *ret_size, char *buffer, size_t room, const char *name)
{
	const char *value = getenv(name);

	*ret_size = value ? strlen(value) + 1 : 0;
	if (!value || !room)
		return 0;
	return strcpy_s(buffer, room, value);
}

static inline errno_t _dupenv_s(char **ret_value, size_t *ret_size, const char *name)
{
	const char *value = getenv(name);

	*ret_value = value ? strdup(value) : NULL;
	if (ret_size)
		*ret_size = *ret_value ? strlen(value) + 1 : 0;
	return value && !*ret_value ? ENOMEM : 0;
}

static inline errno_t fopen_s(FILE **ret_file, const char *name, const char *mode)
{
	*ret_file = fopen(name, mode);
	return *ret_file ? 0 : errno;
}

static inline errno_t localtime_s(struct tm *ret_time, const time_t *seconds)
{
	return localtime_r(seconds, ret_time) ? 0 : EINVAL;
}

static inline errno_t gmtime_s(struct tm *ret_time, const time_t *seconds)
{
	return gmtime_r(seconds, ret_time) ? 0 : EINVAL;
}

static inline void *_aligned_malloc(size_t size, size_t alignment)
{
	void *memory = NULL;

	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	return posix_memalign(&memory, alignment, size) ? NULL : memory;
}

static inline void _aligned_free(void *memory)
{
	free(memory);
}

static inline int64_t _atoi64(const char *text)
{
	return strtoll(text, NULL, 10);
}

#if defined(__cplusplus)
template <size_t Room, typename... Arguments>
inline int sprintf_s(char (&buffer)[Room], const char *format, Arguments... arguments)
{
	return sprintf_s(buffer, Room, format, arguments...);
}
template <size_t Room> inline errno_t strcpy_s(char (&destination)[Room], const char *source)
{
	return strcpy_s(destination, Room, source);
}
template <size_t Room>
inline errno_t strncpy_s(char (&destination)[Room], const char *source, size_t count)
{
	return strncpy_s(destination, Room, source, count);
}
template <size_t Room>
inline int vsprintf_s(char (&buffer)[Room], const char *format, va_list arguments)
{
	return vsprintf_s(buffer, Room, format, arguments);
}
template <size_t Room, typename... Arguments>
inline int _snprintf_s(char (&buffer)[Room], size_t count, const char *format,
		       Arguments... arguments)
{
	return _snprintf_s(buffer, Room, count, format, arguments...);
}
template <size_t Room> inline errno_t wcscpy_s(wchar_t (&destination)[Room], const wchar_t *source)
{
	return wcscpy_s(destination, Room, source);
}
template <size_t Room> inline errno_t strcat_s(char (&destination)[Room], const char *source)
{
	return strcat_s(destination, Room, source);
}
#endif

#endif
