# SPDX-License-Identifier: MIT
"""Fresh minimal roots of Debian suites, made with mmdebstrap, and commands that run inside."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STEP_TIMEOUT_S = 3600

# In new namespaces of mounts and processes, so that all of it ends with the command, or with this
# program, when the kernel kills the first process of the namespace.
CONTAIN = ["setpriv", "--pdeathsig", "KILL",
           "unshare", "--mount", "--pid", "--fork", "--kill-child"]

# The kernel's promise to kill the first process is void once that belongs to another user: so the
# shell stays the first, and has more to do after chroot.
ENTER = """
root=$1 user=$2 directory=$3
shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
chroot --userspec="$user:$user" "$root" /usr/bin/env -i "HOME=$directory" "USER=$user" \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
	sh -c 'cd && exec "$@"' sh "$@"
exit 0
"""


class Root:
    """A root in a directory of 'work'; logs of its steps are beside it."""

    def __init__(self, work, suite, name):
        self.work = work
        self.suite = suite
        self.name = name
        self.directory = work / name

    def make(self, mirror, packages):
        shutil.rmtree(self.directory, ignore_errors=True)
        # A mirror that stands still is as good as another here: its signatures are checked.
        made = subprocess.run(
            [*CONTAIN, "--mount-proc", "mmdebstrap", "--quiet", "--mode=root",
             "--variant=minbase", f"--include={packages}",
             '--aptopt=Acquire::Check-Valid-Until "false"', self.suite, self.directory,
             f"deb {mirror} {self.suite} main"],
            check=False)
        if made.returncode:
            sys.exit(f"making a root of {self.suite} failed, see above: is there a suite of that "
                     "name, and can its mirror be reached?")

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def add_user(self, user):
        self.run("root", ["useradd", "--create-home", "--user-group", "--shell", "/bin/sh", user])

    def home(self, user):
        return self.directory / ("root" if user == "root" else f"home/{user}")

    def run(self, user, command, log=None):
        """The exit status and the output of a command, which 'log' keeps."""
        home = "/root" if user == "root" else f"/home/{user}"
        try:
            # All that runs inside ends with it.
            result = subprocess.run(
                [*CONTAIN, "sh", "-ec", ENTER, "sh", self.directory, user, home, *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", check=False, timeout=STEP_TIMEOUT_S)
            status, output = result.returncode, result.stdout
        except subprocess.TimeoutExpired as expired:
            status = "timed out"
            output = (expired.stdout or b"").decode(errors="replace")
        if log:
            (self.work / f"{self.name}-{log}.log").write_text(output)
        return status, output


def check_means(verb, suites):
    """Ends the program where roots cannot be made, or a suite is none."""
    if os.geteuid() != 0:
        sys.exit(f"{verb}: making roots needs root; sudo ./run {verb}")
    for suite in suites:
        if not re.fullmatch(r"[a-z]+", suite):
            sys.exit(f"{verb}: {suite}: no name of a Debian suite, such as trixie")


def mirror_address():
    return subprocess.run([HERE / "mirror"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def warn_of_changes(verb):
    if subprocess.run(["git", "-C", ROOT, "status", "--porcelain"], check=True,
                      stdout=subprocess.PIPE).stdout:
        print(f"{verb}: what is not committed is left out", file=sys.stderr)
