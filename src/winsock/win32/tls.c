/* SPDX-License-Identifier: MIT */
/*
 * Thread-local values.
 */
#include "winsock/win32/error.h"

_Static_assert(sizeof(pthread_key_t) == sizeof(DWORD), "an index is a key");

DWORD WINAPI TlsAlloc(void)
{
	pthread_key_t key;

	if (pthread_key_create(&key, NULL) == 0)
		return key;
	SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	return TLS_OUT_OF_INDEXES;
}

BOOL WINAPI TlsFree(DWORD index)
{
	return pthread_key_delete(index) == 0 ? TRUE
					      : regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
}

LPVOID WINAPI TlsGetValue(DWORD index)
{
	/* NULL may be the value: only this shows that it is not a failure. */
	SetLastError(ERROR_SUCCESS);
	return pthread_getspecific(index);
}

BOOL WINAPI TlsSetValue(DWORD index, LPVOID value)
{
	return pthread_setspecific(index, value) == 0
		       ? TRUE
		       : regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
}
