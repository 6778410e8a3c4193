# SPDX-License-Identifier: Apache-2.0
"""The budget: a text file with a line `PATH WHAT MOST` for each cost that has a bound.

A test that measures more than a bound fails. A change that makes a path more expensive on purpose edits the file as well.
"""


class Budget:
    """The bounds of a file, and the measured values."""

    def __init__(self, path):
        self.most = {}
        self.built_with = ""
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("# built with: "):
                    self.built_with = line.split(":", 1)[1].strip()
                words = line.split("#")[0].split()
                if words:
                    self.most[(words[0], words[1])] = float(words[2])

    def check(self, path, what, got):
        """Fails if @got is above the bound, and prints a note if it is far below."""
        most = self.most.get((path, what))
        print(f"# {path} {what}: {got:.2f}, at most {most}")
        if most is None:
            raise AssertionError(f"budget.txt has no line for: {path} {what}")
        if got > most:
            raise AssertionError(f"{path} {what}: {got:.2f}, and the budget allows {most}: make the path cheaper, or edit "
                                 "tests/budget/budget.txt and say why")
        if got < most * 0.9 - 1:
            print(f"# {path} {what}: the budget can be lowered")
