#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no source file of bus, client, tool or agent uses an internet protocol, and that only the folders in NETLINK_FOLDERS
use netlink, to read data of the kernel about the machine.

It reads the sources, not the binaries: GIO always links its own network code, but our code never calls it. The files in EXEMPT
read data of the kernel about the sockets of other processes. They need the numbers of protocols, but may not open such a socket.
"""
import pathlib
import re
import sys
import tempfile

from tap import equal, holds, run, test

FOLDERS = ["agent", "platform", "plugin", "client", "proto"]
WORDS = re.compile(
    r"\b(AF_INET6?|PF_INET6?|sockaddr_in6?|in6?_addr|inet_\w+|getaddrinfo|gethostby\w+|IPPROTO_\w+|netinet/\w+|arpa/inet"
    r"|GInet\w*|g_inet_\w+|G_TYPE_INET\w*|G_SOCKET_FAMILY_IPV[46]|GResolver|g_resolver_\w+|g_network_\w+|GNetwork\w*"
    r"|g_socket_client_connect_to_(host|uri|service)\w*|g_socket_listener_add_(inet|any_inet)\w*|libsoup|curl_\w+)\b")
# Folders, and the words that are allowed in them.
EXEMPT = {"client/collectors/netmond/linux": re.compile(r"AF_INET6?|IPPROTO_(TCP|UDP)|netinet/in|inet_diag\w*")}
# Calls that are not allowed in these folders.
OPENS = re.compile(r"\b(socket|connect|bind|listen|accept4?|sendto|sendmsg)\s*\(")
# Netlink is not a network transport: the kernel of this machine answers.
NETLINK = re.compile(r"\b([AP]F_NETLINK|NETLINK_\w+|sockaddr_nl|nlmsghdr|linux/(?:netlink|rtnetlink|connector|\w+_diag)\.h|libmnl/\w+"
                     r"|mnl_\w+)")
NETLINK_FOLDERS = ("client/collectors/netmond/linux", "client/collectors/procmond/linux")


def is_exempt(path):
    return any(path.is_relative_to(folder) for folder in EXEMPT)


def is_allowed(path, word):
    return any(path.is_relative_to(folder) and words.fullmatch(word) for folder, words in EXEMPT.items())


def is_bad(path, line):
    uses_netlink = NETLINK.search(line) and not any(path.is_relative_to(folder) for folder in NETLINK_FOLDERS)
    return (any(not is_allowed(path, found[0]) for found in WORDS.findall(line)) or (is_exempt(path) and OPENS.search(line))
            or uses_netlink)


def code_of(text):
    """The text with comments blanked out, lines kept."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def texts_of(root):
    """{path: its code}"""
    files = sorted(path.relative_to(root) for room in FOLDERS for path in (root / room).rglob("*") if path.suffix in (".c", ".h"))
    return {path: code_of((root / path).read_text(encoding="utf-8")) for path in files}


def findings(root):
    return [f"{path}:{number}: {line.strip()}" for path, text in texts_of(root).items()
            for number, line in enumerate(text.splitlines(), 1) if is_bad(path, line)]


def needed(root, folders, words):
    """The folders that contain one of @words."""
    return {folder for folder in folders for path, text in texts_of(root).items() if path.is_relative_to(folder) and words.search(text)}


@test("/integration/no-inet/sources-found")
def _(root):
    holds(len(texts_of(root)) > 20, "there are sources")


@test("/integration/no-inet/M02-no-inet-in-sources")
def _(root):
    equal(findings(root), [])


@test("/integration/no-inet/exemptions-are-needed")
def _(root):
    equal(needed(root, EXEMPT, WORDS), set(EXEMPT))
    equal(needed(root, NETLINK_FOLDERS, NETLINK), set(NETLINK_FOLDERS))


@test("/integration/no-inet/self")
def _(_root):
    """In a tree made for this test, the right lines are reported."""
    cases = {"client/x.c": ["int f = AF_INET;", "/* AF_INET */"], "client/y.c": ["#include <linux/netlink.h>", "mnl_socket_open ();"],
             "client/collectors/procmond/linux/z.c": ["socket (AF_NETLINK);", "int g = AF_INET6;"],
             "client/collectors/netmond/linux/z.c": ["int g = AF_INET6;", "bind (3);"]}
    with tempfile.TemporaryDirectory() as top:
        root = pathlib.Path(top)
        for name, lines in cases.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("\n".join(lines), encoding="utf-8")
        equal([line.rsplit(":", 1)[0] for line in findings(root)],
              ["client/collectors/netmond/linux/z.c:2", "client/collectors/procmond/linux/z.c:2", "client/x.c:1", "client/y.c:1",
               "client/y.c:2"])


sys.exit(run(pathlib.Path(sys.argv[1])))
