/* SPDX-License-Identifier: MIT */
/*
 * Accounting for messages on many queues.
 */
#include "many.h"

#include <stdio.h>
#include <unistd.h>

void many_init(struct many *many, struct bench_side *side)
{
	*many = (struct many){
		.side = side,
		.expected = side_alloc(side, side->fd_count * sizeof(uint64_t)),
		.queues_per_host = side->fd_count / side->params.hosts,
	};
}

/* Memory of the process that it shares with nobody; 0 when the kernel does not say. */
static int64_t private_bytes(void)
{
	long long resident = 0, shared = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*s %lld %lld", &resident, &shared) != 2)
		resident = shared = 0;
	fclose(file);
	return (int64_t)(resident - shared) * sysconf(_SC_PAGESIZE);
}

void many_open_begin(struct many *many)
{
	many->bytes_before = private_bytes();
	many->since_ns = clock_now_ns();
}

void many_open_end(struct many *many)
{
	struct side_record *record = many->side->record;
	int64_t bytes;

	record->open_ns = clock_now_ns() - many->since_ns;
	bytes = private_bytes() - many->bytes_before;
	record->queue_bytes = bytes > 0 ? (uint64_t)bytes / many->side->fd_count : 0;
}

void many_close_begin(struct many *many)
{
	many->since_ns = clock_now_ns();
}

void many_close_end(struct many *many)
{
	many->side->record->close_ns = clock_now_ns() - many->since_ns;
}

static void count(struct many *many, uint32_t queue, uint64_t sequence)
{
	struct bench_side *side = many->side;
	uint64_t *expected = &many->expected[queue];

	side->received++;
	side->record->host_messages[queue / many->queues_per_host]++;
	if (sequence < *expected) {
		side->reordered++;
		return;
	}
	side->lost += sequence - *expected;
	*expected = sequence + 1;
}

void many_read(struct many *many, uint32_t queue, const void *data, uint32_t bytes)
{
	struct bench_side *side = many->side;
	struct many_message message;

	if (unlikely(bytes < MANY_BYTES_MIN)) {
		message_odd(side, bytes);
		return;
	}
	if (unlikely(side->params.verify) && !message_intact(side, data, bytes)) {
		side->corrupted++;
		return;
	}
	memcpy(&message, data, sizeof(message));
	count(many, queue, message.header.sequence);
	if (message.due_ns)
		histogram_record(&side->record->latency, clock_now_ns() - message.due_ns);
}
