/* SPDX-License-Identifier: MIT */
/*
 * What an engine must do for the core.
 *
 * An engine does two things: it reports which sockets may be ready, and it executes a batch of
 * non-blocking socket operations. It knows nothing about requests, queues, trains or completions.
 *
 * An instance belongs to one driver. Between create and destroy any thread may call any function at
 * any time, with two exceptions: the core serialises calls of watch and unwatch for one descriptor,
 * and calls of sleep.
 *
 * A new engine is one file and one line in list.c.
 */
#ifndef REGIO_ENGINE_ENGINE_H
#define REGIO_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct regioi_engine; /* each engine's own */

/*
 * One non-blocking operation on one socket.
 *
 * RECEIVE, SEND            'data' and 'length'; recv(2) with MSG_TRUNC, send(2).
 *                          result: bytes (of the whole datagram for RECEIVE), or negative errno.
 * RECEIVE_MESSAGES,        'messages' and 'count', count at least 1; recvmmsg(2) with MSG_TRUNC,
 * SEND_MESSAGES            sendmmsg(2). Each message's msg_len is set. msg_namelen,
 *                          msg_controllen and msg_flags as recvmsg(2) leaves them.
 *                          result: messages done, at least 1, or negative errno when the first
 *                          one failed. An error after the first is returned by the next operation.
 * RECEIVE_BYTES            for streams, as RECEIVE but without MSG_TRUNC, which discards the bytes
 *                          of a TCP socket. result: bytes, 0 at the end of the stream or if
 *                          'length' is 0, or negative errno.
 * RECEIVE_VECTORS,         'message' with only msg_iov and msg_iovlen set, and 'length', the bytes
 * SEND_VECTORS             of all its vectors; recvmsg(2) without MSG_TRUNC, sendmsg(2).
 *                          result: bytes, as for RECEIVE_BYTES and SEND.
 *
 * -EAGAIN, and fewer bytes of a stream or fewer messages than asked for, mean that no more can be
 * done now; if the socket is watched, an event follows when more can be done.
 *
 * No operation blocks, returns -EINTR, raises SIGPIPE, or keeps a pointer after execute has
 * returned. Operations of one batch may be executed in any order; the core never puts two for one
 * direction of one socket in a batch.
 */
enum regioi_op_kind {
	REGIOI_OP_RECEIVE,
	REGIOI_OP_SEND,
	REGIOI_OP_RECEIVE_MESSAGES,
	REGIOI_OP_SEND_MESSAGES,
	REGIOI_OP_RECEIVE_BYTES,
	REGIOI_OP_RECEIVE_VECTORS,
	REGIOI_OP_SEND_VECTORS,
};

struct regioi_op {
	int fd;
	enum regioi_op_kind kind;
	uint32_t count;
	int32_t result;
	union {
		struct {
			union {
				void *data;
				struct msghdr *message;
			};
			size_t length;
		};
		struct mmsghdr *messages;
	};
};

/* What may be ready on the socket watched under 'id'. Spurious events are harmless. */
#define REGIOI_EVENT_READABLE 0x1u
#define REGIOI_EVENT_WRITABLE 0x2u
/*
 * The peer has shut down its side, there is an error, or there is urgent data: a receive that
 * returns less than it asked for may have stopped at one of these, so there may be more to receive.
 */
#define REGIOI_EVENT_HANGUP 0x4u

/* How a socket is watched. */
#define REGIOI_WATCH_WRITABLE 0x1u
#define REGIOI_WATCH_LEVEL 0x2u

struct regioi_event {
	uint64_t id;
	uint32_t events;
};

/* Why an engine does not work here, and what the user can change ("" if nothing). */
struct regioi_refusal {
	char reason[160];
	char remedy[160];
};

/* What calls cost here, in nanoseconds. */
struct regioi_costs {
	uint32_t poll;	/* asking for events when there are none */
	uint32_t watch; /* starting to watch a socket, or ending that */
	uint32_t miss;	/* a receive that finds nothing */
	uint32_t event; /* what a message costs more because its socket is watched */
	uint32_t call;	/* a plain operation, and one in a batch; both 0: there are no batches */
	uint32_t batch;
};

struct regioi_engine_ops {
	const char *name;
	const char *about; /* a description of one line */
	/* False for engines that never carry real traffic: "auto" does not choose them. */
	bool automatic;

	/* Returns 0, or negative errno and the reason, with everything undone. */
	int (*create)(struct regioi_engine **ret_engine, struct regioi_refusal *ret_refusal);
	/* NULL is allowed. No other call is in progress. */
	void (*destroy)(struct regioi_engine *engine);

	/*
	 * The calling thread is the driver's own: from now on the engine opens descriptors for no
	 * other. NULL: it opens none.
	 */
	void (*own_thread)(struct regioi_engine *engine);
	/*
	 * Let sleep poll the network devices for 'time_us' first; 'prefer': with their interrupts
	 * off. Returns 0, -EPERM, or -EOPNOTSUPP if the kernel cannot. NULL: the engine cannot.
	 */
	int (*busy_poll)(struct regioi_engine *engine, uint32_t time_us, bool prefer);
	/*
	 * Start to report readiness of 'fd' under 'id', edge-triggered: every arrival makes a new
	 * event, and the state at the call counts as one. With REGIOI_WATCH_LEVEL it is reported by
	 * each poll and sleep, as long as it lasts. Writability is reported only with
	 * REGIOI_WATCH_WRITABLE. Calling again with the same id changes the flags, and the state at
	 * the call is reported. Returns 0, -ENOMEM, -ENOSPC, -EBADF or -EPERM (not pollable).
	 */
	int (*watch)(struct regioi_engine *engine, int fd, uint64_t id, uint32_t flags);
	/* Events collected before may still arrive. A descriptor closed meanwhile is harmless. */
	void (*unwatch)(struct regioi_engine *engine, int fd);

	/*
	 * Whether a poll would find nothing, determined without a system call; false if it is not
	 * known. NULL: never known.
	 */
	bool (*idle)(struct regioi_engine *engine);
	/*
	 * Collect up to 'events_max' events without sleeping. Returns their number, or -EBADF if
	 * the engine's own descriptors were closed.
	 */
	int (*poll)(struct regioi_engine *engine, struct regioi_event *ret_events,
		    uint32_t events_max);
	/*
	 * The same, but sleeps until there is an event, doorbell or wake is called, or 'timeout_ns'
	 * has passed (0: do not sleep; below 0: no limit). Returns the number of events, which is 0
	 * after a call, after the time-out, or for no reason; -EINTR; or -EBADF as poll does. One
	 * thread at a time.
	 */
	int (*sleep)(struct regioi_engine *engine, struct regioi_event *ret_events,
		     uint32_t events_max, int64_t timeout_ns);
	/*
	 * There is work for any one thread: ends the present sleep or the next one, or is consumed
	 * by a poll.
	 */
	void (*doorbell)(struct regioi_engine *engine);
	/*
	 * For the sleeping thread only: from wake until the wake_ack that the core calls for it,
	 * every sleep returns at once.
	 */
	void (*wake)(struct regioi_engine *engine);
	void (*wake_ack)(struct regioi_engine *engine);
	/*
	 * Checks whether the engine's own descriptors are open, and not used for other files. If
	 * not, the engine never uses their numbers again. NULL: cannot be checked.
	 */
	bool (*intact)(struct regioi_engine *engine);
	/*
	 * Whether a sleep finds out by itself that the engine's descriptors were closed, even if
	 * the program has opened other files since. NULL: not.
	 */
	bool (*apart)(const struct regioi_engine *engine);
	/* The current time of the clock for sleeps; NULL: CLOCK_MONOTONIC. */
	uint64_t (*now_ns)(struct regioi_engine *engine);
	/* A descriptor that is readable while sleep would return; valid until destroy. */
	int (*descriptor)(struct regioi_engine *engine);

	/* NULL: usual costs, and no batches. */
	struct regioi_costs (*costs)(struct regioi_engine *engine);
	/*
	 * Called in a forked child, while it has one thread: forget what belongs to the parent. May
	 * be NULL.
	 */
	void (*fork_child)(void);
	/* Execute operations and fill in their results. */
	void (*execute)(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count);
};

/* Returns NULL after the last. */
const struct regioi_engine_ops *regioi_engine_at(uint32_t index);

extern const struct regioi_engine_ops regioi_engine_uring;
extern const struct regioi_engine_ops regioi_engine_epoll;
extern const struct regioi_engine_ops regioi_engine_sim;
extern const struct regioi_engine_ops regioi_engine_null;

#endif
