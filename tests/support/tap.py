# SPDX-License-Identifier: MIT
"""Tests of the tool from outside: programs started and read line by line, results as TAP."""
import atexit
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading

PATIENCE_S = 20


class Skip(Exception):
    """Raised by a check: the machine does not allow it; the text says what."""


class Program:
    """A program that runs beside the test; ended, by its own id, when the test ends."""

    def __init__(self, *command):
        # Nothing here waits for output that sits in a buffer.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines = queue.Queue()
        self.out, self.err = [], []
        self.readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.out), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.err), daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        atexit.register(self.end)

    def _read(self, stream, kept):
        for line in stream:
            kept.append(line)
            self.lines.put(line.rstrip("\n"))

    def wait_for(self, text):
        """The next line, of either stream, that has the text in it."""
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise AssertionError(f"no line with {text!r}: {self.out + self.err}") from None
            if text in line:
                return line

    def send_signal(self, number):
        self.process.send_signal(number)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def finish(self, meanwhile=None):
        """Waits, with something to do again and again; returns exit status, output and errors."""
        for _ in range(20 * PATIENCE_S if meanwhile else 0):
            meanwhile()
            try:
                self.process.wait(timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                continue
        status = self.process.wait(timeout=PATIENCE_S)
        for reader in self.readers:
            reader.join(timeout=PATIENCE_S)
        return status, "".join(self.out), "".join(self.err)

    def stop(self):
        self.send_signal(signal.SIGTERM)
        return self.finish()

    def report(self, meanwhile=None):
        """Waits for success; returns the JSON object on standard output."""
        status, out, err = self.finish(meanwhile)
        assert status == 0, f"exit status {status}: {err}"
        return json.loads(out)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False)


def enter_namespace(commands):
    """
    Starts the script again in a network namespace of its own, in which the commands are run
    first; goes on in this one where that is not allowed. True inside.
    """
    if os.environ.get("REGIO_NETNS") == "inside":
        for command in commands:
            subprocess.run(command.split(), check=True)
        return True
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    for how in (["--net"], ["--user", "--map-root-user", "--net"]):
        if subprocess.run(["unshare", *how, "true"], capture_output=True, check=False).returncode:
            continue
        os.environ["REGIO_NETNS"] = "inside"
        os.execvp("unshare", ["unshare", *how, sys.executable, *sys.argv])
    return False


def main(checks):
    """Runs the checks, (sentence, function) each; a check raises when it fails."""
    failures = 0
    print(f"1..{len(checks)}")
    for number, (name, check) in enumerate(checks, 1):
        try:
            check()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception as problem:  # whatever it is, the other checks still run
            failures += 1
            print(f"not ok {number} - {name}")
            for line in f"{type(problem).__name__}: {problem}".splitlines():
                print(f"# {line}", flush=True)
    return 1 if failures else 0
