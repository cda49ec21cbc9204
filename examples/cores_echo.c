/* SPDX-License-Identifier: MIT */
/*
 * A UDP echo server with a thread on each CPU. Usage: cores_echo [PORT]
 *
 * Each thread has a socket of one SO_REUSEPORT group, a completion queue and a pool of slots, and
 * shares nothing with the others. A classic BPF program gives each message to the thread on the CPU
 * that received it, so a message stays in the cache of one CPU; where the adapter distributes its
 * interrupts over the CPUs, all threads have work.
 */
#include <linux/filter.h>
#include <netinet/in.h>
#include <pthread.h>
#include <regio_slots.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 256
#define SLOT_BYTES 2048
#define TAKEN 64

struct worker {
	pthread_t thread;
	int cpu;
	int fd;
};

static void require(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "cores_echo: %s: %s\n", what, regio_last_error());
	exit(EXIT_FAILURE);
}

/* The same port for all; 0 lets the first socket choose it. */
static int open_socket(struct sockaddr_in6 *address)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), on = 1;
	socklen_t length = sizeof(*address);

	require(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) &&
			!bind(fd, (void *)address, length) &&
			!getsockname(fd, (void *)address, &length),
		"socket");
	return fd;
}

/*
 * The program loads the number of the CPU and returns the number of a socket, in the order in which
 * they were bound. A CPU without a thread gives its messages to the first one.
 */
static void steer(const struct worker *workers, int count)
{
	struct sock_filter *code = calloc(2 * (size_t)count + 2, sizeof(*code));
	struct sock_fprog program = {.len = (unsigned short)(2 * count + 2), .filter = code};

	require(code != NULL, "memory");
	*code++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       (unsigned)(SKF_AD_OFF + SKF_AD_CPU));
	for (int i = 0; i < count; i++) {
		unsigned cpu = (unsigned)workers[i].cpu;

		*code++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cpu, 0, 1);
		*code++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (unsigned)i);
	}
	*code = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	require(!setsockopt(workers[0].fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
			    sizeof(program)),
		"SO_ATTACH_REUSEPORT_CBPF");
	free(program.filter);
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	require(!pthread_setaffinity_np(pthread_self(), sizeof(set), &set), "affinity");
}

static void *serve(void *argument)
{
	const struct worker *worker = argument;
	struct regio_slot messages[TAKEN];
	struct regio_slots *slots;
	struct regio_cq *cq;
	struct regio_rq *rq;
	int count;

	/* Before anything is allocated, so that memory is of this CPU's node. */
	stay_on(worker->cpu);
	require(!regio_cq_create(2 * SLOTS, NULL, &cq), "completion queue");
	require(!regio_rq_create(worker->fd, SLOTS, SLOTS, cq, cq, 0, NULL, &rq), "request queue");
	require(!regio_slots_create(cq, SLOTS, SLOT_BYTES, NULL, &slots), "slots");
	require(!regio_slots_attach(slots, rq, SLOTS), "receives");
	do {
		count = regio_slots_dequeue(slots, messages, TAKEN);
		for (int i = 0; i < count; i++)
			regio_slots_reply(slots, &messages[i], messages[i].length);
		if (count == 0)
			regio_cq_wait(cq, 1, 0, -1);
	} while (count >= 0);
	require(0, "dequeue");
	return NULL;
}

int main(int argc, char **argv)
{
	static struct worker workers[CPU_SETSIZE];
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	cpu_set_t set;
	int count = 0;

	address.sin6_port = htons(argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 7777);
	require(!sched_getaffinity(0, sizeof(set), &set), "affinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			workers[count++] = (struct worker){.cpu = cpu, .fd = open_socket(&address)};
	}
	/* Before the first message can come to any of them. */
	steer(workers, count);
	for (int i = 0; i < count; i++)
		require(!pthread_create(&workers[i].thread, NULL, serve, &workers[i]), "thread");
	printf("port %d\n", ntohs(address.sin6_port));
	fflush(stdout);
	return pthread_join(workers[0].thread, NULL);
}
