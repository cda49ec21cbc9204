#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two workers write nothing that the other touches: counted in a trace of all memory accesses.

Usage: cores_test.py PROGRAM ENGINE, where PROGRAM is cores-traffic. Prints TAP. The trace has what
the library and the C library do, in the order of the program: no access is sampled or missed.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

PROGRAM, ENGINE = sys.argv[1:]
MESSAGES = 64
LINE_BYTES = 64
PATIENCE_S = 250


class Worker:
    """What a worker does to cache lines, by their numbers."""

    def __init__(self):
        self.touched = set()
        self.writes = {}

    def add(self, kind, address, size):
        lines = range(address // LINE_BYTES, (address + size - 1) // LINE_BYTES + 1)
        self.touched.update(lines)
        if kind != "L":
            for line in lines:
                self.writes[line] = self.writes.get(line, 0) + 1


def accesses(lines):
    """Of a trace: kind (L, S or M), address, size."""
    for line in lines:
        if line[:3] not in (" L ", " S ", " M "):
            continue
        address, size = line[3:].split(",")
        yield line[1], int(address, 16), int(size)


def workers_of(path, markers):
    """The two workers. A store to the n-th marker begins what worker n does; to the first, ends it."""
    number = 0
    workers = {1: Worker(), 2: Worker()}
    with open(path, encoding="ascii", errors="replace") as file:
        for kind, address, size in accesses(file):
            at = (address - markers) // LINE_BYTES if kind == "S" else -1
            if 0 <= at <= len(workers):
                number = at
            elif number:
                workers[number].add(kind, address, size)
    return workers


def trace(*arguments):
    if not shutil.which("valgrind"):
        raise tap.Skip("there is no valgrind")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "trace")
        result = subprocess.run(
            ["valgrind", "--tool=lackey", "--trace-mem=yes", "--basic-counts=no", f"--log-file={path}",
             PROGRAM, ENGINE, str(MESSAGES), *arguments],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        if result.returncode == 77:
            raise tap.Skip("the engine cannot be had")
        assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr[-300:]}"
        return workers_of(path, int(result.stdout.split()[1], 16))


def shared_writes(workers):
    """By line: the writes to those that both touch."""
    common = workers[1].touched & workers[2].touched
    writes = {line: workers[1].writes.get(line, 0) + workers[2].writes.get(line, 0) for line in common}
    return {line: count for line, count in writes.items() if count}


def check_canary():
    shared = list(shared_writes(trace("shared")).values())
    assert shared == [2 * MESSAGES], f"writes to lines of both: {shared}"


def check_sharing():
    workers = trace()
    for number, worker in workers.items():
        print(f"# worker {number}: {len(worker.touched)} lines touched, "
              f"{sum(worker.writes.values()) / MESSAGES:.1f} writes a message")
        assert worker.writes, "nothing was traced"
    shared = shared_writes(workers)
    assert not shared, "writes to lines of both, in all: " + ", ".join(
        f"{count} at {line * LINE_BYTES:#x}" for line, count in sorted(shared.items()))


sys.exit(tap.main((
    ("a line that both write is found", check_canary),
    ("two workers write to no cache line that both touch", check_sharing),
)))
