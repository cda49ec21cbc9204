#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The public header compiles alone, pedantically, in every language standard it is meant for.
#
# usage: header_alone.sh INCLUDE_DIRECTORY
set -eu

include=$1
number=0

check()
{
	number=$((number + 1))
	if ! command -v "$1" >/dev/null; then
		echo "ok $number - $1 $2 # SKIP $1 is not installed"
	elif errors=$(printf '#include <regio.h>\n#include <regio.h>\nint main(void) { return 0; }\n' |
		$1 -x "$3" -std="$2" -Wall -Wextra -Wpedantic -Wpadded -Werror -fsyntax-only \
			-I"$include" - 2>&1); then
		echo "ok $number - $1 $2"
	else
		echo "not ok $number - $1 $2"
		echo "$errors" | sed 's/^/# /'
	fi
}

echo 1..10
for compiler in gcc clang; do
	for standard in c99 c11 c17; do
		check $compiler $standard c
	done
done
for compiler in g++ clang++; do
	for standard in c++11 c++20; do
		check $compiler $standard c++
	done
done
