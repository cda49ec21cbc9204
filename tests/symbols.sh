#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The library exports exactly the functions the public headers declare.
#
# usage: symbols.sh INCLUDE_DIRECTORY LIBREGIO_SO
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n 's/^REGIO_API.*[ *]\(regio_[a-z_]*\)(.*/\1/p' "$1"/*.h | sort >"$work/declared"
# Version nodes are absolute symbols (A), not functions.
nm --dynamic --defined-only --format=posix "$2" | awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' |
	sort >"$work/exported"

echo 1..2
if [ "$(wc -l <"$work/declared")" -ge 25 ]; then
	echo "ok 1 - the headers declare functions"
else
	echo "not ok 1 - the headers declare functions"
fi
if differences=$(diff "$work/declared" "$work/exported"); then
	echo "ok 2 - exported symbols are the declared functions"
else
	echo "not ok 2 - exported symbols are the declared functions"
	echo "$differences" | sed 's/^</# declared only:/; s/^>/# exported only:/; s/^\([^#]\)/# \1/'
fi
