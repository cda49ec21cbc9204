/* SPDX-License-Identifier: MIT */
/*
 * Starts the two sides of a run, leads them through its phases and sees them
 * end. The parent sleeps while they work. Nothing waits without a limit, and no
 * side outlives the parent.
 */
#include "run.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call_cost.h"
#include "instructions.h"
#include "lengths.h"
#include "message.h"
#include "trace.h"

#define MILLISECOND_NS 1000000u
#define SETUP_LIMIT_NS (20000u * (uint64_t)MILLISECOND_NS)
#define PHASE_LIMIT_NS (10000u * (uint64_t)MILLISECOND_NS)
#define POLL_NS MILLISECOND_NS
#define EVENTS_AT_ONCE 64

/* A run in progress. */
struct run {
	const struct run_request *request;
	struct bench_sockets sockets;
	struct bench_shared *shared;
	pid_t children[BENCH_ROLES]; /* 0: none, or ended */
	bool started[BENCH_ROLES];
	struct trace trace;
	char error[256];
};

typedef bool run_condition(const struct run *run);

static sigset_t awaited_signals;
static int interrupted; /* by which signal */

void run_prepare(void)
{
	sigemptyset(&awaited_signals);
	sigaddset(&awaited_signals, SIGCHLD);
	sigaddset(&awaited_signals, SIGINT);
	sigaddset(&awaited_signals, SIGTERM);
	sigaddset(&awaited_signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &awaited_signals, NULL);
}

static void note_signal(int signal)
{
	if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP)
		interrupted = signal;
}

int run_interrupted(void)
{
	const struct timespec now = {0};
	int signal;

	while ((signal = sigtimedwait(&awaited_signals, NULL, &now)) > 0)
		note_signal(signal);
	return interrupted;
}

static void fail_run(struct run *run, const char *text)
{
	if (!run->error[0])
		snprintf(run->error, sizeof(run->error), "%s", text);
}

/* ---- In the child -------------------------------------------------------- */

/* A side alone has the other's core for its thread. */
static int thread_cpu(const struct run_request *request, enum bench_role role)
{
	enum bench_role other = role == BENCH_TX ? BENCH_RX : BENCH_TX;

	if (case_side(request->test, request->impl, other))
		return request->placement.thread_cpus[role];
	return request->placement.cpus[other];
}

/* Before the side has threads: they are counted with it. */
static void count_calls(struct bench_side *side, const struct calls_method *method,
			struct calls_counter *counter)
{
	int error;

	if (!method)
		return;
	if (method->way == CALLS_BY_STOPS) {
		if (!trace_me())
			side_fail(side, "tracing is not allowed here");
		return;
	}
	error = calls_open(method, counter);
	if (error)
		side_fail_call(side, "perf_event_open", error);
	side->counter = counter;
}

static void make_calls_costly(struct bench_side *side, uint32_t work)
{
	int error = call_cost_install(work);

	if (error)
		side_fail_call(side, "seccomp", error);
}

static _Noreturn void child_main(struct run *run, enum bench_role role, pid_t parent)
{
	const struct run_request *request = run->request;
	const enum bench_role other = role == BENCH_TX ? BENCH_RX : BENCH_TX;
	struct bench_side side = {
		.role = role,
		.impl = request->impl,
		.params = request->params,
		.fds = run->sockets.fds[role],
		.fd_count = run->sockets.count[role],
		.peer_fds = run->sockets.fds[other],
		.peer_fd_count = run->sockets.count[other],
		.instruction_counter = -1,
		.cpu = request->placement.cpus[role],
		.thread_cpu = thread_cpu(request, role),
		.yields = request->params.one_core,
		.shared = run->shared,
		.record = &run->shared->records[role],
	};
	struct calls_counter counter;

	sigprocmask(SIG_UNBLOCK, &awaited_signals, NULL);
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	count_calls(&side, request->counting, &counter);
	if (request->test->shape == SHAPE_MANY && !request->counting)
		side.instruction_counter = instructions_open();
	placement_pin(side.cpu);
	make_calls_costly(&side, request->call_work);
	message_init(&side);
	case_side(request->test, request->impl, role)(&side);
	_exit(0);
}

/* ---- In the parent ------------------------------------------------------- */

static bool by_stops(const struct run_request *request)
{
	return request->counting && request->counting->way == CALLS_BY_STOPS;
}

static void start_side(struct run *run, enum bench_role role)
{
	pid_t parent = getpid();
	pid_t child;

	if (!case_side(run->request->test, run->request->impl, role))
		return;
	fflush(NULL);
	child = fork();
	if (child == 0)
		child_main(run, role, parent);
	if (child < 0) {
		fail_run(run, "fork failed");
		return;
	}
	run->children[role] = child;
	run->started[role] = true;
	if (by_stops(run->request))
		trace_add(&run->trace, child, role);
}

static const char *role_name(enum bench_role role)
{
	return role == BENCH_TX ? "sending side" : "receiving side";
}

static void side_ended(struct run *run, pid_t id, int status)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		const char *reason = run->shared->records[role].error;
		char text[256];

		if (run->children[role] != id)
			continue;
		run->children[role] = 0;
		if (WIFSIGNALED(status))
			snprintf(text, sizeof(text), "%s died of signal %d", role_name(role),
				 WTERMSIG(status));
		else if (WEXITSTATUS(status))
			snprintf(text, sizeof(text), "%s: %.200s", role_name(role), reason);
		else
			continue;
		fail_run(run, text);
	}
}

/* Not more than a few at once: traced sides stop as fast as they are let go on. */
static void handle_children(struct run *run)
{
	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		int status;
		pid_t id = waitpid(-1, &status, WNOHANG | __WALL);

		if (id <= 0)
			return;
		if (WIFSTOPPED(status))
			trace_stopped(&run->trace, id, status);
		else
			side_ended(run, id, status);
	}
}

/*
 * Attends to the children until the condition holds or the time is over; false
 * when the run has failed. NULL is a condition that never holds.
 */
static bool attend(struct run *run, run_condition *condition, uint64_t deadline_ns)
{
	for (;;) {
		struct timespec timeout;
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns;
		int signal;

		handle_children(run);
		if (run->error[0] || interrupted)
			return false;
		if (now_ns >= deadline_ns || (condition && condition(run)))
			return true;
		left_ns = deadline_ns - now_ns;
		if (condition && left_ns > POLL_NS)
			left_ns = POLL_NS;
		timeout.tv_sec = (time_t)(left_ns / 1000000000u);
		timeout.tv_nsec = (long)(left_ns % 1000000000u);
		signal = sigtimedwait(&awaited_signals, NULL, &timeout);
		note_signal(signal);
	}
}

static bool all_ready(const struct run *run)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		if (run->started[role] && !atomic_load(&run->shared->records[role].ready))
			return false;
	}
	return true;
}

static bool all_in_window(const struct run *run)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		if (run->started[role] && !atomic_load(&run->shared->records[role].window_open))
			return false;
	}
	return true;
}

/* For each peer, in a case that has them. */
static uint64_t requests_made(const struct run *run)
{
	if (!run->request->test->load || run->request->test->open_loop)
		return UINT64_MAX;
	return atomic_load(&run->shared->records[BENCH_TX].progress) / run->request->params.sockets;
}

/* What an implementation does with the first requests of each peer is not to be counted. */
static bool peers_settled(const struct run *run)
{
	return requests_made(run) >= COUNTED_REQUESTS_PER_PEER;
}

/* And each peer is to have as many in the window, or it shows a moment only. */
static bool peers_counted(const struct run *run)
{
	return requests_made(run) >= 2 * COUNTED_REQUESTS_PER_PEER;
}

static bool all_ended(const struct run *run)
{
	return !run->children[BENCH_TX] && !run->children[BENCH_RX];
}

static void enter_phase(struct run *run, enum bench_phase phase)
{
	atomic_store(&run->shared->phase, phase);
	syscall(SYS_futex, &run->shared->phase, FUTEX_WAKE, BENCH_ROLES, NULL, NULL, 0);
}

static void kill_sides(struct run *run)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		if (run->children[role])
			kill(run->children[role], SIGKILL);
	}
	/* Of a traced side all threads are waited for, or its end is not told. */
	while (!all_ended(run)) {
		int status;
		pid_t id = waitpid(-1, &status, __WALL);

		for (int role = 0; role < BENCH_ROLES; role++) {
			if (id < 0 || (run->children[role] == id && !WIFSTOPPED(status)))
				run->children[role] = 0;
		}
	}
}

static void stop_sides(struct run *run)
{
	uint64_t limit_ns = clock_now_ns() + PHASE_LIMIT_NS;

	enter_phase(run, PHASE_STOP);
	while (!all_ended(run) && clock_now_ns() < limit_ns) {
		sockets_wake(&run->sockets);
		if (!attend(run, all_ended, clock_now_ns() + 5 * POLL_NS))
			break;
	}
	if (!all_ended(run))
		fail_run(run, "a side did not stop in 10 s");
	kill_sides(run);
}

static void lead_through_phases(struct run *run)
{
	const struct run_request *request = run->request;

	if (!attend(run, all_ready, clock_now_ns() + SETUP_LIMIT_NS))
		return;
	if (!all_ready(run)) {
		fail_run(run, "a side was not set up in 20 s");
		return;
	}
	atomic_store(&run->shared->pace_start_ns, clock_now_ns() + POLL_NS);
	enter_phase(run, PHASE_WARMUP);
	if (!attend(run, NULL, clock_now_ns() + request->warmup_ns))
		return;
	if (request->counting &&
	    !attend(run, peers_settled, clock_now_ns() + COUNTED_SETTLE_LIMIT_NS))
		return;
	enter_phase(run, PHASE_MEASURE);
	if (!attend(run, all_in_window, clock_now_ns() + PHASE_LIMIT_NS) ||
	    !attend(run, NULL, clock_now_ns() + request->measure_ns))
		return;
	if (request->counting &&
	    !attend(run, peers_counted, clock_now_ns() + COUNTED_SETTLE_LIMIT_NS))
		return;
	stop_sides(run);
}

static bool window_complete(const struct run *run)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		const struct side_record *record = &run->shared->records[role];

		if (run->started[role] && record->end.wall_ns <= record->start.wall_ns)
			return false;
	}
	return true;
}

static void store_calls(const struct run *run, struct bench_result *result)
{
	double *values = result->values;

	values[VALUE_SYSCALLS_PER_MSG] = values[VALUE_EMPTY_PER_MSG] = 0;
	for (int role = 0; role < BENCH_ROLES; role++) {
		const struct side_record *record = &run->shared->records[role];
		const struct calls_count *calls =
			by_stops(run->request) ? &run->trace.calls[role] : &record->calls;
		double messages = (double)(record->end.messages - record->start.messages);

		if (!run->started[role] || messages == 0)
			continue;
		values[VALUE_TX_SYSCALLS_PER_MSG + role] = (double)calls->made / messages;
		values[VALUE_TX_EMPTY_PER_MSG + role] = (double)calls->empty / messages;
		values[VALUE_SYSCALLS_PER_MSG] += (double)calls->made / messages;
		values[VALUE_EMPTY_PER_MSG] += (double)calls->empty / messages;
	}
}

/* A rate of nothing would be no figure. */
static bool anything_counted(const struct run *run)
{
	const struct side_record *record = &run->shared->records[run->request->test->rate_of];

	return record->end.messages > record->start.messages;
}

static void add_latency(const struct run *run, struct histogram *sum)
{
	for (int role = 0; role < BENCH_ROLES; role++)
		histogram_add(sum, &run->shared->records[role].latency);
}

static void collect(struct run *run, struct bench_result *ret_result)
{
	if (!run->error[0] && interrupted)
		fail_run(run, "interrupted");
	if (!run->error[0] && !window_complete(run))
		fail_run(run, "a side did not see the measured window to its end");
	if (!run->error[0] && !anything_counted(run))
		fail_run(run, "no message arrived");
	if (run->error[0]) {
		ret_result->failed = true;
		memcpy(ret_result->error, run->error, sizeof(ret_result->error));
		return;
	}
	result_from_marks(run->request->test, &run->request->params, run->shared,
			  run->started[BENCH_TX], run->started[BENCH_RX], ret_result);
	if (run->request->latency)
		add_latency(run, run->request->latency);
	if (run->request->counting)
		store_calls(run, ret_result);
}

int run_once(const struct run_request *request, struct bench_result *ret_result)
{
	struct run run = {.request = request};

	memset(ret_result, 0, sizeof(*ret_result));
	run.shared = mmap(NULL, sizeof(*run.shared), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run.shared == MAP_FAILED) {
		ret_result->failed = true;
		snprintf(ret_result->error, sizeof(ret_result->error), "no shared memory");
		return -1;
	}
	run.trace.shared = run.shared;
	if (request->test->open(&request->params, &request->sockets, &run.sockets)) {
		fail_run(&run, "cannot open the sockets");
	} else {
		start_side(&run, BENCH_RX);
		start_side(&run, BENCH_TX);
		lead_through_phases(&run);
		kill_sides(&run);
	}
	collect(&run, ret_result);
	sockets_close(&run.sockets);
	munmap(run.shared, sizeof(*run.shared));
	return ret_result->failed ? -1 : 0;
}
