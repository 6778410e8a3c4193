#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the verbs of deyebusctl that show data, and those about the tool itself, against a live agent with two procmonds:
`ctl.py DEYEBUSCTL AGENT MODULE PROCMOND DATA COMPLETIONS`. messages.py runs the verbs that send and receive."""
import os
import pty
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree

from ctlbus import RELOAD, RELOAD_TYPE, TASK, Bus
from ctltool import PATIENCE_S, completed, golden, turns
from tap import equal, holds, run_with, test

OWN_TASKS = "control.collector.task.procmond."  # and the id
LIFECYCLE = "control.collector.lifecycle"
CONFIGURATION = "control.collector.config."  # and the id


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
            output = bus.ctl("--timeout", "0.2", *words, code=5)
            holds("--timeout" in output, output)
        # The others have to answer in this time.
        holds("does not answer" in bus.ctl("--timeout", "3", "peer", "procmond-2"), "the data of the broker is shown")
        printed = bus.ctl("--timeout", "3", "introspect")
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


@test("/cli/help/unknown-second-word")
def _(bus):
    """The error names the group of verbs, also if its first word is a verb by itself."""
    for group in ("task", "operations"):
        printed = bus.ctl(group, "nonsense", code=2)
        holds(f"Unknown verb {group} nonsense: `deyebusctl help {group}` lists the verbs" in printed, printed)


@test("/cli/complete/words")
def _(bus):
    bus.words("peers", wanted=["bus", "daemoneye-agent", "procmond-1", "procmond-2"])
    bus.words("methods", "procmond-1", wanted=["ListProcesses"])
    bus.words("topics", wanted=[RELOAD, TASK])
    equal(bus.ctl("complete-words", "peers", env={"DAEMONEYE_BROKER_SOCKET": "/nonexistent"}), "")


def completed_by_bash(bus, *words, wanted=()):
    """The completions of bash for the last word. @wanted: as for completed()."""
    return completed(lambda *all_words: complete_by_bash(bus, *all_words), *words, wanted=wanted)


def complete_by_bash(bus, *words):
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
    both = ["procmond-1", "procmond-2"]
    equal(completed_by_bash(bus, "--timeout", "3", "peer", "procmond-", wanted=both), both)
    equal(completed_by_bash(bus, "call", "procmond-1", "List", wanted=["ListProcesses"]), ["ListProcesses"])
    completed_by_bash(bus, "publish", "--raw", "control.collector.config", wanted=[RELOAD])
    equal(completed_by_bash(bus, "slow", "procmond-", wanted=both), both)
    equal(completed_by_bash(bus, "subscribe", "--policy", "drop"), ["drop-oldest", "drop-newest"])
    completed_by_bash(bus, "subscribe", "--queue-messages", "5", "control.collector.config", wanted=[RELOAD])
    for verb in verbs:
        offered = set(completed_by_bash(bus, *verb, "-"))
        printed = set(re.findall(r"--[a-z-]+", bus.ctl("help", *verb))) - ({"--help"} if "--help" not in offered else set())
        equal(offered - printed, set(), f"options of {verb} that help does not know")
        if verb != ["help"]:
            equal(printed - offered, set(), f"options of {verb} that the completion does not know")
        for option in set(re.findall(r"(--[a-z-]+)=", bus.ctl("help", *verb))) - {"--address"}:
            holds(any(completed_by_bash(bus, *verb, option, "1", "") == completed_by_bash(bus, *verb, "") for _ in turns()),
                  f"{verb} {option} has a value")


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
