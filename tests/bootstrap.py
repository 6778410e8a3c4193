#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests ./bootstrap: `bootstrap.py SOURCE_DIR`. It runs in a temporary directory, with fake build programs, and with the package
managers of other distributions in PATH."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import equal, holds, run, test  # noqa: E402

ROOT = sys.argv[1]
NEEDED = ("bash", "sh", "env", "dirname", "cat", "awk", "sort", "mkdir", "id", "chmod")
OBJECT = '{"step": "result", "ok": true}\n'


class Clone:
    """A directory with bootstrap and a fake agent, and a PATH with fake tools that write to standard output."""

    def __init__(self, **tools):
        self.dir = tempfile.mkdtemp(prefix="deye-bootstrap-")
        self.bin = os.path.join(self.dir, "bin")
        os.makedirs(os.path.join(self.dir, "build", "agent"))
        os.mkdir(self.bin)
        shutil.copy(os.path.join(ROOT, "bootstrap"), self.dir)
        for name in NEEDED:
            os.symlink(shutil.which(name), os.path.join(self.bin, name))
        for name, text in {"meson": "echo noise of meson", "ninja": "echo noise of ninja", **tools}.items():
            self.program(os.path.join(self.bin, name.replace("_", "-")), text)
        self.program(os.path.join(self.dir, "build", "agent", "daemoneye-agent"), "cat <<'END'\n" + OBJECT + "END")

    @staticmethod
    def program(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)

    def run(self, *arguments):
        try:
            return subprocess.run([os.path.join(self.dir, "bootstrap"), *arguments], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60, check=False,
                                  env={"PATH": self.bin, "LC_ALL": "C"})
        finally:
            shutil.rmtree(self.dir)


# A Debian on which one package is missing.
DEBIAN = {"dpkg_query": 'for name; do :; done; [ "$name" = meson ] || echo installed', "apt_get": "echo noise of apt",
          "sudo": 'exec "$@"'}


@test("/bootstrap/demo-json-is-json-only")
def _():
    ran = Clone(**DEBIAN).run("demo", "--json")
    equal((ran.returncode, ran.stdout), (0, OBJECT), ran.stderr)
    for noise in ("installing meson", "noise of apt", "building in build/", "noise of ninja"):
        holds(noise in ran.stderr, f"{noise!r} is not in: {ran.stderr}")


@test("/bootstrap/failed-build-prints-nothing-on-standard-output")
def _():
    ran = Clone(**DEBIAN, meson="echo noise of meson; exit 3").run("demo", "--json")
    holds(ran.returncode != 0, "it succeeded")
    equal(ran.stdout, "")
    holds("noise of meson" in ran.stderr, ran.stderr)


def hints(**tools):
    ran = Clone(**tools).run("demo", "--json")
    equal((ran.returncode, ran.stdout), (0, OBJECT), ran.stderr)
    return ran.stderr


@test("/bootstrap/hint-for-fedora")
def _():
    holds(re.search(r"dnf install .*\bglib2-devel\b.*\bprotobuf-c-devel\b", hints(dnf="exit 9")), hints(dnf="exit 9"))


@test("/bootstrap/hint-for-arch")
def _():
    holds(re.search(r"pacman -S --needed .*\bjson-glib\b.*\bprotobuf-c\b", hints(pacman="exit 9")), hints(pacman="exit 9"))


@test("/bootstrap/hint-for-alpine")
def _():
    holds(re.search(r"apk add .*\bbuild-base\b.*\bglib-dev\b", hints(apk="exit 9")), hints(apk="exit 9"))


@test("/bootstrap/hint-for-others")
def _():
    holds(re.search(r"install the equivalents of: .*\blibglib2.0-dev\b", hints()), hints())


@test("/bootstrap/every-package-has-names-elsewhere")
def _():
    with open(os.path.join(ROOT, "bootstrap"), encoding="utf-8") as file:
        text = file.read()
    wanted = [name for body in re.findall(r"^(?:build|test|check|bench|peer|plot)_packages=\(([^)]*)\)", text, re.MULTILINE)
              for name in body.split()]
    rows = [line.split() for line in re.search(r"^package_names='\n(.*?)\n'", text, re.MULTILINE | re.DOTALL)[1].splitlines()]
    holds(len(wanted) > 15, "no packages were found")
    equal([name for name in wanted if name not in {row[0] for row in rows}], [])
    equal([row for row in rows if len(row) != 4], [])


sys.exit(run())
