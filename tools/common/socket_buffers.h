/* SPDX-License-Identifier: MIT */
/*
 * The buffers of a socket, and what did not fit.
 */
#ifndef COMMON_SOCKET_BUFFERS_H
#define COMMON_SOCKET_BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Asks for buffers of so many bytes. Privileged callers may go above what
 * net.core.rmem_max says; everybody else gets what is allowed.
 */
void socket_ask_receive_buffer(int fd, int bytes);
void socket_ask_send_buffer(int fd, int bytes);

/*
 * Packets the kernel has dropped at a socket since it was made, as it counts: a
 * train that did not fit counts once. The count wraps.
 */
uint32_t socket_kernel_drops(int fd);

/* Whether something is waiting to be read. */
bool socket_has_unread(int fd);

#endif
