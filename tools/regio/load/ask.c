/* SPDX-License-Identifier: MIT */
/*
 * Notes, sent and waited for.
 */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "console.h"

int ask_send(const struct load_connection *connection, const struct note *note)
{
	const struct address *to = connection->group ? connection->address : NULL;
	uint8_t data[NOTE_BYTES];

	note_write(data, note);
	if (sendto(connection->fd, data, sizeof(data), 0, to ? &to->name.any : NULL,
		   to ? to->bytes : 0) < 0)
		return errno;
	return 0;
}

int ask_receive(const struct load_connection *connection, struct note *ret_note,
		struct address *ret_from)
{
	struct pollfd descriptor = {.fd = connection->fd, .events = POLLIN};
	uint8_t data[NOTE_BYTES];

	while (poll(&descriptor, 1, ASK_ATTEMPT_MS) > 0) {
		ssize_t bytes;

		ret_from->bytes = sizeof(ret_from->name);
		bytes = recvfrom(connection->fd, data, sizeof(data), MSG_DONTWAIT | MSG_TRUNC,
				 &ret_from->name.any, &ret_from->bytes);
		if (bytes < 0)
			return errno;
		if (note_read(data, (uint32_t)bytes, ret_note))
			return 0;
	}
	return ETIMEDOUT;
}

int ask(const struct load_connection *connection, const struct load_member *member,
	const struct note *question, enum note_kind wanted, struct note *ret_answer)
{
	struct address from;
	int error = ETIMEDOUT, status;

	*ret_answer = (struct note){0};
	for (int attempt = 0; attempt < ASK_ATTEMPTS && error != ECONNREFUSED; attempt++) {
		status = ask_send(connection, question);
		if (status)
			error = status;
		while ((status = ask_receive(connection, ret_answer, &from)) == 0) {
			if ((!member || address_is_same(&member->address, &from)) &&
			    (ret_answer->kind == wanted || ret_answer->kind == NOTE_HELLO))
				return 0;
		}
		if (status != ETIMEDOUT)
			error = status;
	}
	return error;
}

int ask_check_welcome(const struct load *load, const struct address *server,
		      const struct note *welcome)
{
	const struct load_options *options = load->options;
	const char *served = serve_mode_names[welcome->mode];
	const char *mode = serve_mode_names[options->mode];

	if (welcome->kind == NOTE_HELLO) {
		if (options->mode == SERVE_ECHO)
			return 0;
		return console_fail("greet %s: it is an echo server, not `regio serve %s`",
				    address_text(server).text, mode);
	}
	if (welcome->mode != options->mode)
		return console_fail("greet %s: it serves %s; use `regio load %s %s`, or make it "
				    "serve %s",
				    address_text(server).text, served,
				    options->host ? options->host : "--list FILE", served, mode);
	if (load->size_most > welcome->size)
		return console_fail("--%s: messages have up to %u bytes, and %s takes at most %u; "
				    "start it with --size %u",
				    options->playback_path ? "playback" : "size", load->size_most,
				    address_text(server).text, welcome->size, load->size_most);
	return 0;
}

int ask_ready(const struct load *load, const struct load_connection *connection,
	      const struct load_member *member, uint64_t greeting)
{
	const struct note ready = {.kind = NOTE_READY,
				   .mode = load->options->mode,
				   .cookie = member->cookie,
				   .greeting = greeting};
	struct note counts;

	return ask(connection, connection->group ? member : NULL, &ready, NOTE_COUNTS, &counts);
}
