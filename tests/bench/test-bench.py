#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The harness of ./bootstrap bench in its smallest form: `test-bench.py BUILD_DIR`. A few hundred messages of every workload with real
processes; no figure is judged. Every row has all its figures, and nothing was lost."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "suite"))
from tap import equal, holds, run, test  # noqa: E402  pylint: disable=wrong-import-position
import results  # noqa: E402  pylint: disable=wrong-import-position
import rows  # noqa: E402  pylint: disable=wrong-import-position

NUMBERS = {"rate": ("broker_cpu", "clients_cpu", "sent"), "p50": ("p99",), "p99": ("p50",)}
OWN_PROGRAMS = ("K.tasks", "Y.publish", "Y.callback")  # their CPU time is measured otherwise, or they have none


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


@test("/bench/the-relay-is-measured-in-the-same-run")
def _(one):
    beside = [row["name"] for row in one.report["rows"] if "raw" in row["peers"]]
    for name in ("L1.128", "L1.1k.pinned", "RTT.1m", "T1.128", "T2.1k", "T3.128", "G.256k", "R.10k", "A.64"):
        holds(name in beside, f"{name} has no baseline")


@test("/bench/a-loss-and-a-failure-are-reported")
def _(one):
    row = {"name": "T1.128", "title": "", "figure": "rate", "unit": "/s",
           "peers": {"deye": [{"rate": 1.0, "lost": 3}], "raw": [{"error": "timeout"}, {"rate": 2.0, "lost": 0}]}}
    equal(list(results.problems({"rows": [row]})), ["T1.128 deye: 3 messages were lost", "T1.128 raw: failed: timeout"])
    line = results.table_line(row, "raw")
    equal((line[2], line[-1]), ("2.00 /s", "1 failed: timeout"))
    failed = one.command("--tiny", "--only", "deye,T1.128", "--build", "/nonexistent", "--out", one.out + ".failed")
    equal(failed.returncode, 1)
    holds("T1.128" in failed.stdout and "FAILED" in failed.stdout, failed.stdout)


if __name__ == "__main__":
    only = Run(sys.argv[1])
    status = run(only)
    only.dir.cleanup()
    sys.exit(status)
