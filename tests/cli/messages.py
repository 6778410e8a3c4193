#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the verbs of deyebusctl that send and receive requests and messages against a live agent with two procmonds:
`messages.py DEYEBUSCTL AGENT MODULE PROCMOND DATA COMPLETIONS`."""
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from ctlbus import RELOAD, RELOAD_TYPE, TASK, Bus
from ctltool import PATIENCE_S, finished, golden, next_line
from tap import equal, holds, run_with, test


# --- requests ---

@test("/cli/call/M04-json-in-and-out")
def _(bus):
    (table,) = bus.json("call", "procmond-1", "ListProcesses", json.dumps({"pid": bus.second.pid}))
    (process,) = table["processes"]
    equal((process["pid"], process["name"]), (bus.second.pid, "procmond"))
    equal(process["ppid"], os.getpid())
    (same,) = bus.json("call", "procmond-1", "daemoneye.Procmond.ListProcesses", "-", stdin='{"limit": 1}')
    equal(len(same["processes"]), 1)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write('{"limit": 2}')
        file.flush()
        (same,) = bus.json("call", "procmond-1", "ListProcesses", "@" + file.name)
    equal(len(same["processes"]), 2)


@test("/cli/call/topic-raw-and-bus")
def _(bus):
    task = {"task_id": "t", "operation": "enumerate_processes", "shards": 1000}
    (result,) = bus.json("call", "procmond-2", "Enumerate", json.dumps(task))
    equal((result["task_id"], result["collector_id"]), ("t", "procmond-2"))
    equal(bus.ctl("call", "procmond-1", "Ping", "as it is", "--raw"), "as it is")
    (pong,) = bus.json("call", "bus", "ping")
    equal(pong["epoch"], bus.json("status")[0]["epoch"])


@test("/cli/call/errors-have-advice")
def _(bus):
    for words, code, printed in [
            (["procmond-1", "ListProcesses", '{"limt": 1}'], 2, "limt: no such field; daemoneye.eventbus.v1.ProcessQuery has"),
            (["procmond-1", "ListProcesses", '{"limit": -1}'], 2, "expected a number from 0 to 4294967295"),
            (["procmond-1", "ListProcesses", "{"], 2, "not JSON"),
            (["procmond-1", "ListProcesses", "@/nonexistent"], 1, "/nonexistent"),
            (["procmond-1", "Dance"], 6, "it has: Ping, GetInfo"),
            (["procmond-1", "Dance", "--raw"], 1, "UnknownMethod"),
            (["procmond-9", "Ping"], 6, "`deyebusctl peers` lists the connected peers"),
            (["procmond-1"], 2, "deyebusctl call PEER METHOD [JSON]"),
            (["procmond-1", "SetProperty", '{"name": "shard", "value": {"natural": 3}}'], 1, "ReadOnly"),
            (["procmond-1", "SetProperty", '{"name": "nothing", "value": {"natural": 3}}'], 1, "UnknownProperty"),
            (["procmond-1", "SetProperty", '{"name": "interval-ms", "value": {"text": "x"}}'], 1, "BadValue"),
            (["procmond-1", "SetProperty", '{"name": "interval-ms", "value": {"natural": 1}}'], 1, "Refused"),
            (["procmond-1", "Introspect", "\xff", "--raw"], 1, "BadRequest"),
            (["procmond-1", "Ping", "x", "--type", "no.such.Type"], 6, "no.such.Type")]:
        output = bus.ctl("call", *words, code=code)
        holds(printed in output, f"{words}: {output}")


@test("/cli/call/M23-property-is-set-and-notified")
def _(bus):
    watcher = bus.subscribed("health.properties.#", "--count", "1", "--json")
    (now,) = bus.json("call", "procmond-1", "SetProperty", '{"name": "interval-ms", "value": {"integer": 400}}')
    wanted = [{"service": "daemoneye.Procmond", "name": "interval-ms", "value": {"natural": "400"}}]
    equal(now, {"id": "procmond-1", "values": wanted})
    printed = json.loads(finished(watcher))
    equal((printed["sender"], printed["payload"]["values"]), ("procmond-1", wanted))
    bus.json("call", "procmond-1", "SetProperty", '{"name": "interval-ms", "value": {"natural": 500}}')
    (all_,) = bus.json("call", "procmond-1", "GetProperties", '{"name": "interval-ms"}')
    equal(all_["values"][0]["value"], {"natural": "500"})


@test("/cli/request/M04-by-topic")
def _(bus):
    task = json.dumps({"task_id": "r", "operation": "enumerate_processes", "shards": 1000})
    seen = {bus.json("request", TASK, task)[0]["collector_id"] for _ in range(4)}
    equal(seen, {"procmond-1", "procmond-2"}, "in turn")
    bus.ctl("request", "control.bus.ping")
    holds("`deyebusctl subs`" in bus.ctl("request", "control.collector.task.nothing", code=6), "the error has advice")
    holds("UnsupportedOperation" in bus.ctl("request", TASK, '{"operation": "dance"}', code=1), "the text of the responder is shown")
    bus.ctl("request", TASK, "x", "--type", "daemoneye.eventbus.v1.TaskRequest", code=2)


@test("/cli/request/M05-every-server")
def _(bus):
    task = json.dumps({"task_id": "r", "operation": "enumerate_processes", "shards": 1000})
    answers = bus.json("request", TASK, task, "--expect", "all", "--stall", "20")
    equal({answer["sender"] for answer in answers}, {"procmond-1", "procmond-2"})
    equal([(answer["final"], answer["payload"]["collector_id"] == answer["sender"]) for answer in answers], [(True, True)] * 2)
    equal(len(bus.json("request", TASK, task, "--expect", "1")), 1)
    rows = bus.json("request", TASK, task, "--expect", "all", "--trace")
    equal(len([row for row in rows if {"hop.accepted", "hop.written", "hop.delivered"} <= set(row)]), 2, "stations of each answer")
    process = bus.start("request", TASK, '{"operation": "dance"}', "--expect", "all", "--json")
    out, err = process.communicate(timeout=PATIENCE_S)
    equal([json.loads(line)["error_name"] for line in out.splitlines()], ["UnsupportedOperation"] * 2)
    holds("2 asked, 0 answered, 2 failed" in err, err)
    equal(process.returncode, 1)
    bus.ctl("request", TASK, task, "--stall", "1", code=2)
    bus.ctl("request", TASK, task, "--expect", "0", code=2)


# --- messages ---

@test("/cli/publish/M02-decoded-at-the-other-end")
def _(bus):
    watcher = bus.subscribed(RELOAD, "--count", "2", "--json")
    golden(bus, "publish", bus.ctl("publish", RELOAD, '{"generation": 7}'))
    (printed,) = bus.json("publish", RELOAD, '{"generation": "8"}', "--type", RELOAD_TYPE)
    equal((printed["matched"], printed["queued"], printed["refused"]), (3, 3, 0))
    lines = [json.loads(line) for line in finished(watcher).splitlines()]
    equal([(line["topic"], line["type"], line["payload"]) for line in lines],
          [(RELOAD, RELOAD_TYPE, {"generation": "7"}), (RELOAD, RELOAD_TYPE, {"generation": "8"})])
    equal(lines[1]["sequence"], printed["sequence"])


@test("/cli/publish/errors")
def _(bus):
    holds("--type NAME, or --raw" in bus.ctl("publish", "tasks.procmond", "{}", code=2), "the error has advice")
    holds("No peer subscribes to tasks.nothing" in bus.ctl("publish", "tasks.nothing", code=6), "the missing subscriber is reported")
    bus.ctl("publish", "events.process.lifecycle", "{}", code=4)
    bus.ctl("publish", "not a topic", "{}", "--raw", code=2)
    bus.ctl("publish", "system.peer.gone", "x", "--raw", code=4)
    bus.ctl("publish", RELOAD, '{"generation": "x"}', code=2)
    bus.ctl("publish", code=2)


@test("/cli/publish/K08-hold")
def _(bus):
    (printed,) = bus.json("publish", "tasks.later", '{"n": 1}', "--raw", "--hold", "600")
    equal((printed["matched"], printed["queued"]), (1, 1))
    (got,) = bus.json("subscribe", "tasks.later", "--group", "watchers", "--count", "1")
    equal(base64.b64decode(got["payload_base64"]), b'{"n": 1}')
    bus.ctl("publish", "tasks.later", "x", "--raw", "--hold", "0", code=2)
    bus.ctl("publish", "tasks.later", "x", "--raw", "--hold", "for ever", code=2)
    bus.ctl("broadcast", "tasks.later", "x", "--raw", "--hold", "1", code=2)


@test("/cli/publish/M07-confirm-and-at-least-once")
def _(bus):
    bus.ctl("publish", "tasks.assured", "x", "--raw", "--at-least-once", code=6)
    bus.ctl("broadcast", "tasks.assured", "x", "--raw", "--confirm", code=2)
    reader = bus.subscribed("tasks.assured", "--raw", "--group", "workers", "--count", "2")
    (printed,) = bus.json("publish", "tasks.assured", "x", "--raw", "--confirm", "--at-least-once")
    equal(printed, {"delivered": True})
    (printed,) = bus.json("publish", "tasks.assured", "x", "--raw", "--at-least-once")
    equal((printed["matched"], printed["queued"]), (1, 1))
    reader.communicate(timeout=PATIENCE_S)
    equal(reader.returncode, 0)


@test("/cli/publish/M07-at-least-once-is-repeated")
def _(bus):
    """The first member is suspended when it gets the message, and is killed."""
    first = bus.subscribed("tasks.again", "--raw", "--group", "workers")
    first.send_signal(signal.SIGSTOP)
    try:
        bus.ctl("publish", "tasks.again", "x", "--raw", "--at-least-once")
        second = bus.subscribed("tasks.again", "--json", "--group", "workers", "--count", "1")
    finally:
        first.kill()
        first.wait()
    (got,) = [json.loads(line) for line in second.communicate(timeout=PATIENCE_S)[0].splitlines()]
    equal(base64.b64decode(got["payload_base64"]), b"x")


@test("/cli/broadcast/M05-every-member")
def _(bus):
    watchers = [bus.subscribed(RELOAD, "--group", "watchers", "--count", "1", "--json") for _ in range(2)]
    (printed,) = bus.json("broadcast", RELOAD, '{"generation": 9}')
    equal(printed["matched"], 4)
    for watcher in watchers:
        equal(json.loads(finished(watcher))["payload"], {"generation": "9"})


@test("/cli/call/trace")
def _(bus):
    """The stations of the broker and of the receiver's library. Those of a sender need a feature of the connection."""
    text = bus.ctl("call", "procmond-1", "Ping", "{}", "--trace")
    lines = text[text.index("STATION"):].splitlines()
    known = ["message accepted by the broker", "message queued for the receiver", "message written to the receiver",
             "message received"]
    equal([line for line in known if any(line in row for row in lines)], known)
    hops = [row for row in bus.json("call", "procmond-1", "Ping", "{}", "--trace") if "hop.accepted" in row][0]
    order = [hops[name] for name in ("hop.accepted", "hop.queued", "hop.written", "hop.delivered")]
    equal(order, sorted(order))
    equal(min(hops.values()), 0)
    holds("STATION" not in bus.ctl("call", "procmond-1", "Ping", "{}"), "stations without --trace")


@test("/cli/subscribe/trace-headers")
def _(bus):
    watcher = bus.subscribed("control.agent.policy", "--headers", "--count", "2")
    bus.ctl("publish", "control.agent.policy", "plain", "--raw")
    bus.ctl("publish", "control.agent.policy", "traced", "--raw", "--trace")
    text = finished(watcher)
    plain, traced = text.split("traced")
    holds("hop." not in plain, text)
    holds(all(f"hop.{name}: " in traced for name in ("accepted", "queued", "written", "delivered")), text)


@test("/cli/direct/M04-delivered")
def _(bus):
    equal(bus.ctl("direct", "procmond-1", RELOAD, '{"generation": 3}', "--delivered"), "procmond-1 has handled it\n")
    equal(bus.json("direct", "procmond-1", RELOAD, '{"generation": 3}'), [{"peer": "procmond-1", "delivered": False}])
    # A message to the topic of a peer's methods has no receiver, unless the peer subscribes to the topic.
    bus.ctl("direct", "procmond-1", "control.collector.procmond-1", "x", "--raw", code=6)
    bus.ctl("direct", "nobody", RELOAD, code=6)


@test("/cli/subscribe/events-of-real-processes")
def _(bus):
    watcher = bus.subscribed("events.process.#", "--json")
    with subprocess.Popen(["sleep", "1000"]) as child:
        for line in watcher.stdout:
            event = json.loads(line)
            if event["payload"]["kind"] == "PROCESS_EVENT_STARTED" and event["payload"]["process"]["pid"] == child.pid:
                break
        child.kill()
    equal(event["payload"]["process"]["ppid"], os.getpid())
    equal(event["type"], "daemoneye.eventbus.v1.ProcessEvent")
    watcher.send_signal(signal.SIGINT)
    finished(watcher)


@test("/cli/subscribe/output-formats")
def _(bus):
    def one(*options):
        watcher = bus.subscribed(RELOAD, "--count", "1", *options)
        bus.ctl("publish", RELOAD, '{"generation": 300}')
        return finished(watcher)
    golden(bus, "subscribe", one())
    golden(bus, "subscribe-headers", re.sub(r"(?m)^.*\.\d{6}  ", "STAMP  ", one("--timestamp", "--headers")))
    # The packed bytes without conversion: field 1, varint 300.
    watcher = bus.subscribed(RELOAD, "--count", "1", "--raw")
    bus.ctl("publish", RELOAD, '{"generation": 300}')
    out, _ = watcher.communicate(timeout=PATIENCE_S)
    equal(out.encode("utf-8", "surrogateescape"), b"\x08\xac\x02")


DELIVERY = 16
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def grants_delivery(bus):
    return int(bus.json("peers")[0].get("features", 0)) & DELIVERY != 0


@test("/cli/timeline/M24-tree-and-json")
def _(bus):
    publish = ("publish", "health.timeline", "x", "--raw")  # without a subscriber
    bus.ctl(*publish, "--correlation-id", "t1", "--stage", "scan", "--traceparent", PARENT, code=6)
    bus.ctl(*publish, "--correlation-id", "t2", "--parent-id", "t1", "--root-id", "t1", "--tag", "host=a", code=6)
    bus.ctl(*publish, "--correlation-id", "t3", "--parent-id", "t2", code=6)
    bus.ctl("direct", "nobody", "health.timeline", "--correlation-id", "t4", "--parent-id", "t1", code=6)
    if not grants_delivery(bus):
        holds("feature" in bus.ctl("timeline", "t1", code=1), "the error says what is missing")
        return
    items = bus.json("timeline", "t3")
    equal([item["correlation_id"] for item in items], ["t1", "t2", "t3", "t4"])
    equal({item["root_id"] for item in items}, {"t1"})
    equal((items[0]["stage"], items[2]["depth"], items[3]["status"]), ("scan", 2, 30))
    rows = bus.ctl("timeline", "t1").splitlines()
    # Children are listed below their parents, with two more spaces for each level.
    equal([row.index("publish ") - rows[1].index("publish ") for row in rows[1:]], [0, 2, 4, 2])
    holds("ABSENT" in rows[4] and "t4" in rows[4], rows[4])
    bus.ctl("timeline", "nothing-has-this-id", code=6)


@test("/cli/wait/M16-connected-already-and-later")
def _(bus):
    golden(bus, "wait", bus.ctl("wait", "procmond-1"))
    (one,) = bus.json("wait", "procmond-2")
    equal((one["id"], one["present"], one["type"], one["role"]), ("procmond-2", True, "procmond", "ROLE_COLLECTOR"))
    equal(one["pid"], bus.second.pid)
    holds(int(one["incarnation"]) > 0, one)
    waiting = bus.start("wait", "latecomer", "--timeout", str(PATIENCE_S))
    while not any(peer["id"].startswith(f"deyebusctl-{waiting.pid}-") for peer in bus.json("peers")):
        holds(waiting.poll() is None, "deyebusctl waits")
    late = bus.start("wait", "procmond-1", "--timeout", str(PATIENCE_S))  # the client of another call does not end the wait
    equal(finished(late), "procmond-1 is connected\n")
    holds(waiting.poll() is None, "deyebusctl still waits")
    waiting.terminate()
    waiting.communicate()


@test("/cli/wait/not-in-time-and-mistakes")
def _(bus):
    holds("nobody has not connected" in bus.ctl("wait", "nobody", "--timeout", "3", code=5), "the error names the peer")
    holds("procmond-1" in bus.ctl("wait", "No Id", code=2), "the error shows an id")
    bus.ctl("wait", code=2)
    nowhere = {"DAEMONEYE_BROKER_SOCKET": "/nonexistent/eventbus.sock"}
    holds("does not answer" in bus.ctl("wait", "procmond-1", "--timeout", "0.2", code=5, env=nowhere), "no broker in time")


@test("/cli/watch/M16-peers-and-changes")
def _(bus):
    watcher = bus.start("watch", "procmond-?", "--json", "--count", "2")
    ids = sorted(json.loads(line)["id"] for line in finished(watcher).splitlines())
    equal(ids, ["procmond-1", "procmond-2"])
    watcher = bus.start("watch", "deyebusctl-*", "--json", "--count", "3")  # it also reports itself
    holds(json.loads(next_line(watcher.stdout))["present"], "the watcher reports itself")
    bus.ctl("peers")
    came, gone = [json.loads(line) for line in finished(watcher).splitlines()]
    equal((came["present"], gone["present"]), (True, False))
    equal((came["id"], came["incarnation"]), (gone["id"], gone["incarnation"]))
    watcher = bus.start("watch", "procmond-1", "--count", "1")
    equal(finished(watcher), "procmond-1 is connected\n")
    holds("No such peer" in bus.ctl("watch", "nobody", "--wait", "0.2", code=6), "the missing peer is reported")
    bus.ctl("watch", "No Id", code=2)


@test("/cli/subscribe/M24-filter")
def _(bus):
    if not grants_delivery(bus):
        holds("DELIVERY" in bus.ctl("subscribe", RELOAD, "--filter-root", "f1", code=1), "the error names the feature")
        return
    watcher = bus.subscribed(RELOAD, "--filter-root", "f1", "--filter-tag", "host", "--count", "2", "--json")
    publish = ("publish", RELOAD, '{"generation": 6}')
    bus.ctl(*publish, "--correlation-id", "f1", "--tag", "host=a", "--traceparent", PARENT)
    bus.ctl(*publish, "--correlation-id", "f2", "--root-id", "f1")
    bus.ctl(*publish, "--correlation-id", "f3", "--root-id", "f9", "--tag", "host=a")
    bus.ctl(*publish, "--correlation-id", "f4", "--root-id", "f1", "--tag", "host=b")
    shown = [json.loads(line) for line in finished(watcher).splitlines()]
    equal([one["correlation_id"] for one in shown], ["f1", "f4"])
    equal(shown[0]["traceparent"], PARENT)
    bus.ctl("subscribe", RELOAD, "--filter-root", "f1", "--group", "some", code=2)


@test("/cli/publish/M30-cycle")
def _(bus):
    publish = ("publish", "health.circle", "x", "--raw")  # without a subscriber
    bus.ctl(*publish, "--correlation-id", "c1", code=6)
    bus.ctl(*publish, "--correlation-id", "c2", "--parent-id", "c1", code=6)
    holds("among its own causes" in bus.ctl(*publish, "--correlation-id", "c1", "--parent-id", "c2", code=1), "named")


@test("/cli/publish/context-usage")
def _(bus):
    for words in (("--traceparent", "00-1-2-01"), ("--tag", "x"), ("--tag", "=x"), ("--correlation-id", ""), ("--stage", "")):
        bus.ctl("publish", RELOAD, *words, code=2)
    bus.ctl("subscribe", RELOAD, "--filter-tag", "=x", code=2)
    bus.ctl("publish", RELOAD, "--correlation-id", "x" * 257, code=1)


@test("/cli/subscribe/count-wait-and-interrupt")
def _(bus):
    holds("Nothing was published" in bus.ctl("subscribe", "events.network.#", "--wait", "0.1", code=6), "no message was received")
    watcher = bus.subscribed(RELOAD, "--count", "2", "--wait", "10")
    bus.ctl("publish", RELOAD, '{"generation": 1}')
    equal(len(finished(watcher, code=5).splitlines()), 1)
    bus.ctl("subscribe", "events.*", code=2)
    bus.ctl("subscribe", RELOAD, "--count", "-1", code=2)
    watcher = bus.subscribed(RELOAD)
    watcher.send_signal(signal.SIGINT)
    equal(finished(watcher), "")
    equal([s for s in bus.json("subs") if s["peer"].startswith("deyebusctl") and s["pattern"] == RELOAD], [])


@test("/cli/pipe/reader-ends-early")
def _(bus):
    watcher = bus.subscribed(RELOAD)
    watcher.stdout.close()
    equal(watcher.wait(timeout=PATIENCE_S), 0)
    equal(watcher.stderr.read(), "")
    for words in ["introspect", "help"]:
        ran = subprocess.run(f'"{bus.ctl_path}" {words} | :; exit ${{PIPESTATUS[0]}}', shell=True, executable="/bin/bash",
                             capture_output=True, text=True, env=bus.env, timeout=PATIENCE_S, check=False)
        equal((ran.returncode, ran.stderr), (0, ""), words)


sys.exit(run_with(Bus))
