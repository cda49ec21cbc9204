/* SPDX-License-Identifier: MIT */
/*
 * lane.h - a socket with all it needs, and calls of the library that may fail as they should
 */
#ifndef REGIO_TESTS_LANE_H
#define REGIO_TESTS_LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../support/net.h"
#include "../support/suite.h"
#include "../support/trap.h"
#include "scenarios.h"

#define SLOTS 64u /* of each half */
#define SLOT_SIZE 4096u
#define MESSAGE_SIZE 64u

#define MUST(condition, format, ...)                                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			wrong("%s:%d: " format, __func__, __LINE__, ##__VA_ARGS__);                \
	} while (0)

/* Whether a call is to be made again: it has failed, as it may. */
bool is_refusal(int result, const char *call);
int must_work(int result, const char *call);
/* A request that was not successful. */
void note_completion(int status);

/* A call of the library. When it fails it is made again, and must work. */
#define TRY(call)                                                                                  \
	__extension__({                                                                            \
		int try_result = INSIDE(call);                                                     \
		if (is_refusal(try_result, #call))                                                 \
			try_result = must_work(INSIDE(call), #call);                               \
		try_result;                                                                        \
	})

struct lane {
	int fd;
	int peer;
	struct regio_driver *drivers[2]; /* of the receive and of the send queue */
	struct regio_cq *cqs[2];
	struct regio_rq *rq;
	uint64_t region;
	uint8_t *memory;
	uint64_t posted;   /* receives */
	uint64_t received; /* the next message, or byte of the stream */
	uint64_t sent;
	bool broken; /* a stream that has failed */
};

enum { RECEIVE, SEND };

/* Connected to each other. */
void datagram_pair(int family, int ret_fds[2]);

struct regio_driver *driver_open(void);
/* A pair of sockets as it comes; both of the lane's drivers may be the same. */
void lane_join(struct lane *lane, int fd, int peer, struct regio_driver *receive_driver,
	       struct regio_driver *send_driver);
/* The same with a driver of its own. */
void lane_open(struct lane *lane, int fd, int peer);
/* Ends all but the drivers. */
void lane_end(struct lane *lane);
void lane_close(struct lane *lane);

struct regio_buf slice_of(const struct lane *lane, uint64_t slot, uint32_t length);
uint8_t *slot_of(const struct lane *lane, uint64_t slot);

/* Waits for a completion, which must come. */
struct regio_result next_result(struct regio_cq *cq);
void post_receive(struct lane *lane, uint32_t length, uint32_t flags);
void resize(struct lane *lane);

#endif
