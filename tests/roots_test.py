#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What runs in the root of another suite ends with the program that started it there.

Usage: roots_test.py DIRECTORY, which has roots.py. Needs root. Prints TAP.
"""
import os
import pathlib
import select
import signal
import subprocess
import sys

PATIENCE_S = 60
# Has the pipe open as long as it lives: little longer than the test, should nothing end it. A tail
# whose output is a pipe would end with the reader.
LIVE = "exec 3>alive && echo up >&3 && exec timeout 120 tail -f /dev/null >/dev/null"
# Debian has these everywhere, each with a group of its name.
USERS = ("root", "daemon")


def works(*command):
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


def private_homes(root):
    """In the namespace of this program: what is mounted here goes with it."""
    if not all(works("mount", "-t", "tmpfs", "tmpfs", home) for home in ("/home", "/root")):
        return False
    for user in USERS:
        root.home(user).mkdir(exist_ok=True)
        alive = root.home(user) / "alive"
        os.mkfifo(alive)
        os.chmod(alive, 0o666)
    return True


def run_until_ended(root, user):
    """In another process, which ends like the programs that use roots: by an exception."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            root.run(user, ["sh", "-c", LIVE])
        finally:
            os._exit(0)
    return child


def next_of(pipe):
    """What is written next, empty when nobody has the pipe open; None if neither happens."""
    return os.read(pipe, 16) if select.select([pipe], [], [], PATIENCE_S)[0] else None


def check(root, user):
    """What is wrong, or None."""
    alive = root.home(user) / "alive"
    # With a writer of its own: otherwise there would be an end before the first has come.
    pipe, writer = os.open(alive, os.O_RDONLY | os.O_NONBLOCK), os.open(alive, os.O_WRONLY)
    child = run_until_ended(root, user)
    up = next_of(pipe)
    os.close(writer)
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    end = next_of(pipe)
    os.close(pipe)
    if up != b"up\n":
        return f"it did not run: {up}"
    return None if end == b"" else "it still runs"


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
    print(f"1..{len(USERS)}", flush=True)
    for number, user in enumerate(USERS, 1):
        trouble = check(root, user)
        print(f"{'not ok' if trouble else 'ok'} {number} - what {user} runs ends with its step",
              flush=True)
        if trouble:
            print(f"# {trouble}", flush=True)


if __name__ == "__main__":
    main()
