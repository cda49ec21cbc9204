#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Programs of the conformance suite where loopback takes trains apart, as that of Linux 5.10 does
# and that of 6.1 does not: in a network namespace whose loopback has no segmentation offload.
# Whatever rests on joined trains is skipped with that reason; the rest passes.
#
# usage: netns_unjoined.sh PROGRAM...
set -eu

tools="unshare ip ethtool"
# shellcheck source=tests/support/own_network.sh
. "$(dirname -- "$0")/support/own_network.sh"

ip link set lo up
ip route add 224.0.0.0/4 dev lo
ethtool -K lo tx-udp-segmentation off 2>/dev/null || skip "loopback keeps its segmentation offload"

number=0
skipped=0
echo "1..$(($# + 1))"
for program in "$@"; do
	number=$((number + 1))
	status=0
	output=$("$program" 2>&1) || status=$?
	skips=$(printf '%s\n' "$output" | grep -c 'SKIP loopback takes trains apart here') || :
	skipped=$((skipped + skips))
	if [ "$status" -eq 0 ] && ! printf '%s\n' "$output" | grep -q '^not ok'; then
		echo "ok $number - ${program##*/} passes, $skips cases skipped"
	else
		echo "not ok $number - ${program##*/} passes"
		printf '%s\n' "$output" | grep -A 3 '^not ok' | sed 's/^/# /'
	fi
done
if [ "$skipped" -gt 0 ]; then
	echo "ok $((number + 1)) - cases were skipped for want of joined trains"
else
	echo "not ok $((number + 1)) - cases were skipped for want of joined trains"
fi
