#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a file as a C array: embed.py FILE OUTPUT SYMBOL."""
import sys


def main(source, output, symbol):
    with open(source, "rb") as file:
        data = file.read()
    lines = [", ".join(str(byte) for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
    with open(output, "w", encoding="ascii") as file:
        file.write('#include "wire-descriptors.h"\n\n')
        file.write(f"static const guint8 {symbol}_bytes[] = {{\n" + ",\n".join(lines) + "\n};\n\n")
        file.write(f"WireSpan\n{symbol} (void)\n{{\n  return wire_span ({symbol}_bytes, sizeof {symbol}_bytes);\n}}\n")


main(*sys.argv[1:])
