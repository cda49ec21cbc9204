# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced first: starts the script again inside a network namespace of its own, which goes when the
# last process in it does. Where that cannot be, or a tool of $tools is missing, the test is skipped.

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

if [ "${REGIO_NETNS:-}" != inside ]; then
	for tool in $tools; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
	for how in "--net" "--user --map-root-user --net"; do
		# One word for each option.
		# shellcheck disable=SC2086
		if unshare $how true 2>/dev/null; then
			# shellcheck disable=SC2086
			REGIO_NETNS=inside exec unshare $how "$0" "$@"
		fi
	done
	skip "no network namespace allowed (root or user namespaces needed)"
fi
