#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shells complete what the tool's own help lists, no more and no less; and it fits a terminal.

Usage: completion_test.py TOOL DIRECTORY_OF_THE_SCRIPTS. Prints TAP.
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

TOOL, SCRIPTS = sys.argv[1:3]
SUBCOMMANDS = (["feed", "publish"], ["feed", "subscribe"])

# $1 is the script; the rest are the words of a line, of which the last is completed.
BASH = r"""
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_regio
printf '%s\n' "${COMPREPLY[@]}"
"""

# What zsh's own functions are given, printed: the name of each, then one argument to a line.
ZSH = r"""
setopt no_nomatch
script=$1; shift
_call_program() { shift; "$@" }
_arguments() { print -rl -- "_arguments" "$@" }
_describe() { print -rl -- "_describe" "${(@P)@[-1]}" }
_values() { print -rl -- "_values" "$@" }
words=("$@") CURRENT=$#
source $script
"""


def complete_in_bash(*words):
    result = tap.run("bash", "--norc", "-c", BASH, "bash", os.path.join(SCRIPTS, "regio.bash"),
                     TOOL, *words)
    assert result.returncode == 0 and not result.stderr, f"{words}: {result.stderr}"
    return result.stdout.split()


def complete_in_zsh(*words):
    if not shutil.which("zsh"):
        raise tap.Skip("zsh is not installed")
    path = f"{os.path.dirname(TOOL)}:{os.environ['PATH']}"
    result = tap.run("env", f"PATH={path}", "zsh", "-f", "-c", ZSH, "zsh",
                     os.path.join(SCRIPTS, "_regio"), "regio", *words)
    assert result.returncode == 0 and not result.stderr, f"{words}: {result.stderr}"
    return result.stdout.splitlines()


def output_of(*words):
    result = tap.run(TOOL, *words)
    assert result.returncode == 0, f"{words}: {result.stderr}"
    return result.stdout


def commands():
    return re.findall(r"^  ([a-z]+) ", output_of("help"), re.MULTILINE)


def options(command):
    """name -> what the help calls its value, or ''."""
    return dict(re.findall(r"^  (--[a-z-]+)(?: (\S+))?(?:  |$)", output_of(*command, "--help"), re.MULTILINE))


def listed(heading):
    text = output_of("bench", "--list").split(f"{heading}:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in text.splitlines()]


def all_commands():
    plain = [[name] for name in commands() if name not in ("feed", "help")]
    return plain + [words for words in SUBCOMMANDS if words[0] in commands()]


def same(found, expected, what):
    assert sorted(found) == sorted(expected), f"{what}: {found}, not {expected}"


def bash_completes_commands():
    same(complete_in_bash(""), [*commands(), "--help", "--version"], "commands")
    same(complete_in_bash("ser"), ["serve"], "ser")
    same(complete_in_bash("feed", ""), ["publish", "subscribe", "--help"], "feed")
    same(complete_in_bash("help", ""), commands(), "help")


def bash_completes_options():
    for command in all_commands():
        names = options(command)
        assert "--help" in names
        same(complete_in_bash(*command, "--"), names, " ".join(command))


def bash_completes_values():
    bench = "bench" in commands()
    if bench:
        same(complete_in_bash("bench", ""), listed("cases"), "cases")
        same(complete_in_bash("bench", "--impl", ""), listed("implementations"), "--impl")
        same(complete_in_bash("bench", "--impl", "socket,lim"), ["socket,limit"], "--impl socket,lim")
        assert "lo,lo" in complete_in_bash("bench", "--interface", "lo,l"), "no second interface"
    same(complete_in_bash("serve", ""), ["echo", "sink", "source"], "serve")
    same(complete_in_bash("load", "host", "s"), ["sink", "source"], "load")
    assert complete_in_bash("load", "--json", SCRIPTS + "/_") == [SCRIPTS + "/_regio"], "no files"
    assert "lo" in complete_in_bash("feed", "publish", "--interface", "l"), "no interfaces"
    same(complete_in_bash("load", "--rate", ""), [], "a number")


def zsh_completes_commands():
    found = complete_in_zsh("")
    assert found[0] == "_describe", found
    same([line.split(":")[0] for line in found[1:]], commands(), "commands")
    same(complete_in_zsh("feed", "")[2:], ["publish", "subscribe"], "feed")


def zsh_completes_options():
    for command in all_commands():
        found = [line for line in complete_in_zsh(*command, "--") if line.startswith("--")]
        names = options(command)
        same([line.split("[")[0] for line in found], names, " ".join(command))
        for line in found:
            name, rest = line.split("[", 1)
            takes_value = rest.partition("]")[2].startswith(":")
            assert takes_value == bool(names[name]), f"{line}: {names[name]}"
            assert names[name] != "FILE" or line.endswith("]:file:_files"), line


def help_is_narrow():
    for command in all_commands():
        for line in output_of(*command, "--help").splitlines():
            assert len(line) <= 80, f"{' '.join(command)}: {len(line)} characters: {line}"
    for line in output_of("info").splitlines():
        # A command to fix something is one line, to be copied.
        assert len(line) <= 80 or line.startswith("    "), f"info: {len(line)} characters: {line}"


def main():
    return tap.main([
        ("the help of each command, and info, fit into 80 columns", help_is_narrow),
        ("bash completes commands", bash_completes_commands),
        ("bash completes the options of each command", bash_completes_options),
        ("bash completes values", bash_completes_values),
        ("zsh completes commands", zsh_completes_commands),
        ("zsh completes the options of each command", zsh_completes_options),
    ])


if __name__ == "__main__":
    sys.exit(main())
