/* SPDX-License-Identifier: MIT */
/*
 * DuplicateHandle: another handle of the same object.
 */
#include "winsock/win32/error.h"
#include "winsock/win32/thread.h"

/* The processes are this one. Returns NULL if the handle is none. */
static struct regioi_ws_object *duplicate_source(HANDLE source)
{
	return source == GetCurrentThread() ? regioi_ws_thread_current()
					    : regioi_ws_handle_get(source, REGIOI_WS_ANY);
}

BOOL WINAPI DuplicateHandle(HANDLE source_process, HANDLE source, HANDLE target_process,
			    LPHANDLE ret_target, DWORD access, BOOL inherit, DWORD options)
{
	struct regioi_ws_object *object;
	HANDLE target;

	if (source_process != GetCurrentProcess() || target_process != GetCurrentProcess())
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	if (!ret_target || options & ~(DWORD)(DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS))
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	object = duplicate_source(source);
	if (!object)
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	target = regioi_ws_handle_add(object);
	if (!target)
		return FALSE;
	*ret_target = target;
	return options & DUPLICATE_CLOSE_SOURCE ? CloseHandle(source) : TRUE;
}
