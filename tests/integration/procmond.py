#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs procmond against processes that are hostile, hidden or numerous, and against a suspended subscriber:
`procmond.py DEYEBUSCTL AGENT MODULE PROCMOND`. Mounts are changed only in mount namespaces of the test."""
import base64
import contextlib
import ctypes
import grp
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from broker import Broker, die_with_parent
from ctltool import PATIENCE_S, Tool, finished, next_line
from procmondbus import (CHANGED, DEGRADED, EVENTS, EXITED, HEALTHY, STARTED, TASK, Bus, end, events_of, processes,
                         wait_event)
from rawpeer import read
from tap import Skip, equal, holds, run, test

UNKNOWN_UID = 0xFFFFFFFF
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 16384, 1 << 18
LIBC = ctypes.CDLL(None, use_errno=True)


def pages(ask):
    """All pages of an answer: @ask (cursor) -> a ProcessTable."""
    got, cursor = [], 0
    while True:
        table = ask(cursor)
        got.append(table)
        cursor = table.get("next_cursor", 0)
        if cursor == 0:
            return got
        holds(table["processes"], "a page before the last one has processes")


def pids_in(tables):
    return [one["pid"] for table in tables for one in table.get("processes", [])]


# --- answers whose size other processes determine ---

@test("/integration/procmond/answers-fit-with-any-names-of-processes")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        for n in (34, 150):
            with processes(n, "\\" * 8192) as hostile, processes(3, "neighbour") as honest:
                table = bus.call("ListProcesses")
                pids = pids_in([table])
                equal(sorted(pids), pids, "in order")
                equal(len(set(pids)), len(pids), "once each")
                holds(set(hostile + honest) <= set(pids), "every process is listed")
                equal(table.get("next_cursor", 0), 0)
                lines = {one["pid"]: one["command_line"] for one in table["processes"]}
                equal([lines[pid] for pid in honest], [["neighbour", "1000"]] * 3, "neighbours keep their command lines")
                holds(all(lines[pid][-1] == "\\cut" for pid in hostile), "long command lines are shortened and marked")
                equal(table["shortened"], sum("\\cut" in "".join(one["command_line"]) + one["exe"] for one in table["processes"]))

                paged = pages(lambda cursor: bus.call("ListProcesses", {"pages": True, "cursor": cursor}))
                equal(len(set(pids_in(paged))), len(pids_in(paged)), "once each")
                holds(set(hostile + honest) <= set(pids_in(paged)), "every process is listed")
                holds(len(paged) > 1 or n < 100, f"{len(paged)} pages")
                by_name = pages(lambda cursor: bus.call("ListProcesses", {"pages": True, "cursor": cursor, "limit": 7,
                                                                         "name": "sleep"}))
                holds(set(hostile + honest) <= set(pids_in(by_name)), "every process of a name is listed, 7 in a page")
                equal(max(len(table.get("processes", [])) for table in by_name), 7)


@test("/integration/procmond/tasks-fit-with-any-names-of-processes")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        with processes(150, "\\" * 8192) as hostile, processes(3, "neighbour") as honest:
            for shards in (1, 3):
                for paged in (False, True):
                    found, answers = [], 0
                    for shard in range(shards):
                        cursor = 0
                        while True:
                            answer = bus.task(task_id="t" * 100, shard=shard, shards=shards, pages=paged, cursor=cursor)
                            equal((answer["task_id"], answer["collector_id"]), ("t" * 100, "procmond-1"))
                            found += [read(record)[1][0] for record in answer["result"].get(1, [])]
                            answers += 1
                            (cursor,) = answer["result"].get(5, [0])
                            if cursor == 0 or not paged:
                                break
                    holds(set(hostile + honest) <= set(found), f"every process is in one of {shards} shards")
                    equal(len(found), len(set(found)), "once each")
                    holds(answers > shards if paged and shards == 1 else answers == shards or paged, f"{answers} answers")
        holds("BadTask" in bus.ctl("request", TASK, json.dumps({"operation": "enumerate_processes", "task_id": "x" * 600}), code=1),
              "an identifier of the requester's does not crowd out processes")


# --- tasks ---

@test("/integration/procmond/M11-tasks-list-every-process-once")
def _(paths):
    with Bus(paths) as bus, processes(150, "\\" * 8192) as hostile, processes(3, "neighbour") as honest:
        bus.collector()
        for shards in (1, 3):
            for paged in (False, True):
                found, answers = [], 0
                for shard in range(shards):
                    tables = pages(lambda cursor, shard=shard: bus.listed(shard=shard, shards=shards, pages=paged, cursor=cursor))
                    holds(all(pid % shards == shard for pid in pids_in(tables)), "only processes of the shard are listed")
                    found, answers = found + pids_in(tables), answers + len(tables)
                holds(set(hostile + honest) <= set(found), f"every process is in one of {shards} shards")
                equal(len(found), len(set(found)), "once each")
                holds(answers > shards if paged and shards == 1 else answers == shards or paged, f"{answers} answers")
        equal(pids_in([bus.listed(pid=honest[0])]), [honest[0]], "a query as that of ListProcesses")
        equal({one["name"] for one in bus.listed(name="sleep", limit=7)["processes"]}, {"sleep"})


@test("/integration/procmond/M11-bad-task-fails")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        for words, error in [({"shard": 3, "shards": 3}, "BadShard"), ({"shards": 65537}, "BadShard")]:
            process = bus.submit(**words)
            holds(error in process.communicate(timeout=PATIENCE_S)[1], words)
            equal(process.returncode, 1)
        raw = bus.start("task", "submit", "list_processes", "--payload", "ff", "--hex")
        holds("BadRequest" in raw.communicate(timeout=PATIENCE_S)[1], "a payload that is not a query is refused")


@test("/integration/procmond/M12-describes-one-process")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        (mine,) = bus.described(pid=os.getpid())
        equal(mine["pid"], os.getpid())
        equal([one["pid"] for one in bus.described(pid=os.getpid(), start_time=mine["start_time"])], [os.getpid()])
        equal(bus.described(pid=os.getpid(), start_time=int(mine["start_time"]) + 1), [], "another process")
        equal(bus.described(pid=0) + bus.described(pid=2 ** 32 - 1), [], "no process")


@test("/integration/procmond/M11-progress-and-cancel")
def _(paths):
    with Bus(paths) as bus:
        bus.collector(pace=500)
        process = bus.submit("--id", "slow")
        bus.wait_task("slow", "TASK_RUNNING")
        for _ in range(2000):
            progress = bus.json("task", "show", "slow")[0]["progress"]
            if int(progress["done"]) > 0:
                break
        holds(0 < int(progress["done"]) < int(progress["total"]), progress)
        bus.ctl("task", "cancel", "slow")
        holds("cancelled" in process.communicate(timeout=PATIENCE_S)[1], "the submitter is notified of the cancel")
        (record,) = bus.json("task", "show", "slow")
        equal((record["state"], record["unconfirmed"]), ("TASK_CANCELLED", False), "procmond has confirmed it")


@test("/integration/procmond/M11-takes-no-task-while-it-stops")
def _(paths):
    with Bus(paths) as bus:
        collector = bus.collector(pace=1000)
        bus.submit("--id", "long")
        bus.wait_task("long", "TASK_RUNNING")
        collector.terminate()
        for _ in range(2000):
            if TASK not in {one["pattern"] for one in bus.json("subs")}:
                break
        holds("No peer serves" in bus.ctl("request", TASK, "{}", code=6), "procmond does not serve requests any more")
        equal([one["state"] for one in bus.json("collectors")], ["MEMBER_DRAINING"])
        bus.ctl("task", "cancel", "long")
        equal(collector.wait(timeout=PATIENCE_S), 0)
        equal(bus.json("collectors"), [])


@test("/integration/procmond/M11-finishes-its-task-when-it-is-stopped")
def _(paths):
    with Bus(paths) as bus, processes(1) as (child,):
        collector = bus.collector(pace=500)
        running = bus.submit("--id", "last", shard=child % 40, shards=40)  # a few processes
        bus.wait_task("last", "TASK_RUNNING")
        collector.terminate()
        holds(child in pids_in([json.loads(finished(running))]), "procmond finishes its running task")
        equal(collector.wait(timeout=PATIENCE_S), 0)


@test("/integration/procmond/takes-a-configuration")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        topic = "control.collector.config.procmond-1"
        for refused in ({"interval_ms": 9}, {"interval_ms": 3600001}, {}):
            holds("Refused" in bus.ctl("request", topic, json.dumps(refused), code=1), refused)
        (answer,) = bus.json("request", topic, json.dumps({"interval_ms": 1234}))
        equal(answer["id"], "procmond-1")
        (value,) = [one["value"] for one in bus.call("GetProperties")["values"] if one["name"] == "interval-ms"]
        equal(value, {"natural": "1234"})


# --- processes that can't be read ---

def unshare_mounts():
    """Runs in a child: enters a mount namespace of its own."""
    die_with_parent()
    if LIBC.unshare(CLONE_NEWNS) != 0 or LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        os._exit(77)


def own_proc(options=None):
    """Runs in a child: mounts a /proc of its own with these options."""
    unshare_mounts()
    if LIBC.mount(b"proc", b"/proc", b"proc", 0, options) != 0:
        os._exit(77)


def may_mount():
    child = os.fork()
    if child == 0:
        own_proc()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def in_mounts_of(process, *words):
    subprocess.run(["nsenter", "--mount", "--target", str(process.pid), "--", *words], check=True, timeout=PATIENCE_S)


def with_mounts(path):
    """Like @test, for a test that is skipped without the right to mount."""
    def add(function):
        def wrapped(paths):
            if not may_mount():
                raise Skip("needs the right to mount")
            function(paths)
        return test(path)(wrapped)
    return add


@with_mounts("/integration/procmond/a-hidden-process-has-not-exited")
def _(paths):
    with Bus(paths) as bus, processes(2) as (hidden, other), tempfile.TemporaryDirectory() as empty:
        collector = bus.collector(before=unshare_mounts)
        events, _ = bus.watch()
        equal(bus.health(lambda health: True)["health"], HEALTHY)
        in_mounts_of(collector, "mount", "--bind", empty, f"/proc/{hidden}")
        health = bus.health(lambda health: health["health"] == DEGRADED)
        holds("1 processes can't be read" in health["detail"], health)
        equal(bus.call("ListProcesses", {"name": "sleep"}).get("unreadable"), 1)
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
        wait_event(events, other, EXITED)
        in_mounts_of(collector, "umount", f"/proc/{hidden}")
        bus.health(lambda health: health["health"] == HEALTHY)
        holds(hidden in pids_in([bus.call("ListProcesses", {"name": "sleep"})]), "the process is listed again")
        equal([one["payload"]["kind"] for one in events_of(events) if one["payload"]["process"]["pid"] == hidden], [])
        os.kill(hidden, signal.SIGKILL)
        os.waitpid(hidden, 0)
        wait_event(events, hidden, EXITED)


NOBODY = 65534


def become_other_user(options=None):
    """Runs in a child: becomes another user, with a /proc of its own."""
    own_proc(options)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    die_with_parent()


def unreadable_in(health):
    """The number of processes that can't be read, in the detail of a health report."""
    return sum(int(number) for number in re.findall(r"^reading: (\d+) processes can't be read", health["detail"]))


def other_user_can_run(program):
    try:
        ran = subprocess.run([program, "--version"], preexec_fn=become_other_user, stdout=subprocess.DEVNULL, check=False)
        return ran.returncode == 0
    except OSError:
        return False


@with_mounts("/integration/procmond/hidepid-reports-no-ends")
def _(paths):
    if not other_user_can_run(paths[3]):
        raise Skip("another user may not execute procmond here")
    with Bus(paths, f"uids=0;{NOBODY}\ngroup={grp.getgrgid(NOBODY).gr_name}") as bus, processes(2) as (mine, other):
        os.chmod(bus.broker.dir, 0o711)
        collector = bus.collector(before=become_other_user)
        events, _ = bus.watch()
        equal(bus.health(lambda health: True)["health"], HEALTHY)
        listed = len(pids_in([bus.call("ListProcesses")]))
        for hidepid in ("1", "2"):
            in_mounts_of(collector, "mount", "-o", f"remount,hidepid={hidepid}", "/proc")
            # A scan that was under way during the mount finds any number of hidden processes, also one.
            health = bus.health(lambda health: unreadable_in(health) > 1)
            equal(health["health"], DEGRADED)
            holds(len(pids_in([bus.call("ListProcesses")])) < listed, "processes are hidden")
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
        wait_event(events, other, EXITED)
        in_mounts_of(collector, "mount", "-o", "remount,hidepid=0", "/proc")
        bus.health(lambda health: health["health"] == HEALTHY)
        holds(mine in pids_in([bus.call("ListProcesses")]), "the process is listed again")
        seen = [(one["payload"]["kind"], one["payload"]["process"]["pid"]) for one in events_of(events)]
        holds(all(pid not in (1, mine, bus.broker.process.pid) for _, pid in seen), seen)


@with_mounts("/integration/procmond/hidden-from-the-start-is-degraded")
def _(paths):
    if not other_user_can_run(paths[3]):
        raise Skip("another user may not execute procmond here")
    with Bus(paths, f"uids=0;{NOBODY}\ngroup={grp.getgrgid(NOBODY).gr_name}") as bus:
        os.chmod(bus.broker.dir, 0o711)
        collector = bus.collector(before=lambda: become_other_user(b"hidepid=2"))
        equal(pids_in([bus.call("ListProcesses")]), [collector.pid], "the others are not listed")
        health = bus.call("HealthCheck")
        equal(health["health"], DEGRADED)
        holds("hides processes" in health["detail"], health)
        in_mounts_of(collector, "mount", "-o", "remount,hidepid=0", "/proc")
        bus.health(lambda health: health["health"] == HEALTHY)


# --- unknown fields ---

@with_mounts("/integration/procmond/unknown-uid-is-not-root")
def _(paths):
    with Bus(paths) as bus, processes(1) as (pid,):
        collector = bus.collector(before=unshare_mounts)
        (known,) = bus.call("ListProcesses", {"pid": pid})["processes"]
        equal((known.get("uid", 0), known["ppid"], known.get("unknown_fields", 0)), (os.getuid(), os.getpid(), 0))
        in_mounts_of(collector, "mount", "--bind", "/dev/null", f"/proc/{pid}/status")
        (unknown,) = bus.call("ListProcesses", {"pid": pid})["processes"]
        equal((unknown["uid"], unknown["unknown_fields"]), (UNKNOWN_UID, 1 << 2 | 1 << 6))
        equal((unknown["name"], unknown["start_time"]), (known["name"], known["start_time"]), "the rest is known")


# --- start, executables ---

@with_mounts("/integration/procmond/help-and-version-without-proc-stat")
def _(paths):
    def without():
        own_proc(b"subset=pid")

    for words, status, out, err in [(["--help"], 0, "--shard", ""), (["--version"], 0, "procmond ", ""), (["--nonsense"], 2, "", "nonsense"),
                                    (["--address", "/nonexistent/socket"], 1, "", "/proc/stat")]:
        ran = subprocess.run([paths[3], *words], preexec_fn=without, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                             env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
        equal(ran.returncode, status, f"{words}: {ran}")
        holds(out in ran.stdout and err in ran.stderr, f"{words}: {ran}")


@test("/integration/procmond/exec-is-an-event")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        events, _ = bus.watch()
        with subprocess.Popen(["sh", "-c", "read line; exec cat"], stdin=subprocess.PIPE, preexec_fn=die_with_parent) as child:
            before = wait_event(events, child.pid, STARTED)
            child.stdin.write(b"go\n")
            child.stdin.flush()
            after = wait_event(events, child.pid, CHANGED, "cat")
            child.communicate()
            wait_event(events, child.pid, EXITED)
        equal((after["name"], after["start_time"]), ("cat", before["start_time"]))
        kinds = [one["payload"]["kind"] for one in events_of(events) if one["payload"]["process"]["pid"] == child.pid]
        equal((kinds[0], kinds[-1], kinds.count(STARTED), kinds.count(EXITED)), (STARTED, EXITED, 1, 1))


@test("/integration/procmond/deleted-executable-is-a-field")
def _(paths):
    with Bus(paths) as bus, tempfile.TemporaryDirectory() as directory:
        bus.collector()
        shown = {}
        for name, delete in [("plain", False), ("plain", True), ("fake (deleted)", False), ("fake (deleted)", True)]:
            path = os.path.join(directory, name)
            shutil.copy(shutil.which("sleep"), path)
            with subprocess.Popen([path, "1000"], preexec_fn=die_with_parent) as child:
                if delete:
                    os.unlink(path)
                (one,) = bus.call("ListProcesses", {"pid": child.pid})["processes"]
                child.kill()
            shown[name, delete] = one["exe"] == path, one.get("exe_deleted", False), one.get("unknown_fields", 0)
        equal(shown, {(name, delete): (True, delete, 0) for name, delete in shown})


@test("/integration/procmond/waits-for-a-broker-and-stops")
def _(paths):
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen([paths[3], "--address", os.path.join(directory, "none")], stderr=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent, env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
        holds("connecting again" in next_line(process.stderr), "procmond reports that it waits for the broker")
        process.terminate()
        equal((process.communicate(timeout=PATIENCE_S)[1], process.returncode), ("", 0))


@test("/integration/procmond/invalid-id-is-an-error")
def _(paths):
    with Bus(paths) as bus:
        ran = subprocess.run([paths[3], "--address", bus.broker.address, "--id", "A b"], capture_output=True, text=True, check=False,
                             timeout=PATIENCE_S, env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "G_DEBUG": "fatal-criticals"})
        equal(ran.returncode, 1, ran.stderr)
        holds("an id must be one segment" in ran.stderr, ran.stderr)


# --- the agent is restarted ---

@test("/integration/procmond/M16-survives-a-restart-of-the-agent")
def _(paths):
    """procmond and a subscriber reconnect by themselves. The numbers of the events show how many were missed."""
    with Bus(paths) as bus:
        collector = bus.collector()
        out, reader = bus.watch()
        with processes(1) as (before,):
            wait_event(out, before, STARTED)
        bus.broker.kill()
        with processes(20):
            bus.broker = Broker(paths[1], paths[2], at=bus.broker)
            for _ in range(2000):
                if "procmond-1" in {one["peer"] for one in bus.json("subs")} and bus.subscribers(EVENTS) > 0:
                    break
            with processes(1) as (after,):
                wait_event(out, after, STARTED)
        equal((collector.poll(), reader.poll()), (None, None), "both still run")
        holds("were not published" not in bus.call("HealthCheck").get("detail", ""), "procmond lost no event")
        numbers = [one["sequence_number"] for one in events_of(out)]
        equal(sorted(set(numbers)), numbers, "in order, and none twice")


# --- suspended subscribers ---

@test("/integration/procmond/answers-while-a-subscriber-is-suspended")
def _(paths):
    with Bus(paths, publish_window_messages=16, longest_block_us=60000000) as bus:
        bus.collector()
        with tempfile.NamedTemporaryFile("w+", suffix=".json") as out:
            reader = bus.subscribed(EVENTS, "--policy", "block", "--json", stdout=out)
            bus.children.callback(end, reader)
            reader.send_signal(signal.SIGSTOP)
            with processes(60) as pids:
                bus.wait_unreturned(5)  # half of the window, less the credit that has not been returned to procmond yet
                equal(bus.call("HealthCheck")["id"], "procmond-1")
                for _ in range(20):  # more than the window has room for
                    holds(set(pids) <= set(pids_in([bus.call("ListProcesses")])), "an answer of more than 16 KiB")
                equal(bus.task(task_id="t")["task_id"], "t")
            with processes(600, "x" * 8000):  # more than 4 MiB of events
                health = bus.health(lambda health: health["health"] == DEGRADED)
                holds("handles no messages" in health["detail"], health)
            lost = int(bus.health(lambda health: True)["detail"].split(" were not published")[0].split()[-1])
            holds(lost > 0, "lost events are counted")
            reader.send_signal(signal.SIGCONT)
            bus.health(lambda health: health["health"] == HEALTHY)
            with processes(1) as (last,):
                wait_event(out, last, STARTED)
            numbers = [one["sequence_number"] for one in events_of(out)]
            equal(sorted(set(numbers)), numbers, "in order")
            first, gaps = numbers[0], numbers[-1] - numbers[0] + 1 - len(numbers)
            holds(gaps >= lost, f"after {first} the numbers show {gaps} lost events, at least the {lost} that were counted")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
