#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs this version and the version before the features STREAM, RETAIN and DELIVERY, each as broker of the other one:
`compat.py SOURCE_DIR BUILD_DIR [BUILD_DIR_OF_THE_OLDER]`. The older version is built from the history of the source directory, so
only `./bootstrap prove` runs this; replay.py does the same with recordings in each run of the tests. Broker and client use only
the features that both versions know; nothing else may differ for the programs of either version."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile

SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:3])
sys.path[:0] = [os.path.join(SOURCE, "tests", "lib")]
from broker import Broker, die_with_parent  # noqa: E402  pylint: disable=wrong-import-position
from ctltool import PATIENCE_S, Tool, finished, next_line  # noqa: E402  pylint: disable=wrong-import-position
from tap import equal, holds, run, test  # noqa: E402  pylint: disable=wrong-import-position

OLD_COMMIT = "5e5a780a91861a8fa5d4b79be2158679e07e7b36"
TARGETS = {"agent": "agent/daemoneye-agent", "module": "plugin/daemoneye-eventbus.so", "ctl": "client/cli/deyebusctl",
           "procmond": "client/collectors/procmond/procmond"}
TASK = "control.collector.task.process"


class Version:
    """The programs of one build."""

    def __init__(self, build):
        for name, path in TARGETS.items():
            setattr(self, name, os.path.join(build, path))


def quiet(*command):
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    holds(ran.returncode == 0, f"{' '.join(command)}:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")


def build_old(scratch):
    tree, build = os.path.join(scratch, "tree"), os.path.join(scratch, "build")
    quiet("git", "-C", SOURCE, "worktree", "add", "--detach", tree, OLD_COMMIT)
    quiet("meson", "setup", build, tree, "-Dprocmond=enabled", "-Dintrospection=disabled", "-Dreference=disabled")
    quiet("ninja", "-C", build, *TARGETS.values())
    return Version(build)


class Bus(Tool):
    """A broker of one version, the tool and procmond of another."""

    def __init__(self, broker, clients):
        self.broker = Broker(broker.agent, broker.module, stderr=subprocess.DEVNULL)
        super().__init__(clients.ctl, self.broker.address, None)
        ready, notify = os.pipe()
        self.procmond = subprocess.Popen([clients.procmond, "--address", self.broker.address, "--interval", "100", "--ready-fd",
                                          str(notify)], pass_fds=[notify], stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        os.close(notify)
        with os.fdopen(ready) as pipe:
            equal(pipe.readline(), "ready procmond-1\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.procmond.terminate()
        self.procmond.wait(timeout=PATIENCE_S)
        equal(self.broker.end(), 0)


def check_all(bus):
    """The main patterns: publish, queue group, request, peer method, introspection."""
    subscriber = bus.subscribed("health.#", "--json", "--count", "2")
    member = bus.subscribed("health.+", "--group", "workers", "--json", "--count", "2")
    for number in (1, 2):
        bus.ctl("publish", "health.compat", str(number), "--raw")
    for reader in (subscriber, member):
        equal(len(finished(reader).splitlines()), 2)
    (answer,) = bus.json("request", TASK, json.dumps({"operation": "enumerate_processes"}), "--timeout", "20")
    holds(answer, "procmond answers a task")
    (health,) = bus.json("call", "procmond-1", "HealthCheck", "{}", "--timeout", "20")
    holds(health, "procmond answers a method")
    events = bus.subscribed("events.process.lifecycle", "--json")
    subprocess.run(["true"], check=True)
    holds(json.loads(next_line(events.stdout)), "procmond publishes")
    events.terminate()
    events.communicate(timeout=PATIENCE_S)
    holds({"procmond-1", "daemoneye-agent"} <= {peer["id"] for peer in bus.json("peers")}, "both peers are listed")
    holds(bus.json("stats"), "statistics are listed")


# Calls of the tool that need a feature, by its name.
FEATURES = {
    "STREAM": ["request", TASK, "1", "--raw", "--expect", "2"],
    "RETAIN": ["publish", "health.compat", "1", "--raw", "--retain"],
    "DELIVERY": ["drain", "procmond-1", "workers"],
}


def add_features(old, new):
    """Each feature between a side that has it and one that does not."""
    @test("/compat/M27-stream-of-an-old-responder")
    def _():
        with Bus(new, old) as bus:
            tool = Tool(new.ctl, bus.broker.address, None)
            answers = tool.json("request", TASK, json.dumps({"operation": "enumerate_processes"}), "--expect", "all", "--timeout", "20")
            equal(len(answers), 1)

    @test("/compat/M27-no-retained-message-for-an-old-subscriber")
    def _():
        with Bus(new, old) as bus:
            tool = Tool(new.ctl, bus.broker.address, None)
            tool.ctl("publish", "health.compat", "1", "--raw", "--retain", code=6)
            subscriber = bus.subscribed("health.#", "--raw", "--count", "1")
            tool.ctl("publish", "health.compat", "2", "--raw", "--retain")
            equal(finished(subscriber).strip(), "2")

    @test("/compat/M27-hold-for-an-old-member")
    def _():
        with Bus(new, old) as bus:
            Tool(new.ctl, bus.broker.address, None).ctl("publish", "health.compat", "1", "--raw", "--hold", "30")
            equal(len(finished(bus.start("subscribe", "health.#", "--group", "workers", "--json", "--count", "1")).splitlines()), 1)

    for feature, words in FEATURES.items():
        @test(f"/compat/M27-not-granted-{feature.lower()}")
        def _(feature=feature, words=words):
            with Bus(old, new) as bus:
                error = bus.ctl(*words, code=1)
                holds(feature in error, error)


def main():
    with tempfile.TemporaryDirectory(prefix="deye-compat-") as scratch, contextlib.ExitStack() as leave:
        leave.callback(subprocess.run, ["git", "-C", SOURCE, "worktree", "remove", "--force", os.path.join(scratch, "tree")],
                       stderr=subprocess.DEVNULL, check=False)
        old = Version(os.path.abspath(sys.argv[3])) if len(sys.argv) > 3 else build_old(scratch)
        new = Version(BUILD)

        @test("/compat/M27-old-clients-new-broker")
        def _():
            with Bus(new, old) as bus:
                check_all(bus)

        @test("/compat/M27-new-clients-old-broker")
        def _():
            with Bus(old, new) as bus:
                check_all(bus)

        @test("/compat/M27-new-clients-new-broker")
        def _():
            with Bus(new, new) as bus:
                check_all(bus)

        add_features(old, new)
        return run()


sys.exit(main())
