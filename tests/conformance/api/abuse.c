/* SPDX-License-Identifier: MIT */
/*
 * abuse.c - wrong arguments of every class give the documented error and change nothing
 *
 * What belongs to one subject (capacities, slices, flags, control data) is abused there.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Handles ------------------------------------------------------------------- */

/* Every call that takes a handle, on any pointer at all. */

static int driver_close(void *handle)
{
	return regio_driver_close(handle);
}

static int driver_info(void *handle)
{
	struct regio_driver_info info;

	return regio_driver_get_info(handle, &info, sizeof(info));
}

static int driver_run(void *handle)
{
	return regio_driver_run(handle, 0);
}

static int driver_wake(void *handle)
{
	return regio_driver_wake(handle);
}

static int cq_create(void *handle)
{
	struct regio_cq_opts opts = {.size = sizeof(opts), .driver = handle};
	struct regio_cq *cq;

	return regio_cq_create(1, &opts, &cq);
}

static int cq_resize(void *handle)
{
	return regio_cq_resize(handle, 100);
}

static int cq_close(void *handle)
{
	return regio_cq_close(handle);
}

static int cq_dequeue(void *handle)
{
	struct regio_result result;

	return regio_cq_dequeue(handle, &result, 1);
}

static int cq_notify(void *handle)
{
	return regio_cq_notify(handle);
}

static int cq_wait(void *handle)
{
	return regio_cq_wait(handle, 1, 0, 0);
}

static int cq_fd(void *handle)
{
	return regio_cq_fd(handle);
}

static struct side good;

static int rq_create_receiving(void *handle)
{
	struct regio_rq *rq;
	int fd = bound_socket(AF_INET);
	int result = regio_rq_create(fd, 1, 0, handle, good.send_cq, 0, NULL, &rq);

	close(fd);
	return result;
}

static int rq_create_sending(void *handle)
{
	struct regio_rq *rq;
	int fd = bound_socket(AF_INET);
	int result = regio_rq_create(fd, 0, 1, good.receive_cq, handle, 0, NULL, &rq);

	close(fd);
	return result;
}

static int rq_resize(void *handle)
{
	return regio_rq_resize(handle, 1, 1);
}

static int rq_cancel(void *handle)
{
	return regio_rq_cancel(handle, REGIO_HALF_RECEIVE | REGIO_HALF_SEND);
}

static int rq_replace(void *handle)
{
	return regio_rq_replace_socket(handle, good.fd);
}

static int rq_close(void *handle)
{
	return regio_rq_close(handle, REGIO_CLOSE_SOCKET);
}

static int rq_info(void *handle)
{
	struct regio_rq_info info;

	return regio_rq_get_info(handle, &info, sizeof(info));
}

static int receive(void *handle)
{
	return regio_receive(handle, NULL, 0, 0);
}

static int receive_ex(void *handle)
{
	return regio_receive_ex(handle, NULL, NULL, 0, 0);
}

static int send_short(void *handle)
{
	return regio_send(handle, NULL, 0, 0);
}

static int send_ex(void *handle)
{
	return regio_send_ex(handle, NULL, NULL, 0, 0);
}

static int post_none(void *handle)
{
	return regio_post(handle, REGIO_HALF_SEND, NULL, 0);
}

static int post_receives(void *handle)
{
	const struct regio_request requests[2] = {{.context = 1}, {.context = 2}};

	return regio_post(handle, REGIO_HALF_RECEIVE, requests, 2);
}

static int commit(void *handle)
{
	return regio_send(handle, NULL, REGIO_MSG_COMMIT_ONLY, 0);
}

enum kind { DRIVER, CQ, RQ };

static const struct {
	const char *name;
	int (*call)(void *handle);
	enum kind kind;
	bool null_allowed;
} calls[] = {
	{"regio_driver_close", driver_close, DRIVER, false},
	{"regio_driver_get_info", driver_info, DRIVER, false},
	{"regio_driver_run", driver_run, DRIVER, false},
	{"regio_driver_wake", driver_wake, DRIVER, false},
	{"regio_cq_create", cq_create, DRIVER, true},
	{"regio_cq_resize", cq_resize, CQ, false},
	{"regio_cq_close", cq_close, CQ, false},
	{"regio_cq_dequeue", cq_dequeue, CQ, false},
	{"regio_cq_notify", cq_notify, CQ, false},
	{"regio_cq_wait", cq_wait, CQ, false},
	{"regio_cq_fd", cq_fd, CQ, false},
	{"regio_rq_create, receive CQ", rq_create_receiving, CQ, false},
	{"regio_rq_create, send CQ", rq_create_sending, CQ, false},
	{"regio_rq_resize", rq_resize, RQ, false},
	{"regio_rq_cancel", rq_cancel, RQ, false},
	{"regio_rq_replace_socket", rq_replace, RQ, false},
	{"regio_rq_close", rq_close, RQ, false},
	{"regio_rq_get_info", rq_info, RQ, false},
	{"regio_receive", receive, RQ, false},
	{"regio_receive_ex", receive_ex, RQ, false},
	{"regio_send", send_short, RQ, false},
	{"regio_send_ex", send_ex, RQ, false},
	{"regio_send, commit", commit, RQ, false},
	{"regio_post, none", post_none, RQ, false},
	{"regio_post, receives", post_receives, RQ, false},
};

static struct regio_driver *good_driver;

static void open_good(int family)
{
	EXPECT_RETURN(0, regio_driver_create(NULL, &good_driver));
	SIDE_OPEN(&good, .family = family, .peer = PEER_BOTH_WAYS, .receives = 4, .sends = 4,
		  .slot_size = 64, .driver = good_driver);
}

/* Full quota, traffic both ways, exact completions: nothing that was abused has changed. */
static void expect_good_unchanged(void)
{
	struct regio_result results[4];
	uint8_t data[64];

	for (uint64_t i = 0; i < 4; i++) {
		post_receive(&good, i);
		fill_message(data, sizeof(data), i);
		send_plain(good.peer, data, sizeof(data));
	}
	EXPECT_RETURN(-ENOBUFS, regio_receive(good.rq, NULL, 0, 0));
	collect(good.receive_cq, results, 4);
	for (uint64_t i = 0; i < 4; i++) {
		expect_result(&results[i], 0, 64, i);
		expect_message(slot_memory(&good, i), 64, i);
	}
	for (uint64_t i = 0; i < 4; i++)
		post_message(&good, 4 + i, 64, i, 0);
	EXPECT_RETURN(-ENOBUFS, regio_send(good.rq, NULL, 0, 0));
	collect(good.send_cq, results, 4);
	for (uint64_t i = 0; i < 4; i++) {
		expect_result(&results[i], 0, 64, 4 + i);
		ck_assert_uint_eq(receive_plain(good.peer, data, sizeof(data)), 64);
		expect_message(data, 64, i);
	}
	expect_empty(good.receive_cq);
	expect_empty(good.send_cq);
	EXPECT(nothing_queued(good.peer), "one more datagram");
}

static void close_good(void)
{
	side_close(&good);
	EXPECT_RETURN(0, regio_driver_close(good_driver));
}

static void expect_dead(size_t call, void *handle, const char *what)
{
	int result = calls[call].call(handle);

	EXPECT(result == -EBADF, "%s on %s (%p): %s", calls[call].name, what, handle,
	       regio_error_name(result));
}

/*
 * Holds: Handles what, regio.h what 6, regio_driver_close -EBADF, regio_driver_get_info -EBADF,
 * regio_driver_run -EBADF, regio_driver_wake -EBADF, regio_cq_create -EBADF,
 * regio_cq_resize -EBADF, regio_cq_close -EBADF, regio_cq_dequeue -EBADF, regio_cq_notify -EBADF,
 * regio_cq_wait -EBADF, regio_cq_fd -EBADF, regio_rq_create -EBADF, regio_rq_resize -EBADF,
 * regio_rq_cancel -EBADF, regio_rq_replace_socket -EBADF, regio_rq_close -EBADF,
 * regio_rq_get_info -EBADF, regio_receive -EBADF, regio_send -EBADF.
 */
START_TEST(null_and_garbage_are_no_handles)
{
	static char memory[4096];
	const uintptr_t garbage[] = {1,
				     8,
				     0xFFFF,
				     0xDEADBEEF,
				     0x100000000,
				     0x7FFFFFFFFFFF,
				     (uintptr_t)INTPTR_MAX,
				     UINTPTR_MAX,
				     UINTPTR_MAX - 4095,
				     (uintptr_t)memory};

	open_good(families[_i]);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!calls[i].null_allowed)
			expect_dead(i, NULL, "NULL");
		for (size_t k = 0; k < ARRAY_SIZE(garbage); k++)
			expect_dead(i, (void *)garbage[k], "garbage");
	}
	expect_good_unchanged();
	close_good();
}
END_TEST

/* Holds: regio.h what 6. */
START_TEST(handles_near_a_live_one_are_no_handles)
{
	open_good(families[_i]);
	const uintptr_t live[] = {(uintptr_t)good_driver, (uintptr_t)good.receive_cq,
				  (uintptr_t)good.rq};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		for (unsigned int bit = 0; bit < 8 * sizeof(uintptr_t); bit++) {
			uintptr_t near = live[calls[i].kind] ^ (uintptr_t)1 << bit;

			if (near != (uintptr_t)good.send_cq)
				expect_dead(i, (void *)near, "a handle with one bit changed");
		}
	expect_good_unchanged();
	close_good();
}
END_TEST

/* Holds: regio.h what 6. */
START_TEST(a_handle_of_another_kind_is_no_handle)
{
	open_good(families[_i]);
	void *const live[] = {good_driver, good.receive_cq, good.rq};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		for (size_t kind = 0; kind < ARRAY_SIZE(live); kind++)
			if (kind != calls[i].kind)
				expect_dead(i, live[kind], "a handle of another kind");
	expect_good_unchanged();
	close_good();
}
END_TEST

/*
 * Holds: regio.h what 6, regio_cq_create -EBADF, regio_driver_close Ownership,
 * regio_cq_close Ownership, regio_rq_close Ownership.
 */
START_TEST(a_closed_handle_stays_dead_when_others_are_made)
{
	struct regio_driver *driver;
	struct side dead, successor;

	open_good(families[_i]);
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(&dead, .family = families[_i], .receives = 1, .slot_size = 64, .driver = driver);
	side_close(&dead);
	EXPECT_RETURN(0, regio_driver_close(driver));
	void *const closed[] = {driver, dead.receive_cq, dead.rq};

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
			expect_dead(i, closed[calls[i].kind], "a closed handle");
		if (round == 0)
			SIDE_OPEN(&successor, .family = families[_i], .receives = 1,
				  .slot_size = 64);
	}
	side_close(&successor);
	expect_good_unchanged();
	close_good();
}
END_TEST

/* ---- Sockets ------------------------------------------------------------------- */

static int create_on(int fd)
{
	struct regio_cq *cq = cq_of(2, NULL);
	struct regio_rq *rq = NULL;
	int result = regio_rq_create(fd, 1, 1, cq, cq, 0, NULL, &rq);

	EXPECT(!rq, "an output was written on %s", regio_error_name(result));
	EXPECT_RETURN(0, regio_cq_close(cq));
	return result;
}

/* In a network of its own, where that is allowed. */
static void allow_ping_sockets(void)
{
	FILE *file = enter_own_network() ? NULL : fopen("/proc/sys/net/ipv4/ping_group_range", "w");

	if (!file)
		return;
	fputs("0 2147483647", file);
	fclose(file);
}

/*
 * Holds: regio_rq_create what, regio_rq_create -EOPNOTSUPP, regio_rq_create -ENOTSOCK,
 * regio_rq_create -EBADF, regio.h what 2.
 */
START_TEST(only_sockets_of_a_supported_kind_get_a_request_queue)
{
	const struct {
		int family, type, protocol;
	} wrong[] = {
		{AF_UNIX, SOCK_DGRAM, 0},
		{AF_UNIX, SOCK_SEQPACKET, 0},
		{AF_NETLINK, SOCK_RAW, 0},
		{AF_INET, SOCK_RAW, IPPROTO_UDP},
		{AF_INET6, SOCK_RAW, IPPROTO_UDP},
		{AF_PACKET, SOCK_DGRAM, 0},
		/* Ping sockets, where the process may have them. */
		{AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
		{AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6},
		{AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
		{AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE},
		{AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
		{AF_INET, SOCK_STREAM, IPPROTO_SCTP},
	};
	int ends[2];

	open_good(families[_i]);
	allow_ping_sockets();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int fd = socket(wrong[i].family, wrong[i].type, wrong[i].protocol);

		/* Some are for the privileged, some for kernels that have them. */
		if (fd < 0)
			continue;
		int result = create_on(fd);

		EXPECT(result == -EOPNOTSUPP, "row %zu: %s", i, regio_error_name(result));
		close(fd);
	}
	EXPECT(pipe(ends) == 0, "%m");
	EXPECT_RETURN(-ENOTSOCK, create_on(ends[0]));
	EXPECT_RETURN(-ENOTSOCK, create_on(ends[1]));
	EXPECT_RETURN(-EBADF, create_on(-1));
	EXPECT_RETURN(-EBADF, create_on(INT32_MAX));
	int closed = fcntl(ends[0], F_DUPFD, 500);

	close(closed);
	EXPECT_RETURN(-EBADF, create_on(closed));
	close(ends[0]);
	close(ends[1]);
	expect_good_unchanged();
	close_good();
}
END_TEST

/*
 * Another socket under the number of the RQ's own; neither half may touch it.
 *
 * Holds: regio_rq_create what 2.
 */
START_TEST(a_descriptor_reused_behind_our_back_is_neither_read_nor_written)
{
	struct regio_result results[4];
	char data[64];
	int got;

	open_good(families[_i]);
	post_receive(&good, 0);
	post_send(&good, 4, 64, 0);
	collect_one(good.send_cq);
	ck_assert_uint_eq(receive_plain(good.peer, data, sizeof(data)), 64);

	int other = bound_socket(families[_i]), other_peer = peer_of(other);

	connect_to(other, other_peer);
	EXPECT(dup2(other, good.fd) == good.fd, "%m");
	send_plain(other_peer, "private", 7);
	for (int round = 0; round < 10; round++) {
		regio_receive(good.rq, NULL, 0, 1);
		regio_send(good.rq, NULL, 0, 5);
		got = regio_cq_dequeue(good.receive_cq, results, 4);
		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++)
			EXPECT(results[i].status < 0, "%u bytes received", results[i].bytes);
		got = regio_cq_dequeue(good.send_cq, results, 4);
		EXPECT(got >= 0, "%s", regio_error_name(got));
	}
	EXPECT(nothing_queued(other_peer), "the other socket was written");
	ck_assert_uint_eq(receive_plain(other, data, sizeof(data)), 7);
	EXPECT_RETURN(0, regio_rq_close(good.rq, REGIO_CLOSE_SOCKET));
	send_plain(other_peer, "still", 5);
	ck_assert_uint_eq(receive_plain(good.fd, data, sizeof(data)), 5);
	side_close_rest(&good);
	EXPECT_RETURN(0, regio_driver_close(good_driver));
	close(other);
	close(other_peer);
	close(good.fd);
}
END_TEST

/*
 * A queue that has been busy is looked at less often, and not never.
 *
 * Holds: regio_rq_create what 2.
 */
START_TEST(a_descriptor_reused_after_much_traffic_is_noticed)
{
	enum { BEFORE = 200, MOST = 200 };
	struct regio_result result = {0};
	int rounds = 0;

	open_good(families[_i]);
	for (int i = 0; i < BEFORE; i++) {
		char data[64];

		post_send(&good, 4, 64, 0);
		result = collect_one(good.send_cq);
		expect_result(&result, 0, 64, 4);
		ck_assert_uint_eq(receive_plain(good.peer, data, sizeof(data)), 64);
	}
	int other = bound_socket(families[_i]), other_peer = peer_of(other);

	connect_to(other, other_peer);
	EXPECT(dup2(other, good.fd) == good.fd, "%m");
	for (; result.status == 0 && rounds < MOST; rounds++) {
		post_send(&good, 4, 64, 0);
		result = poll_one(good.send_cq);
	}
	EXPECT(result.status == -EBADF, "%s after %d sends", regio_error_name(result.status),
	       rounds);
	EXPECT_RETURN(0, regio_rq_close(good.rq, 0));
	side_close_rest(&good);
	EXPECT_RETURN(0, regio_driver_close(good_driver));
	close(other);
	close(other_peer);
	close(good.fd);
}
END_TEST

/* Holds: regio_rq_create what 2. */
START_TEST(a_socket_closed_behind_our_back_fails_requests_and_nothing_else)
{
	struct regio_result results[8];

	if (closing_refused())
		SKIP("%s", closing_refused());
	open_good(families[_i]);
	post_receive(&good, 0);
	close(good.fd);
	for (int round = 0; round < 5; round++) {
		regio_receive(good.rq, NULL, 0, 1);
		regio_send(good.rq, NULL, 0, 5);
		EXPECT(regio_cq_dequeue(good.receive_cq, results, 8) >= 0, "dequeue failed");
		EXPECT(regio_cq_dequeue(good.send_cq, results, 8) >= 0, "dequeue failed");
	}
	EXPECT_RETURN(0, regio_rq_close(good.rq, 0));
	side_close_rest(&good);
	EXPECT_RETURN(0, regio_driver_close(good_driver));
}
END_TEST

/* ---- The library's own descriptors ----------------------------------------------- */

#define DESCRIPTORS 1024

/* What was opened since the process had these open. */
struct opened {
	bool before[DESCRIPTORS];
	int numbers[DESCRIPTORS];
	int count;
};

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void opened_begin(struct opened *opened)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		opened->before[fd] = is_open(fd);
	opened->count = 0;
}

static void opened_close_below(struct opened *opened, int end)
{
	for (int fd = 0; fd < end; fd++) {
		if (opened->before[fd] || !is_open(fd))
			continue;
		close(fd);
		opened->numbers[opened->count++] = fd;
	}
}

/* As a program does that closes all descriptors there are. */
static void opened_close_all(struct opened *opened)
{
	opened_close_below(opened, DESCRIPTORS);
}

/* Puts empty files in their places. */
static void opened_use_again(const struct opened *opened)
{
	int file = memfd_create("regio", 0);

	EXPECT(file >= 0, "%m");
	for (int i = 0; i < opened->count; i++) {
		if (opened->numbers[i] != file)
			EXPECT(dup2(file, opened->numbers[i]) >= 0, "%m");
	}
}

static void expect_untouched(const struct opened *opened)
{
	for (int i = 0; i < opened->count; i++) {
		off_t length = lseek(opened->numbers[i], 0, SEEK_END);

		EXPECT(length == 0, "the file on descriptor %d: %s", opened->numbers[i],
		       length < 0 ? "closed" : "written");
	}
}

static void open_with_descriptors(struct opened *opened, int family)
{
	opened_begin(opened);
	open_good(family);
	EXPECT(regio_cq_fd(good.receive_cq) >= 0, "no descriptor");
	/* Enough for a thread's ring. */
	for (int i = 0; i < 64; i++)
		expect_empty(good.receive_cq);
	post_receive(&good, 0);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(good.receive_cq, 1, 0, MILLISECOND_NS));
}

static void close_all_good(void)
{
	EXPECT_RETURN(0, regio_rq_close(good.rq, REGIO_CLOSE_SOCKET));
	/* Its number may be another file's by now. */
	good.peer = -1;
	side_close_rest(&good);
	EXPECT_RETURN(0, regio_driver_close(good_driver));
}

/* Holds: regio_cq_wait -EBADF, regio_cq_fd -EBADF, regio_driver_run -EBADF. */
START_TEST(a_wait_after_all_descriptors_were_closed_is_an_error_and_requests_fail)
{
	struct opened opened;
	struct regio_result result;
	struct regio_rq *rq;
	int waited;

	if (closing_refused())
		SKIP("%s", closing_refused());
	open_with_descriptors(&opened, families[_i]);
	opened_close_all(&opened);
	waited = regio_cq_wait(good.receive_cq, 1, 0, PATIENCE_NS);
	/* Where a thread makes the progress it may have found out before. */
	EXPECT(waited == -EBADF || (waited == 1 && driven_by_a_thread()), "%s",
	       regio_error_name(waited));
	result = poll_one(good.receive_cq);
	expect_result(&result, -EBADF, 0, 0);
	EXPECT_RETURN(-EBADF, regio_cq_wait(good.receive_cq, 1, 0, -1));
	EXPECT_RETURN(-EBADF, regio_receive(good.rq, NULL, 0, 1));
	EXPECT_RETURN(-EBADF, regio_send(good.rq, NULL, 0, 1));
	EXPECT_RETURN(-EBADF, regio_cq_fd(good.receive_cq));
	EXPECT_RETURN(-EBADF, regio_rq_create(bound_socket(families[_i]), 1, 1, good.receive_cq,
					      good.send_cq, 0, NULL, &rq));
	if (!driven_by_a_thread())
		EXPECT_RETURN(-EBADF, regio_driver_run(good_driver, -1));
	close_all_good();
}
END_TEST

/* How many descriptors such a program thinks that there are, and how many it may have. */
static const struct closing {
	int below;
	rlim_t limit;
	int64_t timeout_ns;
} closings[] = {{DESCRIPTORS, 256, PATIENCE_NS},
		{DESCRIPTORS, DESCRIPTORS, -1},
		{64, DESCRIPTORS, -1},
		{DESCRIPTORS, 256, -1},
		{64, 256, -1}};
static const char *const closing_names[] = {"all of a few, with a time-out", "all", "the first 64",
					    "all of a few", "the first 64 of a few"};

/* So many that the last sleep was not one that looks at the descriptors first. */
static void wait_for_some(int messages)
{
	for (int i = 0; i < messages; i++) {
		struct regio_result result;

		send_plain(good.peer, "wake", 4);
		EXPECT(regio_cq_wait(good.receive_cq, 1, 0, PATIENCE_NS) == 1, "no message");
		EXPECT(regio_cq_dequeue(good.receive_cq, &result, 1) == 1, "no result");
		post_receive(&good, 0);
	}
}

/* Holds: regio_cq_wait -EBADF. */
START_TEST(a_wait_does_not_listen_to_what_has_the_number_of_a_closed_descriptor)
{
	const struct rlimit limit = {closings[_i].limit, closings[_i].limit};
	struct regio_result result;
	struct opened opened;
	int waited;

	if (closing_refused())
		SKIP("%s", closing_refused());
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
	open_with_descriptors(&opened, AF_INET);
	wait_for_some(3);
	opened_close_below(&opened, closings[_i].below);
	for (int i = 0; i < opened.count; i++)
		EXPECT(epoll_create1(EPOLL_CLOEXEC) >= 0, "%m");
	waited = regio_cq_wait(good.receive_cq, 1, 0, closings[_i].timeout_ns);
	EXPECT(waited == -EBADF || waited == 1, "%s", regio_error_name(waited));
	/* An attempt to receive, or a thread, may have found out before, and failed the receive. */
	result = poll_one(good.receive_cq);
	expect_result(&result, -EBADF, 0, 0);
	close_all_good();
}
END_TEST

static void *expect_untouched_by_a_thread(void *argument)
{
	const int family = *(const int *)argument;
	struct opened opened;

	open_with_descriptors(&opened, family);
	opened_close_all(&opened);
	opened_use_again(&opened);
	regio_cq_notify(good.receive_cq);
	regio_cq_wait(good.receive_cq, 1, 0, PATIENCE_NS);
	poll_one(good.receive_cq);
	close_all_good();
	expect_untouched(&opened);
	return memcpy(argument, &opened, sizeof(opened));
}

/* The thread ends as well, and with it what it had of a ring. */
START_TEST(closing_touches_no_descriptor_that_has_become_anothers)
{
	struct opened opened;
	pthread_t thread;

	if (closing_refused())
		SKIP("%s", closing_refused());
	memcpy(&opened, &families[_i], sizeof(families[_i]));
	ck_assert_int_eq(pthread_create(&thread, NULL, expect_untouched_by_a_thread, &opened), 0);
	pthread_join(thread, NULL);
	expect_untouched(&opened);
}
END_TEST

/* ---- Options ------------------------------------------------------------------- */

/* Options with a field behind the last one known: refused unless it is 0. */
#define WITH_NEW_FIELD(type, ...)                                                                  \
	struct {                                                                                   \
		type known;                                                                        \
		uint64_t added;                                                                    \
	} opts = {.known = {.size = sizeof(opts), ##__VA_ARGS__}, .added = 0}

/* Holds: regio_driver_create -E2BIG, regio.h what 3. */
START_TEST(unknown_option_fields_are_refused_unless_0)
{
	WITH_NEW_FIELD(struct regio_driver_opts);
	struct regio_driver *driver = NULL;

	EXPECT_RETURN(0, regio_driver_create(&opts.known, &driver));
	EXPECT_RETURN(0, regio_driver_close(driver));
	driver = NULL;
	opts.added = (uint64_t)1 << 63;
	EXPECT_RETURN(-E2BIG, regio_driver_create(&opts.known, &driver));
	ck_assert_ptr_null(driver);
}
END_TEST

/* Holds: regio_cq_create -E2BIG, regio.h what 3. */
START_TEST(unknown_cq_option_fields_are_refused_unless_0)
{
	WITH_NEW_FIELD(struct regio_cq_opts);
	struct regio_cq *cq = NULL;

	EXPECT_RETURN(0, regio_cq_create(1, &opts.known, &cq));
	EXPECT_RETURN(0, regio_cq_close(cq));
	cq = NULL;
	opts.added = 1;
	EXPECT_RETURN(-E2BIG, regio_cq_create(1, &opts.known, &cq));
	ck_assert_ptr_null(cq);
}
END_TEST

/* Holds: regio_rq_create -E2BIG, regio.h what 3. */
START_TEST(unknown_rq_option_fields_are_refused_unless_0)
{
	WITH_NEW_FIELD(struct regio_rq_opts);
	struct regio_cq *cq = cq_of(2, NULL);
	struct regio_rq *rq = NULL;
	int fd = bound_socket(AF_INET);

	EXPECT_RETURN(0, regio_rq_create(fd, 1, 1, cq, cq, 0, &opts.known, &rq));
	EXPECT_RETURN(0, regio_rq_close(rq, 0));
	rq = NULL;
	opts.added = 1;
	EXPECT_RETURN(-E2BIG, regio_rq_create(fd, 1, 1, cq, cq, 0, &opts.known, &rq));
	ck_assert_ptr_null(rq);
	EXPECT_RETURN(0, regio_cq_close(cq));
	close(fd);
}
END_TEST

/* Holds: regio_region_allocate -E2BIG, regio.h what 3. */
START_TEST(unknown_region_option_fields_are_refused_unless_0)
{
	WITH_NEW_FIELD(struct regio_region_opts);
	uint64_t region = 0;
	void *memory = NULL;

	EXPECT_RETURN(0, regio_region_allocate(1, &opts.known, &region, &memory));
	EXPECT_RETURN(0, regio_region_deregister(region));
	memory = NULL;
	opts.added = 1;
	EXPECT_RETURN(-E2BIG, regio_region_allocate(1, &opts.known, &region, &memory));
	ck_assert_ptr_null(memory);
}
END_TEST

/*
 * Holds: regio_driver_create -EINVAL, regio_cq_create -EINVAL, regio_driver_opts.size,
 * regio_driver_opts.flags, regio_cq_opts.size, regio_cq_opts.reserved, regio.h what 2.
 */
START_TEST(bad_options_of_drivers_and_queues_are_refused)
{
	const struct regio_driver_opts bad_driver[] = {
		{.size = 0},
		{.size = 3},
		{.size = sizeof(bad_driver[0]), .flags = 0x80},
		{.size = sizeof(bad_driver[0]),
		 .engine = "epoll",
		 .flags = REGIO_DRIVER_THREAD_CPU},
		{.size = sizeof(bad_driver[0]), .flags = REGIO_DRIVER_PREFER_BUSY_POLL},
		{.size = sizeof(bad_driver[0]), .busy_poll_us = 1u << 31},
		{.size = sizeof(bad_driver[0]), .engine = "epoll", .thread_spin_ns = 1},
		{.size = sizeof(bad_driver[0]), .flags = REGIO_DRIVER_THREAD, .thread_cpu = 1},
		{.size = sizeof(bad_driver[0]),
		 .flags = REGIO_DRIVER_THREAD | REGIO_DRIVER_THREAD_CPU,
		 .thread_cpu = UINT32_MAX}};
	const struct regio_cq_opts bad_cq[] = {
		{.size = 0}, {.size = 3}, {.size = sizeof(bad_cq[0]), .reserved = 1}};
	struct regio_driver *driver = NULL;
	struct regio_cq *cq = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad_driver); i++)
		EXPECT_RETURN(-EINVAL, regio_driver_create(&bad_driver[i], &driver));
	for (size_t i = 0; i < ARRAY_SIZE(bad_cq); i++)
		EXPECT_RETURN(-EINVAL, regio_cq_create(1, &bad_cq[i], &cq));
	EXPECT_RETURN(-EINVAL, regio_driver_create(NULL, NULL));
	ck_assert_ptr_null(driver);
	ck_assert_ptr_null(cq);
}
END_TEST

/* Holds: regio_rq_get_info -EINVAL, regio_driver_get_info -EINVAL, regio_rq_create -EINVAL. */
START_TEST(missing_outputs_are_refused)
{
	open_good(families[_i]);
	EXPECT_RETURN(-EINVAL, regio_rq_get_info(good.rq, NULL, sizeof(struct regio_rq_info)));
	EXPECT_RETURN(-EINVAL,
		      regio_driver_get_info(good_driver, NULL, sizeof(struct regio_driver_info)));
	EXPECT_RETURN(-EINVAL, regio_rq_create(bound_socket(AF_INET), 1, 1, good.receive_cq,
					       good.send_cq, 0, NULL, NULL));
	expect_good_unchanged();
	close_good();
}
END_TEST

/* ---- Limits -------------------------------------------------------------------- */

/* Tries both with exactly 'spare' descriptors left; whatever is made is closed again. */
static void create_with_spare_descriptors(unsigned int spare)
{
	struct regio_driver *driver;
	struct regio_cq *cq;
	int driver_result = regio_driver_create(NULL, &driver);

	if (driver_result == 0)
		EXPECT_RETURN(0, regio_driver_close(driver));

	int cq_result = regio_cq_create(1, NULL, &cq);

	if (cq_result == 0)
		EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT(driver_result == -EMFILE || (spare && driver_result == 0), "%u spare: %s", spare,
	       regio_error_name(driver_result));
	EXPECT(cq_result == -EMFILE || (spare && cq_result == 0), "%u spare: %s", spare,
	       regio_error_name(cq_result));
}

/* Holds: regio_driver_create -EMFILE, regio_cq_create -EMFILE. */
START_TEST(running_out_of_descriptors_is_reported_and_leaves_nothing_behind)
{
	enum { ALLOWED = 64 };
	int fillers[ALLOWED] = {0};
	unsigned int before, count = 0;
	struct rlimit limit;

	open_good(families[_i]);
	/* By then a driver's thread has whatever it will have. */
	if (driven_by_a_thread())
		await_sleep(good_driver);
	before = open_descriptors();
	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
	EXPECT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ALLOWED, limit.rlim_max}) == 0, "%m");
	while ((fillers[count] = dup(good.fd)) >= 0)
		count++;
	for (unsigned int spare = 0; spare < 4; spare++) {
		create_with_spare_descriptors(spare);
		close(fillers[--count]);
	}
	while (count > 0)
		close(fillers[--count]);
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
	ck_assert_uint_eq(open_descriptors(), before);
	expect_good_unchanged();
	close_good();
}
END_TEST

/*
 * Holds: regio_region_allocate -ENOMEM, regio_cq_create -ENOMEM, regio_rq_create -ENOMEM,
 * regio_rq_resize -ENOMEM, regio_rq_resize Returns.
 */
START_TEST(running_out_of_memory_is_reported_and_changes_nothing)
{
	/* Room for everyday work, not for gigabytes. */
	const struct rlimit tight = {(rlim_t)1 << 30, (rlim_t)1 << 30};
	struct regio_cq *cq = NULL;
	struct regio_rq *rq = NULL;
	uint64_t region = 0;
	void *memory = NULL;
	int fd = bound_socket(families[_i]);

	if (built_with_sanitizer())
		SKIP("a sanitizer needs address space without end");
	open_good(families[_i]);
	EXPECT(setrlimit(RLIMIT_AS, &tight) == 0, "%m");
	EXPECT_RETURN(-ENOMEM, regio_region_allocate(UINT32_MAX, NULL, &region, &memory));
	ck_assert_ptr_null(memory);

	/* The memory for completions may be taken with the CQ or with the RQs that use it. */
	int result = regio_cq_create(REGIO_CQ_CAPACITY_MAX, NULL, &cq);

	EXPECT(result == 0 || result == -ENOMEM, "%s", regio_error_name(result));
	if (result == 0) {
		EXPECT_RETURN(-ENOMEM,
			      regio_rq_create(fd, REGIO_RQ_REQUESTS_MAX, REGIO_RQ_REQUESTS_MAX, cq,
					      cq, 0, NULL, &rq));
		ck_assert_ptr_null(rq);
		EXPECT_RETURN(0, regio_rq_create(fd, 8, 8, cq, cq, 0, NULL, &rq));
		EXPECT_RETURN(-ENOMEM,
			      regio_rq_resize(rq, REGIO_RQ_REQUESTS_MAX, REGIO_RQ_REQUESTS_MAX));
		EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
		EXPECT_RETURN(0, regio_cq_close(cq));
	}
	expect_good_unchanged();
	close_good();
}
END_TEST

/* ---- Slices -------------------------------------------------------------------- */

/*
 * Holds: regio_receive -EFAULT, regio_send -EFAULT, regio_receive_ex Returns,
 * regio_send_ex Returns.
 */
START_TEST(regions_that_do_not_exist_are_refused_in_every_slice)
{
	const uint64_t missing[] = {1,	       UINT32_MAX, (uint64_t)1 << 32,
				    INT64_MAX, UINT64_MAX, (uint64_t)0xABCD << 32 | 1};
	struct regio_buf data;

	open_good(families[_i]);
	data = slot_slice(&good, 0, 64);
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		if (missing[i] == good.region)
			continue;
		const struct regio_buf lost = {missing[i], 0, 32};
		const struct regio_extra extras[] = {
			{.remote_address = lost}, {.control = lost}, {.message_flags = lost}};

		EXPECT_RETURN(-EFAULT, regio_receive(good.rq, &lost, 0, 0));
		EXPECT_RETURN(-EFAULT, regio_send(good.rq, &lost, 0, 0));
		for (size_t k = 0; k < ARRAY_SIZE(extras); k++) {
			EXPECT_RETURN(-EFAULT, regio_receive_ex(good.rq, &data, &extras[k], 0, 0));
			EXPECT_RETURN(-EFAULT, regio_send_ex(good.rq, &data, &extras[k], 0, 0));
		}
	}
	expect_good_unchanged();
	close_good();
}
END_TEST

/* Holds: regio_buf what, regio_receive_ex Returns, regio_send_ex Returns. */
START_TEST(optional_slices_outside_their_region_are_refused)
{
	open_good(families[_i]);
	const uint32_t size = 8 * 64;
	const struct regio_buf outside[] = {{good.region, size - 27, 28},
					    {good.region, size, 28},
					    {good.region, UINT32_MAX, 28},
					    {good.region, UINT32_MAX - 27, 28},
					    {good.region, 0, UINT32_MAX}};
	const struct regio_buf data = slot_slice(&good, 0, 64);

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		const struct regio_extra extras[] = {{.remote_address = outside[i]},
						     {.control = outside[i]},
						     {.message_flags = outside[i]}};

		for (size_t k = 0; k < ARRAY_SIZE(extras); k++) {
			EXPECT_RETURN(-EINVAL, regio_receive_ex(good.rq, &data, &extras[k], 0, 0));
			EXPECT_RETURN(-EINVAL, regio_send_ex(good.rq, &data, &extras[k], 0, 0));
		}
	}
	expect_good_unchanged();
	close_good();
}
END_TEST

START_TEST(an_address_of_another_family_fails_its_own_send_alone)
{
	struct regio_result result;
	struct regio_extra to;
	struct regio_buf data;
	union address *address;

	open_good(AF_INET);
	data = slot_slice(&good, 4, 64);
	to = (struct regio_extra){.remote_address = slot_slice(&good, 5, 28)};
	address = (union address *)(void *)slot_memory(&good, 5);
	for (int family = 0; family < 100; family++) {
		memset(address, 0, sizeof(*address));
		address->any.sa_family = (sa_family_t)family;
		address->v4.sin_port = htons(9);
		if (family == AF_INET || family == AF_UNSPEC)
			continue;
		EXPECT_RETURN(0, regio_send_ex(good.rq, &data, &to, 0, 4));
		result = collect_one(good.send_cq);
		EXPECT(result.status < 0 && result.bytes == 0, "family %d: %s", family,
		       regio_error_name(result.status));
	}
	expect_good_unchanged();
	close_good();
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(null_and_garbage_are_no_handles),
		CASE_PER_FAMILY(handles_near_a_live_one_are_no_handles),
		CASE_PER_FAMILY(a_handle_of_another_kind_is_no_handle),
		CASE_PER_FAMILY(a_closed_handle_stays_dead_when_others_are_made),
		CASE_PER_FAMILY(only_sockets_of_a_supported_kind_get_a_request_queue),
		CASE_PER_FAMILY(a_descriptor_reused_behind_our_back_is_neither_read_nor_written),
		CASE_PER_FAMILY(a_descriptor_reused_after_much_traffic_is_noticed),
		CASE_PER_FAMILY(a_socket_closed_behind_our_back_fails_requests_and_nothing_else),
		CASE_PER_FAMILY(
			a_wait_after_all_descriptors_were_closed_is_an_error_and_requests_fail),
		{a_wait_does_not_listen_to_what_has_the_number_of_a_closed_descriptor,
		 closing_names, ARRAY_SIZE(closings), CASE_TIMEOUT_S / 4},
		CASE_PER_FAMILY(closing_touches_no_descriptor_that_has_become_anothers),
		CASE(unknown_option_fields_are_refused_unless_0),
		CASE(unknown_cq_option_fields_are_refused_unless_0),
		CASE(unknown_rq_option_fields_are_refused_unless_0),
		CASE(unknown_region_option_fields_are_refused_unless_0),
		CASE(bad_options_of_drivers_and_queues_are_refused),
		CASE_PER_FAMILY(missing_outputs_are_refused),
		CASE_PER_FAMILY(running_out_of_descriptors_is_reported_and_leaves_nothing_behind),
		CASE_PER_FAMILY(running_out_of_memory_is_reported_and_changes_nothing),
		CASE_PER_FAMILY(regions_that_do_not_exist_are_refused_in_every_slice),
		CASE_PER_FAMILY(optional_slices_outside_their_region_are_refused),
		CASE(an_address_of_another_family_fails_its_own_send_alone),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
