#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of csource, on which tests/check-tokens and tests/check-names.py rely. Prints TAP."""
import sys

import csource
from tap import equal, holds, run, test

SAME = {
    "comment": ("int a; /* one */", "int a; // other"),
    "comment between": ("int/**/a;", "int a;"),
    "comment of several lines": ("/* a\n * b */ int a;", "int a;"),
    "layout": ("if (a)\n  b ();", "if(a) b();"),
    "continued line": ("#define A \\\n  1\n", "#define A 1\n"),
    "blank lines": ("#define A 1\n\n\nint a;", "#define A 1\nint a;"),
    "space in a directive": ("#  include   <a.h>\n", "#include <a.h>\n"),
}
OTHER = {
    "word": ("int a;", "int b;"),
    "string": ('"a b"', '"a  b"'),
    "comment in a string": ('"/* a */"', '""'),
    "string's prefix": ('L"a"', '"a"'),
    "escaped quote": ('"a\\"b" /* c */', '"a\\"" /* c */'),
    "character": ("'\\''", "'\"'"),
    "operators": ("a - -b", "a--b"),
    "longer operator": ("a >> = b", "a >>= b"),
    "number": ("1u", "1 u"),
    "exponent": ("1e+3", "1e + 3"),
    "path": ("#include <a/b.h>\n", "#include <a / b.h>\n"),
    "end of a directive": ("#define A\nint a;", "#define A int a;"),
    "code into a comment": ("a (); /* b */", "/* a (); b */"),
}


@test("/csource/same-tokens")
def test_same_tokens():
    for what, (old, new) in SAME.items():
        equal(csource.tokens(old), csource.tokens(new), what)


@test("/csource/different-tokens")
def test_different_tokens():
    for what, (old, new) in OTHER.items():
        holds(csource.tokens(old) != csource.tokens(new), what)


@test("/csource/declarations")
def test_declarations():
    text = '#define F(a) { a\nstatic int f (int (*a) (void)) { if (a) { g ("}"); } }\nint x = { 1 };\nvoid g (void);'
    items = list(csource.declarations(text))
    equal([csource.is_function(item) for item in items], [True, False, False])
    equal(items[0][:3], ["static", "int", "f"])
    equal(list(items[0][3]), ["int", "(", "*", "a", ")", "(", "void", ")"])


sys.exit(run())
