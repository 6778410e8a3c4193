# SPDX-License-Identifier: Apache-2.0
"""Runs deyebusctl for a test and compares its output."""
import json
import os
import re
import select
import subprocess
import time

from tap import equal, holds

PATIENCE_S = 60


class Tool:
    """deyebusctl for the broker at @address. @data: the folder of the files of golden()."""

    def __init__(self, ctl, address, data):
        self.ctl_path, self.data = ctl, data
        self.env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "NO_COLOR": "", "G_DEBUG": "fatal-warnings",
                    "DAEMONEYE_BROKER_SOCKET": address}
        self.env.pop("COLUMNS", None)
        self.started = []

    def ctl(self, *words, stdin=None, code=0, env=None):
        """Standard output (code 0) or the error (another code); the other one must be empty."""
        ran = subprocess.run([self.ctl_path, *words], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=PATIENCE_S, env={**self.env, **(env or {})}, check=False)
        equal(ran.returncode, code, f"deyebusctl {' '.join(words)}: {ran.stdout} {ran.stderr}")
        if code == 0:
            equal(ran.stderr, "")
            return ran.stdout
        holds(ran.stderr.startswith("deyebusctl: ") and ran.stderr.count("\n") == 1, f"one line: {ran.stderr}")
        return ran.stderr

    def json(self, *words, **more):
        return [json.loads(line) for line in self.ctl(*words, "--json", **more).splitlines()]

    def words(self, *what, wanted):
        """The words that a shell can complete. @wanted: as for completed()."""
        return completed(lambda *what: self.ctl("complete-words", *what).split(), *what, wanted=wanted)

    def start(self, *words, stdout=subprocess.PIPE):
        process = subprocess.Popen([self.ctl_path, *words], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                                   text=True, errors="surrogateescape", env=self.env)
        self.started = [*(one for one in self.started if one.poll() is None), process]
        return process

    def tidy(self):
        """Ends the programs that a failed test has started, so that the next test does not find their peers and subscriptions."""
        for process in self.started:
            process.kill()
            process.wait()
        self.started = []

    def subscribed(self, *words):
        """Starts `deyebusctl subscribe`, and waits until the broker has the subscription."""
        before = {(s["peer"], s["subscription"]) for s in self.json("subs")}
        process = self.start("subscribe", *words)
        for _ in range(2000):
            holds(process.poll() is None, "subscribe has ended")
            for one in self.json("subs"):
                if (one["peer"], one["subscription"]) not in before and one["pattern"] in words:
                    return process
        raise AssertionError("deyebusctl did not subscribe")


def turns():
    """The turns of a loop that waits for a condition. Between them it leaves the CPU to the programs that make the condition true."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        yield
        os.sched_yield()


def completed(complete, *words, wanted):
    """Completes until the result contains @wanted. A completion waits only a second for answers, and then prints less."""
    for _ in turns():
        found = complete(*words)
        if set(wanted) <= set(found):
            return found
    raise AssertionError(f"{words}: {found} lacks one of {wanted}")


def next_line(pipe):
    """A line, with a timeout. It reads no byte behind the line: select() would not see a line that Python has read already."""
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], PATIENCE_S)
        holds(ready, f"deyebusctl printed no line in time: {line}")
        byte = os.read(pipe.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.decode("utf-8", "surrogateescape")


def finished(process, code=0):
    out, err = process.communicate(timeout=PATIENCE_S)
    equal(process.returncode, code, err)
    return out


def plain(text):
    """A table without the parts that differ from run to run: numbers, sizes, dates, durations, the width of columns."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", text)
    text = re.sub(r"\d+(\.\d+)? (s|min|h|d)( \d+ (s|min|h))?( ago)?\b", "TIME", text)
    text = re.sub(r"deyebusctl-\d+", "deyebusctl-PID", text)
    text = re.sub(r"\b\d+(\.\d+)?[KMG]\b", "SIZE", text)
    text = re.sub(r"(?<![\w.-])\d+(?![\w.-])", "N", text)
    return re.sub(r" {2,}", "  ", text)


def golden(bus, name, text):
    """Compares the text with tests/data/cli/NAME.txt. With GOLDEN=write in the environment it writes the file, to be reviewed."""
    path = os.path.join(bus.data, name + ".txt")
    if os.environ.get("GOLDEN") == "write":
        with open(path, "w", encoding="utf-8") as file:
            file.write(plain(text))
    with open(path, encoding="utf-8") as file:
        equal(plain(text), file.read(), name)
