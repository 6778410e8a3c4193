# SPDX-License-Identifier: Apache-2.0
"""Reads the TAP subtests from meson's test logs (meson-logs/testlog*.json), for tests/ids and tests/tap-summary."""
import json
import re

LINE = re.compile(r"^\s*(not )?ok\b\s*\d*\s*-?\s*(.*?)\s*$")
SKIP = re.compile(r"#\s*(SKIP|TODO)\b", re.IGNORECASE)


class Program:
    """One test program that ran: its name, whether it ended well, and its subtests as (outcome, path)."""

    def __init__(self, record):
        self.name = record.get("name", "?")
        self.result = record.get("result", "?")
        self.ended_well = self.result in ("OK", "EXPECTEDFAIL", "SKIP")
        self.stdout = record.get("stdout") or ""
        self.stderr = record.get("stderr") or ""
        self.seconds = record.get("duration") or 0.0
        self.subtests = []
        for line in self.stdout.splitlines():
            match = LINE.match(line)
            if match:
                outcome = "failed" if match[1] else "skipped" if SKIP.search(match[2]) else "passed"
                self.subtests.append((outcome, SKIP.split(match[2])[0].strip()))

    def count(self, outcome):
        return sum(1 for seen, _ in self.subtests if seen == outcome)


def programs(paths):
    for path in paths:
        with open(path, encoding="utf-8") as log:
            for line in log:
                if line.strip():
                    yield Program(json.loads(line))
