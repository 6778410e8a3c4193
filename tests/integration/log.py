#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A log of a real agent or collector that cannot be written has no effect on the bus.

log.py AGENT MODULE PROCMOND DEYEBUSCTL
"""
import contextlib
import fcntl
import os
import select
import shutil
import subprocess
import sys
import tempfile

from broker import Broker, die_with_parent
from rawpeer import PUBLISH, RawPeer, number, text
from tap import Skip, equal, holds, run, test

PATIENCE_S = 60


class Pipe:
    """A pipe; @end is its write end. A small one holds one page."""

    def __init__(self, small=True):
        self.reader, self.end = os.pipe()
        if small:
            fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 4096)

    def is_full(self):
        return not select.select([], [self.end], [], 0)[1]

    def fill(self):
        os.set_blocking(self.end, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.end, b"x" * 4096)
        os.set_blocking(self.end, True)

    def read_until(self, what):
        """Reads until a line contains @what; returns the whole text."""
        got = b""
        while what.encode() not in got or not got.endswith(b"\n"):
            holds(select.select([self.reader], [], [], PATIENCE_S)[0], f"{what} in {got.decode()}")
            got += os.read(self.reader, 65536)
        return got.decode()

    def close(self):
        os.close(self.reader)
        os.close(self.end)


def deny(peer, topic="tasks.netmond"):
    """A publish that is denied."""
    peer.last += 2
    peer.send(PUBLISH, 0, number(1, peer.last | 1) + text(2, topic) + text(15, b"x"))


@test("/integration/log/W04-standard-error-is-not-read")
def unread_standard_error(agent, module, *_):
    pipe = Pipe()
    broker = Broker(agent, module, stderr=pipe.end)
    # Each peer connects, so the broker must answer each time although its log is blocked.
    for i in range(2000):
        if pipe.is_full():
            break
        peer = RawPeer(broker.address, f"noisy-{i}")
        deny(peer)
        peer.close()
    holds(pipe.is_full(), "the pipe is full of records")
    noisy = RawPeer(broker.address, "noisy")
    for _ in range(100):
        deny(noisy)
    for i in range(200):
        RawPeer(broker.address, f"newcomer-{i}").close()
    noisy.close()
    equal(broker.end(), 0, "the agent ends although its log is blocked")
    pipe.close()


@test("/integration/log/W04-own-log-of-the-agent")
def own_log(agent, module, *_):
    """Standard error is full from the start, so no record of the agent can be written."""
    pipe = Pipe()
    pipe.fill()
    broker = Broker(agent, module, stderr=pipe.end, environment={"G_MESSAGES_DEBUG": "all"})
    RawPeer(broker.address, "newcomer").close()
    equal(broker.end(), 0)
    error = subprocess.Popen([agent, "--module", "/nonexistent"], stdin=subprocess.DEVNULL, stderr=pipe.end,
                             preexec_fn=die_with_parent)
    equal(error.wait(timeout=PATIENCE_S), 1, "an error that can't be written ends the agent")
    pipe.close()


@test("/integration/log/W04-log-of-a-collector")
def collector(agent, module, procmond, _):
    """procmond reports the end of its connection, and can be stopped, although its standard error is not read."""
    broker = Broker(agent, module)
    pipe = Pipe()
    pipe.fill()
    ready, notify = os.pipe()
    child = subprocess.Popen([procmond, "--address", broker.address, "--ready-fd", str(notify)], stdin=subprocess.DEVNULL,
                             stderr=pipe.end, pass_fds=[notify], preexec_fn=die_with_parent,
                             env=dict(os.environ, G_MESSAGES_DEBUG="all"))
    os.close(notify)
    with os.fdopen(ready) as notice:
        holds(notice.readline(), "procmond is ready")
    broker.kill()
    broker = Broker(agent, module, at=broker)
    child.terminate()
    equal(child.wait(timeout=PATIENCE_S), 0, "procmond ends on SIGTERM")
    equal(broker.end(), 0)
    pipe.close()


def start_without_streams(program, *arguments):
    """Starts a program with closed standard streams. Returns it, and the line that it writes when it is ready."""
    ready, notify = os.pipe()
    child = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", program, "--ready-fd", str(notify), *arguments],
                             pass_fds=[notify], preexec_fn=die_with_parent, env=dict(os.environ, G_MESSAGES_DEBUG="all"))
    os.close(notify)
    with os.fdopen(ready) as notice:
        return child, notice.readline()


@test("/integration/log/W04-closed-standard-streams")
def closed_streams(agent, module, procmond, _):
    """No socket gets the number of standard error: the log would be written into the stream of frames."""
    if not os.path.isdir("/proc/self/fd"):
        raise Skip("/proc/PID/fd shows the descriptors")
    with tempfile.TemporaryDirectory() as directory:
        address = os.path.join(directory, "bus", "eventbus.sock")
        broker, listens = start_without_streams(agent, "--module", module, "--address", address)
        holds(listens, "the agent is ready")
        collector, ready = start_without_streams(procmond, "--address", address)
        holds(ready, "procmond is ready")
        for program in (broker, collector):
            equal([os.readlink(f"/proc/{program.pid}/fd/{fd}") for fd in range(3)], ["/dev/null"] * 3)
        for program in (collector, broker):
            program.terminate()
            equal(program.wait(timeout=PATIENCE_S), 0)


@test("/integration/log/W04-output-of-a-tool")
def tool(agent, module, _, ctl):
    """deyebusctl can be stopped although its output is not read."""
    broker = Broker(agent, module)
    pipe = Pipe()
    child = subprocess.Popen([ctl, "--address", broker.address, "subscribe", "#"], stdin=subprocess.DEVNULL, stdout=pipe.end,
                             preexec_fn=die_with_parent)
    peer = RawPeer(broker.address, "procmond-1")
    while not pipe.is_full():
        peer.publish("events.process.new", b"x" * 1000, "")
    # A signal that arrives just before a write does not interrupt it. A second signal would kill the tool while it ends, so it is
    # sent late.
    for _ in range(12):
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=PATIENCE_S / 12)
            break
    equal(child.poll(), 0)
    peer.close()
    equal(broker.end(), 0)
    pipe.close()


def records_of(log, start):
    return [line for line in log.splitlines() if start in line]


@test("/integration/log/W04-noisy-peer")
def noisy_peer(agent, module, *_):
    """One peer that causes thousands of records in a second does not suppress the records of another peer."""
    pipe = Pipe(small=False)
    broker = Broker(agent, module, stderr=pipe.end, environment={"G_MESSAGES_DEBUG": "all"})
    noisy = RawPeer(broker.address, "noisy")
    for _ in range(3000):
        deny(noisy)
    quiet = RawPeer(broker.address, "quiet")
    deny(quiet, "events.network.dns")
    log = pipe.read_until("denied: quiet ")
    quiet.close()
    noisy.close()
    log += pipe.read_until("peer gone: noisy ")
    equal(broker.end(), 0)
    pipe.close()
    equal(len(records_of(log, "denied: quiet ")), 1, log)
    record = records_of(log, "denied: quiet ")[0]
    holds("publish events.network.dns: DENIED: denied by rule events-own-domain: only collectors with the domain" in record, record)
    holds(len(records_of(log, "denied: noisy ")) < 1000, "the records of a peer are capped")
    holds("records were suppressed before this one" in log, "a later record contains the number of suppressed ones:\n" + log)


# Acts as the journal of a program: it receives the program's standard error and copies it to standard output. With the first
# argument "records" it also receives structured records.
JOURNAL = """
import os, socket, sys
server, ours = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
server.bind("/run/systemd/journal/stdout")
records = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if sys.argv[1] == "records":
    records.bind("/run/systemd/journal/socket")
    records.setblocking(False)
server.listen()
ours.connect("/run/systemd/journal/stdout")
if os.fork() == 0:
    os.dup2(ours.fileno(), 2)
    os.execv(sys.argv[2], sys.argv[2:])
ours.close()
taken = server.accept()[0]
while data := taken.recv(4096):
    os.write(1, data)
try:
    while sys.argv[1] == "records":
        os.write(1, records.recv(65536))
except BlockingIOError:
    pass
"""


def run_under_journal(kind, agent, module):
    """Runs an agent that cannot start its second collector. Returns the text that the journal gets. The journal is in a mount
    namespace of the test."""
    enter = ["unshare", "-rm", "sh", "-c", 'mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal && exec "$@"']
    with tempfile.TemporaryDirectory(prefix="deye-journal-") as place:
        if not shutil.which("unshare") or subprocess.run([*enter, place, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            raise Skip("needs user namespaces")
        ended = subprocess.run([*enter, place, sys.executable, "-c", JOURNAL, kind, os.path.abspath(agent),
                                "--module", os.path.abspath(module), "--address", os.path.join(place, "bus", "eventbus.sock"),
                                "--collector", "true", "--collector", "no-such-program"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, timeout=PATIENCE_S, check=False, env={**os.environ, "G_MESSAGES_DEBUG": ""})
    holds(b"no-such-program" in ended.stdout, ended.stdout)
    return ended.stdout.decode()


@test("/integration/log/journal-without-a-socket-for-records")
def no_records(agent, module, *_):
    """The journal reads standard error, but has no socket for records."""
    log = run_under_journal("text", agent, module)
    holds("collector true (pid " in log, log)


@test("/integration/log/journal")
def journal(agent, module, *_):
    """Records have fields. Records of levels that are not written to standard error by default are not sent."""
    log = run_under_journal("records", agent, module)
    holds("COLLECTOR=true\n" in log and "PRIORITY=5\n" in log, log)
    holds("PRIORITY=6" not in log and "PRIORITY=7" not in log, log)


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
