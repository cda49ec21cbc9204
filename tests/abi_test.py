#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What programs were built against is what tests/abi.list says.

Each library with its exported symbols and their versions, each public structure with its size and
the place and size of each field, each public constant with its value. A change here is one that
programs notice: an addition is written down with --write, anything else wants a new version. The
symbols of the Debian packages, in debian/, are those of the list.

Usage: abi_test.py INCLUDE_DIRECTORY LIST LIBRARY... [--write]. Prints TAP.
"""
import glob
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

DIRECTORY, LIST = sys.argv[1:3]
HEADERS = sorted(glob.glob(os.path.join(DIRECTORY, "*.h")))
WRITE = sys.argv[-1] == "--write"
LIBRARIES = [argument for argument in sys.argv[3:] if argument != "--write"]

COMMENT = re.compile(r"[ \t]*/\*.*?\*/", re.DOTALL)
STRUCTURE = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
CONSTANT = re.compile(r"^#define (REGIO_(?!VERSION)\w+) -?\d\w*$", re.MULTILINE)
# The last name of a declaration, or the one that a function pointer has.
FIELD = re.compile(r"\(\*(\w+)\)\s*\(|(\w+)\s*(?:\[\w+\])?$")


def output(*command):
    result = tap.run(*command)
    assert result.returncode == 0, f"{' '.join(command)}: {result.stderr}"
    return result.stdout


def probe():
    """A program that prints the structures and the constants of the headers."""
    text = ""
    for header in HEADERS:
        with open(header, encoding="utf-8") as file:
            text += COMMENT.sub("", file.read())
    lines = [f"#include <{os.path.basename(header)}>" for header in HEADERS]
    lines += ["#include <stdio.h>", "int main(void) {"]
    for name, body in STRUCTURE.findall(text):
        lines.append(f'printf("struct {name}: %zu bytes\\n", sizeof(struct {name}));')
        for declaration in body.split(";")[:-1]:
            field = next(filter(None, FIELD.search(declaration.strip()).groups()))
            lines.append(
                f'printf("struct {name}.{field}: %zu bytes at %zu\\n",'
                f" sizeof(((struct {name} *)0)->{field}), offsetof(struct {name}, {field}));")
    for name in CONSTANT.findall(text):
        lines.append(f'printf("{name}: %#llx\\n", (unsigned long long){name});')
    return "\n".join([*lines, "return 0; }", ""])


def structures_and_constants():
    with tempfile.TemporaryDirectory() as directory:
        source, program = os.path.join(directory, "probe.c"), os.path.join(directory, "probe")
        with open(source, "w", encoding="utf-8") as file:
            file.write(probe())
        output("cc", "-I", DIRECTORY, source, "-o", program)
        return output(program).splitlines()


def soname(library):
    return re.search(r"SONAME.*\[(.*)\]", output("readelf", "-dW", library)).group(1)


def symbols(library):
    name = soname(library)
    table = output("nm", "--dynamic", "--defined-only", "--with-symbol-versions", "--format=posix", library)
    lines = [line.split() for line in table.splitlines()]
    # Version nodes are absolute symbols (A), not functions.
    return sorted(f"{name}: {line[0]}" for line in lines if line[1] != "A")


def find():
    found = structures_and_constants()
    for library in LIBRARIES:
        found += symbols(library)
    return found


def check(found, belongs):
    with open(LIST, encoding="utf-8") as file:
        expected = [line for line in file.read().splitlines() if belongs(line)]
    found = [line for line in found if belongs(line)]
    assert expected, "the list has none"
    gone = [f"gone: {line}" for line in expected if line not in found]
    new = [f"new: {line}" for line in found if line not in expected]
    assert not gone and not new, "\n".join(gone + new)
    assert found == expected, "the order has changed"


def check_packages():
    with open(LIST, encoding="utf-8") as file:
        listed = set(file.read().splitlines())
    paths = glob.glob(os.path.join(os.path.dirname(LIST), "..", "debian", "*.symbols"))
    assert paths, "debian/ has no file of symbols"
    wrong = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            name, *lines = file.read().splitlines()
        name = name.split()[0]
        entries = (re.match(r" (\w\S*)@(\S+) ", line) for line in lines)
        # A node of versions stands among them as a symbol of itself.
        packaged = {f"{name}: {entry[1]}@@{entry[2]}" for entry in entries
                    if entry and entry[1] != entry[2]}
        expected = {line for line in listed if line.startswith(f"{name}: ")}
        assert expected, f"the list has none of {name}"
        wrong += [f"enter in debian/{os.path.basename(path)}: {line}" for line in expected - packaged]
        wrong += [f"gone, but in debian/{os.path.basename(path)}: {line}" for line in packaged - expected]
    assert not wrong, "\n".join(sorted(wrong))


def main():
    found = find()
    # The list has all libraries; some may not be built.
    given = tuple(f"{soname(library)}: " for library in LIBRARIES)
    if WRITE:
        with open(LIST, "w", encoding="utf-8") as file:
            file.write("\n".join([*found, ""]))
        return 0
    return tap.main([
        ("structures are as large as they were, and their fields where they were",
         lambda: check(found, lambda line: line.startswith("struct "))),
        ("constants have their values", lambda: check(found, lambda line: line.startswith("REGIO_"))),
        ("libraries have their names, and symbols their versions",
         lambda: check(found, lambda line: line.startswith(given))),
        ("the packages have these symbols", check_packages),
    ])


if __name__ == "__main__":
    sys.exit(main())
