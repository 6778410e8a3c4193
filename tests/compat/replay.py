#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Connects this version to recorded connections of the version before the features STREAM, RETAIN and DELIVERY:
`replay.py CTL AGENT MODULE PROCMOND TRANSCRIPT`. The broker of this version must send the recorded clients only frames that the older
broker sent. The programs of this version are connected to the recorded broker: its features work as before, and a call that needs
a feature that it did not grant is refused before a frame is sent. compat.py does the same with the older programs."""
import contextlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from broker import Broker, die_with_parent  # noqa: E402  pylint: disable=wrong-import-position
from ctltool import Tool, finished, next_line  # noqa: E402  pylint: disable=wrong-import-position
from tap import equal, holds, run, test  # noqa: E402  pylint: disable=wrong-import-position
from transcript import FakeBroker, load, play_client, PACED, PATIENCE_S  # noqa: E402  pylint: disable=wrong-import-position

CTL, AGENT, MODULE, PROCMOND, TRANSCRIPT = sys.argv[1:6]
RECORDED = load(TRANSCRIPT)
FAILED, NOBODY = 1, 6  # exit statuses of the tool
HELLO_FEATURES = 8

# The tool's calls of the recorded connections.
CALLS = {
    "peers": ["peers", "--json"],
    "stats": ["stats", "--json"],
    "call": ["call", "procmond-1", "HealthCheck", "{}", "--json"],
    "introspect": ["introspect", "procmond-1", "--json"],
    "subscribe": ["subscribe", "health.#", "--json", "--count", "1"],
}
# Calls that need a feature, by its name.
REFUSED = {
    "STREAM": ["request", "health.compat", "1", "--raw", "--expect", "2"],
    "RETAIN": ["publish", "health.compat", "1", "--raw", "--retain"],
    "DELIVERY": ["drain", "procmond-1", "workers"],
    "RETAIN": ["publish", "health.compat", "1", "--raw", "--retain"],
}


@contextlib.contextmanager
def new_broker():
    broker = Broker(AGENT, MODULE, stderr=subprocess.DEVNULL)
    try:
        yield broker
    finally:
        equal(broker.end(), 0)


def procmond(address, *, pass_fds=(), more=(), stderr=subprocess.DEVNULL):
    return subprocess.Popen([PROCMOND, "--address", address, "--poll", "--interval", "60000", *more], pass_fds=list(pass_fds),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, text=True,
                            preexec_fn=die_with_parent)


@contextlib.contextmanager
def running_procmond(address):
    ready, notify = os.pipe()
    process = procmond(address, pass_fds=[notify], more=["--ready-fd", str(notify)])
    os.close(notify)
    with os.fdopen(ready) as pipe:
        equal(next_line(pipe), "ready procmond-1\n")
    yield
    process.terminate()
    process.wait(timeout=PATIENCE_S)


def compare(pairs):
    holds(pairs, "the broker has answered")
    for recorded, received in pairs:
        equal(received.kind, recorded.kind)
        equal(received.numbers() - recorded.numbers(), set(), f"fields of {recorded.kind} that the older broker did not send")
        if recorded.kind == "WELCOME":
            equal(received.value(HELLO_FEATURES), recorded.value(HELLO_FEATURES), "features")


def provocation(tool, name):
    """A call of another client that the recorded client answers or receives, and the end of that call."""
    if name == "procmond":
        started = []
        return (lambda: started.append(tool.start("call", "procmond-1", "HealthCheck", "{}")),
                lambda: holds(finished(started[0]), "the recorded client has answered"))
    return lambda: tool.ctl("publish", "health.compat", "1", "--raw"), lambda: None


def add_client(name, frames):
    @test(f"/compat/M27-recorded-client/{name}")
    def _():
        with new_broker() as broker, contextlib.ExitStack() as others:
            if name in ("call", "introspect"):
                others.enter_context(running_procmond(broker.address))
            provoke, check = provocation(Tool(CTL, broker.address, None), name)
            compare(play_client(broker.address, frames, provoke))
            check()


def add_call(name, words):
    @test(f"/compat/M27-recorded-broker/{name}")
    def _():
        with FakeBroker(RECORDED[name]) as broker:
            holds(Tool(CTL, broker.address, None).ctl(*words), "deyebusctl prints the answer")
            broker.end()


def add_refused(feature, words):
    @test(f"/compat/M27-not-granted/{feature}")
    def _():
        with FakeBroker(RECORDED["publish"][:4]) as broker:
            error = Tool(CTL, broker.address, None).ctl(*words, code=FAILED)
            holds(feature in error, error)
            sent = [frame.kind for frame in broker.end() if frame.kind not in PACED]
            equal(sent[:2], ["HELLO", "REQUEST"])
            equal([kind for kind in sent[2:] if kind != "GOODBYE"], [], "frames that need the feature")


@test("/compat/M27-recorded-broker/procmond")
def _():
    with FakeBroker(RECORDED["procmond"]) as broker:
        process = procmond(broker.address)
        holds(broker.played.wait(PATIENCE_S), "procmond has answered all that the recorded one did")
        process.terminate()
        equal(process.wait(timeout=PATIENCE_S), 0)
        broker.end()


@test("/compat/M27-recorded-broker/procmond-without-tasks")
def _():
    """procmond stays connected, serves the requests of older agents, and logs once why it gets no tasks."""
    first_heartbeat = [frame.kind for frame in RECORDED["procmond"]].index("PUBLISH")
    with FakeBroker(RECORDED["procmond"][:first_heartbeat], published=5) as broker:
        process = procmond(broker.address, more=["--heartbeat", "100"], stderr=subprocess.PIPE)
        holds(broker.played.wait(PATIENCE_S), "procmond sends heartbeats")
        process.terminate()
        log = process.communicate(timeout=PATIENCE_S)[1]
        equal((process.returncode, log.count("not registered")), (0, 1), log)
        holds("TASKS" in log, log)
        holds(b"control.collector.task.process" in broker.subscribed, "the topic is served")
        broker.end()


@test("/compat/M27-recorded-broker/publish")
def _():
    with FakeBroker(RECORDED["publish"]) as broker:
        process = Tool(CTL, broker.address, None).start("publish", "health.compat", "1", "--raw")
        holds("0 matched" in finished(process, NOBODY), "the acknowledgement of the older broker")
        broker.end()


@test("/compat/M27-recorded-broker/unserved")
def _():
    with FakeBroker(RECORDED["unserved"]) as broker:
        error = Tool(CTL, broker.address, None).ctl("request", "control.collector.task.network", "{}", "--raw", code=NOBODY)
        holds("nobody serves this topic" in error, error)
        broker.end()


for NAME, FRAMES in RECORDED.items():
    add_client(NAME, FRAMES)
for NAME, WORDS in CALLS.items():
    add_call(NAME, WORDS)
for NAME, WORDS in REFUSED.items():
    add_refused(NAME, WORDS)
sys.exit(run())
