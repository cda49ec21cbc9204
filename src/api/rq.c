/* SPDX-License-Identifier: MIT */
/*
 * Creating and closing request queues.
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "api/fork.h"
#include "api/rq.h"
#include "base/error.h"
#include "base/hazard.h"
#include "base/options.h"
#include "base/uncancelled.h"
#include "exec/execute.h"
#include "exec/stream.h"
#include "queue/completion.h"
#include "queue/handle.h"
#include "queue/lost.h"
#include "queue/offload.h"
#include "queue/runq.h"
#include "queue/socket.h"
#include "queue/watch.h"

/* ---- Creating ---- */

static int check_options(const struct regio_rq_opts *opts, struct regio_rq_opts *known)
{
	static const char step[] = "creating an RQ";
	int error = regioi_options_read(known, sizeof(*known), opts, step);

	if (error)
		return error;
	if (known->flags & ~REGIO_RQ_REPORT_ICMP || known->reserved)
		return regioi_fail(-EINVAL, "%s: unknown flag or reserved field set", step);
	if (known->trains > REGIO_TRAINS_OFF)
		return regioi_fail(-EINVAL, "%s: trains is %u; see REGIO_TRAINS_...", step,
				   known->trains);
	if (known->train_max_bytes > REGIOI_TRAIN_BYTES_MAX)
		return regioi_fail(-EINVAL, "%s: train_max_bytes is %u; the most is %u", step,
				   known->train_max_bytes, REGIOI_TRAIN_BYTES_MAX);
	return 0;
}

int regioi_rq_check_limits(const char *step, uint32_t max_receives, uint32_t max_sends)
{
	if (max_receives == 0 && max_sends == 0)
		return regioi_fail(-EINVAL, "%s: both limits are 0; one may be", step);
	if (max_receives > REGIO_RQ_REQUESTS_MAX || max_sends > REGIO_RQ_REQUESTS_MAX)
		return regioi_fail(-EINVAL, "%s: a limit is above %u", step, REGIO_RQ_REQUESTS_MAX);
	return 0;
}

static void apply_options(struct regioi_rq *rq, const struct regio_rq_opts *opts)
{
	struct regioi_send_state *send = &rq->halves[REGIOI_SEND].send;
	uint32_t messages = regioi_offload().send_train_messages;

	if (opts->train_max_messages && opts->train_max_messages < messages)
		messages = opts->train_max_messages;
	send->train_messages_max = rq->join_allowed ? messages : 1;
	send->train_bytes_max =
		opts->train_max_bytes ? opts->train_max_bytes : REGIOI_TRAIN_BYTES_MAX;
	rq->halves[REGIOI_RECEIVE].receive.report_icmp = opts->flags & REGIO_RQ_REPORT_ICMP;
	rq->halves[REGIOI_RECEIVE].single_op =
		rq->stream ? REGIOI_OP_RECEIVE_BYTES : REGIOI_OP_RECEIVE;
	rq->halves[REGIOI_SEND].single_op = REGIOI_OP_SEND;
	for (int i = 0; i < 2; i++)
		rq->halves[i].stream = rq->stream;
}

/* One node for each driver that the CQs have. */
static void nodes_init(struct regioi_rq *rq)
{
	for (int i = 0; i < 2; i++) {
		struct regioi_half *half = &rq->halves[i];
		struct regioi_driver *driver = half->cq->driver;

		if (i == 1 && driver == rq->nodes[0].driver) {
			half->node = &rq->nodes[0];
			break;
		}
		half->node = &rq->nodes[rq->nodes_count++];
		half->node->rq = rq;
		half->node->driver = driver;
		atomic_fetch_add(&driver->references, 1);
		atomic_fetch_add(&driver->request_queues, 1);
	}
}

static void nodes_fini(struct regioi_rq *rq)
{
	for (uint32_t i = 0; i < rq->nodes_count; i++) {
		struct regioi_driver *driver = rq->nodes[i].driver;

		atomic_fetch_sub(&driver->request_queues, 1);
		regioi_driver_release(driver);
	}
}

/*
 * If UDP_GRO is on already, most likely an earlier process left it on, which may have been killed.
 * Queued messages may be joined, and only with UDP_GRO does the kernel report their length.
 */
int regioi_rq_take_over_trains(struct regioi_rq *rq, uint32_t max_receives)
{
	struct regioi_half *half = &rq->halves[REGIOI_RECEIVE];

	/* An RQ without receives does not read the socket; other code may. */
	if (!rq->trains_auto || half->receive.trains || max_receives == 0 ||
	    !regioi_socket_joins_receives(rq))
		return 0;
	if (!regioi_area_reserve(&half->node->driver->areas))
		return -ENOMEM;
	half->receive.trains = true;
	return 0;
}

static void leave_trains(struct regioi_half *half)
{
	if (half->receive.trains)
		regioi_area_unreserve(&half->node->driver->areas);
	half->receive.trains = false;
}

static int refuse_cq(enum regioi_direction direction, int error)
{
	return regioi_fail(error, "creating an RQ: the %s CQ is NULL or closed",
			   direction == REGIOI_RECEIVE ? "receive" : "send");
}

static int attach(struct regioi_rq *rq, struct regioi_cq *const cqs[2])
{
	for (int i = 0; i < 2; i++) {
		struct regioi_half *half = &rq->halves[i];

		if (regioi_cq_attach(cqs[i], half) == 0) {
			atomic_fetch_add(&rq->references, 1);
			continue;
		}
		if (i == 1)
			regioi_half_detach(&rq->halves[0]);
		if (atomic_load(&cqs[i]->closed))
			return refuse_cq(i, -EBADF);
		return regioi_fail(
			-ENOBUFS,
			"creating an RQ: its %s CQ has no room for %u more; make or resize it "
			"with more",
			i == REGIOI_RECEIVE ? "receive" : "send", half->limit);
	}
	return 0;
}

/*
 * Makes sure that no thread executes the RQ, now or later. While the drivers' locks are held no
 * thread is about to visit it; then this waits for the executors, which list the RQ, if at all,
 * only while they are busy.
 */
static void rq_retire(struct regioi_rq *rq)
{
	/* In the order of their addresses, so that two threads cannot wait for each other. */
	const uint32_t first = rq->nodes_count > 1 &&
			       (uintptr_t)rq->nodes[1].driver < (uintptr_t)rq->nodes[0].driver;

	for (uint32_t i = 0; i < rq->nodes_count; i++)
		regioi_driver_lock(rq->nodes[first ^ i].driver);
	for (int i = 0; i < 2; i++)
		regioi_half_retire(&rq->halves[i]);
	for (uint32_t i = 0; i < rq->nodes_count; i++)
		regioi_node_remove(&rq->nodes[i]);
	for (uint32_t i = 0; i < rq->nodes_count; i++)
		regioi_driver_unlock(rq->nodes[i].driver);
}

/* Gives it an id: from here on events and, with two drivers, other threads may find it. */
static int rq_publish(struct regioi_rq *rq)
{
	int error = regioi_rq_take_over_trains(rq, rq->halves[REGIOI_RECEIVE].limit);
	bool ended;

	if (error)
		return regioi_fail(error, "creating an RQ: out of memory");
	error = regioi_id_add("creating an RQ", REGIOI_KIND_RQ, rq, 0, 0, &rq->id);
	if (error)
		return error;
	error = rq->nodes_count > 1 ? regioi_watch_start(rq) : 0;
	if (!error)
		return 0;
	ended = regioi_table_invalidate(rq->id, REGIOI_KIND_RQ);
	/* One of the drivers may have had an event already. */
	rq_retire(rq);
	if (ended)
		regioi_table_release(rq->id);
	return regioi_fail(error,
			   "creating an RQ: watching the socket: %s; see "
			   "fs.epoll.max_user_watches",
			   regio_error_text(error));
}

/* The last steps, once the socket is opened. Undoes its own steps after an error. */
static int rq_join(struct regioi_rq *rq, struct regioi_cq *const cqs[2])
{
	int error = attach(rq, cqs);

	if (error)
		return error;
	nodes_init(rq);
	for (uint32_t i = 0; i < rq->nodes_count && !error; i++)
		error = regioi_socket_busy_poll(rq, rq->nodes[i].driver);
	if (!error)
		error = rq_publish(rq);
	if (!error)
		return 0;
	leave_trains(&rq->halves[REGIOI_RECEIVE]);
	regioi_watch_fini(rq);
	nodes_fini(rq);
	for (int i = 0; i < 2; i++)
		regioi_half_detach(&rq->halves[i]);
	return error;
}

/* Checked before memory is allocated; the reservation itself is made in attach(). */
static int check_room(struct regioi_cq *const cqs[2], const uint32_t limits[2])
{
	uint64_t wanted[2] = {limits[0], limits[1]};

	if (cqs[0] == cqs[1])
		wanted[0] = wanted[1] = (uint64_t)limits[0] + limits[1];
	for (int i = 0; i < 2; i++) {
		if (regioi_cq_room(cqs[i]) < wanted[i])
			return regioi_fail(
				-ENOBUFS,
				"creating an RQ: its %s CQ has room for %u more, and the RQ "
				"needs %" PRIu64 "; create or resize the CQ with more",
				i == REGIOI_RECEIVE ? "receive" : "send", regioi_cq_room(cqs[i]),
				wanted[i]);
	}
	return 0;
}

static void cqs_release(struct regioi_cq *const cqs[2])
{
	for (int i = 0; i < 2; i++) {
		if (cqs[i])
			regioi_cq_release(cqs[i]);
	}
}

/* The caller must release those of the two that are not NULL, even after a failure. */
static int cqs_hold(struct regio_cq *const handles[2], struct regioi_cq *ret_cqs[2])
{
	for (int i = 0; i < 2; i++) {
		ret_cqs[i] = regioi_cq_held(handles[i]);
		if (!ret_cqs[i])
			return refuse_cq(i, regioi_table_reason((uintptr_t)handles[i], -EBADF));
		if (regioi_driver_is_lost(ret_cqs[i]->driver))
			return regioi_fail(-EBADF,
					   "creating an RQ: the descriptors of the %s CQ's driver "
					   "were closed; make a new one",
					   i == REGIOI_RECEIVE ? "receive" : "send");
	}
	return 0;
}

static int rq_create(int fd, const uint32_t limits[2], struct regioi_cq *const cqs[2],
		     uint64_t context, const struct regio_rq_opts *opts, struct regioi_rq **ret_rq)
{
	struct regioi_rq *rq;
	int error = check_room(cqs, limits);

	if (error)
		return error;
	rq = regioi_rq_allocate(limits);
	if (!rq)
		return regioi_fail(-ENOMEM, "creating an RQ: out of memory for %u + %u requests",
				   limits[REGIOI_RECEIVE], limits[REGIOI_SEND]);
	rq->context = context;
	error = regioi_socket_open(rq, fd, opts);
	if (error) {
		regioi_rq_release(rq);
		return error;
	}
	if (rq->stream)
		regioi_stream_open(rq);
	apply_options(rq, opts);
	error = rq_join(rq, cqs);
	if (error) {
		regioi_socket_close(rq);
		regioi_rq_release(rq);
		return error;
	}
	regioi_socket_size_buffer(rq, limits[REGIOI_RECEIVE]);
	/* Release: pairs with the acquire in rq_lose() of lost.c. */
	atomic_store_explicit(&rq->joined, true, memory_order_release);
	*ret_rq = rq;
	return 0;
}

int regio_rq_create(int fd, uint32_t max_receives, uint32_t max_sends, struct regio_cq *receive_cq,
		    struct regio_cq *send_cq, uint64_t context, const struct regio_rq_opts *opts,
		    struct regio_rq **ret_rq)
{
	static const char step[] = "creating an RQ";
	const uint32_t limits[2] = {max_receives, max_sends};
	struct regio_cq *const handles[2] = {receive_cq, send_cq};
	struct regio_rq_opts known = {0};
	struct regioi_cq *cqs[2] = {NULL};
	struct regioi_rq *rq = NULL;
	int error;

	if (!ret_rq)
		return regioi_fail(-EINVAL, "%s: ret_rq is NULL", step);
	error = regioi_rq_check_limits(step, max_receives, max_sends);
	if (!error)
		error = check_options(opts, &known);
	if (error)
		return error;
	error = cqs_hold(handles, cqs);
	if (!error)
		error = rq_create(fd, limits, cqs, context, &known, &rq);
	cqs_release(cqs);
	if (error)
		return error;
	*ret_rq = (struct regio_rq *)(uintptr_t)rq->id;
	return 0;
}

/* ---- Calls on it ---- */

int regioi_rq_enter(const struct regio_rq *handle, const char *step, struct regioi_rq **ret_rq)
{
	if (!regioi_hazard_enter(handle))
		return regioi_fail(-ENOMEM, "%s: out of memory", step);
	*ret_rq = regioi_rq_inside(handle);
	if (*ret_rq)
		return 0;
	regioi_hazard_leave();
	return regioi_refuse_handle(handle, step, "RQ");
}

/* ---- Closing ---- */

/* 'trains' is left: regioi_socket_close() has to know. */
static void receive_state_fini(struct regioi_half *half)
{
	struct regioi_driver *driver = half->node->driver;

	if (half->receive.staged.area)
		regioi_area_give(&driver->areas, half->receive.staged.area);
	half->receive.staged.area = NULL;
	if (half->receive.trains)
		regioi_area_unreserve(&driver->areas);
}

int regio_rq_close(struct regio_rq *handle, uint32_t flags)
{
	REGIOI_UNCANCELLED;
	uint64_t id = (uintptr_t)handle;
	struct regioi_rq *rq;
	struct regioi_hazard *section;

	if (flags & ~REGIO_CLOSE_SOCKET && regioi_table_find(id, REGIOI_KIND_RQ))
		return regioi_fail(-EINVAL, "closing an RQ: unknown flag in %#x", flags);
	rq = regioi_handle_end(id, REGIOI_KIND_RQ);
	if (!rq)
		return regioi_refuse_handle(handle, "closing an RQ", "RQ");
	regioi_hazards_wait(id);
	regioi_half_execute_before_close(&rq->halves[REGIOI_SEND]);
	rq_retire(rq);
	regioi_table_release(id);
	regioi_watch_fini(rq);
	section = regioi_section_enter();
	for (int i = 0; i < 2; i++)
		regioi_half_fail(&rq->halves[i], -ECANCELED);
	regioi_section_leave(section);
	receive_state_fini(&rq->halves[REGIOI_RECEIVE]);
	regioi_socket_close(rq);
	if (flags & REGIO_CLOSE_SOCKET && regioi_socket_is_ours(rq))
		close(rq->fd);
	for (int i = 0; i < 2; i++)
		regioi_half_detach(&rq->halves[i]);
	nodes_fini(rq);
	regioi_rq_release(rq);
	return 0;
}
