/* SPDX-License-Identifier: MIT */
/*
 * ws2ipdef.h - its contents on Windows are in ws2def.h here
 */
#ifndef REGIO_WINSOCK_WS2IPDEF_H
#define REGIO_WINSOCK_WS2IPDEF_H

#include "ws2def.h"

#endif
