/* SPDX-License-Identifier: MIT */
/*
 * Creating and ending drivers.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/driver_life.h"
#include "api/engine_choice.h"
#include "base/barrier.h"
#include "base/error.h"
#include "base/hazard.h"
#include "base/uncancelled.h"
#include "drive/descriptor.h"
#include "drive/thread.h"

/* Even if the kernel cannot poll for an epoll set, the sockets are polled (socket.c). */
static int busy_poll(struct regioi_driver *driver, const struct regio_driver_opts *opts)
{
	int error;

	driver->busy_poll_us = opts->busy_poll_us;
	driver->busy_poll_preferred = opts->flags & REGIO_DRIVER_PREFER_BUSY_POLL;
	if (!opts->busy_poll_us || !driver->ops->busy_poll)
		return 0;
	error = driver->ops->busy_poll(driver->engine, opts->busy_poll_us,
				       driver->busy_poll_preferred);
	if (error != -EPERM)
		return 0;
	return regioi_fail(error, "creating a driver: busy polling: not permitted; it needs "
				  "CAP_NET_ADMIN");
}

static int driver_fill(struct regioi_driver *driver, const struct regio_driver_opts *opts)
{
	int error = regioi_engine_open(driver, opts->engine);

	if (!error)
		error = busy_poll(driver, opts);
	if (error)
		return error;
	/* Determined here, so that the first busy queue need not do it. */
	regioi_barrier_available();
	if (!regioi_areas_init(&driver->areas))
		return regioi_fail(-ENOMEM, "creating a driver: out of memory");
	driver->threaded |= opts->flags & REGIO_DRIVER_THREAD;
	if (!driver->threaded && (opts->flags & REGIO_DRIVER_THREAD_CPU || opts->thread_spin_ns))
		return regioi_fail(-EINVAL,
				   "creating a driver: a thread's CPU or spin time without a "
				   "thread; add REGIO_DRIVER_THREAD");
	atomic_init(&driver->posters_execute, !driver->threaded);
	return driver->threaded ? regioi_thread_start(driver, opts) : 0;
}

static void driver_free(struct regioi_driver *driver)
{
	if (driver->engine) {
		regioi_descriptor_close(driver);
		driver->ops->destroy(driver->engine);
	}
	regioi_areas_fini(&driver->areas);
	pthread_mutex_destroy(&driver->lock);
	pthread_mutex_destroy(&driver->wait_lock);
	pthread_mutex_destroy(&driver->blocked_lock);
	free(driver);
}

/* After the last reference. */
static void driver_end(struct regioi_driver *driver)
{
	REGIOI_UNCANCELLED;

	if (driver->threaded)
		regioi_thread_stop(driver);
	driver_free(driver);
}

int regioi_driver_create(const struct regio_driver_opts *opts, struct regioi_driver **ret_driver)
{
	REGIOI_UNCANCELLED;
	struct regioi_driver *driver = aligned_alloc(REGIOI_CACHE_LINE, sizeof(*driver));
	int error;

	if (!driver)
		return regioi_fail(-ENOMEM, "creating a driver: out of memory");
	*driver = (struct regioi_driver){
		.end = driver_end,
		.descriptor = -1,
		.signal_descriptor = -1,
		.passes = (uint32_t)regioi_counter_start(UINT32_MAX),
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
	/* Does the allocation of a thread's first call here, and not in its first post. */
	regioi_hazard_own();
	*ret_driver = driver;
	return 0;
}
