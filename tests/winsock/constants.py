#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each constant of the Windows headers has the value in constants.list, beside every POSIX header.

Usage: constants.py SOURCE_ROOT BUILD_ROOT. Prints TAP. A POSIX header that names one of the
constants is included before the Windows headers and after them, in C and in C++.
"""
import pathlib
import re
import shutil
import subprocess
import sys

LANGUAGES = {
    "gcc": ["-x", "c", "-std=gnu17"],
    "clang": ["-x", "c", "-std=gnu17"],
    "g++": ["-x", "c++", "-std=gnu++17"],
    "clang++": ["-x", "c++", "-std=gnu++17"],
}
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
WINDOWS = ("winsock2.h", "ws2tcpip.h", "mswsock.h", "mstcpip.h", "windows.h", "timeapi.h")
# What the Windows headers include themselves; others are tried beside these.
POSIX = ("sys/types.h", "sys/socket.h", "netinet/in.h", "arpa/inet.h", "netdb.h", "poll.h", "unistd.h")
# These reach a name through other headers, and must be there.
REACHING = ("sys/ioctl.h", "sys/epoll.h", "sys/socket.h", "netinet/in.h", "netinet/tcp.h", "netdb.h", "poll.h")
DIRECTORIES = ("arpa", "asm", "asm-generic", "linux", "net", "netinet", "sys")
MINGW = "x86_64-w64-mingw32-gcc"
# Where a new constant must come into the list.
LISTED = r"(?:SIO|IOC|AI|EAI|NI|SD|ERROR|WAIT)_\w+|WSAE[A-Z]+|INET6?_ADDRSTRLEN|(?:HOST|TRY|NO)_[A-Z_]+"

points = 0


def tell(name, complaints):
    """complaints: a list, or the reason to skip."""
    global points
    points += 1
    if isinstance(complaints, str):
        print(f"ok {points} - {name} # SKIP {complaints}")
        return
    print(f"{'not ok' if complaints else 'ok'} {points} - {name}")
    for line in "\n".join(complaints).splitlines()[:20]:
        print(f"# {line}")


def run(command, text):
    return subprocess.run(command + ["-"], input=text, capture_output=True, text=True)


def including(headers):
    return "".join(f"#include <{header}>\n" for header in headers)


def equal(name, value):
    return f'static_assert((unsigned)({name}) == {value}u, "{name}");\n'


def own_constants(directory):
    """Those that are no macro of a function, and of a kind that is in the list."""
    found = set()
    for header in directory.glob("*.h"):
        found.update(re.findall(rf"^#define ({LISTED}) ", header.read_text(), re.MULTILINE))
    return found


def system_directories():
    text = run(["gcc", "-x", "c", "-E", "-v"], "").stderr
    listed = text.split("#include <...> search starts here:")[1].split("End of search list.")[0]
    return [pathlib.Path(line) for line in listed.split()]


def naming(names):
    """The POSIX headers that define one of the names, or reach one that does."""
    pattern = re.compile(rf"^\s*#\s*define\s+(?:{'|'.join(names)})\b", re.MULTILINE)
    found = set(REACHING)
    for root in system_directories():
        for directory in DIRECTORIES:
            for header in (root / directory).glob("*.h"):
                if pattern.search(header.read_text(errors="replace")):
                    found.add(str(header.relative_to(root)))
    return sorted(found)


class Constants:
    def __init__(self, source, build):
        self.directory = source / "include/regio/winsock"
        self.include = ["-I", self.directory, "-I", build / "include/regio/winsock"]
        lines = (source / "tests/winsock/constants.list").read_text().splitlines()
        entries = [line.split() for line in lines if line and not line.startswith("#")]
        self.windows = {entry[1]: entry[2] for entry in entries if entry[0] != "kernel"}
        self.mingw = {entry[1]: entry[2] for entry in entries if entry[0] == "windows"}
        self.kernel = [entry[1] for entry in entries if entry[0] == "kernel"]

    def kernel_values(self):
        """What the POSIX headers alone say."""
        headers = including(POSIX + ("sys/ioctl.h", "netinet/tcp.h"))
        text = headers + "".join(f'value "{name}" {name}\n' for name in self.kernel)
        output = run(["gcc", "-x", "c", "-E", "-P", "-D_GNU_SOURCE"], text).stdout
        return dict(re.findall(r'^value "(\w+)" (0x[0-9A-Fa-f]+|[0-9]+)$', output, re.MULTILINE))

    def checks(self, kernel):
        text = "#include <assert.h>\n"
        for values in (self.windows, kernel):
            text += "".join(equal(name, value) for name, value in values.items())
        return text


def beside(constants, compiler, headers, checks):
    command = [compiler, *LANGUAGES[compiler], "-D_GNU_SOURCE", "-fsyntax-only"]
    before, after = [], []
    for header in headers:
        other = including([header])
        for order, base, complaints in (
            (other + including(WINDOWS), other + including(POSIX), before),
            (including(WINDOWS) + other, including(POSIX) + other, after),
        ):
            result = run(command + WARNINGS + constants.include, order + checks)
            # A header that does not go with those of POSIX either is nothing to us.
            if result.returncode and (header in REACHING or run(command, base).returncode == 0):
                complaints.append(f"{header}: {result.stderr}")
    tell(f"no POSIX header before changes a constant, {compiler}", before)
    tell(f"no POSIX header after changes a constant, {compiler}", after)


def mingw(constants):
    name = "those of mingw-w64 are the same"
    if not shutil.which(MINGW):
        tell(name, f"{MINGW} is not installed")
        return
    text = "#include <assert.h>\n" + including(WINDOWS[:-1] + ("mmsystem.h",))
    for constant, value in constants.mingw.items():
        text += f"#ifdef {constant}\n{equal(constant, value)}#endif\n"
    result = run([MINGW, "-x", "c", "-std=gnu17", "-D_WIN32_WINNT=0x0A00", "-fsyntax-only"], text)
    tell(name, [result.stderr] if result.returncode else [])


def main():
    source, build = map(pathlib.Path, sys.argv[1:])
    constants = Constants(source, build)
    missing = own_constants(constants.directory) - constants.windows.keys()
    tell("each constant is in the list", [f"not in the list: {name}" for name in sorted(missing)])
    mingw(constants)
    kernel = constants.kernel_values()
    missing = sorted(set(constants.kernel) - kernel.keys())
    tell("the POSIX headers have the names that are the kernel's", [f"no value: {name}" for name in missing])
    headers = naming(sorted(constants.windows.keys() | kernel.keys()))
    for compiler in LANGUAGES:
        if shutil.which(compiler):
            # What a header names, one preprocessor tells; the others take those that matter most.
            few = REACHING if compiler.startswith("clang") else headers
            beside(constants, compiler, few, constants.checks(kernel))
        else:
            tell(f"no POSIX header changes a constant, {compiler}", f"{compiler} is not installed")
    print(f"1..{points}")


if __name__ == "__main__":
    main()
