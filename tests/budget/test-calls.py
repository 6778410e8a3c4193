#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the system calls and allocations of real processes with budget.txt: `test-calls.py AGENT MODULE WORKER COUNTER BUDGET`.

An agent, a publisher and a receiver run with the shared object COUNTER in front (linux/count-calls.c). Each case is run twice, and
only the second run is counted, because tables and free lists have their final size then. The counts depend a little on the
scheduling of the processes, so the bounds are above the counts of one run.
"""
import os
import struct
import subprocess
import sys
import tempfile

import tap
from broker import Broker, die_with_parent
from budget import Budget

RECORD = struct.Struct("24sQ")


class Counted:
    """The counters of a process, in a file."""

    def __init__(self, directory, name, counter):
        self.path = os.path.join(directory, name)
        self.environment = {"LD_PRELOAD": counter, "COUNT_CALLS": self.path, "G_SLICE": "always-malloc"}

    def read(self):
        with open(self.path, "rb") as table:
            return {name.rstrip(b"\0").decode(): n for name, n in RECORD.iter_unpack(table.read())}


class Worker:
    def __init__(self, bus, name):
        self.counted = Counted(bus.directory.name, name, bus.counter)
        self.process = subprocess.Popen([bus.worker, bus.broker.address, name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
                                        env=dict(os.environ, **self.counted.environment))
        self.expect("connected")

    def expect(self, word):
        tap.equal(self.process.stdout.readline().split()[:1], [word])

    def command(self, line, answer):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.expect(answer)

    def end(self):
        self.process.stdin.close()
        tap.equal(self.process.wait(timeout=60), 0)


class Bus:
    def __init__(self, agent, module, worker, counter, budget):
        self.worker = worker
        self.counter = counter
        self.budget = Budget(budget)
        self.directory = tempfile.TemporaryDirectory()
        self.agent = Counted(self.directory.name, "agent", counter)
        self.broker = Broker(agent, module, environment=self.agent.environment)

    def end(self):
        self.broker.end()
        self.directory.cleanup()

    def check(self, case, processes, run, messages):
        """Runs @run twice, and compares the cost of the second run for each process with the budget."""
        run()
        before = {name: counted.read() for name, counted in processes.items()}
        run()
        for name, counted in processes.items():
            after = counted.read()
            for (path, what) in self.budget.most:
                if path == f"{case}/{name}":
                    self.budget.check(path, what, (after[what] - before[name][what]) / messages)


@tap.test("/budget/calls/M17-held")
def test_held(bus):
    publisher, receiver = Worker(bus, "publisher"), Worker(bus, "receiver")
    receiver.command("listen events.bench.held", "listening")
    n, total = 8192, 0  # less than the receiver's queue holds, so that the broker drops none of them

    def run():
        nonlocal total
        total += n
        publisher.command(f"held events.bench.held {n}", "published")
        receiver.command(f"received {total}", "received")

    bus.check("held", {"agent": bus.agent, "publisher": publisher.counted, "receiver": receiver.counted}, run, n)
    publisher.end()
    receiver.end()


@tap.test("/budget/calls/M17-turns")
def test_turns(bus):
    asker, answerer = Worker(bus, "asker"), Worker(bus, "answerer")
    answerer.command("answer events.bench.ask events.bench.answer", "listening")
    asker.command("listen events.bench.answer", "listening")
    n = 2000
    bus.check("turns", {"agent": bus.agent, "asker": asker.counted, "answerer": answerer.counted},
              lambda: asker.command(f"turns events.bench.ask {n}", "published"), n)
    asker.end()
    answerer.end()


if __name__ == "__main__":
    sys.exit(tap.run_with(Bus))
