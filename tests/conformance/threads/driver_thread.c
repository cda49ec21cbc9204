/* SPDX-License-Identifier: MIT */
/*
 * driver_thread.c - drivers with a thread of their own: its life, its sleep, and what it does while
 * the program's threads do something else, or nothing
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_SIZE 64u

static struct regio_driver *driver_with(struct regio_driver_opts opts)
{
	struct regio_driver *driver = NULL;

	opts.size = sizeof(opts);
	opts.flags |= REGIO_DRIVER_THREAD;
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	return driver;
}

static struct regio_driver *threaded_driver(void)
{
	return driver_with((struct regio_driver_opts){0});
}

static struct regio_driver_info info_of(struct regio_driver *driver)
{
	struct regio_driver_info info;

	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	return info;
}

static pthread_t start(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, argument), 0);
	return thread;
}

/* A side on the driver and a plain peer; both are connected. */
static void open_pair(struct side *side, struct regio_driver *driver, uint32_t slots)
{
	SIDE_OPEN(side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = slots,
		  .sends = slots, .slot_size = MESSAGE_SIZE, .driver = driver);
}

static void ping_pong(struct side *side, uint64_t round)
{
	uint8_t data[MESSAGE_SIZE];
	struct regio_result result;

	post_receive(side, 0);
	fill_message(data, sizeof(data), round);
	send_plain(side->peer, data, sizeof(data));
	result = collect_one(side->receive_cq);
	expect_result(&result, 0, MESSAGE_SIZE, 0);
	expect_message(side->memory, MESSAGE_SIZE, round);
	post_message(side, side->receives, MESSAGE_SIZE, round, 0);
	result = collect_one(side->send_cq);
	expect_result(&result, 0, MESSAGE_SIZE, side->receives);
	receive_plain(side->peer, data, sizeof(data));
	expect_message(data, MESSAGE_SIZE, round);
}

/* ---- Life ---------------------------------------------------------------------- */

/* Calls 'visit' with the name of each thread of the process; returns how many there are. */
static unsigned int each_thread(void (*visit)(pid_t thread, const char *name, void *argument),
				void *argument)
{
	DIR *directory = opendir("/proc/self/task");
	unsigned int count = 0;
	struct dirent *entry;

	EXPECT(directory, "%m");
	while ((entry = readdir(directory))) {
		char path[300], name[32] = "";
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (visit && fscanf(file, "%31s", name) == 1)
			visit((pid_t)strtol(entry->d_name, NULL, 10), name, argument);
		fclose(file);
		count++;
	}
	closedir(directory);
	return count;
}

static void remember_if_ours(pid_t thread, const char *name, void *argument)
{
	if (!strcmp(name, "regio"))
		*(pid_t *)argument = thread;
}

static pid_t driver_thread(void)
{
	pid_t thread = 0;

	each_thread(remember_if_ours, &thread);
	return thread;
}

/* What the process has without a driver's thread, the last of which the kernel may still show. */
static unsigned int count_others(void)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (driver_thread()) {
		EXPECT(now_ns() < deadline_ns, "a driver's thread is still there");
		sched_yield();
	}
	return each_thread(NULL, NULL);
}

/* The kernel may still show the last one. */
static void await_threads(unsigned int count)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (each_thread(NULL, NULL) != count) {
		EXPECT(now_ns() < deadline_ns, "%u threads, not %u", each_thread(NULL, NULL),
		       count);
		sched_yield();
	}
}

/* Stopped while it has just started, sleeps, works, or has left something. */
static void live_once(uint64_t round)
{
	struct regio_driver *driver = driver_with((struct regio_driver_opts){
		.thread_spin_ns = round % 4 == 3 ? REGIO_SPIN_ALWAYS : 0});
	struct side side;

	if (round % 4 == 1)
		await_sleep(driver);
	if (round % 5 == 2) {
		open_pair(&side, driver, 4);
		ping_pong(&side, round);
		post_receive(&side, 1);
		post_send(&side, 4, MESSAGE_SIZE, 0);
		side_close(&side);
	}
	EXPECT_RETURN(0, regio_driver_close(driver));
}

/* Holds: regio_driver_create Ownership. */
START_TEST(a_thousand_starts_and_stops_leave_nothing)
{
	const uint64_t rounds = scaled(1000);
	unsigned int threads, descriptors;
	size_t allocated;

	for (uint64_t round = 0; round < 20; round++)
		live_once(round);
	threads = count_others();
	descriptors = open_descriptors();
	allocated = mallinfo2().uordblks;
	for (uint64_t round = 0; round < rounds; round++)
		live_once(round);
	await_threads(threads);
	ck_assert_uint_eq(open_descriptors(), descriptors);
	/* Far less for each than a driver is; what the allocator keeps for threads varies. */
	if (!built_with_sanitizer())
		EXPECT(mallinfo2().uordblks < allocated + 64 * rounds, "%zu bytes more",
		       mallinfo2().uordblks - allocated);
}
END_TEST

/* Holds: regio_driver_create Blocking. */
START_TEST(a_driver_is_made_with_every_descriptor_of_its_thread)
{
	cpu_set_t allowed, own;
	int cpu = sched_getcpu();

	EXPECT(cpu >= 0, "%m");
	EXPECT(sched_getaffinity(0, sizeof(allowed), &allowed) == 0, "%m");
	CPU_ZERO(&own);
	CPU_SET(cpu, &own);
	EXPECT(sched_setaffinity(0, sizeof(own), &own) == 0, "%m");
	for (int round = 0; round < 20; round++) {
		/* On this thread's CPU it seldom runs before this one waits. */
		struct regio_driver *driver = driver_with((struct regio_driver_opts){
			.flags = REGIO_DRIVER_THREAD_CPU, .thread_cpu = (uint32_t)cpu});
		unsigned int descriptors = open_descriptors();

		await_sleep(driver);
		ck_assert_uint_eq(open_descriptors(), descriptors);
		EXPECT_RETURN(0, regio_driver_close(driver));
	}
	EXPECT(sched_setaffinity(0, sizeof(allowed), &allowed) == 0, "%m");
}
END_TEST

/* Holds: REGIO_DRIVER_THREAD_CPU. */
START_TEST(the_thread_has_a_name_and_runs_where_asked)
{
	struct regio_driver *driver;
	cpu_set_t allowed, found;
	unsigned int count = 0;
	pid_t thread;

	EXPECT(sched_getaffinity(0, sizeof(allowed), &allowed) == 0, "%m");
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE && count < 4; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		count++;
		driver = driver_with((struct regio_driver_opts){.flags = REGIO_DRIVER_THREAD_CPU,
								.thread_cpu = cpu});
		thread = driver_thread();
		EXPECT(thread > 0, "no thread is called regio");
		EXPECT(sched_getaffinity(thread, sizeof(found), &found) == 0, "%m");
		EXPECT(CPU_COUNT(&found) == 1 && CPU_ISSET(cpu, &found), "not on CPU %u", cpu);
		EXPECT_RETURN(0, regio_driver_close(driver));
	}
	driver = threaded_driver();
	EXPECT(sched_getaffinity(driver_thread(), sizeof(found), &found) == 0, "%m");
	EXPECT(CPU_EQUAL(&found, &allowed), "a thread without a CPU does not run on all");
	EXPECT_RETURN(0, regio_driver_close(driver));
	EXPECT(sched_getaffinity(0, sizeof(found), &found) == 0, "%m");
	EXPECT(CPU_EQUAL(&found, &allowed), "the program's own thread was moved");
}
END_TEST

START_TEST(the_thread_leaves_signals_to_those_of_the_program)
{
	const struct regio_driver_opts opts = {.size = sizeof(opts), .flags = REGIO_DRIVER_THREAD};
	const struct timespec patience = {.tv_sec = PATIENCE_NS / SECOND_NS};
	struct regio_driver *driver;
	struct side side;
	sigset_t set;

	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ONE_WAY, .receives = 1, .driver = driver);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	EXPECT(kill(getpid(), SIGUSR1) == 0, "%m");
	/* The driver's thread has run since. */
	for (int round = 0; round < 100; round++) {
		EXPECT_RETURN(0, regio_receive(side.rq, NULL, 0, 0));
		send_plain(side.peer, NULL, 0);
		collect_one(side.receive_cq);
	}
	EXPECT(sigtimedwait(&set, NULL, &patience) == SIGUSR1, "the signal is gone");
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: regio_driver_create -EINVAL. */
START_TEST(a_cpu_that_is_not_there_is_refused_and_leaves_nothing)
{
	const uint32_t cpus[] = {CPU_SETSIZE - 1, CPU_SETSIZE, 5000, UINT32_MAX};
	struct regio_driver_opts opts = {.size = sizeof(opts),
					 .flags = REGIO_DRIVER_THREAD | REGIO_DRIVER_THREAD_CPU};
	unsigned int threads, descriptors;

	/* What the process keeps once and for all. */
	EXPECT_RETURN(0, regio_driver_close(threaded_driver()));
	threads = count_others();
	descriptors = open_descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		struct regio_driver *driver = NULL;

		opts.thread_cpu = cpus[i];
		EXPECT_RETURN(-EINVAL, regio_driver_create(&opts, &driver));
		ck_assert_ptr_null(driver);
		EXPECT(strstr(regio_last_error(), "CPU") && strstr(regio_last_error(), "taskset"),
		       "\"%s\"", regio_last_error());
	}
	await_threads(threads);
	ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

/*
 * As good as the flag, so what belongs to the flag belongs to it.
 *
 * Holds: regio_driver_info.thread.
 */
START_TEST(a_thread_that_the_environment_asks_for_may_have_a_cpu_and_a_spin_time)
{
	struct regio_driver_opts opts = {.size = sizeof(opts)};
	struct regio_driver *driver = NULL;

	setenv("REGIO_ENGINE", "auto+thread", 1);
	opts.thread_spin_ns = REGIO_SPIN_ALWAYS;
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	ck_assert_uint_eq(info_of(driver).thread, 1);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Sleep --------------------------------------------------------------------- */

/* Holds: regio_driver_opts.thread_spin_ns, regio_driver_info.asleep, regio_driver_info.sleeps. */
START_TEST(the_thread_sleeps_without_work_and_a_post_or_a_message_wakes_it)
{
	struct regio_driver *driver = threaded_driver();
	struct regio_result result;
	struct side side;
	uint64_t sleeps = 0;

	open_pair(&side, driver, 1);
	for (uint64_t round = 0; round < scaled(400); round++) {
		uint8_t data[MESSAGE_SIZE];
		uint64_t before = sleeps;

		await_sleep(driver);
		sleeps = info_of(driver).sleeps;
		/* A send may have been executed in the call: standby.c. */
		if (round % 2)
			EXPECT(sleeps > before, "%llu sleeps", (unsigned long long)sleeps);
		if (round % 2) {
			post_message(&side, 1, MESSAGE_SIZE, round,
				     round % 4 == 1 ? 0 : REGIO_MSG_DEFER);
			receive_plain(side.peer, data, sizeof(data));
			expect_message(data, MESSAGE_SIZE, round);
			result = collect_one(side.send_cq);
			expect_result(&result, 0, MESSAGE_SIZE, 1);
		} else {
			post_receive(&side, 0);
			await_sleep(driver);
			send_plain(side.peer, "x", 1);
			result = collect_one(side.receive_cq);
			expect_result(&result, 0, 1, 0);
		}
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/*
 * A queue that has been busy stays on the driver's lists for a while, and has another way to the
 * thread. One that nobody calls looks twice a second of itself: too seldom for all of these.
 */
START_TEST(the_first_send_of_each_queue_wakes_the_thread)
{
	struct regio_driver *driver = threaded_driver();
	uint8_t data[MESSAGE_SIZE];
	struct side side;

	for (uint64_t round = 0; round < scaled(400); round++) {
		open_pair(&side, driver, 1);
		await_sleep(driver);
		post_message(&side, 1, MESSAGE_SIZE, round, 0);
		receive_plain(side.peer, data, sizeof(data));
		expect_message(data, MESSAGE_SIZE, round);
		side_close(&side);
	}
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: REGIO_SPIN_ALWAYS, regio_driver_info.asleep, regio_driver_info.sleeps. */
START_TEST(a_thread_that_spins_always_never_sleeps)
{
	struct regio_driver *driver =
		driver_with((struct regio_driver_opts){.thread_spin_ns = REGIO_SPIN_ALWAYS});
	struct regio_driver_info info;
	struct side side;

	open_pair(&side, driver, 1);
	for (uint64_t round = 0; round < 100; round++)
		ping_pong(&side, round);
	/* A thousand times as long as others spin. */
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 50 * MILLISECOND_NS));
	ping_pong(&side, 100);
	info = info_of(driver);
	ck_assert_uint_eq(info.sleeps, 0);
	ck_assert_uint_eq(info.asleep, 0);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* It would spin for hours after each message. */
START_TEST(a_thread_on_the_cpu_of_the_program_sleeps_at_once)
{
	const uint64_t rounds = scaled(400);
	struct regio_result result;
	struct regio_driver *driver;
	struct side side;

	stay_on_one_cpu();
	driver = driver_with((struct regio_driver_opts){.thread_spin_ns = 1000 * PATIENCE_NS});
	open_pair(&side, driver, 1);
	for (uint64_t round = 0; round < rounds; round++) {
		post_receive(&side, 0);
		send_plain(side.peer, "x", 1);
		result = _i ? poll_one(side.receive_cq) : collect_one(side.receive_cq);
		expect_result(&result, 0, 1, 0);
		await_sleep(driver);
	}
	ck_assert_uint_ge(info_of(driver).sleeps, rounds);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Beside the program ---------------------------------------------------------- */

static void *post_and_end(void *argument)
{
	struct side *side = argument;

	for (uint64_t i = 0; i < side->receives; i++)
		post_receive(side, i);
	for (uint64_t i = 0; i < side->sends; i++)
		post_message(side, side->receives + i, MESSAGE_SIZE, i, REGIO_MSG_DEFER);
	return NULL;
}

/* Holds: REGIO_DRIVER_THREAD. */
START_TEST(what_a_thread_posted_goes_on_when_it_has_ended)
{
	enum { SLOTS = 64 };
	struct regio_driver *driver = threaded_driver();
	struct regio_result results[SLOTS];
	uint8_t data[MESSAGE_SIZE];
	struct side side;

	open_pair(&side, driver, SLOTS);
	pthread_join(start(post_and_end, &side), NULL);
	for (uint64_t i = 0; i < SLOTS; i++) {
		receive_plain(side.peer, data, sizeof(data));
		expect_message(data, MESSAGE_SIZE, i);
		send_plain(side.peer, data, sizeof(data));
	}
	collect(side.receive_cq, results, SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++) {
		expect_result(&results[i], 0, MESSAGE_SIZE, i);
		expect_message(slot_memory(&side, i), MESSAGE_SIZE, i);
	}
	collect(side.send_cq, results, SLOTS);
	expect_result(&results[SLOTS - 1], 0, MESSAGE_SIZE, 2 * SLOTS - 1);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

struct blocked {
	struct side side;
	sem_t posted, go;
};

static void *post_block_and_look(void *argument)
{
	struct blocked *blocked = argument;
	struct regio_result results[64];

	post_and_end(&blocked->side);
	sem_post(&blocked->posted);
	while (sem_wait(&blocked->go) < 0)
		continue;
	/* Once each, and all are there. */
	EXPECT_RETURN(64, regio_cq_dequeue(blocked->side.receive_cq, results, 64));
	for (uint64_t i = 0; i < 64; i++) {
		expect_result(&results[i], 0, MESSAGE_SIZE, i);
		expect_message(slot_memory(&blocked->side, i), MESSAGE_SIZE, i);
	}
	EXPECT_RETURN(64, regio_cq_dequeue(blocked->side.send_cq, results, 64));
	return NULL;
}

/* Holds: REGIO_DRIVER_THREAD. */
START_TEST(traffic_goes_on_while_the_thread_that_uses_it_is_blocked)
{
	struct regio_driver *driver = threaded_driver();
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_rq_info info = {0};
	uint8_t data[MESSAGE_SIZE];
	struct blocked blocked;

	open_pair(&blocked.side, driver, 64);
	sem_init(&blocked.posted, 0, 0);
	sem_init(&blocked.go, 0, 0);
	pthread_t thread = start(post_block_and_look, &blocked);

	while (sem_wait(&blocked.posted) < 0)
		continue;
	for (uint64_t i = 0; i < 64; i++) {
		receive_plain(blocked.side.peer, data, sizeof(data));
		expect_message(data, MESSAGE_SIZE, i);
		send_plain(blocked.side.peer, data, sizeof(data));
	}
	while (info.messages_received < 64 || info.messages_sent < 64) {
		EXPECT(now_ns() < deadline_ns, "%llu messages came",
		       (unsigned long long)info.messages_received);
		sched_yield();
		EXPECT_RETURN(0, regio_rq_get_info(blocked.side.rq, &info, sizeof(info)));
	}
	/* They are counted a little before they are completed. */
	await_sleep(driver);
	sem_post(&blocked.go);
	pthread_join(thread, NULL);
	sem_destroy(&blocked.posted);
	sem_destroy(&blocked.go);
	side_close(&blocked.side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

static void own_driver_in_child(struct side *parent, struct regio_driver *driver)
{
	struct regio_driver_info info;
	struct regio_driver *own;
	struct regio_result result;
	struct side side;

	EXPECT_RETURN(-ECHILD, regio_driver_get_info(driver, &info, sizeof(info)));
	EXPECT_RETURN(-ECHILD, regio_cq_dequeue(parent->receive_cq, &result, 1));
	EXPECT_RETURN(-ECHILD, regio_cq_wait(parent->receive_cq, 1, 0, -1));
	EXPECT_RETURN(-ECHILD, regio_send(parent->rq, NULL, 0, 0));
	EXPECT_RETURN(-ECHILD, regio_driver_close(driver));
	own = threaded_driver();
	open_pair(&side, own, 4);
	for (uint64_t round = 0; round < 20; round++)
		ping_pong(&side, round);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(own));
}

START_TEST(a_forked_child_has_no_thread_but_may_make_one)
{
	struct regio_driver *driver = threaded_driver();
	struct side side;

	open_pair(&side, driver, 4);
	if (built_with_sanitizer())
		SKIP("a sanitizer's locks may be taken when a process with threads forks");
	for (uint64_t round = 0; round < 20; round++) {
		pid_t child;
		int status;

		ping_pong(&side, round);
		if (round % 2)
			await_sleep(driver);
		child = check_fork();
		if (child == 0) {
			own_driver_in_child(&side, driver);
			_exit(EXIT_SUCCESS);
		}
		ping_pong(&side, round);
		EXPECT(waitpid(child, &status, 0) == child, "%m");
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
		       "the child ended with %#x", status);
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Several threads ------------------------------------------------------------- */

struct player {
	struct side side;
	enum manner manner;
	uint64_t rounds;
	bool serves;
};

static void *play(void *argument)
{
	struct player *player = argument;
	struct side *side = &player->side;

	for (uint64_t round = 0; round < player->rounds; round++) {
		struct regio_result result;

		post_receive(side, 0);
		if (player->serves)
			post_message(side, 1, MESSAGE_SIZE, round, 0);
		result = collect_in_manner(side->receive_cq, player->manner);
		expect_result(&result, 0, MESSAGE_SIZE, 0);
		expect_message(side->memory, MESSAGE_SIZE, round);
		if (!player->serves)
			post_message(side, 1, MESSAGE_SIZE, round, 0);
		result = collect_in_manner(side->send_cq, player->manner);
		expect_result(&result, 0, MESSAGE_SIZE, 1);
	}
	return NULL;
}

/* Holds: regio_cq_notify Threads, regio_cq_wait Threads. */
START_TEST(threads_that_poll_wait_and_sleep_share_one_driver)
{
	struct regio_driver *driver = threaded_driver();
	struct player players[2 * MANNERS];
	pthread_t threads[ARRAY_SIZE(players)];

	for (size_t i = 0; i < ARRAY_SIZE(players); i++) {
		/* Each plays against one of another manner. */
		players[i].manner = (i / 2 + i % 2) % MANNERS;
		players[i].rounds = scaled(1000);
		players[i].serves = i % 2 == 0;
		SIDE_OPEN(&players[i].side, .family = AF_INET, .receives = 1, .sends = 1,
			  .slot_size = MESSAGE_SIZE, .driver = driver);
	}
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		connect_to(players[i].side.fd, players[i ^ 1].side.fd);
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		threads[i] = start(play, &players[i]);
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		side_close(&players[i].side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Signals ------------------------------------------------------------------- */

enum { RECEIVES = 64 };

struct source {
	int fd;
	uint64_t total;
	atomic_ullong received;
};

static void *send_few_ahead(void *argument)
{
	struct source *source = argument;
	uint64_t random = 5;

	for (uint64_t sent = 0; sent < source->total;) {
		uint64_t burst = 1 + random_below(&random, 8);

		while (sent > atomic_load(&source->received) + random_below(&random, 8))
			sched_yield();
		for (; burst > 0 && sent < source->total; burst--, sent++)
			send_plain(source->fd, &sent, sizeof(sent));
	}
	return NULL;
}

/* Dequeues until nothing is left, and posts again. Returns how many there were. */
static uint64_t take_all(struct side *side, uint64_t received)
{
	struct regio_result results[RECEIVES];
	uint64_t before = received;
	int got;

	while ((got = regio_cq_dequeue(side->receive_cq, results, RECEIVES)) > 0) {
		for (int i = 0; i < got; i++, received++) {
			uint64_t slot = received % RECEIVES, number;

			expect_result(&results[i], 0, sizeof(number), slot);
			memcpy(&number, slot_memory(side, slot), sizeof(number));
			ck_assert_uint_eq(number, received);
			post_receive(side, slot);
		}
	}
	EXPECT(got == 0, "%s", regio_error_name(got));
	return received - before;
}

/* All of them before the thread, which has just done something, has announced its sleep. */
START_TEST(what_is_posted_while_the_thread_goes_to_sleep_is_done)
{
	struct regio_driver *driver = driver_with((struct regio_driver_opts){.thread_spin_ns = 1});
	const uint64_t rounds = scaled(5000);
	struct regio_result results[4];
	struct side side;

	open_pair(&side, driver, 4);
	for (uint64_t round = 0; round < rounds; round++) {
		for (int i = 0; i < 4; i++)
			send_plain(side.peer, "x", 1);
		post_receive(&side, 0);
		for (uint64_t pause = round % 5000; pause > 0; pause--)
			atomic_signal_fence(memory_order_seq_cst);
		for (uint64_t slot = 1; slot < 4; slot++)
			post_receive(&side, slot);
		collect(side.receive_cq, results, 4);
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: regio_cq_notify what, regio_cq_fd what. */
START_TEST(each_signal_on_the_descriptor_finds_a_completion_and_none_is_lost)
{
	struct regio_driver *driver = threaded_driver();
	struct source source = {.total = scaled(60000)};
	uint64_t received = 0, signals = 0;
	struct pollfd descriptor = {.events = POLLIN};
	struct side side;

	open_pair(&side, driver, RECEIVES);
	source.fd = side.peer;
	descriptor.fd = regio_cq_fd(side.receive_cq);
	for (uint64_t i = 0; i < RECEIVES; i++)
		post_receive(&side, i);
	pthread_t sender = start(send_few_ahead, &source);

	while (received < source.total) {
		uint64_t got;

		EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
		EXPECT(poll(&descriptor, 1, PATIENCE_NS / MILLISECOND_NS) == 1,
		       "no signal behind message %llu", (unsigned long long)received);
		got = take_all(&side, received);
		signals++;
		EXPECT(got > 0, "signal %llu found nothing", (unsigned long long)signals);
		received += got;
		atomic_store(&source.received, received);
	}
	pthread_join(sender, NULL);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Trains -------------------------------------------------------------------- */

enum { SENDS = 256, TRAIN_WINDOW = 100 };

/* A driver whose thread has a CPU of its own, and the caller another; NULL if there is only one. */
static struct regio_driver *driver_on_other_cpu(void)
{
	struct regio_driver_opts opts = {.flags = REGIO_DRIVER_THREAD_CPU};
	const int cpu = stay_on_one_cpu_of_two();

	if (cpu < 0)
		return NULL;
	opts.thread_cpu = (uint32_t)cpu;
	return driver_with(opts);
}

/* Holds: REGIO_DRIVER_THREAD. */
START_TEST(sends_that_gather_behind_one_in_progress_travel_together)
{
	struct regio_driver *driver = driver_on_other_cpu();
	struct regio_result results[SENDS];
	uint64_t posted = 0, sent = 0, arrived = 0, total = scaled(20000);
	struct regio_rq_info info;
	uint8_t data[MESSAGE_SIZE];
	struct side side;

	if (train_limit() == 1)
		SKIP("the kernel has no UDP_SEGMENT");
	if (!driver)
		SKIP("there is one CPU, where each send is executed in its call");
	open_pair(&side, driver, SENDS);
	while (arrived < total) {
		int got;

		/* As fast as it can, and never deferred. */
		for (; posted < total && posted - arrived < TRAIN_WINDOW; posted++)
			post_message(&side, SENDS + posted % SENDS, MESSAGE_SIZE, posted, 0);
		got = regio_cq_dequeue(side.send_cq, results, SENDS);
		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++, sent++)
			expect_result(&results[i], 0, MESSAGE_SIZE, SENDS + sent % SENDS);
		for (; arrived < sent; arrived++) {
			ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)),
					  MESSAGE_SIZE);
			expect_message(data, MESSAGE_SIZE, arrived);
		}
		if (got == 0)
			sched_yield();
	}
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	ck_assert_uint_eq(info.messages_sent, total);
	EXPECT(info.trains_sent > 0, "%llu calls for %llu messages",
	       (unsigned long long)info.send_calls, (unsigned long long)total);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Another socket ------------------------------------------------------------ */

/* One by one, until the thread watches the socket no longer. */
static void receive_in_pieces(struct side *side, uint32_t pieces)
{
	for (uint32_t i = 0; i < pieces; i++) {
		struct regio_result result;

		post_receive(side, 0);
		write_stream(side->peer, side->slot_size, (uint64_t)i * side->slot_size);
		result = poll_one(side->receive_cq);
		expect_result(&result, 0, side->slot_size, 0);
		expect_stream(side->memory, side->slot_size, (uint64_t)i * side->slot_size);
	}
}

START_TEST(a_socket_that_is_replaced_is_watched_whatever_the_thread_does_meanwhile)
{
	enum { PIECES = 40 };
	struct regio_driver *driver = threaded_driver();
	struct side side;
	uint64_t random = 1;
	int fds[2];

	SIDE_OPEN(&side, .family = AF_UNIX, .peer = PEER_STREAM, .receives = 1,
		  .slot_size = MESSAGE_SIZE, .driver = driver);
	for (uint64_t round = 0; round < scaled(1000); round++) {
		int64_t until_ns = now_ns() + random_below(&random, 150000);

		receive_in_pieces(&side, PIECES);
		/* At any moment of its going to sleep. */
		while (now_ns() < until_ns)
			continue;
		stream_pair(AF_UNIX, fds);
		EXPECT_RETURN(0, regio_rq_replace_socket(side.rq, fds[0]));
		close(fds[0]);
		peer_close(&side);
		side.peer = fds[1];
		post_receive(&side, 0);
		write_stream(side.peer, MESSAGE_SIZE, 0);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, MESSAGE_SIZE, 0);
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

struct pair_sender {
	int peer;
	_Atomic uint64_t rounds;
	_Atomic uint64_t received;
};

/* Two at a time, then none until both have come: the second has no event of its own. */
static void *send_pairs(void *argument)
{
	struct pair_sender *sender = argument;

	for (uint64_t round = 0; round < sender->rounds; round++) {
		while (sender->received < 2 * round)
			sched_yield();
		send_plain(sender->peer, "1", 1);
		send_plain(sender->peer, "2", 1);
	}
	return NULL;
}

START_TEST(resizing_beside_the_thread_leaves_no_message_behind)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .flags = REGIO_DRIVER_THREAD};
	struct pair_sender sender = {.rounds = UINT64_MAX / 2};
	const int64_t end_ns = now_ns() + SECOND_NS;
	int64_t deadline_ns = end_ns + PATIENCE_NS;
	struct regio_driver *driver;
	struct regio_result results[4];
	struct side side;
	pthread_t thread;

	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	SIDE_OPEN(&side, .family = families[0], .peer = PEER_ONE_WAY, .receives = 4,
		  .slot_size = 64, .driver = driver);
	sender.peer = side.peer;
	for (uint64_t i = 0; i < 4; i++)
		post_receive(&side, i);
	EXPECT(pthread_create(&thread, NULL, send_pairs, &sender) == 0, "%m");
	while (sender.received < 2 * sender.rounds) {
		int got = regio_cq_dequeue(side.receive_cq, results, 4);

		for (int i = 0; i < got; i++)
			post_receive(&side, results[i].request_context);
		sender.received += (uint64_t)got;
		EXPECT_RETURN(0, regio_rq_resize(side.rq, 4, 0));
		if (sender.rounds > sender.received && now_ns() > end_ns)
			sender.rounds = sender.received / 2 + 2;
		EXPECT(now_ns() < deadline_ns, "message %llu stays away",
		       (unsigned long long)sender.received);
	}
	pthread_join(thread, NULL);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

int main(void)
{
	static const char *const programs[] = {"that waits", "that polls"};
	const struct test_case cases[] = {
		CASE(a_thousand_starts_and_stops_leave_nothing),
		CASE(a_driver_is_made_with_every_descriptor_of_its_thread),
		CASE(the_thread_has_a_name_and_runs_where_asked),
		CASE(the_thread_leaves_signals_to_those_of_the_program),
		CASE(a_cpu_that_is_not_there_is_refused_and_leaves_nothing),
		CASE(a_thread_that_the_environment_asks_for_may_have_a_cpu_and_a_spin_time),
		CASE(the_thread_sleeps_without_work_and_a_post_or_a_message_wakes_it),
		{the_first_send_of_each_queue_wakes_the_thread, NULL, 1, CASE_TIMEOUT_S / 4},
		CASE(a_thread_that_spins_always_never_sleeps),
		{a_thread_on_the_cpu_of_the_program_sleeps_at_once, programs, ARRAY_SIZE(programs),
		 CASE_TIMEOUT_S},
		CASE(what_a_thread_posted_goes_on_when_it_has_ended),
		CASE(traffic_goes_on_while_the_thread_that_uses_it_is_blocked),
		CASE(a_forked_child_has_no_thread_but_may_make_one),
		CASE(threads_that_poll_wait_and_sleep_share_one_driver),
		CASE(what_is_posted_while_the_thread_goes_to_sleep_is_done),
		CASE(each_signal_on_the_descriptor_finds_a_completion_and_none_is_lost),
		CASE(sends_that_gather_behind_one_in_progress_travel_together),
		CASE_SLOW(a_socket_that_is_replaced_is_watched_whatever_the_thread_does_meanwhile),
		CASE(resizing_beside_the_thread_leaves_no_message_behind),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
