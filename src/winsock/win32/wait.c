/* SPDX-License-Identifier: MIT */
/*
 * Waiting for events and threads.
 *
 * The thread that signals an object ends the waits itself, on behalf of the waiting threads, so
 * that exactly one of them uses the signal of an auto-reset object.
 */
#include "winsock/win32/wait.h"
#include "winsock/win32/deadline.h"
#include "winsock/win32/error.h"

#define WAITABLE (REGIOI_WS_EVENT | REGIOI_WS_THREAD)

struct regioi_ws_wait {
	struct regioi_ws_waiter waiter;
	struct regioi_ws_waitable **objects;
	struct regioi_ws_wait_entry *entries;
	DWORD count;
	bool all;
	DWORD result; /* index of the object that ended the wait */
};

struct regioi_ws_domain regioi_ws_dispatcher = REGIOI_WS_DOMAIN_INIT;

/* With the lock: whether the wait is satisfied; if so, resets auto-reset objects that end it. */
static bool satisfy(struct regioi_ws_wait *wait)
{
	DWORD first = wait->count, signaled = 0;

	for (DWORD i = 0; i < wait->count; i++) {
		if (!wait->objects[i]->signaled)
			continue;
		if (signaled++ == 0)
			first = i;
	}
	if (wait->all ? signaled < wait->count : signaled == 0)
		return false;
	wait->result = wait->all ? 0 : first;
	for (DWORD i = 0; i < wait->count; i++)
		if ((wait->all || i == first) && !wait->objects[i]->manual_reset)
			wait->objects[i]->signaled = false;
	return true;
}

void regioi_ws_signal(struct regioi_ws_waitable *object)
{
	struct regioi_ws_wait_entry *entry;

	object->signaled = true;
	for (entry = (void *)object->entries.first; entry && object->signaled;
	     entry = (void *)entry->link.next)
		if (!entry->wait->waiter.done && satisfy(entry->wait))
			regioi_ws_waiter_satisfy(&regioi_ws_dispatcher, &entry->wait->waiter);
}

void regioi_ws_bind(struct regioi_ws_waitable *object)
{
	struct regioi_ws_wait_entry *entry;

	object->queues++;
	for (entry = (void *)object->entries.first; entry; entry = (void *)entry->link.next)
		if (!entry->wait->waiter.done)
			regioi_ws_waiter_drive(&regioi_ws_dispatcher, &entry->wait->waiter);
}

/* Returns the index of the object that ended the wait, or WAIT_TIMEOUT. */
static DWORD wait_for(struct regioi_ws_wait *wait, DWORD timeout_ms)
{
	struct regioi_ws_domain *domain = &regioi_ws_dispatcher;
	uint64_t deadline_ns = regioi_ws_deadline(timeout_ms);
	REGIOI_LOCKED(&domain->lock);
	DWORD i;

	wait->waiter.done = satisfy(wait);
	if (!wait->waiter.done) {
		for (i = 0; i < wait->count; i++) {
			wait->entries[i].wait = wait;
			regioi_ws_list_append(&wait->objects[i]->entries, &wait->entries[i].link);
			wait->waiter.drives |= wait->objects[i]->queues > 0;
		}
		regioi_ws_domain_sleep(domain, &wait->waiter, deadline_ns);
		for (i = 0; i < wait->count; i++)
			regioi_ws_list_remove(&wait->objects[i]->entries, &wait->entries[i].link);
	}
	return wait->waiter.done ? WAIT_OBJECT_0 + wait->result : WAIT_TIMEOUT;
}

static void never_destroy(struct regioi_ws_object *object)
{
}

/* What is never signaled: the process, and the calling thread, end in no wait of this thread. */
static struct regioi_ws_waitable never = {.object = {.references = 1, .destroy = never_destroy}};

/* With a reference for the caller, or NULL. */
static struct regioi_ws_waitable *waitable_get(HANDLE handle)
{
	if (handle == GetCurrentProcess() || handle == GetCurrentThread()) {
		regioi_ws_object_hold(&never.object);
		return &never;
	}
	return (struct regioi_ws_waitable *)regioi_ws_handle_get(handle, WAITABLE);
}

DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL wait_all,
				      DWORD timeout_ms, BOOL alertable)
{
	struct regioi_ws_waitable *objects[MAXIMUM_WAIT_OBJECTS];
	struct regioi_ws_wait_entry entries[MAXIMUM_WAIT_OBJECTS];
	struct regioi_ws_wait wait = {.objects = objects, .entries = entries, .all = wait_all};
	DWORD result = WAIT_FAILED;

	if (!handles || count == 0 || count > MAXIMUM_WAIT_OBJECTS)
		return (DWORD)regioi_ws_fail(ERROR_INVALID_PARAMETER, (int)WAIT_FAILED);
	for (wait.count = 0; wait.count < count; wait.count++) {
		objects[wait.count] = waitable_get(handles[wait.count]);
		if (!objects[wait.count])
			break;
	}
	if (wait.count == count)
		result = wait_for(&wait, timeout_ms);
	else
		SetLastError(ERROR_INVALID_HANDLE);
	for (DWORD i = 0; i < wait.count; i++)
		regioi_ws_object_drop(&objects[i]->object);
	return result;
}

DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL wait_all,
				    DWORD timeout_ms)
{
	return WaitForMultipleObjectsEx(count, handles, wait_all, timeout_ms, FALSE);
}

DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD timeout_ms, BOOL alertable)
{
	return WaitForMultipleObjectsEx(1, &handle, FALSE, timeout_ms, alertable);
}

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD timeout_ms)
{
	return WaitForMultipleObjectsEx(1, &handle, FALSE, timeout_ms, FALSE);
}

DWORD WSAAPI WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *events, BOOL wait_all,
				      DWORD timeout_ms, BOOL alertable)
	REGIOI_WS_SAME_AS(WaitForMultipleObjectsEx);
