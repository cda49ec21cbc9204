/* SPDX-License-Identifier: MIT */
/*
 * exchange.c - a little of everything that moves data, to see whether it still works
 */
#include "exchange.h"

#include "net.h"
#include "suite.h"

#define BURST 48u
#define SLOT_SIZE 128u
#define MESSAGE_SIZE 96u
/* What the kernel sleeps through only where it knows time-outs in nanoseconds. */
#define SHORT_NS 50000

void exchange_open(struct exchange *exchange, struct regio_driver *driver)
{
	struct side_plan plan = {.family = AF_INET,
				 .receives = BURST,
				 .sends = BURST,
				 .slot_size = SLOT_SIZE,
				 .driver = driver};

	exchange->driver = NULL;
	if (!driver) {
		EXPECT_RETURN(0, regio_driver_create(NULL, &exchange->driver));
		plan.driver = exchange->driver;
	}
	for (int i = 0; i < 2; i++)
		side_open(&exchange->sides[i], &plan);
	connect_to(exchange->sides[0].fd, exchange->sides[1].fd);
	connect_to(exchange->sides[1].fd, exchange->sides[0].fd);
}

static void move(struct side *from, struct side *to, uint64_t first, uint32_t count)
{
	struct regio_result results[BURST];

	for (uint64_t i = 0; i < count; i++)
		post_receive(to, i);
	for (uint64_t i = 0; i < count; i++)
		post_message(from, BURST + i, MESSAGE_SIZE, first + i,
			     i + 1 < count ? REGIO_MSG_DEFER : 0);
	collect(to->receive_cq, results, count);
	for (uint64_t i = 0; i < count; i++) {
		expect_result(&results[i], 0, MESSAGE_SIZE, i);
		expect_message(slot_memory(to, i), MESSAGE_SIZE, first + i);
	}
	collect(from->send_cq, results, count);
	for (uint64_t i = 0; i < count; i++)
		expect_result(&results[i], 0, MESSAGE_SIZE, BURST + i);
}

void exchange_run(struct exchange *exchange, unsigned int rounds)
{
	struct side *a = &exchange->sides[0], *b = &exchange->sides[1];

	for (unsigned int round = 0; round < rounds; round++) {
		move(a, b, round, 1);
		move(b, a, round, 1);
		move(a, b, round, BURST);
		if (round % 16 == 0)
			EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(a->receive_cq, 1, 0, SHORT_NS));
	}
}

void exchange_close(struct exchange *exchange)
{
	side_close(&exchange->sides[0]);
	side_close(&exchange->sides[1]);
	if (exchange->driver)
		EXPECT_RETURN(0, regio_driver_close(exchange->driver));
}

void exchange_once(unsigned int rounds)
{
	struct exchange exchange;

	exchange_open(&exchange, NULL);
	exchange_run(&exchange, rounds);
	exchange_close(&exchange);
}
