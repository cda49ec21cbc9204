/* SPDX-License-Identifier: MIT */
/*
 * The functions of Registered I/O, which programs get through WSAIoctl().
 */
#ifndef REGIO_WINSOCK_RIO_RIO_H
#define REGIO_WINSOCK_RIO_RIO_H

#include "winsock/win32/posix.h"

extern const RIO_EXTENSION_FUNCTION_TABLE regioi_ws_rio_table;

/* Those on completion queues are in completion.c. */
RIO_CQ PASCAL regioi_ws_rio_create_cq(DWORD size, PRIO_NOTIFICATION_COMPLETION notification);
void PASCAL regioi_ws_rio_close_cq(RIO_CQ queue);
BOOL PASCAL regioi_ws_rio_resize_cq(RIO_CQ queue, DWORD size);
ULONG PASCAL regioi_ws_rio_dequeue(RIO_CQ queue, PRIORESULT ret_results, ULONG results_max);
INT PASCAL regioi_ws_rio_notify(RIO_CQ queue);

#endif
