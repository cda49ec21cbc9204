#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A pool of slots costs what the same calls cost by hand: counted in instructions.

Usage: slots_test.py PROGRAM, where PROGRAM is slots-traffic. Prints TAP.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

PROGRAM = sys.argv[1]
# What is done once does not show in the difference of the two.
FEW, MANY = 20000, 60000
# Of what the calls by hand cost. Assertions of a checked build are more calls of one than the other.
RATIO_MAX = 1.15
PATIENCE_S = 280


def count(how, kind, messages):
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out")
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=serve", f"--callgrind-out-file={out}",
             PROGRAM, how, kind, str(messages)],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr[-500:]}"
        with open(out, encoding="ascii") as file:
            return int(re.search(r"^totals: (\d+)", file.read(), re.MULTILINE).group(1))


def check(kind):
    if not shutil.which("valgrind"):
        raise tap.Skip("there is no valgrind")
    hand, slots = ((count(how, kind, MANY) - count(how, kind, FEW)) / (MANY - FEW)
                   for how in ("hand", "slots"))
    print(f"# {kind}: {hand:.0f} instructions a message by hand, {slots:.0f} with a pool")
    assert slots <= RATIO_MAX * hand, f"{slots:.0f} instructions with a pool, {hand:.0f} by hand"


sys.exit(tap.main((
    ("datagrams with the sender's address cost a pool no more", lambda: check("named")),
    ("datagrams of a connected socket cost a pool no more", lambda: check("connected")),
    ("pieces of a stream cost a pool no more", lambda: check("stream")),
)))
