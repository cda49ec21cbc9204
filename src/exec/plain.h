/* SPDX-License-Identifier: MIT */
/*
 * A shorter path for plain messages.
 */
#ifndef REGIO_EXEC_PLAIN_H
#define REGIO_EXEC_PLAIN_H

#include "exec/work.h"

/*
 * As executor, in a read section: plans an operation for the oldest requests, if these are a send
 * that nothing could be joined with, or receives of data alone. Otherwise returns false, with
 * nothing done.
 */
bool regioi_plain_prepare(struct regioi_half *half, struct regioi_work *ret_work);

#endif
