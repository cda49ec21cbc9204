/* SPDX-License-Identifier: MIT */
/*
 * traffic.cpp - regio.hpp moves messages, owns its objects, and reports errors
 *
 * Built with and without exceptions. TAP, without Check, which is C.
 */
#include <regio.hpp>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

namespace
{

constexpr std::uint32_t messages = 64, message_bytes = 32;

int failures, points;
bool failed;

void expect(bool good, const char *what, int line)
{
	if (good)
		return;
	std::printf("# line %d: %s\n", line, what);
	failed = true;
}

#define EXPECT(what) expect(what, #what, __LINE__)

void point(void (*check)(), const char *name)
{
	failed = false;
	check();
	std::printf("%sok %d - %s\n", failed ? "not " : "", ++points, name);
	failures += failed;
}

/* Sends to itself. */
int open_socket()
{
	sockaddr_in self{};
	socklen_t length = sizeof(self);
	int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	self.sin_family = AF_INET;
	self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	auto *address = reinterpret_cast<sockaddr *>(&self);
	EXPECT(::bind(fd, address, length) == 0);
	EXPECT(::getsockname(fd, address, &length) == 0);
	EXPECT(::connect(fd, address, length) == 0);
	return fd;
}

struct rig {
	regio::region memory;
	regio::cq cq;
	regio::rq rq;
	int fd = open_socket();

	rig()
	{
		EXPECT(memory.create(2 * messages * message_bytes) == 0);
		EXPECT(cq.create(2 * messages) == 0);
		EXPECT(rq.create(fd, messages, messages, cq, cq, 7) == 0);
	}
	~rig()
	{
		rq.close();
		::close(fd);
	}
	regio::buf slice(std::uint32_t index) const
	{
		return memory.slice(index * message_bytes, message_bytes);
	}
	/* Takes off the results of all that was posted, and returns them. */
	std::vector<regio::result> results(std::size_t wanted)
	{
		std::vector<regio::result> all;
		std::array<regio::result, 16> some;

		/* Each wait finds something, or fails. */
		while (all.size() < wanted) {
			int count = cq.wait(10s);

			EXPECT(count > 0);
			if (count <= 0)
				break;
			count = cq.dequeue(some);
			EXPECT(count >= 0);
			if (count < 0)
				break;
			all.insert(all.end(), some.begin(), some.begin() + count);
		}
		return all;
	}
};

void messages_arrive_as_they_were_sent()
{
	rig rig;

	for (std::uint32_t i = 0; i < messages; i++) {
		std::memset(rig.memory.bytes(rig.slice(messages + i)).data(), int(i),
			    message_bytes);
		EXPECT(rig.rq.receive(rig.slice(i), i) == 0);
		EXPECT(rig.rq.send(rig.slice(messages + i), messages + i, REGIO_MSG_DEFER) == 0);
	}
	EXPECT(rig.rq.commit_sends() == 0);
	auto all = rig.results(2 * messages);
	EXPECT(all.size() == 2 * messages);
	for (const regio::result &result : all) {
		EXPECT(result.status == 0 && result.bytes == message_bytes);
		EXPECT(result.rq_context == 7);
	}
	for (std::uint32_t i = 0; i < messages; i++)
		EXPECT(rig.memory.bytes(rig.slice(i))[0] == std::byte(i));
	auto info = rig.rq.get_info();
	EXPECT(info.error == 0 && info.info.messages_received == messages);
	EXPECT(rig.cq.wait(0ns) == -ETIMEDOUT);
	EXPECT(rig.cq.wait(1ms) == -ETIMEDOUT);
}

void many_are_posted_in_one_call()
{
	std::vector<regio::request> receives(messages), sends(messages);
	rig rig;

	for (std::uint32_t i = 0; i < messages; i++) {
		receives[i] = {rig.slice(i), nullptr, i, 0, 0};
		sends[i] = {rig.slice(messages + i), nullptr, messages + i, 0, 0};
	}
	EXPECT(rig.rq.receive(receives) == int(messages));
	EXPECT(rig.rq.send(sends) == int(messages));
	EXPECT(rig.rq.receive(receives) == -ENOBUFS);
	EXPECT(rig.results(2 * messages).size() == 2 * messages);
}

void addresses_are_had_with_extra()
{
	regio::extra extra{};
	rig rig;

	extra.remote_address = rig.slice(2);
	EXPECT(rig.rq.receive(rig.slice(0), extra) == 0);
	EXPECT(rig.rq.send(rig.slice(1)) == 0);
	EXPECT(rig.results(2).size() == 2);
	sockaddr_in sender;
	std::memcpy(&sender, rig.memory.bytes(extra.remote_address).data(), sizeof(sender));
	EXPECT(sender.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

void errors_are_returned()
{
	regio::region region;
	regio::cq cq;
	regio::rq rq;

	EXPECT(region.create(std::size_t{0}) == -EINVAL);
	EXPECT(!region && region.get() == 0);
	EXPECT(cq.create(0) == -EINVAL);
	EXPECT(cq.wait(0ns) == -EBADF);
	EXPECT(cq.create(2) == 0 && cq);
	EXPECT(rq.create(-1, 1, 1, cq, cq) == -EBADF);
	EXPECT(std::strlen(::regio_last_error()) > 0);
	EXPECT(rq.send(regio::buf{}) == -EBADF);
	EXPECT(rq.get_info().error == -EBADF);
	EXPECT(rq.close() == 0);
}

void owners_move_and_close_once()
{
	std::array<std::byte, 4096> bytes{};
	regio::region first;

	EXPECT(first.create(std::span<std::byte>(bytes)) == 0);
	std::uint64_t id = first.get();
	regio::region second = std::move(first);
	/* cppcheck-suppress accessMoved ; what is left of it is what the case is about */
	EXPECT(!first && second.get() == id && second.bytes().size() == bytes.size());
	EXPECT(second.create(std::size_t{100}) == 0);
	/* What was owned before has ended. */
	EXPECT(::regio_region_deregister(id) == -EFAULT);
	EXPECT(second.bytes(second.slice(90, 11)).empty());
	EXPECT(second.bytes(second.slice(90, 10)).size() == 10);
	id = second.release();
	EXPECT(!second && ::regio_region_deregister(id) == 0);

	::regio_cq *handle;
	{
		regio::cq cq, other;
		EXPECT(cq.create(4) == 0);
		handle = cq.get();
		other = std::move(cq);
		/* cppcheck-suppress accessMoved */
		EXPECT(!cq && other.get() == handle && other.resize(8) == 0 && other.fd() >= 0);
		regio::cq &same = other;
		other = std::move(same);
		EXPECT(other.get() == handle);
	}
	EXPECT(::regio_cq_close(handle) == -EBADF);
}

void drivers_are_shared_and_woken()
{
	auto opts = regio::options<::regio_driver_opts>();
	regio::driver driver;
	regio::cq one, two;

	EXPECT(opts.size == sizeof(opts) && opts.flags == 0);
	EXPECT(driver.create(&opts) == 0);
	EXPECT(one.create(1, driver) == 0 && two.create(1, driver) == 0);
	EXPECT(driver.get_info().info.completion_queues == 2);
	EXPECT(driver.close() == -EBUSY && driver);
	/* One with a thread is not run by the program. */
	bool threaded = driver.get_info().info.thread;
	EXPECT(driver.wake() == 0);
	EXPECT(driver.run() == (threaded ? -EBUSY : 0));
	EXPECT(driver.run(0ns) == (threaded ? -EBUSY : -ETIMEDOUT));
	EXPECT(one.close() == 0 && two.close() == 0 && driver.close() == 0 && !driver);
}

#if defined(__cpp_exceptions)
void constructors_throw()
{
	regio::region region(std::size_t{4096});
	regio::cq cq(16);
	int fd = open_socket(), thrown = 0;
	regio::rq rq(fd, 1, 1, cq, cq);

	EXPECT(region && cq && rq);
	try {
		regio::rq again(fd, 1, 1, cq, cq);
	} catch (const std::system_error &error) {
		thrown = error.code().value();
		EXPECT(error.code() == std::errc::file_exists);
		EXPECT(std::strstr(error.what(), ::regio_last_error()) != nullptr);
	}
	EXPECT(thrown == EEXIST);
	EXPECT(rq.close(REGIO_CLOSE_SOCKET) == 0 && ::close(fd) == -1);
}
#endif

} // namespace

int main()
{
	point(messages_arrive_as_they_were_sent, "messages arrive as they were sent");
	point(many_are_posted_in_one_call, "many are posted in one call");
	point(addresses_are_had_with_extra, "addresses are had with extra slices");
	point(errors_are_returned, "errors are returned");
	point(owners_move_and_close_once, "owners move, and close once");
	point(drivers_are_shared_and_woken, "drivers are shared and woken");
#if defined(__cpp_exceptions)
	point(constructors_throw, "constructors throw the error with its text");
#endif
	std::printf("1..%d\n", points);
	return failures ? 1 : 0;
}
