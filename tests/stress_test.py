#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stress run repeats what it is asked to, lets no failure pass, goes on, and leaves no load.

usage: stress_test.py STRESS
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
import tap  # pylint: disable=wrong-import-position

STRESS = sys.argv[1]
# As Meson starts it: in the build directory, with its environment.
PASSING = 'test -d "$1" && echo 1..$TWO; echo ok 1 - a; echo ok 2 - b'
FAILING = "echo 1..2; echo ok 1 - a; echo not ok 2 - because"
SHORT = "echo 1..2; echo ok 1 - a"


class Build:
    """A build directory with tests that are shell scripts."""

    def __init__(self, directory, **scripts):
        self.path = pathlib.Path(directory)
        (self.path / "meson-info").mkdir()
        (self.path / "src").mkdir()
        entries = [self.entry(name, script) for name, script in scripts.items()]
        (self.path / "meson-info" / "intro-tests.json").write_text(json.dumps(entries))

    def entry(self, name, script):
        program = self.path / name
        program.write_text(f"#!/bin/sh\necho x >>{self.path}/{name}.ran\n{script}\n")
        program.chmod(0o755)
        return {
            "name": name,
            "cmd": [str(program), "meson-info"],
            "env": {"TWO": "2"},
            "workdir": None,
            "suite": ["regio:unit"],
            "protocol": "tap",
        }

    def ran(self, name):
        path = self.path / f"{name}.ran"
        return path.read_text().count("x") if path.exists() else 0

    def stress(self, *arguments):
        result = tap.run(STRESS, str(self.path), "1", *arguments)
        return result.returncode, result.stdout.splitlines()


def with_build(check, **scripts):
    def run():
        with tempfile.TemporaryDirectory() as directory:
            check(Build(directory, **scripts))

    return run


def repeats(build):
    status, lines = build.stress("3")
    assert (status, lines[-1]) == (0, "6 passed, 0 failed"), lines
    assert build.ran("one") == build.ran("two") == 3


def chooses(build):
    status, lines = build.stress("2", "t*")
    assert (status, lines[-1]) == (0, "2 passed, 0 failed"), lines
    assert build.ran("one") == 0
    status, _ = build.stress("2", "nobody")
    assert status == 1


def fails(build):
    status, lines = build.stress("2")
    assert (status, lines[-1]) == (1, "2 passed, 4 failed"), lines
    assert "because" in (build.path / "stress" / "bad.2.log").read_text()
    assert sum("short: 1 of 2 cases reported" in line for line in lines) == 4, lines


def goes_on(build):
    build.stress("1")
    status, lines = build.stress("3")
    assert (status, lines[-1]) == (0, "3 passed, 0 failed"), lines
    assert build.ran("one") == 3
    build.entry("one", PASSING + "; exit 0")
    status, lines = build.stress("3")
    assert build.ran("one") == 6, "what was built anew had passed"


def children(pid):
    threads = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def is_interrupted(build):
    process = subprocess.Popen(
        [STRESS, str(build.path), "3", "1"], stdout=subprocess.PIPE, text=True
    )
    # The load, and the test, which goes on until it is asked to end.
    until = time.monotonic() + tap.PATIENCE_S
    while len(started := children(process.pid)) < 4:
        assert process.poll() is None and time.monotonic() < until, started
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=tap.PATIENCE_S)[0].splitlines()
    assert out[-1] == "0 passed, 0 failed" and "1 are left" in out[-2], out
    assert process.returncode == 1
    left = [pid for pid in started if os.path.exists(f"/proc/{pid}")]
    assert not left, f"{left} are left"


sys.exit(
    tap.main(
        [
            ("each test runs as often as it is asked", with_build(repeats, one=PASSING, two=PASSING)),
            ("tests are chosen by name", with_build(chooses, one=PASSING, two=PASSING)),
            (
                "failures and missing cases are counted, their output is kept",
                with_build(fails, good=PASSING, bad=FAILING, short=SHORT),
            ),
            ("what has passed is not repeated unless it was built anew", with_build(goes_on, one=PASSING)),
            ("an interrupt ends the load and the tests", with_build(is_interrupted, one="exec sleep 60")),
        ]
    )
)
