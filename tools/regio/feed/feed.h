/* SPDX-License-Identifier: MIT */
/*
 * regio feed: a multicast feed as those of markets, published and subscribed to.
 */
#ifndef REGIO_FEED_FEED_H
#define REGIO_FEED_FEED_H

/* argv[0] is "feed". Returns the exit status: 0, 1 for a failure, 2 for wrong usage. */
int feed_command(int argc, char **argv);

#endif
