#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a queue costs does not depend on how many there are: counted in instructions and bytes.

Usage: density_test.py PROGRAM ENGINE, where PROGRAM is density-traffic. Prints TAP.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

PROGRAM, ENGINE = sys.argv[1:]
FEW, MANY, ACTIVE = 16, 10000, 16
# For opening and closing: enough that what is done once does not show.
SOME = 1000
MESSAGES = 4000
QUEUE_BYTES_MAX = 8192
# Of what one costs among few, what one costs among many.
RATIO_MAX = 1.2
SEEN = ("open_all", "take", "close_all")
DUMPS = {"open_all": "open", "settle": "settle", "measure": "message", "close_all": "close"}
PATIENCE_S = 280


def checked(result):
    if result.returncode == 77:
        raise tap.Skip("the engine, or so many descriptors, cannot be had")
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr[-500:]}"
    return result.stdout


def totals(directory):
    """By what was done: the instructions of the dump that was written then."""
    found = {}
    for name in os.listdir(directory):
        trigger = None
        with open(os.path.join(directory, name), encoding="ascii") as file:
            for line in file:
                if line.startswith("desc: Trigger: --dump-after="):
                    trigger = line.rsplit("=", 1)[1].strip()
                if line.startswith("totals:"):
                    found[DUMPS.get(trigger)] = int(line.split()[1])
    return found


def count(queues):
    """Instructions of the library and of three short loops around it, by what was done."""
    if not shutil.which("valgrind"):
        raise tap.Skip("there is no valgrind")
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no",
                   f"--callgrind-out-file={directory}/out"]
        command += [f"--toggle-collect={name}" for name in SEEN]
        command += [f"--dump-after={name}" for name in DUMPS]
        command += [PROGRAM, ENGINE, str(queues), str(ACTIVE), str(MESSAGES)]
        checked(subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False))
        found = totals(directory)
    assert set(DUMPS.values()) <= set(found), f"only {sorted(map(str, found))} were counted"
    return {"open": found["open"] / queues, "message": found["message"] / MESSAGES,
            "close": found["close"] / queues}


COUNTS = {}


def counts(queues):
    if queues not in COUNTS:
        COUNTS[queues] = count(queues)
    return COUNTS[queues]


def expect_flat(what, few, many):
    before, after = counts(few)[what], counts(many)[what]
    print(f"# {what}: {before:.0f} instructions with {few} queues, {after:.0f} with {many}")
    assert after <= RATIO_MAX * before, f"{after:.0f} instructions with {many} queues, {before:.0f} with {few}"


def check_messages():
    expect_flat("message", FEW, MANY)


def check_opening():
    expect_flat("open", SOME, MANY)


def check_closing():
    expect_flat("close", SOME, MANY)


def check_bytes():
    result = subprocess.run([PROGRAM, ENGINE, str(SOME), str(ACTIVE), "16"], capture_output=True, text=True,
                            timeout=PATIENCE_S, check=False)
    size = int(checked(result).split()[1])
    print(f"# {size} bytes")
    assert size <= QUEUE_BYTES_MAX, f"{size} bytes"


sys.exit(tap.main((
    (f"a message costs {ACTIVE} active queues of {MANY} what it costs {FEW}", check_messages),
    (f"to open one of {MANY} queues costs what it costs for one of {SOME}", check_opening),
    (f"to close one of {MANY} queues costs what it costs for one of {SOME}", check_closing),
    (f"an idle queue of 32 + 32 slots takes at most {QUEUE_BYTES_MAX} bytes", check_bytes),
)))
