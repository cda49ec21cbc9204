/* SPDX-License-Identifier: MIT */
/*
 * One operation for one half, from planning to settling.
 */
#ifndef REGIO_EXEC_WORK_H
#define REGIO_EXEC_WORK_H

#include "engine/engine.h"
#include "mem/area.h"
#include "queue/completion.h"

struct regioi_work {
	struct regioi_half *half;
	struct regioi_area *area; /* NULL if none is needed */
	struct regioi_op op;
	uint32_t planned; /* the number of requests it covers */
	struct regioi_direct_results
		*direct; /* where results are wanted, or NULL; set by the caller */
};

#endif
