#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark runs every case on every implementation, and what it says is whole.

Usage: bench_smoke.py TOOL. Short rounds with each message verified; no figure of
time is looked at. Prints TAP.
"""
import json
import os
import pwd
import re
import select
import shutil
import subprocess
import sys
import tempfile

CASES = ("udp-stream", "udp-mixed", "udp-pingpong", "udp-wait", "udp-paced", "udp-fanin",
         "udp-sockets", "udp-multicast", "tcp-stream", "tcp-bulk", "tcp-pingpong", "tcp-echo", "idle-poll",
         "core-cost", "slots-udp", "slots-tcp")
# Two threads that hand over to each other, on a machine where others are at work: give them time.
SLOW_CASES = ("udp-nodefer",)
ALWAYS = ("case", "impl", "ns_per_msg", "counted")
DISORDER = ("duplicated", "reordered", "corrupted")


# System calls of one round trip, on each side: what the two programs say themselves.
CALLS_OF_A_ROUND_TRIP = {"socket": 2, "epoll": 3}


class Skip(Exception):
    """Why a check cannot be made here."""


def run(tool, *arguments, **options):
    return subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=600, **options)


def whole(rows):
    """What is wrong with the rows of a verified run."""
    for row in rows:
        name = f"{row.get('case')}/{row.get('impl')}"
        if "error" in row:
            yield f"{name}: {row['error']}"
            continue
        for field in ALWAYS:
            if field not in row:
                yield f"{name}: no {field}"
        for field in DISORDER:
            if row.get(field, 0) != 0:
                yield f"{name}: {row[field]} {field}"
        if not row.get("ns_per_msg", 0) > 0:
            yield f"{name}: nothing was measured"
        if row.get("case") == "udp-paced" and row.get("rate") != 100000:
            yield f"{name}: rate {row.get('rate')}"


def once_more(tool, row):
    """A side that got no time in a short window: what is wrong with a longer one."""
    result = run(tool, "bench", row["case"], "--impl", row["impl"], "--sockets", "4", "--seconds", "2",
                 "--rounds", "1", "--verify", "--json", "-")
    return list(whole(json.loads(result.stdout)["rows"]))


def check_cases(tool, cases, seconds):
    result = run(tool, "bench", *cases, "--sockets", "4", "--seconds", seconds, "--rounds", "1",
                 "--verify", "--json", "-")
    if not result.stdout:
        return [f"exit status {result.returncode}: {result.stderr.strip()}"]
    report = json.loads(result.stdout)
    starved = [row for row in report["rows"] if row.get("error") == "no message arrived"]
    problems = list(whole(row for row in report["rows"] if row not in starved))
    for row in starved:
        problems += once_more(tool, row)
    if result.returncode != (1 if starved else 0):
        problems.append(f"exit status {result.returncode}: {result.stderr.strip()}")
    seen = {row["case"] for row in report["rows"]}
    if seen != set(cases):
        problems.append(f"rows for {sorted(seen)} only")
    # When and where: a figure without them cannot be compared with another.
    for field in ("date", "regio_version", "kernel", "cpu_model"):
        if not report["host"].get(field):
            problems.append(f"host has no {field}")
    for left_out in report.get("left_out", ()):
        if not left_out["reason"]:
            problems.append(f"{left_out['impl']}: left out, and no reason given")
    return problems


def check_run(tool):
    return check_cases(tool, CASES, "0.1") + check_cases(tool, SLOW_CASES, "0.5")


def check_density(tool):
    """Namespaces of its own: hosts, queues of which few are active, nobody is left out."""
    result = run(tool, "bench", "density", "--hosts", "1,3", "--sockets", "8", "--active", "6", "--rate", "1000",
                 "--flood", "4000", "--seconds", "0.2", "--rounds", "1", "--verify", "--json", "-")
    if "cannot make network namespaces" in result.stderr:
        raise Skip("network namespaces are not allowed")
    if result.returncode != 0:
        return [f"exit status {result.returncode}: {result.stderr.strip()}"]
    rows = json.loads(result.stdout)["rows"]
    problems = list(whole(rows))
    seen = {(row["hosts"], row["sockets"], row["active"]) for row in rows}
    if seen != {(1, 8, 6), (3, 24, 6)}:
        problems.append(f"hosts, queues, active queues: {sorted(seen)}")
    for row in rows:
        name = f"{row['impl']} with {row['hosts']} hosts"
        if row["impl"] == "machine":
            if {"fairness", "open_ms", "queue_bytes", "bar_hosts"} & set(row) or "worst_us" not in row:
                problems.append(f"the machine alone: {row}")
            continue
        # Bursts of one host in the window may be one more than those of another.
        if not 0.5 < row.get("fairness", 0) <= 1.0001:
            problems.append(f"{name}: a fairness of {row.get('fairness')}")
        for field in ("open_ms", "close_ms", "queue_bytes", "p50_us", "worst_us"):
            if not row.get(field, -1) >= 0:
                problems.append(f"{name}: no {field}")
        if (row["hosts"] > 1) != ("bar_hosts" in row) or row.get("bar_hosts", {}).get("than_hosts", 1) != 1:
            problems.append(f"{name}: {row.get('bar_hosts')} in comparison with one host")
        elif "bar_hosts" in row:
            problems += wrong_bar(row["bar_hosts"])
    return problems


def wrong_bar(bar):
    """What is wrong with a bar: it is decided where all of its interval is on one side."""
    low, high, most = bar.get("low"), bar.get("high"), bar.get("most")
    wanted = "undecided"
    if low is not None and not low <= bar["ratio"] <= high:
        yield f"a ratio outside of its interval: {bar}"
    if low is not None and high <= most:
        wanted = "yes"
    elif low is not None and low > most:
        wanted = "no"
    if bar.get("decided") != wanted or bar["compared"] != "p999_us" or (bar["rounds"] < 6) != (low is None):
        yield f"not {wanted}: {bar}"


def links():
    with open("/proc/net/dev", encoding="ascii") as file:
        return file.read().count(":")


def check_hosts_end(tool):
    """Nothing is left in this namespace, and no process, when the bench is killed."""
    before = links()
    with subprocess.Popen([tool, "bench", "density", "--hosts", "4", "--sockets", "2", "--impl", "epoll",
                           "--seconds", "60", "--rounds", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as program:
        # The length of the run is said when the hosts can be made.
        for line in program.stdout:
            if "row: about" in line:
                break
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(program.pid)], capture_output=True,
                                  text=True, check=False).stdout.split()
        ends = [os.pidfd_open(int(child)) for child in children]
        program.kill()
        errors = program.stderr.read()
    if "cannot make network namespaces" in errors:
        raise Skip("network namespaces are not allowed")
    if not children:
        return ["no process keeps the hosts"]
    for end in ends:
        if not select.select([end], [], [], 60)[0]:
            return [f"of {children} some are left"]
        os.close(end)
    return [] if links() == before else [f"{links()} interfaces, not {before}"]


def check_hosts_refused(tool):
    """Where there may be no more namespaces, the bench ends, and names the first that is missing."""
    if subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, check=False).returncode:
        raise Skip("user namespaces are not allowed")
    problems = []
    for limit, missing in ((0, "the server"), (1, "host 1")):
        result = run("unshare", "--user", "--map-root-user", "sh", "-c",
                     f'echo {limit} >/proc/sys/user/max_net_namespaces && exec "$@"', "sh", tool, "bench", "density",
                     "--hosts", "2", "--sockets", "2", "--impl", "epoll", "--seconds", "0.1", "--rounds", "1")
        if result.returncode not in (1, 2):
            problems.append(f"exit status {result.returncode} with {limit} namespaces")
        if f"network namespace of {missing} (sysctl user.max_net_namespaces): No space left" not in result.stderr:
            problems.append(f"with {limit} namespaces: {result.stderr.strip()}")
    return problems


def check_jitter(tool):
    with tempfile.TemporaryDirectory() as directory:
        picture = os.path.join(directory, "a.svg")
        plot = ["--plot", picture] if shutil.which("gnuplot") else []
        result = run(tool, "bench", "jitter", "--load", "5", "--impl",
                     "epoll,regio-epoll,epoll-again,machine", "--seconds", "0.6", "--rounds", "8", "--verify", "--json", "-", *plot)
        if result.returncode != 0:
            return [f"exit status {result.returncode}: {result.stderr.strip()}"]
        rows = json.loads(result.stdout)["rows"]
        problems = list(whole(rows))
        if [(row["load_per_cent"], row["flood"]) for row in rows] != [(5, 0)] * 4 + [(5, "all")] * 4:
            problems.append(f"{[(row['load_per_cent'], row['flood']) for row in rows]}")
        if len({row["rate"] for row in rows}) != 1:
            problems.append("the rate is not the same for all")
        for row in rows:
            times = [time for _, time in row.get("percentiles_us", ())]
            if not times or times != sorted(times) or times[-1] > row["worst_us"] * 1.01:
                problems.append(f"{row['impl']}: percentiles {times}, worst {row.get('worst_us')}")
            than = {"regio-epoll": "bar_peers", "epoll-again": "control"}.get(row["impl"])
            if than and row.get(than, {}).get("than") != "epoll":
                problems.append(f"{row['impl']}: not compared with its peer: {row}")
        # It has no bar, is none for others, and receives on time.
        for machine in rows[3::4]:
            if machine["impl"] != "machine" or machine["lost"] or {"bar_peers", "control"} & set(machine):
                problems.append(f"the machine alone: {machine}")
        # Where the control differs from what it repeats, nothing is decided.
        for regio, control in zip(rows[1::4], rows[2::4]):
            low, high = control["control"].get("low"), control["control"].get("high")
            if low is None or low <= 1 <= high:
                problems += wrong_bar(regio["bar_peers"])
            elif regio["bar_peers"]["decided"] != "undecided":
                problems.append(f"decided beside a control of {low} to {high}")
        if plot:
            with open(picture, encoding="utf-8") as file:
                text = file.read()
            problems += [f"no curve of {name}" for name in ("epoll", "regio-epoll") if name not in text]
    return problems


def check_cores(tool):
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("there is one processor")
    result = run(tool, "bench", "cores", "--rate", "2000", "--seconds", "0.2", "--rounds", "1", "--json", "-")
    if result.returncode != 0:
        return [f"exit status {result.returncode}: {result.stderr.strip()}"]
    rows = json.loads(result.stdout)["rows"]
    # What came to another CPU's worker would count as reordered.
    problems = list(whole(rows))
    if {row["workers"] for row in rows} != {1, 2}:
        problems.append(f"workers: {[row['workers'] for row in rows]}")
    return problems


def wrong_calls(row):
    """What is wrong with the counts of a ping-pong that sleeps, where every call is known."""
    wanted = CALLS_OF_A_ROUND_TRIP[row["impl"]]
    for side in ("tx", "rx"):
        calls = row.get(f"{side}_syscalls_per_msg", 0)
        empty = row.get(f"{side}_empty_calls_per_msg", -1)
        # The window begins and ends somewhere inside a round trip.
        if abs(calls - wanted) > 0.3:
            yield f"{row['impl']}: {calls} calls on {side}, not {wanted}"
        if not 0 <= empty < 0.1:
            yield f"{row['impl']}: {empty} empty calls on {side}"


def check_counts(tool, user):
    result = run(tool, "bench", "udp-wait", "idle-poll", "--impl", "socket,epoll", "--seconds", "0.2",
                 "--rounds", "1", "--json", "-", user=user)
    if result.returncode != 0:
        return [f"exit status {result.returncode}: {result.stderr.strip()}"]
    report = json.loads(result.stdout)
    problems = []
    for row in report["rows"]:
        if row["case"] == "udp-wait":
            problems += wrong_calls(row)
            continue
        # What ends a run is found once by recv, and by every poll of epoll from then on.
        empty = ("empty_calls_per_msg",) if row["impl"] == "socket" else ()
        for field in ("syscalls_per_msg", *empty):
            if abs(row.get(field, 0) - 1) > 0.1:
                problems.append(f"idle-poll of {row['impl']}: {field} {row.get(field)}")
    if user and report["host"]["calls_counted_by"] != "ptrace":
        problems.append("an ordinary user counted by " + report["host"]["calls_counted_by"])
    return problems


def check_calls(tool):
    return check_counts(tool, None)


def check_calls_of_a_user(tool):
    """The other way of counting, which is what an ordinary user gets."""
    if os.geteuid() != 0:
        raise Skip("only root can become an ordinary user")
    nobody = pwd.getpwnam("nobody").pw_uid
    try:
        run(tool, "--version", user=nobody)
    except PermissionError:
        raise Skip("an ordinary user cannot get at the tool")
    return check_counts(tool, nobody)


def check_call_cost(tool):
    result = run(tool, "bench", "udp-wait", "--impl", "socket,regio-epoll,regio-thread", "--seconds",
                 "0.2", "--rounds", "1", "--call-cost", "20000", "--json", "-")
    if result.returncode != 0:
        return [f"exit status {result.returncode}: {result.stderr.strip()}"]
    report = json.loads(result.stdout)
    problems = list(whole(report["rows"]))
    for field in ("empty_call_ns", "empty_costly_call_ns", "call_cost_ns"):
        if field not in report["host"]:
            problems.append(f"host has no {field}")
    return problems


def check_batches(tool):
    result = run(tool, "bench", "udp-stream", "udp-wait", "--impl", "socket,limit", "--batch", "8,64",
                 "--seconds", "0.2", "--rounds", "1", "--json", "-")
    report = json.loads(result.stdout)
    problems = list(whole(report["rows"]))
    rows = [(row["case"], row["impl"], row["batch"]) for row in report["rows"]]
    # A case without commits is run once.
    wanted = [("udp-stream", impl, batch) for batch in (8, 64) for impl in ("socket", "limit")]
    if rows[:4] != wanted or len(rows) != 5:
        problems.append(f"rows are {rows}")
    # Before anything else is said.
    if not result.stderr.startswith("5 rows: about "):
        problems.append(f"no length of the run: {result.stderr.strip()}")
    return problems


def check_widths(tool):
    """No line of a table is broken by a terminal of its width."""
    problems = []
    for width in (80, 100):
        result = run(tool, "bench", "udp-paced", "udp-sockets", "--seconds", "0.2", "--rounds", "2",
                     "--impl", "socket,epoll,regio-thread", "--call-cost", "1000",
                     env={**os.environ, "COLUMNS": str(width)})
        lines = result.stdout.splitlines()
        if result.returncode != 0 or not any(line.startswith("  epoll ") for line in lines):
            problems.append(f"exit status {result.returncode}: {result.stderr.strip()}")
        problems += [f"{len(line)} characters, not {width}: {line}" for line in lines
                     if len(line) > width]
        # Figures that no table has are not explained.
        if "of these, calls that found nothing" not in result.stdout or "fairness" in result.stdout:
            problems.append("the figures that are explained are others than those shown")
        if width == 80 and not any(line.startswith("  no room for: ") for line in lines):
            problems.append("nothing says what has found no room")
    problems += [f"--list: {len(line)} characters, not 80: {line}"
                 for line in run(tool, "bench", "--list").stdout.splitlines() if len(line) > 80]
    return problems


def check_growth(tool, path):
    """Groups that differ in one parameter are curves over it; two are bars, and so is what differs
    in more."""
    problems = []
    for sizes, batches, axes in (("64,128,256", "8", ["bytes of a message"]),
                                 ("64", "1,8,64", ["messages in a commit"]),
                                 ("64,128", "8", []),
                                 ("64,128", "1,8,64", ["messages in a commit"] * 2)):
        result = run(tool, "bench", "udp-stream", "--impl", "mmsg,regio-epoll", "--size", sizes,
                     "--batch", batches, "--seconds", "0.02", "--rounds", "1", "--plot", path)
        with open(path, encoding="utf-8") as file:
            picture = file.read()
        found = re.findall("bytes of a message|messages in a commit", picture)
        if result.returncode != 0 or result.stderr:
            problems.append(f"--size {sizes} --batch {batches}: exit status {result.returncode}: "
                            f"{result.stderr.strip()}")
        elif found != axes:
            problems.append(f"--size {sizes} --batch {batches}: axes {found}, not {axes}")
    return problems


def check_plots(tool):
    if not shutil.which("gnuplot"):
        raise Skip("there is no gnuplot")
    problems = []
    with tempfile.TemporaryDirectory() as directory:
        for name, start in (("a.svg", b"<?xml"), ("b.PNG", b"\x89PNG")):
            path = os.path.join(directory, name)
            result = run(tool, "bench", "udp-nodefer", "udp-paced", "--impl", "socket,regio-epoll",
                         "--rate", "20000", "--seconds", "0.2", "--rounds", "2", "--plot", path)
            with open(path, "rb") as file:
                picture = file.read()
            if result.returncode != 0 or result.stderr:
                problems.append(f"{name}: exit status {result.returncode}: {result.stderr.strip()}")
            elif not picture.startswith(start):
                problems.append(f"{name}: not a picture of its kind")
            elif name == "a.svg" and b"64 bytes, 20,000 messages/s" not in picture:
                problems.append(f"{name}: does not say at what rate messages were sent")
        problems += check_growth(tool, os.path.join(directory, "growth.svg"))
        for name in ("c.jpg", "png", "no/such/directory/d.png"):
            path = os.path.join(directory, name)
            result = run(tool, "bench", "udp-wait", "--plot", path)
            # Refused at once: nothing has run.
            if result.returncode != 2 or result.stdout or not result.stderr.strip():
                problems.append(f"{name}: exit status {result.returncode}, not refused")
            if os.path.exists(path):
                problems.append(f"{name}: left behind")
    return problems


def check_nodes(tool):
    """`regio info` shows each NUMA node as the kernel describes it."""
    base = "/sys/devices/system/node"
    names = os.listdir(base) if os.path.isdir(base) else []
    wanted = {}
    for number in sorted(int(name[4:]) for name in names if name[4:].isdigit()):
        with open(f"{base}/node{number}/cpulist", encoding="ascii") as file:
            wanted[number] = file.read().strip()
    if not wanted:
        raise Skip("the kernel names no node")
    nodes = json.loads(run(tool, "info", "--json").stdout)["machine"]["nodes"]
    problems = []
    if {node["node"]: node["processors"] for node in nodes} != wanted:
        problems.append(f"{nodes} are shown, not {wanted}")
    problems += [f"a node without memory: {node}" for node in nodes
                 if not node["memory_kib"] >= node["free_kib"] >= 0]
    if run(tool, "info").stdout.count("NUMA node ") != len(wanted):
        problems.append("the text does not show them all")
    return problems


def check_refusals(tool):
    problems = []
    for arguments in (["bench", "no-such-case"], ["bench", "--size", "0"], ["bench", "--impl", "x"],
                      ["bench", "--seconds", "-1"], ["bench", "--call-cost", "0"],
                      ["bench", "--dear-calls", "0"],
                      ["bench", "--batch", "8,0"],
                      ["bench", "density", "--hosts", "65"], ["bench", "density", "--size", "16"],
                      ["bench", "density", "--hosts", "64", "--sockets", "200"],
                      ["bench", "jitter", "--load", "101"], ["bench", "cores", "--workers", "5"],
                      ["bench", "--batch", "8,"],
                      ["no-such-command"], ["info", "--no-such"]):
        result = run(tool, *arguments)
        if result.returncode != 2 or not result.stderr.strip():
            problems.append(f"{arguments}: exit status {result.returncode}, no reason given")
    return problems


def main():
    checks = (
        ("every case runs, verified, and reports whole rows", check_run),
        ("hosts have queues of a server, and all get through", check_density),
        ("hosts end with a bench that is killed", check_hosts_end),
        ("hosts that cannot be made are named", check_hosts_refused),
        ("percentiles at shares of the capacity, alone and beside a flood", check_jitter),
        ("messages stay with the workers of their processors", check_cores),
        ("system calls are counted, and those that found nothing", check_calls),
        ("those of an ordinary user are counted with ptrace", check_calls_of_a_user),
        ("system calls are made costly", check_call_cost),
        ("each number of --batch is a run, and the length of all is printed first", check_batches),
        ("tables fit into 80 and 100 columns", check_widths),
        ("pictures are drawn, or refused before anything has run", check_plots),
        ("the NUMA nodes are shown", check_nodes),
        ("bad arguments are refused with a reason", check_refusals),
    )
    failed = False
    print(f"1..{len(checks)}")
    for number, (name, check) in enumerate(checks, 1):
        try:
            problems = check(sys.argv[1])
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}")
            continue
        failed = failed or bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
