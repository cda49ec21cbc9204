/* SPDX-License-Identifier: MIT */
/*
 * drops.c - counts of datagrams that the kernel has lost
 */
#include "drops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line for each processor; its second number is what its queue had no room for. */
static uint64_t dropped_on_the_way(void)
{
	FILE *file = fopen("/proc/net/softnet_stat", "re");
	unsigned int dropped;
	uint64_t sum = 0;

	if (!file)
		return 0;
	while (fscanf(file, "%*x %x%*[^\n]", &dropped) == 1)
		sum += dropped;
	fclose(file);
	return sum;
}

/* The number of the word in the line of names is that of its value in the next line. */
static uint64_t udp_count(const char *name)
{
	char names[1024], values[1024], *rest_of_names, *rest_of_values;
	FILE *file = fopen("/proc/net/snmp", "re");
	uint64_t count = 0;

	if (!file)
		return 0;
	while (fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		const char *word = strtok_r(names, " \n", &rest_of_names);
		const char *value = strtok_r(values, " \n", &rest_of_values);

		if (!word || strcmp(word, "Udp:") != 0)
			continue;
		while (word && value && strcmp(word, name) != 0) {
			word = strtok_r(NULL, " \n", &rest_of_names);
			value = strtok_r(NULL, " \n", &rest_of_values);
		}
		count = word && value ? strtoull(value, NULL, 10) : 0;
	}
	fclose(file);
	return count;
}

struct drops drops_so_far(void)
{
	return (struct drops){.on_the_way = dropped_on_the_way(),
			      .no_memory = udp_count("MemErrors")};
}
