#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The module exports one symbol, stays loaded, and has no network code: read from the file itself."""
import subprocess
import sys


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def main():
    module = sys.argv[1]
    defined = [line.split()[-1] for line in run("nm", "-D", "--defined-only", module).splitlines()]
    flags = run("readelf", "-d", module)
    undefined = {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", module).splitlines()}
    inet = sorted(name for name in undefined if name.startswith(("g_inet_", "getaddrinfo", "g_tcp_", "inet_")))
    checks = [
        ("/module/one-symbol", defined == ["daemoneye_plugin_describe"], defined),
        ("/module/H04-nodelete", "NODELETE" in flags, flags),
        ("/module/relro-now", "BIND_NOW" in flags, flags),
        ("/module/no-inet", not inet, inet),
    ]
    print(f"1..{len(checks)}")
    for number, (path, holds, found) in enumerate(checks, 1):
        print("ok" if holds else "not ok", number, path)
        if not holds:
            print("#", found)
    return 0 if all(holds for _, holds, _ in checks) else 1


sys.exit(main())
