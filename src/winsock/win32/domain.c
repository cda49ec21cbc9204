/* SPDX-License-Identifier: MIT */
/*
 * How threads wait and completions are made: leading, helping, sleeping.
 *
 * A waiter may be satisfied inside regio_driver_run(), in the leader itself: a CQ calls the
 * library, which takes the lock that the leader has released. So with a domain's lock held,
 * regio_driver_wake() is the only regio call allowed.
 */
#include "winsock/win32/domain.h"
#include "winsock/win32/deadline.h"

/* ---- Leading ---- */

/* A thread of the program that could lead, or NULL. */
static struct regioi_ws_waiter *find_leader(const struct regioi_ws_domain *domain)
{
	struct regioi_ws_waiter *waiter = (void *)domain->waiters.last;

	while (waiter && (waiter->done || !waiter->drives))
		waiter = (void *)waiter->link.previous;
	return waiter;
}

/* Has a thread of the program lead, unless another thread does. False if there is none for it. */
static bool pass_lead_on(struct regioi_ws_domain *domain)
{
	struct regioi_ws_waiter *next = find_leader(domain);

	if (!domain->leader && next)
		pthread_cond_signal(&next->awake);
	return domain->leader || next;
}

static bool may_lead(const struct regioi_ws_domain *domain, const struct regioi_ws_waiter *waiter)
{
	return domain->driver && !domain->leader && waiter->drives;
}

static void lead(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter,
		 int64_t timeout_ns)
{
	int error;

	domain->leader = waiter;
	domain->leading_thread = pthread_self();
	pthread_mutex_unlock(&domain->lock);
	error = regio_driver_run(domain->driver, timeout_ns);
	pthread_mutex_lock(&domain->lock);
	domain->leader = NULL;
	/* In a forked child the driver is not valid: only waiting for other threads is possible. */
	if (error && error != -ETIMEDOUT && error != -EINTR)
		waiter->drives = false;
}

struct regioi_ws_waiter *regioi_ws_domain_leading(const struct regioi_ws_domain *domain)
{
	return domain->leader && domain->leading_thread == pthread_self() ? domain->leader : NULL;
}

/* ---- The helper ---- */

static void *helper_main(void *argument)
{
	struct regioi_ws_domain *domain = argument;
	REGIOI_LOCKED(&domain->lock);

	while (!domain->helper_ending) {
		if (!pass_lead_on(domain) && domain->blocked > 0 && domain->helper.drives)
			lead(domain, &domain->helper, -1);
		else
			pthread_cond_wait(&domain->helper.awake, &domain->lock);
	}
	return NULL;
}

/* Called when sends wait for a socket, and no other thread would finish them. */
static void helper_ring(struct regioi_ws_domain *domain)
{
	if (domain->helper_ending)
		return;
	if (domain->helper_started) {
		pthread_cond_signal(&domain->helper.awake);
		return;
	}
	domain->helper.drives = true;
	/* If no thread can be created, the sends wait for the next call, as in the native API. */
	domain->helper_started =
		pthread_create(&domain->helper_thread, NULL, helper_main, domain) == 0;
}

/* Ends its turn, if it leads. */
static void helper_dismiss(struct regioi_ws_domain *domain)
{
	if (domain->leader == &domain->helper)
		regio_driver_wake(domain->driver);
}

/* regio_driver_opts.on_blocked */
static void count_blocked(void *context, int change)
{
	struct regioi_ws_domain *domain = context;
	REGIOI_LOCKED(&domain->lock);

	domain->blocked += change;
	if (domain->blocked == 0)
		helper_dismiss(domain);
	else if (domain->blocked == 1 && change > 0 && !find_leader(domain))
		helper_ring(domain);
}

/* ---- Sleeping ---- */

static void wake(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter)
{
	if (domain->leader == waiter)
		regio_driver_wake(domain->driver);
	else
		pthread_cond_signal(&waiter->awake);
}

void regioi_ws_waiter_satisfy(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter)
{
	waiter->done = true;
	wake(domain, waiter);
}

void regioi_ws_waiter_drive(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter)
{
	if (waiter->drives)
		return;
	waiter->drives = true;
	wake(domain, waiter);
}

void regioi_ws_domain_sleep(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter,
			    uint64_t deadline_ns)
{
	uint64_t now = 0;

	if (waiter->done)
		return;
	if (deadline_ns == 0 && !may_lead(domain, waiter))
		return;
	pthread_cond_init(&waiter->awake, NULL);
	regioi_ws_list_append(&domain->waiters, &waiter->link);
	/* The program's own threads take the lead from the helper. */
	if (waiter->drives)
		helper_dismiss(domain);
	while (!waiter->done) {
		int64_t rest_ns = -1;

		if (deadline_ns != UINT64_MAX) {
			if (deadline_ns)
				now = regioi_now_ns();
			rest_ns = deadline_ns > now ? (int64_t)(deadline_ns - now) : 0;
		}
		if (may_lead(domain, waiter))
			lead(domain, waiter, rest_ns);
		else if (rest_ns)
			regioi_ws_cond_wait(&waiter->awake, &domain->lock, deadline_ns);
		if (rest_ns == 0)
			break;
	}
	regioi_ws_list_remove(&domain->waiters, &waiter->link);
	if (!pass_lead_on(domain) && domain->blocked > 0)
		helper_ring(domain);
	pthread_cond_destroy(&waiter->awake);
}

/* ---- Creating and ending ---- */

void regioi_ws_domain_init(struct regioi_ws_domain *domain)
{
	*domain = (struct regioi_ws_domain){0};
	pthread_mutex_init(&domain->lock, NULL);
	pthread_cond_init(&domain->helper.awake, NULL);
}

int regioi_ws_domain_driver(struct regioi_ws_domain *domain, struct regio_driver **ret_driver)
{
	static pthread_mutex_t creating = PTHREAD_MUTEX_INITIALIZER;
	struct regio_driver_opts opts = {
		.size = sizeof(opts), .on_blocked = count_blocked, .on_blocked_context = domain};
	struct regio_driver *driver = NULL;
	REGIOI_LOCKED(&creating);
	int error = 0;

	if (!domain->driver) {
		error = regio_driver_create(&opts, &driver);
		pthread_mutex_lock(&domain->lock);
		domain->driver = driver;
		pthread_mutex_unlock(&domain->lock);
	}
	*ret_driver = domain->driver;
	return error;
}

void regioi_ws_domain_fini(struct regioi_ws_domain *domain)
{
	bool helped;

	pthread_mutex_lock(&domain->lock);
	helped = domain->helper_started;
	domain->helper_ending = true;
	wake(domain, &domain->helper);
	pthread_mutex_unlock(&domain->lock);
	if (helped)
		pthread_join(domain->helper_thread, NULL);
	if (domain->driver)
		regio_driver_close(domain->driver);
	pthread_cond_destroy(&domain->helper.awake);
	pthread_mutex_destroy(&domain->lock);
}
