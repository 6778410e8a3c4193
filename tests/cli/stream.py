#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Publishes streams of messages from standard input: `stream.py DEYEBUSCTL AGENT MODULE DATA`."""
import json
import signal
import subprocess
import sys
import tempfile

from broker import Broker
from ctltool import PATIENCE_S, Tool, finished, next_line
from tap import equal, holds, run, test

TOPIC = "control.collector.config.reload"
STREAM = ("publish", TOPIC, "-", "--raw", "--framing")


def streams(bus, framing, data, *words, code=0):
    """Runs `publish` with @data on standard input. Returns both of its outputs."""
    ran = subprocess.run([bus.ctl_path, *STREAM, framing, *words], input=data, capture_output=True, timeout=PATIENCE_S,
                         env=bus.env, check=False)
    out, err = ran.stdout.decode(), ran.stderr.decode()
    equal(ran.returncode, code, f"{out} {err}")
    return out, err


def receives(bus, framing, count):
    """Starts a subscriber that prints the payloads with their framing, and ends after @count messages."""
    return bus.subscribed(TOPIC, "--raw", "--framing", framing, "--count", str(count))


def payloads_of(process):
    out = finished(process)
    return out.encode("utf-8", "surrogateescape")


def length_framed(*payloads):
    return b"".join((bytes([len(one)]) if len(one) < 128 else bytes([len(one) & 127 | 128, len(one) >> 7])) + one for one in payloads)


@test("/cli/stream/lines")
def _(bus):
    subscriber = receives(bus, "newline", 4)
    out, err = streams(bus, "newline", b"one\ntwo\n\nlast")
    equal((out, err), ("4 messages accepted, 0 of them without a receiver\n", ""))
    equal(payloads_of(subscriber), b"one\ntwo\n\nlast\n")


@test("/cli/stream/any-bytes")
def _(bus):
    every = bytes(i for i in range(1, 256) if i != 13)  # Python reads a carriage return as a newline
    records = [every, b"", b"\n\n", b"\xff\xfe"]
    subscriber = receives(bus, "nul", 4)
    streams(bus, "nul", b"\0".join(records) + b"\0")
    equal(payloads_of(subscriber), b"\0".join(records) + b"\0")
    data = length_framed(every, b"", b"\0\n", b"x" * 1000)
    subscriber = receives(bus, "length", 4)
    equal(streams(bus, "length", data, "--json")[0], '{"accepted":4,"unmatched":0}\n')
    equal(payloads_of(subscriber), data)


@test("/cli/stream/many-in-order")
def _(bus):
    data = b"".join(b"line %d\n" % i for i in range(20000))
    subscriber = bus.subscribed(TOPIC, "--raw", "--framing", "newline", "--count", "20000", "--policy", "block")
    with tempfile.TemporaryFile() as lines:
        lines.write(data)
        lines.seek(0)
        publisher = subprocess.Popen([bus.ctl_path, *STREAM, "newline", "--json"], stdin=lines, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, env=bus.env)
    bus.started.append(publisher)
    holds(payloads_of(subscriber) == data, "all, in order")
    equal(json.loads(finished(publisher)), {"accepted": 20000, "unmatched": 0})


@test("/cli/stream/line-is-published-when-it-is-read")
def _(bus):
    subscriber = receives(bus, "newline", 3)
    publisher = subprocess.Popen([bus.ctl_path, *STREAM, "newline"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, env=bus.env)
    bus.started.append(publisher)
    for line in ("one\n", "two\n", "three\n"):
        publisher.stdin.write(line)
        publisher.stdin.flush()
        equal(next_line(subscriber.stdout), line)
    equal(finished(publisher), "3 messages accepted, 0 of them without a receiver\n")
    finished(subscriber)


@test("/cli/stream/slow-receiver-blocks-the-publisher")
def _(bus):
    data = b"".join(b"line %d\n" % i for i in range(5000))
    subscriber = bus.subscribed(TOPIC, "--raw", "--framing", "newline", "--count", "5000", "--policy", "block", "--queue-messages", "10")
    subscriber.send_signal(signal.SIGSTOP)
    publisher = subprocess.Popen([bus.ctl_path, *STREAM, "newline"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=bus.env)
    bus.started.append(publisher)
    for _ in range(2000):
        if any(row["peer"].startswith("deyebusctl") for row in bus.json("slow")):
            break
    holds(publisher.poll() is None, "publish does not wait")
    subscriber.send_signal(signal.SIGCONT)
    out, err = publisher.communicate(data, timeout=PATIENCE_S)
    equal((publisher.returncode, err), (0, b""))
    equal(out, b"5000 messages accepted, 0 of them without a receiver\n")
    holds(payloads_of(subscriber) == data, "all, in order")


@test("/cli/stream/no-subscriber")
def _(bus):
    out, err = streams(bus, "newline", b"one\ntwo\n", code=6)
    equal(out, "2 messages accepted, 2 of them without a receiver\n")
    equal(err, f"deyebusctl: No peer subscribes to {TOPIC}: `deyebusctl subs` lists the subscriptions\n")


@test("/cli/stream/empty-input")
def _(bus):
    equal(streams(bus, "newline", b""), ("0 messages accepted, 0 of them without a receiver\n", ""))


@test("/cli/stream/number-of-a-refused-message")
def _(bus):
    out, err = streams(bus, "newline", b"one\ntwo\n" + b"x" * (2 << 20) + b"\nfour\n", "--json", code=1)
    holds(err.startswith("deyebusctl: Message 3: "), err)
    holds(json.loads(out)["accepted"] in (2, 3), out)
    out, err = streams(bus, "length", length_framed(b"one") + b"\x05abc", code=2)
    holds(err.startswith("deyebusctl: Message 2: ") and "in the middle of a payload" in err, err)
    equal(out, "1 messages accepted, 1 of them without a receiver\n")
    _, err = streams(bus, "length", b"\xff\xff\xff\xff\xff\xff", code=2)
    holds(err.startswith("deyebusctl: Message 1: "), err)


@test("/cli/stream/interrupted-by-a-signal")
def _(bus):
    for number in (signal.SIGINT, signal.SIGTERM):
        subscriber = receives(bus, "newline", 1)
        publisher = subprocess.Popen([bus.ctl_path, *STREAM, "newline"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, env=bus.env)
        bus.started.append(publisher)
        publisher.stdin.write("one\n")
        publisher.stdin.flush()
        finished(subscriber)
        publisher.send_signal(number)
        publisher.wait(timeout=PATIENCE_S)
        equal(publisher.returncode, 1)
        equal(publisher.stdout.read(), "1 messages accepted, 0 of them without a receiver\n")
        equal(publisher.stderr.read(), "deyebusctl: Stopped before the end of the input, after 1 messages\n")


@test("/cli/stream/wrong-options")
def _(bus):
    for words, message in [((TOPIC, "-", "--framing", "newline"), "--framing needs --raw"),
                        ((TOPIC, "--raw", "--framing", "newline"), "--framing needs an input"),
                        ((*STREAM[1:], "newline", "--confirm"), "Give only one of --confirm and --framing")]:
        err = bus.ctl("publish", *words, code=2)
        holds(message in err, err)


def main():
    ctl, agent, module, data = sys.argv[1:]
    broker = Broker(agent, module)
    try:
        status = run(Tool(ctl, broker.address, data))
    finally:
        ended = broker.end()
    return status or ended


sys.exit(main())
