/* SPDX-License-Identifier: MIT */
/*
 * syscalls.c - how often the library enters the kernel, counted through ptrace
 *
 * A traced child runs the library; two calls that mean nothing mark the stretch to count.
 */
#include "../../support/net.h"
#include "../../support/pool.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

/* getpriority() with these arguments is refused, and nobody else asks. */
#define MARK_CLASS 0x5EED
#define COUNT_FROM 1
#define COUNT_TO 2

#define BATCH 128u
#define BATCHES 512u

struct count {
	unsigned int sends;
	unsigned int receives;
	unsigned int enters; /* io_uring_enter */
	unsigned int names;  /* of the other end of a socket */
	unsigned int all;
};

static void mark(int what)
{
	syscall(SYS_getpriority, MARK_CLASS, what);
}

static void add_call(struct count *count, uint64_t number)
{
	switch (number) {
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
		count->sends++;
		break;
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
		count->receives++;
		break;
	case SYS_io_uring_enter:
		count->enters++;
		break;
	case SYS_getpeername:
		count->names++;
		break;
	default:
		break;
	}
	count->all++;
}

/* Follows the child to its end. Returns false when the child failed. */
static bool count_calls(pid_t child, struct count *count)
{
	struct ptrace_syscall_info info;
	bool counting = false;
	int status;

	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		int signal_number = WSTOPSIG(status);

		if (signal_number == (SIGTRAP | 0x80)) {
			ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info);
			signal_number = 0;
			if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
				;
			else if (info.entry.nr == SYS_getpriority &&
				 info.entry.args[0] == MARK_CLASS)
				counting = info.entry.args[1] == COUNT_FROM;
			else if (counting)
				add_call(count, info.entry.nr);
		} else if (signal_number == SIGSTOP) {
			signal_number = 0;
		}
		ptrace(PTRACE_SYSCALL, child, NULL, (void *)(uintptr_t)signal_number);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Runs 'body' traced. Returns why that is not possible, or NULL. */
static const char *count_in_child(void (*body)(int family), int family, struct count *ret_count)
{
	enum { REFUSED = 99 };
	pid_t child;
	int status;

	if (built_with_sanitizer())
		return "a sanitizer makes system calls of its own";
	*ret_count = (struct count){0};
	child = check_fork();
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(REFUSED);
		raise(SIGSTOP);
		body(family);
		_exit(EXIT_SUCCESS);
	}
	EXPECT(waitpid(child, &status, 0) == child, "%m");
	if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED)
		return "ptrace is refused";
	EXPECT(WIFSTOPPED(status), "the child ended with %#x", status);
	if (ptrace(PTRACE_SETOPTIONS, child, NULL,
		   (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) < 0)
		return "ptrace is refused";
	ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	EXPECT(count_calls(child, ret_count), "the traced child failed");
	return NULL;
}

static void open_pair(struct side *sender, struct side *receiver, int family)
{
	SIDE_OPEN(sender, .family = family, .sends = BATCH, .slot_size = 64);
	SIDE_OPEN(receiver, .family = family, .receives = BATCH, .slot_size = 64);
	connect_to(sender->fd, receiver->fd);
}

static void commit_a_batch(struct side *sender)
{
	struct regio_result results[BATCH];

	for (uint64_t i = 0; i < BATCH; i++)
		post_send(sender, i, 64, i + 1 < BATCH ? REGIO_MSG_DEFER : 0);
	EXPECT_RETURN((int)BATCH, regio_cq_dequeue(sender->send_cq, results, BATCH));
}

static void commit_a_second_batch(int family)
{
	struct side sender, receiver;

	open_pair(&sender, &receiver, family);
	commit_a_batch(&sender);
	mark(COUNT_FROM);
	commit_a_batch(&sender);
	mark(COUNT_TO);
}

/*
 * The other system call asks whether the descriptor is still the RQ's socket.
 *
 * Holds: regio_send what.
 */
START_TEST(a_batch_of_deferred_sends_is_one_send_call)
{
	struct count count;
	const char *refused;

	if (train_limit() < BATCH)
		SKIP("the kernel joins only %u messages", train_limit());
	if (driven_by_a_thread())
		SKIP("a driver's thread does not wait for the end of a batch");
	refused = count_in_child(commit_a_second_batch, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	ck_assert_uint_eq(count.sends, 1);
	EXPECT(count.all <= 2, "%u system calls", count.all);
}
END_TEST

enum { EMPTY_DEQUEUES = 1000 };

static void dequeue_when_idle(int family)
{
	struct side sender, receiver;

	open_pair(&sender, &receiver, family);
	for (uint64_t i = 0; i < BATCH; i++)
		post_receive(&receiver, i);
	/* The socket is watched once it has been found empty. */
	for (int i = 0; i < 128; i++)
		expect_empty(receiver.receive_cq);
	mark(COUNT_FROM);
	for (int i = 0; i < EMPTY_DEQUEUES; i++)
		expect_empty(receiver.receive_cq);
	mark(COUNT_TO);
}

START_TEST(an_empty_dequeue_of_an_idle_queue_is_at_most_one_system_call)
{
	unsigned int most = EMPTY_DEQUEUES;
	struct count count;
	const char *refused;

	/* Two words of memory tell a ring's thread. A driver's thread may stand by. */
	if (!driven_by_a_thread() && engine_is("uring"))
		most = 0;
	refused = count_in_child(dequeue_when_idle, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	EXPECT(count.all <= most, "%u system calls in %u dequeues, %u of them receives", count.all,
	       EMPTY_DEQUEUES, count.receives);
}
END_TEST

enum { REPLIERS = 16 };

/* Asks all, answers all: the answers are deferred and go with the dequeue that finds nothing. */
static void serve_once(struct side *repliers, struct regio_cq *requests, bool counted)
{
	struct regio_result results[REPLIERS];
	struct regio_buf slice;

	for (uint64_t i = 0; i < REPLIERS; i++)
		send_plain(repliers[i].peer, "?", 1);
	collect(requests, results, REPLIERS);
	for (uint64_t i = 0; i < REPLIERS; i++) {
		struct side *side = &repliers[i];

		slice = slot_slice(side, 1, 64);
		EXPECT_RETURN(0, regio_send(side->rq, &slice, REGIO_MSG_DEFER, 0));
	}
	if (counted)
		mark(COUNT_FROM);
	expect_empty(requests);
	if (counted)
		mark(COUNT_TO);
	for (uint64_t i = 0; i < REPLIERS; i++) {
		uint8_t data[64];

		collect_one(repliers[i].send_cq);
		ck_assert_uint_eq(receive_plain(repliers[i].peer, data, sizeof(data)), 64);
		slice = slot_slice(&repliers[i], 0, 64);
		EXPECT_RETURN(0, regio_receive(repliers[i].rq, &slice, 0, i));
	}
}

/* All receive into one queue; each has a queue of its own for what it has sent. */
static void reply_on_many_sockets(int family)
{
	enum { ROUNDS = 20 };
	struct side repliers[REPLIERS];
	struct regio_driver *driver;
	struct regio_cq *requests;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	requests = cq_of(REPLIERS, driver);
	for (uint64_t i = 0; i < REPLIERS; i++) {
		/* cppcheck-suppress uninitvar ; opened here */
		struct side *side = &repliers[i];

		SIDE_OPEN(side, .family = family, .peer = PEER_BOTH_WAYS, .receives = 1, .sends = 1,
			  .slot_size = 64, .driver = driver);
		EXPECT_RETURN(0, regio_rq_close(side->rq, 0));
		EXPECT_RETURN(0, regio_rq_create(side->fd, 1, 1, requests, side->send_cq, 0, NULL,
						 &side->rq));
		post_receive(side, 0);
	}
	/* Enough for the queues to be no longer young, and for a ring. */
	for (int round = 1; round <= ROUNDS; round++)
		serve_once(repliers, requests, round == ROUNDS);
}

START_TEST(deferred_replies_of_many_sockets_are_one_entry_of_the_ring)
{
	struct count count;
	const char *refused;

	if (!engine_is("uring"))
		SKIP("only a ring executes several operations in one system call");
	if (driven_by_a_thread())
		SKIP("a driver's thread does not wait for the last of them");
	refused = count_in_child(reply_on_many_sockets, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	EXPECT(count.enters == 1 && count.sends == 0,
	       "%u entries, %u sends, %u receives, %u system calls", count.enters, count.sends,
	       count.receives, count.all);
}
END_TEST

/* A driver's thread does it all: of the calling thread's system calls none is left. */
static void post_and_dequeue(int family)
{
	struct regio_driver_opts opts = {.size = sizeof(opts),
					 .flags = REGIO_DRIVER_THREAD,
					 .thread_spin_ns = REGIO_SPIN_ALWAYS};
	struct regio_driver *driver;
	struct regio_result result;
	uint64_t done = 0;
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	SIDE_OPEN(&side, .family = family, .peer = PEER_ITSELF, .receives = BATCH, .sends = BATCH,
		  .slot_size = 64, .driver = driver);
	mark(COUNT_FROM);
	for (uint64_t round = 0; round < BATCHES; round++) {
		post_receive(&side, round % BATCH);
		post_send(&side, BATCH + round % BATCH, 64, round % 3 ? 0 : REGIO_MSG_DEFER);
		while (regio_cq_dequeue(side.receive_cq, &result, 1) == 0)
			continue;
		done += regio_cq_dequeue(side.send_cq, &result, 1) == 1;
	}
	while (done < BATCHES)
		done += regio_cq_dequeue(side.send_cq, &result, 1) == 1;
	mark(COUNT_TO);
}

/* Holds: REGIO_DRIVER_THREAD. */
START_TEST(posting_and_dequeuing_beside_a_thread_that_is_awake_make_no_system_call)
{
	struct count count;
	const char *refused;

	refused = count_in_child(post_and_dequeue, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	ck_assert_uint_eq(count.all, 0);
}
END_TEST

/* From a plain socket: what a driver's thread sends may leave before the batch is complete. */
static void receive_a_batch(int family)
{
	enum { SETTLED = 20 };
	static const uint8_t batch[BATCH * 64];
	const size_t limit = 64 * (size_t)train_limit();
	struct regio_result results[BATCH];
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_ONE_WAY, .receives = BATCH,
		  .slot_size = 64);
	EXPECT(turn_trains_on(&side, side.peer), "receive trains stay off");
	for (int round = 0; round <= SETTLED; round++) {
		for (uint64_t i = 0; i < BATCH; i++)
			post_receive(&side, i);
		for (size_t sent = 0; sent < sizeof(batch); sent += limit)
			send_train(side.peer, batch, limit, 64);
		if (round == SETTLED)
			mark(COUNT_FROM);
		for (uint32_t have = 0; have < BATCH;)
			have += (uint32_t)regio_cq_dequeue(side.receive_cq, results, BATCH - have);
	}
	mark(COUNT_TO);
}

START_TEST(a_batch_that_arrives_in_a_train_is_received_in_a_few_system_calls)
{
	struct count count;
	const char *refused;

	refused = trains_not_joined();
	if (refused)
		SKIP("%s", refused);
	refused = count_in_child(receive_a_batch, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	EXPECT(count.all <= 4, "%u system calls, %u of them receives", count.all, count.receives);
}
END_TEST

enum { STREAM_SENDS = 1024, SENDS_MARKED_AFTER = 10 };

static void commit_sends_on_a_stream(int family)
{
	struct regio_result results[STREAM_SENDS];
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_STREAM, .sends = STREAM_SENDS,
		  .slot_size = 64);
	for (int round = 0; round <= SENDS_MARKED_AFTER; round++) {
		if (round == SENDS_MARKED_AFTER)
			mark(COUNT_FROM);
		for (uint64_t i = 0; i < STREAM_SENDS; i++)
			post_send(&side, i, 64, i + 1 < STREAM_SENDS ? REGIO_MSG_DEFER : 0);
		collect(side.send_cq, results, STREAM_SENDS);
		mark(COUNT_TO);
		read_all(side.peer, side.memory, (size_t)STREAM_SENDS * 64);
	}
}

/* Holds: regio_send what 2. */
START_TEST(a_thousand_deferred_sends_on_a_stream_are_one_send_call)
{
	struct count count;
	const char *refused;

	if (driven_by_a_thread())
		SKIP("a driver's thread does not wait for the end of a batch");
	refused = count_in_child(commit_sends_on_a_stream, stream_families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	ck_assert_uint_eq(count.sends, 1);
	EXPECT(count.all <= 3, "%u system calls", count.all);
}
END_TEST

enum { CONNECTIONS = 16, TURNS = 200, TURNS_MARKED = 100 };

/* Every connection of a server gets a message in each turn. */
static void serve_connections(int family)
{
	struct regio_cq *cq = cq_of(CONNECTIONS, NULL);
	struct regio_result results[CONNECTIONS];
	struct side sides[CONNECTIONS];

	for (uint32_t i = 0; i < CONNECTIONS; i++)
		SIDE_OPEN(&sides[i], .family = family, .peer = PEER_STREAM, .receives = 1,
			  .slot_size = 256, .cq = cq);
	for (int turn = 0; turn < TURNS; turn++) {
		if (turn == TURNS - TURNS_MARKED)
			mark(COUNT_FROM);
		for (uint32_t i = 0; i < CONNECTIONS; i++)
			post_receive(&sides[i], 0);
		for (uint32_t i = 0; i < CONNECTIONS; i++)
			write_stream(sides[i].peer, 64, 0);
		collect(cq, results, CONNECTIONS);
	}
	mark(COUNT_TO);
}

START_TEST(a_message_on_each_of_many_streams_is_one_receive_call_each)
{
	struct count count;
	const char *refused;

	refused = count_in_child(serve_connections, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	/* None is made to find a socket empty; those of a ring are not counted here. */
	ck_assert_uint_le(count.receives, CONNECTIONS * TURNS_MARKED);
}
END_TEST

static void wait_after_a_busy_queue(int family)
{
	enum { ROUNDS = 200 };
	struct regio_driver *driver;
	struct regio_cq *idle;
	struct side side;

	/* Costs with which a busy queue needs no events, whatever is measured under load. */
	setenv("REGIO_COSTS", "miss=300,event=450", 1);
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	idle = cq_of(1, driver);
	SIDE_OPEN(&side, .family = family, .peer = PEER_ONE_WAY, .receives = 1, .slot_size = 64,
		  .driver = driver);
	for (int round = 0; round < ROUNDS; round++) {
		post_receive(&side, 0);
		expect_empty(side.receive_cq);
		send_plain(side.peer, "x", 1);
		poll_one(side.receive_cq);
	}
	side_close(&side);
	mark(COUNT_FROM);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(idle, 1, 0, 100 * MILLISECOND_NS));
	mark(COUNT_TO);
	EXPECT_RETURN(0, regio_cq_close(idle));
	EXPECT_RETURN(0, regio_driver_close(driver));
}

/* It was polled so often that it needed no events, which keeps others from sleeping. */
START_TEST(a_wait_sleeps_when_a_busy_queue_has_been_closed)
{
	struct count count;
	const char *refused;

	refused = count_in_child(wait_after_a_busy_queue, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	EXPECT(count.all < 16, "%u system calls", count.all);
}
END_TEST

enum { WAITS = 640 };

static void wait_for_one_message_at_a_time(int family)
{
	struct regio_driver *driver;
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(&side, .family = family, .peer = PEER_ONE_WAY, .receives = 4, .slot_size = 64,
		  .driver = driver);

	for (uint64_t i = 0; i < 4; i++)
		post_receive(&side, i);
	for (uint64_t round = 0; round < 2 * WAITS; round++) {
		if (round == WAITS)
			mark(COUNT_FROM);
		send_plain(side.peer, "x", 1);
		EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
		post_receive(&side, collect_one(side.receive_cq).request_context);
		expect_empty(side.receive_cq);
	}
	mark(COUNT_TO);
}

START_TEST(a_program_that_waits_pays_for_a_message_one_sleep_and_one_receive)
{
	struct count count;
	const char *refused;

	if (driven_by_a_thread())
		SKIP("a driver's thread makes the calls");
	refused = count_in_child(wait_for_one_message_at_a_time, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	ck_assert_uint_eq(count.sends, WAITS);
	ck_assert_uint_eq(count.receives, WAITS);
	/* Two each, and now and then a look whether the descriptors are the library's still. */
	ck_assert_uint_le(count.all - count.sends, 2 * WAITS + WAITS / 16);
}
END_TEST

static void answer_one_message_at_a_time(int family)
{
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_BOTH_WAYS, .receives = 1, .sends = 1,
		  .slot_size = 64, .cq = cq_of(2, NULL));
	post_receive(&side, 0);
	for (uint64_t round = 0; round < 2 * WAITS; round++) {
		if (round == WAITS)
			mark(COUNT_FROM);
		send_plain(side.peer, "x", 1);
		EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
		collect_one(side.receive_cq);
		post_send(&side, 1, 1, REGIO_MSG_DEFER);
		EXPECT_RETURN(1, regio_cq_dequeue(side.receive_cq, &(struct regio_result){0}, 1));
		post_receive(&side, 0);
		expect_empty(side.receive_cq);
	}
	mark(COUNT_TO);
}

START_TEST(a_server_that_waits_pays_for_a_request_no_call_but_those_that_move_it)
{
	struct count count;
	const char *refused;

	if (driven_by_a_thread())
		SKIP("a driver's thread makes the calls");
	refused = count_in_child(answer_one_message_at_a_time, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	ck_assert_uint_eq(count.sends, 2 * WAITS);
	ck_assert_uint_eq(count.receives, WAITS);
	/* The sleep, the receive, and as above. */
	ck_assert_uint_le(count.all - count.sends, 2 * WAITS + WAITS / 8);
}
END_TEST

/* Of two queues on a driver one has what 'leave' has left on its socket, the other is waited on. */
static void wait_beside(int family, void (*leave)(struct side *side, int family))
{
	struct regio_driver *driver;
	struct regio_cq *idle;
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	idle = cq_of(1, driver);
	SIDE_OPEN(&side, .family = family, .receives = 1, .slot_size = 64, .driver = driver);
	leave(&side, family);
	mark(COUNT_FROM);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(idle, 1, 0, 100 * MILLISECOND_NS));
	mark(COUNT_TO);
}

/* It has been read, so it is watched. */
static void leave_messages(struct side *side, int family)
{
	int peer = peer_of(side->fd);

	post_receive(side, 0);
	expect_empty(side->receive_cq);
	send_plain(peer, "x", 1);
	collect_one(side->receive_cq);
	send_plain(peer, "y", 1);
	send_plain(peer, "z", 1);
	close(peer);
}

static void wait_beside_messages(int family)
{
	wait_beside(family, leave_messages);
}

START_TEST(a_wait_sleeps_beside_a_socket_with_messages_and_no_receive)
{
	struct count count;
	const char *refused;

	refused = count_in_child(wait_beside_messages, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	EXPECT(count.all < 16, "%u system calls", count.all);
}
END_TEST

/* An error is reported until somebody reads the queue of errors, which receives do not. */
static void leave_error(struct side *side, int family)
{
	int nobody = bound_socket(family);
	int one = 1;

	EXPECT(setsockopt(side->fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
			  family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &one, sizeof(one)) == 0,
	       "%m");
	connect_to(side->fd, nobody);
	close(nobody);
	post_receive(side, 0);
	expect_empty(side->receive_cq);
	send_plain(side->fd, "x", 1);
}

static void wait_beside_error(int family)
{
	wait_beside(family, leave_error);
}

START_TEST(a_wait_sleeps_beside_a_socket_whose_errors_nobody_reads)
{
	struct count count;
	const char *refused;

	refused = count_in_child(wait_beside_error, families[_i], &count);
	if (refused)
		SKIP("%s", refused);
	EXPECT(count.all < 128, "%u system calls", count.all);
}
END_TEST

enum { NAMED_MESSAGES = 100 };

/* The pool finds the addresses with the first message. */
static void take_from_a_pool(int family)
{
	struct pool pool;
	int fds[2];

	stream_pair(family, fds);
	pool_open(&pool, 2, 100);
	pool_add(&pool, fds[0], 2);
	for (int i = 0; i <= NAMED_MESSAGES; i++) {
		write_stream(fds[1], 100, 0);
		struct regio_slot slot = pool_next(&pool);

		EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
		if (i == 0)
			mark(COUNT_FROM);
	}
	mark(COUNT_TO);
}

START_TEST(a_pool_asks_once_for_the_addresses_of_a_stream)
{
	struct count count;
	const char *refused = count_in_child(take_from_a_pool, stream_families[_i], &count);

	if (refused)
		SKIP("%s", refused);
	/* A queue checks now and then that it still has the same socket. */
	EXPECT(count.names < NAMED_MESSAGES / 10, "asked %u times", count.names);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(a_batch_of_deferred_sends_is_one_send_call),
		CASE_PER_FAMILY(an_empty_dequeue_of_an_idle_queue_is_at_most_one_system_call),
		CASE_PER_FAMILY(deferred_replies_of_many_sockets_are_one_entry_of_the_ring),
		CASE_PER_FAMILY(
			posting_and_dequeuing_beside_a_thread_that_is_awake_make_no_system_call),
		CASE_PER_FAMILY(a_batch_that_arrives_in_a_train_is_received_in_a_few_system_calls),
		CASE_PER_STREAM(a_thousand_deferred_sends_on_a_stream_are_one_send_call),
		CASE_PER_FAMILY(a_message_on_each_of_many_streams_is_one_receive_call_each),
		CASE_PER_STREAM(a_pool_asks_once_for_the_addresses_of_a_stream),
		CASE_PER_FAMILY(a_wait_sleeps_when_a_busy_queue_has_been_closed),
		CASE_PER_FAMILY(a_program_that_waits_pays_for_a_message_one_sleep_and_one_receive),
		CASE_PER_FAMILY(
			a_server_that_waits_pays_for_a_request_no_call_but_those_that_move_it),
		CASE_PER_FAMILY(a_wait_sleeps_beside_a_socket_with_messages_and_no_receive),
		CASE_PER_FAMILY(a_wait_sleeps_beside_a_socket_whose_errors_nobody_reads),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
