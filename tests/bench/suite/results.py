# SPDX-License-Identifier: Apache-2.0
"""The results of a run: medians and spread of the rows, the description of the machine, and the table on the terminal."""
import os
import platform
import statistics
import subprocess
import time


def run_text(*words):
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    except OSError:
        return ""


def first_line_of(path, key):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(key):
                    return line.partition(":" if ":" in line else "=")[2].strip().strip('"')
    except OSError:
        pass
    return "?"


def machine(source):
    commit = run_text("git", "-C", source, "rev-parse", "--short=12", "HEAD")
    changed = run_text("git", "-C", source, "status", "--porcelain", "-uno", "--", "proto", "platform", "plugin", "client", "agent", "tests/bench")
    return {
        "date": time.strftime("%F %T %Z"), "commit": (commit or "?") + (" with changes" if changed else ""),
        "cpu": first_line_of("/proc/cpuinfo", "model name"), "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(first_line_of("/proc/meminfo", "MemTotal").split()[0]) / (1 << 20), 1),
        "kernel": f"{platform.system()} {platform.release()}", "system": first_line_of("/etc/os-release", "PRETTY_NAME"),
        "compiler": run_text("cc", "--version").partition("\n")[0], "glib": run_text("pkg-config", "--modversion", "glib-2.0"),
        "load_before": os.getloadavg()[0],
    }


def good(measured):
    return [one for one in measured if "error" not in one]


def median(measured, figure):
    """The median of a figure; None if no measurement has it."""
    values = [one[figure] for one in good(measured or []) if figure in one]
    return statistics.median(values) if values else None


def spread(measured, figure):
    """(smallest, largest) of the measurements."""
    values = [one[figure] for one in good(measured or []) if figure in one]
    return (min(values), max(values)) if values else None


def lost(measured):
    return sum(max(one.get("lost", 0), 0) for one in good(measured))


def problems(report):
    """A sentence for each failed measurement and each loss. If there is one, the run has failed."""
    for one in report["rows"]:
        for peer, measured in one["peers"].items():
            for error in sorted({m["error"] for m in measured if "error" in m}):
                yield f"{one['name']} {peer}: failed: {error}"
            if lost(measured):
                yield f"{one['name']} {peer}: {lost(measured)} messages were lost"


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.2f} M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:,.0f} k"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percent_spread(measured, figure):
    middle, ends = median(measured, figure), spread(measured, figure)
    return f"±{(ends[1] - ends[0]) / 2 / middle * 100:.0f} %" if middle else "-"


COLUMNS = ("row", "peer", "figure", "spread", "n", "x raw", "p99 us", "broker s/M", "clients s/M", "lost", "")


def table_line(one, peer):
    measured, figure = one["peers"][peer], one["figure"]
    value, floor = median(measured, figure), median(one["peers"].get("raw"), figure)
    failed = [m["error"] for m in measured if "error" in m]
    return (one["name"], peer, f"{number(value)} {one['unit']}" if value is not None else "FAILED",
            percent_spread(measured, figure) if value else "-",
            str(len(measured)), f"{value / floor:.2f}" if value and floor else "-", number(median(measured, "p99")),
            number(median(measured, "broker_cpu")), number(median(measured, "clients_cpu")), str(lost(measured)) if good(measured) else "-",
            f"{len(failed)} failed: {failed[0][:100]}" if failed else "")


def print_table(report, file):
    lines = [COLUMNS]
    for one in report["rows"]:
        lines += [table_line(one, peer) for peer in one["peers"]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS) - 1)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)) + "  " + line[-1], file=file)
