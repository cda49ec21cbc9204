/* SPDX-License-Identifier: MIT */
/*
 * Handles: ids with generations for events, completion ports and threads.
 */
#ifndef REGIO_WINSOCK_WIN32_HANDLE_H
#define REGIO_WINSOCK_WIN32_HANDLE_H

#include "winsock/win32/posix.h"

enum regioi_ws_kind {
	REGIOI_WS_EVENT = 1,
	REGIOI_WS_PORT = 2,
	REGIOI_WS_THREAD = 4,
	REGIOI_WS_ANY = 7,
};

/* The head of every object. A handle is one reference. */
struct regioi_ws_object {
	enum regioi_ws_kind kind;
	_Atomic uint32_t references;
	_Atomic uint32_t handles;
	/* Called when its last handle was closed. May be NULL. */
	void (*abandon)(struct regioi_ws_object *object);
	/* Called when the last reference is dropped. */
	void (*destroy)(struct regioi_ws_object *object);
};

/*
 * Gives the object a handle, which takes over the caller's reference. NULL if there is no memory,
 * with the last error set and the reference dropped.
 */
HANDLE regioi_ws_handle_add(struct regioi_ws_object *object);
/* The object, if it is of one of the kinds, with a reference for the caller; or NULL. */
struct regioi_ws_object *regioi_ws_handle_get(HANDLE handle, uint32_t kinds);

static inline void regioi_ws_object_hold(struct regioi_ws_object *object)
{
	atomic_fetch_add(&object->references, 1);
}

static inline void regioi_ws_object_drop(struct regioi_ws_object *object)
{
	if (atomic_fetch_sub(&object->references, 1) == 1)
		object->destroy(object);
}

#endif
