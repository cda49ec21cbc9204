#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tools between two hosts, or what looks like two: namespaces with a cable between.

        namespace of this script           namespace of "far"
     +-----------------------------+    +-----------------------------+
     |  load, subscribe  10.78.0.1 |    |  10.78.0.2  serve, publish  |
     |           veth0   fd78::1   |----|   fd78::2   veth1           |
     |                   fe80::1   |    |   fe80::2                   |
     +-----------------------------+    +-----------------------------+

Usage: netns_tools.py TOOL. Prints TAP.
"""
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

TOOL = sys.argv[1]
INSIDE = ["ip link set lo up"]


class Far:
    """The other host."""

    def __init__(self):
        self.holder = tap.Program("unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec cat")
        self.holder.wait_for("up")
        self.enter = ["nsenter", "--target", str(self.holder.process.pid), "--net"]
        self._run("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns",
                  str(self.holder.process.pid))
        for where, device, last in (([], "veth0", 1), (self.enter, "veth1", 2)):
            self._run(*where, "ip", "address", "add", f"10.78.0.{last}/24", "dev", device)
            self._run(*where, "ip", "address", "add", f"fd78::{last}/64", "dev", device, "nodad")
            # The host has more than one address.
            self._run(*where, "ip", "address", "add", f"10.78.0.{last + 10}/24", "dev", device)
            self._run(*where, "ip", "address", "add", f"fd78::{last + 10}/64", "dev", device, "nodad")
            self._run(*where, "ip", "address", "add", f"fe80::{last}/64", "dev", device, "nodad")
            self._run(*where, "ip", "link", "set", device, "up")

    def _run(self, *command):
        result = tap.run(*command)
        if result.returncode:
            raise tap.Skip(f"{' '.join(command)}: {result.stderr.strip()}")

    def start(self, *arguments):
        return tap.Program(*self.enter, TOOL, *arguments)

    def run(self, *arguments):
        return tap.run(*self.enter, TOOL, *arguments)


def check_load(far, address, protocol):
    zone = "%veth{}" if address.startswith("fe80") else ""
    server = far.start("serve", "--bind", address + zone.format(1), "--port", "0", protocol)
    port = re.search(r":(\d+) \(", server.wait_for("listening on")).group(1)
    for arguments in (["--depth", "16", "--connections", "4"], ["--rate", "5000"]):
        result = tap.run(TOOL, "load", address + zone.format(0), "--port", port, protocol, "--seconds", "0.5",
                         *arguments, "--json", "-")
        assert result.returncode == 0, result.stderr
        report = tap.json.loads(result.stdout)
        assert report["received"] == report["sent"] > 0, report
    # Loopback was not asked for.
    assert far.run("load", "127.0.0.1", "--port", port, protocol).returncode == 1
    status, out, err = server.stop()
    assert status == 0 and "served" in out, err


def port_of(server):
    return re.search(r":(\d+) \(", server.wait_for("listening on")).group(1)


def check_load_group(far, mode, group, bind, here, there):
    """A member on each side of the cable; 'here' and 'there' name the interface to it."""
    zones = [group + end for end in here], [group + end for end in there]
    (near_group,), (far_group,) = [zone or [group] for zone in zones]
    options = [] if here else ["--interface", "veth0"], [] if there else ["--interface", "veth1"]
    member = far.start("serve", mode, "--bind", far_group, *options[1], "--port", "0")
    port = port_of(member)
    own = tap.Program(TOOL, "serve", mode, "--bind", near_group, *options[0], "--port", port)
    own.wait_for("listening on")
    for arguments in (["--rate", "2000"], ["--connections", "3"], ["--bind", bind, "--rate", "2000"]):
        result = tap.run(TOOL, "load", near_group, mode, *options[0], "--port", port, "--seconds",
                         "0.3", "--timeout", "5000", *arguments, "--json", "-")
        assert result.returncode == 0, f"{arguments}: {result.stderr}"
        report = tap.json.loads(result.stdout)
        assert len(report["members"]) == 2 * report["connections"], f"{arguments}: {report}"
        assert report["sent"] > 0, f"{arguments}: {report}"
        # A sink that is sent all that can be sent loses some, and says so.
        if mode == "echo" or "--rate" in arguments:
            assert report["received"] == 2 * report["sent"], f"{arguments}: {report}"
    for server in (member, own):
        status, out, err = server.stop()
        assert status == 0 and "failed" not in out, err + out


def check_group_interface(far, group):
    """A member has what comes by the interface it was given, and no more."""
    member = far.start("serve", "--bind", group, "--interface", "veth1", "--port", "0")
    port = port_of(member)
    other = far.start("serve", "--bind", group, "--interface", "lo", "--port", port)
    other.wait_for("listening on")
    result = tap.run(TOOL, "load", group, "--interface", "veth0", "--port", port, "--rate", "1000",
                     "--seconds", "0.2", "--timeout", "5000", "--json", "-")
    assert result.returncode == 0, result.stderr
    report = tap.json.loads(result.stdout)
    assert len(report["members"]) == 1, report["members"]
    assert report["received"] == report["sent"] > 0 == report["odd"], report
    for server in (member, other):
        status, out, err = server.stop()
        assert status == 0, err + out


def check_list_of_groups(far):
    """Groups of both families and scopes in one list, and addresses; --interface for all."""
    lines = ["[ff15::7:66]:7001", "[ff02::7:66]:7001", "[ff02::7:67%{}]:7001", "239.255.7.66:7001",
             "10.78.0.2:7002", "[fd78::2]:7002"]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for device in ("veth0", "veth1"):
            paths.append(os.path.join(folder, device))
            with open(paths[-1], "w", encoding="ascii") as file:
                file.write("".join(line.format(device) + "\n" for line in lines))
        server = far.start("serve", "--list", paths[1], "--interface", "veth1", "--json", "-")
        for _ in lines:
            server.wait_for("listening on")
        result = tap.run(TOOL, "load", "--list", paths[0], "--interface", "veth0", "--connections", "2",
                         "--rate", "2000", "--seconds", "0.3", "--timeout", "5000", "--json", "-")
    assert result.returncode == 0, result.stderr
    report = tap.json.loads(result.stdout)
    assert (report["addresses"], report["connections"]) == (6, 12), report
    assert len(report["members"]) == 8, report["members"]
    assert report["received"] == report["sent"] > 0, report
    status, out, err = server.stop()
    assert status == 0 and tap.json.loads(out)["failed"] == 0, err


def check_group_not_reached(far):
    """What is wrong, and what to do."""
    far._run("ip", "link", "add", "veth5", "type", "veth", "peer", "name", "veth6")
    try:
        for arguments, reason in (
            # Loopback has no route for groups of IPv6 unless somebody has added it.
            (["ff15::7:68"], "unreachable; is the interface of --interface up?"),
            (["ff02::7:68"], "unreachable; is the interface of --interface up?"),
            (["ff15::7:68", "--interface", "veth5"], "unreachable; is the interface of --interface up?"),
            (["ff02::7:68%veth5"], "unreachable; is the interface of --interface up?"),
            (["ff02::7:68%veth0"], "--bind ff02::7:68` there"),
            (["ff15::7:68", "--interface", "veth0"], "nobody answers"),
            (["ff02::7:68%veth0", "--interface", "lo"], "names another"),
            (["ff15::7:68", "--interface", "none0"], "--interface none0: No such device"),
            (["ff15::7:68", "--interface", "veth0", "--bind", "10.78.0.1"], "not of the family"),
        ):
            result = tap.run(TOOL, "load", *arguments, "--seconds", "0.1")
            assert result.returncode == 1, f"{arguments}: exit status {result.returncode}"
            assert reason in result.stderr, f"{arguments}: {result.stderr!r}"
    finally:
        far._run("ip", "link", "delete", "veth5")


def check_any_address(far, bind, mode):
    """A server on all addresses answers from the one that was asked: others are not heard."""
    server = far.start("serve", mode, "--bind", bind, "--port", "0")
    port = re.search(r":(\d+) \(", server.wait_for("listening on")).group(1)
    for address in ("10.78.0.2", "10.78.0.12", "fd78::2", "fd78::12", "fe80::2%veth0"):
        if bind == "0.0.0.0" and ":" in address:
            continue
        result = tap.run(TOOL, "load", address, mode, "--port", port, "--rate", "2000", "--seconds",
                         "0.2", "--json", "-")
        assert result.returncode == 0, f"{address}: {result.stderr}"
        report = tap.json.loads(result.stdout)
        assert report["received"] == report["sent"] > 0, f"{address}: {report}"
    status, out, err = server.stop()
    assert status == 0 and "failed" not in out, err + out


def check_feed(far, here, there):
    """'here' and 'there': a group, and what names the interface to the cable."""
    program = tap.Program(TOOL, "feed", "subscribe", *here, "--subscribers", "2", "--from-start",
                          "--until-end", "--json", "-")
    program.wait_for("listening on")
    # A group is heard of by whoever has joined it, once the cable is up on both sides.
    result = far.run("feed", "publish", *there, "--count", "20000", "--rate", "40000", "--json", "-")
    assert result.returncode == 0, result.stderr
    sent = tap.json.loads(result.stdout)
    for subscriber in program.report()["subscribers"]:
        session = subscriber["sessions"][0]
        assert session["received"] + session["lost"] == sent["messages"] == 20000, session
        assert session["received"] > 0 and session["state"] == "ended", session


def check_feed_interface(far, group):
    """A subscriber at another interface has nothing of it."""
    other = tap.Program(TOOL, "feed", "subscribe", group, "--interface", "lo", "--json", "-")
    program = tap.Program(TOOL, "feed", "subscribe", group, "--interface", "veth0", "--until-end",
                          "--json", "-")
    for subscriber in (other, program):
        subscriber.wait_for("listening on")
    result = far.run("feed", "publish", group, "--interface", "veth1", "--count", "1000", "--rate",
                     "10000")
    assert result.returncode == 0, result.stderr
    assert program.report()["subscribers"][0]["lines"][0]["packets"] > 0
    out = other.stop()[1]
    assert tap.json.loads(out)["subscribers"][0]["lines"][0]["packets"] == 0, out


def check_false_sender():
    """A datagram from one echo server to another, as the sender says, is not answered for ever."""
    servers, ports = [], []
    for _ in range(2):
        server = tap.Program(TOOL, "serve", "--port", "0", "--json", "-")
        servers.append(server)
        ports.append(int(re.search(r":(\d+) \(", server.wait_for("listening on")).group(1)))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
        hello = struct.pack(">QBBHIQ", 0xFE726567696F4C31, 1, 0, 0, 0, 7) + bytes(40)
        for data in (b"x" * 64, b"", b"y" * 9000, hello):
            raw.sendto(struct.pack(">HHHH", ports[1], ports[0], 8 + len(data), 0) + data,
                       ("127.0.0.1", 0))
    # Time for a loop to show itself, and proof that both are at work.
    for port in ports:
        assert tap.run(TOOL, "load", "127.0.0.1", "--port", str(port), "--rate", "100",
                       "--seconds", "0.1", "--json", "-").returncode == 0
    counts = [tap.json.loads(server.stop()[1]) for server in servers]
    # Ten messages and two notes of the load; the four datagrams, or the answer to one of them.
    assert counts[0]["received"] == 16 and counts[1]["received"] <= 13, counts
    assert counts[0]["sent"] <= 13, counts


def check_interface_gone(far, group):
    """An interface that is deleted takes the membership with it, even if it is made again."""
    make = ["ip", "link", "add", "veth7", "type", "veth", "peer", "name", "veth8"]
    far._run(*make)
    far._run("ip", "link", "set", "veth7", "up")
    program = tap.Program(TOOL, "feed", "subscribe", group, "239.255.2.2:5000", "--interface", "veth7",
                          "--json", "-")
    program.wait_for("listening on")
    far._run("ip", "link", "delete", "veth7")
    far._run(*make)
    line = program.wait_for("is gone")
    assert group in line, line
    status, out, err = program.stop()
    assert status == 1 and tap.json.loads(out)["subscribers"][0]["lines"][0]["interface_gone"], err
    far._run("ip", "link", "delete", "veth7")


def check_no_ipv6():
    """Where IPv6 is turned off, :: is every address of IPv4."""
    off = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
    if not os.access(off, os.W_OK):
        raise tap.Skip(f"{off} cannot be written")
    server = tap.Program("unshare", "--net", "sh", "-c", f"ip link set lo up; echo 1 >{off}; exec "
                         '"$0" serve --bind :: --port 0', TOOL)
    port = re.search(r":(\d+) \(", server.wait_for("listening on")).group(1)
    result = tap.run("nsenter", "--target", str(server.process.pid), "--net", TOOL, "load",
                     "127.0.0.1", "--port", port, "--seconds", "0.1", "--json", "-")
    assert result.returncode == 0, result.stderr
    assert tap.json.loads(result.stdout)["lost"] == 0, result.stdout
    assert server.stop()[0] == 0


def check_zones(far):
    """A zone is honoured or refused, wherever an address is taken."""
    for arguments, reason in (
        (["feed", "subscribe", "[ff02::7%veth0]:5000", "--interface", "lo"], "names another"),
        (["feed", "publish", "[ff02::7%veth0]:5000", "--interface", "lo"], "names another"),
        (["feed", "subscribe", "[ff02::7%nowhere]:5000"], "no interface nowhere"),
        (["feed", "subscribe", "[ff02::7%4000000000]:5000"], "no interface 4000000000"),
        (["feed", "subscribe", "[ff02::7%]:5000"], "no interface"),
        (["feed", "subscribe", "239.1.1.1%veth0:5000"], "follows an IPv6 address only"),
        (["load", "fe80::2"], "name one, as in fe80::2%eth0"),
        (["load", "fe80::2%nowhere"], "no interface nowhere"),
        (["load", "fd78::2%veth0"], "needs no zone"),
        (["load", "localhost%lo"], "follows an IPv6 address only"),
        (["serve", "--bind", "fe80::1"], "name one, as in fe80::1%eth0"),
        (["serve", "--bind", "::%veth0"], "needs no zone"),
        (["serve", "--bind", "127.0.0.1%lo"], "follows an IPv6 address only"),
    ):
        result = tap.run(TOOL, *arguments, *(["--seconds", "0.1"] if "publish" not in arguments
                                             else ["--count", "1"]))
        assert result.returncode in (1, 2), f"{arguments}: exit status {result.returncode}"
        assert reason in result.stderr, f"{arguments}: {result.stderr!r}"
    if tap.run(TOOL, "bench", "--list").returncode == 0:
        result = tap.run(TOOL, "bench", "--addresses", "127.0.0.1,fe80::1%veth0", "idle-poll")
        assert result.returncode == 2, f"exit status {result.returncode}"
        assert "--addresses fe80::1%veth0: must be an IPv4 address" in result.stderr, result.stderr


# What makes both namespaces known by names, for the bench alone.
NAMED = """
mount -t tmpfs tmpfs /run && mkdir /run/netns && touch /run/netns/near /run/netns/far &&
mount --bind /proc/self/ns/net /run/netns/near && mount --bind "/proc/$1/ns/net" /run/netns/far &&
shift && exec "$@"
"""


def bench(far, *arguments):
    return tap.run("unshare", "--mount", "sh", "-ec", NAMED, "sh", str(far.holder.process.pid), TOOL,
                   "bench", *arguments, "--impl", "socket,regio-epoll", "--seconds", "0.2", "--rounds", "1")


def check_bench(far):
    """Each side on its own interface, whose addresses are found; and both on one."""
    cable = ("--netns", "near,far", "--interface", "veth0,veth1")
    for arguments in ((*cable, "udp-pingpong", "udp-multicast", "tcp-pingpong"),
                      (*cable, "--addresses", "10.78.0.11,10.78.0.12", "udp-pingpong", "udp-multicast"),
                      ("--netns", "near,far", "--addresses", "10.78.0.1,10.78.0.2", "udp-multicast"),
                      ("--interface", "lo", "udp-pingpong", "udp-multicast", "tcp-pingpong")):
        result = bench(far, *arguments, "--verify", "--json", "-")
        assert result.returncode == 0, f"{arguments}: {result.stderr}"
        rows = tap.json.loads(result.stdout)["rows"]
        assert len(rows) == 2 * sum(word.startswith(("udp", "tcp")) for word in arguments), rows
        for row in rows:
            assert "error" not in row and row["ns_per_msg"] > 0, row


def check_bench_refusals(far):
    far._run("ip", "link", "add", "veth5", "type", "veth", "peer", "name", "veth6")
    cable = ["--netns", "near,far"]
    try:
        for arguments, reason in (
            (["--interface", "none0"], "--interface none0: No such device; see `ip link`"),
            ([*cable, "--interface", "veth0,veth0"], "--interface veth0: No such device"),
            (["--interface", "veth5"], "--interface veth5: it has no IPv4 address; give it one"),
            (["--interface", "veth0,"], "--interface veth0,: must be two names"),
            (["--interface", ",veth0"], "--interface ,veth0: must be two names"),
            (["--interface", "lo,lo,lo"], "--interface lo,lo,lo: must be two names"),
            (["--interface", ""], "has 1 to 15 characters"),
            (["--interface", "x" * 16], "has 1 to 15 characters"),
            # On one host what goes from one interface to the other does not leave it.
            (["--interface", "veth0,lo"], "nothing that 10.78.0.1 sends reaches 127.0.0.1"),
            ([*cable, "--addresses", "10.78.0.1,127.0.0.1"], "nothing that 10.78.0.1 sends reaches"),
            (["--addresses", "192.0.2.1,127.0.0.1"], "bind to 192.0.2.1: Cannot assign"),
            (["--interface", "lo", "density"], "density: has a network of its own; leave out"),
            (["--addresses", "127.0.0.1,127.0.0.2", "cores"], "cores: has a network of its own"),
            (["--netns", "near,no-such"], "enter network namespace no-such: No such file"),
        ):
            result = bench(far, "udp-pingpong", *arguments)
            assert result.returncode == 2, f"{arguments}: exit status {result.returncode}"
            assert reason in result.stderr, f"{arguments}: {result.stderr!r}"
    finally:
        far._run("ip", "link", "delete", "veth5")


def main():
    if not tap.enter_namespace(INSIDE):
        print("1..0 # SKIP no network namespace allowed (root or user namespaces needed)")
        return 0
    try:
        far = Far()
    except (tap.Skip, FileNotFoundError, subprocess.SubprocessError) as reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    checks = [(f"load and serve, {protocol[2:]} to {address}",
               lambda address=address, protocol=protocol: check_load(far, address, protocol))
              for address in ("10.78.0.2", "fd78::2", "fe80::2") for protocol in ("--udp", "--tcp")]
    checks += [(f"load and serve, {mode} to {group}{zone % 0 if zone else ''}",
                lambda group=group, zone=zone, bind=bind, mode=mode: check_load_group(
                    far, mode, group, bind, [zone % 0] if zone else [], [zone % 1] if zone else []))
               for group, zone, bind in (("239.255.7.66", "", "10.78.0.1"),
                                         ("ff15::7:66", "", "fd78::11"),
                                         ("ff15::7:66", "%%veth%d", "fd78::1"),
                                         ("ff02::7:66", "", "fe80::1%veth0"),
                                         ("ff02::7:66", "%%veth%d", "fe80::1%veth0"))
               for mode in ("echo", "sink")]
    checks += [(f"a member of {group} is on one interface",
                lambda group=group: check_group_interface(far, group))
               for group in ("239.255.7.69", "ff15::7:69", "ff02::7:69")]
    checks += [("a list of groups and addresses", lambda: check_list_of_groups(far))]
    checks += [("a group that is not reached", lambda: check_group_not_reached(far))]
    checks += [(f"a feed to {group}",
                lambda group=group: check_feed(far, [group, "--interface", "veth0"],
                                               [group, "--interface", "veth1"]))
               for group in ("239.255.1.1:5000", "[ff15::1]:5000", "[ff02::1:7]:5000")]
    checks += [(f"a feed to {group}, its interface named by a zone",
                lambda group=group: check_feed(far, [f"[{group}%veth0]:5000"],
                                               [f"[{group}%veth1]:5000"]))
               for group in ("ff02::1:7", "ff15::1")]
    checks += [(f"a feed to {group} is subscribed to at one interface",
                lambda group=group: check_feed_interface(far, group))
               for group in ("239.255.1.2:5000", "[ff15::2]:5000")]
    checks += [(f"a server on {bind} answers from the address that was asked, {mode}",
                lambda bind=bind, mode=mode: check_any_address(far, bind, mode))
               for bind in ("0.0.0.0", "::") for mode in ("echo", "sink", "source")]
    checks += [("a false sender does not make two servers echo to each other",
                check_false_sender)]
    checks += [(f"an interface that goes is reported, {group}",
                lambda group=group: check_interface_gone(far, group))
               for group in ("239.255.1.9:5000", "[ff15::9]:5000")]
    checks += [("all addresses where IPv6 is turned off", check_no_ipv6)]
    checks += [("a zone is honoured or refused", lambda: check_zones(far))]
    if tap.run(TOOL, "bench", "--list").returncode == 0:
        checks += [("the bench between interfaces", lambda: check_bench(far)),
                   ("an interface that the bench cannot use", lambda: check_bench_refusals(far))]
    return tap.main(checks)


if __name__ == "__main__":
    sys.exit(main())
