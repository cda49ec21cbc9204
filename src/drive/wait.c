/* SPDX-License-Identifier: MIT */
/*
 * Waiting for completions: making progress, and sleeping where there is none.
 */
#include <errno.h>
#include <stdint.h>

#include "drive/progress.h"
#include "drive/sleep.h"
#include "drive/wait.h"
#include "queue/signal.h"

/* After a sleep: dequeues that do not ask the engine. Reposting and answers take two or three. */
#define UNASKED_MAX 4

/* Remaining time until the earlier of two moments; UINT64_MAX is never. */
static int64_t remaining_ns(uint64_t a_ns, uint64_t b_ns, uint64_t now)
{
	uint64_t until = a_ns < b_ns ? a_ns : b_ns;

	if (until == UINT64_MAX)
		return -1;
	if (until <= now)
		return 0;
	return until - now > INT64_MAX ? INT64_MAX : (int64_t)(until - now);
}

static uint64_t later(uint64_t now, uint64_t by_ns)
{
	return by_ns > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + by_ns;
}

/* Completions that may notify; makes progress while there are fewer than 'enough'. */
static int64_t available(struct regioi_cq *cq, int64_t enough)
{
	int64_t count = regioi_cq_available(cq);

	while (count < enough) {
		bool left = !regioi_driver_drives(cq->driver) &&
			    regioi_progress_without_poll(cq->driver, cq);
		int64_t before = count;

		count = regioi_cq_available(cq);
		/* Work that is left for others must not keep this one from its time-out. */
		if (!left || count == before)
			break;
	}
	return count;
}

/* With the thread announced among the listeners. */
static int wait_announced(struct regioi_cq *cq, int64_t enough, uint64_t max_delay_ns,
			  int64_t timeout_ns)
{
	uint64_t until = UINT64_MAX, window_until = UINT64_MAX, now;
	bool asked_engine = false; /* with no time left the engine is still asked once */
	int64_t count, rest_ns;
	int error = -ETIMEDOUT;

	if (timeout_ns >= 0)
		until = later(regioi_driver_now_ns(cq->driver), (uint64_t)timeout_ns);
	for (;;) {
		/*
		 * Sequentially consistent: pairs with regioi_driving_take(), which looks for a
		 * leader.
		 */
		if (cq->listens == atomic_load(&cq->driver->thread.drives))
			regioi_wait_listen(cq);
		count = available(cq, enough);
		if (count >= enough)
			break;
		now = until == UINT64_MAX && count == 0 ? 0 : regioi_driver_now_ns(cq->driver);
		if (count > 0 && window_until == UINT64_MAX)
			window_until = later(now, max_delay_ns);
		rest_ns = remaining_ns(until, window_until, now);
		if (rest_ns == 0 && asked_engine)
			break;
		asked_engine = rest_ns == 0;
		cq->unasked = UNASKED_MAX;
		error = regioi_cq_sleep(cq, count, rest_ns);
		if (error == -EBADF) {
			/* What is posted fails now; that it does is not what was waited for. */
			regioi_progress_without_poll(cq->driver, cq);
			break;
		}
		if (error) {
			count = regioi_cq_available(cq);
			break;
		}
		error = -ETIMEDOUT;
	}
	if (count == 0)
		return error;
	return count > INT32_MAX ? INT32_MAX : (int)count;
}

int regioi_cq_wait(struct regioi_cq *cq, int64_t enough, uint64_t max_delay_ns, int64_t timeout_ns)
{
	int64_t count = regioi_cq_available(cq);
	int result;

	if (count >= enough)
		return count > INT32_MAX ? INT32_MAX : (int)count;
	regioi_wait_begin(cq);
	result = wait_announced(cq, enough, max_delay_ns, timeout_ns);
	regioi_wait_end(cq);
	return result;
}
