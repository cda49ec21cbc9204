/* SPDX-License-Identifier: MIT */
/*
 * Greeting a multicast group: everybody who has joined it may answer, each with its own
 * address and cookie. Those who do are the members that messages are expected from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ask.h"
#include "console.h"
#include "grow.h"

#define MEMBERS_MAX 64u

/* Returns 0, -1 after saying why, or an errno value. */
static int add_member(struct load *load, struct load_connection *connection,
		      const struct address *from, const struct note *welcome, bool *ret_new)
{
	struct load_member *members;

	for (uint32_t i = 0; i < connection->member_count; i++) {
		if (address_is_same(&connection->members[i].address, from))
			return 0;
	}
	if (connection->member_count == MEMBERS_MAX)
		return console_fail("greet %s: more than %u answer",
				    address_text(connection->address).text, MEMBERS_MAX);
	if (ask_check_welcome(load, from, welcome))
		return -1;
	members = grow(connection->members, connection->member_count, sizeof(*members));
	if (!members)
		return ENOMEM;
	connection->members = members;
	members += connection->member_count++;
	memset(members, 0, sizeof(*members));
	members->address = *from;
	members->greeted = welcome->kind == NOTE_WELCOME;
	members->cookie = welcome->cookie;
	*ret_new = true;
	return 0;
}

/* One greeting, and the answers to it. The same. */
static int greet_once(struct load *load, struct load_connection *connection,
		      const struct note *hello, bool *ret_new)
{
	struct note welcome;
	struct address from;
	int error = ask_send(connection, hello);

	while (error == 0 && ask_receive(connection, &welcome, &from) == 0) {
		if (welcome.kind == NOTE_WELCOME || welcome.kind == NOTE_HELLO)
			error = add_member(load, connection, &from, &welcome, ret_new);
	}
	return error;
}

int load_greet_group(struct load *load, struct load_connection *connection)
{
	struct note hello = {.kind = NOTE_HELLO, .mode = load->options->mode};
	int error = 0;

	if (getrandom(&hello.cookie, sizeof(hello.cookie), 0) < 0)
		return errno;
	/* Until nobody new answers. */
	for (int attempt = 0; attempt < ASK_ATTEMPTS && error == 0; attempt++) {
		bool new = false;

		error = greet_once(load, connection, &hello, &new);
		if (!new && connection->member_count > 0)
			break;
	}
	if (error)
		return error;
	if (connection->member_count == 0)
		return ETIMEDOUT;
	for (uint32_t i = 0; i < connection->member_count && error == 0; i++) {
		if (connection->members[i].greeted)
			error = ask_ready(load, connection, &connection->members[i], hello.cookie);
	}
	return error;
}
