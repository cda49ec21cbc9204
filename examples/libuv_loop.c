/* SPDX-License-Identifier: MIT */
/*
 * UDP echo server inside a libuv loop: the descriptor of the CQ under a
 * uv_poll_t, beside libuv's own handles, here two signal handles.
 * Usage: libuv_loop [PORT [MESSAGES]], ends on SIGINT or SIGTERM
 */
#include "echo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <uv.h>

static struct echo server;
static int server_error;

/* Empties the CQ, then asks for a signal: the order that loses no completion. */
static void serve(uv_poll_t *poll, int status, int events)
{
	int count = status;

	while (count >= 0 && (count = echo_turn(&server)) > 0)
		;
	if (count == 0)
		count = regio_cq_notify(server.cq);
	if (count < 0 && count != -EALREADY)
		server_error = count;
	if (server_error < 0 || echo_finished(&server))
		uv_stop(poll->loop);
}

static void end(uv_signal_t *handle, int number)
{
	uv_stop(handle->loop);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	uv_close(handle, NULL);
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	uv_signal_t interrupt, terminate;
	uv_poll_t poll;
	int error;

	if (echo_open(&server, argc, argv) < 0)
		return 1;
	error = uv_poll_init(loop, &poll, regio_cq_fd(server.cq));
	if (error < 0) {
		fprintf(stderr, "uv_poll_init: %s\n", uv_strerror(error));
		return 1;
	}
	uv_poll_start(&poll, UV_READABLE, serve);
	uv_signal_init(loop, &interrupt);
	uv_signal_start(&interrupt, end, SIGINT);
	uv_signal_init(loop, &terminate);
	uv_signal_start(&terminate, end, SIGTERM);

	serve(&poll, 0, UV_READABLE);
	uv_run(loop, UV_RUN_DEFAULT);
	/* The CQ outlives the handle that polls its descriptor. */
	uv_walk(loop, close_handle, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	return echo_close(&server, server_error);
}
