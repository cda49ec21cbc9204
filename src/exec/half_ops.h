/* SPDX-License-Identifier: MIT */
/*
 * What is specific to one kind of half: receives or sends, of datagrams or of a stream.
 */
#ifndef REGIO_EXEC_HALF_OPS_H
#define REGIO_EXEC_HALF_OPS_H

#include "exec/work.h"

/*
 * The outcome of planning, or of an operation. Each field has a word: two that share one would be
 * stored separately and loaded together, and the load would wait for both stores.
 */
struct regioi_outcome {
	/* Number of oldest requests whose results are in place. */
	_Alignas(8) uint32_t completed;
	/* Not 0: every request after these completes with it. */
	_Alignas(8) int fail_status;
	/* What the attempt found. Not used for planning. */
	_Alignas(8) enum regioi_ready ready;
};

/* All as executor, in a read section. */
struct regioi_half_ops {
	/* Whether planning the oldest requests needs an area. */
	bool (*needs_area)(const struct regioi_half *half, const struct regioi_window *window);
	/* Turns the oldest requests into work->op. work->planned is 0 if there is no operation. */
	struct regioi_outcome (*plan)(struct regioi_half *half, const struct regioi_window *window,
				      struct regioi_work *work);
	/*
	 * Settles an executed operation, whose first request is the half's oldest. An area that the
	 * half keeps is removed from the work.
	 */
	struct regioi_outcome (*settle)(struct regioi_half *half, struct regioi_work *work);
};

extern const struct regioi_half_ops regioi_datagram_receive_ops;
extern const struct regioi_half_ops regioi_datagram_send_ops;
extern const struct regioi_half_ops regioi_stream_receive_ops;
extern const struct regioi_half_ops regioi_stream_send_ops;

/* Delivers staged messages to the receives posted since. True when none is left. */
bool regioi_datagram_deliver_staged(struct regioi_half *half, struct regioi_direct_results *direct);

#endif
