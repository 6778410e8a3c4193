#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deyebusctl ends in time, and with the right exit status: `limits.py DEYEBUSCTL AGENT MODULE DATA COMPLETIONS`."""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from broker import Broker
from ctltool import PATIENCE_S, Tool, next_line
from rawpeer import RawPeer, number, text
from tap import equal, holds, run_with, test

TOPIC = "control.collector.config.reload"
# A watchdog, not a measurement. The library would wait for 30 s.
WATCHDOG_S = 25
GOODBYE = 15
# Each verb, with arguments that are valid on any bus.
VERBS = [["status"], ["peers"], ["peer", "daemoneye-agent"], ["topics"], ["subs"], ["groups"], ["introspect"],
         ["introspect", "daemoneye-agent"], ["introspect", "bus", "--xml"], ["introspect", TOPIC], ["call", "bus", "ping"],
         ["call", "bus", "ping", "--raw"], ["request", "control.bus.ping"], ["request", "control.bus.ping", "--raw"],
         ["publish", TOPIC], ["publish", TOPIC, "x", "--raw"], ["publish", TOPIC, "{}"], ["broadcast", TOPIC],
         ["direct", "daemoneye-agent", TOPIC], ["subscribe", TOPIC, "--count", "1"], ["stats"], ["stats", "daemoneye-agent"],
         ["stats", "--subscriptions"], ["stats", "--groups"], ["stats", "--domains"], ["slow"]]


class Bus(Tool):
    """An agent without collectors, and the tool."""

    def __init__(self, ctl, agent, module, data, completions):
        self.make = lambda: Broker(agent, module)
        self.completions = completions
        self.broker = self.make()
        super().__init__(ctl, self.broker.address, data)

    def end(self):
        equal(self.broker.end(), 0)

    def ended(self, *words, code, env=None, **more):
        """Runs the tool, which must end within the time of the watchdog. Returns its standard error."""
        ran = subprocess.run([self.ctl_path, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=WATCHDOG_S, env={**self.env, **(env or {})}, check=False, **more)
        equal(ran.returncode, code, f"{words}: {ran.stdout} {ran.stderr}")
        return ran.stderr

    def wait_for(self, process):
        for _ in range(2000):
            holds(process.poll() is None, "deyebusctl has ended too early")
            if any(one["peer"] == f"deyebusctl-{process.pid}" and not one["methods"] for one in self.json("subs")):
                return
        raise AssertionError("it did not subscribe")

    def stopped_agent(self):
        return Stopped(self.broker.process)


class Stopped:
    """Suspends a process while the body runs. The process is stopped before the first line of the body."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)


# --- time ---

@test("/cli/time/suspended-agent-does-not-delay-verbs")
def _(bus):
    with bus.stopped_agent():
        for words in VERBS:
            printed = bus.ended("--timeout", "0.2", *words, code=5)
            holds("does not answer" in printed and "--timeout" in printed, f"{words}: {printed}")
        bus.ended("--timeout", "0.2", "version", code=0)
    bus.ctl("status")


@test("/cli/time/suspended-agent-does-not-delay-completion")
def _(bus):
    with bus.stopped_agent():
        for what in [["peers"], ["topics"], ["methods", "daemoneye-agent"]]:
            equal(bus.ended("complete-words", *what, code=0), "")
        script = f"""
          deyebusctl () {{ "{bus.ctl_path}" "$@"; }}
          . "{os.path.join(bus.completions, 'deyebusctl.bash')}"
          COMP_WORDS=(deyebusctl introspect '') COMP_CWORD=2
          _deyebusctl
        """
        subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, env=bus.env, timeout=WATCHDOG_S, check=True)


@test("/cli/time/agent-is-suspended-between-two-requests")
def _(bus):
    watcher = bus.start("subscribe", TOPIC)
    bus.wait_for(watcher)
    with bus.stopped_agent():
        watcher.send_signal(signal.SIGINT)
        equal(watcher.communicate(timeout=WATCHDOG_S), ("", ""))
        equal(watcher.returncode, 0, "Ctrl-C")
    watcher = bus.start("subscribe", TOPIC, "--wait", "4")
    bus.wait_for(watcher)
    with bus.stopped_agent():
        _, printed = watcher.communicate(timeout=WATCHDOG_S)
    equal(watcher.returncode, 6, printed)
    sender = subprocess.Popen([bus.ctl_path, "publish", TOPIC, "-", "--type", "daemoneye.eventbus.v1.ConfigReload", "-t", "4"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bus.env)
    sender.stdin.write("{}\n")
    sender.stdin.flush()
    holds("accepted" in next_line(sender.stdout), "the first message is sent")
    with bus.stopped_agent():
        _, printed = sender.communicate("{}\n", timeout=WATCHDOG_S)
    equal(sender.returncode, 5, printed)
    holds("Message 2: No report" in printed, printed)


@test("/cli/time/hanging-peers-cost-at-most-the-timeout")
def _(bus):
    peers = [RawPeer(bus.broker.address, f"hang-{i}", kind="diskmond") for i in range(2)]
    for words in [["stats", "hang-0"], ["call", "hang-0", "Ping", "--raw"], ["call", "hang-0", "Ping"], ["introspect", "hang-0"]]:
        bus.ended("-t", "0.2", *words, code=5)
    for words in [["introspect"], ["peer", "hang-0"]]:
        bus.ended("-t", "3", *words, code=0)
    for peer in peers:
        peer.close()


# --- numbers and other values ---

@test("/cli/options/numbers-out-of-range-are-refused")
def _(bus):
    words = ["0", "-1", "nan", "NaN", "inf", "-inf", "", " 1", "1 ", "1x", "0x10", "+1", "1e3", "99999999999999999999", "0.0", "."]
    for option in ["--timeout", "--wait", "--count", "--queue-messages", "--queue-bytes"]:
        for value in words + (["1e400", "1.2.3"] if option in ("--timeout", "--wait") else ["1.5", "0.5"]):
            printed = bus.ended("subscribe", TOPIC, option, value, code=2)
            holds(printed.startswith(f"deyebusctl: {option} must be a ") and printed.endswith(f'not "{value}"\n'), printed)
    for verb in VERBS + [["version"]]:
        for value in ["0", "nan", "-1", "301"]:
            for name in (["-t", value], ["-t" + value], ["--timeout=" + value]):
                holds("--timeout must be" in bus.ended(*verb, *name, code=2), verb)
                holds("--timeout must be" in bus.ended(*name, *verb, code=2), verb)
    for name in (["-n", "0"], ["-n0"], ["-w", "nan"], ["-wnan"]):
        bus.ended("subscribe", TOPIC, *name, code=2)
    # Numbers with leading zeros are decimal.
    watcher = bus.start("subscribe", TOPIC, "--count", "010")
    bus.wait_for(watcher)
    bus.ctl("publish", TOPIC, " ".join(["{}"] * 10), "--type", "daemoneye.eventbus.v1.ConfigReload")
    out, _ = watcher.communicate(timeout=PATIENCE_S)
    equal((watcher.returncode, len(out.splitlines())), (0, 10))


@test("/cli/options/empty-values-are-refused")
def _(bus):
    for words in [["--address", "", "status"], ["subscribe", TOPIC, "--group", ""], ["publish", TOPIC, "{}", "--type", ""]]:
        holds("must not be empty" in bus.ended(*words, code=2), words)
    holds("Unknown policy" in bus.ended("subscribe", TOPIC, "--policy", "", code=2), "policy")
    holds("Unknown framing" in bus.ended("subscribe", TOPIC, "--raw", "--framing", "", code=2), "framing")


@test("/cli/options/operands-behind-two-dashes")
def _(bus):
    watcher = bus.start("subscribe", TOPIC, "--count", "5", "--raw", "--framing", "newline")
    bus.wait_for(watcher)
    for words in [["publish", "--raw", TOPIC, "--", "-5"], ["publish", "--raw", "--", TOPIC, "-5"], ["--", "publish", "--raw", TOPIC, "--", "-5"],
                  ["publish", "--raw", TOPIC, "--", "--raw"], ["publish", "--raw", TOPIC, "--", "--"]]:
        bus.ctl(*words)
    out, _ = watcher.communicate(timeout=PATIENCE_S)
    equal(out.splitlines(), ["-5", "-5", "-5", "--raw", "--"])
    printed = bus.ctl("publish", TOPIC, "--type", "daemoneye.eventbus.v1.ConfigReload", "--", "-5", code=2)
    holds("expected an object, not -5" in printed, printed)
    bus.ctl("publish", "--raw", TOPIC, "-5", code=2)
    bus.ctl("peers", "--", "--json", code=2)


# --- raw ---

@test("/cli/raw/only-the-bytes-of-the-payload")
def _(bus):
    payloads = [b"a\nb", b"", b"\x00\xff\r\n", b"x" * 300]
    framed = {(): b"".join(payloads), ("--framing", "none"): b"".join(payloads),
              ("--framing", "newline"): b"".join(one + b"\n" for one in payloads),
              ("--framing", "nul"): b"".join(one + b"\0" for one in payloads),
              ("--framing", "length"): b"\x03a\nb\x00\x04\x00\xff\r\n\xac\x02" + payloads[3]}
    for options, wanted in framed.items():
        watcher = subprocess.Popen([bus.ctl_path, "subscribe", TOPIC, "--raw", "--count", str(len(payloads)), *options],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=bus.env)
        bus.wait_for(watcher)
        for one in payloads:
            subprocess.run([bus.ctl_path, "publish", TOPIC, "-", "--raw"], input=one, stdout=subprocess.DEVNULL, env=bus.env,
                           timeout=PATIENCE_S, check=True)
        out, _ = watcher.communicate(timeout=PATIENCE_S)
        equal((watcher.returncode, out), (0, wanted), options)
    bus.ctl("subscribe", TOPIC, "--framing", "nul", code=2)
    bus.ctl("subscribe", TOPIC, "--raw", "--framing", "lines", code=2)


# --- exit status ---

class FakeBroker:
    """Answers the first frame of each connection with the same bytes, and ends the connection."""

    def __init__(self, answer):
        self.dir = tempfile.TemporaryDirectory(prefix="deye-test-")
        self.address = os.path.join(self.dir.name, "eventbus.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address)
        os.chmod(self.address, 0o600)
        self.listener.listen(8)
        threading.Thread(target=self.serve, args=(answer,), daemon=True).start()

    def serve(self, answer):
        try:
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(4096)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.dir.cleanup()


def goodbye(status, detail):
    body = number(1, status) + text(2, detail)
    return struct.pack("<IBBH", len(body), GOODBYE, 0, 0) + body


@test("/cli/exit/3-no-broker")
def _(bus):
    answers = {"garbage": b"HTTP/1.1 400 Bad Request\r\n\r\n", "nothing": b"", "half a frame": b"\x00\x01",
               "version": goodbye(16, "1-1"), "shutting down": goodbye(42, ""), "limit": goodbye(23, "max-connections"),
               "protocol": goodbye(15, ""), "unknown reason": goodbye(99, "")}
    for name, answer in answers.items():
        with FakeBroker(answer) as fake:
            for words in VERBS if name == "garbage" else VERBS[:1] + [["subscribe", TOPIC], ["publish", TOPIC]]:
                printed = bus.ended("--address", fake.address, *words, code=3)
                holds(printed.startswith("deyebusctl: ") and printed.count("\n") == 1, f"{name} {words}: {printed}")
    with FakeBroker(goodbye(22, "tool-uids")) as fake:
        bus.ended("--address", fake.address, "status", code=4)
    bus.ended("--address", "/nonexistent/socket", "status", code=3)
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        bus.ended("--address", os.path.join(directory, "none"), "status", code=3)


def killed(broker):
    broker.process.kill()
    broker.process.wait(timeout=PATIENCE_S)


@test("/cli/exit/3-connection-is-lost")
def _(bus):
    for words in [["call", "hang", "Ping", "--raw"], ["stats", "hang"], ["introspect", "hang"],
                  ["request", "control.collector.task.procmond", "--raw"], ["direct", "hang", TOPIC, "--delivered"], ["introspect"],
                  ["peer", "hang"]]:
        broker = bus.make()
        env = {**bus.env, "DAEMONEYE_BROKER_SOCKET": broker.address}
        other = Tool(bus.ctl_path, broker.address, bus.data)
        seen = threading.Event()

        def hang(method, seen=seen):
            seen.set()
        peer = RawPeer(broker.address, "hang", answer=hang, subscriptions=[text(2, "control.collector.task.procmond") + number(6, 1),
                                                                         text(2, TOPIC)])
        process = subprocess.Popen([bus.ctl_path, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=env)
        if words[0] == "direct":
            for _ in range(2000):
                if any(row["peer"] == "hang" and row["unreturned_messages"] for row in other.json("stats", "--subscriptions")):
                    break
        else:
            holds(seen.wait(PATIENCE_S), f"{words}: the peer is asked")
        killed(broker)
        _, printed = process.communicate(timeout=WATCHDOG_S)
        equal(process.returncode, 3, f"{words}: {printed}")
        holds(printed.startswith("deyebusctl: "), printed)
        peer.socket.close()
        broker.end()


@test("/cli/exit/3-agent-is-killed-during-a-publish")
def _(bus):
    for words in [["publish", TOPIC, "x", "--raw"], ["broadcast", TOPIC, "x", "--raw"], ["publish", TOPIC, "-", "--raw"]]:
        broker = bus.make()
        env = {**bus.env, "DAEMONEYE_BROKER_SOCKET": broker.address}
        process = subprocess.Popen([bus.ctl_path, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=env)
        broker.process.send_signal(signal.SIGSTOP)
        process.stdin.close()
        killed(broker)
        process.stdin = None
        out, printed = process.communicate(timeout=WATCHDOG_S)
        # The request may have been handled before the agent was suspended.
        holds(process.returncode == 3 or (process.returncode == 6 and "accepted" in out), f"{words}: {process.returncode} {printed}")
        broker.end()
    sender = subprocess.Popen([bus.ctl_path, "publish", TOPIC, "-", "--type", "daemoneye.eventbus.v1.ConfigReload"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**bus.env, "DAEMONEYE_BROKER_SOCKET": (broker := bus.make()).address})
    sender.stdin.write("{}\n")
    sender.stdin.flush()
    holds("accepted" in next_line(sender.stdout), "the first message is sent")
    killed(broker)
    _, printed = sender.communicate("{}\n", timeout=WATCHDOG_S)
    equal(sender.returncode, 3, printed)
    broker.end()


@test("/cli/exit/other-codes-of-the-table")
def _(bus):
    peer = RawPeer(bus.broker.address, "raw", answer=lambda _: number(64, 50) + text(65, "no") + text(78, "org.example.No"))
    for words, code in [(["status"], 0), (["call", "raw", "Anything", "--raw"], 1), (["publish", TOPIC, "@/nonexistent"], 1),
                        (["dance"], 2), (["publish", TOPIC, "{", "--type", "daemoneye.eventbus.v1.ConfigReload"], 2),
                        (["publish", "not a topic"], 2), (["-a", "/nonexistent", "status"], 3), (["publish", "system.peer.gone"], 4),
                        (["subscribe", TOPIC, "--wait", "0.1"], 6), (["publish", TOPIC], 6), (["peer", "nobody"], 6),
                        (["request", "control.collector.task.nothing"], 6), (["direct", "nobody", TOPIC], 6)]:
        bus.ended(*words, code=code)
    peer.close()
    latin = os.fsdecode(b"\xe9")
    for words in [["subscribe", latin], ["subscribe", TOPIC, "--group", latin], ["subscribe", TOPIC, "--policy", latin], ["peer", latin],
                  ["subs", latin], ["topics", latin], ["slow", latin], ["introspect", "a." + latin], ["call", latin, "Ping"],
                  ["call", "bus", latin], ["direct", latin, TOPIC], ["publish", latin], ["request", latin], ["publish", TOPIC, "--type", latin]]:
        bus.ended(*words, code=2)
    bus.ended("publish", TOPIC, latin, "--raw", code=6)
    bus.ended("-a", latin, "status", code=3)
    watcher = bus.start("subscribe", TOPIC, "--count", "2", "--wait", "4")
    bus.wait_for(watcher)
    bus.ctl("publish", TOPIC)
    watcher.communicate(timeout=PATIENCE_S)
    equal(watcher.returncode, 5)


# --- output ---

@test("/cli/output/full-disk-is-a-failure-of-every-verb")
def _(bus):
    helper = bus.start("subscribe", TOPIC)  # so that published messages have a receiver
    bus.wait_for(helper)
    checked = set()
    for words in VERBS + [["version"], ["help"], ["help", "call"]]:
        for options in ([], ["--json"]) if words[0] != "help" else ([],):
            if words[0] == "subscribe":
                continue  # tested below
            command = [bus.ctl_path, *words, *options]
            shown = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=bus.env, timeout=WATCHDOG_S, check=False)
            if shown.returncode != 0 or not shown.stdout:
                continue  # it prints nothing on this bus
            checked.add(words[0])
            for script in ['exec "$@" >/dev/full', 'exec "$@" >&-']:
                ran = subprocess.run(["bash", "-c", script, "bash", *command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                     text=True, env=bus.env, timeout=WATCHDOG_S, check=False)
                holds(ran.returncode == 1 and "can't be written" in ran.stderr, f"{script} {words} {options}: {ran}")
    holds(checked >= {"status", "peers", "peer", "topics", "subs", "introspect", "call", "request", "publish", "broadcast", "stats",
                      "slow", "version", "help"}, checked)
    with open("/dev/full", "wb") as full:
        watcher = subprocess.Popen([bus.ctl_path, "subscribe", TOPIC], stdin=subprocess.DEVNULL, stdout=full,
                                   stderr=subprocess.PIPE, text=True, env=bus.env)
        bus.wait_for(watcher)
        bus.ctl("publish", TOPIC)
        _, printed = watcher.communicate(timeout=PATIENCE_S)
    equal(watcher.returncode, 1, printed)
    helper.terminate()
    helper.communicate(timeout=PATIENCE_S)


@test("/cli/output/failure-is-reported-after-the-reader-has-ended")
def _(bus):
    helper = bus.start("subscribe", TOPIC)
    bus.wait_for(helper)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        ran = subprocess.run([bus.ctl_path, "publish", TOPIC, "-", "--type", "daemoneye.eventbus.v1.ConfigReload"], input="{}\n{}\n{x}\n",
                             stdout=pipe, stderr=subprocess.PIPE, text=True, env=bus.env, timeout=PATIENCE_S, check=False)
        equal(ran.returncode, 2, ran.stderr)
        holds("Message 3: " in ran.stderr, ran.stderr)
    helper.terminate()
    helper.communicate(timeout=PATIENCE_S)


# --- messages in one read with the reply to the subscribe request ---


class Holding:
    """A relay to the broker. From the tool's subscribe request on, it holds the bytes of the broker until release()."""

    def __init__(self, address):
        self.directory = tempfile.TemporaryDirectory()
        self.address = os.path.join(self.directory.name, "holding.sock")
        self.listener, self.broker = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address)
        self.listener.listen(1)
        self.broker.connect(address)
        self.tool, self.held, self.subscribing, self.came = None, b"", False, threading.Condition()
        threading.Thread(target=self.forward, daemon=True).start()

    def forward(self):
        self.tool, _ = self.listener.accept()
        threading.Thread(target=self.answer, daemon=True).start()
        with contextlib.suppress(OSError):  # one side has ended
            while data := self.tool.recv(1 << 16):
                self.subscribing = self.subscribing or TOPIC.encode() in data
                self.broker.sendall(data)

    def answer(self):
        with contextlib.suppress(OSError):
            while data := self.broker.recv(1 << 16):
                with self.came:
                    if self.subscribing:
                        self.held += data
                        self.came.notify()
                    else:
                        self.tool.sendall(data)

    def release(self, until, more=b""):
        """Waits until the held bytes contain @until. Then sends them with @more in one piece."""
        with self.came:
            holds(self.came.wait_for(lambda: until in self.held, PATIENCE_S), self.held)
            self.subscribing = False
            self.tool.sendall(self.held + more)

    def close(self):
        for one in (self.tool, self.broker):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.directory.cleanup()


def held_watcher(bus, *options):
    """A subscriber that has received neither the reply to its request nor the message after it."""
    holding = Holding(bus.broker.address)
    watcher = bus.start("--address", holding.address, "subscribe", TOPIC, "--raw", *options)
    bus.wait_for(watcher)
    bus.ctl("publish", TOPIC, "first-message", "--raw")
    return holding, watcher


@test("/cli/subscribe/message-in-one-read-with-the-reply")
def _(bus):
    holding, watcher = held_watcher(bus, "--count", "1")
    holding.release(b"first-message")
    out, err = watcher.communicate(timeout=WATCHDOG_S)
    equal((watcher.returncode, out, err), (0, "first-message", ""))
    holding.close()


@test("/cli/subscribe/end-in-one-read-with-the-reply")
def _(bus):
    holding, watcher = held_watcher(bus)
    holding.release(b"first-message", more=struct.pack("<IBBH", 0, GOODBYE, 0, 0))
    out, _ = watcher.communicate(timeout=WATCHDOG_S)
    equal((watcher.returncode, out), (3, "first-message"))
    holding.close()


sys.exit(run_with(Bus))
