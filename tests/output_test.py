#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tool writes is whole or not there, and output that is lost is an error of the run.

Usage: output_test.py TOOL. Prints TAP.
"""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

TOOL = sys.argv[1]
OLD = "an earlier result\n"
BENCH = tap.run(TOOL, "bench", "--list").returncode == 0


def expect(actual, wanted, what):
    assert actual == wanted, f"{what}: {actual!r}, not {wanted!r}"


def free_port():
    """A port that nobody has, as far as that can be known."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def serve(*arguments):
    program = tap.Program(TOOL, "serve", *arguments, "--port", "0")
    return program, re.search(r":(\d+) \(", program.wait_for("listening on")).group(1)


def whole_json(text, what):
    """The object that is all of the text; NaN and its like are no JSON."""
    try:
        return tap.json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError) as problem:
        raise AssertionError(f"{what}: {problem}: {text[:200]!r}") from None


# ---- Checks ----


def check_full_output():
    """Every command that prints, on a device that is always full."""
    server, port = serve()
    commands = [["help"], ["--help"], ["--version"], ["info"], ["info", "--json"],
                ["serve", "--port", "0", "--seconds", "0.05"],
                ["load", "127.0.0.1", "--port", port, "--seconds", "0.05"],
                ["load", "127.0.0.1", "--port", port, "--seconds", "0.05", "--json", "-"],
                ["feed", "--help"], ["feed", "publish", "127.0.0.1:" + port, "--count", "1"]]
    commands += [["help", name] for name in ("info", "serve", "load", "feed")]
    commands += [["bench", "--list"], ["help", "bench"]] if BENCH else []
    for arguments in commands:
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run([TOOL, *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
                                    timeout=tap.PATIENCE_S, check=False)
        expect(result.returncode, 1, f"exit status of {arguments} ({result.stderr})")
        assert "No space left" in result.stderr, f"{arguments}: {result.stderr!r}"
    server.stop()


def check_closed_output():
    """Nothing that a command opens gets the number of standard output, and then what is printed."""
    server, port = serve()
    for closed in (">&-", "<&- >&-"):
        script = f'"$0" load 127.0.0.1 --port {port} --seconds 0.05 --rate 1000 {closed}'
        result = tap.run("sh", "-c", script, TOOL)
        expect((result.returncode, "Bad file descriptor" in result.stderr), (1, True),
               f"{closed}: {result.stderr!r}")
    result = tap.run("sh", "-c", '"$0" load 127.0.0.1 --port ' + port + " --seconds 0.05 <&- 2>&-", TOOL)
    expect((result.returncode, "sent" in result.stdout), (0, True), "only the output is open")
    server.stop()


def failing_runs():
    """Runs that end before they have a result."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    return taken, (
        ["load", "127.0.0.1", "--port", free_port()],
        ["load", "no-such-host.invalid"],
        ["serve", "--port", port],
        ["feed", "subscribe", "239.255.0.9:5000", "--interface", "no-such"],
        ["feed", "publish", "239.255.0.9:5000", "--interface", "no-such"],
    )


def check_failed_runs():
    taken, runs = failing_runs()
    with taken, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result")
        for arguments in runs:
            with open(path, "w", encoding="ascii") as file:
                file.write(OLD)
            result = tap.run(TOOL, *arguments, "--json", path)
            expect(result.returncode, 1, f"exit status of {arguments} ({result.stderr})")
            with open(path, encoding="ascii") as file:
                expect(file.read(), OLD, f"the earlier result after {arguments}")
            result = tap.run(TOOL, *arguments, "--json", os.path.join(folder, "new"))
            expect(os.listdir(folder), ["result"], f"files after {arguments}")
            result = tap.run(TOOL, *arguments, "--json", "-")
            report = whole_json(result.stdout, arguments)
            assert report["error"] and report["error"] in result.stderr, (report, result.stderr)
            expect(" ".join(arguments).startswith(report["command"]), True, report["command"])


def limited():
    """What a file may hold, as a disk that is full soon."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def check_full_disk():
    server, port = serve()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result")
        outputs = ["--json", path]
        with open(path, "w", encoding="ascii") as file:
            file.write(OLD)
        os.chmod(path, 0o640)
        if shutil.which("gnuplot"):
            outputs += ["--plot", os.path.join(folder, "picture.svg")]
        command = ["load", "127.0.0.1", "--port", port, "--seconds", "0.05", *outputs]
        result = subprocess.run([TOOL, *command], preexec_fn=limited, capture_output=True, text=True,
                                timeout=tap.PATIENCE_S, check=False)
        expect(result.returncode, 1, f"exit status ({result.stderr})")
        assert "--json: cannot be written: File too large" in result.stderr, result.stderr
        expect(os.listdir(folder), ["result"], "files")
        with open(path, encoding="ascii") as file:
            expect(file.read(), OLD, "the earlier result")
        # With room it takes the place of the earlier one, also through a link.
        link = os.path.join(folder, "link")
        os.symlink("result", link)
        result = tap.run(TOOL, *command[:-len(outputs)], "--json", link)
        expect(result.returncode, 0, f"exit status ({result.stderr})")
        expect((os.path.islink(link), os.stat(path).st_mode & 0o777), (True, 0o640), "link and mode")
        with open(path, encoding="utf-8") as file:
            expect(whole_json(file.read(), "file")["command"], "load", "command")
    server.stop()


def check_pipe():
    """A pipe is written to and read to its end, once."""
    server, port = serve()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pipe")
        os.mkfifo(path)
        program = tap.Program(TOOL, "load", "127.0.0.1", "--port", port, "--seconds", "0.05", "--json",
                              path)
        with open(path, encoding="utf-8") as pipe:
            expect(whole_json(pipe.read(), "pipe")["command"], "load", "command")
        expect(program.finish()[0], 0, "exit status")
    server.stop()


def check_signals():
    for number in (signal.SIGINT, signal.SIGTERM):
        for mode, protocol in (("echo", "--udp"), ("sink", "--udp"), ("source", "--udp"),
                               ("echo", "--tcp"), ("sink", "--tcp"), ("source", "--tcp")):
            server, port = serve(mode, protocol, "--json", "-")
            command = [TOOL, "load", "127.0.0.1", mode, protocol, "--port", port, "--json", "-"]
            # A TCP source sends as fast as it is read.
            command += [] if (mode, protocol) == ("source", "--tcp") else ["--rate", "1000"]
            client = tap.Program(*command, "--seconds", "100")
            client.wait_for("connected to")
            # Another has come and gone: there is something to report of this one.
            other = tap.run(*command, "--seconds", "0.1")
            expect(other.returncode, 0, f"another client ({other.stderr})")
            client.send_signal(number)
            status, out, err = client.finish()
            expect(status, 0, f"exit status, {mode} {protocol} ({err})")
            report = whole_json(out, f"{mode} {protocol}")
            assert report["received"] > 0, report
            server.send_signal(number)
            status, out, err = server.finish()
            expect((status, whole_json(out, "server")["clients"]), (0, 2), f"server ({err})")


def check_bench():
    if not BENCH:
        raise tap.Skip("built without the benchmark")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result")
        with open(path, "w", encoding="ascii") as file:
            file.write(OLD)
        for output in (path, "-"):
            program = tap.Program(TOOL, "bench", "idle-poll", "--seconds", "1000", "--rounds", "1",
                                  "--impl", "socket", "--json", output)
            program.wait_for("about")
            program.send_signal(signal.SIGINT)
            status, out, err = program.finish()
            expect(status, 128 + signal.SIGINT, f"exit status ({err})")
            if output == "-":
                report = whole_json(out, "interrupted")
                expect((report["interrupted"], report["rows"]), (True, []), "report")
        with open(path, encoding="ascii") as file:
            expect(file.read(), OLD, "the earlier result")
        expect(os.listdir(folder), ["result"], "files")


if __name__ == "__main__":
    sys.exit(tap.main((
        ("standard output that is full is an error of every command", check_full_output),
        ("standard output that is closed is an error, and no socket gets it", check_closed_output),
        ("a run that fails leaves files alone, and says why in JSON", check_failed_runs),
        ("a full disk leaves the earlier file", check_full_disk),
        ("a pipe gets the result", check_pipe),
        ("a signal brings whole JSON, of every mode", check_signals),
        ("an interrupted benchmark leaves whole JSON or none", check_bench),
    )))
