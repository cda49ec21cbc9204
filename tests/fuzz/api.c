/* SPDX-License-Identifier: MIT */
/*
 * api.c - programs over the whole public API, with any arguments in any order
 *
 * The bytes are calls on regions, drivers, completion queues and request queues: live, closed, of
 * another kind and never made; slices anywhere; option structures of any size; closes in any order.
 * Properties. Each call returns what the header lets it return, worked out by api_model.c: limits
 * and room exactly. Each accepted request has exactly one result, in posting order, on its own CQ,
 * with its own contexts. No id is given twice. What fails is explained. Nothing is called back
 * after a close. Memory is freed right behind its deregistration, so that a sanitizer sees who
 * still uses it, and in the end no descriptor is left.
 *
 * One engine carries no traffic; the other sends on the loopback of a network namespace made for
 * this, where there is nowhere else to go, and is left out where none can be made.
 */
#include "api_model.h"
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENGINE_WITHOUT_TRAFFIC "null"
#define ENGINE_WITH_TRAFFIC "epoll"

#define CALLS_MAX 300u
#define PAGE_BYTES 4096u
#define REGION_BYTES_MAX 16384u
#define CONTEXT_BASE 0x5EED000000000000ull
#define GRAVES 64u
#define RESULTS_MAX 600u
#define OPTIONS_BYTES 4200u
#define INFO_BYTES 512u
#define FILL 0xA5

static struct world world;
static bool namespace_made;
static bool traffic; /* of this program */
static uint8_t *unreadable, *read_only;
/* Ids of earlier programs. */
static uint64_t graveyard[GRAVES];
static uint32_t graves;

/* ---- The surroundings ---- */

static void set_up_once(void)
{
	struct regio_offload_info info;

	namespace_made = namespace_make();
	unreadable = mmap(NULL, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	read_only = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(unreadable != MAP_FAILED && read_only != MAP_FAILED, "no memory");
	/* What is found out once, with descriptors of its own. */
	regio_offload_get_info(&info, sizeof(info));
}

static int lowest_free_descriptor(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

	CHECK(fd >= 0, "%s", strerror(errno));
	close(fd);
	return fd;
}

/* ---- Checks ---- */

static void check_return(int result, const struct expected *expected, const char *call)
{
	char list[128] = "";
	size_t length = 0;

	if (expected_has(expected, result))
		return;
	for (uint32_t i = 0; i < expected->count; i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, " %s",
					   regio_error_name(expected->values[i]));
	CHECK(false, "%s returned %d (%s); expected:%s; last error: %s", call, result,
	      regio_error_name(result), list, regio_last_error());
}

/* The same for a call that must explain its failures. */
static void check_explained(int result, const struct expected *expected, const char *call)
{
	check_return(result, expected, call);
	if (result < 0)
		CHECK(regio_last_error()[0] && !strchr(regio_last_error(), '\n') &&
			      strcmp(regio_error_name(result), "EUNKNOWN") != 0,
		      "%s failed with %d and says: %s", call, result, regio_last_error());
}

static void check_one_of(int result, const char *call, int a, int b)
{
	struct expected expected = {.count = 2, .values = {a, b}};

	check_return(result, &expected, call);
}

static void check_fresh(uint64_t id)
{
	CHECK(id != 0 && id != UINT32_MAX, "an id that is never given out");
	for (uint32_t i = 0; i < GRAVES; i++)
		CHECK(graveyard[i] != id, "%#llx again", (unsigned long long)id);
	for (uint32_t i = 0; i < OBJECTS_MAX; i++)
		CHECK(world.regions[i].id != id && (uintptr_t)world.drivers[i].handle != id &&
			      (uintptr_t)world.cqs[i].handle != id &&
			      (uintptr_t)world.rqs[i].handle != id,
		      "%#llx again", (unsigned long long)id);
}

static void bury(uint64_t id)
{
	graveyard[graves++ % GRAVES] = id;
}

/* ---- Arguments ---- */

/* Mostly one of the kind asked for, dead or alive; else something that is none. */
static uint64_t take_id(struct input *input, const uint64_t *ids, uint32_t count)
{
	static const uint64_t odd[] = {0, 1, UINT32_MAX, UINT64_MAX, 1ull << 32, INT64_MAX};
	uint8_t kind = input_byte(input);
	uint64_t id = count ? ids[kind % count] : 0;

	if (kind < 224)
		return id;
	if (kind < 232)
		return graveyard[input_byte(input) % GRAVES];
	if (kind < 240)
		return odd[kind % 6];
	/* Near one that lives: another generation, index or kind. */
	return id ^ 1ull << input_byte(input) % 64;
}

#define TAKE_HANDLE(input, objects, count)                                                         \
	({                                                                                         \
		uint64_t take_ids[OBJECTS_MAX] = {0};                                              \
		for (uint32_t take = 0; take < (count); take++)                                    \
			take_ids[take] = (uintptr_t)(objects)[take].handle;                        \
		(void *)(uintptr_t)take_id(input, take_ids, count);                                \
	})

static uint64_t take_region(struct input *input)
{
	uint64_t ids[OBJECTS_MAX] = {0};

	for (uint32_t i = 0; i < world.regions_count; i++)
		ids[i] = world.regions[i].id;
	return take_id(input, ids, world.regions_count);
}

static struct regio_buf take_slice(struct input *input, uint32_t length_min)
{
	struct regio_buf slice = {.region = take_region(input)};
	const struct model_region *region = world_region(&world, slice.region);
	uint8_t kind = input_byte(input);
	uint32_t room = region ? (uint32_t)region->length : 0;

	if (kind >= 240 || room <= length_min) {
		slice.offset = input_edge(input);
		slice.length = input_edge(input);
		return slice;
	}
	slice.offset = input_below(input, room - length_min);
	slice.length = length_min + input_below(input, room - slice.offset - length_min + 1);
	return slice;
}

/* 'options' with its size set to something and what lies behind the known fields now and then. */
static void *take_options(struct input *input, void *options, size_t known_size)
{
	static uint8_t memory[OPTIONS_BYTES];
	static const uint32_t sizes[] = {0, 4, 7, 8, 12, 16, 4095, 4096, 4097, UINT32_MAX};
	uint8_t kind = input_byte(input);
	uint32_t size = (uint32_t)known_size;

	if (kind < 32)
		return NULL;
	if (kind >= 160)
		size = kind < 200 ? size + (kind - 160u) : sizes[kind % 10];
	/* Not in the middle of a pointer. */
	if (size > 8 && size < known_size)
		size &= ~7u;
	memset(memory, 0, sizeof(memory));
	memcpy(memory, options, known_size);
	memcpy(memory, &size, sizeof(size));
	if (kind & 1 && kind >= 160)
		memory[known_size + input_number(input, 2) % (sizeof(memory) - known_size)] = 1;
	return memory;
}

/* Limits are memory: what is not refused is kept small. */
static uint32_t take_limit(struct input *input, uint32_t limit_max)
{
	uint32_t limit = input_edge(input);

	return limit > 2048 && limit <= limit_max ? 2048 : limit;
}

/* ---- What calls fill in ---- */

union info {
	struct regio_driver_info driver;
	struct regio_rq_info rq;
	uint8_t bytes[INFO_BYTES];
};

/* In turn: ours, one of an older header, one of a newer, and none. */
static uint32_t next_size(size_t known_size)
{
	switch (world.sizes++ % 8) {
	case 1:
		return (uint32_t)known_size - 8;
	case 3:
		return INFO_BYTES - 8;
	case 5:
		return 16;
	case 7:
		return 15;
	default:
		return (uint32_t)known_size;
	}
}

/* Whether a structure of that size was filled in as far as it goes, and not behind. */
static void check_info(const union info *info, uint32_t size, size_t known_size, int result)
{
	for (uint32_t i = result < 0 ? 0 : size; i < INFO_BYTES; i++)
		CHECK(info->bytes[i] == FILL, "byte %u of %u was written", i, size);
	for (uint32_t i = (uint32_t)known_size; i < size && result == 0; i++)
		CHECK(info->bytes[i] == 0, "byte %u of %u is not 0", i, size);
}

/* ---- Regions ---- */

static void add_region(uint64_t id, void *address, uint64_t length, bool writable, void *memory)
{
	check_fresh(id);
	world.regions[world.regions_count++] = (struct model_region){.id = id,
								     .alive = true,
								     .writable = writable,
								     .length = length,
								     .address = (uintptr_t)address,
								     .memory = memory};
}

static void call_register(struct input *input)
{
	uint8_t kind = input_byte(input);
	uint64_t length = 1 + input_below(input, REGION_BYTES_MAX), id = 0;
	bool mapped = true, writable = true;
	struct model_region *around = NULL;
	struct regio_region_opts fields = {0}, *opts = NULL;
	struct expected expected;
	uint8_t *memory = NULL, *address;
	int result;

	if (kind < 16) {
		address = kind & 1 ? unreadable : kind & 2 ? read_only : NULL;
		writable = mapped = address != unreadable;
		writable = writable && address != read_only;
		length = kind & 4 ? PAGE_BYTES : length % PAGE_BYTES + 1;
	} else if (kind < 32 && world.regions_count && world.regions[0].alive) {
		around = &world.regions[0];
		address = around->memory;
		length = 1 + length % around->length;
		writable = around->writable;
	} else {
		address = memory = malloc(length);
		CHECK(memory, "no memory");
		memset(memory, 0, length);
	}
	if (kind >= 250)
		length = kind & 1 ? 0 : (1ull << 32) + length;
	if (kind >= 240 && kind < 250) {
		fields.flags = kind & 1 ? 0 : input_byte(input) % 8u;
		fields.numa_node = kind & 2 ? 0 : input_edge(input);
		opts = take_options(input, &fields, sizeof(fields));
	}
	expected = expect_region_register(opts, address, mapped, length);
	result = regio_region_register(address, length, opts, &id);
	check_explained(result, &expected, "regio_region_register");
	if (result < 0) {
		free(memory);
		return;
	}
	if (around)
		around->shared = true;
	add_region(id, address, length, writable, memory);
}

static void call_allocate(struct input *input)
{
	struct regio_region_opts fields = {.flags = input_byte(input) % 8u};
	struct regio_region_opts *opts;
	uint64_t length = input_edge(input), id = 0;
	struct expected expected;
	void *address = NULL;
	int result;

	fields.numa_node = input_byte(input) & 1 ? input_edge(input) : 0;
	fields.reserved = input_byte(input) >> 7;
	opts = take_options(input, &fields, sizeof(fields));
	if (length > REGION_BYTES_MAX)
		length = length & 1 ? REGION_BYTES_MAX : length << 32;
	expected = expect_region_allocate(opts, length);
	result = regio_region_allocate(length, opts, &id, &address);
	check_explained(result, &expected, "regio_region_allocate");
	if (result == 0) {
		CHECK(address && (uintptr_t)address % PAGE_BYTES == 0, "%p", address);
		add_region(id, address, length, true, NULL);
	}
}

static void deregister(uint64_t id)
{
	struct model_region *region = world_region(&world, id);
	struct expected expected = {1, {region ? 0 : -EFAULT}};

	check_explained(regio_region_deregister(id), &expected, "regio_region_deregister");
	if (!region)
		return;
	region->alive = false;
	if (region->shared)
		return;
	free(region->memory);
	region->memory = NULL;
}

/* ---- Drivers ---- */

static void call_driver_create(struct input *input)
{
	static const char *const engines[] = {NULL, "auto", ENGINE_WITHOUT_TRAFFIC, "nobody's"};
	struct regio_driver_opts fields = {.engine = engines[input_byte(input) % 4]};
	struct regio_driver *handle = NULL;
	struct regio_driver_opts *opts;
	struct expected expected;
	uint8_t odd = input_byte(input);
	int result;

	if (odd >= 192) {
		/* A thread of its own is not for these programs. */
		fields.flags = input_edge(input) & ~REGIO_DRIVER_THREAD;
		fields.thread_spin_ns = odd & 1 ? input_number(input, 8) : 0;
		fields.thread_cpu = odd & 2 ? input_edge(input) : 0;
		fields.busy_poll_us = odd & 4 ? input_edge(input) : 0;
	}
	opts = take_options(input, &fields, sizeof(fields));
	expected = expect_driver_create(opts);
	result = regio_driver_create(opts, &handle);
	check_explained(result, &expected, "regio_driver_create");
	if (result < 0)
		return;
	check_fresh((uintptr_t)handle);
	world.drivers[world.drivers_count++] = (struct model_driver){
		.handle = handle, .alive = true, .busy = opts && fields.busy_poll_us};
}

static void close_driver(struct regio_driver *handle)
{
	struct model_driver *driver = world_driver(&world, handle);
	struct expected expected = {1, {!driver ? -EBADF : driver->cqs ? -EBUSY : 0}};

	check_explained(regio_driver_close(handle), &expected, "regio_driver_close");
	if (driver && !driver->cqs)
		driver->alive = false;
}

static void call_driver_run(struct input *input)
{
	struct regio_driver *handle = TAKE_HANDLE(input, world.drivers, world.drivers_count);
	struct model_driver *driver = world_driver(&world, handle);
	bool woken = driver && driver->woken;
	int result = regio_driver_run(handle, 0);

	/* It may have been woken by what it called. */
	if (driver && !woken)
		check_one_of(result, "regio_driver_run", -ETIMEDOUT,
			     driver->woken ? 0 : -ETIMEDOUT);
	else
		check_one_of(result, "regio_driver_run", driver ? 0 : -EBADF, driver ? 0 : -EBADF);
	if (driver && result == 0)
		driver->woken = false;
}

static void call_driver_wake(struct input *input)
{
	struct regio_driver *handle = TAKE_HANDLE(input, world.drivers, world.drivers_count);
	struct model_driver *driver = world_driver(&world, handle);
	int expected = driver ? 0 : -EBADF;

	check_one_of(regio_driver_wake(handle), "regio_driver_wake", expected, expected);
	if (driver)
		driver->woken = true;
}

static void call_driver_info(struct input *input)
{
	struct regio_driver *handle = TAKE_HANDLE(input, world.drivers, world.drivers_count);
	const struct model_driver *driver = world_driver(&world, handle);
	const uint32_t size = next_size(sizeof(struct regio_driver_info));
	struct expected expected = expect_info(driver, size);
	union info info;
	uint32_t rqs = 0;
	int result;

	memset(&info, FILL, sizeof(info));
	result = regio_driver_get_info(handle, &info.driver, size);
	check_explained(result, &expected, "regio_driver_get_info");
	check_info(&info, size, sizeof(info.driver), result);
	if (result < 0 || size < sizeof(info.driver))
		return;
	for (uint32_t i = 0; i < world.rqs_count; i++) {
		const struct model_rq *rq = &world.rqs[i];

		rqs += rq->alive &&
		       (rq->halves[0].cq->driver == driver || rq->halves[1].cq->driver == driver);
	}
	CHECK(info.driver.completion_queues == driver->cqs, "%u CQs, not %u",
	      info.driver.completion_queues, driver->cqs);
	CHECK(info.driver.request_queues == rqs, "%u RQs, not %u", info.driver.request_queues, rqs);
}

/* ---- Completion queues ---- */

static void notified(void *context)
{
	struct model_cq *cq = context;

	CHECK(cq->alive, "called after the close");
	CHECK(++cq->calls <= cq->armings, "called %u times, armed %u times", cq->calls,
	      cq->armings);
	cq->may_be_armed = false;
	if (cq->driver && cq->calls & 1) {
		CHECK(regio_driver_wake(cq->driver->handle) == 0, "wake");
		cq->driver->woken = true;
	}
}

static void call_cq_create(struct input *input)
{
	struct model_cq *cq = &world.cqs[world.cqs_count];
	uint32_t capacity = input_edge(input);
	struct regio_cq_opts fields = {.reserved = input_byte(input) >> 7};
	struct regio_cq_opts *opts, known;
	struct regio_cq *handle = NULL;
	struct expected expected;
	int result;

	fields.driver = TAKE_HANDLE(input, world.drivers, world.drivers_count);
	if (input_byte(input) & 1) {
		fields.on_notify = notified;
		fields.on_notify_context = cq;
	}
	opts = take_options(input, &fields, sizeof(fields));
	expected = expect_cq_create(&world, capacity, opts);
	result = regio_cq_create(capacity, opts, &handle);
	check_explained(result, &expected, "regio_cq_create");
	if (result < 0)
		return;
	check_fresh((uintptr_t)handle);
	expect_options(opts, sizeof(known), &known);
	*cq = (struct model_cq){.handle = handle,
				.alive = true,
				.driver = world_driver(&world, known.driver),
				.capacity = capacity,
				.calls_back = known.on_notify,
				.fd = -1};
	/* A structure cut in two: a function without its context. */
	if (known.on_notify && known.on_notify_context != cq) {
		CHECK(regio_cq_close(handle) == 0, "%s", regio_last_error());
		bury((uintptr_t)handle);
		return;
	}
	if (cq->driver)
		cq->driver->cqs++;
	world.cqs_count++;
}

static void call_cq_resize(struct input *input)
{
	struct regio_cq *handle = TAKE_HANDLE(input, world.cqs, world.cqs_count);
	struct model_cq *cq = world_cq(&world, handle);
	uint32_t capacity = input_edge(input);
	struct expected expected = {0};
	int result;

	expect_error(&expected, !cq, -EBADF);
	expect_error(&expected, cq && (capacity == 0 || capacity > REGIO_CQ_CAPACITY_MAX), -EINVAL);
	expect_error(&expected, cq && capacity < cq->reserved + cq->lingering, -ETOOMANYREFS);
	expect_error(&expected,
		     expected.count == 0 || (cq && cq->lingering && capacity >= cq->reserved &&
					     capacity && capacity <= REGIO_CQ_CAPACITY_MAX),
		     0);
	result = regio_cq_resize(handle, capacity);
	check_explained(result, &expected, "regio_cq_resize");
	if (!cq || result < 0)
		return;
	cq->capacity = capacity;
	if (cq->lingering > capacity - cq->reserved)
		cq->lingering = capacity - cq->reserved;
}

static void close_cq(struct regio_cq *handle)
{
	struct model_cq *cq = world_cq(&world, handle);
	struct expected expected = {1, {cq ? 0 : -EBADF}};

	check_explained(regio_cq_close(handle), &expected, "regio_cq_close");
	if (cq)
		world_end_cq(&world, cq);
}

static void check_result(struct model_cq *cq, const struct regio_result *result)
{
	uint64_t number = result->request_context - CONTEXT_BASE;
	struct model_request *request = &world.requests[number % REQUESTS_MAX];
	struct model_rq *rq;

	CHECK(number < world.requests_count, "a result of no request");
	CHECK(!request->done, "request %llu has a second result", (unsigned long long)number);
	rq = request->half->rq;
	CHECK(request->half->cq == cq, "on another CQ");
	CHECK(world_oldest(&world, request->half) == request, "request %llu is out of order",
	      (unsigned long long)number);
	CHECK(result->rq_context == (uint64_t)(rq - world.rqs) + 1, "of another RQ");
	CHECK(result->bytes <= request->length, "%u bytes of %u", result->bytes, request->length);
	CHECK(result->status <= 0 && strcmp(regio_error_name(result->status), "EUNKNOWN") != 0,
	      "status %d", result->status);
	CHECK(result->status != -ECANCELED || rq->cancelled, "nobody has cancelled it");
	CHECK(result->status || request->half->receives || result->bytes == request->length,
	      "%u of %u bytes sent", result->bytes, request->length);
	world_complete(request);
}

static int dequeue(struct regio_cq *handle, uint32_t results_max)
{
	struct regio_result *results = malloc(sizeof(*results) * (results_max ? results_max : 1));
	struct model_cq *cq = world_cq(&world, handle);
	int count;

	CHECK(results, "no memory");
	count = regio_cq_dequeue(handle, results, results_max);
	CHECK(cq ? count >= 0 && count <= (int)results_max : count == -EBADF, "%d of %u", count,
	      results_max);
	for (int i = 0; i < count; i++)
		check_result(cq, &results[i]);
	if (cq && count < (int)results_max)
		cq->lingering = 0;
	free(results);
	return count;
}

static void call_notify(struct input *input)
{
	struct regio_cq *handle = TAKE_HANDLE(input, world.cqs, world.cqs_count);
	struct model_cq *cq = world_cq(&world, handle);
	bool was_armed = cq && cq->may_be_armed;
	int result;

	if (cq) {
		/* It may be called back before the return. */
		cq->may_be_armed = true;
		cq->armings++;
	}
	result = regio_cq_notify(handle);
	check_one_of(result, "regio_cq_notify", cq ? 0 : -EBADF,
		     was_armed ? -EALREADY
		     : cq      ? 0
			       : -EBADF);
	if (cq && result < 0)
		cq->armings--;
}

static void call_wait(struct input *input)
{
	struct regio_cq *handle = TAKE_HANDLE(input, world.cqs, world.cqs_count);
	struct model_cq *cq = world_cq(&world, handle);
	uint32_t min_count = input_edge(input);
	uint64_t delay_ns = input_number(input, 8);
	int result = regio_cq_wait(handle, min_count, delay_ns, input_byte(input) & 1 ? 1000 : 0);

	if (!cq) {
		CHECK(result == -EBADF, "%d", result);
		return;
	}
	CHECK(result == -ETIMEDOUT || result >= 1, "regio_cq_wait returned %d", result);
	if (result >= 1)
		CHECK(dequeue(handle, 1) == 1, "waited for nothing");
}

static void call_fd(struct input *input)
{
	struct regio_cq *handle = TAKE_HANDLE(input, world.cqs, world.cqs_count);
	struct model_cq *cq = world_cq(&world, handle);
	int fd = regio_cq_fd(handle);

	CHECK(cq ? fd >= 0 : fd == -EBADF, "%d", fd);
	if (!cq)
		return;
	CHECK(cq->fd < 0 || cq->fd == fd, "another descriptor");
	cq->fd = fd;
}

/* ---- Sockets ---- */

static void connect_to_self(int fd, int family)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = {.v6 = {.sin6_family = (sa_family_t)family}};
	socklen_t length = family == AF_INET ? sizeof(name.v4) : sizeof(name.v6);

	if (family == AF_INET)
		name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		name.v6.sin6_addr = in6addr_loopback;
	if (bind(fd, &name.any, length) == 0 && getsockname(fd, &name.any, &length) == 0)
		CHECK(connect(fd, &name.any, length) == 0, "%s", strerror(errno));
}

static struct model_socket *make_socket(enum socket_kind kind)
{
	struct model_socket *one = &world.sockets[world.sockets_count++];
	int pair[2] = {-1, -1};

	*one = (struct model_socket){.kind = kind, .identity = world.sockets_count};
	switch (kind) {
	case SOCKET_UNIX:
	case SOCKET_UNIX_DATAGRAM:
		CHECK(socketpair(AF_UNIX,
				 (kind == SOCKET_UNIX ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0,
				 pair) == 0,
		      "%s", strerror(errno));
		break;
	case SOCKET_UDP4:
	case SOCKET_UDP6:
		pair[0] = socket(kind == SOCKET_UDP4 ? AF_INET : AF_INET6,
				 SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (traffic)
			connect_to_self(pair[0], kind == SOCKET_UDP4 ? AF_INET : AF_INET6);
		break;
	case SOCKET_TCP:
		pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		break;
	default:
		pair[0] = eventfd(0, EFD_CLOEXEC);
		break;
	}
	one->fd = pair[0];
	one->peer = pair[1];
	CHECK(one->fd >= 0, "%s", strerror(errno));
	return one;
}

static struct model_socket *take_socket(struct input *input)
{
	uint8_t kind = input_byte(input);

	if (world.sockets_count == 0 || (kind < 160 && world.sockets_count < OBJECTS_MAX))
		return make_socket(kind % SOCKET_KINDS);
	return &world.sockets[kind % world.sockets_count];
}

/* The other end does something, or a message comes from elsewhere. */
static void peer_acts(struct input *input)
{
	struct model_socket *one = world.sockets_count
					   ? &world.sockets[input_byte(input) % world.sockets_count]
					   : NULL;
	uint8_t kind = input_byte(input), bytes[256] = {0};

	if (!one || one->fd < 0 || one->kind == SOCKET_NONE || !traffic)
		return;
	if (one->peer < 0) {
		if (one->kind == SOCKET_UDP4 || one->kind == SOCKET_UDP6)
			send(one->fd, bytes, kind, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else if (kind < 192) {
		send(one->peer, bytes, kind, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else if (kind < 240) {
		recv(one->peer, bytes, sizeof(bytes), MSG_DONTWAIT);
	} else if (kind < 248) {
		shutdown(one->peer, kind % 3);
	} else {
		close(one->peer);
		one->peer = -1;
	}
}

/* ---- Request queues ---- */

static void add_rq(struct regio_rq *handle, struct model_socket *socket, const uint32_t limits[2],
		   struct regio_cq *const cqs[2])
{
	struct model_rq *rq = &world.rqs[world.rqs_count++];

	check_fresh((uintptr_t)handle);
	*rq = (struct model_rq){.handle = handle,
				.alive = true,
				.stream = socket->kind == SOCKET_TCP || socket->kind == SOCKET_UNIX,
				.socket = socket};
	for (int i = 0; i < 2; i++) {
		rq->halves[i] = (struct model_half){.rq = rq,
						    .cq = world_cq(&world, cqs[i]),
						    .limit = limits[i],
						    .receives = i == 0};
		rq->halves[i].cq->reserved += limits[i];
		/* It has fitted, whatever lingers. */
		if (rq->halves[i].cq->lingering >
		    rq->halves[i].cq->capacity - rq->halves[i].cq->reserved)
			rq->halves[i].cq->lingering =
				rq->halves[i].cq->capacity - rq->halves[i].cq->reserved;
	}
}

static void call_rq_create(struct input *input)
{
	struct model_socket *socket = take_socket(input);
	const uint32_t limits[2] = {take_limit(input, REGIO_RQ_REQUESTS_MAX),
				    take_limit(input, REGIO_RQ_REQUESTS_MAX)};
	/* cppcheck-suppress internalAstError ; statements in an initialiser, it cannot */
	struct regio_cq *cqs[2] = {TAKE_HANDLE(input, world.cqs, world.cqs_count),
				   TAKE_HANDLE(input, world.cqs, world.cqs_count)};
	struct regio_rq_opts fields = {.trains = input_byte(input) % 4u};
	struct regio_rq *handle = NULL;
	struct regio_rq_opts *opts;
	struct expected expected;
	uint8_t odd = input_byte(input);
	int result;

	fields.flags = odd & 1;
	if (odd >= 224) {
		fields.flags = input_edge(input);
		fields.reserved = odd & 2;
	}
	fields.train_max_messages = odd & 4 ? input_edge(input) : 0;
	fields.train_max_bytes = odd & 8 ? input_edge(input) : 0;
	opts = take_options(input, &fields, sizeof(fields));
	expected = expect_rq_create(&world, socket, limits, cqs, opts);
	result = regio_rq_create(socket->fd, limits[0], limits[1], cqs[0], cqs[1],
				 world.rqs_count + 1, opts, &handle);
	check_explained(result, &expected, "regio_rq_create");
	if (result == 0)
		add_rq(handle, socket, limits, cqs);
}

static void call_rq_resize(struct input *input)
{
	struct regio_rq *handle = TAKE_HANDLE(input, world.rqs, world.rqs_count);
	const uint32_t limits[2] = {take_limit(input, REGIO_RQ_REQUESTS_MAX),
				    take_limit(input, REGIO_RQ_REQUESTS_MAX)};
	struct expected expected = expect_rq_resize(&world, handle, limits);
	struct model_rq *rq = world_rq(&world, handle);
	int result = regio_rq_resize(handle, limits[0], limits[1]);

	check_explained(result, &expected, "regio_rq_resize");
	if (result < 0)
		return;
	for (int i = 0; i < 2; i++) {
		struct model_cq *cq = rq->halves[i].cq;

		cq->reserved = cq->reserved - rq->halves[i].limit + limits[i];
		rq->halves[i].limit = limits[i];
	}
	for (int i = 0; i < 2; i++) {
		struct model_cq *cq = rq->halves[i].cq;

		if (cq->alive && cq->lingering > cq->capacity - cq->reserved)
			cq->lingering = cq->capacity - cq->reserved;
	}
}

static void call_rq_cancel(struct input *input)
{
	struct regio_rq *handle = TAKE_HANDLE(input, world.rqs, world.rqs_count);
	uint32_t halves = input_byte(input) < 240 ? 1 + input_byte(input) % 3u : input_edge(input);
	struct model_rq *rq = world_rq(&world, handle);
	struct expected expected = {0};
	uint32_t outstanding = 0;
	int result = regio_rq_cancel(handle, halves);

	expect_error(&expected, !rq, -EBADF);
	expect_error(&expected, rq && (halves == 0 || halves > 3), -EINVAL);
	if (expected.count) {
		check_explained(result, &expected, "regio_rq_cancel");
		return;
	}
	for (int i = 0; i < 2; i++)
		outstanding += halves >> i & 1 ? rq->halves[i].outstanding : 0;
	CHECK(result >= 0 && (uint32_t)result <= outstanding, "%d cancelled of %u", result,
	      outstanding);
	rq->cancelled = true;
}

static void close_rq(struct regio_rq *handle, uint32_t flags)
{
	struct model_rq *rq = world_rq(&world, handle);
	struct expected expected = {1, {!rq ? -EBADF : flags & ~REGIO_CLOSE_SOCKET ? -EINVAL : 0}};
	int result = regio_rq_close(handle, flags);

	check_explained(result, &expected, "regio_rq_close");
	if (!rq || result < 0)
		return;
	rq->cancelled = true;
	if (flags & REGIO_CLOSE_SOCKET)
		rq->socket->fd = -1;
	world_end_rq(rq);
}

static void call_replace(struct input *input)
{
	struct regio_rq *handle = TAKE_HANDLE(input, world.rqs, world.rqs_count);
	struct model_socket *socket = take_socket(input);
	struct expected expected = expect_rq_replace(&world, handle, socket);
	int result = regio_rq_replace_socket(handle, socket->fd);

	check_explained(result, &expected, "regio_rq_replace_socket");
	if (result == 0)
		world_rq(&world, handle)->socket->identity = socket->identity;
}

static void call_rq_info(struct input *input)
{
	struct regio_rq *handle = TAKE_HANDLE(input, world.rqs, world.rqs_count);
	const uint32_t size = next_size(sizeof(struct regio_rq_info));
	struct expected expected = expect_info(world_rq(&world, handle), size);
	union info info;
	int result;

	memset(&info, FILL, sizeof(info));
	result = regio_rq_get_info(handle, &info.rq, size);
	check_explained(result, &expected, "regio_rq_get_info");
	check_info(&info, size, sizeof(info.rq), result);
	if (result == 0 && size >= sizeof(info.rq))
		CHECK(info.rq.messages_truncated <= info.rq.messages_received &&
			      info.rq.trains_sent <= info.rq.messages_sent,
		      "counts");
}

/* ---- Requests ---- */

static void take_extra(struct input *input, struct regio_extra *ret_extra)
{
	uint8_t which = input_byte(input);

	*ret_extra = (struct regio_extra){0};
	if (which & 1)
		ret_extra->local_address = take_slice(input, 28);
	if (which & 2)
		ret_extra->remote_address = take_slice(input, 28);
	if (which & 4)
		ret_extra->control = take_slice(input, 8);
	if (which & 8)
		ret_extra->message_flags = take_slice(input, 4);
}

static void post_one(struct regio_rq *handle, bool receives, const struct regio_buf *data,
		     const struct regio_extra *extra, uint32_t flags)
{
	uint64_t context = flags & REGIO_MSG_COMMIT_ONLY ? 0 : CONTEXT_BASE + world.requests_count;
	struct expected expected =
		expect_post(&world, handle, receives, data, extra, flags, context);
	struct model_rq *rq = world_rq(&world, handle);
	struct model_request request = {.length = data ? data->length : 0};
	int result;

	world_ranges(&world, data, extra, request.ranges);
	/* A program that does so breaks the contract, which the address sanitizer reports. */
	if (expected_has(&expected, 0) && world_conflicts(&world, receives, request.ranges))
		return;
	if (extra)
		result = receives ? regio_receive_ex(handle, data, extra, flags, context)
				  : regio_send_ex(handle, data, extra, flags, context);
	else
		result = receives ? regio_receive(handle, data, flags, context)
				  : regio_send(handle, data, flags, context);
	check_explained(result, &expected, receives ? "regio_receive" : "regio_send");
	if (result < 0 || flags & REGIO_MSG_COMMIT_ONLY)
		return;
	request.half = &rq->halves[!receives];
	world.requests[world.requests_count++] = request;
	request.half->outstanding++;
}

/* Notes what a call that posts many must accept. Returns how many; 'ret_refusal' is of the next. */
static uint32_t foresee(struct regio_rq *handle, bool receives, struct regio_request *requests,
			uint32_t *count, struct expected *ret_refusal)
{
	struct model_rq *rq = world_rq(&world, handle);

	for (uint32_t i = 0; i < *count; i++) {
		struct model_request request = {.length = requests[i].data.length};
		const bool commit = requests[i].flags & REGIO_MSG_COMMIT_ONLY;
		const struct regio_buf *data = commit && !requests[i].data.region &&
							       !requests[i].data.offset &&
							       !requests[i].data.length
						       ? NULL
						       : &requests[i].data;

		requests[i].context = commit ? 0 : CONTEXT_BASE + world.requests_count;
		*ret_refusal = expect_post(&world, handle, receives, data, requests[i].extra,
					   requests[i].flags, requests[i].context);
		if (requests[i].reserved && ret_refusal->values[0] == 0)
			*ret_refusal = (struct expected){1, {-EINVAL}};
		world_ranges(&world, data, requests[i].extra, request.ranges);
		if (ret_refusal->values[0] != 0)
			return i;
		/* See post_one(). */
		if (world_conflicts(&world, receives, request.ranges)) {
			*count = i;
			return i;
		}
		if (commit)
			continue;
		request.half = &rq->halves[!receives];
		world.requests[world.requests_count++] = request;
		request.half->outstanding++;
	}
	return *count;
}

static void post_many(struct regio_rq *handle, bool receives, struct regio_request *requests,
		      uint32_t count)
{
	struct expected expected = {0}, refusal = {0};
	uint32_t accepted = foresee(handle, receives, requests, &count, &refusal);

	if (count == 0)
		expect_error(&expected, !world_rq(&world, handle), -EBADF);
	if (count > 0 && accepted == 0)
		expected = refusal;
	else if (!expected.count)
		expected = (struct expected){1, {(int)accepted}};
	check_explained(regio_post(handle, receives ? REGIO_HALF_RECEIVE : REGIO_HALF_SEND,
				   requests, count),
			&expected, "regio_post");
}

static void call_post(struct input *input)
{
	struct regio_rq *handle = TAKE_HANDLE(input, world.rqs, world.rqs_count);
	uint8_t kind = input_byte(input), flags_kind = input_byte(input);
	struct regio_buf data = take_slice(input, 0);
	const uint32_t lengths[] = {0, 1, 16, 64, 100, 512, 1500, 4000};
	uint8_t count_kind = kind & 2 ? input_byte(input) : 0;
	uint32_t count = 1 + count_kind % 64u, made = 0;
	uint32_t flags = flags_kind < 240 ? flags_kind & 3u : input_edge(input) & 15u;
	struct regio_request requests[64];
	struct regio_extra extra;

	if (flags_kind >= 250)
		flags = input_edge(input);
	if (kind & 4)
		take_extra(input, &extra);
	/* Of a length that leaves room for many. */
	if (kind & 8 && data.length > lengths[kind >> 4 & 7])
		data.length = lengths[kind >> 4 & 7];
	/* An empty one by name. */
	if (kind >= 248)
		data = (struct regio_buf){0};
	/* Receives in a row have slices in a row. */
	for (; made < count && world.requests_count + made < REQUESTS_MAX; made++) {
		requests[made] = (struct regio_request){
			.data = data, .extra = kind & 4 ? &extra : NULL, .flags = flags};
		data.offset += kind & 1 ? data.length : 0;
	}
	/* In one call, now and then with a commit or something wrong in the middle. */
	if (count_kind >= 128) {
		if (count_kind >= 192)
			requests[made / 2] = (struct regio_request){
				.flags = REGIO_MSG_COMMIT_ONLY, .reserved = flags_kind >> 4 == 1};
		post_many(handle, kind & 1, requests, made);
		return;
	}
	for (uint32_t i = 0; i < made; i++)
		post_one(handle, kind & 1, kind >= 240 && kind < 248 ? NULL : &requests[i].data,
			 requests[i].extra, flags);
}

/* ---- The program ---- */

/* What makes an object, where there may be one more. */
static void make_one(struct input *input, uint8_t kind)
{
	switch (kind) {
	case 0:
		if (world.regions_count < OBJECTS_MAX)
			call_register(input);
		break;
	case 1:
		if (world.regions_count < OBJECTS_MAX)
			call_allocate(input);
		break;
	case 2:
		if (world.drivers_count < OBJECTS_MAX)
			call_driver_create(input);
		break;
	case 3:
		if (world.cqs_count < OBJECTS_MAX)
			call_cq_create(input);
		break;
	default:
		if (world.rqs_count < OBJECTS_MAX)
			call_rq_create(input);
		break;
	}
}

static void end_one(struct input *input)
{
	switch (input_byte(input) % 5) {
	case 0:
		deregister(take_region(input));
		break;
	case 1:
		close_driver(TAKE_HANDLE(input, world.drivers, world.drivers_count));
		break;
	case 2:
		close_cq(TAKE_HANDLE(input, world.cqs, world.cqs_count));
		break;
	default:
		close_rq(TAKE_HANDLE(input, world.rqs, world.rqs_count),
			 input_byte(input) < 240 ? input_byte(input) & 1u : input_edge(input));
		break;
	}
}

static void call_dequeue(struct input *input)
{
	struct regio_cq *handle = TAKE_HANDLE(input, world.cqs, world.cqs_count);

	dequeue(handle, input_below(input, RESULTS_MAX));
}

static void step(struct input *input)
{
	static void (*const calls[])(struct input * input) = {
		end_one,	  end_one,	    call_cq_resize, call_rq_resize, call_rq_cancel,
		call_replace,	  call_notify,	    call_wait,	    call_fd,	    call_driver_run,
		call_driver_wake, call_driver_info, call_rq_info,   peer_acts,	    peer_acts,
		call_dequeue,	  call_dequeue,	    call_dequeue,   call_dequeue,   call_post,
		call_post,	  call_post,	    call_post,	    call_post,	    call_post,
		call_post,
	};
	const uint8_t makers = 6;
	uint8_t kind = input_byte(input) % (makers + sizeof(calls) / sizeof(calls[0]));

	if (kind < makers)
		make_one(input, kind);
	else
		calls[kind - makers](input);
}

/* A driver, a CQ, a queue on a datagram socket and a region, so that most calls mean something. */
static void begin(const char *engine)
{
	const struct regio_driver_opts driver_opts = {.size = sizeof(driver_opts),
						      .engine = engine};
	struct regio_cq_opts cq_opts = {.size = sizeof(cq_opts)};
	const uint32_t limits[2] = {128, 128};
	struct regio_driver *driver;
	struct regio_cq *cq;
	struct regio_rq *rq;
	static const uint8_t bytes[] = {64, 0xFF, 0x3F};
	struct input largest = {bytes, bytes + sizeof(bytes)};

	memset(&world, 0, sizeof(world));
	CHECK(regio_driver_create(&driver_opts, &driver) == 0, "%s", regio_last_error());
	world.drivers[world.drivers_count++] =
		(struct model_driver){.handle = driver, .alive = true, .cqs = 1};
	cq_opts.driver = driver;
	CHECK(regio_cq_create(1024, &cq_opts, &cq) == 0, "%s", regio_last_error());
	world.cqs[world.cqs_count++] = (struct model_cq){.handle = cq,
							 .alive = true,
							 .driver = &world.drivers[0],
							 .capacity = 1024,
							 .fd = -1};
	make_socket(SOCKET_UDP4);
	CHECK(regio_rq_create(world.sockets[0].fd, limits[0], limits[1], cq, cq, 1, NULL, &rq) == 0,
	      "%s", regio_last_error());
	add_rq(rq, &world.sockets[0], limits, (struct regio_cq *const[2]){cq, cq});
	call_register(&largest);
}

/* Everything that is left, request queues or completion queues first. */
static void end(bool cqs_first, bool regions_first)
{
	for (uint32_t i = 0; i < world.regions_count && regions_first; i++)
		deregister(world.regions[i].id);
	for (uint32_t i = 0; i < world.cqs_count && cqs_first; i++)
		close_cq(world.cqs[i].handle);
	for (uint32_t i = 0; i < world.rqs_count; i++)
		close_rq(world.rqs[i].handle, 0);
	for (uint32_t i = 0; i < world.cqs_count; i++) {
		struct model_cq *cq = &world.cqs[i];

		while (cq->alive && dequeue(cq->handle, RESULTS_MAX) == RESULTS_MAX)
			continue;
	}
	for (uint32_t i = 0; i < world.requests_count; i++)
		CHECK(world.requests[i].done, "request %u has no result", i);
	for (uint32_t i = 0; i < world.cqs_count; i++)
		close_cq(world.cqs[i].handle);
	for (uint32_t i = 0; i < world.regions_count; i++) {
		deregister(world.regions[i].id);
		free(world.regions[i].memory);
		bury(world.regions[i].id);
	}
	for (uint32_t i = 0; i < world.drivers_count; i++)
		close_driver(world.drivers[i].handle);
	for (uint32_t i = 0; i < world.sockets_count; i++) {
		if (world.sockets[i].fd >= 0)
			close(world.sockets[i].fd);
		if (world.sockets[i].peer >= 0)
			close(world.sockets[i].peer);
	}
	bury((uintptr_t)world.drivers[0].handle);
	bury((uintptr_t)world.cqs[0].handle);
	bury((uintptr_t)world.rqs[0].handle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	uint8_t kind = input_byte(&input);
	const char *engine;
	int descriptor;

	if (!unreadable)
		set_up_once();
	traffic = namespace_made && kind & 1;
	engine = traffic ? ENGINE_WITH_TRAFFIC : ENGINE_WITHOUT_TRAFFIC;
	setenv("REGIO_ENGINE", engine, 1);
	descriptor = lowest_free_descriptor();
	begin(engine);
	for (uint32_t i = 0; i < CALLS_MAX && input_left(&input); i++)
		step(&input);
	end(kind & 2, kind & 4);
	CHECK(lowest_free_descriptor() == descriptor, "a descriptor is left open");
	return 0;
}
