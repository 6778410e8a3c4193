# SPDX-License-Identifier: Apache-2.0
"""doc/performance.md, from the report of a run: the text is here, the figures are the run's."""
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

This page was written by `./bootstrap bench --peers` from one run of the benchmarks; do not edit it, run it again.

- **Machine**: {cpu}, {cpus} CPUs, {memory_gib} GiB; {kernel}; {system}; {compiler}; GLib {glib}
- **Version**: commit {commit}, release build, {date}; {runs} run{s} in {minutes} minutes, load {load_before:.1f} before and {load_after:.1f} after
- **Beside**: {beside}

## How it is measured

Every publisher, subscriber and broker is a process of its own. Ours is the agent with the module and the client library as they are
installed: policies, quotas, statistics and acknowledged subscriptions are on, and subscribers use the policy `block`, so that nothing may
be lost. Only limits of numbers and of the memory of one uid are raised, because all clients of a measurement have one. A *relay* that
forwards frames without topics, queues or limits is the floor that the kernel sets. It blocks while it writes, so with large payloads a
broker that reads meanwhile can be faster.

The other brokers run with their limits off. All use Unix sockets, except NATS, which has TCP only. Their clients are as small as they can
be: they speak the protocol by hand where there is no smaller library. Each measurement starts a fresh broker; publishers stop after a
second. The peers of a row are measured one after the other, and the runs repeat all rows, so that what disturbs the machine disturbs all
of them. A figure is the median of its measurements, ratios to the relay are medians of pairs, and ± is half of the distance between the
least and the largest one.

{noise}

{lost}
"""

SIZES_TEXT = """Three ways to publish many messages are measured. *Held together*: `deye_bus_client_hold()` before a loop and the release after it.
*Coalesce*: a loop with the property `coalesce`. *Plain loop*: neither, so each message is written by itself, which costs a system call and
a wake-up on both sides of the broker."""

REDO = """## Again

    ./bootstrap bench --quick                 # some rows, below a minute
    ./bootstrap bench --peers                 # all of this, half an hour on an idle machine; writes this page and its plots
    ./bootstrap bench --only 'T1.*' --runs 5  # some rows
    ./bootstrap bench --base DIR              # also an older version that is installed below DIR

The report, with every single measurement, is `build-bench/bench.json`. `--page` alone writes the page from it again.
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
        return "There was one run, so nothing is known about its noise."
    largest = max(spreads, key=spreads.get)
    return wrapped(
        f"With {f.report['machine']['cpus']} CPUs, two processes of a workload share one, and where the scheduler puts them "
        f"decides much. Half of the figures below have a spread of at most ±{statistics.median(spreads.values()):.0f} %, and "
        f"nine of ten at most ±{sorted(spreads.values())[len(spreads) * 9 // 10]} %; the largest one is ±{spreads[largest]} % "
        f"({largest}). A difference below the spread of its row means nothing.")


def lost_text(f):
    bad = list(problems(f.report))
    if not bad:
        return "Nothing was lost and nothing failed in any row, of any peer."
    return "Not everything worked:\n\n" + "\n".join(f"- {one}" for one in bad)


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
        f"What the project requires of itself (floor) and what it would like to reach (aim). Of {judged} floors that this run measured, {met} "
        "are met. *Beside* is what the value was compared with, or made of.")
    text += "\n\n" + table(["workload", "measured", "floor", "met", "aim", "reached", "beside"], lines)
    unmet = [one for one in checks if one.is_met is False and one.workload in NOTES]
    if unmet:
        text += "\n\nWhy some are not met:\n\n" + "\n".join(f"- **{one.workload}**: {NOTES[one.workload]}" for one in unmet)
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
        text += ("\n\nRound trips of a pair, 500/s, beside the load of the 8 collectors (the relay, which has no topics, would send the "
                 "pair all of it):\n\n" + rows_table(f, ("P.",), trip_cell))
    return text + plot("latency", drawn)


def throughput_section(f, drawn):
    return (f"## Throughput\n\n{SIZES_TEXT}\n\nMessages a second, with several subscribers deliveries a second.\n\n"
            + rows_table(f, ("T1", "T2", "T3", "T4")) + plot("size", drawn))


def cpu_cell(f, row, peer):
    return f"{number(f.get(row, peer, 'broker_cpu'))} + {number(f.get(row, peer, 'clients_cpu'))}"


def cost_section(f):
    names = [name for name in f.rows if name.startswith(("T1", "T2", "T3", "T4"))]
    lines = [[f.rows[name]["title"]] + [cell(f, name, peer, cpu_cell) for peer in ("deye", "raw", "nats", "redis")] for name in names]
    text = ("## CPU time and memory\n\nCPU seconds for a million deliveries: broker + all clients.\n\n"
            + table(["workload", "ours", "relay", "nats", "redis"], lines))
    if "M1" in f.rows:
        lines = [[SHORT.get(peer, peer)] + [number(f.get("M1", peer, figure)) for figure in ("kib_a_client", "kib_after_burst", "idle_kib")]
                 for peer in peers_of(f, ["M1"])]
        text += ("\n\nMemory of the broker in KiB: for each of 500 clients of two subscriptions that do nothing, the same after each of them "
                 "has received 64 KiB, and the broker without clients.\n\n" + table(["peer", "idle client", "after a burst", "no client"], lines))
    return text


# --- how cost grows ---

def growth(f, first, last, peer="deye"):
    return times(ratio(f.get(last, peer), f.get(first, peer)))


def scale_section(f, drawn):
    parts = ["## How cost grows", subscribers_text(f) + plot("subscribers", drawn), subscriptions_text(f) + plot("subscriptions", drawn),
             rows_table(f, ("T5",)), setup_table(f), clients_text(f) + plot("clients", drawn), rows_table(f, ("C.",))]
    return "\n\n".join(part for part in parts if part)


def subscribers_text(f):
    one, ten, fifty = (number(f.get(row, "deye", "broker_cpu")) for row in ("T1.128", "T2.128", "T2.50"))
    return wrapped(
        "**Subscribers.** A message is read, checked and routed once, however many receive it; for each subscriber come a queue entry, "
        "a copy of a small payload (a reference to a large one) and its share of a write. So deliveries a second grow while the "
        f"shared part is spread over more of them, from {number(f.get('T1.128'))}/s with one subscriber to {number(f.get('T2.128'))}/s with "
        f"ten ({growth(f, 'T1.128', 'T2.128')}) and {number(f.get('T2.50'))}/s with fifty. A delivery takes {ten} us of the broker's CPU time "
        f"with ten subscribers and {fifty} us with fifty; with one it is {one} us.")


def subscriptions_text(f):
    wild, exact = ([growth(f, f"{family}.10", f"{family}.{label}") for label in ("1k", "10k", "100k")] for family in ("T5", "T5x"))
    return wrapped(
        "**Subscriptions.** An exact topic is found by its hash, and a pattern by a walk along the levels of the topic, not along the "
        "patterns; the set that a topic matches is remembered. What grows with their number is the memory that is touched: more "
        "topics than fit in the caches of the CPU. From 10 to 1,000, 10,000 and 100,000 wildcard subscriptions the rate becomes "
        f"{wild[0]}, {wild[1]} and {wild[2]} of that with ten; with exact ones {exact[0]}, {exact[1]} and {exact[2]}. The client finds the "
        "callback of a delivery by the subscription's number, so its cost does not grow.")


def setup_table(f):
    names = [name for name in f.rows if name.startswith("T5")]
    peers = peers_of(f, names)
    if not names:
        return ""
    lines = [[f.rows[name]["title"]] + [cell(f, name, peer, setup_cell) for peer in peers] for name in names]
    return ("Subscribing takes, in ms until the broker has all (ours waits for the answers to all of them, the others ask once at the end):\n\n"
            + table(["workload"] + [SHORT.get(peer, peer) for peer in peers], lines))


def setup_cell(f, row, peer):
    return number(f.get(row, peer, "setup_ms"))


def clients_text(f):
    idle = [growth(f, "C.idle.0", f"C.idle.{count}") for count in (10, 100, 1000)]
    busy = [growth(f, "T1.128", f"C.busy.{count}") for count in (10, 100, 1000)]
    return wrapped(
        f"**Clients.** One that does nothing costs memory, {number(f.get('M1'))} KiB with two subscriptions, and no time: the broker waits "
        "with epoll, which reports those that have something to read. A busy pair beside 10, 100 and 1,000 idle clients has "
        f"{idle[0]}, {idle[1]} and {idle[2]} of its rate alone. When 10, 100 or 1,000 clients publish in turn, 64 messages each, the rate "
        f"is {busy[0]}, {busy[1]} and {busy[2]} of that of one that publishes all: the number of reads decides, because a read returns "
        "what one client has sent, here at most 64 messages.")


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
