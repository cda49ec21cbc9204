/* SPDX-License-Identifier: MIT */
/*
 * regio with several workers: each has a driver, a CQ, a region and a request queue of its own.
 */
#include <errno.h>

#include "cores.h"
#include "regio_side.h"

#define RECEIVES 512u
#define END_NS 100000000

static void serve(struct core *core, struct regio_side *regio, struct regio_rq *rq)
{
	uint32_t count = regio_side_dequeue(regio);
	int result;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t slot = regio->results[i].request_context;

		core_read(core, regio_side_slot(regio, slot), regio->results[i].bytes);
		regio_side_post_receive(regio, rq, slot, REGIO_MSG_DEFER);
	}
	if (count > 0)
		return;
	result = regio_cq_wait(regio->cq, 1, 0, END_NS);
	if (result != -ETIMEDOUT && result != -EINTR)
		regio_side_check(regio, "regio_cq_wait", result);
}

static void work(struct core *core)
{
	struct regio_side regio;
	struct regio_rq *rq;

	regio_side_open(&regio, core->side, RECEIVES, 0, RECEIVES);
	rq = regio_side_add_rq(&regio, core->index, RECEIVES, 0);
	for (uint32_t slot = 0; slot < RECEIVES; slot++)
		regio_side_post_receive(&regio, rq, slot, REGIO_MSG_DEFER);
	core_start(core);
	while (core_running(core))
		serve(core, &regio, rq);
}

void regio_cores_rx(struct bench_side *side)
{
	cores_run(side, work);
}
