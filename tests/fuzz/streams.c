/* SPDX-License-Identifier: MIT */
/*
 * streams.c - requests gathered into a stream, cut by the input, scattered over slices again
 *
 * Properties. The bytes that leave are those of the sends, each once and in posting order, however
 * little the socket takes at a time; a send completes when all of it has gone, and one whose region
 * has ended says how much of it had. The bytes that arrive fill the receives in posting order: a
 * receive completes with what is there, one that waits for all is full; a receive whose region has
 * ended says how much it had and loses nothing that it had not been given; nothing is written
 * beside a slice. An end completes every receive.
 */
#include "pure.h"
#include "target.h"

#include <errno.h>

#include "mem/request.h"
#include "stream/receive.h"
#include "stream/send.h"

#define SLOTS 1024u
#define MEMORY_BYTES (256u * 1024)
#define STREAM_BYTES (1u << 20)
#define ROUNDS_MAX 400u
#define GUARD 0xEE

static uint8_t *source, *target;
static uint64_t source_region, target_region, mortal_region;
static bool mortal_dead = true;
static struct regioi_area *area;
/* What has left, which is what will arrive. */
static uint8_t *stream;
static uint32_t stream_bytes;

static struct regioi_request requests[SLOTS];
static struct regio_extra extras[SLOTS];
static struct regioi_window window;
static uint32_t lengths[SLOTS]; /* as posted */

static void set_up_once(void)
{
	pure_begin();
	source = malloc(MEMORY_BYTES);
	target = malloc(MEMORY_BYTES);
	stream = malloc(STREAM_BYTES);
	area = malloc(sizeof(*area));
	CHECK(source && target && stream && area, "no memory");
	for (uint32_t i = 0; i < MEMORY_BYTES; i++)
		source[i] = pattern_byte(i);
	CHECK(regio_region_register(source, MEMORY_BYTES, NULL, &source_region) == 0, "%s",
	      regio_last_error());
	CHECK(regio_region_register(target, MEMORY_BYTES, NULL, &target_region) == 0, "%s",
	      regio_last_error());
}

static void mortal_make(uint8_t *memory)
{
	if (!mortal_dead)
		pure_end_region(mortal_region);
	CHECK(regio_region_register(memory, MEMORY_BYTES, NULL, &mortal_region) == 0, "%s",
	      regio_last_error());
	mortal_dead = false;
}

static void mortal_kill(void)
{
	if (!mortal_dead)
		pure_end_region(mortal_region);
	mortal_dead = true;
}

static uint32_t slot_of(uint32_t index)
{
	return (window.first + index) & window.mask;
}

static bool is_dead(uint32_t slot)
{
	return mortal_dead && (requests[slot].region == mortal_region ||
			       (requests[slot].flags & REGIOI_REQUEST_EXTRA &&
				extras[slot].message_flags.region == mortal_region));
}

static void window_reset(uint32_t first)
{
	memset(requests, 0, sizeof(requests));
	memset(extras, 0, sizeof(extras));
	window = (struct regioi_window){requests, extras, SLOTS - 1, first, 0};
}

static void window_advance(uint32_t done)
{
	CHECK(done <= window.count, "%u of %u", done, window.count);
	window.first += done;
	window.count -= done;
}

/* Lengths around what is copied together, and long ones. */
static uint32_t take_length(struct input *input)
{
	uint8_t kind = input_byte(input);

	if (kind < 160)
		return kind < 128 ? kind : 500 + (kind - 128u);
	return input_below(input, kind < 250 ? 2048 : 70000);
}

/* Posts one request, its slice at 'offset'; some in a region that may end, some with flags. */
static void post(uint32_t offset, uint32_t length, uint64_t region, uint8_t kind)
{
	uint32_t slot = slot_of(window.count++);

	if (kind & 1)
		region = mortal_region;
	requests[slot] = (struct regioi_request){
		.region = length ? region : 0, .offset = length ? offset : 0, .bytes = length};
	lengths[slot] = length;
	extras[slot] = (struct regio_extra){0};
	if (!(kind & 2))
		return;
	requests[slot].flags = REGIOI_REQUEST_EXTRA;
	if (kind & 4)
		extras[slot].message_flags = (struct regio_buf){mortal_region, 0, 4};
}

/* The pieces of an operation, one after the other, as the kernel walks them. */
static struct msghdr vectors_of(const struct regioi_op *op, struct iovec *lone)
{
	if (op->kind == REGIOI_OP_SEND_VECTORS || op->kind == REGIOI_OP_RECEIVE_VECTORS)
		return *op->message;
	*lone = (struct iovec){op->data, op->length};
	return (struct msghdr){.msg_iov = lone, .msg_iovlen = 1};
}

static void check_length(const struct regioi_op *op)
{
	struct iovec lone;
	struct msghdr message = vectors_of(op, &lone);
	size_t length = 0;

	CHECK(message.msg_iovlen <= 1024, "%zu vectors", message.msg_iovlen);
	for (size_t i = 0; i < message.msg_iovlen; i++)
		length += message.msg_iov[i].iov_len;
	CHECK(length == op->length, "%zu bytes, %zu said", length, op->length);
}

/* ---- Sending ---- */

struct sender {
	struct regioi_send_state state;
	uint32_t partial_bytes; /* bytes of the oldest request that have left */
};

static void post_sends(struct input *input)
{
	uint32_t count = 1 + input_below(input, 200), length = take_length(input);
	uint8_t kind = input_byte(input);

	if (length > 2048)
		count = 1 + count % 8;
	for (; count > 0 && window.count < SLOTS && !(kind & 5 && mortal_dead); count--)
		post(8 + (slot_of(window.count) * 5113u) % (MEMORY_BYTES - 70100u), length,
		     source_region, kind);
}

/* Compares what is ready to leave with what was posted; the first 'moved' bytes of it leave. */
static void leave(struct sender *sender, const struct regioi_op *op, size_t moved)
{
	struct iovec lone;
	struct msghdr message = vectors_of(op, &lone);
	uint32_t index = 0, offset = sender->partial_bytes;

	for (size_t i = 0; i < message.msg_iovlen; i++) {
		const uint8_t *bytes = message.msg_iov[i].iov_base;
		size_t left = message.msg_iov[i].iov_len, part;

		for (; left > 0; left -= part, bytes += part) {
			for (; offset == lengths[slot_of(index)]; offset = 0)
				CHECK(++index < window.count, "more than was posted");
			part = lengths[slot_of(index)] - offset;
			if (part > left)
				part = left;
			CHECK(!memcmp(bytes, source + requests[slot_of(index)].offset + offset,
				      part),
			      "request %u from byte %u on", index, offset);
			offset += (uint32_t)part;
		}
		part = message.msg_iov[i].iov_len < moved ? message.msg_iov[i].iov_len : moved;
		moved -= part;
		if (part > STREAM_BYTES - stream_bytes)
			part = STREAM_BYTES - stream_bytes;
		memcpy(stream + stream_bytes, message.msg_iov[i].iov_base, part);
		stream_bytes += (uint32_t)part;
	}
}

static void check_sent(struct sender *sender, uint32_t done, size_t moved)
{
	size_t left = moved + sender->partial_bytes;

	CHECK(done <= window.count, "%u of %u", done, window.count);
	for (uint32_t i = 0; i < done; i++) {
		const struct regioi_request *request = &requests[slot_of(i)];

		CHECK(request->status == 0 && request->bytes == lengths[slot_of(i)],
		      "status %d, %u bytes", request->status, request->bytes);
		CHECK(left >= request->bytes, "complete, and not all of it has gone");
		left -= request->bytes;
	}
	sender->partial_bytes = (uint32_t)left;
	CHECK(left == 0 || (done < window.count && left < lengths[slot_of(done)]),
	      "all of it has gone, and it is not complete");
	window_advance(done);
}

/* The requests at the front whose memory is gone. */
static void check_refused(uint32_t refused, uint32_t begun)
{
	CHECK(refused <= window.count, "%u of %u", refused, window.count);
	for (uint32_t i = 0; i < refused; i++) {
		const struct regioi_request *request = &requests[slot_of(i)];

		CHECK(is_dead(slot_of(i)), "refused, with its memory there");
		CHECK(request->status == -EFAULT && request->bytes == (i == 0 ? begun : 0),
		      "status %d, %u bytes", request->status, request->bytes);
	}
	window_advance(refused);
	CHECK(window.count == 0 || !is_dead(slot_of(0)), "not refused, with its memory gone");
}

static void execute_send(struct sender *sender, struct input *input, bool all)
{
	struct regioi_op op = {0};
	uint32_t planned, refused;
	size_t moved;

	if (window.count == 0)
		return;
	refused = regioi_stream_send_plan(&sender->state, &window,
					  regioi_stream_send_needs_area(&window) ? area : NULL, &op,
					  &planned);
	check_refused(refused, sender->partial_bytes);
	if (refused)
		sender->partial_bytes = 0;
	CHECK(planned <= window.count && !planned == !window.count, "%u planned of %u", planned,
	      window.count);
	if (planned == 0)
		return;
	check_length(&op);
	moved = op.length;
	if (!all && input_byte(input) & 1)
		moved = input_below(input, (uint32_t)op.length + 1);
	leave(sender, &op, moved);
	op.result = (int32_t)moved;
	check_sent(sender, regioi_stream_send_settle(&sender->state, &window, &op, planned), moved);
}

static void run_sender(struct input *input)
{
	struct sender sender = {0};

	mortal_make(source);
	window_reset((uint32_t)input_number(input, 4));
	for (uint32_t round = 0; round < ROUNDS_MAX && input_left(input); round++) {
		uint8_t command = input_byte(input) % 8;

		if (command < 3)
			post_sends(input);
		else if (command == 3)
			mortal_kill();
		else if (command == 4)
			break; /* the rest of the input is for the receiver */
		else
			execute_send(&sender, input, false);
	}
	for (uint32_t round = 0; window.count > 0; round++) {
		CHECK(round < 2 * SLOTS, "%u requests do not go", window.count);
		execute_send(&sender, input, true);
	}
}

/* ---- Receiving ---- */

struct receiver {
	struct regioi_receive_state state;
	uint32_t arrived;
	uint32_t taken;		/* of these, how many completed or begun requests have */
	uint32_t partial_bytes; /* of the oldest request */
	uint32_t next_slice;
};

static void post_receives(struct receiver *receiver, struct input *input)
{
	uint32_t count = 1 + input_below(input, 200), length = take_length(input);
	uint8_t kind = input_byte(input);

	for (; count > 0 && window.count < SLOTS && !(kind & 5 && mortal_dead); count--) {
		if (receiver->next_slice + length + 1 > MEMORY_BYTES)
			return;
		/* The flags' slice is written at the start of the region. */
		post(receiver->next_slice, length, target_region, kind);
		if (kind & 8)
			requests[slot_of(window.count - 1)].flags |= REGIO_MSG_WAITALL;
		receiver->next_slice += length + 1;
	}
}

static void arrive(struct receiver *receiver, const struct regioi_op *op, size_t bytes)
{
	struct iovec lone;
	struct msghdr message = vectors_of(op, &lone);
	size_t left = bytes;

	for (size_t i = 0; i < message.msg_iovlen && left > 0; i++) {
		size_t part = message.msg_iov[i].iov_len;

		if (part > left)
			part = left;
		memcpy(message.msg_iov[i].iov_base, stream + receiver->arrived, part);
		receiver->arrived += (uint32_t)part;
		left -= part;
	}
}

/* One more request has completed with its bytes in place. */
static void check_filled(struct receiver *receiver, uint32_t slot, bool ended)
{
	const struct regioi_request *request = &requests[slot];
	uint32_t first = receiver->taken - receiver->partial_bytes;

	CHECK(request->status == 0 && request->bytes <= lengths[slot], "status %d, %u bytes",
	      request->status, request->bytes);
	CHECK(request->bytes >= receiver->partial_bytes, "fewer bytes than it had");
	CHECK(first + request->bytes <= receiver->arrived, "bytes from nowhere");
	CHECK(ended || !(request->flags & REGIO_MSG_WAITALL) || request->bytes == lengths[slot],
	      "it waits for all and has %u of %u", request->bytes, lengths[slot]);
	CHECK(!request->bytes || !memcmp(target + request->offset, stream + first, request->bytes),
	      "other bytes");
	CHECK(!lengths[slot] || target[request->offset + lengths[slot]] == GUARD,
	      "written behind the slice");
	receiver->taken = first + request->bytes;
	receiver->partial_bytes = 0;
}

static void check_done(struct receiver *receiver, uint32_t done, bool ended)
{
	CHECK(done <= window.count, "%u of %u", done, window.count);
	for (uint32_t i = 0; i < done; i++)
		check_filled(receiver, slot_of(i), ended);
	window_advance(done);
	if (receiver->taken == receiver->arrived)
		return;
	/* The rest is in the oldest request, which waits for more. */
	CHECK(window.count > 0 && requests[slot_of(0)].flags & REGIO_MSG_WAITALL, "bytes are lost");
	receiver->partial_bytes += receiver->arrived - receiver->taken;
	receiver->taken = receiver->arrived;
	CHECK(receiver->partial_bytes < lengths[slot_of(0)], "full, and not complete");
}

static void start_over(struct receiver *receiver)
{
	if (window.count > 0)
		return;
	memset(target, GUARD, receiver->next_slice);
	receiver->next_slice = sizeof(uint32_t);
}

static void execute_receive(struct receiver *receiver, struct input *input)
{
	struct regioi_receive_state *state = &receiver->state;
	struct regioi_op op = {0};
	uint32_t planned, refused, done;
	size_t bytes = stream_bytes - receiver->arrived;

	if (window.count == 0)
		return;
	refused = regioi_stream_receive_plan(
		state, &window, regioi_stream_receive_needs_area(state, &window) ? area : NULL, &op,
		&planned);
	check_refused(refused, receiver->partial_bytes);
	if (refused)
		receiver->partial_bytes = 0;
	start_over(receiver);
	CHECK(planned <= window.count && !planned == !window.count, "%u planned of %u", planned,
	      window.count);
	if (planned == 0)
		return;
	check_length(&op);
	if (bytes > op.length)
		bytes = op.length;
	if (input_byte(input) & 1)
		bytes = input_below(input, (uint32_t)bytes + 1);
	/* Nothing is no arrival, unless nothing was asked for. */
	if (bytes == 0 && op.length > 0)
		return;
	arrive(receiver, &op, bytes);
	op.result = (int32_t)bytes;
	done = regioi_stream_receive_settle(state, &window, area, &op, planned);
	check_done(receiver, done, false);
	start_over(receiver);
}

static void run_receiver(struct input *input)
{
	struct receiver receiver = {.next_slice = MEMORY_BYTES};

	mortal_make(target);
	window_reset((uint32_t)input_number(input, 4));
	start_over(&receiver);
	for (uint32_t round = 0; round < ROUNDS_MAX && input_left(input); round++) {
		uint8_t command = input_byte(input) % 8;

		if (command < 3)
			post_receives(&receiver, input);
		else if (command == 3)
			mortal_kill();
		else if (command == 4)
			receiver.state.asked = 255;
		else
			execute_receive(&receiver, input);
	}
	/* Ends are for those whose memory is there: the half refuses the others first. */
	while (window.count > 0 && !is_dead(slot_of(0)))
		check_done(&receiver, regioi_stream_receive_end(&receiver.state, &window), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};

	if (!area)
		set_up_once();
	stream_bytes = 0;
	run_sender(&input);
	run_receiver(&input);
	mortal_kill();
	return 0;
}
