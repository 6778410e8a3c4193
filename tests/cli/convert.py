#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deyebusctl reads and writes JSON exactly, and reads any kind of file: `convert.py DEYEBUSCTL AGENT MODULE DATA`."""
import json
import os
import re
import subprocess
import sys
import tempfile

from broker import Broker
from ctltool import PATIENCE_S, Tool, finished, next_line
from rawpeer import RawPeer
from tap import equal, holds, run_with, test

TOPIC = "control.collector.config.reload"
VALUE = "daemoneye.eventbus.v1.PropertyValue"
RELOAD = "daemoneye.eventbus.v1.ConfigReload"
LIMIT = 16 * 1024 * 1024


class Bus(Tool):
    """An agent without collectors, and the tool."""

    def __init__(self, ctl, agent, module, data):
        self.broker = Broker(agent, module)
        super().__init__(ctl, self.broker.address, data)

    def end(self):
        equal(self.broker.end(), 0)

    def published(self):
        """The number of messages on TOPIC so far."""
        return {one["topic"]: one["messages"] for one in self.json("topics")}.get(TOPIC, 0)

    def run(self, script, code=0, timeout=PATIENCE_S):
        """Runs a script in bash, in which $ctl is the tool. Returns both outputs."""
        ran = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                             env={**self.env, "ctl": self.ctl_path}, check=False)
        equal(ran.returncode, code, f"{script}: {ran.stdout} {ran.stderr}")
        return ran.stdout, ran.stderr

    def sent(self, *words, stdin=None, count=1, options=("--json",)):
        """Runs a verb that publishes. Returns the output of a subscriber."""
        watcher = self.subscribed(TOPIC, "--count", str(count), *options)
        self.ctl(*words, stdin=stdin)
        return finished(watcher)

    def echoed(self, value, stdin=None):
        """The payload of a PropertyValue with that value, as a subscriber prints it."""
        printed = self.sent("publish", TOPIC, "-", "--type", VALUE, stdin=f'{{"value":{value}}}' if stdin is None else stdin)
        return re.search(r'"payload":\{.*"value":(\{.*?\})\}', printed)[1]


def words_of(verb, *options):
    return {"publish": ["publish", TOPIC], "broadcast": ["broadcast", TOPIC], "request": ["request", "control.bus.stats"],
            "direct": ["direct", "daemoneye-agent", TOPIC], "call": ["call", "bus", "stats"]}[verb] + list(options)


# --- JSON out ---

@test("/cli/json-out/doubles-are-json-and-short")
def _(bus):
    for given, shown in [("1e17", "1e+17"), ("1e19", "1e+19"), ("1e300", "1e+300"), ("0.1", "0.1"), ("1.5", "1.5"), ("3", "3.0"),
                         ("-0.0", "-0.0"), ("1e-7", "1e-07"), ("0.30000000000000004", "0.30000000000000004"),
                         ('"NaN"', '"NaN"'), ('"-Infinity"', '"-Infinity"')]:
        equal(bus.echoed(f'{{"number":{given}}}'), f'{{"number":{shown}}}')


def every_value(tree, path=()):
    """All values of a JSON tree, with their paths."""
    if isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from every_value(value, (*path, key))
    else:
        yield path, tree


@test("/cli/json-out/one-mapping-in-all-reports")
def _(bus):
    watcher = bus.subscribed(TOPIC, "--group", "watchers")
    bus.ctl("publish", TOPIC, '{"generation":1}', "--type", RELOAD)
    reports = [["status"], ["peers"], ["peer", "daemoneye-agent"], ["topics"], ["subs"], ["groups"], ["introspect"], ["stats"],
               ["introspect", TOPIC], ["stats", "daemoneye-agent"],
               ["stats", "--subscriptions"], ["stats", "--groups"], ["stats", "--domains"],
               ["publish", TOPIC, '{"generation":2}', "--type", RELOAD]]
    names = {}
    for words in reports:
        rows = bus.json(*words)
        holds(rows, f"{words} shows something")
        for path, value in every_value(rows):
            name = next(key for key in reversed(path) if isinstance(key, str))
            if "value" in path:
                continue  # values of properties are data of a peer
            names.setdefault(name, set()).add(type(value))
            if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
                holds(name in ("epoch", "incarnation", "account"), f"{words}: {path} is a number as text: {value}")
    holds(len(names) > 50, "many fields are compared")
    equal({name: types for name, types in names.items() if len(types) > 1}, {}, "each value has one form")
    equal((names["epoch"], names["incarnation"], names["accepted"], names["messages"]), ({str}, {str}, {int}, {int}))
    watcher.terminate()
    watcher.communicate(timeout=PATIENCE_S)


@test("/cli/json-out/payloads-after-proto3")
def _(bus):
    (reply,) = bus.json("call", "bus", "stats")
    holds(isinstance(reply["totals"]["accepted"], str), "64-bit integers of payloads are strings")
    equal(bus.echoed('{"natural":18446744073709551615}'), '{"natural":"18446744073709551615"}')
    equal(bus.echoed('{"integer":-9223372036854775808}'), '{"integer":"-9223372036854775808"}')


@test("/cli/json-out/enums-have-names")
def _(bus):
    peers = {peer["id"]: peer for peer in bus.json("peers")}
    equal(peers["daemoneye-agent"]["role"], "ROLE_AGENT")
    equal({peer["role"] for name, peer in peers.items() if name.startswith("deyebusctl")}, {"ROLE_TOOL"})
    (one,) = bus.json("peer", "daemoneye-agent")
    equal(one["info"]["health"], "HEALTH_HEALTHY")
    equal({row["role"] for row in bus.json("stats")}, {"ROLE_AGENT", "ROLE_TOOL"})
    (reply,) = bus.json("call", "daemoneye-agent", "HealthCheck")
    equal(reply["health"], "HEALTH_HEALTHY")
    watcher = bus.start("subscribe", "system.peer.connected", "--json")
    wait_subscribed(bus, watcher)
    peer = RawPeer(bus.broker.address, "raw")
    roles = {}
    while "raw" not in roles:
        event = json.loads(watcher.stdout.readline())["payload"]
        roles[event["id"]] = event["role"]
    equal(roles["raw"], "ROLE_COLLECTOR")
    peer.close()
    watcher.terminate()
    watcher.communicate(timeout=PATIENCE_S)
    # The number of an enum value that this version does not know is shown as a number.
    printed = bus.sent("publish", TOPIC, '{"health":77}', "--type", "daemoneye.eventbus.v1.HealthReply")
    equal(json.loads(printed)["payload"]["health"], 77)


# --- JSON in ---

NOT_JSON = ['{"interval_us":010}', '{"x":0x10}', "{'x':1}", "{x:1}", '{"x":1,}', '{"x":NaN}', '{"x":1}//', '/* */{}', '{"x":+1}', '{"x":.5}',
            '{"x":"\t"}', '{"x":1,"x":1}', '{"x":"\\ud800"}', '{"x":"\\u0000"}', "[" * 100, '{"x":', "{}}", "True"]


@test("/cli/json-in/invalid-json-is-refused-by-every-verb")
def _(bus):
    before = bus.published()
    for verb in ["publish", "broadcast", "direct", "call", "request"]:
        for given in NOT_JSON:
            printed = bus.ctl(*words_of(verb, "-"), *(["--type", RELOAD] if verb != "call" else []), stdin=given, code=2)
            holds("not JSON: line 1, column " in printed, f"{verb} {given}: {printed}")
    holds("not JSON" in bus.run(f"printf '{{\"generation\":\"\\xff\"}}' | $ctl publish {TOPIC} - --type {RELOAD}", code=2)[1].decode(),
          "not UTF-8")
    equal(bus.published(), before, "no message was sent")


@test("/cli/json-in/values-of-another-type-are-refused")
def _(bus):
    before = bus.published()
    for given, printed in [('{"value":{"natural":18446744073709551616}}', "value.natural: expected a number from 0 to 18446744073709551615, "
                                                                      "not 18446744073709551616"),
                        ('{"value":{"natural":-1}}', "value.natural"), ('{"value":{"integer":9223372036854775808}}', "value.integer"),
                        ('{"value":{"integer":1e19}}', "value.integer: expected a number from -9223372036854775808"),
                        ('{"value":{"number":1e400}}', "value.number: expected a number that fits 64 bits, not 1e400"),
                        ('{"value":{"number":-1e400}}', "value.number"), ('{"value":{"integer":0.5}}', "value.integer")]:
        output = bus.ctl("publish", TOPIC, given, "--type", VALUE, code=2)
        holds(printed in output, output)
    equal(bus.published(), before, "no message was sent")


@test("/cli/json-in/numbers-are-exact")
def _(bus):
    for given, shown in [('{"natural":18446744073709551615}', '{"natural":"18446744073709551615"}'),
                         ('{"natural":9223372036854775808}', '{"natural":"9223372036854775808"}'),
                         ('{"natural":"9223372036854775808"}', '{"natural":"9223372036854775808"}'),
                         ('{"natural":9007199254740993}', '{"natural":"9007199254740993"}'),
                         ('{"natural":1e3}', '{"natural":"1000"}'), ('{"integer":-5.0}', '{"integer":"-5"}'),
                         ('{"number":123456789012345678}', '{"number":1.23456789012346e+17}')]:
        shown_ = bus.echoed(given)
        if "number" in given:
            equal(json.loads(shown_)["number"], float(123456789012345678))
        else:
            equal(shown_, shown)


@test("/cli/json-in/several-values-are-several-messages")
def _(bus):
    for given in ['{"generation":1}\n{"generation":2}\n{"generation":3}\n', '{"generation":1} {"generation":2} {"generation":3}',
                  ' {"generation":\n1}\r\n\n\t{"generation" : 2 } {"generation":3}']:
        for where in ["-", given]:
            printed = bus.sent("publish", TOPIC, where, "--type", RELOAD, stdin=given if where == "-" else None, count=3)
            equal([json.loads(line)["payload"]["generation"] for line in printed.splitlines()], ["1", "2", "3"])
    equal(len(bus.sent("broadcast", TOPIC, "-", "--type", RELOAD, stdin="{}\n" * 5, count=5).splitlines()), 5)
    printed = bus.ctl("publish", TOPIC, "-", "--type", RELOAD, stdin="{}\n" * 5, code=6)
    holds("No peer subscribes" in printed, printed)
    for verb in ["call", "request"]:
        printed = bus.ctl(*words_of(verb, "-"), stdin="{}\n{}", code=2)
        holds("line 2, column 1: more text follows the value" in printed, printed)


@test("/cli/json-in/error-names-its-message")
def _(bus):
    bad = '{"generation":1}\n{"generation":2}\n{"generation":x}\n'
    before = bus.published()
    printed = bus.ctl("publish", TOPIC, bad, "--type", RELOAD, code=2)
    holds("Message 3: The payload is not JSON" in printed, printed)
    equal(bus.published(), before, "the whole text is checked before a message is sent")
    watcher = bus.subscribed(TOPIC, "--count", "2", "--json")
    out, err = bus.run(f"printf '%s' '{bad}' | $ctl publish {TOPIC} - --type {RELOAD}", code=2)
    equal(out.count(b"accepted as"), 2)
    holds(b"Message 3: " in err, err)
    finished(watcher)


@test("/cli/json-in/stream-is-sent-while-it-arrives")
def _(bus):
    watcher = bus.subscribed(TOPIC, "--json")
    with subprocess.Popen([bus.ctl_path, "publish", TOPIC, "-", "--type", RELOAD, "-t", "50"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, env=bus.env) as sender:
        for i in range(3):
            sender.stdin.write(f'{{"generation":{i}}}\n')
            sender.stdin.flush()
            equal(json.loads(next_line(watcher.stdout))["payload"], {"generation": str(i)}, "before the input ends")
            holds("accepted as" in next_line(sender.stdout), "the message is reported as accepted")
        sender.stdin.close()
        equal(sender.wait(timeout=PATIENCE_S), 0)
    watcher.terminate()
    watcher.communicate(timeout=PATIENCE_S)


@test("/cli/json-in/no-value-is-an-error")
def _(bus):
    before = bus.published()
    for verb in ["publish", "broadcast", "direct"]:
        for given in ["", " \n"]:
            printed = bus.ctl(*words_of(verb, "-"), "--type", RELOAD, stdin=given, code=2)
            holds("no JSON value" in printed, printed)
    bus.ctl("publish", TOPIC, "", "--type", RELOAD, code=2)
    bus.ctl("call", "bus", "stats", "-", stdin="", code=2)
    equal(bus.published(), before)
    bus.sent("publish", TOPIC)


# --- files ---

@test("/cli/input/any-kind-of-file")
def _(bus):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "file")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a file")
        fifo = os.path.join(directory, "fifo")
        os.mkfifo(fifo)
        with open("/proc/self/mounts", "rb") as file:
            mounts = file.read()
        for script, wanted in [(f"$ctl publish {TOPIC} @{path} --raw", b"a file"),
                               (f"echo -n 'a pipe' | $ctl publish {TOPIC} @/dev/stdin --raw", b"a pipe"),
                               (f"$ctl publish {TOPIC} @<(echo -n 'of a process') --raw", b"of a process"),
                               (f"echo -n 'a FIFO' >{fifo} & $ctl publish {TOPIC} @{fifo} --raw", b"a FIFO"),
                               (f"$ctl publish {TOPIC} - --raw <<<'a here-string'", b"a here-string\n"),
                               (f"$ctl publish {TOPIC} @/dev/null --raw", b""),
                               (f"$ctl publish {TOPIC} - --raw </dev/null", b""),
                               (f"$ctl publish {TOPIC} @/proc/self/mounts --raw", mounts)]:
            watcher = bus.start("subscribe", TOPIC, "--count", "1", "--raw", stdout=subprocess.PIPE)
            wait_subscribed(bus, watcher)
            bus.run(script)
            out, _ = watcher.communicate(timeout=PATIENCE_S)
            equal(out.encode("utf-8", "surrogateescape"), wanted, script)
        watcher = bus.subscribed(TOPIC, "--count", "1", "--json")
        bus.run(f"$ctl publish {TOPIC} @<(echo '{{\"generation\":9}}') --type {RELOAD}")
        equal(json.loads(finished(watcher))["payload"], {"generation": "9"})


def wait_subscribed(bus, process):
    for _ in range(2000):
        if any(one["peer"] == f"deyebusctl-{process.pid}" and not one["methods"] for one in bus.json("subs")):
            return
    raise AssertionError("it did not subscribe")


@test("/cli/input/files-that-cannot-be-sent")
def _(bus):
    before = bus.published()
    with tempfile.TemporaryDirectory() as directory:
        large = os.path.join(directory, "large")
        with open(large, "wb") as file:
            file.truncate(LIMIT + 1)
        for verb in ["publish", "broadcast", "direct", "call", "request"]:
            for options in (["--raw"], []):
                printed = bus.ctl(*words_of(verb, "@" + directory), *options, code=1)
                holds(directory in printed and "can't be read" in printed, printed)
                printed = bus.ctl(*words_of(verb, "@/nonexistent/file"), *options, code=1)
                holds("/nonexistent/file can't be read" in printed, printed)
                for endless in [large, "/dev/zero"]:
                    printed = bus.ctl(*words_of(verb, "@" + endless), *options, code=2)
                    holds(f"{endless}: a payload has at most {LIMIT} bytes" in printed, printed)
    for option in ("--raw", ""):
        out, err = bus.run(f"$ctl publish {TOPIC} - {option} </dev/zero", code=2)
        holds(b"Standard input: a payload has at most" in err and out == b"", err)
        bus.run(f"$ctl publish {TOPIC} - {option} <{os.path.dirname(bus.broker.address)}", code=1)
    equal(bus.published(), before)


@test("/cli/input/input-is-checked-without-a-broker")
def _(bus):
    for words, code in [(["publish", TOPIC, "@/nonexistent/file"], 1), (["publish", TOPIC, "{}"], 3)]:
        bus.ctl("--address", "/nonexistent/socket", *words, code=code)


sys.exit(run_with(Bus))
