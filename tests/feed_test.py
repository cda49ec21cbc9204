#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `regio feed` publishes is what others read, and what it reports is what happened.

Usage: feed_test.py TOOL. A reader of the framing that owes nothing to the tool checks its
counts; a relay that loses packets by a plan checks its gaps. Prints TAP.
"""
import ipaddress
import os
import random
import signal
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

TOOL = sys.argv[1]
HEADER = struct.Struct(">10sQH")
END = 0xFFFF
V6 = False  # multicast over IPv6 works here


def group(number, family=4):
    """A group and port of this run; the port stays taken as long as the socket lives."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    run_number = os.getpid() % 250 + 1
    address = f"239.255.{run_number}.{number}" if family == 4 else f"ff15::{run_number}:{number}"
    return Group(address, holder.getsockname()[1], holder)


class Group:
    def __init__(self, address, port, holder):
        self.address, self.port, self.holder = ipaddress.ip_address(address), port, holder
        self.text = f"[{address}]:{port}" if self.address.version == 6 else f"{address}:{port}"
        self.lo = socket.if_nametoindex("lo")
        self.name = (str(address), port)

    def receiver(self):
        v6 = self.address.version == 6
        member = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        member.bind(self.name)
        if v6:
            request = self.address.packed + struct.pack("=i", self.lo)
            member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        else:
            request = self.address.packed + struct.pack("=4si", b"\0" * 4, self.lo)
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        return member

    def sender(self):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        request = struct.pack("=4s4si", b"\0" * 4, b"\x7f\0\0\1", self.lo)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
        sender.connect(self.name)
        return sender


# ---- An independent reader ----


def read_packet(packet):
    """Session, first number, count and the messages of a packet; raises what is malformed."""
    session, number, count = HEADER.unpack_from(packet)
    messages, at = [], HEADER.size
    for _ in range(0 if count == END else count):
        (length,) = struct.unpack_from(">H", packet, at)
        messages.append(packet[at + 2 : at + 2 + length])
        assert len(messages[-1]) == length, "a message is cut"
        at += 2 + length
    assert at == len(packet), "bytes behind the last message"
    return session, number, count, messages


class Reader:
    """Reads a group until the end of a session."""

    def __init__(self, where):
        self.socket = where.receiver()
        self.packets = self.messages = self.heartbeats = self.missing = 0
        self.sessions, self.sizes, self.per_packet = set(), set(), set()
        self.next = 1
        self.problem = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.socket.settimeout(tap.PATIENCE_S)
            while self._take(self.socket.recv(65536)):
                pass
        except Exception as problem:  # reported by the thread that waits
            self.problem = problem

    def _take(self, packet):
        session, number, count, messages = read_packet(packet)
        self.sessions.add(session)
        self.missing += number - self.next
        self.next = number + len(messages)
        if count == END:
            return False
        self.packets += 1
        self.messages += len(messages)
        self.heartbeats += count == 0
        self.sizes.update(len(message) for message in messages)
        if messages:
            self.per_packet.add(len(messages))
        return True

    def wait(self):
        self.thread.join(2 * tap.PATIENCE_S)
        assert not self.thread.is_alive(), "the session did not end"
        if self.problem:
            raise self.problem
        return self


# ---- A relay that loses packets by a plan ----


def ranges(numbers):
    """Numbers as [[first, last], ...]."""
    result = []
    for number in sorted(numbers):
        if result and result[-1][1] == number - 1:
            result[-1][1] = number
        else:
            result.append([number, number])
    return result


class Relay:
    """Forwards packets to several groups, each with its own losses, copies and delays."""

    def __init__(self, source, targets, seed):
        self.socket = source.receiver()
        self.outputs = [(target.sender(), random.Random(seed + i)) for i, target in enumerate(targets)]
        self.lost = [set() for _ in targets]
        self.twice = [0 for _ in targets]
        self.late = [0 for _ in targets]
        self.held = [None for _ in targets]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            packet = self.socket.recv(65536)
            _, number, count, messages = read_packet(packet)
            for i in range(len(self.outputs)):
                self._forward(i, packet, number, count, len(messages))
            if count == END:
                return

    def _forward(self, i, packet, number, count, messages):
        sender, chance = self.outputs[i]
        roll = chance.random() if messages else 1
        if roll < 0.05:
            self.lost[i].update(range(number, number + messages))
        elif roll < 0.08:
            self.twice[i] += messages
            sender.send(packet)
            sender.send(packet)
        elif roll < 0.10 and not self.held[i]:
            # Until the next packet has overtaken it.
            self.held[i] = packet
            self.late[i] += messages
            return
        else:
            sender.send(packet)
        if self.held[i] and (roll >= 0.05 or count == END):
            sender.send(self.held[i])
            self.held[i] = None


# ---- Programs ----


def subscribe(*arguments):
    program = tap.Program(TOOL, "feed", "subscribe", *arguments)
    program.wait_for("listening on")
    return program


def publish(*arguments):
    program = tap.Program(TOOL, "feed", "publish", *arguments)
    return program


def only_session(report, subscriber=0):
    return only_session_of(report["subscribers"][subscriber])


def only_session_of(seen):
    sessions = seen["sessions"]
    assert len(sessions) == 1, f"{len(sessions)} sessions"
    return sessions[0]


def expect(actual, wanted, what):
    assert actual == wanted, f"{what}: {actual}, not {wanted}"


# ---- Checks ----


def check_reader(family=4):
    where = group(1, family)
    reader = Reader(where)
    program = subscribe(where.text, "--subscribers", "4", "--until-end", "--json", "-")
    report = publish(where.text, "--count", "20000", "--rate", "20000", "--size", "12-90",
                     "--session", "READABLE", "--heartbeat", "50", "--json", "-").report()
    reader.wait()
    expect(reader.sessions, {b"READABLE  "}, "sessions")
    expect(reader.missing, 0, "missing at the reader")
    expect(reader.messages, 20000, "messages at the reader")
    expect(reader.packets, report["packets"] + report["heartbeats"], "packets at the reader")
    expect((min(reader.sizes), max(reader.sizes)), (12, 90), "sizes")
    assert reader.per_packet - {8, 9, 10, 11, 12} <= {20000 % 8, *range(1, 8)}, reader.per_packet
    seen = program.report()
    for i in range(4):
        session = only_session(seen, i)
        expect(session["received"], 20000, "messages at a subscriber")
        expect((session["lost"], session["late"], session["duplicates"]), (0, 0, 0), "disorder")
        expect((session["state"], session["next"]), ("ended", 20001), "end")
        expect(seen["subscribers"][i]["latency_us"]["count"], 20000, "latencies")


def check_reader_v6():
    if not V6:
        raise tap.Skip("no namespace, so no IPv6 multicast on loopback")
    check_reader(6)


def check_heartbeats():
    where = group(2)
    reader = Reader(where)
    report = publish(where.text, "--rate", "5", "--per-packet", "1", "--seconds", "1",
                     "--heartbeat", "20", "--json", "-").report()
    reader.wait()
    assert reader.heartbeats >= 10, f"{reader.heartbeats} heartbeats in a second of near silence"
    expect(reader.heartbeats, report["heartbeats"], "heartbeats")
    expect(reader.messages, report["messages"], "messages")


def check_bursts():
    where = group(3)
    reader = Reader(where)
    publish(where.text, "--rate", "10000", "--burst", "1000", "--count", "3000", "--per-packet",
            "7", "--json", "-").report()
    reader.wait()
    expect(reader.messages, 3000, "messages")
    # 142 packets of 7 and one of 6 make a burst.
    expect(reader.per_packet, {7, 6}, "messages of a packet")
    expect(reader.packets, 3 * 143, "packets")


def check_losses():
    source, left, right = group(4), group(5), group(6)
    relay = Relay(source, [left, right], seed=5)
    one = subscribe(left.text, "--from-start", "--until-end", "--json", "-")
    both = subscribe(left.text, right.text, "--from-start", "--until-end", "--json", "-")
    publish(source.text, "--count", "20000", "--rate", "20000", "--json", "-").report()
    relay.thread.join(tap.PATIENCE_S)
    session = only_session(one.report())
    lost = relay.lost[0]
    assert len(lost) > 100, "the relay has lost next to nothing"
    expect(session["lost"], len(lost), "lost on one line")
    expect(session["gaps"], ranges(lost), "gaps on one line")
    expect(session["received"], 20000 - len(lost), "received on one line")
    expect(session["duplicates"], relay.twice[0], "duplicates on one line")
    expect(session["late"], relay.late[0], "late on one line")
    session = only_session(both.report())
    lost = relay.lost[0] & relay.lost[1]
    expect(session["lost"], len(lost), "lost on both lines")
    expect(session["gaps"], ranges(lost), "gaps on both lines")
    expect(session["received"], 20000 - len(lost), "received on two lines")
    for i in range(2):
        expect(session["lines"][i]["lost"], len(relay.lost[i]), f"lost on line {i}")
        expect(session["lines"][i]["duplicates"], relay.twice[i], f"duplicates on line {i}")


def check_restart():
    where = group(7)
    program = subscribe(where.text, "--from-start", "--until-end", "--json", "-")
    first = publish(where.text, "--rate", "5000", "--session", "FIRST")
    program.wait_for("session FIRST on")
    first.send_signal(signal.SIGKILL)
    first.finish()
    second = publish(where.text, "--rate", "5000", "--count", "1000", "--session", "SECOND",
                     "--json", "-").report()
    line = program.wait_for("new session SECOND")
    assert "FIRST had not ended" in line, line
    sessions = program.report()["subscribers"][0]["sessions"]
    expect([(s["session"], s["state"]) for s in sessions],
           [("FIRST", "replaced"), ("SECOND", "ended")], "sessions")
    expect((sessions[0]["lost"], sessions[0]["gaps"]), (0, []), "lost of the first")
    expect(sessions[1]["received"], second["messages"], "received of the second")
    expect(sessions[1]["lost"], 0, "lost of the second")


def check_quiet_end():
    where = group(8)
    program = subscribe(where.text, "--json", "-")
    publish(where.text, "--count", "10", "--rate", "0", "--json", "-").report()
    program.wait_for("ended before message 11")
    program.send_signal(signal.SIGINT)
    session = only_session(program.report())
    expect(session["received"], 10, "received")


def hostile_packets():
    """Malformed packets of every kind, and their number."""
    good = HEADER.pack(b"HOSTILE   ", 1, 2) + b"\0\1a\0\1b"
    chance = random.Random(3)
    packets = [good[:length] for length in range(len(good))]
    packets += [HEADER.pack(b"HOSTILE   ", 2**64 - 1, 1) + b"\0\1a", HEADER.pack(b"", 1, 0xFFFE)]
    packets += [HEADER.pack(b"HOSTILE   ", 1, 1) + b"\xff\xff" + b"z" * 100, b"y" * 60000]
    packets += [HEADER.pack(b"HOSTILE   ", 1, 200) + chance.randbytes(200) for _ in range(200)]
    return packets


def check_hostile():
    where = group(9)
    program = subscribe(where.text, "--json", "-")
    # It lasts longer than the second in which there is too much to report.
    good = publish(where.text, "--count", "3000", "--rate", "1500", "--session", "GOOD")
    program.wait_for("session GOOD on")
    sender = where.sender()
    packets = hostile_packets()
    for packet in packets:
        sender.send(packet)
    # More sessions than there is room for, and numbers as far apart as they get.
    for i in range(100):
        sender.send(HEADER.pack(b"S%09d" % i, 2**63, 0))
        sender.send(HEADER.pack(b"S%09d" % i, 2**64 - 2, 1) + b"\0\1a")
    expect(good.finish()[0], 0, "exit status of the publisher")
    program.wait_for("session GOOD ended")
    program.send_signal(signal.SIGTERM)
    seen = program.report()["subscribers"][0]
    expect(seen["lines"][0]["malformed"], len(packets), "malformed")
    good = [session for session in seen["sessions"] if session["session"] == "GOOD"]
    expect([session["received"] for session in good], [3000], "received of the good session")
    expect(len(seen["sessions"]) + seen["sessions_left_out"], 101, "sessions")


def packet(number, messages=(), name=b"ODD       ", count=None, tail=b""):
    blocks = b"".join(struct.pack(">H", len(message)) + message for message in messages)
    return HEADER.pack(name, number, len(messages) if count is None else count) + blocks + tail


ODD = (  # what it is, packets, what the first line and the session are to be
    ("a heartbeat numbered 0 before the first message",
     [packet(0), packet(0), packet(1, [b"a", b"b"])],
     {"malformed": 0, "heartbeats": 2, "unnumbered": 3}, {"first": 1, "received": 2, "lost": 0}),
    ("the largest datagram, one message", [packet(1, [b"x" * 65485])],
     {"malformed": 0, "too_long": 0}, {"received": 1}),
    ("the largest datagram, as many messages as fit", [packet(1, [b""] * 32743)],
     {"malformed": 0, "too_long": 0}, {"received": 32743}),
    ("bytes after the last message", [packet(1, [b"a"], tail=b"\0\0"), packet(2, tail=b"\0" * 6)],
     {"malformed": 0, "trailing": 2, "heartbeats": 1}, {"received": 1, "lost": 0}),
    ("a number far ahead", [packet(1, [b"a"]), packet(2**63 + 5, [b"b"]), packet(2, [b"c"])],
     {"malformed": 0}, {"received": 3, "lost": 2**63 + 2, "gaps": [[3, 2**63 + 4]]}),
    ("the last number there is", [packet(1, [b"a"]), packet(2**64 - 1)],
     {"malformed": 0}, {"received": 1, "lost": 2**64 - 3, "next": 2**64 - 1}),
)


def check_odd():
    for number, (what, packets, wanted_line, wanted_session) in enumerate(ODD):
        where = group(20 + number)
        program = subscribe(where.text, "--until-end", "--json", "-")
        sender = where.sender()
        for one in packets:
            sender.send(one)
        sender.send(packet(0, count=END))  # numbered 0 as well
        seen = program.report()["subscribers"][0]
        for actual, wanted in ((seen["lines"][0], wanted_line), (only_session_of(seen), wanted_session)):
            for field, value in wanted.items():
                expect(actual[field], value, f"{what}: {field}")


def check_packet_bytes():
    where = group(30)
    program = subscribe(where.text, "--until-end", "--packet-bytes", "1000")
    # First: soon after the end of the session the subscriber ends.
    where.sender().send(packet(1, [b"x" * 1000]))
    publish(where.text, "--count", "10", "--rate", "0", "--size", "900-900", "--per-packet", "1",
            "--json", "-").report()
    status, out, err = program.finish()
    expect(status, 0, f"exit status ({err})")
    assert "malformed 0" in out and "1 packets longer than --packet-bytes 1000" in out, out


def check_large():
    where = group(31)
    program = subscribe(where.text, "--from-start", "--until-end", "--json", "-")
    publish(where.text, "--count", "40", "--rate", "2000", "--size", "65485", "--per-packet", "1",
            "--packet-bytes", "65507", "--json", "-").report()
    session = only_session(program.report())
    expect((session["received"], session["lost"]), (40, 0), "messages of the largest size")


class Source:
    """A sender to a group, from an address of loopback."""

    def __init__(self, where, address):
        v6 = where.address.version == 6
        self.socket = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        if v6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, where.lo)
        else:
            request = struct.pack("=4s4si", b"\0" * 4, b"\x7f\0\0\1", where.lo)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
        self.socket.connect(where.name)

    def send(self, *packets):
        for one in packets:
            self.socket.send(one)


def source_specific(number, family):
    where = group(number, family)
    address = str(where.address)
    address = "232" + address[3:] if family == 4 else "ff35" + address[4:]
    return Group(address, where.port, where.holder)


def check_sources(family=4):
    where = source_specific(40, family)
    here, other, third = (("127.0.0.1", "127.0.0.2", "127.0.0.3") if family == 4
                          else ("::1", "fd00::2", "fd00::3"))
    program = subscribe(where.text, "--source", here, "--source", third, "--json", "-")
    line = program.err[0]
    assert here in line and third in line, line
    with open("/proc/net/" + ("mcfilter" if family == 4 else "mcfilter6"), encoding="ascii") as table:
        wanted = where.address.packed.hex()
        filters = [row for row in table if wanted in row.lower()]
    expect(len(filters), 2, "source filters of the kernel")
    # The subscriber hears the second only after the other has been left out.
    Source(where, other).send(packet(1, [b"wrong"], b"WRONG     "))
    Source(where, here).send(packet(1, [b"right"], b"RIGHT     "))
    program.wait_for("session RIGHT on")
    Source(where, third).send(packet(2, [b"right"], b"RIGHT     "), packet(3, (), b"RIGHT     ", END))
    program.wait_for("session RIGHT ended")
    program.send_signal(signal.SIGINT)
    session = only_session(program.report())
    expect((session["session"], session["received"]), ("RIGHT", 2), "session")
    # Publishing needs no source; the kernel picks the address.
    program = subscribe(where.text, "--source", here, "--source", other, "--source", third,
                        "--until-end", "--json", "-")
    publish(where.text, "--count", "100", "--rate", "0", "--json", "-").report()
    expect(only_session(program.report())["received"], 100, "messages of a publisher")


def check_sources_v6():
    if not V6:
        raise tap.Skip("no namespace, so no IPv6 multicast on loopback")
    check_sources(6)


def kernel_drops(where):
    """The drops the kernel shows for the sockets of a group."""
    with open("/proc/net/udp", encoding="ascii") as table:
        local = "%08X:%04X" % (struct.unpack("=I", where.address.packed)[0], where.port)
        return sum(int(line.split()[-1]) for line in table if line.split()[1] == local)


def check_overflow():
    where = group(10)
    program = subscribe(where.text, "--from-start", "--until-end", "--buffer", "1", "--json", "-")
    # While it sleeps, its small buffer overflows.
    program.send_signal(signal.SIGSTOP)
    report = publish(where.text, "--rate", "0", "--count", "200000", "--json", "-").report()
    drops = kernel_drops(where)
    program.send_signal(signal.SIGCONT)
    # What the stopped subscriber missed was the end, too.
    end = HEADER.pack(report["session"].encode(), report["messages"] + 1, END)
    seen = program.report(meanwhile=lambda: where.sender().send(end))
    heard = only_session(seen)
    assert drops > 0, "nothing overflowed"
    assert seen["subscribers"][0]["lines"][0]["kernel_drops"] >= drops, "fewer drops than the kernel"
    expect(heard["received"] + heard["lost"], 200000, "received and lost")
    assert heard["lost"] > 0, "nothing was lost"


def check_refusals():
    where = group(11)
    for arguments, status, *reason in (
        ([], 2), (["publish"], 2), (["subscribe", "nonsense"], 2), (["publish", where.text, "--size", "5"], 2),
        (["publish", where.text, "--size", "64-12"], 2), (["publish", where.text, "--session", "x" * 11], 2),
        (["publish", where.text, "--size", "1500"], 2), (["subscribe", where.text, "--no-such"], 2),
        (["subscribe", where.text, "--interface", "no-such"], 1),
        (["publish", where.text, "--interface", "no-such"], 1),
        (["subscribe", where.text, "--seconds", "0.1"], 1),
        (["subscribe", "232.1.2.3:5000"], 2, "name who sends to it, with --source"),
        (["subscribe", "[ff35::1]:5000"], 2, "name who sends to it, with --source"),
        (["subscribe", "232.1.2.3:5000", "--source", "::1"], 2, "name who sends to it"),
        (["subscribe", where.text, "--source", "::1"], 2, "--source ::1: no multicast group"),
        (["subscribe", "127.0.0.1:5000", "--source", "127.0.0.1"], 2, "no multicast group"),
        (["subscribe", where.text, "--source", "127.0.0.1%lo"], 2, "follows an IPv6 address only"),
        (["subscribe", where.text, *["--source", "127.0.0.1"] * 9], 2, "at most 8 sources"),
        (["subscribe", "127.0.0.1@" + where.text], 2, "--source ADDRESS"),
        (["publish", "239.1.1.1:0", "--count", "1"], 2, "239.1.1.1:0: the port must be from 1"),
        (["subscribe", "[ff15::1]:0", "--seconds", "0.1"], 2, "the port must be from 1"),
        (["subscribe", "192.0.2.77:5000", "--seconds", "0.1"], 1, "neither a multicast group"),
    ):
        reason = reason[0] if reason else ""
        result = tap.run(TOOL, "feed", *arguments)
        expect(result.returncode, status, f"exit status of {arguments}")
        assert result.stderr.startswith("regio feed"), f"{arguments}: {result.stderr!r}"
        assert reason in result.stderr, f"{arguments}: {result.stderr!r}"
    expect(tap.run(TOOL, "help", "feed").returncode, 0, "help")


if __name__ == "__main__":
    V6 = tap.enter_namespace(["ip link set lo up", "ip -6 route add local ff00::/8 dev lo",
                              "ip address add fd00::2/128 dev lo", "ip address add fd00::3/128 dev lo"])
    sys.exit(tap.main((
        ("an independent reader agrees with publisher and four subscribers", check_reader),
        ("the same over IPv6", check_reader_v6),
        ("heartbeats fill silence", check_heartbeats),
        ("bursts are sent in whole", check_bursts),
        ("gaps are those a relay made, on one line and on two", check_losses),
        ("a publisher killed and started again is a new session", check_restart),
        ("an end is reported, and a signal brings the report", check_quiet_end),
        ("hostile packets are counted as malformed and do no harm", check_hostile),
        ("packets of any size, padded or numbered 0, are read", check_odd),
        ("packets longer than asked for are counted apart", check_packet_bytes),
        ("the largest packets are published and read", check_large),
        ("packets of the sources named are taken, and no others", check_sources),
        ("the same over IPv6", check_sources_v6),
        ("what overflows is lost, with the kernel's count beside it", check_overflow),
        ("what cannot be is refused with a reason", check_refusals),
    )))
