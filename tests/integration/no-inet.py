#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no source file of bus, client or tool uses an internet protocol.

It reads the sources, not the binaries: GIO always links its own network code, but our code never calls it.
"""
import pathlib
import re
import sys

FOLDERS = ["agent", "platform", "plugin", "client", "proto"]
WORDS = re.compile(
    r"\b(AF_INET6?|PF_INET6?|sockaddr_in6?|in6?_addr|inet_\w+|getaddrinfo|gethostby\w+|IPPROTO_\w+|netinet/\w+|arpa/inet"
    r"|GInet\w*|g_inet_\w+|G_TYPE_INET\w*|G_SOCKET_FAMILY_IPV[46]|GResolver|g_resolver_\w+|g_network_\w+|GNetwork\w*"
    r"|g_socket_client_connect_to_(host|uri|service)\w*|g_socket_listener_add_(inet|any_inet)\w*|libsoup|curl_\w+)\b")


def code_of(text):
    """The text with comments blanked out, lines kept."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def main():
    root = pathlib.Path(sys.argv[1])
    files = sorted(p for room in FOLDERS for p in (root / room).rglob("*") if p.suffix in (".c", ".h"))
    findings = [f"{path.relative_to(root)}:{number}: {line.strip()}"
                for path in files
                for number, line in enumerate(code_of(path.read_text(encoding="utf-8")).splitlines(), 1)
                if WORDS.search(line)]
    print("1..2")
    print("ok 1 /integration/no-inet/sources-found" if len(files) > 20 else "not ok 1 /integration/no-inet/sources-found")
    for finding in findings:
        print("#", finding)
    print(("not ok" if findings else "ok") + " 2 /integration/no-inet/M02-no-inet-in-sources")
    return 0


sys.exit(main())
