/* SPDX-License-Identifier: MIT */
/*
 * tchar.h - text that is char, or wchar_t with _UNICODE defined
 */
#ifndef REGIO_WINSOCK_TCHAR_H
#define REGIO_WINSOCK_TCHAR_H

#include "securecrt.h"

#if defined(_UNICODE)
typedef wchar_t _TCHAR, _TSCHAR;
#define _T(text) L##text
#define _TEXT(text) L##text
#define _tprintf wprintf
#define _tprintf_s wprintf
#define _ftprintf fwprintf
#define _tcslen wcslen
#define _tcscmp wcscmp
#define _tcsicmp wcscasecmp
#define _tcstol wcstol
#define _tcstoul wcstoul
#define _ttoi(text) ((int)wcstol((text), NULL, 10))
#define _ttol(text) wcstol((text), NULL, 10)
#define _ttoi64(text) wcstoll((text), NULL, 10)
#define _ttof(text) wcstod((text), NULL)
#define _tcstod wcstod
#define _tcscpy wcscpy
#define _tcscpy_s wcscpy_s
#define _tcscat wcscat
#define _tcscat_s wcscat_s
#define _tcsncmp wcsncmp
#define _tcschr wcschr
#define _tcsrchr wcsrchr
#define _tcsstr wcsstr
#define _tcsdup wcsdup
#define _stprintf_s swprintf_s
#define _sntprintf swprintf
#define _fputts fputws
#define _tmain wmain
#else
typedef char _TCHAR, _TSCHAR;
#define _T(text) text
#define _TEXT(text) text
#define _tprintf printf
#define _tprintf_s printf
#define _ftprintf fprintf
#define _tcslen strlen
#define _tcscmp strcmp
#define _tcsicmp strcasecmp
#define _tcstol strtol
#define _tcstoul strtoul
#define _ttoi(text) ((int)strtol((text), NULL, 10))
#define _ttol(text) strtol((text), NULL, 10)
#define _ttoi64(text) strtoll((text), NULL, 10)
#define _ttof atof
#define _tcstod strtod
#define _tcscpy strcpy
#define _tcscpy_s strcpy_s
#define _tcscat strcat
#define _tcscat_s strcat_s
#define _tcsncmp strncmp
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tcsdup strdup
#define _stprintf sprintf
#define _stprintf_s sprintf_s
#define _sntprintf snprintf
#define _fputts fputs
#define _putts puts
#define _tmain main
#endif

#endif
