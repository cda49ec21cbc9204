/* SPDX-License-Identifier: MIT */
/*
 * A hash table with chains inside an array.
 */
#include "peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct peer_key peers_key(const void *name)
{
	struct peer_key key = {0};
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	sa_family_t family;

	memcpy(&family, name, sizeof(family));
	key.family = family;
	if (family == AF_INET6) {
		memcpy(&v6, name, sizeof(v6));
		key.port = v6.sin6_port;
		key.scope = v6.sin6_scope_id;
		memcpy(key.address, &v6.sin6_addr, sizeof(v6.sin6_addr));
	} else {
		memcpy(&v4, name, sizeof(v4));
		key.port = v4.sin_port;
		memcpy(key.address, &v4.sin_addr, sizeof(v4.sin_addr));
	}
	return key;
}

static bool same(const struct peer_key *a, const struct peer_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static uint32_t *head_of(struct peers *peers, const struct peer_key *key)
{
	const uint8_t *byte = (const uint8_t *)key;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return &peers->heads[(hash ^ hash >> 16) % PEERS_MAX];
}

static struct peer *find(struct peers *peers, const struct peer_key *key)
{
	uint32_t index = *head_of(peers, key);

	while (index > 0 && !same(&peers->list[index - 1].key, key))
		index = peers->list[index - 1].next;
	return index > 0 ? &peers->list[index - 1] : NULL;
}

struct peer *peers_find(struct peers *peers, const void *name)
{
	struct peer_key key = peers_key(name);

	if (!peers->last || !same(&peers->last->key, &key))
		peers->last = find(peers, &key);
	return peers->last;
}

static void unlink_peer(struct peers *peers, struct peer *peer)
{
	uint32_t *link = head_of(peers, &peer->key);
	uint32_t index = (uint32_t)(peer - peers->list) + 1;

	while (*link != index)
		link = &peers->list[*link - 1].next;
	*link = peer->next;
}

/* A place that is free, or that of whoever has been silent for the longest. */
static struct peer *find_place(struct peers *peers)
{
	struct peer *oldest = &peers->list[0];

	if (peers->count < peers->limit)
		return &peers->list[peers->count++];
	for (uint32_t i = 1; i < peers->count; i++) {
		if (peers->list[i].heard_ns < oldest->heard_ns)
			oldest = &peers->list[i];
	}
	unlink_peer(peers, oldest);
	return oldest;
}

static struct peer *add(struct peers *peers, const struct peer_key *key)
{
	struct peer *peer = find_place(peers);
	uint32_t *head = head_of(peers, key);

	peer->key = *key;
	peer->next = *head;
	*head = (uint32_t)(peer - peers->list) + 1;
	return peer;
}

struct peer *peers_open(struct peers *peers, const void *name, uint64_t cookie, bool with_sequence,
			uint64_t now_ns, bool *ret_new)
{
	struct peer_key key = peers_key(name);
	struct peer *peer = find(peers, &key);
	struct sequence *sequence = NULL;

	*ret_new = !peer || peer->cookie != cookie;
	if (!*ret_new) {
		peer->heard_ns = now_ns;
		return peer;
	}
	if (with_sequence && !(sequence = calloc(1, sizeof(*sequence))))
		return NULL;
	if (!peer)
		peer = add(peers, &key);
	free(peer->sequence);
	*peer = (struct peer){
		.key = key,
		.next = peer->next,
		.cookie = cookie,
		.heard_ns = now_ns,
		.sequence = sequence,
	};
	peers->last = peer;
	return peer;
}

void peers_free(struct peers *peers)
{
	for (uint32_t i = 0; i < peers->count; i++)
		free(peers->list[i].sequence);
}
