/* SPDX-License-Identifier: MIT */
/*
 * winsock.h - the old name of winsock2.h
 */
#ifndef REGIO_WINSOCK_WINSOCK_H
#define REGIO_WINSOCK_WINSOCK_H

#include "winsock2.h"

#endif
