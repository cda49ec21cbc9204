/* SPDX-License-Identifier: MIT */
/*
 * Events, for use by the rest of the library.
 */
#ifndef REGIO_WINSOCK_WIN32_EVENT_H
#define REGIO_WINSOCK_WIN32_EVENT_H

#include "winsock/win32/wait.h"

/* The event with a reference for the caller, or NULL. */
struct regioi_ws_waitable *regioi_ws_event_get(HANDLE handle);
void regioi_ws_event_set(struct regioi_ws_waitable *event);
void regioi_ws_event_reset(struct regioi_ws_waitable *event);

#endif
