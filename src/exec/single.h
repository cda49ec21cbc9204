/* SPDX-License-Identifier: MIT */
/*
 * A shorter path for a single message.
 */
#ifndef REGIO_EXEC_SINGLE_H
#define REGIO_EXEC_SINGLE_H

#include "exec/work.h"

/*
 * As executor, in a read section: plans an operation for the oldest request alone, if it is a plain
 * message and nothing could be joined with it. Otherwise returns false, with nothing done.
 */
bool regioi_single_prepare(struct regioi_half *half, struct regioi_work *ret_work);

#endif
