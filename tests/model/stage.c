/* SPDX-License-Identifier: MIT */
/*
 * stage.c - what programs are run on: sockets, drivers and memory that outlive them
 */
#include "stage.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crew.h"
#include "run.h"

/* Room for all that a program sends, so that nothing is lost and no send waits for ever. */
#define BUFFER_BYTES (1 << 20)

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "model-programs: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void set(int fd, int level, int name, int value)
{
	must(setsockopt(fd, level, name, &value, sizeof(value)) == 0, "setting a socket option");
}

static int new_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	must(fd >= 0, "creating a socket");
	set(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	set(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
	return fd;
}

static union address bind_loopback(int fd, int family)
{
	union address address = {.any.sa_family = (sa_family_t)family};
	socklen_t length = sizeof(address);

	if (family == AF_INET)
		address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address.v6.sin6_addr = in6addr_loopback;
	must(bind(fd, &address.any, address_length(&address)) == 0, "binding to loopback");
	must(getsockname(fd, &address.any, &length) == 0, "asking for an address");
	return address;
}

static void make_udp(struct stage_sockets *sockets, int family)
{
	for (uint8_t i = 0; i < UDP_SOCKETS; i++) {
		sockets->fds[i] = new_socket(family, SOCK_DGRAM);
		sockets->addresses[i] = bind_loopback(sockets->fds[i], family);
	}
	for (uint8_t i = 0; i < 2; i++) {
		const union address *peer = &sockets->addresses[peer_of_socket(i)];

		must(connect(sockets->fds[i], &peer->any, address_length(peer)) == 0,
		     "connecting UDP sockets");
	}
}

/* Both ends of a connection. */
static void make_tcp(struct stage_sockets *sockets, int family, uint8_t first)
{
	int listener = new_socket(family, SOCK_STREAM);
	union address address = bind_loopback(listener, family);
	int fd = new_socket(family, SOCK_STREAM);

	must(listen(listener, 1) == 0, "listening");
	must(connect(fd, &address.any, address_length(&address)) == 0, "connecting");
	sockets->fds[first] = fd;
	sockets->fds[first + 1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	must(sockets->fds[first + 1] >= 0, "accepting");
	/* Nothing waits for company. */
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(sockets->fds[first + 1], IPPROTO_TCP, TCP_NODELAY, 1);
	close(listener);
}

void stage_reset(struct stage_sockets *sockets, uint8_t socket)
{
	const struct linger at_once = {.l_onoff = 1};

	if (sockets->fds[socket] < 0)
		return;
	setsockopt(sockets->fds[socket], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(sockets->fds[socket]);
	sockets->fds[socket] = -1;
}

static void make_drivers(struct stage *stage)
{
	struct regio_driver_opts opts = {
		.size = sizeof(opts),
		/* Two cores are shared by all threads: one that spins keeps others from working. */
		.thread_spin_ns = stage->threaded ? 2000 : 0,
	};

	/* Words joined to a name are for the environment. */
	setenv("REGIO_ENGINE", stage->engine, 1);
	for (int i = 0; i < DRIVERS; i++) {
		if (stage->drivers[i])
			continue;
		if (regio_driver_create(&opts, &stage->drivers[i]) != 0) {
			fprintf(stderr, "model-programs: %s\n", regio_last_error());
			exit(2);
		}
	}
}

static void close_drivers(struct stage *stage)
{
	for (int i = 0; i < DRIVERS; i++) {
		if (stage->drivers[i] && regio_driver_close(stage->drivers[i]) != 0) {
			fprintf(stderr, "model-programs: closing a driver: %s\n",
				regio_last_error());
			exit(2);
		}
		stage->drivers[i] = NULL;
	}
}

/* What sim does follows from the seed alone. */
static void seed_sim(struct stage *stage, const struct program *program)
{
	const uint64_t kind = program->seed / 2 % 8;
	char wish[96];

	stage->lossy = kind == 6;
	stage->errors = kind == 7;
	snprintf(wish, sizeof(wish), "seed=%llu%s%s", (unsigned long long)program->seed,
		 stage->lossy ? ",loss=50" : "", stage->errors ? ",errors=50" : "");
	close_drivers(stage);
	setenv("REGIO_SIM", wish, 1);
}

struct stage_sockets *stage_prepare(struct stage *stage, const struct program *program)
{
	const int family = program->ipv6 ? AF_INET6 : AF_INET;
	struct stage_sockets *sockets = &stage->families[program->ipv6];

	if (sockets->fds[0] < 0)
		make_udp(sockets, family);
	for (uint8_t i = UDP_SOCKETS; i < SOCKETS; i += 2) {
		if (sockets->fds[i] < 0)
			make_tcp(sockets, family, i);
	}
	if (stage->sim)
		seed_sim(stage, program);
	make_drivers(stage);
	for (int i = 0; i < REGIONS; i++)
		atomic_store(&stage->slots_taken[i], 0);
	return sockets;
}

void stage_clean(struct stage *stage, struct stage_sockets *sockets, const bool spoilt[SOCKETS])
{
	char data[2048];

	for (uint8_t i = 0; i < UDP_SOCKETS; i++) {
		for (int k = 0; k < 1024; k++) {
			if (recv(sockets->fds[i], data, sizeof(data), MSG_DONTWAIT) < 0 &&
			    errno == EAGAIN)
				break;
		}
	}
	for (uint8_t i = UDP_SOCKETS; i < SOCKETS; i += 2) {
		if (!spoilt[i] && !spoilt[i + 1])
			continue;
		stage_reset(sockets, i);
		stage_reset(sockets, i + 1);
	}
}

struct stage *stage_open(const char *engine)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	must(stage, "memory");
	snprintf(stage->engine, sizeof(stage->engine), "%s", engine);
	stage->sim = !strncmp(engine, "sim", 3);
	stage->threaded = strstr(engine, "+thread");
	stage->memory = mmap(NULL, (size_t)REGIONS * REGION_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(stage->memory != MAP_FAILED, "memory");
	memset(stage->families, 0xFF, sizeof(stage->families));
	stage->crew = crew_open();
	must(stage->crew, "threads");
	return stage;
}

void stage_close(struct stage *stage)
{
	crew_close(stage->crew);
	close_drivers(stage);
	for (int family = 0; family < 2; family++) {
		for (uint8_t i = 0; i < SOCKETS; i++)
			stage_reset(&stage->families[family], i);
	}
	munmap(stage->memory, (size_t)REGIONS * REGION_BYTES);
	free(stage);
}
