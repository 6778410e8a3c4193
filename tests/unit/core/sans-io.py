#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The core does no I/O: reads the symbols of its archives (one for each layer).

It may need no function that does I/O, reads a clock, the environment or a random number, starts a thread or knows a main
context, and it may define no variable that can change.
"""
import re
import subprocess
import sys

DENIED = re.compile(
    r"^(socket|bind|listen|accept4?|connect|send.*|recv.*|read|write|readv|writev|open|openat|fopen|close|poll|select|"
    r"epoll_.*|clock_gettime|gettimeofday|time|nanosleep|usleep|getenv|secure_getenv|pthread_.*|rand|random|getrandom|"
    r"printf|fprintf|puts|exit|system|popen|signal|sigaction|fork|exec.*|strcpy|strcat|sprintf|vsprintf|strncpy|strtok|"
    r"atoi|atol|alloca|setjmp|longjmp|g_get_.*_time|g_get_monotonic_time|g_main_.*|g_source_.*|g_timeout_.*|g_idle_.*|"
    r"g_thread_.*|g_mutex_.*|g_rand.*|g_getenv|g_file_.*|g_io_.*|g_socket_.*|g_variant_.*|g_print.*|g_log.*|"
    r"g_memdup|protobuf_c_message_unpack|g_object_.*|g_type_.*)$")


def main():
    archives = sys.argv[1:]
    undefined = {line.split()[-1] for line in subprocess.run(
        ["nm", "-u", *archives], check=True, capture_output=True, text=True).stdout.splitlines() if " U " in line}
    sections = subprocess.run(["nm", "-f", "sysv", *archives], check=True, capture_output=True, text=True).stdout
    mutable = [line for line in sections.splitlines() if re.search(r"\|\s*(\.data|\.bss)(\.(?!rel\.ro)\S+)?\s*$", line)
               and "OBJECT" in line]
    denied = sorted(name for name in undefined if DENIED.match(name))

    print("1..3")
    print(f"{'ok' if len(undefined) > 20 and len(archives) == 9 else 'not ok'} 1 /core/symbols/archives-were-read")
    print(f"{'ok' if not denied else 'not ok'} 2 /core/symbols/no-world")
    print(f"{'ok' if not mutable else 'not ok'} 3 /core/symbols/H08-no-mutable-globals")
    for name in denied + mutable:
        print("#", name)
    return 1 if denied or mutable or len(undefined) <= 20 or len(archives) != 9 else 0


sys.exit(main())
