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
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "confine.h"
#include "console.h"
#include "line.h"
#include "socket_buffers.h"

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

/* ---- Connections --------------------------------------------------------- */

/* Where a connection comes from. Returns 0, -1 after saying why, or an errno value. */
static int bind_connection(const struct load *load, int fd, const struct address *peer)
{
	const char *text = load->options->bind;
	struct address addresses[ADDRESSES_MAX];
	int count, on = 1;

	/* What goes to a group goes to that interface, and answers may come from another. */
	if (!line_is_group(peer) && confine_to_interface(fd, load->options->interface))
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

/* Greets, and shows that the answer has come. Returns 0, -1 after saying why, or an errno value. */
static int greet(const struct load *load, struct load_connection *connection)
{
	struct note hello = {.kind = NOTE_HELLO, .mode = load->options->mode}, welcome;
	struct load_member *server = &connection->members[0];
	int error;

	if (getrandom(&hello.cookie, sizeof(hello.cookie), 0) < 0)
		return errno;
	error = ask(connection, NULL, &hello, NOTE_WELCOME, &welcome);
	if (error || ask_check_welcome(load, connection->address, &welcome))
		return error ? error : -1;
	server->cookie = welcome.cookie;
	/* An echo server of another kind has no cookies. */
	if (welcome.kind != NOTE_WELCOME)
		return 0;
	server->greeted = true;
	return ask_ready(load, connection, server, hello.cookie);
}

/* The one that answers where it is no group. Returns 0 or an errno value. */
static int add_server(struct load_connection *connection)
{
	connection->members = calloc(1, sizeof(*connection->members));
	if (!connection->members)
		return ENOMEM;
	connection->members[0].address = *connection->address;
	connection->member_count = 1;
	return 0;
}

/* Returns 0, -1 after saying why, or an errno value. */
static int open_group(struct load *load, struct load_connection *connection)
{
	struct line_opts opts = {.interface = load->options->interface, .ttl = load->options->ttl};

	if (line_prepare_sender(connection->fd, connection->address, &opts))
		return -1;
	connection->group = load->named = true;
	return load_greet_group(load, connection);
}

/* What does not go with a group: 0, or -1 after saying why. */
static int check_group(const struct load *load, const struct address *address)
{
	if (!line_is_group(address))
		return 0;
	if (load->options->tcp)
		return console_fail("connect to %s: a group has no streams; leave --tcp out",
				    address_text(address).text);
	if (load->options->mode == SERVE_SOURCE)
		return console_fail("greet %s: a source sends to those who ask, and not to a "
				    "group; use `regio feed publish` and `subscribe`",
				    address_text(address).text);
	return 0;
}

/* With a socket that is bound. Returns 0, -1 after saying why, or an errno value. */
static int reach(struct load *load, struct load_connection *connection)
{
	const struct address *address = connection->address;
	int error;

	if (check_group(load, address))
		return -1;
	if (!load->options->tcp)
		socket_ask_receive_buffer(connection->fd, BUFFER_BYTES);
	if (!load->options->tcp && line_is_group(address))
		return open_group(load, connection);
	error = add_server(connection);
	if (error)
		return error;
	if (load->options->tcp)
		return connect_stream(connection->fd, address);
	if (connect(connection->fd, &address->name.any, address->bytes))
		return errno;
	return greet(load, connection);
}

static void close_connection(struct load_connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	free(connection->members);
	connection->fd = -1;
	connection->members = NULL;
	connection->member_count = 0;
}

/* Returns 0, -1 after saying why, or an errno value. */
static int open_connection(struct load *load, const struct address *address,
			   struct load_connection *connection)
{
	int error;

	connection->address = address;
	connection->fd = socket(address->name.any.sa_family,
				(load->options->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return errno;
	error = bind_connection(load, connection->fd, address);
	if (error == 0)
		error = reach(load, connection);
	if (error)
		close_connection(connection);
	return error;
}

static int fail_lonely(const struct load_options *options, const struct address *group)
{
	struct address_text host = address_host_text(group);

	/* A zone is the name of an interface of this host. */
	host.text[strcspn(host.text, "%")] = '\0';
	return console_fail("greet %s: nobody answers; start `regio serve %s --bind %s` there, and "
			    "name the network with --interface on both sides",
			    address_text(group).text, serve_mode_names[options->mode], host.text);
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
		return console_fail("open %u sockets: %s; see ulimit -n", load->connection_count,
				    strerror(error));
	if (error == ETIMEDOUT && line_is_group(address))
		return fail_lonely(options, address);
	if (error == ECONNREFUSED || error == ETIMEDOUT)
		return console_fail("%s %s: %s; start `regio serve %s%s` there, and make it "
				    "reachable (--bind, --port, firewalls)",
				    step, address_text(address).text,
				    error == ETIMEDOUT ? "no answer" : strerror(error),
				    serve_mode_names[options->mode], options->tcp ? " --tcp" : "");
	return console_fail("%s %s: %s%s", step, address_text(address).text, strerror(error),
			    line_is_group(address) ? line_remedy(error, address)
			    : error == ENETUNREACH ? "; see `ip route`"
						   : "");
}

/* The first connection goes to whichever address of the host answers; it is kept, alone. */
static int connect_first(struct load *load)
{
	struct address_list *list = &load->addresses;
	const struct address *last = &list->addresses[list->count - 1];
	struct address *tried = list->addresses;
	int error = open_connection(load, tried, &load->connections[0]);

	while (error > 0 && tried < last)
		error = open_connection(load, ++tried, &load->connections[0]);
	if (error)
		return fail_connect(load, tried, error);
	list->addresses[0] = *tried;
	list->count = 1;
	load->connections[0].address = &list->addresses[0];
	return 0;
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

/* Returns 0, or -1 after saying why. */
static int read_list(struct load *load)
{
	struct address_list *list = &load->addresses;

	if (address_list_read(load->options->list_path, load->options->tcp, LOAD_CONNECTIONS_MAX,
			      list))
		return -1;
	for (uint32_t i = 0; i < list->count; i++)
		if (address_need_port(&list->addresses[i]))
			return -1;
	return 0;
}

/* Where to. Returns 0, or -1 after saying why. */
static int find_addresses(struct load *load)
{
	const struct load_options *options = load->options;
	int count;

	if (options->list_path)
		return read_list(load);
	load->addresses.addresses = calloc(ADDRESSES_MAX, sizeof(struct address));
	if (!load->addresses.addresses)
		return console_fail("find the address of %s: %s", options->host, strerror(ENOMEM));
	count = address_find(options->host, options->port, load->addresses.addresses);
	load->addresses.count = count > 0 ? (uint32_t)count : 0;
	return count > 0 ? 0 : -1;
}

/* Returns 0, or -1 after saying why. */
static int allocate_connections(struct load *load)
{
	const struct load_options *options = load->options;
	uint32_t addresses = options->list_path ? load->addresses.count : 1;

	if (options->connections > LOAD_CONNECTIONS_MAX / addresses)
		return console_fail("--connections %u: to each of %u addresses are more than %u in "
				    "all",
				    options->connections, addresses, LOAD_CONNECTIONS_MAX);
	load->connection_count = options->connections * addresses;
	load->connections = calloc(load->connection_count, sizeof(*load->connections));
	if (!load->connections)
		return console_fail("allocate %u connections: %s", load->connection_count,
				    strerror(ENOMEM));
	for (uint32_t i = 0; i < load->connection_count; i++)
		load->connections[i].fd = -1;
	return 0;
}

int load_connect(struct load *load)
{
	uint32_t opened = 0;

	if (confine_to_cpus(&load->options->cpus) || find_addresses(load) ||
	    allocate_connections(load))
		return -1;
	raise_descriptor_limit();
	if (!load->options->list_path) {
		if (connect_first(load))
			return -1;
		opened = 1;
	}
	for (uint32_t i = opened; i < load->connection_count; i++) {
		const struct address *address =
			&load->addresses.addresses[i % load->addresses.count];
		int error = open_connection(load, address, &load->connections[i]);

		if (error)
			return fail_connect(load, address, error);
	}
	return 0;
}

void load_disconnect(struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count && load->connections; i++)
		close_connection(&load->connections[i]);
	free(load->connections);
	load->connections = NULL;
	address_list_free(&load->addresses);
}

/* ---- Counts -------------------------------------------------------------- */

static void ask_counts(const struct load *load, const struct load_connection *connection,
		       struct load_member *member)
{
	const struct note question = {
		.kind = NOTE_REPORT, .mode = load->options->mode, .cookie = member->cookie};

	member->counted = ask(connection, connection->group ? member : NULL, &question, NOTE_COUNTS,
			      &member->counts) == 0;
}

/* False when a member does not answer: that would be so for all, and takes a second. */
static bool ask_connection(const struct load *load, struct load_connection *connection)
{
	for (uint32_t i = 0; i < connection->member_count; i++) {
		struct load_member *member = &connection->members[i];

		if (load->options->mode == SERVE_SINK) {
			ask_counts(load, connection, member);
			continue;
		}
		if (!member->greeted || member->answers.received == connection->sent)
			continue;
		ask_counts(load, connection, member);
		if (!member->counted)
			return false;
	}
	return true;
}

void load_ask_counts(struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
		if (!ask_connection(load, &load->connections[i]))
			return;
	}
}
