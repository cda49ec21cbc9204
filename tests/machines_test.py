#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Virtual machines that run side by side end with the program that started them.

Usage: machines_test.py DIRECTORY, which has machine.py. In place of QEMU are programs that run until
they are ended. Prints TAP.
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "support"))
import tap  # noqa: E402
from alive import PATIENCE_S, Alive  # noqa: E402

AT_ONCE = os.cpu_count() or 1
FAIL = "fail"


def run_machines(directory, pipe, how):
    """What ./run kernels and ./run adapters do, of this file; one machine in two has to wait."""
    sys.path.insert(0, directory)
    import machine  # pylint: disable=import-outside-toplevel

    emulator = types.SimpleNamespace(
        architecture=machine.ARCHITECTURES["amd64"],
        command=[sys.executable, HERE / "support/alive.py", pipe])

    def hear(line):
        if how == FAIL:
            raise machine.Trouble(f"nobody expects {line}")

    def run(number):
        with machine.Machine(emulator, "kernel", "ramdisk", 2 * PATIENCE_S) as booted:
            booted.follow(pathlib.Path(f"{pipe}-{number}.log"), hear)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    machine.run_side_by_side(range(2 * AT_ONCE), run)


def check_end(how):
    """The program ends, and so do its machines, also those that were still to be started."""
    with tempfile.TemporaryDirectory() as directory:
        alive = Alive(f"{directory}/alive")
        program = subprocess.Popen([sys.executable, __file__, sys.argv[1], alive.path, str(how)],
                                   stderr=subprocess.PIPE, text=True)
        try:
            if how != FAIL:
                alive.expect(AT_ONCE)
                program.send_signal(how)
            _, errors = program.communicate(timeout=PATIENCE_S)
        finally:
            program.kill()
            program.wait()
        alive.expect_end()
        return program.returncode, errors


def check_sigterm():
    status, errors = check_end(signal.SIGTERM.value)
    assert (status, errors) == (3, ""), f"exit status {status}: {errors}"


def check_sigkill():
    check_end(signal.SIGKILL.value)


def check_trouble():
    status, errors = check_end(FAIL)
    assert status == 1 and "nobody expects up" in errors, f"exit status {status}: {errors}"


if __name__ == "__main__":
    if len(sys.argv) > 2:
        run_machines(*sys.argv[1:])
    else:
        sys.exit(tap.main([
            ("machines end with SIGTERM of their program", check_sigterm),
            ("machines end with a program that is killed", check_sigkill),
            ("machines end with the first job that fails", check_trouble),
        ]))
