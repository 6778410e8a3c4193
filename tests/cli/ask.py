#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the verbs about many collectors of deyebusctl against a live agent: `ask.py DEYEBUSCTL AGENT MODULE WORKER`.

The collectors are two of worker.c; the last tests end one of them."""
import json
import signal
import subprocess
import sys

from broker import Broker, die_with_parent
from ctltool import PATIENCE_S, Tool, next_line
from tap import equal, holds, run_with, test

RELOAD_TYPE = "daemoneye.eventbus.v1.ConfigReload"


class Bus(Tool):
    """The agent, two workers, and the tool."""

    def __init__(self, ctl, agent, module, worker):
        self.broker = Broker(agent, module)
        super().__init__(ctl, self.broker.address, None)
        self.workers = {name: self.start_worker(worker, name) for name in ("worker-1", "worker-2")}

    def start_worker(self, path, name):
        worker = subprocess.Popen([path, self.broker.address, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                  env=self.env, preexec_fn=die_with_parent)
        equal(next_line(worker.stdout), "ready\n")
        return worker

    def kill(self, name):
        worker = self.workers.pop(name)
        worker.send_signal(signal.SIGKILL)
        worker.communicate(timeout=PATIENCE_S)

    def end(self):
        for name in list(self.workers):
            self.kill(name)
        equal(self.broker.end(), 0, "daemoneye-agent")

    def ask(self, *words, code=0):
        """The lines of standard output, and those of standard error with the manifest."""
        ran = subprocess.run([self.ctl_path, "ask", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S,
                             env=self.env, check=False)
        printed = ran.stderr.decode()
        equal(ran.returncode, code, f"ask {' '.join(words)}: {ran.stdout} {printed}")
        return ran.stdout.decode().splitlines(), printed.splitlines()

    def ask_json(self, *words, code=0):
        """The answers, and the manifest."""
        out, printed = self.ask(*words, "--json", code=code)
        return [json.loads(line) for line in out], json.loads(printed[0])


def check_sum(manifest):
    classes = ("answered", "empty", "failed", "timed_out", "died", "cancelled", "refused", "never_asked")
    equal(manifest["expected"], sum(manifest[name] for name in classes), manifest)
    equal(manifest["expected"], len(manifest["members"]), manifest)


@test("/cli/ask/M12-data-and-manifest")
def _(bus):
    out, printed = bus.ask("echo", '{"generation": 5}', "--require", "all")
    equal(sorted(out), ['worker-1  {"generation":"5"}', 'worker-2  {"generation":"5"}'])
    equal(printed, ["complete: 2 of 2 answered"])


@test("/cli/ask/M12-json")
def _(bus):
    answers, manifest = bus.ask_json("echo", '{"generation": 5}', "--require", "2", "--type", "worker", "--tag", "os=linux")
    check_sum(manifest)
    equal((manifest["verdict"], manifest["is_met"], manifest["expected"], manifest["answered"]), ("complete", True, 2, 2))
    equal([one["index"] for one in answers], [0, 1])
    equal({one["id"] for one in answers}, {"worker-1", "worker-2"})
    holds(all(one["type"] == RELOAD_TYPE and one["payload"] == {"generation": "5"} and one["attempt"] == 1 for one in answers), answers)
    equal([one["id"] for one in manifest["members"]], [one["id"] for one in answers])


@test("/cli/ask/payloads")
def _(bus):
    equal(bus.ask("echo", "hello", "--raw", "--some", "1", "--require", "all")[0], ["hello"])
    out, _ = bus.ask("echo", "00 fF", "--hex", "--require", "all", "--some", "1")
    holds(out[0].endswith("  2 bytes: 00 ff"), out)
    out, printed = bus.ask("echo", "--require", "all", "--shards", "3", "--priority", "7", "--stall", "20")
    equal((len(out), printed), (3, ["complete: 3 of 3 answered"]))


@test("/cli/ask/D05-empty-answers-are-counted-apart")
def _(bus):
    answers, manifest = bus.ask_json("find", "--require", "all")
    check_sum(manifest)
    equal((manifest["verdict"], manifest["answered"], manifest["empty"]), ("complete", 0, 2))
    equal([(one["rows"], one["payload_base64"]) for one in answers], [(0, "")] * 2)
    equal(bus.ask("find", "--require", "all")[1], ["complete: 0 of 2 answered, 2 found nothing"])


@test("/cli/ask/D05-truncated-is-partial")
def _(bus):
    out, printed = bus.ask("find", "cut", "--raw", "--require", "all", code=7)
    equal("".join(out), "cutcut")
    equal(printed[0], "partial: 2 of 2 answered, 2 truncated")
    equal(sorted(printed[1:3]), ["  worker-1: truncated", "  worker-2: truncated"])
    holds("--require" in printed[3] and len(printed) == 4, printed)
    answers, manifest = bus.ask_json("find", "637574", "--hex", "--require", "any")
    check_sum(manifest)
    equal((manifest["truncated"], manifest["is_met"], [one["truncated"] for one in answers]), (2, True, [True, True]))


@test("/cli/ask/failures-are-named")
def _(bus):
    answers, manifest = bus.ask_json("fail", "--require", "any")
    check_sum(manifest)
    equal((answers, manifest["verdict"], manifest["failed"]), ([], "failed", 2))
    holds(all("the disk is full" in one["text"] for one in manifest["members"]), manifest)
    out, printed = bus.ask("stay", "--require", "any", "--timeout", "4")
    equal((out, printed[0]), ([], "no collector has answered: 0 of 2 answered, 2 timed out"))


@test("/cli/ask/wrong-usage")
def _(bus):
    for words in [["echo"], ["echo", "--require", "0"], ["echo", "--require", "some"], ["echo", "--require", ""],
                  ["echo", "--require", "all", "--some", "0"], ["echo", "--require", "all", "--some", "1", "--shards", "1"],
                  ["echo", "--require", "2", "--some", "1"], ["echo", "--require", "all", "--hex"], ["Echo", "--require", "all"],
                  ["echo", "{", "--require", "all"], ["echo", '{"dance": 1}', "--require", "all"], ["nothing", "{}", "--require", "all"]]:
        bus.ask(*words, code=2)


@test("/cli/ask/no-collector")
def _(bus):
    out, printed = bus.ask("nothing", "--require", "any")
    equal((out, printed), ([], ["no collector was asked: 0 of 0 answered"]))
    bus.ask("nothing", "--require", "all", code=7)


# --- health ---

@test("/cli/health/M13-table-json-and-one-peer")
def _(bus):
    lines = bus.ctl("health").splitlines()
    equal(lines[0].split(), ["PEER", "TYPE", "HEALTH", "SINCE", "MISSED", "CAUSE"])
    rows = {line.split()[0]: line.split() for line in lines[1:]}
    holds({"worker-1", "worker-2"} <= set(rows), rows)
    equal((rows["worker-1"][1:3], rows["worker-1"][-1]), (["worker", "healthy"], "-"))
    (one,) = bus.json("health", "worker-1")
    equal((one["id"], one["state"], one["units"]), ("worker-1", "PEER_HEALTH_HEALTHY", []))
    shown = bus.ctl("health", "worker-1")
    for word in ["peer", "health", "connection", "main loop", "queue", "changes"]:
        holds(f"\n{word} " in "\n" + shown, shown)
    holds("nobody is not connected" in bus.ctl("health", "nobody", code=6), "the error names the command that lists all")


# --- the last ones: a worker dies ---

@test("/cli/ask/D05-missing-collectors-are-listed")
def _(bus):
    bus.kill("worker-2")
    out, printed = bus.ask("echo", '{"generation": 5}', "--require", "all", code=7)
    equal(out, ['worker-1  {"generation":"5"}'], "the received messages are shown")
    equal(printed[0], "partial: 1 of 2 answered, 1 not asked")
    holds(printed[1].startswith("  worker-2: not registered"), printed)
    out, _ = bus.ask("echo", '{"generation": 5}', "--require", "all", "--missing", code=7)
    holds(len(out) == 2 and out[0].split() == ["COLLECTOR", "WHY", "CAUSE"] and out[1].split()[:2] == ["worker-2", "not_registered"], out)
    (missing,), manifest = bus.ask_json("echo", '{"generation": 5}', "--require", "1", "--missing")
    check_sum(manifest)
    equal((missing["id"], missing["answer"], missing["never_asked"]), ("worker-2", "never_asked", "not_registered"))
    bus.ask("echo", '{"generation": 5}', "--require", "2", code=7)


sys.exit(run_with(Bus))
