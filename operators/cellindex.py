"""A hash index whose rows can be given back and used again by other keys."""

from typing import Final

import numpy as np

from operators.hashindex import I32, I64, U64, Bool, HashIndex, bits_of

GONE: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
"""Stands for a key where a row has none. No cell has it: its session would be the 2**28th."""


class CellIndex(HashIndex):
    """Keys of cells to rows.

    A row that is given back keeps its place in the table: a search passes over it, as over any
    row with another key. When it has a new key it is found from both places, and rightly so.
    """

    __slots__ = ("_placed",)

    def reset(self, keys: U64 | None = None) -> None:
        """Hold nothing but `keys` by row; `GONE` where a row is free."""
        self._placed = 0
        super().reset(keys)

    def take(self, keys: U64, free: I64) -> I64:
        """Rows of new keys, none of them there and all different: free ones, then the next."""
        again = free[: len(keys)]
        start = self.count
        rows = np.concatenate((again, np.arange(start, start + len(keys) - len(again))))
        self._reserve(start + len(keys) - len(again))
        self.count = start + len(keys) - len(again)
        self._keys[rows] = keys
        if (self._placed + len(keys)) * 2 > len(self._table):
            self._rebuild(bits_of(self.count))
        else:
            self._insert(rows.astype(np.int32))
        return rows

    def drop(self, rows: I64) -> None:
        """Give rows back."""
        self._keys[rows] = GONE

    def is_free(self) -> Bool:
        """Rows without a key, shape (count,)."""
        return np.asarray(self.keys() == GONE)

    def _rebuild(self, bits: int) -> None:
        self._placed = 0
        super()._rebuild(bits)

    def _insert(self, rows: I32) -> None:
        used = rows[self._keys[rows] != GONE]
        self._placed += len(used)
        super()._insert(used)
