/* SPDX-License-Identifier: MIT */
/*
 * api_model.h - what a program has made so far, and what the header says a call must return
 *
 * Plain: arrays that only grow, and a search where a look-up is needed. An expectation is the set
 * of values a call may return, since the header does not say which of several errors comes first.
 */
#ifndef REGIO_TESTS_FUZZ_API_MODEL_H
#define REGIO_TESTS_FUZZ_API_MODEL_H

#include "target.h"

#include <regio.h>

#define OBJECTS_MAX 12u
#define REQUESTS_MAX 2048u
#define EXPECTED_MAX 12u

struct expected {
	uint32_t count;
	int values[EXPECTED_MAX];
};

static inline void expect_error(struct expected *expected, bool holds, int error)
{
	if (holds && expected->count < EXPECTED_MAX)
		expected->values[expected->count++] = error;
}

static inline bool expected_has(const struct expected *expected, int value)
{
	for (uint32_t i = 0; i < expected->count; i++) {
		if (expected->values[i] == value)
			return true;
	}
	return false;
}

struct model_region {
	uint64_t id;
	bool alive;
	bool writable;
	uint64_t length;
	uintptr_t address;
	void *memory; /* to free, or NULL */
	bool shared;  /* another region lies in the same memory */
};

struct model_driver {
	struct regio_driver *handle;
	bool alive;
	bool woken;
	bool busy; /* polls devices, which may not be permitted */
	uint32_t cqs;
};

struct model_cq {
	struct regio_cq *handle;
	bool alive;
	struct model_driver *driver; /* NULL: its own */
	uint64_t capacity;
	uint64_t reserved;
	/* Of queues that have ended, room that comes back when the library next looks. */
	uint64_t lingering;
	bool may_be_armed;
	bool calls_back;
	uint32_t armings;
	uint32_t calls;
	int fd;
};

enum socket_kind {
	SOCKET_UDP4,
	SOCKET_UDP6,
	SOCKET_TCP,
	SOCKET_UNIX,
	SOCKET_UNIX_DATAGRAM,
	SOCKET_NONE, /* an eventfd */
	SOCKET_KINDS,
};

struct model_socket {
	int fd; /* -1: closed */
	int peer;
	enum socket_kind kind;
	uint32_t identity; /* equal where two descriptors are of one socket */
};

struct model_rq;

struct model_half {
	struct model_rq *rq;
	struct model_cq *cq;
	uint32_t limit;
	uint32_t outstanding;
	uint32_t oldest; /* no request of it before this one is outstanding */
	bool receives;
};

struct model_rq {
	struct regio_rq *handle;
	bool alive;
	bool stream;
	bool cancelled; /* requests may complete with -ECANCELED */
	struct model_socket *socket;
	struct model_half halves[2];
};

/* Memory that a request names. */
struct model_range {
	uintptr_t start;
	uintptr_t end;
};

#define RANGES_MAX 5u

struct model_request {
	struct model_half *half;
	uint32_t length;
	bool done;
	struct model_range ranges[RANGES_MAX]; /* the data first */
};

struct world {
	struct model_region regions[OBJECTS_MAX];
	struct model_driver drivers[OBJECTS_MAX];
	struct model_cq cqs[OBJECTS_MAX];
	struct model_rq rqs[OBJECTS_MAX];
	struct model_socket sockets[OBJECTS_MAX];
	struct model_request requests[REQUESTS_MAX];
	uint32_t regions_count, drivers_count, cqs_count, rqs_count, sockets_count;
	uint32_t requests_count;
	uint32_t sizes; /* of what is filled in, so far */
};

/* The live object of a handle, or NULL. */
struct model_region *world_region(struct world *world, uint64_t id);
struct model_driver *world_driver(struct world *world, const struct regio_driver *handle);
struct model_cq *world_cq(struct world *world, const struct regio_cq *handle);
struct model_rq *world_rq(struct world *world, const struct regio_rq *handle);

/* Fields of options that count, of a structure of which 'size' bytes are valid. */
struct expected expect_options(const void *options, size_t known_size, void *ret_known);

struct expected expect_post(struct world *world, const struct regio_rq *handle, bool receives,
			    const struct regio_buf *data, const struct regio_extra *extra,
			    uint32_t flags, uint64_t context);
struct expected expect_rq_create(struct world *world, const struct model_socket *socket,
				 const uint32_t limits[2], struct regio_cq *const cqs[2],
				 const struct regio_rq_opts *opts);
struct expected expect_rq_resize(struct world *world, const struct regio_rq *handle,
				 const uint32_t limits[2]);
struct expected expect_rq_replace(struct world *world, const struct regio_rq *handle,
				  const struct model_socket *socket);
struct expected expect_region_register(const struct regio_region_opts *opts, const void *address,
				       bool mapped, uint64_t length);
struct expected expect_region_allocate(const struct regio_region_opts *opts, uint64_t length);
struct expected expect_info(bool alive, uint32_t size);
struct expected expect_driver_create(const struct regio_driver_opts *opts);
struct expected expect_cq_create(struct world *world, uint32_t capacity,
				 const struct regio_cq_opts *opts);

/* The memory of a request's slices, all of which are good. */
void world_ranges(struct world *world, const struct regio_buf *data,
		  const struct regio_extra *extra, struct model_range ret_ranges[RANGES_MAX]);
/* Whether a request would touch the data slice of a receive that the library has, or the other way.
 */
bool world_conflicts(const struct world *world, bool receives,
		     const struct model_range ranges[RANGES_MAX]);
/* The oldest outstanding request of a half, or NULL. */
struct model_request *world_oldest(struct world *world, struct model_half *half);
/* The request is dequeued: it and, of a queue that has ended, room are given back. */
void world_complete(struct model_request *request);
/* The queue ends: halves without requests give their room back. */
void world_end_rq(struct model_rq *rq);
/* All requests of the CQ are dropped. */
void world_end_cq(struct world *world, struct model_cq *cq);

#endif
