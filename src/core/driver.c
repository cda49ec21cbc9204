/* SPDX-License-Identifier: MIT */
/*
 * The life of drivers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/back_off.h"
#include "base/barrier.h"
#include "base/error.h"
#include "base/options.h"
#include "base/table.h"
#include "base/uncancelled.h"
#include "core/call.h"
#include "core/driver.h"
#include "core/engine_choice.h"
#include "core/fork.h"
#include "core/handle.h"
#include "core/thread.h"
#include "core/wait.h"

static pthread_mutex_t drivers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct regioi_driver *drivers;

void regioi_drivers_fork_child(void)
{
	pthread_mutex_init(&drivers_lock, NULL);
	drivers = NULL;
}

void regioi_drivers_synchronize(void)
{
	struct regioi_driver *driver;

	pthread_mutex_lock(&drivers_lock);
	for (driver = drivers; driver; driver = driver->next) {
		/* Progress is made with the lock held. */
		regioi_driver_lock(driver);
		regioi_driver_unlock(driver);
		regioi_readers_wait(&driver->readers);
	}
	pthread_mutex_unlock(&drivers_lock);
}

/* ---- Life ---- */

static int check_options(const char *step, const struct regio_driver_opts *opts)
{
	const uint32_t known =
		REGIO_DRIVER_THREAD | REGIO_DRIVER_THREAD_CPU | REGIO_DRIVER_PREFER_BUSY_POLL;

	if (opts->flags & ~known)
		return regioi_fail(-EINVAL, "%s: flags is %#x; see REGIO_DRIVER_...", step,
				   opts->flags);
	if (opts->thread_cpu && !(opts->flags & REGIO_DRIVER_THREAD_CPU))
		return regioi_fail(-EINVAL, "%s: thread_cpu without REGIO_DRIVER_THREAD_CPU", step);
	if (!opts->busy_poll_us && opts->flags & REGIO_DRIVER_PREFER_BUSY_POLL)
		return regioi_fail(-EINVAL,
				   "%s: REGIO_DRIVER_PREFER_BUSY_POLL without busy_poll_us", step);
	/* To the kernel SO_BUSY_POLL is an int. */
	if (opts->busy_poll_us > INT32_MAX)
		return regioi_fail(-EINVAL, "%s: busy_poll_us is %u; %d is the most", step,
				   opts->busy_poll_us, INT32_MAX);
	return 0;
}

/* Where the kernel cannot, the sockets are polled all the same (socket.c). */
static int busy_poll(struct regioi_driver *driver, const struct regio_driver_opts *opts)
{
	int error;

	if (!opts->busy_poll_us)
		return 0;
	driver->busy_poll_us = opts->busy_poll_us;
	driver->busy_poll_preferred = opts->flags & REGIO_DRIVER_PREFER_BUSY_POLL;
	error = driver->ops->busy_poll(driver->engine, opts->busy_poll_us,
				       driver->busy_poll_preferred);
	if (error != -EPERM)
		return 0;
	return regioi_fail(error, "creating a driver: busy polling: not permitted; it needs "
				  "CAP_NET_ADMIN");
}

static int driver_fill(struct regioi_driver *driver, const struct regio_driver_opts *opts)
{
	int error = regioi_engine_open(opts->engine, driver);

	if (!error)
		error = busy_poll(driver, opts);
	if (error)
		return error;
	/* Found out here, and not by the first busy queue. */
	regioi_barrier_available();
	if (!regioi_areas_init(&driver->areas))
		return regioi_fail(-ENOMEM, "creating a driver: out of memory");
	driver->batches = driver->ops->batches(driver->engine);
	driver->threaded |= opts->flags & REGIO_DRIVER_THREAD;
	if (!driver->threaded && (opts->flags & REGIO_DRIVER_THREAD_CPU || opts->thread_spin_ns))
		return regioi_fail(-EINVAL,
				   "creating a driver: a thread's CPU or spin time without a "
				   "thread; add REGIO_DRIVER_THREAD");
	driver->led = driver->threaded;
	return driver->threaded ? regioi_thread_start(driver, opts) : 0;
}

static void driver_free(struct regioi_driver *driver)
{
	if (driver->engine) {
		regioi_wait_fini(driver);
		driver->ops->destroy(driver->engine);
	}
	regioi_areas_fini(&driver->areas);
	pthread_mutex_destroy(&driver->lock);
	pthread_mutex_destroy(&driver->wait_lock);
	pthread_mutex_destroy(&driver->blocked_lock);
	free(driver);
}

int regioi_driver_create(const struct regio_driver_opts *opts, struct regioi_driver **ret_driver)
{
	REGIOI_UNCANCELLED;
	struct regioi_driver *driver = aligned_alloc(REGIOI_CACHE_LINE, sizeof(*driver));
	int error;

	if (!driver)
		return regioi_fail(-ENOMEM, "creating a driver: out of memory");
	*driver = (struct regioi_driver){
		.descriptor = -1,
		.signal_descriptor = -1,
		.passes = (uint32_t)regioi_counter_start(UINT32_MAX),
		.readers.phase = (uint32_t)regioi_counter_start(UINT32_MAX),
	};
	atomic_init(&driver->references, 1);
	pthread_mutex_init(&driver->lock, NULL);
	pthread_mutex_init(&driver->wait_lock, NULL);
	pthread_mutex_init(&driver->blocked_lock, NULL);
	error = driver_fill(driver, opts);
	if (error) {
		driver_free(driver);
		return error;
	}
	/* What the first of a thread's calls does has no place in the first post. */
	if (regioi_call_enter(NULL))
		regioi_call_leave();
	pthread_mutex_lock(&drivers_lock);
	driver->next = drivers;
	if (drivers)
		drivers->previous = driver;
	drivers = driver;
	pthread_mutex_unlock(&drivers_lock);
	*ret_driver = driver;
	return 0;
}

void regioi_driver_hold(struct regioi_driver *driver)
{
	atomic_fetch_add(&driver->references, 1);
}

static void hold(void *driver)
{
	regioi_driver_hold(driver);
}

struct regioi_driver *regioi_driver_held(const struct regio_driver *handle)
{
	return regioi_table_hold(handle, REGIOI_KIND_DRIVER, hold);
}

static void give_back(struct regioi_driver *driver, uint32_t references)
{
	REGIOI_UNCANCELLED;

	if (atomic_fetch_sub(&driver->references, references) != references)
		return;
	pthread_mutex_lock(&drivers_lock);
	if (driver->previous)
		driver->previous->next = driver->next;
	else
		drivers = driver->next;
	if (driver->next)
		driver->next->previous = driver->previous;
	pthread_mutex_unlock(&drivers_lock);
	if (driver->threaded)
		regioi_thread_stop(driver);
	driver_free(driver);
}

void regioi_driver_release(struct regioi_driver *driver)
{
	give_back(driver, 1);
}

int regio_driver_create(const struct regio_driver_opts *opts, struct regio_driver **ret_driver)
{
	static const char step[] = "creating a driver";
	struct regio_driver_opts known = {0};
	struct regioi_driver *driver;
	int error;

	if (!ret_driver)
		return regioi_fail(-EINVAL, "%s: ret_driver is NULL", step);
	error = regioi_options_read(&known, sizeof(known), opts, step);
	if (error)
		return error;
	error = check_options(step, &known);
	if (error)
		return error;
	error = regioi_driver_create(&known, &driver);
	if (error)
		return error;
	error = regioi_id_add(REGIOI_KIND_DRIVER, driver, 0, 0, &driver->id);
	if (error) {
		regioi_driver_release(driver);
		return regioi_fail(error, "%s: out of memory", step);
	}
	driver->on_blocked = known.on_blocked;
	driver->on_blocked_context = known.on_blocked_context;
	*ret_driver = (struct regio_driver *)(uintptr_t)driver->id;
	return 0;
}

/* Ends the handle, whose reference is the caller's then. False where another thread has. */
static bool driver_end(struct regioi_driver *driver, uint64_t id)
{
	struct regioi_slot *slot = regioi_table_invalidate(id, REGIOI_KIND_DRIVER);

	if (!slot)
		return false;
	regioi_table_release(slot, id);
	pthread_mutex_lock(&driver->blocked_lock);
	driver->on_blocked = NULL;
	pthread_mutex_unlock(&driver->blocked_lock);
	return true;
}

int regio_driver_close(struct regio_driver *handle)
{
	static const char step[] = "closing a driver";
	uint64_t id = (uintptr_t)handle;
	struct regioi_driver *driver = regioi_driver_held(handle);
	uint32_t users;
	int error = 0;

	if (!driver)
		return regioi_fail(regioi_table_reason(id, -EBADF), "%s: it is closed already",
				   step);
	users = atomic_load(&driver->completion_queues);
	if (users)
		error = regioi_fail(-EBUSY, "%s: %u CQs use it; close them first", step, users);
	else if (!driver_end(driver, id))
		error = regioi_fail(-EBADF, "%s: it is closed already", step);
	give_back(driver, error ? 1 : 2);
	return error;
}

int regio_driver_get_info(struct regio_driver *handle, struct regio_driver_info *ret_info,
			  uint32_t size)
{
	static const char step[] = "describing a driver";
	struct regio_driver_info info = {0};
	struct regioi_driver *driver;
	int error = regioi_info_check(ret_info, size, step);

	if (error)
		return error;
	driver = regioi_driver_held(handle);
	if (!driver)
		return regioi_fail(regioi_table_reason((uintptr_t)handle, -EBADF),
				   "%s: it is closed", step);
	snprintf(info.engine, sizeof(info.engine), "%s", driver->ops->name);
	snprintf(info.reason, sizeof(info.reason), "%s", driver->reason);
	info.completion_queues = atomic_load(&driver->completion_queues);
	info.request_queues = atomic_load(&driver->request_queues);
	info.thread = driver->threaded;
	info.asleep = atomic_load(&driver->thread.asleep);
	info.sleeps = atomic_load(&driver->thread.sleeps);
	regioi_driver_release(driver);
	regioi_info_write(ret_info, size, &info, sizeof(info));
	return 0;
}
