/* SPDX-License-Identifier: MIT */
/*
 * Printing to an array of characters, as far as there is room.
 */
#ifndef REGIO_BASE_PRINT_H
#define REGIO_BASE_PRINT_H

#include <stdio.h>

#define regioi_print(array, ...) snprintf(array, sizeof(array), __VA_ARGS__)

#endif
