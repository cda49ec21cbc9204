# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2154
#
# Sourced by the job of a machine whose adapters are the two ends of a path. What it sets before:
# nics (adapters at each end), top (the device with the addresses), shape (commands that make it at
# one end), mtu, churn_mtus (those that it changes to while messages flow), pairs (of sender and
# receiver), messages, length_min and length_max.

traffic=/regio/tests/path-traffic
port=5000
run=24
window=256

fail()
{
	echo "path: failed: $1"
	exit 1
}

# The adapter with this number, from 1: those of the first end come first.
device_of()
{
	file=$(grep -l "52:54:00:00:00:0$1" /sys/class/net/eth*/address) || fail "no adapter $1"
	basename "$(dirname "$file")"
}

# make_end NAMESPACE END: its adapters are nic0, nic1 there.
make_end()
{
	ip netns add "$1"
	ip netns exec "$1" ip link set lo up
	nic=0
	while [ $nic -lt "$nics" ]; do
		device=$(device_of $((($2 - 1) * nics + nic + 1)))
		ip link set "$device" netns "$1" name nic$nic
		ip netns exec "$1" ip link set nic$nic mtu "$mtu"
		nic=$((nic + 1))
	done
	ip netns exec "$1" /bin/sh -ec "$shape" || fail "the device could not be made"
	ip netns exec "$1" /bin/sh -ec "
		for device in /sys/class/net/nic*; do ip link set \${device##*/} up; done
		ip link set $top mtu $mtu up
		ip address add 10.79.0.$2/24 dev $top
		ip address add fd79::$2/64 dev $top nodad"
}

await_path()
{
	for address in 10.79.0.2 fd79::2; do
		tries=0
		until ip netns exec a ping -c 1 -w 2 $address >/dev/null 2>&1; do
			tries=$((tries + 1))
			[ $tries -lt 30 ] || fail "$address does not answer"
		done
	done
}

# Everything of the kernel that counts what it drops.
print_counters()
{
	for namespace in a b; do
		ip netns exec $namespace cat /proc/net/snmp /proc/net/snmp6 /proc/net/dev |
			sed "s/^/path: $namespace: /"
	done
	sed 's/^/path: softnet: /' /proc/net/softnet_stat
}

change_mtus()
{
	while [ -e /tmp/running ]; do
		for size in $churn_mtus; do
			for namespace in a b; do
				ip netns exec $namespace ip link set "$top" mtu "$size"
			done
		done
	done
	for namespace in a b; do
		ip netns exec $namespace ip link set "$top" mtu "$mtu"
	done
}

# A sender that moves between processors changes its transmit queue, and then any path reorders.
on_processor()
{
	processor=$1 namespace=$2
	shift 2
	ip netns exec "$namespace" taskset "$processor" "$@"
}

# exchange ADDRESS SENDER RECEIVER
exchange()
{
	echo "path: exchange $1 $2 $3"
	print_counters
	on_processor 2 b $traffic receive "$3" "$1" $port >/tmp/out 2>&1 &
	receiver=$!
	exec 4</tmp/out
	read -r line <&4
	echo "path: receiver: $line"
	if [ -n "$churn_mtus" ]; then
		touch /tmp/running
		change_mtus &
	fi
	on_processor 1 a $traffic send "$2" "$1" $port "$messages" "$length_min" "$length_max" $run $window 2>&1 |
		sed 's/^/path: sender: /'
	sed 's/^/path: receiver: /' <&4
	exec 4<&-
	wait $receiver
	echo "path: receiver: status $?"
	rm -f /tmp/running
	wait
	print_counters
	echo "path: exchanged"
}

mkdir -p /var/run/netns
mkfifo /tmp/out
make_end a 1
make_end b 2
await_path
echo "path: is open"
ip netns exec a ethtool -k nic0 | sed 's/^/path: feature: /'
for address in 10.79.0.2 fd79::2; do
	for pair in $pairs; do
		exchange $address "${pair%:*}" "${pair#*:}"
	done
done
