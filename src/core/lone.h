/* SPDX-License-Identifier: MIT */
/*
 * The short way of a lone message.
 */
#ifndef REGIO_CORE_LONE_H
#define REGIO_CORE_LONE_H

#include "core/half.h"

/*
 * As executor, in a read section: plans an operation for the oldest request alone, where that is
 * plain and nothing could be joined with it. Returns false, with nothing done, where it is not.
 */
bool regioi_lone_prepare(struct regioi_half *half, struct regioi_work *ret_work);

/*
 * As the consumer of the half's CQ, with its driver's lock held: tries the socket for the oldest
 * receive, where that is plain and nothing is in front of its result. A message that is there is
 * complete and dequeued at once: returns true with its result. False means nothing was there, or
 * that the long way must be gone; *ret_tried tells which.
 */
bool regioi_lone_receive(struct regioi_half *half, struct regio_result *ret_result,
			 bool *ret_tried);

#endif
