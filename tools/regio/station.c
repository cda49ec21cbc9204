/* SPDX-License-Identifier: MIT */
/*
 * Queue and memory of a command.
 */
#include "station.h"

#include <errno.h>
#include <string.h>

#include "console.h"

#define CACHE_LINE_BYTES 64u

/* An odd number of cache lines: slots then start in different sets of a cache. */
static uint32_t stride_of(uint32_t bytes)
{
	return ((bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES | 1) * CACHE_LINE_BYTES;
}

/* Returns 0 or -1. */
static int open_queue(struct station *station, uint32_t completions)
{
	struct regio_cq_opts opts = {.size = sizeof(opts)};
	struct regio_driver_info info;
	int status = regio_driver_create(NULL, &station->driver);

	if (status)
		return console_fail_call("make a driver", status);
	opts.driver = station->driver;
	status = regio_cq_create(completions, &opts, &station->cq);
	if (status)
		return console_fail_call("make a completion queue", status);
	if (regio_driver_get_info(station->driver, &info, sizeof(info)) == 0)
		memcpy(station->engine, info.engine, sizeof(station->engine));
	return 0;
}

int station_open(struct station *station, uint32_t completions, uint32_t slots, uint32_t bytes,
		 uint32_t extra_bytes)
{
	uint64_t total;
	void *memory;
	int status;

	station->stride = stride_of(bytes);
	total = (uint64_t)slots * station->stride + extra_bytes;
	if (open_queue(station, completions))
		return -1;
	if (total == 0)
		return 0;
	if (total > UINT32_MAX)
		return console_fail(
			"allocate the buffers: %u slots of %u bytes are more than 4 GiB; "
			"ask for fewer or shorter messages",
			slots, bytes);
	status = regio_region_allocate(total, NULL, &station->region, &memory);
	if (status)
		return console_fail_call("allocate the buffers", status);
	station->memory = memory;
	return 0;
}

void station_close(struct station *station)
{
	if (station->cq)
		regio_cq_close(station->cq);
	if (station->driver)
		regio_driver_close(station->driver);
	if (station->region)
		regio_region_deregister(station->region);
	station->driver = NULL;
	station->cq = NULL;
	station->region = 0;
}

int station_dequeue(struct station *station)
{
	int count = regio_cq_dequeue(station->cq, station->results, STATION_RESULTS);

	return count < 0 ? station_refused("dequeue", count) : count;
}

int station_wait(struct station *station, uint64_t nap_ns)
{
	int status;

	if (station->spin)
		return 0;
	status = regio_cq_wait(station->cq, 1, 0, (int64_t)nap_ns);
	if (status >= 0 || status == -ETIMEDOUT || status == -EINTR)
		return 0;
	return station_refused("wait", status);
}

int station_refused(const char *request, int error)
{
	return console_fail("%s: %s: %s", request, regio_error_name(error),
			    regio_error_text(error));
}
