#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the verbs for tasks of deyebusctl against a live agent: `tasks.py DEYEBUSCTL AGENT MODULE WORKER DATA COMPLETIONS`.

The collector is worker.c. Each of its operations lets a task end in another way."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from broker import Broker, die_with_parent
from ctltool import PATIENCE_S, Tool, completed, golden, next_line
from tap import equal, holds, run_with, test

RELOAD_TYPE = "daemoneye.eventbus.v1.ConfigReload"
ENDED = {"TASK_SUCCEEDED", "TASK_FAILED", "TASK_TIMED_OUT", "TASK_CANCELLED", "TASK_QUARANTINED"}


class Bus(Tool):
    """The agent, one worker, and the tool."""

    def __init__(self, ctl, agent, module, worker, data, completions):
        self.worker_path, self.completions = worker, completions
        self.log = tempfile.NamedTemporaryFile("r", suffix=".log")
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf, open(self.log.name, "w", encoding="utf-8") as log:
            conf.write("[limits]\ntask-submitter-us=100000\nintrospect-per-second=3\n")
            conf.flush()
            self.broker = Broker(agent, module, "--config", conf.name, stderr=log)
        super().__init__(ctl, self.broker.address, data)
        self.worker = self.start_worker("worker-1")

    def end(self):
        self.stop_worker(self.worker)
        equal(self.broker.end(), 0, "daemoneye-agent")

    def start_worker(self, name):
        worker = subprocess.Popen([self.worker_path, self.broker.address, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  text=True, env=self.env, preexec_fn=die_with_parent)
        equal(next_line(worker.stdout), "ready\n")
        return worker

    def stop_worker(self, worker):
        worker.send_signal(signal.SIGKILL)
        worker.communicate(timeout=PATIENCE_S)

    def task(self, *words, code=0):
        """Runs `task submit`. Returns its standard output and its standard error."""
        ran = subprocess.run([self.ctl_path, "task", "submit", *words], stdin=subprocess.DEVNULL, capture_output=True,
                             timeout=PATIENCE_S, env=self.env, check=False)
        shown = ran.stderr.decode()
        equal(ran.returncode, code, f"task submit {' '.join(words)}: {ran.stdout} {shown}")
        return ran.stdout, shown

    def submitted(self, name, operation, *words):
        equal(self.ctl("task", "submit", operation, "--id", name, "--no-wait", *words), name + "\n")
        return name

    def record(self, name):
        (record,) = self.json("task", "show", name)
        return record

    def until(self, name, *states):
        """Asks until the task is in one of the states. Each call takes some time, so this needs no pause."""
        record = None
        for _ in range(2000):
            found = [one for one in self.json("tasks") if one["id"] == name]
            record = found[0] if found else None
            if record and record["state"] in states:
                return record
        raise AssertionError(f"{name} is {record}")

    def until_logged(self, *words):
        """Waits until a new line of the broker's log has these words. A thread of the broker writes the log."""
        for _ in range(2000):
            if any(all(word in line for word in words) for line in self.log):
                return
            self.json("tasks")
        raise AssertionError(f"the log lacks {words}")

    def why(self, name):
        (shown,) = self.json("task", "why", name)
        lines = self.ctl("task", "why", name).splitlines()
        equal(len(lines), 2 if "advice" in shown else 1, lines)
        return shown


# --- submit ---

@test("/cli/task/submit/K01-result-as-json")
def _(bus):
    out, shown = bus.task("echo", "--id", "echo-1", "--payload", '{"generation": 5}')
    equal(json.loads(out), {"generation": "5"})
    holds("deyebusctl" not in shown, shown)
    (*before, last) = [json.loads(line) for line in bus.task("echo", "--payload", '{"generation": 6}', "--json")[0].splitlines()]
    equal((last["state"], last["type"], last["payload"]), ("TASK_SUCCEEDED", RELOAD_TYPE, {"generation": "6"}))
    holds(all(one["state"] not in ENDED and one["id"] == last["id"] for one in before), before)


@test("/cli/task/submit/payloads")
def _(bus):
    equal(bus.task("echo", "--payload", "hello", "--raw")[0], b"hello")
    equal(bus.task("echo", "--payload", "00 fF\n", "--hex")[0], b"2 bytes: 00 ff\n")
    equal(bus.task("echo", "--payload", '{"generation": 7}', "--payload-type", RELOAD_TYPE)[0], b'{"generation":"7"}\n')
    (one,) = [json.loads(line) for line in bus.task("steps", "--json")[0].splitlines() if b"payload_base64" in line]
    equal(one["payload_base64"], "/wE=")
    for words in [["echo", "--payload", "f f", "--hex"], ["echo", "--payload", "fff", "--hex"], ["echo", "--payload", "xy", "--hex"],
                  ["echo", "--hex"], ["echo", "--payload", "00", "--hex", "--raw"], ["echo", "--payload", "{"],
                  ["echo", "--payload", '{"dance": 1}'], ["steps", "--payload", "{}"], ["nothing", "--payload", "{}"],
                  ["echo", "--priority", "256"], ["echo", "--attempts", "0"], ["echo", "--deadline", "0"], ["echo", "--delay", "x"],
                  ["echo", "--tag", "os"], ["echo", "--type", ""], ["Echo"], ["echo", "--id", "A"]]:
        bus.task(*words, code=2)
    bus.task("echo", "--payload", "{}", "--payload-type", "org.example.Nothing", code=6)


@test("/cli/task/submit/progress-on-standard-error")
def _(bus):
    out, shown = bus.task("steps", "--id", "steps-1")
    equal(out, b"2 bytes: ff 01\n")
    holds("steps-1: 1 of 3: reading\n" in shown, shown)


@test("/cli/task/submit/failures-have-exit-codes")
def _(bus):
    out, shown = bus.task("fail", "--id", "fail-1", code=1)
    equal(out, b"")
    holds("The task fail-1 has ended as failed: org.example.Full: the disk is full; `deyebusctl task why fail-1`" in shown, shown)
    _, shown = bus.task("nothing", "--id", "late-1", "--deadline", "0.1", code=5)
    holds("has ended as timed-out" in shown and "`deyebusctl task why late-1`" in shown, shown)
    _, shown = bus.task("echo", "--id", "fail-1", code=1)
    holds("differs" in shown, shown)


@test("/cli/task/submit/K08-task-continues-without-the-tool")
def _(bus):
    _, shown = bus.task("stay", "--id", "stay-1", "--timeout", "4", code=5)
    holds("The task stay-1 continues" in shown, shown)
    process = bus.start("task", "submit", "stay", "--id", "stay-2")
    bus.until("stay-2", "TASK_RUNNING")
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=PATIENCE_S)
    equal(process.returncode, 1, shown)
    for name in ["stay-1", "stay-2"]:
        bus.until(name, "TASK_RUNNING")
    bus.ctl("task", "cancel", "stay-1", "stay-2")
    for name in ["stay-1", "stay-2"]:
        bus.until(name, "TASK_CANCELLED")


@test("/cli/task/submit/no-wait-is-done-when-it-is-accepted")
def _(bus):
    bus.submitted("soon-1", "fail")
    (shown,) = [json.loads(line) for line in bus.task("fail", "--id", "soon-2", "--no-wait", "--json")[0].splitlines()]
    equal(shown["id"], "soon-2")
    bus.task("nothing", "--id", "soon-1", "--no-wait", code=1)  # refused: another task has the id


@test("/cli/task/submit/D04-run-limit")
def _(bus):
    _, shown = bus.task("stay", "--id", "run-1", "--run-limit", "0.1", "--attempts", "1", code=1)
    holds("has ended as quarantined" in shown, shown)
    holds("task-run-limit-us" in bus.ctl("task", "history", "run-1"), "the history names the cause and the setting")
    bus.ctl("task", "drop", "run-1")
    for words in [["--run-limit", "0"], ["--run-limit", "3601"], ["--run-limit", "x"]]:
        bus.task("stay", *words, code=2)


@test("/cli/task/submit/M11-cancel-when-gone")
def _(bus):
    process = bus.start("task", "submit", "stay", "--id", "gone-1", "--cancel-when-gone")
    bus.until("gone-1", "TASK_RUNNING")
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=PATIENCE_S)
    equal(process.returncode, 1, shown)
    holds("The task gone-1 will be cancelled" in shown, shown)
    bus.until("gone-1", "TASK_CANCELLED")
    holds("task-submitter-us" in bus.ctl("task", "history", "gone-1"), "why")
    bus.task("stay", "--cancel-when-gone", "--no-wait", code=2)


@test("/cli/task/submit/same-id-attaches")
def _(bus):
    bus.submitted("twice", "stay")
    process = bus.start("task", "submit", "stay", "--id", "twice", "--json")
    holds(json.loads(next_line(process.stdout))["id"] == "twice", "the second submit attaches to the task")
    bus.ctl("task", "cancel", "twice")
    _, shown = process.communicate(timeout=PATIENCE_S)
    equal(process.returncode, 1, shown)
    holds("has ended as cancelled" in shown, shown)


# --- lists ---

@test("/cli/collectors/K01-table-json-and-filters")
def _(bus):
    golden(bus, "collectors", bus.ctl("collectors"))
    (one,) = bus.json("collectors", "--operation", "echo", "--type", "worker", "--state", "ready", "--tag", "os=linux")
    equal((one["id"], one["state"], one["max_concurrent"], one["tags"]), ("worker-1", "MEMBER_READY", 2, ["os=linux"]))
    for words in [["--operation", "nothing"], ["--type", "x"], ["--state", "draining"], ["--tag", "os=bsd"]]:
        bus.ctl("collectors", *words, code=6)
    holds("set-aside" in bus.ctl("collectors", "--state", "dance", code=2), "the error lists the states")
    bus.ctl("collectors", "--state", "ready", "--state", "gone", code=2)


@test("/cli/tasks/table-json-and-filters")
def _(bus):
    bus.submitted("wait-1", "nothing")
    bus.submitted("wait-2", "stay", "--delay", "3000", "--priority", "9")
    lines = bus.ctl("tasks", "--state", "queued", "--state", "delayed").splitlines()
    holds(re.match(r"TASK +OPERATION +STATE +WAITS FOR", lines[0]), lines[0])
    rows = {line.split()[0]: line for line in lines[1:]}
    equal(set(rows), {"wait-1", "wait-2"})
    holds(" queued " in rows["wait-1"] and "a collector that has the operation and the tags" in rows["wait-1"], rows)
    holds(" delayed " in rows["wait-2"] and "the end of its delay" in rows["wait-2"], rows)
    listed = {one["id"]: one for one in bus.json("tasks")}
    equal(listed["wait-2"]["priority"], 9)
    equal(listed["wait-1"]["reason"], "WAIT_NO_CAPABILITY")
    account = listed["wait-1"]["account"]
    for words, found in [(["--operation", "nothing", "--state", "queued"], {"wait-1"}), (["--holder", "worker-1", "--operation", "fail"], {"fail-1", "soon-1", "soon-2"}),
                         (["--account", account, "--state", "delayed"], {"wait-2"})]:
        equal({one["id"] for one in bus.json("tasks", *words)}, found, words)
    for words in [["--operation", "none"], ["--holder", "none"], ["--account", "none"], ["--state", "cancelling"]]:
        bus.ctl("tasks", *words, code=6)
    holds("timed-out" in bus.ctl("tasks", "--state", "dance", code=2), "the error lists the states")
    bus.ctl("task", "cancel", "wait-1", "wait-2")


@test("/cli/tasks/all-pages")
def _(bus):
    names = {f"page-{i}" for i in range(120)}
    waiting = sorted(names)
    while waiting:  # fewer at a time than max-unauthenticated, because each may wait for the CPU before it sends its HELLO
        running = [bus.start("task", "submit", "paged", "--id", waiting.pop(), "--no-wait") for _ in range(10)]
        for process in running:
            process.communicate(timeout=PATIENCE_S)
            equal(process.returncode, 0)
    equal({one["id"] for one in bus.json("tasks", "--operation", "paged")}, names)
    bus.ctl("task", "cancel", *sorted(names))


# --- one task ---

@test("/cli/task/show/fields")
def _(bus):
    bus.submitted("show-1", "stay")
    bus.until("show-1", "TASK_RUNNING")
    golden(bus, "task-show", bus.ctl("task", "show", "show-1"))
    record = bus.record("show-1")
    equal((record["holder"], record["attempt"]), ("worker-1", 1))
    equal(bus.json("task", "show", "show-1", "--account", record["account"])[0]["id"], "show-1")
    holds("--account" in bus.ctl("task", "show", "nothing", code=6), "the error names the option --account")
    holds("no task show-1" in bus.ctl("task", "show", "show-1", "--account", "none", code=6), "the error names the account")
    bus.ctl("task", "cancel", "show-1")


@test("/cli/task/history/table-and-json")
def _(bus):
    bus.ctl("operations", "pause", "fail")  # so that the task does not end before its submitter
    bus.submitted("history-1", "fail")
    bus.ctl("operations", "resume", "fail")
    bus.until("history-1", "TASK_FAILED")
    golden(bus, "task-history", bus.ctl("task", "history", "history-1"))
    equal([(one["state"], one["collector"]) for one in bus.json("task", "history", "history-1")],
          [("TASK_OFFERED", "worker-1"), ("TASK_RUNNING", "worker-1"), ("TASK_FAILED", "worker-1")])
    holds("not kept any more" in bus.ctl("task", "history", "fail-1", code=6), "the submitter has settled the task")


@test("/cli/task/result/payload-or-reason")
def _(bus):
    equal(bus.ctl("task", "result", "echo-1"), '{"generation":"5"}\n')
    equal(bus.json("task", "result", "echo-1"),
          [{"id": "echo-1", "state": "TASK_SUCCEEDED", "type": RELOAD_TYPE, "payload": {"generation": "5"}}])
    equal(subprocess.run([bus.ctl_path, "task", "result", "steps-1", "--raw"], capture_output=True, env=bus.env, timeout=PATIENCE_S,
                         check=True).stdout, b"\xff\x01")
    holds("it is failed" in bus.ctl("task", "result", "fail-1", code=1), "the error names the state")
    bus.submitted("result-1", "nothing")
    holds("has not ended: it is queued" in bus.ctl("task", "result", "result-1", code=6), "the error names the state")
    bus.ctl("task", "cancel", "result-1")
    bus.ctl("task", "result", "none", code=6)


# --- reasons ---

@test("/cli/task/why/reasons-of-waiting")
def _(bus):
    bus.ctl("operations", "pause", "echo")
    bus.ctl("operations", "limit", "steps", "1")
    for name, operation, words, reason, why, advice in [
            ("why-1", "nothing", [], "NO_CAPABILITY", "no registered collector has the operation nothing", "Start a collector"),
            ("why-2", "fail", ["--type", "other"], "NO_CAPABILITY", "of the type other", "other types"),
            ("why-3", "fail", ["--tag", "os=bsd"], "NO_CAPABILITY", "all the tags", "deyebusctl collectors --operation fail"),
            ("why-4", "nothing", ["--target", "worker-1"], "NO_CAPABILITY", "has the operation nothing", "Start a collector"),
            ("why-5", "fail", ["--target", "worker-9"], "TARGET_ABSENT", "worker-9, the only collector", "Start worker-9"),
            ("why-6", "echo", [], "PAUSED", "the operation echo is paused", "deyebusctl operations resume echo"),
            ("why-7", "stay", ["--delay", "3000"], "NOT_BEFORE", "its delay ends in", None)]:
        bus.submitted(name, operation, *words)
        shown = bus.why(name)
        equal(shown["reason"], "WAIT_" + reason, name)
        holds(why in shown["why"], shown)
        holds(advice is None and "advice" not in shown or advice in shown["advice"], shown)
        holds("{" not in shown["why"] + shown.get("advice", ""), shown)
        bus.ctl("task", "cancel", name)
    bus.ctl("operations", "resume", "echo")
    bus.ctl("operations", "limit", "steps", "0")


@test("/cli/task/why/K04-busy-limit-and-backoff")
def _(bus):
    for name in ["busy-1", "busy-2"]:
        bus.submitted(name, "stay")
        bus.until(name, "TASK_RUNNING")
    shown = bus.why("busy-1")
    holds("worker-1 works on it, in attempt 1" in shown["why"], shown)
    equal(bus.why(bus.submitted("busy-3", "echo"))["reason"], "WAIT_ALL_BUSY")
    bus.ctl("operations", "limit", "stay", "2")
    shown = bus.why(bus.submitted("busy-4", "stay"))
    equal(shown["reason"], "WAIT_OPERATION_LIMIT")
    holds("deyebusctl operations limit stay COUNT" in shown["advice"], shown)
    bus.ctl("operations", "limit", "stay", "0")
    bus.ctl("task", "cancel", "busy-1", "busy-2", "busy-4")
    bus.until("busy-3", "TASK_SUCCEEDED")
    bus.submitted("retry-1", "retry")
    bus.until("retry-1", "TASK_DELAYED")
    shown = bus.why("retry-1")
    equal(shown["reason"], "WAIT_BACKOFF")
    holds("Attempt 1 has failed on worker-1; the next one is made in" in shown["why"], shown)
    bus.ctl("task", "cancel", "retry-1")


@test("/cli/task/why/ended-tasks")
def _(bus):
    for name, why, advice in [("echo-1", "It has succeeded on worker-1", "task result echo-1"),
                              ("fail-1", "(org.example.Full: the disk is full)", "another id"),
                              ("late-1", "Its deadline passed", "--deadline"), ("stay-1", "It was cancelled", "another id")]:
        shown = bus.why(name)
        holds(why in shown["why"] and advice in shown["advice"], shown)


# --- changes ---

@test("/cli/task/K14-quarantine-release-drop")
def _(bus):
    _, shown = bus.task("harm", "--id", "harm-1", code=1)
    holds("has ended as quarantined" in shown, shown)
    shown = bus.why("harm-1")
    holds("It is in quarantine" in shown["why"] and "expired 1" in shown["why"], shown)
    holds("task release harm-1" in shown["advice"] and "task drop harm-1" in shown["advice"], shown)
    equal(bus.ctl("task", "release", "harm-1"), "harm-1: queued\n")
    bus.until("harm-1", "TASK_QUARANTINED")
    equal([one["id"] for one in bus.json("task", "drop", "harm-1")], ["harm-1"])
    equal(bus.record("harm-1")["state"], "TASK_FAILED")
    for verb in ["release", "drop"]:
        holds("it is not in quarantine" in bus.ctl("task", verb, "harm-1", code=1), verb)


@test("/cli/task/cancel/verdict-on-each")
def _(bus):
    bus.submitted("cancel-1", "nothing")
    ran = subprocess.run([bus.ctl_path, "task", "cancel", "cancel-1", "none"], capture_output=True, text=True, env=bus.env,
                         timeout=PATIENCE_S, check=False)
    equal((ran.returncode, ran.stdout), (6, "cancel-1: cancelled\n"))
    holds("none: there is no such task" in ran.stderr, ran.stderr)
    equal(bus.ctl("task", "cancel", "cancel-1"), "cancel-1: cancelled (already done)\n")
    bus.ctl("task", "cancel", "cancel-1", "--account", "none", code=6)


@test("/cli/task/M11-cause-in-the-log")
def _(bus):
    bus.submitted("cause-1", "nothing")
    bus.ctl("task", "cancel", "cause-1", "--cause", "the disk is full")
    bus.until_logged("tasks changed", "the disk is full")
    bus.ctl("task", "cancel", "cause-1", "--cause", "", code=2)


# --- methods of the broker ---

@test("/cli/call/M29-each-method-that-introspect-lists")
def _(bus):
    (described,) = bus.json("introspect", "bus")
    methods = [(one["topic"], one["name"]) for service in described["services"] for one in service["methods"]]
    holds(len(methods) > 30 and ("control.bus.task", "List") in methods, methods)
    for topic, name in methods:
        ran = subprocess.run([bus.ctl_path, "call", "bus", f"{topic}.{name}", "{}", "--timeout", "1"], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, env=bus.env, timeout=PATIENCE_S, check=False)
        holds(ran.returncode not in (2, 6) or "no such method" not in ran.stderr and "has no method" not in ran.stderr, (topic, name, ran))


@test("/cli/call/M29-several-methods-of-one-name")
def _(bus):
    bus.submitted("call-1", "nothing")
    for name in ["task.List", "control.bus.task.List"]:
        (shown,) = bus.json("call", "bus", name, '{"operation": "nothing", "states": ["TASK_QUEUED"]}')
        equal([one["id"] for one in shown["tasks"]], ["call-1"])
    (shown,) = bus.json("call", "bus", "collectors.List", '{"type": "worker"}')
    equal([one["id"] for one in shown["collectors"]], ["worker-1"])
    (shown,) = bus.json("call", "bus", "Cancel", '{"ids": ["call-1"]}')
    equal(shown["verdicts"][0]["state"], "TASK_CANCELLED")
    shown = bus.ctl("call", "bus", "List", code=2)
    holds("several methods List" in shown and "task.List" in shown and "collectors.List" in shown, shown)
    words = bus.words("methods", "bus", wanted=["task.List", "collectors.List", "Cancel", "ping"])
    holds("List" not in words, words)
    bus.ctl("call", "bus", "nothing.List", code=6)


@test("/cli/operations/M11-pause-resume-limit")
def _(bus):
    def row(name):
        return {one["operation"]: one for one in bus.json("operations")}[name]
    equal(bus.ctl("operations", "pause", "echo"), "echo is paused: queued 0, running 0\n")
    bus.submitted("pause-1", "echo")
    equal((row("echo")["is_paused"], row("echo")["queued"]), (True, 1))
    holds(re.search(r"^echo +paused ", bus.ctl("operations"), re.MULTILINE), "the table")
    holds(bus.ctl("operations", "resume", "echo").startswith("echo is open, without a limit"), "resumed")
    bus.until("pause-1", "TASK_SUCCEEDED")
    before = row("nothing")
    bus.submitted("pause-2", "nothing")
    bus.ctl("task", "cancel", "pause-2")
    equal((row("nothing")["failed"], int(row("nothing")["cancelled"])), (before["failed"], int(before["cancelled"]) + 1))
    holds("CANCELLED" in bus.ctl("operations").splitlines()[0], "the column")
    holds("for at most 3 tasks" in bus.ctl("operations", "limit", "echo", "3", "--strategy", "random"), "limited")
    bus.ctl("operations", "limit", "echo", "--strategy", "least-loaded")
    equal((row("echo")["limit"], row("echo")["strategy"]), (3, "STRATEGY_LEAST_LOADED"), "the limit is unchanged")
    bus.ctl("operations", "limit", "echo", "0")
    equal((row("echo")["limit"], row("echo")["strategy"]), (0, "STRATEGY_LEAST_LOADED"), "the strategy is unchanged")
    for words in [["echo"], ["echo", "-1"], ["echo", "x"], ["echo", "1", "--strategy", "dance"]]:
        bus.ctl("operations", "limit", *words, code=2)


# --- words ---

@test("/cli/task/complete")
def _(bus):
    bus.words("tasks", wanted=["echo-1", "fail-1"])
    bus.words("operations", wanted=["echo", "steps"])
    script = f"""
      deyebusctl () {{ "{bus.ctl_path}" "$@"; }}
      . "{os.path.join(bus.completions, 'deyebusctl.bash')}"
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _deyebusctl
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    def complete(*words):
        ran = subprocess.run(["bash", "-c", script, "bash", "deyebusctl", *words], capture_output=True, text=True, env=bus.env,
                             timeout=PATIENCE_S, check=True)
        equal(ran.stderr, "", words)
        return ran.stdout.split()
    for words, offered in [(["task", "wh"], ["why"]), (["task", "show", "echo-"], ["echo-1"]), (["operations", "pause", "ste"], ["steps"]),
                           (["task", "--json", "show", "fail-"], ["fail-1"]), (["tasks", "--state", "q"], ["queued", "quarantined"]),
                           (["collectors", "--state", "d"], ["draining"]), (["tasks", "--operation", "ste"], ["steps"]),
                           (["task", "submit", "--target", "worker"], ["worker-1"]), (["task", "submit", "ste"], ["steps"])]:
        equal(sorted(completed(complete, *words, wanted=offered)), sorted(offered), words)


# --- the last ones: the worker ends ---

@test("/cli/drain/K14-collector")
def _(bus):
    other = bus.start_worker("worker-2")
    holds("is not registered for tasks" in bus.ctl("drain", "nobody", code=6), "the error names the collector")
    bus.ctl("drain", "worker-2", "some-group", "--grace", "1", code=2)
    bus.submitted("drain-1", "stay", "--target", "worker-2")
    bus.until("drain-1", "TASK_RUNNING")
    equal(bus.ctl("drain", "worker-2", "--grace", "3000", "--expect-exit"),
          "worker-2 drains: tasks in progress 1, offers given to others 0\n")
    (one,) = bus.json("collectors", "--state", "draining")
    equal((one["id"], one["running"]), ("worker-2", 1))
    equal(bus.why(bus.submitted("drain-2", "echo", "--target", "worker-2"))["reason"], "WAIT_ALL_DRAINING")
    bus.ctl("task", "cancel", "drain-1", "drain-2")
    equal(next_line(other.stdout), "drained\n")
    equal(other.wait(timeout=PATIENCE_S), 0)
    other.communicate()


@test("/cli/tasks/D01-more-pages-than-a-second-has")
def _(bus):
    names = [f"many-{i}" for i in range(350)]
    for part in names[:200], names[200:]:
        shown = bus.ctl("call", "bus", "control.collector.task.Submit",
                       json.dumps({"tasks": [{"id": name, "operation": "many"} for name in part]}))
        holds(f'"{part[-1]}"' in shown, shown)
    equal([one["id"] for one in bus.json("tasks", "--operation", "many")], names)


@test("/cli/task/submit/K01-broker-restarts")
def _(bus):
    process = bus.start("task", "submit", "stay", "--id", "restart-1", "--json")
    for line in iter(lambda: next_line(process.stdout), ""):
        if "waiting" in line:  # the progress that the handler of "stay" reports: it has begun, and the submitter knows its holder
            break
    bus.broker.kill()
    bus.broker = Broker(AGENT, MODULE, at=bus.broker)
    bus.until("restart-1", "TASK_RUNNING")
    bus.ctl("task", "cancel", "restart-1")
    _, shown = process.communicate(timeout=PATIENCE_S)
    equal(process.returncode, 1, shown)
    holds("connecting again" in shown and "connected again" in shown, shown)
    equal(bus.record("restart-1")["attempt"], 1, "the task was adopted")


AGENT, MODULE = sys.argv[2:4]
sys.exit(run_with(Bus))
