# SPDX-License-Identifier: Apache-2.0
"""Functions for the tests of the Python bindings: clients of one test, waiting, and TAP output."""
import sys
import traceback

import gi
gi.require_version("DeyeBus", "1.0")
from gi.repository import DeyeBus, GLib  # noqa: E402

WATCHDOG_S = 60
SECOND_US = 1000000


# --- waiting ---

def wait_until(condition, what, context=None, blocks=True):
    """Runs the context until the condition holds, without sleeping. If it does not hold in time, the watchdog makes the test fail.

    blocks=False: the condition asks the broker, and a new answer does not wake the context.
    """
    context = context or GLib.MainContext.default()
    late = []
    watchdog = GLib.timeout_source_new_seconds(WATCHDOG_S)
    watchdog.set_callback(lambda *_: late.append(True))
    watchdog.attach(context)
    try:
        while not condition():
            assert not late, f"still waiting for {what}"
            context.iteration(blocks)
    finally:
        watchdog.destroy()


def settle():
    while GLib.MainContext.default().iteration(False):
        pass


def finish(start, end, *args):
    """An asynchronous call with its main loop."""
    got = []
    start(*args, None, lambda source, result, data: got.append((result, data)), "mine")
    assert not got, "the end comes from the context, never from the call"
    wait_until(lambda: got, start.__name__)
    assert got[0][1] == "mine"
    return end(got[0][0])


def fails_with(code, function, *args):
    try:
        function(*args)
    except GLib.Error as error:
        assert error.matches(DeyeBus.error_quark(), code), f"{error.domain} {error.code}: {error.message}"
        return error
    raise AssertionError(f"no {code}")


# --- clients ---

def once(client):
    """A client that does not reconnect by itself."""
    client.set_reconnect(False)
    return client


class Bus:
    """Clients of one test; all are closed at its end."""

    def __init__(self, address):
        self.address = address
        self.clients = []

    def tool(self, name="tool"):
        return self._connected(DeyeBus.Client.new_tool(self.address, name))

    def collector(self, name="collector", kind="procmond"):
        return self._connected(DeyeBus.Client.new(self.address, name, kind))

    def _connected(self, client):
        assert client.connect(None)
        self.clients.append(client)
        return client

    def close(self):
        for client in self.clients:
            client.close(None)


def payload(text):
    return GLib.Bytes.new(text.encode("utf-8"))


def publish(client, topic, text, options=None):
    ok, result = client.publish(topic, payload(text), options, None)
    assert ok
    return result


# --- a program of tests ---

def run_test(function, broker, number):
    bus = Bus(broker.address)
    try:
        function(bus)
        problem = None
    except Exception:
        problem = traceback.format_exc()
    finally:
        bus.close()
    print("not ok" if problem else "ok", number, "/bindings/python/" + function.__name__.replace("_", "-"))
    if problem:
        print("# " + problem.rstrip().replace("\n", "\n# "))
    sys.stdout.flush()
    return problem is None


def run_tests(tests, broker):
    """Runs all tests. Returns the exit status."""
    print(f"1..{len(tests)}", flush=True)
    try:
        passed = [run_test(function, broker, number) for number, function in enumerate(tests, 1)]
    finally:
        status = broker.end()
    return 0 if all(passed) and status == 0 else 1
