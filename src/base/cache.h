/* SPDX-License-Identifier: MIT */
/*
 * The unit in which processors share memory.
 */
#ifndef REGIO_BASE_CACHE_H
#define REGIO_BASE_CACHE_H

#define REGIOI_CACHE_LINE 64

#endif
