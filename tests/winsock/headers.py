#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Windows headers compile alone and beside others, and declare what the library has.

Usage: headers.py SOURCE_ROOT BUILD_ROOT LIBRARY. Prints TAP.
"""
import pathlib
import re
import shutil
import subprocess
import sys

FLAGS = ["-D_WIN32", "-D_WIN64", "-D_DEFAULT_SOURCE", "-Wall", "-Werror", "-fsyntax-only"]
C = [(compiler, standard) for compiler in ("gcc", "clang") for standard in ("c11", "c17")]
CXX = [(compiler, standard) for compiler in ("g++", "clang++") for standard in ("c++11", "c++20")]
STANDARD_C = ("stdio", "stdlib", "string", "math", "time", "errno", "signal", "limits", "stdint")
MINGW = "x86_64-w64-mingw32-gcc"

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


class Headers:
    def __init__(self, source, build):
        self.source = source
        self.directories = [source / "include/regio/winsock", build / "include/regio/winsock"]
        self.own = sorted(self.directories[0].glob("*.h"))
        self.aliases = sorted(self.directories[1].glob("*.[hH]"))

    def compile(self, compiler, standard, text, options=()):
        language = "c++" if "++" in compiler else "c"
        command = [compiler, "-x", language, f"-std={standard}", *FLAGS, *options]
        for directory in self.directories:
            command += ["-I", directory]
        result = subprocess.run(command + ["-"], input=text, capture_output=True, text=True)
        return [f"{compiler} -std={standard}: {result.stderr}"] if result.returncode else []


def alone(headers):
    for compiler, standard in C + CXX:
        name = f"each header compiles alone, {compiler} {standard}"
        if not shutil.which(compiler):
            tell(name, f"{compiler} is not installed")
            continue
        complaints = []
        for header in headers.own:
            text = f"#include <{header.name}>\n#include <{header.name}>\nint main(void) {{ return 0; }}\n"
            complaints += headers.compile(compiler, standard, text)
        tell(name, complaints)


def beside_c(headers):
    standard_headers = "".join(f"#include <{name}.h>\n" for name in STANDARD_C)
    posix = "#include <sys/socket.h>\n#include <netinet/in.h>\n#include <netdb.h>\n#include <sys/select.h>\n"
    windows = "#include <winsock2.h>\n#include <ws2tcpip.h>\n#include <mswsock.h>\n#include <windows.h>\n"
    use = """
int main(void)
{
	struct sockaddr_in name = {0};
	struct timeval at_once = {0, 0};
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	u_long on = 1;
	fd_set set;

	name.sin_addr.S_un.S_addr = INADDR_ANY;
	FD_ZERO(&set);
	FD_SET(s, &set);
	select(0, &set, NULL, NULL, &at_once);
	ioctlsocket(s, FIONBIO, &on);
	return bind(s, (struct sockaddr *)&name, sizeof(name)) + min(1, 2) + max(1, 2);
}
"""
    for compiler, standard in C:
        name = f"they compile beside the standard headers and those of POSIX, {compiler} {standard}"
        if not shutil.which(compiler):
            tell(name, f"{compiler} is not installed")
            continue
        complaints = []
        for order in (
            standard_headers + windows,
            windows + standard_headers,
            posix + windows,
            windows + posix,
        ):
            complaints += headers.compile(compiler, standard, order + use)
        tell(name, complaints)


def beside_cxx(headers):
    text = (headers.source / "tests/winsock/beside.cpp").read_text()
    for compiler, standard in CXX + [("g++", "c++17"), ("clang++", "c++17")]:
        name = f"they compile beside the C++ headers and those of POSIX, {compiler} {standard}"
        if not shutil.which(compiler):
            tell(name, f"{compiler} is not installed")
            continue
        complaints = []
        for order in ((), ("-DWINDOWS_FIRST",), ("-DPOSIX_FIRST",), ("-DPOSIX_LAST",)):
            complaints += headers.compile(compiler, standard, text, order)
        tell(name, complaints)


def reached_cxx(headers):
    """The standard headers of Microsoft's compiler bring <limits>, so programs do not include it."""
    text = "#include <WinSock2.h>\n#include <iostream>\n#include <algorithm>\n"
    text += "int main() { return std::numeric_limits<DWORD>::max() == 0; }\n"
    complaints = []
    for compiler, standard in CXX:
        if shutil.which(compiler):
            complaints += headers.compile(compiler, standard, text)
    tell("they bring the C++ headers that programs rely on", complaints)


def spellings(headers):
    text = "".join(f"#include <{header.name}>\n" for header in headers.aliases)
    complaints = headers.compile("gcc", "c17", text + "int main(void) { return 0; }\n")
    tell(f"the {len(headers.aliases)} other spellings compile", complaints)


def symbols(headers, library):
    declared = set()
    for header in headers.own:
        names = re.findall(r"REGIO_WINSOCK_SYMBOL\((\w+)\)", header.read_text())
        declared.update(name for name in names if name != "name")
    output = subprocess.run(
        ["nm", "--dynamic", "--defined-only", "--format=posix", library],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    exported = {
        line.split("@")[0].split()[0].removeprefix("regio_winsock_")
        for line in output.splitlines()
        if " A " not in line
    }
    different = declared ^ exported
    tell("the library has exactly what the headers declare", [", ".join(sorted(different))] if different else [])


def examples(headers):
    name = "the examples are Windows programs"
    if not shutil.which(MINGW):
        tell(name, f"{MINGW} is not installed")
        return
    complaints = []
    for example in sorted((headers.source / "examples/winsock").glob("*.c")):
        result = subprocess.run(
            [MINGW, "-std=c11", "-D_WIN32_WINNT=0x0602", "-Wall", "-Werror", "-fsyntax-only"]
            + ["-include", headers.source / "tests/winsock/mingw_rio.h", example],
            capture_output=True,
            text=True,
        )
        if result.returncode:
            complaints.append(result.stderr)
    tell(name, complaints)


def main():
    source, build, library = map(pathlib.Path, sys.argv[1:])
    headers = Headers(source, build)
    alone(headers)
    beside_c(headers)
    beside_cxx(headers)
    reached_cxx(headers)
    spellings(headers)
    symbols(headers, library)
    examples(headers)
    print(f"1..{points}")


if __name__ == "__main__":
    main()
