/* SPDX-License-Identifier: MIT */
/*
 * regio.hpp - Registered I/O for Linux from C++20
 *
 * Owners of the objects of regio.h, which has the contract: each function here
 * is the one of the same name there, with the same results, threads and errors.
 * Objects end with their owners; owners can be moved, not copied.
 *
 * There are two ways to make an object. A constructor with arguments throws
 * std::system_error, with the text of regio_last_error(). A default constructor
 * makes an empty owner, and create() fills it and returns 0 or a negative errno
 * value; nothing else throws, so this way works with -fno-exceptions.
 *
 * Everything is inline: a program needs no other library than libregio.
 */
#ifndef REGIO_HPP
#define REGIO_HPP

#include <regio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#if defined(__cpp_exceptions)
#include <system_error>
#endif

namespace regio
{

using buf = ::regio_buf;
using extra = ::regio_extra;
using request = ::regio_request;
using result = ::regio_result;

/* For time limits: none. */
inline constexpr std::chrono::nanoseconds forever{-1};

/* An option structure that has its size, and 0 everywhere else. */
template <typename Options> [[nodiscard]] constexpr Options options() noexcept
{
	Options made{};

	made.size = sizeof(made);
	return made;
}

/* What a call of get_info() fills in. */
template <typename Info> struct described {
	int error; /* 0, or a negative errno value */
	Info info;
};

namespace detail
{

#if defined(__cpp_exceptions)
inline void check(int error)
{
	if (error < 0)
		throw std::system_error(-error, std::generic_category(), ::regio_last_error());
}
#endif

/* The number of items in a span, for functions that count in 32 bits. */
[[nodiscard]] constexpr std::uint32_t count(std::size_t size) noexcept
{
	constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();

	return static_cast<std::uint32_t>(size < most ? size : most);
}

/* A handle that is closed once. */
template <typename Handle, int (*close_handle)(Handle)> class owner
{
      public:
	owner() noexcept = default;
	owner(owner &&other) noexcept : handle(std::exchange(other.handle, Handle{}))
	{
	}
	owner(const owner &) = delete;
	owner &operator=(const owner &) = delete;
	owner &operator=(owner &&other) noexcept
	{
		if (this != &other) {
			reset();
			handle = std::exchange(other.handle, Handle{});
		}
		return *this;
	}
	~owner()
	{
		reset();
	}

	/* What regio.h takes. */
	[[nodiscard]] Handle get() const noexcept
	{
		return handle;
	}
	[[nodiscard]] explicit operator bool() const noexcept
	{
		return handle != Handle{};
	}
	/* The handle is the caller's, and the owner empty. */
	[[nodiscard]] Handle release() noexcept
	{
		return std::exchange(handle, Handle{});
	}
	/* Closes what is owned; 0 if nothing is. Where that is refused it stays owned. */
	int close() noexcept
	{
		int error = handle != Handle{} ? close_handle(handle) : 0;

		if (error == 0)
			handle = Handle{};
		return error;
	}

      protected:
	/* Of the old object nothing is known any more, even if closing it was refused. */
	void reset() noexcept
	{
		close();
		handle = Handle{};
	}

	Handle handle{};
};

inline int close_rq(::regio_rq *rq) noexcept
{
	return ::regio_rq_close(rq, 0);
}

} // namespace detail

/* Registered memory. */
class region : public detail::owner<std::uint64_t, ::regio_region_deregister>
{
      public:
	region() noexcept = default;

	/* Registers the memory, which must stay until the region has ended. */
	int create(std::span<std::byte> bytes, const ::regio_region_opts *opts = nullptr) noexcept
	{
		std::uint64_t made;
		int error = ::regio_region_register(bytes.data(), bytes.size(), opts, &made);

		return error < 0 ? error : (take(made, bytes), 0);
	}
	/* Allocates the memory as well. */
	int create(std::size_t length, const ::regio_region_opts *opts = nullptr) noexcept
	{
		std::uint64_t made;
		void *address;
		int error = ::regio_region_allocate(length, opts, &made, &address);

		if (error < 0)
			return error;
		take(made, {static_cast<std::byte *>(address), length});
		return 0;
	}

#if defined(__cpp_exceptions)
	explicit region(std::span<std::byte> bytes, const ::regio_region_opts *opts = nullptr)
	{
		detail::check(create(bytes, opts));
	}
	explicit region(std::size_t length, const ::regio_region_opts *opts = nullptr)
	{
		detail::check(create(length, opts));
	}
#endif

	/* All of it; the memory that was registered, even after the region has ended. */
	[[nodiscard]] std::span<std::byte> bytes() const noexcept
	{
		return memory;
	}
	/* A slice for a request; a call that gets one outside the region refuses it. */
	[[nodiscard]] buf slice(std::uint32_t offset, std::uint32_t length) const noexcept
	{
		return {get(), offset, length};
	}
	/* The memory of a slice of this region; empty if the slice is outside it. */
	[[nodiscard]] std::span<std::byte> bytes(const buf &slice) const noexcept
	{
		if (slice.region != get() || slice.offset > memory.size() ||
		    slice.length > memory.size() - slice.offset)
			return {};
		return memory.subspan(slice.offset, slice.length);
	}

      private:
	void take(std::uint64_t made, std::span<std::byte> bytes) noexcept
	{
		reset();
		handle = made;
		memory = bytes;
	}

	std::span<std::byte> memory;
};

/* An engine instance that completion queues share. */
class driver : public detail::owner<::regio_driver *, ::regio_driver_close>
{
      public:
	driver() noexcept = default;

	int create(const ::regio_driver_opts *opts) noexcept
	{
		::regio_driver *made;
		int error = ::regio_driver_create(opts, &made);

		return error < 0 ? error : (reset(), handle = made, 0);
	}
#if defined(__cpp_exceptions)
	explicit driver(const ::regio_driver_opts &opts)
	{
		detail::check(create(&opts));
	}
#endif

	int run(std::chrono::nanoseconds timeout = forever) noexcept
	{
		return ::regio_driver_run(get(), timeout.count());
	}
	int wake() noexcept
	{
		return ::regio_driver_wake(get());
	}
	[[nodiscard]] described<::regio_driver_info> get_info() const noexcept
	{
		described<::regio_driver_info> it{};

		it.error = ::regio_driver_get_info(get(), &it.info, sizeof(it.info));
		return it;
	}
};

class cq : public detail::owner<::regio_cq *, ::regio_cq_close>
{
      public:
	cq() noexcept = default;

	int create(std::uint32_t capacity, const ::regio_cq_opts *opts = nullptr) noexcept
	{
		::regio_cq *made;
		int error = ::regio_cq_create(capacity, opts, &made);

		return error < 0 ? error : (reset(), handle = made, 0);
	}
	/* On a driver that other completion queues share. */
	int create(std::uint32_t capacity, const driver &shared) noexcept
	{
		auto opts = options<::regio_cq_opts>();

		opts.driver = shared.get();
		return create(capacity, &opts);
	}
#if defined(__cpp_exceptions)
	explicit cq(std::uint32_t capacity, const ::regio_cq_opts *opts = nullptr)
	{
		detail::check(create(capacity, opts));
	}
	cq(std::uint32_t capacity, const driver &shared)
	{
		detail::check(create(capacity, shared));
	}
#endif

	int resize(std::uint32_t capacity) noexcept
	{
		return ::regio_cq_resize(get(), capacity);
	}
	/* The number of results written, from the first on, or a negative errno value. */
	int dequeue(std::span<result> results) noexcept
	{
		return ::regio_cq_dequeue(get(), results.data(), detail::count(results.size()));
	}
	int notify() noexcept
	{
		return ::regio_cq_notify(get());
	}
	int wait(std::chrono::nanoseconds timeout = forever, std::uint32_t min_count = 1,
		 std::chrono::nanoseconds max_delay = {}) noexcept
	{
		return ::regio_cq_wait(get(), min_count,
				       static_cast<std::uint64_t>(max_delay.count()),
				       timeout.count());
	}
	[[nodiscard]] int fd() const noexcept
	{
		return ::regio_cq_fd(get());
	}
};

/* The request queue of a socket, which stays the program's. */
class rq : public detail::owner<::regio_rq *, detail::close_rq>
{
      public:
	rq() noexcept = default;

	int create(int fd, std::uint32_t max_receives, std::uint32_t max_sends,
		   const cq &receive_cq, const cq &send_cq, std::uint64_t context = 0,
		   const ::regio_rq_opts *opts = nullptr) noexcept
	{
		::regio_rq *made;
		int error = ::regio_rq_create(fd, max_receives, max_sends, receive_cq.get(),
					      send_cq.get(), context, opts, &made);

		return error < 0 ? error : (reset(), handle = made, 0);
	}
#if defined(__cpp_exceptions)
	rq(int fd, std::uint32_t max_receives, std::uint32_t max_sends, const cq &receive_cq,
	   const cq &send_cq, std::uint64_t context = 0, const ::regio_rq_opts *opts = nullptr)
	{
		detail::check(
			create(fd, max_receives, max_sends, receive_cq, send_cq, context, opts));
	}
#endif

	int receive(const buf &data, std::uint64_t context = 0, std::uint32_t flags = 0) noexcept
	{
		return ::regio_receive(get(), &data, flags, context);
	}
	int receive(const buf &data, const extra &more, std::uint64_t context = 0,
		    std::uint32_t flags = 0) noexcept
	{
		return ::regio_receive_ex(get(), &data, &more, flags, context);
	}
	int send(const buf &data, std::uint64_t context = 0, std::uint32_t flags = 0) noexcept
	{
		return ::regio_send(get(), &data, flags, context);
	}
	int send(const buf &data, const extra &more, std::uint64_t context = 0,
		 std::uint32_t flags = 0) noexcept
	{
		return ::regio_send_ex(get(), &data, &more, flags, context);
	}
	/* regio_post(): how many were accepted, from the first on, or a negative errno value. */
	int receive(std::span<const request> requests) noexcept
	{
		return ::regio_post(get(), REGIO_HALF_RECEIVE, requests.data(),
				    detail::count(requests.size()));
	}
	int send(std::span<const request> requests) noexcept
	{
		return ::regio_post(get(), REGIO_HALF_SEND, requests.data(),
				    detail::count(requests.size()));
	}
	/* Starts the sends that are deferred; may run while another thread posts. */
	int commit_sends() noexcept
	{
		return ::regio_send(get(), nullptr, REGIO_MSG_COMMIT_ONLY, 0);
	}
	int commit_receives() noexcept
	{
		return ::regio_receive(get(), nullptr, REGIO_MSG_COMMIT_ONLY, 0);
	}

	int resize(std::uint32_t max_receives, std::uint32_t max_sends) noexcept
	{
		return ::regio_rq_resize(get(), max_receives, max_sends);
	}
	int cancel(std::uint32_t halves) noexcept
	{
		return ::regio_rq_cancel(get(), halves);
	}
	int replace_socket(int fd) noexcept
	{
		return ::regio_rq_replace_socket(get(), fd);
	}
	using owner::close;
	/* With REGIO_CLOSE_SOCKET the socket is closed as well. */
	int close(std::uint32_t flags) noexcept
	{
		int error = get() ? ::regio_rq_close(get(), flags) : 0;

		if (error == 0)
			handle = nullptr;
		return error;
	}
	[[nodiscard]] described<::regio_rq_info> get_info() const noexcept
	{
		described<::regio_rq_info> it{};

		it.error = ::regio_rq_get_info(get(), &it.info, sizeof(it.info));
		return it;
	}
};

} // namespace regio

#endif
