#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A pool of slots costs what the same calls cost by hand: counted in instructions.

Usage: slots_test.py PROGRAM, where PROGRAM is slots-traffic. Prints TAP.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import callgrind  # noqa: E402
import tap  # noqa: E402

PROGRAM = sys.argv[1]
# What is done once does not show in the difference of the two.
FEW, MANY = 20000, 60000
# Of what the calls by hand cost. Assertions of a checked build are more calls of one than the other.
RATIO_MAX = 1.15


def count(how, kind, messages):
    return callgrind.instructions("serve", PROGRAM, how, kind, messages)


def check(kind):
    hand, slots = ((count(how, kind, MANY) - count(how, kind, FEW)) / (MANY - FEW)
                   for how in ("hand", "slots"))
    print(f"# {kind}: {hand:.0f} instructions a message by hand, {slots:.0f} with a pool")
    assert slots <= RATIO_MAX * hand, f"{slots:.0f} instructions with a pool, {hand:.0f} by hand"


sys.exit(tap.main((
    ("datagrams with the sender's address cost a pool no more", lambda: check("named")),
    ("datagrams of a connected socket cost a pool no more", lambda: check("connected")),
    ("pieces of a stream cost a pool no more", lambda: check("stream")),
)))
