/* SPDX-License-Identifier: MIT */
/*
 * The short way of a single message.
 */
#ifndef REGIO_EXEC_SINGLE_H
#define REGIO_EXEC_SINGLE_H

#include "exec/work.h"

/*
 * As executor, in a read section: plans an operation for the oldest request alone, where that is
 * plain and nothing could be joined with it. Returns false, with nothing done, where it is not.
 */
bool regioi_single_prepare(struct regioi_half *half, struct regioi_work *ret_work);

#endif
