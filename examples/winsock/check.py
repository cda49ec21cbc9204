#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a Registered I/O example against real traffic and checks what it says.

Usage: check.py PROGRAM. What is sent, and what must come back, goes by the name.
"""
import os
import re
import socket
import subprocess
import sys

TIMEOUT_S = 60
MESSAGES = 2000
WINDOW = 16
UNANSWERED = 200
CONNECTIONS = 12


def udp_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(TIMEOUT_S)
    s.bind(("127.0.0.1", 0))
    return s


def message(number, length):
    return number.to_bytes(8, "little") + bytes((number + i) & 0xFF for i in range(length - 8))


def echo_udp(ports):
    """Messages of many lengths, a window of them at a time, come back as they were."""
    s = udp_socket()
    for first in range(0, MESSAGES, WINDOW):
        sent = {message(n, 8 + n % 1000) for n in range(first, first + WINDOW)}
        for data in sent:
            s.sendto(data, ("127.0.0.1", ports[0]))
        assert {s.recv(65536) for _ in sent} == sent
    return f"echoed {MESSAGES}"


def send_udp(ports):
    """No more than the socket holds, should the receiver not run meanwhile."""
    s = udp_socket()
    total = 0
    for n in range(UNANSWERED):
        data = message(n, 8 + n % 500)
        total += len(data)
        s.sendto(data, ("127.0.0.1", ports[0]))
    return f"received {UNANSWERED}, {total} bytes, 0 empty wake-ups"


def acknowledge_udp(ports):
    """Each of the sockets acknowledges each message to its sender."""
    s = udp_socket()
    per_socket = MESSAGES // len(ports)
    for n in range(per_socket):
        for port in ports:
            s.sendto(message(n, 100), ("127.0.0.1", port))
        seen = sorted(s.recvfrom(65536) for _ in ports)
        assert [data for data, _ in seen] == [n.to_bytes(8, "little")] * len(ports)
        assert {address[1] for _, address in seen} == set(ports)
    return f"acknowledged {per_socket * len(ports)}"


def echo_tcp(ports):
    """Connections side by side, each with streams longer than a buffer."""
    connections = [
        socket.create_connection(("127.0.0.1", ports[0]), TIMEOUT_S) for _ in range(CONNECTIONS)
    ]
    total = 0
    for round_number in range(20):
        for number, connection in enumerate(connections):
            data = message(round_number * CONNECTIONS + number, 5000)
            connection.sendall(data)
            back = b""
            while len(back) < len(data):
                part = connection.recv(65536)
                assert part, "the server closed"
                back += part
            assert back == data
            total += len(data)
    for connection in connections:
        connection.close()
    return f"connections {CONNECTIONS}, echoed {total} bytes"


# name: (traffic, argument, ports it prints)
EXAMPLES = {
    "udp_echo_polled": (echo_udp, MESSAGES, 1),
    "udp_receive_event": (send_udp, UNANSWERED, 1),
    "udp_echo_port": (echo_udp, MESSAGES, 1),
    "udp_many_deferred": (acknowledge_udp, MESSAGES, 8),
    "tcp_echo_accept": (echo_tcp, CONNECTIONS, 1),
    "tcp_echo_acceptex": (echo_tcp, CONNECTIONS, 1),
}


def main():
    program = sys.argv[1]
    traffic, argument, ports_count = EXAMPLES[os.path.basename(program)]
    process = subprocess.Popen([program, str(argument)], stdout=subprocess.PIPE, text=True)
    try:
        ports = [
            int(re.fullmatch(r"port (\d+)\n", process.stdout.readline()).group(1))
            for _ in range(ports_count)
        ]
        expected = traffic(ports)
        said = process.communicate(timeout=TIMEOUT_S)[0].strip()
    finally:
        process.kill()
        process.wait()
    if process.returncode == 0 and (said == expected or said == expected + ", 0 empty wake-ups"):
        return
    sys.exit(f"status {process.returncode}; expected: {expected}; it said: {said}")


if __name__ == "__main__":
    main()
