#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The capabilities in the systemd units suffice, and each of them is needed.

units.py DATA AGENT MODULE DEYEBUSCTL PROCMOND NETMOND FSMOND

Each program runs with the capabilities that its unit grants, and then again without one of them.
"""
import contextlib
import ctypes
import errno
import grp
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from broker import Broker, die_with_parent
from tap import Skip, equal, holds, run, test

PATIENCE_S = 60
OTHER_UID = 65534
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin")  # the other user can execute it
PIDFD_GETFD = 438
CAPABILITIES = {"chown": 0, "dac_read_search": 2, "net_admin": 12, "sys_ptrace": 19}  # in the units; capabilities(7)
QUEUE_BYTES = 4 << 20  # what procmond and netmond request


def granted(data, unit):
    """The capabilities of a unit, such as {"chown"}."""
    with open(os.path.join(data, f"{unit}.service.in"), encoding="utf-8") as file:
        lines = re.findall(r"^CapabilityBoundingSet=(.*)$", file.read(), re.M)
    equal(len(lines), 1)
    return {name.removeprefix("CAP_").lower() for name in lines[0].split()}


def own_capabilities():
    """The numbers of the capabilities that this process may pass on."""
    with open("/proc/self/status", encoding="ascii") as file:
        bounding = int(re.search(r"^CapBnd:\s*(\w+)$", file.read(), re.M)[1], 16)
    return {number for number in range(bounding.bit_length()) if bounding >> number & 1}


def need_root(*programs):
    """A container can withhold capabilities, also from root."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        raise Skip("needs root and setpriv")
    if not set(CAPABILITIES.values()) <= own_capabilities():
        raise Skip(f"needs {', '.join(sorted(CAPABILITIES))}")
    for program in programs:
        if subprocess.run([*limited(set()), program, "--version"], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False).returncode != 0:
            raise Skip(f"{program} can't be executed without capabilities")


def limited(capabilities):
    """The words before a command that has at most these capabilities."""
    return ["setpriv", "--inh-caps=-all", "--bounding-set=" + ",".join(["-all"] + [f"+{name}" for name in sorted(capabilities)])]


def check_each(capabilities, works, not_shown=frozenset()):
    """@works: a function of a set of capabilities; it returns whether the program could do everything. @not_shown: capabilities that
    are not needed on this machine."""
    holds(works(capabilities), f"{capabilities} suffice")
    for one in sorted(capabilities - not_shown):
        holds(not works(capabilities - {one}), f"{one} is needed")


@contextlib.contextmanager
def collector(paths, program, capabilities, *options):
    """A running collector with at most these capabilities. Yields its process, and a function that calls a method of it."""
    broker = Broker(paths.agent, paths.module, stderr=subprocess.DEVNULL)
    ready, notify = os.pipe()
    child = subprocess.Popen([*limited(capabilities), program, "--address", broker.address, "--id", "it", "--ready-fd", str(notify),
                              *options], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[notify],
                             preexec_fn=die_with_parent)
    os.close(notify)

    def call(method, query):
        ran = subprocess.run([paths.ctl, "-a", broker.address, "call", "it", method, json.dumps(query)], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return json.loads(ran.stdout) if ran.returncode == 0 else None

    try:
        with os.fdopen(ready) as notice:
            holds(notice.readline(), "the collector is ready")
        yield child, call
    finally:
        child.kill()
        child.wait()
        broker.end()


@contextlib.contextmanager
def stranger(*command, **options):
    """A process of another user."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent, user=OTHER_UID, group=OTHER_UID,
                             extra_groups=[], **options)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def has_large_queue(child):
    """TRUE: the kernel has granted a netlink socket of the process the whole queue. It reports twice the size."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    pidfd = os.pidfd_open(child.pid)
    largest = None
    for name in os.listdir(f"/proc/{child.pid}/fd"):
        fd = call(PIDFD_GETFD, pidfd, int(name), 0)
        if fd < 0 and ctypes.get_errno() in (errno.ENOSYS, errno.EPERM):
            raise Skip("needs pidfd_getfd(2)")
        if fd < 0:
            continue
        if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
            with socket.socket(fileno=fd) as one:
                if one.family == socket.AF_NETLINK:
                    largest = max(largest or 0, one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        else:
            os.close(fd)
    os.close(pidfd)
    if largest is None:
        raise Skip("the kernel reports nothing to this collector, as in a network namespace")
    return largest >= 2 * QUEUE_BYTES


def queue_needs():
    """The capability that the queue needs here: none if net.core.rmem_max allows the whole queue to everybody."""
    try:
        with open("/proc/sys/net/core/rmem_max", encoding="ascii") as file:
            return set() if int(file.read()) >= QUEUE_BYTES else {"net_admin"}
    except FileNotFoundError as error:
        raise Skip("needs net.core.rmem_max") from error


@test("/integration/units/agent")
def agent(paths):
    need_root(paths.agent)
    other = next((one for one in grp.getgrall() if one.gr_gid not in (0, *os.getgroups())), None)
    if other is None:
        raise Skip("needs another group")
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "config")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[socket]\ngroup={other.gr_name}\n")
        script = os.path.join(directory, "agent")

        def works(capabilities):
            with open(script, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\nexec {' '.join(limited(capabilities))} {paths.agent} \"$@\"\n")
            os.chmod(script, 0o700)
            try:
                broker = Broker(script, paths.module, "--config", config, stderr=subprocess.DEVNULL)
            except RuntimeError:
                return False
            group = os.stat(broker.address).st_gid
            broker.end()
            return group == other.gr_gid

        check_each(granted(paths.data, "daemoneye-agent"), works)


@test("/integration/units/procmond")
def procmond(paths):
    need_root(paths.agent, paths.procmond)
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        private = os.path.join(directory, "private")
        # The name ends like that of a deleted file, so procmond must follow the path, through a directory of the other user.
        program = os.path.join(private, "sleep (deleted)")
        os.mkdir(private)
        shutil.copy(shutil.which("sleep"), program)
        os.chown(private, OTHER_UID, OTHER_UID)
        os.chmod(private, 0o700)

        def works(capabilities):
            with stranger("sleep", "1000", executable=program) as child, collector(paths, paths.procmond, capabilities) as (one, call):
                rows = [row for row in call("ListProcesses", {"name": "sleep (deleted)"})["processes"] if row["pid"] == child.pid]
                return bool(rows) and rows[0]["unknown_fields"] == 0 and rows[0]["exe"] == program and has_large_queue(one)

        check_each(granted(paths.data, "daemoneye-procmond"), works, {"net_admin"} - queue_needs())


LISTENER = """
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(1000)
"""


@test("/integration/units/netmond")
def netmond(paths):
    need_root(paths.agent, paths.netmond)
    if PYTHON is None:
        raise Skip("needs a python3 for all users")

    def works(capabilities):
        with stranger(PYTHON, "-c", LISTENER, stdout=subprocess.PIPE, text=True) as child:
            port = int(child.stdout.readline())
            with collector(paths, paths.netmond, capabilities) as (one, call):
                (row,) = call("ListSockets", {"local_port": port})["sockets"]
                child.stdout.close()
                return row["ownership"] == "SOCKET_OWNERSHIP_KNOWN" and has_large_queue(one)

    check_each(granted(paths.data, "daemoneye-netmond"), works, {"net_admin"} - queue_needs())


@test("/integration/units/fsmond")
def fsmond(paths):
    need_root(paths.agent, paths.fsmond)
    with tempfile.TemporaryDirectory() as made:
        directory = os.path.realpath(made)
        os.chown(directory, OTHER_UID, OTHER_UID)

        def works(capabilities):
            with stranger("sleep", "1000", cwd="/") as child, \
                 collector(paths, paths.fsmond, capabilities, "--watch", directory) as (_, call):
                return not call("Coverage", {})["failures"] and call("OpenPathsOf", {"pid": child.pid})["is_complete"]

        check_each(granted(paths.data, "daemoneye-fsmond"), works)


class Paths:
    def __init__(self, data, *programs):
        self.data = data
        self.agent, self.module, self.ctl, self.procmond, self.netmond, self.fsmond = programs


sys.exit(run(Paths(*sys.argv[1:])))
