/* SPDX-License-Identifier: MIT */
/*
 * Reading addresses, line by line.
 */
#include "address_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "grow.h"
#include "text_file.h"

/* What follows the letter of a protocol, if one is there; NULL: it is the other one. */
static const char *skip_protocol(const char *line, bool tcp)
{
	if ((*line != 'U' && *line != 'T') || line[1] != ':')
		return line;
	if ((*line == 'T') == tcp)
		return line + 2;
	console_fail("%s: is %s; %s", line, tcp ? "a datagram socket" : "a stream",
		     tcp ? "leave --tcp out" : "give --tcp");
	return NULL;
}

/* Returns 0, or -1 after saying why. */
static int add(struct address_list *list, const char *line, bool tcp, uint32_t most)
{
	struct address *more;

	line = skip_protocol(line, tcp);
	if (!line)
		return -1;
	if (list->count == most)
		return console_fail("has more than %u addresses", most);
	more = grow(list->addresses, list->count, sizeof(*more));
	if (!more)
		return console_fail("%s", strerror(ENOMEM));
	list->addresses = more;
	if (address_read(line, &list->addresses[list->count]))
		return -1;
	list->count++;
	return 0;
}

int address_list_read(const char *path, bool tcp, uint32_t most, struct address_list *ret_list)
{
	struct text_file text;
	int status = text_file_open(&text, "--list", path);

	*ret_list = (struct address_list){0};
	if (status)
		return -1;
	while ((status = text_file_next(&text)) > 0) {
		status = add(ret_list, text.line, tcp, most);
		if (status)
			break;
	}
	text_file_close(&text);
	if (status == 0 && ret_list->count == 0)
		status = console_fail("--list %s: has no address; a line is as 192.0.2.1:7766 or "
				      "[2001:db8::1]:7766",
				      path);
	if (status)
		address_list_free(ret_list);
	return status;
}

void address_list_free(struct address_list *list)
{
	free(list->addresses);
	*list = (struct address_list){0};
}
