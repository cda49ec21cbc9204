# SPDX-License-Identifier: MIT
"""Whether programs that a test has others start still run: each has a pipe open as long as it lives.

Run as a program, with the path of that pipe, it is such a one: it says that it is up, on standard
output and there, and ends with SIGTERM.
"""
import os
import select
import signal
import sys

PATIENCE_S = 60
UP = "up\n"


class Alive:
    """The pipe, at a path that is to be made."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)
        os.chmod(path, 0o666)
        # With a writer of its own: otherwise there would be an end before the first has come.
        self.pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.writer = os.open(path, os.O_WRONLY)
        self.count = 0

    def _read(self):
        """What is written next, empty when nobody has the pipe open; None if neither happens."""
        readable = select.select([self.pipe], [], [], PATIENCE_S)[0]
        return os.read(self.pipe, len(UP)) if readable else None

    def expect(self, count):
        """Waits until so many are up."""
        while self.count < count:
            text = self._read()
            assert text == UP.encode(), f"{self.count} of {count} are up: {text}"
            self.count += 1

    def expect_end(self):
        """Waits until none runs. To be called once, when no more are started."""
        os.close(self.writer)
        text = UP.encode()
        while text:
            text = self._read()
        os.close(self.pipe)
        assert text == b"", "it still runs"


def main():
    # Little longer than the test, should nothing end it.
    signal.alarm(2 * PATIENCE_S)
    with open(sys.argv[1], "w", encoding="ascii") as pipe:
        for stream in (sys.stdout, pipe):
            stream.write(UP)
            stream.flush()
        signal.pause()


if __name__ == "__main__":
    main()
