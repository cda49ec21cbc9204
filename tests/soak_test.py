#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The soak's limits count the time during which it runs: a pause is no stall, a stall is one.

Usage: soak_test.py SOAK. Prints TAP.
"""
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

SOAK = sys.argv[1]
STALL_S = 4
# Traffic of the Windows interface alone: the one whose wake-ups are counted.
OPTIONS = ["--seconds", "4", "--station", "6", "--stall", str(STALL_S)]


def check_pause():
    soak = tap.Program(SOAK, *OPTIONS, "--wake", "held")
    process = int(re.search(r"process (\d+)", soak.wait_for("is to be stopped"))[1])
    os.kill(process, signal.SIGSTOP)
    # Not to wait for anything: the pause itself is what is tested.
    time.sleep(2 * STALL_S)
    os.kill(process, signal.SIGCONT)
    status, out, err = soak.finish(lambda: None)
    assert status == 0, out + err


def check_lost():
    status, out, err = tap.Program(SOAK, *OPTIONS, "--wake", "lost").finish(lambda: None)
    assert status == 1, f"exit status {status}: {out}{err}"
    assert "a wake-up was lost" in out, out + err


sys.exit(tap.main([
    ("a soak that was stopped for longer than its limit goes on and passes", check_pause),
    ("a soak that loses a wake-up fails", check_lost),
]))
