#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check-comments.py [SOURCE_DIR]: finds comments with words and openings that are hard to read, and long lines. Prints TAP.

A comment begins with its subject, not with a clause ("What is left is dropped"), and uses the terms of the field: a peer
disconnects, a value is reported, a task continues, an entry is checked. The table RULES has the words and openings that are not
used, with a replacement. EXCEPTIONS lists comments that are correct although they contain them, each with its reason.

clang-format breaks lines of code, but not those of comments. So the length of all lines of C files is checked here.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import equal, holds, run, test  # noqa: E402

FOLDERS = (".ci", "agent", "client", "doc", "platform", "plugin", "proto", "terminal", "tests")
PERSON = r"(?:asker|broker|client|collector|holder|member|one|peer|publisher|server|submitter|subscriber|those)"

# (pattern, what to write)
RULES = [(re.compile(pattern), advice) for pattern, advice in (
    (r"^(?:@?\w+: )?(?:How|What|When nobody|Where|Whether|Which|Who|Whoever|Why)\b(?![^.]*\?)",
     "begin with the subject: the number of, the place of, a peer that, TRUE:"),
    (r"[.:;] (?:How|What|Who|Whoever)\b(?![^.]*\?)", "name the subject: messages that, a peer that"),
    (r"\b(?:[Hh]e|him|his|[Ss]he|[Hh]er)\b", "it"),
    (r"\b[Gg]o(?:es|ing)? on\b", "continue"),
    (r"\bgoes\b", "disconnects, is sent, is added"),
    (r"\b(?:[Tt]ells?|told)\b", "report, notify, distinguish"),
    (r"\b[Hh]ears?\b", "receive, is notified"),
    (r"\b[Ll]ook(?:s|ed|ing)? at\b", "check, examine, read"),
    (r"\b(?:became|becomes?) of\b", "the outcome of"),
    (r"\b[Ww]hat keeps\b|\b[Aa]larms?\b", "the memory of, the obstacle to; timer"),
    (r"\b[Ww]hoever\b|\b" + PERSON + r" who\b", "a peer that"),
    (r"\b(?:[Nn]obody|[Nn]o one)\b", "no peer, no client, no caller"),
    (r"\b[Ww]hatever\b", "also if, for any, independent of"),
    (r"\b(?:[Ss]omebody|[Ss]omeone|[Aa]nybody|[Aa]nyone|[Ee]verybody|[Ee]veryone)\b", "a peer, any peer, each peer"),
    (r"\b[Ss]tands still\b|\b[Cc]omes back\b", "stops, waits; is returned, is queued again, reconnects"),
)]

# {(file, beginning of the comment): the reason of the exception}
EXCEPTIONS = {}

LINE_MAX = 132

C_COMMENT = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|/\*(.*?)\*/|//([^\n]*)""", re.DOTALL)
HASH_COMMENT = re.compile(r"(?:^|(?<=\s))#(?![!:])[ \t]?(.*)")


def comments_of_c(text):
    """(line, text) of each comment, in one line each."""
    for match in C_COMMENT.finditer(text):
        comment = match.group(2) if match.group(1) is None else re.sub(r"\n[ \t]*\*?", " ", match.group(1))
        if comment is not None:
            yield text.count("\n", 0, match.start()) + 1, " ".join(comment.lstrip("*").split())


def comments_of_script(text):
    """The same for comments that begin with #. Consecutive lines with only a comment are one comment."""
    start, lines = 0, []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        match = HASH_COMMENT.search(line)
        if match and not line[:match.start()].strip():
            start = start or number
            lines.append(match.group(1))
            continue
        if lines:
            yield start, " ".join(" ".join(lines).split())
        start, lines = 0, []
        if match:
            yield number, match.group(1).strip()


def reader_of(name):
    if name.endswith((".c", ".h", ".js", ".proto", ".vala")):
        return comments_of_c
    if name.endswith((".py", ".sh")) or name in ("meson.build", "meson_options.txt", "bootstrap", "run"):
        return comments_of_script
    return None


def source_files(root):
    for name in ("bootstrap", "meson.build", "meson_options.txt"):
        yield name
    for top in FOLDERS:
        for where, folders, names in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(names):
                if reader_of(name):
                    yield os.path.relpath(os.path.join(where, name), root)


def faults_of(comment):
    """[(words, what to write)] of a comment."""
    return [(match.group(0), advice) for rule, advice in RULES for match in [rule.search(comment)] if match]


def is_excepted(path, comment):
    return any(path == name and comment.startswith(begin) for name, begin in EXCEPTIONS)


def long_lines(text):
    """The numbers of the lines that are too long."""
    return [number for number, line in enumerate(text.split("\n"), 1) if len(line) > LINE_MAX]


@test("/comments/plain-english")
def _(root):
    found, n_comments = [], 0
    for path in source_files(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        for line, comment in reader_of(os.path.basename(path))(text):
            n_comments += 1
            if not is_excepted(path, comment):
                found += [f"{path}:{line}: '{words}': {advice}" for words, advice in faults_of(comment)]
    holds(n_comments > 10000, f"{n_comments} comments")
    equal(found, [])


@test("/comments/line-length")
def _(root):
    found, n_files = [], 0
    for path in source_files(root):
        if not path.endswith((".c", ".h")):
            continue
        n_files += 1
        with open(os.path.join(root, path), encoding="utf-8") as file:
            found += [f"{path}:{number}: more than {LINE_MAX} characters" for number in long_lines(file.read())]
    holds(n_files > 1000, f"{n_files} files")
    equal(found, [])


@test("/comments/self/line-length")
def _(_root):
    equal(long_lines("\n".join(("x" * LINE_MAX, "x" * (LINE_MAX + 1), "é" * LINE_MAX, ""))), [2])


@test("/comments/self/finds-in-c")
def _(_root):
    text = '/* What is left is dropped. */\nchar *a = "/* Who */"; // one that goes\n/**\n * Name:\n *\n * The rest.\n */\n'
    comments = list(comments_of_c(text))
    equal(comments, [(1, "What is left is dropped."), (2, "one that goes"), (3, "Name: The rest.")])
    equal([len(faults_of(comment)) for _line, comment in comments], [1, 1, 0])


@test("/comments/self/finds-in-scripts")
def _(_root):
    text = "#!/bin/sh\n# The first\n# line\nx=1 # here\ny='a#b'\n"
    equal(list(comments_of_script(text)), [(2, "The first line"), (4, "here")])


@test("/comments/self/rules")
def _(_root):
    wrong = ("Why it ends.", "FALSE: what? No. Who reads it waits.", "Gives him the rest.", "The task goes on.", "It is told.",
             "The client hears it.", "Looks at the queue.", "What became of it.", "a peer who waits", "Whoever waits.",
             "Somebody waits.", "for anyone", "so nobody is notified", "of any type, whatever its name", "The queue stands still.",
             "if the credit comes back")
    for comment in wrong:
        holds(faults_of(comment), comment)
    for comment in ("What happens if it fails?", "The number of peers that wait.", "No peer waits.", "It continues.", "the same",
                    "a theory", "It still stands.", "one that comes, backed by a lease"):
        equal(faults_of(comment), [])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else "."))
