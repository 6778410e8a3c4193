#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""samples.py ROOT: every fenced block of README.md and doc/*.md is either checked by a run of doc/run-guides, or has the tag of
blocks that are only shown; and doc/run-guides finds faults in samples. Prints TAP."""
import importlib.machinery
import importlib.util
import pathlib
import re
import sys

import tap
from tap import equal, holds, test

sys.dont_write_bytecode = True


def load(path):
    loader = importlib.machinery.SourceFileLoader("run_guides", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_guides", loader))
    loader.exec_module(module)
    return module


@test("/docs/samples/each-block-is-tagged")
def test_tags(root, guides):
    untagged = [f"{path.relative_to(root)}:{block.line}" for path in documents(root) for block in guides.read_blocks(path)
                if block.kind is None]
    equal(untagged, [], "blocks without a tag that doc/run-guides understands")


@test("/docs/samples/each-document-is-run")
def test_run(root, guides):
    built = (root / "doc/meson.build").read_text(encoding="utf-8")
    named = {"README"} if re.search(r"'README.md'", built) else set()
    named.update(re.findall(r"^ +(?:guides \+= \{ )?'([a-z-]+)': \[", built, re.MULTILINE))
    checked = {path.stem for path in documents(root)
               if any(block.kind != "only" for block in guides.read_blocks(path))}
    equal(sorted(checked - named), [], "documents with samples that doc/meson.build does not run")


def documents(root):
    return [root / "README.md", *sorted((root / "doc").glob("*.md"))]


SAMPLE = ["broker   up for 3.6 s, 11K of 64M", "peers    4 (tools 1)", '{"a":[{"b":"1"}],"c":0} at 2026-11-24 04:50:02']


@test("/docs/samples/alike")
def test_alike(_, guides):
    good = 'broker  up for 12 min, 0 of 64M\npeers 5 (tools 2)\n{"a":[{"b":"x"},{"b":""}],"c":7} at 2027-01-01 10:00:00\n'
    equal(guides.alike(SAMPLE, good), None)
    equal(guides.alike([SAMPLE[0], "...", SAMPLE[2]], good), None)
    equal(guides.alike([SAMPLE[0], "..."], good), None)


@test("/docs/samples/not-alike")
def test_not_alike(_, guides):
    lines = ["broker  up for 3.6 s, 11K of 64M", "peers  4 (tools 1)", '{"a":[{"b":"1"}],"c":0} at 2026-11-24 04:50:02']
    for what, output in {
            "a line more at the end": lines + ["more"],
            "a line more within": lines[:1] + ["more"] + lines[1:],
            "a line less": lines[:1] + lines[2:],
            "the last line less": lines[:2],
            "another word": [lines[0], "peers 4 (agents 1)", lines[2]],
            "a field less": lines[:2] + ['{"a":[{"b":"1"}]} at 2026-11-24 04:50:02'],
            "a field's kind": lines[:2] + ['{"a":[{"b":1}],"c":0} at 2026-11-24 04:50:02'],
            "nothing": []}.items():
        holds(guides.alike(SAMPLE, "\n".join(output)) is not None, what)


@test("/docs/samples/programs-set-the-locale-and-do-not-abort")
def test_programs(root, guides):
    faults = []
    for path in documents(root):
        for block in guides.read_blocks(path):
            where = f"{path.relative_to(root)}:{block.line}"
            if block.language == "c" and "\nmain (" in block.text and "deye_bus_" in block.text:
                faults += [f"{where}: no setlocale()"] if 'setlocale (LC_ALL, "")' not in block.text else []
                faults += [f"{where}: g_error() aborts"] if "g_error (" in block.text else []
            if block.language == "python" and "import DeyeBus" in block.text:
                faults += [f"{where}: no setlocale()"] if 'setlocale(locale.LC_ALL, "")' not in block.text else []
    equal(faults, [])


ROOT = pathlib.Path(sys.argv[1])
sys.exit(tap.run(ROOT, load(ROOT / "doc/run-guides")))
