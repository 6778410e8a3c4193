# SPDX-License-Identifier: Apache-2.0
"""The table of floors: the required value, the desired value (aim) and the measured value of each workload."""
import collections

from figures import ratio, times
from results import number

# value: measured. is_met, is_aim: whether it reaches the floor and the aim; None: there is no value. detail: the figures it was
# calculated from.
Check = collections.namedtuple("Check", "workload value floor aim is_met is_aim detail")
NO_STALL_MS = 50


def check(workload, value, text, floor, aim, detail="", at_least=True):
    """@floor, @aim: (limit, text). A value is not compared with a limit of None."""
    def holds(limit):
        return None if value is None or limit is None else value >= limit if at_least else value <= limit
    return Check(workload, text if value is not None else "-", floor[1], aim[1], holds(floor[0]), holds(aim[0]), detail)


def at_most(workload, value, text, floor, aim, detail=""):
    return check(workload, value, text, floor, aim, detail, at_least=False)


def to_relay(f, workload, row, floor, aim, figure=None):
    value = f.paired(row, figure=figure)
    return at_most(workload, value, times(value), (floor, f"{floor:g} x relay"), (aim, f"{aim:g} x relay"),
                   f"{number(f.get(row, 'deye', figure))} and {number(f.get(row, 'raw', figure))} {f.rows[row]['unit'] if row in f.rows else ''}")


def to_best(f, workload, row, floor, aim=None, peer="deye", best=None):
    name, rate = (best, f.get(row, best)) if best else f.best(row)
    own = f.get(row, peer)
    value = ratio(own, rate)
    aimed = aim if isinstance(aim, str) else f"{number(aim)}/s" if aim else ""
    one = check(workload, value, f"{times(value)} ({number(own)}/s)", (floor, f"{floor:g} x {best or 'best peer'}"), (None, aimed),
                f"{name} {number(rate)}/s")
    return one._replace(is_aim=None if own is None or not isinstance(aim, (int, float)) else own >= aim)


def latency(f):
    for size, label in (("128 B", "128"), ("1 KiB", "1k")):
        yield to_relay(f, f"one-way p50 at 1,000/s, {size}", f"L1.{label}", 1.15, 1.10)
        yield to_relay(f, f"one-way p50 at 1,000/s, {size}, on one CPU", f"L1.{label}.pinned", 1.15, 1.10)
    for size, label, floor, aim in (("128 B", "128", 1.05, 1.0), ("64 KiB", "64k", 1.2, 1.1), ("1 MiB", "1m", 1.3, 1.1)):
        yield to_relay(f, f"round trip p50, {size}", f"RTT.{label}", floor, aim)


def throughput(f):
    yield to_best(f, "1 -> 1 128 B, held together", "T1.128", 1.5, 8e6, best="nats")
    yield to_best(f, "1 -> 1 128 B, loop with `coalesce`", "T1.128", 1.0, 4e6, "deye-coalesce", best="nats")
    plain, before = f.get("T1.128", "deye-plain"), f.get("T1.128", "base-plain")
    value = ratio(plain, before)
    one = check("1 -> 1 128 B, plain loop", value, "", (1.2, "1.2 x before"), (None, "limit of the kernel"), f"before {number(before)}/s")
    yield one._replace(value=f"{times(value)} ({number(plain)}/s)" if plain else "-")
    yield to_best(f, "1 -> 1 1 KiB, held together", "T1.1k", 1.5, 2.3e6)
    yield to_best(f, "1 -> 1 64 KiB", "T1.64k", 1.1, "a socket without a broker")
    yield to_best(f, "1 -> 1 1 MiB", "T1.1m", 1.1, "a socket without a broker")
    yield to_best(f, "1 -> 10 128 B, deliveries", "T2.128", 1.5, 12e6)
    yield to_best(f, "1 -> 10 1 KiB, deliveries", "T2.1k", 1.5, 3.4e6)
    yield to_best(f, "8 -> 1 128 B", "T3.128", 1.5, 7.7e6)
    yield to_best(f, "8 -> 1 1 KiB", "T3.1k", 1.5, 2.2e6)
    yield to_best(f, "group 1 -> 4", "T4", 1.2, 5.7e6, best="nats")
    value = f.get("T4", "deye", "balance")
    yield check("group 1 -> 4, smallest share / largest share", value, number(value), (0.98, "0.98"), (None, ""))


def subscriptions(f):
    for family, kind in (("T5", "wildcard"), ("T5x", "exact")):
        for label, count in (("10k", "10,000"), ("100k", "100,000")):
            value = ratio(f.get(f"{family}.{label}"), f.get(f"{family}.10"))
            yield check(f"{count} {kind} subscriptions, rate / rate with 10", value, times(value), (0.9, "0.9 x"), (1.0, "1 x"),
                        f"{number(f.get(f'{family}.{label}'))}/s")
        yield to_best(f, f"10,000 {kind} subscriptions", f"{family}.10k", 2, 3.8e6)


def cost(f):
    value = f.get("T1.128", "deye", "broker_cpu")
    yield at_most("CPU time of the broker per million messages of 128 B", value, f"{number(value)} s", (0.15, "0.15 s"), (0.10, "0.10 s"))
    value = f.get("T1.128", "deye", "clients_cpu")
    yield at_most("CPU time of publisher + subscriber per million messages of 128 B", value, f"{number(value)} s", (0.20, "0.20 s"), (0.10, "0.10 s"))
    for workload, figure, floor, aim in (("memory of an idle client with two subscriptions", "kib_a_client", 2.5, 1.5),
                                         ("memory of a client after a burst", "kib_after_burst", 16, 8)):
        value = f.get("M1", "deye", figure)
        yield at_most(workload, value, f"{number(value)} KiB", (floor, f"{floor:g} KiB"), (aim, f"{aim:g} KiB"))


def under_load(f):
    value = f.get("Q.floods")
    yield at_most("round trip p99 beside four publishers at full speed", value, f"{number(value)} us", (1000, "1 ms"), (300, "0.3 ms"),
                  f"without load {number(f.get('Q.quiet'))} us")
    value = ratio(f.get("Q.hostile"), f.get("Q.quiet"))
    yield at_most("round trip p99 beside 16 hostile subscribers", value, times(value), (1.5, "1.5 x without load"), (1.1, "1.1 x"),
                  f"{number(f.get('Q.hostile'))} and {number(f.get('Q.quiet'))} us")
    for size, label in (("128 B", "128"), ("1 KiB", "1k")):
        for rate, short in (("1,000/s", "1k"), ("20,000/s", "20k")):
            for way, figure in (("one-way", "p99"), ("round trip", "trip_p99")):
                yield beside_collectors(f, f"{way} p99, {size}, 8 collectors, {rate}", f"P.{label}.{short}", figure)


def beside_collectors(f, workload, row, figure):
    name, best = f.best(row, figure, least=True)
    value, relay = f.get(row, "deye", figure), f.get(row, "raw", figure)
    one = at_most(workload, value, f"{number(value)} us", (1000 if best is None else min(1000, best), "1 ms, at most the best peer"), (None, "1.1 x relay"),
                  f"{name} {number(best)} us")
    return one._replace(is_aim=None if value is None or relay is None else value <= 1.1 * relay)


def coordination(f):
    value = f.get("K.tasks")
    yield check("tasks submitted and settled, 8 collectors", value, f"{number(value)}/s", (50000, "50,000/s"), (200000, "200,000/s"))
    value = f.get("K.failover")
    yield at_most("failover p99, 200 kills", value, f"{number(value)} us", (10000, "10 ms"), (1000, "1 ms"))
    yield to_relay(f, "gather, 50 x 4 KiB", "G.4k", 1.5, 1.1)
    yield to_relay(f, "gather, 50 x 256 KiB", "G.256k", 1.5, 1.1)
    yield to_relay(f, "10,000 retained values to a late subscriber", "R.10k", 1.5, 1.1)
    value = ratio(f.get("T4.stalled"), f.get("T4"))
    yield check("group 1 -> 4 with a stalled member", value, times(value), (0.9, "0.9 x without it"), (None, ""))
    yield to_relay(f, "publish with acknowledgement, 64 in flight", "A.64", 2, 2)._replace(aim="", is_aim=None)
    value = f.get("B.edge", "deye", "pause_ms")
    yield at_most("policy `block`, window of 64 messages, longest pause", value, f"{number(value)} ms", (NO_STALL_MS, f"{NO_STALL_MS} ms"),
                  (None, ""), f"{number(f.get('B.edge'))}/s")
    for workload, row in (("publishes in Python, held together", "Y.publish"), ("callbacks in Python", "Y.callback")):
        value = f.get(row)
        yield check(workload, value, f"{number(value)}/s", (300000, "300,000/s"), (1e6, "1 M/s"))


def scale(f):
    value = ratio(f.get("C.idle.1000"), f.get("C.idle.0"))
    yield check("1 -> 1 128 B beside 1,000 idle clients, rate / rate without them", value, times(value), (0.97, "0.97 x"), (None, ""))


def checks(f):
    return [one for part in (latency, throughput, subscriptions, cost, under_load, coordination, scale) for one in part(f)]
