#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The summary counts cases and lets no failure pass for a success.
#
# usage: summary_test.sh SUMMARY
set -eu

summary=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/meson-logs"
number=0

# expect STATUS LAST_LINE, with the log on standard input
expect()
{
	number=$((number + 1))
	cat >"$work/meson-logs/testlog.json"
	status=0
	python3 "$summary" "$work" >"$work/out" || status=$?
	last=$(tail -n 1 "$work/out")
	if [ "$status" = "$1" ] && [ "$last" = "$2" ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		echo "# got status $status: $last"
	fi
}

echo 1..9
expect 0 "2 passed, 0 failed" <<'LOG'
{"name": "a", "result": "OK", "stdout": "1..2\nok 1 - x\nok 2 - y\n"}
LOG
expect 1 "1 passed, 1 failed, 1 skipped" <<'LOG'
{"name": "a", "result": "FAIL", "stdout": "1..3\nok 1 - x\nnot ok 2 - y\n# why\nok 3 - z # SKIP no\n"}
LOG
expect 1 "1 passed, 1 failed" <<'LOG'
{"name": "a", "result": "TIMEOUT", "stdout": "1..3\nok 1 - x\n"}
LOG
expect 1 "3 passed, 1 failed" <<'LOG'
{"name": "a", "result": "ERROR", "stdout": "1..3\nok 1 - x\nok 2 - y\nok 3 - z\n"}
LOG
expect 0 "1 passed, 0 failed, 1 skipped" <<'LOG'
{"name": "a", "result": "SKIP", "stdout": "1..0 # SKIP no engine\n"}
{"name": "b", "result": "OK", "stdout": ""}
LOG
expect 1 "0 passed, 1 failed" <<'LOG'
{"name": "a", "result": "FAIL", "stdout": "", "stderr": "crash"}
LOG
expect 0 "1 passed, 0 failed" <<'LOG'
{"name": "a", "result": "EXPECTEDFAIL", "stdout": "1..1\nnot ok 1 - canary\n"}
LOG
expect 1 "0 passed, 1 failed" <<'LOG'
{"name": "a", "result": "UNEXPECTEDPASS", "stdout": "1..1\nok 1 - canary\n"}
LOG
expect 1 "0 passed, 1 failed" </dev/null
