#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every verb of deyebusctl against a live agent with two procmonds: `ctl.py DEYEBUSCTL AGENT MODULE PROCMOND DATA COMPLETIONS`."""
import base64
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from broker import Broker
from ctltool import PATIENCE_S, Tool, finished, golden, next_line
from tap import equal, holds, run_with, test

TASK = "control.collector.task.process"
OWN_TASKS = "control.collector.task.procmond."  # and the id
LIFECYCLE = "control.collector.lifecycle"
RELOAD = "control.collector.config.reload"
CONFIGURATION = "control.collector.config."  # and the id
RELOAD_TYPE = "daemoneye.eventbus.v1.ConfigReload"


class Bus(Tool):
    """The agent with procmond-1, a second procmond, and the tool."""

    def __init__(self, ctl, agent, module, procmond, data, completions):
        self.completions = completions
        self.broker = Broker(agent, module, "--collector", f"{procmond} --id procmond-1 --heartbeat 300000 --shard 0/2")
        super().__init__(ctl, self.broker.address, data)
        ready, notify = os.pipe()
        self.second = subprocess.Popen([procmond, "--address", self.broker.address, "--id", "procmond-2", "--shard", "1/2",
                                        "--heartbeat", "300000", "--ready-fd", str(notify)], pass_fds=[notify])
        os.close(notify)
        with os.fdopen(ready) as pipe:
            equal(pipe.readline(), "ready procmond-2\n")
        self.wait_for_peer("procmond-1", subscriptions=6)

    def end(self):
        self.second.terminate()
        equal(self.second.wait(timeout=PATIENCE_S), 0, "procmond-2")
        equal(self.broker.end(), 0, "daemoneye-agent")

    def wait_for_peer(self, peer, subscriptions):
        """Asks until the peer has so many @subscriptions. Each call takes some time, so this needs no pause."""
        for _ in range(2000):
            if any(one["id"] == peer and one["subscriptions"] >= subscriptions for one in self.json("peers")):
                return
        raise AssertionError(f"{peer} did not connect")


# --- data of the broker ---

@test("/cli/status/lines-and-json")
def _(bus):
    golden(bus, "status", re.sub(r"/\S*eventbus.sock", "ADDRESS", bus.ctl("status")))
    (status,) = bus.json("status")
    equal(status["address"], bus.broker.address)
    equal((status["peers"], status["version"]), (4, "0.1.0"))
    holds(int(status["accepted"]) > 0, "a message was accepted")


@test("/cli/peers/M23-table-and-json")
def _(bus):
    golden(bus, "peers", bus.ctl("peers"))
    peers = {peer["id"]: peer for peer in bus.json("peers")}
    equal(peers["procmond-2"]["pid"], bus.second.pid)
    equal((peers["procmond-2"]["role"], peers["procmond-2"]["type"]), ("ROLE_COLLECTOR", "procmond"))
    equal(peers["procmond-2"]["uid"], os.getuid())
    equal(peers["daemoneye-agent"]["role"], "ROLE_AGENT")
    equal(peers["daemoneye-agent"]["pid"], bus.broker.process.pid)
    holds(int(peers["procmond-1"]["since_us"]) > 1e15, "a wall clock")


@test("/cli/peer/table-and-json")
def _(bus):
    golden(bus, "peer", bus.ctl("peer", "procmond-1"))
    (one,) = bus.json("peer", "procmond-2")
    equal(sorted(one), ["info", "peer", "subscriptions"])
    equal(one["info"]["program"], "procmond")
    equal(one["info"]["services"], ["daemoneye.eventbus.Peer", "daemoneye.Procmond"])
    equal(one["info"]["pid"], bus.second.pid)
    holds("is connected" in bus.ctl("peer", "nobody", code=6), "the error names the fault")


@test("/cli/topics/M23-table-and-json")
def _(bus):
    before = {one["topic"]: int(one["messages"]) for one in bus.json("topics")}.get(RELOAD, 0)
    for _ in range(3):
        bus.ctl("publish", RELOAD, '{"generation": 1}')
    (topic,) = bus.json("topics", RELOAD)
    equal(int(topic["messages"]), before + 3)
    equal((topic["subscribers"], topic["servers"], topic["type_name"]), (2, 0, RELOAD_TYPE))
    golden(bus, "topics", bus.ctl("topics", "control.collector.config.#"))
    bus.ctl("topics", "events.nothing", code=6)


@test("/cli/retained/table-and-json")
def _(bus):
    bus.ctl("retained", "health.kept.#", code=6)
    for number in "12":
        bus.ctl("publish", "health.kept." + number, number, "--raw", "--retain", code=6)  # without a subscriber
    golden(bus, "retained", bus.ctl("retained", "health.kept.#"))
    (one,) = bus.json("retained", "health.kept.1")
    equal((one["bytes"], one["until_gone"]), (1, False))
    (late,) = bus.json("subscribe", "health.kept.2", "--headers", "--count", "1")
    equal(late["retained"], True)
    bus.ctl("publish", "health.kept.2", "--raw", "--retain", code=6)
    bus.ctl("retained", "health.kept.2", code=6)
    equal(bus.ctl("clear", "health.kept.#"), "retained messages cleared: 1\n")
    bus.ctl("clear", "health.kept.#", code=6)


@test("/cli/subs/M23-table-and-json")
def _(bus):
    golden(bus, "subs", bus.ctl("subs", "procmond-1"))
    subs = bus.json("subs", "procmond-2")
    equal([(one["pattern"], one["serve"], one["methods"], one["group"]) for one in subs],
          [(OWN_TASKS + "procmond-2", True, False, ""), (LIFECYCLE, False, False, ""), (RELOAD, False, False, ""),
           (CONFIGURATION + "procmond-2", True, False, ""), ("control.collector.procmond-2", True, True, ""),
           (TASK, True, False, "local-procmond-workers")])
    holds({one["peer"] for one in bus.json("subs")} >= {"procmond-1", "procmond-2", "daemoneye-agent"}, "the rows of all peers are listed")
    bus.ctl("subs", "nobody", code=6)


@test("/cli/groups/M23-table-and-json")
def _(bus):
    golden(bus, "groups", bus.ctl("groups"))
    (group,) = bus.json("groups")
    equal((group["name"], group["members"]), ("local-procmond-workers", 2))
    equal([member["peer"] for member in group["member"]], ["procmond-1", "procmond-2"])


@test("/cli/stats/table-and-json")
def _(bus):
    golden(bus, "stats", bus.ctl("stats"))
    stats = {one["id"]: one for one in bus.json("stats")}
    holds(int(stats["procmond-1"]["received"]) > 0, "procmond-1 has sent something")
    before = int(bus.json("stats", "procmond-1")[0]["answered"])
    bus.ctl("call", "procmond-1", "Ping")
    (own,) = bus.json("stats", "procmond-1")
    equal(int(own["answered"]), before + 3, "the earlier request, Introspect and Ping were received")
    equal([one["pattern"] for one in own["subscriptions"]],
          [OWN_TASKS + "procmond-1", LIFECYCLE, RELOAD, CONFIGURATION + "procmond-1", "control.collector.procmond-1", TASK])
    golden(bus, "stats-peer", bus.ctl("stats", "procmond-1"))


@test("/cli/stats/M08-subscriptions-groups-domains")
def _(bus):
    golden(bus, "stats-subscriptions", bus.ctl("stats", "--subscriptions", "procmond-1"))
    subs = bus.json("stats", "--subscriptions", "procmond-2")
    equal([(one["peer"], one["pattern"], one["group"], one["policy_name"]) for one in subs],
          [("procmond-2", OWN_TASKS + "procmond-2", "", "error"), ("procmond-2", LIFECYCLE, "", "drop-newest"),
           ("procmond-2", RELOAD, "", "drop-newest"), ("procmond-2", CONFIGURATION + "procmond-2", "", "error"),
           ("procmond-2", "control.collector.procmond-2", "", "error"), ("procmond-2", TASK, "local-procmond-workers", "error")])
    holds({one["peer"] for one in bus.json("stats", "--subscriptions")} >= {"procmond-1", "procmond-2"}, "the rows of all peers are listed")
    golden(bus, "stats-groups", bus.ctl("stats", "--groups"))
    (group,) = bus.json("stats", "--groups")
    equal((group["name"], group["members"], group["policy"]), ("local-procmond-workers", 2, 0))
    holds("policy_name" not in group, "a group that only serves has none")
    golden(bus, "stats-domains", bus.ctl("stats", "--domains"))
    before = {one["domain"]: int(one["accepted"]) for one in bus.json("stats", "--domains")}
    bus.ctl("publish", RELOAD, '{"generation": 1}')
    after = {one["domain"]: int(one["accepted"]) for one in bus.json("stats", "--domains")}
    holds(after["control"] > before["control"], "the requests are counted")
    bus.ctl("stats", "--subscriptions", "nobody", code=6)
    bus.ctl("stats", "--groups", "--domains", code=2)
    bus.ctl("stats", "--domains", "procmond-1", code=2)


# --- data of peers ---

@test("/cli/introspect/M23-tree")
def _(bus):
    golden(bus, "introspect", bus.ctl("introspect"))
    golden(bus, "introspect-peer", bus.ctl("introspect", "procmond-1"))
    golden(bus, "introspect-bus", bus.ctl("introspect", "bus"))
    golden(bus, "introspect-ascii", bus.ctl("introspect", "procmond-1", env={"LC_ALL": "C"}))


@test("/cli/introspect/M23-json")
def _(bus):
    (procmond,) = bus.json("introspect", "procmond-1")
    own = {service["name"]: service for service in procmond["services"]}["daemoneye.Procmond"]
    methods = {method["name"]: method for method in own["methods"]}
    equal(methods["ListProcesses"]["reply_type"], "daemoneye.eventbus.v1.ProcessTable")
    equal(methods["Enumerate"]["topic"], TASK)
    equal(own["events"][0]["topic"], "events.process.lifecycle")
    equal({one["name"]: one["value"] for one in own["properties"]},
          {"interval-ms": {"natural": "500"}, "shard": {"natural": "0"}, "shards": {"natural": "2"}})
    equal([one["id"] for one in bus.json("introspect")], ["bus", "daemoneye-agent", "procmond-1", "procmond-2"])


@test("/cli/introspect/M23-xml")
def _(bus):
    root = xml.etree.ElementTree.fromstring(bus.ctl("introspect", "procmond-1", "--xml"))
    equal((root.tag, root.get("name")), ("node", "procmond-1"))
    methods = {method.get("name"): method for method in root.iter("method")}
    equal([(arg.get("name"), arg.get("type"), arg.get("direction"), arg.find("annotation").get("value"))
           for arg in methods["ListProcesses"].iter("arg")],
          [("request", "ay", "in", "daemoneye.eventbus.v1.ProcessQuery"),
           ("reply", "ay", "out", "daemoneye.eventbus.v1.ProcessTable")])
    equal([signal_.get("name") for signal_ in root.iter("signal")], ["PropertiesChanged", "Heartbeat", "Lifecycle"])
    equal({one.get("name"): (one.get("type"), one.get("access")) for one in root.iter("property")},
          {"interval-ms": ("t", "readwrite"), "shard": ("t", "read"), "shards": ("t", "read")})
    bus.ctl("introspect", "--xml", code=2)


@test("/cli/introspect/M23-topic")
def _(bus):
    golden(bus, "introspect-topic", bus.ctl("introspect", TASK))
    (topic,) = bus.json("introspect", "events.process.lifecycle")
    equal({(one["peer"], one["kind"], one["name"]) for one in topic["described"]},
          {("procmond-1", "event", "Lifecycle"), ("procmond-2", "event", "Lifecycle")})
    bus.ctl("introspect", "events.nothing.at.all", code=6)
    bus.ctl("introspect", "nobody", code=6)


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
        said = bus.ctl("call", *words, code=code)
        holds(printed in said, f"{words}: {said}")


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


@test("/cli/publish/M07-assured")
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


@test("/cli/subscribe/forms")
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
    late = bus.start("wait", "procmond-1", "--timeout", "5")  # the client of another call does not end the wait
    equal(finished(late), "procmond-1 is connected\n")
    holds(waiting.poll() is None, "deyebusctl still waits")
    waiting.terminate()
    waiting.communicate()


@test("/cli/wait/not-in-time-and-mistakes")
def _(bus):
    holds("nobody has not connected" in bus.ctl("wait", "nobody", "--timeout", "0.2", code=5), "the error names the peer")
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


@test("/cli/subscribe/ends")
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


# --- the tool itself ---

@test("/cli/usage/exit-codes")
def _(bus):
    for words, code in [([], 2), (["dance"], 2), (["peers", "x"], 2), (["peers", "--dance"], 2), (["status", "--xml"], 2),
                        (["--timeout", "-1", "status"], 2), (["help", "dance"], 2), (["subscribe"], 2),
                        (["task"], 2), (["task", "dance"], 2), (["task", "--help"], 2), (["help", "task", "dance"], 2),
                        (["operations", "dance"], 2), (["task", "show"], 2), (["help", "peers", "x"], 2),
                        (["--address", "/nonexistent/socket", "status"], 3), (["peers", "-a", "/nonexistent/socket"], 3)]:
        bus.ctl(*words, code=code)
    for words in [["peers", "-t3"], ["-a" + bus.broker.address, "peers"], ["topics", "-t", "3"]]:
        bus.ctl(*words)
    for words in [["help"], ["--help"], ["help", "call"], ["call", "--help"], ["version"], ["version", "--json"], ["help", "task"],
                  ["help", "task", "show"], ["help", "operations"], ["task", "show", "--help"]]:
        holds(bus.ctl(*words) != "", words)
    golden(bus, "help", bus.ctl("help"))
    equal(bus.json("version"), [{"deyebusctl": "0.1.0", "broker": "0.1.0"}])
    equal(bus.json("version", "--address", "/nonexistent/socket"), [{"deyebusctl": "0.1.0"}])


@test("/cli/usage/no-answer-in-time")
def _(bus):
    bus.second.send_signal(signal.SIGSTOP)
    try:
        for words in [["call", "procmond-2", "GetInfo", "--raw"], ["stats", "procmond-2"]]:
            said = bus.ctl("--timeout", "0.2", *words, code=5)
            holds("--timeout" in said, said)
        holds("does not answer" in bus.ctl("--timeout", "0.2", "peer", "procmond-2"), "the data of the broker is shown")
        printed = bus.ctl("--timeout", "0.2", "introspect")
        holds("does not answer" in printed and "daemoneye.Procmond" in printed, "other peers are still shown")
    finally:
        bus.second.send_signal(signal.SIGCONT)
    bus.ctl("call", "procmond-2", "Ping")


@test("/cli/output/terminal")
def _(bus):
    def on_terminal(columns, **env):
        main, other = pty.openpty()
        with subprocess.Popen([bus.ctl_path, "subs"], stdin=other, stdout=other, stderr=other,
                              env={**bus.env, "COLUMNS": str(columns), **env}) as process:
            os.close(other)
            text = b""
            try:
                while chunk := os.read(main, 65536):
                    text += chunk
            except OSError:
                pass
            equal(process.wait(timeout=PATIENCE_S), 0)
        os.close(main)
        return text.decode()
    wide, narrow = on_terminal(200), on_terminal(72)
    holds("\033[1m" in wide, "titles are bold")
    lines = [re.sub(r"\033\[\dm", "", line) for line in narrow.splitlines()]
    holds(max(map(len, lines)) <= 72, lines)
    holds("…" in narrow and "…" not in wide, "the text is cut in the narrow terminal only")
    holds("\033" not in on_terminal(200, NO_COLOR="1"), "NO_COLOR")
    holds("\033" not in bus.ctl("subs"), "no colour into a pipe")


@test("/cli/complete/words")
def _(bus):
    words = bus.ctl("complete-words", "peers").split()
    holds({"bus", "daemoneye-agent", "procmond-1", "procmond-2"} <= set(words), words)
    holds("ListProcesses" in bus.ctl("complete-words", "methods", "procmond-1").split(), "methods")
    holds({RELOAD, TASK} <= set(bus.ctl("complete-words", "topics").split()), "topics")
    equal(bus.ctl("complete-words", "peers", env={"DAEMONEYE_BROKER_SOCKET": "/nonexistent"}), "")


def completed_by_bash(bus, *words):
    """The completions of bash for the last word."""
    script = f"""
      deyebusctl () {{ "{bus.ctl_path}" "$@"; }}
      . "{os.path.join(bus.completions, 'deyebusctl.bash')}"
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _deyebusctl
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(["bash", "-c", script, "bash", "deyebusctl", *words], capture_output=True, text=True, env=bus.env,
                         timeout=PATIENCE_S, check=True)
    equal(ran.stderr, "")
    return ran.stdout.split()


def verbs_of_help(bus):
    """Each verb as a list of its one or two words."""
    return [found.split() for found in re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?=  | [A-Z\[])", bus.ctl("help"), re.MULTILINE)]


@test("/cli/complete/bash")
def _(bus):
    verbs = verbs_of_help(bus)
    equal(sorted(completed_by_bash(bus, "")), sorted({words[0] for words in verbs}), "all verbs of help")
    for group in {words[0] for words in verbs if len(words) > 1}:
        equal(sorted(completed_by_bash(bus, group, "")), sorted(words[1] for words in verbs if words[0] == group and len(words) > 1))
    equal(completed_by_bash(bus, "intro"), ["introspect"])
    equal(completed_by_bash(bus, "--timeout", "3", "peer", "procmond-"), ["procmond-1", "procmond-2"])
    equal(completed_by_bash(bus, "call", "procmond-1", "List"), ["ListProcesses"])
    holds(RELOAD in completed_by_bash(bus, "publish", "--raw", "control.collector.config"), "topics")
    equal(completed_by_bash(bus, "slow", "procmond-"), ["procmond-1", "procmond-2"])
    equal(completed_by_bash(bus, "subscribe", "--policy", "drop"), ["drop-oldest", "drop-newest"])
    holds(RELOAD in completed_by_bash(bus, "subscribe", "--queue-messages", "5", "control.collector.config"), "topics")
    for verb in verbs:
        offered = set(completed_by_bash(bus, *verb, "-"))
        printed = set(re.findall(r"--[a-z-]+", bus.ctl("help", *verb))) - ({"--help"} if "--help" not in offered else set())
        equal(offered - printed, set(), f"options of {verb} that help does not know")
        if verb != ["help"]:
            equal(printed - offered, set(), f"options of {verb} that the completion does not know")


@test("/cli/complete/zsh-syntax")
def _(bus):
    path = os.path.join(bus.completions, "_deyebusctl")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for verb in verbs_of_help(bus):
        for word in verb:
            holds(f"'{word}:" in text, f"zsh knows {word}")
        for option in re.findall(r"--[a-z-]+", bus.ctl("help", *verb)):
            holds(option in text, f"zsh knows {option}")
    ran = subprocess.run(
        ["bash", "-c", "command -v zsh >/dev/null || exit 0; exec zsh -n \"$1\"", "bash", path], capture_output=True,
        timeout=PATIENCE_S, check=False)
    equal((ran.returncode, ran.stderr), (0, b""))


sys.exit(run_with(Bus))
