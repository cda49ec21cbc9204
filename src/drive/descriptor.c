/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of a driver: an epoll set around the engine's own descriptor and an eventfd in
 * semaphore mode that counts the CQs that have been notified and not dequeued since. It is made
 * when first asked for: a nested set adds to the cost of each event.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "base/uncancelled.h"
#include "drive/descriptor.h"
#include "queue/lost.h"

/* Of the eventfd in the descriptor of a driver. */
#define SIGNAL_EVENTS EPOLLIN

static int descriptor_add(int set, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/*
 * The events of the engine's descriptor in the set. It is there even if there are none, because it
 * also proves that the set is ours.
 */
static uint32_t engine_events(const struct regioi_driver *driver)
{
	return driver->threaded ? 0 : EPOLLIN;
}

/* Under the driver's wait_lock. */
static int descriptor_make(struct regioi_driver *driver)
{
	REGIOI_UNCANCELLED;
	int set = epoll_create1(EPOLL_CLOEXEC);
	int signal = -1;
	int error;

	if (set < 0)
		return -errno;
	signal = eventfd(driver->fired, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (signal < 0 || descriptor_add(set, signal, SIGNAL_EVENTS) < 0 ||
	    descriptor_add(set, driver->ops->descriptor(driver->engine), engine_events(driver)) <
		    0) {
		error = -errno;
		if (signal >= 0)
			close(signal);
		close(set);
		return error;
	}
	driver->descriptor = set;
	driver->signal_descriptor = signal;
	return 0;
}

int regioi_descriptor_get(struct regioi_driver *driver)
{
	int result = 0;

	pthread_mutex_lock(&driver->wait_lock);
	if (!regioi_driver_intact(driver))
		result = -EBADF;
	else if (driver->descriptor < 0)
		result = descriptor_make(driver);
	if (!result)
		result = driver->descriptor;
	pthread_mutex_unlock(&driver->wait_lock);
	return result;
}

void regioi_descriptor_close(struct regioi_driver *driver)
{
	if (driver->descriptor < 0 || !regioi_driver_intact(driver) ||
	    !regioi_sys_epoll_holds(driver->descriptor, driver->ops->descriptor(driver->engine),
				    engine_events(driver), 0))
		return;
	if (regioi_sys_epoll_holds(driver->descriptor, driver->signal_descriptor, SIGNAL_EVENTS, 0))
		close(driver->signal_descriptor);
	close(driver->descriptor);
}
