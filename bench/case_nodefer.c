/* SPDX-License-Identifier: MIT */
/*
 * A sender that hands over one message at a time and never says that more will
 * come. Nobody reads: the receive queue fills during the warm-up, and from then
 * on the kernel drops on arrival what it has accepted. So the far end costs the
 * same for everybody, and what is measured is the way into the stack. The
 * receiving socket takes trains, as regio's do; otherwise the kernel would take
 * each apart, on the sender's time, to drop its messages singly.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "case.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static int open_sink(const struct bench_params *params, const struct socket_opts *opts,
		     struct bench_sockets *ret_sockets)
{
	int on = 1;

	if (sockets_open_pairs(1, opts, ret_sockets))
		return -1;
	if (!setsockopt(ret_sockets->fds[BENCH_RX][0], SOL_UDP, UDP_GRO, &on, sizeof(on)))
		return 0;
	fprintf(stderr, "regio bench: UDP_GRO: %s\n", strerror(errno));
	sockets_close(ret_sockets);
	return -1;
}

const struct bench_case bench_case_udp_nodefer = {
	.name = "udp-nodefer",
	.counted = "sends that the kernel accepted and nobody read",
	.about = "one send at a time, never deferred, to a socket nobody reads",
	.figure = "sends accepted by the kernel a second; ratio: times socket, more is better",
	.shape = SHAPE_NODEFER,
	.size = 64,
	.spin = true,
	.unread = true,
	.rate_of = BENCH_TX,
	.ratio_of = VALUE_MSGS_PER_S,
	.reference = "socket",
	.open = open_sink,
};
