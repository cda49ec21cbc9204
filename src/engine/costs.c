/* SPDX-License-Identifier: MIT */
/*
 * Measuring what calls cost, once in a process, and reading REGIO_COSTS.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/locked.h"
#include "base/print.h"
#include "base/syscalls.h"
#include "engine/costs.h"
#include "engine/settings.h"

/* Each cost is the least of these rounds; no round begins after ROUNDS_NS. */
#define ROUNDS 8
#define ROUNDS_NS 400000
#define ROUND_STEPS 8u

/* What calls cost on a processor of 2020 in a virtual machine. */
static const struct regioi_costs usual = {.poll = 160, .watch = 700, .miss = 300, .event = 450};

/* An epoll set and two sockets, the second of which is sometimes in the set. */
struct probe {
	int set;
	int sockets[2];
};

static bool poll_empty(const struct probe *probe)
{
	struct epoll_event event;

	return regioi_sys_epoll_wait(probe->set, &event, 1, 0) == 0;
}

static bool watch(const struct probe *probe)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(probe->set, EPOLL_CTL_ADD, probe->sockets[1], &event) == 0;
}

static bool unwatch(const struct probe *probe)
{
	return epoll_ctl(probe->set, EPOLL_CTL_DEL, probe->sockets[1], NULL) == 0;
}

static bool watch_and_unwatch(const struct probe *probe)
{
	return watch(probe) && unwatch(probe);
}

static bool receive_nothing(const struct probe *probe)
{
	char byte;

	return read(probe->sockets[1], &byte, 1) < 0 && errno == EAGAIN;
}

static bool move_byte(const struct probe *probe)
{
	char byte = 'r';

	return write(probe->sockets[0], &byte, 1) == 1 && read(probe->sockets[1], &byte, 1) == 1;
}

static bool move_byte_watched(const struct probe *probe)
{
	struct epoll_event event;
	char byte = 'r';

	return write(probe->sockets[0], &byte, 1) == 1 &&
	       regioi_sys_epoll_wait(probe->set, &event, 1, 0) == 1 &&
	       read(probe->sockets[1], &byte, 1) == 1;
}

/* Lowers *least_ns to what a step takes. Returns whether all steps worked. */
static bool time_steps(const struct probe *probe, bool (*step)(const struct probe *),
		       uint64_t *least_ns)
{
	uint64_t start = regioi_now_ns(), each_ns;

	for (uint32_t i = 0; i < ROUND_STEPS; i++) {
		if (!step(probe))
			return false;
	}
	each_ns = (regioi_now_ns() - start) / ROUND_STEPS;
	if (each_ns < *least_ns)
		*least_ns = each_ns;
	return true;
}

static uint32_t cost(uint64_t ns)
{
	return ns < REGIOI_COST_MAX_NS ? (uint32_t)ns : REGIOI_COST_MAX_NS;
}

static bool measure_with(const struct probe *probe, struct regioi_costs *ret_costs)
{
	const uint64_t until = regioi_now_ns() + ROUNDS_NS;
	uint64_t poll = UINT64_MAX, twice = UINT64_MAX, miss = UINT64_MAX;
	uint64_t move = UINT64_MAX, move_watched = UINT64_MAX;

	for (int i = 0; i < ROUNDS && (i == 0 || regioi_now_ns() < until); i++) {
		if (!time_steps(probe, watch_and_unwatch, &twice) ||
		    !time_steps(probe, poll_empty, &poll) ||
		    !time_steps(probe, receive_nothing, &miss) ||
		    !time_steps(probe, move_byte, &move) || !watch(probe) ||
		    !time_steps(probe, move_byte_watched, &move_watched) || !unwatch(probe))
			return false;
	}
	*ret_costs = (struct regioi_costs){
		.poll = cost(poll),
		.watch = cost(twice / 2),
		.miss = cost(miss),
		.event = move_watched > move + poll ? cost(move_watched - move - poll) : 0,
	};
	return true;
}

static bool measure(struct regioi_costs *ret_costs)
{
	struct probe probe = {.set = epoll_create1(EPOLL_CLOEXEC)};
	bool measured = false;

	if (probe.set < 0)
		return false;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, probe.sockets) == 0) {
		measured = measure_with(&probe, ret_costs);
		close(probe.sockets[0]);
		close(probe.sockets[1]);
	}
	close(probe.set);
	return measured;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool measured;
static struct regioi_costs costs;

struct regioi_costs regioi_costs_measured(void)
{
	REGIOI_LOCKED(&lock);

	if (!measured)
		measured = measure(&costs);
	return measured ? costs : usual;
}

void regioi_costs_fork_child(void)
{
	pthread_mutex_init(&lock, NULL);
	measured = false;
}

static bool cost_set(const struct regioi_setting *setting, void *to)
{
	struct regioi_costs *changed = to;
	const struct {
		const char *name;
		uint32_t *ns;
	} names[] = {
		{"poll", &changed->poll},   {"watch", &changed->watch}, {"miss", &changed->miss},
		{"event", &changed->event}, {"call", &changed->call},	{"batch", &changed->batch},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!regioi_setting_is(setting, names[i].name))
			continue;
		*names[i].ns = (uint32_t)setting->number;
		return setting->number <= REGIOI_COST_MAX_NS;
	}
	return false;
}

int regioi_costs_of(const struct regioi_engine_ops *ops, struct regioi_engine *engine,
		    struct regioi_costs *ret_costs, struct regioi_refusal *ret_refusal)
{
	int error;

	*ret_costs = ops->costs ? ops->costs(engine) : usual;
	error = regioi_settings_read("REGIO_COSTS", secure_getenv("REGIO_COSTS"), cost_set,
				     ret_costs, ret_refusal);
	if (error)
		regioi_print(ret_refusal->remedy,
			     "nanoseconds up to %u for poll, watch, miss, event, call and batch",
			     REGIOI_COST_MAX_NS);
	return error;
}
