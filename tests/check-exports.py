#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check-exports.py LIBRARY MARK HEADER...: a library exports exactly what its headers mark. Prints TAP.

MARK is the macro that marks an exported function, such as DEYE_BUS_API. Everything else in a library is hidden, so that two
copies of the shared code in one process never mix, and so that no program can depend on what is not an interface.
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import equal, holds, run, test  # noqa: E402

# G_DECLARE_FINAL_TYPE (FooBar, foo_bar, ...) declares foo_bar_get_type (), without a semicolon; else the name before the first (.
MARKED = r"\b{}\s+(?:G_DECLARE_\w+\s*\(\s*\w+\s*,\s*(\w+)|[^;()]*?(\w+)\s*\()"


def marked(mark, text):
    """The names that a header marks."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*", " ", text, flags=re.DOTALL | re.MULTILINE)
    return {declared + "_get_type" if declared else name for declared, name in re.findall(MARKED.format(mark), text)}


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


@test("/exports/self/marked")
def _(_given):
    text = """#define API __attribute__ ((visibility ("default"))) \\
  more (x)
/* API int no (void); */
API G_DECLARE_FINAL_TYPE (FooBar, foo_bar, FOO, BAR, GObject)
API GType a_get_type (void);
int hidden (void);
API
const char *b (int (*callback) (void));
"""
    equal(sorted(marked("API", text)), ["a_get_type", "b", "foo_bar_get_type"])


@test("/exports/only-functions-marked-in-headers")
def _(given):
    library, mark, *headers = given
    names = set()
    for header in headers:
        with open(header, encoding="utf-8") as file:
            names |= marked(mark, file.read())
    holds(names, "the headers mark functions")
    equal(sorted(exported(library) - names), [], "exported and not marked")
    equal(sorted(names - exported(library)), [], "marked and not exported")


sys.exit(run(sys.argv[1:]))
