/* SPDX-License-Identifier: MIT */
/*
 * Names and ports, to addresses and back.
 */
#ifndef REGIO_TOOL_ADDRESS_H
#define REGIO_TOOL_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define ADDRESSES_MAX 8u
/* An address, numbers in full, brackets and port. */
#define ADDRESS_TEXT_BYTES 72u

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name;
	socklen_t bytes;
};

struct address_text {
	char text[ADDRESS_TEXT_BYTES];
};

/*
 * All addresses of a name, at a port. Returns how many, or -1 after saying why. The zone of an
 * IPv6 address is kept ("fe80::1%eth0"), and refused where it means nothing.
 */
int address_find(const char *host, uint16_t port, struct address ret_addresses[ADDRESSES_MAX]);

/* Reads "GROUP:PORT", "HOST:PORT" or "[ADDRESS%ZONE]:PORT". Returns 0, or -1 after saying why. */
int address_read(const char *text, struct address *ret_address);

/* "192.0.2.1:80" or "[2001:db8::1]:80". */
struct address_text address_text(const struct address *address);

/* The same without a port: "192.0.2.1" or "2001:db8::1". */
struct address_text address_host_text(const struct address *address);

/* The number of the interface it names, or 0. */
unsigned address_zone(const struct address *address);

/* Whether family, address, port and zone are the same. */
bool address_is_same(const struct address *one, const struct address *other);

void address_set_port(struct address *address, uint16_t port);

uint16_t address_port(const struct address *address);

/* Port 0 is none that others can name. Returns 0, or -1 after saying so. */
int address_need_port(const struct address *address);

/* The address a socket is bound to. */
struct address address_of_socket(int fd);

#endif
