/* SPDX-License-Identifier: MIT */
/*
 * ring.c - what an engine that keeps something for each thread must not do to the program
 *
 * Sockets leave nothing bound, blocking calls are not interrupted, and the thread a ring belongs to
 * may hand its work to another, or end, at any moment.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_SIZE 64u

static pthread_t start(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, argument), 0);
	return thread;
}

/* ---- Addresses ----------------------------------------------------------------- */

/* Some that no other process binds, so that none takes a port that has just become free. */
static union address own_loopback(void)
{
	union address address = loopback(AF_INET);
	uint32_t pid = (uint32_t)getpid();

	address.v4.sin_addr.s_addr = htonl(0x7F800000 | (pid & 0x7FFFFF));
	return address;
}

struct busy {
	struct regio_cq *cq;
	bool waits;
	atomic_bool stop;
};

static void *keep_busy(void *argument)
{
	struct busy *busy = argument;
	struct regio_result result;

	while (!atomic_load(&busy->stop)) {
		if (busy->waits)
			regio_cq_wait(busy->cq, 1, 0, MILLISECOND_NS / 10);
		else
			regio_cq_dequeue(busy->cq, &result, 1);
	}
	return NULL;
}

struct ending {
	struct regio_rq *rq;
	int fd;
	bool by_user;
};

static void *end_queue(void *argument)
{
	const struct ending *ending = argument;

	EXPECT_RETURN(0, regio_rq_close(ending->rq, ending->by_user ? 0 : REGIO_CLOSE_SOCKET));
	if (ending->by_user)
		close(ending->fd);
	return NULL;
}

struct place {
	union address address;
	struct regio_cq *cq;
	uint64_t region;
	int peer;
};

/* Binds, has a queue used as much as fits in a moment, and returns its end. */
static struct ending use_address(struct place *place, uint64_t round)
{
	struct ending ending = {.fd = udp_socket(AF_INET), .by_user = round % 2};
	struct regio_result results[8];

	EXPECT(bind(ending.fd, &place->address.any, address_length(&place->address)) == 0,
	       "round %llu: the address is still bound: %m", (unsigned long long)round);
	place->address = own_address(ending.fd);
	EXPECT_RETURN(0,
		      regio_rq_create(ending.fd, 4, 4, place->cq, place->cq, 0, NULL, &ending.rq));
	EXPECT(connect(place->peer, &place->address.any, address_length(&place->address)) == 0,
	       "%m");
	connect_to(ending.fd, place->peer);
	for (uint64_t i = 0; i < 4; i++) {
		struct regio_buf slice = {place->region, (uint32_t)i * MESSAGE_SIZE, MESSAGE_SIZE};

		EXPECT_RETURN(0, regio_receive(ending.rq, &slice, 0, i));
		slice.offset += 4 * MESSAGE_SIZE;
		EXPECT_RETURN(0, regio_send(ending.rq, &slice, REGIO_MSG_DEFER, i));
	}
	if (round % 3)
		send_plain(place->peer, "x", 1);
	for (uint64_t i = 0; i < round % 40; i++)
		regio_cq_dequeue(place->cq, results, ARRAY_SIZE(results));
	return ending;
}

static void drain(struct regio_cq *cq)
{
	struct regio_result results[8];

	while (regio_cq_dequeue(cq, results, ARRAY_SIZE(results)) > 0)
		continue;
}

/* TIME_WAIT and its like are not UDP's, so nothing but the library could keep the address. */
START_TEST(an_address_can_be_bound_again_as_soon_as_close_has_returned)
{
	static uint8_t memory[8 * MESSAGE_SIZE];
	struct regio_driver *driver;
	struct busy busy[2] = {{.waits = false}, {.waits = true}};
	struct place place = {.address = own_loopback()};
	pthread_t threads[ARRAY_SIZE(busy)];

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &place.region));
	place.cq = cq_of(16, driver);
	place.peer = bound_socket(AF_INET);
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
		busy[i].cq = cq_of(1, driver);
		threads[i] = start(keep_busy, &busy[i]);
	}
	for (uint64_t round = 0; round < scaled(4000); round++) {
		struct ending ending = use_address(&place, round);

		if (round % 5)
			end_queue(&ending);
		else
			pthread_join(start(end_queue, &ending), NULL);
		drain(place.cq);
	}
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
		atomic_store(&busy[i].stop, true);
		pthread_join(threads[i], NULL);
		EXPECT_RETURN(0, regio_cq_close(busy[i].cq));
	}
	EXPECT_RETURN(0, regio_cq_close(place.cq));
	EXPECT_RETURN(0, regio_driver_close(driver));
	EXPECT_RETURN(0, regio_region_deregister(place.region));
	close(place.peer);
}
END_TEST

/* ---- Blocking calls ------------------------------------------------------------ */

#define BATCH_QUEUES 8u

/* Polls and batches, enough of both for a thread to be given whatever an engine gives it. */
static void use_engine(struct regio_driver *driver)
{
	struct side sides[BATCH_QUEUES];
	int peer = bound_socket(AF_INET);

	for (uint32_t i = 0; i < BATCH_QUEUES; i++) {
		SIDE_OPEN(&sides[i], .family = AF_INET, .receives = 1, .sends = 1,
			  .slot_size = MESSAGE_SIZE, .driver = driver);
		connect_to(sides[i].fd, peer);
		post_receive(&sides[i], 0);
	}
	for (int round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < BATCH_QUEUES; i++)
			post_send(&sides[i], 1, MESSAGE_SIZE, REGIO_MSG_DEFER);
		for (uint32_t i = 0; i < BATCH_QUEUES; i++)
			collect_one(sides[i].send_cq);
		for (int i = 0; i < 10; i++)
			expect_empty(sides[0].receive_cq);
	}
	for (uint32_t i = 0; i < BATCH_QUEUES; i++)
		side_close(&sides[i]);
	close(peer);
}

static void expect_uninterrupted(int result, const char *call)
{
	EXPECT(result == 0, "%s: %m, and no signal was sent", call);
}

/*
 * In the calls a program blocks in, for as long as a ring takes to be taken apart. The kernel
 * restarts most of them by itself; epoll_wait shows what it has done.
 */
static void block(void)
{
	const struct timespec moment = {.tv_nsec = MILLISECOND_NS};
	int set = epoll_create1(EPOLL_CLOEXEC), fd = udp_socket(AF_INET);
	struct pollfd never = {.fd = fd, .events = POLLIN};
	struct epoll_event event;

	for (int i = 0; i < 40; i++)
		expect_uninterrupted(epoll_wait(set, &event, 1, 5), "epoll_wait");
	for (int i = 0; i < 10; i++) {
		struct timeval timeout = {.tv_usec = 1000};

		expect_uninterrupted(poll(&never, 1, 1), "poll");
		expect_uninterrupted(nanosleep(&moment, NULL), "nanosleep");
		expect_uninterrupted(select(0, NULL, NULL, NULL, &timeout), "select");
	}
	close(fd);
	close(set);
}

static void *use_and_leave(void *driver)
{
	use_engine(driver);
	return NULL;
}

static void *close_driver(void *driver)
{
	EXPECT_RETURN(0, regio_driver_close(driver));
	return NULL;
}

/* Other threads have used the driver too, and are gone when it is closed. */
static void use_and_close(bool elsewhere)
{
	struct regio_driver *driver;
	pthread_t other;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	other = start(use_and_leave, driver);
	use_engine(driver);
	pthread_join(other, NULL);
	if (elsewhere)
		pthread_join(start(close_driver, driver), NULL);
	else
		close_driver(driver);
}

START_TEST(blocking_calls_are_not_interrupted_when_a_driver_is_closed)
{
	use_and_close(_i);
	block();
	/* Whatever a thread keeps, it keeps for all drivers. */
	use_and_close(!_i);
	block();
}
END_TEST

static void *use_one_and_block(void *unused)
{
	use_and_close(false);
	block();
	return unused;
}

START_TEST(blocking_calls_are_not_interrupted_when_other_threads_end)
{
	pthread_t threads[8];

	use_and_close(false);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(use_one_and_block, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		block();
	}
}
END_TEST

/* ---- Threads that come and go --------------------------------------------------- */

#define SLOTS 128u
/* Messages in flight at most; a socket buffer holds them as single datagrams. */
#define WINDOW 100u

/* Messages from one driver to another; the receiving end is handed from thread to thread. */
struct stream {
	struct side sender, receiver;
	uint64_t total;
	atomic_ullong received;
	pthread_mutex_t turn; /* of who dequeues */
};

static void open_stream(struct stream *stream, int family, uint64_t total)
{
	*stream = (struct stream){.total = total, .turn = PTHREAD_MUTEX_INITIALIZER};
	SIDE_OPEN(&stream->sender, .family = family, .sends = SLOTS, .slot_size = MESSAGE_SIZE);
	SIDE_OPEN(&stream->receiver, .family = family, .receives = SLOTS,
		  .slot_size = MESSAGE_SIZE);
	connect_to(stream->sender.fd, stream->receiver.fd);
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(&stream->receiver, i);
}

static void close_stream(struct stream *stream)
{
	expect_empty(stream->receiver.receive_cq);
	side_close(&stream->sender);
	side_close(&stream->receiver);
	pthread_mutex_destroy(&stream->turn);
}

static void *send_all(void *argument)
{
	struct stream *stream = argument;
	struct regio_result results[SLOTS];
	uint64_t posted = 0, sent = 0;

	while (sent < stream->total) {
		uint64_t limit = atomic_load(&stream->received) + WINDOW;
		int got;

		for (; posted < stream->total && posted < limit && posted - sent < SLOTS; posted++)
			post_message(&stream->sender, posted % SLOTS, MESSAGE_SIZE, posted,
				     REGIO_MSG_DEFER);
		got = regio_cq_dequeue(stream->sender.send_cq, results, SLOTS);
		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++, sent++)
			expect_result(&results[i], 0, MESSAGE_SIZE, sent % SLOTS);
		if (got == 0)
			sched_yield();
	}
	return NULL;
}

/* Dequeues once and checks what came. Returns how many. */
static uint64_t take_some(struct stream *stream)
{
	struct side *side = &stream->receiver;
	struct regio_result results[32];
	uint64_t received = atomic_load(&stream->received);
	int got = regio_cq_dequeue(side->receive_cq, results, ARRAY_SIZE(results));

	EXPECT(got >= 0, "%s", regio_error_name(got));
	for (int i = 0; i < got; i++, received++) {
		expect_result(&results[i], 0, MESSAGE_SIZE, received % SLOTS);
		expect_message(slot_memory(side, received % SLOTS), MESSAGE_SIZE, received);
		post_receive(side, received % SLOTS);
	}
	atomic_store(&stream->received, received);
	return (uint64_t)got;
}

/* Until 'until' have been received, by whomever. */
static void take_turns(struct stream *stream, uint64_t until)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (atomic_load(&stream->received) < until) {
		uint64_t got;

		pthread_mutex_lock(&stream->turn);
		got = take_some(stream);
		pthread_mutex_unlock(&stream->turn);
		if (got > 0)
			deadline_ns = now_ns() + PATIENCE_NS;
		else
			sched_yield();
		EXPECT(got > 0 || now_ns() < deadline_ns, "no message behind number %llu",
		       (unsigned long long)atomic_load(&stream->received));
	}
}

static void *take_the_first_two_thirds(void *argument)
{
	struct stream *stream = argument;

	take_turns(stream, stream->total / 3 * 2);
	return NULL;
}

/* The first thread has the ring; the second joins it in the middle, and then is alone. */
START_TEST(a_second_thread_takes_over_from_the_first_under_load)
{
	struct stream stream;

	/* Two drivers' threads more on the same cores. */
	open_stream(&stream, families[_i], scaled(driven_by_a_thread() ? 150000 : 1000000));
	pthread_t sender = start(send_all, &stream);
	pthread_t first = start(take_the_first_two_thirds, &stream);

	while (atomic_load(&stream.received) < stream.total / 3)
		sched_yield();
	take_turns(&stream, stream.total);
	pthread_join(first, NULL);
	pthread_join(sender, NULL);
	close_stream(&stream);
}
END_TEST

struct relay {
	struct stream *stream;
	uint64_t until;
	bool waits;
};

static void *run_leg(void *argument)
{
	struct relay *relay = argument;
	struct stream *stream = relay->stream;

	while (atomic_load(&stream->received) < relay->until) {
		int queued = 1;

		if (relay->waits)
			queued = regio_cq_wait(stream->receiver.receive_cq, 1, 0, PATIENCE_NS);
		EXPECT(queued > 0, "%s behind number %llu", regio_error_name(queued),
		       (unsigned long long)atomic_load(&stream->received));
		EXPECT(take_some(stream) > 0 || !relay->waits, "a wait returned for nothing");
	}
	return NULL;
}

START_TEST(a_completion_queue_is_handed_from_thread_to_thread)
{
	enum { LEGS = 300, LEG_MESSAGES = 200 };
	const uint64_t legs = scaled(LEGS);
	struct stream stream;

	open_stream(&stream, families[_i], legs * LEG_MESSAGES);
	pthread_t sender = start(send_all, &stream);

	for (uint64_t leg = 0; leg < legs; leg++) {
		struct relay relay = {.stream = &stream,
				      .until = (leg + 1) * LEG_MESSAGES,
				      .waits = leg % 3 == 2};

		/* Each third leg is the main thread's, which has been at it before. */
		if (leg % 3 == 1)
			run_leg(&relay);
		else
			pthread_join(start(run_leg, &relay), NULL);
	}
	pthread_join(sender, NULL);
	close_stream(&stream);
}
END_TEST

/* ---- More than there is room for -------------------------------------------------- */

static void open_pair(struct side *side, struct regio_driver *driver)
{
	SIDE_OPEN(side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = 1, .sends = 1,
		  .slot_size = MESSAGE_SIZE, .driver = driver);
}

/* Polls long enough to have the engine watched from memory, then must see a message come. */
static void expect_arrivals(struct side *side, int rounds)
{
	for (int round = 0; round < rounds; round++) {
		struct regio_result result;

		post_receive(side, 0);
		for (int i = 0; i < 40; i++)
			expect_empty(side->receive_cq);
		send_plain(side->peer, "x", 1);
		result = poll_one(side->receive_cq);
		expect_result(&result, 0, 1, 0);
	}
}

/* A ring polls 64 engines. */
START_TEST(one_thread_polls_more_drivers_than_a_ring_does)
{
	enum { DRIVERS = 70 };
	struct regio_driver *drivers[DRIVERS];
	struct side sides[DRIVERS];

	for (size_t i = 0; i < DRIVERS; i++) {
		EXPECT_RETURN(0, regio_driver_create(NULL, &drivers[i]));
		open_pair(&sides[i], drivers[i]);
	}
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < DRIVERS; i++)
			expect_arrivals(&sides[i], 2);
	for (size_t i = 0; i < DRIVERS; i++) {
		side_close(&sides[i]);
		EXPECT_RETURN(0, regio_driver_close(drivers[i]));
	}
}
END_TEST

/* More are ready at a time than the engine tells of at once. */
START_TEST(a_thread_that_polls_finds_the_events_of_hundreds_of_sockets)
{
	enum { SOCKETS = 300, IDLE_POLLS = 3000 };
	struct regio_cq *cq = cq_of(SOCKETS, NULL);
	struct side sides[SOCKETS];
	int peer = bound_socket(AF_INET);

	for (size_t i = 0; i < SOCKETS; i++)
		SIDE_OPEN(&sides[i], .family = AF_INET, .receives = 1, .cq = cq,
			  .rq_context = SIDE_RQ_CONTEXT);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < SOCKETS; i++)
			EXPECT_RETURN(0, regio_receive(sides[i].rq, NULL, 0, i));
		for (int polls = 0; polls < IDLE_POLLS; polls++)
			expect_empty(cq);
		for (size_t i = 0; i < SOCKETS; i++) {
			connect_to(peer, sides[i].fd);
			send_plain(peer, NULL, 0);
		}
		for (size_t i = 0; i < SOCKETS; i++) {
			struct regio_result result = poll_one(cq);

			expect_result(&result, 0, 0, result.request_context);
		}
	}
	for (size_t i = 0; i < SOCKETS; i++)
		side_close(&sides[i]);
	EXPECT_RETURN(0, regio_cq_close(cq));
	close(peer);
}
END_TEST

static void *close_elsewhere(void *argument)
{
	struct side *side = argument;

	side_close(side);
	return NULL;
}

/* Closed elsewhere, so that this thread's ring still polls what is gone. */
START_TEST(a_driver_in_the_place_of_another_is_polled_anew)
{
	for (uint64_t round = 0; round < scaled(200); round++) {
		struct side side;

		open_pair(&side, NULL);
		expect_arrivals(&side, 1 + (int)(round % 3));
		if (round % 4)
			pthread_join(start(close_elsewhere, &side), NULL);
		else
			side_close(&side);
	}
}
END_TEST

struct crowd {
	struct regio_driver *driver;
	pthread_barrier_t here, done;
};

static void *be_one_of_many(void *argument)
{
	struct crowd *crowd = argument;
	struct side side;

	open_pair(&side, crowd->driver);
	pthread_barrier_wait(&crowd->here);
	expect_arrivals(&side, 2);
	pthread_barrier_wait(&crowd->done);
	side_close(&side);
	return NULL;
}

/* A process has 128 rings. */
START_TEST(more_threads_poll_than_there_are_rings)
{
	enum { THREADS = 140 };
	pthread_t threads[THREADS];
	struct crowd crowd;

	EXPECT_RETURN(0, regio_driver_create(NULL, &crowd.driver));
	pthread_barrier_init(&crowd.here, NULL, THREADS);
	pthread_barrier_init(&crowd.done, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		threads[i] = start(be_one_of_many, &crowd);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crowd.here);
	pthread_barrier_destroy(&crowd.done);
	EXPECT_RETURN(0, regio_driver_close(crowd.driver));
}
END_TEST

/* ---- Batches ------------------------------------------------------------------- */

enum { BATCH = 16, CLOSED = 3, FULL = 7, REFUSED = 11 };

struct batch {
	struct regio_driver *driver;
	struct side sides[BATCH];
};

static void open_batch(struct batch *batch, int family)
{
	EXPECT_RETURN(0, regio_driver_create(NULL, &batch->driver));
	for (uint64_t i = 0; i < BATCH; i++)
		SIDE_OPEN(&batch->sides[i], .family = family, .peer = PEER_BOTH_WAYS, .receives = 1,
			  .sends = 1, .slot_size = MESSAGE_SIZE, .driver = batch->driver);
}

static void close_batch(struct batch *batch)
{
	for (uint64_t i = 0; i < BATCH; i++)
		side_close(&batch->sides[i]);
	EXPECT_RETURN(0, regio_driver_close(batch->driver));
}

/* Deferred, so that one pass finds them all. */
static void post_batch(struct batch *batch, uint64_t round)
{
	for (uint64_t i = 0; i < BATCH; i++)
		post_message(&batch->sides[i], 1, MESSAGE_SIZE, round * BATCH + i, REGIO_MSG_DEFER);
}

static void expect_arrival(const struct batch *batch, uint64_t i, uint64_t round)
{
	uint8_t data[MESSAGE_SIZE];

	ck_assert_uint_eq(receive_plain(batch->sides[i].peer, data, sizeof(data)), MESSAGE_SIZE);
	expect_message(data, MESSAGE_SIZE, round * BATCH + i);
}

static void run_batch(struct batch *batch, uint64_t round)
{
	post_batch(batch, round);
	for (uint64_t i = 0; i < BATCH; i++) {
		struct regio_result result = collect_one(batch->sides[i].send_cq);

		expect_result(&result, 0, MESSAGE_SIZE, 1);
		expect_arrival(batch, i, round);
	}
}

static void fill_socket_buffer(struct batch *batch)
{
	char data[1000] = {0};
	int fd = batch->sides[FULL].fd;

	set_option(fd, SOL_SOCKET, SO_SNDBUF, 1);
	for (int i = 0; send(fd, data, sizeof(data), MSG_DONTWAIT) > 0; i++)
		EXPECT(i < 1000, "the socket buffer does not fill");
	EXPECT(errno == EAGAIN, "%m");
}

/* What arrives before the message is what filled the socket buffer. */
static void expect_late_arrival(const struct batch *batch, uint64_t round)
{
	uint8_t data[1000];

	while (receive_plain(batch->sides[FULL].peer, data, sizeof(data)) == sizeof(data))
		continue;
	expect_message(data, MESSAGE_SIZE, round * BATCH + FULL);
}

START_TEST(each_operation_of_a_batch_has_its_own_result)
{
	const char *refused = enter_slow_network();
	uint64_t round = 0;
	struct batch batch;

	if (refused)
		SKIP("%s", refused);
	open_batch(&batch, families[_i]);
	/* Rings are made, and the queues are no longer young. */
	for (; round < 20; round++)
		run_batch(&batch, round);
	/* The first send is answered by ICMP; that must not cost the second one. */
	close(batch.sides[REFUSED].peer);
	send_plain(batch.sides[REFUSED].fd, "nobody", 6);
	batch.sides[REFUSED].peer = udp_socket(families[_i]);
	/* With close() the thread sanitizer would report the driver's thread, which used it. */
	syscall(SYS_close, batch.sides[CLOSED].fd);
	fill_socket_buffer(&batch);
	post_batch(&batch, round);
	for (uint64_t i = 0; i < BATCH; i++) {
		struct regio_result result = collect_one(batch.sides[i].send_cq);

		if (i == CLOSED)
			expect_result(&result, -EBADF, 0, 1);
		else
			expect_result(&result, 0, MESSAGE_SIZE, 1);
		if (i == FULL)
			expect_late_arrival(&batch, round);
		else if (i != CLOSED && i != REFUSED)
			expect_arrival(&batch, i, round);
	}
	EXPECT(nothing_queued(batch.sides[CLOSED].peer), "a message left a closed socket");
	close_batch(&batch);
}
END_TEST

/* The event comes while the thread executes the batch that makes it. */
START_TEST(what_a_batch_sends_to_a_queue_of_its_own_thread_arrives)
{
	struct regio_result results[BATCH];
	struct side receiver;
	struct batch batch;

	open_batch(&batch, families[_i]);
	SIDE_OPEN(&receiver, .family = families[_i], .receives = BATCH, .slot_size = MESSAGE_SIZE,
		  .driver = batch.driver);
	for (uint64_t round = 0; round < 20; round++)
		run_batch(&batch, round);
	for (uint64_t i = 0; i < BATCH; i++)
		connect_to(batch.sides[i].fd, receiver.fd);
	for (uint64_t round = 0; round < 20; round++) {
		for (uint64_t i = 0; i < BATCH; i++)
			post_receive(&receiver, i);
		/* Until nothing is tried in the hope of a quick answer. */
		for (int i = 0; i < 5000; i++)
			expect_empty(receiver.receive_cq);
		post_batch(&batch, round);
		for (uint64_t i = 0; i < BATCH; i++)
			results[i] = poll_one(receiver.receive_cq);
		for (uint64_t i = 0; i < BATCH; i++) {
			expect_result(&results[i], 0, MESSAGE_SIZE, i);
			poll_one(batch.sides[i].send_cq);
		}
	}
	side_close(&receiver);
	close_batch(&batch);
}
END_TEST

/* What a batch of receives finds on the i-th socket: slots have MESSAGE_SIZE bytes. */
static uint32_t arrival_length(uint64_t i, uint64_t round)
{
	const uint32_t lengths[] = {MESSAGE_SIZE, 0, MESSAGE_SIZE + 1, 1, 2000};

	return lengths[(i + round) % ARRAY_SIZE(lengths)];
}

START_TEST(a_batch_of_receives_keeps_what_is_empty_and_what_is_cut)
{
	uint8_t data[2000];
	struct batch batch;

	open_batch(&batch, families[_i]);
	for (uint64_t round = 0; round < 50; round++) {
		for (uint64_t i = 0; i < BATCH; i++) {
			post_receive(&batch.sides[i], 0);
			fill_message(data, sizeof(data), round + i);
			send_plain(batch.sides[i].peer, data, arrival_length(i, round));
		}
		for (uint64_t i = 0; i < BATCH; i++) {
			struct regio_result result = collect_one(batch.sides[i].receive_cq);
			uint32_t length = arrival_length(i, round);
			bool cut = length > MESSAGE_SIZE;

			expect_result(&result, cut ? -EMSGSIZE : 0, cut ? MESSAGE_SIZE : length, 0);
			expect_message(batch.sides[i].memory, result.bytes, round + i);
		}
	}
	close_batch(&batch);
}
END_TEST

int main(void)
{
	static const char *const closers[] = {"by the thread itself", "by another thread"};
	const struct test_case cases[] = {
		CASE(an_address_can_be_bound_again_as_soon_as_close_has_returned),
		{blocking_calls_are_not_interrupted_when_a_driver_is_closed, closers, 2,
		 CASE_TIMEOUT_S},
		CASE(blocking_calls_are_not_interrupted_when_other_threads_end),
		{a_second_thread_takes_over_from_the_first_under_load, family_names, 2,
		 4 * CASE_TIMEOUT_S},
		CASE_PER_FAMILY(a_completion_queue_is_handed_from_thread_to_thread),
		CASE(one_thread_polls_more_drivers_than_a_ring_does),
		CASE(a_thread_that_polls_finds_the_events_of_hundreds_of_sockets),
		CASE(a_driver_in_the_place_of_another_is_polled_anew),
		CASE(more_threads_poll_than_there_are_rings),
		CASE_PER_FAMILY(each_operation_of_a_batch_has_its_own_result),
		CASE_PER_FAMILY(what_a_batch_sends_to_a_queue_of_its_own_thread_arrives),
		CASE_PER_FAMILY(a_batch_of_receives_keeps_what_is_empty_and_what_is_cut),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
