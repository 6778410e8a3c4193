# SPDX-License-Identifier: Apache-2.0
"""The plots of the page, drawn by gnuplot. A plot has one line for each peer; each point is the median of a row."""
import math
import os
import subprocess

from processes import Failure

# peer: (title, colour, width, dash)
STYLES = {
    "single": ("daemoneye", "#b3001b", 3, 1), "deye": ("daemoneye, held", "#b3001b", 3, 1), "deye-coalesce": ("daemoneye, coalesce", "#e07a00", 2, 1),
    "deye-plain": ("daemoneye, plain loop", "#e8a87c", 2, 1), "raw": ("relay, no topics", "#808080", 2, 2),
    "nats": ("NATS", "#2a6fb0", 1.5, 1), "redis": ("Redis", "#7b4fa3", 1.5, 1), "mosquitto": ("mosquitto", "#2f8f5b", 1.5, 1),
    "zmq": ("ZeroMQ", "#111111", 1.5, 1), "dbus-broker": ("dbus-broker", "#a39a2a", 1.5, 1), "exact": ("daemoneye, exact topics", "#b3001b", 2, 3),
    "idle": ("daemoneye, beside idle", "#e07a00", 2, 1),
}
HEAD = """
set encoding utf8
set terminal svg size 860,400 font "sans-serif,13" background rgb "white"
set output "{path}"
set title "{title}"
set xlabel "{xlabel}"
set ylabel "{ylabel}"
set key outside right top samplen 1.5 width -3 font ",12"
set grid ytics lc rgb "#dddddd" lw 1
set border 3
set tics nomirror
set logscale y
{more}
"""
PEERS = ("deye", "deye-coalesce", "deye-plain", "raw", "nats", "redis", "mosquitto", "zmq", "dbus-broker")


def lines(f, x_of_row, peers=PEERS):
    """{peer: [(x, y)]} of rows. A peer that has fewer than two points has no line."""
    found = {peer: [(x, f.get(row, peer)) for row, x in x_of_row.items() if f.get(row, peer) is not None] for peer in peers}
    return {peer: points for peer, points in found.items() if len(points) > 1}


def latency(f):
    """The x axis is logarithmic in the distance from 100 %: 90 %, 99 % and 99.9 % have equal distances."""
    def stretched(quantile):
        return -math.log10(1 - quantile)
    data = {peer: [(stretched(q), us) for q, us in f.curve("L1.128", peer) if q < 1] for peer in PEERS}
    tics = ", ".join(f'"{q * 100:g} %%" {stretched(q):.4f}' for q in (0.5, 0.9, 0.99, 0.999))
    return {"single" if peer == "deye" else peer: points for peer, points in data.items() if points}, f"set xtics ({tics})"


def by_size(f):
    return lines(f, {"T1.128": 128, "T1.1k": 1024, "T1.16k": 16384, "T1.64k": 65536, "T1.1m": 1048576}), \
        'set logscale x\nset xtics ("128 B" 128, "1 K" 1024, "16 K" 16384, "64 K" 65536, "1 MiB" 1048576)'


def by_subscribers(f):
    return lines(f, {"T1.128": 1, "T2.128": 10, "T2.50": 50}), "set logscale x\nset xtics (1, 10, 50)"


def by_subscriptions(f):
    counts = {"10": 10, "1k": 1000, "10k": 10000, "100k": 100000}
    data = lines(f, {f"T5.{label}": count for label, count in counts.items()})
    data.update({"exact": points for points in lines(f, {f"T5x.{label}": count for label, count in counts.items()}, ("deye",)).values()})
    return data, 'set logscale x\nset xtics ("10" 10, "1,000" 1000, "10,000" 10000, "100,000" 100000)'


def by_clients(f):
    data = lines(f, {"T1.128": 1, "C.busy.10": 10, "C.busy.100": 100, "C.busy.1000": 1000})
    data.update({"idle": points for points in lines(f, {"C.idle.0": 1, "C.idle.10": 10, "C.idle.100": 100, "C.idle.1000": 1000}, ("deye",)).values()})
    return data, 'set logscale x\nset xtics ("1" 1, "10" 10, "100" 100, "1,000" 1000)'


# file: (title, x, y, function)
PLOTS = {
    "latency": ("One-way latency, 128 B, 1,000 messages a second", "share of the messages", "microseconds", latency),
    "size": ("One publisher, one subscriber", "payload", "messages a second", by_size),
    "subscribers": ("One publisher, several subscribers, 128 B", "subscribers", "deliveries a second", by_subscribers),
    "subscriptions": ("One subscriber with many wildcard subscriptions, 128 B", "subscriptions", "messages a second", by_subscriptions),
    "clients": ("Clients that publish in turn to one subscriber, 128 B", "clients", "messages a second", by_clients),
}


def script(path, title, xlabel, ylabel, data, more):
    text = HEAD.format(path=path, title=title, xlabel=xlabel, ylabel=ylabel, more=more)
    if ylabel != "microseconds":
        text += 'set format y "%.0s%c"\n'
    parts, style = [], "lines" if ylabel == "microseconds" else "linespoints"
    for number, (peer, points) in enumerate(data.items()):
        text += f"$d{number} << END\n" + "".join(f"{x:.6g} {y:.4g}\n" for x, y in points) + "END\n"
        name, colour, width, dash = STYLES[peer]
        points_style = " pt 7 ps 0.4" if style == "linespoints" else ""
        parts.append(f'$d{number} with {style} lc rgb "{colour}" lw {width} dt {dash}{points_style} title "{name}"')
    return text + "plot " + ", \\\n  ".join(parts) + "\n"


def draw(f, where):
    """Draws the plots that have data, and returns [(file, title)]."""
    os.makedirs(where, exist_ok=True)
    drawn = []
    for name, (title, xlabel, ylabel, points_of) in PLOTS.items():
        data, more = points_of(f)
        if not data:
            continue
        path = os.path.join(where, name + ".svg")
        try:
            ran = subprocess.run(["gnuplot"], input=script(path, title, xlabel, ylabel, data, more), capture_output=True, text=True, timeout=60,
                                 check=False)
        except FileNotFoundError as problem:
            raise Failure("gnuplot is not installed (Debian: gnuplot-nox)") from problem
        if ran.returncode:
            raise Failure(f"gnuplot: {ran.stderr[-300:]}")
        drawn.append((name, title))
    return drawn
