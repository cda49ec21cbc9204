/* SPDX-License-Identifier: MIT */
/*
 * Completion queues: create and close, dequeuing, notifications and waits.
 */
#include <errno.h>

#include "api/driver_life.h"
#include "api/fork.h"
#include "base/error.h"
#include "base/hazard.h"
#include "base/locked.h"
#include "base/options.h"
#include "drive/descriptor.h"
#include "drive/progress.h"
#include "drive/wait.h"
#include "queue/completion.h"
#include "queue/cq.h"
#include "queue/handle.h"
#include "queue/signal.h"

/* After this many results a dequeue makes progress even if the queue is not empty. */
#define TAKEN_UNPOLLED_MAX 1024u

/* ---- Creating and closing ---- */

/* Gets the driver in the options, or a new one. The caller gets a reference. */
static int driver_for(const struct regio_cq_opts *opts, struct regioi_driver **ret_driver)
{
	static const struct regio_driver_opts defaults;

	if (!opts->driver)
		return regioi_driver_create(&defaults, ret_driver);
	*ret_driver = regioi_driver_held(opts->driver);
	if (!*ret_driver)
		return regioi_refuse_handle(opts->driver, "creating a CQ", "driver");
	return 0;
}

static int capacity_check(const char *step, uint32_t capacity)
{
	if (capacity == 0 || capacity > REGIO_CQ_CAPACITY_MAX)
		return regioi_fail(-EINVAL, "%s: capacity %u; allowed are 1 to %u", step, capacity,
				   REGIO_CQ_CAPACITY_MAX);
	return 0;
}

int regio_cq_create(uint32_t capacity, const struct regio_cq_opts *opts, struct regio_cq **ret_cq)
{
	static const char step[] = "creating a CQ";
	struct regio_cq_opts known = {0};
	struct regioi_cq *cq;
	int error;

	if (!ret_cq)
		return regioi_fail(-EINVAL, "%s: ret_cq is NULL", step);
	error = capacity_check(step, capacity);
	if (!error)
		error = regioi_options_read(&known, sizeof(known), opts, step);
	if (error)
		return error;
	if (known.reserved)
		return regioi_fail(-EINVAL, "%s: a reserved field is not 0", step);
	cq = regioi_cq_allocate(capacity);
	if (!cq)
		return regioi_fail(-ENOMEM, "%s: out of memory", step);
	error = driver_for(&known, &cq->driver);
	if (!error)
		error = regioi_id_add(step, REGIOI_KIND_CQ, cq, 0, 0, &cq->id);
	if (error) {
		regioi_cq_release(cq);
		return error;
	}
	cq->on_notify = known.on_notify;
	cq->on_notify_context = known.on_notify_context;
	if (cq->on_notify && cq->driver->threaded)
		regioi_outside_join(cq->driver);
	atomic_fetch_add(&cq->driver->completion_queues, 1);
	*ret_cq = (struct regio_cq *)(uintptr_t)cq->id;
	return 0;
}

static int resize(struct regioi_cq *cq, uint32_t capacity)
{
	static const char step[] = "resizing a CQ";
	int error = capacity_check(step, capacity);

	if (error)
		return error;
	REGIOI_LOCKED(&cq->lock);
	if (capacity < cq->reserved)
		return regioi_fail(-ETOOMANYREFS, "%s: capacity %u; its RQs have reserved %u", step,
				   capacity, cq->reserved);
	cq->capacity = capacity;
	return 0;
}

int regio_cq_resize(struct regio_cq *handle, uint32_t capacity)
{
	struct regioi_cq *cq = regioi_cq_consumer(handle);
	int error;

	if (!cq)
		return regioi_refuse_handle(handle, "resizing a CQ", "CQ");
	error = resize(cq, capacity);
	regioi_cq_consumed(cq);
	return error;
}

int regio_cq_close(struct regio_cq *handle)
{
	uint64_t id = (uintptr_t)handle;
	struct regioi_cq *cq = regioi_handle_end(id, REGIOI_KIND_CQ);

	if (!cq)
		return regioi_refuse_handle(handle, "closing a CQ", "CQ");
	regioi_hazards_wait(id);
	regioi_table_release(id);
	REGIOI_ASSERT(!atomic_load(&cq->consumed));
	/* Sequentially consistent: pairs with REGIOI_ENDING in regioi_half_detach(). */
	atomic_store(&cq->closed, true);
	regioi_cq_disarm(cq);
	regioi_cq_unfire(cq);
	regioi_cq_discard(cq);
	if (cq->on_notify && cq->driver->threaded)
		regioi_outside_leave(cq->driver);
	atomic_fetch_sub(&cq->driver->completion_queues, 1);
	regioi_cq_release(cq);
	return 0;
}

/* ---- Dequeuing ---- */

static inline uint32_t make_progress(struct regioi_cq *cq, bool poll,
				     struct regio_result *ret_results, uint32_t results_max)
{
	uint32_t count = regioi_progress_try(cq, poll, ret_results, results_max);

	if (count < results_max && regioi_cq_has_some(cq))
		count += regioi_cq_take(cq, ret_results + count, results_max - count);
	return count;
}

/*
 * For the first dequeues after a wait that slept: the sleep has asked the engine, and a pass has
 * executed what it reported. So this executes only what has been posted since, such as the answers
 * of a server. Once nothing is found, the next dequeue asks the engine again.
 */
static int dequeue_unasked(struct regioi_cq *cq, struct regio_result *ret_results,
			   uint32_t results_max)
{
	uint32_t count = 0;

	cq->unasked--;
	if (!regioi_driver_has_nothing_listed(cq->driver))
		count = make_progress(cq, false, ret_results, results_max);
	if (count == 0)
		cq->unasked = 0;
	return (int)count;
}

static inline int dequeue(struct regioi_cq *cq, struct regio_result *ret_results,
			  uint32_t results_max)
{
	uint32_t count;

	if (!ret_results && results_max)
		return regioi_fail(-EINVAL, "dequeuing: ret_results is NULL");
	if (results_max > INT32_MAX)
		results_max = INT32_MAX;
	if (__builtin_expect(atomic_load_explicit(&cq->fired, memory_order_relaxed), 0))
		regioi_cq_unfire(cq);
	count = regioi_cq_has_some(cq) ? regioi_cq_take(cq, ret_results, results_max) : 0;
	cq->taken_unpolled += count;
	if (count && cq->taken_unpolled < TAKEN_UNPOLLED_MAX)
		return (int)count;
	cq->taken_unpolled = 0;
	if (count == 0 && cq->unasked)
		return dequeue_unasked(cq, ret_results, results_max);
	return (int)(count + make_progress(cq, true, ret_results + count, results_max - count));
}

int regio_cq_dequeue(struct regio_cq *handle, struct regio_result *ret_results,
		     uint32_t results_max)
{
	struct regioi_cq *cq = regioi_cq_consumer(handle);
	int result;

	if (__builtin_expect(!cq, 0))
		return regioi_refuse_handle(handle, "dequeuing", "CQ");
	result = dequeue(cq, ret_results, results_max);
	regioi_cq_consumed(cq);
	return result;
}

/* ---- Notifications ---- */

static int notify(struct regioi_cq *cq)
{
	struct regioi_driver *driver = cq->driver;
	int error = regioi_cq_arm(cq);

	if (error)
		return error;
	/* Another thread may be in a call as consumer. */
	if (!regioi_driver_drives(driver) && regioi_cq_available(cq) == 0)
		regioi_progress_without_poll(driver, NULL);
	if (regioi_cq_available(cq) > 0)
		regioi_cq_wake(cq, NULL, 0);
	else if (!cq->on_notify && !driver->threaded && regioi_driver_has_work(driver))
		driver->ops->doorbell(driver->engine);
	return 0;
}

/*
 * Entered like a call on an RQ, because another thread may get the signal, and close the CQ, before
 * this call has returned.
 */
int regio_cq_notify(struct regio_cq *handle)
{
	struct regioi_cq *cq;
	int error;

	if (!regioi_hazard_enter(handle))
		return regioi_fail(-ENOMEM, "asking for a notification: out of memory");
	cq = regioi_cq_inside(handle);
	error = cq ? notify(cq) : regioi_refuse_handle(handle, "asking for a notification", "CQ");
	regioi_hazard_leave();
	return error;
}

int regio_cq_fd(struct regio_cq *handle)
{
	struct regioi_cq *cq = regioi_cq_held(handle);
	int result;

	if (!cq)
		return regioi_refuse_handle(handle, "asking for a CQ's descriptor", "CQ");
	result = regioi_descriptor_get(cq->driver);
	regioi_cq_release(cq);
	if (result < 0)
		return regioi_fail(result, "asking for a CQ's descriptor: %s; raise %s",
				   regio_error_text(result),
				   result == -ENOSPC ? "fs.epoll.max_user_watches" : "ulimit -n");
	return result;
}

/* ---- Waiting ---- */

int regio_cq_wait(struct regio_cq *handle, uint32_t min_count, uint64_t max_delay_ns,
		  int64_t timeout_ns)
{
	struct regioi_cq *cq = regioi_cq_consumer(handle);
	int result;

	if (!cq)
		return regioi_refuse_handle(handle, "waiting on a CQ", "CQ");
	result = regioi_cq_wait(cq, min_count ? min_count : 1, max_delay_ns, timeout_ns);
	regioi_cq_consumed(cq);
	if (result == -EBADF)
		regioi_explain("waiting on a CQ: the library's descriptors were closed by other "
			       "code; close the CQ and make a new one");
	return result;
}
