/* SPDX-License-Identifier: MIT */
/*
 * streams.h - connected stream sockets, and bytes that prove their place in a stream
 *
 * Every function fails the case when the system refuses something a machine must grant.
 */
#ifndef REGIO_TESTS_STREAMS_H
#define REGIO_TESTS_STREAMS_H

#include <stddef.h>
#include <stdint.h>

#include "net.h"

/* TCP over both, and unix sockets. */
#define STREAM_FAMILIES 3
extern const int stream_families[STREAM_FAMILIES];
extern const char *const stream_family_names[STREAM_FAMILIES];

/* Runs with _i an index into stream_families[]. */
#define CASE_PER_STREAM(test)                                                                      \
	{                                                                                          \
		test, stream_family_names, STREAM_FAMILIES, CASE_TIMEOUT_S                         \
	}

/* Not connected. */
int stream_socket(int family);
/* Listening on loopback, or on an address of the kernel's choice. */
int stream_listener(int family);
/* Connects 'fd' and returns the other end. */
int connect_stream(int fd, int listener);
/* Both ends of a new connection: who connected, who accepted. */
void stream_pair(int family, int ret_fds[2]);
/* Ends a connection the hard way: the peer is reset. */
void reset_stream(int fd);

/* Byte number 'offset' of the stream and those that follow; never the same shifted. */
void fill_stream(void *ret_data, size_t length, uint64_t offset);
/* Fails the case where the bytes are not those. */
void expect_stream(const void *data, size_t length, uint64_t offset);

void write_all(int fd, const void *data, size_t length);
/* Writes the bytes of the stream from 'offset' on. */
void write_stream(int fd, size_t length, uint64_t offset);
/* Exactly 'length' bytes; waits for them. */
void read_all(int fd, void *ret_data, size_t length);
/* Reads and checks. */
void read_stream(int fd, size_t length, uint64_t offset);
/* Waits for the end of the stream, and for no byte before it. */
void expect_end(int fd);

#endif
