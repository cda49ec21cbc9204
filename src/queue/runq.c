/* SPDX-License-Identifier: MIT */
/*
 * How RQs are put on a driver's lists and removed. Arrivals are a Treiber stack: any thread may
 * push an RQ that may have work, and a thread that makes progress takes all of them.
 */
#include "queue/runq.h"

void regioi_driver_kick(struct regioi_driver *driver)
{
	/* Once for each pass: a burst of posts needs only one wake. */
	if (atomic_exchange(&driver->kicked, true))
		return;
	if (regioi_driver_drives(driver))
		regioi_driver_note_user(driver);
	driver->ops->doorbell(driver->engine);
}

void regioi_node_push(struct regioi_node *node)
{
	struct regioi_driver *driver = node->driver;
	struct regioi_node *head = atomic_load_explicit(&driver->arrivals, memory_order_relaxed);

	do {
		node->next = head;
		/*
		 * Sequentially consistent: pairs with the sleeper's look in
		 * regioi_driver_has_work().
		 */
	} while (!atomic_compare_exchange_weak(&driver->arrivals, &head, node));
	if (atomic_load(&driver->listeners))
		regioi_driver_kick(driver);
}

void regioi_arrivals_take(struct regioi_driver *driver)
{
	struct regioi_node *node = NULL;

	/*
	 * Sequentially consistent: pairs with regioi_driver_kick(). A thread that finds 'kicked'
	 * set rings no doorbell, and has pushed its node before; a pass clears 'kicked', and then
	 * looks here.
	 */
	if (atomic_load(&driver->arrivals))
		node = atomic_exchange_explicit(&driver->arrivals, NULL, memory_order_acquire);
	while (node) {
		struct regioi_node *next = node->next;

		if (node->list)
			regioi_list_remove(node->list, node);
		regioi_list_append(&driver->active, node);
		node = next;
	}
}

bool regioi_node_wake(struct regioi_driver *driver, struct regioi_node *node)
{
	uint32_t resting = REGIOI_NODE_RESTING;

	/* The load is cheaper where it is active already. */
	if (atomic_load_explicit(&node->queued, memory_order_relaxed) != REGIOI_NODE_RESTING ||
	    !atomic_compare_exchange_strong(&node->queued, &resting, REGIOI_NODE_QUEUED))
		return false;
	if (node->list)
		regioi_list_remove(node->list, node);
	regioi_list_append(&driver->active, node);
	return true;
}

void regioi_node_remove(struct regioi_node *node)
{
	struct regioi_driver *driver = node->driver;

	regioi_arrivals_take(driver);
	if (node->list) {
		driver->hot_count -= node->heat == REGIOI_HOT;
		regioi_list_remove(node->list, node);
	}
	/* Other RQs that had arrived with it are now on a list, too. */
	regioi_lists_empty_set(driver);
}
