/* SPDX-License-Identifier: MIT */
/*
 * trains.c - messages to trains, over a kernel that does as the input says, to trains, to slices
 *
 * Properties. Sending: each request goes out exactly once, in posting order, with its own bytes,
 * destination and control data, or completes with an error that it, or its message, has earned; no
 * train is longer than the limits, mixes what may not be mixed, or is made again of messages that
 * were refused; an error never keeps a queue from going on. Receiving: message k goes to the k-th
 * receive whose memory is there, whole or cut with -EMSGSIZE, with sender and flags; nothing is
 * written beside a slice; a receive whose region has ended consumes nothing.
 */
#include "pure.h"
#include "target.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/kernel.h"
#include "dgram/control.h"
#include "dgram/receive.h"
#include "dgram/send.h"
#include "mem/request.h"

#define SLOTS 1024u
#define SOURCE_BYTES (256u * 1024)
#define TARGET_BYTES (256u * 1024)
#define WIRE_DATAGRAMS 4096u
#define WIRE_BYTES (4u << 20)
#define ROUNDS_MAX 400u
#define DESTINATIONS 3u
#define CONTROLS 4u
#define CONTROL_SLICE 64u

/* A message on the wire. */
struct datagram {
	uint32_t offset;
	uint32_t bytes;
	uint32_t sender;
};

/* Memory that is registered for good, and a region of it that may end. */
struct memory {
	uint8_t *bytes;
	uint32_t size;
	uint64_t lasting;
	uint64_t mortal;
	bool dead;
};

static struct memory source, target;
static struct regioi_area *area;
static uint8_t *wire;

static struct datagram datagrams[WIRE_DATAGRAMS];
static uint32_t datagrams_count;
static uint32_t wire_bytes;

static struct regioi_request requests[SLOTS];
static struct regio_extra extras[SLOTS];
static struct regioi_window window;
static uint32_t lengths[SLOTS]; /* as posted */

/* At the front of the source: what sends name beside their data. */
static uint32_t destination_offsets[DESTINATIONS + 1]; /* the last is of no known family */
static uint32_t control_offsets[CONTROLS];
static uint32_t data_offset;

static void memory_make(struct memory *memory, uint32_t size)
{
	memory->bytes = malloc(size);
	memory->size = size;
	CHECK(memory->bytes, "no memory");
	CHECK(regio_region_register(memory->bytes, size, NULL, &memory->lasting) == 0, "%s",
	      regio_last_error());
	CHECK(regio_region_register(memory->bytes, size, NULL, &memory->mortal) == 0, "%s",
	      regio_last_error());
}

static void memory_kill(struct memory *memory)
{
	if (!memory->dead)
		pure_end_region(memory->mortal);
	memory->dead = true;
}

static void memory_revive(struct memory *memory)
{
	if (memory->dead)
		CHECK(regio_region_register(memory->bytes, memory->size, NULL, &memory->mortal) ==
			      0,
		      "%s", regio_last_error());
	memory->dead = false;
}

static uint32_t put(uint32_t *at, const void *data, uint32_t size, uint32_t room)
{
	uint32_t offset = *at;

	memset(source.bytes + offset, 0, room);
	memcpy(source.bytes + offset, data, size);
	*at += room;
	return offset;
}

/* One control message with an int in it, behind its head. */
static uint32_t put_control(uint32_t *at, int level, int type)
{
	union {
		uint8_t bytes[CONTROL_SLICE];
		struct regio_control head;
	} control = {.head.total_length = sizeof(struct regio_control) + CMSG_SPACE(sizeof(int))};
	struct cmsghdr item = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = level, .cmsg_type = type};

	memcpy(control.bytes + sizeof(control.head), &item, sizeof(item));
	return put(at, control.bytes, sizeof(control), CONTROL_SLICE);
}

static void set_up_once(void)
{
	struct regio_control malformed = {.total_length = 7};
	union regioi_address address = {0};
	uint32_t at = 0;

	pure_begin();
	memory_make(&source, SOURCE_BYTES);
	memory_make(&target, TARGET_BYTES);
	area = calloc(1, sizeof(*area));
	wire = malloc(WIRE_BYTES);
	CHECK(area && wire, "no memory");
	for (uint32_t i = 0; i < SOURCE_BYTES; i++)
		source.bytes[i] = pattern_byte(i);
	address.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(1)};
	destination_offsets[0] = put(&at, &address, sizeof(address), 32);
	address.v4.sin_port = htons(2);
	destination_offsets[1] = put(&at, &address, sizeof(address), 32);
	address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(1)};
	destination_offsets[2] = put(&at, &address, sizeof(address), 32);
	address.any.sa_family = AF_UNIX;
	destination_offsets[3] = put(&at, &address, sizeof(address), 32);
	control_offsets[0] = put_control(&at, IPPROTO_IP, IP_TOS);
	control_offsets[1] = put_control(&at, IPPROTO_IP, IP_TTL);
	control_offsets[2] = put_control(&at, SOL_SOCKET, SCM_RIGHTS);
	control_offsets[3] = put(&at, &malformed, sizeof(malformed), CONTROL_SLICE);
	data_offset = at;
}

static void window_reset(uint32_t first)
{
	memset(requests, 0, sizeof(requests));
	memset(extras, 0, sizeof(extras));
	window = (struct regioi_window){requests, extras, SLOTS - 1, first, 0};
}

static uint32_t slot_of(uint32_t index)
{
	return (window.first + index) & window.mask;
}

static void window_advance(uint32_t done)
{
	CHECK(done <= window.count, "%u of %u", done, window.count);
	window.first += done;
	window.count -= done;
}

/* Lengths around what is copied together, what fits a frame, and what is long. */
static uint32_t take_length(struct input *input)
{
	uint8_t kind = input_byte(input);

	if (kind < 128)
		return kind;
	if (kind < 160)
		return 500 + (kind - 128u);
	return input_below(input, kind < 240 ? 2048 : 40000);
}

/* ---- Sending: posting ---- */

struct sender {
	struct regioi_send_state state;
	uint64_t now_ns;
	uint32_t vain;		   /* operations in a row that completed nothing */
	uint32_t unsegmented_left; /* messages of a refused train that have not gone since */
	/* The longest message that may be joined towards a destination, and until when. */
	uint32_t path_max[DESTINATIONS + 1];
	uint64_t path_until_ns[DESTINATIONS + 1];
};

/* Which destination and control data, as numbers; 0: none. */
static uint32_t destination_of(uint32_t slot)
{
	if (!(requests[slot].flags & REGIOI_REQUEST_EXTRA) || !extras[slot].remote_address.region)
		return 0;
	for (uint32_t i = 0; i <= DESTINATIONS; i++) {
		if (destination_offsets[i] == extras[slot].remote_address.offset)
			return i + 1;
	}
	abort();
}

static uint32_t control_of(uint32_t slot)
{
	if (!(requests[slot].flags & REGIOI_REQUEST_EXTRA) || !extras[slot].control.region)
		return 0;
	for (uint32_t i = 0; i < CONTROLS; i++) {
		if (control_offsets[i] == extras[slot].control.offset)
			return i + 1;
	}
	abort();
}

static bool slice_dead(const struct memory *memory, const struct regio_buf *slice)
{
	return memory->dead && slice->region && slice->region == memory->mortal;
}

static bool extras_dead(const struct memory *memory, uint32_t slot)
{
	const struct regio_extra *extra = &extras[slot];

	return requests[slot].flags & REGIOI_REQUEST_EXTRA &&
	       (slice_dead(memory, &extra->local_address) ||
		slice_dead(memory, &extra->remote_address) || slice_dead(memory, &extra->control) ||
		slice_dead(memory, &extra->message_flags));
}

static bool request_dead(const struct memory *memory, uint32_t slot)
{
	return (memory->dead && requests[slot].region == memory->mortal) ||
	       extras_dead(memory, slot);
}

/* Why a send cannot be executed, or 0. Several reasons: any of them will do. */
static bool send_is_broken(uint32_t slot)
{
	return request_dead(&source, slot) || destination_of(slot) == DESTINATIONS + 1 ||
	       control_of(slot) == CONTROLS;
}

static void post_sends(struct input *input)
{
	uint32_t count = 1 + input_below(input, 200), length = take_length(input);
	uint8_t kind = input_byte(input), how = input_byte(input);
	uint64_t region = kind & 1 ? source.mortal : source.lasting;

	for (; count > 0 && window.count < SLOTS && !(source.dead && kind & 1); count--) {
		uint32_t slot = slot_of(window.count++);
		uint32_t span = SOURCE_BYTES - data_offset - length;

		requests[slot] = (struct regioi_request){
			.region = length ? region : 0,
			.offset = length ? data_offset + slot * 2112u % span : 0,
			.bytes = length,
			.flags = how ? REGIOI_REQUEST_EXTRA : 0,
		};
		lengths[slot] = length;
		extras[slot] = (struct regio_extra){0};
		if (how & 3)
			extras[slot].remote_address =
				(struct regio_buf){how & 64 ? region : source.lasting,
						   destination_offsets[(how & 3) - 1], 32};
		if (how == 255)
			extras[slot].remote_address.offset = destination_offsets[DESTINATIONS];
		if (how & 4)
			extras[slot].control = (struct regio_buf){
				source.lasting, control_offsets[how >> 3 & 3], CONTROL_SLICE};
		if (kind & 2)
			length = length ? length - 1 : 0;
	}
}

/* ---- Sending: what the kernel is handed ---- */

static uint32_t segment_of(const struct msghdr *header)
{
	struct msghdr copy = *header;
	uint16_t segment = 0;

	for (struct cmsghdr *item = CMSG_FIRSTHDR(&copy); item; item = CMSG_NXTHDR(&copy, item)) {
		if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_SEGMENT)
			memcpy(&segment, CMSG_DATA(item), sizeof(segment));
	}
	return segment;
}

static uint32_t flatten(const struct msghdr *header, uint8_t *ret_data)
{
	size_t length = 0;

	for (size_t i = 0; i < header->msg_iovlen; i++) {
		const struct iovec *vector = &header->msg_iov[i];

		CHECK(length + vector->iov_len <= 65535, "no datagram is that long");
		memcpy(ret_data + length, vector->iov_base, vector->iov_len);
		length += vector->iov_len;
	}
	return (uint32_t)length;
}

static void check_envelope(const struct msghdr *header, uint32_t slot, bool train)
{
	uint32_t destination = destination_of(slot), control = control_of(slot);
	size_t length = 0;

	CHECK(!header->msg_name == !destination, "slot %u", slot);
	if (destination)
		CHECK(!memcmp(header->msg_name, source.bytes + destination_offsets[destination - 1],
			      destination == 3 ? sizeof(struct sockaddr_in6) : 8),
		      "slot %u goes elsewhere", slot);
	if (control) {
		length = CMSG_SPACE(sizeof(int));
		CHECK(header->msg_controllen >= length &&
			      !memcmp(header->msg_control,
				      source.bytes + control_offsets[control - 1] +
					      sizeof(struct regio_control),
				      length),
		      "slot %u has other control data", slot);
	}
	CHECK(header->msg_controllen == length + (train ? CMSG_SPACE(sizeof(uint16_t)) : 0),
	      "%zu bytes of control data", header->msg_controllen);
}

static void check_train(const struct sender *sender, uint32_t first, uint32_t count,
			uint32_t segment, uint32_t length)
{
	uint32_t slot = slot_of(first), destination = destination_of(slot);

	CHECK(count <= sender->state.train_messages_max, "%u messages joined", count);
	CHECK(length <= sender->state.train_bytes_max, "%u bytes joined", length);
	CHECK(sender->unsegmented_left == 0, "messages of a refused train are joined again");
	CHECK(control_of(slot) <= 2, "control data that may not ride on a train");
	CHECK(sender->now_ns >= sender->path_until_ns[destination] ||
		      segment <= sender->path_max[destination],
	      "segment %u, where more than %u was refused", segment, sender->path_max[destination]);
}

/* Cuts one message as the kernel would, and compares. Returns how many requests it carries. */
static uint32_t check_message(const struct sender *sender, const struct msghdr *header,
			      uint32_t first)
{
	static uint8_t data[65536];
	uint32_t length = flatten(header, data), segment = segment_of(header);
	uint32_t offset = 0, count = 0;

	do {
		uint32_t slot = slot_of(first + count);
		uint32_t bytes = segment && length - offset > segment ? segment : length - offset;

		CHECK(first + count < window.count, "more than was posted");
		CHECK(!send_is_broken(slot), "slot %u cannot be sent", slot);
		CHECK(bytes == requests[slot].bytes && bytes == lengths[slot],
		      "slot %u: %u bytes, not %u", slot, bytes, lengths[slot]);
		CHECK(!memcmp(data + offset, source.bytes + requests[slot].offset, bytes),
		      "slot %u has other bytes", slot);
		check_envelope(header, slot, segment != 0);
		offset += bytes;
		count++;
	} while (offset < length);
	if (segment)
		check_train(sender, first, count, segment, length);
	CHECK(!segment || count > 1, "a train of one");
	return count;
}

/* Returns how many requests each message carries, by number. */
static uint32_t check_plan(const struct sender *sender, const struct regioi_op *op,
			   uint32_t planned, uint32_t carried[REGIOI_AREA_MESSAGES])
{
	struct iovec vector = {op->data, op->length};
	struct msghdr lone = {.msg_iov = &vector, .msg_iovlen = 1};
	uint32_t count = 0, messages = 1;

	if (op->kind == REGIOI_OP_SEND) {
		count = carried[0] = check_message(sender, &lone, 0);
	} else {
		CHECK(op->kind == REGIOI_OP_SEND_MESSAGES, "kind %d", op->kind);
		CHECK(op->count > 0 && op->count <= REGIOI_AREA_MESSAGES, "%u", op->count);
		messages = op->count;
		for (uint32_t i = 0; i < messages; i++) {
			carried[i] = check_message(sender, &op->messages[i].msg_hdr, count);
			count += carried[i];
		}
	}
	CHECK(count == planned, "%u requests are carried, %u planned", count, planned);
	return messages;
}

/* ---- Sending: what becomes of it ---- */

static void put_on_wire(uint32_t requests_count)
{
	for (uint32_t i = 0; i < requests_count; i++) {
		const struct regioi_request *request = &requests[slot_of(i)];

		CHECK(request->status == 0 && request->bytes == lengths[slot_of(i)],
		      "a message that has gone: %d, %u bytes", request->status, request->bytes);
		if (datagrams_count == WIRE_DATAGRAMS || wire_bytes + request->bytes > WIRE_BYTES)
			continue;
		memcpy(wire + wire_bytes, source.bytes + request->offset, request->bytes);
		datagrams[datagrams_count++] =
			(struct datagram){wire_bytes, request->bytes, destination_of(slot_of(i))};
		wire_bytes += request->bytes;
	}
}

static const int kernel_errors[] = {
	-EAGAIN, -EMSGSIZE, -EINVAL,	   -EIO,   -ECONNREFUSED, -ENOBUFS,
	-EPERM,	 -EACCES,   -EHOSTUNREACH, -EPIPE, -ENETDOWN,	  -EFAULT,
};

static void note_refused(struct sender *sender, int error, uint32_t carried)
{
	uint32_t destination = destination_of(slot_of(0));

	sender->unsegmented_left = carried;
	sender->path_max[destination] = error == -EIO ? 0 : lengths[slot_of(0)] - 1;
	sender->path_until_ns[destination] = sender->now_ns + REGIOI_PATH_MEMORY_NS;
}

static void settle_error(struct sender *sender, const struct regioi_op *op, uint32_t carried)
{
	enum regioi_send_verdict verdict;
	uint32_t done =
		regioi_send_settle(&sender->state, &window, area, op, sender->now_ns, &verdict);

	if (op->result == -EAGAIN) {
		CHECK(done == 0 && verdict == REGIOI_SEND_FULL, "%u, %d", done, verdict);
		return;
	}
	CHECK(verdict == REGIOI_SEND_PROGRESS, "error %d stops the queue", op->result);
	if (carried > 1 &&
	    (op->result == -EMSGSIZE || op->result == -EINVAL || op->result == -EIO)) {
		CHECK(done == 0, "refused as a train, and not sent singly");
		note_refused(sender, op->result, carried);
		return;
	}
	if (done == 0) {
		CHECK(++sender->vain <= 4, "the same message is tried for ever");
		return;
	}
	sender->vain = 0;
	CHECK(done == carried, "%u of %u", done, carried);
	for (uint32_t i = 0; i < done; i++)
		CHECK(requests[slot_of(i)].status == op->result && requests[slot_of(i)].bytes == 0,
		      "status %d, not %d", requests[slot_of(i)].status, op->result);
	sender->unsegmented_left -=
		done < sender->unsegmented_left ? done : sender->unsegmented_left;
	window_advance(done);
}

static void settle_sent(struct sender *sender, struct regioi_op *op, uint32_t messages,
			const uint32_t *carried)
{
	enum regioi_send_verdict verdict;
	uint32_t expected = 0, done;

	for (uint32_t i = 0; i < messages; i++)
		expected += carried[i];
	op->result = op->kind == REGIOI_OP_SEND ? (int32_t)op->length : (int32_t)messages;
	done = regioi_send_settle(&sender->state, &window, area, op, sender->now_ns, &verdict);
	CHECK(done == expected && verdict == REGIOI_SEND_PROGRESS, "%u, not %u", done, expected);
	put_on_wire(done);
	sender->unsegmented_left -=
		done < sender->unsegmented_left ? done : sender->unsegmented_left;
	sender->vain = 0;
	window_advance(done);
}

static void complete_broken(uint32_t refused)
{
	for (uint32_t i = 0; i < refused; i++) {
		const struct regioi_request *request = &requests[slot_of(i)];

		CHECK(send_is_broken(slot_of(i)), "slot %u was refused", slot_of(i));
		CHECK(request->bytes == 0 &&
			      (request->status == -EFAULT || request->status == -EINVAL ||
			       request->status == -EAFNOSUPPORT),
		      "status %d", request->status);
	}
	window_advance(refused);
}

static void execute_send(struct sender *sender, struct input *input)
{
	uint32_t carried[REGIOI_AREA_MESSAGES], planned, refused, messages;
	struct regioi_op op = {0};
	uint8_t outcome;

	if (window.count == 0)
		return;
	refused = regioi_send_plan(&sender->state, &window,
				   regioi_send_needs_area(&window) ? area : NULL, &op,
				   sender->now_ns, &planned);
	complete_broken(refused);
	CHECK(planned > 0 || window.count == 0, "nothing is planned of %u", window.count);
	if (planned == 0)
		return;
	messages = check_plan(sender, &op, planned, carried);
	outcome = input_byte(input);
	if (outcome < 192) {
		settle_sent(sender, &op, outcome < 128 ? messages : 1 + outcome % messages,
			    carried);
		return;
	}
	op.result = kernel_errors[outcome % (sizeof(kernel_errors) / sizeof(kernel_errors[0]))];
	settle_error(sender, &op, carried[0]);
}

static void run_sender(struct input *input)
{
	struct sender sender = {.now_ns = 1};
	struct input nothing = {0};

	sender.state.train_messages_max = 1 + input_below(input, 128);
	sender.state.train_bytes_max = REGIOI_TRAIN_BYTES_MAX;
	if (input_byte(input) & 1)
		sender.state.train_bytes_max = 1 + input_below(input, REGIOI_TRAIN_BYTES_MAX);
	window_reset((uint32_t)input_number(input, 4));
	for (uint32_t round = 0; round < ROUNDS_MAX && input_left(input); round++) {
		switch (input_byte(input) % 8) {
		case 0:
		case 1:
		case 2:
			post_sends(input);
			break;
		case 3:
			memory_kill(&source);
			break;
		case 4:
			sender.now_ns += (uint64_t)input_byte(input) << 26;
			break;
		case 5:
			/* The rest of the input is for the receiver. */
			round = ROUNDS_MAX;
			break;
		default:
			execute_send(&sender, input);
			break;
		}
	}
	/* A kernel that takes everything. */
	for (uint32_t round = 0; window.count > 0; round++) {
		CHECK(round < 2 * SLOTS, "%u messages do not go", window.count);
		execute_send(&sender, &nothing);
	}
}

/* ---- Receiving: the kernel ---- */

struct receiver {
	struct regioi_receive_state state;
	uint32_t arrived; /* datagrams that have left the wire */
	uint32_t taken;	  /* of these, how many have been given to requests */
	uint32_t stride;
	uint32_t next_slice;
};

/* How many datagrams the kernel joins: one sender, one length, the last may be shorter. */
static uint32_t joined_count(const struct receiver *receiver, uint32_t wanted)
{
	const struct datagram *first = &datagrams[receiver->arrived];
	uint32_t total = first->bytes, count = 1;

	while (count < wanted && first->bytes && receiver->arrived + count < datagrams_count) {
		const struct datagram *next = first + count;

		if (next->sender != first->sender || next->bytes > first->bytes ||
		    next->bytes == 0 || total + next->bytes > 65507)
			break;
		total += next->bytes;
		count++;
		if (next->bytes < first->bytes)
			break;
	}
	return count;
}

static void fill_control(struct msghdr *header, uint32_t joined, uint32_t segment)
{
	struct cmsghdr *item = header->msg_control;
	int value = (int)segment;

	header->msg_flags = 0;
	if (!header->msg_control || joined < 2) {
		header->msg_controllen = 0;
		return;
	}
	item->cmsg_level = SOL_UDP;
	item->cmsg_type = UDP_GRO;
	item->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(item), &value, sizeof(value));
	header->msg_controllen = CMSG_SPACE(sizeof(value));
}

static void fill_name(struct msghdr *header, uint32_t sender)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sender)};

	if (!header->msg_name)
		return;
	memcpy(header->msg_name, &name, sizeof(name));
	header->msg_namelen = sizeof(name);
}

/* One call's worth of one message, which may be a train where it was made room for. */
static uint32_t arrive(struct receiver *receiver, struct msghdr *header, uint32_t wanted)
{
	const struct datagram *first = &datagrams[receiver->arrived];
	uint32_t count = receiver->state.trains ? joined_count(receiver, wanted) : 1, bytes = 0;
	size_t room = header->msg_iov->iov_len;

	for (uint32_t i = 0; i < count; i++)
		bytes += first[i].bytes;
	memcpy(header->msg_iov->iov_base, wire + first->offset, bytes < room ? bytes : room);
	fill_name(header, first->sender);
	fill_control(header, count, first->bytes);
	if (bytes > room)
		header->msg_flags |= MSG_TRUNC;
	receiver->arrived += count;
	return bytes;
}

/* ---- Receiving: requests and their results ---- */

static void post_receives(struct receiver *receiver, struct input *input)
{
	uint32_t count = 1 + input_below(input, 200), length = take_length(input);
	uint8_t kind = input_byte(input);

	/* Slices in a row with a byte between them; an address, control and flags behind. */
	for (; count > 0 && window.count < SLOTS && !(target.dead && kind & 1); count--) {
		uint32_t slot = slot_of(window.count);
		uint32_t space = (length + 1 + 96 + 3) & ~3u;

		if (receiver->next_slice + space > TARGET_BYTES)
			return;
		window.count++;
		requests[slot] = (struct regioi_request){
			.region = length ? (kind & 1 ? target.mortal : target.lasting) : 0,
			.offset = length ? receiver->next_slice : 0,
			.bytes = length,
		};
		lengths[slot] = length;
		extras[slot] = (struct regio_extra){0};
		receiver->next_slice += space;
		if (!(kind & 2))
			continue;
		requests[slot].flags = REGIOI_REQUEST_EXTRA;
		receiver->state.extras = true;
		extras[slot].remote_address =
			(struct regio_buf){target.lasting, receiver->next_slice - 96, 28};
		extras[slot].message_flags =
			(struct regio_buf){target.lasting, receiver->next_slice - 68, 4};
		extras[slot].control =
			(struct regio_buf){target.lasting, receiver->next_slice - 64, 32};
		if (kind & 4)
			extras[slot].local_address =
				(struct regio_buf){target.mortal, receiver->next_slice - 32, 28};
	}
}

static void check_extra(const struct regio_extra *extra, const struct datagram *datagram,
			bool truncated)
{
	struct regio_control control;
	struct sockaddr_in name;
	uint32_t flags;

	memcpy(&name, target.bytes + extra->remote_address.offset, sizeof(name));
	memcpy(&flags, target.bytes + extra->message_flags.offset, sizeof(flags));
	memcpy(&control, target.bytes + extra->control.offset, sizeof(control));
	CHECK(name.sin_port == htons((uint16_t)datagram->sender), "another sender");
	CHECK(flags == (truncated ? MSG_TRUNC : 0u), "flags %#x", flags);
	CHECK(control.total_length == sizeof(control), "what the library asked for is shown");
}

/* The oldest request has completed. */
static void check_received(struct receiver *receiver, uint32_t slot)
{
	const struct regioi_request *request = &requests[slot];
	const struct datagram *datagram = &datagrams[receiver->taken];
	uint32_t bytes;

	if (request_dead(&target, slot)) {
		CHECK(request->status == -EFAULT && request->bytes == 0, "status %d, %u bytes",
		      request->status, request->bytes);
		return;
	}
	CHECK(receiver->taken < receiver->arrived, "a message from nowhere");
	receiver->taken++;
	bytes = datagram->bytes < lengths[slot] ? datagram->bytes : lengths[slot];
	CHECK(request->bytes == bytes, "%u bytes, not %u", request->bytes, bytes);
	CHECK(request->status == (datagram->bytes > lengths[slot] ? -EMSGSIZE : 0), "status %d",
	      request->status);
	CHECK(!bytes || !memcmp(target.bytes + request->offset, wire + datagram->offset, bytes),
	      "other bytes");
	if (request->flags & REGIOI_REQUEST_EXTRA)
		check_extra(&extras[slot], datagram, datagram->bytes > lengths[slot]);
	else if (lengths[slot])
		CHECK(target.bytes[request->offset + lengths[slot]] == 0xEE,
		      "written behind the slice");
}

static void check_done(struct receiver *receiver, uint32_t done)
{
	CHECK(done <= window.count, "%u of %u", done, window.count);
	for (uint32_t i = 0; i < done; i++)
		check_received(receiver, slot_of(i));
	window_advance(done);
	if (window.count == 0) {
		/* All of it is the test's again. */
		memset(target.bytes, 0xEE, receiver->next_slice);
		receiver->next_slice = 0;
	}
}

static void arrive_all(struct receiver *receiver, struct regioi_op *op, struct input *input)
{
	struct iovec vector = {op->data, op->length};
	struct msghdr lone = {.msg_iov = &vector, .msg_iovlen = 1};
	uint32_t limit = 1 + input_byte(input) % 128, count = 0;

	if (receiver->arrived == datagrams_count || limit == 128) {
		op->result = input_byte(input) & 1 ? -ECONNREFUSED : -EAGAIN;
		return;
	}
	if (op->kind == REGIOI_OP_RECEIVE) {
		op->result = (int32_t)arrive(receiver, &lone, 1);
		return;
	}
	CHECK(op->kind == REGIOI_OP_RECEIVE_MESSAGES, "kind %d", op->kind);
	CHECK(op->count > 0 && op->count <= REGIOI_AREA_MESSAGES, "%u", op->count);
	while (count < op->count && count < limit && receiver->arrived < datagrams_count) {
		op->messages[count].msg_len =
			arrive(receiver, &op->messages[count].msg_hdr, 1 + input_byte(input) % 128);
		count++;
	}
	op->result = (int32_t)count;
}

/* Errors are the results of single requests, or of nobody. */
static bool settled_error(struct receiver *receiver, const struct regioi_op *op, uint32_t done)
{
	if (op->result >= 0)
		return false;
	if (op->result == -EAGAIN)
		CHECK(done == 0, "an empty socket completes %u", done);
	if (done) {
		CHECK(done == 1 && requests[slot_of(0)].status == op->result &&
			      requests[slot_of(0)].bytes == 0,
		      "%u done, status %d", done, requests[slot_of(0)].status);
		window_advance(1);
	}
	return true;
}

static void execute_receive(struct receiver *receiver, struct input *input)
{
	struct regioi_receive_state *state = &receiver->state;
	enum regioi_receive_verdict verdict;
	struct regioi_op op = {0};
	uint32_t planned, done;

	if (state->staged.area) {
		check_done(receiver, regioi_receive_deliver(state, &window));
		if (state->staged.message < state->staged.messages)
			return;
		state->staged.area = NULL;
	}
	if (window.count == 0)
		return;
	done = regioi_receive_plan(state, &window,
				   regioi_receive_needs_area(state, &window) ? area : NULL, &op,
				   &planned);
	for (uint32_t i = 0; i < done; i++)
		CHECK(request_dead(&target, slot_of(i)), "slot %u was refused", slot_of(i));
	check_done(receiver, done);
	CHECK(planned <= window.count && (planned || !window.count), "%u planned of %u", planned,
	      window.count);
	if (planned == 0)
		return;
	arrive_all(receiver, &op, input);
	done = regioi_receive_settle(state, &window, area, &op, &verdict);
	if (!settled_error(receiver, &op, done))
		check_done(receiver, done);
	CHECK(state->staged.area || receiver->taken == receiver->arrived || op.result < 0,
	      "%u messages are nowhere", receiver->arrived - receiver->taken);
}

static void run_receiver(struct input *input)
{
	struct receiver receiver = {.state.hidden = REGIOI_HIDE_TRAIN | REGIOI_HIDE_DESTINATION};

	receiver.state.trains = input_byte(input) & 1;
	receiver.state.local.v4.sin_family = AF_INET;
	memory_revive(&target);
	memset(target.bytes, 0xEE, TARGET_BYTES);
	window_reset((uint32_t)input_number(input, 4));
	for (uint32_t round = 0; round < ROUNDS_MAX && input_left(input); round++) {
		switch (input_byte(input) % 8) {
		case 0:
		case 1:
		case 2:
			post_receives(&receiver, input);
			break;
		case 3:
			memory_kill(&target);
			break;
		case 4:
			/* As after a burst; never off again. */
			if (!receiver.state.staged.area)
				receiver.state.trains = true;
			break;
		default:
			execute_receive(&receiver, input);
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};

	if (!area)
		set_up_once();
	datagrams_count = 0;
	wire_bytes = 0;
	memory_revive(&source);
	run_sender(&input);
	run_receiver(&input);
	return 0;
}
