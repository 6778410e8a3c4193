#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Delivery patterns from Python, by introspection, with a real broker: `patterns.py AGENT MODULE`."""
import gc
import sys
import threading

import gi
gi.require_version("DeyeBus", "1.0")
from gi.repository import DeyeBus, Gio, GLib  # noqa: E402

from broker import Broker  # noqa: E402
from common import SECOND_US, fails_with, finish, payload, publish, run_tests, settle, wait_until  # noqa: E402

TESTS = []
EVENT = "events.process.started"
WORK = "tasks.procmond"
GROUP = "workers"


def test(function):
    TESTS.append(function)
    return function


def options(**fields):
    made = DeyeBus.Options.new()
    for name, value in fields.items():
        getattr(made, "set_" + name)(value)
    return made


def share(**fields):
    made = DeyeBus.SubscribeOptions.new()
    for name, value in fields.items():
        getattr(made, "set_" + name)(value)
    return made


# --- many messages with few writes ---


@test
def held_messages(bus):
    got, sender = [], bus.collector("sender-1")
    receiver = bus.tool()
    receiver.subscribe(EVENT, None, lambda _subscription, message, _data: got.append(message.dup_payload().get_data()), None, None)
    sender.hold()
    assert sender.is_held()
    done, n = sender.publish_many(EVENT, [GLib.Bytes.new(bytes([65 + i])) for i in range(3)], None, None)
    assert done and n == 3
    sender.release()
    assert not sender.is_held()
    wait_until(lambda: len(got) == 3, "three messages")
    assert got == [b"A", b"B", b"C"], got
    sender.set_property("coalesce", True)
    assert sender.get_coalesce()
    sender.publish_many(EVENT, [GLib.Bytes.new(b"x")] * 100, None, None)
    wait_until(lambda: len(got) == 103, "a hundred messages")


# --- names ---

@test
def wait_for_a_peer_that_is_there(bus):
    tool, collector = bus.tool(), bus.collector("there")
    peer = tool.wait_for_peer("there", None, None)
    assert isinstance(peer, DeyeBus.Peer) and peer.is_present()
    assert (peer.get_id(), peer.get_kind(), peer.get_role()) == ("there", "procmond", DeyeBus.Role.COLLECTOR)
    assert peer.get_pid() > 0 and peer.get_account() != "" and peer.get_incarnation() != 0
    seen = collector.wait_for_peer("tool", None, None)  # a collector gets fewer fields
    assert (seen.get_role(), seen.get_pid(), seen.get_account()) == (0, 0, "") and seen.get_incarnation() != 0


@test
def wait_for_a_peer_that_connects(bus):
    tool, got = bus.tool(), []
    tool.wait_for_peer_async("late", None, None, lambda client, result, *_: got.append(client.wait_for_peer_finish(result)))
    settle()
    assert not got
    bus.collector("late")
    wait_until(lambda: got, "the peer")
    assert got[0].get_id() == "late"
    assert finish(tool.wait_for_peer_async, tool.wait_for_peer_finish, "late", None).get_incarnation() \
        == got[0].get_incarnation()


@test
def wait_for_a_missing_peer(bus):
    tool, cancelled = bus.tool(), Gio.Cancellable()
    error = fails_with(DeyeBus.Error.TIMEOUT, tool.wait_for_peer, "nobody", options(timeout=1000), None)
    assert "nobody" in error.message
    fails_with(DeyeBus.Error.INVALID_ARGUMENT, tool.wait_for_peer, "No Id", None, None)
    cancelled.cancel()
    try:
        tool.wait_for_peer("nobody", None, cancelled)
    except GLib.Error as error:
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
    else:
        raise AssertionError("the call was not cancelled")


def watch(client, pattern=None):
    """A watch, and the list of its signals."""
    seen, made = [], client.watch_peers(pattern)
    made.connect("appeared", lambda _watch, peer: seen.append("+" + peer.get_id()))
    made.connect("gone", lambda _watch, peer: seen.append("-" + peer.get_id()))
    made.connect("complete", lambda _watch: seen.append("complete"))
    made.connect("ended", lambda _watch, error: seen.append(error.code))
    return made, seen


@test
def watch_peers(bus):
    bus.collector("a-1")
    watching, seen = watch(bus.tool(), "?-*")
    assert watching.get_pattern() == "?-*" and not watching.is_complete()
    wait_until(watching.is_complete, "the list")
    assert seen == ["+a-1", "complete"], seen
    other = bus.collector("b-1")
    bus.collector("other")
    wait_until(lambda: watching.lookup("b-1"), "b-1")
    assert [peer.get_id() for peer in watching.list_peers()] == ["a-1", "b-1"]
    assert watching.lookup("other") is None and watching.get_sequence() > 0
    other.close(None)
    wait_until(lambda: watching.lookup("b-1") is None, "the end of b-1")
    watching.stop()
    bus.collector("c-1")
    settle()
    assert seen == ["+a-1", "complete", "+b-1", "-b-1"], seen


@test
def watch_one_peer_as_collector(bus):
    collector = bus.collector()
    watching, seen = watch(collector, "other")
    wait_until(watching.is_complete, "the list")
    bus.collector("other")
    wait_until(lambda: "+other" in seen, "other")
    refused, why = watch(collector)
    wait_until(lambda: why, "the refusal")
    assert why == [DeyeBus.Error.DENIED] and not refused.is_complete()


@test
def watches_are_freed(bus):
    """A watch is freed in this thread or in another one, as a garbage collector frees it."""
    tool = bus.tool()
    box = [watch(tool)[0]]
    wait_until(box[0].is_complete, "the list")
    thread = threading.Thread(target=box.clear)
    thread.start()
    thread.join()
    gc.collect()
    settle()
    assert tool.wait_for_peer("tool", None, None).get_id() == "tool"


# --- groups ---

@test
def weights_of_members(bus):
    tool, counts, subscriptions = bus.tool(), {"one": 0, "two": 0}, []
    for name, weight in (("one", 3), ("two", 1)):
        def on_work(*_, name=name):
            counts[name] += 1
        asked = share(strategy=DeyeBus.Strategy.ROUND_ROBIN, weight=weight, in_flight=20)
        subscriptions.append(bus.collector(name).subscribe_full(WORK, GROUP, asked, on_work, None, None))
    for i in range(8):
        assert publish(tool, WORK, "x").queued == 1
        # A member that does not handle its messages for a while gets none.
        wait_until(lambda number=i: sum(counts.values()) > number, "the message")
    assert counts == {"one": 6, "two": 2}, counts


@test
def another_strategy_is_refused(bus):
    bus.collector("one").subscribe_full(WORK, GROUP, share(strategy=DeyeBus.Strategy.LEAST_LOADED), None, None, None)
    two = bus.collector("two")
    try:
        two.subscribe_full(WORK, GROUP, share(strategy=DeyeBus.Strategy.RANDOM), None, None, None)
    except GLib.Error as error:
        assert "strategy" in error.message, error.message
    else:
        raise AssertionError("a second strategy in the group was accepted")


@test
def drained_member(bus):
    tool, one, two = bus.tool(), bus.collector("one"), bus.collector("two")
    first = one.subscribe(WORK, GROUP, None, None, None)
    second = two.subscribe(WORK, GROUP, None, None, None)
    assert first.get_drain_state() == DeyeBus.DrainState.NONE
    assert finish(first.drain_async, first.drain_finish)
    assert first.get_drain_state() == DeyeBus.DrainState.DRAINED
    for _ in range(4):
        publish(tool, WORK, "x")
    assert [second.next(-1, None).get_data() for _ in range(4)] == [b"x"] * 4
    fails_with(DeyeBus.Error.TIMEOUT, first.next, 0, None)


# --- acknowledged delivery ---

def wait_for_earlier_clients(bus, tool):
    """Waits for the end of the clients of earlier tests: they may have been members of the group."""
    known = {client.get_id() for client in bus.clients} | {"daemoneye-agent"}
    watch = tool.watch_peers("*")
    wait_until(lambda: watch.is_complete() and {peer.get_id() for peer in watch.list_peers()} <= known, "the end of the others")
    watch.stop()


@test
def confirmed(bus):
    tool, handled = bus.tool(), []
    wait_for_earlier_clients(bus, tool)
    fails_with(DeyeBus.Error.NO_RESPONDERS, tool.publish_confirmed, WORK, payload("x"), None, None)
    bus.collector().subscribe(WORK, GROUP, lambda _sub, message, *_: handled.append(message.get_data()), None, None)
    assert finish(tool.publish_confirmed_async, tool.publish_confirmed_finish, WORK, payload("done"), None)
    assert handled == [b"done"]


@test
def not_confirmed(bus):
    """It is not known whether a message that was sent is handled."""
    tool, collector = bus.tool(), bus.collector()
    subscription = collector.subscribe(WORK, GROUP, lambda *_: None, None, None)
    assert subscription.pause()
    fails_with(DeyeBus.Error.UNKNOWN, tool.publish_confirmed, WORK, payload("x"), options(timeout=100000), None)


@test
def at_least_once(bus):
    tool, one, two = bus.tool(), bus.collector("one"), bus.collector("two")
    again = options(at_least_once=True)
    wait_for_earlier_clients(bus, tool)
    fails_with(DeyeBus.Error.NO_RESPONDERS, tool.publish, WORK, payload("x"), again, None)
    first = one.subscribe(WORK, GROUP, None, None, None)
    publish(tool, WORK, "kept", again)
    second = two.subscribe(WORK, GROUP, None, None, None)
    assert first.get_group() == GROUP
    one.close(None)  # the message was sent to it, but it has not handled it
    message = second.next(-1, None)
    assert (message.get_data(), message.get_attempt()) == (b"kept", 2)
    publish(tool, WORK, "new", again)
    assert second.next(-1, None).get_attempt() == 1


# --- correlation ---

def caused(message, correlation_id):
    """Options of a message that @message has caused."""
    child = DeyeBus.Options.new().child_of(message)
    child.set_correlation_id(correlation_id)
    return child


@test
def child_of(bus):
    tool, collector = bus.tool(), bus.collector()
    works = collector.subscribe(WORK, None, None, None, None)
    events = tool.subscribe(EVENT, None, None, None, None)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert DeyeBus.traceparent_is_valid(trace) and not DeyeBus.traceparent_is_valid("00-")
    publish(tool, WORK, "", options(correlation_id="scan-1", stage="ordered", traceparent=trace))
    work = works.next(-1, None)
    assert (work.get_correlation_id(), work.get_root_id(), work.get_depth()) == ("scan-1", None, 0)
    publish(collector, EVENT, "", caused(work, "found-1"))
    event = events.next(-1, None)
    assert (event.get_parent_id(), event.get_root_id(), event.get_depth()) == ("scan-1", "scan-1", 1)
    assert event.dup_traceparent().split("-")[1] == trace.split("-")[1]
    assert event.dup_traceparent() != trace, "a span of its own"
    # A message is not among its own causes.
    fails_with(DeyeBus.Error.CASCADE, publish, collector, EVENT, "", caused(event, "scan-1"))


@test
def filtered(bus):
    tool, collector = bus.tool(), bus.collector()
    wanted = [(share(filter_root_id="r"), {"root_id": "r"}), (share(filter_stage="s"), {"stage": "s"}),
              (share(filter_correlation_id="c"), {"correlation_id": "c"})]
    for wish, fields in wanted:
        subscription = tool.subscribe_full(EVENT, None, wish, None, None, None)
        publish(collector, EVENT, "other", options(stage="x", correlation_id="x", parent_id="y", root_id="y"))
        publish(collector, EVENT, "mine", options(**{"correlation_id": "any", **fields}))
        message = subscription.next(-1, None)
        assert message.get_data() == b"mine", fields
        subscription.unsubscribe(None)
    tagged, both = share(), DeyeBus.Options.new()
    tagged.add_filter_tag("host", "a")
    both.add_tag("host", "a")
    both.add_tag("disk", "b")
    subscription = tool.subscribe_full(EVENT, None, tagged, None, None, None)
    publish(collector, EVENT, "other")
    publish(collector, EVENT, "mine", both)
    assert subscription.next(-1, None).get_data() == b"mine"
    fails_with(DeyeBus.Error.INVALID_ARGUMENT, collector.subscribe_full, WORK, GROUP, tagged, None, None, None)


def timeline_request(name):
    """A packed TimelineRequest. Field 1 is the id."""
    return GLib.Bytes.new(bytes([0x0a, len(name)]) + name.encode())


@test
def timeline(bus):
    tool, collector = bus.tool(), bus.collector()
    publish(collector, EVENT, "", options(correlation_id="line-1"))
    publish(collector, EVENT, "", options(correlation_id="line-2", parent_id="line-1", root_id="line-1"))
    reply = tool.request("control.bus.timeline", timeline_request("line-2"), None, None).get_data()
    assert reply.index(b"line-1") < reply.rindex(b"line-2") and reply.count(EVENT.encode()) == 2, reply
    fails_with(DeyeBus.Error.DENIED, collector.request, "control.bus.timeline", timeline_request("line-1"), None, None)


BROKER = Broker(sys.argv[1], sys.argv[2])
sys.exit(run_tests(TESTS, BROKER))
