/* SPDX-License-Identifier: MIT */
/*
 * density.c - very many CQs on one driver
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <stdlib.h>
#include <unistd.h>

/* A slice is longer than a message: a fault engine may report one that fills it as cut. */
enum { QUEUES = 2000, SPARE_DESCRIPTORS = 100, SLICE_BYTES = 16 };

static void send_to_side(int sender, const struct side *side)
{
	const union address address = own_address(side->fd);

	EXPECT(sendto(sender, "x", 1, 0, &address.any, address_length(&address)) == 1, "%m");
}

START_TEST(two_thousand_cqs_on_one_driver_get_what_is_theirs)
{
	static struct regio_cq *cqs[QUEUES];
	static struct side sides[QUEUES];
	struct regio_driver *driver;
	uint64_t region;
	void *memory;
	int sender;

	if (!descriptors_for(QUEUES + SPARE_DESCRIPTORS))
		SKIP("fewer than %d descriptors are allowed", QUEUES + SPARE_DESCRIPTORS);
	/* So many ports get what other programs send to ports that they have closed. */
	enter_own_network();
	sender = udp_socket(AF_INET);
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	EXPECT_RETURN(0, regio_region_allocate(2UL * QUEUES * SLICE_BYTES, NULL, &region, &memory));
	for (uint32_t i = 0; i < QUEUES; i++) {
		cqs[i] = cq_of(2, driver);
		SIDE_OPEN(&sides[i], .family = AF_INET, .receives = 2, .cq = cqs[i],
			  .rq_context = SIDE_RQ_CONTEXT);
		for (uint32_t k = 0; k < 2; k++) {
			struct regio_buf slice = {region, (2 * i + k) * SLICE_BYTES, SLICE_BYTES};

			EXPECT_RETURN(0, regio_receive(sides[i].rq, &slice, 0, i));
		}
	}
	/* In another order than that in which they were made. */
	for (uint32_t i = 0; i < QUEUES; i++) {
		uint32_t at = i * 7 % QUEUES;
		struct regio_result result;

		send_to_side(sender, &sides[at]);
		result = collect_one(cqs[at]);
		expect_result(&result, 0, 1, at);
	}
	/* All at once; the driver is run by the one that is waited on. */
	for (uint32_t i = 0; i < QUEUES; i++) {
		send_to_side(sender, &sides[i]);
		if ((i + 1) % (ON_THE_WAY_MAX / 4) == 0)
			await_arrival(AF_INET);
	}
	for (uint32_t i = 0; i < QUEUES; i++) {
		struct regio_result result = collect_one(cqs[i]);

		expect_result(&result, 0, 1, i);
	}
	for (uint32_t i = 0; i < QUEUES; i++) {
		side_close(&sides[i]);
		EXPECT_RETURN(0, regio_cq_close(cqs[i]));
	}
	EXPECT_RETURN(0, regio_region_deregister(region));
	EXPECT_RETURN(0, regio_driver_close(driver));
	close(sender);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_SLOW(two_thousand_cqs_on_one_driver_get_what_is_theirs),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
