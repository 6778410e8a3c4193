#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records connections between the programs of an older build: `record.py BUILD_DIR_OF_THE_OLDER TRANSCRIPT`. It runs the tool and
procmond of the older build through a relay. tests/data has the present recording; run this only to record another version."""
import contextlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]
from broker import Broker, die_with_parent  # noqa: E402  pylint: disable=wrong-import-position
from ctltool import Tool, finished  # noqa: E402  pylint: disable=wrong-import-position
from transcript import Recorder, save  # noqa: E402  pylint: disable=wrong-import-position

TOOL = {
    "publish": ["publish", "health.compat", "1", "--raw"],
    "peers": ["peers", "--json"],
    "stats": ["stats", "--json"],
    "call": ["call", "procmond-1", "HealthCheck", "{}", "--json"],
    "introspect": ["introspect", "procmond-1", "--json"],
    "unserved": ["request", "control.collector.task.network", "{}", "--raw", "--timeout", "5"],
}


@contextlib.contextmanager
def procmond(program, address):
    ready, notify = os.pipe()
    process = subprocess.Popen([program, "--address", address, "--interval", "60000", "--ready-fd", str(notify)], pass_fds=[notify],
                               stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    os.close(notify)
    with os.fdopen(ready) as pipe:
        pipe.readline()
    yield
    process.terminate()
    process.wait(timeout=60)


def record_tool(ctl, address, words):
    with Recorder(address) as relay:
        subprocess.run([ctl, *words, "--address", relay.address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return relay.end()


def record_subscribe(ctl, address):
    with Recorder(address) as relay:
        other = Tool(ctl, address, None)
        reader = other.subscribed("health.#", "--json", "--count", "1", "--address", relay.address)
        other.ctl("publish", "health.compat", "1", "--raw")
        finished(reader)
        return relay.end()


def record_procmond(program, ctl, address):
    with Recorder(address) as relay:
        with procmond(program, relay.address):
            Tool(ctl, address, None).ctl("call", "procmond-1", "HealthCheck", "{}")
        return relay.end()


def main():
    build, path = sys.argv[1:3]
    agent, module, ctl, collector = (os.path.join(build, name) for name in (
        "agent/daemoneye-agent", "plugin/daemoneye-eventbus.so", "client/cli/deyebusctl", "client/collectors/procmond/procmond"))
    broker = Broker(agent, module, stderr=subprocess.DEVNULL)
    try:
        found = {"procmond": record_procmond(collector, ctl, broker.address),
                 "subscribe": record_subscribe(ctl, broker.address)}
        with procmond(collector, broker.address):
            for name, words in TOOL.items():
                found[name] = record_tool(ctl, broker.address, words)
    finally:
        broker.end()
    save(path, "Connections of the version before the features STREAM, RETAIN and DELIVERY.", found)


main()
