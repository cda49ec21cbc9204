/* SPDX-License-Identifier: MIT */
/*
 * io.h - descriptors, with the names of Microsoft's C library
 */
#ifndef REGIO_WINSOCK_IO_H
#define REGIO_WINSOCK_IO_H

#include <unistd.h>

#include "securecrt.h"

#define _isatty isatty

#endif
