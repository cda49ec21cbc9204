#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a wake-up with a few messages costs: counted in instructions.

Usage: wake_test.py PROGRAM, where PROGRAM is wake-traffic. Prints TAP.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import callgrind  # noqa: E402
import tap  # noqa: E402

PROGRAM = sys.argv[1]
# What is done once does not show in the difference of the two.
FEW, MANY = 400, 1200
# The queue of wake-traffic.
RECEIVES = 64
# Of what the same costs where the queue has room.
FULL_MAX = 1.05
# Of a wake-up with one message. Found: 0.12, and 0.14 with the assertions of a checked build.
MESSAGE_MAX = 0.15


def count(posted, messages, rounds):
    return callgrind.instructions("serve*", PROGRAM, posted, messages, rounds)


def wake_up(posted, messages):
    cost = (count(posted, messages, MANY) - count(posted, messages, FEW)) / (MANY - FEW)
    assert cost > 0, "nothing was counted"
    print(f"# {messages} messages, {posted} receives posted: {cost:.0f} instructions")
    return cost


def full_queue():
    full, room = wake_up(RECEIVES, 1), wake_up(RECEIVES // 2, 1)
    assert full <= FULL_MAX * room, f"{full:.0f} instructions, {room:.0f} where there is room"


def more_messages():
    one, two, four = (wake_up(RECEIVES, messages) for messages in (1, 2, 4))
    message = (four - two) / 2
    assert message <= MESSAGE_MAX * one, f"{message:.0f} instructions, {one:.0f} for a wake-up"


sys.exit(tap.main((
    ("a wake-up costs no more where all receives are posted", full_queue),
    ("a message more at a wake-up costs a small part of it", more_messages),
)))
