/* SPDX-License-Identifier: MIT */
/*
 * Handles for events, completion ports and threads, from the table of ids: above every SOCKET, with
 * the two low bits free as on Windows. A stale handle gives an error, never another object.
 */
#include "winsock/win32/handle.h"
#include "base/table.h"
#include "winsock/win32/error.h"

_Static_assert(REGIOI_KIND_HANDLE % 4 == 0, "the two low bits are free");

HANDLE regioi_ws_handle_add(struct regioi_ws_object *object)
{
	uint64_t id;

	if (regioi_table_add(REGIOI_KIND_HANDLE, object, 0, 0, &id) != 0) {
		regioi_ws_object_drop(object);
		return regioi_ws_fail_null(ERROR_NOT_ENOUGH_MEMORY);
	}
	atomic_fetch_add(&object->handles, 1);
	return (HANDLE)(uintptr_t)id;
}

struct regioi_ws_object *regioi_ws_handle_get(HANDLE handle, uint32_t kinds)
{
	struct regioi_ws_object *object = regioi_table_hold(
		handle, REGIOI_KIND_HANDLE, offsetof(struct regioi_ws_object, references));

	if (!object || object->kind & kinds)
		return object;
	regioi_ws_object_drop(object);
	return NULL;
}

BOOL WINAPI CloseHandle(HANDLE handle)
{
	const uint64_t id = (uintptr_t)handle;
	struct regioi_ws_object *object;

	/* Those are no handles of their own. */
	if (handle == GetCurrentProcess() || handle == GetCurrentThread())
		return TRUE;
	object = regioi_slot_object(regioi_table_invalidate(id, REGIOI_KIND_HANDLE));
	if (!object)
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	regioi_table_release(id);
	if (atomic_fetch_sub(&object->handles, 1) == 1 && object->abandon)
		object->abandon(object);
	regioi_ws_object_drop(object);
	return TRUE;
}
