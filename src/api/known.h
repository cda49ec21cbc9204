/* SPDX-License-Identifier: MIT */
/*
 * Posting slices that are known to be in their region, for the pools of src/slots. A pool has cut
 * them from a region of its own, so only what may change is checked: the RQ, its CQ, and the limit.
 * Everything is deferred.
 */
#ifndef REGIO_API_KNOWN_H
#define REGIO_API_KNOWN_H

#include <stdint.h>

#include "regio.h"

/* What the requests of one RQ have in common. */
struct regioi_known_slices {
	uint64_t region;
	uint32_t data_bytes; /* of a receive */
	/* From 'names_at' of the request on. */
	uint32_t remote_at; /* of the address of the other side; 0: none */
	uint32_t local_at;  /* of the address that a receive wants; 0: none */
	uint32_t control_at;
	uint32_t name_bytes;
	uint32_t control_bytes;
};

struct regioi_known_request {
	uint64_t context;
	uint32_t data_at; /* in the region */
	uint32_t names_at;
};

/* Returns the number posted; or, if the first is refused, what regio_receive_ex() returns. */
int regioi_receive_known(struct regio_rq *rq, const struct regioi_known_slices *slices,
			 const struct regioi_known_request *const *receives, uint32_t count);

/* These return what regio_send() and regio_send_ex() return. */
int regioi_send_known(struct regio_rq *rq, uint64_t region,
		      const struct regioi_known_request *request, uint32_t bytes);
/* To the address in the slice for it. */
int regioi_send_known_to(struct regio_rq *rq, const struct regioi_known_slices *slices,
			 const struct regioi_known_request *request, uint32_t bytes);
/* The same with the control data in the slice for that. */
int regioi_send_known_with(struct regio_rq *rq, const struct regioi_known_slices *slices,
			   const struct regioi_known_request *request, uint32_t bytes);

#endif
