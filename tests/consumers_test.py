#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Other projects find what is installed, by pkg-config and by CMake, or build regio as a part of them.

Usage: consumers_test.py BUILD_ROOT SOURCE_ROOT. Installs the build in a directory of its own, and
builds an example against it. Prints TAP.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import tap  # noqa: E402

BUILD, SOURCE = sys.argv[1:3]
PROGRAM = os.path.join(SOURCE, "examples", "train.c")
RESULT = "128 of 128 requests completed\n"

CMAKE = """
cmake_minimum_required(VERSION 3.13)
project(consumer C)
find_package(regio {version} REQUIRED {components})
add_executable(shared {program})
target_link_libraries(shared regio::regio)
add_executable(static {program})
target_link_libraries(static regio::regio-static)
"""

MESON = """
project('consumer', 'c')
executable('program', 'program.c', dependencies: dependency('regio', fallback: 'regio'))
"""

# The loops of regio_cq(3), with a message for each sleep; of those in poll(), the first ends for no
# reason.
LOOPS = """
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <regio.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct regio_cq *queue;
static struct regio_rq *requests;
static int receiver, sender, others[2], handled, polls;
static char memory[64];
static uint64_t region;

static int send_and_wait(struct regio_cq *cq, uint32_t count, uint64_t delay, int64_t timeout)
{
	send(sender, "x", 1, 0);
	return regio_cq_wait(cq, count, delay, timeout);
}

static int send_and_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (polls++ == 0)
		return 0;
	send(sender, "x", 1, 0);
	return poll(fds, count, timeout);
}

#define regio_cq_wait send_and_wait
#define poll send_and_poll
%s
static void start(struct regio_cq *cq)
{
	struct regio_buf slice = {region, 0, sizeof(memory)};

	queue = cq;
	if (regio_rq_create(receiver, 4, 0, cq, cq, 0, NULL, &requests))
		puts(regio_last_error());
	for (int i = 0; i < 4; i++)
		regio_receive(requests, &slice, 0, 0);
}

static void handle(const struct regio_result *result)
{
	handled += result->status == 0;
	if (handled == 2) {
		regio_rq_close(requests, 0);
		regio_cq_close(queue);
	}
}

static void take_all(struct regio_cq *cq)
{
	struct regio_result results[4];
	int count;

	while ((count = regio_cq_dequeue(cq, results, 4)) > 0)
		handled += count;
	if (handled == 4)
		close(others[1]);
}

int main(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(name);
	int ended;

	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(receiver, (void *)&name, length) || getsockname(receiver, (void *)&name, &length) ||
	    connect(sender, (void *)&name, length) || pipe(others) ||
	    regio_region_register(memory, sizeof(memory), NULL, &region))
		return 1;
	ended = work(NULL, start, handle);
	printf("work: %%d handled, %%s\\n", handled, regio_error_name(ended));
	if (handled != 2 || regio_cq_create(64, NULL, &queue))
		return 1;
	start(queue);
	ended = work_beside(queue, others[0], take_all);
	printf("beside: %%d handled, %%s\\n", handled, regio_error_name(ended));
	return 0;
}
"""
LOOPS_RESULT = "work: 2 handled, EBADF\nbeside: 4 handled, OK\n"


def output(*command):
    result = tap.run(*command)
    assert result.returncode == 0, f"{' '.join(command)}: {result.stdout}{result.stderr}"
    return result.stdout


def need(program):
    if not shutil.which(program):
        raise tap.Skip(f"{program} is not installed")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Installed:
    """The build, below a directory."""

    def __init__(self, directory):
        self.root = os.path.join(directory, "installed")
        output("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.root)
        options = json.loads(output("meson", "introspect", "--buildoptions", BUILD))
        values = {option["name"]: option["value"] for option in options}
        self.prefix = self.root + values["prefix"]
        self.libraries = os.path.join(self.prefix, values["libdir"])
        # Debian's CMake does not search lib64, which Meson chooses where dpkg-dev is missing.
        self.cmake_option = (f"-Dregio_DIR={self.libraries}/cmake/regio"
                             if values["libdir"] == "lib64"
                             else f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.data = values["datadir"]
        self.work = directory

    def ran(self, program):
        found = output("env", f"LD_LIBRARY_PATH={self.libraries}", program)
        assert found == RESULT, found

    def with_pkg_config(self):
        environment = ("env", f"PKG_CONFIG_PATH={self.libraries}/pkgconfig",
                       f"PKG_CONFIG_SYSROOT_DIR={self.root}", "pkg-config")
        flags = output(*environment, "--cflags", "--libs", "regio").split()
        program = os.path.join(self.work, "by-pkg-config")
        output("cc", "-o", program, PROGRAM, *flags)
        self.ran(program)

    def configure_with_cmake(self, name, version, components=""):
        directory = os.path.join(self.work, name)
        write(f"{directory}/CMakeLists.txt",
              CMAKE.format(version=version, components=components, program=PROGRAM))
        # Its default needs make, which nothing else here does.
        return directory, tap.run("cmake", "-G", "Ninja", "-S", directory, "-B",
                                  f"{directory}/build", self.cmake_option)

    def with_cmake(self):
        need("cmake")
        windows = os.path.isdir(os.path.join(self.prefix, "include/regio/winsock"))
        directory, result = self.configure_with_cmake(
            "cmake", "0.2", "COMPONENTS winsock" if windows else "")
        assert result.returncode == 0, result.stderr
        output("cmake", "--build", f"{directory}/build")
        for program in ("shared", "static"):
            self.ran(f"{directory}/build/{program}")

    def cmake_refuses(self):
        need("cmake")
        for version, components, reason in (("0.1", "", "version: 0.2"), ("1.0", "", "version: 0.2"),
                                            ("0.2.99", "", "version: 0.2"),
                                            ("0.2", "COMPONENTS nonsense", "no component nonsense")):
            _, result = self.configure_with_cmake(f"no-{version}{bool(components)}", version,
                                                  components)
            assert result.returncode != 0 and reason in " ".join(result.stderr.split()), \
                f"{version} {components}: {result.stderr}"

    def as_a_part(self):
        directory = os.path.join(self.work, "whole")
        write(f"{directory}/meson.build", MESON)
        shutil.copy(PROGRAM, f"{directory}/program.c")
        os.mkdir(f"{directory}/subprojects")
        os.symlink(SOURCE, f"{directory}/subprojects/regio")
        build = f"{directory}/build"
        said = output("meson", "setup", "--wrap-mode=forcefallback", build, directory)
        # The library and nothing else.
        for what in ("Tool", "Tests", "Examples", "Windows spelling"):
            line = next(line for line in said.splitlines() if line.split(":")[0].strip() == what)
            assert line.split()[-1] == "NO", line
        output("ninja", "-C", build, "program")
        self.ran(f"{build}/program")

    def loops_of_the_manual(self):
        with open(os.path.join(SOURCE, "man/regio_cq.3"), encoding="utf-8") as file:
            page = file.read()
        blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.MULTILINE | re.DOTALL)
        loops = [block for block in blocks if re.match(r"int work", block)]
        assert len(loops) == 2, loops
        write(f"{self.work}/loops.c", LOOPS % "".join(loops))
        output("cc", "-o", f"{self.work}/loops", f"{self.work}/loops.c",
               f"-I{self.prefix}/include", f"-L{self.libraries}", "-lregio")
        found = output("timeout", "60", "env", f"LD_LIBRARY_PATH={self.libraries}",
                       f"{self.work}/loops")
        assert found == LOOPS_RESULT, found

    def examples(self):
        directory = os.path.join(self.prefix, self.data, "doc/regio/examples")
        if not os.path.isdir(directory):
            raise tap.Skip("the examples are not installed")
        with open(f"{directory}/README.md", encoding="utf-8") as file:
            text = file.read()
        commands = re.findall(r"`(c(?:c|\+\+) [^`]+)`|^    (cc .*)$", text, re.MULTILINE)
        assert len(commands) > 10, commands
        environment = dict(os.environ, PKG_CONFIG_PATH=f"{self.libraries}/pkgconfig",
                           PKG_CONFIG_SYSROOT_DIR=self.root)
        # libuv and Asio may be missing, and so may the Windows spelling.
        for command in ("".join(found) for found in commands):
            if "libuv" in command and subprocess.run(
                    ["pkg-config", "--exists", "libuv"], check=False).returncode:
                continue
            if "asio" in command and not os.path.exists("/usr/include/asio.hpp"):
                continue
            if "winsock" in command and not os.path.exists(
                    f"{self.libraries}/pkgconfig/regio-winsock.pc"):
                continue
            result = subprocess.run(["sh", "-ec", command], cwd=directory, env=environment,
                                    capture_output=True, text=True, timeout=300, check=False)
            assert result.returncode == 0, f"{command}: {result.stderr}"


def main():
    with tempfile.TemporaryDirectory() as directory:
        installed = Installed(directory)
        return tap.main([
            ("a program is built by what pkg-config says", installed.with_pkg_config),
            ("a program is built with CMake's find_package", installed.with_cmake),
            ("CMake is refused another interface, and what there is not", installed.cmake_refuses),
            ("regio is a subproject of Meson", installed.as_a_part),
            ("the examples are compiled by the commands beside them", installed.examples),
            ("the loops of regio_cq(3) handle what comes", installed.loops_of_the_manual),
        ])


if __name__ == "__main__":
    sys.exit(main())
