#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check-posix.py [SOURCE_DIR]: where product and tests include headers that only some operating systems have. Prints TAP.

Such headers are included in the folders posix/ and linux/ only. All other files are the same on every system, and use it through
interfaces whose headers are beside these folders. EXCEPTIONS lists files that may include such a header, each with its reason.
"""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import equal, holds, run, test  # noqa: E402

FOLDERS = ("proto", "platform", "plugin", "client", "agent", "tests")
SYSTEMS = ("posix", "linux", "win")

# Headers and functions that neither ISO C nor the portable part of GLib has. (signal.h is ISO C, but its used part is POSIX.)
SYSTEM_HEADER = re.compile(r"""
    (?: sys | netinet | arpa | net | linux | asm | mach | mach-o ) /
  | (?: aio | dirent | dlfcn | fcntl | fnmatch | glob | grp | ifaddrs | langinfo | netdb | poll | pthread | pwd | sched | semaphore
      | signal | spawn | strings | syslog | termios | ucontext | unistd | utime | wordexp | windows | winsock2 | io ) \.h $
  | glib-unix\.h $
  | gio/ (?: gunix | gfiledescriptorbased | gdesktopappinfo )
""", re.VERBOSE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)

# {file: the reason of the exception}
EXCEPTIONS = {}


def source_files(root):
    for top in FOLDERS:
        for where, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(folder for folder in folders if folder not in SYSTEMS)
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(where, name), root)


def system_includes(root, files):
    """["file: header"] of each header of a system that a file includes."""
    for path in files:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for header in INCLUDE.findall(file.read()):
                if SYSTEM_HEADER.match(header):
                    yield f"{path}: {header}"


@test("/posix/headers-of-a-system-in-its-folder-only")
def _(root):
    files = list(source_files(root))
    holds(len(files) > 150, f"{len(files)} files")
    found = list(system_includes(root, [path for path in files if path not in EXCEPTIONS]))
    equal(found, [], "take it from an interface, and include it in posix/")


@test("/posix/exceptions-are-needed")
def _(root):
    equal([path for path in EXCEPTIONS if not list(system_includes(root, [path]))], [])


@test("/posix/self/finds")
def _(_root):
    text = "#include <unistd.h>\n# include <sys/stat.h>\n#include <glib.h>\n#include <stdio.h>\n#include <gio/gio.h>\n" \
           '#include <gio/gunixfdlist.h>\n#include "signal-name.h"\n#include "link-io.h"\n/* #include */\n#include <io.h>\n'
    with tempfile.TemporaryDirectory() as root:
        for path in ("plugin/a.c", "plugin/posix/b.c", "client/win/c.c", "tests/d.c", "doc/e.c"):
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        files = list(source_files(root))
        equal(files, ["plugin/a.c", "tests/d.c"])
        equal([line.split()[1] for line in system_includes(root, files[:1])],
              ["unistd.h", "sys/stat.h", "gio/gunixfdlist.h", "io.h"])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else "."))
