#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs netmond against sockets of the test: `netmond.py DEYEBUSCTL AGENT MODULE NETMOND`. Network namespaces and system calls are
changed only in child processes. Tests are skipped where the kernel does not list sockets."""
import contextlib
import ctypes
import grp
import json
import os
import platform
import socket
import struct
import subprocess
import sys
import tempfile

from broker import Broker, die_with_parent
from ctltool import PATIENCE_S, next_line
from netmondbus import (NETLINK_SOCK_DIAG, Bus, connection, cookies, end, events_of, listener, me, pages, port_of, sockets_of, wait_event,
                        with_kernel)
from tap import Skip, equal, holds, run, test

APPEARED, VANISHED, UNSEEN = ("SOCKET_EVENT_" + name for name in ("APPEARED", "VANISHED", "ENDED_UNSEEN"))
KNOWN, NONE, HIDDEN = ("SOCKET_OWNERSHIP_" + name for name in ("KNOWN", "NONE", "HIDDEN"))
LISTENING, ESTABLISHED, TIME_WAIT = ("SOCKET_STATE_" + name for name in ("LISTENING", "ESTABLISHED", "TIME_WAIT"))
TCP, UDP, UNIX = ("SOCKET_PROTOCOL_" + name for name in ("TCP", "UDP", "UNIX"))
NO_POLL = 600000
LIBC = ctypes.CDLL(None, use_errno=True)


# --- list_sockets ---

@with_kernel("/integration/netmond/M10-lists-sockets-with-their-owners")
def _(paths):
    with Bus(paths) as bus, listener() as one, connection(one), listener(socket.AF_INET6, "::1") as six:
        bus.collector()
        for table in (bus.task("list_sockets"), bus.call("ListSockets")):
            mine = sockets_of(table, port_of(one))
            equal(sorted(socket_["state"] for socket_ in mine), [ESTABLISHED, ESTABLISHED, LISTENING])
            (only,) = sockets_of(table, port_of(six))
            equal((only["family"], only["local_address"], only["state"]), ("SOCKET_FAMILY_IPV6", "::1", LISTENING))
            for socket_ in mine + [only]:
                equal((socket_["ownership"], socket_["owners"], socket_.get("more_owners", 0)), (KNOWN, [me()], 0))
                equal(socket_.get("uid", 0), os.getuid())
            equal(int(table["network_namespace"]), os.stat("/proc/self/ns/net").st_ino)
            holds(table["processes"] > 1, table["processes"])


@with_kernel("/integration/netmond/filters-sockets")
def _(paths):
    with Bus(paths) as bus, listener() as one, connection(one), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, \
            socket.socket(socket.AF_UNIX) as local:
        datagram.bind(("127.0.0.1", 0))
        local.bind("\0netmond-test-%d" % os.getpid())
        bus.collector()
        port = port_of(one)
        (only,) = bus.task("list_sockets", local_port=port, state=LISTENING)["sockets"]
        equal((only["local_port"], only["state"], only["protocol"]), (port, LISTENING, TCP))
        equal(len(bus.task("list_sockets", local_port=port, state=ESTABLISHED)["sockets"]), 1, "not the socket with this peer port")
        equal(bus.task("list_sockets", local_port=port, protocol=UDP).get("sockets", []), [])
        (only,) = bus.task("list_sockets", local_port=port_of(datagram), protocol=UDP)["sockets"]
        equal(only["state"], "SOCKET_STATE_UNCONNECTED")
        kinds = {one["protocol"] for one in bus.task("list_sockets")["sockets"]}
        equal(kinds, {TCP, UDP}, "Unix sockets are listed only on request")
        found = [one for table in pages(lambda cursor: bus.task("list_sockets", protocol=UNIX, cursor=cursor))
                 for one in table["sockets"] if one["local_address"] == "@netmond-test-%d" % os.getpid()]
        equal([(one["unix_type"], one["owners"]) for one in found], [(1, [me()])])
        (bare,) = bus.task("list_sockets", local_port=port, state=LISTENING, without_owners=True)["sockets"]
        equal((bare.get("ownership", "SOCKET_OWNERSHIP_UNSPECIFIED"), bare.get("owners", [])), ("SOCKET_OWNERSHIP_UNSPECIFIED", []))


@with_kernel("/integration/netmond/M11-pages-and-shards-have-each-socket-once")
def _(paths):
    with Bus(paths) as bus, contextlib.ExitStack() as many:
        ports = {port_of(many.enter_context(listener())) for _ in range(20)}
        bus.collector()

        def asked(**query):
            return pages(lambda cursor: bus.task("list_sockets", protocol=TCP, state=LISTENING, cursor=cursor, **query))

        whole = asked(limit=3)
        holds(len(whole) > 6 and all(len(table["sockets"]) <= 3 for table in whole), f"{len(whole)} pages")
        equal(sorted(set(cookies(whole))), cookies(whole), "the cookies are in order and unique")
        holds(ports <= {one["local_port"] for table in whole for one in table["sockets"]}, "every socket is listed")
        parts = [cookies(asked(shard=shard, shards=3)) for shard in range(3)]
        holds(all(cookie % 3 == shard for shard, part in enumerate(parts) for cookie in part), parts)
        holds(set(cookies(whole)) <= {cookie for part in parts for cookie in part}, "every socket is in a shard")


@with_kernel("/integration/netmond/every-process-with-a-socket-is-an-owner")
def _(paths):
    with Bus(paths) as bus, listener() as one, contextlib.ExitStack() as holders:
        for _ in range(10):
            child = subprocess.Popen(["sleep", "1000"], pass_fds=[one.fileno()], preexec_fn=die_with_parent)
            holders.callback(end, child)
        bus.collector()
        (only,) = bus.task("list_sockets", local_port=port_of(one))["sockets"]
        equal((len(only["owners"]), only["more_owners"]), (8, 3))
        pids = [owner["pid"] for owner in only["owners"]]
        equal(pids, sorted(pids))


@with_kernel("/integration/netmond/unaccepted-and-time-wait-sockets-have-no-owner")
def _(paths):
    with Bus(paths) as bus, listener() as one:
        bus.collector()
        with socket.create_connection(one.getsockname()) as client:
            (waiting,) = bus.task("list_sockets", local_port=port_of(one), state=ESTABLISHED)["sockets"]
            equal((waiting["ownership"], waiting.get("inode", 0), waiting["uid"]), (NONE, 0, 0xFFFFFFFF))
            (listening,) = bus.task("list_sockets", local_port=port_of(one), state=LISTENING)["sockets"]
            equal(listening["receive_queue"], 1, "one connection waits to be accepted")
            server, _ = one.accept()
            (accepted,) = bus.task("list_sockets", local_port=port_of(one), state=ESTABLISHED)["sockets"]
            equal((accepted["ownership"], accepted["owners"], accepted["cookie"]), (KNOWN, [me()], waiting["cookie"]))
            client_port = port_of(client)
        server.close()
        for _ in range(2000):
            remembered = bus.task("list_sockets", local_port=client_port)["sockets"]
            if remembered and remembered[0]["state"] == TIME_WAIT:
                break
        equal([(one["state"], one["ownership"]) for one in remembered], [(TIME_WAIT, NONE)])


# --- connections_of and describe_process ---

@with_kernel("/integration/netmond/M10-lists-the-sockets-of-a-process")
def _(paths):
    left, right = socket.socketpair()
    with Bus(paths) as bus, listener() as one, connection(one) as (client, _), left, right, \
            socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG):
        bus.collector()
        for table in (bus.task("connections_of", pid=os.getpid()), bus.call("ConnectionsOf", {"pid": os.getpid()}),
                      bus.task("connections_of", pid=os.getpid(), start_time=me()["start_time"]),
                      bus.task("describe_process", pid=os.getpid(), start_time=me()["start_time"])):
            equal(len(sockets_of(table, port_of(one))), 3)
            holds(all(socket_["owners"] == [me()] for socket_ in table["sockets"]), table)
            inodes = {socket_.get("inode", 0) for socket_ in table["sockets"]}
            holds({os.fstat(each.fileno()).st_ino for each in (one, client, left, right)} <= inodes, inodes)
            holds(table.get("other_sockets", 0) >= 1, "the netlink socket is counted, but not listed")
        paged = pages(lambda cursor: bus.task("connections_of", pid=os.getpid(), limit=2, cursor=cursor))
        equal(cookies(paged), cookies([bus.task("connections_of", pid=os.getpid())]))
        equal({table["other_sockets"] for table in paged}, {table["other_sockets"]}, "the number is the same on each page")


@with_kernel("/integration/netmond/ended-process-is-an-error-or-an-empty-description")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        with subprocess.Popen(["true"]) as child:
            child.wait()
        holds("NoSuchProcess" in bus.ctl("call", "netmond-1", "ConnectionsOf", json.dumps({"pid": child.pid}), code=1),
              "the process has ended")
        holds("OtherProcess" in bus.ctl("call", "netmond-1", "ConnectionsOf", json.dumps({"pid": os.getpid(), "start_time": 1}), code=1),
              "another one has its number")
        for query in ({"pid": child.pid}, {"pid": os.getpid(), "start_time": 1}, {}):
            equal(bus.task("describe_process", **query).get("sockets", []), [])
        ran = bus.submit("connections_of", pid=child.pid)
        holds("NoSuchProcess" in ran.communicate(timeout=PATIENCE_S)[1], "a task about an ended process fails")
        holds(ran.returncode != 0, "a task about an ended process fails")


@test("/integration/netmond/bad-query-is-an-error")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        for method, query, error in [("ConnectionsOf", {"pid": 0}, "BadPid"), ("ListSockets", {"protocol": 4}, "BadProtocol"),
                                     ("ListSockets", {"protocol": -1}, "BadProtocol"), ("ListSockets", {"state": 12}, "BadState"),
                                     ("ListSockets", {"local_port": 65536}, "BadPort"),
                                     ("ListSockets", {"shard": 2, "shards": 2}, "BadShard"),
                                     ("ListSockets", {"shards": 65537}, "BadShard")]:
            holds(error in bus.ctl("call", "netmond-1", method, json.dumps(query), code=1), (method, query))
        for method in ("ListSockets", "ConnectionsOf"):
            holds("BadRequest" in bus.ctl("call", "netmond-1", method, "\xff", "--raw", code=1),
                  "a payload that is not a message is refused")
        ran = bus.submit("list_sockets", protocol=7)
        holds("BadProtocol" in ran.communicate(timeout=PATIENCE_S)[1] and ran.returncode != 0, "a task with the bad protocol fails")


# --- events ---

@with_kernel("/integration/netmond/listeners-and-connections-appear-and-vanish")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        events = bus.watch()
        with listener() as one:
            port = port_of(one)
            appeared = wait_event(events, port, APPEARED)
            equal((appeared["state"], appeared["owners"], appeared["local_port"]), (LISTENING, [me()], port))
            with connection(one) as (client, _):
                wait_event(events, port, APPEARED, lambda one: one["local_port"] == port_of(client))
                accepted = wait_event(events, port, APPEARED, lambda one: one.get("peer_port", 0) == port_of(client))
                equal(accepted["state"], ESTABLISHED)
            wait_event(events, port, VANISHED, lambda one: one["cookie"] == accepted["cookie"])
        wait_event(events, port, VANISHED, lambda one: one["cookie"] == appeared["cookie"])
        kinds = [(kind, one["cookie"]) for kind, one in events_of(events, port)]
        equal(len(kinds), len(set(kinds)), "each event is published once")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.bind(("127.0.0.1", 0))
            port = port_of(datagram)
            equal(wait_event(events, port, APPEARED)["protocol"], UDP)
        wait_event(events, port, VANISHED)


@with_kernel("/integration/netmond/end-is-reported-without-notices")
def _(paths):
    with Bus(paths) as bus:
        bus.collector("--without-notices")
        events = bus.watch()
        with listener() as one:
            port = port_of(one)
            wait_event(events, port, APPEARED)
        wait_event(events, port, VANISHED)
        equal([kind for kind, _ in events_of(events, port)], [APPEARED, VANISHED])


def kernel_notifies():
    """True if the kernel notifies this process of sockets that end."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as link:
            link.setsockopt(270, 1, 1)  # SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, SKNLGRP_INET_TCP_DESTROY
            return True
    except OSError:
        return False


@with_kernel("/integration/netmond/a-connection-between-two-polls-is-reported-at-its-end")
def _(paths):
    if not kernel_notifies():
        raise Skip("the kernel gives no notices of sockets that end")
    with Bus(paths) as bus, listener() as one:
        bus.collector(interval=NO_POLL)
        events = bus.watch()
        with connection(one) as (client, _):
            client_port = port_of(client)
        bus.set_interval(20)
        unseen = wait_event(events, client_port, UNSEEN)
        equal((unseen["uid"], unseen.get("owners", [])), (0xFFFFFFFF, []), "the owner of the ended socket is not known")
        holds(all(kind == UNSEEN for kind, _ in events_of(events, client_port)), "no other event is about the socket")


@with_kernel("/integration/netmond/without-notices-a-connection-between-two-polls-is-missed")
def _(paths):
    with Bus(paths) as bus, listener() as one:
        bus.collector("--without-notices", interval=NO_POLL)
        events = bus.watch()
        with connection(one) as (client, _):
            client_port = port_of(client)
        bus.set_interval(20)
        with listener() as marker:
            wait_event(events, port_of(marker), APPEARED)
        equal(events_of(events, client_port), [])


@with_kernel("/integration/netmond/shards-publish-each-event-once")
def _(paths):
    with Bus(paths) as bus:
        bus.collector("--shard", "0/2")
        events = bus.watch()
        with contextlib.ExitStack() as many:
            ports = [port_of(many.enter_context(listener())) for _ in range(30)]
            listed = {one["local_port"]: int(one["cookie"]) for one in bus.task("list_sockets", protocol=TCP, state=LISTENING)["sockets"]}
            even = [port for port in ports if listed[port] % 2 == 0]
            for port in even:
                wait_event(events, port, APPEARED)
        holds(even, "some sockets are in the shard")
        equal([port for port in ports if port not in even and events_of(events, port)], [])


# --- bounds ---

@with_kernel("/integration/netmond/sockets-beyond-the-limit-are-counted")
def _(paths):
    with Bus(paths) as bus:
        first = bus.collector()
        there = len(cookies(pages(lambda cursor: bus.task("list_sockets", without_owners=True, cursor=cursor))))
        end(first)
        limit = there + 100  # other processes may use some of them
        bus.collector("--max-sockets", str(limit))
        with contextlib.ExitStack() as many:
            for _ in range(limit):
                many.enter_context(listener())
            detail = bus.detail(lambda detail: "are not watched" in detail)
            holds(f"more than {limit} at once" in detail, detail)
            tables = pages(lambda cursor: bus.task("list_sockets", without_owners=True, cursor=cursor))
            holds(tables[0]["beyond_limit"] > 0, "the answer counts the sockets beyond the limit")
        bus.detail(lambda detail: "are not watched" not in detail)


@with_kernel("/integration/netmond/M11-a-task-reports-progress-and-is-cancelled")
def _(paths):
    with Bus(paths) as bus:
        bus.collector("--pace", "300")
        process = bus.submit("list_sockets", "--id", "slow")
        for _ in range(2000):
            shown = bus.json("tasks")
            if [one["state"] for one in shown] == ["TASK_RUNNING"] and int(bus.json("task", "show", "slow")[0]["progress"]["done"]) > 5:
                break
        progress = bus.json("task", "show", "slow")[0]["progress"]
        holds(int(progress["done"]) < int(progress["total"]), progress)
        equal(bus.call("HealthCheck")["id"], "netmond-1", "netmond answers while the task runs")
        bus.ctl("task", "cancel", "slow")
        holds("cancelled" in process.communicate(timeout=PATIENCE_S)[1], "the submitter is notified of the cancel")
        (record,) = bus.json("task", "show", "slow")
        equal((record["state"], record["unconfirmed"]), ("TASK_CANCELLED", False), "netmond has confirmed it")


@test("/integration/netmond/takes-a-configuration")
def _(paths):
    with Bus(paths) as bus:
        bus.collector()
        topic = "control.collector.config.netmond-1"
        for refused in ({"interval_ms": 9}, {"interval_ms": 3600001}, {}):
            holds("Refused" in bus.ctl("request", topic, json.dumps(refused), code=1), refused)
        (answer,) = bus.json("request", topic, json.dumps({"interval_ms": 1234}))
        equal(answer["id"], "netmond-1")
        (value,) = [one["value"] for one in bus.call("GetProperties")["values"] if one["name"] == "interval-ms"]
        equal(value, {"natural": "1234"})


@test("/integration/netmond/refuses-a-bad-command-line")
def _(paths):
    for words, error in [(["--interval", "9"], "--interval"), (["--max-sockets", "15"], "--max-sockets"), (["--pace", "-1"], "--pace"),
                         (["--shard", "2/2"], "--shard"), (["--shard", "x"], "--shard"), (["--nonsense"], "nonsense")]:
        ran = subprocess.run([paths[3], *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                             env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
        equal((ran.returncode, ran.stdout), (2, ""), words)
        holds(error in ran.stderr, ran.stderr)


# --- connections that netmond does not see ---

NOBODY = 65534


def become_other_user():
    """Runs in a child: becomes another user."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    die_with_parent()


def other_user_can_run(program):
    try:
        ran = subprocess.run([program, "--version"], preexec_fn=become_other_user, stdout=subprocess.DEVNULL, check=False)
        return ran.returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


@with_kernel("/integration/netmond/M18-owners-of-others-are-hidden-without-privilege")
def _(paths):
    if os.getuid() != 0 or not other_user_can_run(paths[3]):
        raise Skip("needs root, and another user who may execute netmond")
    with Bus(paths, f"uids=0;{NOBODY}\ngroup={grp.getgrgid(NOBODY).gr_name}") as bus, listener() as one:
        os.chmod(bus.broker.dir, 0o711)
        collector = bus.collector(before=become_other_user)
        table = bus.task("list_sockets", local_port=port_of(one))
        (only,) = table["sockets"]
        equal((only["ownership"], only.get("owners", []), only.get("uid", 0)), (HIDDEN, [], 0))
        holds(0 < table["unreadable_processes"] < table["processes"], table)
        holds("Unreadable" in bus.ctl("call", "netmond-1", "ConnectionsOf", json.dumps({"pid": os.getpid()}), code=1),
              "sockets of another user are unreadable")
        described = bus.task("describe_process", pid=os.getpid())
        equal((described.get("sockets", []), described["unreadable_processes"]), ([], 1),
              "no socket is listed, and the unreadable process is counted")
        holds(bus.task("connections_of", pid=collector.pid)["sockets"], "netmond lists its own sockets")
        bus.detail(lambda detail: "processes can't be read" in detail)


def in_own_network():
    """Runs in a child: enters a network namespace of its own."""
    die_with_parent()
    if LIBC.unshare(0x40000000) != 0:
        os._exit(77)


def may_unshare():
    child = os.fork()
    if child == 0:
        in_own_network()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@with_kernel("/integration/netmond/lists-its-own-network-namespace-only")
def _(paths):
    if not may_unshare():
        raise Skip("needs the right to make a network namespace")
    with Bus(paths) as bus, listener() as one:
        bus.collector(before=in_own_network)
        table = bus.task("list_sockets")
        equal(sockets_of(table, port_of(one)), [])
        holds(int(table["network_namespace"]) != os.stat("/proc/self/ns/net").st_ino, "the table contains its network namespace")
        table = bus.task("connections_of", pid=os.getpid())
        equal(sockets_of(table, port_of(one)), [])
        holds(table["other_sockets"] >= 1, "the listener is counted")


def without_netlink():
    """Runs in a child: its system call socket() refuses netlink, like RestrictAddressFamilies=AF_UNIX of systemd."""
    die_with_parent()
    socket_call = {"x86_64": 41, "aarch64": 198}[platform.machine()]
    audit = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[platform.machine()]
    rules = [(0x20, 0, 0, 4), (0x15, 0, 5, audit), (0x20, 0, 0, 0), (0x15, 0, 3, socket_call), (0x20, 0, 0, 16),
             (0x15, 0, 1, socket.AF_NETLINK), (0x06, 0, 0, 0x00050000 | 97), (0x06, 0, 0, 0x7FFF0000)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    header = ctypes.create_string_buffer(struct.pack("HP", len(rules), ctypes.addressof(program)))
    if LIBC.prctl(38, 1, 0, 0, 0) != 0 or LIBC.prctl(22, 2, header, 0, 0) != 0:
        os._exit(77)


def may_filter():
    child = os.fork()
    if child == 0:
        without_netlink()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@test("/integration/netmond/M13-a-kernel-that-lists-no-sockets-degrades-the-health")
def _(paths):
    with open(paths[3], "rb") as program:
        wide = program.read(5)[4:] == b"\2"
    if platform.machine() not in ("x86_64", "aarch64") or not wide or not may_filter():
        raise Skip("needs a filter of system calls, of 64 bits")
    with Bus(paths) as bus:
        bus.collector(before=without_netlink)
        detail = bus.detail(lambda detail: "reading: " in detail)
        holds("the kernel does not list sockets" in detail and "notices: " in detail, detail)
        equal(bus.call("HealthCheck")["health"], "HEALTH_DEGRADED")
        holds("NoSockets" in bus.ctl("call", "netmond-1", "ListSockets", "{}", code=1),
              "the call fails instead of returning an empty table")


# --- the program ---

@test("/integration/netmond/waits-for-a-broker-and-stops")
def _(paths):
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen([paths[3], "--address", os.path.join(directory, "none")], stderr=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent, env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
        holds("connecting again" in next_line(process.stderr), "netmond reports that it waits for the broker")
        process.terminate()
        equal((process.communicate(timeout=PATIENCE_S)[1], process.returncode), ("", 0))


@with_kernel("/integration/netmond/M16-survives-a-restart-of-the-agent")
def _(paths):
    with Bus(paths) as bus:
        collector = bus.collector()
        events = bus.watch()
        with listener() as before:
            wait_event(events, port_of(before), APPEARED)
            bus.broker.kill()
            bus.broker = Broker(paths[1], paths[2], at=bus.broker)
            for _ in range(2000):
                if [one["state"] for one in bus.json("collectors")] == ["MEMBER_READY"] and bus.subscribers() > 0:
                    break
            equal(len(bus.task("list_sockets", local_port=port_of(before))["sockets"]), 1)
            with listener() as after:
                port = port_of(after)
                wait_event(events, port, APPEARED)
        wait_event(events, port, VANISHED)
        equal(collector.poll(), None, "netmond still runs")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
