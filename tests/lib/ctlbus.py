# SPDX-License-Identifier: Apache-2.0
"""A bus with an agent, two procmonds and the tool, for tests of deyebusctl."""
import os
import subprocess

from broker import Broker
from ctltool import PATIENCE_S, Tool
from tap import equal

TASK = "control.collector.task.process"
RELOAD = "control.collector.config.reload"
RELOAD_TYPE = "daemoneye.eventbus.v1.ConfigReload"


class Bus(Tool):
    """The agent with procmond-1, a second procmond, and the tool."""

    def __init__(self, ctl, agent, module, procmond, data, completions):
        self.completions = completions
        self.broker = Broker(agent, module, "--collector", f"{procmond} --id procmond-1 --heartbeat 300000 --shard 0/2")
        super().__init__(ctl, self.broker.address, data)
        ready, notify = os.pipe()
        self.second = subprocess.Popen([procmond, "--address", self.broker.address, "--id", "procmond-2", "--shard", "1/2",
                                        "--heartbeat", "300000", "--ready-fd", str(notify)], pass_fds=[notify])
        os.close(notify)
        with os.fdopen(ready) as pipe:
            equal(pipe.readline(), "ready procmond-2\n")
        self.wait_for_peer("procmond-1", subscriptions=6)

    def end(self):
        self.second.terminate()
        equal(self.second.wait(timeout=PATIENCE_S), 0, "procmond-2")
        equal(self.broker.end(), 0, "daemoneye-agent")

    def wait_for_peer(self, peer, subscriptions):
        """Asks until the peer has @subscriptions subscriptions. Each call takes some time, so this needs no pause."""
        for _ in range(2000):
            if any(one["id"] == peer and one["subscriptions"] >= subscriptions for one in self.json("peers")):
                return
        raise AssertionError(f"{peer} did not connect")
