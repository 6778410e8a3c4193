#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that doc/coordination.md describes the core: its states in pictures and a table, its settings, its wait reasons.

    check-coordination.py PROGRAM SOURCE_DIR          TAP: the document agrees with what PROGRAM prints
    check-coordination.py --draw PROGRAM SOURCE_DIR   writes doc/*-states.dot, with graphviz' dot doc/*-states.svg, and the table

PROGRAM is tests/docs/list-coordination.c, which prints what the core itself uses. These tables are not repeated here, only the
layout of the pictures: a *frame* is a set of states in the picture, and an event that leads from each of them to the same state
is one arrow from the frame. A state or event that is new, and has no place in the pictures yet, fails.
"""
import collections
import html
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import equal, holds, run, test  # pylint: disable=wrong-import-position

VERDICTS = ("ignored", "refused", "never")

# A picture: the kind in PROGRAM's lines, the states in the order of the picture and the colours of their boxes, the frames from
# outside to inside, the first arrows (to the initial states), and the events by their origin.
Picture = collections.namedtuple("Picture", "kind states frames begin origins")

LIVE, ENDED, BAD = "#e6ecf5", "#e3f1e3", "#f6e4e0"
TASK = Picture(
    "task",
    {"queued": LIVE, "delayed": LIVE, "offered": LIVE, "running": LIVE, "cancelling": LIVE, "succeeded": ENDED, "failed": BAD,
     "timed-out": BAD, "cancelled": BAD, "quarantined": BAD},
    [("live", ["queued", "delayed", "offered", "running", "cancelling"]),
     ("not cancelled", ["queued", "delayed", "offered", "running"]),
     ("not started", ["queued", "delayed", "offered"])],
    [("queued", "submit"), ("delayed", "submit, with a delay")],
    {"#1f5fa8": ("the collector that has the task", ["started", "progress", "result", "failure", "retryable", "stopped", "busy",
                                                     "claim", "stale"]),
     "#a85c00": ("its connection and registration", ["eof", "closed", "deregister", "drain", "drain-over", "withdrawn", "held"]),
     "#b3261e": ("time", ["silent", "progress-over", "run-over", "deadline", "due", "grace-over", "store-over"]),
     "#2e7d32": ("submitters and tools", ["submit", "cancel", "alone", "release", "drop"]),
     "#555555": ("the broker", ["offer", "exhausted", "given-up", "poison", "unsafe"])})
MEMBER = Picture(
    "member",
    {"registered": LIVE, "ready": ENDED, "suspect": BAD, "set-aside": BAD, "draining": LIVE, "gone": "#ffffff"},
    [("not gone", ["registered", "ready", "suspect", "set-aside", "draining"]),
     ("not draining", ["registered", "ready", "suspect", "set-aside"])],
    [("registered", "register")],
    {"#1f5fa8": ("the collector, or a drain request", ["register", "serve", "unserve", "drain", "end"]),
     "#b3261e": ("the broker", ["doubt", "trust", "hold", "hold-over"])})
HEALTH = Picture(
    "health",
    {"healthy": ENDED, "degraded": LIVE, "unresponsive": BAD, "failed": BAD, "gone": "#ffffff"},
    [("connected", ["healthy", "degraded", "unresponsive", "failed"])],
    [("healthy", "HELLO")],
    {"#1f5fa8": ("the process", ["complaint", "signs", "end"]),
     "#b3261e": ("time", ["miss", "second-miss", "third-miss", "calm"])})
PICTURES = (TASK, MEMBER, HEALTH)
TABLE_BEGIN, TABLE_END = "<!-- table: tests/check-coordination.py --draw -->\n", "<!-- end of table -->\n"
SHORT = ("succeeded", "failed", "timed-out", "cancelled") # one column of the table

Arrow = collections.namedtuple("Arrow", "origin to events") # @origin: a state or a frame


class Tables:
    """The tables that the program printed, and the folder of the documents."""

    def __init__(self, lines, root=None):
        self.root = root
        self.cells = {picture.kind: {} for picture in PICTURES}
        self.causes = {}
        self.settings = {}
        self.reasons = []
        for line in lines:
            kind, first, *rest = line.split(" ", 2)
            rest = "".join(rest)
            if kind == "task-cause":
                self.causes[first] = rest
            elif kind == "setting":
                self.settings[first] = int(rest)
            elif kind == "wait":
                self.reasons.append(first)
            else:
                event, to = rest.split(" ")
                self.cells[kind][first, event] = to

    def states(self, kind):
        return list(dict.fromkeys(state for state, _event in self.cells[kind]))

    def events(self, kind):
        return list(dict.fromkeys(event for _state, event in self.cells[kind]))


def arrows(tables, picture):
    """The transitions of a picture: each transition of the table once."""
    cells, found = tables.cells[picture.kind], collections.defaultdict(list)
    for event in tables.events(picture.kind):
        left = set(picture.states)
        for name, states in picture.frames:
            targets = {cells[state, event] for state in states}
            if left.issuperset(states) and len(targets) == 1 and targets.isdisjoint({*VERDICTS, *states}):
                found[name, *targets].append(event)
                left -= set(states)
        for state in left:
            if cells[state, event] not in VERDICTS:
                found[state, cells[state, event]].append(event)
    place = [name for name, _states in picture.frames] + list(picture.states)
    return [Arrow(origin, to, events) for (origin, to), events
            in sorted(found.items(), key=lambda item: (place.index(item[0][0]), place.index(item[0][1])))]


# The pictures


def frame_of(picture, name):
    return next((number for number, frame in enumerate(picture.frames) if frame[0] == name), None)


def color_of(picture, event):
    return next(color for color, (_title, events) in picture.origins.items() if event in events)


def label(picture, events):
    """Two events in a line, each in the colour of its origin."""
    words = [f'<font color="{color_of(picture, event)}">{event}</font>' for event in events]
    return "<" + "<br/>".join(", ".join(words[at:at + 2]) for at in range(0, len(words), 2)) + ">"


def tail(picture, arrow):
    """The node at which an arrow begins: a frame's arrow begins at its last state, and is cut at the frame."""
    number = frame_of(picture, arrow.origin)
    return arrow.origin if number is None else picture.frames[number][1][-1]


def draw_frames(picture, number, indent):
    """The frame @number, with the frames inside it. States that are in no inner frame are separate boxes."""
    title, states = picture.frames[number]
    inner = picture.frames[number + 1][1] if number + 1 < len(picture.frames) else []
    lines = [f'{indent}subgraph "cluster_{number}" {{',
             f'{indent}  graph [label="{title}", labeljust=l, style="rounded,dashed", color="#9aa7bd", fontcolor="#44546a"];']
    if inner:
        lines += draw_frames(picture, number + 1, indent + "  ")
    return lines + [f'{indent}  "{state}" [fillcolor="{picture.states[state]}"];' for state in states if state not in inner] \
        + [indent + "}"]


def draw(tables, picture):
    """The states and transitions as source of graphviz' dot."""
    rows = "".join(f'<tr><td align="left"><font color="{color}">{title}</font></td></tr>'
                   for color, (title, _events) in picture.origins.items())
    lines = ["// Written by tests/check-coordination.py --draw from the table of the core; do not edit.",
             f"digraph {picture.kind}_states {{",
             '  graph [rankdir=TB, ranksep=0.6, nodesep=0.5, fontname="Helvetica", fontsize=11, compound=true];',
             '  node [shape=box, style="rounded,filled", color="#44546a", fontname="Helvetica", fontsize=12];',
             '  edge [color="#44546a", fontname="Helvetica", fontsize=10, arrowsize=0.7];',
             f'  "origins" [shape=plain, style="", label=<<table border="0" cellspacing="0">{rows}</table>>];',
             '  "new" [shape=circle, label="", width=0.2, fillcolor="#44546a"];']
    lines += draw_frames(picture, 0, "  ")
    framed = {state for _title, states in picture.frames for state in states}
    ends = [state for state in picture.states if state not in framed]
    lines += [f'  "{state}" [fillcolor="{picture.states[state]}"];' for state in ends]
    lines.append("  {rank=max; " + "; ".join(f'"{state}"' for state in ends) + "}")
    lines += [f'  "new" -> "{to}" [label="{text}"];' for to, text in picture.begin]
    for arrow in arrows(tables, picture):
        number = frame_of(picture, arrow.origin)
        cut = "" if number is None else f', ltail="cluster_{number}", penwidth=1.6'
        lines.append(f'  "{tail(picture, arrow)}" -> "{arrow.to}" [label={label(picture, arrow.events)}{cut}];')
    return "\n".join(lines + ["}", ""])


def drawn_in_svg(text):
    """The arrows of graphviz' SVG, without the first ones: [(from, to, events)], sorted."""
    found = []
    for title, body in re.findall(r'<g [^>]*class="edge">\s*<title>([^<]*)</title>(.*?)</g>\s*(?=<!--|</g>|<g)', text, re.DOTALL):
        origin, to = html.unescape(title).split("->")
        words = " ".join(html.unescape(one) for one in re.findall(r"<text[^>]*>([^<]*)</text>", body))
        if origin != "new":
            found.append((origin, to, sorted(re.findall(r"[\w-]+", words))))
    return sorted(found)


def expected_in_svg(tables, picture):
    return sorted((tail(picture, arrow), arrow.to, sorted(arrow.events)) for arrow in arrows(tables, picture))


# The table


def shown(cell):
    return "-" if cell == "never" else cell if cell in VERDICTS else f"**{cell}**"


def table(tables):
    """Each event of a task with its effect in each state, as lines of Markdown."""
    cells = tables.cells["task"]
    columns = [state for state in tables.states("task") if state not in SHORT]
    ended = columns.index("quarantined")
    names = columns[:ended] + ["ended"] + columns[ended:]
    lines = ["| event | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for event in tables.events("task"):
        ends = {cells[state, event] for state in SHORT}
        holds(len(ends) == 1, f"{event}: the ended states differ, so they need columns of their own")
        row = [cells[state, event] for state in columns]
        row[ended:ended] = ends
        lines.append(f"| {event}: {tables.causes[event]} | " + " | ".join(shown(cell) for cell in row) + " |")
    return "\n".join(lines) + "\n"


def table_in(text):
    """The parts of a document before, in and after the table."""
    before, rest = text.split(TABLE_BEGIN)
    inside, after = rest.split(TABLE_END)
    return before + TABLE_BEGIN, inside, TABLE_END + after


def place(root, name):
    return os.path.join(root, "doc", name)


def read(root, name):
    with open(place(root, name), encoding="utf-8") as file:
        return file.read()


def write(root, name, text):
    with open(place(root, name), "w", encoding="utf-8") as file:
        file.write(text)


def write_all(tables):
    for picture in PICTURES:
        name = f"{picture.kind}-states"
        write(tables.root, name + ".dot", draw(tables, picture))
        subprocess.run(["dot", "-Tsvg", "-o", place(tables.root, name + ".svg"), place(tables.root, name + ".dot")], check=True)
    before, _inside, after = table_in(read(tables.root, "coordination.md"))
    write(tables.root, "coordination.md", before + table(tables) + after)


# The documents


HINT = "it is old: tests/check-coordination.py --draw build/tests/list-coordination . writes it anew (package graphviz)"


@test("/coordination/each-state-and-event-has-a-place")
def _(tables):
    for picture in PICTURES:
        equal(sorted(tables.states(picture.kind)), sorted(picture.states), "states")
        equal(sorted(tables.events(picture.kind)), sorted(event for _title, events in picture.origins.values() for event in events),
              "events")


@test("/coordination/each-cell-is-known")
def _(tables):
    for picture in PICTURES:
        cells = tables.cells[picture.kind]
        equal(len(cells), len(picture.states) * len(tables.events(picture.kind)))
        equal({to for to in cells.values() if to not in VERDICTS} - set(picture.states), set())


@test("/coordination/each-transition-is-drawn-once")
def _(tables):
    for picture in PICTURES:
        frames = dict(picture.frames)
        drawn = [(state, event, arrow.to) for arrow in arrows(tables, picture) for event in arrow.events
                 for state in frames.get(arrow.origin, [arrow.origin])]
        equal(sorted(drawn), sorted((state, event, to) for (state, event), to in tables.cells[picture.kind].items()
                                    if to not in VERDICTS))


@test("/coordination/pictures-agree")
def _(tables):
    for picture in PICTURES:
        name = f"{picture.kind}-states"
        holds(read(tables.root, name + ".dot") == draw(tables, picture), f"doc/{name}.dot: {HINT}")
        equal(drawn_in_svg(read(tables.root, name + ".svg")), expected_in_svg(tables, picture), f"doc/{name}.svg: {HINT}")


@test("/coordination/table-agrees")
def _(tables):
    shown_rows, rows = table_in(read(tables.root, "coordination.md"))[1].splitlines(), table(tables).splitlines()
    equal([row for row in shown_rows if row not in rows], [row for row in rows if row not in shown_rows],
          f"the table of doc/coordination.md: {HINT}")
    equal(shown_rows, rows, "order of the rows")


def first_cells(text, head):
    """The rows of the table with that header, as lists of cells."""
    rows = text.split(head + "\n")[1].split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def in_words(name, value):
    """The default of a setting as the document writes it."""
    units = ((1, ""),)
    if name.endswith("-us"):
        units = ((3600 * 10**6, " h"), (60 * 10**6, " min"), (10**6, " s"), (1, " us"))
    elif name.endswith("-bytes"):
        units = ((1 << 20, " MiB"), (1 << 10, " KiB"), (1, " B"))
    size, unit = next((size, unit) for size, unit in units if value % size == 0)
    return f"{value // size:,}{unit}"


@test("/coordination/settings-agree")
def _(tables):
    rows = first_cells(read(tables.root, "coordination.md"), "| setting | default | meaning |")
    equal([row[:2] for row in rows], [[f"`{name}`", in_words(name, value)] for name, value in tables.settings.items()])


@test("/coordination/wait-reasons-agree")
def _(tables):
    rows = first_cells(read(tables.root, "coordination.md"), "| reason | meaning | what to do |")
    equal(sorted(row[0] for row in rows), sorted(tables.reasons))


# Tests of this program: with changed tables, neither the pictures nor the table may agree


def changed(tables, kind, cell, to):
    """The same tables with one changed cell."""
    other = Tables([], tables.root)
    other.causes = tables.causes
    other.cells = {name: dict(cells) for name, cells in tables.cells.items()}
    other.cells[kind][cell] = to
    return other


@test("/coordination/self/changed-cell-is-found")
def _(tables):
    for kind, cell in (("task", ("offered", "busy")), ("task", ("running", "deadline")), ("task", ("queued", "progress")),
                       ("member", ("suspect", "trust")), ("health", ("degraded", "calm"))):
        picture = next(one for one in PICTURES if one.kind == kind)
        to = next(state for state in picture.states if state not in (cell[0], tables.cells[kind][cell]))
        other = changed(tables, kind, cell, to)
        holds(draw(other, picture) != draw(tables, picture), f"{cell}: the dot file is another one")
        holds(expected_in_svg(other, picture) != expected_in_svg(tables, picture), f"{cell}: the arrows are others")
    holds(table(changed(tables, "task", ("queued", "stale"), "cancelled")) != table(tables), "the table is another one")


@test("/coordination/self/arrow-of-a-frame")
def _(tables):
    """An event with the same effect in all states of a frame is one arrow. If one state differs, each has its own arrow."""
    holds(Arrow("not started", "cancelled", ["cancel", "alone"]) in arrows(tables, TASK), "one arrow")
    other = arrows(changed(tables, "task", ("offered", "alone"), "failed"), TASK)
    holds(Arrow("not started", "cancelled", ["cancel"]) in other and Arrow("delayed", "cancelled", ["alone"]) in other, f"{other}")


@test("/coordination/self/svg")
def _(_tables):
    svg = ('<g id="edge1" class="edge">\n<title>new&#45;&gt;queued</title>\n<text x="1">submit</text>\n</g>\n'
           '<!-- b -->\n<g id="edge2" class="edge">\n<title>a&#45;&gt;b</title>\n<path/>\n<text x="1">run&#45;over</text>\n'
           '<text x="2">, </text>\n<text x="3">due</text>\n</g>\n</g>\n')
    equal(drawn_in_svg(svg), [("a", "b", ["due", "run-over"])])


if __name__ == "__main__":
    is_drawing = sys.argv[1] == "--draw"
    program, source = sys.argv[1 + is_drawing:]
    printed = Tables(subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines(), source)
    if is_drawing:
        write_all(printed)
    else:
        sys.exit(run(printed))
