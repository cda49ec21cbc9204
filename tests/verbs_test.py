#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A verb of ./run that another program does ends with SIGTERM, and the program with it. What cannot
be meant is refused before anything is built.

Usage: verbs_test.py ROOT. Of a copy of ./run: the programs are such as run until they are ended, and
what looks for packages, or builds, does nothing. Prints TAP.
"""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
import alive  # noqa: E402
import tap  # noqa: E402

ROOT = pathlib.Path(sys.argv[1])
TOOL = "build/tools/regio/regio"
PROGRAMS = {
    "demo": TOOL,
    "bench udp-stream": TOOL,
    "dns": "examples/dns/compare.py",
    "soak": "build/tests/soak/soak",
    "fuzz": "tests/fuzz/fuzz",
    "mutants": "tests/mutants/run",
    "witness": "tests/winsock/witness.py",
    "stress": "tests/stress",
    "distros": "tests/platforms/distros",
    "package": "tests/platforms/packages",
    "kernels": "tests/platforms/kernels",
    "kernels --architecture arm64": "tests/platforms/kernels",
    "adapters": "tests/platforms/adapters",
    "faults": "build/tests/test-faults",
}


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def make_tree(root, program, pipe):
    """Every package is installed, and every build succeeds."""
    shutil.copy(ROOT / "run", root / "run")
    write_program(root / "bin/dpkg-query", "#!/bin/sh\necho installed\n")
    for name in ("bin/meson", "tests/platforms/fetch"):
        write_program(root / name, "#!/bin/sh\n")
    # As set up, so that it is not made anew.
    (root / "build/meson-info").mkdir(parents=True)
    (root / "build/build.ninja").touch()
    (root / "build/meson-info/meson-info.json").write_text(f'"{root.resolve()}"')
    (root / "build-arm64-packages").mkdir()
    shutil.copy(ROOT / "tests/platforms/cross.ini.in", root / "tests/platforms")
    write_program(root / program, f"#!/bin/sh\nexec {sys.executable} {alive.__file__} {pipe}\n")


def end(directory, pipe, count, *words):
    """Runs a verb of the copy, until so many programs are up; returns what SIGTERM makes of it."""
    started = subprocess.Popen(
        ["env", f"PATH={directory}/bin:/usr/bin:/bin", f"{directory}/run", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        pipe.expect(count)
        started.send_signal(signal.SIGTERM)
        status = started.wait(alive.PATIENCE_S)
    finally:
        started.kill()
        started.wait()
    pipe.expect_end()
    return status


def check(verb, program):
    def run():
        with tempfile.TemporaryDirectory() as directory:
            pipe = alive.Alive(f"{directory}/alive")
            make_tree(pathlib.Path(directory), program, pipe.path)
            status = end(directory, pipe, 1, *verb.split())
            assert status == -signal.SIGTERM, f"exit status {status}"

    return run


def check_packages_here():
    """The program of the verb is itself, and what it runs has something run in turn."""
    with tempfile.TemporaryDirectory() as directory:
        root, pipe = pathlib.Path(directory), alive.Alive(f"{directory}/alive")
        make_tree(root, "bin/build", pipe.path)
        # A signal that comes just when Python has read is seen only after the next read.
        write_program(root / "bin/dpkg-buildpackage", "#!/bin/sh\nbuild >/dev/null &\nwait\n")
        write_program(root / "bin/git", "#!/bin/sh\ntar -cf - -T /dev/null\n")
        for name in ("packages", "roots.py"):
            shutil.copy(ROOT / "tests/platforms" / name, root / "tests/platforms")
        status = end(directory, pipe, 1, "package", "--here", "--quick")
        assert status == 1, f"exit status {status}"


def check_dns():
    """A responder, and what asks it."""
    with tempfile.TemporaryDirectory() as directory:
        root, pipe = pathlib.Path(directory), alive.Alive(f"{directory}/alive")
        make_tree(root, "bin/stay", pipe.path)
        write_program(root / "build/examples/dns/dns_sendto",
                      "#!/bin/sh\necho port 1\nexec stay\n")
        write_program(root / "bin/dnsperf", "#!/bin/sh\nexec stay >/dev/null\n")
        (root / "examples/dns").mkdir(parents=True)
        shutil.copy(ROOT / "examples/dns/compare.py", root / "examples/dns")
        status = end(directory, pipe, 2, "dns")
        assert status == 1, f"exit status {status}"


def check_refused():
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        (root / "tests/platforms").mkdir(parents=True)
        make_tree(root, "bin/none", root / "none")
        write_program(root / "bin/meson", "#!/bin/sh\n: >>built\nexit 1\n")
        for words in (["nosuch"], ["test", "quick"], ["clean", "build"], ["fuzz", "1", "nosuch"]):
            ended = subprocess.run(
                ["env", f"PATH={root}/bin:/usr/bin:/bin", root / "run", *words],
                cwd=root, check=False, stderr=subprocess.PIPE, text=True)
            assert ended.returncode == 2 and ended.stderr.count("\n") == 1, (words, ended.stderr)
            assert words[-1] in ended.stderr, (words, ended.stderr)
        assert not (root / "built").exists(), "something was built"


if __name__ == "__main__":
    sys.exit(tap.main([(f"./run {verb} ends with what it runs", check(verb, program))
                       for verb, program in PROGRAMS.items()]
                      + [("./run package --here ends with what builds", check_packages_here),
                         ("./run dns ends with its responders", check_dns),
                         ("./run refuses what cannot be meant, in one line", check_refused)]))
