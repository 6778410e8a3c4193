#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""module-probes.py MODULE DOC: the module has the probes that the document lists, with the same numbers of arguments. They are
read from its ELF notes."""
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
from tap import equal, run, test  # noqa: E402  pylint: disable=wrong-import-position

PROVIDER = "daemoneye_eventbus"
NOTE = re.compile(r"Provider: (\S+)\s+Name: (\S+)\s+Location: \S+ Base: \S+ Semaphore: (\S+)\s+Arguments:(.*)")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*) \|", re.MULTILINE)


def probes(module):
    """{name: numbers of arguments} of the notes of a file."""
    text = subprocess.run(["readelf", "-n", module], check=True, capture_output=True, text=True).stdout
    found = {}
    for provider, name, semaphore, arguments in NOTE.findall(text):
        equal(provider, PROVIDER)
        equal(int(semaphore, 16), 0, "a probe costs one instruction, no counter")
        found.setdefault(name, set()).add(len(arguments.split()))
    return found


def documented(path):
    """The same from the table below the heading "Probes"."""
    section = pathlib.Path(path).read_text(encoding="utf-8").split("\n## Probes\n")[1].split("\n## ")[0]
    return {name: {arguments.count(",") + 1} for name, arguments in ROW.findall(section)}


@test("/module/probes/exist")
def _():
    equal(sorted(probes(sys.argv[1])), ["accept", "drop", "route", "write"])


@test("/module/probes/are-documented")
def _():
    equal(probes(sys.argv[1]), documented(sys.argv[2]))


sys.exit(run())
