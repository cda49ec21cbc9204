/* SPDX-License-Identifier: MIT */
/*
 * feed.c - what comes off the network for `regio feed` and `regio load`, and what is made of it
 *
 * Properties. Of any bytes: a packet or a note that is accepted, written again, is the same bytes,
 * and its messages are what follows the head, up to the bytes counted as trailing; what is written
 * is read back as it was. Of any packets on any lines: each number is delivered once; received,
 * lost, late and twice are what a plain list of numbers says; gaps reported are of numbers that
 * have not come.
 */
#include "target.h"

#include "feed/framing.h"
#include "feed/session.h"
#include "load/protocol.h"

/* ---- Framing ---- */

static void write_again(const struct framing_packet *packet, const uint8_t *data, uint32_t all)
{
	uint32_t bytes = all - packet->trailing;
	uint8_t *copy = malloc(bytes);
	const uint8_t *cursor = packet->messages;
	struct framing_writer writer;

	CHECK(copy, "no memory");
	framing_begin(&writer, copy, bytes, packet->session, packet->number);
	for (uint32_t i = 0; i < packet->count; i++) {
		uint32_t message_bytes;
		const uint8_t *message = framing_next(&cursor, &message_bytes);
		uint8_t *at = framing_add(&writer, message_bytes);

		CHECK(at, "message %u has no room", i);
		memcpy(at, message, message_bytes);
	}
	CHECK(cursor == data + bytes, "the messages end elsewhere");
	if (packet->end)
		framing_finish_session(&writer);
	else
		framing_finish(&writer);
	CHECK(writer.bytes == bytes && !memcmp(copy, data, bytes), "another packet");
	free(copy);
}

static void check_packet(const uint8_t *data, size_t size)
{
	struct framing_packet packet;

	if (!framing_read(data, (uint32_t)size, &packet))
		return;
	CHECK(packet.trailing <= size - FRAMING_HEADER_BYTES, "more trailing than there is");
	CHECK(packet.number <= UINT64_MAX - packet.count, "numbers pass the last");
	CHECK(!packet.end || packet.count == 0, "an end with messages");
	write_again(&packet, data, (uint32_t)size);
}

/* Messages of chosen lengths until the packet is full. */
static void check_writer(struct input *input)
{
	uint32_t capacity = FRAMING_HEADER_BYTES + input_below(input, 4096), bytes[256];
	uint8_t *data = malloc(capacity);
	const char *session = "ABCDEFGHIJ";
	uint64_t number = input_number(input, 8);
	struct framing_writer writer;
	struct framing_packet packet;
	const uint8_t *cursor;
	uint32_t count = 0, found;

	CHECK(data, "no memory");
	framing_begin(&writer, data, capacity, session, number);
	while (input_left(input) && count < 256) {
		uint32_t room = capacity - writer.bytes;
		uint8_t *at;

		bytes[count] = input_edge(input);
		at = framing_add(&writer, bytes[count]);
		CHECK(!at == (bytes[count] > FRAMING_MESSAGE_BYTES_MAX ||
			      bytes[count] + FRAMING_LENGTH_BYTES > room),
		      "%u bytes in %u", bytes[count], room);
		if (!at)
			continue;
		memset(at, (int)count, bytes[count]);
		count++;
	}
	framing_finish(&writer);
	CHECK(writer.bytes <= capacity && writer.count == count, "%u messages", writer.count);
	CHECK(framing_read(data, writer.bytes, &packet) == (number <= UINT64_MAX - count),
	      "number %llu", (unsigned long long)number);
	cursor = packet.messages;
	for (uint32_t i = 0; number <= UINT64_MAX - count && i < count; i++) {
		const uint8_t *message = framing_next(&cursor, &found);

		CHECK(found == bytes[i] && (!found || message[found - 1] == (uint8_t)i),
		      "message %u: %u bytes, not %u", i, found, bytes[i]);
	}
	free(data);
}

/* ---- Notes ---- */

static void check_note(const uint8_t *data, size_t size)
{
	uint8_t copy[NOTE_BYTES], second[NOTE_BYTES];
	struct note note, again;

	if (!note_read(data, (uint32_t)size, &note))
		return;
	CHECK(size == NOTE_BYTES && note.mode < SERVE_MODES && note.kind < NOTE_KINDS,
	      "a note of kind %d", note.kind);
	note_write(copy, &note);
	CHECK(note_read(copy, sizeof(copy), &again), "written, and not read");
	note_write(second, &again);
	CHECK(!memcmp(copy, second, sizeof(copy)), "another note");
}

/* ---- Sessions ---- */

#define NUMBERS 1024u
#define LINES 3u

/* What a row of numbers has become, in plain steps. */
struct row {
	uint64_t first;
	uint64_t next;
	uint64_t duplicated;
	uint64_t reordered;
	bool come[NUMBERS + 256];
};

struct reference {
	bool used;
	bool placed;
	bool heard[LINES];
	uint64_t early;
	struct row merged;
	struct row lines[LINES];
};

/* One for each place a session may have. */
static struct reference references[FEED_SESSIONS_MAX];
static struct feed feed;

static void row_start(struct row *row, uint64_t first)
{
	*row = (struct row){.first = first, .next = first};
}

static void row_expect(struct row *row, uint64_t next)
{
	if (next > row->next)
		row->next = next;
}

static bool row_take(struct row *row, uint64_t number)
{
	/* A line has joined late: what came before is not its business. */
	if (number < row->first || row->come[number]) {
		row->duplicated++;
		return false;
	}
	row->reordered += number < row->next;
	row->come[number] = true;
	row_expect(row, number + 1);
	return true;
}

/* Late is what is late on its own line; for the lines together, if it is also the first copy. */
static bool lines_take(struct reference *reference, uint32_t line, uint64_t number)
{
	const struct row *own = &reference->lines[line];
	bool late = number < own->next && number >= own->first && !own->come[number];
	uint64_t reordered = reference->merged.reordered;
	bool behind = number < reference->merged.next;
	bool fresh;

	row_take(&reference->lines[line], number);
	fresh = row_take(&reference->merged, number);
	if (feed.line_count > 1)
		reference->merged.reordered = reordered + (fresh && behind && late);
	return fresh;
}

static void row_check(const struct row *row, const struct sequence *sequence)
{
	uint64_t received = 0, lost = 0, in_gaps = 0;

	for (uint64_t number = row->first; number < row->next; number++) {
		received += row->come[number];
		lost += !row->come[number];
	}
	for (uint32_t i = 0; i < sequence->gaps.count; i++) {
		const struct gap *gap = &sequence->gaps.list[i];

		CHECK(gap->first < gap->end && (i == 0 || gap[-1].end <= gap->first),
		      "gaps overlap");
		for (uint64_t number = gap->first; number < gap->end; number++)
			CHECK(!row->come[number], "a gap where %llu has come",
			      (unsigned long long)number);
		in_gaps += gap->end - gap->first;
	}
	CHECK(sequence->next == row->next, "next");
	CHECK(sequence->received == received, "received %llu, not %llu",
	      (unsigned long long)sequence->received, (unsigned long long)received);
	CHECK(sequence->lost == lost && in_gaps == lost, "lost %llu, not %llu",
	      (unsigned long long)sequence->lost, (unsigned long long)lost);
	CHECK(sequence->duplicated == row->duplicated, "duplicated");
	CHECK(sequence->reordered == row->reordered, "reordered");
}

static struct reference *reference_of(const struct feed_session *session)
{
	return &references[session - feed.sessions];
}

static void notice(void *context, const struct feed_event *event)
{
	struct reference *reference = reference_of(event->session);
	char name[FEED_NAME_BYTES];

	CHECK(strlen(feed_session_name(event->session, name)) < FEED_NAME_BYTES, "name");
	if (event->kind == FEED_BEGINS) {
		memset(reference, 0, sizeof(*reference));
		reference->used = true;
		reference->placed = feed.from_start || event->first > 0;
		row_start(&reference->merged, feed.from_start ? 1 : event->first);
		return;
	}
	CHECK(reference->used, "event %d of no session", event->kind);
	for (uint64_t number = event->first; event->kind == FEED_GAP && number < event->end;
	     number++)
		CHECK(!reference->merged.come[number], "a gap is reported where %llu has come",
		      (unsigned long long)number);
}

/* Of a packet that has a number: heartbeats and ends numbered 0 have none. */
static void take_number(struct reference *reference, uint32_t line, uint64_t number)
{
	uint64_t first = feed.from_start ? 1 : number;

	if (!reference->placed)
		row_start(&reference->merged, first);
	reference->placed = true;
	if (!reference->heard[line])
		row_start(&reference->lines[line], first);
	reference->heard[line] = true;
	row_expect(&reference->merged, number);
	row_expect(&reference->lines[line], number);
}

static void take_packet(struct input *input, uint64_t now_ns)
{
	uint32_t line = input_below(input, feed.line_count);
	struct framing_packet packet = {.number = input_below(input, NUMBERS),
					.count = input_byte(input) % 32};
	struct feed_session *session;
	struct reference *reference;

	memset(packet.session, ' ', sizeof(packet.session));
	/* More names than there are places. */
	packet.session[0] = (char)('A' + input_byte(input) % 20);
	packet.end = packet.count == 31;
	if (packet.end)
		packet.count = 0;
	session = feed_take(&feed, line, &packet, now_ns);
	reference = reference_of(session);
	if (packet.number > 0 || packet.count > 0)
		take_number(reference, line, packet.number);
	for (uint32_t i = 0; i < packet.count; i++) {
		uint64_t number = packet.number + i;
		bool fresh = feed_take_message(&feed, session, line, number, now_ns);

		if (number < reference->merged.first) {
			reference->early++;
			CHECK(!fresh, "from before the first, and delivered");
			continue;
		}
		CHECK(fresh == lines_take(reference, line, number), "number %llu",
		      (unsigned long long)number);
	}
}

static void check_sessions(void)
{
	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		const struct feed_session *session = &feed.sessions[i];

		CHECK(session->used == references[i].used, "session %u", i);
		if (!session->used)
			continue;
		row_check(&references[i].merged, &session->merged);
		CHECK(session->early == references[i].early, "early");
		for (uint32_t k = 0; feed.line_count > 1 && k < feed.line_count; k++) {
			CHECK(session->lines[k].heard == references[i].heard[k], "line %u", k);
			if (session->lines[k].heard)
				row_check(&references[i].lines[k], &session->lines[k].sequence);
		}
	}
}

static void check_feed(struct input *input)
{
	uint64_t now_ns = 1;

	/* The lists of gaps are long, and only as good as their counts. */
	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		feed.sessions[i].used = false;
		references[i].used = false;
	}
	memset(feed.current, 0, sizeof(feed.current));
	memset(&feed.retired, 0, sizeof(feed.retired));
	feed.notice = notice;
	feed.line_count = 1 + input_below(input, LINES);
	feed.from_start = input_byte(input) & 1;
	for (uint32_t i = 0; i < 500 && input_left(input); i++) {
		uint8_t command = input_byte(input);

		now_ns += (uint64_t)(command >> 2) << 24;
		if (command % 4)
			take_packet(input, now_ns);
		else
			feed_tick(&feed, 1u << 28, 1u << 30, now_ns);
	}
	check_sessions();
	feed_finish(&feed);
	feed_all_ended(&feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};

	check_packet(data, size);
	check_note(data, size);
	switch (input_byte(&input) % 4) {
	case 0:
		check_packet(input.at, input_left(&input));
		check_note(input.at, input_left(&input));
		break;
	case 1:
		check_writer(&input);
		break;
	default:
		check_feed(&input);
		break;
	}
	return 0;
}
