#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make-vectors.py PROTOC VECTORS OUTPUT.c PROTO...: encodes the messages of a file with protoc, for test-vectors.h.

Each line of VECTORS is "NAME TYPE TEXT", with TEXT in protobuf's text format. A line that starts with white space continues
the TEXT of the line before. Lines with the same NAME are parts of one message: their bytes are concatenated.

"NAME TYPE same-as OTHER HEX" contains the bytes; protoc must decode them to the same text as those of OTHER.
"""
import pathlib
import subprocess
import sys


def read(path):
    """[[name, type, text]...] of a file of vectors."""
    parts = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line[:1].isspace() and line.strip():
            parts[-1][2] += " " + line.strip()
        elif line and not line.startswith("#"):
            parts.append((line.split(" ", 2) + [""])[:3])
    return parts


class Protoc:
    """The program, with the files that define the types."""

    def __init__(self, program, protos):
        protos = [pathlib.Path(path) for path in protos]
        folders = sorted({str(path.parent) for path in protos})
        self.program = program
        self.files = [f"--proto_path={folder}" for folder in folders] + [path.name for path in protos]

    def _run(self, option, data):
        return subprocess.run([self.program, option, *self.files], input=data, stdout=subprocess.PIPE, check=True).stdout

    def encode(self, kind, text):
        return self._run(f"--encode={kind}", text.encode("utf-8"))

    def decode(self, kind, data):
        return self._run(f"--decode={kind}", data).decode("utf-8")


def given(protoc, kind, text, messages):
    """The bytes of a same-as line, which protoc must decode to the same text."""
    _, other, digits = text.split(" ")
    data = bytes.fromhex(digits)
    if protoc.decode(kind, data) != protoc.decode(kind, messages[other][1]):
        sys.exit(f"protoc does not decode {digits} to what {other} is")
    return data


def main():
    vectors, output = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    protoc = Protoc(sys.argv[1], sys.argv[4:])
    messages = {}
    for name, kind, text in read(vectors):
        data = given(protoc, kind, text, messages) if text.startswith("same-as ") else protoc.encode(kind, text)
        messages.setdefault(name, [kind, b""])[1] += data
    rows = [f'  {{ "{name}", "{kind}", {len(data)}, "' + "".join(f"\\x{byte:02x}" for byte in data) + '" },'
            for name, (kind, data) in messages.items()]
    output.write_text('#include "test-vectors.h"\n\nconst TestVector test_vectors[] = {\n' + "\n".join(rows)
                      + "\n  { NULL, NULL, 0, NULL },\n};\n", encoding="utf-8")


main()
