#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the cost of a message or a task, in the core and in the client library, with budget.txt: `test-budget.py WHAT BUDGET
BUILT-WITH PROGRAM...`.

WHAT is `allocations` (of 1,000 messages), `instructions` (of one, counted by callgrind, which needs no quiet machine), or `memory`
(of an idle client, in the core). The programs run the paths (path.h); the program of `memory` is idle-clients.c. Numbers of
instructions hold for one compiler and one version of GLib, those of the file; with others they are not compared.
"""
import os
import re
import subprocess
import sys

import tap
from budget import Budget

# In the core, only the functions that the transport calls are counted, without the fixture that acts as the clients.
CORE = ["--toggle-collect=bus_core_received", "--toggle-collect=bus_core_gather", "--toggle-collect=bus_core_sent"]
EXECUTE = ["--toggle-collect=executing_settle"]
ACKED = ["--toggle-collect=acked_send", "--toggle-collect=acked_settle"]
PATHS = {
    "core-deliver": ("core-paths", 4096, CORE),
    "core-fan-out": ("core-paths", 2048, CORE),
    "core-wait": ("core-paths", 4096, CORE),
    "core-task": ("core-paths", 512, CORE),
    "client-publish-acked": ("client-paths", 4096, ACKED),
    "client-publish-acked-callback": ("client-paths", 4096, ACKED),
    "client-publish-held": ("client-paths", 4096, []),
    "client-publish-many": ("client-paths", 4096, []),
    "client-publish-options": ("client-paths", 4096, []),
    "client-publish-plain": ("client-paths", 4096, []),
    "client-receive": ("client-paths", 4096, []),
    "collector-execute": ("collector-paths", 2048, EXECUTE),
}
# The record of a task lives longer than the message that submits it, so it has no budget of allocations.
ALLOCATIONS = [path for path in PATHS if path != "core-task"]
# GLib's allocations for a GTask or another object, whose number depends on its version and on the size of a pointer.
WITH_OBJECT = ("client-publish-acked-callback", "collector-execute")


class Programs:
    def __init__(self, what, budget, built_with, *programs):
        self.what = what
        self.budget = Budget(budget)
        self.built_with = built_with
        self.programs = {os.path.basename(program): program for program in programs}

    def end(self):
        pass

    def run(self, path, messages, *before):
        return self.run_words([*before, self.programs[PATHS[path][0]], path, str(messages)])

    def run_words(self, words):
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=600,
                              env=dict(os.environ, G_SLICE="" if self.what == "instructions" else "always-malloc"))

    def count_instructions(self, path, messages):
        run = self.run(path, messages, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *PATHS[path][2])
        return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def skip_other_builds(programs):
    if programs.built_with != programs.budget.built_with:
        raise tap.Skip(f"built with {programs.built_with}, the budget is for {programs.budget.built_with}")


def add_instructions(path):
    @tap.test(f"/budget/{path}/instructions")
    def _(programs):
        skip_other_builds(programs)
        n = PATHS[path][1]
        got = (programs.count_instructions(path, 2 * n) - programs.count_instructions(path, n)) / n
        programs.budget.check(path, "instructions", got)


def add_allocations(path):
    @tap.test(f"/budget/{path}/allocations")
    def _(programs):
        if path in WITH_OBJECT:
            skip_other_builds(programs)
        n = 8192
        programs.budget.check(path, "allocations", int(programs.run(path, n).stdout) * 1000 / n)


def add_memory():
    @tap.test("/budget/idle-client/memory")
    def _(programs):
        words = [programs.programs["idle-clients"], "1000"]
        # malloc rounds up by a different amount in each run, about 1 % in total; a change that needs more memory raises the
        # minimum of the runs.
        programs.budget.check("idle-client", "bytes", min(int(programs.run_words(words).stdout) for _ in range(5)))


if sys.argv[1] == "memory":
    add_memory()
    PATHS, ALLOCATIONS = {}, []
for name in PATHS if sys.argv[1] == "instructions" else ALLOCATIONS:
    (add_instructions if sys.argv[1] == "instructions" else add_allocations)(name)

if __name__ == "__main__":
    sys.exit(tap.run_with(Programs))
