/* SPDX-License-Identifier: MIT */
/*
 * conio.h - single keys, for programs that end when one is pressed
 *
 * Keys come from standard input; if that is not a terminal, the next character is read.
 */
#ifndef REGIO_WINSOCK_CONIO_H
#define REGIO_WINSOCK_CONIO_H

#include "windef.h"

REGIO_WINSOCK_BEGIN
int _kbhit(void) REGIO_WINSOCK_SYMBOL(_kbhit);
int _getch(void) REGIO_WINSOCK_SYMBOL(_getch);
REGIO_WINSOCK_END

#endif
