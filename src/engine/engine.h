/* SPDX-License-Identifier: MIT */
/*
 * What an engine owes the core.
 *
 * An engine does two things: it tells which sockets may be ready, and it executes a batch of
 * non-blocking socket operations. It knows nothing of requests, queues, trains or completions.
 *
 * An instance belongs to one driver. Between create and destroy any thread may call any function
 * at any time, with two exceptions: calls of watch and unwatch for one descriptor are serialised by
 * the core, and so are calls of sleep.
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
 *                          one failed. An error after the first shows at the next operation.
 * RECEIVE_BYTES            for streams, as RECEIVE but without MSG_TRUNC, which discards the bytes
 *                          of a TCP socket. result: bytes, 0 at the end of the stream or where
 *                          'length' is 0, or negative errno.
 * RECEIVE_VECTORS,         'message' with msg_iov and msg_iovlen alone set, and 'length', the bytes
 * SEND_VECTORS             of all its vectors; recvmsg(2) without MSG_TRUNC, sendmsg(2).
 *                          result: bytes, as for RECEIVE_BYTES and SEND.
 *
 * -EAGAIN, and fewer bytes of a stream or fewer messages than asked for, mean that no more can be
 * done now; where the socket is watched, an event follows when it can.
 *
 * No operation blocks, gives -EINTR, raises SIGPIPE, or keeps a pointer after execute has returned.
 * Operations of one batch may be executed in any order; the core never puts two for one direction
 * of one socket in a batch.
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
 * The peer has shut its side down, there is an error, or urgent data: a receive that brings less
 * than it asked for may have stopped at one of these, and has not shown that no more is there.
 */
#define REGIOI_EVENT_HANGUP 0x4u

/* How a socket is watched. */
#define REGIOI_WATCH_WRITABLE 0x1u
#define REGIOI_WATCH_LEVEL 0x2u

struct regioi_event {
	uint64_t id;
	uint32_t events;
};

/* Why an engine does not work here, and what a person can change ("" where nothing). */
struct regioi_refusal {
	char reason[160];
	char remedy[160];
};

struct regioi_engine_ops {
	const char *name;
	const char *about; /* in one line */
	/* False for engines that never carry real traffic: "auto" passes over them. */
	bool automatic;

	/* Returns 0, or negative errno and why, with nothing left behind. */
	int (*create)(struct regioi_engine **ret_engine, struct regioi_refusal *ret_refusal);
	/* NULL is no engine. No other call is in progress. */
	void (*destroy)(struct regioi_engine *engine);

	/*
	 * Let sleep poll the network devices for 'time_us' first; 'prefer': with their interrupts
	 * off. Returns 0, -EPERM, or -EOPNOTSUPP where the kernel cannot.
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
	 * Whether a poll would find nothing, told without a system call; false where that cannot be
	 * told. NULL: never can.
	 */
	bool (*idle)(struct regioi_engine *engine);
	/*
	 * Collect up to 'events_max' events without sleeping. Returns how many, or -EBADF when the
	 * engine's own descriptors were closed.
	 */
	int (*poll)(struct regioi_engine *engine, struct regioi_event *ret_events,
		    uint32_t events_max);
	/*
	 * The same, sleeping until there is an event, doorbell or wake is called, or 'timeout_ns'
	 * is over (0: do not sleep; below 0: no end). Returns how many, 0 after a call, the
	 * time-out or for no reason, -EINTR, or -EBADF as poll does. One thread at a time.
	 */
	int (*sleep)(struct regioi_engine *engine, struct regioi_event *ret_events,
		     uint32_t events_max, int64_t timeout_ns);
	/* There is work for whoever comes first: ends a sleep, or the next one, or is asked away.
	 */
	void (*doorbell)(struct regioi_engine *engine);
	/*
	 * For the sleeper and nobody else: no sleep lasts from wake until the wake_ack that the
	 * core calls for it.
	 */
	void (*wake)(struct regioi_engine *engine);
	void (*wake_ack)(struct regioi_engine *engine);
	/*
	 * Whether a look at the descriptors of its own shows them open, and not another file's.
	 * Once not, the engine leaves their numbers alone. NULL: cannot be told.
	 */
	bool (*intact)(struct regioi_engine *engine);
	/* What time it is for sleeps; NULL: CLOCK_MONOTONIC. */
	uint64_t (*now_ns)(struct regioi_engine *engine);
	/* A descriptor that is readable while sleep would return; valid until destroy. */
	int (*descriptor)(struct regioi_engine *engine);

	/* Whether executing several operations at once costs less than one after the other. */
	bool (*batches)(struct regioi_engine *engine);
	/* In a forked child, while it has one thread: forget what was the parent's. May be NULL. */
	void (*fork_child)(void);
	/* Execute operations and fill in their results. */
	void (*execute)(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count);
};

/* NULL after the last. */
const struct regioi_engine_ops *regioi_engine_at(uint32_t index);

extern const struct regioi_engine_ops regioi_engine_uring;
extern const struct regioi_engine_ops regioi_engine_epoll;
extern const struct regioi_engine_ops regioi_engine_sim;
extern const struct regioi_engine_ops regioi_engine_null;

#endif
