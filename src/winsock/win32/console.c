/* SPDX-License-Identifier: MIT */
/*
 * The console: control events, and single keys.
 *
 * Windows calls handlers in a thread that it creates. Here a signal is written to a pipe, and a
 * thread of the library reads it and calls them; it is created with the first handler.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>

#include "regio/winsock/conio.h"
#include "winsock/win32/error.h"
#include "winsock/win32/thread.h"

#define HANDLERS_MAX 64

static const struct regioi_ws_pair events[] = {
	{SIGINT, CTRL_C_EVENT},
	{SIGTERM, CTRL_BREAK_EVENT},
	{SIGHUP, CTRL_CLOSE_EVENT},
};

static pthread_mutex_t handlers_lock = PTHREAD_MUTEX_INITIALIZER;
static PHANDLER_ROUTINE handlers[HANDLERS_MAX]; /* the last is called first */
static int handlers_count;
static _Atomic bool interrupt_ignored;
static int signals[2] = {-1, -1}; /* the pipe */
static bool watched;		  /* the thread exists */
static bool fork_watched;

/* ---- Signals ---- */

static void default_action(int signal)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigaction(signal, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(signal);
}

static void on_signal(int signal)
{
	const char number = (char)signal;
	int error = errno;

	if (write(signals[1], &number, 1) != 1)
		default_action(signal);
	errno = error;
}

/*
 * Called without the lock, since a handler may change the list. Returns whether a handler took the
 * event.
 */
static bool handlers_call(DWORD event)
{
	PHANDLER_ROUTINE asked[HANDLERS_MAX];
	int count;

	pthread_mutex_lock(&handlers_lock);
	count = handlers_count;
	memcpy(asked, handlers, sizeof(asked));
	pthread_mutex_unlock(&handlers_lock);
	while (count-- > 0)
		if (asked[count](event))
			return true;
	return false;
}

static void dispatch(int signal)
{
	const DWORD event =
		(DWORD)regioi_ws_windows_of(events, ARRAYSIZE(events), signal, CTRL_C_EVENT);

	if (signal == SIGINT && interrupt_ignored)
		return;
	/* When the console closes, the process must end. */
	if (!handlers_call(event) || event == CTRL_CLOSE_EVENT)
		default_action(signal);
}

static void *read_signals(void *argument)
{
	char number;

	for (;;)
		if (read(signals[0], &number, 1) == 1)
			dispatch(number);
	return NULL;
}

/* Starts a thread that no signal interrupts. */
static bool reader_start(void)
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = regioi_ws_thread_spawn(read_signals, NULL, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void set_actions(void (*handler)(int signal))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < ARRAYSIZE(events); i++)
		sigaction(events[i].posix, &action, NULL);
}

/* The child has no such thread, and its signals are not for its parent. */
static void fork_child(void)
{
	pthread_mutex_init(&handlers_lock, NULL);
	handlers_count = 0;
	interrupt_ignored = false;
	if (!watched)
		return;
	set_actions(SIG_DFL);
	close(signals[0]);
	close(signals[1]);
	watched = false;
}

/* With the lock. Returns false if there is no descriptor or thread left. */
static bool watch(void)
{
	if (watched)
		return true;
	if (!fork_watched && pthread_atfork(NULL, NULL, fork_child) != 0)
		return false;
	fork_watched = true;
	if (pipe2(signals, O_CLOEXEC) < 0)
		return false;
	if (!reader_start()) {
		close(signals[0]);
		close(signals[1]);
		return false;
	}
	watched = true;
	set_actions(on_signal);
	return true;
}

/* With the lock. Returns 0 or the error. */
static DWORD handler_add(PHANDLER_ROUTINE handler)
{
	if (handlers_count == HANDLERS_MAX || !watch())
		return ERROR_NOT_ENOUGH_MEMORY;
	handlers[handlers_count++] = handler;
	return 0;
}

/* The same; removes the one added last. */
static DWORD handler_remove(PHANDLER_ROUTINE handler)
{
	for (int i = handlers_count - 1; i >= 0; i--) {
		if (handlers[i] != handler)
			continue;
		handlers_count--;
		memmove(&handlers[i], &handlers[i + 1],
			(size_t)(handlers_count - i) * sizeof(handlers[0]));
		return 0;
	}
	return ERROR_INVALID_PARAMETER;
}

BOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add)
{
	REGIOI_LOCKED(&handlers_lock);
	DWORD error = 0;

	if (handler)
		error = add ? handler_add(handler) : handler_remove(handler);
	else if (watch())
		interrupt_ignored = add;
	else
		error = ERROR_NOT_ENOUGH_MEMORY;
	return error ? regioi_ws_fail((int)error, FALSE) : TRUE;
}

/* ---- Keys ---- */

/* Sets standard input to single keys without echo. False if it is not a terminal. */
static bool raw(struct termios *ret_before)
{
	struct termios after;

	if (tcgetattr(STDIN_FILENO, ret_before) < 0)
		return false;
	after = *ret_before;
	after.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	after.c_cc[VMIN] = 1;
	after.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSANOW, &after) == 0;
}

int _kbhit(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	struct termios before;
	bool terminal = raw(&before);
	int ready = poll(&input, 1, 0);

	if (terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return ready > 0;
}

int _getch(void)
{
	struct termios before;
	bool terminal = raw(&before);
	unsigned char key;
	ssize_t count;

	do {
		count = read(STDIN_FILENO, &key, 1);
	} while (count < 0 && errno == EINTR);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return count == 1 ? key : EOF;
}
