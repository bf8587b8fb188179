"""Where viewers took part whom the feed does not tell apart (`identity: masked`).

A count of distinct viewers that leaves them out is a wrong number, so it is null in every
window they took part in. For each (cell, measure) a mask of 64 panes says in which that was:
OR is free of order and proof to lateness, as in `operators.marks`. The session is masked
when there is a row at all.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from operators.hashindex import I64, U64, Bool, HashIndex
from operators.rings import grown

MASKED_ID: Final = -2
"""In a matrix of ids: somebody, but nobody knows who. -1 is nobody."""

_BITS: Final = 64
_MEASURE_BITS: Final = np.uint64(16)
_NEVER: Final = -(1 << 40)
_ONE: Final = np.uint64(1)
_ALL: Final = ~np.uint64(0)


class Masked:
    """Panes with masked viewers, by (cell, measure). Rows grow with masked feeds only."""

    def __init__(self) -> None:
        self.index = HashIndex()
        self.mask: U64 = np.zeros(0, np.uint64)
        self.top: I64 = np.zeros(0, np.int64)

    def see(self, cells: I64, measures: I64, panes: I64) -> None:
        """Masked viewers took part; shapes (n,), places may repeat."""
        known = self.index.count
        rows = self.index.find_or_add(_keys(cells, measures))
        self.mask, self.top = grown(self.mask, self.index.count), grown(self.top, self.index.count)
        self.top[known : self.index.count] = _NEVER
        touched = np.unique(rows)
        before = self.top[touched]
        np.maximum.at(self.top, rows, panes)
        ahead = self.top[touched] - before
        shift = np.minimum(ahead, _BITS - 1).astype(np.uint64)
        moved = self.mask[touched] << shift
        self.mask[touched] = np.where(ahead < _BITS, moved, np.uint64(0))
        back = self.top[rows] - panes
        near = np.flatnonzero(back < _BITS)  # what lies further back no window holds any more
        np.bitwise_or.at(self.mask, rows[near], _ONE << back[near].astype(np.uint64))

    def ever(self, cells: I64, measures: I64) -> Bool:
        """Whether masked viewers took part at all, shape (cells, measures)."""
        return np.asarray(self._rows(cells, measures) >= 0)

    def between(self, cells: I64, measures: I64, start: int, end: int) -> Bool:
        """Whether they did in panes `[start, end)`, shape (cells, measures)."""
        rows = self._rows(cells, measures)
        out = np.zeros(rows.shape, np.bool_)
        there = rows >= 0
        top = self.top[rows[there]]
        low = np.maximum(top - (end - 1), 0)
        high = np.minimum(top - start, _BITS - 1)
        wanted = _ALL >> (_BITS - 1 - np.maximum(high, 0)).astype(np.uint64)
        wanted &= _ALL << np.minimum(low, _BITS - 1).astype(np.uint64)
        out[there] = (high >= low) & ((self.mask[rows[there]] & wanted) != 0)
        return out

    def take(self, cells_of: Bool) -> tuple[I64, I64, I64, U64]:
        """Forget the cells where `cells_of`; gives cell, measure, top and mask of each row."""
        keys = self.index.keys()
        cells = (keys >> _MEASURE_BITS).astype(np.int64)
        mine = cells_of[cells]
        taken = cells[mine], _measure_of(keys[mine]), self.top[: len(keys)][mine]
        masks = self.mask[: len(keys)][mine]
        if mine.any():
            kept = np.flatnonzero(~mine)
            self.mask, self.top = self.mask[kept].copy(), self.top[kept].copy()
            self.index.keep(kept)
        return *taken, masks

    def bring_back(self, cells: I64, measures: I64, top: I64, mask: U64) -> None:
        """Rows of cells that have none, as `take` gave them."""
        if len(cells):
            rows = self.index.find_or_add(_keys(cells, measures))
            count = self.index.count
            self.mask, self.top = grown(self.mask, count), grown(self.top, count)
            self.mask[rows], self.top[rows] = mask, top

    def renumber(self, numbers: Sequence[int]) -> None:
        """Measures got other numbers: `numbers[old]` is the new one, -1 where it is gone."""
        keys = self.index.keys()
        measures = np.array([*numbers, -1], np.int64)[_measure_of(keys)]
        kept = np.flatnonzero(measures >= 0)
        self.mask, self.top = self.mask[kept].copy(), self.top[kept].copy()
        cells = (keys[kept] >> _MEASURE_BITS).astype(np.int64)
        self.index.reset(_keys(cells, measures[kept]))

    def _rows(self, cells: I64, measures: I64) -> I64:
        """Rows, shape (cells, measures), -1 for none."""
        flat = _keys(np.repeat(cells, len(measures)), np.tile(measures, len(cells)))
        found = self.index.find(flat).astype(np.int64)
        return found.reshape(len(cells), len(measures))


def _keys(cells: I64, measures: I64) -> U64:
    packed = (cells.astype(np.uint64) << _MEASURE_BITS) | measures.astype(np.uint64)
    return np.asarray(packed)


def _measure_of(keys: U64) -> I64:
    return (keys & np.uint64((1 << 16) - 1)).astype(np.int64)
