#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no source file of bus, client, tool or agent uses an internet protocol.

It reads the sources, not the binaries: GIO always links its own network code, but our code never calls it. The files in EXEMPT
read what the kernel says about the sockets of others. They need the numbers of its protocols, but may not open a socket of one.
"""
import pathlib
import re
import sys

FOLDERS = ["agent", "platform", "plugin", "client", "proto"]
WORDS = re.compile(
    r"\b(AF_INET6?|PF_INET6?|sockaddr_in6?|in6?_addr|inet_\w+|getaddrinfo|gethostby\w+|IPPROTO_\w+|netinet/\w+|arpa/inet"
    r"|GInet\w*|g_inet_\w+|G_TYPE_INET\w*|G_SOCKET_FAMILY_IPV[46]|GResolver|g_resolver_\w+|g_network_\w+|GNetwork\w*"
    r"|g_socket_client_connect_to_(host|uri|service)\w*|g_socket_listener_add_(inet|any_inet)\w*|libsoup|curl_\w+)\b")
# Folders, and the words that are allowed in them.
EXEMPT = {"client/collectors/netmond/linux": re.compile(r"AF_INET6?|IPPROTO_(TCP|UDP)|netinet/in|inet_diag\w*")}
# Calls that are not allowed there.
OPENS = re.compile(r"\b(socket|connect|bind|listen|accept4?|sendto|sendmsg)\s*\(")


def is_exempt(path):
    return any(path.is_relative_to(folder) for folder in EXEMPT)


def is_allowed(path, word):
    return any(path.is_relative_to(folder) and words.fullmatch(word) for folder, words in EXEMPT.items())


def is_bad(path, line):
    return any(not is_allowed(path, found[0]) for found in WORDS.findall(line)) or (is_exempt(path) and OPENS.search(line))


def code_of(text):
    """The text with comments blanked out, lines kept."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def main():
    root = pathlib.Path(sys.argv[1])
    files = sorted(p.relative_to(root) for room in FOLDERS for p in (root / room).rglob("*") if p.suffix in (".c", ".h"))
    texts = {path: code_of((root / path).read_text(encoding="utf-8")) for path in files}
    findings = [f"{path}:{number}: {line.strip()}" for path in files
                for number, line in enumerate(texts[path].splitlines(), 1) if is_bad(path, line)]
    needed = {folder for folder in EXEMPT for path in files if path.is_relative_to(folder) and WORDS.search(texts[path])}
    print("1..3")
    print("ok 1 /integration/no-inet/sources-found" if len(files) > 20 else "not ok 1 /integration/no-inet/sources-found")
    for finding in findings:
        print("#", finding)
    print(("not ok" if findings else "ok") + " 2 /integration/no-inet/M02-no-inet-in-sources")
    print(("ok" if needed == set(EXEMPT) else "not ok") + " 3 /integration/no-inet/exemptions-are-needed")
    return 0


sys.exit(main())
