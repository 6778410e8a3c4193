# SPDX-License-Identifier: Apache-2.0
"""A peer that encodes its frames itself, for tests with hostile peers. It uses no code of the product."""
import socket
import struct
import threading

HELLO, WELCOME, PUBLISH, REQUEST, REPLY, ERROR, PING, PONG = 1, 2, 3, 5, 6, 9, 13, 14
FINAL = 4


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def text(field, value):
    """A string, bytes or packed message as a protobuf field."""
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def number(field, value):
    return varint(field << 3) + varint(value)


def read(data):
    """The fields of a packed message: {number: [values]}."""
    fields, at = {}, 0

    def take():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = take()
        if key & 7 == 0:
            value = take()
        else:
            size = take() if key & 7 == 2 else 8 if key & 7 == 1 else 4
            value = data[at:at + size]
            at += size
        fields.setdefault(key >> 3, []).append(value)
    return fields


class RawPeer:
    """A collector. @answer(method) returns the fields of a REPLY, or None for no answer.

    @subscriptions: fields of SubscribeRequest after the number. Credit for them is never returned."""

    def __init__(self, address, peer, kind="procmond", version="raw", answer=None, subscriptions=()):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(address)
        self.lock, self.rest, self.last, self.answer = threading.Lock(), b"", 0, answer
        self.send(HELLO, 0, b"\x0dDEYB" + number(2, 1 << 16) + number(3, 1 << 16) + text(4, peer) + text(5, kind)
                  + number(6, 1) + b"\x39" + struct.pack("<Q", 7) + number(8, 1) + text(10, version))
        kind_, _, body = self.next()
        assert kind_ == WELCOME, body
        self.call("control.bus.subscribe", number(1, 1) + text(2, "control.collector." + peer) + number(6, 1) + number(7, 1))
        for place, fields in enumerate(subscriptions):
            self.call("control.bus.subscribe", number(1, 2 + place) + fields)
        self.socket.settimeout(None)
        threading.Thread(target=self.serve, daemon=True).start()

    def send(self, kind, flags, body):
        with self.lock:
            self.socket.sendall(struct.pack("<IBBH", len(body), kind, flags, 0) + body)

    def next(self):
        while len(self.rest) < 8 or len(self.rest) < 8 + struct.unpack("<I", self.rest[:4])[0]:
            more = self.socket.recv(1 << 20)
            if not more:
                raise EOFError
            self.rest += more
        size, kind, flags, _ = struct.unpack("<IBBH", self.rest[:8])
        body, self.rest = self.rest[8:8 + size], self.rest[8 + size:]
        return kind, flags, body

    def call(self, topic, payload):
        self.last += 2
        self.send(REQUEST, 0, number(1, self.last) + text(2, topic) + text(15, payload))
        while True:
            kind, _, body = self.next()
            if kind in (REPLY, ERROR):
                fields = read(body)
                assert kind == REPLY and 64 not in fields, fields
                return fields

    def publish(self, topic, payload, type_name):
        self.last += 2
        self.send(PUBLISH, 0, number(1, self.last | 1) + text(2, topic) + text(6, type_name) + text(15, payload))

    def serve(self):
        try:
            while True:
                kind, _, body = self.next()
                if kind == PING:
                    self.send(PONG, 0, body)
                if kind != REQUEST or self.answer is None:
                    continue
                fields = read(body)
                reply = self.answer(fields.get(5, [b""])[0].decode())
                if reply is not None:
                    self.send(REPLY, FINAL, number(4, fields[36][0]) + reply)
        except (EOFError, OSError):
            pass

    def close(self):
        # close() alone is not enough: the reading thread would keep the connection open.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
