/* SPDX-License-Identifier: MIT */
/*
 * Drivers that a program creates.
 */
#include <errno.h>

#include "api/driver_life.h"
#include "api/fork.h"
#include "base/error.h"
#include "base/locked.h"
#include "base/options.h"
#include "drive/run.h"
#include "queue/handle.h"

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
	/* For the kernel SO_BUSY_POLL is an int. */
	if (opts->busy_poll_us > INT32_MAX)
		return regioi_fail(-EINVAL, "%s: busy_poll_us is %u; %d is the most", step,
				   opts->busy_poll_us, INT32_MAX);
	return 0;
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
	if (!error)
		error = check_options(step, &known);
	if (!error)
		error = regioi_driver_create(&known, &driver);
	if (error)
		return error;
	error = regioi_id_add(step, REGIOI_KIND_DRIVER, driver, 0, 0, &driver->id);
	if (error) {
		regioi_driver_release(driver);
		return error;
	}
	driver->on_blocked = known.on_blocked;
	driver->on_blocked_context = known.on_blocked_context;
	*ret_driver = (struct regio_driver *)(uintptr_t)driver->id;
	return 0;
}

/*
 * Ends the handle; its reference then belongs to the caller. False if another thread has ended it.
 */
static bool handle_end(struct regioi_driver *driver, uint64_t id)
{
	if (!regioi_table_invalidate(id, REGIOI_KIND_DRIVER))
		return false;
	regioi_table_release(id);
	REGIOI_LOCKED(&driver->blocked_lock);
	driver->on_blocked = NULL;
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
		return regioi_refuse_handle(handle, step, "driver");
	users = atomic_load(&driver->completion_queues);
	if (users)
		error = regioi_fail(-EBUSY, "%s: %u CQs use it; close them first", step, users);
	else if (!handle_end(driver, id))
		error = regioi_fail(-EBADF, "%s: it is closed already", step);
	else
		regioi_driver_release(driver); /* the handle's */
	regioi_driver_release(driver);
	return error;
}

int regio_driver_run(struct regio_driver *handle, int64_t timeout_ns)
{
	struct regioi_driver *driver = regioi_driver_held(handle);
	int result;

	if (!driver)
		return regioi_refuse_handle(handle, "running a driver", "driver");
	result = regioi_driver_run(driver, timeout_ns);
	regioi_driver_release(driver);
	if (result == -EBADF)
		regioi_explain("running a driver: the library's descriptors were closed by other "
			       "code; close the driver and make a new one");
	else if (result == -EBUSY)
		regioi_explain("running a driver: it has a thread of its own, or another thread "
			       "runs it or waits on one of its CQs");
	return result;
}

int regio_driver_wake(struct regio_driver *handle)
{
	struct regioi_driver *driver = regioi_driver_held(handle);

	if (!driver)
		return regioi_refuse_handle(handle, "waking a driver", "driver");
	regioi_driver_wake(driver);
	regioi_driver_release(driver);
	return 0;
}
