#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tools that make bindings read the headers as they are.

Usage: bindings_test.py HEADER FLAT_HEADER LIBRARY. Prints TAP.
"""
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

HEADER, FLAT, LIBRARY = map(os.path.abspath, sys.argv[1:4])


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def functions():
    return re.findall(r"^REGIO_API .*?\b(regio_\w+)\(", text_of(HEADER), re.MULTILINE)


def numbers():
    """name -> value of the constants of regio.h."""
    found = re.findall(r"^#define (REGIO_\w+)\s+(0x[0-9A-Fa-f]+|\d+)[uUlL]*\b", text_of(HEADER),
                       re.MULTILINE)
    return {name: int(value, 0) for name, value in found}


def structures():
    return re.findall(r"^struct (\w+) \{", text_of(HEADER), re.MULTILINE)


def sizes_by(include):
    """What the compiler says of the structures that a header declares."""
    lines = ["#include <stddef.h>", "#include <stdint.h>", f'#include "{include}"',
             "#include <stdio.h>", "int main(void) {"]
    lines += [f'printf("{name} %zu\\n", sizeof(struct {name}));' for name in structures()]
    lines += [f'printf("{name} %llu\\n", (unsigned long long){name});' for name in numbers()]
    with tempfile.TemporaryDirectory() as directory:
        source, program = os.path.join(directory, "probe.c"), os.path.join(directory, "probe")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join([*lines, "return 0; }", ""]))
        result = tap.run("cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", source, "-o",
                         program)
        assert result.returncode == 0, result.stderr
        return tap.run(program).stdout.splitlines()


def flat_has_everything():
    flat = text_of(FLAT)
    assert len(functions()) >= 25 and len(numbers()) >= 20
    for name in functions():
        assert re.search(rf"^\w[\w ]*\*?\b{name}\(", flat, re.MULTILINE), f"no {name}"
    for line in flat.splitlines():
        assert not line.startswith("#") or line.startswith("#define REGIO_"), line
    assert "REGIO_API" not in flat and "STATIC_ASSERT" not in flat


def flat_is_the_same():
    assert sizes_by(FLAT) == sizes_by(HEADER)


def cffi_reads_it():
    try:
        import cffi
    except ImportError as missing:
        raise tap.Skip("cffi is not installed") from missing
    ffi = cffi.FFI()
    ffi.cdef(text_of(FLAT))
    library = ffi.dlopen(LIBRARY)
    for name in functions():
        assert getattr(library, name), name
    for name, value in numbers().items():
        assert getattr(library, name) == value, name
    major, minor = library.REGIO_VERSION_MAJOR, library.REGIO_VERSION_MINOR
    assert library.regio_version() >> 8 == major << 8 | minor
    info = ffi.new("struct regio_engine_info *")
    assert library.regio_engine_get_info(0, info, ffi.sizeof("struct regio_engine_info")) == 0
    assert ffi.string(info.name)


def bindgen_reads_it():
    if not shutil.which("bindgen"):
        raise tap.Skip("bindgen is not installed")
    result = tap.run("bindgen", "--no-doc-comments", HEADER)
    assert result.returncode == 0, result.stderr
    for name in functions():
        assert f"pub fn {name}(" in result.stdout, f"no {name}"
    found = dict(re.findall(r"pub const (REGIO_\w+): [ui]\d+ = (-?\d+);", result.stdout))
    # A number of all ones is -1 to it, which `as u64` makes what it is.
    assert {name: int(value) % 2**64 for name, value in found.items()} == numbers(), found


def main():
    return tap.main([
        ("the flat header has every function, and only numbers for macros", flat_has_everything),
        ("the compiler finds the same structures and numbers in both", flat_is_the_same),
        ("cffi reads the flat header, and calls the library", cffi_reads_it),
        ("bindgen reads regio.h", bindgen_reads_it),
    ])


if __name__ == "__main__":
    sys.exit(main())
