/* SPDX-License-Identifier: MIT */
/*
 * said.c - streams of memory in place of the two of the process
 */
#include "said.h"

#include "target.h"

void said_begin(struct said *said)
{
	FILE *kept[2] = {stdout, stderr};

	for (int i = 0; i < 2; i++) {
		said->streams[i] = open_memstream(&said->texts[i], &said->sizes[i]);
		CHECK(said->streams[i], "no memory");
	}
	stdout = said->streams[0];
	stderr = said->streams[1];
	said->streams[0] = kept[0];
	said->streams[1] = kept[1];
}

void said_end(struct said *said)
{
	FILE *kept[2] = {stdout, stderr};

	stdout = said->streams[0];
	stderr = said->streams[1];
	fclose(kept[0]);
	fclose(kept[1]);
}

void said_free(struct said *said)
{
	free(said->texts[0]);
	free(said->texts[1]);
}
