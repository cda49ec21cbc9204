# SPDX-License-Identifier: MIT
"""Instructions of a program, counted by callgrind."""
import os
import re
import shutil
import subprocess
import tempfile

import tap

PATIENCE_S = 280


def instructions(functions, *command):
    """Those of 'command' inside the functions, a pattern of callgrind, and what they call."""
    if not shutil.which("valgrind"):
        raise tap.Skip("there is no valgrind")
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out")
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--toggle-collect={functions}",
             f"--callgrind-out-file={out}", *map(str, command)],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr[-500:]}"
        with open(out, encoding="ascii") as file:
            return int(re.search(r"^totals: (\d+)", file.read(), re.MULTILINE).group(1))
