#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Publishes in bulk from Python, with a real broker: `bulk.py AGENT MODULE`."""
import sys
import threading

import gi
gi.require_version("DeyeBus", "1.0")
from gi.repository import DeyeBus, GLib  # noqa: E402

from broker import Broker  # noqa: E402
from common import Bus, fails_with, payload, run_tests, wait_until  # noqa: E402,F401

EVENT = "events.process.started"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def texts(n):
    return [f"number {i}" for i in range(n)]


def received(bus):
    """Subscribes. Returns a list to which the payloads of received messages are added."""
    got = []
    bus.tool().subscribe(EVENT, None, lambda _subscription, message, _data: got.append(message.get_data().decode()), None, None)
    return got


def publish_unasked(client, text):
    """Publishes without an acknowledgement; publish() always waits for one in Python."""
    client.publish_async(EVENT, payload(text), None, False, None, None)


@test
def held_in_a_block(bus):
    got, collector = received(bus), bus.collector()
    with collector.held() as client:
        assert client is collector and collector.is_held()
        with collector.held():
            publish_unasked(collector, "number 0")
        assert collector.is_held() and collector.get_unsent() == 1
        publish_unasked(collector, "number 1")
        assert collector.get_unsent() == 2
    assert not collector.is_held() and collector.get_unsent() == 0
    wait_until(lambda: got == texts(2), "the messages")


@test
def released_by_an_exception(bus):
    got, collector = received(bus), bus.collector()
    try:
        with collector.held():
            publish_unasked(collector, "number 0")
            raise KeyError("on purpose")
    except KeyError:
        pass
    assert not collector.is_held() and collector.get_unsent() == 0
    wait_until(lambda: got == texts(1), "the message")


@test
def publish_many(bus):
    got, collector = received(bus), bus.collector()
    assert collector.publish_many(EVENT, [payload(text) for text in texts(1000)], None, None) == (True, 1000)
    wait_until(lambda: got == texts(1000), "the messages")


@test
def coalesce(bus):
    got, collector = received(bus), bus.collector()
    collector.props.coalesce = True
    for text in texts(200):
        publish_unasked(collector, text)
    collector.flush(None, False, None)
    assert collector.get_unsent() == 0
    wait_until(lambda: got == texts(200), "the messages")


@test
def sender_in_threads(bus):
    """The main thread runs the context; each thread has a sender of its own, and its messages keep their order."""
    got, collector = received(bus), bus.collector()
    ended = []

    def work(sender, name):
        for i in range(500):
            while True:
                try:
                    sender.publish(EVENT, payload(f"{name} {i}"), None)
                    break
                except GLib.Error as error:
                    assert error.matches(DeyeBus.error_quark(), DeyeBus.Error.WOULD_BLOCK), error.message
                    sender.flush(None, False, None)
        ended.append(sender.flush(None, True, None))

    threads = [threading.Thread(target=work, args=(DeyeBus.Sender.new(collector, 64, 0), name)) for name in "ab"]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(got) == 1000 and len(ended) == 2, "the messages")
    for thread in threads:
        thread.join()
    assert ended == [True, True]
    for name in "ab":
        assert [text for text in got if text[0] == name] == [f"{name} {i}" for i in range(500)]


@test
def sender_outlives_its_client(bus):
    collector = bus.collector()
    sender = DeyeBus.Sender.new(collector, 0, 0)
    collector.close(None)
    fails_with(DeyeBus.Error.CLOSED, sender.publish, EVENT, None, None)


@test
def sender_flush_async(bus):
    got, collector = received(bus), bus.collector()
    sender = DeyeBus.Sender.new(collector, 0, 0)
    ended = []
    sender.publish(EVENT, payload("number 0"), None)
    assert sender.get_queued() == 1
    sender.flush_async(None, True, None, lambda source, result: ended.append(source.flush_finish(result)))
    wait_until(lambda: ended, "the flush")
    assert ended == [True] and sender.get_queued() == sender.get_refused() == 0
    wait_until(lambda: got == texts(1), "the message")


sys.exit(run_tests(TESTS, Broker(sys.argv[1], sys.argv[2])))
