/* SPDX-License-Identifier: MIT */
/*
 * Handles: ids with generations for events, completion ports and threads.
 *
 * A handle is generation << 32 | (index + 1) << 2, above every SOCKET and with the two low bits
 * free as on Windows. A stale handle gives an error, never another object.
 */
#include "winsock/win32/handle.h"
#include "winsock/win32/error.h"

#define SLOTS_FIRST 64u
/* A handle is positive as a signed number of 64 bits. */
#define GENERATION_MAX ((uint32_t)INT32_MAX)
/*
 * With the option 'checked', generations start shortly before the end, so that the tests reach it.
 */
#ifdef REGIOI_CHECKED
#define GENERATION_START (GENERATION_MAX - 5)
#else
#define GENERATION_START 0
#endif

struct slot {
	struct regioi_ws_object *object; /* NULL: free */
	uint32_t generation;
	uint32_t next_free; /* index + 1 */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *slots;
static uint32_t slots_count;
static uint32_t first_free; /* index + 1 */

static bool grow(void)
{
	uint32_t count = slots_count ? slots_count * 2 : SLOTS_FIRST;
	struct slot *grown = realloc(slots, count * sizeof(*grown));

	if (!grown)
		return false;
	for (uint32_t i = slots_count; i < count; i++)
		grown[i] = (struct slot){
			.generation = GENERATION_START,
			.next_free = i + 1 < count ? i + 2 : 0,
		};
	first_free = slots_count + 1;
	slots = grown;
	slots_count = count;
	return true;
}

/* With the lock. NULL if no object has the handle now. */
static struct slot *find(HANDLE handle)
{
	uint64_t id = (uintptr_t)handle;
	uint32_t index = ((uint32_t)id >> 2) - 1;

	if (id & 3 || index >= slots_count || !slots[index].object ||
	    slots[index].generation != id >> 32)
		return NULL;
	return &slots[index];
}

HANDLE regioi_ws_handle_add(struct regioi_ws_object *object)
{
	uint64_t id = 0;
	struct slot *slot;

	pthread_mutex_lock(&lock);
	if (first_free || grow()) {
		atomic_fetch_add(&object->handles, 1);
		slot = &slots[first_free - 1];
		id = first_free << 2;
		first_free = slot->next_free;
		slot->object = object;
		/* Never 0: the generation puts the handle above 2^32. */
		id |= (uint64_t)++slot->generation << 32;
	}
	pthread_mutex_unlock(&lock);
	return (HANDLE)(uintptr_t)id;
}

struct regioi_ws_object *regioi_ws_handle_get(HANDLE handle, uint32_t kinds)
{
	struct regioi_ws_object *object = NULL;
	struct slot *slot;

	pthread_mutex_lock(&lock);
	slot = find(handle);
	if (slot && slot->object->kind & kinds) {
		object = slot->object;
		regioi_ws_object_hold(object);
	}
	pthread_mutex_unlock(&lock);
	return object;
}

struct regioi_ws_object *regioi_ws_handle_remove(HANDLE handle)
{
	struct regioi_ws_object *object = NULL;
	struct slot *slot;

	pthread_mutex_lock(&lock);
	slot = find(handle);
	if (slot) {
		object = slot->object;
		slot->object = NULL;
	}
	/*
	 * A slot without a generation left is not reused: an old handle with its first generation
	 * would be valid again.
	 */
	if (slot && slot->generation < GENERATION_MAX) {
		slot->next_free = first_free;
		first_free = (uint32_t)(slot - slots) + 1;
	}
	pthread_mutex_unlock(&lock);
	return object;
}

BOOL WINAPI CloseHandle(HANDLE handle)
{
	struct regioi_ws_object *object;

	/* Those are no handles of their own. */
	if (handle == GetCurrentProcess() || handle == GetCurrentThread())
		return TRUE;
	object = regioi_ws_handle_remove(handle);
	if (!object)
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	if (atomic_fetch_sub(&object->handles, 1) == 1 && object->abandon)
		object->abandon(object);
	regioi_ws_object_drop(object);
	return TRUE;
}
