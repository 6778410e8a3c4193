# SPDX-License-Identifier: Apache-2.0
"""A bus with an agent, the tool and a netmond, and sockets of the test, for tests of netmond. Tests with the decorator
@with_kernel are skipped where the kernel does not list sockets."""
import contextlib
import json
import os
import signal
import socket
import struct
import tempfile

from collectorbus import CollectorBus
from ctltool import PATIENCE_S, finished, turns
from tap import Skip, equal, holds, test

EVENTS = "events.network.connections"
NETLINK_SOCK_DIAG = 4


class Bus(CollectorBus):
    """An agent, and the tool."""

    def __init__(self, paths, sockets=""):
        super().__init__(paths, "netmond-1", sockets)

    def collector(self, *words, before=None, interval=20):
        """Starts netmond-1, and waits until it is ready. The child calls @before."""
        return self.run_collector(["--interval", str(interval), *words], end_well, before)

    def submit(self, operation, *words, **query):
        return self.start("task", "submit", operation, "--payload", json.dumps(query), *words)

    def task(self, operation, **query):
        """Submits a task. Returns the table in its result."""
        return json.loads(finished(self.submit(operation, **query)))

    def detail(self, is_so):
        """Waits until @is_so is true of the detail of HealthCheck. Returns the detail."""
        for _ in range(2000):
            detail = self.call("HealthCheck").get("detail", "")
            if is_so(detail):
                return detail
        raise AssertionError(f"the condition was never true of {detail}")

    def set_interval(self, interval_ms):
        self.call("SetProperty", {"name": "interval-ms", "value": {"natural": interval_ms}})

    def watch(self):
        """Subscribes to the events. Returns a file with them."""
        out = tempfile.NamedTemporaryFile("w+", suffix=".json")
        before = self.subscribers()
        process = self.start("subscribe", EVENTS, "--json", stdout=out)
        self.children.callback(end, process)
        for _ in range(2000):
            if self.subscribers() > before:
                return out
        raise AssertionError("deyebusctl did not subscribe")

    def subscribers(self):
        return sum(one["pattern"] == EVENTS for one in self.json("subs"))


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    process.wait(timeout=PATIENCE_S)


def end_well(collector):
    end(collector)
    equal(collector.returncode, 0, "netmond ends without an error")


def kernel_lists():
    """True if the kernel lists TCP sockets for this process."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as link:
            request = struct.pack("=BBBBI48x", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xfff)
            link.send(struct.pack("=IHHII", 16 + len(request), 20, 0x301, 1, 0) + request)
            return struct.unpack_from("=IH", link.recv(65536))[1] != 2  # an error
    except OSError:
        return False


def with_kernel(path):
    """Like @test, for a test that is skipped if the kernel does not list sockets."""
    def add(function):
        def wrapped(paths):
            if not kernel_lists():
                raise Skip("the kernel does not list sockets (sock_diag)")
            function(paths)
        return test(path)(wrapped)
    return add


@contextlib.contextmanager
def listener(family=socket.AF_INET, address="127.0.0.1"):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.bind((address, 0))
        one.listen(50)
        yield one


@contextlib.contextmanager
def connection(to):
    with socket.create_connection(to.getsockname()[:2]) as client:
        server, _ = to.accept()
        with server:
            yield client, server


def port_of(one):
    return one.getsockname()[1]


def me():
    """This process, with the fields of SocketOwner."""
    with open("/proc/self/stat", encoding="utf-8") as file:
        text = file.read()
    return {"pid": os.getpid(), "start_time": text.rsplit(")", 1)[1].split()[19], "name": text.split("(", 1)[1].rsplit(")", 1)[0]}


def sockets_of(table, port):
    return [one for one in table.get("sockets", []) if port in (one.get("local_port", 0), one.get("peer_port", 0))]


def cookies(tables):
    return [int(one["cookie"]) for table in tables for one in table.get("sockets", [])]


def pages(ask):
    """All pages of an answer: @ask (cursor) -> a SocketTable."""
    got, cursor = [], 0
    while True:
        table = ask(cursor)
        got.append(table)
        before, cursor = cursor, int(table.get("next_cursor", 0))
        if cursor == 0:
            return got
        holds(table["sockets"] and cursor > before, "a page before the last one has sockets after the cursor")


def events_of(file, port):
    """[(kind, socket)] of the events of one port."""
    with open(file.name, encoding="utf-8") as lines:
        payloads = [json.loads(line)["payload"] for line in lines.read().splitlines(True) if line.endswith("\n")]
    return [(one["kind"], one["socket"]) for one in payloads if sockets_of({"sockets": [one["socket"]]}, port)]


def wait_event(file, port, kind, is_so=lambda one: True):
    for _ in turns():
        for found, one in events_of(file, port):
            if found == kind and is_so(one):
                return one
    raise AssertionError(f"no event {kind} of port {port}: {events_of(file, port)}")
