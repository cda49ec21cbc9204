/* SPDX-License-Identifier: MIT */
/*
 * lane.c - a socket with all it needs, and calls of the library that may fail as they should
 */
#include "lane.h"

#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_NS (5 * SECOND_NS)

struct attempt *attempt;

/* ---- What may be, and what is wrong -------------------------------------------- */

void wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(attempt->wrong, sizeof(attempt->wrong), format, arguments);
	va_end(arguments);
	_exit(EXIT_FAILURE);
}

bool is_refusal(int result, const char *call)
{
	if (result >= 0)
		return false;
	MUST(trap_failed(), "%s: %s, and no fault", call, regio_error_name(result));
	MUST(!(attempt->outcomes & REFUSED), "%s: %s, and it is not the first to fail", call,
	     regio_error_name(result));
	MUST(may_become(attempt->call, attempt->error, -result), "%s: %s is another error", call,
	     regio_error_name(result));
	MUST(strcmp(regio_error_name(result), "EUNKNOWN") != 0, "%s: no name for %d", call, result);
	MUST(result == -EINTR || regio_last_error()[0], "%s: %s is not explained", call,
	     regio_error_name(result));
	attempt->outcomes |= REFUSED;
	return true;
}

int must_work(int result, const char *call)
{
	/* An engine that was asked for by name, and does not work here: there is no more to see. */
	if (result == -ENOTSUP && attempt->outcomes & REFUSED &&
	    is_judgement(attempt->call, attempt->error))
		_exit(JUDGED);
	MUST(result >= 0, "%s: %s: %s", call, regio_error_name(result), regio_last_error());
	return result;
}

void note_completion(int status)
{
	MUST(trap_failed() && status == -attempt->error, "a request completed with %s",
	     regio_error_name(status));
	MUST(strcmp(regio_error_name(status), "EUNKNOWN") != 0, "no name for %d", status);
	attempt->outcomes |= COMPLETED;
}

/* ---- Lanes: a socket, its queues and its memory -------------------------------- */

struct regio_driver *driver_open(void)
{
	struct regio_driver *driver = NULL;

	TRY(regio_driver_create(NULL, &driver));
	return driver;
}

static struct regio_cq *cq_open(struct regio_driver *driver, uint32_t capacity)
{
	struct regio_cq_opts opts = {.size = sizeof(opts), .driver = driver};
	struct regio_cq *cq = NULL;

	TRY(regio_cq_create(capacity, &opts, &cq));
	return cq;
}

void lane_join(struct lane *lane, int fd, int peer, struct regio_driver *receive_driver,
	       struct regio_driver *send_driver)
{
	void *memory = NULL;

	*lane = (struct lane){.fd = fd, .peer = peer, .drivers = {receive_driver, send_driver}};
	lane->cqs[RECEIVE] = cq_open(receive_driver, SLOTS);
	lane->cqs[SEND] = cq_open(send_driver, SLOTS);
	TRY(regio_region_allocate((size_t)2 * SLOTS * SLOT_SIZE, NULL, &lane->region, &memory));
	lane->memory = memory;
	TRY(regio_rq_create(fd, SLOTS, SLOTS, lane->cqs[RECEIVE], lane->cqs[SEND], 1, NULL,
			    &lane->rq));
}

void lane_open(struct lane *lane, int fd, int peer)
{
	struct regio_driver *driver = driver_open();

	lane_join(lane, fd, peer, driver, driver);
}

void lane_end(struct lane *lane)
{
	TRY(regio_rq_close(lane->rq, REGIO_CLOSE_SOCKET));
	close(lane->peer);
	TRY(regio_cq_close(lane->cqs[SEND]));
	TRY(regio_cq_close(lane->cqs[RECEIVE]));
	TRY(regio_region_deregister(lane->region));
}

void lane_close(struct lane *lane)
{
	lane_end(lane);
	TRY(regio_driver_close(lane->drivers[RECEIVE]));
	if (lane->drivers[SEND] != lane->drivers[RECEIVE])
		TRY(regio_driver_close(lane->drivers[SEND]));
}

void datagram_pair(int family, int ret_fds[2])
{
	ret_fds[0] = bound_socket(family);
	ret_fds[1] = peer_of(ret_fds[0]);
	connect_to(ret_fds[0], ret_fds[1]);
}

struct regio_buf slice_of(const struct lane *lane, uint64_t slot, uint32_t length)
{
	return (struct regio_buf){lane->region, (uint32_t)slot * SLOT_SIZE, length};
}

uint8_t *slot_of(const struct lane *lane, uint64_t slot)
{
	return lane->memory + slot * SLOT_SIZE;
}

struct regio_result next_result(struct regio_cq *cq)
{
	struct regio_result result = {0};
	int count;

	while ((count = INSIDE(regio_cq_dequeue(cq, &result, 1))) == 0) {
		int queued = INSIDE(regio_cq_wait(cq, 1, 0, WAIT_NS));

		if (queued == -EINTR)
			is_refusal(queued, "regio_cq_wait()");
		else
			MUST(queued > 0, "a completion did not come: %s", regio_error_name(queued));
	}
	MUST(count == 1, "dequeue: %s", regio_error_name(count));
	return result;
}

void post_receive(struct lane *lane, uint32_t length, uint32_t flags)
{
	struct regio_buf slice = slice_of(lane, lane->posted % SLOTS, length);

	must_work(INSIDE(regio_receive(lane->rq, &slice, flags, lane->posted % SLOTS)),
		  "regio_receive()");
	lane->posted++;
}

void resize(struct lane *lane)
{
	TRY(regio_cq_resize(lane->cqs[RECEIVE], 4 * SLOTS));
	TRY(regio_rq_resize(lane->rq, 4 * SLOTS, SLOTS));
	TRY(regio_rq_resize(lane->rq, SLOTS, SLOTS));
}
