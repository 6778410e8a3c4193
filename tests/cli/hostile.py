#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile and hanging peers cannot harm a user of deyebusctl: `hostile.py DEYEBUSCTL AGENT MODULE COMPLETIONS`."""
import json
import os
import signal
import subprocess
import sys
import tempfile

from broker import Broker
from rawpeer import RawPeer, number, text
from tap import equal, holds, run_with, test

PATIENCE_S = 60
TOPICS = "events.diskmond.m"
INTROSPECT_REPLY = "daemoneye.eventbus.v1.IntrospectReply"


class Bus:
    def __init__(self, ctl, agent, module, completions):
        self.ctl_path, self.completions = ctl, completions
        self.broker = Broker(agent, module)
        self.env = {**os.environ, "DAEMONEYE_BROKER_SOCKET": self.broker.address, "LC_ALL": "C.UTF-8", "LANGUAGE": ""}
        self.peers = []

    def end(self):
        equal(self.broker.end(), 0)

    def peer(self, peer, answer=None, **more):
        self.peers.append(RawPeer(self.broker.address, peer, answer=answer, **more))
        return self.peers[-1]

    def forget(self):
        while self.peers:
            self.peers.pop().close()
        for _ in range(2000):
            if json.loads(self.run("status", "--json").stdout)["peers"] == 2:
                return

    def run(self, *words, stdout=subprocess.PIPE):
        ran = subprocess.run([self.ctl_path, *words], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                             env=self.env, timeout=PATIENCE_S, check=False)
        holds(ran.returncode >= 0, f"{words}: ended by signal {-ran.returncode}")
        return ran


# --- answers of hostile peers ---

def services(*infos, types=()):
    """A reply to Introspect."""
    payload = text(1, "evil") + b"".join(text(2, info) for info in infos) + b"".join(text(3, set_) for set_ in types)
    return text(6, INTROSPECT_REPLY) + text(15, payload)


def service(*parts, name="org.evil.Service"):
    return text(1, name) + b"".join(parts)


def method(name, doc=""):
    return text(3, text(1, name) + text(6, doc))


def event(name, topic, type_name):
    return text(4, text(1, name) + text(2, topic) + text(3, type_name))


def failure(detail, name="org.evil.Error"):
    return number(64, 50) + text(65, detail) + text(78, name)


def descriptor_set(file, message, field):
    """One message of package org.example with one uint64 field (proto3)."""
    field_ = text(1, field) + number(3, 1) + number(4, 1) + number(5, 4)
    return text(1, text(1, file) + text(2, "org.example") + text(4, text(1, message) + text(2, field_)) + text(12, "proto3"))


def with_peers(path):
    def add(function):
        def wrapped(bus):
            try:
                function(bus)
            finally:
                bus.forget()
        return test(path)(wrapped)
    return add


@with_peers("/cli/hostile/A11-completion-escapes-names-of-peers")
def _(bus):
    with tempfile.TemporaryDirectory() as directory:
        mark = os.path.join(directory, "mark")
        names = [f"$(touch${{IFS}}{mark})", f"`touch {mark}`", "a;touch " + mark, "Good"]
        bus.peer("evil", lambda _: services(service(*map(method, names))))
        script = f"""
          deyebusctl () {{ "{bus.ctl_path}" "$@"; }}
          . "{os.path.join(bus.completions, 'deyebusctl.bash')}"
          COMP_WORDS=(deyebusctl call evil '') COMP_CWORD=3
          _deyebusctl
          printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=bus.env, timeout=PATIENCE_S, check=True)
        equal((ran.stdout, ran.stderr), ("Good\n", ""))
        holds(not os.path.exists(mark), "the name was run")
        holds("$(" not in bus.run("complete-words", "methods", "evil").stdout.decode(), "completion does not offer it")


@with_peers("/cli/hostile/A11-no-escape-reaches-the-terminal")
def _(bus):
    bad = "x\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\x7f"
    replies = {"Introspect": services(service(method("Go", bad), event("E", "events.x", bad), name=bad)),
               "GetStats": failure(bad), "GetInfo": failure(bad, bad), "Go": failure(bad, bad)}
    bus.peer("evil", replies.get, version=bad)
    for words in [["peers"], ["peers", "--json"], ["peer", "evil"], ["slow"], ["introspect"], ["introspect", "evil"],
                  ["introspect", "evil", "--json"], ["introspect", "evil", "--xml"], ["stats", "evil"],
                  ["call", "evil", "Go"], ["call", "evil", "Nothing"], ["call", "evil", "GetInfo", "--raw"]]:
        ran = bus.run(*words)
        for output in (ran.stdout, ran.stderr):
            shown = output.decode()
            holds(not any(char in shown for char in "\x1b\x07\u009b\u202e\x7f"), f"{words}: {shown!r}")


@with_peers("/cli/hostile/A11-answers-that-shrink-when-packed-again")
def _(bus):
    empty = b"\x0a\x00\x12\x00\x1a\x00\x22\x00\x2a\x00\x32\x00"
    many = services(service(*[text(3, empty) for _ in range(3000)]))
    stats = text(6, "daemoneye.eventbus.v1.ClientStats") + text(15, b"".join(text(11, b"\x08\x00\x12\x00\x18\x00\x20\x00")
                                                                             for _ in range(3500)))
    bus.peer("evil", lambda name: stats if name == "GetStats" else many)
    for words in [["stats", "evil"], ["stats", "evil", "--json"], ["introspect", "evil", "--json"], ["introspect", "--json"]]:
        equal(bus.run(*words).returncode, 0, words)


@with_peers("/cli/hostile/A11-garbage-is-reported")
def _(bus):
    bus.peer("evil", lambda name: text(6, INTROSPECT_REPLY) + text(15, b"\xff" * 100))
    ran = bus.run("introspect", "evil")
    equal(ran.returncode, 1)
    holds(b"evil" in ran.stderr, ran.stderr)
    equal(bus.run("introspect").returncode, 0, "other peers are still shown")
    bus.forget()
    bus.peer("evil", lambda name: services(service(method("Go")), types=[b"\xff\xff", b"\x00" * 10]))
    ran = bus.run("introspect", "evil")
    equal((ran.returncode, ran.stderr.count(b"\n")), (0, 1), "the fault is reported once, and the rest is shown")


@with_peers("/cli/hostile/A11-version-cut-within-a-character")
def _(bus):
    bus.peer("evil", version="a" * 63 + "é" * 3)
    for words in [["peers"], ["peers", "--json"], ["--timeout", "4", "peer", "evil"], ["slow"], ["introspect"], ["stats"]]:
        ran = bus.run(*words)
        equal(ran.returncode, 0, f"{words}: {ran.stderr}")


@with_peers("/cli/hostile/A11-types-are-those-of-the-sender")
def _(bus):
    def describing(field):
        return lambda _: services(service(), types=[descriptor_set("t.proto", "T", field)])
    bus.peer("aaa", describing("wrong"), kind="diskmond")
    honest = bus.peer("zzz", describing("right"), kind="diskmond")
    with subprocess.Popen([bus.ctl_path, "subscribe", "events.diskmond.#", "--count", "1", "--json"], env=bus.env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as watcher:
        for _ in range(2000):
            if b"events.diskmond.#" in bus.run("subs").stdout:
                break
        honest.publish("events.diskmond.x", number(1, 7), "org.example.T")
        shown = json.loads(watcher.communicate(timeout=PATIENCE_S)[0])
    equal(shown["payload"], {"right": "7"})
    ran = bus.run("publish", "control.collector.config.reload", "{}", "--type", "org.example.T")
    holds(ran.returncode == 1 and b"org.example.T" in ran.stderr, "two types for one topic: neither is used")


@with_peers("/cli/hostile/A11-claims-on-topics")
def _(bus):
    topic = "control.collector.config"
    bus.peer("aaa", lambda _: services(service(event("All", "#", "daemoneye.eventbus.v1.PingRequest"))))
    ran = bus.run("publish", topic, "{}")
    holds(ran.returncode == 2 and b"No peer describes" in ran.stderr, "a type for all topics is not used")
    bus.peer("bbb", lambda _: services(service(event("One", topic, "daemoneye.eventbus.v1.PingRequest"))))
    equal(bus.run("publish", topic, "{}").returncode, 6, "one type for the topic: the message is sent, without a subscriber")
    bus.peer("ccc", lambda _: services(service(event("One", topic, "daemoneye.eventbus.v1.ConfigReload"))))
    ran = bus.run("publish", topic, "{}")
    holds(ran.returncode == 2 and b"--type NAME" in ran.stderr, f"two claims: neither is accepted {ran.stderr}")


def rows(ran):
    """The JSON objects that the tool printed."""
    equal((ran.returncode, ran.stderr), (0, b""))
    return [json.loads(line) for line in ran.stdout.splitlines()]


@with_peers("/cli/hostile/A11-subscriptions-beyond-an-answer")
def _(bus):
    pattern = ".".join(["events"] + [letter * 60 for letter in "abcd"])
    for i in range(4):
        bus.peer(f"evil-{i}", subscriptions=[text(2, pattern)] * 1000)
    expected = {(f"evil-{i}", number_) for i in range(4) for number_ in range(1, 1002)}
    shown = [(row["peer"], row["subscription"]) for row in rows(bus.run("stats", "--subscriptions", "--json"))]
    equal(len(shown), len(set(shown)), "no row twice")
    holds(expected <= set(shown), f"{len(expected - set(shown))} rows are missing")
    ran = bus.run("stats", "--subscriptions")
    equal((ran.returncode, ran.stdout.count(pattern.encode()), ran.stderr), (0, 4000, b""), "all, as a table too")
    equal(bus.run("stats", "--subscriptions", "evil-1").stdout.count(pattern.encode()), 1000, "all rows of one peer")
    listed = [(row["peer"], row["subscription"]) for row in rows(bus.run("subs", "--json"))]
    equal((len(listed), expected - set(listed)), (len(set(listed)), set()), "introspect lists the same rows")
    ran = bus.run("slow")
    equal((ran.returncode, ran.stderr), (0, b""), "the slow receivers are still shown")


@with_peers("/cli/hostile/A11-groups-beyond-an-answer")
def _(bus):
    names = [f"{i:04}" + "g" * 60 for i in range(4000)]
    for i in range(4):
        bus.peer(f"evil-{i}", subscriptions=[text(2, "events.#") + text(3, name) for name in names[i * 1000:i * 1000 + 1000]])
    for words in [["stats", "--groups", "--json"], ["groups", "--json"]]:
        equal(sorted(row["name"] for row in rows(bus.run(*words))), names, words)


@with_peers("/cli/hostile/A11-members-beyond-an-answer")
def _(bus):
    bus.peer("evil", subscriptions=[text(2, "events." + "e" * 60) + text(3, "workers")] * 1000)
    bus.peer("honest", subscriptions=[text(2, "events.#") + text(3, "workers")])
    group, = rows(bus.run("groups", "--json"))
    equal((group["members"], len(group["member"])), (1001, 1001))
    equal([member["pattern"] for member in group["member"] if member["peer"] == "honest"], ["events.#"],
          "the subscription of the honest peer is listed")
    equal(len({(member["peer"], member["subscription"]) for member in group["member"]}), 1001, "no member is listed twice")
    ran = bus.run("groups")
    equal((ran.returncode, ran.stdout.count(b"workers"), ran.stdout.count(b"honest")), (0, 1001, 1))


@with_peers("/cli/hostile/A11-topics-beyond-an-answer")
def _(bus):
    peer = bus.peer("evil", kind="diskmond")
    topics = [f"{TOPICS}{i:04}" + "t" * 59 + "." + "u" * 64 for i in range(3000)]
    for topic in topics:
        peer.publish(topic, b"", "T" * 128)
    for _ in range(2000):
        listed = [topic for topic in (row["topic"] for row in rows(bus.run("topics", "--json"))) if topic.startswith(TOPICS)]
        if len(listed) == len(topics):
            break
    equal(listed, topics)


@with_peers("/cli/hostile/A11-descriptions-beyond-an-answer")
def _(bus):
    bus.peer("evil", lambda _: services(*(service(*(method(f"M{k}", "d" * 1000) for k in range(50)), name=f"org.evil.S{i}")
                                          for i in range(18))))
    bus.peer("large", lambda _: text(6, INTROSPECT_REPLY) + text(15, b"x" * (2 << 20)))
    bus.peer("honest", lambda name: services(service(method("Honest"), name="org.honest.Service")))
    shown = bus.run("introspect")
    equal(shown.returncode, 0)
    holds(b"Honest" in shown.stdout and b"honest" in shown.stdout, "neither hides the other")
    holds(b"M49" in shown.stdout, "a long description is complete")
    equal(bus.run("introspect", "honest").returncode, 0)


@with_peers("/cli/hostile/A11-peers-beyond-an-answer")
def _(bus):
    ids = sorted(f"{i:03}" + "i" * 61 for i in range(150))
    for peer in ids:
        bus.peer(peer, kind="t" * 64, version="v" * 64)
    for words in [["stats", "--json"], ["peers", "--json"]]:
        equal([row["id"] for row in rows(bus.run(*words)) if row["id"] in ids], ids, words)
    holds(b"collectors 150," in bus.run("status").stdout, "each peer is counted")
    holds(all(peer.encode() in bus.run("stats", peer, "--subscriptions").stdout for peer in ids[:3]), "each peer is shown on request")


# --- peers that hang ---

@with_peers("/cli/hostile/O06-hanging-peers-do-not-delay-others")
def _(bus):
    hanging = [bus.peer(f"hang-{i}", kind="diskmond") for i in range(4)]
    shown = bus.run("introspect")
    equal((shown.returncode, shown.stdout.count(b"does not answer")), (0, 4))
    with subprocess.Popen([bus.ctl_path, "subscribe", "events.diskmond.#", "-t", "50"], env=bus.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as watcher:
        for _ in range(2000):
            if b"events.diskmond.#" in bus.run("subs").stdout:
                break
        for peer in hanging:
            peer.publish("events.diskmond.x", b"\x08\x01", "org.example.Unknown")
        line = watcher.stdout.readline()
        holds(b"events.diskmond.x" in line, "shown undecoded after a while")
        watcher.send_signal(signal.SIGINT)
        equal(watcher.wait(timeout=PATIENCE_S), 0, "Ctrl-C")


# --- the other end of the pipe ---

@test("/cli/hostile/full-disk-is-a-failure")
def _(bus):
    with open("/dev/full", "wb") as full:
        ran = bus.run("peers", stdout=full)
    holds(ran.returncode == 1 and b"written" in ran.stderr, ran)
    ran = subprocess.run(["bash", "-c", '"$1" peers >&-', "bash", bus.ctl_path], env=bus.env, stderr=subprocess.PIPE,
                         timeout=PATIENCE_S, check=False)
    equal(ran.returncode, 1, "closed standard output")


sys.exit(run_with(Bus))
