#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A checked stream of small datagrams between two network namespaces, once with regio at both
# ends and once with sendmmsg and recvmmsg. Every message must come, once, in order, unharmed;
# the rates are reported, never judged.
#
#      namespace of this script           namespace of "holder"
#   +-----------------------------+    +-----------------------------+
#   |  send   10.77.0.1           |    |           10.77.0.2  receive |
#   |         fd77::1       veth0 |----| veth1     fd77::2            |
#   +-----------------------------+    +-----------------------------+
#
# usage: netns_udp_stream.sh PATH_TRAFFIC
set -eu

traffic=$1

tools="unshare nsenter ip"
# shellcheck source=tests/support/own_network.sh
. "$(dirname -- "$0")/support/own_network.sh"

work=$(mktemp -d)
mkfifo "$work/up" "$work/hold" "$work/out"
# The inner shell expands it.
# shellcheck disable=SC2016
unshare --net sh -c 'ip link set lo up; : >"$0/up"; exec cat "$0/hold"' "$work" &
holder=$!
receiver=
trap 'kill $holder $receiver 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
read -r _ <"$work/up" || :

ip link add veth0 type veth peer name veth1 netns $holder 2>/dev/null || skip "no veth devices here"
ip link set lo up
ip address add 10.77.0.1/24 dev veth0
ip address add fd77::1/64 dev veth0 nodad
ip link set veth0 up
nsenter --target $holder --net sh -c '
	ip address add 10.77.0.2/24 dev veth1
	ip address add fd77::2/64 dev veth1 nodad
	ip link set veth1 up'

messages=250000

# stream IMPLEMENTATION ADDRESS: sets rate to messages a second, or fails when a message did not
# come as it was sent.
stream()
{
	nsenter --target $holder --net "$traffic" receive "$1" "$2" 5000 >"$work/out" 2>"$work/errors" &
	receiver=$!
	exec 3<"$work/out"
	# As much as trains need, or as messages alone may have on the way (ON_THE_WAY_MAX of
	# support/net.h); less where the receiver may not have such a socket buffer.
	case $1 in
	mmsg) window=800 ;;
	*) window=4096 ;;
	esac
	read -r _ <&3 &&
		"$traffic" send "$1" "$2" 5000 $messages 64 64 1 $window >>"$work/errors" 2>&1 &&
		read -r counts <&3 && wait $receiver || return 1
	echo "$counts" >>"$work/errors"
	rate=${counts##* }
	case $counts in
	"received $messages lost 0 late 0 repeated 0 broken 0 "*) ;;
	*) return 1 ;;
	esac
}

echo "1..4"
number=0
regio=1
mmsg=1
for address in 10.77.0.2 fd77::2; do
	for implementation in regio mmsg; do
		number=$((number + 1))
		rate=1
		if stream $implementation $address; then
			echo "ok $number - $implementation to $address: every message came"
		else
			echo "not ok $number - $implementation to $address: every message came"
			sed 's/^/# /' "$work/errors"
		fi
		case $implementation in
		regio) regio=$rate ;;
		mmsg) mmsg=$rate ;;
		esac
	done
	echo "# $address, 64 bytes, messages a second: regio $regio, mmsg $mmsg, ratio $((regio / mmsg))"
done
