/* SPDX-License-Identifier: MIT */
/*
 * api.c - version, errors, and what the library says of the machine and of its engines
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Holds: regio_version what, regio_version Returns. */
START_TEST(the_version_is_that_of_the_header)
{
	EXPECT(regio_version() ==
		       (REGIO_VERSION_MAJOR << 16 | REGIO_VERSION_MINOR << 8 | REGIO_VERSION_PATCH),
	       "%#x", regio_version());
}
END_TEST

/* Every error the header documents. */
static const struct {
	int error;
	const char *name;
} documented_errors[] = {
#define ERROR(name)                                                                                \
	{                                                                                          \
		-(name), #name                                                                     \
	}
	{0, "OK"},	   ERROR(EINVAL),    ERROR(EBADF),	  ERROR(EFAULT),
	ERROR(EMSGSIZE),   ERROR(ENOMEM),    ERROR(E2BIG),	  ERROR(ECHILD),
	ERROR(ENOENT),	   ERROR(ENOTSUP),   ERROR(EMFILE),	  ERROR(ENFILE),
	ERROR(EBUSY),	   ERROR(EALREADY),  ERROR(ETOOMANYREFS), ERROR(ETIMEDOUT),
	ERROR(EINTR),	   ERROR(EEXIST),    ERROR(ENOBUFS),	  ERROR(ENOTSOCK),
	ERROR(EOPNOTSUPP), ERROR(ECANCELED), ERROR(ECONNREFUSED), ERROR(EDESTADDRREQ),
#undef ERROR
};

/* Holds: regio_error_name what, regio_error_name Returns. */
START_TEST(every_documented_error_has_its_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(documented_errors); i++) {
		const char *name = regio_error_name(documented_errors[i].error);

		/* Linux gives ENOTSUP and EOPNOTSUPP one value. */
		if (documented_errors[i].error == -EOPNOTSUPP)
			EXPECT(!strcmp(name, "EOPNOTSUPP") || !strcmp(name, "ENOTSUP"), "%s", name);
		else
			ck_assert_str_eq(name, documented_errors[i].name);
	}
}
END_TEST

/* Holds: regio_error_text what, regio_error_text Returns. */
START_TEST(every_documented_error_has_a_text_of_its_own)
{
	const char *unknown = regio_error_text(-99999);

	for (size_t i = 0; i < ARRAY_SIZE(documented_errors); i++) {
		const char *text = regio_error_text(documented_errors[i].error);

		EXPECT(strlen(text) > 5 && text[strlen(text) - 1] != '.', "%s: \"%s\"",
		       documented_errors[i].name, text);
		EXPECT(strcmp(text, unknown), "%s", documented_errors[i].name);
	}
}
END_TEST

/* Holds: regio_error_name Returns. */
START_TEST(an_unknown_error_is_called_EUNKNOWN)
{
	ck_assert_str_eq(regio_error_name(-99999), "EUNKNOWN");
	ck_assert_str_eq(regio_error_name(INT32_MIN), "EUNKNOWN");
	EXPECT(strlen(regio_error_text(INT32_MIN)) > 0, "no text");
}
END_TEST

static void *last_error_of_new_thread(void *ret_error)
{
	*(const char **)ret_error = regio_last_error();
	return NULL;
}

/* Holds: regio_last_error Threads, regio_last_error Returns, regio.h what 4. */
START_TEST(the_last_error_belongs_to_its_thread_and_is_empty_at_first)
{
	const char *elsewhere = NULL;
	struct regio_cq *cq;
	pthread_t thread;

	ck_assert_str_eq(regio_last_error(), "");
	EXPECT_RETURN(-EINVAL, regio_cq_create(0, NULL, &cq));
	EXPECT(strlen(regio_last_error()) > 10, "\"%s\"", regio_last_error());
	ck_assert_int_eq(
		pthread_create(&thread, NULL, last_error_of_new_thread, (void *)&elsewhere), 0);
	pthread_join(thread, NULL);
	ck_assert_str_eq(elsewhere, "");
}
END_TEST

/* Holds: regio_last_error what, regio_last_error Ownership. */
START_TEST(the_last_error_stays_until_the_next_call_that_fails)
{
	const char *kept;
	struct regio_cq *cq;
	char before[512];

	EXPECT_RETURN(-EINVAL, regio_cq_create(0, NULL, &cq));
	kept = regio_last_error();
	strncpy(before, kept, sizeof(before) - 1);
	before[sizeof(before) - 1] = '\0';
	EXPECT_RETURN(0, regio_cq_create(1, NULL, &cq));
	EXPECT_RETURN(0, regio_cq_resize(cq, 2));
	EXPECT_RETURN(0, regio_cq_close(cq));
	ck_assert_str_eq(kept, before);
	ck_assert_str_eq(regio_last_error(), before);
	EXPECT_RETURN(-EBADF, regio_cq_close(cq));
	ck_assert_str_ne(regio_last_error(), before);
}
END_TEST

static void expect_explained(int error, int result, const char *part)
{
	EXPECT_RETURN(error, result);
	EXPECT(strstr(regio_last_error(), part), "\"%s\" does not say \"%s\"", regio_last_error(),
	       part);
}

static void expect_slice_explained(struct regio_rq *rq, struct regio_buf slice, int error,
				   const char *part)
{
	const struct regio_request request = {.data = slice};

	expect_explained(error, regio_receive(rq, &slice, 0, 0), part);
	expect_explained(error, regio_receive_ex(rq, &slice, NULL, 0, 0), part);
	expect_explained(error, regio_post(rq, REGIO_HALF_RECEIVE, &request, 1), part);
}

/* Holds: regio_last_error what, regio.h what 4. */
START_TEST(a_refused_slice_is_explained)
{
	static const char constant[64] = "read-only";
	struct side side;
	struct regio_extra extra = {0};
	uint64_t region, other, sealed;
	void *memory;

	SIDE_OPEN(&side, .family = AF_INET, .receives = 2, .sends = 2, .slot_size = 64);
	EXPECT_RETURN(0, regio_region_allocate(4096, NULL, &region, &memory));
	EXPECT_RETURN(0, regio_region_allocate(4096, NULL, &other, &memory));
	EXPECT_RETURN(0, regio_region_deregister(other));
	EXPECT_RETURN(0, regio_region_register((void *)(uintptr_t)constant, sizeof(constant), NULL,
					       &sealed));
	expect_slice_explained(side.rq, (struct regio_buf){region, 4000, 97}, -EINVAL,
			       "97 bytes from offset 4000 on; its region has 4096");
	expect_slice_explained(side.rq, (struct regio_buf){0, 0, 64}, -EFAULT, "is 0");
	expect_slice_explained(side.rq, (struct regio_buf){other, 0, 64}, -EFAULT,
			       "not registered");
	expect_slice_explained(side.rq, (struct regio_buf){sealed, 0, 64}, -EFAULT,
			       "cannot be written");
	extra.remote_address = (struct regio_buf){region, 64, 16};
	expect_explained(
		-EINVAL,
		regio_receive_ex(side.rq, &(struct regio_buf){region, 0, 64}, &extra, 0, 0),
		"remote address has 16 bytes; it needs at least 28");
	extra = (struct regio_extra){.local_address = {region, 64, 28}};
	expect_explained(-EINVAL,
			 regio_send_ex(side.rq, &(struct regio_buf){region, 0, 64}, &extra, 0, 0),
			 "a local address");
	EXPECT_RETURN(0, regio_region_deregister(sealed));
	EXPECT_RETURN(0, regio_region_deregister(region));
	side_close(&side);
}
END_TEST

/* Holds: regio_last_error what, regio.h what 4. */
START_TEST(a_refused_request_is_explained)
{
	const struct regio_request reserved = {.reserved = 1};
	const struct regio_request some[] = {{.flags = REGIO_MSG_DEFER}, {.flags = 0x200}};
	const struct regio_buf empty = {0};
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .receives = 2, .sends = 2, .slot_size = 64);
	expect_explained(-EBADF, regio_send(NULL, &empty, 0, 0), "posting a send: the RQ is NULL");
	expect_explained(-EBADF, regio_receive(NULL, &empty, 0, 0), "posting a receive: the RQ is");
	expect_explained(-EBADF, regio_post(NULL, REGIO_HALF_SEND, NULL, 0), "the RQ is NULL");
	expect_explained(-EINVAL, regio_post(side.rq, 3, NULL, 0), "REGIO_HALF_");
	expect_explained(-EINVAL, regio_post(side.rq, REGIO_HALF_SEND, NULL, 1), "NULL");
	expect_explained(-EINVAL, regio_post(side.rq, REGIO_HALF_SEND, &reserved, 1), "reserved");
	EXPECT_RETURN(1, regio_post(side.rq, REGIO_HALF_SEND, some, 2));
	EXPECT(strstr(regio_last_error(), "0x200"), "%s", regio_last_error());
	expect_explained(-EINVAL, regio_send(side.rq, &empty, 0x100, 0), "0x100");
	expect_explained(-EINVAL, regio_send(side.rq, &empty, REGIO_MSG_COMMIT_ONLY, 0),
			 "COMMIT_ONLY");
	expect_explained(-EINVAL, regio_receive(side.rq, &empty, REGIO_MSG_WAITALL, 0), "WAITALL");
	for (int i = 0; i < 2; i++)
		EXPECT_RETURN(0, regio_receive(side.rq, &empty, 0, 0));
	expect_explained(-ENOBUFS, regio_receive(side.rq, &empty, 0, 0), "more receives");
	side_close(&side);
}
END_TEST

/* Holds: regio_last_error what, regio.h what 4. */
START_TEST(a_call_on_no_queue_is_explained_and_normal_work_is_not)
{
	struct side side;
	struct regio_result result;
	char before[512];

	SIDE_OPEN(&side, .family = AF_INET, .receives = 2, .sends = 2, .slot_size = 64);
	expect_explained(-EBADF, regio_cq_dequeue(NULL, &result, 1), "dequeuing: the CQ is NULL");
	expect_explained(-EBADF, regio_cq_notify(NULL), "notification: the CQ is NULL");
	expect_explained(-EBADF, regio_cq_wait(NULL, 1, 0, 0), "waiting on a CQ: the CQ is NULL");
	expect_explained(-EBADF, regio_driver_run(NULL, 0), "running a driver: the driver is NULL");
	expect_explained(-EBADF, regio_driver_wake(NULL), "waking a driver: the driver is NULL");
	expect_explained(-EINVAL, regio_cq_dequeue(side.receive_cq, NULL, 1),
			 "ret_results is NULL");
	strncpy(before, regio_last_error(), sizeof(before) - 1);
	before[sizeof(before) - 1] = '\0';
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 0));
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	EXPECT_RETURN(-EALREADY, regio_cq_notify(side.receive_cq));
	ck_assert_str_eq(regio_last_error(), before);
	side_close(&side);
}
END_TEST

/*
 * Holds: regio_engine_get_info what, regio_engine_get_info Returns, regio_engine_get_info -ENOENT,
 * regio_engine_get_info -EINVAL, regio_engine_info what, regio_engine_info.automatic.
 */
START_TEST(the_list_of_engines_ends_and_has_one_automatic_choice)
{
	struct regio_engine_info info;
	uint32_t index, automatic = 0;
	int result;

	for (index = 0; (result = regio_engine_get_info(index, &info, sizeof(info))) == 0;
	     index++) {
		EXPECT(index < 16, "the list does not end");
		EXPECT(memchr(info.name, '\0', sizeof(info.name)) && info.name[0], "no name");
		EXPECT(info.available || info.reason[0], "%s: no reason", info.name);
		EXPECT(info.available || !info.automatic, "%s", info.name);
		automatic += info.automatic;
	}
	ck_assert_int_eq(result, -ENOENT);
	ck_assert_uint_eq(automatic, 1);
	EXPECT_RETURN(-ENOENT, regio_engine_get_info(UINT32_MAX, &info, sizeof(info)));
	EXPECT_RETURN(-EINVAL, regio_engine_get_info(0, NULL, sizeof(struct regio_engine_info)));
}
END_TEST

START_TEST(the_epoll_engine_is_always_available)
{
	struct regio_engine_info info = {0};
	uint32_t index = 0;

	while (regio_engine_get_info(index++, &info, sizeof(info)) == 0)
		if (!strcmp(info.name, "epoll"))
			break;
	ck_assert_str_eq(info.name, "epoll");
	EXPECT(info.available, "%s", info.reason);
}
END_TEST

/*
 * Holds: regio_offload_get_info what, regio_offload_get_info Returns,
 * regio_offload_get_info -EINVAL, regio_offload_info what, regio_offload_info.send_train_messages,
 * regio_offload_info.loopback_joins, regio_offload_info.reason.
 */
START_TEST(offloads_are_what_the_kernel_does)
{
	struct regio_offload_info first = {0}, second = {0};

	EXPECT_RETURN(0, regio_offload_get_info(&first, sizeof(first)));
	EXPECT_RETURN(0, regio_offload_get_info(&second, sizeof(second)));
	ck_assert_mem_eq(&first, &second, sizeof(first));
	EXPECT(first.send_train_messages >= 1 && first.send_train_messages <= 128, "%u",
	       first.send_train_messages);
	EXPECT((first.send_train_messages > 1 && first.receive_trains && first.loopback_joins) ||
		       first.reason[0],
	       "something is missing without a reason");
	ck_assert_uint_eq(first.loopback_joins, !trains_not_joined());
	EXPECT_RETURN(-EINVAL, regio_offload_get_info(NULL, sizeof(struct regio_offload_info)));
}
END_TEST

/*
 * Holds: regio_driver_create what, regio_driver_create Returns, regio_driver_close what,
 * regio_driver_close Returns, regio_driver_close -EBUSY, regio_driver_close -EBADF,
 * regio_driver_get_info what, regio_driver_get_info Returns, regio_driver_info.reason,
 * regio_driver_info.completion_queues.
 */
START_TEST(a_driver_says_which_engine_it_runs_and_who_uses_it)
{
	struct regio_driver_info info;
	struct regio_driver *driver;
	struct regio_cq *cq;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	struct regio_cq_opts opts = {.size = sizeof(opts), .driver = driver};

	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	EXPECT(info.engine[0] && info.reason[0], "\"%s\", \"%s\"", info.engine, info.reason);
	ck_assert_uint_eq(info.completion_queues, 0);
	EXPECT_RETURN(0, regio_cq_create(1, &opts, &cq));
	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	ck_assert_uint_eq(info.completion_queues, 1);
	ck_assert_uint_eq(info.request_queues, 0);
	EXPECT_RETURN(-EBUSY, regio_driver_close(driver));
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(driver));
	EXPECT_RETURN(-EBADF, regio_driver_close(driver));
}
END_TEST

/* ---- Structures of another size than ours -------------------------------------- */

#define INFO_BYTES 4096u

enum described { ENGINE, OFFLOAD, DRIVER, RQ, DESCRIBED };

static const struct {
	const char *name;
	size_t size;
} described[DESCRIBED] = {
	[ENGINE] = {"regio_engine_get_info", sizeof(struct regio_engine_info)},
	[OFFLOAD] = {"regio_offload_get_info", sizeof(struct regio_offload_info)},
	[DRIVER] = {"regio_driver_get_info", sizeof(struct regio_driver_info)},
	[RQ] = {"regio_rq_get_info", sizeof(struct regio_rq_info)},
};

static struct regio_driver *described_driver;
static struct regio_rq *described_rq;

static int describe(enum described what, void *ret_info, uint32_t size)
{
	switch (what) {
	case ENGINE:
		return regio_engine_get_info(0, ret_info, size);
	case OFFLOAD:
		return regio_offload_get_info(ret_info, size);
	case DRIVER:
		return regio_driver_get_info(described_driver, ret_info, size);
	default:
		return regio_rq_get_info(described_rq, ret_info, size);
	}
}

static void open_described(struct side *side)
{
	EXPECT_RETURN(0, regio_driver_create(NULL, &described_driver));
	SIDE_OPEN(side, .family = AF_INET, .receives = 1, .sends = 1, .slot_size = 64,
		  .driver = described_driver);
	described_rq = side->rq;
	if (driven_by_a_thread())
		await_sleep(described_driver);
}

static void close_described(struct side *side)
{
	side_close(side);
	EXPECT_RETURN(0, regio_driver_close(described_driver));
}

/* Holds: regio.h what 3. */
START_TEST(a_program_that_knows_less_gets_less_and_one_that_knows_more_gets_0)
{
	static _Alignas(8) uint8_t whole[INFO_BYTES], got[INFO_BYTES + 8];
	const uint32_t sizes[] = {16, 17, 20, 32, 64, 1, 0, 4, 8, 1000};
	struct side side;

	open_described(&side);
	for (enum described what = 0; what < DESCRIBED; what++) {
		const uint32_t known = (uint32_t)described[what].size;

		memset(whole, 0, sizeof(whole));
		EXPECT_RETURN(0, describe(what, whole, known));
		for (size_t i = 0; i < ARRAY_SIZE(sizes) + 1; i++) {
			/* The first few are sizes, the others come on top of ours. */
			uint32_t size = i == ARRAY_SIZE(sizes) ? INFO_BYTES
					: i < 5		       ? sizes[i]
							       : known + sizes[i];

			memset(got, 0xA5, sizeof(got));
			EXPECT_RETURN(0, describe(what, got, size));
			for (uint32_t k = 0; k < sizeof(got); k++)
				EXPECT(got[k] == (k < size ? whole[k] : 0xA5),
				       "%s, %u of %u bytes: byte %u is %#x", described[what].name,
				       size, known, k, got[k]);
		}
	}
	close_described(&side);
}
END_TEST

/*
 * Holds: regio.h what 2, regio_engine_get_info -EINVAL, regio_offload_get_info -EINVAL,
 * regio_driver_get_info -EINVAL, regio_rq_get_info -EINVAL.
 */
START_TEST(a_size_that_is_none_is_refused_and_nothing_written)
{
	const uint32_t sizes[] = {0, 1, sizeof(void *), 15, INFO_BYTES + 1, INT32_MAX, UINT32_MAX};
	static const uint8_t untouched[INFO_BYTES];
	static _Alignas(8) uint8_t got[INFO_BYTES];
	struct side side;

	open_described(&side);
	for (enum described what = 0; what < DESCRIBED; what++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			EXPECT_RETURN(-EINVAL, describe(what, got, sizes[i]));
			ck_assert_mem_eq(got, untouched, sizeof(got));
			EXPECT(strstr(regio_last_error(), "sizeof"), "%s", regio_last_error());
		}
		EXPECT_RETURN(-EINVAL, describe(what, NULL, (uint32_t)described[what].size));
	}
	close_described(&side);
}
END_TEST

/* Holds: regio_driver_opts.engine, regio_driver_create -ENOENT. */
START_TEST(the_engine_is_chosen_by_name)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = "epoll"};
	struct regio_driver_info info;
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	ck_assert_str_eq(info.engine, "epoll");
	EXPECT_RETURN(0, regio_driver_close(driver));
	opts.engine = "steam";
	EXPECT_RETURN(-ENOENT, regio_driver_create(&opts, &driver));
	EXPECT(strstr(regio_last_error(), "steam"), "%s", regio_last_error());
}
END_TEST

/* Holds: regio_driver_opts.engine, regio_cq_create -ENOENT. */
START_TEST(the_environment_takes_the_place_of_the_automatic_choice)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = "auto"};
	struct regio_driver_info info;
	struct regio_driver *driver;
	struct regio_cq *cq;

	setenv("REGIO_ENGINE", "steam", 1);
	EXPECT_RETURN(-ENOENT, regio_driver_create(NULL, &driver));
	EXPECT_RETURN(-ENOENT, regio_driver_create(&opts, &driver));
	EXPECT_RETURN(-ENOENT, regio_cq_create(1, NULL, &cq));
	opts.engine = "epoll";
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	EXPECT_RETURN(0, regio_driver_close(driver));
	setenv("REGIO_ENGINE", "epoll", 1);
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	ck_assert_str_eq(info.engine, "epoll");
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- On any thread ------------------------------------------------------------- */

/* Static, so the same for every thread. */
static const char *error_name, *error_text;

static void *ask_and_make(void *start)
{
	struct regio_offload_info offload;
	struct regio_engine_info engine;
	struct regio_driver *driver;
	uint64_t region;
	void *memory;

	pthread_barrier_wait(start);
	for (uint64_t round = 0; round < scaled(100); round++) {
		ck_assert_ptr_eq(regio_error_name(-ENOBUFS), error_name);
		ck_assert_ptr_eq(regio_error_text(-ENOBUFS), error_text);
		EXPECT(regio_version() >> 16 == REGIO_VERSION_MAJOR, "%#x", regio_version());
		EXPECT_RETURN(0, regio_engine_get_info(0, &engine, sizeof(engine)));
		EXPECT_RETURN(0, regio_offload_get_info(&offload, sizeof(offload)));
		EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
		EXPECT_RETURN(0, regio_region_allocate(1, NULL, &region, &memory));
		EXPECT_RETURN(0, regio_driver_close(driver));
		EXPECT_RETURN(0, regio_region_deregister(region));
	}
	return NULL;
}

/*
 * Holds: regio_version Threads, regio_error_name Ownership, regio_error_name Threads,
 * regio_error_text Ownership, regio_error_text Threads, regio_engine_get_info Threads,
 * regio_offload_get_info Threads, regio_driver_create Threads, regio_region_allocate Threads,
 * regio_region_deregister Threads.
 */
START_TEST(threads_ask_and_make_objects_beside_each_other)
{
	pthread_t threads[4];
	pthread_barrier_t start;

	error_name = regio_error_name(-ENOBUFS);
	error_text = regio_error_text(-ENOBUFS);
	pthread_barrier_init(&start, NULL, ARRAY_SIZE(threads));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_and_make, &start), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
}
END_TEST

/*
 * Holds: regio_rq_get_info what, regio_rq_info.fd, regio_rq_info.max_receives,
 * regio_rq_info.receive_cq.
 */
START_TEST(a_request_queue_says_what_it_was_made_with)
{
	struct regio_rq_info info;
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .receives = 7, .sends = 5, .slot_size = 64);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	EXPECT(info.fd == side.fd && info.max_receives == 7 && info.max_sends == 5,
	       "descriptor %d, %u receives, %u sends", info.fd, info.max_receives, info.max_sends);
	EXPECT(info.receive_cq == side.receive_cq && info.send_cq == side.send_cq &&
		       info.reserved == 0,
	       "other queues");
	EXPECT_RETURN(0, regio_cq_resize(side.receive_cq, 9));
	EXPECT_RETURN(0, regio_rq_resize(side.rq, 9, 5));
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	EXPECT(info.max_receives == 9 && info.max_sends == 5 && info.send_cq == side.send_cq,
	       "%u receives, %u sends", info.max_receives, info.max_sends);
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(the_version_is_that_of_the_header),
		CASE(every_documented_error_has_its_name),
		CASE(every_documented_error_has_a_text_of_its_own),
		CASE(an_unknown_error_is_called_EUNKNOWN),
		CASE(the_last_error_belongs_to_its_thread_and_is_empty_at_first),
		CASE(the_last_error_stays_until_the_next_call_that_fails),
		CASE(a_refused_slice_is_explained),
		CASE(a_refused_request_is_explained),
		CASE(a_call_on_no_queue_is_explained_and_normal_work_is_not),
		CASE(the_list_of_engines_ends_and_has_one_automatic_choice),
		CASE(the_epoll_engine_is_always_available),
		CASE(offloads_are_what_the_kernel_does),
		CASE(a_driver_says_which_engine_it_runs_and_who_uses_it),
		CASE(a_program_that_knows_less_gets_less_and_one_that_knows_more_gets_0),
		CASE(a_size_that_is_none_is_refused_and_nothing_written),
		CASE(the_engine_is_chosen_by_name),
		CASE(the_environment_takes_the_place_of_the_automatic_choice),
		CASE(threads_ask_and_make_objects_beside_each_other),
		CASE(a_request_queue_says_what_it_was_made_with),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
