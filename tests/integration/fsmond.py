#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs fsmond with a real agent, real files and deyebusctl: `fsmond.py DEYEBUSCTL AGENT MODULE FSMOND`."""
import base64
import contextlib
import hashlib
import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from broker import Broker, die_with_parent
from ctltool import PATIENCE_S, Tool, finished, turns
from tap import Skip, equal, holds, run, test

EVENTS = "events.filesystem.operations"
CREATED, CHANGED, DELETED, MOVED, LOST, REPAIRED = ("FILE_EVENT_" + name for name in (
    "CREATED", "CHANGED", "DELETED", "MOVED", "LOST", "REPAIRED"))
HEALTHY, DEGRADED = "HEALTH_HEALTHY", "HEALTH_DEGRADED"
SPARSE_BYTES = 3 << 30


class Bus(Tool):
    """An agent, the tool, and a directory to watch."""

    def __init__(self, paths):
        self.paths = paths
        self.broker = Broker(paths[1], paths[2])
        super().__init__(paths[0], self.broker.address, None)
        self.children = contextlib.ExitStack()
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="deye-fsmond-"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.children.close()
        self.tidy()
        equal(self.broker.end(), 0)
        shutil.rmtree(self.dir)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def put(self, *names, text=""):
        with open(self.path(*names), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(*names)

    def collector(self, *words, watch=True, before=None):
        """Starts fsmond-1, and waits until it is ready."""
        ready, notify = os.pipe()
        child = subprocess.Popen([self.paths[3], "--address", self.broker.address, "--ready-fd", str(notify), "--check", "50",
                                  *(["--watch", self.dir] if watch else []), *words], pass_fds=[notify],
                                 stderr=subprocess.DEVNULL, preexec_fn=before or die_with_parent)
        os.close(notify)
        self.children.callback(stop, child)
        with os.fdopen(ready) as pipe:
            equal(pipe.readline(), "ready fsmond-1\n")
        return child

    def call(self, method, request=None, **more):
        (answer,) = self.json("call", "fsmond-1", method, json.dumps(request or {}), "--timeout", "50", **more)
        return answer

    def coverage(self, is_so):
        return self.until(lambda: self.call("Coverage"), is_so)

    def health(self, is_so):
        return self.until(lambda: self.call("HealthCheck"), is_so)

    @staticmethod
    def until(ask, is_so):
        """Calls @ask until @is_so is true of its result. Returns the result."""
        for _ in turns():
            got = ask()
            if is_so(got):
                return got
        raise AssertionError(f"the condition was never true of {got}")

    def standing(self, revision, *tasks):
        """Sets the standing tasks (id, WatchDirectory) of fsmond-1, waits until fsmond has applied or refused them, and returns
        their state."""
        self.json("call", "bus", "control.bus.standing.Set", json.dumps({
            "collector": "fsmond-1", "revision": revision,
            "set": [{"id": name, "operation": "watch", "payload": self.packed(watch)} for name, watch in tasks]}))
        return self.until(lambda: self.json("call", "bus", "control.bus.standing.Get", '{"collector": "fsmond-1"}')[0],
                          lambda state: not state["is_configuring"] or state["problem"])

    @staticmethod
    def packed(watch):
        """A WatchDirectory as bytes for JSON."""
        path, flat = watch
        return base64.b64encode(b"\x0a" + bytes([len(path)]) + path.encode() + (b"\x10\x01" if flat else b"")).decode()

    def submit(self, path, *words, operation="hash_file", **query):
        return self.start("task", "submit", operation, "--payload", json.dumps({"path": path, **query}), *words)

    def progress(self, name, is_so):
        """Waits until @is_so is true of the progress of a submitted task. Returns the progress."""
        self.until(lambda: self.json("tasks"), lambda tasks: any(one["id"] == name for one in tasks))
        return self.until(lambda: self.json("task", "show", name)[0]["progress"], lambda progress: progress and is_so(progress))

    def hashed(self, path, **query):
        return json.loads(finished(self.submit(path, **query)))

    def refused(self, path, **query):
        """The error of a task that fails."""
        process = self.submit(path, **query)
        _, error = process.communicate(timeout=PATIENCE_S)
        equal(process.returncode, 1, error)
        return error

    def watch_events(self):
        """Subscribes to the events. Returns a file with them."""
        out = tempfile.NamedTemporaryFile("w+", suffix=".json")
        process = self.start("subscribe", EVENTS, "--json", stdout=out)
        self.children.callback(end, process)
        self.until(lambda: self.json("subs"), lambda subs: any(one["pattern"] == EVENTS for one in subs))
        return out


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    process.wait(timeout=PATIENCE_S)


def stop(collector):
    """Stops the collector, which must end with status 0."""
    end(collector)
    equal(collector.returncode, 0, "the exit status of fsmond")


def events_of(file):
    with open(file.name, encoding="utf-8") as lines:
        return [json.loads(line)["payload"] for line in lines.read().splitlines(True) if line.endswith("\n")]


def wait_event(file, kind, path="", n=1):
    """The @n-th event of the kind and path."""
    for _ in turns():
        found = [one for one in events_of(file) if (one["kind"], one["path"]) == (kind, path)]
        if len(found) >= n:
            return found[n - 1]
    raise AssertionError(f"no event {kind} of {path}: {events_of(file)[-20:]}")


# --- events ---

@test("/integration/fsmond/M02-events-of-files")
def _(paths):
    with Bus(paths) as bus:
        old = bus.put("old", text="text")
        bus.collector()
        bus.coverage(lambda coverage: coverage["entries"] == "1")
        events = bus.watch_events()
        new = bus.put("new", text="text")
        created = wait_event(events, CREATED, new)
        equal((created["file"], created["found"]), ("FILE_KIND_REGULAR", False))
        changed = wait_event(events, CHANGED, new)
        equal((changed["size"], changed["complete"]), ("4", True))
        os.rename(new, bus.path("newer"))
        moved = wait_event(events, MOVED, new)
        equal((moved["moved_to"], moved["inode"]), (bus.path("newer"), created["inode"]))
        os.chmod(old, 0o640)
        wait_event(events, "FILE_EVENT_ATTRIBUTES", old)
        os.unlink(old)
        equal(wait_event(events, DELETED, old)["size"], "4")
        odd = os.fsencode(bus.dir) + b"/\xff\\"
        with open(odd, "wb"):
            pass
        wait_event(events, CREATED, bus.path("\\xff\\x5c"))
        equal([one for one in events_of(events) if one["found"]], [])


@test("/integration/fsmond/M02-deep-directories")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        events = bus.watch_events()
        deep = bus.path(*(str(i) for i in range(60)))
        os.makedirs(deep)
        first = os.path.join(deep, "first")
        with open(first, "w", encoding="utf-8"):
            pass
        wait_event(events, CREATED, first)
        bus.coverage(lambda coverage: coverage["watched"] == 61)
        second = os.path.join(deep, "second")
        with open(second, "w", encoding="utf-8"):
            pass
        equal(wait_event(events, CREATED, second)["found"], False)
        shutil.rmtree(bus.path("0"))
        wait_event(events, DELETED, first)
        wait_event(events, DELETED, bus.path("0"))
        bus.coverage(lambda coverage: (coverage["watched"], coverage["entries"]) == (1, "0"))
        names = [one["path"] for one in events_of(events) if one["kind"] == CREATED]
        equal(len(names), len(set(names)), "each file is reported once")


@test("/integration/fsmond/changes-without-notices")
def _(paths):
    with Bus(paths) as bus, tempfile.TemporaryDirectory(dir=os.path.dirname(bus.dir)) as outside:
        mapped, other = bus.put("mapped", text="x" * 4096), os.path.join(outside, "name")
        with open(other, "w", encoding="utf-8"):
            pass
        os.link(other, bus.path("link"))
        bus.collector()
        bus.coverage(lambda coverage: coverage["entries"] == "2")
        events = bus.watch_events()
        with open(mapped, "r+b") as file, mmap.mmap(file.fileno(), 4096) as memory:
            file.close()
            wait_event(events, CREATED, bus.put("opened"))
            memory[0:4] = b"text"
            memory.flush()
            with open(other, "a", encoding="utf-8") as link:
                link.write("text")
        for path in (mapped, bus.path("link")):
            with open(path, "ab"):
                pass
        wait_event(events, CREATED, bus.put("mark"))
        equal([one["path"] for one in events_of(events) if one["path"] in (mapped, bus.path("link"))], [],
              "these changes are not reported, even at close")
        equal(bus.hashed(mapped)["digest"], hashlib.sha256(b"text" + b"x" * 4092).hexdigest(), "a hash has the new content")


# --- coverage ---

@test("/integration/fsmond/M13-unwatched-directories-degrade-health")
def _(paths):
    with Bus(paths) as bus:
        for name in "abcd":
            os.mkdir(bus.path(name))
        bus.collector("--max-directories", "3", "--watch", bus.dir + "-x")
        coverage = bus.coverage(lambda coverage: coverage["wanted"] == 6)
        equal((coverage["watched"], coverage["limit"], len(coverage["failures"])), (3, 3, 3))
        holds(any("max-directories" in one["reason"] for one in coverage["failures"]), coverage)
        health = bus.health(lambda health: health["health"] == DEGRADED)
        holds("watching: 3 of 6 directories are watched" in health["detail"], health)
        (answer,) = bus.json("request", "control.collector.config.fsmond-1", '{"max_directories": 100}')
        equal(answer["id"], "fsmond-1")
        bus.coverage(lambda coverage: coverage["watched"] == 5)
        os.mkdir(bus.dir + "-x")
        try:
            bus.coverage(lambda coverage: coverage["watched"] == 6)
            bus.health(lambda health: health["health"] == HEALTHY)
        finally:
            os.rmdir(bus.dir + "-x")


@test("/integration/fsmond/M13-overflow-is-reported-and-repaired")
def _(paths):
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        limit = int(file.read())
    if limit > 100000:
        raise Skip("the queue of this system is too long to be filled")
    with Bus(paths) as bus:
        collector = bus.collector("--max-entries", "1000000")
        events = bus.watch_events()
        collector.send_signal(signal.SIGSTOP)
        for number in range(limit):
            bus.put(f"{number}")
            if number >= 10:
                os.unlink(bus.path(f"{number}"))
        collector.send_signal(signal.SIGCONT)
        bus.until(lambda: events_of(events), lambda found: any("overflowed" in one["detail"] for one in found))
        wait_event(events, LOST)
        bus.until(lambda: events_of(events), lambda found: [one["kind"] for one in found[-1:]] == [REPAIRED])
        known = set()
        for one in events_of(events):
            (known.add if one["kind"] == CREATED else known.discard)(one["path"])
        known.discard("")
        equal(known, {bus.path(f"{number}") for number in range(10)})
        coverage = bus.coverage(lambda coverage: not coverage["is_repairing"])
        holds(int(coverage["overflows"]) >= 1, coverage)
        bus.health(lambda health: health["health"] == HEALTHY)


# --- standing tasks ---

@test("/integration/fsmond/M28-watches-the-standing-tasks")
def _(paths):
    with Bus(paths) as bus:
        for name in ("a", "a/b", "c"):
            os.mkdir(bus.path(name))
        bus.collector(watch=False)
        equal(bus.call("Coverage")["wanted"], 0)
        state = bus.standing(1, ("one", (bus.path("a"), False)), ("two", (bus.path("c"), True)))
        equal((state["observed"], state["problem"]), ("1", ""))
        coverage = bus.coverage(lambda coverage: coverage["watched"] == 3)
        equal(sorted(coverage["roots"]), [bus.path("a") + "/", bus.path("c")])
        events = bus.watch_events()
        wait_event(events, CREATED, bus.put("a", "b", "file"))
        bus.standing(2, ("two", (bus.path("c"), True)))
        bus.coverage(lambda coverage: coverage["watched"] == 1)
        for revision, (path, reason) in enumerate((("relative", "absolute"), ("/a/../b", ".."), ("/a//b", "//")), 3):
            state = bus.standing(revision, ("two", (bus.path("c"), True)), ("bad", (path, False)))
            holds(state["problem"].startswith("bad: ") and reason in state["problem"], state)
        equal(bus.call("Coverage")["watched"], 1, "the previous set is still in force")


# --- tasks ---

@test("/integration/fsmond/M11-hashes-files")
def _(paths):
    with Bus(paths) as bus:
        path = bus.put("file", text="some text")
        bus.collector()
        for name in ("sha256", "sha512", "md5"):
            answer = bus.hashed(path, algorithm=name)
            equal((answer["algorithm"], answer["digest"]), (name, hashlib.new(name, b"some text").hexdigest()))
        equal(bus.hashed(path)["algorithm"], "sha256")


@test("/integration/fsmond/M18-refuses-forbidden-files")
def _(paths):
    with Bus(paths) as bus:
        bus.put("file")
        os.mkdir(bus.path("dir"))
        os.mkfifo(bus.path("fifo"))
        os.symlink("/etc/passwd", bus.path("link"))
        os.symlink("/etc", bus.path("etc"))
        bus.collector("--max-hash-bytes", "100")
        bus.put("large", text="x" * 101)
        for path, error in [("/etc/passwd", "NotAllowed"), (bus.path("..", "file"), "BadPath"), ("file", "BadPath"), ("", "BadPath"),
                            (bus.path("a\\x00b"), "BadPath"), (bus.path("a\\"), "BadPath"), (bus.dir + "x", "NotAllowed"),
                            (bus.path("link"), "SymbolicLink"), (bus.path("etc", "passwd"), "SymbolicLink"),
                            (bus.path("dir"), "NotRegular"), (bus.path("fifo"), "NotRegular"), (bus.path("none"), "NoSuchFile"),
                            (bus.path("large"), "TooLarge")]:
            holds(f": {error}: " in bus.refused(path), path)
        holds(": UnknownAlgorithm: " in bus.refused(bus.path("file"), algorithm="crc32"), "an unknown algorithm is refused")
        raw = bus.start("task", "submit", "hash_file", "--payload", "ff", "--hex")
        holds("BadRequest" in raw.communicate(timeout=PATIENCE_S)[1], "a payload that is not a query is refused")


@test("/integration/fsmond/M18-hash-anywhere-needs-the-option")
def _(paths):
    with Bus(paths) as bus, tempfile.NamedTemporaryFile() as file:
        bus.collector("--hash-anywhere")
        equal(bus.hashed(os.path.realpath(file.name))["size"], "0")


@test("/integration/fsmond/M11-progress-and-cancel-of-a-hash")
def _(paths):
    with Bus(paths) as bus:
        path = bus.put("sparse")
        os.truncate(path, SPARSE_BYTES)
        bus.collector("--max-hashes", "1")
        running = bus.submit(path, "--id", "large")
        progress = bus.progress("large", lambda progress: int(progress["done"]) > 0)
        equal(int(progress["total"]), SPARSE_BYTES)
        waiting = bus.submit(path, "--id", "waits")
        bus.progress("waits", lambda progress: progress["text"].startswith("waits"))
        for name, process in (("waits", waiting), ("large", running)):
            bus.ctl("task", "cancel", name)
            holds("cancelled" in process.communicate(timeout=PATIENCE_S)[1], name)
            (record,) = bus.json("task", "show", name)
            equal((record["state"], record["unconfirmed"]), ("TASK_CANCELLED", False), "fsmond has confirmed it")
        equal(bus.hashed(bus.put("small"))["size"], "0", "the next task is not blocked by the cancelled ones")


HOARDER = """
import os, sys, time
for _ in range(14):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
fd = os.open("file", os.O_CREAT | os.O_RDWR)
for _ in range(600):
    os.dup(fd)
print("ready", flush=True)
time.sleep(1000)
"""


@test("/integration/fsmond/M11-more-open-files-than-fit-are-counted")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        child = subprocess.Popen([sys.executable, "-c", HOARDER], cwd=bus.dir, stdout=subprocess.PIPE, text=True,
                                 preexec_fn=die_with_parent)
        bus.children.callback(child.kill)
        equal(child.stdout.readline(), "ready\n")
        answer = bus.call("OpenPathsOf", {"pid": child.pid})
        descriptors = [one for one in answer["paths"] if one["use"] == "OPEN_PATH_USE_DESCRIPTOR"]
        counted = len(descriptors) + answer["other_descriptors"] + answer["unreadable_descriptors"] + answer["left_out"]
        equal(counted, len(os.listdir(f"/proc/{child.pid}/fd")), "every descriptor is listed or counted")
        holds(answer["left_out"] > 0 and not answer["is_complete"], answer["left_out"])
        child.kill()
        child.wait()
        child.stdout.close()


@test("/integration/fsmond/M11-the-open-files-of-a-process")
def _(paths):
    with Bus(paths) as bus:
        path = bus.put("file")
        bus.collector()
        with open(path, "a", encoding="utf-8") as file, open(bus.put("gone"), encoding="utf-8") as gone:
            os.unlink(bus.path("gone"))
            child = subprocess.Popen(["sleep", "1000"], cwd=bus.dir, pass_fds=[file.fileno(), gone.fileno()],
                                     preexec_fn=die_with_parent)
            bus.children.callback(child.kill)
            for ask in (lambda: bus.call("OpenPathsOf", {"pid": child.pid}),
                        lambda: json.loads(finished(bus.start("task", "submit", "open_paths_of", "--payload",
                                                              json.dumps({"pid": child.pid})))),
                        lambda: json.loads(finished(bus.start("task", "submit", "describe_process", "--payload",
                                                              json.dumps({"pid": child.pid}))))):
                answer = ask()
                equal(answer["pid"], child.pid)
                holds(answer["is_complete"], answer)
                used = {one["use"]: one for one in answer["paths"] if one["use"] != "OPEN_PATH_USE_DESCRIPTOR"}
                equal(used["OPEN_PATH_USE_WORKING_DIRECTORY"]["path"], bus.dir)
                equal(used["OPEN_PATH_USE_ROOT"]["path"], "/")
                holds(os.path.samefile(used["OPEN_PATH_USE_EXECUTABLE"]["path"], shutil.which("sleep")), used)
                by_number = {one["descriptor"]: one for one in answer["paths"] if one["use"] == "OPEN_PATH_USE_DESCRIPTOR"}
                equal((by_number[file.fileno()]["path"], by_number[file.fileno()]["writable"]), (path, True))
                equal((by_number[gone.fileno()]["path"], by_number[gone.fileno()]["deleted"],
                       by_number[gone.fileno()]["writable"]), (bus.path("gone"), True, False))
        child.kill()
        child.wait()
        holds("NoSuchProcess" in bus.ctl("call", "fsmond-1", "OpenPathsOf", json.dumps({"pid": child.pid}), code=1),
              "the process has ended")
        equal(json.loads(finished(bus.start("task", "submit", "describe_process", "--payload",
                                            json.dumps({"pid": child.pid}))))["pid"], 0, "describe_process of an ended process is empty")


# --- the bus ---

@test("/integration/fsmond/M16-survives-a-restart-of-the-agent")
def _(paths):
    with Bus(paths) as bus:
        path = bus.put("file")
        bus.collector()
        bus.broker.kill()
        bus.put("meanwhile")
        bus.broker = Broker(paths[1], paths[2], at=bus.broker)
        bus.until(lambda: bus.json("collectors"), lambda found: [one["state"] for one in found] == ["MEMBER_READY"])
        events = bus.watch_events()
        wait_event(events, CREATED, bus.put("later"))
        equal(bus.hashed(path)["size"], "0")
        equal(bus.call("Coverage")["entries"], "3", "fsmond watched while no agent ran")


@test("/integration/fsmond/M23-describes-itself")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        text = bus.ctl("introspect", "fsmond-1")
        for name in ("Coverage", "OpenPathsOf", "Operations", EVENTS, "max-directories", "FileEvent"):
            holds(name in text, name)
        (collector,) = bus.json("collectors")
        equal({one["name"] for one in collector["operations"]}, {"hash_file", "open_paths_of", "describe_process"})


@test("/integration/fsmond/M18-refuses-a-bad-command-line")
def _(paths):
    for words, reason in ([["--watch", "relative"], "absolute"], [["--watch", "/a/../b"], ".."], [["--watch", "/a/"], "//"],
                          [["--max-directories", "0"], "--max-directories"], [["--max-hashes", "65"], "--max-hashes"]):
        ran = subprocess.run([paths[3], *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                             env={**os.environ, "LC_ALL": "C"})
        equal(ran.returncode, 2)
        holds(reason in ran.stderr, ran.stderr)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
