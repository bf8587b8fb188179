"""Rows by 64-bit key for tables that only grow: 12 bytes a key, where a hash index takes 24."""

import numpy as np

from operators.hashindex import I32, I64, U64, Bool

Run = tuple[U64, I32]
"""Keys, ascending, and the row of each."""


class KeyRuns:
    """Sorted runs, each at least twice as long as the next: a look-up searches few.

    A key may be added again: its newest row stands.
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def add(self, keys: U64, rows: I32) -> None:
        """Add keys, all different, with their rows."""
        order = np.argsort(keys)
        self.runs.append((keys[order], rows[order]))
        while len(self.runs) > 1 and len(self.runs[-2][0]) < 2 * len(self.runs[-1][0]):
            newer, older = self.runs.pop(), self.runs.pop()
            self.runs.append(_merged(older, newer))

    def find(self, keys: U64) -> I64:
        """Rows of keys, -1 where absent. Shape as `keys`."""
        rows = np.full(len(keys), -1, np.int64)
        open_ = np.arange(len(keys))
        for known, of in reversed(self.runs):
            if not len(open_):
                break
            place = np.minimum(np.searchsorted(known, keys[open_]), len(known) - 1)
            hit = known[place] == keys[open_]
            rows[open_[hit]] = of[place[hit]]
            open_ = open_[~hit]
        return rows

    def keep(self, rows: Bool) -> None:
        """Drop the keys of rows that are not wanted (indexed by row)."""
        kept = [(keys[rows[of]], of[rows[of]]) for keys, of in self.runs]
        self.runs = [run for run in kept if len(run[0])]

    def drop(self, count: int) -> None:
        """Drop the keys of the first `count` rows; the others' are numbered from 0."""
        kept = [(keys[of >= count], of[of >= count] - np.int32(count)) for keys, of in self.runs]
        self.runs = [run for run in kept if len(run[0])]


def _merged(older: Run, newer: Run) -> Run:
    keys = np.concatenate((older[0], newer[0]))
    rows = np.concatenate((older[1], newer[1]))
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    # Of equal keys the last is the newer run's.
    last = np.ones(len(keys), np.bool_)
    last[:-1] = keys[1:] != keys[:-1]
    return keys[last], rows[last]
