/* SPDX-License-Identifier: MIT */
/*
 * Cookies: what a server gives to whoever greets it, and recognises without having
 * kept it. Only those who receive at an address learn the cookie of that address.
 * Pure.
 */
#ifndef REGIO_LOAD_COOKIE_H
#define REGIO_LOAD_COOKIE_H

#include <stddef.h>
#include <stdint.h>

/* Random, and known to one process. */
struct cookie_key {
	uint64_t words[2];
};

/* SipHash-2-4 of the data. */
uint64_t cookie_make(const struct cookie_key *key, const void *data, size_t bytes);

#endif
