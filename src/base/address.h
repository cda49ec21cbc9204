/* SPDX-License-Identifier: MIT */
/*
 * Internet addresses, which may lie unaligned in a slice of the program.
 */
#ifndef REGIO_BASE_ADDRESS_H
#define REGIO_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

union regioi_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Length of an address of its family; 0 for a family that is not supported. */
uint32_t regioi_address_length(const void *address);
/* Whether two destinations are the same. */
bool regioi_address_equal(const union regioi_address *a, const union regioi_address *b);

#endif
