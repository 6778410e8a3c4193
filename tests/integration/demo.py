#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the demonstration of daemoneye-agent with --json, and checks the objects that it prints."""
import json
import subprocess
import sys

COUNT = 0


def check(path, holds, why=""):
    global COUNT
    COUNT += 1
    print(("ok" if holds else "not ok"), COUNT, "/integration/demo/" + path)
    if not holds and why:
        print("#", why)


def numbers(value, path=""):
    """Every (path, number) in a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item, path + "[]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value


def check_slow(lines):
    """A suspended subscriber: the broker's report about it, the gaps that it gets, and the effect on other subscribers."""
    steps = {line.get("step"): line for line in lines if isinstance(line, dict)}
    slow, gap = steps.get("slow", {}), steps.get("gap", {})
    gaps = gap.get("gaps", [])
    published = slow.get("published", 0)
    missed = gap.get("missed")
    check("M08-names-the-receiver-that-is-behind",
          slow.get("subscriber") == "slow-1" and slow.get("behind_us", 0) > 0 and published > 0
          and 0 < slow.get("waiting", 0) <= slow.get("bound", 0)
          and slow.get("sent", 0) + slow.get("waiting", 0) + slow.get("missed", 0) == published, json.dumps(slow))
    check("M08-received-and-missed-are-all-that-was-published",
          gap.get("received", 0) > 0 and gap.get("missed", 0) > 0 and gap.get("out_of_place") == 0
          and gap.get("received", 0) + gap.get("missed", 0) == published, json.dumps(gap))
    check("M08-gaps-report-missed-messages",
          len(gaps) > 0 and sum(one["count"] for one in gaps) == missed
          and all(one["reason"] == 40 and one["from"] + one["count"] - 1 <= one["to"] for one in gaps), json.dumps(gaps))
    check("M08-system-drop-and-statistics-agree", gap.get("drop_missed") == missed == slow.get("missed"),
          json.dumps(gap))
    check("M08-no-other-subscriber-missed-any", gap.get("agent_received") == published > 0, json.dumps(gap))


def check_failover(steps):
    """Tasks list tables: first undisturbed, then with one collector killed and one suspended."""
    shards, failover, recovery = steps.get("shards", {}), steps.get("failover", {}), steps.get("recovery", {})
    calm, rough = failover.get("undisturbed_us", 0), failover.get("duration_us", 0)
    takeovers = failover.get("takeovers", [])
    check("M10-every-collector-does-tasks",
          len(shards.get("shares", [])) == 3 and all(one["tasks"] > 0 for one in shards["shares"])
          and sum(one["tasks"] for one in shards["shares"]) == shards.get("tasks"), json.dumps(shards))
    check("M14-the-tables-are-complete-within-three-times-the-undisturbed-time",
          shards.get("complete") == failover.get("complete") == failover.get("tables", 0) > 0
          and (failover.get("round", 0) > 1 or calm == shards.get("duration_us")) and 0 < rough <= 3 * calm,
          json.dumps(failover))
    for path, name, cause in [
            ("K01-names-the-successor-of-the-killed-collector", "procmond-1", "the connection of the member ended"),
            ("K04-names-the-successor-of-the-frozen-collector", "procmond-2", "reported no progress")]:
        mine = [one for one in takeovers if one["from"] == name and cause in one["cause"]]
        check(path, mine and all(one["to"] != name and 0 < one["noticed_us"] <= one["started_us"] for one in mine),
              json.dumps(takeovers))
    check("K04-a-late-answer-is-refused", recovery.get("ok") is True, json.dumps(recovery))


def check_tasks(steps):
    """A task that kills its collectors, and a task whose broker is killed."""
    poison, adoption = steps.get("poison", {}), steps.get("adoption", {})
    check("K06-poison-is-quarantined-while-others-go-on",
          2 <= poison.get("deaths", 0) <= 3 and poison.get("others", 0) > 0 and poison.get("succeeded") == poison.get("others"),
          json.dumps(poison))
    check("K09-a-running-task-is-adopted-and-runs-once",
          adoption.get("runs") == 1 and adoption.get("attempt") == 1 and adoption.get("rounds") == adoption.get("of_rounds")
          and adoption.get("adopted_us", 0) > 0, json.dumps(adoption))


def check_question(steps):
    """One question to three kinds of collectors, one of which is killed."""
    question = steps.get("question", {})
    answers = question.get("list", [])
    check("D05-the-manifest-names-the-killed-one",
          question.get("named") is True and question.get("killed") == "procmond-2"
          and question.get("answers") == question.get("expected", 0) - 1 == len(answers) >= 2, json.dumps(question))
    check("M12-each-kind-answers",
          {one["id"] for one in answers} >= {"procmond-1", "procmond-3"} and all("daemoneye-agent" in one["text"] for one in answers
                                                                                if one["id"].startswith("procmond-")),
          json.dumps(answers))


def main():
    run = subprocess.run([sys.argv[1], "--demo", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=240,
                         check=False)
    text = run.stdout.decode("utf-8")
    lines = []
    for line in text.splitlines():
        if line.strip():
            try:
                lines.append(json.loads(line))
            except ValueError:
                check("lines-are-json", False, line)
    print("# " + text.replace("\n", "\n# ")[:4000])
    check("M01-ends-with-0", run.returncode == 0, f"status {run.returncode}")
    check("lines-are-json-objects", bool(lines) and all(isinstance(line, dict) for line in lines))
    failed = [line for line in lines if line.get("ok") is False]
    check("M21-no-step-failed", not failed, json.dumps(failed))
    check("M02-names-both-collectors", all(name in text for name in ("procmond-1", "procmond-2")))
    check_slow(lines)
    steps = {line.get("step"): line for line in lines if isinstance(line, dict)}
    check_failover(steps)
    check_tasks(steps)
    check_question(steps)
    print(f"1..{COUNT}")
    return 0


sys.exit(main())
