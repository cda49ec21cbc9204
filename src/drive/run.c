/* SPDX-License-Identifier: MIT */
/*
 * Driving without waiting on one CQ: for programs whose CQs call them.
 */
#include <errno.h>

#include "drive/progress.h"
#include "drive/run.h"
#include "drive/sleep.h"

/* The lock keeps a wake and its acknowledgement in order. Returns what the runner was. */
static enum regioi_runner runner_set(struct regioi_driver *driver, enum regioi_runner runner)
{
	enum regioi_runner before;

	pthread_mutex_lock(&driver->wait_lock);
	before = driver->runner;
	/* A call is kept until somebody runs who can answer it. */
	if (runner != REGIOI_RUNNER_SLEEPS || before != REGIOI_RUNNER_CALLED)
		driver->runner = (uint8_t)runner;
	if (runner == REGIOI_RUNNER_CALLED && before == REGIOI_RUNNER_SLEEPS)
		driver->ops->wake(driver->engine);
	pthread_mutex_unlock(&driver->wait_lock);
	return before;
}

/* Returns 0 after a call, 1 after anything else that ends a sleep, -EINTR, or -EBADF. */
static int sleep_once(struct regioi_driver *driver, int64_t timeout_ns)
{
	struct regioi_event events[REGIOI_SLEEP_EVENTS];
	bool called;
	int count;

	if (runner_set(driver, REGIOI_RUNNER_SLEEPS) == REGIOI_RUNNER_CALLED) {
		runner_set(driver, REGIOI_RUNNER_AWAKE);
		return 0;
	}
	count = regioi_driver_sleep(driver, timeout_ns, events);
	called = runner_set(driver, REGIOI_RUNNER_AWAKE) == REGIOI_RUNNER_CALLED;
	if (called)
		driver->ops->wake_ack(driver->engine);
	regioi_progress_after_sleep(driver, NULL, events, count);
	if (called)
		return 0;
	return count < 0 ? count : 1;
}

static int run(struct regioi_driver *driver, int64_t timeout_ns)
{
	uint64_t until = timeout_ns > 0 ? regioi_driver_now_ns(driver) + (uint64_t)timeout_ns : 0;
	bool asked_engine = false;
	int result;

	for (;;) {
		regioi_progress_without_poll(driver, NULL);
		/* With no time left the engine is still asked once. */
		if (timeout_ns == 0 && asked_engine)
			return -ETIMEDOUT;
		asked_engine = timeout_ns == 0;
		result = sleep_once(driver, timeout_ns);
		if (result <= 0)
			return result;
		if (timeout_ns > 0) {
			uint64_t now = regioi_driver_now_ns(driver);

			timeout_ns = now < until ? (int64_t)(until - now) : 0;
		}
	}
}

int regioi_driver_run(struct regioi_driver *driver, int64_t timeout_ns)
{
	int result;

	if (driver->threaded || !regioi_lead_take(driver))
		return -EBUSY;
	result = run(driver, timeout_ns);
	regioi_lead_leave(driver);
	return result;
}

void regioi_driver_wake(struct regioi_driver *driver)
{
	runner_set(driver, REGIOI_RUNNER_CALLED);
}
