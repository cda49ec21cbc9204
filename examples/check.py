#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests an echo server of the examples: usage: check.py PROGRAM.

Sends messages of several lengths in rounds and expects each back, in order. The
server is told to end after the last one.
"""
import socket
import subprocess
import sys

ROUNDS = 20
MESSAGES = 50  # of one round: less than the slots of the server
TIMEOUT_S = 20


def exchange(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT_S)
        client.connect(("127.0.0.1", port))
        for turn in range(ROUNDS):
            sent = [f"{turn}:{i}".encode().ljust(16 + 90 * turn) for i in range(MESSAGES)]
            for message in sent:
                client.send(message)
            for message in sent:
                if client.recv(4096) != message:
                    sys.exit(f"round {turn}: expected {message!r}")


def main():
    command = [sys.argv[1], "0", str(ROUNDS * MESSAGES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            exchange(int(server.stdout.readline().split()[1]))
            sys.exit(server.wait(TIMEOUT_S))
        finally:
            server.kill()


main()
