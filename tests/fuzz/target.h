/* SPDX-License-Identifier: MIT */
/*
 * target.h - what the fuzz targets share
 *
 * A target is one file with LLVMFuzzerTestOneInput(): it decodes arbitrary bytes into something to
 * do, and checks what comes of it against a plain reference. Linked with libFuzzer it is a fuzzer,
 * linked with replay.c a test that runs the corpus. The same bytes always do the same.
 */
#ifndef REGIO_TESTS_FUZZ_TARGET_H
#define REGIO_TESTS_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A finding: says what did not hold, and ends the process. */
#define CHECK(condition, format, ...)                                                              \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(2, "%s:%d: %s: " format "\n", __FILE__, __LINE__, #condition,      \
				##__VA_ARGS__);                                                    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The bytes of an input that are left. What is read behind the end is 0. */
struct input {
	const uint8_t *at;
	const uint8_t *end;
};

static inline size_t input_left(const struct input *input)
{
	return (size_t)(input->end - input->at);
}

static inline uint8_t input_byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static inline uint64_t input_number(struct input *input, uint32_t bytes)
{
	uint64_t number = 0;

	for (uint32_t i = 0; i < bytes; i++)
		number |= (uint64_t)input_byte(input) << 8 * i;
	return number;
}

/* Of 'count' things; one byte where that is enough. */
static inline uint32_t input_below(struct input *input, uint32_t count)
{
	return (uint32_t)input_number(input, count <= 256 ? 1 : count <= 65536 ? 2 : 4) % count;
}

/* Up to 'size_max' bytes as they are. Returns how many. */
static inline size_t input_copy(struct input *input, void *ret_data, size_t size_max)
{
	size_t size = input_left(input) < size_max ? input_left(input) : size_max;

	if (size)
		memcpy(ret_data, input->at, size);
	input->at += size;
	return size;
}

/* Numbers where arithmetic is likely to go wrong. */
static inline uint32_t input_edge(struct input *input)
{
	static const uint32_t edges[] = {
		0,	    1,		27,	    28,		63,	  64,	    4096,   65400,
		0x7fffffff, 0x80000000, 0xffffffe4, 0xfffffff0, 1u << 24, 1u << 27, 0xffff, 0x10000,
	};
	uint8_t kind = input_byte(input);

	if (kind < 64)
		return edges[kind % 16] + kind / 16;
	if (kind < 80)
		return UINT32_MAX - (kind - 64u);
	return kind < 200 ? kind - 80u : (uint32_t)input_number(input, 4);
}

/* What the reference expects to find in memory. */
static inline uint8_t pattern_byte(uint64_t number)
{
	return (uint8_t)(number * 167 + (number >> 8) * 59 + (number >> 16) + 13);
}

#endif
