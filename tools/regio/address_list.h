/* SPDX-License-Identifier: MIT */
/*
 * Addresses: one that was named, or those of a file that has one in each line, with its
 * port. The feed files of sockperf will do: "U:" or "T:" may stand before an address.
 */
#ifndef REGIO_TOOL_ADDRESS_LIST_H
#define REGIO_TOOL_ADDRESS_LIST_H

#include <stdbool.h>

#include "address.h"

struct address_list {
	struct address *addresses;
	uint32_t count;
};

/*
 * Up to 'most' addresses of the file that --list names, for streams or datagrams. Returns 0, or -1
 * after saying why.
 */
int address_list_read(const char *path, bool tcp, uint32_t most, struct address_list *ret_list);

void address_list_free(struct address_list *list);

#endif
