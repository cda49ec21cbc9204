/* SPDX-License-Identifier: MIT */
/*
 * team_result.c - what the requests of a team have brought: order, status and content
 */
#include "team_result.h"

#include "../support/net.h"
#include "../support/suite.h"
#include "kernel_drops.h"

#include <stdio.h>
#include <string.h>

#define RESULTS_MAX 128u

uint32_t message_length(const struct traffic *traffic, uint64_t number)
{
	uint32_t span = traffic->length_max - traffic->length_min + 1;

	return traffic->length_min + (uint32_t)(number * UINT64_C(0x9E3779B97F4A7C15) >> 33) % span;
}

uint8_t *team_slot(const struct team *team, uint32_t lane, uint64_t request)
{
	const uint32_t slots = team->traffic->slots;

	return team->memory + ((size_t)lane * slots + request % slots) * team->slot_size;
}

static void message_verified(struct team *team, uint32_t number, struct lane *lane)
{
	lane->verified++;
	/* Release: the sender may fill what this has emptied. */
	atomic_store_explicit(&team->traffic->arrived[number], lane->verified,
			      memory_order_release);
	if (number == 0 && lane->verified == team->traffic->stop_at)
		atomic_store(&team->traffic->over, true);
	tally_verified(team->traffic->kind, 1);
}

/* ---- Datagrams ----------------------------------------------------------------- */

/* Messages that the kernel has dropped are passed over; nothing else is. */
static void explain_gap(struct team *team, struct lane *lane, const uint8_t *data, uint32_t bytes)
{
	uint64_t wanted = lane->base + lane->verified, found = 0;
	bool cut = team->traffic->kind == SOAK_NETWORKS && atomic_load(&team->traffic->broken);
	uint64_t drops = cut ? 0 : kernel_drops(lane->fd) - lane->drops_before;

	memcpy(&found, data, bytes < sizeof(found) ? bytes : sizeof(found));
	EXPECT(found > wanted && found < lane->base + team->traffic->total,
	       "wanted message %#llx, got %u bytes that say %#llx", (unsigned long long)wanted,
	       bytes, (unsigned long long)found);
	EXPECT(cut || drops > 0,
	       "messages %#llx to %#llx are lost, and the kernel has dropped nothing",
	       (unsigned long long)wanted, (unsigned long long)found - 1);
	if (!cut)
		tally_survived(SOAK_KERNEL_DROP, found - wanted);
	lane->drops_before += drops;
	lane->verified += found - wanted;
}

static void verify_datagram(struct team *team, uint32_t number, struct lane *lane,
			    const uint8_t *data, uint32_t bytes)
{
	uint64_t wanted = lane->base + lane->verified;

	if (bytes != message_length(team->traffic, wanted) || !message_is(data, bytes, wanted)) {
		explain_gap(team, lane, data, bytes);
		wanted = lane->base + lane->verified;
		EXPECT(bytes == message_length(team->traffic, wanted) &&
			       message_is(data, bytes, wanted),
		       "message %#llx of %u bytes is damaged", (unsigned long long)wanted, bytes);
	}
	message_verified(team, number, lane);
}

/* ---- Streams ------------------------------------------------------------------- */

static void verify_bytes(struct team *team, uint32_t number, struct lane *lane, const uint8_t *data,
			 uint32_t bytes)
{
	uint8_t message[LENGTH_MAX];

	while (bytes > 0) {
		uint64_t wanted = lane->base + lane->verified;
		uint32_t length = message_length(team->traffic, wanted);
		uint32_t part = length - lane->fragment;

		part = part < bytes ? part : bytes;
		fill_message(message, length, wanted);
		EXPECT(!memcmp(message + lane->fragment, data, part),
		       "stream: wrong bytes behind byte %u of message %#llx", lane->fragment,
		       (unsigned long long)wanted);
		data += part;
		bytes -= part;
		lane->fragment += part;
		if (lane->fragment < length)
			continue;
		lane->fragment = 0;
		message_verified(team, number, lane);
	}
}

/* ---- Both ---------------------------------------------------------------------- */

static void check_status(struct team *team, struct lane *lane, const struct regio_result *result)
{
	bool broken = atomic_load(&team->traffic->broken);

	switch (result->status) {
	case 0:
		return;
	case -ECANCELED:
		EXPECT(lane->closed || lane->cancelled > 0, "ECANCELED, and nobody cancelled");
		lane->cancelled -= lane->cancelled > 0;
		break;
	case -EFAULT:
		EXPECT(team->region_gone, "EFAULT, and the region is there");
		break;
	default:
		EXPECT(broken, "%s: %s", team->sends ? "a send" : "a receive",
		       regio_error_name(result->status));
		if (team->traffic->stream && !lane->ended)
			tally_survived(SOAK_STREAM_BROKEN, 1);
		lane->ended = true;
		break;
	}
	EXPECT(result->bytes == 0 || team->traffic->stream, "%s with %u bytes",
	       regio_error_name(result->status), result->bytes);
}

static void take_sent(struct team *team, struct lane *lane, const struct regio_result *result,
		      uint32_t length)
{
	EXPECT(result->status != 0 || result->bytes == length, "%u of %u bytes sent", result->bytes,
	       length);
	lane->accepted += result->status == 0;
	atomic_store_explicit(&team->traffic->accepted[result->rq_context], lane->accepted,
			      memory_order_relaxed);
}

static void take_received(struct team *team, uint32_t number, struct lane *lane,
			  const struct regio_result *result)
{
	const uint8_t *data = team_slot(team, number, lane->done);

	/* What came before its memory went is still in order, but no longer there to be read. */
	if (team->region_gone)
		return;
	if (team->traffic->stream) {
		EXPECT(!lane->ended || result->bytes == 0, "bytes behind the end of the stream");
		lane->ended |= result->status == 0 && result->bytes == 0;
		verify_bytes(team, number, lane, data, result->bytes);
	} else if (result->status == 0) {
		verify_datagram(team, number, lane, data, result->bytes);
	}
}

static void take_result(struct team *team, const struct regio_result *result)
{
	uint32_t number = (uint32_t)result->rq_context;
	struct lane *lane;

	EXPECT(result->rq_context < team->traffic->lanes, "a completion of no queue");
	lane = team->lanes[number];
	EXPECT(result->request_context == lane->done && lane->done < lane->posted,
	       "request %llu completed, wanted %llu of %llu",
	       (unsigned long long)result->request_context, (unsigned long long)lane->done,
	       (unsigned long long)lane->posted);
	check_status(team, lane, result);
	if (team->sends)
		take_sent(team, lane, result, lane->lengths[lane->done % team->traffic->slots]);
	else
		take_received(team, number, lane, result);
	lane->done++;
}

bool team_dequeue(struct team *team)
{
	struct regio_result results[RESULTS_MAX];
	int count = regio_cq_dequeue(team->cq, results, RESULTS_MAX);

	EXPECT(count >= 0, "dequeue: %s", regio_error_name(count));
	for (int i = 0; i < count; i++)
		take_result(team, &results[i]);
	return count > 0;
}
