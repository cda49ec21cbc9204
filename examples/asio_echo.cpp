/* SPDX-License-Identifier: MIT */
/*
 * UDP echo server in C++20 inside the event loop of Asio: the descriptor of the
 * CQ is one that Asio waits on, beside signals and the program's own work. Asio
 * gets a duplicate, because it closes what it has.
 * It serves one address, which all replies come from.
 * Usage: asio_echo [PORT [MESSAGES]], ends on SIGINT or SIGTERM
 */
#include <regio.hpp>

#include <array>
#include <asio.hpp>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <unistd.h>

namespace
{

constexpr std::uint32_t slots = 256, address_bytes = 64, message_bytes = 2048,
			slot_bytes = address_bytes + message_bytes;

class echo
{
      public:
	echo(asio::io_context &loop, std::uint16_t port, std::uint64_t limit)
	    : context(loop), socket(context, {asio::ip::address_v4::loopback(), port}),
	      signals(context, SIGINT, SIGTERM), memory(std::size_t{slots} * slot_bytes),
	      cq(2 * slots), rq(socket.native_handle(), slots, slots, cq, cq),
	      completions(context, ::dup(cq.fd())), left(limit)
	{
		std::cout << "port " << socket.local_endpoint().port() << std::endl;
		for (std::uint32_t slot = 0; slot < slots; slot++)
			receive(slot);
		signals.async_wait([this](auto, int) { context.stop(); });
		serve();
	}

      private:
	void receive(std::uint32_t slot)
	{
		post(slot, message_bytes, 0);
	}

	/* Each slot is always under one request: a receive, then the reply, a receive again. */
	void post(std::uint32_t slot, std::uint32_t bytes, std::uint64_t reply)
	{
		regio::buf data = memory.slice(slot * slot_bytes + address_bytes, bytes);
		regio::extra extra{};
		std::uint64_t request = std::uint64_t{slot} << 1 | reply;

		extra.remote_address = memory.slice(slot * slot_bytes, address_bytes);
		check(reply ? rq.send(data, extra, request, REGIO_MSG_DEFER)
			    : rq.receive(data, extra, request, REGIO_MSG_DEFER));
	}

	void finish(const regio::result &result)
	{
		auto slot = static_cast<std::uint32_t>(result.request_context >> 1);
		bool reply = result.request_context & 1;

		if (!reply && result.status == 0) {
			post(slot, result.bytes, 1);
			return;
		}
		receive(slot);
		if (reply && result.status == 0 && left && --left == 0)
			context.stop();
	}

	/* Empties the CQ, then asks for a signal: the order that loses no completion. */
	void serve()
	{
		std::array<regio::result, 64> results;
		int count;

		while ((count = check(cq.dequeue(results))) > 0) {
			for (int i = 0; i < count; i++)
				finish(results[i]);
		}
		int error = cq.notify();
		if (error != -EALREADY)
			check(error);
		completions.async_wait(asio::posix::descriptor_base::wait_read,
				       [this](const asio::error_code &failure) {
					       if (!failure)
						       serve();
				       });
	}

	static int check(int error)
	{
		if (error < 0)
			throw std::system_error(-error, std::generic_category(),
						::regio_error_text(error));
		return error;
	}

	asio::io_context &context;
	asio::ip::udp::socket socket;
	asio::signal_set signals;
	regio::region memory;
	regio::cq cq;
	regio::rq rq;
	asio::posix::stream_descriptor completions;
	std::uint64_t left; /* answers before the end; 0: no end */
};

} // namespace

int main(int argc, char **argv)
{
	try {
		asio::io_context context(1);
		auto port = static_cast<std::uint16_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10)
								: 0);
		echo server(context, port, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0);

		context.run();
	} catch (const std::exception &error) {
		std::cerr << error.what() << std::endl;
		return 1;
	}
}
