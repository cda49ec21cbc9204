# SPDX-License-Identifier: MIT
"""The tables of docs/PLATFORMS.md, each between '<!-- COMMAND -->' and '<!-- end -->'."""
import pathlib

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "PLATFORMS.md"


def write_rows(command, head, rows, order=()):
    """Replaces the rows of these names in the table that 'command' makes; others are kept."""
    text = PAGE.read_text()
    start, end = f"<!-- {command} -->\n", "<!-- end -->\n"
    before, rest = text.split(start)
    table, after = rest.split(end, 1)
    kept = {line.split("|")[1].strip(): line for line in table.splitlines()[2:]}
    for row in rows:
        kept[row[0]] = "| " + " | ".join(row) + " |"
    names = sorted(kept, key=lambda name: order.index(name) if name in order else len(order))
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [kept[name] for name in names]
    PAGE.write_text(before + start + "\n".join(lines) + "\n" + end + after)
