/* SPDX-License-Identifier: MIT */
/*
 * Errors caused by an earlier message. The kernel reports an ICMP answer to something that a socket
 * sent as an error of that socket's next call, of any kind (Linux 6.18, sock_error in
 * sock_alloc_send_pskb and __skb_recv_udp). No message may be lost because of it, so the call is
 * repeated, a few times.
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
 * Whether a receive may also fail with this error for another reason, such as a security module, so
 * that it fails again the next time. All other errors are cleared once they are read: each comes
 * from another ICMP message.
 */
static inline bool regioi_error_may_last(int error)
{
	return error == -EACCES || error == -EOPNOTSUPP;
}

#endif
