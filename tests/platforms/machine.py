# SPDX-License-Identifier: MIT
"""Virtual machines that run programs of this tree on kernels of Debian, from memory alone.

A machine is a kernel unpacked from its package, an initial ramdisk with programs of a build
directory and the libraries they need, and a script to run. What it prints comes over its serial
console. KVM is used where there is one, else QEMU's own emulation (TCG), ten to thirty times slower.
"""
import concurrent.futures
import contextlib
import dataclasses
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NEEDED = re.compile(r"\((NEEDED)\).*\[(.*)\]")
KVM = "kvm"
TCG = "tcg,thread=multi"
# virtio has segments of UDP (USO) from QEMU 8.2 on.
EMULATOR_SUITE = "trixie"
INTERPRETER = re.compile(r"program interpreter: (.*)\]")


class Trouble(Exception):
    """What a person can act on: the step, the cause, the remedy."""


def log(text):
    print(text, file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """How Debian, the kernel and QEMU call a kind of processor, and where its console is."""

    debian: str
    triplet: str
    emulator: str
    emulator_package: str
    console: str
    options: tuple = ()
    has_nodes: bool = True

    @property
    def library_directories(self):
        """Below the root of a system of this kind."""
        return (f"lib/{self.triplet}", f"usr/lib/{self.triplet}", "lib64", "lib")


ARCHITECTURES = {
    architecture.debian: architecture
    for architecture in (
        Architecture("amd64", "x86_64-linux-gnu", "qemu-system-x86_64", "qemu-system-x86",
                     "ttyS0"),
        Architecture("arm64", "aarch64-linux-gnu", "qemu-system-aarch64", "qemu-system-arm",
                     "ttyAMA0", ("-machine", "virt")),
        Architecture("s390x", "s390x-linux-gnu", "qemu-system-s390x", "qemu-system-s390x",
                     "ttysclp0", has_nodes=False),
    )
}


def native_architecture():
    return subprocess.run(["dpkg", "--print-architecture"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def fetch(suite, architecture, directory, *packages, pattern=None):
    """Unpacks packages of a suite; installs nothing."""
    command = [HERE / "fetch"] + (["--with", pattern] if pattern else [])
    result = subprocess.run(command + [suite, architecture, directory, *packages], check=False)
    if result.returncode:
        raise Trouble(f"{', '.join(packages)} of {suite} ({architecture}): could not be fetched")


def described(program):
    return subprocess.run(["readelf", "-ld", program], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout


def interpreter_of(program):
    """None for a library, and for a program without one."""
    found = INTERPRETER.search(described(program))
    return found[1] if found else None


# ---- Kernels ----


class Kernel:
    """A kernel of a Debian suite, unpacked in 'directory'."""

    def __init__(self, suite, architecture, directory):
        fetch(suite, architecture, directory, f"linux-image-{architecture}", pattern="^linux-")
        self.directory = directory
        self.image = self._find(["boot/vmlinu[xz]-*", "usr/lib/modules/*/vmlinuz"])
        modules = self._find(["usr/lib/modules/*", "lib/modules/*"])
        self.release = modules.name
        # modprobe looks in lib/modules, and newer packages have only usr/lib/modules.
        if not (directory / "lib").exists():
            (directory / "lib").symlink_to("usr/lib")

    def _find(self, patterns):
        found = [path for pattern in patterns for path in sorted(self.directory.glob(pattern))]
        if not found:
            raise Trouble(f"{self.directory}: the package of the kernel has no {patterns[0]}")
        return found[-1]

    def modules(self, names):
        """The files of these modules and of those they depend on, in the order of loading."""
        subprocess.run(["depmod", "-b", self.directory, self.release], check=True)
        files = []
        for name in names:
            shown = subprocess.run(
                ["modprobe", "-d", self.directory, "-S", self.release, "--show-depends", name],
                check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if shown.returncode:
                raise Trouble(f"Linux {self.release}: {shown.stderr.strip()}")
            for line in shown.stdout.splitlines():
                word = line.split()
                if word[0] == "insmod" and pathlib.Path(word[1]) not in files:
                    files.append(pathlib.Path(word[1]))
        return files


def unpacked(path):
    """The bytes of a module, which may be compressed."""
    tools = {".xz": ["xz", "-dc"], ".zst": ["zstd", "-qdc"], ".gz": ["gzip", "-dc"]}
    tool = tools.get(path.suffix)
    if not tool:
        return path.read_bytes()
    return subprocess.run(tool + [path], check=True, stdout=subprocess.PIPE).stdout


# ---- Initial ramdisks ----


class Ramdisk:
    """A tree of files that a machine starts from."""

    DIRECTORIES = ("bin", "dev", "etc", "modules", "proc", "run", "sys", "tmp", "var")

    def __init__(self, directory):
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)

    def make_habitable(self, busybox, system, architecture):
        """'system' is the root of what has the architecture's libraries, a shell, and ip."""
        for name in self.DIRECTORIES:
            (self.directory / name).mkdir(exist_ok=True)
        self.write("etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        self.write("etc/group", "root:x:0:\nnogroup:x:65534:\n")
        self.write("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        self.add(busybox, "bin/busybox")
        self.add(HERE / "init", "init")
        # The shell of busybox takes its own ip first, which does not make all kinds of links.
        for source, name in (("bin/dash", "bin/sh"), ("bin/ip", "bin/ip")):
            self.add_program(system / source, name, {system: ""}, architecture.library_directories)

    def write(self, name, text, mode=0o644):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def add(self, source, name):
        target = self.directory / name
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def add_program(self, source, name, roots, directories):
        """A program with its interpreter and its libraries.

        Those are looked for in these directories of each of the 'roots', and keep their place there
        below what the root is called in the machine.
        """
        self.add(source, name)
        interpreter = interpreter_of(source)
        if interpreter:
            self._add_found(interpreter.lstrip("/"), roots, ("",))
        for _, library in NEEDED.findall(described(source)):
            self._add_found(library, roots, directories)

    def _add_found(self, library, roots, directories):
        for directory in directories:
            for root, prefix in roots.items():
                source = root / directory / library
                if source.exists():
                    name = f"{prefix}/{directory}/{library}".replace("//", "/").lstrip("/")
                    if not (self.directory / name).exists():
                        self.add_program(source.resolve(), name, roots, directories)
                    return
        raise Trouble(f"{library}: not found below {', '.join(map(str, roots))}")

    def add_modules(self, kernel, names):
        order = []
        for path in kernel.modules(names):
            name = path.name.split(".ko")[0] + ".ko"
            order.append(name)
            target = self.directory / "modules" / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(unpacked(path))
        self.write("modules/order", "".join(name + "\n" for name in order))

    def packed(self):
        """The tree as the kernel reads it (Documentation/driver-api/early-userspace)."""
        # Sorted: a directory before what is in it.
        names = sorted(path.relative_to(self.directory).as_posix()
                       for path in self.directory.rglob("*"))
        packed = subprocess.run(
            ["cpio", "--quiet", "--null", "-o", "-H", "newc", "-R", "0:0"], cwd=self.directory,
            input="\0".join(names).encode(), check=True, stdout=subprocess.PIPE).stdout
        return gzip.compress(packed, 1)


# ---- Machines ----


class Emulator:
    """QEMU for an architecture, unpacked in 'directory' with the libraries it needs."""

    DEPENDENCIES = "^(lib|qemu|seabios|ipxe|zlib)"
    DATA = ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu")

    def __init__(self, architecture, directory):
        native = native_architecture()
        fetch(EMULATOR_SUITE, native, directory, architecture.emulator_package,
              pattern=self.DEPENDENCIES)
        program = directory / "usr/bin" / architecture.emulator
        # Its own interpreter, for libraries of another suite than this machine's. What belongs
        # into /lib64 is in /usr/lib64 there, before the links that the package base-files makes.
        self.command = [directory / "usr" / interpreter_of(program).lstrip("/"), "--library-path",
                        directory / "usr/lib" / ARCHITECTURES[native].triplet, program]
        self.architecture = architecture
        for name in self.DATA:
            self.command += ["-L", directory / name]
        self.command += ["-accel", KVM if self._has_kvm(native) else TCG, "-cpu", "max"]

    def _has_kvm(self, native):
        """Whether it works: a device of that name may be one that starts no machine."""
        if self.architecture.debian != native or not os.access("/dev/kvm", os.R_OK | os.W_OK):
            return False
        trial = subprocess.run(
            [*self.command, "-accel", KVM, "-cpu", "max", "-nodefaults", "-display", "none",
             "-monitor", "stdio"],
            input="quit\n", check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            text=True)
        return trial.returncode == 0


class Ended(Exception):
    """No more machines are wanted."""


class Machine(contextlib.AbstractContextManager):
    """A running machine; ended by its own id, when its time is over at the latest."""

    # All that run, guarded by the lock; None when no more may begin.
    lock = threading.Lock()
    running = set()

    def __init__(self, emulator, kernel, ramdisk, timeout_s, cpus=2, memory_mib=1024, options=(),
                 network=()):
        """'network' are the words before the command that put it into its network."""
        architecture = emulator.architecture
        append = (f"console={architecture.console} quiet loglevel=3 panic=-1 mitigations=off "
                  "rdinit=/init")
        # After what enters the network, which may get other rights there: that voids the request.
        command = [*network, "setpriv", "--pdeathsig", "KILL", *emulator.command,
                   *architecture.options,
                   "-smp", str(cpus), "-m", str(memory_mib), "-nodefaults", "-display", "none",
                   "-serial", "stdio", "-monitor", "none", "-no-reboot",
                   "-kernel", kernel, "-initrd", ramdisk, "-append", append, *options]
        self.late = False
        self.timer = threading.Timer(timeout_s, self._end_late)
        with Machine.lock:
            if Machine.running is None:
                raise Ended
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            Machine.running.add(self)
        self.timer.start()

    @classmethod
    def end_all(cls):
        """Ends those that run, and lets no other begin."""
        with cls.lock:
            for each in cls.running or ():
                each.process.kill()
            cls.running = None

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with Machine.lock:
            if Machine.running is None:
                raise Ended
            Machine.running.remove(self)

    def _end_late(self):
        self.late = True
        self.process.kill()

    def lines(self):
        """What it prints, until it is off."""
        for line in self.process.stdout:
            yield line.decode(errors="replace").rstrip("\r\n")
        self.process.wait()

    def follow(self, path, hear):
        """Keeps each line in a file, and has 'hear' called with it."""
        with path.open("w", encoding="utf-8") as kept:
            for line in self.lines():
                kept.write(line + "\n")
                kept.flush()
                hear(line)


def run_side_by_side(jobs, run):
    """Calls 'run' with each, as many at once as there are processors.

    What ends this early, a job that fails or the handler of a signal, ends all machines.
    """
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        results = [threads.submit(run, job) for job in jobs]
        try:
            for result in concurrent.futures.as_completed(results):
                result.result()
        except BaseException:
            Machine.end_all()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
