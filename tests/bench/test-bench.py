#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the harness of ./bootstrap bench: `test-bench.py BUILD_DIR`. Real processes send a few hundred messages of every workload.
Every row must have all its figures, and no message may be lost; the values of the figures are not checked."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "suite"))
from tap import Skip, equal, holds, run, test  # noqa: E402  pylint: disable=wrong-import-position
import floors  # noqa: E402  pylint: disable=wrong-import-position
import results  # noqa: E402  pylint: disable=wrong-import-position
import rows  # noqa: E402  pylint: disable=wrong-import-position
from figures import Figures  # noqa: E402  pylint: disable=wrong-import-position

NUMBERS = {"rate": ("broker_cpu", "clients_cpu", "sent"), "p50": ("p99",), "p99": ("p50",)}
OWN_PROGRAMS = ("K.tasks", "Y.publish", "Y.callback")  # their CPU time is measured in another way, or not at all


class Run:
    """One run of the harness."""

    def __init__(self, build):
        self.build, self.dir = build, tempfile.TemporaryDirectory(prefix="deye-bench-test-")  # pylint: disable=consider-using-with
        self.out = os.path.join(self.dir.name, "bench.json")
        has_bindings = os.path.exists(os.path.join(build, "client/gir/DeyeBus-1.0.typelib"))
        self.names = [row.name for row in rows.all_rows() if has_bindings or not row.name.startswith("Y.")]
        self.ran, self.report = None, None

    def command(self, *words):
        return subprocess.run([sys.executable, os.path.join(HERE, "bench-bus"), "--build", self.build, "--out", self.out, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def measure(self):
        self.ran = self.command("--tiny", *(f"--only={name}" for name in self.names))
        with open(self.out, encoding="utf-8") as file:
            self.report = json.load(file)


@test("/bench/every-workload-has-its-figures")
def _(one):
    one.measure()
    equal((one.ran.returncode, list(results.problems(one.report))), (0, []), one.ran.stderr[-3000:])
    equal([row["name"] for row in one.report["rows"]], one.names)
    for row in one.report["rows"]:
        for peer, measured in row["peers"].items():
            wanted = (row["figure"], "lost") + (() if row["name"] in OWN_PROGRAMS else NUMBERS.get(row["figure"], ()))
            equal((row["name"], peer, [name for name in wanted if name not in measured[0]]), (row["name"], peer, []))
            holds(measured[0][row["figure"]] > 0, f"{row['name']} {peer}: {measured[0]}")


@test("/bench/relay-is-measured-in-the-same-run")
def _(one):
    beside = [row["name"] for row in one.report["rows"] if "raw" in row["peers"]]
    for name in ("L1.128", "L1.1k.pinned", "RTT.1m", "T1.128", "T2.1k", "T3.128", "G.256k", "R.10k", "A.64"):
        holds(name in beside, f"{name} has no baseline")


@test("/bench/losses-and-failures-are-reported")
def _(one):
    row = {"name": "T1.128", "title": "", "figure": "rate", "unit": "/s",
           "peers": {"deye": [{"rate": 1.0, "lost": 3}], "raw": [{"error": "timeout"}, {"rate": 2.0, "lost": 0}]}}
    equal(list(results.problems({"rows": [row]})), ["T1.128 deye: 3 messages were lost", "T1.128 raw: failed: timeout"])
    line = results.table_line(row, "raw")
    equal((line[2], line[-1]), ("2.00 /s", "1 failed: timeout"))
    failed = one.command("--tiny", "--only", "deye,T1.128", "--build", "/nonexistent", "--out", one.out + ".failed")
    equal(failed.returncode, 1)
    holds("T1.128" in failed.stdout and "FAILED" in failed.stdout, failed.stdout)


@test("/bench/the-page-has-every-row-and-plot")
def _(one):
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed")
    pages = []
    for where in (os.path.join(one.dir.name, "page"), os.path.join(one.dir.name, "again")):
        os.mkdir(where)
        ran = one.command("--page", "--page-dir", where)
        equal(ran.returncode, 0, ran.stderr)
        with open(os.path.join(where, "performance.md"), encoding="utf-8") as file:
            pages.append(file.read())
    equal(pages[0], pages[1], "two pages of one report differ")
    for row in one.report["rows"]:
        if row["name"] != "M1":
            holds(f"| {row['title']} |" in pages[0], f"{row['title']} is not on the page")
    found = re.findall(r"!\[.*\]\((.*)\)", pages[0])
    equal(len(found), 5)
    for name in found:
        with open(os.path.join(one.dir.name, "page", name), encoding="utf-8") as file:
            holds(file.read().endswith("</svg>\n\n"), f"{name} is not whole")


@test("/bench/floors-are-compared-with-figures")
def _(_):
    def made(ours, nats):
        rows_of = [{"name": "T1.128", "figure": "rate", "unit": "/s", "peers": {"deye": [{"rate": ours}], "nats": [{"rate": nats}]}}]
        return {one.workload: one for one in floors.checks(Figures({"rows": rows_of}))}["1 -> 1 128 B, held together"]
    equal([(made(ours, nats).is_met, made(ours, nats).is_aim) for ours, nats in ((9e6, 1e6), (3e6, 2e6), (2.9e6, 2e6))],
          [(True, True), (True, False), (False, False)])
    holds(all(one.is_met is None for one in floors.checks(Figures({"rows": []}))), "a floor without a figure is not reported as met")


if __name__ == "__main__":
    only = Run(sys.argv[1])
    status = run(only)
    only.dir.cleanup()
    sys.exit(status)
