#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs procmond with and without the kernel's reports of processes: `procmond-kernel.py DEYEBUSCTL AGENT MODULE PROCMOND`. Tests
that need the reports are skipped on a machine without them. Namespaces are changed in children only."""
import collections
import ctypes
import json
import os
import signal
import subprocess
import sys

from broker import die_with_parent
from ctltool import turns
from procmondbus import CHANGED, DEGRADED, EXITED, HEALTHY, STARTED, Bus
from tap import Skip, equal, holds, run, test

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
HOUR_MS = 3600000
UNKNOWN_START_TIME = 1 << 7


def statistics(bus):
    return bus.call("Statistics")


def settled(bus):
    """Waits until procmond knows whether the kernel reports processes. Returns the statistics."""
    for _ in range(2000):
        numbers = statistics(bus)
        if numbers.get("kernel_reports") or numbers.get("reason"):
            return numbers
    raise AssertionError("procmond does not know whether the kernel reports")


def with_reports(bus, *words, **more):
    """Starts procmond-1 with the kernel's reports."""
    collector = bus.collector(more=words, **more)
    numbers = settled(bus)
    if not numbers.get("kernel_reports"):
        raise Skip(f"the kernel does not report processes here: {numbers['reason']}")
    return collector


class Seen:
    """The received events of a bus."""

    def __init__(self, bus):
        written, self.process = bus.watch()
        self.file = open(written.name, "rb")  # pylint: disable=consider-using-with
        self.rest = b""
        self.events = []
        self.by_pid = collections.defaultdict(list)

    def read(self):
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        for line in lines:
            event = json.loads(line)["payload"]
            self.events.append(event)
            self.by_pid[event["process"]["pid"]].append(event)

    def wait(self, pid, kind):
        """Waits for an event of that kind. Returns all events of the process."""
        for _ in turns():
            self.read()
            if any(one["kind"] == kind for one in self.by_pid[pid]):
                return self.by_pid[pid]
        raise AssertionError(f"no {kind} of {pid}: {self.by_pid[pid]}")

    def end(self, pid):
        return self.wait(pid, EXITED)


def identity(process):
    unknown = int(process.get("unknown_fields", 0)) & UNKNOWN_START_TIME
    return process["pid"], None if unknown else process.get("start_time")


def check_lives(seen):
    """Each process has at most one start and one end, in this order, and changes only between the two."""
    lives = collections.defaultdict(list)
    seen.read()
    for one in seen.events:
        lives[identity(one["process"])].append(one["kind"])
    for process, kinds in lives.items():
        if process[1] is None:  # several processes may have had the pid
            continue
        holds(kinds.count(STARTED) <= 1 and kinds.count(EXITED) <= 1, f"{process}: {kinds}")
        holds(STARTED not in kinds[1:] and EXITED not in kinds[:-1], f"{process}: {kinds}")


# --- with reports ---

@test("/integration/procmond-kernel/start-and-end-without-a-poll")
def _(paths):
    with Bus(paths) as bus:
        with_reports(bus, interval=HOUR_MS)
        seen = Seen(bus)
        for _ in range(10):  # a table is also read when reports were lost, which other processes of the machine can cause
            before = statistics(bus)
            child = subprocess.Popen(["sh", "-c", "read line; exit 7"], stdin=subprocess.PIPE)
            child.communicate(b"\n")
            life = seen.end(child.pid)
            after = statistics(bus)
            if after["overruns"] == before["overruns"]:
                break
        equal(after["polls"], before["polls"], "no table was read meanwhile")
        equal((life[0]["kind"], life[-1]["kind"]), (STARTED, EXITED))
        holds(CHANGED in [one["kind"] for one in life], life)
        equal({int(one.get("poll_interval_us", 0)) for one in life}, {0}, "every event is from the kernel")
        equal(int(life[0]["process"]["ppid"]), os.getpid())
        equal(life[-1]["exit"].get("code"), 7)
        equal(life[-1]["exit"].get("signal", 0), 0)


@test("/integration/procmond-kernel/signal-that-ended-a-process")
def _(paths):
    with Bus(paths) as bus:
        with_reports(bus, interval=HOUR_MS)
        seen = Seen(bus)
        child = subprocess.Popen(["sleep", "1000"], preexec_fn=die_with_parent)
        child.kill()
        child.wait()
        life = seen.end(child.pid)
        equal((life[-1]["exit"].get("code", 0), life[-1]["exit"].get("signal")), (0, signal.SIGKILL))


@test("/integration/procmond-kernel/shortest-processes-are-reported")
def _(paths):
    """A process that only calls _exit() has ended before its data can be read."""
    with Bus(paths) as bus:
        with_reports(bus, interval=HOUR_MS)
        seen = Seen(bus)
        pids = []
        for code in range(100):
            pid = os.fork()
            if pid == 0:
                os._exit(code)
            pids.append(pid)
        for pid in pids:
            os.waitpid(pid, 0)
        for code, pid in enumerate(pids):
            life = seen.end(pid)
            equal([one["kind"] for one in life], [STARTED, EXITED], pid)
            equal(life[-1]["exit"].get("code", 0), code)
        check_lives(seen)


@test("/integration/procmond-kernel/reports-and-polls-give-each-event-once")
def _(paths):
    """Tables are read continuously, and contain the same processes as the reports."""
    with Bus(paths) as bus:
        with_reports(bus, interval=10)
        seen = Seen(bus)
        before = int(statistics(bus)["polls"])
        pids = []
        while int(statistics(bus)["polls"]) < before + 3:
            children = [subprocess.Popen(["sleep", "0.01"]) for _ in range(10)]
            pids += [child.pid for child in children if child.wait() == 0]
        for pid in pids:
            seen.end(pid)
        check_lives(seen)


@test("/integration/procmond-kernel/a-process-outlives-its-first-thread")
def _(paths):
    program = ("import ctypes, threading, time, os\n"
               "def other():\n    input()\n    os._exit(5)\n"
               "threading.Thread(target=other).start()\n"
               "ctypes.CDLL(None).syscall(SYS_exit, 3)\n").replace("SYS_exit", str(60 if os.uname().machine == "x86_64" else 93))
    if os.uname().machine not in ("x86_64", "aarch64"):
        raise Skip("the number of the system call exit is not known here")
    with Bus(paths) as bus:
        with_reports(bus, interval=HOUR_MS)
        seen = Seen(bus)
        child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
        for _ in range(100000):
            with open(f"/proc/{child.pid}/stat", encoding="utf-8") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    break
        marker = subprocess.Popen(["true"])
        marker.wait()
        seen.end(marker.pid)  # all earlier reports were handled
        holds(EXITED not in [one["kind"] for one in seen.by_pid[child.pid]], "the process still has a thread")
        child.communicate(b"\n")
        equal(seen.end(child.pid)[-1]["exit"].get("code"), 5)


@test("/integration/procmond-kernel/lost-reports-degrade-health-until-repaired")
def _(paths):
    with Bus(paths) as bus:
        collector = with_reports(bus, "--queue", "64", interval=10)
        seen = Seen(bus)
        # Other processes of the machine may have filled the queue while procmond started.
        bus.health(lambda health: health["health"] == HEALTHY)
        overruns = int(statistics(bus)["overruns"])
        collector.send_signal(signal.SIGSTOP)
        for _ in range(1000):  # more reports than the queue has room for
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        child = subprocess.Popen(["sleep", "1000"], preexec_fn=die_with_parent)
        collector.send_signal(signal.SIGCONT)
        health = bus.health(lambda health: health["health"] == DEGRADED)
        holds("watching: reports of the kernel were lost" in health["detail"], health)
        holds(int(statistics(bus)["overruns"]) > overruns, "the overrun is counted")
        seen.wait(child.pid, STARTED)  # found by reading a table
        bus.health(lambda health: health["health"] == HEALTHY)
        child.kill()
        child.wait()
        seen.end(child.pid)
        check_lives(seen)


# --- without reports ---

def in_namespace(kind):
    """A function for a child to enter such a namespace. Skips the test if that is not allowed."""
    pid = os.fork()
    if pid == 0:
        os._exit(LIBC.unshare(kind) != 0)
    if os.waitpid(pid, 0)[1] != 0:
        raise Skip("this machine does not allow namespaces")

    def before():
        LIBC.unshare(kind)
        die_with_parent()
    return before


def check_polls(paths, before, reason):
    with Bus(paths) as bus:
        bus.collector(more=(), before=before)
        numbers = settled(bus)
        holds(not numbers.get("kernel_reports"), numbers)
        holds(reason in numbers["reason"], numbers)
        equal(int(numbers["poll_interval_us"]), 20000)
        health = bus.health(lambda health: health["health"] == DEGRADED)
        holds("watching: a process that starts and ends between two polls (20 ms) is missed, because " in health["detail"], health)
        holds(reason in health["detail"], health)
        seen = Seen(bus)
        child = subprocess.Popen(["sh", "-c", "read line"], stdin=subprocess.PIPE)
        seen.wait(child.pid, STARTED)
        child.communicate(b"\n")
        life = seen.end(child.pid)
        equal({int(one["poll_interval_us"]) for one in life}, {20000})
        holds("exit" not in life[-1] or life[-1]["exit"] is None, "polling does not find the exit status")


@test("/integration/procmond-kernel/polls-in-a-network-namespace")
def _(paths):
    check_polls(paths, in_namespace(CLONE_NEWNET), "network namespace")


@test("/integration/procmond-kernel/polls-in-a-user-namespace")
def _(paths):
    check_polls(paths, in_namespace(CLONE_NEWUSER), "does not confirm")


@test("/integration/procmond-kernel/polls-with-the-option")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        numbers = statistics(bus)
        equal((numbers.get("kernel_reports", False), numbers.get("reason", ""), int(numbers["poll_interval_us"])), (False, "", 20000))
        equal(bus.call("HealthCheck")["health"], HEALTHY)


sys.exit(run(sys.argv[1:5]))
