#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every text for users can be translated, and the catalogues are complete: `check.py SOURCE_DIR`. Needs gettext's tools."""
import os
import re
import subprocess
import sys
import tempfile

from tap import equal, holds, run, test

MARKED = re.compile(r"\b(_|N_|C_|NC_|ngettext) \(")
# Functions that show a text to users, and the position of that text among their arguments.
SHOWN = {"g_printerr": 0, "g_print": 0, "ctl_fail": 2, "ctl_output_line": 1, "ctl_output_field": 1, "g_set_error": 3,
         "g_set_error_literal": 3, "job_report_step": 4, "job_report_detail": 1, "deye_bus_error_new": 1,
         "g_option_context_set_summary": 1, "g_option_context_set_description": 1}
# Folders and files whose errors are in English, because they are for logs and peers.
ENGLISH = ("plugin/core/", "plugin/transport/", "proto/", "plugin/service-log.c", "plugin/module.c")


def sources(root):
    return sorted(os.path.relpath(os.path.join(where, name), root)
                  for top in ("agent", "client", "platform", "plugin", "proto")
                  for where, _, names in os.walk(os.path.join(root, top)) for name in names if name.endswith((".c", ".h")))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def potfiles(root):
    return [line for line in read(root, "po/POTFILES").splitlines() if line and not line.startswith("#")]


def extract(root):
    """The template that xgettext extracts from the present sources."""
    with tempfile.NamedTemporaryFile(suffix=".pot", delete=False) as pot:
        pass
    subprocess.run(["xgettext", "--from-code=UTF-8", "--add-comments", "--keyword=_", "--keyword=N_", "--keyword=C_:1c,2",
                    "--keyword=NC_:1c,2", "-o", pot.name, *potfiles(root)], cwd=root, check=True, capture_output=True)
    return pot.name


def arguments(text, start):
    """The arguments of a call whose parenthesis opens before @start, and the offset of their end."""
    parts, depth, at, begin, quoted = [], 0, start, start, False
    while at < len(text):
        char = text[at]
        if quoted:
            at += char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                return parts + [text[begin:at].strip()]
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    return parts


def words(literal):
    """The words of a C string, without directives and the names of our programs."""
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal))
    text = re.sub(r"%[-+ #0]*\d*(\.[\d*]+)?(l|ll|h|z)?[a-zA-Z%]|\\.|deyebusctl|daemoneye-agent|procmond|fsmond|ready|limits|\bMB\b", " ", text)
    return re.findall(r"[A-Za-z]{2,}", text)


@test("/po/potfiles-lists-all-files-with-strings")
def _(root):
    marked = [path for path in sources(root) if MARKED.search(read(root, path))]
    equal(potfiles(root), marked)


@test("/po/no-string-is-missed")
def _(root):
    missed = []
    for path in sources(root):
        if path.startswith(ENGLISH):
            continue
        text = read(root, path)
        for name, place in SHOWN.items():
            for match in re.finditer(rf"(?<!\w){name} \(", text):
                given = arguments(text, match.end())
                if len(given) > place and given[place].startswith('"') and words(given[place]):
                    missed.append(f"{path}: {name} ({given[place]})")
    equal(missed, [])


def complete(root, language):
    pot = extract(root)
    path = os.path.join(root, "po", language + ".po")
    try:
        for command in (["msgcmp", path, pot], ["msgfmt", "--check", "-o", os.devnull, path]):
            ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
            equal(ran.returncode, 0, ran.stderr[:2000])
        same = subprocess.run(["msgattrib", "--translated", "--no-fuzzy", "--no-obsolete", path], capture_output=True,
                              text=True, check=True).stdout
        holds(same.count("\nmsgid ") > 300, "the template has all messages")
    finally:
        os.unlink(pot)


@test("/po/german-is-complete")
def _(root):
    complete(root, "de")


@test("/po/spanish-is-complete")
def _(root):
    complete(root, "es")


sys.exit(run(sys.argv[1]))
