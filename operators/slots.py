"""Which slot a cell has for a measure: a few places a cell, as its dimension has measures.

A table of all measures would be mostly empty: a product has twelve of them, a room sixty.
"""

import numpy as np

from operators.hashindex import I32, I64
from operators.plan import Plan
from operators.profiles import MAX_DIMENSIONS
from operators.rings import grown

NO_SLOT = -1


class Slots:
    """Slots by (cell, measure). Cells of a dimension the plan lacks have none.

    Attributes:
        columns: by dimension, its measures, ascending.
        column: shape (dimensions, measures), the place of a measure among them, -1 for none.
    """

    def __init__(self, plan: Plan) -> None:
        none = np.zeros(0, np.int64)
        self.columns: list[I64] = [none] * MAX_DIMENSIONS
        self.columns[: len(plan.dimensions)] = plan.measures_by_dimension()
        self.column: I64 = np.full((MAX_DIMENSIONS, len(plan.measures)), -1, np.int64)
        for number, measures in enumerate(self.columns):
            self.column[number, measures] = np.arange(len(measures))
        self._widths: I64 = np.array([len(measures) for measures in self.columns], np.int64)
        self._start: I32 = np.zeros(0, np.int32)
        self._flat: I32 = np.zeros(0, np.int32)
        self._cells = self._used = 0

    def add(self, dimensions: I32) -> None:
        """The next cells, by their dimensions: without slots."""
        widths = self._widths[dimensions]
        ends = self._used + np.cumsum(widths)
        known, self._cells = self._cells, self._cells + len(dimensions)
        self._start = grown(self._start, self._cells)
        self._start[known : self._cells] = ends - widths
        used, self._used = self._used, int(ends[-1]) if len(ends) else self._used
        self._flat = grown(self._flat, self._used)
        self._flat[used : self._used] = NO_SLOT

    def reset(self, dimensions: I32, cell: I32, measure: I32) -> None:
        """Begin anew with cells, and slots 0, 1, … by their cells and measures (-1: none)."""
        self._cells = self._used = 0
        self.add(dimensions)
        column = np.where(measure >= 0, self.column[dimensions[cell], measure], -1)
        slots = np.flatnonzero(column >= 0)
        self._flat[self._start[cell[slots]] + column[slots]] = slots

    def find(self, cells: I64, columns: I64) -> I64:
        """Slots of cells, each at a place of its dimension's `columns`; NO_SLOT for none."""
        return np.asarray(self._flat[self._start[cells] + columns], np.int64)

    def put(self, cells: I64, columns: I64, slots: I64) -> None:
        """Give cells slots, as `find` takes them."""
        self._flat[self._start[cells] + columns] = slots

    def clear(self, cells: I64, dimensions: I32) -> None:
        """Cells of these dimensions are without slots again."""
        for dimension in np.unique(dimensions).tolist():
            start = self._start[cells[dimensions == dimension]]
            self._flat[start[:, None] + np.arange(self._widths[dimension])] = NO_SLOT

    def all_of(self, cells: I64, dimension: int) -> I64:
        """Slots of cells of one dimension, shape (cells, its measures)."""
        places = self._start[cells][:, None] + np.arange(len(self.columns[dimension]))
        return np.asarray(self._flat[places], np.int64)

    def of_one(self, cells: I64, dimensions: I32, measure: int) -> I64:
        """Slots of cells for one measure, NO_SLOT for none."""
        columns = self.column[dimensions, measure]
        out = np.full(len(cells), NO_SLOT, np.int64)
        there = np.flatnonzero(columns >= 0)
        out[there] = self.find(cells[there], columns[there])
        return out
