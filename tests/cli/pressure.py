#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reports of deyebusctl about slow peers and about messages that deyebusctl missed: `pressure.py DEYEBUSCTL AGENT MODULE DATA`."""
import json
import re
import signal
import sys
import tempfile

from broker import Broker
from ctltool import PATIENCE_S, Tool, finished, golden
from rawpeer import RawPeer, number, text
from tap import equal, holds, run, test

RELOAD = "control.collector.config.reload"


class Bus(Tool):
    """A separate broker with the given limits, slow and fast peers, and the tool."""

    def __init__(self, paths, **limits):
        ctl, agent, module, data = paths
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            conf.write("[limits]\n" + "".join(f"{name.replace('_', '-')}={value}\n" for name, value in limits.items()))
            conf.flush()
            self.broker = Broker(agent, module, "--config", conf.name)
        super().__init__(ctl, self.broker.address, data)
        self.peers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.close()
        equal(self.broker.end(), 0)

    def slow(self, is_so):
        """Waits until @is_so is true of the output of `slow`. Returns the output."""
        for _ in range(2000):
            rows = self.json("slow")
            if is_so(rows):
                return rows
        raise AssertionError(f"the condition was never true of {rows}")

    def blocking(self, peer, queue_messages=100):
        """Subscribes to results.netmond with a window of one message, and never returns credit."""
        block = text(2, "results.netmond") + text(3, "workers") + number(4, 1) + number(8, 1) + number(9, queue_messages)
        self.peers.append(RawPeer(self.broker.address, peer, subscriptions=[block]))

    def fast(self, peer):
        """Publishes without checking its credit."""
        self.peers.append(RawPeer(self.broker.address, peer, kind="netmond"))
        return self.peers[-1]

    def publishing(self, peer, size):
        self.fast(peer).publish("results.netmond", b"x" * size, "")


# --- slow ---

def kinds(rows):
    return [row["kind"] for row in rows]


@test("/cli/slow/M08-blocked-publishers-and-their-subscribers")
def _(*paths):
    with Bus(paths, longest_block_us=60000000, publish_window_must_keep_bytes=65536, queue_soft_bytes=65536,
               queue_soft_timeout_us=300000000) as bus:
        equal(bus.ctl("slow"), "No receiver is behind, and every publisher has credit\n")
        equal(bus.json("slow"), [])
        bus.blocking("keeper")
        for i, size in enumerate([70000, 80000], 1):
            bus.publishing(f"netmond-{i}", size)
            rows = bus.slow(lambda rows, i=i: kinds(rows).count("publisher") == i)
        rows = bus.slow(lambda rows: "peer" in kinds(rows))
        equal(kinds(rows), ["subscription", "publisher", "publisher", "peer"])
        behind, first, second, above = rows
        equal((behind["peer"], behind["pattern"], behind["group"], behind["policy_name"], behind["queued_messages"]),
              ("keeper", "results.netmond", "workers", "block", 1))
        holds(int(behind["queued_bytes"]) > 80000 and int(behind["behind_us"]) > 0, behind)
        equal([(row["peer"], row["class_name"], row["held_messages"], row["bytes"]) for row in (first, second)],
              [("netmond-1", "must-keep", 1, 0), ("netmond-2", "must-keep", 1, 0)])
        holds(int(first["blocked_us"]) > int(second["blocked_us"]) > 0, "the longest block is first")
        holds(above["id"] == "keeper" and int(above["slow_us"]) > 0, above)
        shown = bus.ctl("slow")
        golden(bus, "slow", shown)
        holds(" 78K/4.0M " in shown and " 1/100 " in shown, "the waiting bytes and their bound are shown")
        equal(bus.json("status")[0]["blocked_publishers"], 2)
        holds("publishers without credit: 2; `deyebusctl slow`" in bus.ctl("status"), "status reports it")
        equal([row["peer"] for row in bus.json("slow", "netmond-2")], ["netmond-2"])
        equal(bus.ctl("slow", "daemoneye-agent"), "daemoneye-agent is not behind, and has credit\n")
        bus.ctl("slow", "nobody", code=6)


@test("/cli/slow/B04-demoted-and-missed-messages")
def _(*paths):
    with Bus(paths, longest_block_us=1000) as bus:
        bus.blocking("keeper", queue_messages=1)
        bus.publishing("netmond-1", 100)
        (row,) = bus.slow(lambda rows: rows and rows[0]["demoted"])
        equal((row["policy_name"], row["queued_messages"], row["behind_us"]), ("block", 0, 0))
        for i in range(2, 4):
            bus.publishing(f"netmond-{i}", 100)
        (row,) = bus.slow(lambda rows: rows and rows[0]["missed"] == 1)
        equal((row["peer"], row["queued_messages"]), ("keeper", 1))
        equal(row["missed_by"], [{"reason": 40, "count": 1, "reason_name": "SLOW_CONSUMER"}])
        golden(bus, "slow-demoted", bus.ctl("slow"))
        golden(bus, "stats-missed", bus.ctl("stats", "--subscriptions", "keeper"))
        holds("1, of these 0 expired and 0 refused" in bus.ctl("status"), "status reports it")


# --- subscribe ---

def behind(bus, peers, published):
    """Waits until each published message was sent to each subscription, is queued for it, or was missed by it.

    Returns the statistics of the subscriptions.
    """
    for _ in range(2000):
        rows = [row for row in bus.json("slow") if row["kind"] == "subscription" and row["peer"] in peers]
        sums = [sum(int(row[name]) for name in ("delivered", "queued_messages", "missed")) for row in rows]
        if sums == [published] * len(peers):
            return {row["peer"]: row for row in rows}
    raise AssertionError(f"not all messages were sent, queued or missed: {rows}")


@test("/cli/subscribe/B01-gaps-are-shown-in-their-place")
def _(*paths):
    with Bus(paths) as bus:
        published = 12
        watchers = [bus.subscribed("results.netmond", "--policy", "drop-oldest", "--queue-messages", "2", *form)
                    for form in ([], ["--raw", "--json", "--framing", "newline"], ["--json"])]
        peers = [f"deyebusctl-{watcher.pid}" for watcher in watchers]
        for watcher in watchers:
            watcher.send_signal(signal.SIGSTOP)
        publisher = bus.fast("netmond-1")
        for i in range(published):
            publisher.publish("results.netmond", bytes([65 + i]) * 900000, "")
        rows = behind(bus, peers, published)
        for row in rows.values():
            equal((row["policy_name"], row["queue_messages"], row["queued_messages"]), ("drop-oldest", 2, 2))
            holds(int(row["missed"]) > 0, row)
        for watcher in watchers:
            watcher.send_signal(signal.SIGCONT)

        for watcher, peer, place in zip(watchers, peers, (2, 0)):
            missed = int(rows[peer]["missed"])
            shown = [watcher.stdout.readline().split()[place][0] for _ in range(published - missed)]
            equal(shown[-2:], ["K", "L"], "the newest messages are kept")
            watcher.send_signal(signal.SIGINT)
            out, printed = watcher.communicate(timeout=PATIENCE_S)
            equal((watcher.returncode, out), (0, ""))
            holds(re.fullmatch(rf"deyebusctl: missed here: {missed}, sequence \d+ to \d+: messages arrived faster than they were "
                               r"read \(SLOW_CONSUMER\)\n", printed), printed)

        missed = int(rows[peers[2]]["missed"])
        lines = [json.loads(watchers[2].stdout.readline()) for _ in range(published - missed + 1)]
        (gap,) = [line for line in lines if "missed" in line]
        equal((gap["missed"], gap["reason"], gap["reason_name"]), (missed, 40, "SLOW_CONSUMER"))
        at = lines.index(gap)
        equal(len(lines) - at - 1, 2, "the gap is shown before the two kept messages")
        holds(lines[at - 1]["sequence"] < gap["from"] <= gap["to"] < lines[at + 1]["sequence"], "the gap is in its place")
        watchers[2].send_signal(signal.SIGINT)
        equal(finished(watchers[2]), "")


@test("/cli/subscribe/M08-queue-and-policy")
def _(*paths):
    with Bus(paths) as bus:
        watcher = bus.subscribed(RELOAD, "--policy", "error", "--queue-messages", "7", "--queue-bytes", "5000", "--group", "w")
        (row,) = [row for row in bus.json("stats", "--subscriptions") if row["group"] == "w"]
        equal((row["policy_name"], row["queue_messages"], row["queue_bytes"]), ("error", 7, 5000))
        other = bus.subscribed(RELOAD, "--queue-messages", "9", "--group", "w")
        other.send_signal(signal.SIGINT)
        _, printed = other.communicate(timeout=PATIENCE_S)
        equal(printed, "deyebusctl: the queue in force differs from the requested one: error, 7 messages, 5000 bytes\n",
              "the policy of the group")
        watcher.send_signal(signal.SIGINT)
        equal(watcher.communicate(timeout=PATIENCE_S), ("", ""), "the policy is the requested one, so nothing is reported")
        holds("drop-oldest, drop-newest" in bus.ctl("subscribe", RELOAD, "--policy", "drop", code=2), "the error lists the policies")
        bus.ctl("subscribe", RELOAD, "--queue-bytes", "-1", code=2)
        holds("subscription-queue-messages" in bus.ctl("subscribe", RELOAD, "--queue-messages", "10000000", code=1), "the limit")


sys.exit(run(*sys.argv[1:]))
