/* SPDX-License-Identifier: MIT */
/*
 * Errors of another message. The kernel reports an ICMP answer to something a socket sent at that
 * socket's next call, whatever it is (Linux 6.18, sock_error in sock_alloc_send_pskb and
 * __skb_recv_udp). A message must not be lost to it, so the call is made again, a few times.
 */
#ifndef REGIO_DGRAM_ICMP_H
#define REGIO_DGRAM_ICMP_H

#include <errno.h>
#include <stdbool.h>

#define REGIOI_ICMP_RETRIES 4u

/* Whether icmp_err_convert or icmpv6_err_convert of the kernel can give this negative errno. */
static inline bool regioi_error_is_icmp(int error)
{
	switch (error) {
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -EHOSTDOWN:
	case -ENONET:
	case -ENOPROTOOPT:
	case -EPROTO:
	case -EACCES:
	case -EOPNOTSUPP:
	case -EMSGSIZE:
		return true;
	default:
		return false;
	}
}

/*
 * Whether a receive may fail with it for another reason, such as a security module's, which is
 * there the next time as well. The others are gone once read: each is of another ICMP message.
 */
static inline bool regioi_error_may_last(int error)
{
	return error == -EACCES || error == -EOPNOTSUPP;
}

#endif
