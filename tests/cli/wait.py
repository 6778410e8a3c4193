#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `deyebusctl wait` and `watch` before an agent starts and over its restarts: `wait.py DEYEBUSCTL AGENT MODULE PROCMOND`."""
import sys

from broker import Broker
from ctltool import PATIENCE_S, Tool, finished, next_line
from tap import equal, holds, run_with, test


def wait_for(peer):
    return "wait", peer, "--timeout", str(PATIENCE_S)


class Bus(Tool):
    """An agent that is killed and started again, with or without a collector."""

    def __init__(self, ctl, agent, module, procmond):
        self.make = lambda *more, at=None: Broker(agent, module, *more, at=at)
        self.procmond = procmond
        self.broker = self.make()
        super().__init__(ctl, self.broker.address, None)

    def end(self):
        equal(self.broker.end(), 0)

    def start_again(self, collector=None):
        more = ("--collector", f"{self.procmond} --id {collector} --heartbeat 300000") if collector else ()
        self.broker = self.make(*more, at=self.broker)


@test("/cli/wait/M16-before-the-agent")
def _(bus):
    bus.broker.kill()
    waiting = bus.start(*wait_for("procmond-1"))
    bus.start_again("procmond-1")
    equal(finished(waiting), "procmond-1 is connected\n")


@test("/cli/wait/M16-agent-restarts")
def _(bus):
    bus.broker.kill()
    bus.start_again()
    waiting = bus.start(*wait_for("procmond-2"))
    while not any(peer["id"].startswith(f"deyebusctl-{waiting.pid}-") for peer in bus.json("peers")):
        holds(waiting.poll() is None, "deyebusctl waits")
    bus.broker.kill()
    bus.start_again()
    holds(waiting.poll() is None, "deyebusctl waits for the next agent")
    bus.broker.kill()
    bus.start_again("procmond-2")
    equal(finished(waiting), "procmond-2 is connected\n")


@test("/cli/watch/M16-agent-restarts")
def _(bus):
    bus.broker.kill()
    bus.start_again("procmond-3")
    watching = bus.start("watch", "procmond-*")
    equal(next_line(watching.stdout), "procmond-3 is connected\n")
    bus.broker.kill()
    bus.start_again("procmond-4")
    for line in iter(lambda: next_line(watching.stdout), "procmond-4 is connected\n"):
        holds("procmond-3" in line, line)
    watching.terminate()
    _, reports = watching.communicate(timeout=PATIENCE_S)
    holds("connecting again; then changes are shown again" in reports and "connected again" in reports, reports)
    equal(watching.returncode, 0)


if __name__ == "__main__":
    sys.exit(run_with(Bus))
