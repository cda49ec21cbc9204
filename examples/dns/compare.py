#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the three DNS responders under dnsperf, which Debian has a package of: CPU time of the
responder for each request, in interleaved rounds."""
import argparse
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

NAMES = ("dns_sendto", "dns_mmsg", "dns_slots")
QUERIES = "example A\nwww.example A\nwww.example AAAA\nmail.example A\nnone.example A\n"


def cpu_ns(process):
    """What the process has used so far."""
    with open(f"/proc/{process.pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def pinned(cpu):
    """The responder on the last processor, its clients on the others."""
    return lambda: os.sched_setaffinity(0, cpu)


def measure(program, options, queries, cpus):
    """CPU time for a request, and requests per second, of one run."""
    command = ["dnsperf", "-d", queries, "-s", "127.0.0.1", "-l", str(options.seconds),
               "-c", str(options.clients), "-q", str(options.outstanding)]
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True,
                          preexec_fn=pinned(cpus[-1:])) as responder:
        try:
            port = responder.stdout.readline().split()[1]
            before = cpu_ns(responder)
            output = subprocess.run([*command, "-p", port], capture_output=True, text=True,
                                    check=True, timeout=options.seconds + 60,
                                    preexec_fn=pinned(cpus[:-1] or cpus)).stdout
            used = cpu_ns(responder) - before
        finally:
            responder.kill()
    completed = int(re.search(r"Queries completed:\s+(\d+)", output).group(1))
    rate = float(re.search(r"Queries per second:\s+([\d.]+)", output).group(1))
    return used / completed, rate


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("directory", type=pathlib.Path,
                        help="has the programs dns_sendto, dns_mmsg and dns_slots")
    parser.add_argument("--seconds", type=int, default=2, help="of each run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--outstanding", type=int, default=256, help="requests at a time")
    return parser.parse_args()


def main():
    options = arguments()
    cpus = sorted(os.sched_getaffinity(0))
    runs = {name: [] for name in NAMES}
    if not shutil.which("dnsperf"):
        sys.exit("dnsperf is not installed; Debian: apt-get install dnsperf")
    with tempfile.NamedTemporaryFile("w", suffix=".queries") as queries:
        queries.write(QUERIES)
        queries.flush()
        for _ in range(options.rounds):
            for name in NAMES:
                runs[name].append(measure(options.directory / name, options, queries.name, cpus))
    print(f"{options.clients} clients, {options.outstanding} requests outstanding, "
          f"{options.rounds} interleaved rounds of {options.seconds} s; medians\n")
    print(f"{'':12}{'CPU ns a request':>18}{'least':>8}{'most':>8}{'ratio':>7}{'requests/s':>12}")
    reference = statistics.median(cost for cost, _ in runs["dns_mmsg"])
    for name in NAMES:
        costs = [cost for cost, _ in runs[name]]
        rate = statistics.median(rate for _, rate in runs[name])
        middle = statistics.median(costs)
        print(f"{name:12}{middle:18.0f}{min(costs):8.0f}{max(costs):8.0f}"
              f"{middle / reference:7.2f}{rate:12.0f}")


# An exception ends the responders, which the default action would leave.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
