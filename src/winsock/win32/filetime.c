/* SPDX-License-Identifier: MIT */
/*
 * Dates: SYSTEMTIME, and FILETIME, which counts units of 100 ns since 1601.
 */
#include <time.h>

#include "winsock/win32/error.h"
#include "winsock/win32/filetime.h"

#define COUNTS_PER_MILLISECOND 10000
#define NS_PER_COUNT 100u
/* From 1601 to 1970. */
#define EPOCH_SECONDS INT64_C(11644473600)
#define YEAR_MAX 30827

static void to_system_time(const struct tm *from, unsigned int milliseconds, SYSTEMTIME *to)
{
	*to = (SYSTEMTIME){
		.wYear = (WORD)(from->tm_year + 1900),
		.wMonth = (WORD)(from->tm_mon + 1),
		.wDayOfWeek = (WORD)from->tm_wday,
		.wDay = (WORD)from->tm_mday,
		.wHour = (WORD)from->tm_hour,
		.wMinute = (WORD)from->tm_min,
		.wSecond = (WORD)from->tm_sec,
		.wMilliseconds = (WORD)milliseconds,
	};
}

static void now_as(struct tm *(*convert)(const time_t *seconds, struct tm *ret_time),
		   SYSTEMTIME *ret_time)
{
	struct timespec now;
	struct tm fields;

	clock_gettime(CLOCK_REALTIME, &now);
	convert(&now.tv_sec, &fields);
	to_system_time(&fields, (unsigned int)(now.tv_nsec / 1000000), ret_time);
}

void WINAPI GetSystemTime(LPSYSTEMTIME ret_time)
{
	now_as(gmtime_r, ret_time);
}

void WINAPI GetLocalTime(LPSYSTEMTIME ret_time)
{
	now_as(localtime_r, ret_time);
}

BOOL WINAPI FileTimeToSystemTime(const FILETIME *time, LPSYSTEMTIME ret_time)
{
	int64_t counts = (int64_t)regioi_ws_filetime_counts(*time);
	time_t seconds = counts / REGIOI_WS_COUNTS_PER_SECOND - EPOCH_SECONDS;
	struct tm fields;

	if (counts < 0)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	gmtime_r(&seconds, &fields);
	to_system_time(
		&fields,
		(unsigned int)(counts % REGIOI_WS_COUNTS_PER_SECOND / COUNTS_PER_MILLISECOND),
		ret_time);
	return TRUE;
}

BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *time, LPFILETIME ret_time)
{
	struct tm fields = {.tm_year = time->wYear - 1900,
			    .tm_mon = time->wMonth - 1,
			    .tm_mday = time->wDay,
			    .tm_hour = time->wHour,
			    .tm_min = time->wMinute,
			    .tm_sec = time->wSecond};
	struct tm wanted = fields;
	uint64_t counts;

	counts = (uint64_t)(timegm(&fields) + EPOCH_SECONDS) * REGIOI_WS_COUNTS_PER_SECOND +
		 (uint64_t)time->wMilliseconds * COUNTS_PER_MILLISECOND;
	/* If the day does not exist in its month, the result is in another month. */
	if (time->wYear < 1601 || time->wYear > YEAR_MAX || fields.tm_mon != wanted.tm_mon ||
	    fields.tm_mday != wanted.tm_mday || fields.tm_hour != wanted.tm_hour ||
	    fields.tm_min != wanted.tm_min || fields.tm_sec != wanted.tm_sec ||
	    time->wMilliseconds > 999)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	*ret_time = regioi_ws_filetime(counts);
	return TRUE;
}

void WINAPI GetSystemTimePreciseAsFileTime(LPFILETIME ret_time)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*ret_time = regioi_ws_filetime(
		(uint64_t)((EPOCH_SECONDS + now.tv_sec) * REGIOI_WS_COUNTS_PER_SECOND) +
		(uint64_t)now.tv_nsec / NS_PER_COUNT);
}

void WINAPI GetSystemTimeAsFileTime(LPFILETIME ret_time)
	REGIOI_WS_SAME_AS(GetSystemTimePreciseAsFileTime);
