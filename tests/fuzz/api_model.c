/* SPDX-License-Identifier: MIT */
/*
 * api_model.c - the contract of include/regio.h as sets of what calls may return
 */
#include "api_model.h"

#include <errno.h>

#define OPTIONS_SIZE_MIN 8u
#define OPTIONS_SIZE_MAX 4096u

struct model_region *world_region(struct world *world, uint64_t id)
{
	for (uint32_t i = 0; i < world->regions_count; i++) {
		if (world->regions[i].alive && world->regions[i].id == id)
			return &world->regions[i];
	}
	return NULL;
}

struct model_driver *world_driver(struct world *world, const struct regio_driver *handle)
{
	for (uint32_t i = 0; i < world->drivers_count; i++) {
		if (world->drivers[i].alive && world->drivers[i].handle == handle)
			return &world->drivers[i];
	}
	return NULL;
}

struct model_cq *world_cq(struct world *world, const struct regio_cq *handle)
{
	for (uint32_t i = 0; i < world->cqs_count; i++) {
		if (world->cqs[i].alive && world->cqs[i].handle == handle)
			return &world->cqs[i];
	}
	return NULL;
}

struct model_rq *world_rq(struct world *world, const struct regio_rq *handle)
{
	for (uint32_t i = 0; i < world->rqs_count; i++) {
		if (world->rqs[i].alive && world->rqs[i].handle == handle)
			return &world->rqs[i];
	}
	return NULL;
}

/* What every call that may go well adds last. */
static struct expected or_success(struct expected expected)
{
	if (expected.count == 0)
		expect_error(&expected, true, 0);
	return expected;
}

/* ---- Options ---- */

struct expected expect_options(const void *options, size_t known_size, void *ret_known)
{
	struct expected expected = {0};
	const uint8_t *bytes = options;
	uint32_t size;

	memset(ret_known, 0, known_size);
	if (!options)
		return expected;
	memcpy(&size, options, sizeof(size));
	expect_error(&expected, size < OPTIONS_SIZE_MIN || size > OPTIONS_SIZE_MAX, -EINVAL);
	if (expected.count)
		return expected;
	memcpy(ret_known, options, size < known_size ? size : known_size);
	for (size_t i = known_size; i < size && !expected.count; i++)
		expect_error(&expected, bytes[i] != 0, -E2BIG);
	return expected;
}

/* ---- Requests ---- */

/* One slice: 'length_min' 0 is that of the data, which may be absent altogether. */
static void expect_slice(struct world *world, struct expected *expected,
			 const struct regio_buf *slice, uint32_t length_min, bool write)
{
	const struct model_region *region = world_region(world, slice->region);

	if (slice->region == 0 && (length_min > 0 || slice->length == 0))
		return;
	expect_error(expected, slice->length < length_min, -EINVAL);
	expect_error(expected, !region, -EFAULT);
	if (!region)
		return;
	expect_error(expected, (uint64_t)slice->offset + slice->length > region->length, -EINVAL);
	expect_error(expected, write && !region->writable, -EFAULT);
}

static void expect_extra(struct world *world, struct expected *expected,
			 const struct model_half *half, const struct regio_extra *extra)
{
	bool receives = half->receives;

	expect_error(expected, !receives && extra->local_address.region, -EINVAL);
	expect_error(expected, !receives && half->rq->stream && extra->control.region, -EINVAL);
	expect_slice(world, expected, &extra->local_address, 28, true);
	expect_slice(world, expected, &extra->remote_address, 28, receives);
	expect_slice(world, expected, &extra->control, 8, receives);
	expect_slice(world, expected, &extra->message_flags, 4, true);
}

struct expected expect_post(struct world *world, const struct regio_rq *handle, bool receives,
			    const struct regio_buf *data, const struct regio_extra *extra,
			    uint32_t flags, uint64_t context)
{
	static const struct regio_buf no_slice;
	struct model_rq *rq = world_rq(world, handle);
	const struct model_half *half = rq ? &rq->halves[!receives] : NULL;
	uint32_t known = REGIO_MSG_DONT_NOTIFY | REGIO_MSG_DEFER;
	struct expected expected = {0};

	expect_error(&expected, !half || !half->cq->alive, -EBADF);
	if (expected.count)
		return expected;
	if (receives && rq->stream)
		known |= REGIO_MSG_WAITALL;
	if (flags & REGIO_MSG_COMMIT_ONLY) {
		expect_error(&expected, flags != REGIO_MSG_COMMIT_ONLY || data || extra || context,
			     -EINVAL);
		return or_success(expected);
	}
	expect_error(&expected, flags & ~known, -EINVAL);
	expect_error(&expected, !data && rq->stream, -EINVAL);
	expect_slice(world, &expected, data ? data : &no_slice, 0, receives);
	if (extra)
		expect_extra(world, &expected, half, extra);
	expect_error(&expected, half->outstanding == half->limit, -ENOBUFS);
	return or_success(expected);
}

static struct model_range range_of(struct world *world, const struct regio_buf *slice)
{
	const struct model_region *region = slice ? world_region(world, slice->region) : NULL;
	uintptr_t start = region ? region->address + slice->offset : 0;

	return (struct model_range){start, region ? start + slice->length : 0};
}

void world_ranges(struct world *world, const struct regio_buf *data,
		  const struct regio_extra *extra, struct model_range ret_ranges[RANGES_MAX])
{
	ret_ranges[0] = range_of(world, data);
	ret_ranges[1] = range_of(world, extra ? &extra->local_address : NULL);
	ret_ranges[2] = range_of(world, extra ? &extra->remote_address : NULL);
	ret_ranges[3] = range_of(world, extra ? &extra->control : NULL);
	ret_ranges[4] = range_of(world, extra ? &extra->message_flags : NULL);
}

static bool overlaps(const struct model_range *range, const struct model_range *ranges,
		     uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (range->start < ranges[i].end && ranges[i].start < range->end)
			return true;
	}
	return false;
}

bool world_conflicts(const struct world *world, bool receives,
		     const struct model_range ranges[RANGES_MAX])
{
	if (receives && overlaps(&ranges[0], ranges + 1, RANGES_MAX - 1))
		return true;
	for (uint32_t i = 0; i < world->requests_count; i++) {
		const struct model_request *other = &world->requests[i];

		/* What was posted to a CQ that has been closed is executed all the same. */
		if (other->done && (other->half->cq->alive || !other->half->rq->alive))
			continue;
		if ((other->half->receives && overlaps(&other->ranges[0], ranges, RANGES_MAX)) ||
		    (receives && overlaps(&ranges[0], other->ranges, RANGES_MAX)))
			return true;
	}
	return false;
}

struct model_request *world_oldest(struct world *world, struct model_half *half)
{
	for (; half->oldest < world->requests_count; half->oldest++) {
		struct model_request *request = &world->requests[half->oldest];

		if (request->half == half && !request->done)
			return request;
	}
	return NULL;
}

void world_complete(struct model_request *request)
{
	struct model_half *half = request->half;

	request->done = true;
	half->outstanding--;
	if (half->rq->alive || half->outstanding > 0)
		return;
	half->cq->reserved -= half->limit;
	half->cq->lingering += half->limit;
}

/* ---- Request queues ---- */

static void expect_limits(struct expected *expected, const uint32_t limits[2])
{
	expect_error(expected, limits[0] == 0 && limits[1] == 0, -EINVAL);
	expect_error(expected,
		     limits[0] > REGIO_RQ_REQUESTS_MAX || limits[1] > REGIO_RQ_REQUESTS_MAX,
		     -EINVAL);
}

/* Room that there is for certain, and room that there may be. */
static void expect_room(struct expected *expected, const struct model_cq *cq, uint64_t wanted)
{
	uint64_t room = cq->capacity - cq->reserved;

	if (wanted <= room && wanted > room - cq->lingering)
		expect_error(expected, true, 0);
	expect_error(expected, wanted > room - cq->lingering, -ENOBUFS);
}

/* Whether an RQ, other than one, has the socket. */
static bool has_rq(const struct world *world, const struct model_socket *socket,
		   const struct model_rq *but)
{
	for (uint32_t i = 0; i < world->rqs_count; i++) {
		const struct model_rq *rq = &world->rqs[i];

		if (rq != but && rq->alive && rq->socket->identity == socket->identity)
			return true;
	}
	return false;
}

static bool is_busy(const struct model_cq *cq)
{
	return cq && cq->driver && cq->driver->busy;
}

struct expected expect_rq_create(struct world *world, const struct model_socket *socket,
				 const uint32_t limits[2], struct regio_cq *const cqs[2],
				 const struct regio_rq_opts *opts)
{
	const struct model_cq *found[2] = {world_cq(world, cqs[0]), world_cq(world, cqs[1])};
	struct regio_rq_opts known;
	struct expected expected = expect_options(opts, sizeof(known), &known);

	expect_limits(&expected, limits);
	expect_error(&expected, known.flags & ~REGIO_RQ_REPORT_ICMP || known.reserved, -EINVAL);
	expect_error(&expected, known.trains > REGIO_TRAINS_OFF, -EINVAL);
	expect_error(&expected, known.train_max_bytes > 65400, -EINVAL);
	expect_error(&expected, !found[0] || !found[1] || socket->fd < 0, -EBADF);
	expect_error(&expected, socket->fd >= 0 && socket->kind == SOCKET_NONE, -ENOTSOCK);
	expect_error(&expected, socket->fd >= 0 && socket->kind == SOCKET_UNIX_DATAGRAM,
		     -EOPNOTSUPP);
	expect_error(&expected, has_rq(world, socket, NULL), -EEXIST);
	if (found[0] && found[0] == found[1]) {
		expect_room(&expected, found[0], (uint64_t)limits[0] + limits[1]);
	} else if (found[0] && found[1]) {
		expect_room(&expected, found[0], limits[0]);
		expect_room(&expected, found[1], limits[1]);
	}
	expected = or_success(expected);
	expect_error(&expected, is_busy(found[0]) || is_busy(found[1]), -EPERM);
	return expected;
}

struct expected expect_rq_resize(struct world *world, const struct regio_rq *handle,
				 const uint32_t limits[2])
{
	struct model_rq *rq = world_rq(world, handle);
	struct expected expected = {0};
	int64_t growth[2];

	expect_error(&expected, !rq, -EBADF);
	if (!rq)
		return expected;
	expect_limits(&expected, limits);
	for (int i = 0; i < 2; i++) {
		const struct model_half *half = &rq->halves[i];

		growth[i] = (int64_t)limits[i] - half->limit;
		if (half->cq->alive) {
			expect_error(&expected, half->outstanding > limits[i], -ETOOMANYREFS);
			continue;
		}
		/* What was posted to a CQ that has been closed may be there yet or not. */
		if (half->outstanding > limits[i]) {
			expect_error(&expected, true, -ETOOMANYREFS);
			expect_error(&expected, true, 0);
		}
		expect_error(&expected, growth[i] > 0, -ENOBUFS);
	}
	if (rq->halves[0].cq == rq->halves[1].cq) {
		growth[0] += growth[1];
		growth[1] = 0;
	}
	for (int i = 0; i < 2; i++) {
		if (growth[i] > 0 && rq->halves[i].cq->alive)
			expect_room(&expected, rq->halves[i].cq, (uint64_t)growth[i]);
	}
	return or_success(expected);
}

struct expected expect_rq_replace(struct world *world, const struct regio_rq *handle,
				  const struct model_socket *socket)
{
	const struct model_rq *rq = world_rq(world, handle);
	struct expected expected = {0};

	expect_error(&expected, !rq || socket->fd < 0, -EBADF);
	expect_error(&expected, rq && !rq->stream, -EOPNOTSUPP);
	if (socket->fd < 0)
		return expected;
	expect_error(&expected, socket->kind == SOCKET_NONE, -ENOTSOCK);
	expect_error(&expected,
		     socket->kind != SOCKET_NONE &&
			     (!rq || socket->kind != rq->socket->kind ||
			      (socket->kind != SOCKET_TCP && socket->kind != SOCKET_UNIX)),
		     -EOPNOTSUPP);
	expect_error(&expected, has_rq(world, socket, rq), -EEXIST);
	return or_success(expected);
}

void world_end_rq(struct model_rq *rq)
{
	rq->alive = false;
	for (int i = 0; i < 2; i++) {
		struct model_half *half = &rq->halves[i];

		if (half->outstanding > 0)
			continue;
		half->cq->reserved -= half->limit;
		half->cq->lingering += half->limit;
	}
}

void world_end_cq(struct world *world, struct model_cq *cq)
{
	cq->alive = false;
	if (cq->driver)
		cq->driver->cqs--;
	for (uint32_t i = 0; i < world->requests_count; i++) {
		struct model_request *request = &world->requests[i];

		if (request->half->cq == cq)
			request->done = true;
	}
}

/* ---- Everything else ---- */

struct expected expect_info(bool alive, uint32_t size)
{
	struct expected expected = {0};

	expect_error(&expected, !alive, -EBADF);
	expect_error(&expected, size < 16, -EINVAL);
	return or_success(expected);
}

struct expected expect_region_register(const struct regio_region_opts *opts, const void *address,
				       bool mapped, uint64_t length)
{
	struct regio_region_opts known;
	struct expected expected = expect_options(opts, sizeof(known), &known);

	expect_error(&expected, known.flags || known.numa_node || known.reserved, -EINVAL);
	expect_error(&expected, !address || length == 0, -EINVAL);
	expect_error(&expected, length > UINT32_MAX, -EMSGSIZE);
	expect_error(&expected, !mapped, -EFAULT);
	return or_success(expected);
}

struct expected expect_region_allocate(const struct regio_region_opts *opts, uint64_t length)
{
	struct regio_region_opts known;
	struct expected expected = expect_options(opts, sizeof(known), &known);
	bool numa = known.flags & REGIO_REGION_NUMA;

	expect_error(&expected, length == 0, -EINVAL);
	expect_error(&expected, length > UINT32_MAX, -EMSGSIZE);
	expect_error(&expected,
		     known.flags & ~(REGIO_REGION_HUGE_PAGES | REGIO_REGION_NUMA) ||
			     known.reserved || (known.numa_node && !numa),
		     -EINVAL);
	if (expected.count == 0 && numa && known.numa_node) {
		/* It depends on the machine. */
		expect_error(&expected, true, -EINVAL);
		expect_error(&expected, true, 0);
	}
	return or_success(expected);
}

static bool engine_is(const char *name, const char *one)
{
	return strcmp(name, one) == 0;
}

struct expected expect_driver_create(const struct regio_driver_opts *opts)
{
	struct regio_driver_opts known;
	struct expected expected = expect_options(opts, sizeof(known), &known);

	expect_error(&expected,
		     known.flags & ~(REGIO_DRIVER_THREAD | REGIO_DRIVER_THREAD_CPU |
				     REGIO_DRIVER_PREFER_BUSY_POLL),
		     -EINVAL);
	expect_error(&expected, known.thread_cpu && !(known.flags & REGIO_DRIVER_THREAD_CPU),
		     -EINVAL);
	expect_error(&expected,
		     !(known.flags & REGIO_DRIVER_THREAD) &&
			     (known.thread_spin_ns || known.flags & REGIO_DRIVER_THREAD_CPU),
		     -EINVAL);
	expect_error(&expected, known.flags & REGIO_DRIVER_PREFER_BUSY_POLL && !known.busy_poll_us,
		     -EINVAL);
	expect_error(&expected, known.engine && engine_is(known.engine, "nobody's"), -ENOENT);
	if (known.busy_poll_us) {
		/* It depends on who runs this. */
		expect_error(&expected, true, -EPERM);
		if (expected.count == 1)
			expect_error(&expected, true, 0);
	}
	return or_success(expected);
}

struct expected expect_cq_create(struct world *world, uint32_t capacity,
				 const struct regio_cq_opts *opts)
{
	struct regio_cq_opts known;
	struct expected expected = expect_options(opts, sizeof(known), &known);

	expect_error(&expected, capacity == 0 || capacity > REGIO_CQ_CAPACITY_MAX, -EINVAL);
	expect_error(&expected, known.reserved, -EINVAL);
	expect_error(&expected, known.driver && !world_driver(world, known.driver), -EBADF);
	return or_success(expected);
}
