# SPDX-License-Identifier: Apache-2.0
"""Child processes that exchange lines with the harness, and their CPU time and memory as the kernel reports them. Every wait has a
timeout; each process is ended by its pid."""
import ctypes
import glob
import json
import os
import select
import signal
import subprocess
import tempfile
import time


WATCH_S = 0.5  # between two checks of the other processes


class Failure(Exception):
    """A measurement has failed."""


def die_with_parent():
    """Runs in the child: the kernel kills it when the harness ends, also when the harness is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A child. Its standard error is kept for the message of a failure."""

    def __init__(self, words, environment=None, others=()):
        """@others: processes that this one depends on. If one of them has failed, waiting for this one fails, too."""
        self.words, self.others = [str(word) for word in words], others
        self.errors = tempfile.TemporaryFile("w+")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0,
            preexec_fn=die_with_parent, env=dict(os.environ, **(environment or {})))
        self.pid = self.process.pid
        self.buffer = b""

    def line(self, timeout_s):
        end = time.monotonic() + timeout_s
        while b"\n" not in self.buffer:
            if not select.select([self.process.stdout], [], [], WATCH_S)[0]:
                self.check_others()
                if time.monotonic() > end:
                    raise Failure(f"no answer within {timeout_s} s from {self.why()}")
                continue
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                raise Failure(f"ended: {self.why()}")
            self.buffer += got
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()

    def check_others(self):
        for other in self.others:
            if other.process.poll():
                raise Failure(f"ended: {other.why()}")

    def expect(self, word, timeout_s=60):
        """Waits for a line that begins with @word, and returns its other words."""
        while True:
            words = self.line(timeout_s).split(" ")
            if words[0] == word:
                return words[1:]

    def result(self, timeout_s=120):
        """Waits for the next line with a JSON object, and returns the object."""
        while True:
            line = self.line(timeout_s)
            if line.startswith("{"):
                return json.loads(line)

    def send(self, *words):
        try:
            self.process.stdin.write((" ".join(str(word) for word in words) + "\n").encode())
        except BrokenPipeError as problem:
            raise Failure(f"ended: {self.why()}") from problem

    def ask(self, answer, *words):
        self.send(*words)
        return self.expect(answer)

    def signal(self, number):
        self.process.send_signal(number)

    def why(self):
        self.errors.seek(0)
        return f"{os.path.basename(self.words[0])} {self.words[1] if len(self.words) > 1 else ''}: {self.errors.read()[-300:].strip()}"

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            file.close()


def cpu_s(pid):
    """CPU seconds of all threads, to the nanosecond."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path, encoding="ascii") as file:
                total += int(file.read().split()[0])
        except OSError:
            pass  # a thread that has ended
    return total / 1e9


def memory_kib(pid, name="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0
