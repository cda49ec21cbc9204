/* SPDX-License-Identifier: MIT */
/*
 * Binding, listening and joining.
 */
#include "serve_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address_list.h"
#include "confine.h"
#include "console.h"
#include "line.h"
#include "socket_buffers.h"

#define BUFFER_BYTES (4 << 20)

static const char *remedy(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "; another program listens there: choose another --port";
	case EACCES:
		return "; ports below 1024 are for the privileged: choose another --port";
	case EADDRNOTAVAIL:
		return "; --bind must be an address of this host, see `ip address`";
	default:
		return "";
	}
}

/* Joins the group, and has a socket that answers are from. Returns 0 or -1. */
static int join(const struct server *server, struct server_socket *place)
{
	const struct serve_options *options = server->options;
	struct line_opts opts = {.interface = options->interface, .buffer_bytes = BUFFER_BYTES};
	struct address any = place->address;
	unsigned interface;

	if (options->tcp || options->mode == SERVE_SOURCE)
		return console_fail("listen on %s: a group is for UDP echo and sink",
				    address_text(&place->address).text);
	place->fd = line_open_receiver(&place->address, &opts, &interface);
	if (place->fd < 0)
		return -1;
	memset(&any.name, 0, sizeof(any.name));
	any.name.any.sa_family = place->address.name.any.sa_family;
	/* With a port of its own, which distinguishes several servers on a host. */
	place->answer_fd = socket(any.name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (place->answer_fd < 0 || bind(place->answer_fd, &any.name.any, any.bytes))
		return console_fail("open a socket to answer from: %s", strerror(errno));
	return 0;
}

static int listen_on(const struct server *server, struct server_socket *place)
{
	const struct serve_options *options = server->options;
	const struct address *address = &place->address;
	int on = 1, off = 0, fd;

	fd = socket(address->name.any.sa_family,
		    (options->tcp ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return console_fail("open a socket: %s%s", strerror(errno),
				    errno == EMFILE ? "; see ulimit -n" : "");
	place->fd = fd;
	if (confine_to_interface(fd, options->interface))
		return -1;
	if (options->tcp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else
		socket_ask_receive_buffer(fd, BUFFER_BYTES);
	/* "::" is every address, those of IPv4 included. */
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &address->name.any, address->bytes) || (options->tcp && listen(fd, SOMAXCONN)))
		return console_fail("listen on %s: %s%s", address_text(address).text,
				    strerror(errno), remedy(errno));
	return 0;
}

/* Those to listen on. Returns 0, or -1 after saying why. */
static int find_addresses(const struct serve_options *options, struct address_list *ret_list)
{
	struct address found[ADDRESSES_MAX];

	if (options->list_path)
		return address_list_read(options->list_path, options->tcp, SERVE_SOCKETS_MAX,
					 ret_list);
	*ret_list = (struct address_list){.addresses = malloc(sizeof(struct address)), .count = 1};
	if (!ret_list->addresses)
		return console_fail("allocate a socket: %s", strerror(ENOMEM));
	if (address_find(options->bind ? options->bind : "127.0.0.1", options->port, found) < 1) {
		address_list_free(ret_list);
		return -1;
	}
	ret_list->addresses[0] = found[0];
	return 0;
}

static int open_all(struct server *server, const struct address_list *list)
{
	server->sockets = calloc(list->count, sizeof(*server->sockets));
	if (!server->sockets)
		return console_fail("allocate %u sockets: %s", list->count, strerror(ENOMEM));
	for (uint32_t i = 0; i < list->count; i++) {
		struct server_socket *next = &server->sockets[i];

		*next = (struct server_socket){
			.fd = -1, .answer_fd = -1, .address = list->addresses[i]};
		server->socket_count = i + 1;
		if (line_is_group(&next->address) ? join(server, next) : listen_on(server, next))
			return -1;
		next->address = address_of_socket(next->fd);
	}
	return 0;
}

int serve_sockets_open(struct server *server)
{
	struct address_list list;
	int status = find_addresses(server->options, &list);

	if (status)
		return -1;
	status = open_all(server, &list);
	address_list_free(&list);
	return status;
}

uint64_t serve_sockets_drops(const struct server *server)
{
	uint64_t drops = 0;

	for (uint32_t i = 0; i < server->socket_count; i++)
		drops += socket_kernel_drops(server->sockets[i].fd);
	return drops;
}

void serve_sockets_close(struct server *server)
{
	for (uint32_t i = 0; i < server->socket_count; i++) {
		if (server->sockets[i].fd >= 0)
			close(server->sockets[i].fd);
		if (server->sockets[i].answer_fd >= 0)
			close(server->sockets[i].answer_fd);
	}
	free(server->sockets);
}
