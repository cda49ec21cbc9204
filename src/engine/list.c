/* SPDX-License-Identifier: MIT */
/*
 * All engines, the preferred ones first.
 */
#include "engine/engine.h"

static const struct regioi_engine_ops *const engines[] = {
	&regioi_engine_uring,
	&regioi_engine_epoll,
	&regioi_engine_sim,
	&regioi_engine_null,
};

const struct regioi_engine_ops *regioi_engine_at(uint32_t index)
{
	return index < sizeof(engines) / sizeof(engines[0]) ? engines[index] : NULL;
}
