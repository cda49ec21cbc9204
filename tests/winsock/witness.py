#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what calls of Winsock do here, on each engine, with another implementation: Wine.

Usage: witness.py SOURCE_ROOT BUILD_ROOT. Prints the differences, each with its verdict from
witness/verdicts.list. Fails if one has no verdict, or a verdict has no difference.

Or: witness.py --native PROGRAM SOURCE_ROOT. Runs only the program built here, and fails if it is not
as the verdicts say. Prints TAP.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MINGW = ["x86_64-w64-mingw32-gcc", "-std=gnu11", "-O1"]
NATIVE = ["gcc", "-std=gnu17", "-O1", "-D_WIN32", "-D_WIN64", "-D_DEFAULT_SOURCE"]
ENGINES = ("epoll", "uring", "auto+thread")
WINE = ("wine64", "wine", "/usr/lib/wine/wine64")
PATIENCE_S = 300


def fail(text):
    print(f"witness: {text}", file=sys.stderr)
    sys.exit(1)


def observe(command, environment):
    """The observations by name, of a program that prints one in each line."""
    result = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=PATIENCE_S
    )
    found = {}
    for line in result.stdout.splitlines():
        name, separator, observed = line.rpartition(": ")
        if separator:
            found[name] = observed.strip()
    if result.returncode or not found:
        fail(f"{command[-1]} ended with {result.returncode}: {result.stderr.strip()[-500:]}")
    return found


def read_verdicts(path):
    verdicts = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, here, there, right, page = (field.strip() for field in line.split("|", 4))
            verdicts[name] = (here, there, right, page)
    return verdicts


def build(source, build_root, directory):
    program = source / "tests/winsock/witness/calls.c"
    windows, native = directory / "calls.exe", directory / "calls"
    library = build_root / "src/winsock"
    subprocess.run(MINGW + ["-o", windows, program, "-lws2_32", "-lmswsock"], check=True)
    subprocess.run(
        NATIVE
        + ["-I", source / "include/regio/winsock", "-I", build_root / "include/regio/winsock"]
        + ["-o", native, program, "-L", library, "-lregio-winsock"]
        + [f"-Wl,-rpath,{library}", f"-Wl,-rpath,{build_root / 'src'}"],
        check=True,
    )
    return windows, native


def compare(engine, here, there, verdicts, used):
    """Prints the differences. Returns how many have no verdict."""
    missing = 0
    for name in sorted(here.keys() | there.keys()):
        ours, theirs = here.get(name, "nothing"), there.get(name, "nothing")
        if ours == theirs:
            continue
        verdict = verdicts.get(name, ("", "", "", ""))
        known = verdict[:2] == (ours, theirs)
        missing += not known
        used.add(name)
        said = f"{verdict[2]} is right: {verdict[3]}" if known else "NO VERDICT"
        print(f"{engine}: {name}: here {ours}; Wine {theirs}; {said}")
    return missing


def check_native(program, source):
    here = observe([program], {})
    verdicts = read_verdicts(pathlib.Path(source) / "tests/winsock/witness/verdicts.list")
    wrong = [name for name, verdict in verdicts.items() if here.get(name) != verdict[0]]
    print(f"1..1\n{'not ok' if wrong else 'ok'} 1 - calls do what the verdicts say")
    for name in wrong:
        print(f"# {name}: {here.get(name)}, not {verdicts[name][0]}")


def main():
    if sys.argv[1] == "--native":
        check_native(*sys.argv[2:])
        return
    source, build_root = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    wine = next((shutil.which(name) for name in WINE if shutil.which(name)), None)
    if not wine or not shutil.which(MINGW[0]):
        fail("it needs gcc-mingw-w64-x86-64 and wine64")
    verdicts = read_verdicts(source / "tests/winsock/witness/verdicts.list")
    used, missing = set(), 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        directory = pathlib.Path(name)
        windows, native = build(source, build_root, directory)
        there = observe([wine, windows], {"WINEPREFIX": str(directory / "wine"), "WINEDEBUG": "-all"})
        for engine in ENGINES:
            here = observe([native], {"REGIO_ENGINE": engine})
            missing += compare(engine, here, there, verdicts, used)
    unused = sorted(verdicts.keys() - used)
    for name in unused:
        print(f"no difference any more: {name}")
    print(f"{len(there)} observations, {len(used)} differences, {missing} without a verdict")
    sys.exit(1 if missing or unused else 0)


if __name__ == "__main__":
    main()
