/* SPDX-License-Identifier: MIT */
/*
 * CQs that call the program when they are notified.
 *
 * The call must find a completion. Whoever completes something may come to look at 'armed' long
 * after the consumer has dequeued it, and armed the CQ anew; so completions are counted, and the
 * call is made where more have been posted than taken.
 */
#include <errno.h>

#include "core/driver.h"
#include "core/notified.h"

void regioi_cq_call(struct regioi_cq *cq)
{
	if (!atomic_load(&cq->armed))
		return;
	/* Held across the call, so that closing can wait for it. */
	pthread_mutex_lock(&cq->lock);
	if (!atomic_load(&cq->closed) && regioi_cq_available(cq) > 0 &&
	    atomic_exchange(&cq->armed, false))
		cq->on_notify(cq->on_notify_context);
	pthread_mutex_unlock(&cq->lock);
}

int regioi_cq_arm(struct regioi_cq *cq)
{
	bool was_armed;

	/* Not between the two looks of regioi_cq_call(): what the first saw is dequeued by now. */
	pthread_mutex_lock(&cq->lock);
	/* Sequentially consistent: pairs with regioi_cq_posted() and the look at 'armed' after it.
	 */
	was_armed = atomic_exchange(&cq->armed, true);
	pthread_mutex_unlock(&cq->lock);
	if (was_armed)
		return -EALREADY;
	if (!cq->driver->threaded && regioi_cq_available(cq) == 0)
		regioi_driver_progress(cq->driver);
	regioi_cq_call(cq);
	return 0;
}

void regioi_cq_silence(struct regioi_cq *cq)
{
	pthread_mutex_lock(&cq->lock);
	atomic_store(&cq->armed, false);
	pthread_mutex_unlock(&cq->lock);
}
