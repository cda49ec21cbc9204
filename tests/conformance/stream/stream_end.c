/* SPDX-License-Identifier: MIT */
/*
 * stream_end.c - how streams begin and end: connecting, half-close, the end, resets, time-outs,
 * closing; every posted request completes exactly once, with the right status
 */
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECEIVES 1000u
#define SENDS 1000u
#define SLOT_SIZE 64u

static void open_side(struct side *side, int fd)
{
	SIDE_OPEN(side, .fd = fd, .receives = RECEIVES, .sends = SENDS, .slot_size = SLOT_SIZE);
}

static void open_pair(struct side *side, int family)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_STREAM, .receives = RECEIVES, .sends = SENDS,
		  .slot_size = SLOT_SIZE);
}

static void post_receives(struct side *side, uint32_t count)
{
	for (uint64_t i = 0; i < count; i++)
		post_receive(side, i);
}

/* Bytes of the stream, SLOT_SIZE at a time. */
static void post_sends(struct side *side, uint32_t count, uint64_t offset)
{
	for (uint64_t i = 0; i < count; i++) {
		fill_stream(slot_memory(side, RECEIVES + i), SLOT_SIZE, offset + i * SLOT_SIZE);
		post_send(side, RECEIVES + i, SLOT_SIZE, i + 1 < count ? REGIO_MSG_DEFER : 0);
	}
}

/* The next 'count' completions, of slots from 'slot' on, all with 'status' and 0 bytes. */
static void expect_all(struct regio_cq *cq, uint32_t count, int status, uint64_t slot)
{
	static struct regio_result results[RECEIVES];

	collect(cq, results, count);
	for (uint32_t i = 0; i < count; i++)
		expect_result(&results[i], status, 0, slot + i);
}

static void expect_sent(struct side *side, uint32_t count)
{
	static struct regio_result results[SENDS];

	collect(side->send_cq, results, count);
	for (uint32_t i = 0; i < count; i++)
		expect_result(&results[i], 0, SLOT_SIZE, RECEIVES + i);
}

/* TCP may acknowledge late, which makes room where there was none. */
static bool all_acknowledged(const struct side *side)
{
	int kept, unsent;

	if (ioctl(side->fd, SIOCOUTQNSD, &unsent) < 0)
		return true;
	return ioctl(side->fd, SIOCOUTQ, &kept) == 0 && kept == unsent;
}

static bool stays_full(struct side *side)
{
	struct pollfd writable = {.fd = side->fd, .events = POLLOUT};

	return poll(&writable, 1, 0) == 0 && all_acknowledged(side) &&
	       regio_cq_wait(side->send_cq, 1, 0, MILLISECOND_NS) == -ETIMEDOUT;
}

/* The library takes all that has arrived, which completes nothing. */
static void expect_taken(struct side *side)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	int queued = 1;

	while (queued > 0) {
		EXPECT(now_ns() < deadline_ns, "%d bytes are left", queued);
		expect_empty(side->receive_cq);
		EXPECT(ioctl(side->fd, FIONREAD, &queued) == 0, "%m");
	}
}

/* The library sends something, which completes nothing. */
static void expect_begun(struct side *side)
{
	struct pollfd readable = {.fd = side->peer, .events = POLLIN};
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (poll(&readable, 1, 0) == 0) {
		EXPECT(now_ns() < deadline_ns, "nothing was sent");
		expect_empty(side->send_cq);
	}
}

/*
 * Fills the socket and lets sends wait behind it. The peer reads nothing. Returns how many wait;
 * their slots are the last ones.
 */
static uint32_t fill_socket(struct side *side)
{
	struct regio_result results[SENDS];
	uint32_t posted = 0, done = 0, idle = 0;
	uint64_t slot = 0;

	set_option(side->fd, SOL_SOCKET, SO_SNDBUF, 4096);
	while (idle < 10) {
		int got = regio_cq_dequeue(side->send_cq, results, SENDS);

		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++, done++)
			expect_result(&results[i], 0, SLOT_SIZE, RECEIVES + done % SENDS);
		idle = !got && posted - done == SENDS && stays_full(side) ? idle + 1 : 0;
		for (; posted - done < SENDS; slot = ++posted % SENDS)
			post_send(side, RECEIVES + slot, SLOT_SIZE, REGIO_MSG_DEFER);
	}
	/* What waits begins at done, and all of the ring is under a request. */
	ck_assert_uint_eq(posted - done, SENDS);
	return done;
}

/*
 * The sends that waited. A peer's window that was too small for TCP to use is used by its probes:
 * so some may have left, and one may have been taken in part.
 */
static void expect_failed_sends(struct side *side, uint32_t first, int status)
{
	static struct regio_result results[SENDS];
	uint32_t sent = 0;

	collect(side->send_cq, results, SENDS);
	for (; sent < SENDS && results[sent].status == 0; sent++)
		expect_result(&results[sent], 0, SLOT_SIZE, RECEIVES + (first + sent) % SENDS);
	EXPECT(sent < SENDS, "a full socket took all");
	EXPECT(results[sent].bytes < SLOT_SIZE, "%u bytes", results[sent].bytes);
	/* A unix socket tells the reset to the receiver, and to the sender perhaps. */
	if (status == -ECONNRESET && own_address(side->fd).any.sa_family == AF_UNIX &&
	    results[sent].status == -EPIPE)
		status = -EPIPE;
	for (uint32_t i = sent; i < SENDS; i++)
		expect_result(&results[i], status, i == sent ? results[sent].bytes : 0,
			      RECEIVES + (first + i) % SENDS);
}

/* ---- The end ---- */

/* Holds: regio_receive what 2. */
START_TEST(the_end_completes_every_receive_with_nothing_and_every_later_one)
{
	struct side side;

	open_pair(&side, stream_families[_i]);
	post_receives(&side, RECEIVES);
	expect_empty(side.receive_cq);
	shutdown(side.peer, SHUT_WR);
	expect_all(side.receive_cq, RECEIVES, 0, 0);
	expect_empty(side.receive_cq);
	for (int round = 0; round < 3; round++) {
		post_receives(&side, 10);
		expect_all(side.receive_cq, 10, 0, 0);
		/* Also to a thread that does not poll. */
		post_receives(&side, 1);
		EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
		expect_all(side.receive_cq, 1, 0, 0);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_receive what 2. */
START_TEST(bytes_before_the_end_come_before_it)
{
	struct regio_result result;
	struct side side;

	for (uint32_t receives = 1; receives <= 4; receives++) {
		open_pair(&side, stream_families[_i]);
		if (receives > 2)
			post_receives(&side, receives);
		write_stream(side.peer, 100, 0);
		peer_close(&side);
		if (receives <= 2)
			post_receives(&side, receives);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 64, 0);
		if (receives == 1)
			post_receive(&side, 1);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 36, 1);
		expect_stream(slot_memory(&side, 1), 36, 64);
		if (receives > 2)
			expect_all(side.receive_cq, receives - 2, 0, 2);
		post_receive(&side, 9);
		expect_all(side.receive_cq, 1, 0, 9);
		side_close(&side);
	}
}
END_TEST

/* Holds: REGIO_MSG_WAITALL. */
START_TEST(at_the_end_a_WAITALL_receive_completes_with_what_it_got)
{
	struct regio_result result;
	struct side side;

	open_pair(&side, stream_families[_i]);
	struct regio_buf slice = slot_slice(&side, 0, SLOT_SIZE);

	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, 0));
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, 1));
	write_stream(side.peer, 10, 0);
	expect_taken(&side);
	shutdown(side.peer, SHUT_WR);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 10, 0);
	expect_all(side.receive_cq, 1, 0, 1);
	side_close(&side);
}
END_TEST

START_TEST(the_end_fires_a_notification_once)
{
	struct side side;

	open_pair(&side, stream_families[_i]);
	post_receives(&side, 3);
	expect_empty(side.receive_cq);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	EXPECT_RETURN(-EALREADY, regio_cq_notify(side.receive_cq));
	peer_close(&side);
	EXPECT_RETURN(3, regio_cq_wait(side.receive_cq, 3, 0, PATIENCE_NS));
	expect_all(side.receive_cq, 3, 0, 0);
	side_close(&side);
}
END_TEST

/* ---- Half-close ---- */

START_TEST(after_the_peer_has_shut_down_sends_go_on)
{
	struct side side;

	open_pair(&side, stream_families[_i]);
	post_receives(&side, 2);
	shutdown(side.peer, SHUT_WR);
	expect_all(side.receive_cq, 2, 0, 0);
	for (uint64_t round = 0; round < 3; round++) {
		post_sends(&side, 100, 0);
		expect_sent(&side, 100);
		read_stream(side.peer, 100 * SLOT_SIZE, 0);
	}
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	expect_end(side.peer);
	side_close_rest(&side);
}
END_TEST

/* Holds: regio_send what 2. */
START_TEST(after_a_shutdown_of_its_own_sends_fail_and_receives_go_on)
{
	struct regio_result result;
	struct side side;

	open_pair(&side, stream_families[_i]);
	post_receives(&side, 3);
	post_sends(&side, 10, 0);
	expect_sent(&side, 10);
	shutdown(side.fd, SHUT_WR);
	for (int round = 0; round < 2; round++) {
		post_sends(&side, 10, 0);
		expect_all(side.send_cq, 10, -EPIPE, RECEIVES);
	}
	read_stream(side.peer, 10 * SLOT_SIZE, 0);
	expect_end(side.peer);
	expect_empty(side.receive_cq);
	write_stream(side.peer, 10, 0);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 10, 0);
	peer_close(&side);
	expect_all(side.receive_cq, 2, 0, 1);
	side_close(&side);
}
END_TEST

/*
 * Too long to be copied together, and apart, they go as vectors; no call may raise a signal.
 *
 * Holds: regio_send what 2.
 */
START_TEST(long_sends_after_a_shutdown_of_its_own_fail_without_a_signal)
{
	enum { LONG = 2112, SENDS_AT_ONCE = 8 };
	struct side side;

	SIDE_OPEN(&side, .family = stream_families[_i], .peer = PEER_STREAM, .sends = SENDS_AT_ONCE,
		  .slot_size = LONG + 1);
	shutdown(side.fd, SHUT_WR);
	for (uint64_t i = 0; i < SENDS_AT_ONCE; i++)
		post_send(&side, i, LONG, i + 1 < SENDS_AT_ONCE ? REGIO_MSG_DEFER : 0);
	expect_all(side.send_cq, SENDS_AT_ONCE, -EPIPE, 0);
	side_close(&side);
}
END_TEST

START_TEST(a_shutdown_under_waiting_requests_completes_them)
{
	struct side side;

	open_pair(&side, stream_families[_i]);
	uint32_t first = fill_socket(&side);

	post_receives(&side, RECEIVES);
	expect_empty(side.receive_cq);
	shutdown(side.fd, SHUT_RDWR);
	expect_all(side.receive_cq, RECEIVES, 0, 0);
	expect_failed_sends(&side, first, -EPIPE);
	side_close(&side);
}
END_TEST

/* ---- Errors ---- */

/* A reset needs an unread byte on a unix socket, and harms nobody on TCP. */
static void leave_a_byte(struct side *side)
{
	struct regio_result result;

	post_send(side, RECEIVES, 1, 0);
	result = collect_one(side->send_cq);
	expect_result(&result, 0, 1, RECEIVES);
}

static void expect_dead(struct side *side, int status)
{
	for (int round = 0; round < 3; round++) {
		post_receives(side, 5);
		post_sends(side, 5, 0);
		expect_all(side->send_cq, 5, status, RECEIVES);
		expect_all(side->receive_cq, 5, status, 0);
	}
	expect_empty(side->receive_cq);
	expect_empty(side->send_cq);
}

/* Holds: regio_receive what 2. */
START_TEST(a_reset_completes_every_request_of_both_halves_and_every_later_one)
{
	struct side side;
	uint32_t first;

	open_pair(&side, stream_families[_i]);
	leave_a_byte(&side);
	post_receives(&side, RECEIVES);
	first = fill_socket(&side);
	peer_reset(&side);
	expect_all(side.receive_cq, RECEIVES, -ECONNRESET, 0);
	expect_failed_sends(&side, first, -ECONNRESET);
	expect_dead(&side, -ECONNRESET);
	side_close(&side);
}
END_TEST

struct sender {
	struct side *side;
	pthread_barrier_t start;
	_Atomic bool stop;
	_Atomic bool sent;
};

/* One send a round, at the moment when the other thread receives. */
static void *send_each_round(void *argument)
{
	struct sender *sender = argument;

	for (;;) {
		pthread_barrier_wait(&sender->start);
		if (atomic_load(&sender->stop))
			return NULL;
		post_send(sender->side, 1, 1, 0);
		atomic_store(&sender->sent, true);
	}
}

/* The kernel tells of a reset once, on whichever half asks first, and then shows an end. */
START_TEST(a_reset_is_no_end_however_the_halves_race)
{
	/* A driver's thread executes both halves, so there is no race. */
	const uint64_t rounds = scaled(driven_by_a_thread() ? 400 : 4000);
	struct side side = {0};
	struct sender sender = {.side = &side};
	struct regio_driver *driver;
	struct regio_result result;
	pthread_t thread;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	pthread_barrier_init(&sender.start, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_each_round, &sender), 0);
	for (uint64_t round = 0; round < rounds; round++) {
		SIDE_OPEN(&side, .family = stream_families[_i], .peer = PEER_STREAM, .receives = 1,
			  .sends = 1, .slot_size = 8, .driver = driver);
		peer_reset(&side);
		post_receive(&side, 0);
		atomic_store(&sender.sent, false);
		pthread_barrier_wait(&sender.start);
		result = poll_one(side.receive_cq);
		EXPECT(result.status != 0, "an end in round %llu", (unsigned long long)round);
		while (!atomic_load(&sender.sent))
			sched_yield();
		side_close(&side);
	}
	atomic_store(&sender.stop, true);
	pthread_barrier_wait(&sender.start);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&sender.start);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

START_TEST(bytes_before_a_reset_come_before_it)
{
	struct regio_result result;
	struct side side;

	if (faults_injected())
		SKIP("a receive that finds nothing on a broken connection ends it");
	for (uint64_t receives = 1; receives <= 3; receives++) {
		open_pair(&side, stream_families[_i]);
		leave_a_byte(&side);
		if (receives == 3)
			post_receives(&side, 3);
		write_stream(side.peer, 100, 0);
		peer_reset(&side);
		if (receives < 3)
			post_receives(&side, (uint32_t)receives);
		/* The half that does not read is told first. */
		if (receives == 2)
			post_sends(&side, 1, 0);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 64, 0);
		if (receives == 1)
			post_receive(&side, 1);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 36, 1);
		expect_stream(slot_memory(&side, 1), 36, 64);
		if (receives == 3)
			expect_all(side.receive_cq, 1, -ECONNRESET, 2);
		if (receives == 2)
			collect_one(side.send_cq);
		post_receive(&side, 5);
		expect_all(side.receive_cq, 1, -ECONNRESET, 5);
		side_close(&side);
	}
}
END_TEST

START_TEST(at_a_reset_a_WAITALL_receive_reports_what_it_got)
{
	struct regio_result result;
	struct side side;

	open_pair(&side, stream_families[_i]);
	struct regio_buf slice = slot_slice(&side, 0, SLOT_SIZE);

	leave_a_byte(&side);
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, 0));
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, 1));
	write_stream(side.peer, 10, 0);
	expect_taken(&side);
	peer_reset(&side);
	result = collect_one(side.receive_cq);
	expect_result(&result, -ECONNRESET, 10, 0);
	expect_stream(slot_memory(&side, 0), 10, 0);
	expect_all(side.receive_cq, 1, -ECONNRESET, 1);
	side_close(&side);
}
END_TEST

/* A process with the other end, which sends 'bytes' and then waits to be killed. */
static pid_t start_peer(int fd, int other, size_t bytes)
{
	pid_t child = check_fork();

	if (child == 0) {
		close(other);
		write_stream(fd, bytes, 0);
		for (;;)
			pause();
	}
	close(fd);
	return child;
}

START_TEST(a_peer_that_is_killed_ends_or_resets_the_stream)
{
	struct regio_result result;
	struct side side;
	int fds[2];

	for (int unread = 0; unread < 2; unread++) {
		int status = unread ? -ECONNRESET : 0;
		pid_t child;

		stream_pair(stream_families[_i], fds);
		child = start_peer(fds[1], fds[0], 10);
		open_side(&side, fds[0]);
		if (unread)
			leave_a_byte(&side);
		post_receives(&side, RECEIVES);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 10, 0);
		expect_empty(side.receive_cq);
		EXPECT(kill(child, SIGKILL) == 0, "%m");
		expect_all(side.receive_cq, RECEIVES - 1, status, 1);
		EXPECT(waitpid(child, NULL, 0) == child, "%m");
		post_receive(&side, 0);
		expect_all(side.receive_cq, 1, status, 0);
		side_close(&side);
	}
}
END_TEST

static void loopback_down(void)
{
	struct ifreq settings = {.ifr_flags = 0};
	int fd = udp_socket(AF_INET);

	memcpy(settings.ifr_name, "lo", 3);
	EXPECT(ioctl(fd, SIOCSIFFLAGS, &settings) == 0, "%m");
	close(fd);
}

/* Holds: regio_receive what 2. */
START_TEST(a_time_out_completes_every_request_of_both_halves)
{
	struct regio_result results[SENDS];
	struct side side;
	const char *refused = enter_own_network();

	if (refused)
		SKIP("%s", refused);

	open_pair(&side, families[_i]);
	set_option(side.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 300);
	post_receives(&side, RECEIVES);
	loopback_down();
	post_sends(&side, 10, 0);
	collect(side.send_cq, results, 10);
	collect(side.receive_cq, results, RECEIVES);
	for (uint32_t i = 0; i < RECEIVES; i++)
		expect_result(&results[i], results[0].status, 0, i);
	/* The kernel names the cause of the last failure where it knows it. */
	EXPECT(results[0].status == -ETIMEDOUT || results[0].status == -ENETUNREACH ||
		       results[0].status == -EHOSTUNREACH,
	       "%s", regio_error_name(results[0].status));
	expect_dead(&side, results[0].status);
	side_close(&side);
}
END_TEST

/* ---- Connecting ---- */

/* Holds: regio_rq_create what 3, regio_rq_create Blocking. */
START_TEST(requests_posted_before_connecting_wait_for_the_connection)
{
	struct regio_result results[20];
	struct side side;
	int listener = stream_listener(families[_i]);

	for (int order = 0; order < 3; order++) {
		int peer;

		open_side(&side, stream_socket(families[_i]));
		for (int i = 0; i < 5; i++) {
			expect_empty(side.receive_cq);
			if (i == 2) {
				post_receives(&side, 20);
				post_sends(&side, 20, 0);
			}
		}
		EXPECT_RETURN(-ETIMEDOUT,
			      regio_cq_wait(side.receive_cq, 1, 0, 20 * MILLISECOND_NS));
		if (order == 1)
			EXPECT(fcntl(side.fd, F_SETFL, O_NONBLOCK) == 0, "%m");
		peer = connect_stream(side.fd, listener);
		if (order == 0) {
			EXPECT_RETURN(20, regio_cq_wait(side.send_cq, 20, 0, PATIENCE_NS));
			read_stream(peer, 20 * SLOT_SIZE, 0);
		}
		write_stream(peer, 20 * SLOT_SIZE, 0);
		collect(side.receive_cq, results, 20);
		for (uint64_t i = 0; i < 20; i++) {
			expect_result(&results[i], 0, SLOT_SIZE, i);
			expect_stream(slot_memory(&side, i), SLOT_SIZE, i * SLOT_SIZE);
		}
		expect_sent(&side, 20);
		if (order > 0)
			read_stream(peer, 20 * SLOT_SIZE, 0);
		if (order == 2)
			shutdown(side.fd, SHUT_WR);
		close(peer);
		post_receives(&side, 2);
		expect_all(side.receive_cq, 2, 0, 0);
		side_close(&side);
	}
	close(listener);
}
END_TEST

/* Starts to connect to a port where nobody listens. */
static void connect_to_nobody(int fd, int family)
{
	int listener = stream_listener(family);
	union address address = own_address(listener);

	close(listener);
	EXPECT(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "%m");
	EXPECT(connect(fd, &address.any, address_length(&address)) < 0 && errno == EINPROGRESS,
	       "%m");
}

/* Holds: regio_rq_create what 3. */
START_TEST(a_connection_that_fails_completes_them_with_its_error)
{
	struct side side;

	for (int posted_before = 0; posted_before < 2; posted_before++) {
		open_side(&side, stream_socket(families[_i]));
		if (posted_before) {
			post_receives(&side, RECEIVES);
			post_sends(&side, SENDS, 0);
			expect_empty(side.receive_cq);
		}
		connect_to_nobody(side.fd, families[_i]);
		if (!posted_before) {
			post_receives(&side, RECEIVES);
			post_sends(&side, SENDS, 0);
		}
		expect_all(side.receive_cq, RECEIVES, -ECONNREFUSED, 0);
		expect_all(side.send_cq, SENDS, -ECONNREFUSED, RECEIVES);
		expect_dead(&side, -ECONNREFUSED);
		side_close(&side);
	}
}
END_TEST

/* Holds: regio_rq_create what 3. */
START_TEST(a_failure_reported_to_the_program_first_completes_them_as_not_connected)
{
	struct side side;
	int status;

	open_side(&side, stream_socket(families[_i]));
	post_receives(&side, 10);
	post_sends(&side, 10, 0);
	expect_empty(side.receive_cq);
	connect_to_nobody(side.fd, families[_i]);
	/* A driver's thread may have been faster. */
	status = get_option(side.fd, SOL_SOCKET, SO_ERROR) ? -ENOTCONN : -ECONNREFUSED;
	expect_all(side.receive_cq, 10, status, 0);
	expect_all(side.send_cq, 10, status, RECEIVES);
	side_close(&side);
}
END_TEST

START_TEST(a_blocking_connect_may_fail_and_be_made_again)
{
	struct regio_result result;
	struct side side;
	int listener = stream_listener(families[_i]), closed = stream_listener(families[_i]);
	union address nobody = own_address(closed);

	close(closed);
	open_side(&side, stream_socket(families[_i]));
	post_receives(&side, 10);
	expect_empty(side.receive_cq);
	EXPECT(connect(side.fd, &nobody.any, address_length(&nobody)) < 0, "connected to nobody");
	/* A driver's thread may take the error from under connect(), which says so. */
	if (errno != ECONNREFUSED)
		SKIP("the failure was told to the requests: %m");
	expect_empty(side.receive_cq);
	int peer = connect_stream(side.fd, listener);

	write_stream(peer, 10, 0);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 10, 0);
	side_close(&side);
	close(peer);
	close(listener);
}
END_TEST

/* Holds: regio_rq_create what 3. */
START_TEST(a_unix_socket_receives_once_connected_and_does_not_send_before)
{
	struct regio_result result;
	struct side side;
	int listener = stream_listener(AF_UNIX);

	open_side(&side, stream_socket(AF_UNIX));
	post_receives(&side, 10);
	expect_empty(side.receive_cq);
	post_sends(&side, 10, 0);
	expect_all(side.send_cq, 10, -ENOTCONN, RECEIVES);
	int peer = connect_stream(side.fd, listener);

	post_sends(&side, 10, 0);
	expect_sent(&side, 10);
	read_stream(peer, 10 * SLOT_SIZE, 0);
	write_stream(peer, 10, 0);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 10, 0);
	side_close(&side);
	close(peer);
	close(listener);
}
END_TEST

START_TEST(on_a_listening_socket_requests_wait_in_silence)
{
	struct side side;
	int listener = stream_listener(families[_i]), client = stream_socket(families[_i]), other;

	open_side(&side, listener);
	post_receives(&side, 10);
	post_sends(&side, 10, 0);
	expect_empty(side.receive_cq);
	other = connect_stream(client, listener);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 20 * MILLISECOND_NS));
	expect_empty(side.send_cq);
	close(client);
	close(other);
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	expect_all(side.receive_cq, 10, -ECANCELED, 0);
	expect_all(side.send_cq, 10, -ECANCELED, RECEIVES);
	side_close_rest(&side);
}
END_TEST

/* ---- Closing ---- */

static void close_queue(struct side *side)
{
	EXPECT_RETURN(0, regio_rq_close(side->rq, REGIO_CLOSE_SOCKET));
	EXPECT(fcntl(side->fd, F_GETFD) < 0 && errno == EBADF, "the socket is open");
}

static void close_drained(struct side *side)
{
	expect_empty(side->receive_cq);
	expect_empty(side->send_cq);
	side_close_rest(side);
}

/* Every byte up to the end of the stream, whatever it is. Returns how many. */
static uint64_t read_to_the_end(int peer)
{
	static uint8_t data[65536];
	struct pollfd readable = {.fd = peer, .events = POLLIN};
	uint64_t bytes = 0;
	ssize_t got;

	do {
		EXPECT(poll(&readable, 1, PATIENCE_NS / MILLISECOND_NS) == 1, "no end");
		got = recv(peer, data, sizeof(data), MSG_DONTWAIT);
		EXPECT(got >= 0, "%m");
		bytes += (uint64_t)got;
	} while (got > 0);
	return bytes;
}

/*
 * The completions of a closed queue's SENDS sends, from slot 'first' of them on: those the socket
 * took, then those it did not, of which the oldest may have moved a part. Returns the bytes that
 * were taken, and how many sends succeeded.
 */
static uint64_t collect_last_try(struct side *side, uint32_t first, uint32_t *ret_sent)
{
	static struct regio_result results[SENDS];
	uint64_t bytes = 0;
	uint32_t sent = 0;

	collect(side->send_cq, results, SENDS);
	while (sent < SENDS && results[sent].status == 0)
		sent++;
	for (uint32_t i = 0; i < SENDS; i++) {
		uint32_t moved = i < sent ? SLOT_SIZE : i == sent ? results[i].bytes : 0;

		EXPECT(i < sent || moved < SLOT_SIZE, "%u bytes of a cancelled send", moved);
		expect_result(&results[i], i < sent ? 0 : -ECANCELED, moved,
			      RECEIVES + (first + i) % SENDS);
		bytes += moved;
	}
	*ret_sent = sent;
	return bytes;
}

/* Holds: regio_rq_close what. */
START_TEST(closing_completes_a_thousand_requests_of_each_half_once)
{
	struct side side;

	open_pair(&side, stream_families[_i]);
	uint32_t first = fill_socket(&side), sent;
	uint64_t taken;

	post_receives(&side, RECEIVES);
	expect_empty(side.receive_cq);
	close_queue(&side);
	expect_all(side.receive_cq, RECEIVES, -ECANCELED, 0);
	/* A full socket is not writable to poll(2), and yet may have room for some bytes. */
	taken = collect_last_try(&side, first, &sent);
	EXPECT(sent < SENDS, "a full socket took all");
	ck_assert_uint_eq(read_to_the_end(side.peer), (uint64_t)first * SLOT_SIZE + taken);
	close_drained(&side);
}
END_TEST

/* Holds: regio_rq_close what. */
START_TEST(closing_gives_queued_sends_one_last_try)
{
	struct side side;
	uint64_t bytes;
	uint32_t sent;

	open_pair(&side, stream_families[_i]);
	for (uint64_t i = 0; i < SENDS; i++) {
		fill_stream(slot_memory(&side, RECEIVES + i), SLOT_SIZE, i * SLOT_SIZE);
		post_send(&side, RECEIVES + i, SLOT_SIZE, REGIO_MSG_DEFER);
	}
	close_queue(&side);
	bytes = collect_last_try(&side, 0, &sent);
	/* It may be the try that an injected fault lets do nothing. */
	EXPECT(sent == SENDS || faults_injected(), "%u sent", sent);
	read_stream(side.peer, bytes, 0);
	expect_end(side.peer);
	close_drained(&side);
}
END_TEST

/* Reads what there is until the socket of the queue has room. Returns how many bytes. */
static uint64_t make_room(const struct side *side)
{
	static uint8_t data[65536];
	struct pollfd ready[2] = {{.fd = side->fd, .events = POLLOUT},
				  {.fd = side->peer, .events = POLLIN}};
	uint64_t bytes = 0;

	while (ready[0].revents == 0) {
		ssize_t got = recv(side->peer, data, sizeof(data), MSG_DONTWAIT);

		EXPECT(got > 0 || errno == EAGAIN, "%m");
		bytes += got > 0 ? (uint64_t)got : 0;
		EXPECT(poll(ready, 2, PATIENCE_NS / MILLISECOND_NS) > 0, "no room");
	}
	return bytes;
}

/* Holds: regio_rq_close what. */
START_TEST(closing_tries_sends_that_met_a_full_socket_once_more)
{
	struct side side;

	open_pair(&side, stream_families[_i]);
	uint32_t first = fill_socket(&side), sent;
	/* Nobody has taken the event that tells of it, unless a thread does. */
	uint64_t read = make_room(&side), taken;

	close_queue(&side);
	taken = collect_last_try(&side, first, &sent);
	EXPECT(sent > 0 || faults_injected(), "none was sent");
	read += read_to_the_end(side.peer);
	ck_assert_uint_eq(read, (uint64_t)first * SLOT_SIZE + taken);
	close_drained(&side);
}
END_TEST

/* Holds: regio_rq_cancel what, regio_rq_cancel Returns. */
START_TEST(cancelling_reports_what_the_oldest_had_moved)
{
	enum { LONG = 8 << 20 };
	struct regio_result result;
	struct side side;

	SIDE_OPEN(&side, .family = stream_families[_i], .peer = PEER_STREAM, .receives = 2,
		  .sends = 2, .slot_size = LONG);
	struct regio_buf slice = slot_slice(&side, 0, LONG);

	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, 0));
	post_receive(&side, 1);
	fill_stream(slot_memory(&side, 2), LONG, 0);
	post_send(&side, 2, LONG, 0);
	post_send(&side, 3, LONG, 0);
	write_stream(side.peer, 1000, 0);
	expect_taken(&side);
	expect_begun(&side);
	EXPECT_RETURN(2, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
	result = collect_one(side.receive_cq);
	expect_result(&result, -ECANCELED, 1000, 0);
	result = collect_one(side.receive_cq);
	expect_result(&result, -ECANCELED, 0, 1);
	EXPECT_RETURN(2, regio_rq_cancel(side.rq, REGIO_HALF_SEND));
	result = collect_one(side.send_cq);
	EXPECT(result.status == -ECANCELED && result.bytes > 0 && result.bytes < LONG,
	       "%s with %u bytes", regio_error_name(result.status), result.bytes);
	read_stream(side.peer, result.bytes, 0);
	result = collect_one(side.send_cq);
	expect_result(&result, -ECANCELED, 0, 3);
	/* The next of each half starts afresh. */
	post_send(&side, 2, 100, 0);
	result = collect_one(side.send_cq);
	expect_result(&result, 0, 100, 2);
	read_stream(side.peer, 100, 0);
	slice.length = 100;
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, 0));
	write_stream(side.peer, 100, 0);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 100, 0);
	side_close(&side);
}
END_TEST

START_TEST(no_descriptor_is_left_behind)
{
	unsigned int before = 0;
	struct side side;

	for (int round = 0; round < 60; round++) {
		open_pair(&side, stream_families[_i]);
		post_receives(&side, 100);
		post_sends(&side, 100, 0);
		expect_sent(&side, 100);
		if (round % 3 == 0)
			peer_reset(&side);
		else if (round % 3 == 1)
			peer_close(&side);
		if (round % 2)
			regio_cq_wait(side.receive_cq, 1, 0, 0);
		side_close(&side);
		/* The first rounds may leave what the process keeps once and for all. */
		if (round == 5)
			before = open_descriptors();
	}
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_STREAM(the_end_completes_every_receive_with_nothing_and_every_later_one),
		CASE_PER_STREAM(bytes_before_the_end_come_before_it),
		CASE_PER_STREAM(at_the_end_a_WAITALL_receive_completes_with_what_it_got),
		CASE_PER_STREAM(the_end_fires_a_notification_once),
		CASE_PER_STREAM(after_the_peer_has_shut_down_sends_go_on),
		CASE_PER_STREAM(after_a_shutdown_of_its_own_sends_fail_and_receives_go_on),
		CASE_PER_STREAM(long_sends_after_a_shutdown_of_its_own_fail_without_a_signal),
		CASE_PER_STREAM(a_shutdown_under_waiting_requests_completes_them),
		CASE_PER_STREAM(a_reset_completes_every_request_of_both_halves_and_every_later_one),
		{a_reset_is_no_end_however_the_halves_race, stream_family_names, 2, CASE_TIMEOUT_S},
		CASE_PER_STREAM(bytes_before_a_reset_come_before_it),
		CASE_PER_STREAM(at_a_reset_a_WAITALL_receive_reports_what_it_got),
		CASE_PER_STREAM(a_peer_that_is_killed_ends_or_resets_the_stream),
		CASE_PER_FAMILY(a_time_out_completes_every_request_of_both_halves),
		CASE_PER_FAMILY(requests_posted_before_connecting_wait_for_the_connection),
		CASE_PER_FAMILY(a_connection_that_fails_completes_them_with_its_error),
		CASE_PER_FAMILY(
			a_failure_reported_to_the_program_first_completes_them_as_not_connected),
		CASE_PER_FAMILY(a_blocking_connect_may_fail_and_be_made_again),
		CASE(a_unix_socket_receives_once_connected_and_does_not_send_before),
		CASE_PER_FAMILY(on_a_listening_socket_requests_wait_in_silence),
		CASE_PER_STREAM(closing_completes_a_thousand_requests_of_each_half_once),
		CASE_PER_STREAM(closing_gives_queued_sends_one_last_try),
		CASE_PER_STREAM(closing_tries_sends_that_met_a_full_socket_once_more),
		CASE_PER_STREAM(cancelling_reports_what_the_oldest_had_moved),
		CASE_PER_STREAM(no_descriptor_is_left_behind),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
