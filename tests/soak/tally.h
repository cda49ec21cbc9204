/* SPDX-License-Identifier: MIT */
/*
 * tally.h - what the stations of a soak have verified and survived, and what they are at
 *
 * It lies in memory that the process which reports shares with the one that runs the stations, so
 * that a failure can be reported with what was going on.
 */
#ifndef REGIO_TESTS_SOAK_TALLY_H
#define REGIO_TESTS_SOAK_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum soak_kind {
	SOAK_UDP_TRAINS,
	SOAK_UDP_SINGLES,
	SOAK_UDP_MIXED,
	SOAK_MULTICAST,
	SOAK_STREAMS,
	SOAK_WINDOWS,
	SOAK_PEERS,
	SOAK_NETWORKS,
	SOAK_KINDS
};

enum soak_fault {
	SOAK_PEER_KILLED,
	SOAK_PEER_STOPPED,
	SOAK_STREAM_BROKEN,
	SOAK_NETWORK_TORN,
	SOAK_CLOSED_IN_USE,
	SOAK_REGION_GONE,
	SOAK_QUEUE_GONE,
	SOAK_CANCELLED,
	SOAK_RESIZED,
	SOAK_SIGNAL,
	SOAK_KERNEL_DROP,
	SOAK_FAULTS
};

enum soak_count {
	SOAK_CYCLES,
	SOAK_SOCKETS,
	SOAK_REGIONS,
	SOAK_WAKES,	  /* of the Windows spelling */
	SOAK_EMPTY_WAKES, /* that found nothing */
	SOAK_COUNTS
};

#define SOAK_STATIONS_MAX 32u
#define SOAK_DOING_SIZE 200u

struct tally {
	_Atomic uint64_t verified[SOAK_KINDS];
	_Atomic uint64_t survived[SOAK_FAULTS];
	_Atomic uint64_t counts[SOAK_COUNTS];
	char doing[SOAK_STATIONS_MAX][SOAK_DOING_SIZE];
};

extern struct tally *tally;
/* Why namespaces cannot be had, or NULL. */
extern const char *networks_refused;

extern const char *const kind_names[SOAK_KINDS];
extern const char *const fault_names[SOAK_FAULTS];
extern const char *const count_names[SOAK_COUNTS];

/* How long the other end may make no progress, in running_ns(): the soak runs beside other work. */
extern int64_t stall_ns;

void tally_open(void);

static inline void tally_verified(enum soak_kind kind, uint64_t count)
{
	atomic_fetch_add_explicit(&tally->verified[kind], count, memory_order_relaxed);
}

static inline void tally_survived(enum soak_fault fault, uint64_t count)
{
	atomic_fetch_add_explicit(&tally->survived[fault], count, memory_order_relaxed);
}

static inline void tally_count(enum soak_count which, uint64_t count)
{
	atomic_fetch_add_explicit(&tally->counts[which], count, memory_order_relaxed);
}

/* One thread of the soak, which does one cycle of its kind after the other. */
struct station {
	unsigned int number;
	uint64_t random; /* the state of random_below(): from seed, round, station and cycle */
	uint64_t cycle;
	void (*run)(struct station *station);
};

/* What the station is at, in words; shown where a cycle fails. */
void station_does(const struct station *station, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One cycle of each kind. */
void run_datagrams(struct station *station);
void run_multicast(struct station *station);
void run_streams(struct station *station);
void run_windows(struct station *station);
void run_peers(struct station *station);
void run_networks(struct station *station);

/* The other end of run_peers(), in a process of its own. */
int peer_main(char **arguments);

#endif
