#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""daemoneye-agent as a service: `agent.py AGENT MODULE NOTIFIES`. Its log contains the socket and the start and end of each
collector; it handles SIGHUP and SIGTERM; it reports its state to the service manager if NOTIFIES is 1."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from broker import die_with_parent  # noqa: E402
from rawpeer import RawPeer  # noqa: E402
from tap import Skip, equal, holds, run, test  # noqa: E402

PATIENCE_S = 60
AGENT, MODULE = sys.argv[1:3]
NOTIFIES = sys.argv[3] == "1"


class Agent:
    """A running daemoneye-agent, its log and the messages that it sends to its service manager."""

    def __init__(self, *collectors, watchdog_us=None):
        self.dir = tempfile.mkdtemp(prefix="deye-agent-")
        self.address = os.path.join(self.dir, "bus", "eventbus.sock")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(os.path.join(self.dir, "notify"))
        self.manager.settimeout(PATIENCE_S)
        environment = {**os.environ, "NOTIFY_SOCKET": os.path.join(self.dir, "notify")}
        if watchdog_us:
            environment["WATCHDOG_USEC"] = str(watchdog_us)
        self.log = ""
        arguments = [item for command in collectors for item in ("--collector", command)]
        self.process = subprocess.Popen([AGENT, "--address", self.address, "--module", MODULE, *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment, preexec_fn=die_with_parent)

    def wait_log(self, pattern):
        """Reads the log until the text that was read so far contains @pattern. Returns the match."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.log)):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stderr], [], [], max(left, 0))
            more = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            holds(more, f"no {pattern!r} in the log:\n{self.log}")
            self.log += more.decode()
        return found

    def wait_message(self, pattern):
        """The next message to the service manager that matches; others are skipped."""
        while not (found := re.search(pattern, self.manager.recv(4096).decode())):
            pass
        return found

    def end(self):
        """Sends SIGTERM. Returns the exit status, and the text on standard output."""
        self.process.send_signal(signal.SIGTERM)
        out, log = self.process.communicate(timeout=PATIENCE_S)
        self.log += log.decode()
        self.manager.close()
        return self.process.returncode, out.decode()

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def with_agent(*collectors, **options):
    """A decorator that passes a running agent to the test."""
    def wrap(function):
        def call():
            agent = Agent(*collectors, **options)
            try:
                function(agent)
            finally:
                agent.remove()
        return call
    return wrap


SCRIPTS = tempfile.mkdtemp(prefix="deye-scripts-")


def script(name, text):
    """Writes a collector that is a shell script. Returns its path."""
    path = os.path.join(SCRIPTS, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text + "\n")
    os.chmod(path, 0o755)
    return path


LASTING = script("lasting", "exec sleep 1000")
STATUS_3 = script("status-3", "exit 3")
STATUS_0 = script("status-0", "exit 0")
# Each ends only after the other one has been asked to end as well. They start no background process, which would inherit the log
# and keep it open after the agent has ended.
HAND_IN_HAND = [script(f"hand-{own}", f'''cd {SCRIPTS}
trap 'touch {own}; while ! [ -e {other} ]; do sleep 0.01; done; exit 0' TERM
echo hand-{own} is ready >&2
while :; do sleep 0.01; done''') for own, other in ((1, 2), (2, 1))]
STUBBORN = script("stubborn", '''trap 'echo stubborn was asked to end >&2' TERM
echo stubborn is ready >&2
while :; do sleep 1; done''')
LINE_BREAK = script("line\nbreak", "exit 0")
SHOW_ENVIRONMENT = script("show-environment", 'env | sed "s/^/in-collector: /" >&2; echo in-collector-end >&2; exec sleep 1000')


@test("/integration/agent/log-names-the-address")
@with_agent()
def _(agent):
    agent.wait_log(r"listening at " + re.escape(agent.address))
    equal(agent.end(), (0, ""))


@test("/integration/agent/log-names-a-collector-that-is-killed")
@with_agent(LASTING)
def _(agent):
    pid = int(agent.wait_log(r"collector lasting \(pid (\d+)\) started: " + re.escape(LASTING))[1])
    agent.wait_log("listening at")
    os.kill(pid, signal.SIGKILL)
    agent.wait_log(rf"collector lasting \(pid {pid}\) ended: killed by signal 9")
    equal(agent.end()[0], 0)


@test("/integration/agent/log-names-collectors-that-exit-at-once")
@with_agent(STATUS_3, STATUS_0)
def _(agent):
    agent.wait_log(r"collector status-3 \(pid \d+\) ended: exit status 3")
    agent.wait_log(r"collector status-0 \(pid \d+\) ended: exit status 0")
    equal(agent.end()[0], 0)


@test("/integration/agent/log-names-collectors-that-the-agent-stops")
@with_agent(LASTING)
def _(agent):
    agent.wait_log("listening at")
    equal(agent.end()[0], 0)
    holds(re.search(r"collector lasting \(pid \d+\) ended: killed by signal 15", agent.log), agent.log)


@test("/integration/agent/stops-collectors-at-the-same-time")
@with_agent(*HAND_IN_HAND)
def _(agent):
    agent.wait_log("hand-1 is ready")
    agent.wait_log("hand-2 is ready")
    equal(agent.end()[0], 0)
    equal(len(re.findall(r"collector hand-. \(pid \d+\) ended: exit status 0", agent.log)), 2, agent.log)


@test("/integration/agent/log-has-one-line-for-a-command-of-several")
@with_agent(f"'{LINE_BREAK}' 'and\nanother'")
def _(agent):
    agent.wait_log(r"collector line\\nbreak \(pid \d+\) started: '.*/line\\nbreak' 'and\\nanother'\n")
    agent.wait_log(r"collector line\\nbreak \(pid \d+\) ended: exit status 0\n")
    equal(agent.end()[0], 0)


@test("/integration/agent/names-a-collector-that-cannot-start")
def _():
    for command, reason in (("'", "matching quote"), ("no-such-program x", "no-such-program")):
        agent = Agent(command)
        _, log = agent.process.communicate(timeout=PATIENCE_S)
        equal(agent.process.returncode, 1)
        agent.remove()
        holds(f"--collector '{command}': " in log.decode() and reason in log.decode(), log)


@test("/integration/agent/refuses-arguments-that-are-not-options")
def _():
    """Such as a command line whose --address was forgotten: the agent must not listen at its default address."""
    for words in (["/run/daemoneye/other.sock"], ["--version", "x"], ["--", "--demo"]):
        ran = subprocess.run([AGENT, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
                             env=dict(os.environ, LC_ALL="C"), check=False)
        equal((ran.returncode, ran.stdout), (2, ""))
        holds(f"Unexpected argument {'--' if words[0] == '--' else words[-1]}" in ran.stderr, ran.stderr)


@test("/integration/agent/log-names-peers-that-the-agent-did-not-start")
@with_agent()
def _(agent):
    agent.wait_log("listening at")
    peer = RawPeer(agent.address, "netmond-7", "netmond")
    agent.wait_log(rf"collector netmond-7 \(pid {os.getpid()}, uid \d+\) connected")
    peer.close()
    agent.wait_log(rf"collector netmond-7 \(pid {os.getpid()}, uid \d+\) disconnected: ABSENT")
    equal(agent.end()[0], 0)


@test("/integration/agent/log-of-a-peer-that-reconnects-many-times-is-capped")
@with_agent()
def _(agent):
    agent.wait_log("listening at")
    for i in range(60):
        # More peers disconnect at once than may be reported in a second, however long they needed to connect.
        for peer in [RawPeer(agent.address, f"netmond-{i}-{number}", "netmond") for number in range(100)]:
            peer.close()
        if "records were suppressed before this one" in agent.log:
            break
        while select.select([agent.process.stderr], [], [], 0)[0]:
            agent.log += os.read(agent.process.stderr.fileno(), 65536).decode()
    agent.wait_log(r"collector netmond-\S+ .*; \d+ records were suppressed before this one\n")
    equal(agent.end()[0], 0)


@test("/integration/agent/SIGHUP-keeps-the-broker")
@with_agent(LASTING)
def _(agent):
    agent.wait_log("listening at")
    for _ in range(3):
        agent.process.send_signal(signal.SIGHUP)
        agent.wait_log("the configuration of the broker is read at start only")
        agent.wait_log(r"asked to read their configuration again: 0")
        agent.log = ""
    RawPeer(agent.address, "netmond-1", "netmond").close()
    equal(agent.end()[0], 0)
    holds(not os.path.exists(agent.address), "the socket is removed")


@test("/integration/agent/SIGHUP-while-it-stops")
@with_agent(STUBBORN)
def _(agent):
    agent.wait_log("stubborn is ready")
    agent.wait_log("listening at")
    agent.process.send_signal(signal.SIGTERM)
    agent.wait_log("stubborn was asked to end")
    agent.process.send_signal(signal.SIGHUP)
    equal(agent.end()[0], 0)
    holds("reload" not in agent.log, agent.log)


@test("/integration/agent/reports-its-state")
@with_agent(SHOW_ENVIRONMENT, watchdog_us=200000)
def _(agent):
    if not NOTIFIES:
        raise Skip("the agent is built without libsystemd")
    agent.wait_message(r"READY=1\nSTATUS=Listening at " + re.escape(agent.address))
    agent.wait_message("WATCHDOG=1")
    agent.wait_message("WATCHDOG=1")
    before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    agent.process.send_signal(signal.SIGHUP)
    told_us = int(agent.wait_message(r"RELOADING=1\nMONOTONIC_USEC=(\d+)")[1])
    after_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    holds(before_us <= told_us <= after_us, f"{before_us} {told_us} {after_us}")
    agent.wait_message("READY=1")
    agent.process.send_signal(signal.SIGTERM)
    agent.wait_message("STOPPING=1")
    equal(agent.process.wait(timeout=PATIENCE_S), 0)


@test("/integration/agent/children-do-not-report-its-state")
@with_agent(SHOW_ENVIRONMENT)
def _(agent):
    if not NOTIFIES:
        raise Skip("the agent is built without libsystemd")
    agent.wait_message("READY=1")
    agent.wait_log("in-collector-end")
    holds("in-collector: PATH=" in agent.log, agent.log)
    equal(re.findall("in-collector: (?:NOTIFY|WATCHDOG)_.*", agent.log), [])
    equal(agent.end()[0], 0)


try:
    STATUS = run()
finally:
    shutil.rmtree(SCRIPTS, ignore_errors=True)
sys.exit(STATUS)
