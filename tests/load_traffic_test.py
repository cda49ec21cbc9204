#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `regio load` sends to whom: groups, lists of addresses, times of a file, with time stamps.

Usage: load_traffic_test.py TOOL. Prints TAP.
"""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

TOOL = sys.argv[1]
GROUP = "239.255.7.66"


def expect(actual, wanted, what):
    assert actual == wanted, f"{what}: {actual}, not {wanted}"


def serve(*arguments, port="0"):
    """A server, and its port, which the kernel chose."""
    program = tap.Program(TOOL, "serve", *arguments, "--port", port, "--json", "-")
    return program, re.search(r":(\d+) \(", program.wait_for("listening on")).group(1)


def load(*arguments):
    result = tap.run(TOOL, "load", *arguments, "--json", "-")
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr}"
    return tap.json.loads(result.stdout)


def expect_whole(report, what, members=1):
    assert report["received"] > 0, f"{what}: nothing received"
    expect(report["received"], report["sent"] * members, f"{what}: received")
    for field in ("lost", "reordered", "duplicated", "odd", "failed", "ended_early"):
        expect(report[field], 0, f"{what}: {field}")


def expect_end(*servers):
    for server in servers:
        status, out, err = server.stop()
        expect(status, 0, f"exit status of the server ({err})")
        expect(tap.json.loads(out)["failed"], 0, "what failed in the server")


class Files:
    """Files with the given lines, in a folder that goes with the test."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *ignored):
        self.folder.cleanup()

    def write(self, *lines):
        path = os.path.join(self.folder.name, f"file{len(os.listdir(self.folder.name))}")
        with open(path, "wb") as file:
            file.write(b"".join(line if isinstance(line, bytes) else line.encode() + b"\n"
                                for line in lines))
        return path


# ---- Groups ----


def check_group():
    """Every member answers every message, and is counted on its own."""
    first, port = serve("--bind", GROUP)
    second, _ = serve("--bind", GROUP, port=port)
    for what, arguments in (
        ("closed loop", ("--seconds", "0.3")),
        ("many at a time", ("--seconds", "0.3", "--depth", "8", "--connections", "2")),
        ("open loop", ("--seconds", "0.3", "--rate", "2000", "--timeout", "5000")),
        ("time stamps", ("--seconds", "0.3", "--rate", "1000", "--timeout", "5000", "--timestamps")),
    ):
        report = load(GROUP, "--port", port, "--interface", "lo", *arguments)
        expect_whole(report, what, members=2)
        each = [member["received"] for member in report["members"]]
        expect(len(each), 2 * report["connections"], f"{what}: members")
        expect(sum(each), report["received"], f"{what}: received of all members")
        expect(len({member["address"] for member in report["members"]}), 2, "addresses")
    result = tap.run(TOOL, "load", GROUP, "--port", port, "--seconds", "0.1")
    assert result.stdout.count(", lost 0\n") == 2, result.stdout
    expect_end(first, second)


def check_group_sink():
    first, port = serve("sink", "--bind", GROUP)
    second, _ = serve("sink", "--bind", GROUP, port=port)
    report = load(GROUP, "sink", "--port", port, "--seconds", "0.3", "--rate", "2000")
    expect_whole(report, "sink", members=2)
    expect([member["received"] for member in report["members"]], 2 * [report["sent"]], "members")
    expect_end(first, second)


def check_group_v6():
    server = tap.Program(TOOL, "serve", "--bind", "ff15::7:66", "--port", "0", "--json", "-")
    port = re.search(r":(\d+) \(", server.wait_for("listening on")).group(1)
    result = tap.run(TOOL, "load", "ff15::7:66", "--port", port, "--seconds", "0.2", "--json", "-")
    if "unreachable" in result.stderr:
        raise tap.Skip(result.stderr.strip())
    expect(result.returncode, 0, f"exit status ({result.stderr})")
    expect_whole(tap.json.loads(result.stdout), "IPv6")
    expect_end(server)


def check_group_refusals():
    server, port = serve("sink", "--bind", GROUP)
    for arguments, status, reason in (
        (["load", GROUP, "--port", port], 1, "it serves sink"),
        (["load", "239.255.7.67", "--port", port], 1, "nobody answers"),
        (["load", GROUP, "source", "--port", port], 1, "regio feed publish"),
        (["load", GROUP, "--tcp", "--port", port], 1, "a group has no streams"),
        (["load", GROUP, "sink", "--port", port, "--interface", "none0"], 1, "--interface none0"),
        (["serve", "source", "--bind", GROUP], 1, "a group is for UDP echo and sink"),
        (["serve", "--tcp", "--bind", GROUP], 1, "a group is for UDP echo and sink"),
        (["serve", "--bind", GROUP, "--interface", "none0"], 1, "--interface none0"),
    ):
        result = tap.run(TOOL, *arguments)
        expect(result.returncode, status, f"exit status of {arguments} ({result.stderr})")
        assert reason in result.stderr, f"{arguments}: {result.stderr!r}"
    expect_end(server)


# ---- Lists ----


def addresses_of(server, count):
    lines = [server.wait_for("listening on") for _ in range(count)]
    return [line.split()[2] for line in lines]


def check_list():
    """One server on several addresses, one load to all of them; comments and letters as sockperf's."""
    for protocol, letter in (("--udp", "U:"), ("--tcp", "T:")):
        for mode in ("echo", "sink", "source"):
            with Files() as files:
                path = files.write("# of a test", "127.0.0.1:0", "", f"  {letter}127.0.0.2:0  # two",
                                   b"127.0.0.3:0\r\n", b"127.0.0.4:0")
                server = tap.Program(TOOL, "serve", mode, protocol, "--list", path, "--json", "-")
                path = files.write(*addresses_of(server, 4))
                rate = [] if protocol == "--tcp" and mode == "source" else ["--rate", "2000"]
                report = load(mode, protocol, "--list", path, "--seconds", "0.3", "--timeout", "5000",
                              "--connections", "2", *rate)
            expect((report["addresses"], report["connections"]), (4, 8), "addresses, connections")
            expect_whole(report, f"{mode} {protocol}")
            status, out, err = server.stop()
            expect(status, 0, f"exit status ({err})")
            counts = tap.json.loads(out)
            expect((counts["addresses"], counts["clients"]), (4, 8), "of the server")


def check_list_many():
    """More sockets than a batch has results."""
    with Files() as files:
        path = files.write(*300 * ["127.0.0.1:0"])
        server = tap.Program(TOOL, "serve", "--list", path, "--json", "-")
        path = files.write(*addresses_of(server, 300))
        expect_whole(load("--list", path, "--seconds", "0.5", "--timeout", "5000"), "300 addresses")
    expect_end(server)


def check_list_without_port():
    with Files() as files:
        result = tap.run(TOOL, "load", "--list", files.write("127.0.0.1:7766", "127.0.0.2:0"))
    expect((result.returncode, "127.0.0.2:0: the port must be" in result.stderr), (1, True), result.stderr)


def check_list_mixed():
    """An address and a group in one list."""
    alone, port = serve()
    member, group_port = serve("--bind", GROUP)
    with Files() as files:
        path = files.write(f"127.0.0.1:{port}", f"{GROUP}:{group_port}")
        expect_whole(load("--list", path, "--seconds", "0.2", "--timeout", "5000"), "both")
    expect_end(alone, member)


def check_list_refusals():
    with Files() as files:
        good = files.write("127.0.0.1:1")
        for lines, reason in (
            (["127.0.0.1:1", "# 2", "127.0.0.1"], ", line 3: 127.0.0.1: must be an address and a port"),
            (["127.0.0.1:1", "127.0.0.1:65536"], ", line 2: 127.0.0.1:65536: must be an address"),
            (["no-such-host.invalid:1"], ", line 1: find the address of no-such-host.invalid"),
            (["T:127.0.0.1:1"], ", line 1: T:127.0.0.1:1: is a stream; give --tcp"),
            (["127.0.0.1:1 127.0.0.1:2"], ", line 1: "),
            (["1" * 600], ", line 1: the line is longer than"),
            ([b"127.0.0.1:1\0\n"], ", line 1: has a character with the number 0"),
            ([b"127.0.0.1:1\n127.0.0.1:1\0:2"], ", line 2: has a character with the number 0"),
            (["", "# nothing"], ": has no address"),
            ([b""], ": has no address"),
        ):
            path = files.write(*lines)
            for command in ("load", "serve"):
                result = tap.run(TOOL, command, "--list", path)
                expect(result.returncode, 1, f"exit status of {command} {lines} ({result.stderr})")
                assert f"--list {path}{reason}" in result.stderr, f"{lines}: {result.stderr!r}"
        for arguments, status, reason in (
            (["load", "127.0.0.1", "echo", "--list", good], 2, "stands in place of the host 127.0.0.1"),
            (["load", "127.0.0.1", "--list", good], 2, "must be echo, sink or source"),
            (["load", "--tcp", "--list", files.write("U:127.0.0.1:1")], 1, "leave --tcp out"),
            (["serve", "--bind", "127.0.0.1", "--list", good], 2, "leave --bind out"),
            (["load", "--list", "/no/such/file"], 1, "--list /no/such/file: No such file"),
            (["serve", "--list", "/"], 1, "--list /: Is a directory"),
            (["load", "--list", files.write(*3 * ["127.0.0.1:1"]), "--connections", "4000"], 1,
             "to each of 3 addresses"),
        ):
            result = tap.run(TOOL, *arguments)
            expect(result.returncode, status, f"exit status of {arguments} ({result.stderr})")
            assert reason in result.stderr, f"{arguments}: {result.stderr!r}"


# ---- Playback ----


def check_playback():
    """Each message at its time, with its size; times count from the first."""
    server, port = serve()
    sink, sink_port = serve("sink")
    sizes = [16, 64, 1472, 9000, 17, 64]
    lines = [f"{86400 + number * 0.0005:.9f}, {sizes[number % len(sizes)]}" for number in range(600)]
    with Files() as files:
        path = files.write("# seconds, bytes", *lines)
        for what, arguments in (("one", ()), ("several sockets", ("--connections", "7")),
                                ("time stamps", ("--timestamps",))):
            report = load("127.0.0.1", "--port", port, "--playback", path, "--timeout", "5000",
                          *arguments)
            expect_whole(report, what)
            expect((report["sent"], report["size"]), (600, 9000), f"{what}: messages, longest")
            expect(report["playback"], path, what)
        expect_whole(load("127.0.0.1", "sink", "--port", sink_port, "--playback", path), "sink")
        # Half of the time, so half of the messages.
        report = load("127.0.0.1", "--port", port, "--playback", path, "--seconds", "0.15",
                      "--timeout", "5000")
        expect(report["sent"], 300, "messages of half the time")
        # Separators, and times that are equal or have less than a second's digits, will do.
        path = files.write("1,16", "1 16", "1.\t16", "1.0,  16", "1.0000000001, 16")
        expect(load("127.0.0.1", "--port", port, "--playback", path)["sent"], 5, "ways to write it")
    expect_end(server, sink)


def check_playback_refusals():
    with Files() as files:
        for lines, reason in (
            (["0, 64", "1; 64"], ", line 2: 1; 64: must be a time in seconds and a size"),
            (["0"], ", line 1: 0: must be a time"),
            (["0,"], ", line 1: 0,: must be a time"),
            (["-1, 64"], ", line 1: -1, 64: must be a time"),
            (["nan, 64"], ", line 1: nan, 64: must be a time"),
            (["99999999999999999999, 64"], ", line 1: 99999999999999999999, 64: must be a time"),
            (["0, 64 bytes"], ", line 1: 0, 64 bytes: must be a time"),
            (["0, 64", "", "0, 15"], ", line 3: 0, 15: the size must be from 16 to 65507 bytes"),
            (["0, 65508"], ", line 1: 0, 65508: the size must be"),
            (["0, 99999999999999999999"], ": the size must be"),
            (["5, 64", "6, 64", "5.999999999, 64"], ", line 3: 5.999999999, 64: the time is before"),
            (["5, 64", "4, 64"], ", line 2: 4, 64: the time is before"),
            (["#"], ": has no message"),
        ):
            path = files.write(*lines)
            result = tap.run(TOOL, "load", "127.0.0.1", "--playback", path)
            expect(result.returncode, 1, f"exit status of {lines} ({result.stderr})")
            assert f"--playback {path}" in result.stderr and reason in result.stderr, \
                f"{lines}: {result.stderr!r}"
        good = files.write("0, 64")
        for arguments, reason in (
            (["--rate", "5"], "leave --rate out"),
            (["--depth", "5"], "--depth 5"),
            (["--tcp"], "only for UDP echo and sink"),
            (["source"], "only for UDP echo and sink"),
        ):
            result = tap.run(TOOL, "load", "127.0.0.1", *arguments, "--playback", good)
            expect(result.returncode, 2, f"exit status of {arguments} ({result.stderr})")
            assert reason in result.stderr, f"{arguments}: {result.stderr!r}"
        server, port = serve("--size", "100")
        long = files.write("0, 64", "0, 101")
        result = tap.run(TOOL, "load", "127.0.0.1", "--port", port, "--playback", long)
        expect(result.returncode, 1, "exit status of messages that are too long")
        assert "--playback: messages have up to 101 bytes" in result.stderr, result.stderr
        expect_end(server)


# ---- Time stamps ----


def check_timestamps():
    """Every message has three times, and the report says what they cost."""
    server, port = serve()
    for what, arguments in (("closed loop", ("--depth", "4", "--connections", "3")),
                            ("spinning", ("--spin",)),
                            ("open loop", ("--rate", "2000", "--timeout", "5000"))):
        report = load("127.0.0.1", "--port", port, "--seconds", "0.3", "--timestamps", *arguments)
        expect_whole(report, what)
        expect(report["engine"], "plain calls", what)
        for stage in ("until_left_us", "until_answer_us", "until_read_us"):
            count = report[stage]["count"] + report["stamps_odd"]
            # The stamp of the last may come after the last answer.
            assert report["received"] / 2 < count <= report["received"], f"{what}, {stage}: {report}"
    result = tap.run(TOOL, "load", "127.0.0.1", "--port", port, "--seconds", "0.1", "--timestamps")
    assert "until it left" in result.stdout and "plain calls in place of regio" in result.stdout, \
        result.stdout
    for line in result.stdout.splitlines():
        assert len(line) <= 80, f"{len(line)} columns: {line}"
    for arguments in (["--tcp"], ["sink"], ["source"]):
        result = tap.run(TOOL, "load", "127.0.0.1", *arguments, "--timestamps")
        expect(result.returncode, 2, f"exit status of {arguments}")
        assert "--timestamps: only for UDP echo" in result.stderr, result.stderr
    expect_end(server)


def check_timestamps_begin():
    """
    The first answers have them, too, although a kernel that was not stamping begins a moment after
    it was asked to. That moment is short: hence many runs, each of which begins with many messages.
    """
    server, port = serve()
    for _ in range(30):
        report = load("127.0.0.1", "--port", port, "--seconds", "0.05", "--timestamps", "--timeout",
                      "5000", "--depth", "64", "--connections", "8")
        expect_whole(report, "many at once")
        missing = report["received"] - report["until_read_us"]["count"] - report["stamps_odd"]
        assert missing <= 0, f"{missing} answers without a time stamp: {report}"
    expect_end(server)


def check_rates():
    """A sink has the rate of both sides: what was sent need not have come."""
    server, port = serve("sink")
    report = load("127.0.0.1", "sink", "--port", port, "--seconds", "0.2")
    assert report["sent_per_s"] >= report["msgs_per_s"] > 0, report
    result = tap.run(TOOL, "load", "127.0.0.1", "sink", "--port", port, "--seconds", "0.2")
    assert re.search(r"^  sent [\d,]+ messages/s, .*\n  received [\d,]+ messages/s", result.stdout,
                     re.MULTILINE), result.stdout
    expect_end(server)


if __name__ == "__main__":
    sys.exit(tap.main((
        ("every member of a group answers", check_group),
        ("every member of a group counts", check_group_sink),
        ("a group of IPv6", check_group_v6),
        ("what a group cannot do is refused", check_group_refusals),
        ("a list of addresses, on both sides", check_list),
        ("many addresses", check_list_many),
        ("an address in the list of a client has a port", check_list_without_port),
        ("an address and a group in one list", check_list_mixed),
        ("what is wrong in a list is named with its line", check_list_refusals),
        ("messages at the times of a file, with its sizes", check_playback),
        ("what is wrong in a playback is named with its line", check_playback_refusals),
        ("time stamps of each message, and their cost", check_timestamps),
        ("the first answers have time stamps", check_timestamps_begin),
        ("a sink has the rates of both sides", check_rates),
    )))
