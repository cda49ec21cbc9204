/* SPDX-License-Identifier: MIT */
/*
 * regio.h - Registered I/O (RIO) for Linux
 *
 * A program registers memory once, posts receives and sends on the request
 * queue (RQ) of each socket, and takes finished requests off completion queues
 * (CQ) that many sockets may share. Sockets are ordinary ones: create, bind,
 * connect and configure them with the ordinary calls. A driver does the work of
 * CQs: it learns through an engine which sockets are ready, and executes
 * requests. A train is messages of equal length that pass through the network
 * stack as one packet.
 *
 * Everything here returns 0 or a count, or a negative errno value, unless it
 * says otherwise. Outputs are named ret_... and are written only on success.
 *
 * Structures that may grow are passed with their size, sizeof the structure:
 * option structures have it in their first field; for structures that a call
 * fills in, it is an argument. Fields that the program does not know are taken
 * as 0, or not written; fields that the library does not know must be 0, or are
 * set to 0.
 *
 * When a call fails, regio_last_error() explains why; regio_error_text() says
 * what the status of a result means.
 *
 * Threads, in general: calls on one CQ, and calls on one half (receive or send)
 * of one RQ, must be serialised by the caller; everything else may run in
 * parallel. No call is a cancellation point.
 *
 * Handles are not addresses. Each carries a generation, so a call on a closed
 * handle returns an error; it never uses a dangling pointer. In a forked child
 * the handles of the parent are not valid: every call on one returns -ECHILD.
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

/* Never dereferenced; NULL is never a valid handle. */
struct regio_driver;
struct regio_cq;
struct regio_rq;

/* ---- Data structures, frozen --------------------------------------------- */

/*
 * A slice of registered memory. Region 0 means no slice, where that is allowed.
 * 'offset' and 'length' are in bytes; the slice must be inside the region.
 */
struct regio_buf {
	uint64_t region;
	uint32_t offset;
	uint32_t length;
};

/*
 * The result of one request. 'status' is 0 or a negative errno value; 'bytes'
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
 *                 the address the message was sent to, its port, and the scope
 *                 of an address that is valid on one link; the slice has at
 *                 least 28 bytes. Send: must be absent.
 * remote_address  receive: output, the sender; send: input, the destination.
 *                 At least 28 bytes; the address family determines how many are
 *                 used.
 * control         a struct regio_control followed by control messages (struct
 *                 cmsghdr); output on receive, input on send. At least 8 bytes.
 * message_flags   receive: output, a uint32_t of MSG_TRUNC and MSG_CTRUNC.
 *                 Send: written with 0. At least 4 bytes.
 *
 * On a stream the addresses are those of the connection; for a unix socket only
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
 * A request of regio_post(): the arguments of regio_receive_ex() or
 * regio_send_ex(). 'extra' may be NULL; 'flags' are REGIO_MSG_...
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

/* The completion of this request does not end a wait or cause a notification. */
#define REGIO_MSG_DONT_NOTIFY 0x1u
/*
 * May wait for more requests: starts with the next request of the same half
 * that is not deferred, with COMMIT_ONLY, or at the latest at the next dequeue
 * that finds the CQ empty, notify or wait on the CQ.
 */
#define REGIO_MSG_DEFER 0x2u
/* Receives of streams only: complete when the slice is full, or the stream ends. */
#define REGIO_MSG_WAITALL 0x4u
/*
 * Not a request: start what is deferred on this half. Given without other
 * flags, with no slice and context 0. The only call that may run while another
 * thread posts on the half.
 */
#define REGIO_MSG_COMMIT_ONLY 0x8u

/* ---- Callbacks ----------------------------------------------------------- */

/*
 * regio_driver_opts.on_blocked, a function or NULL, is called with 1 when the
 * sends of an RQ have found the socket buffer full, and with -1 when they have
 * been sent or the RQ ends. The sum of these values is the number of RQs with
 * blocked sends. While it is above 0, a program whose threads may all be
 * outside the library keeps one of them in regio_driver_run(). Never called
 * after regio_driver_close() has returned.
 *
 * regio_cq_opts.on_notify, a function or NULL, is the signal that
 * regio_cq_notify() asks for, in place of making regio_cq_fd() readable. A
 * completion that may notify is in the CQ at that time, unless the program has
 * dequeued it since. Never called after regio_cq_close() has returned.
 *
 * Both are called inside other calls, from any thread, with the context given
 * next to them in the options. The only regio call they may make is
 * regio_driver_wake(). They must return normally, not by an exception or
 * longjmp().
 */

/* ---- Limits -------------------------------------------------------------- */

/* The largest capacity of a CQ, in completions. */
#define REGIO_CQ_CAPACITY_MAX 0x8000000u
/* The largest number of receives, or of sends, that one RQ may have outstanding. */
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
 * Returns    a name such as "ENOBUFS", "OK" for 0, "EUNKNOWN" if unknown
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
 * Written by every call that fails, except for -EALREADY, -EINTR and
 * -ETIMEDOUT, which are part of normal work, and by regio_post() if it accepts
 * only some. A result with an error status is not a failed call.
 *
 * Ownership  the text is valid until the thread's next failing call
 * Threads    each thread has its own
 * Blocking   never
 * Returns    a sentence; "" when nothing has failed
 * Since      0.1
 */
REGIO_API const char *regio_last_error(void);

/* ---- What the machine offers --------------------------------------------- */

/* 'available' is 1 or 0; 'reason' says why, 'remedy' says what to change ("": nothing). */
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
 * 'size' is sizeof(struct regio_engine_info). Tries the engine and then
 * releases everything the trial used.
 *
 * Ownership  none
 * Threads    any
 * Blocking   never
 * Returns    0, or
 *            -ENOENT  no engine has that number
 *            -EINVAL  ret_info is NULL, or size below 16 or above 4096
 * Since      0.2
 */
REGIO_API int regio_engine_get_info(uint32_t index, struct regio_engine_info *ret_info,
				    uint32_t size);

/* Kinds of busy polling that this kernel and these privileges allow (regio_driver_opts). */
#define REGIO_BUSY_POLL_SOCKET 0x1u /* SO_BUSY_POLL may be raised */
#define REGIO_BUSY_POLL_PREFER 0x2u /* SO_PREFER_BUSY_POLL, Linux 5.11 */
#define REGIO_BUSY_POLL_SLEEP 0x4u  /* an epoll set polls before it sleeps, 6.9 */

/* Found by trying on loopback: once in a process, when it first has descriptors for that. */
struct regio_offload_info {
	uint32_t send_train_messages; /* most messages of one UDP_SEGMENT send; 1: none */
	uint32_t receive_trains;      /* 1: UDP_GRO works; what a device joins is split */
	uint32_t loopback_joins;      /* 1: loopback delivers trains joined, as devices may */
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
 * For allocated memory: aligned to 2 MiB, in huge pages where they fit and the
 * system has some (transparent huge pages), otherwise in ordinary pages.
 */
#define REGIO_REGION_HUGE_PAGES 0x1u
/* For allocated memory: on NUMA node 'numa_node'. */
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
 * The memory is faulted in, but not locked: the program may lock it with
 * mlock(2), and regio never undoes that. Read-only memory may be used for
 * sends. Regions may overlap. The id is valid on every queue of the process,
 * and is never 0 or 0xFFFFFFFF. 'opts' may be NULL; the flags apply only to
 * allocated memory and must be 0 here.
 *
 * Unmapping memory while it is registered is an error of the program. A request
 * that names it may complete with -EFAULT, or SIGSEGV may end the program,
 * because the library itself copies the messages of a train, small requests of
 * a stream, addresses, control data and flags. If other memory has been mapped
 * there since, that memory is read and written.
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
 * The memory is locked as far as RLIMIT_MEMLOCK allows. 'opts' may be NULL.
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
 * New uses are refused at once; the call waits for an operation in progress.
 * After it has returned nothing reads or writes the memory. A queued request
 * that names the region completes with -EFAULT when its turn comes. A receive
 * in progress may complete with its data, but without the address, control data
 * or flags that were to be written to the region.
 *
 * Ownership  registered memory is the caller's again; allocated memory is freed
 * Threads    any
 * Blocking   for the length of one non-blocking socket call
 * Returns    0, or
 *            -EFAULT  no such region, or it was deregistered before
 *            -ECHILD  the region belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_region_deregister(uint64_t region);

/* ---- Drivers ------------------------------------------------------------- */

/*
 * The driver has its own thread, which does all the work. The thread that posts
 * only stores requests and the one that dequeues only reads results; neither
 * makes a system call while the driver's thread is awake. Requests that are
 * queued at the same time are sent together, deferred or not.
 *
 * While it finds itself on the CPU of a thread that uses the driver, it stands
 * by: these threads do the work, as without it, and it does what they leave,
 * within about 4 ms.
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
	 * REGIO_ENGINE replaces "auto"; only in that variable may a name have
	 * "+thread" after it or "fault+" before it (docs/ENGINES.md).
	 */
	const char *engine;
	/*
	 * How long the thread looks for work before it sleeps, at most; 0: 50,000. Less
	 * where that brought nothing; not at all on a CPU that it shares.
	 */
	uint64_t thread_spin_ns;
	uint32_t thread_cpu;
	/*
	 * A thread that finds nothing to do polls the network device itself for
	 * this many microseconds; 0: as the system is configured. Needs
	 * CAP_NET_ADMIN and a device that can be polled; not tested with such a
	 * device. Kinds of busy polling that the kernel lacks are skipped
	 * (regio_offload_get_info).
	 */
	uint32_t busy_poll_us;
	/* Sends have found the socket buffer full, or have been sent: see Callbacks. */
	void (*on_blocked)(void *context, int change);
	void *on_blocked_context;
};

/*
 * regio_driver_create - create a driver that completion queues share
 *
 * Only needed to share one between CQs or to choose the engine: a CQ creates
 * its own driver unless it is given one. 'opts' may be NULL.
 *
 * Ownership  close with regio_driver_close()
 * Threads    any
 * Blocking   never; with a thread, until the thread has started
 * Returns    0, or
 *            -EINVAL  ret_driver is NULL, bad size, unknown flag, a field
 *                     without the flag it belongs to, no such CPU,
 *                     busy_poll_us above INT32_MAX
 *            -E2BIG   opts has fields this version does not know
 *            -ENOENT  no engine has that name; no name here contains '+'
 *            -ENOTSUP the engine does not work here; regio_last_error() says why
 *            -EPERM   busy polling, or a thread on that CPU, is not permitted
 *            -EAGAIN  no thread left
 *            -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  no descriptor, memory or room
 *                     left within fs.epoll.max_user_watches
 * Since      0.1
 */
REGIO_API int regio_driver_create(const struct regio_driver_opts *opts,
				  struct regio_driver **ret_driver);

/*
 * regio_driver_close - end a driver
 *
 * Ownership  the handle is no longer valid
 * Threads    any; not while regio_driver_run() runs on it
 * Blocking   never
 * Returns    0, or
 *            -EBADF   no such driver
 *            -EBUSY   a CQ uses it
 *            -ECHILD  the driver belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_driver_close(struct regio_driver *driver);

/*
 * regio_driver_run - make progress for the CQs of a driver until woken
 *
 * For programs whose CQs call them (regio_cq_opts.on_notify): executes what is ready and what is
 * deferred, and sleeps while there is nothing to do, until regio_driver_wake() is called.
 * 'timeout_ns' below 0 sets no time limit; 0 makes progress once.
 *
 * Ownership  none
 * Threads    one caller at a time for each driver; in parallel with any other
 *            call
 * Blocking   yes
 * Returns    0 after regio_driver_wake(), also if it was called before this
 *            call, or
 *            -ETIMEDOUT  the time limit was reached
 *            -EINTR   a signal came first, with or without SA_RESTART, even an
 *                     ignored one that another thread had blocked, or the
 *                     process was stopped and continued
 *            -EBUSY   another thread is in this call, or waits on a CQ of the
 *                     driver, or the driver has its own thread
 *            -EBADF   no such driver, or its descriptors were closed by other code
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
	uint32_t completion_queues; /* using the driver now */
	uint32_t request_queues;
	uint32_t thread; /* 1: it has its own thread */
	uint32_t asleep; /* 1: that thread sleeps until there is work */
	uint64_t sleeps; /* how often it slept, since the driver was created */
};

/*
 * regio_driver_get_info - describe a driver
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
	struct regio_driver *driver; /* NULL: the CQ creates its own */
	/* In place of making regio_cq_fd() readable: see Callbacks. */
	void (*on_notify)(void *context);
	void *on_notify_context;
};

/*
 * regio_cq_create - create a completion queue with room for 'capacity' completions
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
 * use it remain until they are closed, but refuse requests on that half.
 *
 * Ownership  the handle is no longer valid; a driver that the CQ created for
 *            itself is closed
 * Threads    as regio_cq_dequeue(); waits for a regio_cq_notify() that has not
 *            returned yet
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
 * posting order; if one half has more results than the array takes, other
 * halves have their turn before the rest. A request counts against its RQ's
 * limit until its result is written here. When the CQ is empty, and at the
 * latest after 1,024 results, the call makes progress once: it executes what is
 * ready on the queues of its driver, deferred requests included. After a
 * regio_cq_wait() that slept, dequeues that find the CQ empty may execute only
 * what has been posted since, and not ask the kernel what has arrived: at most
 * 4 of them, and none after one has returned 0.
 *
 * Ownership  the slices of each request are the caller's again
 * Threads    one caller at a time for each CQ; CQs are independent
 * Blocking   never
 * Returns    the number written (0 is normal), or
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
 *            -EALREADY  armed before, and not signalled yet; nothing changed
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
 * first. 'timeout_ns' below 0 sets no time limit; 0 does not sleep.
 *
 * Ownership  none
 * Threads    as regio_cq_dequeue()
 * Blocking   yes
 * Returns    the number queued, at least 1, or
 *            -ETIMEDOUT  none came in time
 *            -EINTR   a signal came first, with or without SA_RESTART, even an
 *                     ignored one that another thread had blocked, or the
 *                     process was stopped and continued
 *            -EBADF   no such CQ, or the library's descriptors were closed by
 *                     other code: every request then fails with it as well
 *            -ECHILD  the CQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_cq_wait(struct regio_cq *cq, uint32_t min_count, uint64_t max_delay_ns,
			    int64_t timeout_ns);

/*
 * regio_cq_fd - a descriptor for poll, epoll or any event loop
 *
 * Before each sleep, the first included, call regio_cq_dequeue() until it
 * returns 0, then regio_cq_notify(), without which the descriptor may never
 * become readable. A dequeue of 0 is possible although it is readable. The CQs
 * of one driver share one descriptor.
 *
 * Ownership  the library's: do not read from it or close it
 * Threads    any
 * Blocking   never
 * Returns    the descriptor, the same for the lifetime of the CQ, or
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
 * Trains: messages joined by UDP_SEGMENT and split after UDP_GRO. With UDP_GRO
 * on, messages from a network adapter that the kernel does not join may
 * overtake older messages of the same sender: empty and fragmented messages,
 * and IPv4 messages below 18 bytes on Ethernet.
 */
#define REGIO_TRAINS_AUTO 0u	  /* join sends; split receives, after the first bursts */
#define REGIO_TRAINS_SEND_ONLY 1u /* join sends, leave UDP_GRO alone */
#define REGIO_TRAINS_OFF 2u	  /* each message passes through the stack alone */

struct regio_rq_opts {
	uint32_t size; /* sizeof(struct regio_rq_opts) */
	uint32_t flags;
	uint32_t trains;	     /* REGIO_TRAINS_... */
	uint32_t train_max_messages; /* 0: the kernel's limit (64 or 128) */
	uint32_t train_max_bytes;    /* 0: 65,400, which is also the maximum */
	uint32_t reserved;	     /* 0 */
};

/*
 * regio_rq_create - create the request queue of a socket
 *
 * 'fd' is a UDP or TCP socket (AF_INET or AF_INET6; neither UDP-Lite nor
 * Multipath TCP) or a unix stream socket, which may be bound or connected
 * later. 'max_receives' and 'max_sends' limit the requests outstanding on each
 * half, from the call that posts one to the dequeue of its completion; one may
 * be 0. That much room is reserved in 'receive_cq' and 'send_cq', which may be
 * the same. Until the RQ is closed, SO_RCVBUF of a datagram socket is raised to
 * fit the posted receives as far as allowed, unless the program has set it
 * (before Linux 5.14: to a value other than the default), and SO_RCVLOWAT of a
 * stream socket is 1.
 *
 * While the RQ exists, nothing else may read the socket or set UDP_GRO on it.
 * If UDP_GRO is already on, for example left on by an earlier process, an RQ
 * for receives with REGIO_TRAINS_AUTO takes it over, so that each receive gets
 * one message. If the descriptor is closed, or closed and reused, before the RQ
 * is closed, the RQ detects it: at once in the first operations of the RQ,
 * later within 64 operations; every request then completes with -EBADF and new
 * ones are refused. 'opts' may be NULL.
 *
 * Requests on a TCP socket wait until it is connected. A connection that fails
 * completes them with its error, or with -ENOTCONN if the program has read
 * SO_ERROR first. On a unix socket receives wait, and sends complete with
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
 *            -EEXIST  the socket already has an RQ
 *            -ENOBUFS a CQ does not have enough room left
 *            -ENOMEM  no memory
 *            -ENOSPC  the CQs have two drivers, and there is no room left within
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
 * Threads    not in parallel with another call on the RQ or on its CQs
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
 * order; on a stream the oldest may have moved some bytes, and reports how
 * many. The RQ stays usable. Messages already read from the socket are kept for
 * the next receives.
 *
 * Ownership  as at completion, once dequeued
 * Threads    as for posting on the named halves
 * Blocking   for the length of one non-blocking socket call
 * Returns    the number cancelled, or
 *            -EBADF   no such RQ
 *            -EINVAL  halves is 0 or has unknown bits
 *            -ENOMEM  no memory, in the first call of a thread
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_rq_cancel(struct regio_rq *rq, uint32_t halves);

/*
 * regio_rq_replace_socket - replace the stream socket of a request queue
 *
 * The RQ's descriptor number becomes 'fd', as by dup2(2); its old socket is
 * closed, and 'fd' itself stays open. Posted requests continue with the new
 * socket, and an error of the old one is discarded. Used to accept a connection
 * into a socket and RQ that were created beforehand.
 *
 * Ownership  'fd' stays the caller's
 * Threads    not in parallel with another call on the RQ
 * Blocking   for the length of one non-blocking socket call, and of close(2) of
 *            the old socket, which SO_LINGER may make wait
 * Returns    0, or, with nothing changed,
 *            -EBADF   no such RQ, fd is not open, or the RQ's descriptor was
 *                     closed and its number is used for another file now
 *            -ENOTSOCK  fd is not a socket
 *            -EOPNOTSUPP  one of the two is not a stream socket, or their
 *                     families differ
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
 * posting order, as with regio_rq_cancel(). The completions stay in their CQs;
 * the room in each CQ is free when the last one is dequeued. Options that the
 * RQ changed are restored, unless the program has set them since. UDP_GRO is
 * turned off if the RQ had turned it on or taken it over, and messages of a
 * train that are not split yet are discarded.
 *
 * Ownership  the handle is no longer valid; the socket is the caller's, or is
 *            closed
 * Threads    any: waits for calls on the RQ that have begun; later ones fail
 * Blocking   for the length of one non-blocking socket call, and with
 *            REGIO_CLOSE_SOCKET of close(2), which SO_LINGER may make wait
 * Returns    0, or
 *            -EBADF   no such RQ
 *            -EINVAL  unknown flag; the RQ is not closed
 *            -ECHILD  the RQ belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_rq_close(struct regio_rq *rq, uint32_t flags);

/* Counts since the RQ was created; bytes are payload. */
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
	uint64_t trains_refused; /* sent again as single messages after an error */
	int32_t fd;		 /* of the socket */
	uint32_t max_receives;	 /* the limits of outstanding requests */
	uint32_t max_sends;
	uint32_t reserved;
	struct regio_cq *receive_cq; /* where its requests complete; may be closed by now */
	struct regio_cq *send_cq;
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
 * slice. A message too long for its slice fills it and completes with
 * -EMSGSIZE. The contents of the slice after the bytes of the result are
 * undefined.
 *
 * On a stream, bytes fill the slices in posting order, and a receive completes
 * with the bytes that are available; an empty one completes as soon as there
 * are any. The end of the stream completes every receive with 0 bytes, and
 * every later one too. An error that ends the connection completes every
 * request of both halves that can get no more bytes, and every later one.
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
 *            -ECHILD  the RQ, or a region, belongs to the parent process
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
 * Control data is what the program requests with socket options, set before or
 * after the RQ was created. Only IP_RECVORIGDSTADDR and IPV6_RECVORIGDSTADDR
 * must be set before the first receive of a datagram socket with a local
 * address slice: that receive sets them if they are off, and their messages are
 * not shown then. For a message that was read from the socket as part of a
 * train before that receive was posted, the local address is the one that the
 * socket is bound to.
 *
 * Options for IPv6 extension headers are best set before that receive, too.
 * Where they are set later, the first messages with long ones, from 256 bytes
 * on, may lose these from their control data; the local address of such a
 * message is then also the one that the socket is bound to.
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
 * Unless deferred, it and the deferred sends before it are executed in this
 * call, if no other thread is executing them. Consecutive sends of equal length
 * to one destination pass through the stack together. 'data' is read during the
 * call only; NULL, or region 0 and length 0, sends an empty message.
 *
 * On a stream a send completes when the kernel has taken all of it; sends that
 * wait are gathered into one call. After shutdown() they complete with -EPIPE.
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
 *            -ECHILD  the RQ, or a region, belongs to the parent process
 * Since      0.1
 */
REGIO_API int regio_send(struct regio_rq *rq, const struct regio_buf *data, uint32_t flags,
			 uint64_t context);

/*
 * regio_send_ex - post one send with a destination or control data
 *
 * 'extra' may be NULL; without a remote address the socket must be connected
 * when the send is executed. The contents of the slices are also read at that
 * time.
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
 * As regio_receive_ex() or regio_send_ex() for each of 'requests' in turn, up
 * to the first that is refused. Requests that are not deferred are started
 * once, when all are posted; COMMIT_ONLY among them, with region, offset and
 * length 0, starts those before it. Region 0 and length 0 is an empty slice.
 * 'half' is REGIO_HALF_RECEIVE or REGIO_HALF_SEND.
 *
 * Ownership  as regio_receive_ex() and regio_send_ex(), of those accepted;
 *            'requests' and what 'extra' points to are read during the call only
 * Threads    as regio_receive() and regio_send(); in parallel with them if there
 *            is nothing but COMMIT_ONLY
 * Blocking   never
 * Returns    the number accepted, from the first on; 0 if count is 0; or, if the
 *            first is refused, what regio_receive_ex() or regio_send_ex()
 *            returns, and
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
