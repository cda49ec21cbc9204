/* SPDX-License-Identifier: MIT */
/*
 * Setting up a side on regio, and its answer when something fails.
 */
#include "regio_side.h"

#include <errno.h>
#include <stdio.h>

static struct regio_driver_opts driver_opts(const struct bench_impl *impl)
{
	return (struct regio_driver_opts){
		.size = sizeof(struct regio_driver_opts),
		.flags = impl->driver_flags,
		.engine = impl->engine,
	};
}

int regio_side_probe(const struct bench_impl *impl, char *ret_reason, size_t reason_bytes)
{
	struct regio_driver_opts opts = driver_opts(impl);
	struct regio_driver *driver;
	int result = regio_driver_create(&opts, &driver);

	if (result == 0) {
		regio_driver_close(driver);
		return 0;
	}
	snprintf(ret_reason, reason_bytes, "%s: %s", regio_error_name(result), regio_last_error());
	return -1;
}

void regio_side_check_slow(struct regio_side *regio, const char *call, int result)
{
	if (result < 0)
		side_fail(regio->side, "%s: %s, %s; %s", call, regio_error_name(result),
			  regio_error_text(result), regio_last_error());
}

/* Where both are on one core, an application that spins would keep its driver from working. */
static void place_driver_thread(struct bench_side *side, struct regio_driver_opts *opts)
{
	opts->flags |= REGIO_DRIVER_THREAD_CPU;
	opts->thread_cpu = (uint32_t)side->thread_cpu;
	if (side_place_thread(side))
		side->params.spin = false;
}

void regio_side_open_queue(struct regio_side *regio, struct bench_side *side, uint32_t completions)
{
	struct regio_driver_opts opts = driver_opts(side->impl);
	struct regio_cq_opts cq_opts = {.size = sizeof(cq_opts)};

	memset(regio, 0, sizeof(*regio));
	regio->side = side;
	if (opts.flags & REGIO_DRIVER_THREAD)
		place_driver_thread(side, &opts);
	regio_side_check_slow(regio, "regio_driver_create",
			      regio_driver_create(&opts, &regio->driver));
	cq_opts.driver = regio->driver;
	regio_side_check_slow(regio, "regio_cq_create",
			      regio_cq_create(completions, &cq_opts, &regio->cq));
}

void regio_side_open(struct regio_side *regio, struct bench_side *side, uint32_t slots,
		     uint32_t extra_bytes, uint32_t completions)
{
	uint64_t bytes = (uint64_t)slots * side->params.stride + extra_bytes;
	void *memory;

	regio_side_open_queue(regio, side, completions);
	regio_side_check_slow(regio, "regio_region_allocate",
			      regio_region_allocate(bytes, NULL, &regio->region, &memory));
	regio->memory = memory;
}

struct regio_rq *regio_side_add_rq(struct regio_side *regio, uint32_t index, uint32_t receives,
				   uint32_t sends)
{
	struct regio_rq *rq;
	int result = regio_rq_create(regio->side->fds[index], receives, sends, regio->cq, regio->cq,
				     index, NULL, &rq);

	regio_side_check_slow(regio, "regio_rq_create", result);
	return rq;
}

void regio_side_wait(struct regio_side *regio)
{
	int result = regio_cq_wait(regio->cq, 1, 0, -1);

	if (result != -EINTR)
		regio_side_check(regio, "regio_cq_wait", result);
}
