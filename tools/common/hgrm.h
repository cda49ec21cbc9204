/* SPDX-License-Identifier: MIT */
/*
 * Writing a histogram as HdrHistogram's tools read it, a file that ends in .hgrm.
 */
#ifndef COMMON_HGRM_H
#define COMMON_HGRM_H

#include <stdio.h>

#include "histogram.h"

/* Percentiles, each with its value in us and how many values do not exceed it. */
void hgrm_write(FILE *file, const struct histogram *histogram);

#endif
