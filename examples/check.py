#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests an echo server of the examples: usage: check.py udp|loopback|unordered|tcp PROGRAM [endless].

Sends messages of several lengths in rounds and expects each back, in order, on
several connections at a time for TCP. "loopback" is a UDP server of one address,
"unordered" one of several threads. The server ends after the last one, or, if it is endless, must still run.
"""
import socket
import subprocess
import sys

ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.1.2.3")
ROUNDS = 20
MESSAGES = 50  # of one round: less than the slots of the server
CONNECTIONS = 20
TIMEOUT_S = 20


def exchange_udp(port):
    # The server is asked at one address of this host after the other, and answers from it.
    for address in ADDRESSES:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(TIMEOUT_S)
            client.connect((address, port))
            client.send(address.encode())
            if client.recv(4096) != address.encode():
                sys.exit(f"{address}: expected its name")
    exchange_loopback(port)


def exchange_rounds(port, in_order):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT_S)
        client.connect(("127.0.0.1", port))
        for turn in range(ROUNDS):
            sent = [f"{turn}:{i}".encode().ljust(16 + 90 * turn) for i in range(MESSAGES)]
            for message in sent:
                client.send(message)
            received = [client.recv(4096) for _ in sent]
            for message, echo in zip(in_order(sent), in_order(received)):
                if echo != message:
                    sys.exit(f"round {turn}: expected {message!r}, not {echo!r}")


def exchange_loopback(port):
    exchange_rounds(port, in_order=list)


def exchange_unordered(port):
    exchange_rounds(port, in_order=sorted)


def receive(client, length):
    data = b""
    while len(data) < length:
        part = client.recv(length - len(data))
        if not part:
            sys.exit(f"the stream ended with {length - len(data)} bytes missing")
        data += part
    return data


def exchange_tcp(port):
    clients = [socket.create_connection(("127.0.0.1", port), TIMEOUT_S) for _ in range(CONNECTIONS)]
    for turn in range(ROUNDS):
        sent = [f"{turn}:{i}".encode().ljust(16 + 2000 * turn) for i in range(CONNECTIONS)]
        for client, message in zip(clients, sent):
            client.sendall(message)
        for client, message in zip(clients, sent):
            if receive(client, len(message)) != message:
                sys.exit(f"round {turn}: not what was sent")
    for client in clients:
        client.shutdown(socket.SHUT_WR)
        if client.recv(1) != b"":
            sys.exit("more came back than was sent")
        client.close()


def main():
    protocol, program, *endless = sys.argv[1:]
    exchange, limit = {
        "udp": (exchange_udp, ROUNDS * MESSAGES + len(ADDRESSES)),
        "loopback": (exchange_loopback, ROUNDS * MESSAGES),
        "unordered": (exchange_unordered, ROUNDS * MESSAGES),
        "tcp": (exchange_tcp, CONNECTIONS),
    }[protocol]
    command = [program, "0"] + ([] if endless else [str(limit)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            exchange(int(server.stdout.readline().split()[1]))
            if not endless:
                sys.exit(server.wait(TIMEOUT_S))
            if server.poll() is not None:
                sys.exit(f"the server has ended: {server.returncode}")
        finally:
            server.kill()


main()
