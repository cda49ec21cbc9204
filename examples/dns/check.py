#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests a DNS responder of the examples: usage: check.py PROGRAM.

Asks for names that it has and names that it has not, one by one and many at a time, over IPv4 and
IPv6, and sends it what is no query; then it must still answer.
"""
import random
import socket
import struct
import subprocess
import sys

TIMEOUT_S = 20
BURST = 50
WRONG = 2000
A, AAAA, ANY = 1, 28, 255


def query(number, name, kind, kind_class=1, flags=0x0100, additional=b""):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (struct.pack("!6H", number, flags, 1, 0, 0, 1 if additional else 0) + labels + b"\0"
            + struct.pack("!2H", kind, kind_class) + additional)


def parse(message, sent):
    """The response to what was sent: its code and its addresses."""
    number, flags, questions, answers, *rest = struct.unpack("!6H", message[:12])
    assert number == struct.unpack("!H", sent[:2])[0] and flags & 0x8400 == 0x8400, message
    assert rest == [0, 0], message
    end = message.index(b"\0", 12) + 5 if questions else 12
    assert message[12:end] == sent[12:end], "the question has changed"
    found = []
    for _ in range(answers):
        name, kind, kind_class, ttl, length = struct.unpack("!3HIH", message[end : end + 12])
        assert (name, kind_class, ttl) == (0xC00C, 1, 300), message
        data = message[end + 12 : end + 12 + length]
        found.append(socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, data))
        end += 12 + length
    assert end == len(message), "there is more"
    return flags & 0xF, found


CASES = (
    (("example", A), (0, ["192.0.2.1"])),
    (("www.example", A), (0, ["192.0.2.2", "192.0.2.3"])),
    (("wWw.EXAMPLE", AAAA), (0, ["2001:db8::2"])),
    (("www.example", ANY), (0, ["192.0.2.2", "192.0.2.3", "2001:db8::2"])),
    (("ns.example", A), (0, [])),
    (("nowhere.example", A), (3, [])),
    (("x" * 63 + "." + "y" * 63 + "." + "z" * 63 + "." + "w" * 61, A), (3, [])),
    (("example", A, 3), (5, [])),
    (("example", A, 1, 0x0100, b"\0" + struct.pack("!2HIH", 41, 1232, 0, 0)), (0, ["192.0.2.1"])),
    (("example", A, 1, 0x2000), None),
)


def ask_one_by_one(client):
    for number, (arguments, expected) in enumerate(CASES):
        sent = query(number, *arguments)
        client.send(sent)
        response = client.recv(512)
        if expected is None:
            assert response[:12] == struct.pack("!6H", number, 0xA404, 0, 0, 0, 0), response
        else:
            assert parse(response, sent) == expected, (arguments, response)


def ask_many(client):
    for turn in range(20):
        sent = [query(turn * BURST + i, *CASES[i % 9][0]) for i in range(BURST)]
        for message in sent:
            client.send(message)
        for i, message in enumerate(sent):
            assert parse(client.recv(512), message) == CASES[i % 9][1], i


def send_what_is_no_query(client):
    chance = random.Random(1)
    good = query(0, "www.example", A)
    for turn in range(WRONG // BURST):
        for _ in range(BURST):
            message = bytearray(good)
            for _ in range(chance.randrange(8)):
                message[chance.randrange(len(message))] = chance.randrange(256)
            message[2] |= 0x80 * chance.randrange(2)
            message[0] = 0
            client.send(bytes(message[: chance.randrange(len(message) + 1)]))
        client.send(b"\0" * 5000)
        # What was answered of it comes first: no socket holds more than a burst of either.
        last = query(0xFF00 + turn, "mail.example", A)
        client.send(last)
        response = client.recv(512)
        while response[0] == 0:
            response = client.recv(512)
        assert parse(response, last) == (0, ["192.0.2.4"])


def exchange(program, family, address):
    command = [program, address, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline().split()[1])
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.settimeout(TIMEOUT_S)
                client.connect((address, port))
                ask_one_by_one(client)
                ask_many(client)
                send_what_is_no_query(client)
            if server.poll() is not None:
                sys.exit(f"the server has ended: {server.returncode}")
        finally:
            server.kill()


exchange(sys.argv[1], socket.AF_INET, "127.0.0.1")
exchange(sys.argv[1], socket.AF_INET6, "::1")
