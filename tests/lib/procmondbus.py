# SPDX-License-Identifier: Apache-2.0
"""A bus with an agent, the tool and a procmond, for tests of procmond."""
import base64
import contextlib
import json
import shutil
import signal
import subprocess
import tempfile

from broker import die_with_parent
from collectorbus import CollectorBus
from ctltool import PATIENCE_S, finished, turns
from rawpeer import read

TASK = "control.collector.task.process"
EVENTS = "events.process.lifecycle"
STARTED, EXITED, CHANGED = ("PROCESS_EVENT_" + name for name in ("STARTED", "EXITED", "CHANGED"))
HEALTHY, DEGRADED = "HEALTH_HEALTHY", "HEALTH_DEGRADED"


class Bus(CollectorBus):
    """An agent with the given limits, and the tool."""

    def __init__(self, paths, sockets="", **limits):
        super().__init__(paths, "procmond-1", sockets, **limits)

    def collector(self, before=None, interval=20, pace=0, more=("--poll",)):
        """Starts procmond-1, and waits until it is ready. It polls, unless @more has other options. The child calls @before."""
        return self.run_collector(["--interval", str(interval), "--pace", str(pace), *more], end, before)

    def task(self, **request):
        """The reply to a task request, with the fields of the packed table as its result."""
        (answer,) = self.json("request", TASK, json.dumps({"operation": "enumerate_processes", **request}), "--timeout", "50")
        answer["result"] = read(base64.b64decode(answer["result"]))
        return answer

    def submit(self, *words, **query):
        """Submits a task list_processes. Returns the process: it writes the table to standard output, and progress to standard
        error."""
        return self.start("task", "submit", "list_processes", "--payload", json.dumps(query), *words)

    def listed(self, **query):
        """The table of a task list_processes."""
        return json.loads(finished(self.submit(**query)))

    def described(self, **query):
        """The answer to a task describe_process."""
        process = self.start("task", "submit", "describe_process", "--payload", json.dumps(query))
        return json.loads(finished(process))["processes"]

    def wait_task(self, name, state):
        for _ in range(2000):
            for one in self.json("tasks"):
                if (one["id"], one["state"]) == (name, state):
                    return
        raise AssertionError(f"{name} is not {state}")

    def health(self, is_so):
        """Waits until @is_so is true of the reply to HealthCheck. Returns the reply."""
        for _ in range(2000):
            health = self.call("HealthCheck")
            if is_so(health):
                return health
        raise AssertionError(f"the condition was never true of {health}")

    def wait_unreturned(self, messages):
        """Waits until the subscriber of the events has @messages of them unacknowledged."""
        for _ in range(2000):
            for one in self.json("stats", "--subscriptions"):
                if one["pattern"] == EVENTS and int(one["unreturned_messages"]) >= messages:
                    return
        raise AssertionError("the subscriber has acknowledged too many messages")

    def watch(self):
        """Subscribes to the events. Returns a file with them, and the process that writes it."""
        out = tempfile.NamedTemporaryFile("w+", suffix=".json")
        process = self.subscribed(EVENTS, "--json", stdout=out)
        self.children.callback(end, process)
        return out, process

    def subscribers(self, pattern):
        return sum(one["pattern"] == pattern for one in self.json("subs"))

    def subscribed(self, *words, stdout):
        before = self.subscribers(words[0])
        process = self.start("subscribe", *words, stdout=stdout)
        for _ in range(2000):
            if self.subscribers(words[0]) > before:
                return process
        raise AssertionError("deyebusctl did not subscribe")


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    process.wait(timeout=PATIENCE_S)


def events_of(file):
    with open(file.name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines.read().splitlines(True) if line.endswith("\n")]


def wait_event(file, pid, kind, name=""):
    """The process of the event."""
    for _ in turns():
        for one in events_of(file):
            process = one["payload"]["process"]
            if (process["pid"], one["payload"]["kind"]) == (pid, kind) and name in process["name"]:
                return process
    raise AssertionError(f"no event {kind} of {pid}")


@contextlib.contextmanager
def processes(n, argv0=None, program="sleep", words=("1000",)):
    """@n processes that run the program with that argv[0]."""
    path = shutil.which(program)
    children = [subprocess.Popen([argv0 or program, *words], executable=path, preexec_fn=die_with_parent, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE) for _ in range(n)]
    try:
        yield [child.pid for child in children]
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.communicate()
