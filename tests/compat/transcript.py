# SPDX-License-Identifier: Apache-2.0
"""Transcripts of connections between a broker and a client of an older version, recorded frame by frame.

A file holds several named connections, each a list of frames in the order in which they passed a relay: `C` from the client, `B`
from the broker. Frames of one direction keep their order; frames of both directions are ordered as the relay saw them. Recorder
makes them, FakeBroker plays the broker's part to a client of this version, and play_client() plays the client's part to a broker
of this version.

Frames of credit and of the heartbeat depend on the speed of both sides. They are recorded, but not compared."""
import os
import select
import socket
import struct
import tempfile
import threading

from tap import equal, holds

PATIENCE_S = 60
HEADER = struct.Struct("<IBBH")
NAMES = {1: "HELLO", 2: "WELCOME", 3: "PUBLISH", 4: "DELIVER", 5: "REQUEST", 6: "REPLY", 7: "DELIVERED", 8: "ACK", 9: "ERROR",
         10: "CREDIT", 11: "GAP", 12: "CANCEL", 13: "PING", 14: "PONG", 15: "GOODBYE"}
PACED = ("CREDIT", "PING", "PONG")
FIELD_ID, FIELD_TOPIC, FIELD_ROUTE, FIELD_PAYLOAD, FIELD_GIVEN_ROUTE, FIELD_CHANNELS, FIELD_ANSWERS = 1, 2, 4, 15, 33, 35, 38
HELLO_ID = 4
SUBSCRIBE = b"control.bus.subscribe"
SUBSCRIBE_CHANNEL, SUBSCRIBE_PATTERN = 1, 2
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """The fields of a protobuf message, in order: (number, wire type, value)."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = read_varint(data, at)
        else:
            length = {FIXED64: 8, FIXED32: 4}.get(kind)
            if length is None:
                length, at = read_varint(data, at)
            value, at = data[at:at + length], at + length
        yield number, kind, value


def written(items):
    out = bytearray()
    for number, kind, value in items:
        out += varint(number << 3 | kind)
        if kind == VARINT:
            out += varint(value)
        else:
            out += (varint(len(value)) if kind == BYTES else b"") + value
    return bytes(out)


def packed(numbers):
    return b"".join(map(varint, numbers))


def unpacked(data):
    at = 0
    while at < len(data):
        number, at = read_varint(data, at)
        yield number


class Frame:
    """A frame in bytes; @side is "C" or "B"."""

    def __init__(self, side, data):
        self.side, self.data = side, bytes(data)
        self.kind = NAMES[data[4]]

    def body(self):
        return self.data[HEADER.size:]

    def numbers(self):
        """The numbers of its fields."""
        return {number for number, _, _ in fields(self.body())}

    def value(self, wanted):
        return next((value for number, _, value in fields(self.body()) if number == wanted), None)

    def renumbered(self, wanted, numbers, channels=None):
        """The bytes of the same frame, with another number in field @wanted if @numbers has one for it, and in each of its
        channels if @channels has one."""
        return self.changed({wanted: lambda value: numbers.get(value, value),
                             FIELD_CHANNELS: lambda value: packed((channels or {}).get(one, one) for one in unpacked(value))})

    def changed(self, changes):
        """The bytes of the same frame; @changes has functions for the values of fields."""
        body = written((number, kind, changes.get(number, lambda same: same)(value)) for number, kind, value in fields(self.body()))
        return HEADER.pack(len(body), *self.data[4:6], 0) + body

    def subscribe(self):
        """Channel and pattern if it is a request to subscribe."""
        if self.side != "C" or self.kind != "REQUEST" or self.value(FIELD_TOPIC) != SUBSCRIBE:
            return None
        request = {number: value for number, _, value in fields(self.value(FIELD_PAYLOAD))}
        return request[SUBSCRIBE_CHANNEL], request[SUBSCRIBE_PATTERN]


class Reader:
    """Frames from a stream of bytes."""

    def __init__(self, side):
        self.side, self.rest = side, b""

    def feed(self, data):
        self.rest += data
        while len(self.rest) >= HEADER.size:
            end = HEADER.size + HEADER.unpack_from(self.rest)[0]
            if len(self.rest) < end:
                return
            frame, self.rest = self.rest[:end], self.rest[end:]
            yield Frame(self.side, frame)


def load(path):
    """Connections by name, each a list of frames."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if line.startswith("# "):
                continue
            if words and words[0] == "connection":
                found[words[1]] = frames = []
            elif words:
                frames.append(Frame(words[0], bytes.fromhex(words[2])))
    return found


def save(path, heading, connections):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"# {heading}\n# Side (C client, B broker), kind, frame in hex.\n")
        for name, frames in connections.items():
            file.write(f"\nconnection {name}\n")
            for frame in frames:
                file.write(f"{frame.side} {frame.kind} {frame.data.hex()}\n")


class Listener:
    """A socket in a directory of its own that accepts one connection and serves it in a thread."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="deye-compat-")
        self.address = os.path.join(self.dir.name, "eventbus.sock")
        self.frames, self.fault = [], None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address)
        os.chmod(self.dir.name, 0o700)
        self.listener.listen(1)
        self.listener.settimeout(PATIENCE_S)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            client, _ = self.listener.accept()
            with client:
                client.settimeout(PATIENCE_S)
                self.serve(client)
        except (OSError, AssertionError) as error:
            self.fault = error

    def serve(self, client):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join(PATIENCE_S)
        self.listener.close()
        self.dir.cleanup()

    def end(self):
        """Waits for the end of the connection. Returns all frames."""
        self.thread.join(PATIENCE_S)
        holds(not self.thread.is_alive(), "the connection has not ended")
        if self.fault is not None:
            raise self.fault
        return self.frames


class Recorder(Listener):
    """A relay to the broker at @address that records both directions."""

    def __init__(self, address):
        self.broker = address
        super().__init__()

    def serve(self, client):
        with socket.socket(socket.AF_UNIX) as broker:
            broker.connect(self.broker)
            sides = {client: (broker, Reader("C")), broker: (client, Reader("B"))}
            while True:
                for source in select.select(list(sides), [], [], PATIENCE_S)[0]:
                    target, reader = sides[source]
                    data = source.recv(65536)
                    if not data:
                        return
                    self.frames += reader.feed(data)
                    target.sendall(data)


class FakeBroker(Listener):
    """Plays the broker's part of a recorded connection: it sends each frame after the same frame of the client as in the
    recording. A client that sends another kind of frame than the recorded one is at fault.

    Subscriptions may come in another order than they were recorded, and others may come between them: a newer client has more
    topics. The broker accepts these as it accepted the recorded ones.

    `played` is set after the last frame of the recording, when the client has also published @published messages."""

    def __init__(self, recorded, published=0):
        self.recorded = [frame for frame in recorded if frame.kind not in PACED]
        self.accepted = {ask.subscribe()[1]: (ask, answer) for ask, answer in zip(self.recorded, self.recorded[1:]) if ask.subscribe()}
        self.ids, self.channels, self.subscribed = {}, {}, set()
        self.names = None  # of the recorded client, and of this one
        self.published = published
        self.played = threading.Event()
        super().__init__()

    def serve(self, client):
        reader, waiting = Reader("C"), []
        accepts = {id(answer) for _, answer in self.accepted.values()}
        for frame in self.recorded:
            if id(frame) in accepts:
                continue
            if frame.side == "B":
                client.sendall(frame.renumbered(FIELD_ANSWERS, self.ids, self.channels))
                continue
            if frame.kind == "GOODBYE":
                break
            if not self._await_frame(frame, client, reader, waiting):
                return
        while [frame.kind for frame in self.frames].count("PUBLISH") < self.published:
            if not self._receive(client, reader, waiting):
                return
        self.played.set()
        while self._receive(client, reader, waiting):
            waiting.clear()

    def _receive(self, client, reader, waiting):
        """Returns False if the client has closed the connection."""
        data = client.recv(65536)
        if not data:
            return False
        new = list(reader.feed(data))
        self.frames += new
        for frame in new:
            if frame.subscribe() and self.accepted:
                self._accept(frame, client)
            elif frame.kind not in PACED:
                waiting.append(frame)
        return True

    def _accept(self, request, client):
        channel, pattern = request.subscribe()
        pattern = pattern.replace(self.names[1], self.names[0])
        ask, answer = self.accepted.get(pattern) or next(iter(self.accepted.values()))
        change = {FIELD_ANSWERS: lambda _: request.value(FIELD_ID)}
        if pattern in self.accepted:
            self.channels[ask.subscribe()[0]] = channel
            self.ids[ask.value(FIELD_ID)] = request.value(FIELD_ID)
        else:
            number = 1000 + len(self.subscribed)
            change[FIELD_PAYLOAD] = lambda payload: written((field, kind, number if field == 1 else value)
                                                           for field, kind, value in fields(payload))
        self.subscribed.add(pattern)
        client.sendall(answer.changed(change))

    def _await_frame(self, recorded, client, reader, waiting):
        """Returns False if the client has closed the connection."""
        pattern = recorded.subscribe() and recorded.subscribe()[1]
        while pattern not in self.subscribed if pattern else not waiting:
            if not self._receive(client, reader, waiting):
                return False
        if pattern:
            return True
        received = waiting.pop(0)
        equal(received.kind, recorded.kind, f"the client's frame number {len(self.frames)}")
        if received.kind == "HELLO":
            self.names = recorded.value(HELLO_ID), received.value(HELLO_ID)
        elif recorded.value(FIELD_ID) is not None:
            self.ids[recorded.value(FIELD_ID)] = received.value(FIELD_ID)
        return True


def play_client(address, recorded, provoke=None):
    """Plays the client's part of a recorded connection to the broker at @address: each frame is sent when the broker has sent
    as many frames as it had in the recording. @provoke is called before the first DELIVER or REQUEST: it makes another client send
    the message that the broker then delivers. Returns pairs of frames of the broker: recorded, and received."""
    pairs, reader, waiting, routes = [], Reader("B"), [], {}
    with socket.socket(socket.AF_UNIX) as broker:
        broker.settimeout(PATIENCE_S)
        broker.connect(address)
        for frame in recorded:
            if frame.kind == "GOODBYE":
                break
            if frame.side == "C":
                broker.sendall(frame.renumbered(FIELD_ROUTE, routes) if frame.kind == "REPLY" else frame.data)
                continue
            if frame.kind in PACED:
                continue
            if provoke and frame.kind in ("DELIVER", "REQUEST"):
                provoke()
                provoke = None
            while not waiting:
                data = broker.recv(65536)
                holds(data, f"the broker closed instead of sending {frame.kind}")
                waiting += [one for one in reader.feed(data) if one.kind not in PACED]
            received = waiting.pop(0)
            pairs.append((frame, received))
            if frame.kind == "REQUEST" == received.kind:
                routes[frame.value(FIELD_GIVEN_ROUTE)] = received.value(FIELD_GIVEN_ROUTE)
    return pairs
