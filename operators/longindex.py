"""A map from 64-bit keys to dense row numbers for what is kept for weeks: 12 bytes a key.

The newest keys are in a hash index, the others in sorted runs. Rows are numbered in the order of
their first appearance, so that the oldest can be forgotten and no other gets another number.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.hashindex import I64, U64, HashIndex
from operators.keyruns import KeyRuns

Arrays = dict[str, npt.NDArray[np.generic]]

_SETTLE: Final = 4_096
_SHARE: Final = 8
"""Newest keys are settled once there are so many, and an eighth of the settled ones."""


class LongIndex:
    """Keys to rows `first, first + 1, …`; as `HashIndex`, at half its memory.

    Attributes:
        first: row of the oldest key that is kept; those below were forgotten.
    """

    __slots__ = ("_fresh", "_runs", "_settled", "_starts", "first")

    def __init__(self) -> None:
        self.first = 0
        self._starts: dict[int, int] = {}
        self._settled = 0
        self._runs = KeyRuns()
        self._fresh = HashIndex()

    def __len__(self) -> int:
        return self._settled + self._fresh.count

    @property
    def end(self) -> int:
        """The row that the next new key gets."""
        return self.first + len(self)

    def find(self, keys: U64) -> I64:
        """Rows of `keys`, -1 where absent. Shape `(n,)` as `keys`."""
        rows = self._fresh.find(keys)
        rows[rows >= 0] += self.first + self._settled
        self._find_settled(keys, rows)
        return rows

    def find_or_add(self, keys: U64) -> I64:
        """Rows of `keys`, new rows for new keys. Equal keys get the same row.

        New rows are those `>=` the `end` from before the call.
        """
        rows = self.find(keys)
        new = np.flatnonzero(rows < 0)
        if len(new):
            rows[new] = self._fresh.find_or_add(keys[new]) + (self.first + self._settled)
            if self._fresh.count >= max(_SETTLE, self._settled // _SHARE):
                self._settle()
        return rows

    def turn_day(self, day: int, days: int) -> int:
        """A day began: forget what came first more than `days` days before it; gives how many."""
        if day in self._starts:
            return 0
        self._starts[day] = self.end
        self._starts = {of: row for of, row in self._starts.items() if of >= day - days}
        before = self.first
        self.forget(self._starts[min(self._starts)])
        return self.first - before

    def forget(self, before: int) -> None:
        """Forget the keys of rows below `before`, which is at most `end`."""
        gone = before - self.first
        if gone <= 0:
            return
        self._settle()
        self._runs.drop(gone)
        self._settled -= gone
        self.first = before

    def arrays(self) -> Arrays:
        """What a snapshot keeps, by name."""
        runs = self._runs.runs
        return {
            "first": np.array([self.first], np.int64),
            "days": np.array(list(self._starts.items()), np.int64).reshape(-1, 2),
            "lengths": np.array([len(keys) for keys, _ in runs], np.int64),
            "settled": np.concatenate([np.zeros(0, np.uint64), *(keys for keys, _ in runs)]),
            "rows": np.concatenate([np.zeros(0, np.int32), *(rows for _, rows in runs)]),
            "fresh": self._fresh.keys(),
        }

    def restore(self, found: Mapping[str, npt.NDArray[np.generic] | None]) -> None:
        """Take the arrays of a snapshot; empty where one is missing."""
        arrays = {name: array for name, array in found.items() if array is not None}
        if any(name not in arrays for name in self.arrays()):
            return
        ends = np.cumsum(arrays["lengths"]).tolist()
        spans = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        keys, rows = arrays["settled"].astype(np.uint64), arrays["rows"].astype(np.int32)
        self._runs.runs = [(keys[span].copy(), rows[span].copy()) for span in spans]
        self._settled, self.first = len(keys), int(arrays["first"][0])
        self._starts = dict(arrays["days"].tolist())
        self._fresh.reset(arrays["fresh"].astype(np.uint64))

    def _find_settled(self, keys: U64, rows: I64) -> None:
        open_ = np.flatnonzero(rows < 0)
        if len(open_) and self._settled:
            found = self._runs.find(keys[open_])
            there = found >= 0
            rows[open_[there]] = found[there] + self.first

    def _settle(self) -> None:
        count = self._fresh.count
        if count:
            rows = np.arange(self._settled, self._settled + count, dtype=np.int32)
            self._runs.add(self._fresh.keys(), rows)
            self._settled += count
            self._fresh.reset()
