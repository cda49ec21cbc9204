/* SPDX-License-Identifier: MIT */
/*
 * Those who have greeted a UDP server and returned its cookie: a bounded table by
 * address, in which a newcomer takes the place of whoever has been silent for the
 * longest. Pure.
 */
#ifndef REGIO_LOAD_PEERS_H
#define REGIO_LOAD_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "local_name.h"
#include "sequence.h"

/* As many sockets as a client may have, and room for other clients. */
#define PEERS_MAX 16384u

/* What tells one peer from another, of its address. */
struct peer_key {
	uint16_t family;
	uint16_t port;
	uint32_t scope;
	uint8_t address[16];
};

struct peer {
	struct peer_key key;
	uint32_t next;	 /* of the same hash; 0: none, or one more than the index */
	uint64_t cookie; /* what it was given */
	uint64_t heard_ns;
	uint64_t echoed;	   /* by an echo server: messages taken, and answered */
	struct sequence *sequence; /* of a sink */
	/* Of a source. */
	bool sending;
	uint32_t socket; /* of the server, that it has asked */
	uint64_t rate;
	uint32_t size;
	uint8_t local_name[LOCAL_NAME_BYTES]; /* the address it asked, as control data */
	uint64_t sent;
	uint64_t start_ns;
	uint64_t until_ns;
};

struct peers {
	uint32_t limit; /* up to PEERS_MAX */
	uint32_t count;
	struct peer *last; /* found; it often is the next */
	uint32_t heads[PEERS_MAX];
	struct peer list[PEERS_MAX];
};

/* 'name' is a struct sockaddr_in or sockaddr_in6, as all names here. */
struct peer_key peers_key(const void *name);

/* NULL when it has not greeted, or not returned the cookie. */
struct peer *peers_find(struct peers *peers, const void *name);

/*
 * The peer, as new unless it has that cookie already. NULL when there is no memory.
 */
struct peer *peers_open(struct peers *peers, const void *name, uint64_t cookie, bool with_sequence,
			uint64_t now_ns, bool *ret_new);

void peers_free(struct peers *peers);

#endif
