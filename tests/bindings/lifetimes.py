#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lifetimes of objects, the last messages of clients, and mistakes, from Python: `lifetimes.py AGENT MODULE`."""
import gc
import os
import signal
import sys
import threading

import gi
gi.require_version("DeyeBus", "1.0")
from gi.repository import DeyeBus, Gio, GLib  # noqa: E402

from broker import Broker  # noqa: E402
from common import WATCHDOG_S, Bus, fails_with, finish, publish, run_tests, settle, wait_until  # noqa: E402

TESTS = []
EVENT = "events.process.started"
TASK = "control.collector.task.process"


def test(function):
    TESTS.append(function)
    return function


# --- the last messages ---

LARGE = GLib.Bytes.new(bytes(10000))
N = 200


def publish_to_stopped_broker(collector):
    """Publishes N messages while the broker is suspended. Returns the number of messages that do not fit in the socket."""
    BROKER.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, BROKER.process.pid, os.WSTOPPED | os.WNOWAIT)
    for _ in range(N):
        collector.publish_async(EVENT, LARGE, None, False, None, None, None)
    assert 0 < collector.get_unsent() == collector.props.unsent < N
    return collector.get_unsent()


def resume_broker():
    BROKER.process.send_signal(signal.SIGCONT)


def count_messages(subscription, n):
    """Asserts that exactly that number of messages is received."""
    got = sum(1 for _ in range(n) if subscription.next(-1, None))
    publish(Bus(BROKER.address).collector("marker"), EVENT, "the end")
    assert subscription.next(-1, None).get_data() == b"the end"
    return got


@test
def flush(bus):
    tool, collector = bus.tool(), bus.collector()
    subscription = tool.subscribe(EVENT, None, None, None, None)
    assert collector.flush(None, False, None) and collector.flush(None, True, None)
    try:
        publish_to_stopped_broker(collector)
        short = DeyeBus.Options.new()
        short.set_timeout(1000)
        assert str(collector.get_unsent()) in fails_with(DeyeBus.Error.TIMEOUT, collector.flush, short, False, None).message
    finally:
        resume_broker()
    assert collector.flush(None, True, None) and collector.get_unsent() == 0
    assert count_messages(subscription, N) == N
    assert finish(collector.flush_async, collector.flush_finish, None, True)


@test
def close_reports_unsent(bus):
    tool, collector, patient = bus.tool(), bus.collector("hasty"), bus.collector("patient")
    subscription = tool.subscribe(EVENT, None, None, None, None)
    try:
        unsent = publish_to_stopped_broker(collector)
        short = DeyeBus.Options.new()
        short.set_timeout(1000)
        error = fails_with(DeyeBus.Error.UNSENT, collector.close_full, short, None)
        assert collector.get_unsent() == unsent and f" {unsent} " in error.message, error.message
        patient.publish_async(EVENT, None, None, False, None, None, None)
    finally:
        resume_broker()
    assert finish(patient.close_full_async, patient.close_full_finish, None)
    assert count_messages(subscription, N - unsent + 1) == N - unsent + 1


@test
def last_reference_reports_unsent(bus):
    """The end of the last reference reports unsent messages, also if the garbage collector finds it in a cycle."""
    reported = []
    for circle in (False, True):
        collector = DeyeBus.Client.new(bus.address, f"short-{int(circle)}", "procmond")
        collector.connect(None)
        collector.connect_after("error", lambda client, error: reported.append((client.get_unsent(), error)))
        if circle:
            collector.itself = [collector]
        try:
            unsent = publish_to_stopped_broker(collector)
            settle()  # the completions hold the client
            del collector
            gc.collect()
        finally:
            resume_broker()
        assert len(reported) == 1, reported
        number, error = reported.pop()
        assert number == unsent and error.matches(DeyeBus.error_quark(), DeyeBus.Error.UNSENT)
        settle()


@test
def dispose_in_callback(bus):
    """g_object_run_dispose() in a callback does not free the callback that runs."""
    tool, collector, got = bus.tool(), bus.collector(), []
    topic = "events.process.disposed"  # messages of other tests may still arrive on their topics

    def on_message(_subscription, message, *_data):
        tool.run_dispose()
        got.append(message.get_data())

    subscription = tool.subscribe(topic, None, on_message, None, None)
    publish(collector, topic, "text")
    wait_until(lambda: got, "the message")
    assert got == [b"text"], got
    assert subscription.unsubscribe(None)


@test
def callback_freed(bus):
    """The data of a callback is freed when the subscription has ended."""
    class Thing:
        alive = 0

        def __init__(self):
            Thing.alive += 1

        def __del__(self):
            Thing.alive -= 1

    tool = bus.tool()
    subscription = tool.subscribe(EVENT, None, lambda *_: None, Thing(), None)
    assert Thing.alive == 1
    subscription.unsubscribe(None)
    wait_until(lambda: Thing.alive == 0, "the data of the callback to be freed")
    fails_with(DeyeBus.Error.BAD_PATTERN, tool.subscribe, "#.no.pattern", None, lambda *_: None, Thing(), None)
    wait_until(lambda: Thing.alive == 0, "the data of a call that failed to be freed")


# --- objects, and mistakes ---

@test
def constructed_by_properties(bus):
    client = DeyeBus.Client(id="x-1", type="x", address=bus.address)
    bus.clients.append(client)
    assert (client.props.id, client.props.type, client.props.address) == ("x-1", "x", bus.address)
    assert client.props.role == DeyeBus.Role.COLLECTOR and client.connect(None)
    service = DeyeBus.Service(name="org.example.Made", doc="By properties.")
    assert service.get_name() == "org.example.Made" and service.props.doc == "By properties."
    assert client.add_service(service)
    assert DeyeBus.Client(id="x-2", role=DeyeBus.Role.TOOL).get_role() == DeyeBus.Role.TOOL


@test
def half_made_objects(bus):
    """An object constructed by its type alone: its functions return an error or a neutral value, and never crash."""
    invalid = DeyeBus.Error.INVALID_ARGUMENT
    fails_with(invalid, DeyeBus.Client().connect, None)
    bare = DeyeBus.Client()
    fails_with(invalid, finish, bare.connect_async, bare.connect_finish)
    fails_with(invalid, DeyeBus.Client(id="x-3", role=77).connect, None)
    fails_with(invalid, DeyeBus.Client.new_for_fd(-1, "x-4", None).connect, None)
    fails_with(invalid, bus.tool().add_service, DeyeBus.Service())
    fails_with(invalid, bus.collector().add_service, DeyeBus.Service(name="bad name!"))
    subscription = DeyeBus.Subscription()
    fails_with(DeyeBus.Error.CLOSED, subscription.next, 1000, None)
    fails_with(DeyeBus.Error.CLOSED, subscription.pause)
    assert subscription.unsubscribe(None) and subscription.get_id() == 0 and subscription.get_pattern() is None


@test
def mistakes_raise(bus):
    invalid, twice = DeyeBus.Error.INVALID_ARGUMENT, DeyeBus.Error.DUPLICATE_ID
    fails_with(invalid, DeyeBus.Service.new, "bad name!", None)
    service = DeyeBus.Service.new("org.example.Clock", None)
    service.add_property("zone", "UTC", True, None)
    fails_with(twice, service.add_property, "zone", "UTC", True, None)
    fails_with(invalid, service.add_property, "time zone", "UTC", True, None)
    fails_with(invalid, service.add_property, "list", [1, 2], True, None)
    fails_with(invalid, service.change_property, "zone", 1)
    fails_with(invalid, service.change_property, "none", 1)
    fails_with(invalid, service.add_method, "Now", "no type", None, None, lambda *_: None, None)
    fails_with(twice, service.add_method, "Ping", None, None, None, lambda *_: None, None)
    fails_with(DeyeBus.Error.BAD_TOPIC, service.add_topic, "Task", "no..topic", None, None, None, None)
    fails_with(DeyeBus.Error.BAD_PATTERN, service.add_event, "Tick", "#.no.pattern", None, None)
    for data in (b"", b"garbage", b"\x0a\x00", bytes(1000)):
        fails_with(invalid, service.add_types, GLib.Bytes.new(data))
    fails_with(DeyeBus.Error.LIMIT, service.add_types, GLib.Bytes.new(bytes(300000)))
    client, other = bus.tool(), bus.collector()
    client.add_service(service)
    fails_with(twice, client.add_service, service)
    fails_with(twice, other.add_service, service)
    options = DeyeBus.Options.new()
    options.set_trace(GLib.Bytes.new(b"short"), None)
    fails_with(invalid, client.publish, EVENT, None, options, None)
    fails_with(invalid, client.direct, "", EVENT, None, None, False, None)
    fails_with(invalid, DeyeBus.Client.new_tool(bus.address, "x").serve_standard, lambda *_: True, None, None)


@test
def results_are_checked(bus):
    """A result is taken once, by the finish function of its call."""
    client, got = bus.tool(), []
    client.request_async(TASK, None, None, None, lambda source, result, data: got.append(result), None)
    wait_until(lambda: got, "the result")
    fails_with(DeyeBus.Error.INVALID_ARGUMENT, client.publish_finish, got[0])
    fails_with(DeyeBus.Error.INVALID_ARGUMENT, client.subscribe_finish, got[0])
    fails_with(DeyeBus.Error.NO_RESPONDERS, client.request_finish, got[0])
    fails_with(DeyeBus.Error.INVALID_ARGUMENT, client.request_finish, got[0])
    fails_with(DeyeBus.Error.INVALID_ARGUMENT, client.close_finish, Gio.Task.new(client, None, None, None))


@test
def wrong_thread(bus):
    """Calls in another thread return errors while this one runs the context."""
    client, problems = bus.tool(), []
    service = DeyeBus.Service.new("org.example.Clock", None)
    service.add_property("zone", "UTC", True, None)
    client.add_service(service)
    subscription = client.subscribe(EVENT, None, None, None, None)

    def use():
        try:
            wrong = DeyeBus.Error.WRONG_THREAD
            fails_with(wrong, client.publish, EVENT, None, None, None)
            fails_with(wrong, subscription.next, 0, None)
            fails_with(wrong, service.change_property, "zone", "CET")
            assert service.read_property("zone") == (False, None)
            client.set_health(DeyeBus.Health.DEGRADED, "set by a worker")
        except BaseException as error:  # set by the main thread
            problems.append(error)

    assert GLib.MainContext.default().acquire()
    thread = threading.Thread(target=use)
    thread.start()
    thread.join(WATCHDOG_S)
    GLib.MainContext.default().release()
    assert not problems, problems
    assert service.read_property("zone") == (True, "UTC")


@test
def references_dropped_in_another_thread(bus):
    """Python's garbage collector runs in any thread; this thread receives messages at the same time."""
    publisher, rounds, done, context = bus.collector(), 30, [], GLib.MainContext.default()
    for number in range(rounds):
        client = DeyeBus.Client.new_tool(bus.address, f"dropped-{number}")
        client.connect(None)
        box = [client, client.subscribe(EVENT, None, lambda *_: None, None, None)]
        del client
        publish(publisher, EVENT, "text")
        thread = threading.Thread(target=lambda box=box: (box.clear(), done.append(True), context.wakeup()))
        thread.start()
        wait_until(lambda: len(done) > number, "the thread")
        thread.join()
        del box
    assert len(done) == rounds
    wait_until(lambda: publish(publisher, EVENT, "text").matched == 0, "the subscriptions to end", blocks=False)


BROKER = Broker(sys.argv[1], sys.argv[2])
sys.exit(run_tests(TESTS, BROKER))
