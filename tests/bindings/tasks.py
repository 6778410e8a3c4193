#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Collectors and submitters in Python, by introspection, with a real broker: `tasks.py AGENT MODULE`.

Collector and submitter have the same main context, so nothing here waits synchronously for a task."""
import sys
import threading

import gi
gi.require_version("DeyeBus", "1.0")
from gi.repository import DeyeBus  # noqa: E402

from broker import Broker  # noqa: E402
from common import SECOND_US, fails_with, finish, payload, run_tests, wait_until  # noqa: E402

TESTS = []
IDEMPOTENT = DeyeBus.OperationFlags.IDEMPOTENT


def test(function):
    TESTS.append(function)
    return function


class Scanner:
    """A registered collector with the operation "scan". The handler gets a work, and may keep it."""

    def __init__(self, bus, handler, name="scanner-1"):
        self.collector = DeyeBus.Collector(address=bus.address, id=name, type="scanner")
        self.collector.props.max_concurrent = 4
        self.collector.add_tag("os", "linux")
        self.collector.add_operation("scan", None, IDEMPOTENT, lambda _collector, work, *_data: handler(work))

    def __enter__(self):
        assert finish(self.collector.start_async, self.collector.start_finish)
        return self.collector

    def __exit__(self, *_):
        if self.collector.get_client().get_state() != DeyeBus.ClientState.CLOSED:
            assert self.collector.stop(SECOND_US)


def submit(client, text="", **more):
    spec = DeyeBus.TaskSpec.new("scan")
    spec.set_payload(payload(text), None)
    spec.set_timeout(60 * SECOND_US)
    for name, value in more.items():
        getattr(spec, "set_" + name)(value)
    return client.submit(spec)


def result(task):
    return finish(task.wait_async, task.wait_finish)


def text_of(some_bytes):
    return (some_bytes.get_data() or b"").decode()


# --- the loop ---

@test
def M09_a_collector_registers_and_stops(bus):
    signals = []
    scanner = Scanner(bus, lambda work: None)
    scanner.collector.connect("registered", lambda _collector: signals.append("registered"))
    scanner.collector.connect("draining", lambda _collector: signals.append("draining"))
    scanner.collector.connect("drained", lambda _collector: signals.append("drained"))
    with scanner as collector:
        assert signals == ["registered"]
        assert collector.get_state() == DeyeBus.CollectorState.READY and collector.props.state == DeyeBus.CollectorState.READY
        assert collector.get_client().get_state() == DeyeBus.ClientState.READY
    assert signals == ["registered", "draining", "drained"]
    assert collector.is_draining() and collector.get_state() == DeyeBus.CollectorState.UNREGISTERED
    assert collector.get_client().get_state() == DeyeBus.ClientState.CLOSED


@test
def M11_a_task_succeeds(bus):
    def scan(work):
        assert (work.get_operation(), work.get_attempt(), work.get_priority()) == ("scan", 1, 7)
        assert 0 < work.get_remaining() <= 60 * SECOND_US and not work.is_ended()
        assert work.succeed(payload(text_of(work.get_payload()) + " " + work.get_task_id()), "example.Text")
        assert work.is_ended()

    client, finished = bus.tool(), []
    with Scanner(bus, scan):
        task = submit(client, "disk", id="scan-disk", priority=7)
        task.connect("finished", lambda _task: finished.append(task.get_state()))
        assert text_of(result(task)) == "disk scan-disk"
        assert (task.get_holder(), task.get_attempt(), task.get_result_type()) == ("scanner-1", 1, "example.Text")
        wait_until(lambda: finished, "the signal")
        assert finished == [DeyeBus.TaskState.SUCCEEDED]


@test
def M10_a_task_waits_for_its_collector(bus):
    client, works = bus.tool(), []
    task = submit(client)
    wait_until(lambda: task.get_wait_reason() == DeyeBus.WaitReason.NO_CAPABILITY, "the reason")
    with Scanner(bus, works.append):
        wait_until(lambda: works, "the work")
        works.pop().succeed(None, None)
        assert text_of(result(task)) == ""


@test
def M11_a_task_fails(bus):
    client = bus.tool()
    with Scanner(bus, lambda work: work.fail("org.example.NoDisk", "there is no such disk")):
        task = submit(client)
        error = fails_with(DeyeBus.Error.FAILED, result, task)
        assert "there is no such disk" in error.message and task.get_state() == DeyeBus.TaskState.FAILED


@test
def M11_progress_reaches_submitter_and_next_attempt(bus):
    def scan(work):
        if work.get_attempt() == 1:
            assert work.get_last_details() is None
            assert work.progress(3, 10, "reading", payload("sector 3"))
            work.retry("the disk is busy", 1)
        else:
            assert work.get_last_details().get_data() == b"sector 3"
            work.succeed(payload(str(work.get_attempt())), None)

    client, reports = bus.tool(), []
    with Scanner(bus, scan):
        task = submit(client)
        task.connect("progress", lambda _task, done, total, text: reports.append((done, total, text)))
        assert text_of(result(task)) == "2"
        assert (3, 10, "reading") in reports, reports


@test
def M11_a_work_that_is_dropped_is_retried(bus):
    def scan(work):
        if work.get_attempt() > 1:
            work.succeed(None, None)

    client = bus.tool()
    with Scanner(bus, scan):
        task = submit(client)
        result(task)
        assert task.get_attempt() == 2


@test
def M11_a_cancel_reaches_a_thread(bus):
    """Functions of a work are called in any thread."""
    threads, seen = [], []

    def wait_for_cancel(work):
        gone = threading.Event()
        work.get_cancellable().connect(lambda *_: gone.set())
        if gone.wait(60):
            fails_with(DeyeBus.Error.CANCELLED, work.progress, 1, 2, None, None)
            seen.append(work.get_cancel_reason())
            work.acknowledge_cancel()

    def scan(work):
        threads.append(threading.Thread(target=wait_for_cancel, args=(work,)))
        threads[-1].start()

    client = bus.tool()
    with Scanner(bus, scan):
        task = submit(client)
        wait_until(lambda: threads and task.get_state() == DeyeBus.TaskState.RUNNING, "the start")
        task.cancel()
        fails_with(DeyeBus.Error.CANCELLED, result, task)
        assert task.get_state() == DeyeBus.TaskState.CANCELLED and not task.is_unconfirmed()
    threads[0].join()
    assert seen == [DeyeBus.CancelReason.ASKED]


@test
def M11_a_collector_drains(bus):
    """A collector that stops finishes its tasks. Later tasks are given to another collector."""
    client, first, second = bus.tool(), [], []
    with Scanner(bus, first.append) as leaving, Scanner(bus, second.append, "scanner-2"):
        mine = submit(client, target="scanner-1")
        wait_until(lambda: first, "the work")
        drained = []
        leaving.connect("drained", lambda _collector: drained.append(leaving.get_running()))
        assert leaving.drain(60 * SECOND_US) and leaving.is_draining()
        wait_until(lambda: leaving.get_state() == DeyeBus.CollectorState.DRAINING, "the state")
        others = [submit(client) for _ in range(4)]
        wait_until(lambda: len(second) == 4, "works of the other one")
        assert leaving.get_running() == 1 and not drained
        for work in first + second:
            work.succeed(payload("done"), None)
        assert [text_of(result(task)) for task in [mine, *others]] == ["done"] * 5
        wait_until(lambda: drained, "the signal")
        assert drained == [0] and mine.get_holder() == "scanner-1"


@test
def M11_a_repetition_gets_the_same_result(bus):
    client, other, calls = bus.tool(), bus.tool("other"), []

    def scan(work):
        calls.append(work.get_task_id())
        work.succeed(payload("once"), None)

    with Scanner(bus, scan):
        assert text_of(result(submit(client, id="same"))) == "once"
        assert text_of(result(submit(other, id="same"))) == "once"
        assert calls == ["same"]
        fetched, type_name = finish(other.fetch_result_async, other.fetch_result_finish, "same")
        assert (text_of(fetched), type_name) == ("once", None)


# --- other functions of a collector ---

@test
def a_collector_takes_configurations(bus):
    seen = []
    scanner = Scanner(bus, lambda work: None)
    scanner.collector.set_configuration_handler(lambda _collector, generation, wanted, kind, *_: seen.append(
        (generation, wanted and text_of(wanted), kind)) or wanted is None or text_of(wanted) == "good")
    with scanner:
        tool, options = bus.tool(), DeyeBus.Options.new()
        options.set_type_name("example.Text")
        topic = "control.collector.config.scanner-1"
        assert finish(tool.request_async, tool.request_finish, topic, payload("good"), options)
        fails_with(DeyeBus.Error.FAILED, finish, tool.request_async, tool.request_finish, topic, payload("bad"), options)
    assert seen == [(0, "good", "example.Text"), (0, "bad", "example.Text")]


@test
def a_collector_has_units_of_health(bus):
    with Scanner(bus, lambda work: None) as collector:
        collector.set_unit_health("disk", DeyeBus.Health.DEGRADED, "nearly full")
        tool, options = bus.tool(), DeyeBus.Options.new()
        options.set_method("HealthCheck")
        reply = finish(tool.request_async, tool.request_finish, "control.collector.scanner-1", payload(""), options)
        assert b"disk: nearly full" in reply.get_data()


@test
def M12_one_question_to_many(bus):
    def count(work):
        work.set_rows(2)
        work.succeed(payload(work.get_payload().get_data().decode().upper()), None)

    def cut(work):
        work.set_rows(1)
        work.set_truncated(1)
        work.succeed(payload("A"), None)
    tool = bus.tool()
    spec = DeyeBus.GatherSpec.new("scan")
    spec.set_payload(payload("ab"), None)
    assert fails_with(DeyeBus.Error.INVALID_ARGUMENT, lambda: tool.gather(spec, None)), "nothing is required"
    spec.set_require_all()
    with Scanner(bus, count), Scanner(bus, count, "scanner-2"):
        gather = finish(tool.gather_async, tool.gather_finish, spec)
        answers = gather.get_answers()
        assert {answer.get_id(): text_of(answer.dup_payload()) for answer in answers} == {"scanner-1": "AB", "scanner-2": "AB"}
        assert answers[0].dup_extent().get_rows() == (True, 2)
        manifest = gather.dup_manifest()
        assert (manifest.get_verdict(), manifest.list_missing()) == (DeyeBus.GatherVerdict.COMPLETE, [])
    with Scanner(bus, count), Scanner(bus, cut, "scanner-2"):
        gather = finish(tool.gather_async, tool.gather_finish, spec)
        assert fails_with(DeyeBus.Error.PARTIAL, gather.get_answers)
        assert len(gather.accept_partial()) == 2
        assert gather.dup_manifest().get_truncated() == 1


@test
def M11_wrong_arguments_are_errors(bus):
    wrong = DeyeBus.Error.INVALID_ARGUMENT
    with Scanner(bus, lambda work: None) as collector:
        for name in ("No.Segment", "scan"):
            fails_with(wrong, collector.add_operation, name, None, DeyeBus.OperationFlags.NONE, lambda *_: None)
        fails_with(wrong, collector.remove_operation, "walk")
        fails_with(wrong, collector.set_operation_limits, "scan", -1, 0)
        fails_with(wrong, collector.add_tag, "a=b", "c")
        assert collector.set_operation_limits("scan", SECOND_US, SECOND_US) and collector.remove_operation("scan")
        collector.set_standing_handler(lambda _collector, _revision, _tasks, _data=None: None)
    fails_with(wrong, DeyeBus.Collector(address=bus.address).start)
    fails_with(DeyeBus.Error.CANCELLED, DeyeBus.Work().succeed, None, None)


BROKER = Broker(sys.argv[1], sys.argv[2])
sys.exit(run_tests(TESTS, BROKER))
