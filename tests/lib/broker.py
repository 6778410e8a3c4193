#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a real broker for a test. `broker.py AGENT MODULE PROGRAM...` runs a program with the address of a broker."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile


def die_with_parent():
    """Runs in a child: it ends when the test ends, even if the test is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Broker:
    """A daemoneye-agent that listens, in a directory of its own or in that of the killed broker `at`."""

    def __init__(self, agent, module, *arguments, stderr=None, environment=None, at=None):
        self.dir = at.dir if at else tempfile.mkdtemp(prefix="deye-test-")
        self.address = os.path.join(self.dir, "bus", "eventbus.sock")
        self.stopped = False
        ready, notify = os.pipe()
        self.process = subprocess.Popen([agent, "--address", self.address, "--module", module, "--ready-fd", str(notify),
                                         *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=stderr, pass_fds=[notify], preexec_fn=die_with_parent,
                                        env=dict(os.environ, **(environment or {})))
        os.close(notify)
        with os.fdopen(ready) as pipe:
            line = pipe.readline()
        if line.rstrip("\n") != self.address:
            self.end()
            raise RuntimeError("the broker does not listen")

    def stop(self):
        """Sends SIGTERM, at most once, and does not wait."""
        if not self.stopped:
            self.process.send_signal(signal.SIGTERM)
        self.stopped = True

    def kill(self):
        """Kills the broker. Its directory remains, for the next broker."""
        self.process.kill()
        self.process.wait(timeout=60)

    def end(self):
        """Stops the broker. Returns its exit status."""
        self.stop()
        status = self.process.wait(timeout=60)
        shutil.rmtree(self.dir, ignore_errors=True)
        return status


def main():
    broker = Broker(sys.argv[1], sys.argv[2])
    try:
        run = subprocess.run([*sys.argv[3:], broker.address], stdin=subprocess.DEVNULL, timeout=240, check=False)
    finally:
        ended = broker.end()
    return run.returncode or ended


if __name__ == "__main__":
    sys.exit(main())
