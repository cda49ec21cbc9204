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
 * Tries one receive. *ret_tried is false where the half has another executor, or is not plain.
 * Returns how many requests completed.
 */
uint32_t regioi_lone_receive(struct regioi_half *half, struct regioi_sink *sink, bool *ret_tried);

#endif
