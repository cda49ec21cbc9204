#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What makes the root of another suite, or runs in it, ends with the program that started it; one
that cannot be made ends that program, with a sentence.

Usage: roots_test.py DIRECTORY, which has roots.py. Needs root. Prints TAP.
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
import tap  # noqa: E402
from alive import PATIENCE_S, Alive  # noqa: E402

# Has the pipe open as long as it lives: little longer than the test, should nothing end it. A tail
# whose output is a pipe would end with the reader.
LIVE = (f"exec 3>alive && echo up >&3 && "
        f"exec timeout {2 * PATIENCE_S} tail -f /dev/null >/dev/null")
# In place of the program that makes roots: what it has started does the work.
MAKER = f"#!/bin/sh\ncase $* in *nosuch*) exit 25 ;; esac\ncd /root && sh -c '{LIVE}' &\nwait\n"
# Debian has these everywhere, each with a group of its name.
USERS = ("root", "daemon")
SIGNALS = (signal.SIGTERM, signal.SIGKILL)


def works(*command):
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


def private_homes(root):
    """In the namespace of this program: what is mounted here goes with it."""
    if not all(works("mount", "-t", "tmpfs", "tmpfs", home) for home in ("/home", "/root")):
        return False
    for user in USERS:
        root.home(user).mkdir(exist_ok=True)
    return True


def run_until_ended(work):
    """In another process, which ends like the programs that use roots: by an exception."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            work()
        finally:
            os._exit(0)
    return child


def check(root, user, number, work):
    def run():
        alive = Alive(root.home(user) / "alive")
        try:
            child = run_until_ended(work)
            alive.expect(1)
            os.kill(child, number)
            os.waitpid(child, 0)
            # The other process had the writer of this one as well.
            alive.expect_end()
        finally:
            os.unlink(alive.path)

    return run


def check_refused(refused):
    try:
        refused.make("mirror", "packages")
    except SystemExit as end:
        assert "making a root of nosuch failed" in str(end.code), end.code
        return
    raise AssertionError("a root that cannot be made was made")


def checks_of(root, maker, refused):
    """Each sentence with its check; 'maker' is a root made by MAKER, which refuses the other."""
    yield "a root that cannot be made is named", lambda: check_refused(refused)
    for number in SIGNALS:
        for user in USERS:
            yield (f"what {user} runs ends with its step, by {number.name}",
                   check(root, user, number,
                         lambda user=user: root.run(user, ["sh", "-c", LIVE])))
        yield (f"what makes a root ends with its program, by {number.name}",
               check(root, "root", number, lambda: maker.make("mirror", "packages")))


def main():
    if os.geteuid() != 0 or not works("unshare", "--mount", "--pid", "--fork",
                                      "mount", "-t", "proc", "proc", "/proc"):
        print("1..0 # SKIP namespaces for a root need root")
        return
    if "--inside" not in sys.argv:
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv, "--inside"])
    sys.path.insert(0, sys.argv[1])
    from roots import Root  # pylint: disable=import-outside-toplevel

    # Of this machine, so that there is nothing to make.
    root = Root(pathlib.Path("/"), "of no suite", "")
    if not private_homes(root):
        print("1..0 # SKIP nothing can be mounted here")
        return
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        (work / "mmdebstrap").write_text(MAKER)
        (work / "mmdebstrap").chmod(0o755)
        os.environ["PATH"] = f"{directory}:{os.environ['PATH']}"
        sys.exit(tap.main(list(checks_of(root, Root(work, "suite", "made"),
                                      Root(work, "nosuch", "none")))))


if __name__ == "__main__":
    main()
