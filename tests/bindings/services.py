#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deyebusctl introspects and calls a collector in Python whose types it does not know in advance: `services.py DEYEBUSCTL AGENT
MODULE`. The collector is stranger.py."""
import json
import os
import subprocess
import sys
import xml.etree.ElementTree

from gi.repository import Gio

from broker import Broker
from tap import equal, holds, run_with, test

PATIENCE_S = 60
HERE = os.path.dirname(os.path.abspath(__file__))


class Bus:
    def __init__(self, ctl, agent, module):
        self.ctl_path = ctl
        self.broker = Broker(agent, module)
        self.env = {**os.environ, "DAEMONEYE_BROKER_SOCKET": self.broker.address, "LC_ALL": "C.UTF-8", "LANGUAGE": ""}
        self.stranger = subprocess.Popen([sys.executable, os.path.join(HERE, "stranger.py"), self.broker.address],
                                         stdout=subprocess.PIPE, text=True)
        equal(self.stranger.stdout.readline(), "ready\n")

    def end(self):
        self.stranger.kill()
        self.stranger.wait(timeout=PATIENCE_S)
        equal(self.broker.end(), 0)

    def ctl(self, *words, code=0):
        ran = subprocess.run([self.ctl_path, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=PATIENCE_S, env=self.env, check=False)
        equal(ran.returncode, code, f"{words}: {ran.stdout} {ran.stderr}")
        return ran.stderr if code else ran.stdout

    def json(self, *words):
        return json.loads(self.ctl(*words, "--json"))


@test("/bindings/services/M23-peer-without-the-library-is-introspected")
def _(bus):
    output = bus.ctl("introspect", "diskmond-1")
    for text in ["org.example.Disk", "Disks of this machine.", "method ListDisks (Query) → (Disks)", "All disks, or one.",
                 "event Worn  topic events.diskmond.worn  type Disk", "property limit = 80 (can be set)",
                 'property label = "none" (can be set)', "property ratio = 0.5", "property active = true (can be set)"]:
        holds(text in output, f"{text}: {output}")
    topic = bus.json("introspect", "events.diskmond.worn")
    equal([(one["peer"], one["type_name"]) for one in topic["described"]], [("diskmond-1", "org.example.Disk")])


@test("/bindings/services/M23-xml-is-valid-for-gdbus")
def _(bus):
    text = bus.ctl("introspect", "diskmond-1", "--xml")
    xml.etree.ElementTree.fromstring(text)
    node = Gio.DBusNodeInfo.new_for_xml(text)
    interface = node.lookup_interface("org.example.Disk")
    equal([method.name for method in interface.methods], ["ListDisks", "Fill", "Tell"])
    method = interface.lookup_method("ListDisks")
    equal([(arg.signature, arg.annotations[0].value) for arg in method.in_args + method.out_args],
          [("ay", "org.example.Query"), ("ay", "org.example.Disks")])
    equal({one.name: one.signature for one in interface.properties},
          {"limit": "x", "label": "s", "ratio": "d", "active": "b", "calls": "x"})


@test("/bindings/services/M23-called-by-name-with-json")
def _(bus):
    sda = {"name": "sda", "bytes": str(2 ** 40), "state": "GOOD", "serial": "AAE=", "temperature": -5}
    sdb = {"name": "sdb", "bytes": str(2 ** 63), "state": "WORN", "serial": "", "temperature": 0}
    equal(bus.json("call", "diskmond-1", "ListDisks"), {"disks": [sda, sdb]})
    equal(bus.json("call", "diskmond-1", "org.example.Disk.ListDisks", '{"name": "sdb"}'), {"disks": [sdb]})
    output = bus.ctl("call", "diskmond-1", "Fill", code=1)
    holds("org.example.Full: the disk is full" in output, output)
    holds("org.example.Query has name" in bus.ctl("call", "diskmond-1", "ListDisks", '{"nam": "x"}', code=2),
          "the error lists the valid fields")


@test("/bindings/services/M23-events-are-decoded")
def _(bus):
    with subprocess.Popen([bus.ctl_path, "subscribe", "events.diskmond.#", "--count", "1", "--json"], env=bus.env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as watcher:
        for _ in range(2000):
            if "events.diskmond.#" in bus.ctl("subs"):
                break
        bus.ctl("call", "diskmond-1", "Tell")
        event = json.loads(watcher.communicate(timeout=PATIENCE_S)[0])
    equal((event["type"], event["payload"]["name"], event["payload"]["state"]), ("org.example.Disk", "sdb", "WORN"))


@test("/bindings/services/M23-properties-from-python")
def _(bus):
    def ask(name, value, code=0):
        return bus.ctl("call", "diskmond-1", "SetProperty", json.dumps({"name": name, "value": value}), code=code)
    ask("limit", {"integer": 100})
    holds("Refused" in ask("limit", {"integer": 101}, code=1), "the handler refuses")
    holds("ReadOnly" in ask("ratio", {"number": 1.5}, code=1), "not writable")
    holds("BadValue" in ask("label", {"integer": 3}, code=1), "not of its type")
    ask("label", {"text": "ü"})
    ask("active", {"truth": False})
    now = {one["name"]: one["value"] for one in bus.json("call", "diskmond-1", "GetProperties")["values"]}
    equal(now, {"limit": {"integer": "100"}, "label": {"text": "ü"}, "ratio": {"number": 0.5}, "active": {"truth": False},
                "calls": {"integer": "1"}})


@test("/bindings/services/M23-types-of-a-disconnected-peer")
def _(bus):
    bus.ctl("call", "diskmond-9", "ListDisks", code=6)
    holds("no.such.Type" in bus.ctl("direct", "diskmond-1", "control.collector.config.reload", "{}", "--type", "no.such.Type",
                                    code=6), "says which type")


sys.exit(run_with(Bus))
