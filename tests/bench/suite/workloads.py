# SPDX-License-Identifier: Apache-2.0
"""The workloads: one function for each kind. A function gets a Measurement and the parameters of its row, and returns figures.

Units: rate is messages a second (with several subscribers: deliveries a second). Times are in microseconds unless the name
contains ms. broker_cpu and clients_cpu are CPU seconds for a million messages or deliveries. `lost` is the number of messages that
were published but not delivered; if it is not 0, the run has failed.
"""
import json
import os
import signal
import subprocess
import sys

from measurement import Flow, RoundTrips, calm
from processes import Failure

LATENCY = ("p50", "p99", "p999", "max", "curve")


def one_way(m, size, rate, seconds, publishers=1):
    """Latency of single messages at a fixed rate. The client writes each message separately."""
    seconds = min(seconds, m.seconds * 3)
    flow = Flow(m, size, int(rate * seconds / publishers), rate=rate, seconds=seconds * 3, publishers=publishers)
    got, figures = flow.run()
    return {**{name: got[0][name] for name in LATENCY}, "due_p99": got[0]["due_p99"], **figures}


def round_trip(m, size, count, depth=None):
    trips = RoundTrips(m)
    trips.prepare(size, count, depth=depth)
    return trips.run()


def throughput(m, **how):
    return Flow(m, **how).run()[1]


def group(m, **how):
    got, figures = Flow(m, group="g", **how).run()
    counts = [one["count"] for one in got]
    return {**figures, "balance": min(counts) / max(max(counts), 1)}


def stalled_member(m, **how):
    """One member of the group is suspended, and the rate of the other members is measured. Then the member is resumed, and
    receives the rest of its share."""
    flow = Flow(m, group="g", **how)
    stalled = flow.subscribers[0]
    stalled.signal(signal.SIGSTOP)
    flow.begin()
    return flow.end(stalled)[1]


def beside_idle(m, idle, **how):
    """A publisher and a subscriber beside idle clients."""
    if m.tiny:
        idle = min(idle, 20)
    crowd = m.role("idle", clients=idle, count=0) if idle else None
    if crowd:
        crowd.expect("READY")
    return throughput(m, **how)


def busy_clients(m, clients, size, count):
    """Many connections of one process publish in turn to one subscriber."""
    if m.tiny:
        clients = min(clients, 20)
    return throughput(m, size=size, count=count, clients=clients)


def many_filters(m, filters, kind, size, count):
    if m.tiny:
        filters = min(filters, 200)
    return throughput(m, size=size, count=count, filters=filters, kind=kind, subscriber_clients=2 if filters > 50000 else 1)


BURST = 64  # messages of 1 KiB to each client


def memory(m, clients):
    """The broker's memory for a client with two subscriptions: while all are idle, and after each has received a burst."""
    if m.tiny:
        clients = min(clients, 20)
    calm()
    before_kib = m.memory_kib()
    crowd = m.role("idle", clients=clients, count=clients * BURST)
    crowd.expect("READY", 120)
    calm()
    idle_kib = m.memory_kib()
    burst = m.role("burst", clients=clients, count=BURST, size=1024)
    crowd.send("BURST")
    got = crowd.result()["count"]
    m.drop(burst)
    calm()
    return {"kib_a_client": (idle_kib - before_kib) / clients, "kib_after_burst": (m.memory_kib() - before_kib) / clients,
            "idle_kib": before_kib, "sent": clients * BURST, "lost": clients * BURST - got}


def beside_load(m, size, rate, seconds):
    """Eight publishers send to a subscriber at a fixed rate, while two other processes make round trips."""
    seconds = min(seconds, m.seconds * 2)
    trips = RoundTrips(m) if m.peer.name != "raw" else None  # the relay has no topics and would send the load to the pair as well
    flow = Flow(m, size, int(rate * seconds / 8), rate=rate, seconds=seconds * 3, publishers=8)
    if trips:
        trips.prepare(size, int(500 * seconds), rate=500, seconds=seconds * 3)
        flow.begin()
        trip = trips.run()
    else:
        flow.begin()
        trip = {}
    got, figures = flow.end()
    trip = {"trip_" + name: trip[name] for name in LATENCY if name in trip}
    return {**{name: got[0][name] for name in LATENCY}, **trip, **figures}


def paced_trips(m, size, crowd=None, floods=0):
    """Round trips, 1,000 a second, while floods publish at full speed or a crowd subscribes to all topics 1,024 times each."""
    trips = RoundTrips(m)
    others = []
    if crowd:
        others.append(m.role("crowd", clients=crowd, filters=1024 if not m.tiny else 16))
        others[0].expect("READY", 120)
    trips.prepare(size, int(1000 * m.seconds), rate=1000, seconds=m.seconds * 5)
    flow = Flow(m, 128, 1 << 30 if not m.tiny else 400, publishers=floods, seconds=m.seconds * 1.2) if floods else None
    if flow:
        flow.begin()
    got = trips.run()
    if flow:
        flood = flow.end()[1]
        got["lost"], got["flood_rate"] = flood["lost"], flood["rate"]
    return got


def window_edge(m, window, **how):
    """The policy "block" with a small window: deliveries must not pause."""
    got, figures = Flow(m, window=window, pauses=1, **how).run()
    return {**figures, "pause_ms": got[0]["pause_ms"]}


# --- programs of their own ---

def own_client(m, name):
    client = m.add(m.programs.bench("own-client"), m.broker.address.removeprefix("unix:"), name)
    client.expect("connected")
    return client


def acknowledged(m, size, count, depth):
    """Publishes with acknowledgement. The relay has none, so its baseline is round trips with as many messages in flight."""
    if m.peer.name == "raw":
        return round_trip(m, size, count, depth=depth)
    count = min(count, 400 if m.tiny else count)
    p50, p99, took_us = (int(word) for word in own_client(m, "ack").ask("acknowledged", "acknowledged", count, depth, size))
    return {"p50": p50, "p99": p99, "rate": count * 1e6 / took_us, "sent": count, "lost": 0}


def retained(m, size, count):
    """The time until a late subscriber has all values. The baseline is the time for as many messages through the relay."""
    count = min(count, 400 if m.tiny else count)
    if m.peer.name == "raw":
        figures = throughput(m, size=size, count=count)
        return {"ms": figures["delivered"] / figures["rate"] * 1e3, "sent": figures["sent"], "lost": figures["lost"]}
    keeper, late = own_client(m, "keeper"), own_client(m, "late")
    keeper.ask("retained", "retain", count, size)
    took_us, missed = (int(word) for word in late.ask("late", "late", count))
    return {"ms": took_us / 1e3, "sent": count, "lost": missed}


def relayed_gather(m, size, collectors, rounds):
    relays = f"{m.broker.address} {m.another_relay().address}"
    answerers = [m.role("answer", relays, size=size) for _ in range(collectors)]
    for one in answerers:
        one.expect("READY")
    asker = m.role("ask", relays, clients=collectors, count=rounds, size=size)
    asker.expect("READY")
    asker.send("GO")
    got = asker.result()
    return {"p50": got["p50"], "p99": got["p99"], "sent": rounds * collectors, "lost": (size * collectors - got["bytes"]) // size}


def script_json(m, name, *words):
    """Runs one of the separate benchmarks and returns its report."""
    ran = subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", name), "--build", m.programs.build,
                          "--json"] + [str(word) for word in words], capture_output=True, text=True, timeout=300, check=False)
    report = json.loads(ran.stdout) if ran.stdout else {"failures": [ran.stderr[-300:]]}
    if ran.returncode or report["failures"]:
        raise Failure(f"{name}: {report['failures'] or ran.stderr[-300:]}")
    return report


def gather(m, size, collectors, rounds):
    if m.tiny:
        collectors, rounds = 5, 3
    if m.peer.name == "raw":
        return relayed_gather(m, size, collectors, rounds)
    rows = script_json(m, "bench-gather", "--sizes", size, "--collectors", collectors, "--rounds", rounds)["rows"]
    row = next(row for row in rows if row["kind"] == "gather")
    return {"p50": row["p50_us"], "p99": row["p99_us"], "sent": rounds * collectors, "lost": 0}


def tasks(m, collectors, count):
    if m.tiny:
        collectors, count = 2, 200
    (row,) = script_json(m, "bench-tasks", "-t", "T", "--collectors", collectors, "--tasks", count, "--runs", 1)["tables"]["T"]
    return {"rate": row["tasks_per_s"], "requests": row["requests_per_s"], "agent_cpu_us": row["cpu_us"]["agent"], "sent": count, "lost": 0}


def failover(m, kills):
    rows = script_json(m, "bench-tasks", "-t", "F", "--kills", 3 if m.tiny else kills)["tables"]["F"]
    row = next(row for row in rows if row["case"] == "closed to start")
    return {"p50": row["p50"], "p99": row["p99"], "max": row["most"], "sent": row["n"], "lost": 0}


def python_role(m):
    """Returns a function that starts a role in Python instead of a program of tests/bench/peers."""
    library = os.path.join(m.programs.build, "client")
    if not os.path.exists(os.path.join(library, "gir/DeyeBus-1.0.typelib")):
        raise Failure("the bindings are not built (meson option introspection)")

    def make(name, **options):
        words = [f"{key}={value}" for key, value in options.items() if value is not None]
        client = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python-client")
        environment = {"GI_TYPELIB_PATH": os.path.join(library, "gir"), "LD_LIBRARY_PATH": library}
        return m.add(python_with_bindings(), client, name, m.broker.address, *words, environment=environment)
    return make


def python_with_bindings():
    """The bindings are installed for the system's Python only."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


def python_publishes(m, **how):
    return Flow(m, make={"pub": python_role(m)}, **how).run()[1]


def python_callbacks(m, **how):
    return Flow(m, make={"sub": python_role(m)}, **how).run()[1]
