# SPDX-License-Identifier: Apache-2.0
"""The peers: how each broker is started, and which program of tests/bench/peers is its client.

Queue and buffer limits are off or far above the sent amount, so that a broker has no reason to drop a message.
"""
import collections
import os
import re
import shutil
import socket
import subprocess
import time

from processes import Failure, Process

Started = collections.namedtuple("Started", "address process pid")

CONF_NATS = """
listen: "127.0.0.1:{port}"
max_payload: 8388608
max_pending: 8589934592
write_deadline: "60s"
"""
CONF_MOSQUITTO = """
listener 0 {dir}/s
allow_anonymous true
user {user}
persistence false
log_dest none
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
"""
CONF_DBUS = """<busconfig><type>session</type>
<listen>unix:path={dir}/s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy>
<limit name="max_incoming_bytes">2000000000</limit><limit name="max_outgoing_bytes">2000000000</limit>
<limit name="max_message_size">134217728</limit><limit name="max_completed_connections">5000</limit>
<limit name="max_connections_per_user">5000</limit><limit name="max_incomplete_connections">5000</limit>
<limit name="max_match_rules_per_connection">50000</limit></busconfig>
"""
# The limits on counts, and on the memory that all clients of one uid may use, are raised, because all clients here have the same
# uid: 1,000 publishers with a window of 4 MiB each exceed the default. The limits of a client and of a subscription have their
# default values.
CONF_OURS = """
[limits]
max-connections=4000
max-connections-per-uid=4000
max-subscriptions=65536
max-unauthenticated=64
uid-bytes=4294967296
broker-bytes=4294967296
max-pending-requests=1024
retained-messages=20000
retained-bytes=33554432
"""
REDIS = "--port 0 --save  --appendonly no --daemonize no --maxclients 5000".split(" ") + ["--client-output-buffer-limit", "pubsub 0 0 0"]


class Programs:
    """Paths of the programs: in the build directory of this tree, and in the directory where an older version is installed."""

    def __init__(self, build, base=None):
        self.build, self.base = os.path.abspath(build), base and os.path.abspath(base)
        self.peers = os.path.join(self.build, "tests/bench/peers")

    def role(self, name):
        return os.path.join(self.peers, "bench-" + name)

    def broker(self, name):
        return os.path.join(self.peers, "broker-" + name)

    def bench(self, name):
        return os.path.join(self.build, "tests/bench", name)

    def base_library(self):
        found = [where for where, _, names in os.walk(os.path.join(self.base, "lib")) if "libdaemoneye-eventbus-1.so" in names]
        if not found:
            raise Failure(f"no libdaemoneye-eventbus-1.so below {self.base}/lib")
        return found[0]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def started(address, words, **how):
    process = Process(words, **how)
    return Started(address, process, process.pid)


def start_relay(programs, where):
    return started(f"unix:{where}/s", [programs.broker("raw"), f"{where}/s"])


def start_ours(programs, where):
    conf = write(f"{where}/bus.conf", f"[socket]\naddress={where}/s\n{CONF_OURS}")
    module = os.path.join(programs.build, "plugin/daemoneye-eventbus.so")
    return started(f"unix:{where}/s", [os.path.join(programs.build, "agent/daemoneye-agent"), "--module", module, "--config", conf])


def start_base(programs, where):
    conf = write(f"{where}/bus.conf", f"[socket]\naddress={where}/s\n{CONF_OURS}")
    return started(f"unix:{where}/s", [os.path.join(programs.base, "bin/daemoneye-agent"), "--config", conf])


def start_nats(_, where):
    port = free_port()
    return started(f"tcp:{port}", ["nats-server", "-c", write(f"{where}/nats.conf", CONF_NATS.format(port=port))])


def start_mosquitto(_, where):
    user = "root" if os.getuid() == 0 else "mosquitto"
    return started(f"unix:{where}/s", ["mosquitto", "-c", write(f"{where}/m.conf", CONF_MOSQUITTO.format(dir=where, user=user))])


def start_redis(_, where):
    return started(f"unix:{where}/s", ["redis-server", "--unixsocket", f"{where}/s", "--dir", where] + REDIS)


def start_zmq(programs, where):
    ends = [f"ipc://{where}/front", f"ipc://{where}/back"]
    return started(" ".join(ends), [programs.broker("zmq")] + ends)


def start_dbus_broker(programs, where):
    """The program broker-dbus is the controller of the broker; the broker is its child."""
    process = Process([programs.broker("dbus"), f"{where}/s"])
    for _ in range(100):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        if children:
            return Started(f"unix:path={where}/s", process, int(children[0]))
        time.sleep(0.02)
    process.stop()
    raise Failure("dbus-broker did not start")


def start_dbus_daemon(_, where):
    return started(f"unix:path={where}/s",
                   ["dbus-daemon", "--nofork", "--nopidfile", "--config-file", write(f"{where}/bus.conf", CONF_DBUS.format(dir=where))])


# program: bench-PROGRAM. largest: the largest payload. mode: how our driver publishes. needs: the program of the broker.
Peer = collections.namedtuple("Peer", "name program start largest mode needs about")
PEERS = {peer.name: peer for peer in (
    Peer("raw", "raw", start_relay, 1 << 30, None, None, "relay without topics: the baseline"),
    Peer("deye", "deye", start_ours, 1 << 20, "held", None, "daemoneye-eventbus, publishes held together"),
    Peer("deye-coalesce", "deye", start_ours, 1 << 20, "coalesce", None, "the same, a loop with `coalesce`"),
    Peer("deye-plain", "deye", start_ours, 1 << 20, "plain", None, "the same, a plain loop"),
    Peer("base", "deye", start_base, 1 << 20, "held", None, "an older version, publishes held together"),
    Peer("base-plain", "deye", start_base, 1 << 20, "plain", None, "an older version, a plain loop"),
    Peer("nats", "nats", start_nats, 8 << 20, None, "nats-server", "NATS over TCP, minimal client of our own"),
    Peer("libnats", "libnats", start_nats, 8 << 20, None, "nats-server", "NATS over TCP, with its C library"),
    Peer("redis", "redis", start_redis, 512 << 20, None, "redis-server", "Redis pub/sub, minimal client of our own"),
    Peer("mosquitto", "mqtt", start_mosquitto, 256 << 20, None, "mosquitto", "mosquitto, MQTT 3.1.1 QoS 0, minimal client of our own"),
    Peer("zmq", "zmq", start_zmq, 1 << 30, None, None, "ZeroMQ, XSUB/XPUB proxy"),
    Peer("dbus-broker", "dbus", start_dbus_broker, 64 << 20, None, "dbus-broker", "D-Bus signals, sd-bus"),
    Peer("dbus-daemon", "dbus", start_dbus_daemon, 64 << 20, None, "dbus-daemon", "D-Bus signals, sd-bus"),
)}
OTHERS = [name for name in PEERS if name != "raw" and not name.startswith(("deye", "base"))]


def installed(programs, peer):
    return os.access(programs.role(peer.program), os.X_OK) and (peer.needs is None or shutil.which(peer.needs) is not None)


def versions(names):
    """The versions that the programs of the brokers report."""
    commands = {"nats": ["nats-server", "--version"], "redis": ["redis-server", "--version"], "mosquitto": ["mosquitto", "-h"],
                "zmq": ["pkg-config", "--modversion", "libzmq"], "dbus-broker": ["dbus-broker", "--version"],
                "dbus-daemon": ["dbus-daemon", "--version"], "libnats": ["dpkg-query", "-W", "-f", "${Version}", "libnats-dev"]}
    found = {}
    for name in names:
        if name not in commands:
            continue
        try:
            text = subprocess.run(commands[name], capture_output=True, text=True, timeout=10, check=False).stdout
        except OSError:
            continue
        number = re.search(r"\d+(\.\d+)*", text)
        found[name] = number[0] if number else "?"
    return found
