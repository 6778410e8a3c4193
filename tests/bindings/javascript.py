#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scripts in JavaScript with a real broker: `javascript.py GJS AGENT MODULE`. A critical ends a script."""
import os
import subprocess
import sys

from broker import Broker
from tap import equal, run, test

PATIENCE_S = 120
HERE = os.path.dirname(os.path.abspath(__file__))
GJS, AGENT, MODULE = sys.argv[1:]


def gjs(script, *words):
    return subprocess.run([GJS, os.path.join(HERE, script), *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)


def finishes(script, *words):
    """Runs a script. The last line of its output says that it has finished, or which step it had begun."""
    ran = gjs(script, *words)
    last = ran.stdout.splitlines()[-1:]
    equal((ran.returncode, last), (0, ["done"]), ran.stderr)


@test("/bindings/javascript/mistakes-are-thrown")
def _(broker):
    finishes("mistakes.js", broker.address)


@test("/bindings/javascript/last-messages")
def _(broker):
    finishes("last.js", broker.address, str(broker.process.pid))


@test("/bindings/javascript/bulk")
def _(broker):
    finishes("bulk.js", broker.address)


@test("/bindings/javascript/patterns")
def _(broker):
    finishes("patterns.js", broker.address)


@test("/bindings/javascript/M12-one-question-to-many")
def _(broker):
    finishes("gather.js", broker.address)


def add_walk(line):
    kind = line.split()

    @test(f"/bindings/javascript/walk/{'/'.join(kind)}")
    def _(broker):
        finishes("walk.js", broker.address, *kind)


def main():
    for line in gjs("walk.js").stdout.splitlines():
        add_walk(line)
    broker = Broker(AGENT, MODULE)
    try:
        status = run(broker)
    finally:
        ended = broker.end()
    return status or ended


sys.exit(main())
