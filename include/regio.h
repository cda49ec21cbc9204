/* SPDX-License-Identifier: MIT */
/*
 * regio.h - Registered I/O (RIO) for Linux
 *
 * A program registers memory once, posts receives and sends on the request
 * queue (RQ) of each socket, and takes finished requests off completion queues
 * (CQ) that many sockets may share. Sockets are ordinary ones: create, bind,
 * connect and configure them with the ordinary calls.
 *
 * Everything here returns 0 or a count, or a negative errno value, unless it
 * says otherwise. Outputs are named ret_... and are written only on success.
 *
 * Structures that may grow go with their size, sizeof the structure: options in
 * their first field, what a call fills in as an argument. Fields that the
 * program does not know of are as if 0, or left out; fields that the library
 * does not know must be 0, or are set to 0.
 *
 * The calls that create or change an object leave an explanation of their last
 * failure with regio_last_error().
 *
 * Threads, in general: calls on one CQ, and calls on one half (receive or send)
 * of one RQ, are serialised by the caller; everything else may run in parallel.
 * No call is a cancellation point.
 *
 * Handles are not addresses. Each carries a generation, so a call on a closed
 * handle is an error, never a dangling pointer. In a forked child the handles
 * of the parent are dead: every call on one returns -ECHILD.
 */
#ifndef REGIO_H
#define REGIO_H

#include <stddef.h>
#include <stdint.h>

/* Handles are 64-bit ids in pointers. */
#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ < 8
#error "regio needs a 64-bit machine: its handles are 64-bit ids in pointers."
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define REGIO_VERSION_MAJOR 0
#define REGIO_VERSION_MINOR 2
#define REGIO_VERSION_PATCH 0

#if defined(__GNUC__)
#define REGIO_API __attribute__((visibility("default")))
#else
#define REGIO_API
#endif

#if defined(__cplusplus)
#define REGIO_STATIC_ASSERT(condition, text) static_assert(condition, text)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define REGIO_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#else
#define REGIO_STATIC_ASSERT(condition, text) struct regio_static_assert_unused
#endif

/* ---- Handles ------------------------------------------------------------ */

/* Never dereferenced; NULL is no object. */
struct regio_driver;
struct regio_cq;
struct regio_rq;

/* ---- Data structures, frozen --------------------------------------------- */

/*
 * A slice of registered memory. Region 0 means no slice, where that is allowed.
 * 'offset' and 'length' are in bytes and lie within the one region.
 */
struct regio_buf {
	uint64_t region;
	uint32_t offset;
	uint32_t length;
};

/*
 * What became of one request. 'status' is 0 or a negative errno value; 'bytes'
 * counts payload bytes moved. The contexts are those given to regio_rq_create()
 * and to the request.
 */
struct regio_result {
	int32_t status;
	uint32_t bytes;
	uint64_t rq_context;
	uint64_t request_context;
};

/*
 * The optional slices of one request (region 0: not wanted).
 *
 * local_address   receive: output, a struct sockaddr_in or sockaddr_in6 with
 *                 the address the message was sent to, its port, and its scope
 *                 where it is of one link; the slice has at least 28 bytes.
 *                 Send: must be absent.
 * remote_address  receive: output, the sender; send: input, the destination.
 *                 At least 28 bytes; the address family tells how many count.
 * control         a struct regio_control and then control messages (struct
 *                 cmsghdr); output on receive, input on send. At least 8 bytes.
 * message_flags   receive: output, a uint32_t of MSG_TRUNC and MSG_CTRUNC.
 *                 Send: written with 0. At least 4 bytes.
 *
 * On a stream the addresses are those of the connection; of a unix socket only
 * the family is written. A receive gets no control data, a send must have none,
 * and the destination of a send is ignored.
 */
struct regio_extra {
	struct regio_buf local_address;
	struct regio_buf remote_address;
	struct regio_buf control;
	struct regio_buf message_flags;
};

/*
 * Head of a control slice. 'total_length' counts from the start of this
 * structure to the end of the last control message, so 8 means none.
 */
struct regio_control {
	uint32_t total_length;
	uint32_t reserved;
};

/*
 * A request of regio_post(): what regio_receive_ex() and regio_send_ex() take.
 * 'extra' may be NULL; 'flags' are REGIO_MSG_...
 */
struct regio_request {
	struct regio_buf data;
	const struct regio_extra *extra;
	uint64_t context;
	uint32_t flags;
	uint32_t reserved; /* 0 */
};

REGIO_STATIC_ASSERT(sizeof(struct regio_buf) == 16, "regio_buf is frozen");
REGIO_STATIC_ASSERT(sizeof(struct regio_result) == 24, "regio_result is frozen");
REGIO_STATIC_ASSERT(sizeof(struct regio_extra) == 64, "regio_extra is frozen");
REGIO_STATIC_ASSERT(sizeof(struct regio_control) == 8, "regio_control is frozen");
REGIO_STATIC_ASSERT(sizeof(struct regio_request) == 40, "regio_request is frozen");

/* ---- Flags of requests --------------------------------------------------- */

/* The completion of this request does not end a wait or fire a notification. */
#define REGIO_MSG_DONT_NOTIFY 0x1u
/*
 * May wait for company: starts with the next request of the same half that is
 * not deferred, with COMMIT_ONLY, or at the latest at the next dequeue that
 * finds the CQ empty, notify or wait on the CQ.
 */
#define REGIO_MSG_DEFER 0x2u
/* Receives of streams only: complete when the slice is full, or the stream ends. */
#define REGIO_MSG_WAITALL 0x4u
/*
 * Not a request: start what is deferred on this half. Alone, with no slice and
 * context 0. The one call that may run while another thread posts on the half.
 */
#define REGIO_MSG_COMMIT_ONLY 0x8u

/* ---- Callbacks ----------------------------------------------------------- */

/*
 * regio_driver_opts.on_blocked, a function or NULL, is called with 1 when the
 * sends of an RQ have met a full socket buffer, and with -1 when they are
 * through or the RQ ends. Who counts knows whether any are: a program whose
 * threads may all leave the library has one of them in regio_driver_run()
 * meanwhile. Not after regio_driver_close() has returned.
 *
 * regio_cq_opts.on_notify, a function or NULL, is the signal that
 * regio_cq_notify() asks for, in place of making regio_cq_fd() readable. A
 * completion that may notify is in the CQ then, unless the program has dequeued
 * it since. Not after regio_cq_close() has returned.
 *
 * Both are called inside other calls, from any thread, with the context that
 * stands beside them. Of regio they may call regio_driver_wake() and nothing
 * else. They must return, and not by an exception or longjmp().
 */

/* ---- Limits -------------------------------------------------------------- */

/* The most completions a CQ may be asked to hold. */
#define REGIO_CQ_CAPACITY_MAX 0x8000000u
/* The most receives, or sends, one RQ may have outstanding. */
#define REGIO_RQ_REQUESTS_MAX 0x1000000u

/* ---- Library ------------------------------------------------------------- */

/*
 * regio_version - version of the library in use
 *
 * Ownership  none
 * Threads    any
 * Blocking   never
 * Returns    major << 16 | minor << 8 | patch
 * Since      0.1
 */
REGIO_API uint32_t regio_version(void);

/*
 * regio_error_name - symbolic name of an error
 *
 * 'error' is what a call returned or a result's status: 0 or negative errno.
 *
 * Ownership  the text is static
 * Threads    any
 * Blocking   never
 * Returns    a name such as "ENOBUFS", "OK" for 0, "EUNKNOWN" for no known error
 * Since      0.1
 */
REGIO_API const char *regio_error_name(int error);

/*
 * regio_error_text - what an error means in regio, in one sentence
 *
 * Ownership  the text is static
 * Threads    any
 * Blocking   never
 * Returns    a sentence without a full stop
 * Since      0.1
 */
REGIO_API const char *regio_error_text(int error);

/*
 * regio_last_error - why the last failed call on this thread failed: step, cause
 * and remedy
 *
 * Written by the calls that make, change, describe or end something, and by
 * regio_cq_fd(). Posting, dequeuing, notifications, waits and runs do not write
 * it.
 *
 * Ownership  the text is valid until the thread's next failing call
 * Threads    each thread has its own
 * Blocking   never
 * Returns    a sentence; "" when nothing has failed
 * Since      0.1
 */
REGIO_API const char *regio_last_error(void);

/* ---- What the machine offers --------------------------------------------- */

/* 'available' is 1 or 0; 'reason' says why, 'remedy' what to change ("": nothing). */
struct regio_engine_info {
	char name[16];
	uint32_t available;
	uint32_t automatic; /* 1: the choice of engine "auto" */
	char reason[160];
	char remedy[160];
};

/*
 * regio_engine_get_info - describe engine number 'index', counted from 0
 *
 * 'size' is sizeof(struct regio_engine_info). Tries the engine; nothing stays
 * behind.
 *
 * Ownership  none
 * Threads    any
 * Blocking   never
 * Returns    0, or
 *            -ENOENT  there are fewer engines
 *            -EINVAL  ret_info is NULL, or size below 16 or above 4096
 * Since      0.2
 */
REGIO_API int regio_engine_get_info(uint32_t index, struct regio_engine_info *ret_info,
				    uint32_t size);

/* Busy polling that this kernel and these privileges allow (regio_driver_opts). */
#define REGIO_BUSY_POLL_SOCKET 0x1u /* SO_BUSY_POLL may be raised */
#define REGIO_BUSY_POLL_PREFER 0x2u /* SO_PREFER_BUSY_POLL, Linux 5.11 */
#define REGIO_BUSY_POLL_SLEEP 0x4u  /* an epoll set polls before it sleeps, 6.9 */

/* Found by trying on loopback, once in a process that has the descriptors for it. */
struct regio_offload_info {
	uint32_t send_train_messages; /* most messages of one UDP_SEGMENT send; 1: none */
	uint32_t receive_trains;      /* 1: UDP_GRO works, and what a device joins is split */
	uint32_t loopback_joins;      /* 1: loopback delivers trains as trains, as devices may */
	uint32_t busy_poll;	      /* REGIO_BUSY_POLL_... */
	char reason[160];	      /* why one of these is missing, or "" */
};

/*
 * regio_offload_get_info - what the kernel lets a train do
 *
 * 'size' is sizeof(struct regio_offload_info).
 *
 * Ownership  none
 * Threads    any
 * Blocking   never (a few sockets on loopback, the first time)
 * Returns    0, or
 *            -EINVAL  ret_info is NULL, or size below 16 or above 4096
 * Since      0.2
 */
REGIO_API int regio_offload_get_info(struct regio_offload_info *ret_info, uint32_t size);

/* ---- Regions ------------------------------------------------------------- */

/*
 * Of memory that is allocated: aligned to 2 MiB, in huge pages where they fit and the system has
 * some (transparent huge pages), in ordinary ones elsewhere.
 */
#define REGIO_REGION_HUGE_PAGES 0x1u
/* Of memory that is allocated: on NUMA node 'numa_node'. */
#define REGIO_REGION_NUMA 0x2u

struct regio_region_opts {
	uint32_t size; /* sizeof(struct regio_region_opts) */
	uint32_t flags;
	uint32_t numa_node;
	uint32_t reserved; /* 0 */
};

/*
 * regio_region_register - make 'length' bytes at 'address' usable for requests
 *
 * The memory is faulted in, and stays as pageable as it was: locking it is the
 * program's, by mlock(2), and is never undone here. Read-only memory may be used
 * for sends. Regions may overlap. The id is valid on every queue of the process,
 * and is never 0 or 0xFFFFFFFF. 'opts' may be NULL; no flag is for memory that
 * is there already.
 *
 * Memory that is unmapped while it is registered is the program's mistake. A
 * request that names it may complete with -EFAULT, or may end the program by
 * SIGSEGV: messages of a train, small requests of a stream, addresses, control
 * data and flags are copied by the library. What has been mapped there since is
 * read and written.
 *
 * Ownership  the memory stays the caller's and must stay mapped until
 *            regio_region_deregister() has returned
 * Threads    any
 * Blocking   may fault pages in
 * Returns    0, or
 *            -EINVAL  address or ret_region is NULL, length is 0, bad size, or
 *                     opts has a flag, a node or a reserved field that is not 0
 *            -E2BIG   opts has fields this version does not know
 *            -EMSGSIZE length is 4 GiB or more
 *            -EFAULT  the range is not mapped, or not readable
 *            -ENOMEM  no memory for the registration
 * Since      0.2
 */
REGIO_API int regio_region_register(void *address, size_t length,
				    const struct regio_region_opts *opts, uint64_t *ret_region);

/*
 * regio_region_allocate - allocate zeroed, page-aligned memory and register it
 *
 * It is locked as far as RLIMIT_MEMLOCK allows. 'opts' may be NULL.
 *
 * Ownership  the library owns the memory; regio_region_deregister() frees it
 * Threads    any
 * Blocking   may fault pages in
 * Returns    0, or
 *            -EINVAL  an output is NULL, length is 0, unknown flag, reserved
 *                     field not 0, node without the flag, no such NUMA node
 *            -E2BIG   opts has fields this version does not know
 *            -EMSGSIZE length is 4 GiB or more
 *            -ENOMEM  no memory
 *            -EPERM   the node cannot be chosen here, mostly because of a
 *                     container's seccomp profile
 * Since      0.1
 */
REGIO_API int regio_region_allocate(size_t length, const struct regio_region_opts *opts,
				    uint64_t *ret_region, void **ret_address);

/*
 * regio_region_deregister - end a region
 *
 * New uses are refused at once; an operation in progress is waited for. After
 * the return nothing reads or writes the memory. A queued request that names
 * the region completes with -EFAULT when its turn comes. A receive in progress
 * may complete with its data, and without the address, control data or flags
 * that it wanted in the region.
 *
 * Ownership  the memory is the caller's alone again, or is freed
 * Threads    any
 * Blocking   for the length of one non-blocking socket call
 * Returns    0, or
 *            -EFAULT  no such region (never, or no longer)
 *            -ECHILD  the region belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_region_deregister(uint64_t region);

/* ---- Drivers ------------------------------------------------------------- */

/*
 * The driver has a thread of its own, which does all the work: requests are
 * stored by the thread that posts them and results read by the one that
 * dequeues, without a system call while the driver's thread is awake. Requests
 * that gather travel together, deferred or not.
 */
#define REGIO_DRIVER_THREAD 0x1u
/* That thread runs on CPU 'thread_cpu' only. */
#define REGIO_DRIVER_THREAD_CPU 0x2u
/* With busy_poll_us: keep the device's interrupts off while it is polled. */
#define REGIO_DRIVER_PREFER_BUSY_POLL 0x4u

/* For thread_spin_ns: the thread never sleeps. */
#define REGIO_SPIN_ALWAYS 0xFFFFFFFFFFFFFFFFull

struct regio_driver_opts {
	uint32_t size;	/* sizeof(struct regio_driver_opts) */
	uint32_t flags; /* REGIO_DRIVER_... */
	/*
	 * "auto" (or NULL), or the name of an engine. The environment variable
	 * REGIO_ENGINE takes the place of "auto"; there, and only there, a name
	 * may have "+thread" after it or "fault+" before it (docs/ENGINES.md).
	 */
	const char *engine;
	/* How long the thread looks for work before it sleeps; 0: 50,000. */
	uint64_t thread_spin_ns;
	uint32_t thread_cpu;
	/*
	 * Whoever finds nothing polls the network device itself for so long, in
	 * microseconds; 0: as the system is set. Needs CAP_NET_ADMIN, and a
	 * device that can be polled: not tested with one. What the kernel does
	 * not offer is left out (regio_offload_get_info).
	 */
	uint32_t busy_poll_us;
	/* Sends have met a full socket buffer, or are through: see Callbacks. */
	void (*on_blocked)(void *context, int change);
	void *on_blocked_context;
};

/*
 * regio_driver_create - make an engine instance that completion queues share
 *
 * Only needed to share one between CQs or to choose the engine: a CQ makes a
 * driver of its own unless it is given one. 'opts' may be NULL.
 *
 * Ownership  close with regio_driver_close()
 * Threads    any
 * Blocking   never; with a thread, until that has begun
 * Returns    0, or
 *            -EINVAL  ret_driver is NULL, bad size, unknown flag, a field
 *                     without the flag it belongs to, no such CPU,
 *                     busy_poll_us above INT32_MAX
 *            -E2BIG   opts has fields this version does not know
 *            -ENOENT  no engine of that name; words joined by '+' are in none
 *            -ENOTSUP the engine does not work here; regio_last_error() says why
 *            -EPERM   busy polling, or a thread on that CPU, is not permitted
 *            -EAGAIN  no thread left
 *            -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  no descriptor, memory or room
 *                     among fs.epoll.max_user_watches left
 * Since      0.1
 */
REGIO_API int regio_driver_create(const struct regio_driver_opts *opts,
				  struct regio_driver **ret_driver);

/*
 * regio_driver_close - end a driver
 *
 * Ownership  the handle is dead
 * Threads    any; not beside regio_driver_run()
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such driver
 *            -EBUSY   a CQ uses it
 *            -ECHILD  the driver belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_driver_close(struct regio_driver *driver);

/*
 * regio_driver_run - make progress for the CQs of a driver until told to return
 *
 * For programs whose CQs call them (regio_cq_opts.on_notify): executes what is ready and what is
 * deferred, and sleeps while there is nothing to do, until regio_driver_wake(). 'timeout_ns' below
 * 0 runs without end; 0 makes progress once.
 *
 * Ownership  none
 * Threads    one caller at a time for each driver; beside any other call
 * Blocking   yes
 * Returns    0 after regio_driver_wake(), also one of before this call, or
 *            -ETIMEDOUT  the time is over
 *            -EINTR   a signal came first, whatever SA_RESTART says, even an
 *                     ignored one that another thread had blocked, or the
 *                     process was stopped and continued
 *            -EBUSY   another thread is in this call, or waits on a CQ of the
 *                     driver, or the driver has a thread of its own
 *            -EBADF   no such driver, or its descriptors were closed by somebody else
 *            -ECHILD  the driver belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_driver_run(struct regio_driver *driver, int64_t timeout_ns);

/*
 * regio_driver_wake - end regio_driver_run(), or the next one
 *
 * Ownership  none
 * Threads    any
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such driver
 *            -ECHILD  the driver belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_driver_wake(struct regio_driver *driver);

struct regio_driver_info {
	char engine[16];
	char reason[160];	    /* why this engine */
	uint32_t completion_queues; /* that use the driver now */
	uint32_t request_queues;
	uint32_t thread; /* 1: it has a thread of its own */
	uint32_t asleep; /* 1: which sleeps now */
	uint64_t sleeps; /* of that thread, since the driver was made */
};

/*
 * regio_driver_get_info - what a driver is made of
 *
 * 'size' is sizeof(struct regio_driver_info).
 *
 * Ownership  none
 * Threads    any
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such driver
 *            -EINVAL  ret_info is NULL, or size below 16 or above 4096
 *            -ECHILD  the driver belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_driver_get_info(struct regio_driver *driver, struct regio_driver_info *ret_info,
				    uint32_t size);

/* ---- Completion queues --------------------------------------------------- */

struct regio_cq_opts {
	uint32_t size;		     /* sizeof(struct regio_cq_opts) */
	uint32_t reserved;	     /* 0 */
	struct regio_driver *driver; /* NULL: one of its own */
	/* In place of making regio_cq_fd() readable: see Callbacks. */
	void (*on_notify)(void *context);
	void *on_notify_context;
};

/*
 * regio_cq_create - make a completion queue with room for 'capacity' completions
 *
 * Room is reserved by the RQs that use the CQ, so it cannot overflow. 'opts'
 * may be NULL.
 *
 * Ownership  close with regio_cq_close()
 * Threads    any
 * Blocking   never; with a driver of its own, as regio_driver_create()
 * Returns    0, or
 *            -EINVAL  ret_cq is NULL, capacity is 0 or above
 *                     REGIO_CQ_CAPACITY_MAX, bad size, reserved field not 0
 *            -E2BIG   opts has fields this version does not know
 *            -EBADF   opts->driver is closed
 *            -ENOMEM, -EMFILE, -ENFILE, -ENOSPC, -ENOENT, -ENOTSUP, -EAGAIN  as
 *                     regio_driver_create()
 * Since      0.1
 */
REGIO_API int regio_cq_create(uint32_t capacity, const struct regio_cq_opts *opts,
			      struct regio_cq **ret_cq);

/*
 * regio_cq_resize - change the capacity; completions and handle are kept
 *
 * Ownership  unchanged
 * Threads    as regio_cq_dequeue()
 * Blocking   never
 * Returns    0, or, with nothing changed,
 *            -EBADF   no such CQ
 *            -EINVAL  capacity is 0 or above REGIO_CQ_CAPACITY_MAX
 *            -ETOOMANYREFS  less than the RQs have reserved
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_cq_resize(struct regio_cq *cq, uint32_t capacity);

/*
 * regio_cq_close - end a completion queue
 *
 * Completions in it, and those that would arrive later, are dropped. RQs that
 * use it stay until they are closed, but refuse requests on that half.
 *
 * Ownership  the handle is dead; a driver the CQ made for itself goes with it
 * Threads    as regio_cq_dequeue(); a regio_cq_notify() that is still on its
 *            way out is waited for
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such CQ
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_cq_close(struct regio_cq *cq);

/*
 * regio_cq_dequeue - take finished requests off a completion queue
 *
 * Writes up to 'results_max' results. Results of one half of an RQ come in
 * posting order; where one half has more than the array takes, others have their
 * turn before the rest. Only here is a request released: it stops counting
 * against its RQ's limit. When the CQ is empty, and at the latest after 1,024
 * results, the call makes progress once: it executes what is ready on the queues
 * of its driver, deferred requests included. The first empty dequeue after a
 * regio_cq_wait() that slept may return 0 without asking the kernel, where
 * nothing is deferred; the second in a row asks.
 *
 * Ownership  the slices behind each result are the caller's again
 * Threads    one caller at a time for each CQ; CQs are independent
 * Blocking   never
 * Returns    how many were written (0 is normal), or
 *            -EBADF   no such CQ
 *            -EINVAL  ret_results is NULL and results_max is not 0
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_cq_dequeue(struct regio_cq *cq, struct regio_result *ret_results,
			       uint32_t results_max);

/*
 * regio_cq_notify - ask for one signal when there is something to dequeue
 *
 * Makes regio_cq_fd() readable: at once if a completion that may notify is
 * queued, otherwise when one arrives. Makes progress first, as an empty dequeue
 * does. Call it before sleeping on the descriptor, after a dequeue returned 0.
 *
 * Ownership  none
 * Threads    as regio_cq_dequeue()
 * Blocking   never
 * Returns    0, or
 *            -EALREADY  armed before, and not fired yet; nothing changed
 *            -EBADF   no such CQ
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_cq_notify(struct regio_cq *cq);

/*
 * regio_cq_wait - sleep until there is something to dequeue
 *
 * Returns when 'min_count' completions that may notify are queued (0 counts as
 * 1), 'max_delay_ns' after the first of them, or at the time-out, whichever is
 * first. 'timeout_ns' below 0 waits without end; 0 only looks.
 *
 * Ownership  none
 * Threads    as regio_cq_dequeue()
 * Blocking   yes
 * Returns    how many are queued, at least 1, or
 *            -ETIMEDOUT  none came in time
 *            -EINTR   a signal came first, whatever SA_RESTART says, even an
 *                     ignored one that another thread had blocked, or the
 *                     process was stopped and continued
 *            -EBADF   no such CQ, or the library's descriptors were closed by
 *                     somebody else: every request fails with it as well
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_cq_wait(struct regio_cq *cq, uint32_t min_count, uint64_t max_delay_ns,
			    int64_t timeout_ns);

/*
 * regio_cq_fd - a descriptor for poll, epoll or any event loop
 *
 * Readable means: call regio_cq_dequeue() until it returns 0, then
 * regio_cq_notify() before the next sleep. A dequeue of 0 is possible. The CQs
 * of one driver share one descriptor.
 *
 * Ownership  the library's; do not read from it or close it
 * Threads    any
 * Blocking   never
 * Returns    the descriptor, the same for the life of the CQ, or
 *            -EBADF   no such CQ, or as regio_cq_wait()
 *            -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  as regio_driver_create()
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_cq_fd(struct regio_cq *cq);

/* ---- Request queues ------------------------------------------------------ */

/* Receives report ICMP errors of connected sockets, such as -ECONNREFUSED. */
#define REGIO_RQ_REPORT_ICMP 0x1u

/*
 * Trains: joining and splitting messages through UDP_SEGMENT and UDP_GRO. What comes from an
 * adapter with UDP_GRO on may overtake older messages of its sender where the kernel does not join
 * it: empty and fragmented messages, and those of IPv4 below 18 bytes on Ethernet.
 */
#define REGIO_TRAINS_AUTO 0u	  /* join sends; split receives, from the first bursts on */
#define REGIO_TRAINS_SEND_ONLY 1u /* join sends, leave UDP_GRO alone */
#define REGIO_TRAINS_OFF 2u	  /* each message crosses the stack alone */

struct regio_rq_opts {
	uint32_t size; /* sizeof(struct regio_rq_opts) */
	uint32_t flags;
	uint32_t trains;	     /* REGIO_TRAINS_... */
	uint32_t train_max_messages; /* 0: as many as the kernel takes (64 or 128) */
	uint32_t train_max_bytes;    /* 0: 65,400, also the most */
	uint32_t reserved;	     /* 0 */
};

/*
 * regio_rq_create - give a socket its request queue
 *
 * 'fd' is a UDP or TCP socket (AF_INET or AF_INET6; neither UDP-Lite nor
 * Multipath TCP) or a unix stream socket, bound or connected or not yet.
 * 'max_receives' and 'max_sends' limit the requests outstanding on each half,
 * from the call that posts one to the dequeue of its completion; one may be 0.
 * That much room is reserved in 'receive_cq' and 'send_cq', which may be the
 * same. SO_RCVBUF of a datagram socket is raised towards the posted receives as
 * far as allowed, unless the program has set it (before Linux 5.14: to what is
 * not the default), until the RQ is closed; SO_RCVLOWAT of a stream socket is 1
 * until then.
 *
 * While the RQ lives, nobody else reads the socket, or sets UDP_GRO on it. An
 * RQ for receives with REGIO_TRAINS_AUTO takes over UDP_GRO that is on, which a
 * process before may have left, so that each receive gets one message. A
 * descriptor that is closed, or closed and used again, behind the RQ's back is
 * noticed: at once by a young queue, within 64 operations by a busy one; every
 * request then completes with -EBADF and new ones are refused. 'opts' may be
 * NULL.
 *
 * Requests on a TCP socket wait until it is connected. A connection that fails
 * completes them with its error, or with -ENOTCONN where the program has asked
 * for SO_ERROR first. On a unix socket receives wait, and sends complete with
 * -ENOTCONN.
 *
 * Ownership  the socket stays the caller's; close the RQ before the socket
 * Threads    any
 * Blocking   never
 * Returns    0, or
 *            -EINVAL  ret_rq is NULL, both maxima are 0 or one is above
 *                     REGIO_RQ_REQUESTS_MAX, unknown flag or value, bad size,
 *                     reserved field not 0
 *            -E2BIG   opts has fields this version does not know
 *            -EBADF   fd is not open, or a CQ is NULL or closed
 *            -ENOTSOCK  fd is not a socket
 *            -ENOPROTOOPT  the kernel has no SO_COOKIE: it is older than 4.18
 *            -EOPNOTSUPP  the socket's type or family is not supported
 *            -EEXIST  the socket has an RQ
 *            -ENOBUFS a CQ has not enough room left
 *            -ENOMEM  no memory
 *            -ENOSPC  the CQs have two drivers, and there is no room left among
 *                     fs.epoll.max_user_watches
 *            -EPERM   the driver's busy polling is not permitted
 *            -ECHILD  a CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_rq_create(int fd, uint32_t max_receives, uint32_t max_sends,
			      struct regio_cq *receive_cq, struct regio_cq *send_cq,
			      uint64_t context, const struct regio_rq_opts *opts,
			      struct regio_rq **ret_rq);

/*
 * regio_rq_resize - change the limits; outstanding requests are kept
 *
 * Ownership  unchanged
 * Threads    not beside another call on the RQ, nor on its CQs
 * Blocking   for the length of one non-blocking socket call
 * Returns    0, or, with nothing changed,
 *            -EBADF   no such RQ
 *            -EINVAL  both are 0, or one is above REGIO_RQ_REQUESTS_MAX
 *            -ETOOMANYREFS  below what is outstanding
 *            -ENOBUFS a CQ has not enough room left, or is closed
 *            -ENOMEM  no memory
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_rq_resize(struct regio_rq *rq, uint32_t max_receives, uint32_t max_sends);

#define REGIO_HALF_RECEIVE 0x1u
#define REGIO_HALF_SEND 0x2u

/*
 * regio_rq_cancel - complete every outstanding request of the named halves
 *
 * Requests not executed yet complete with -ECANCELED and 0 bytes, in posting
 * order; on a stream the oldest may have moved some, and says how many. The RQ
 * stays usable. Messages already read from the socket wait for the next
 * receives.
 *
 * Ownership  as at completion, once dequeued
 * Threads    as posting on the named halves
 * Blocking   for the length of one non-blocking socket call
 * Returns    how many were cancelled, or
 *            -EBADF   no such RQ
 *            -EINVAL  halves is 0 or has unknown bits
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_rq_cancel(struct regio_rq *rq, uint32_t halves);

/*
 * regio_rq_replace_socket - put another stream socket behind a request queue
 *
 * The RQ's descriptor number becomes 'fd', as by dup2(2); its old socket is
 * closed, and 'fd' itself stays open. What is posted goes on with the new
 * socket, and an error of the old one is forgotten. For connections accepted on
 * behalf of a socket, and its queue, made beforehand.
 *
 * Ownership  'fd' stays the caller's
 * Threads    not beside another call on the RQ
 * Blocking   for the length of one non-blocking socket call
 * Returns    0, or, with nothing changed,
 *            -EBADF   no such RQ, fd is not open, or the RQ's descriptor was
 *                     closed and is another file's now
 *            -ENOTSOCK  fd is not a socket
 *            -EOPNOTSUPP  one of the two is no stream socket, or their families
 *                     differ
 *            -EEXIST  the socket has another RQ
 *            -EMFILE, -EBUSY, -EINTR  as dup3(2)
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_rq_replace_socket(struct regio_rq *rq, int fd);

/* Close the socket as well. */
#define REGIO_CLOSE_SOCKET 0x1u

/*
 * regio_rq_close - end a request queue
 *
 * Queued sends get one last try; then every outstanding request completes, in
 * posting order, as regio_rq_cancel() has it. The completions stay in their
 * CQs; the room in each CQ comes back when the last is dequeued. Options the
 * RQ changed are restored, unless the program has set them since, UDP_GRO is off
 * where the RQ had turned it on or taken it over, and messages that were joined
 * are discarded.
 *
 * Ownership  the handle is dead; the socket is the caller's, or is closed
 * Threads    any: calls on the RQ that have begun are waited for, later ones
 *            fail
 * Blocking   for the length of one non-blocking socket call
 * Returns    0, or
 *            -EBADF   no such RQ
 *            -EINVAL  unknown flag; the RQ is still there
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_rq_close(struct regio_rq *rq, uint32_t flags);

/* Counts since the RQ was made; bytes are payload. */
struct regio_rq_info {
	uint32_t receive_buffer_bytes; /* SO_RCVBUF as the kernel granted it */
	uint32_t send_buffer_bytes;
	uint32_t receive_trains_on; /* 1: UDP_GRO is on */
	uint32_t send_trains_on;    /* 1: sends may be joined */
	uint64_t messages_received; /* streams: requests */
	uint64_t messages_sent;	    /* accepted by the kernel */
	uint64_t trains_received;   /* messages of 2 or more that arrived joined */
	uint64_t trains_sent;
	uint64_t receive_calls; /* system calls, or ring operations */
	uint64_t send_calls;
	uint64_t messages_truncated;
	uint64_t trains_refused; /* sent again singly after an error */
};

/*
 * regio_rq_get_info - settings and counts of a request queue
 *
 * 'size' is sizeof(struct regio_rq_info).
 *
 * Ownership  none
 * Threads    any; the counts are read without stopping the queue
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such RQ
 *            -EINVAL  ret_info is NULL, or size below 16 or above 4096
 *            -ENOMEM  no memory
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.2
 */
REGIO_API int regio_rq_get_info(struct regio_rq *rq, struct regio_rq_info *ret_info, uint32_t size);

/* ---- Requests ------------------------------------------------------------ */

/*
 * regio_receive - post one receive
 *
 * The k-th message that arrives goes to the k-th receive posted. 'data' is read
 * during the call only; NULL, or region 0 and length 0, receives into an empty
 * slice. A message too long for its slice fills it and completes with -EMSGSIZE.
 * What follows the bytes of the result in the slice is undefined.
 *
 * On a stream, bytes fill the slices in posting order, and a receive completes
 * with what is there, an empty one as soon as something is. The end of the
 * stream completes every receive with 0 bytes, those posted later as well. An
 * error that ends the connection completes every request of both halves that
 * gets no bytes any more, and every later one.
 *
 * Ownership  the slice is the library's until the completion is dequeued
 * Threads    one caller at a time for the receives of an RQ
 * Blocking   never
 * Returns    0: exactly one completion will come (none for COMMIT_ONLY), or
 *            -EBADF   no such RQ, or its receive CQ was closed
 *            -EINVAL  the slice is outside its region, unknown flag, WAITALL on
 *                     a datagram socket, COMMIT_ONLY with anything else, NULL
 *                     on a stream
 *            -EFAULT  no such region, or read-only memory
 *            -ENOBUFS the limit of outstanding receives is reached
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_receive(struct regio_rq *rq, const struct regio_buf *data, uint32_t flags,
			    uint64_t context);

/*
 * regio_receive_ex - post one receive with addresses, control data or flags
 *
 * 'extra' may be NULL. Control data that does not fit its slice, or is longer than
 * 20,000 bytes, is cut between control messages, and MSG_CTRUNC is set in the
 * message flags.
 *
 * Control data is what the program's own socket options ask for, set before or
 * after the RQ was made. Only IP_RECVORIGDSTADDR and IPV6_RECVORIGDSTADDR must
 * be set before the first receive of a datagram socket with a local address
 * slice: it sets them where they are off, and their messages are not shown then.
 * A message that was read from the socket before that receive was posted, as a
 * part of a train, tells the address that the socket is bound to.
 *
 * Ownership  the slices are the library's until the completion is dequeued
 * Threads    as regio_receive()
 * Blocking   never
 * Returns    as regio_receive(); -EINVAL also when a slice of 'extra' is too short
 * Since      0.1
 */
REGIO_API int regio_receive_ex(struct regio_rq *rq, const struct regio_buf *data,
			       const struct regio_extra *extra, uint32_t flags, uint64_t context);

/*
 * regio_send - post one send to the connected peer
 *
 * Unless deferred, it and the deferred sends before it are executed in the call
 * where nobody else is executing them. Neighbours of equal length to one
 * destination cross the stack together. 'data' is read during the call only;
 * NULL, or region 0 and length 0, sends an empty message.
 *
 * On a stream a send completes when the stack has all of it; those that wait are
 * gathered into one call. After shutdown() they complete with -EPIPE.
 *
 * Ownership  the slice is the library's until the completion is dequeued
 * Threads    one caller at a time for the sends of an RQ
 * Blocking   never
 * Returns    0: exactly one completion will come (none for COMMIT_ONLY), or
 *            -EBADF   no such RQ, or its send CQ was closed
 *            -EINVAL  the slice is outside its region, unknown flag, WAITALL,
 *                     COMMIT_ONLY with anything else, NULL on a stream
 *            -EFAULT  no such region
 *            -ENOBUFS the limit of outstanding sends is reached
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_send(struct regio_rq *rq, const struct regio_buf *data, uint32_t flags,
			 uint64_t context);

/*
 * regio_send_ex - post one send with a destination or control data
 *
 * 'extra' may be NULL; without a remote address the socket must be connected
 * when the send is executed. The contents of the slices are read then, too.
 *
 * Ownership  the slices are the library's until the completion is dequeued
 * Threads    as regio_send()
 * Blocking   never
 * Returns    as regio_send(); -EINVAL also when a slice of 'extra' is too
 *            short, a local address is given, or control data on a stream
 * Since      0.1
 */
REGIO_API int regio_send_ex(struct regio_rq *rq, const struct regio_buf *data,
			    const struct regio_extra *extra, uint32_t flags, uint64_t context);

/*
 * regio_post - post many receives, or many sends, in one call
 *
 * As regio_receive_ex() or regio_send_ex() for each of 'requests' in turn, up to
 * the first that is refused. What is not deferred starts once, when all are
 * posted; COMMIT_ONLY among them, with region, offset and length 0, starts those
 * before it. Region 0 and length 0 is an empty slice. 'half' is
 * REGIO_HALF_RECEIVE or REGIO_HALF_SEND.
 *
 * Ownership  as regio_receive_ex() and regio_send_ex(), of those accepted;
 *            'requests' and what 'extra' points to are read during the call only
 * Threads    as regio_receive() and regio_send(); beside them where there is
 *            nothing but COMMIT_ONLY
 * Blocking   never
 * Returns    how many were accepted, from the first on; 0 where count is 0; or,
 *            where the first is refused, what regio_receive_ex() or
 *            regio_send_ex() returns, and
 *            -EINVAL  half is neither, requests is NULL and count is not 0, count
 *                     above INT32_MAX, reserved field not 0
 * Since      0.2
 */
REGIO_API int regio_post(struct regio_rq *rq, uint32_t half, const struct regio_request *requests,
			 uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
