#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The place of the broker's socket: `place.py AGENT MODULE CTL`. Real agents whose files and directories are removed, replaced or
owned by others. Tests that need other users are skipped unless root runs them."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from broker import die_with_parent  # noqa: E402
from rawpeer import RawPeer  # noqa: E402
from tap import Skip, equal, holds, run, test  # noqa: E402

PATIENCE_S = 60
AGENT, MODULE, CTL = sys.argv[1:4]
USER = 65533  # any user that is neither root nor this one
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""}


class Agent:
    """A daemoneye-agent at @address, as user @uid, and its log."""

    def __init__(self, address, uid=None, options=()):
        def prepare():
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            die_with_parent()
        self.address, self.log = address, ""
        self.process = subprocess.Popen([AGENT, "--address", address, "--module", MODULE, *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=ENVIRONMENT, preexec_fn=prepare)

    def wait_log(self, pattern):
        """Reads the log until it contains @pattern."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.log):
            ready, _, _ = select.select([self.process.stderr], [], [], max(deadline - time.monotonic(), 0))
            more = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            holds(more, f"no {pattern!r} in the log:\n{self.log}")
            self.log += more.decode()
        return self

    def status(self, asked=None):
        """Sends the signal @asked, if any, waits for the end, and returns the exit status."""
        if asked is not None:
            self.process.send_signal(asked)
        _, log = self.process.communicate(timeout=PATIENCE_S)
        self.log += log.decode()
        return self.process.returncode

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Place:
    """A directory for one test and the agents in it."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="deye-place-")
        os.chmod(self.top, 0o755)
        self.agents = []

    def path(self, *names):
        return os.path.join(self.top, *names)

    def make(self, name, mode, uid=None):
        """Creates a directory. Returns its path."""
        os.mkdir(self.path(name))
        os.chmod(self.path(name), mode)
        if uid is not None:
            os.chown(self.path(name), uid, uid)
        return self.path(name)

    def start(self, *names, uid=None, listens=True, options=()):
        agent = Agent(self.path(*names), uid, options)
        self.agents.append(agent)
        if listens:
            agent.wait_log("listening at")
        return agent

    def refuse(self, *names, uid=None):
        """Starts an agent, which must refuse the place. Returns its log."""
        agent = self.start(*names, uid=uid, listens=False)
        equal(agent.status(), 1, agent.log)
        return agent.log

    def end(self):
        for agent in self.agents:
            agent.kill()
        shutil.rmtree(self.top, ignore_errors=True)


def place_test(path, as_root=False):
    """Like @test, with a Place as the argument of the function."""
    def wrap(function):
        @test(path)
        def call():
            if as_root and os.geteuid() != 0:
                raise Skip("needs root, to run programs as other users")
            place = Place()
            try:
                function(place)
            finally:
                place.end()
        return call
    return wrap


def inode(path):
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def ask(address):
    """Runs deyebusctl. Returns its exit status and its output."""
    ran = subprocess.run([CTL, "--address", address, "status"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=PATIENCE_S, env=ENVIRONMENT, check=False)
    return ran.returncode, ran.stdout + ran.stderr


# --- removed files ---

@place_test("/integration/place/A13-socket-removed")
def _(place):
    agent = place.start("bus", "s")
    early = RawPeer(agent.address, "early-1")
    os.unlink(agent.address)
    agent.wait_log(r"address lost: .*was removed").wait_log("address restored")
    late = RawPeer(agent.address, "late-1")
    status, listing = subprocess.getstatusoutput(f"'{CTL}' --address '{agent.address}' peers")
    holds(status == 0 and "early-1" in listing and "late-1" in listing, listing)
    early.close()
    late.close()
    equal(agent.status(signal.SIGTERM), 0)
    equal(os.listdir(place.path("bus")), [])
    equal(agent.log.count("address lost"), 1, agent.log)


@place_test("/integration/place/A13-directory-removed")
def _(place):
    agent = place.start("parent", "bus", "s")
    # Otherwise it could restore the socket before its directory is removed.
    agent.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, agent.process.pid, os.WSTOPPED | os.WNOWAIT)
    shutil.rmtree(place.path("parent"))
    agent.process.send_signal(signal.SIGCONT)
    agent.wait_log("address restored")
    RawPeer(agent.address, "late-1").close()
    holds("another broker" in place.refuse("parent", "bus", "s"), "a second agent is refused")
    equal(agent.status(signal.SIGTERM), 0)


# --- the lock of another broker ---

@place_test("/integration/place/A13-directory-replaced-under-a-running-agent")
def _(place):
    first = place.start("bus", "s")
    os.kill(first.process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, first.process.pid, os.WSTOPPED | os.WNOWAIT)
    os.rename(place.path("bus"), place.path("away"))
    second = place.start("bus", "s")
    own = [inode(second.address), inode(second.address + ".lock")]
    os.kill(first.process.pid, signal.SIGCONT)
    first.wait_log("address not restored yet.*another broker runs")
    equal(first.status(signal.SIGTERM), 0)
    equal([inode(second.address), inode(second.address + ".lock")], own, "the files of the second agent are unchanged")
    equal(os.listdir(place.path("away")), [], "the first agent has removed its own files")
    holds("another broker runs" in place.refuse("bus", "s"), "a third agent is refused")
    RawPeer(second.address, "late-1").close()
    equal(second.status(signal.SIGTERM), 0)
    equal(os.listdir(place.path("bus")), [])


@place_test("/integration/place/A13-agents-that-start-at-once")
def _(place):
    """Of agents that start at the same time, exactly one listens, in each of three rounds."""
    for _ in range(3):
        agents = [place.start("bus", "s", listens=False) for _ in range(6)]
        for agent in agents:
            agent.wait_log("listening at|another broker")
        [winner] = [agent for agent in agents if "listening at" in agent.log]
        RawPeer(winner.address, "peer-1").close()
        equal(winner.status(signal.SIGTERM), 0)
    equal(os.listdir(place.path("bus")), [])


# --- other users ---

@place_test("/integration/place/A12-writable-parent")
def _(place):
    for mode in 0o777, 0o775, 0o757:
        parent = place.make(f"open-{mode:o}", mode)
        output = place.refuse(parent, "own", "s")
        holds(f"other users can write to {parent} (owner uid {os.geteuid()}, mode {mode:04o})" in output, output)
        equal(os.listdir(parent), [])


@place_test("/integration/place/A12-foreign-parent", as_root=True)
def _(place):
    parent = place.make("home", 0o755, USER)
    output = place.refuse(parent, "own", "s")
    holds(f"{parent} belongs to uid {USER} (mode 0755)" in output, output)
    os.symlink(place.make("real", 0o700), place.path("link"))
    os.lchown(place.path("link"), USER, USER)
    output = place.refuse("link", "own", "s")
    holds(f"{place.path('link')} belongs to uid {USER}" in output, output)


@place_test("/integration/place/A12-user-below-directories-of-root", as_root=True)
def _(place):
    """A user may listen below its own directories and in one like /tmp, but not below a directory of another user."""
    shared = place.make("tmp", 0o1777)
    home = place.make("home", 0o755, USER)
    other = place.make("other", 0o777, USER + 1)
    for path in (shared, "own", "s"), (home, "own", "s"):
        equal(place.start(*path, uid=USER).status(signal.SIGTERM), 0)
    output = place.refuse(other, "own", "s", uid=USER)
    holds(f"{other} belongs to uid {USER + 1} (mode 0777)" in output, output)


@place_test("/integration/place/A12-root-refuses-the-server-of-a-user", as_root=True)
def _(place):
    home = place.make("home", 0o755, USER)
    with open(place.path("conf"), "w", encoding="utf-8") as file:
        file.write(f"[socket]\nuids=0;{USER}\ntool-uids=0\n")
    agent = place.start(home, "s", uid=USER, options=["--config", place.path("conf")])
    status, output = ask(agent.address)
    equal(status, 3, output)
    holds(f"user {USER}" in output, output)
    equal(agent.status(signal.SIGTERM), 0)


sys.exit(run())
