#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The order of the layers: reads every #include of the product and refuses those of a higher layer.

    check-layers.py SOURCE_DIR          TAP: the tree obeys the table below, doc/layers.* agree with it, and the check can fail
    check-layers.py --draw SOURCE_DIR   writes doc/layers.dot and, with graphviz' dot, doc/layers.svg

LAYERS is the only definition of the order. A file belongs to the first row with a pattern for it. It may include files of its
own layer, of the layers that its row names, and of all layers below these. Nothing else is allowed, neither a layer above nor
one beside it. No include contains "..". In the core an include of another layer names that layer ("queue/bus-fifo.h"). A header
in a folder named for an operating system is included from that folder only.

Cycles of includes between units are refused. A unit is a pair of files, x.c and x.h, with x-private.h if it exists. (Headers
have guards, so a cycle always contains a .c file.) The files of the client class, client/deye-bus-client*.c, have no cycle of
includes, because all of them include deye-bus-client-private.h. But their functions call each other in a cycle: the pump opens
and closes the connection and dispatches events, and each public call pumps.

This program only reads includes. The unit tests show that each layer links without those above it, because they link its archive
only with those below it.
"""
import collections
import fnmatch
import html
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import equal, holds, run, test  # pylint: disable=wrong-import-position

# A layer: its name, its files (a folder with everything below it, or a pattern), the layers directly below it, its frame in the
# picture, and its description there.
Layer = collections.namedtuple("Layer", "name files below frame text")

LAYERS = [
    Layer("proto", ["proto/"], [], "", "the wire: frames, envelope, topics, schemas"),
    Layer("platform", ["platform/"], [], "", "interfaces to the system"),
    Layer("terminal", ["terminal/"], [], "", "escapes text for a terminal"),

    Layer("base", ["plugin/core/base/"], ["proto"], "core", "types, timers, limits, quota, log records"),
    Layer("index", ["plugin/core/index/"], ["base"], "core", "subscriptions that match a topic"),
    Layer("queue", ["plugin/core/queue/"], ["base"], "core", "queues of a peer, and quota charges"),
    Layer("peer", ["plugin/core/peer/"], ["queue", "index"], "core", "one connection"),
    Layer("route", ["plugin/core/route/"], ["peer"], "core", "selects queues for messages"),
    Layer("news", ["plugin/core/news/"], ["route"], "core", "messages of the broker itself"),
    Layer("work", ["plugin/core/work/"], ["news"], "core", "tasks and leases"),
    Layer("calls", ["plugin/core/calls/"], ["news", "work"], "core", "the methods control.bus.*"),
    Layer("top", ["plugin/core/*"], ["calls"], "core", "dispatch; the interface of the core"),

    Layer("transport", ["plugin/transport/"], ["proto", "platform"], "module", "bytes from and to the peers"),
    Layer("abi", ["plugin/daemoneye-plugin.h"], [], "", "the module's C ABI"),
    Layer("service", ["plugin/service*", "plugin/config*"], ["top", "transport", "abi"], "module",
          "the broker's thread, clock and settings"),
    Layer("module", ["plugin/module*"], ["service"], "module", "the one exported symbol"),

    Layer("values", ["client/deye-bus-" + name + "*"
                     for name in ("context", "error", "export", "hop", "message", "options", "pack", "publish-result",
                                  "subscribe-options", "task-spec", "trace")],
          ["proto"], "client", "messages, options, errors"),
    Layer("classes", ["client/deye-bus-subscription.h"] + ["client/deye-bus-client" + name + ".h"
                                                           for name in ("", "-connection", "-publish", "-request", "-subscribe")],
          ["values"], "client",
          "headers that declare the client"),
    Layer("session", ["client/session/"], ["values"], "client", "one connection, without I/O"),
    Layer("serving", ["client/service/", "client/deye-bus-service*"], ["classes"], "client", "methods, events, properties"),
    Layer("client", ["client/deye-bus*", "client/posix/", "client/win/"], ["session", "serving", "platform"], "client",
          "the objects of the library"),

    Layer("cli", ["client/cli/"], ["client", "terminal"], "", "deyebusctl"),
    Layer("collector", ["client/collectors/common/"], ["client"], "", "code that the collectors share"),
    Layer("collectors", ["client/collectors/"], ["collector"], "", "procmond, netmond, fsmond"),
    Layer("agent", ["agent/"], ["client", "abi", "terminal"], "", "daemoneye-agent and its demo"),
]
FRAMES = {"core": ("module", "plugin/core: the broker, without I/O"), "module": ("", "plugin: the module"),
          "client": ("", "client: the library")}

TOP_ROW = ("module", "agent", "cli", "collectors")

# Folders for one operating system. The interface is a header in the folder above.
SYSTEMS = ("posix", "linux", "win")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


class Tree:
    """The product's files, their includes, and the faults in them."""

    def __init__(self, root, layers=None):
        self.root = root
        self.layers = LAYERS if layers is None else layers
        self.by_name = {layer.name: layer for layer in self.layers}
        self.faults = []
        self.files = sorted(self._find())
        self.includes = sorted(self._read())

    def _find(self):
        tops = {pattern.split("/")[0] for layer in self.layers for pattern in layer.files}
        for top in tops:
            for where, folders, names in os.walk(os.path.join(self.root, top)):
                folders[:] = [folder for folder in folders if not folder.startswith((".", "build"))]
                for name in names:
                    if name.endswith((".c", ".h")):
                        yield os.path.relpath(os.path.join(where, name), self.root)

    def _read(self):
        """Each include of a file of the product as (file, file)."""
        for path in self.files:
            if self.layer(path) is None:
                self.faults.append(f"{path}: belongs to no layer")
                continue
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                text = file.read()
            for quoted, bracketed in INCLUDE.findall(text):
                target = self._resolve(path, quoted or bracketed, bool(quoted))
                if target is not None:
                    self._check_spelling(path, quoted or bracketed, target)
                    yield path, target

    def _resolve(self, path, name, ours):
        """The file that @path includes as @name. None: a header of another project."""
        if ".." in name.split("/"):
            self.faults.append(f'{path}: "{name}": no include contains ".."')
            return None
        if name.endswith(".pb-c.h"):
            return "proto/" + os.path.basename(name)
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if beside in self.files:
            return beside
        found = [file for file in self.files if file == name or file.endswith("/" + name)]
        if len(found) > 1:
            self.faults.append(f'{path}: "{name}": is one of {", ".join(found)}')
        elif not found and ours:
            self.faults.append(f'{path}: "{name}": there is no such file')
        return found[0] if len(found) == 1 else None

    def _check_spelling(self, path, name, target):
        mine, other = self.layer(path), self.layer(target)
        folder = os.path.basename(os.path.dirname(target))
        if mine.frame == other.frame == "core" and mine != other and folder != "core" and not name.startswith(folder + "/"):
            self.faults.append(f'{path}: "{name}": write "{folder}/{os.path.basename(target)}"')
        if folder in SYSTEMS and os.path.dirname(path) != os.path.dirname(target):
            self.faults.append(f"{path}: includes {target}, which is for files of its own folder")

    def layer(self, path):
        for layer in self.layers:
            for pattern in layer.files:
                if (path.startswith(pattern) if pattern.endswith("/")
                        else pattern.count("/") == path.count("/") and fnmatch.fnmatch(path, pattern)):
                    return layer
        return None

    def below(self, layer):
        """The names of all layers below @layer."""
        names = set()
        for name in layer.below:
            names |= {name} | self.below(self.by_name[name])
        return names

    def upward(self):
        """The includes that violate the order of the layers."""
        return [f"{path} ({mine.name}) includes {target} ({other.name})" for path, target in self.includes
                for mine, other in [(self.layer(path), self.layer(target))]
                if mine != other and other.name not in self.below(mine)]

    def circles(self):
        """Strongly connected sets of more than one unit (Tarjan's algorithm)."""
        arrows = collections.defaultdict(set)
        for path, target in self.includes:
            if unit(path) != unit(target):
                arrows[unit(path)].add(unit(target))
        index, low, stack, found = {}, {}, [], []

        def visit(node):
            index[node] = low[node] = len(index)
            stack.append(node)
            for other in sorted(arrows[node]):
                if other not in index:
                    visit(other)
                if other in stack:
                    low[node] = min(low[node], low[other])
            if low[node] == index[node]:
                at = stack.index(node)
                if len(stack) - at > 1:
                    found.append(sorted(stack[at:]))
                del stack[at:]

        for node in sorted(arrows):
            if node not in index:
                visit(node)
        return found

    def arrows(self):
        """The includes between layers: {(from, to)}."""
        return {(mine.name, other.name) for path, target in self.includes
                for mine, other in [(self.layer(path), self.layer(target))] if mine != other}


def unit(path):
    return re.sub(r"(-private)?\.[ch]$", "", path)


# The picture


def draw(tree):
    """The layers and the includes between them, as source of graphviz' dot."""
    present = {tree.layer(path).name for path in tree.files if tree.layer(path)}
    lines = ["// Written by tests/check-layers.py --draw from the includes of the tree; do not edit.",
             "digraph layers {",
             '  graph [rankdir=TB, ranksep=0.45, nodesep=0.35, fontname="Helvetica", fontsize=12, compound=true, newrank=true];',
             '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="#44546a", fontname="Helvetica", fontsize=12];',
             '  edge [color="#44546a", fontname="Helvetica", fontsize=9, arrowsize=0.7];']
    lines += draw_frame(tree, present, "", "  ")
    lines.append("  {rank=same; " + "; ".join(f'"{name}"' for name in TOP_ROW if name in present) + "}")
    for name, other in sorted(tree.arrows()):
        far = any(other in tree.below(tree.by_name[between]) for between in tree.by_name[name].below)
        look = 'color="#b4bdcc", penwidth=0.8, arrowsize=0.5, weight=1' if far else 'penwidth=1.6, weight=8'
        lines.append(f'  "{name}" -> "{other}" [{look}];')
    return "\n".join(lines + ["}", ""])


def draw_frame(tree, present, frame, indent):
    """The boxes of the layers in @frame, and the frames in it."""
    lines = []
    for layer in tree.layers:
        if layer.frame == frame and layer.name in present:
            label = f'<<b>{layer.name}</b><br/><font point-size="10">{html.escape(layer.text)}</font>>'
            lines.append(f'{indent}"{layer.name}" [label={label}];')
    for name, (outer, title) in FRAMES.items():
        if outer == frame:
            lines += [f'{indent}subgraph "cluster_{name}" {{',
                      f'{indent}  graph [label="{title}", labelloc=b, labeljust=l, style="rounded,filled", color="#9aa7bd", '
                      f'fillcolor="{"#e6ecf5" if outer else "#f3f6fa"}"];',
                      *draw_frame(tree, present, name, indent + "  "), indent + "}"]
    return lines


def drawn_in_svg(text):
    """{(from, to)} as the arrows of graphviz' SVG show it."""
    return {tuple(html.unescape(title).split("->"))
            for title in re.findall(r'<g [^>]*class="edge">\s*<title>([^<]*)</title>', text)}


def write_picture(root):
    dot = os.path.join(root, "doc/layers.dot")
    with open(dot, "w", encoding="utf-8") as file:
        file.write(draw(Tree(root)))
    subprocess.run(["dot", "-Tsvg", "-o", os.path.join(root, "doc/layers.svg"), dot], check=True)


# The tree


@test("/layers/table-is-in-order")
def _(tree):
    seen = set()
    for layer in tree.layers:
        holds(layer.name not in seen, f"{layer.name} has two rows")
        holds(set(layer.below) <= seen, f"{layer.name} is in an earlier row than a layer below it")
        seen.add(layer.name)


@test("/layers/tree-was-read")
def _(tree):
    holds(len(tree.files) > 150, f"{len(tree.files)} files")
    holds(len(tree.includes) > 400, f"{len(tree.includes)} includes")


@test("/layers/includes-are-spelt-by-layer")
def _(tree):
    equal(tree.faults, [])


@test("/layers/no-include-points-up")
def _(tree):
    equal(tree.upward(), [])


@test("/layers/no-cycle")
def _(tree):
    equal(tree.circles(), [])


@test("/layers/picture-agrees")
def _(tree):
    hint = "the picture is old: tests/check-layers.py --draw . writes it anew (package graphviz)"
    with open(os.path.join(tree.root, "doc/layers.dot"), encoding="utf-8") as file:
        holds(file.read() == draw(tree), hint)
    with open(os.path.join(tree.root, "doc/layers.svg"), encoding="utf-8") as file:
        equal(drawn_in_svg(file.read()), tree.arrows(), hint)


# Tests of this program: trees that it must refuse


def made(files):
    """A Tree of @files: {path: the headers that it includes}."""
    with tempfile.TemporaryDirectory() as root:
        for path, names in files.items():
            where = os.path.join(root, path)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "w", encoding="utf-8") as file:
                file.write("".join(f'#include "{name}"\n' for name in names))
        return Tree(root)


def refused(files, *, faults=0, upward=0, circles=0):
    tree = made(files)
    equal([len(tree.faults), len(tree.upward()), len(tree.circles())], [faults, upward, circles],
          f"{tree.faults} {tree.upward()} {tree.circles()}")


@test("/layers/self/good-tree")
def _(_tree):
    refused({"proto/wire.h": [], "plugin/core/base/bus-text.h": ["wire.h"], "plugin/core/queue/bus-fifo.h": ["base/bus-text.h"],
             "plugin/core/queue/bus-fifo.c": ["bus-fifo.h"], "plugin/core/bus-core.c": ["queue/bus-fifo.h", "wire.h", "x.pb-c.h"]})


@test("/layers/self/upward")
def _(_tree):
    refused({"plugin/core/base/bus-text.h": ["queue/bus-fifo.h"], "plugin/core/queue/bus-fifo.h": []}, upward=1)
    refused({"proto/wire.h": ["deye-bus-error.h"], "client/deye-bus-error.h": []}, upward=1)


@test("/layers/self/sideways")
def _(_tree):
    refused({"plugin/core/index/bus-trie.h": ["queue/bus-fifo.h"], "plugin/core/queue/bus-fifo.h": []}, upward=1)
    refused({"plugin/transport/link.h": ["bus-core.h"], "plugin/core/bus-core.h": []}, upward=1)
    refused({"plugin/core/bus-core.h": ["link.h"], "plugin/transport/link.h": []}, upward=1)


@test("/layers/self/dots")
def _(_tree):
    refused({"plugin/core/queue/bus-fifo.h": ["../base/bus-text.h"], "plugin/core/base/bus-text.h": []}, faults=1)


@test("/layers/self/spelling")
def _(_tree):
    refused({"plugin/core/queue/bus-fifo.h": ["bus-text.h"], "plugin/core/base/bus-text.h": []}, faults=1)
    refused({"plugin/core/queue/bus-fifo.h": ["bus-gone.h"]}, faults=1)
    refused({"plugin/core/other/bus-new.h": []}, faults=1)


@test("/layers/self/other-system")
def _(_tree):
    refused({"plugin/transport/posix/x.c": ["x.h", "y.h"], "plugin/transport/x.h": [], "plugin/transport/posix/y.h": []})
    refused({"plugin/transport/x.c": ["posix/y.h"], "plugin/transport/posix/y.h": []}, faults=1)


@test("/layers/self/cycles")
def _(_tree):
    refused({"client/session/a.h": [], "client/session/a.c": ["a.h", "b.h"], "client/session/b-private.h": ["b.h"],
             "client/session/b.h": [], "client/session/b.c": ["b-private.h", "a.h"]}, circles=1)
    refused({"plugin/core/peer/a.c": ["b.h"], "plugin/core/peer/b.c": ["c.h"], "plugin/core/peer/c.c": ["a.h"],
             **{f"plugin/core/peer/{one}.h": [] for one in "abc"}}, circles=1)
    refused({"plugin/core/peer/a.c": ["b.h"], "plugin/core/peer/b.c": ["c.h"], "plugin/core/peer/c.c": ["c.h"],
             **{f"plugin/core/peer/{one}.h": [] for one in "abc"}})


@test("/layers/self/picture")
def _(_tree):
    tree = made({"plugin/core/base/a.h": [], "plugin/core/queue/b.h": ["base/a.h"], "plugin/core/queue/c.h": ["base/a.h"]})
    equal(draw(tree).count('"queue" -> "base" ['), 1, "one arrow")
    svg = '<g id="edge1" class="edge">\n<title>queue&#45;&gt;base</title>\n<path/>\n</g>'
    equal(drawn_in_svg(svg), tree.arrows())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--draw"]:
        write_picture(sys.argv[2])
    else:
        sys.exit(run(Tree(sys.argv[1])))
