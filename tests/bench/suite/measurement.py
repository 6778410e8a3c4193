# SPDX-License-Identifier: Apache-2.0
"""One measurement: a new broker, the client processes, and their results. At the end all processes and files of it are removed."""
import contextlib
import os
import shutil
import signal
import socket
import tempfile
import time

from brokers import PEERS
from processes import Failure, Process, cpu_s, memory_kib

START_S = 4
CALM_S = 0.4  # long enough for an idle broker to release the memory that it releases


class Measurement:
    """A context manager. `tiny`: send only a few messages, to test the harness."""

    def __init__(self, programs, peer, seconds, tiny=False):
        self.programs, self.peer, self.seconds, self.tiny = programs, peer, seconds, tiny
        self.processes = []
        self.dir = tempfile.mkdtemp(prefix="deye-bench-")
        self.broker = None

    def __enter__(self):
        try:
            self.broker = self.start_broker(self.peer, self.dir)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start_broker(self, peer, where):
        broker = peer.start(self.programs, where)
        self.processes.append(broker.process)
        self.await_socket(broker)
        return broker

    def another_relay(self):
        where = os.path.join(self.dir, "second")
        os.mkdir(where)
        return self.start_broker(PEERS["raw"], where)

    @staticmethod
    def await_socket(broker):
        kind, _, place = broker.address.split(" ")[-1].partition(":")
        place = place.replace("path=", "").removeprefix("//")
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.closing(socket.socket(socket.AF_INET if kind == "tcp" else socket.AF_UNIX)) as some:
                try:
                    some.connect(("127.0.0.1", int(place)) if kind == "tcp" else place)
                    return
                except OSError:
                    if broker.process.process.poll() is not None:
                        break
                    time.sleep(0.01)
        raise Failure(f"the broker does not listen: {broker.process.why()}")

    def add(self, *words, environment=None):
        process = Process(words, environment=environment, others=self.processes)
        self.processes.append(process)
        return process

    def drop(self, process):
        self.processes.remove(process)
        process.stop()

    def role(self, name, address=None, **options):
        environment = None
        if self.peer.mode:
            options["mode"] = self.peer.mode
        if self.peer.name.startswith("base"):
            environment = {"LD_LIBRARY_PATH": self.programs.base_library()}
        words = [f"{key}={value}" for key, value in options.items() if value is not None]
        return self.add(self.programs.role(self.peer.program), name, address or self.broker.address, *words, environment=environment)

    def cpu_s(self):
        return cpu_s(self.broker.pid)

    def memory_kib(self, name="VmRSS"):
        return memory_kib(self.broker.pid, name)


class Flow:
    """Publishers and subscribers of one topic, or of many."""

    def __init__(self, measurement, size, count, rate=0, seconds=None, publishers=1, subscribers=1, group=None, filters=0, kind="wild",
                 clients=1, subscriber_clients=1, window=None, pauses=None, make=None):
        self.m, self.group, self.n_subscribers, self.clients = measurement, group, subscribers, clients
        if self.m.tiny:
            count = min(count, 400)
        make = make or {}
        samples = count * publishers if rate else 0
        self.subscribers = [
            make.get("sub", self.m.role)("sub", publishers=publishers, samples=samples, filters=filters, kind=kind, group=group,
                                         clients=subscriber_clients, window=window, pauses=pauses) for _ in range(subscribers)]
        for one in self.subscribers:
            one.expect("READY", 150)
        self.publishers = [
            make.get("pub", self.m.role)("pub", id=i, size=size, count=count, rate=rate / publishers, samples=samples, filters=filters,
                                         clients=clients, seconds=seconds or self.m.seconds) for i in range(publishers)]
        for one in self.subscribers:
            one.expect("SYNCED")
        self.cpu_before_s = 0

    def begin(self):
        self.cpu_before_s = self.m.cpu_s()
        for one in self.publishers:
            one.send("GO")

    def end(self, stalled=None):
        """@stalled: a subscriber that stays suspended until the other subscribers have received all their messages."""
        got = [one.result() for one in self.subscribers if one is not stalled]
        cpu_used_s, peak_kib = self.m.cpu_s() - self.cpu_before_s, self.m.memory_kib("VmHWM")
        late = []
        if stalled:
            stalled.signal(signal.SIGCONT)
            late = [stalled.result()]
        for one in self.publishers:
            one.send("QUIT")
        sent = [one.result() for one in self.publishers]
        return got, self.summary(got, late, sent, cpu_used_s, peak_kib)

    def summary(self, got, late, sent, cpu_used_s, peak_kib):
        delivered = sum(one["count"] for one in got)
        published = sum(one["sent"] for one in sent)
        expected = published * (1 if self.group else self.n_subscribers)
        span_s = (max(one["last_ns"] for one in got) - min(one["start_ns"] for one in sent)) / 1e9
        millions = max(delivered, 1) / 1e6
        return {"rate": delivered / max(span_s, 1e-9), "delivered": delivered, "sent": published,
                "lost": expected - delivered - sum(one["count"] for one in late),
                "reordered": sum(one["reordered"] for one in got) if self.clients == 1 else 0,  # several connections have no common order
                "broker_cpu": cpu_used_s / millions, "clients_cpu": sum(one["cpu_s"] for one in got + sent) / millions,
                "peak_mib": peak_kib / 1024, "setup_ms": max(one["setup_ms"] for one in got)}

    def run(self):
        self.begin()
        return self.end()


class RoundTrips:
    """Two processes: one publishes messages, and the other answers each of them."""

    def __init__(self, measurement):
        self.m = measurement
        self.pong = self.m.role("pong")
        self.pong.expect("READY")
        self.ping = None

    def prepare(self, size, count, seconds=None, rate=None, depth=None):
        if self.m.tiny:
            count = min(count, 100)
        self.ping = self.m.role("ping", size=size, count=count, seconds=seconds or self.m.seconds, rate=rate, depth=depth)
        self.ping.expect("READY")
        self.ping.send("FIND")
        self.ping.expect("SYNCED")

    def begin(self):
        self.ping.send("GO")

    def run(self):
        before_s = self.m.cpu_s()
        self.begin()
        got = self.ping.result()
        got["broker_cpu"] = (self.m.cpu_s() - before_s) / got["count"] * 1e6
        got["rate"] = got["count"] / got["seconds"]
        got["lost"] = 0  # the measurement fails earlier if a message is lost
        return got


def calm():
    time.sleep(CALM_S)
