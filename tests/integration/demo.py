#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the demonstration of daemoneye-agent as a program would, and asserts what its result lines say."""
import json
import subprocess
import sys

COUNT = 0


def check(path, holds, why=""):
    global COUNT
    COUNT += 1
    print(("ok" if holds else "not ok"), COUNT, "/integration/demo/" + path)
    if not holds and why:
        print("#", why)


def numbers(value, path=""):
    """Every (path, number) in a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item, path + "[]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value


def main():
    run = subprocess.run([sys.argv[1], "--demo", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=240,
                         check=False)
    text = run.stdout.decode("utf-8")
    lines = []
    for line in text.splitlines():
        if line.strip():
            try:
                lines.append(json.loads(line))
            except ValueError:
                check("lines-are-json", False, line)
    print("# " + text.replace("\n", "\n# ")[:4000])
    check("M01-ends-with-0", run.returncode == 0, f"status {run.returncode}")
    check("lines-are-json-objects", bool(lines) and all(isinstance(line, dict) for line in lines))
    failed = [line for line in lines if line.get("ok") is False]
    check("M21-no-step-failed", not failed, json.dumps(failed))
    check("M02-names-both-collectors", all(name in text for name in ("procmond-1", "procmond-2")))
    print(f"1..{COUNT}")
    return 0


sys.exit(main())
