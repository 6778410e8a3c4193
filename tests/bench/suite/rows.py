# SPDX-License-Identifier: Apache-2.0
"""The rows of a run: the name, the parameters and the peers of each.

The peers of a row are measured one after the other, and each run measures all rows, so a temporary disturbance of the machine
affects all peers alike. `pairs`: the minimum number of measurements of the relay and of our bus, over all runs. `all_pairs`: the
same for every peer, in rows that are compared with the other brokers and whose figure changes much between measurements: a p99,
and the throughput of large messages, which depends on the placement of the processes.
"""
import collections
import fnmatch

import workloads

MIB = 1 << 20
Row = collections.namedtuple("Row", "name title measure parameters peers figure unit pairs all_pairs pinned")

BROKERS = ("nats", "redis", "mosquitto", "zmq")
ALL = ("raw", "deye", "base") + BROKERS
OWN = ("deye",)
QUICK = ("L1.128", "L1.1k", "RTT.128", "RTT.64k", "RTT.1m", "T1.128", "T1.1k", "T1.64k", "T2.128", "T3.128", "T4", "T5.10",
         "T5.10k", "C.idle.0", "C.idle.1000", "M1", "Q.quiet", "Q.floods", "R.10k", "A.64", "B.edge", "Y.publish", "Y.callback")
TITLES = {128: "128 B", 1024: "1 KiB", 16384: "16 KiB", 65536: "64 KiB", MIB: "1 MiB"}


def row(name, title, measure, peers, figure="rate", unit="/s", pairs=0, all_pairs=0, pinned=False, **parameters):
    return Row(name, title, measure, parameters, peers, figure, unit, pairs, all_pairs, pinned)


def latency_rows():
    sizes = {"128": 128, "1k": 1024}
    for label, size in sizes.items():
        yield row(f"L1.{label}", f"one-way, 1,000/s, {TITLES[size]}", workloads.one_way, ALL + ("dbus-broker",) * (size == 128), "p50", "us",
                  pairs=7, size=size, rate=1000, seconds=1)
        yield row(f"L1.{label}.pinned", f"one-way, 1,000/s, all on one CPU, {TITLES[size]}", workloads.one_way, ("raw", "deye"), "p50", "us", pairs=7,
                  pinned=True, size=size, rate=1000, seconds=1)
    yield row("L1.1m", "one-way, 100/s, 1 MiB", workloads.one_way, ("raw", "deye") + BROKERS, "p50", "us", size=MIB, rate=100, seconds=1)
    for label, size, count in (("128", 128, 50000), ("1k", 1024, 50000), ("64k", 65536, 10000), ("1m", MIB, 500)):
        yield row(f"RTT.{label}", f"round trip, {TITLES[size]}", workloads.round_trip,
                  ALL + ("dbus-broker",) * (size == 128), "p50", "us", pairs=5, size=size, count=count)
    for label, size in sizes.items():
        for rate in (1000, 20000):
            yield row(f"P.{label}.{rate // 1000}k", f"one-way, 8 collectors, {rate:,}/s in all, {TITLES[size]}", workloads.beside_load,
                      ("raw", "deye") + BROKERS, "p99", "us", all_pairs=9, size=size, rate=rate, seconds=1)


def throughput_rows():
    modes = ("deye-coalesce", "deye-plain", "base-plain")
    sizes = (("128", 128, 4000000), ("1k", 1024, 2000000), ("16k", 16384, 64000), ("64k", 65536, 16000), ("1m", MIB, 1000))
    for label, size, count in sizes:
        more = modes + ("libnats", "dbus-broker") if size == 128 else modes[:2] if size == 1024 else ()
        yield row(f"T1.{label}", f"1 -> 1, {TITLES[size]}", workloads.throughput, ALL + more, all_pairs=6 if size > 1024 else 0, size=size, count=count)
    for subscribers, label, size in ((10, "128", 128), (10, "1k", 1024), (50, "50", 128)):
        yield row(f"T2.{label}", f"1 -> {subscribers}, {TITLES[size]}, deliveries", workloads.throughput, ALL, size=size,
                  count=400000 if subscribers == 10 else 50000, subscribers=subscribers)
    for label, size in (("128", 128), ("1k", 1024)):
        yield row(f"T3.{label}", f"8 -> 1, {TITLES[size]}", workloads.throughput, ALL, size=size, count=400000, publishers=8)
    yield row("T4", "group 1 -> 4, 128 B", workloads.group, ("deye", "base", "nats", "mosquitto"), size=128, count=2000000, subscribers=4)
    yield row("T4.stalled", "group 1 -> 4, 128 B, one member stalled", workloads.stalled_member, OWN, size=128, count=2000000, subscribers=4)


def scale_rows():
    for label, filters in (("10", 10), ("1k", 1000), ("10k", 10000), ("100k", 100000)):
        for family, kind in (("T5", "wild"), ("T5x", "exact")):
            others = () if filters == 100000 else ("nats", "redis", "zmq")
            yield row(f"{family}.{label}", f"{filters:,} {'wildcard' if kind == 'wild' else 'exact'} subscriptions, 128 B", workloads.many_filters,
                      ("deye",) + ("base",) * (filters == 10000) + others, size=128, count=2000000,
                      filters=filters, kind=kind)
    for clients in (10, 100, 1000):
        yield row(f"C.busy.{clients}", f"{clients:,} clients publish in turn, 128 B", workloads.busy_clients,
                  ("raw",) * (clients < 1000) + ("deye", "nats", "redis"), size=128, count=2000000, clients=clients)
    for idle in (0, 10, 100, 1000):
        yield row(f"C.idle.{idle}", f"1 -> 1, 128 B, beside {idle:,} idle clients", workloads.beside_idle, ("deye",) + ("nats",) * (idle in (0, 1000)),
                  pairs=9 if idle in (0, 1000) else 0, size=128, count=4000000, idle=idle)
    yield row("M1", "memory of a client with two subscriptions, 500 clients", workloads.memory, ("deye", "nats", "redis", "mosquitto"),
              "kib_a_client", "KiB", clients=500)


def other_rows():
    yield row("Q.quiet", "round trips, 1,000/s, 128 B", workloads.paced_trips, OWN, "p99", "us", pairs=5, size=128)
    yield row("Q.floods", "round trips, 1,000/s, 128 B, beside four publishers at full speed", workloads.paced_trips, OWN, "p99", "us",
              pairs=5, size=128, floods=4)
    yield row("Q.hostile", "round trips, 1,000/s, 128 B, beside 16 clients with 1,024 subscriptions `#` each", workloads.paced_trips, OWN, "p99",
              "us", pairs=5, size=128, crowd=16)
    yield row("K.tasks", "tasks submitted and settled, 8 collectors", workloads.tasks, OWN, collectors=8, count=50000)
    yield row("K.failover", "failover, from the end of the connection to the start at another collector", workloads.failover, OWN, "p99", "us",
              kills=200)
    yield row("G.4k", "question to 50 collectors, answers of 4 KiB", workloads.gather, ("raw", "deye"), "p50", "us", size=4096, collectors=50,
              rounds=50)
    yield row("G.256k", "question to 50 collectors, answers of 256 KiB", workloads.gather, ("raw", "deye"), "p50", "us", pairs=6, size=262144,
              collectors=50, rounds=20)
    yield row("R.10k", "10,000 retained values to a late subscriber", workloads.retained, ("raw", "deye"), "ms", "ms", pairs=9, size=128, count=10000)
    yield row("A.64", "publish with acknowledgement, 64 in flight, 128 B", workloads.acknowledged, ("raw", "deye"), "p50", "us", size=128,
              count=100000, depth=64)
    yield row("B.edge", "policy `block`, window of 64 messages, 128 B", workloads.window_edge, OWN, size=128, count=1000000, window=64)
    yield row("Y.publish", "publishes in Python, held together, 128 B", workloads.python_publishes, OWN, size=128, count=1000000)
    yield row("Y.callback", "callbacks in Python, 128 B", workloads.python_callbacks, OWN, size=128, count=500000)


def all_rows():
    return [*latency_rows(), *throughput_rows(), *scale_rows(), *other_rows()]


def chosen(patterns, peers, quick):
    """[(row, [peer])]: @patterns are "ROW" or "PEER,ROW", with wildcards."""
    split = [("*", one) if "," not in one else tuple(one.split(",", 1)) for one in patterns]

    def wanted(peer, name):
        return not split or any(fnmatch.fnmatch(peer, of) and fnmatch.fnmatch(name, what) for of, what in split)

    for one in all_rows():
        if quick and one.name not in QUICK and not split:
            continue
        names = [peer for peer in one.peers if peer in peers and wanted(peer, one.name)]
        if names:
            yield one, names


def repeats(one, peer, runs, quick):
    """The number of measurements of a row with a peer in one run."""
    if quick:
        return 1
    pairs = max(one.pairs, one.all_pairs) if peer in ("raw", "deye") else one.all_pairs
    return max(-(-pairs // runs), 1)
