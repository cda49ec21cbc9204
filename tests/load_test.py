#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`regio load` says what became of its messages, and nothing a client does ends `regio serve`.

Usage: load_test.py TOOL. A relay between the two that loses, copies and delays messages by a
plan checks the counts. Prints TAP.
"""
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

TOOL = sys.argv[1]
MAGIC = struct.pack(">Q", 0xFE726567696F4C31)  # what a note begins with
NOTE_BYTES = 64
HELLO, WELCOME, REPORT, COUNTS, READY = 1, 2, 5, 6, 7  # kinds of notes
# As in tests/support/net.h: of more at once the kernel may drop some.
ON_THE_WAY_MAX = 800


def serve(*arguments):
    """A server on a port the kernel chose, and that port."""
    program = tap.Program(TOOL, "serve", *arguments, "--port", "0")
    line = program.wait_for("listening on")
    return program, re.search(r":(\d+) \(", line).group(1)


def load(port, *arguments, host="127.0.0.1"):
    return tap.run(TOOL, "load", host, "--port", port, *arguments, "--json", "-")


def report_of(result):
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr}"
    return tap.json.loads(result.stdout)


def expect(actual, wanted, what):
    assert actual == wanted, f"{what}: {actual}, not {wanted}"


def expect_whole(report, what):
    assert report["received"] > 0, f"{what}: nothing received"
    expect(report["received"], report["sent"], f"{what}: received")
    for field in ("lost", "reordered", "duplicated", "odd", "failed", "ended_early"):
        expect(report[field], 0, f"{what}: {field}")


def stop(server):
    status, out, err = server.stop()
    expect(status, 0, f"exit status of the server ({err})")
    assert "served" in out, f"no summary: {out}"
    return out


# ---- A relay that loses messages by a plan ----


class Relay:
    """Between one client and the server; harms messages of one direction, and no notes."""

    def __init__(self, port, to_server=False):
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.bind(("127.0.0.1", 0))
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.connect(("127.0.0.1", int(port)))
        for side in (self.client, self.server):
            side.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.port = str(self.client.getsockname()[1])
        self.to_server = to_server
        self.chance = random.Random(1)
        self.lost = self.twice = self.late = 0
        self.held = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        peer = None
        while True:
            for ready in select.select([self.client, self.server], [], [])[0]:
                if ready is self.client:
                    data, peer = self.client.recvfrom(65536)
                    self._forward(data, self.server.send, self.to_server)
                else:
                    self._forward(self.server.recv(65536),
                                  lambda data: self.client.sendto(data, peer), not self.to_server)

    def _forward(self, data, send, harm):
        if not harm or data.startswith(MAGIC):
            send(data)
            return
        roll = self.chance.random()
        if roll < 0.02:
            self.lost += 1
        elif roll < 0.04 and not self.held:
            # Until another has overtaken it.
            self.held = data
        else:
            send(data)
            if roll < 0.06:
                self.twice += 1
                send(data)
            if self.held:
                self.late += 1
                send(self.held)
                self.held = None

    def check(self, report):
        """The counts, one by one; a message that is still held has not come."""
        assert self.lost > 20 and self.twice > 20 and self.late > 20, "the relay did next to nothing"
        expect(report["lost"], self.lost + (self.held is not None), "lost")
        expect(report["duplicated"], self.twice, "duplicates")
        expect(report["reordered"], self.late, "reordered")


# ---- Checks ----


def check_echo():
    server, port = serve()
    report = report_of(load(port, "--seconds", "0.3"))
    expect_whole(report, "ping-pong")
    expect(report["latency_us"]["count"], report["received"], "latencies")
    order = [report["latency_us"][name] for name in
             ("min", "p50", "p90", "p99", "p99.9", "p99.99", "p99.999", "max")]
    expect(order, sorted(order), "percentiles")
    expect_whole(report_of(load(port, "--seconds", "0.3", "--depth", "32", "--connections", "20")),
                 "many at a time")
    expect_whole(report_of(load(port, "--seconds", "0.3", "--size", "9000", "--spin")), "9000 bytes")
    report = report_of(load(port, "--seconds", "0.5", "--rate", "2000", "--connections", "3",
                            "--timeout", "10000"))
    expect_whole(report, "open loop")
    expect(report["sent"], 1000, "sent in half a second at 2000 a second")
    stop(server)


def check_families():
    server, port = serve("--bind", "::1")
    expect_whole(report_of(load(port, "--seconds", "0.2", host="::1")), "::1")
    stop(server)
    server, port = serve("--bind", "::")
    expect_whole(report_of(load(port, "--seconds", "0.2", host="127.0.0.1")), "IPv4 at ::")
    stop(server)


def check_name():
    try:
        socket.getaddrinfo("localhost", None)
    except OSError as error:
        # A minimal system has no /etc/hosts.
        raise tap.Skip(f"localhost is not known here: {error}") from None
    server, port = serve("--bind", "::")
    expect_whole(report_of(load(port, "--seconds", "0.2", host="localhost")), "a name")
    stop(server)


def check_relayed_echo():
    server, port = serve()
    relay = Relay(port)
    report = report_of(load(relay.port, "--rate", "5000", "--seconds", "1", "--timeout", "1500"))
    expect(report["sent"], 5000, "sent")
    relay.check(report)
    expect((report["lost_there"], report["lost_back"]), (0, report["lost"]), "ways of those lost")
    there = Relay(port, to_server=True)
    report = report_of(load(there.port, "--rate", "5000", "--seconds", "1", "--timeout", "1500"))
    # The server has counted what came twice.
    assert there.lost > 20 and report["lost"] >= there.lost, report
    expect((report["lost_there"] + report["lost_back"] > 0, report["unread"]), (True, 0), "ways")
    assert report["lost_there"] >= there.lost - there.twice, report
    report = report_of(load(relay.port, "--depth", "8", "--seconds", "1", "--timeout", "20"))
    assert report["lost"] > 0 and report["received"] > 100, f"closed loop stands still: {report}"
    stop(server)


class Holder(Relay):
    """Forwards no answer of the server before it is released; then all at once."""

    def __init__(self, port, wanted):
        self.wanted, self.sent, self.answers = wanted, 0, []
        self.all_sent, self.released, self.asked = (threading.Event() for _ in range(3))
        super().__init__(port)

    def _forward(self, data, send, harm):
        if data.startswith(MAGIC):
            send(data)
            if data[8] == REPORT:
                self.asked.set()
        elif not harm:
            send(data)
            self.sent += 1
            if self.sent == self.wanted:
                self.all_sent.set()
        else:
            self.answers.append((send, data))
            if len(self.answers) == self.wanted:
                for send_one, one in self.answers:
                    send_one(one)
                self.released.set()


def check_stopped_client():
    """Answers that have come while the client was stopped are not lost, however long it was."""
    server, port = serve()
    relay = Holder(port, ON_THE_WAY_MAX)
    # It is stopped between its last message and the end of its patience.
    client = tap.Program(TOOL, "load", "127.0.0.1", "--port", relay.port, "--rate",
                         str(2 * ON_THE_WAY_MAX), "--seconds", "0.5", "--timeout", "3000", "--json", "-")
    assert relay.all_sent.wait(tap.PATIENCE_S), f"{relay.sent} messages"
    client.send_signal(signal.SIGSTOP)
    assert relay.released.wait(tap.PATIENCE_S), f"{len(relay.answers)} answers"
    try:
        # Longer than the time-out.
        client.process.wait(timeout=3.5)
    except tap.subprocess.TimeoutExpired:
        client.send_signal(signal.SIGCONT)
    report = client.report()
    assert report["lost"] == 0, report
    expect_whole(report, "a stopped client")
    assert report["pause_max_us"] > 1e6 or report["seconds"] < 2, report
    stop(server)


def check_stopped_server():
    """A server that did not run says so, and how many of the messages it got."""
    server, port = serve()
    relay = Holder(port, ON_THE_WAY_MAX)
    client = tap.Program(TOOL, "load", "127.0.0.1", "--port", relay.port, "--rate",
                         str(2 * ON_THE_WAY_MAX), "--seconds", "0.5", "--timeout", "300")
    client.wait_for("connected to")
    server.send_signal(signal.SIGSTOP)
    # The client gives up, and asks for the server's counts.
    assert relay.asked.wait(tap.PATIENCE_S), "the server was not asked"
    server.send_signal(signal.SIGCONT)
    status, out, err = client.finish()
    assert "the server did not run for up to" in out, (status, out, err)
    assert "did not reach the server" in out, out
    stop(server)


def check_sink_and_source():
    server, port = serve("sink")
    expect_whole(report_of(load(port, "sink", "--rate", "5000", "--connections", "4", "--seconds",
                                "0.3")), "sink")
    relay = Relay(port, to_server=True)
    relay.check(report_of(load(relay.port, "sink", "--rate", "5000", "--seconds", "0.5")))
    report = report_of(load(port, "sink", "--seconds", "0.3"))
    expect(report["sent"], report["received"] + report["lost"], "sent as fast as it goes")
    stop(server)
    server, port = serve("source")
    expect_whole(report_of(load(port, "source", "--rate", "5000", "--seconds", "0.3")), "source")
    relay = Relay(port)
    relay.check(report_of(load(relay.port, "source", "--rate", "5000", "--seconds", "0.5")))
    stop(server)


def check_tcp():
    server, port = serve("--tcp")
    expect_whole(report_of(load(port, "--tcp", "--seconds", "0.3")), "ping-pong")
    expect_whole(report_of(load(port, "--tcp", "--seconds", "0.3", "--depth", "16", "--connections",
                                "100", "--size", "3000")), "many at a time")
    expect_whole(report_of(load(port, "--tcp", "--seconds", "0.5", "--rate", "2000")), "open loop")
    stop(server)
    server, port = serve("sink", "--tcp")
    expect_whole(report_of(load(port, "sink", "--tcp", "--seconds", "0.3", "--connections", "3")),
                 "sink")
    stop(server)
    server, port = serve("source", "--tcp")
    report = report_of(load(port, "source", "--tcp", "--seconds", "0.3", "--connections", "3"))
    assert report["received"] > 0, "nothing from the source"
    stop(server)


def check_other_echo():
    """An echo server that knows nothing of notes."""
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 0))

    def answer():
        while True:
            data, peer = other.recvfrom(65536)
            other.sendto(data, peer)

    threading.Thread(target=answer, daemon=True).start()
    port = str(other.getsockname()[1])
    expect_whole(report_of(load(port, "--seconds", "0.2")), "another echo server")
    result = load(port, "sink", "--seconds", "0.2")
    expect(result.returncode, 1, "exit status")
    assert "it is an echo server" in result.stderr, result.stderr


def hostile_datagrams(port):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("127.0.0.1", int(port)))
    chance = random.Random(9)
    for kind in range(256):
        client.send(MAGIC + bytes([kind, kind % 5]) + chance.randbytes(NOTE_BYTES - 10))
    for length in list(range(70)) + [8999, 9000]:
        client.send(MAGIC[:length] + b"x" * (length - 8))
        client.send(chance.randbytes(length))
    client.send(MAGIC + bytes([1, 0]) + b"\0" * 54)
    for _ in range(3):
        client.send(b"y" * 9001)
    client.send(b"\xff" * 64)


def note(kind, cookie=0, greeting=0):
    return MAGIC + struct.pack(">BBHIQQ", kind, 0, 0, 0, cookie, greeting) + bytes(NOTE_BYTES - 32)




def client_of(port):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(tap.PATIENCE_S)
    client.connect(("127.0.0.1", int(port)))
    return client


def welcome(client, greeting):
    client.send(note(HELLO, greeting))
    answer = client.recv(65536)
    expect((len(answer), answer[8]), (NOTE_BYTES, WELCOME), "answer to a greeting")
    return struct.unpack_from(">Q", answer, 16)[0]


def check_cookies():
    """Who has not returned the cookie gets no answer but a note as long as its own."""
    server, port = serve("--json", "-")
    stranger, client, other = (client_of(port) for _ in range(3))
    cookie = welcome(client, 5)
    # In turn, so that an answer that must not be would be seen before the next that must.
    for data in (b"x" * 64, b"", b"y" * 9000, note(READY, cookie, 5), note(READY, 0, 0),
                 note(3, cookie), note(4, cookie), note(5, cookie), note(WELCOME, cookie)):
        stranger.send(data)
        welcome(stranger, 1)
    # The cookie of another address, and of another greeting, is none.
    assert welcome(other, 5) != cookie and welcome(client, 6) != cookie
    expect(welcome(client, 5), cookie, "the cookie of the same greeting")
    client.send(note(READY, cookie, 6))
    client.send(b"unanswered")
    client.send(note(READY, cookie, 5))
    expect(client.recv(65536)[8], COUNTS, "answer to the cookie")
    for data in (b"", b"message", b"z" * 9000):
        client.send(data)
        expect(client.recv(65536), data, "echo")
    status, out, err = server.stop()
    expect(status, 0, f"exit status ({err})")
    report = tap.json.loads(out)
    expect((report["clients"], report["strangers"]), (1, 4), "clients, and messages of strangers")
    assert report["sent_bytes"] <= report["received_bytes"], report
    expect(report["stalls"], 0, "stalls")


def check_open():
    server, port = serve("--open")
    client = client_of(port)
    client.send(b"a plain client")
    expect(client.recv(65536), b"a plain client", "echo")
    expect_whole(report_of(load(port, "--seconds", "0.2")), "a client that greets")
    stop(server)


def check_many_clients():
    """Every socket of a client is a peer of its own."""
    server, port = serve("--json", "-")
    expect_whole(report_of(load(port, "--connections", str(ON_THE_WAY_MAX), "--seconds", "0.3")),
                 "sockets that send at once")
    # More that greet, of which some send.
    expect_whole(report_of(load(port, "--connections", "3000", "--rate", str(2 * ON_THE_WAY_MAX),
                                "--seconds", "0.5", "--timeout", "10000")), "3000 sockets")
    status, out, err = server.stop()
    expect(status, 0, f"exit status ({err})")
    expect(tap.json.loads(out)["clients"], ON_THE_WAY_MAX + 3000, "clients")


def check_hostile_datagrams():
    for mode in ("echo", "sink", "source"):
        server, port = serve(mode)
        hostile_datagrams(port)
        # A source sends to nobody who does not know the cookie.
        expect_whole(report_of(load(port, mode, "--seconds", "0.2", "--rate", "1000")), mode)
        out = stop(server)
        assert "3 messages were longer than --size 9000" in out, out


def hostile_streams(port):
    for kind in range(40):
        client = socket.create_connection(("127.0.0.1", int(port)))
        if kind % 4 == 1:
            client.send(b"z" * 100000)
        if kind % 4 >= 2:
            # A reset instead of an end.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.send(b"z" * 1000 * (kind % 4 - 2))
        client.close()


def check_hostile_streams():
    for mode in ("echo", "sink", "source"):
        server, port = serve(mode, "--tcp", "--connections", "50")
        # One that does not read, and one that says nothing, stay to the end.
        stays = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(2)]
        stays[0].setblocking(False)
        try:
            while stays[0].send(b"a" * 65536):
                pass
        except BlockingIOError:
            pass
        hostile_streams(port)
        report = report_of(load(port, mode, "--tcp", "--seconds", "0.3"))
        assert report["received"] > 0, mode
        stop(server)


def check_full_server():
    server, port = serve("--tcp", "--connections", "2")
    stays = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(2)]
    for client in stays:
        client.send(b"here")
        expect(client.recv(4), b"here", "echo")
    result = load(port, "--tcp", "--seconds", "0.2")
    expect(result.returncode, 1, "exit status of one too many")
    stays[0].close()
    result = load(port, "--tcp", "--seconds", "0.2")
    for _ in range(20):
        if result.returncode == 0:
            break
        result = load(port, "--tcp", "--seconds", "0.2")
    expect_whole(report_of(result), "after one has left")
    assert "connections refused" in stop(server)


def check_no_descriptors():
    """A server without a descriptor left rests before it looks for newcomers again."""
    server = tap.Program("sh", "-c", 'ulimit -n 40; exec "$0" serve --tcp --port 0 --json -', TOOL)
    port = re.search(r":(\d+) \(", server.wait_for("listening on")).group(1)
    clients = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(60)]
    clients[0].send(b"here")
    expect(clients[0].recv(4), b"here", "echo")
    for client in clients:
        client.close()
    for _ in range(20):
        result = load(port, "--tcp", "--seconds", "0.1")
        if result.returncode == 0:
            break
    expect_whole(report_of(result), "after all have left")
    status, out, err = server.stop()
    expect(status, 0, f"exit status ({err})")
    report = tap.json.loads(out)
    # One of those who found none, and one for each rest.
    assert 0 < report["refused"] <= 60 + 11 * report["seconds"], report


def check_server_dies():
    for arguments in ([], ["--tcp"]):
        server, port = serve(*arguments)
        client = tap.Program(TOOL, "load", "127.0.0.1", "--port", port, "--seconds", "1.5",
                             "--timeout", "100", *arguments, "--json", "-")
        client.wait_for("connected to")
        expect_whole(report_of(load(port, "--seconds", "0.2", *arguments)), "another client")
        server.send_signal(signal.SIGKILL)
        server.finish()
        status, out, err = client.finish()
        report = tap.json.loads(out)
        assert report["received"] > 0, report
        if arguments:
            expect((status, report["ended_early"]), (1, 1), "a connection that ended")
            assert "ended early" in err, err
        else:
            assert report["lost"] + report["failed"] + report["refused"] > 0, report


def check_interrupt():
    server, port = serve()
    client = tap.Program(TOOL, "load", "127.0.0.1", "--port", port, "--seconds", "100", "--json", "-")
    client.wait_for("connected to")
    expect_whole(report_of(load(port, "--seconds", "0.2")), "another client")
    client.send_signal(signal.SIGINT)
    report = client.report()
    assert report["seconds"] < 90 and report["received"] > 0, report
    stop(server)


def check_outputs():
    server, port = serve("--seconds", "20")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result")
        result = tap.run(TOOL, "load", "127.0.0.1", "--port", port, "--seconds", "2.2", "--json", path,
                         "--rate", "1000", "--hgrm", path + ".hgrm", "--log", path + ".csv",
                         *(["--plot", path + ".svg"] if shutil.which("gnuplot") else []))
        expect(result.returncode, 0, f"exit status ({result.stderr})")
        for word in ("from the due time", "p99.999", "lost 0"):
            assert word in result.stdout, f"no {word!r} in {result.stdout}"
        with open(path, encoding="utf-8") as file:
            report = tap.json.load(file)
        expect(report["command"], "load", "JSON in a file")
        check_identity(report, spin=False)
        check_log(path + ".csv", report)
        with open(path + ".hgrm", encoding="utf-8") as file:
            total = re.search(r"Total count    = +(\d+)\]", file.read())
        expect(int(total.group(1)), report["received"], "values in the .hgrm")
        if shutil.which("gnuplot"):
            with open(path + ".svg", encoding="utf-8") as file:
                picture = file.read()
            assert "</svg>" in picture, "no picture"
            for word in (f"127.0.0.1:{port} (UDP): 64 bytes, 1,000 messages/s", "from the due time"):
                assert word in picture, f"the picture does not say {word!r}"
    stop(server)


def check_places():
    """--bind, --interface and --cpus are heeded, on both sides."""
    cpu = str(min(os.sched_getaffinity(0)))
    for protocol in ("--udp", "--tcp"):
        server, port = serve(protocol, "--cpus", cpu, "--interface", "lo", "--bind", "127.0.0.1",
                             "--json", "-")
        client = tap.Program(TOOL, "load", "127.0.0.1", protocol, "--port", port, "--seconds", "100",
                             "--bind", "127.0.0.77", "--interface", "lo", "--cpus", cpu, "--spin",
                             "--json", "-")
        client.wait_for("connected to")
        table = "/proc/net/" + protocol[2:]
        with open(table, encoding="ascii") as file:
            assert " 4D00007F:" in file.read(), f"{table} does not have 127.0.0.77"
        for program in (server, client):
            expect(os.sched_getaffinity(program.process.pid), {int(cpu)}, "processors")
        # Whoever has a second thread takes its signals.
        end = time.monotonic() + tap.PATIENCE_S
        while len(os.listdir(f"/proc/{client.process.pid}/task")) < 2:
            assert time.monotonic() < end, "the load does not begin"
        client.send_signal(signal.SIGINT)
        report = client.report()
        assert report["ended_early"] == 0, report
        check_identity(report, spin=True)
        server.send_signal(signal.SIGINT)
        check_identity(server.report(), spin=False)


def check_identity(report, spin):
    for field in ("regio_version", "date", "host", "kernel", "machine", "engine"):
        assert report.get(field), f"no {field}: {report}"
    assert report["processors"] >= 1
    expect(report["spin"], spin, "spin")


def check_log(path, report):
    """A line for each whole second, and no more messages than there were."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    expect(lines[0], "second,sent,received,p50_us,p99_us", "titles")
    rows = [[float(field or "nan") for field in line.split(",")] for line in lines[1:]]
    assert rows, "no second was logged"
    expect([row[0] for row in rows], list(range(1, len(rows) + 1)), "seconds")
    for column, name in ((1, "sent"), (2, "received")):
        total = sum(row[column] for row in rows)
        assert 0 < total <= report[name], f"{total} of {report[name]} {name}"


def check_refusals():
    server, port = serve("sink")
    free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    free.bind(("127.0.0.1", 0))
    silent = str(free.getsockname()[1])
    for arguments, status, reason in (
        (["load"], 2, "names no host"),
        (["load", "127.0.0.1", "nonsense"], 2, "must be echo, sink or source"),
        (["load", "127.0.0.1", "--size", "15"], 2, "--size 15"),
        (["load", "127.0.0.1", "sink", "--hgrm", "x"], 2, "which only echo has"),
        (["load", "127.0.0.1", "--log", "/no/such/file"], 2, "--log /no/such/file"),
        (["load", "127.0.0.1", "--port", port, "--cpus", "1023"], 1, "--cpus 1023"),
        (["load", "127.0.0.1", "--port", port, "--bind", "192.0.2.77"], 1, "--bind 192.0.2.77"),
        (["load", "127.0.0.1", "--port", port, "--bind", "::1"], 1, "not of the family"),
        (["load", "127.0.0.1", "--port", port, "--interface", "none0"], 1, "--interface none0"),
        (["serve", "--interface", "none0"], 1, "--interface none0"),
        (["load", "127.0.0.1", "--depth", "2", "--rate", "1"], 2, "--depth 2"),
        (["load", "127.0.0.1", "--json", "/no/such/file"], 2, "/no/such/file"),
        (["load", "127.0.0.1", "--port", port], 1, "it serves sink"),
        (["load", "127.0.0.1", "sink", "--port", port, "--size", "9001"], 1, "start it with --size"),
        (["load", "127.0.0.1", "--port", silent], 1, "no answer"),
        (["load", "127.0.0.1", "--tcp", "--port", silent], 1, "refused"),
        (["load", "no-such-host.invalid"], 1, "find the address"),
        (["load", "127.0.0.1:7766"], 1, "and that with --port"),
        (["serve", "sink", "--open"], 2, "is for UDP echo"),
        (["serve", "--tcp", "--open"], 2, "is for UDP echo"),
        (["serve", "nonsense"], 2, "must be echo, sink or source"),
        (["serve", "--port", "65536"], 2, "--port 65536"),
        (["serve", "--no-such"], 2, "no such option"),
        (["serve", "sink", "--port", port], 1, "choose another --port"),
        (["serve", "--bind", "192.0.2.77"], 1, "--bind must be an address of this host"),
    ):
        result = tap.run(TOOL, *arguments)
        expect(result.returncode, status, f"exit status of {arguments} ({result.stderr})")
        assert reason in result.stderr, f"{arguments}: {result.stderr!r}"
    for command in ("serve", "load"):
        expect(tap.run(TOOL, "help", command).returncode, 0, "help")
    stop(server)


if __name__ == "__main__":
    sys.exit(tap.main((
        ("echo: every message comes back, once, with its latency", check_echo),
        ("IPv6, and both families at once", check_families),
        ("a host by its name", check_name),
        ("what a relay loses, copies and delays is counted", check_relayed_echo),
        ("a client that was stopped reads what has come", check_stopped_client),
        ("a server that was stopped is reported", check_stopped_server),
        ("sink and source report what was lost on the way", check_sink_and_source),
        ("the same over TCP", check_tcp),
        ("echo servers of another kind will do", check_other_echo),
        ("only those who return the cookie are answered", check_cookies),
        ("all are answered where that was asked for", check_open),
        ("a client may have many sockets", check_many_clients),
        ("no datagram ends a server", check_hostile_datagrams),
        ("no stream ends a server", check_hostile_streams),
        ("a full server refuses, and takes others when there is room", check_full_server),
        ("a server without descriptors rests", check_no_descriptors),
        ("a server that dies is noticed", check_server_dies),
        ("a signal brings the result", check_interrupt),
        ("table, JSON, plot, histogram and log are written", check_outputs),
        ("address, interface and processors are those asked for", check_places),
        ("what cannot be is refused with a reason", check_refusals),
    )))
