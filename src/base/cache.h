/* SPDX-License-Identifier: MIT */
/*
 * The size of a cache line.
 */
#ifndef REGIO_BASE_CACHE_H
#define REGIO_BASE_CACHE_H

#define REGIOI_CACHE_LINE 64

#endif
