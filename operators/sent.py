"""What was sent of cells, by row: taken when a cell is first said, given back when it is over."""

from typing import Final

import numpy as np

from operators.hashindex import I32, I64
from operators.rings import grown

_NONE: Final = -1
_UNSENT: Final = -(2**62)


class CellRows:
    """Row of each cell among those of its own view, -1 for none: a cell is of one view alone."""

    def __init__(self) -> None:
        self.row: I32 = np.zeros(0, np.int32)

    def grow(self, cells: int) -> None:
        """Make room for so many cells."""
        if cells > len(self.row):
            had = len(self.row)
            self.row = grown(self.row, cells)
            self.row[had:] = _NONE


class Sent:
    """Measures when figures were last sent, (rows, windows, measures), and a row for each cell.

    Measures, not figures: they are fewer, and what did not change need not be divided. `of`:
    shared by all views.
    """

    def __init__(self, windows: int, measures: int, of: CellRows) -> None:
        self._of = of
        self.count = 0
        self.measures: I64 = np.zeros((0, windows, measures), np.int64)
        self._cell: I32 = np.zeros(0, np.int32)
        self._used_ms: I64 = np.zeros(0, np.int64)
        self._free: I64 = np.zeros(0, np.int64)

    def rows(self, cells: I64, all_cells: int, now_ms: int) -> I32:
        """Rows of cells (all different), of new ones unsent; used at `now_ms`."""
        self._of.grow(all_cells)
        row = self._of.row
        new = cells[row[cells] < 0]
        if len(new):
            taken = self._take(len(new))
            row[new] = taken
            self._cell[taken] = new
            self.measures[taken] = _UNSENT
        self._used_ms[row[cells]] = now_ms
        return row[cells]

    def _take(self, many: int) -> I64:
        """Rows nobody has: those given back first."""
        again, self._free = self._free[:many], self._free[many:]
        first, self.count = self.count, self.count + many - len(again)
        self.measures = grown(self.measures, self.count)
        self._cell = grown(self._cell, self.count)
        self._used_ms = grown(self._used_ms, self.count)
        return np.concatenate((again, np.arange(first, self.count)))

    def idle(self, before_ms: int) -> I64:
        """Cells whose row was last used before a time."""
        cells = self._cell[: self.count][self._used_ms[: self.count] < before_ms]
        return cells[cells >= 0].astype(np.int64)

    def release(self, cells: I64) -> None:
        """Give the rows of cells that have one back; what is said of them next is unsent."""
        rows = self._of.row[cells].astype(np.int64)
        self._cell[rows] = _NONE
        self._of.row[cells] = _NONE
        self._free = np.concatenate((self._free, rows))

    def let_go(self, cells: I64, all_cells: int) -> None:
        """Give back the rows of those of these cells that have one."""
        self._of.grow(all_cells)
        self.release(cells[self._of.row[cells] >= 0])

    def forget(self) -> None:
        """Everything is unsent again."""
        self.measures[:] = _UNSENT
