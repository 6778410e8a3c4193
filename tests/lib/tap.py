# SPDX-License-Identifier: Apache-2.0
"""TAP for tests in Python: functions with the decorator @test run in order, and fail by raising an exception."""
import sys
import traceback

TESTS = []


class Skip(Exception):
    """Raised by a test that this machine cannot run. Its text is the reason."""


def test(path):
    """@test("/cli/status/M22-json"): the decorated function is the test of that path."""
    def add(function):
        TESTS.append((path, function))
        return function
    return add


def run(*arguments):
    """Runs all tests with the arguments. Returns the exit status of the program. If an argument has a method tidy(), it is called
    when a test has failed."""
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, (path, function) in enumerate(TESTS, 1):
        try:
            function(*arguments)
            print(f"ok {number} - {path}", flush=True)
        except Skip as skip:
            print(f"ok {number} - {path} # SKIP {skip}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("# " + traceback.format_exc().rstrip().replace("\n", "\n# "))
            print(f"not ok {number} - {path}", flush=True)
            for argument in arguments:
                getattr(argument, "tidy", lambda: None)()
    return 1 if failed else 0


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what}\n got:    {got!r}\n wanted: {wanted!r}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def run_with(make):
    """Calls @make with the program's arguments, and run() with the result, whose end() is always called."""
    fixture = make(*sys.argv[1:])
    try:
        return run(fixture)
    finally:
        fixture.end()


if __name__ == "__main__":
    sys.exit("to be imported")
