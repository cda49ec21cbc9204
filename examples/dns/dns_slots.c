/* SPDX-License-Identifier: MIT */
/*
 * A DNS responder with a pool of slots.
 */
#include "dns.h"

#include <regio_slots.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int fd = dns_socket(argc, argv), count = 0;
	struct regio_slot messages[64];
	struct regio_slots *slots;
	struct regio_cq *cq;
	struct regio_rq *rq;

	if (regio_cq_create(256, NULL, &cq) ||
	    regio_rq_create(fd, 128, 128, cq, cq, 0, NULL, &rq) ||
	    regio_slots_create(cq, 128, DNS_BYTES, NULL, &slots) ||
	    regio_slots_attach(slots, rq, 128))
		return puts(regio_last_error()), 1;
	while (count >= 0) {
		count = regio_slots_dequeue(slots, messages, 64);
		for (int i = 0; i < count; i++) {
			uint32_t length = dns_answer(messages[i].data, messages[i].length);

			if (length)
				regio_slots_reply(slots, &messages[i], length);
			else
				regio_slots_free(slots, &messages[i]);
		}
		if (count == 0)
			regio_cq_wait(cq, 1, 0, -1);
	}
	return puts(regio_last_error()), 1;
}
