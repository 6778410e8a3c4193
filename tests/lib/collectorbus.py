# SPDX-License-Identifier: Apache-2.0
"""A bus with an agent, the tool and one collector, for tests of that collector."""
import contextlib
import json
import os
import subprocess
import tempfile

from broker import Broker, die_with_parent
from ctltool import Tool
from tap import equal


class CollectorBus(Tool):
    """An agent with the given sockets and limits, and the tool. @program: the collector; @peer: its id"""

    def __init__(self, paths, peer, sockets="", **limits):
        self.program, self.peer = paths[3], peer
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            settings = "".join(f"{name.replace('_', '-')}={value}\n" for name, value in limits.items())
            conf.write(f"[socket]\n{sockets}\n[limits]\n{settings}")
            conf.flush()
            self.broker = Broker(paths[1], paths[2], "--config", conf.name)
        super().__init__(paths[0], self.broker.address, None)
        self.children = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.children.close()
        equal(self.broker.end(), 0)

    def run_collector(self, words, end, before=None):
        """Starts the collector, and waits until it is ready. The child calls @before. The end of the test calls @end with the child."""
        ready, notify = os.pipe()
        child = subprocess.Popen([self.program, "--address", self.broker.address, "--ready-fd", str(notify), *words], pass_fds=[notify],
                                 stderr=subprocess.DEVNULL, preexec_fn=before or die_with_parent)
        os.close(notify)
        self.children.callback(end, child)
        with os.fdopen(ready) as pipe:
            equal(pipe.readline(), f"ready {self.peer}\n")
        return child

    def call(self, method, request=None, **more):
        (answer,) = self.json("call", self.peer, method, json.dumps(request or {}), "--timeout", "50", **more)
        return answer
