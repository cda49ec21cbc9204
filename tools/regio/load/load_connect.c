/* SPDX-License-Identifier: MIT */
/*
 * Before and after the load: connecting and greeting, asking what has arrived.
 * Plain calls, for there is no request queue then.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine.h"
#include "console.h"
#include "load.h"
#include "socket_buffers.h"

#define ATTEMPTS 5
#define ATTEMPT_MS 200
#define CONNECT_MS 3000
#define BUFFER_BYTES (4 << 20)

/* ---- Streams ------------------------------------------------------------- */

/* Returns 0 or an errno value. */
static int connect_stream(int fd, const struct address *address)
{
	struct pollfd descriptor = {.fd = fd, .events = POLLOUT};
	int flags = fcntl(fd, F_GETFL), on = 1, error = 0;
	socklen_t bytes = sizeof(error);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (connect(fd, &address->name.any, address->bytes) == 0)
		error = 0;
	else if (errno != EINPROGRESS)
		error = errno;
	else if (poll(&descriptor, 1, CONNECT_MS) == 0)
		error = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	fcntl(fd, F_SETFL, flags);
	return error;
}

/* ---- Notes --------------------------------------------------------------- */

/*
 * Sends a note until one of the kind wanted comes, or the note itself, from an
 * echo server of another kind. Returns 0 or an errno value.
 */
static int ask(int fd, const struct note *question, enum note_kind wanted, struct note *ret_answer)
{
	uint8_t data[NOTE_BYTES];
	int error = ETIMEDOUT;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct pollfd descriptor = {.fd = fd, .events = POLLIN};

		note_write(data, question);
		if (send(fd, data, sizeof(data), 0) < 0)
			error = errno;
		while (poll(&descriptor, 1, ATTEMPT_MS) > 0) {
			ssize_t bytes = recv(fd, data, sizeof(data), MSG_DONTWAIT | MSG_TRUNC);

			if (bytes < 0) {
				error = errno;
				break;
			}
			if (note_read(data, (uint32_t)bytes, ret_answer) &&
			    (ret_answer->kind == wanted || ret_answer->kind == NOTE_HELLO))
				return 0;
		}
		if (error == ECONNREFUSED)
			break;
	}
	return error;
}

/* Says what keeps this load from that server: 0 or -1. */
static int check_welcome(const struct load *load, const struct note *welcome)
{
	const struct load_options *options = load->options;
	const char *served = serve_mode_names[welcome->mode];

	if (welcome->kind == NOTE_HELLO) {
		if (options->mode == SERVE_ECHO)
			return 0;
		return console_fail("greet %s: it is an echo server, not `regio serve %s`",
				    address_text(&load->address).text,
				    serve_mode_names[options->mode]);
	}
	if (welcome->mode != options->mode)
		return console_fail("greet %s: it serves %s; use `regio load %s %s`, or make it "
				    "serve %s",
				    address_text(&load->address).text, served, options->host,
				    served, serve_mode_names[options->mode]);
	if (options->size > welcome->size)
		return console_fail("--size %u: %s takes at most %u bytes; start it with --size %u",
				    options->size, address_text(&load->address).text, welcome->size,
				    options->size);
	return 0;
}

/* ---- Connections --------------------------------------------------------- */

/* Where a connection comes from. Returns 0, -1 after saying why, or an errno value. */
static int bind_connection(const struct load *load, int fd, const struct address *peer)
{
	const char *text = load->options->bind;
	struct address addresses[ADDRESSES_MAX];
	int count, on = 1;

	if (confine_to_interface(fd, load->options->interface))
		return -1;
	if (!text)
		return 0;
	count = address_find(text, 0, addresses);
	/* The port is chosen when it connects, so that there may be more than there are ports. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	for (int i = 0; i < count; i++) {
		if (addresses[i].name.any.sa_family != peer->name.any.sa_family)
			continue;
		if (bind(fd, &addresses[i].name.any, addresses[i].bytes) == 0)
			return 0;
		return console_fail(
			"--bind %s: %s%s", text, strerror(errno),
			errno == EADDRNOTAVAIL
				? "; it must be an address of this host, see `ip address`"
				: "");
	}
	return count < 0 ? -1 : EAFNOSUPPORT;
}

/* Greets, and shows that the answer has come. Returns 0 or an errno value. */
static int greet(const struct load *load, struct load_connection *connection,
		 struct note *ret_welcome)
{
	struct note hello = {.kind = NOTE_HELLO, .mode = load->options->mode};
	struct note ready = {.kind = NOTE_READY, .mode = load->options->mode}, counts;
	int error;

	if (getrandom(&hello.cookie, sizeof(hello.cookie), 0) < 0)
		return errno;
	error = ask(connection->fd, &hello, NOTE_WELCOME, ret_welcome);
	connection->cookie = ret_welcome->cookie;
	/* An echo server of another kind has no cookies. */
	if (error || ret_welcome->kind != NOTE_WELCOME)
		return error;
	connection->greeted = true;
	ready.cookie = ret_welcome->cookie;
	ready.greeting = hello.cookie;
	return ask(connection->fd, &ready, NOTE_COUNTS, &counts);
}

/* Returns 0, -1 after saying why, or an errno value, with 'ret_welcome' from a UDP server. */
static int open_connection(const struct load *load, const struct address *address,
			   struct load_connection *connection, struct note *ret_welcome)
{
	int error;

	connection->fd = socket(address->name.any.sa_family,
				(load->options->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return errno;
	error = bind_connection(load, connection->fd, address);
	if (error) {
		/* Said already, or for the caller to say. */
	} else if (load->options->tcp) {
		error = connect_stream(connection->fd, address);
	} else {
		socket_ask_receive_buffer(connection->fd, BUFFER_BYTES);
		error = connect(connection->fd, &address->name.any, address->bytes) ? errno : 0;
		if (error == 0)
			error = greet(load, connection, ret_welcome);
	}
	if (error) {
		close(connection->fd);
		connection->fd = -1;
	}
	return error;
}

static int fail_connect(const struct load *load, const struct address *address, int error)
{
	const struct load_options *options = load->options;
	const char *step = options->tcp ? "connect to" : "greet";

	if (error < 0)
		return -1;
	if (error == EAFNOSUPPORT && options->bind)
		return console_fail("--bind %s: it is not of the family of %s", options->bind,
				    address_text(address).text);
	if (error == EMFILE)
		return console_fail("open %u sockets: %s; see ulimit -n", options->connections,
				    strerror(error));
	if (error == ECONNREFUSED || error == ETIMEDOUT)
		return console_fail("%s %s: %s; start `regio serve %s%s` there, and make it "
				    "reachable (--bind, --port, firewalls)",
				    step, address_text(address).text,
				    error == ETIMEDOUT ? "no answer" : strerror(error),
				    serve_mode_names[options->mode], options->tcp ? " --tcp" : "");
	return console_fail("%s %s: %s", step, address_text(address).text, strerror(error));
}

/* The first connection goes to whichever address of the host answers. */
static int connect_first(struct load *load, struct note *ret_welcome)
{
	struct address addresses[ADDRESSES_MAX];
	int count = address_find(load->options->host, load->options->port, addresses);
	int error = 0;

	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		load->address = addresses[i];
		error = open_connection(load, &addresses[i], &load->connections[0], ret_welcome);
		if (error == 0)
			return 0;
	}
	return fail_connect(load, &load->address, error);
}

/* As many descriptors as are allowed: the limit to begin with is meant for select(). */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int load_connect(struct load *load)
{
	struct note welcome = {0};

	if (confine_to_cpus(&load->options->cpus))
		return -1;
	raise_descriptor_limit();
	if (connect_first(load, &welcome) || (!load->options->tcp && check_welcome(load, &welcome)))
		return -1;
	for (uint32_t i = 1; i < load->options->connections; i++) {
		int error = open_connection(load, &load->address, &load->connections[i], &welcome);

		if (error)
			return fail_connect(load, &load->address, error);
	}
	return 0;
}

static void ask_counts(const struct load *load, struct load_connection *connection)
{
	const struct note question = {
		.kind = NOTE_REPORT, .mode = load->options->mode, .cookie = connection->cookie};

	connection->counted = ask(connection->fd, &question, NOTE_COUNTS, &connection->counts) == 0;
}

void load_ask_counts(struct load *load)
{
	for (uint32_t i = 0; i < load->options->connections; i++) {
		struct load_connection *connection = &load->connections[i];

		if (load->options->mode == SERVE_SINK) {
			ask_counts(load, connection);
			continue;
		}
		if (!connection->greeted || connection->answers.received == connection->sent)
			continue;
		ask_counts(load, connection);
		/* That would be so for every connection, and takes a second. */
		if (!connection->counted)
			return;
	}
}
