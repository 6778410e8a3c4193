# SPDX-License-Identifier: Apache-2.0
"""Processes of bench-pressure: a broker and its workers, with their memory and CPU time as the kernel reports them. Every wait
has a timeout. All processes, also suspended ones, end together with this one."""
import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from broker import Broker  # pylint: disable=wrong-import-position

PATIENCE_S = 180
SAMPLE_S = 0.05
REASONS = {"23": "LIMIT", "24": "WOULD_BLOCK", "26": "NO_MEMORY", "36": "EXPIRED", "40": "SLOW_CONSUMER"}
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A result that is a failure."""


def rss(pid):
    """The resident memory in bytes: (now, maximum so far)."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return tuple(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Worker:
    """A pressure-worker process; pressure-worker.c describes its commands."""

    def __init__(self, program, address, name, kind="procmond"):
        self.start(name, [program, address, name, kind])
        self.expect("connected")

    def start(self, name, words):
        self.name = name
        self.buffer = b""
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid

    def send(self, *words):
        self.process.stdin.write((" ".join(str(word) for word in words) + "\n").encode())
        self.process.stdin.flush()

    def line(self, until):
        """The next line; None if there is none until @until."""
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(until - time.monotonic(), 0))
            if not ready:
                return None
            some = os.read(self.process.stdout.fileno(), 65536)
            if not some:
                raise Failure(f"{self.name} ended with {self.process.wait(timeout=PATIENCE_S)}")
            self.buffer += some
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()

    def expect(self, word, patience_s=PATIENCE_S, meanwhile=None):
        """Reads the next line, which must begin with @word; returns its other words. Calls @meanwhile several times a second."""
        end = time.monotonic() + patience_s
        line = None
        while line is None:
            line = self.line(min(end, time.monotonic() + SAMPLE_S) if meanwhile else end)
            if meanwhile:
                meanwhile()
            if line is None and time.monotonic() >= end:
                raise Failure(f"{self.name} did not say \"{word}\" within {patience_s} s")
        words = line.split(" ")
        if words[0] != word:
            raise Failure(f"{self.name} printed \"{line}\", not \"{word}\"")
        return words[1:]

    def ask(self, word, *words, **how):
        self.send(*words)
        return self.expect(word, **how)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()
        if status:
            raise Failure(f"{self.name} ended with {status}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def stderr_to(file):
    """Redirects the standard error of programs that are started in the block, because a broker logs all drops."""
    ours = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)


class Bus:
    """A broker process with these settings of [limits]; as a context manager it ends all its processes."""

    def __init__(self, build, limits=None, pin=False):
        self.program = os.path.join(build, "tests/bench/pressure-worker")
        self.workers = []
        self.pin = pin
        self.settings = tempfile.NamedTemporaryFile("w", suffix=".conf")  # pylint: disable=consider-using-with
        self.log = tempfile.TemporaryFile("w+")  # pylint: disable=consider-using-with
        with stderr_to(self.log):
            self.broker = Broker(os.path.join(build, "agent/daemoneye-agent"),
                                 os.path.join(build, "plugin/daemoneye-eventbus.so"), *self.configuration(limits or {}))
        self.pid = self.broker.process.pid
        self.place(self.pid, 0)

    def configuration(self, limits):
        lines = [f"{name}={value}" for name, value in limits.items()]
        print("[limits]", *lines, sep="\n", file=self.settings, flush=True)
        return ["--config", self.settings.name]

    def place(self, pid, cpu):
        if self.pin:
            os.sched_setaffinity(pid, {cpu})

    def worker(self, name, cpu=1):
        worker = Worker(self.program, self.broker.address, name)
        self.workers.append(worker)
        self.place(worker.pid, cpu)
        return worker

    def subscriber(self, name, topic, policy, pace="fast"):
        worker = self.worker(name)
        worker.ask("subscribed", "subscribe", topic, policy, pace)
        return worker

    def drop(self, worker):
        self.workers.remove(worker)
        worker.end()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            while kind is None and self.workers:
                self.drop(self.workers[0])
        finally:
            for worker in self.workers:
                worker.kill()
            had_ended = kind is not None and self.broker.process.poll() is not None
            if kind is not None and not had_ended:
                self.broker.process.kill()
            status = self.broker.end()
            self.settings.close()
        if status and (kind is None or had_ended):
            raise Failure(f"the broker ended with {status}; its last words: {self.last_words()}")

    def last_words(self):
        self.log.seek(0)
        return " / ".join(self.log.read().splitlines()[-3:])


class Watch:
    """The maximum memory of a process and its CPU time, from now on."""

    def __init__(self, pid):
        self.pid = pid
        self.before = rss(pid)[0]
        self.peak = self.before
        self.cpu = cpu_s(pid)
        self.start = time.monotonic()

    def sample(self):
        self.peak = max(self.peak, rss(self.pid)[0])

    def growth(self):
        """The growth of the maximum. The kernel's maximum is exact, but includes the time before this object."""
        now, most = rss(self.pid)
        return max(self.peak, now, most) - self.before

    def cpu_percent(self):
        return 100 * (cpu_s(self.pid) - self.cpu) / max(time.monotonic() - self.start, 0.001)


class Flood:
    """The answer "flooded" of a pressure-worker."""

    def __init__(self, words):
        self.sent, self.errors, longest_us, elapsed_us, self.code = (int(word) for word in words[:5])
        self.longest_ms = longest_us / 1000
        self.per_second = self.sent * 1e6 / max(int(elapsed_us), 1)
        if self.code:
            raise Failure(f"a publish failed after {self.sent}: {self.code} {' '.join(words[5:])}")


def flood(publisher, topic, topics=1, messages=0, seconds=3600, size=(64, 64), how="pump", meanwhile=None):
    words = publisher.ask("flooded", "flood", topic, topics, messages, int(seconds * 1000), *size, how,
                          patience_s=seconds + PATIENCE_S, meanwhile=meanwhile)
    return Flood(words)


def sums(worker, published, where):
    """Returns (received, missed, { reason: missed }), and fails if the counts are not exact."""
    worker.ask("reached", "await", published)
    words = worker.ask("got", "report")
    received, missed, misplaced = (int(word) for word in words[:3])
    reasons = {REASONS.get(code, code): int(n) for code, n in (word.split(":") for word in words[3:])}
    if received + missed != published:
        raise Failure(f"{where}: {received} received + {missed} reported as missed != {published} published")
    if sum(reasons.values()) != missed:
        raise Failure(f"{where}: the reasons {reasons} do not add up to {missed} missed")
    if misplaced:
        raise Failure(f"{where}: before {misplaced} messages the reported gaps differ from the missing messages")
    return received, missed, reasons


def end_on_signals():
    """Makes signals end the processes that were started, and prevents core files of killed processes."""
    def leave(number, _):
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
