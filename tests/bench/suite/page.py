# SPDX-License-Identifier: Apache-2.0
"""Writes doc/performance.md from the report of a run. This file contains the text; the report contains the figures."""
import os
import statistics
import textwrap

import floors
import plots
from brokers import OTHERS
from figures import Figures, ratio, times
from notes import NOTES
from results import number, percent_spread, problems

HEAD = """# Performance

`./bootstrap bench --peers` writes this page from one run of the benchmarks. Do not edit the page; run the command again.

- **Machine**: {cpu}, {cpus} CPUs, {memory_gib} GiB; {kernel}; {system}; {compiler}; GLib {glib}
- **Version**: commit {commit}, release build, {date}; {runs} run{s} in {minutes} minutes, load {load_before:.1f} before and {load_after:.1f} after
- **Other software**: {beside}

## How it is measured

Each row of a table is a workload, and the columns are the programs that are compared, the *peers*:

- *ours*: the agent with the module, and the client library, as they are installed. Policies, quotas, statistics and acknowledged
  subscriptions are enabled. Only the limits on counts and on the memory of one uid are raised, because all clients of a measurement have
  the same uid.
- *before*: an older version of this project, if the command names one.
- *relay*: a program that forwards frames without topics, queues or limits. It shows the cost that the kernel alone causes. It blocks while
  it writes, so with large payloads a broker that reads at the same time can be faster.
- The other brokers, with their limits disabled. All brokers use Unix sockets, except NATS, which supports only TCP. *libnats* is NATS with
  its official client library. All other clients are minimal: where no small library exists, the client implements the protocol itself.

Each publisher, each subscriber and the broker is a separate process. Our subscribers use the policy `block`, so no message may be lost.
Each measurement starts a new broker, and publishers stop after one second. The peers of a row are measured one after the other, and each
run measures all rows, so a disturbance of the machine affects all peers alike. A figure is the median of its measurements. A ratio to the
relay is the median of the ratios of measurements made in pairs. The value after ± is half of the difference between the largest and the
smallest measurement.

{noise}

{lost}
"""

SIZES_TEXT = """The rows compare three ways to publish many messages. *Held together*: the publisher calls `deye_bus_client_hold()` before a loop
and releases the client after it. *Coalesce*: the publisher sets the property `coalesce` and runs a loop. *Plain loop*: the publisher does
neither, so the client writes each message separately. Each message then costs a system call and a wake-up of the receiver, on both sides
of the broker."""

REDO = """## How to repeat the measurements

    ./bootstrap bench --quick                 # some rows, in less than a minute
    ./bootstrap bench --peers                 # all rows, half an hour on an idle machine; writes this page and its plots
    ./bootstrap bench --only 'T1.*' --runs 5  # some rows
    ./bootstrap bench --base DIR              # measures also an older version that is installed below DIR

The report `build-bench/bench.json` contains each measurement. `./bootstrap bench --page` writes the page from the last report.
"""


def wrapped(text):
    return textwrap.fill(text, 130, break_long_words=False, break_on_hyphens=False)


def head(f):
    report = f.report
    versions = ", ".join(f"{name} {number_of}" for name, number_of in report["versions"].items())
    seconds = report["seconds"]
    return HEAD.format(**report["machine"], runs=report["runs"], s="" if report["runs"] == 1 else "s",
                       minutes=max(round(seconds / 60), 1), beside=versions or "the relay only", noise=noise(f), lost=lost_text(f))


def noise(f):
    spreads = {}
    for name, row in f.rows.items():
        for peer, measured in row["peers"].items():
            text = percent_spread(measured, row["figure"]) if len(measured) > 1 else "-"
            if text != "-":
                spreads[f"{name} {peer}"] = int(text.strip("±% "))
    if not spreads:
        return "Each figure is a single measurement, so the spread is unknown."
    largest = max(spreads, key=spreads.get)
    return wrapped(
        f"With {f.report['machine']['cpus']} CPUs, processes of a workload share a CPU, and their placement by the scheduler "
        f"has a large effect. Half of the figures below have a spread of at most ±{statistics.median(spreads.values()):.0f} %, and "
        f"nine of ten have a spread of at most ±{sorted(spreads.values())[len(spreads) * 9 // 10]} %. The largest spread is "
        f"±{spreads[largest]} % ({largest}). A difference that is smaller than the spread of its row is not significant.")


def lost_text(f):
    bad = list(problems(f.report))
    if not bad:
        return "No message was lost and no measurement failed, in any row and for any peer."
    return "Messages were lost or measurements failed:\n\n" + "\n".join(f"- {one}" for one in bad)


def table(columns, lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in [columns, ["---"] * len(columns), *lines])


def verdict(value):
    return {True: "yes", False: "**no**", None: "-"}[value]


def floor_section(f):
    checks = floors.checks(f)
    lines = [[one.workload, one.value, one.floor, verdict(one.is_met), one.aim, verdict(one.is_aim) if one.aim else "", one.detail]
             for one in checks]
    met, judged = sum(one.is_met is True for one in checks), sum(one.is_met is not None for one in checks)
    text = "## Floors and aims\n\n" + wrapped(
        f"A *floor* is a value that the project requires; an *aim* is a value that it wants to reach. This run measured {judged} floors, and "
        f"{met} of them are met. Values that end with *x* are ratios. *Best peer* is the best of the other brokers in that workload. The last "
        "column contains the figures from which the value was calculated.")
    text += "\n\n" + table(["workload", "measured", "floor", "met", "aim", "reached", "figures"], lines)
    unmet = [one for one in checks if one.is_met is False and one.workload in NOTES]
    if unmet:
        text += "\n\nWhy a floor is not met:\n\n" + "\n".join(f"- **{one.workload}**: {NOTES[one.workload]}" for one in unmet)
    return text


ORDER = ["deye", "deye-coalesce", "deye-plain", "raw", "base", "base-plain"] + OTHERS
SHORT = {"deye": "ours", "deye-coalesce": "coalesce", "deye-plain": "plain loop", "raw": "relay", "base": "before", "base-plain": "before, plain"}


def peers_of(f, names):
    return [peer for peer in ORDER if any(peer in f.rows[name]["peers"] for name in names)]


def cell(f, row, peer, text):
    if peer not in f.rows[row]["peers"]:
        return ""
    if f.get(row, peer) is None:
        return "failed"
    return text(f, row, peer)


def plain_cell(f, row, peer):
    measured = f.measured(row, peer)
    return number(f.get(row, peer)) + (f" {percent_spread(measured, f.figure(row))}" if len(measured) > 1 else "")


def latency_cell(f, row, peer):
    return f"{number(f.get(row, peer, 'p50'))} / {number(f.get(row, peer, 'p99'))}"


def trip_cell(f, row, peer):
    return f"{number(f.get(row, peer, 'trip_p50'))} / {number(f.get(row, peer, 'trip_p99'))}" if f.get(row, peer, "trip_p50") else ""


def rows_table(f, prefixes, text=plain_cell, what="workload"):
    names = [name for name in f.rows if name.startswith(prefixes)]
    peers = peers_of(f, names)
    lines = [[f.rows[name]["title"]] + [cell(f, name, peer, text) for peer in peers]
             + [str(sum(f.lost(name, peer) for peer in f.rows[name]["peers"]))] for name in names]
    return table([what] + [SHORT.get(peer, peer) for peer in peers] + ["lost"], lines) if names else ""


def plot(name, drawn):
    title = dict(drawn).get(name)
    return f"\n\n![{title}](performance/{name}.svg)" if title else ""


def latency_section(f, drawn):
    loads = [name for name in f.rows if name.startswith("P.")]
    text = "## Latency\n\nMicroseconds, p50 / p99.\n\n" + rows_table(f, ("L1", "RTT", "P."), latency_cell)
    if loads:
        text += ("\n\nRound trips of a pair of processes, 500/s, during the load of the 8 collectors. The relay is not measured, because it has "
                 "no topics and would send the whole load to the pair.\n\n" + rows_table(f, ("P.",), trip_cell))
    return text + plot("latency", drawn)


def throughput_section(f, drawn):
    return (f"## Throughput\n\n{SIZES_TEXT}\n\nThe figures are messages per second; with several subscribers, deliveries per second. *1 -> 10* "
            "means one publisher and ten subscribers.\n\n"
            + rows_table(f, ("T1", "T2", "T3", "T4")) + plot("size", drawn))


def cpu_cell(f, row, peer):
    return f"{number(f.get(row, peer, 'broker_cpu'))} + {number(f.get(row, peer, 'clients_cpu'))}"


def cost_section(f):
    names = [name for name in f.rows if name.startswith(("T1", "T2", "T3", "T4"))]
    lines = [[f.rows[name]["title"]] + [cell(f, name, peer, cpu_cell) for peer in ("deye", "raw", "nats", "redis")] for name in names]
    text = ("## CPU time and memory\n\nCPU seconds per million deliveries: of the broker + of all clients.\n\n"
            + table(["workload", "ours", "relay", "nats", "redis"], lines))
    if "M1" in f.rows:
        lines = [[SHORT.get(peer, peer)] + [number(f.get("M1", peer, figure)) for figure in ("kib_a_client", "kib_after_burst", "idle_kib")]
                 for peer in peers_of(f, ["M1"])]
        text += ("\n\nMemory of the broker in KiB. *Idle client*: the memory for one of 500 idle clients with two subscriptions each. *After a "
                 "burst*: the memory for one of these clients after each has received 64 KiB. *No client*: the whole broker without clients."
                 "\n\n" + table(["peer", "idle client", "after a burst", "no client"], lines))
    return text


# --- growth of the cost ---

def growth(f, first, last, peer="deye"):
    return times(ratio(f.get(last, peer), f.get(first, peer)))


def scale_section(f, drawn):
    parts = ["## Growth of the cost", subscribers_text(f) + plot("subscribers", drawn), subscriptions_text(f) + plot("subscriptions", drawn),
             rows_table(f, ("T5",)), setup_table(f), clients_text(f) + plot("clients", drawn), rows_table(f, ("C.",))]
    return "\n\n".join(part for part in parts if part)


def subscribers_text(f):
    one, ten, fifty = (number(f.get(row, "deye", "broker_cpu")) for row in ("T1.128", "T2.128", "T2.50"))
    return wrapped(
        "**Subscribers.** The broker reads, checks and routes a message once, independent of the number of receivers. Each subscriber adds a "
        "queue entry, a copy of a small payload (or a reference to a large one) and a part of a write. With more subscribers, the fixed cost "
        f"of a message is divided among more deliveries. The broker makes {number(f.get('T1.128'))} deliveries per second with one subscriber, "
        f"{number(f.get('T2.128'))} with ten ({growth(f, 'T1.128', 'T2.128')}) and {number(f.get('T2.50'))} with fifty. A delivery takes "
        f"{one} us of the broker's CPU time with one subscriber, {ten} us with ten and {fifty} us with fifty.")


def subscriptions_text(f):
    wild, exact = ([growth(f, f"{family}.10", f"{family}.{label}") for label in ("1k", "10k", "100k")] for family in ("T5", "T5x"))
    return wrapped(
        "**Subscriptions.** The broker finds the subscriptions of an exact topic by its hash. It finds matching patterns by a walk along the "
        "levels of the topic, not along the patterns, and caches the set of subscriptions that match a topic. The number of operations per "
        "message does not grow with the number of subscriptions. The accessed memory does: many topics do not fit in the caches of the CPU. "
        f"With 1,000, 10,000 and 100,000 wildcard subscriptions the rate is {wild[0]}, {wild[1]} and {wild[2]} of the rate with ten; with exact "
        f"subscriptions it is {exact[0]}, {exact[1]} and {exact[2]}. The client finds the callback of a delivery by the number of the "
        "subscription, so this cost does not grow.")


def setup_table(f):
    names = [name for name in f.rows if name.startswith("T5")]
    peers = peers_of(f, names)
    if not names:
        return ""
    lines = [[f.rows[name]["title"]] + [cell(f, name, peer, setup_cell) for peer in peers] for name in names]
    return ("Time in milliseconds until the broker has all subscriptions. Our client waits for the answer to each subscription. The other "
            "clients send one request after all subscriptions and wait only for the answer to that request.\n\n"
            + table(["workload"] + [SHORT.get(peer, peer) for peer in peers], lines))


def setup_cell(f, row, peer):
    return number(f.get(row, peer, "setup_ms"))


def clients_text(f):
    idle = [growth(f, "C.idle.0", f"C.idle.{count}") for count in (10, 100, 1000)]
    busy = [growth(f, "T1.128", f"C.busy.{count}") for count in (10, 100, 1000)]
    return wrapped(
        f"**Clients.** An idle client with two subscriptions uses {number(f.get('M1'))} KiB of memory and no CPU time, because the broker waits "
        "with epoll, which reports only the sockets that are ready. Beside 10, 100 and 1,000 idle clients, a publisher and a subscriber reach "
        f"{idle[0]}, {idle[1]} and {idle[2]} of their rate without idle clients. When 10, 100 or 1,000 clients publish in turn, 64 messages "
        f"each, the rate is {busy[0]}, {busy[1]} and {busy[2]} of the rate of a single publisher. The number of reads causes the difference: a "
        "read returns the messages of one client, in this workload at most 64.")


def other_section(f):
    names = [name for name in f.rows if name.startswith(("Q.", "K.", "G.", "R.", "A.", "B.", "Y."))]
    units = {name: f"{f.figure(name)}, {f.rows[name]['unit']}" if f.figure(name).startswith("p") else f.rows[name]["unit"] for name in names}
    lines = [[f.rows[name]["title"], units[name]]
             + [cell(f, name, peer, plain_cell) for peer in ("deye", "raw")] + [str(f.lost(name, "deye"))] for name in names]
    return "## Under load, coordination, bindings\n\n" + table(["workload", "unit", "ours", "relay", "lost"], lines)


def write(report, where):
    """@where: the folder of performance.md; the plots are in performance/ below it."""
    f = Figures(report)
    drawn = plots.draw(f, os.path.join(where, "performance"))
    sections = [head(f), floor_section(f), latency_section(f, drawn), throughput_section(f, drawn), scale_section(f, drawn), cost_section(f),
                other_section(f), REDO]
    with open(os.path.join(where, "performance.md"), "w", encoding="utf-8") as file:
        file.write("\n\n".join(section.strip("\n") for section in sections) + "\n")
