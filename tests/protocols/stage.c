/* SPDX-License-Identifier: MIT */
/*
 * stage.c - what each order begins with, and the search
 */
#include "stage.h"
#include "../support/net.h"
#include "kernel.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hazard.h"
#include "base/table.h"
#include "drive/progress.h"
#include "drive/sleep.h"

/* In ./run models. */
#define FULL_TIMEOUT_S 600.0

struct stage stage;
uint8_t stage_memory[64];

static int fds[STAGE_QUEUES];

void stage_enter(void)
{
	EXPECT(regioi_hazard_own(), "no memory");
}

static void open_queue(unsigned int queue, const struct stage_options *options)
{
	const struct regio_cq_opts opts = {
		.size = sizeof(opts), .driver = stage.driver, .on_notify = options->on_notify};
	struct regioi_rq *rq;

	if (queue == 0 || options->own_cqs)
		EXPECT_RETURN(0, regio_cq_create(4 * STAGE_REQUESTS, &opts, &stage.cqs[queue]));
	else
		stage.cqs[queue] = stage.cqs[0];
	EXPECT_RETURN(0,
		      regio_rq_create(fds[queue], STAGE_REQUESTS, STAGE_REQUESTS, stage.cqs[queue],
				      stage.cqs[queue], queue, NULL, &stage.rqs[queue]));
	rq = regioi_table_object(stage.rqs[queue], REGIOI_KIND_RQ);
	EXPECT(rq, "the queue is not there");
	for (int i = 0; i < 2; i++) {
		/* The identity of the sockets is not what is looked at here. */
		rq->halves[i].verify_in = UINT16_MAX;
		rq->halves[i].pin_threshold = options->pins ? 1 : UINT16_MAX;
	}
	if (options->edges)
		atomic_store(&rq->edge, true);
	stage.rq_objects[queue] = rq;
}

/* As regioi_thread_start() does; the thread itself is an actor. */
static void add_thread(void)
{
	stage.driver_object->threaded = true;
	atomic_store(&stage.driver_object->posters_execute, false);
	atomic_store(&stage.driver_object->thread.user_cpu, -1);
	atomic_store(&stage.driver_object->thread.drives, true);
}

void stage_open(const struct stage_options *options)
{
	const struct regio_driver_opts opts = {.size = sizeof(opts), .engine = "stage"};

	ids_reset();
	/* The same ids are given again: a thread that has seen one would take another way. */
	regioi_hazards_forget();
	kernel_reset(fds);
	stage = (struct stage){0};
	EXPECT_RETURN(0, regio_driver_create(&opts, &stage.driver));
	stage.driver_object = regioi_table_object(stage.driver, REGIOI_KIND_DRIVER);
	if (options->thread)
		add_thread();
	EXPECT_RETURN(
		0, regio_region_register(stage_memory, sizeof(stage_memory), NULL, &stage.region));
	for (unsigned int i = 0; i < options->queues; i++)
		open_queue(i, options);
}

void stage_close(void)
{
	for (unsigned int i = 0; i < STAGE_QUEUES; i++) {
		if (stage.rqs[i])
			EXPECT_RETURN(0, regio_rq_close(stage.rqs[i], 0));
	}
	for (unsigned int i = 0; i < STAGE_QUEUES; i++) {
		if (stage.cqs[i] && (i == 0 || stage.cqs[i] != stage.cqs[0]))
			EXPECT_RETURN(0, regio_cq_close(stage.cqs[i]));
	}
	if (stage.region)
		EXPECT_RETURN(0, regio_region_deregister(stage.region));
	EXPECT_RETURN(0, regio_driver_close(stage.driver));
}

static struct regio_buf slice_of(uint8_t number)
{
	return (struct regio_buf){.region = stage.region, .offset = number, .length = 1};
}

void stage_send(unsigned int queue, uint8_t number, uint32_t flags)
{
	const struct regio_buf slice = slice_of(number);

	EXPECT_RETURN(0, regio_send(stage.rqs[queue], &slice, flags, number));
}

void stage_post_sends(unsigned int queue, uint8_t first, uint32_t count)
{
	struct regio_request requests[STAGE_REQUESTS] = {0};

	for (uint32_t i = 0; i < count; i++) {
		requests[i].data = slice_of((uint8_t)(first + i));
		requests[i].context = first + i;
	}
	EXPECT_RETURN((int)count, regio_post(stage.rqs[queue], REGIO_HALF_SEND, requests, count));
}

void stage_receive(unsigned int queue, uint8_t number, uint32_t flags)
{
	/* Apart from what is sent. */
	const struct regio_buf slice = slice_of((uint8_t)(number + sizeof(stage_memory) / 2));

	EXPECT_RETURN(0, regio_receive(stage.rqs[queue], &slice, flags, number));
}

static int dequeue(unsigned int queue, struct regio_result results[4 * STAGE_REQUESTS])
{
	int count = regio_cq_dequeue(stage.cqs[queue], results, 4 * STAGE_REQUESTS);

	EXPECT(count >= 0, "%s", regio_error_text(count));
	return count;
}

unsigned int stage_dequeue(unsigned int queue)
{
	struct regio_result results[4 * STAGE_REQUESTS];
	int count = dequeue(queue, results);

	for (int i = 0; i < count; i++)
		EXPECT(results[i].status == 0, "%s", regio_error_text(results[i].status));
	return (unsigned int)count;
}

void stage_drop(unsigned int queue)
{
	struct regio_result results[4 * STAGE_REQUESTS];

	dequeue(queue, results);
}

/* The kernel's part is in no epoll set. */
bool stage_is_readable(void)
{
	return stage_has_events() || stage_is_fired();
}

bool stage_is_fired(void)
{
	struct pollfd fd = {.fd = stage.driver_object->descriptor, .events = POLLIN};

	return fd.fd >= 0 && poll(&fd, 1, 0) == 1;
}

void stage_poll(void)
{
	struct regioi_event events[REGIOI_SLEEP_EVENTS];
	int count = regioi_driver_sleep(stage.driver_object, 0, events);

	regioi_progress_after_sleep(stage.driver_object, NULL, events, count);
}

void stage_progress(void)
{
	regioi_progress_without_poll(stage.driver_object, NULL);
}

/* ---- The search ---------------------------------------------------------------- */

static bool in_full(void)
{
	return getenv("REGIO_MODELS_ALL");
}

double stage_case_timeout_s(void)
{
	return in_full() ? FULL_TIMEOUT_S : CASE_TIMEOUT_S;
}

static const char *const memory_names[] = {[INTERLEAVE_TSO] = "tso", [INTERLEAVE_WEAK] = "weak"};

/* What is made once: records of threads, what the kernel is asked about. */
static void warm_up(void)
{
	static const struct stage_options options = {.queues = 1};

	for (unsigned int i = 0; i < sizeof(stage_memory); i++)
		stage_memory[i] = (uint8_t)i;
	stage_open(&options);
	stage_close();
}

void stage_search(const struct interleave_plan *plan, struct stage_bounds brief,
		  struct stage_bounds full, uint64_t orders_min)
{
	const struct stage_bounds bounds = in_full() ? full : brief;
	struct interleave_plan each = *plan;

	warm_up();
	if (!each.enter)
		each.enter = stage_enter;
	each.preemptions_max = bounds.preemptions;
	each.delays_max = bounds.delays;
	for (each.memory = INTERLEAVE_TSO; each.memory <= INTERLEAVE_WEAK; each.memory++) {
		uint64_t orders = interleave_all(&each);

		printf("# %s: %llu orders with at most %u preemptions and %u delays\n",
		       memory_names[each.memory], (unsigned long long)orders, bounds.preemptions,
		       bounds.delays);
		fflush(stdout);
		EXPECT(orders >= orders_min, "%llu orders", (unsigned long long)orders);
	}
}

int stage_run_cases(const struct test_case *cases, size_t count)
{
	uint64_t cookie;
	socklen_t length = sizeof(cookie);

	for (unsigned int i = 0; i < STAGE_QUEUES; i++)
		fds[i] = udp_socket(AF_INET);
	if (getsockopt(fds[0], SOL_SOCKET, SO_COOKIE, &cookie, &length) < 0) {
		printf("1..0 # SKIP no SO_COOKIE (an emulator of programs): %m\n");
		return EXIT_SUCCESS;
	}
	return run_cases(cases, count);
}
