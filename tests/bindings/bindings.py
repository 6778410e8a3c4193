#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Uses the client library from Python, by introspection, with a real broker: `bindings.py AGENT MODULE`."""
import sys
import threading

import gi
gi.require_version("DeyeBus", "1.0")
from gi.repository import DeyeBus, Gio, GLib  # noqa: E402

from broker import Broker  # noqa: E402
from common import SECOND_US, WATCHDOG_S, fails_with, finish, once, payload, publish, run_tests, wait_until  # noqa: E402

TESTS = []
EVENT = "events.process.started"
TASK = "control.collector.task.process"


def test(function):
    TESTS.append(function)
    return function


# --- tests ---

@test
def connect_and_properties(bus):
    tool, collector = bus.tool(), bus.collector()
    assert tool.get_role() == DeyeBus.Role.TOOL and collector.get_role() == DeyeBus.Role.COLLECTOR
    assert tool.get_state() == DeyeBus.ClientState.READY == tool.props.state
    assert tool.props.role == DeyeBus.Role.TOOL
    assert (tool.props.id, tool.props.type) == ("tool", None)
    assert (collector.props.id, collector.props.type) == ("collector", "procmond")
    assert collector.get_id() == "collector"
    assert tool.props.address == bus.address
    assert tool.props.broker_version
    assert tool.props.broker_epoch == collector.get_broker_epoch() != 0
    assert tool.props.largest_payload == tool.get_largest_payload() > 0
    assert len(tool.list_properties()) == 12
    assert collector.set_heartbeat(SECOND_US) and collector.set_heartbeat(0)
    collector.set_health(DeyeBus.Health.DEGRADED, "a disk is full")


@test
def connect_async(bus):
    client = DeyeBus.Client.new(bus.address, "late", "procmond")
    states = []
    client.connect_after("notify::state", lambda *_: states.append(client.get_state()))
    assert finish(client.connect_async, client.connect_finish)
    assert client.get_state() == DeyeBus.ClientState.READY
    assert finish(client.close_async, client.close_finish)
    assert client.get_state() == DeyeBus.ClientState.CLOSED
    wait_until(lambda: DeyeBus.ClientState.CLOSED in states, "notify::state")


@test
def publish_to_callback(bus):
    tool, collector = bus.tool(), bus.collector()
    seen = []
    subscription = tool.subscribe("events.process.#", None, lambda *args: seen.append(args), "mine", None)
    assert subscription.get_pattern() == "events.process.#" and subscription.get_group() is None
    result = publish(collector, EVENT, "pid 1")
    assert isinstance(result, DeyeBus.PublishResult)
    assert (result.matched, result.queued, result.refused) == (1, 1, 0) and result.sequence > 0
    wait_until(lambda: seen, "the message")
    source, message, data = seen[0]
    assert source is subscription and data == "mine"
    assert (message.get_topic(), message.get_sender()) == (EVENT, "collector")
    assert message.get_sequence() == result.sequence
    assert message.get_data() == b"pid 1", repr(message.get_data())
    assert subscription.get_delivered() == 1 and subscription.get_missed() == 0


@test
def publish_result_is_boxed(bus):
    collector = bus.collector()
    result = publish(collector, EVENT, "to nobody")
    assert (result.matched, result.queued) == (0, 0)
    copy = result.copy()
    sequence = result.sequence
    del result
    assert copy.sequence == sequence


@test
def message_kept(bus):
    tool, collector = bus.tool(), bus.collector()
    kept = []
    subscription = tool.subscribe(EVENT, None, lambda subscription, message, data: kept.append(message), None, None)
    texts = [f"number {i}" for i in range(100)] + ["large " * 10000]
    for text in texts:
        publish(collector, EVENT, text)
    wait_until(lambda: len(kept) == len(texts), "the messages")
    subscription.unsubscribe(None)
    bus.close()
    whole = [message.dup_payload() for message in kept]
    assert [bytes(message.get_data()).decode() for message in kept] == texts
    del kept[:]
    assert [piece.get_data().decode() for piece in whole] == texts


@test
def empty_payload(bus):
    tool, collector = bus.tool(), bus.collector()
    subscription = tool.subscribe(EVENT, None, None, None, None)
    collector.publish(EVENT, None, None, None)
    message = subscription.next(-1, None)
    assert not message.get_data() and message.dup_payload().get_size() == 0
    assert message.get_method() is None and message.dup_tags() == [] and message.dup_trace_id() is None


@test
def next_message(bus):
    tool, collector = bus.tool(), bus.collector()
    subscription = tool.subscribe("events.process.#", None, None, None, None)
    fails_with(DeyeBus.Error.TIMEOUT, subscription.next, 0, None)
    publish(collector, EVENT, "one")
    publish(collector, EVENT, "two")
    assert subscription.next(-1, None).get_data() == b"one"
    assert finish(subscription.next_async, subscription.next_finish).get_data() == b"two"
    assert subscription.unsubscribe(None)
    fails_with(DeyeBus.Error.CLOSED, subscription.next, 0, None)


@test
def next_cancelled(bus):
    tool = bus.tool()
    subscription = tool.subscribe("events.process.#", None, None, None, None)
    cancellable, ends = Gio.Cancellable(), []
    subscription.next_async(cancellable, lambda source, result, data: ends.append(result), None)
    cancellable.cancel()
    wait_until(lambda: ends, "the end")
    try:
        subscription.next_finish(ends[0])
        raise AssertionError("the call was not cancelled")
    except GLib.Error as error:
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


@test
def options_arrive(bus):
    tool, collector = bus.tool(), bus.collector()
    subscription = tool.subscribe(EVENT, None, None, None, None)
    options = DeyeBus.Options.new()
    options.set_timeout(10 * SECOND_US)
    options.set_type_name("org.example.Started")
    options.set_content_type("text/plain")
    options.set_priority(200)
    options.set_correlation_id("work")
    options.set_parent_id("cause")
    options.set_root_id("first cause")
    options.set_trace(GLib.Bytes.new(b"0123456789abcdef"), GLib.Bytes.new(b"01234567"))
    options.set_sequence_number(7)
    options.set_stage("last")
    options.add_tag("host", "a")
    options.add_tag("host", "b")
    copy = options.copy()
    del options
    publish(collector, EVENT, "text", copy)
    message = subscription.next(-1, None)
    assert message.get_type_name() == "org.example.Started" and message.get_content_type() == "text/plain"
    assert message.get_priority() == 200 and message.get_sequence_number() == 7
    assert message.get_correlation_id() == "work"
    assert (message.get_parent_id(), message.get_root_id()) == ("cause", "first cause")
    assert message.dup_trace_id().get_data() == b"0123456789abcdef"
    assert message.dup_span_id().get_data() == b"01234567"
    assert message.get_stage() == "last"
    assert message.dup_tags() == ["host=a", "host=b"]
    assert message.get_accept_time() > 0 and message.get_remaining() == 0 and not message.is_final()


@test
def request_and_serve(bus):
    tool, collector = bus.tool(), bus.collector()

    def on_request(subscription, request, client):
        assert request.get_method() == "List" and 0 < request.get_remaining() <= 20 * SECOND_US
        options = DeyeBus.Options.new()
        options.set_content_type("text/plain")
        assert client.respond(request, payload("answer to " + request.get_data().decode()), options)
        fails_with(DeyeBus.Error.CANCELLED, client.respond, request, None, None)

    serving = collector.serve(TASK, None, on_request, collector, None)
    options = DeyeBus.Options.new()
    options.set_method("List")
    options.set_timeout(20 * SECOND_US)
    reply = finish(tool.request_async, tool.request_finish, TASK, payload("question"), options)
    assert reply.get_data() == b"answer to question" and reply.get_content_type() == "text/plain"
    assert reply.get_sender() == "collector" and reply.is_final()
    assert serving.get_delivered() == 1


@test
def request_stream(bus):
    """One responder that answers in parts, and two responders, of which one fails."""
    def on_request(subscription, request, client):
        if request.get_data() == b"parts":
            for part in "ab":
                assert client.respond_part(request, payload(part), None)
            assert client.respond(request, payload("c"), None)
        elif client.get_id() == "second":
            client.respond_error(request, "NoDisk", "there is none")
        else:
            client.respond(request, payload("mine"), None)

    collectors = [bus.collector("first"), bus.collector("second")]
    for collector in collectors:
        collector.serve(TASK, None, on_request, collector, None)
    tool = bus.tool()
    answers = tool.request_stream(TASK, payload("parts"), None, 0, 0)
    got = []
    while (answer := finish(answers.next_async, answers.next_finish)) is not None:
        got.append((answer.get_data(), answer.is_final()))
    assert got == [(b"a", False), (b"b", False), (b"c", True)], got
    assert answers.is_ended()

    answers = tool.request_stream(TASK, payload("all"), None, DeyeBus.EXPECT_ALL, 20 * SECOND_US)
    senders = {}
    try:
        while (answer := finish(answers.next_async, answers.next_finish)) is not None:
            try:
                answer.check()
                senders[answer.get_sender()] = answer.get_data()
            except GLib.Error as error:
                senders[answer.get_sender()] = error.code
    except GLib.Error as error:
        senders["bus"] = error.code
    assert senders["first"] == b"mine" and senders["second"] == DeyeBus.Error.FAILED, senders
    assert (answers.get_asked(), answers.get_answered(), answers.get_failed()) == (2, 1, 1)


@test
def cancel_reaches_the_responder(bus):
    asked = []
    collector = bus.collector()
    collector.serve(TASK, None, lambda subscription, request, *_: asked.append(request), None)
    tool = bus.tool()
    answers = tool.request_stream(TASK, None, None, 0, 0)
    wait_until(lambda: asked, "the request")
    watch = collector.watch_request(asked[0])
    assert not watch.is_cancelled()
    answers.cancel()
    wait_until(watch.is_cancelled, "the cancellation")
    fails_with(DeyeBus.Error.CANCELLED, collector.respond, asked[0], None, None)


@test
def request_sync(bus):
    """A client serves requests in another thread, with a context of its own."""
    tool, served, over, errors = bus.tool(), threading.Event(), Gio.Cancellable(), []

    def serve():
        context = GLib.MainContext.new()
        context.push_thread_default()
        try:
            client = DeyeBus.Client.new(bus.address, "thread", "procmond")
            client.connect(None)
            serving = client.serve(TASK, None, None, None, None)
            served.set()
            request = serving.next(WATCHDOG_S * SECOND_US, over)
            client.respond(request, request.dup_payload(), None)
            client.close(None)
        except Exception as error:  # set by the main thread
            errors.append(error)
        finally:
            served.set()
            context.pop_thread_default()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert served.wait(WATCHDOG_S) and not errors, errors
        assert tool.request(TASK, payload("echo"), None, None).get_data() == b"echo"
    finally:
        over.cancel()
        thread.join(WATCHDOG_S)
    assert not errors, errors
    assert tool.request("control.bus.stats", None, None, None).get_data()


@test
def respond_error(bus):
    tool, collector = bus.tool(), bus.collector()
    asked = []
    finish(collector.serve_async, collector.serve_finish, TASK, None, lambda s, request: asked.append(request), ())
    ends = []
    tool.request_async(TASK, None, None, None, lambda source, result, data: ends.append(result), None)
    wait_until(lambda: asked, "the request")
    assert collector.respond_error(asked[0], "org.example.NoDisk", "no such disk")
    wait_until(lambda: ends, "the reply")
    error = fails_with(DeyeBus.Error.FAILED, tool.request_finish, ends[0])
    assert "no such disk" in error.message
    assert DeyeBus.error_get_name(error) is None, "Python's errors have no room for the name"


@test
def asynchronous_forms(bus):
    tool, collector = bus.tool(), bus.collector()
    seen = []
    subscription = finish(tool.subscribe_async, tool.subscribe_finish, "events.process.#", None,
                          lambda subscription, message, *data: seen.append((message.get_data(), data)),
                          ("both", "callbacks"))
    ok, result = finish_publish(collector, "asked", True)
    assert ok and result.matched == 1
    ok, result = finish_publish(collector, "not asked", False)
    assert ok and result.matched == 0
    wait_until(lambda: len(seen) == 2, "the messages")
    assert seen == [(b"asked", ("both", "callbacks")), (b"not asked", ("both", "callbacks"))]
    ok, result = finish(collector.broadcast_async, collector.broadcast_finish, EVENT, payload("all"), None)
    assert ok and result.queued == 1
    assert finish(subscription.unsubscribe_async, subscription.unsubscribe_finish)


def finish_publish(client, text, want_ack):
    return finish(client.publish_async, client.publish_finish, EVENT, payload(text), None, want_ack)


@test
def direct(bus):
    tool, collector = bus.tool(), bus.collector()
    topic, seen = "control.collector.task.procmond", []
    collector.subscribe(topic, None, lambda subscription, message, data: seen.append(message.get_data()), None, None)
    assert tool.direct("collector", topic, payload("queued"), None, False, None)
    assert finish(tool.direct_async, tool.direct_finish, "collector", topic, payload("handled"), None, True)
    assert seen == [b"queued", b"handled"]
    fails_with(DeyeBus.Error.ABSENT, tool.direct, "nobody", topic, None, None, False, None)
    fails_with(DeyeBus.Error.NOT_SUBSCRIBED, tool.direct, "collector", "control.shutdown", None, None, False, None)


@test
def broadcast(bus):
    members, collector, seen = [bus.tool("member-1"), bus.tool("member-2")], bus.collector(), []
    for member in members:
        subscription = member.subscribe(EVENT, "workers", lambda _, message, who:
                                        seen.append((who, message.get_data())),
                                        member.get_id(), None)
        assert subscription.get_group() == "workers"
    assert publish(collector, EVENT, "one of you").queued == 1
    ok, result = collector.broadcast(EVENT, payload("all of you"), None, None)
    assert ok and result.queued == 2
    wait_until(lambda: len(seen) == 3, "the messages")
    assert sorted(who for who, data in seen if data == b"all of you") == ["member-1", "member-2"]


@test
def errors(bus):
    tool, collector = bus.tool(), bus.collector()
    error = fails_with(DeyeBus.Error.DENIED, collector.publish, "events.network.opened", None, None, None)
    assert error.message
    fails_with(DeyeBus.Error.BAD_TOPIC, tool.publish, "no..topic", None, None, None)
    fails_with(DeyeBus.Error.BAD_PATTERN, tool.subscribe, "#.no.pattern", None, None, None, None)
    fails_with(DeyeBus.Error.NO_RESPONDERS, tool.request, TASK, None, None, None)
    twin = once(DeyeBus.Client.new_tool(bus.address, "tool"))
    fails_with(DeyeBus.Error.DUPLICATE_ID, finish, twin.connect_async, twin.connect_finish)
    fails_with(DeyeBus.Error.NO_BROKER, once(DeyeBus.Client.new_tool(bus.address + ".none", "other")).connect, None)
    unconnected = DeyeBus.Client.new_tool(bus.address, "other")
    fails_with(DeyeBus.Error.NOT_CONNECTED, unconnected.publish, EVENT, None, None, None)
    subscription = tool.subscribe(EVENT, None, lambda *_: None, None, None)
    fails_with(DeyeBus.Error.UNSUPPORTED, subscription.next, 0, None)
    fails_with(DeyeBus.Error.LIMIT, tool.set_heartbeat, 1)
    fails_with(DeyeBus.Error.BAD_PATTERN, finish, tool.subscribe_async, tool.subscribe_finish, "#.no.pattern", None,
               None, ())
    assert DeyeBus.Error.UNKNOWN == 1 and DeyeBus.Error.UNTRUSTED == 104
    assert DeyeBus.Error.UNSENT == 106


@test
def signals(bus):
    collector, tool = bus.collector(), bus.tool()
    refused, closed, gaps = [], [], []
    collector.connect_after("error", lambda client, error: refused.append(error))
    collector.connect_after("closed", lambda client, error: closed.append(error))
    finish(collector.publish_async, collector.publish_finish, "events.network.opened", None, None, False)
    wait_until(lambda: refused, "the refusal")
    assert refused[0].matches(DeyeBus.error_quark(), DeyeBus.Error.DENIED)
    collector.close(None)
    wait_until(lambda: closed, "the closed signal")
    assert closed[0].matches(DeyeBus.error_quark(), DeyeBus.Error.CLOSED)
    subscription = tool.subscribe(EVENT, None, None, None, None)
    subscription.connect("gap", lambda *args: gaps.append(args))
    subscription.emit("gap", 1, 2 ** 40, 3, DeyeBus.Error.SLOW_CONSUMER)
    assert gaps == [(subscription, 1, 2 ** 40, 3, DeyeBus.Error.SLOW_CONSUMER)]


@test
def serve_standard(bus):
    tool, collector = bus.tool(), bus.collector()
    assert collector.serve_standard(lambda client, generation, data: True, None, None)
    options = DeyeBus.Options.new()
    options.set_method("Ping")
    reply = finish(tool.request_async, tool.request_finish, "control.collector.collector", payload("ping"), options)
    assert reply.get_data() == b"ping"


@test
def M23_introspect_and_call_a_service(bus):
    """A service of this process, called by another client as by any tool."""
    tool, collector = bus.tool(), bus.collector()
    asked = []
    service = DeyeBus.Service.new("org.example.Clock", "Tells the time.")
    service.add_method("Now", None, None, "The time.",
                       lambda client, request, *_: client.respond(request, payload("noon"), None), None)
    service.add_event("Tick", EVENT, None, None)
    service.add_property("zone", "UTC", True, "Time zone.")
    service.connect("refuse-property", lambda _service, name, value: asked.append((name, value)) or value == "nowhere")
    assert collector.add_service(service)
    fails_with(DeyeBus.Error.DUPLICATE_ID, collector.add_service, DeyeBus.Service.new("org.example.Clock", None))

    def call(method, text=""):
        options = DeyeBus.Options.new()
        options.set_target("collector")
        options.set_method(method)
        return finish(tool.request_async, tool.request_finish, "control.collector.collector", payload(text), options)

    assert call("Now").get_data() == b"noon"
    output = call("Introspect").get_data()
    assert all(text in output for text in [b"org.example.Clock", b"Tells the time.", b"Now", b"Tick", b"zone", b"UTC"])
    assert call("Introspect").get_type_name() == "daemoneye.eventbus.v1.IntrospectReply"
    assert b"org.example.Clock" in call("GetInfo").get_data()
    # SetProperty {name: "zone", value: {text: "CET"}}
    assert b"CET" in call("SetProperty", "\x12\x04zone\x1a\x05\x0a\x03CET").get_data()
    assert asked == [("zone", "CET")] and service.read_property("zone") == (True, "CET")
    service.change_property("zone", "EET")
    assert service.read_property("zone") == (True, "EET") and service.read_property("none")[0] is False
    fails_with(DeyeBus.Error.FAILED, call, "Dance")


@test
def M08_policy_adjust_and_pause(bus):
    tool, collector, seen = bus.tool(), bus.collector(), []
    options = DeyeBus.SubscribeOptions.new()
    options.set_policy(DeyeBus.Policy.DROP_NEWEST)
    options.set_queue_messages(5)
    subscription = tool.subscribe_full(EVENT, None, options, lambda _, message, data: seen.append(message.get_data()),
                                       None, None)
    assert (subscription.get_policy(), subscription.get_queue_messages()) == (DeyeBus.Policy.DROP_NEWEST, 5)
    assert subscription.get_queue_bytes() > 0
    assert subscription.pause() and subscription.is_paused()
    publish(collector, EVENT, "one")
    publish(collector, EVENT, "two")
    change = DeyeBus.SubscribeOptions.new()
    change.set_policy(DeyeBus.Policy.CONFLATE)
    assert finish(subscription.adjust_async, subscription.adjust_finish, change)
    assert (subscription.get_policy(), subscription.get_queue_messages()) == (DeyeBus.Policy.CONFLATE, 5)
    assert subscription.adjust(options, None) and subscription.get_policy() == DeyeBus.Policy.DROP_NEWEST
    assert not seen
    assert subscription.resume() and not subscription.is_paused()
    wait_until(lambda: len(seen) == 2, "what was kept")
    assert seen == [b"one", b"two"]
    pulled = finish(tool.subscribe_full_async, tool.subscribe_full_finish, EVENT, None, options, None, ())
    fails_with(DeyeBus.Error.UNSUPPORTED, pulled.pause)
    short = DeyeBus.Options.new()
    short.set_ttl(SECOND_US)
    publish(collector, EVENT, "short-lived", short)
    live = pulled.next(-1, None)
    assert live.get_ttl() == SECOND_US and not live.is_retained()


@test
def retained(bus):
    collector, late = bus.collector(), bus.tool()
    options = DeyeBus.Options.new()
    options.set_retain(DeyeBus.Retain.LAST)
    publish(collector, EVENT, "kept", options)
    subscription = finish(late.subscribe_full_async, late.subscribe_full_finish, EVENT, None, None, None, ())
    message = subscription.next(-1, None)
    assert message.is_retained() and message.get_sender() == "collector"
    publish(collector, EVENT, "", options)  # clears the value: other tests use the topic
    assert not subscription.next(-1, None).is_retained()


@test
def broker_ends(bus):
    """The last test: stops the broker."""
    tool, closed = once(bus.tool()), []
    subscription = tool.subscribe(EVENT, None, None, None, None)
    tool.connect_after("closed", lambda client, error: closed.append(error))
    BROKER.stop()
    wait_until(lambda: closed, "the closed signal")
    assert closed[0].matches(DeyeBus.error_quark(), DeyeBus.Error.SHUTTING_DOWN), closed[0].message
    fails_with(DeyeBus.Error.CLOSED, subscription.next, -1, None)
    assert tool.get_state() == DeyeBus.ClientState.DISCONNECTED


BROKER = Broker(sys.argv[1], sys.argv[2])
sys.exit(run_tests(TESTS, BROKER))
