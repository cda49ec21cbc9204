/* SPDX-License-Identifier: MIT */
/*
 * Completion ports, for use by the rest of the library.
 */
#ifndef REGIO_WINSOCK_WIN32_PORT_H
#define REGIO_WINSOCK_WIN32_PORT_H

#include "winsock/win32/domain.h"
#include "winsock/win32/handle.h"

/*
 * A packet that a thread takes off a port. Belongs to the code that posts it, which must keep it
 * until it is taken.
 */
struct regioi_ws_packet {
	struct regioi_ws_link link;
	ULONG_PTR key;
	OVERLAPPED *overlapped;
	DWORD bytes;
	DWORD error;	/* Win32 */
	uint32_t times; /* posted and not taken yet */
	/*
	 * Called with the port's lock, once for each post, when it was taken or the port has ended.
	 */
	void (*taken)(struct regioi_ws_packet *packet);
};

struct regioi_ws_port {
	struct regioi_ws_object object;
	struct regioi_ws_domain domain;
	/* Protected by the domain's lock. */
	struct regioi_ws_list packets; /* oldest first */
	bool abandoned;
};

/* A new port, or NULL with the last error set. */
HANDLE regioi_ws_port_create(void);
/* The port with a reference for the caller, or NULL. */
struct regioi_ws_port *regioi_ws_port_get(HANDLE handle);
void regioi_ws_port_post(struct regioi_ws_port *port, struct regioi_ws_packet *packet);

#endif
