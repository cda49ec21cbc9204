/* SPDX-License-Identifier: MIT */
/*
 * exchange.h - a little of everything that moves data, to see whether it still works
 */
#ifndef REGIO_TESTS_EXCHANGE_H
#define REGIO_TESTS_EXCHANGE_H

#include <regio.h>

#include "side.h"

/* Two queues that send to each other, and what they are made of. */
struct exchange {
	struct regio_driver *driver;
	struct side sides[2];
};

/* The driver is the exchange's own where 'driver' is NULL. */
void exchange_open(struct exchange *exchange, struct regio_driver *driver);
/*
 * 'rounds' times: a lone message each way, a burst that is joined, and waits of all kinds. Every
 * message is checked.
 */
void exchange_run(struct exchange *exchange, unsigned int rounds);
void exchange_close(struct exchange *exchange);

/* All three, with a driver of its own. */
void exchange_once(unsigned int rounds);

#endif
