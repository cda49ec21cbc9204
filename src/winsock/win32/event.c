/* SPDX-License-Identifier: MIT */
/*
 * Events: manual-reset and auto-reset, with their Win32 and their Winsock names.
 */
#include "winsock/win32/event.h"
#include "winsock/win32/error.h"

static void event_destroy(struct regioi_ws_object *object)
{
	free(object);
}

struct regioi_ws_waitable *regioi_ws_event_get(HANDLE handle)
{
	return (struct regioi_ws_waitable *)regioi_ws_handle_get(handle, REGIOI_WS_EVENT);
}

void regioi_ws_event_set(struct regioi_ws_waitable *event)
{
	REGIOI_LOCKED(&regioi_ws_dispatcher.lock);

	regioi_ws_signal(event);
}

void regioi_ws_event_reset(struct regioi_ws_waitable *event)
{
	REGIOI_LOCKED(&regioi_ws_dispatcher.lock);

	event->signaled = false;
}

static HANDLE event_create(bool manual_reset, bool signaled)
{
	struct regioi_ws_waitable *event = malloc(sizeof(*event));

	if (!event)
		return regioi_ws_fail_null(ERROR_NOT_ENOUGH_MEMORY);
	*event = (struct regioi_ws_waitable){
		.object = {.kind = REGIOI_WS_EVENT, .references = 1, .destroy = event_destroy},
		.signaled = signaled,
		.manual_reset = manual_reset,
	};
	return regioi_ws_handle_add(&event->object);
}

/*
 * Names are refused, in either width: they would make the event visible to other processes.
 */
HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES security, BOOL manual_reset, BOOL initial_state,
			   LPCSTR name)
{
	return name ? regioi_ws_fail_null(ERROR_NOT_SUPPORTED)
		    : event_create(manual_reset, initial_state);
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES security, BOOL manual_reset, BOOL initial_state,
			   LPCWSTR name) REGIOI_WS_SAME_AS(CreateEventA);

HANDLE WINAPI CreateEventExA(LPSECURITY_ATTRIBUTES security, LPCSTR name, DWORD flags, DWORD access)
{
	if (flags & ~(CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET))
		return regioi_ws_fail_null(ERROR_INVALID_PARAMETER);
	return CreateEventA(security, (flags & CREATE_EVENT_MANUAL_RESET) != 0,
			    (flags & CREATE_EVENT_INITIAL_SET) != 0, name);
}

HANDLE WINAPI CreateEventExW(LPSECURITY_ATTRIBUTES security, LPCWSTR name, DWORD flags,
			     DWORD access) REGIOI_WS_SAME_AS(CreateEventExA);

HANDLE WINAPI OpenEventA(DWORD access, BOOL inherit, LPCSTR name)
{
	return regioi_ws_fail_null(name ? ERROR_FILE_NOT_FOUND : ERROR_INVALID_PARAMETER);
}

HANDLE WINAPI OpenEventW(DWORD access, BOOL inherit, LPCWSTR name) REGIOI_WS_SAME_AS(OpenEventA);

static BOOL change(HANDLE handle, void (*how)(struct regioi_ws_waitable *event))
{
	struct regioi_ws_waitable *event = regioi_ws_event_get(handle);

	if (!event)
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	how(event);
	regioi_ws_object_drop(&event->object);
	return TRUE;
}

BOOL WINAPI SetEvent(HANDLE event)
{
	return change(event, regioi_ws_event_set);
}

BOOL WINAPI ResetEvent(HANDLE event)
{
	return change(event, regioi_ws_event_reset);
}

WSAEVENT WSAAPI WSACreateEvent(void)
{
	return event_create(true, false);
}

BOOL WSAAPI WSACloseEvent(WSAEVENT event)
{
	return CloseHandle(event);
}

BOOL WSAAPI WSASetEvent(WSAEVENT event) REGIOI_WS_SAME_AS(SetEvent);
BOOL WSAAPI WSAResetEvent(WSAEVENT event) REGIOI_WS_SAME_AS(ResetEvent);
