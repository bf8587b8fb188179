"""Panes of the recent past, one ring of 64 a slot, taken from a pool while the slot is live.

A pane is 15 s of event time; pane numbers are absolute (`ms // 15_000`), the place in a ring
is the number modulo 64. `horizon` is the first pane that can still change: events older than
watermark - allowed lateness do not come. From there back 40 panes (r10) and forth 10 (skew and
lateness, 122 s) plus 40 (windows that will hold them) stay distinct modulo 64 in both pools.
"""

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from operators.catalogue.axes import ROLLING_PANES
from operators.hashindex import I32, I64

T = TypeVar("T", bound=np.generic)

RING: Final = 64
_LARGE_BYTES: Final = 32_768
_LONGEST: Final = max(ROLLING_PANES)


class SumRings:
    """Sums by pane: `rings[row, pane % 64]`, int64, 512 bytes a live slot."""

    def __init__(self) -> None:
        self.rings: I64 = np.zeros((0, RING), np.int64)

    def grow(self, rows: int) -> None:
        """Make room for `rows` rows."""
        self.rings = grown(self.rings, rows)

    def add(self, rows: I64, panes: I64, values: I64) -> None:
        """Add values to panes; rows and panes may repeat."""
        np.add.at(self.rings.reshape(-1), rows * RING + (panes & (RING - 1)), values)

    def window(self, rows: I64, end: int, length: int) -> I64:
        """Sums over panes `[end - length, end)`, shape as rows."""
        places = np.arange(end - length, end) & (RING - 1)
        return np.asarray(self.rings[rows[:, None], places].sum(axis=1))

    def forget(self, old: int, new: int) -> None:
        """The horizon moves from pane `old` to `new`: clear what no window can hold again."""
        if new - old >= RING:
            self.rings[:] = 0
        else:
            self.rings[:, np.arange(old - _LONGEST, new - _LONGEST) & (RING - 1)] = 0

    def idle(self) -> npt.NDArray[np.bool_]:
        """Rows with nothing in any pane."""
        return np.asarray(~self.rings.any(axis=1))


class DistinctRings:
    """Rolling counts of distinct ids, as differences over the window's end.

    An id seen in pane p, before in q and next in n counts in the windows of L panes whose end
    (exclusive) lies in `(max(p, q + L), min(p + L, n)]`: +1 at the first such end, -1 after the
    last. So the count at end e is a prefix sum, whatever the order of arrival.
    """

    def __init__(self) -> None:
        self.rings: I32 = np.zeros((0, len(ROLLING_PANES), RING), np.int32)
        self.base: I32 = np.zeros((0, len(ROLLING_PANES)), np.int32)

    def grow(self, rows: int) -> None:
        """Make room for `rows` rows."""
        self.rings = grown(self.rings, rows)
        if len(self.base) < len(self.rings):
            more = np.zeros((len(self.rings) - len(self.base), len(ROLLING_PANES)), np.int32)
            self.base = np.concatenate((self.base, more))

    def mark(self, rows: I64, panes: I64, before: I64, after: I64) -> None:
        """Count ids newly seen in `panes`; `before` and `after` are q and n of the class text.

        Where an id was not seen before (after), give a pane further than 40 away.
        """
        flat = self.rings.reshape(-1)
        for place, length in enumerate(ROLLING_PANES):
            low = np.maximum(panes, before + length)
            high = np.minimum(panes + length, after)
            some = high > low
            home = rows[some] * (len(ROLLING_PANES) * RING) + place * RING
            np.add.at(flat, home + ((low[some] + 1) & (RING - 1)), np.int32(1))
            np.add.at(flat, home + ((high[some] + 1) & (RING - 1)), np.int32(-1))

    def window(self, rows: I64, end: int, length: int, horizon: int) -> I64:
        """Counts in windows of `length` panes ending at pane `end` (exclusive) >= horizon."""
        place = ROLLING_PANES.index(length)
        ends = np.arange(horizon + 1, end + 1) & (RING - 1)
        recent = self.rings[rows[:, None], place, ends].sum(axis=1)
        return np.asarray(self.base[rows, place] + recent, np.int64)

    def forget(self, old: int, new: int) -> None:
        """The horizon moves: fold ends up to `new`, which cannot change again, into the base."""
        ends = np.arange(old + 1, min(new, old + RING) + 1) & (RING - 1)
        self.base += self.rings[:, :, ends].sum(axis=2, dtype=np.int32)
        self.rings[:, :, ends] = 0

    def idle(self) -> npt.NDArray[np.bool_]:
        """Rows with no id in any window from the horizon on."""
        return np.asarray(~(self.base.any(axis=1) | self.rings.any(axis=(1, 2))))


def grown(array: npt.NDArray[T], rows: int) -> npt.NDArray[T]:
    """`array` with room for `rows` rows, zeros where new; the same array where it has them.

    Small arrays double; large ones grow by an eighth, since what is kept in reserve counts too.
    """
    had = len(array)
    if rows <= had:
        return array
    room = had * 2 if array.nbytes < _LARGE_BYTES else had + had // 8
    fresh = np.zeros((max(rows, room, 16), *array.shape[1:]), array.dtype)
    fresh[:had] = array
    return fresh
