/* SPDX-License-Identifier: MIT */
/*
 * A group of sockets on one port, and the program that chooses one by the CPU.
 */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "socket_buffers.h"
#include "sockets.h"

static int fail(const char *what)
{
	fprintf(stderr, "regio bench: cores: %s: %s\n", what, strerror(errno));
	return -1;
}

/* Loads the number of the CPU; for each socket, compares and returns its number; else the first. */
static int steer(int fd, uint32_t count, const int *cpus)
{
	struct sock_filter code[2 + 2 * BENCH_WORKERS_MAX] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU)),
	};
	struct sock_fprog program = {.len = (uint16_t)(2 + 2 * count), .filter = code};

	for (uint32_t i = 0; i < count; i++) {
		code[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							       (uint32_t)cpus[i], 0, 1);
		code[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, i);
	}
	code[1 + 2 * count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)))
		return fail("SO_ATTACH_REUSEPORT_CBPF");
	return 0;
}

static int add_socket(struct bench_sockets *sockets, enum bench_role role,
		      const struct socket_opts *opts)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail("socket");
	sockets->fds[role][sockets->count[role]++] = fd;
	socket_ask_receive_buffer(fd, (int)opts->buffer_bytes);
	socket_ask_send_buffer(fd, (int)opts->buffer_bytes);
	return fd;
}

/* The first chooses the port. */
static int add_member(struct bench_sockets *sockets, const struct socket_opts *opts,
		      struct sockaddr_in *name)
{
	int fd = add_socket(sockets, BENCH_RX, opts), on = 1;
	socklen_t bytes = sizeof(*name);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)name, sizeof(*name)) ||
	    getsockname(fd, (struct sockaddr *)name, &bytes))
		return fail("SO_REUSEPORT, bind");
	return 0;
}

static int add_pair(struct bench_sockets *sockets, const struct socket_opts *opts,
		    struct sockaddr_in *name)
{
	int fd;

	if (add_member(sockets, opts, name))
		return -1;
	fd = add_socket(sockets, BENCH_TX, opts);
	if (fd < 0)
		return -1;
	return connect(fd, (struct sockaddr *)name, sizeof(*name)) ? fail("connect") : 0;
}

int sockets_open_steered(uint32_t count, const int *cpus, const struct socket_opts *opts,
			 struct bench_sockets *ret_sockets)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct bench_sockets sockets = {0};
	int result = 0;

	sockets.fds[BENCH_RX] = calloc(count, sizeof(int));
	sockets.fds[BENCH_TX] = calloc(count, sizeof(int));
	if (!sockets.fds[BENCH_RX] || !sockets.fds[BENCH_TX])
		result = fail("sockets");
	for (uint32_t i = 0; result == 0 && i < count; i++)
		result = add_pair(&sockets, opts, &name);
	if (result == 0)
		result = steer(sockets.fds[BENCH_RX][0], count, cpus);
	if (result)
		sockets_close(&sockets);
	else
		*ret_sockets = sockets;
	return result;
}
