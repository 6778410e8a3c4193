#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/check-names.py: names that two files of the product define. Prints TAP.

The name of a static function is unique in the product, so that a backtrace reads alone, and so is the name of a struct, a
union, an enum or a function type. main() is exempt, and so are two files that no program links together: those of
different platform folders.
"""
import collections
import pathlib
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/lib"))
import csource  # noqa: E402
from csource import Group  # noqa: E402

PRODUCT = ("proto", "platform", "plugin", "agent", "client")
SYSTEMS = ("posix", "linux", "win")

SAMPLE = """
G_DEFINE_FINAL_TYPE (Foo, foo, G_TYPE_OBJECT)
static const Row rows[] = { { 1, "static void no (void) {" } };
static Row row = (Row){ 2 };
static void declared (int a);
static G_GNUC_PRINTF (1, 2) void
fail (const char *format, ...)
{
  for (struct { int a; } no = { 1 };;) /* static void no (void) { } */
    fail ("}");
}
void global (void) { }
static inline int *count (void) { return (int[]){ 1 }; }
typedef struct _Foo Foo;
struct _Foo { int a; };
typedef struct { struct { int no; } a[2]; } Call;
typedef enum Tag { A, B } Kind;
typedef gboolean (*Fits) (const Call *call);
"""


def functions(text):
    """The static functions that a text defines."""
    for item in csource.declarations(text):
        if csource.is_function(item) and "static" in item:
            yield item[-3]


def types(text):
    """The structs, unions, enums and function types that a text defines."""
    for item in csource.declarations(text):
        body = next((i for i, part in enumerate(item) if isinstance(part, Group) and part.kind == "{"), None)
        tagged = next((i for i, part in enumerate(item) if part in ("struct", "union", "enum")), None)
        if body is not None and tagged is not None and tagged < body <= tagged + 2 and "=" not in item:
            if body == tagged + 2:
                yield item[tagged + 1]
            if "typedef" in item and item[-1] != item[tagged + 1]:
                yield item[-1]
        elif "typedef" in item:
            yield from (part[-1] for part in item if isinstance(part, Group) and part[:1] == ["*"] and len(part) == 2)


def platform(path):
    return next((part for part in path.parts if part in SYSTEMS), None)


def linked_together(paths):
    """True if a program links two of these files."""
    rivals = {platform(path) for path in paths}
    return len(paths) > len(rivals) or None in rivals


def clashes(names_of, paths):
    """{name: the files that define it} of the names that more than one file defines."""
    users = collections.defaultdict(list)
    for path in paths:
        for name in set(names_of(path.read_text(encoding="utf-8"))) - {"main"}:
            users[name].append(path.relative_to(ROOT))
    return {name: files for name, files in sorted(users.items()) if len(files) > 1 and linked_together(files)}


def report(number, path, problems):
    for problem in problems:
        print("#", problem)
    print("not ok" if problems else "ok", number, "-", path)
    return bool(problems)


def main():
    paths = [path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*.[ch]"))]
    sample = sorted(functions(SAMPLE)), sorted(types(SAMPLE))
    rivals = [pathlib.Path(f"agent/{system}/x.c") for system in SYSTEMS]
    failed = [report(1, "/names/sample", [] if sample == (["count", "fail"], ["Call", "Fits", "Kind", "Tag", "_Foo"])
                     else [f"read {sample}"]),
              report(2, "/names/systems-are-apart", ["two systems meet"] if linked_together(rivals) else []),
              report(3, "/names/files-were-read", [] if len(paths) > 150 else [f"only {len(paths)}"])]
    for number, (path, what) in enumerate((("functions", functions), ("types", types)), 4):
        found = clashes(what, paths)
        failed.append(report(number, f"/names/{path}",
                             [f"{name}: {', '.join(map(str, files))}" for name, files in found.items()]))
    print("1..5")
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main())
