#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual pages have what there is: an example with each function, that compiles; each error that
the header names; each case and implementation of the benchmark; each option of the help; each field
of the JSON output.

Usage: manual_test.py SOURCE TOOL COMPILER... TOOL may be empty: it was not built. Prints TAP.
"""
import pathlib
import re
import subprocess
import sys

HEADERS = ("err.h", "errno.h", "poll.h", "regio_slots.h", "stdint.h", "stdio.h", "string.h",
           "sys/socket.h", "unistd.h")
# A call that gives a field its name, which is its first string.
NAMING = re.compile(r'(?:cJSON_Add\w+ToObject|\b(?!netlink_|add_text)\w*add_\w+)\(\s*[^"();]*?"(\w+)"', re.DOTALL)
NAMES_OF_VALUES = re.compile(r'\[VALUE_\w+\] = "(\w+)"')
# Whose fields a page has, as patterns of files.
JSON = {
    "regio.1": ("bench/*.c", "tools/regio/info.c"),
    "regio-load.1": ("tools/regio/load/*.c", "tools/regio/latency.c", "tools/regio/identity.c"),
    "regio-feed.1": ("tools/regio/feed/*.c", "tools/regio/latency.c", "tools/regio/identity.c"),
}


# Which commands a page is for; each lists its options in its help.
COMMANDS = {
    "regio.1": ("info", "bench"),
    "regio-load.1": ("serve", "load"),
    "regio-feed.1": ("feed publish", "feed subscribe"),
}


def examples_of(page):
    """The section, and the programs in it."""
    section = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", page, re.MULTILINE | re.DOTALL)
    text = section.group(1) if section else ""
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.MULTILINE | re.DOTALL)
    return [block.replace("\\e", "\\") for block in blocks]


def pages_of_functions(source):
    """The name of each page of section 3, and the names of its functions."""
    build = (source / "man/meson.build").read_text()
    for page, names in re.findall(r"'(regio_\w+)': \[\n(.*?)\]", build, re.DOTALL):
        yield page, [page, *re.findall(r"'(\w+)'", names)]


def check_functions(source, _tool, _compiler):
    """Each function has an example in the page of its name"""
    for page, names in pages_of_functions(source):
        code = "".join(examples_of((source / "man" / f"{page}.3").read_text()))
        for name in names:
            declared = any(
                re.search(rf"^REGIO_API.*\b{name}\(", header.read_text(), re.MULTILINE)
                for header in (source / "include").glob("*.h"))
            if declared and f"{name}(" not in code:
                yield f"{page}.3: {name}() has no example"


def check_errors(source, _tool, _compiler):
    """Each error that the header names for a function is in its page"""
    headers = "".join(header.read_text() for header in sorted((source / "include").glob("*.h")))
    for page, names in pages_of_functions(source):
        shown = set(re.findall(r"\bE[A-Z0-9]+\b", (source / "man" / f"{page}.3").read_text()))
        for name in names:
            comment = re.search(rf"/\*\n \* {name} - .*?\*/", headers, re.DOTALL)
            for error in sorted(set(re.findall(r"-(E[A-Z0-9]+)", comment[0] if comment else ""))):
                if error not in shown:
                    yield f"{page}.3: {error} of {name}() is not there"


def check_examples(source, _tool, compiler):
    """The examples of the pages compile"""
    for page in sorted((source / "man").glob("*.3")):
        code = "".join(f"#include <{header}>\n" for header in HEADERS)
        code += "".join(examples_of(page.read_text()))
        result = subprocess.run(
            [*compiler, "-xc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
             "-fsyntax-only", f"-I{source / 'include'}", "-"],
            input=code, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode:
            yield f"{page.name}: {result.stderr}"


def check_bench(source, tool, _compiler):
    """Each case and implementation that the benchmark lists is in its page"""
    if not tool:
        return
    listed = subprocess.run([tool, "bench", "--list"], capture_output=True, text=True, timeout=300,
                            check=True).stdout
    page = (source / "man/regio.1").read_text()
    for name in re.findall(r"^  (\S+)", listed, re.MULTILINE):
        if f".It Cm {name}\n" not in page:
            yield f"regio.1: {name} is not there"


def check_options(source, tool, _compiler):
    """Each option that the help of a command lists is in its page"""
    if not tool:
        return
    for name, commands in COMMANDS.items():
        page = (source / "man" / name).read_text()
        for command in commands:
            usage = subprocess.run([tool, *command.split(), "--help"], capture_output=True, text=True,
                                   timeout=300, check=False).stdout
            options = set(re.findall(r"^ +--([a-z-]+)", usage, re.MULTILINE))
            if not options:
                yield f"{command}: its help lists no option"
            for option in sorted(options - {"help"}):
                if f"Fl -{option}" not in page:
                    yield f"{name}: --{option} of {command} is not there"


def check_json(source, _tool, _compiler):
    """Each field of the JSON output is in the page of its command"""
    for name, patterns in JSON.items():
        page = (source / "man" / name).read_text()
        shown = set(re.findall(r"\w+", " ".join(re.findall(r"^\.(?:It |Pq )?Va .*", page, re.M))))
        for path in (path for pattern in patterns for path in sorted(source.glob(pattern))):
            text = path.read_text()
            for field in sorted({*NAMING.findall(text), *NAMES_OF_VALUES.findall(text)} - shown):
                yield f"{name}: {field} of {path.name} is not there"


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    checks = (check_functions, check_errors, check_examples, check_bench, check_options,
              check_json)
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        faults = list(check(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
        for fault in faults:
            print("#", fault.replace("\n", "\n# "))
        print(f"{'not ' if faults else ''}ok {number} - {check.__doc__}")


main()
