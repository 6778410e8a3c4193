#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the tree that `meson install` makes in a DESTDIR works:
`install.py BUILD_DIR SOURCE_DIR PREFIX LIBDIR OUTSIDE_C`."""
import contextlib
import glob
import os
import shlex
import subprocess
import sys
import tempfile

from tap import equal, holds, run, test

PATIENCE_S = 120


class Tree:
    """The installed tree."""

    def __init__(self, build, source, prefix, libdir, outside, directory):
        self.build, self.source, self.outside = build, source, outside
        self.dir = directory
        self.prefix = os.path.join(directory, "root" + prefix)
        self.libdir = libdir
        self.lib = os.path.join(self.prefix, libdir)
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--strip", "--destdir",
                        os.path.join(directory, "root")], check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_S)
        self.env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "LD_LIBRARY_PATH": self.lib,
                    "PKG_CONFIG_PATH": os.path.join(self.lib, "pkgconfig"),
                    "GI_TYPELIB_PATH": os.path.join(self.lib, "girepository-1.0")}
        for name in ("DAEMONEYE_MODULE", "DAEMONEYE_BROKER_SOCKET", "NO_COLOR"):
            self.env.pop(name, None)

        self.clean = {name: value for name, value in self.env.items()
                      if name not in ("LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "GI_TYPELIB_PATH", "LIBRARY_PATH", "CPATH")}

    def as_documented(self):
        """An environment with only the variables that README describes for another prefix."""
        with open(os.path.join(self.source, "README.md"), encoding="utf-8") as file:
            blocks = file.read().split("```")
        (lines,) = [block.split("\n", 1)[1] for block in blocks if block.startswith("sh only\nexport PKG_CONFIG_PATH")]
        lines = lines.replace("/opt/daemoneye/lib/x86_64-linux-gnu", self.lib)
        ran = subprocess.run(["sh", "-euc", lines + "env -0"], env=self.clean, capture_output=True, text=True,
                             timeout=PATIENCE_S, check=True)
        return dict(one.split("=", 1) for one in ran.stdout.split("\0") if "=" in one)

    def compile(self, source, *packages):
        """Compiles a program of the guides with the flags of pkg-config only."""
        environment = self.as_documented()
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], env=environment, capture_output=True,
                               text=True, timeout=PATIENCE_S, check=True).stdout.split()
        program = os.path.join(self.dir, os.path.basename(source).removesuffix(".c"))
        subprocess.run([os.environ.get("CC", "cc"), "-Wall", "-Werror", "-o", program, source, *flags], env=environment,
                       timeout=PATIENCE_S, check=True)
        return program

    def block(self, guide, name):
        """Writes the file NAME of a guide. Returns its path."""
        with open(os.path.join(self.source, "doc", guide), encoding="utf-8") as file:
            (text,) = [block.split("\n", 1)[1] for block in file.read().split("```")
                       if f"file={name}" in block.split("\n", 1)[0].split()]
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def has(self, pattern):
        return bool(glob.glob(os.path.join(self.prefix, pattern)))

    def run(self, *words, code=0, **env):
        ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
                             env={**self.env, **env}, check=False)
        equal(ran.returncode, code, f"{words}: {ran.stdout} {ran.stderr}")
        return ran.stdout

    def program(self, name):
        return os.path.join(self.prefix, "bin", name)


@contextlib.contextmanager
def running(tree, *words):
    """A background program that is ended with the block: Popen alone would wait for it."""
    with subprocess.Popen(words, env=tree.env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class Agent:
    """The installed agent, which must find its module without an option."""

    def __init__(self, tree, *arguments):
        self.address = os.path.join(tree.dir, "eventbus.sock")
        ready, notify = os.pipe()
        self.process = subprocess.Popen([tree.program("daemoneye-agent"), "--address", self.address, "--ready-fd",
                                         str(notify), *arguments], pass_fds=[notify], env=tree.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(notify)
        with os.fdopen(ready) as pipe:
            equal(pipe.readline().rstrip("\n"), self.address)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        equal(self.process.wait(timeout=PATIENCE_S), 0, "daemoneye-agent")


@test("/install/files")
def _(tree):
    for pattern in ["bin/daemoneye-agent", "bin/deyebusctl", "bin/procmond", "bin/fsmond", tree.libdir + "/daemoneye/daemoneye-eventbus.so",
                    tree.libdir + "/libdaemoneye-eventbus-1.so.0", tree.libdir + "/pkgconfig/daemoneye-eventbus-1.pc",
                    "include/daemoneye-eventbus-1/deye-bus.h", "include/daemoneye-eventbus-1/deye-bus-service.h",
                    "include/daemoneye/daemoneye-plugin.h", tree.libdir + "/pkgconfig/daemoneye-plugin-1.pc", "etc/daemoneye/daemoneye-eventbus.conf",
                    "share/bash-completion/completions/deyebusctl", "share/zsh/site-functions/_deyebusctl",
                    "share/locale/de/LC_MESSAGES/daemoneye-eventbus.mo",
                    "share/locale/es/LC_MESSAGES/daemoneye-eventbus.mo", "share/man/man1/deyebusctl.1*",
                    "share/man/man8/daemoneye-agent.8*", "share/man/man5/daemoneye-eventbus.conf.5*",
                    "share/man/man7/daemoneye-eventbus.7*", "lib/systemd/system/daemoneye-agent.service",
                    "share/man/man8/procmond.8*", "lib/systemd/system/daemoneye-procmond.service",
                    "share/man/man8/fsmond.8*", "lib/systemd/system/daemoneye-fsmond.service"]:
        holds(tree.has(pattern), f"{pattern} is installed")
    if os.path.exists(os.path.join(tree.build, "client/collectors/netmond/netmond")):
        for pattern in ["bin/netmond", "share/man/man8/netmond.8*", "lib/systemd/system/daemoneye-netmond.service"]:
            holds(tree.has(pattern), f"{pattern} is installed")
    if os.path.exists(os.path.join(tree.build, "client/gir/DeyeBus-1.0.typelib")):
        for pattern in [tree.libdir + "/girepository-1.0/DeyeBus-1.0.typelib", "share/gir-1.0/DeyeBus-1.0.gir"]:
            holds(tree.has(pattern), f"{pattern} is installed")


@test("/install/no-path-of-the-build")
def _(tree):
    for where, _, names in os.walk(tree.prefix):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                data = file.read()
            for path in (tree.build, tree.source):
                holds(path.encode() + b"/" not in data, f"{name} holds the path {path}")


@test("/install/library-exports-its-own-names-only")
def _(tree):
    (library,) = glob.glob(os.path.join(tree.lib, "libdaemoneye-eventbus-1.so.0"))
    names = [line.split()[-1] for line in tree.run("nm", "-D", "--defined-only", library).splitlines()]
    equal([name for name in names if not name.startswith("deye_bus_")], [])
    holds("deye_bus_client_new" in names and "deye_bus_service_add_method" in names, names)
    equal([name for name in names if "session" in name or "private" in name or "methods" in name], [])


@test("/install/M01-agent-finds-module-and-collector")
def _(tree):
    with Agent(tree, "--collector", tree.program("procmond")) as agent:
        # procmond answers as soon as it is connected; the tool tries again until then.
        for _ in range(2000):
            ran = subprocess.run([tree.program("deyebusctl"), "-a", agent.address, "call", "procmond-1", "ListProcesses",
                                  '{"limit": 1}'], capture_output=True, env=tree.env, timeout=PATIENCE_S, check=False)
            if ran.returncode == 0:
                break
        equal(ran.returncode, 0, ran.stderr)
        holds(b'"pid"' in ran.stdout, "the answer contains a process")


@test("/install/M21-demo")
def _(tree):
    output = tree.run(tree.program("daemoneye-agent"), "--demo")
    holds("all checks passed" in output, output)


@test("/install/german-and-spanish-translations")
def _(tree):
    holds("Aufruf: deyebusctl" in tree.run(tree.program("deyebusctl"), "help", LANGUAGE="de"), "German")
    usage = tree.run(tree.program("deyebusctl"), "help", "status", LANGUAGE="de").splitlines()[1]
    holds(usage.endswith("status [OPTION …]"), f"usage of a verb without arguments: {usage}")
    holds("Uso: deyebusctl" in tree.run(tree.program("deyebusctl"), "help", LANGUAGE="es"), "Spanish")
    ran = subprocess.run([tree.program("deyebusctl"), "-a", "/nonexistent", "status"], capture_output=True, text=True,
                         env={**tree.env, "LANGUAGE": "de"}, check=False)
    equal(ran.returncode, 3)
    holds("Broker" in ran.stderr and "No broker" not in ran.stderr, f"the library's errors, too: {ran.stderr}")


@test("/install/each-header-compiles-alone-as-c99")
def _(tree):
    flags = shlex.split(tree.run("pkg-config", "--cflags", "daemoneye-eventbus-1"))
    compiler = [os.environ.get("CC", "cc"), "-std=c99", "-pedantic-errors", "-fsyntax-only", "-Wall", "-Werror", *flags]
    headers = sorted(glob.glob(os.path.join(tree.prefix, "include/daemoneye-eventbus-1/*.h")))
    holds(len(headers) >= 11, headers)
    source = os.path.join(tree.dir, "header.c")
    for header in headers:
        with open(source, "w", encoding="utf-8") as file:
            file.write(f"#include <{os.path.basename(header)}>\nint main (void) {{ return 0; }}\n")
        tree.run(*compiler, source)
    # A collector needs no other header than that of services.
    with open(source, "w", encoding="utf-8") as file:
        file.write("#include <deye-bus-service.h>\n"
                   "int main (void) { return deye_bus_client_new (NULL, \"a\", \"b\") == NULL; }\n")
    tree.run(*compiler, source)


@test("/install/M23-outside-collector-with-pkg-config-only")
def _(tree):
    flags = shlex.split(tree.run("pkg-config", "--cflags", "--libs", "daemoneye-eventbus-1"))
    program = os.path.join(tree.dir, "outside")
    tree.run(os.environ.get("CC", "cc"), "-Wall", "-Werror", "-o", program, tree.outside, *flags)
    with Agent(tree) as agent:
        with running(tree, program, agent.address) as outside:
            equal(outside.stdout.readline(), "ready\n")
            output = tree.run(tree.program("deyebusctl"), "-a", agent.address, "introspect", "outside-1")
            holds("org.example.Outside" in output and "Returns its payload." in output, output)
            equal(tree.run(tree.program("deyebusctl"), "-a", agent.address, "call", "outside-1", "Greet", "hello", "--raw"),
                  "hello")
            equal(outside.wait(PATIENCE_S), 0)


def guide(tree, name):
    """Runs a guide in the environment that README describes."""
    environment = tree.as_documented()
    environment["PATH"] = os.path.join(tree.prefix, "bin") + os.pathsep + environment["PATH"]
    ran = subprocess.run([os.path.join(tree.source, "doc/run-guides"), os.path.join(tree.source, "doc", name)],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, env=environment,
                         check=False)
    equal(ran.returncode, 0, ran.stdout + ran.stderr)


@test("/install/M01-embedding-guide-with-pkg-config-only")
def _(tree):
    guide(tree, "guide-embedding.md")


@test("/install/M23-collector-guide-with-pkg-config-only")
def _(tree):
    guide(tree, "guide-collector-c.md")


@test("/install/python-guide-in-another-prefix")
def _(tree):
    if not tree.has(tree.libdir + "/girepository-1.0"):
        return
    if subprocess.run(["/usr/bin/python3", "-c", "import gi, google.protobuf"], capture_output=True, check=False).returncode:
        return
    guide(tree, "guide-collector-python.md")


# No socket can have this path, so even a client that reconnects fails at once.
TOO_LONG = "/" + "x" * 200
REFUSED = "Der Pfad zum Socket des Brokers ist leer oder zu lang"


def fails(tree, words, german):
    """The program prints the reason in German, and ends with status 1, not by a signal."""
    ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
                         env={**tree.as_documented(), "LANGUAGE": "de", "DAEMONEYE_BROKER_SOCKET": TOO_LONG},
                         check=False)
    equal(ran.returncode, 1, f"{words}: {ran.stdout} {ran.stderr}")
    holds(german in ran.stderr, f"{words}: {ran.stderr}")


@test("/install/guide-programs-fail-without-a-signal-in-german")
def _(tree):
    example = tree.compile(os.path.join(tree.source, "doc/example-collector.c"), "daemoneye-eventbus-1")
    fails(tree, [example, TOO_LONG], REFUSED)
    fails(tree, [tree.compile(tree.outside, "daemoneye-eventbus-1"), TOO_LONG], REFUSED)
    fails(tree, [tree.compile(tree.block("slow-subscribers.md", "slow.c"), "daemoneye-eventbus-1")], REFUSED)
    host = tree.compile(tree.block("guide-embedding.md", "host.c"), "daemoneye-plugin-1", "daemoneye-eventbus-1", "gmodule-2.0")
    fails(tree, [host], "usage: host")
    fails(tree, [host, "/nonexistent/module.so"], "host: /nonexistent/module.so")
    fails(tree, [host, os.path.join(tree.lib, "libdaemoneye-eventbus-1.so.0")], "is not a DaemonEye module")
    module = os.path.join(tree.lib, "daemoneye/daemoneye-eventbus.so")
    fails(tree, [host, module, "/dev/null/eventbus.sock"], "(code ")


@test("/install/python-errors-are-translated")
def _(tree):
    if tree.has(tree.libdir + "/girepository-1.0") and os.path.exists("/usr/lib/python3/dist-packages/gi"):
        fails(tree, ["/usr/bin/python3", tree.block("guide-collector-python.md", "denied.py")], REFUSED)


def main():
    with tempfile.TemporaryDirectory(prefix="deye-test-") as directory:
        return run(Tree(*sys.argv[1:], directory))


sys.exit(main())
