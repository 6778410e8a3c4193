# SPDX-License-Identifier: Apache-2.0
"""Figures of a report, by row and peer, for the page and its plots. A figure that was not measured is None, and so is every value
that is calculated from it."""
import statistics

from brokers import OTHERS
from results import lost, median, number, spread


class Figures:
    def __init__(self, report):
        self.report = report
        self.rows = {row["name"]: row for row in report["rows"]}

    def measured(self, row, peer):
        return self.rows[row]["peers"].get(peer, []) if row in self.rows else []

    def get(self, row, peer="deye", figure=None):
        return median(self.measured(row, peer), figure or self.figure(row)) if row in self.rows else None

    def figure(self, row):
        return self.rows[row]["figure"]

    def spread(self, row, peer="deye", figure=None):
        return spread(self.measured(row, peer), figure or self.figure(row)) if row in self.rows else None

    def lost(self, row, peer):
        return lost(self.measured(row, peer))

    def best(self, row, figure=None, least=False):
        """The best other broker and its figure, as (peer, figure); (None, None) if none was measured."""
        found = [(self.get(row, peer, figure), peer) for peer in OTHERS if self.get(row, peer, figure) is not None]
        if not found:
            return None, None
        value, peer = min(found) if least else max(found)
        return peer, value

    def paired(self, row, peer="deye", other="raw", figure=None):
        """The median ratio of two peers. Each ratio is of two measurements that were made one after the other."""
        figure = figure or self.figure(row) if row in self.rows else None
        pairs = [(one[figure], two[figure]) for one, two in zip(self.measured(row, peer), self.measured(row, other))
                 if figure in one and figure in two]
        return statistics.median(one / two for one, two in pairs) if pairs else None

    def curve(self, row, peer, figure="curve"):
        """[(quantile, us)]. Each time is the median of the measurements."""
        curves = [one[figure] for one in self.measured(row, peer) if figure in one]
        return [(points[0][0], statistics.median(point[1] for point in points)) for points in zip(*curves)]


def ratio(value, other):
    return value / other if value is not None and other else None


def times(value):
    return f"{value:.2f} x" if value is not None else "-"


def with_spread(figures, row, peer, figure=None):
    """"1.20 M (1.10 M to 1.30 M)"."""
    value, ends = figures.get(row, peer, figure), figures.spread(row, peer, figure)
    return "-" if value is None else f"{number(value)} ({number(ends[0])} to {number(ends[1])})"
