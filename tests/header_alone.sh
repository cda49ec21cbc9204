#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The public headers compile alone, pedantically, in every language standard they are meant for, and a
# program that uses what they define does. The C headers drag in nothing but the headers of the
# language.
#
# usage: header_alone.sh INCLUDE_DIRECTORY
set -eu

include=$1
number=0
program='#include <regio_slots.h>
#include <regio_slots.h>
#include <regio.h>
int main(void)
{
	struct regio_request request;
	struct regio_driver_opts opts;
	struct regio_slot slot;
	slot.sender = 0;
	slot.context = REGIO_SLOTS_CONTEXT_MAX - REGIO_SLOTS_CONTEXT_MIN;
	opts.thread_spin_ns = REGIO_SPIN_ALWAYS;
	request.flags = REGIO_MSG_DEFER | REGIO_MSG_DONT_NOTIFY | REGIO_MSG_WAITALL;
	request.extra = 0;
	return opts.thread_spin_ns == request.flags && slot.context && !slot.sender;
}
#ifdef AF_INET
#error sys/socket.h is included
#endif
'

# check COMPILER STANDARD LANGUAGE FLAG
check()
{
	number=$((number + 1))
	if ! command -v "$1" >/dev/null; then
		echo "ok $number - $1 $2 # SKIP $1 is not installed"
	elif ! echo 'int x;' | $1 -x "$3" -std="$2" -fsyntax-only - 2>/dev/null; then
		echo "ok $number - $1 $2 # SKIP $1 does not know $2"
	elif errors=$(echo "$program" |
		$1 -x "$3" -std="$2" -Wall -Wextra -Wpedantic "$4" -Werror -fsyntax-only \
			-I"$include" - 2>&1); then
		echo "ok $number - $1 $2 $4"
	else
		echo "not ok $number - $1 $2 $4"
		echo "$errors" | sed 's/^/# /'
	fi
}

echo 1..28
for compiler in gcc clang; do
	for standard in c99 c11 c17 c2x c23; do
		check $compiler $standard c -Wpadded
	done
done
for compiler in g++ clang++; do
	for standard in c++11 c++14 c++17 c++20 c++2b; do
		check $compiler $standard c++ -Wpadded
	done
done

program='#include <regio.hpp>
#include <regio.hpp>
int main()
{
	regio::region memory;
	regio::cq cq;
	regio::rq rq;
	return cq.create(4) + memory.create(4096) + rq.create(0, 1, 1, cq, cq) +
	       rq.send(memory.slice(0, 1)) + cq.wait(regio::forever);
}
'
for compiler in g++ clang++; do
	for standard in c++20 c++2b; do
		check $compiler $standard c++ -Wconversion
		check $compiler $standard c++ -fno-exceptions
	done
done
