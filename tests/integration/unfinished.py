#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unfinished frames do not cause drops of the messages of other peers: `unfinished.py DEYEBUSCTL AGENT MODULE`.

60 connections of one process each send a frame of 1 MiB without its last byte, and again when they are disconnected."""
import grp
import json
import os
import subprocess
import sys
import tempfile
import threading

from broker import Broker, die_with_parent
from rawpeer import ERROR, PUBLISH, RawPeer, number, read, text
from tap import Skip, equal, holds, run, test

DELIVER, CREDIT, GAP, GOODBYE = 4, 10, 11, 15
CONNECTIONS, FRAME, WINDOW, BATCH = 60, 1 << 20, 100, 1000
UID_BYTES = 12 << 20
STRANGER = 65534
LIMIT_STATUS = 23
PATIENCE_S = 60


# --- the process with unfinished frames ---

class Holder(RawPeer):
    """A peer that records the reason of its disconnect. It sends nothing after an unfinished frame, not even PONG, because the
    broker would read that as a part of the frame."""

    def __init__(self, *arguments):
        self.gone, self.ends, self.has_begun, self.sending = threading.Event(), [], False, threading.Lock()
        super().__init__(*arguments)

    def send(self, kind, flags, body):
        with self.sending:
            if not self.has_begun:
                super().send(kind, flags, body)

    def next(self):
        try:
            frame = super().next()
        except (EOFError, OSError):
            self.gone.set()
            raise
        if frame[0] in (ERROR, GOODBYE):
            self.ends.append((frame[0], {field: values[0] for field, values in read(frame[2]).items()}))
        return frame

    def begin(self):
        """Sends a frame without its last byte."""
        payload = number(1, 1 << 40) + text(2, "events.process.metadata") + text(15, b"x" * (FRAME - 64))
        with self.sending:
            self.has_begun = True
            self.socket.sendall(len(payload).to_bytes(4, "little") + bytes([PUBLISH, 0, 0, 0]) + payload[:-1])


def output(holder):
    """True if it got the reason of its disconnect: ERROR with LIMIT and the setting, then GOODBYE."""
    statuses = [fields.get(64 if kind == ERROR else 1) for kind, fields in holder.ends]
    settings = [fields.get(69) for kind, fields in holder.ends if kind == ERROR]
    return statuses == [LIMIT_STATUS, LIMIT_STATUS] and settings[0] in (b"uid_bytes", b"broker_bytes")


def renew(address, holders, at):
    holder = holders.get(at)
    if holder is not None and not holder.gone.is_set():
        return
    holders[at] = Holder(address, f"holder-{at}")
    try:
        holders[at].begin()
    except OSError:
        pass  # it was disconnected before the end of the frame


def hold(address, uid):
    """For each line of standard input, lets all connections hold an unfinished frame. Prints the number of disconnects so far, and
    the number of those with a reason."""
    if uid != os.getuid():
        os.setgroups([])
        os.setgid(STRANGER)
        os.setuid(uid)
    holders, disconnected, informed = {}, 0, 0
    for _ in sys.stdin:
        for at in range(CONNECTIONS):
            if at in holders and holders[at].gone.is_set():
                disconnected += 1
                informed += output(holders[at])
            renew(address, holders, at)
        print(disconnected, informed, flush=True)


# --- other peers ---

class Subscriber(RawPeer):
    """A subscriber that receives one window of messages, and returns credit only after receives() was called."""

    def __init__(self, address, peer):
        self.received, self.bytes, self.gaps, self.done = 0, 0, 0, threading.Event()
        self.goes_on, self.wanted = False, None
        subscription = text(2, "events.process.lifecycle") + number(4, WINDOW) + number(8, 2)
        super().__init__(address, peer, subscriptions=[subscription])

    def serve(self):
        try:
            while True:
                kind, _, body = self.next()
                self.gaps += kind == GAP
                if kind != DELIVER:
                    continue
                self.received += 1
                self.bytes += len(read(body)[15][0])
                if self.goes_on:
                    self.credit()
                if self.received == self.wanted:
                    self.done.set()
        except (EOFError, OSError):
            pass

    def credit(self):
        self.send(CREDIT, 0, number(73, 2) + number(71, WINDOW + self.received) + number(72, (4 << 20) + self.bytes))

    def receives(self, wanted):
        self.wanted, self.goes_on = wanted, True
        self.credit()
        holds(self.done.wait(PATIENCE_S), f"received {self.received} of {wanted}")
        equal(self.gaps, 0)


class Bus:
    """A broker with small limits, the process with unfinished frames, a publisher and a subscriber."""

    def __init__(self, ctl, agent, module, uid, broker_bytes):
        self.ctl = ctl
        # The queue of the subscriber may stay large, and frames may stay unfinished, for as long as the test takes.
        settings = (f"[limits]\nuid-bytes={UID_BYTES}\nbroker-bytes={broker_bytes}\nqueue-soft-timeout-us=300000000\n"
                    "frame-timeout-us=300000000\n")
        if uid != os.getuid():
            settings += f"[socket]\ngroup={grp.getgrgid(STRANGER).gr_name}\nuids={os.getuid()};{uid}\n"
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            conf.write(settings)
            conf.flush()
            self.broker = Broker(agent, module, "--config", conf.name)
        os.chmod(self.broker.dir, 0o711)
        self.holder = subprocess.Popen([sys.executable, __file__, "--hold", self.broker.address, str(uid)], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self.subscriber = Subscriber(self.broker.address, "subscriber")
        self.publisher = RawPeer(self.broker.address, "publisher")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()
        self.subscriber.close()
        self.publisher.close()
        equal(self.broker.end(), 0)

    def hold(self):
        self.holder.stdin.write("\n")
        self.holder.stdin.flush()
        return [int(word) for word in self.holder.stdout.readline().split()]

    def publish(self, n):
        for _ in range(n):
            self.publisher.publish("events.process.lifecycle", b"y" * 1000, "")
        # The answer shows that everything before it was routed.
        self.ctl_json("status")

    def ctl_json(self, *words):
        ran = subprocess.run([self.ctl, *words, "--json", "--address", self.broker.address], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def charged(self, uid):
        return sum(int(peer["charged_bytes"]) for peer in self.ctl_json("stats") if peer["uid"] == uid)

    def check_charges(self, uid):
        """Publishes while all connections hold frames. Checks the bytes that the uid is charged."""
        most = 0
        for _ in range(3):
            disconnected, informed = self.hold()
            self.publish(BATCH)
            most = max(most, self.charged(uid))
        holds(most <= UID_BYTES, f"the uid held {most} bytes")
        self.subscriber.receives(3 * BATCH)
        holds(disconnected > 0, "a connection was disconnected")
        equal(informed, disconnected, "every disconnected peer got the reason")
        self.holder.kill()
        self.holder.wait()
        for _ in range(2000):
            if len(self.ctl_json("stats")) == 4:
                break
        holds(self.charged(uid) < FRAME, "the bytes of the killed process are freed")


@test("/integration/unfinished/R04-F07-same-uid")
def _same_uid(*paths):
    with Bus(*paths, os.getuid(), 48 << 20) as bus:
        bus.check_charges(os.getuid())


@test("/integration/unfinished/R04-F07-foreign-uid")
def _foreign_uid(*paths):
    if os.getuid() != 0:
        raise Skip("only root can start a process of another user")
    with Bus(*paths, STRANGER, 13 << 20) as bus:
        bus.check_charges(STRANGER)


if __name__ == "__main__":
    if sys.argv[1] == "--hold":
        hold(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(run(*sys.argv[1:]))
