"""Rows of small numbers, each kept once: a table of them, and a number for every row."""

import numpy as np

from operators.hashindex import I32
from operators.rings import grown

_MAX_AT_HAND = 2_048


class Tuples:
    """Rows of `width` numbers by their own number; 0 is the row that is -1 throughout.

    The last few are known by heart: a row may get another number later, and both mean the same.

    Attributes:
        rows: shape `(n, width)`; the first `count` are used.
    """

    def __init__(self, width: int) -> None:
        self.rows: I32 = np.full((1, width), -1, np.int32)
        self.count = 1
        self._number_of: dict[tuple[int, ...], int] = {}

    def numbers(self, wanted: I32) -> I32:
        """Numbers of rows, shape `(n, width)`; new ones for those not at hand."""
        out = []
        for one in map(tuple, wanted.tolist()):
            number = self._number_of.get(one)
            if number is None:
                if len(self._number_of) >= _MAX_AT_HAND:
                    self._number_of.clear()
                number = self._number_of[one] = self.count
                self.count += 1
                self.rows = grown(self.rows, self.count)
                self.rows[number] = one
            out.append(number)
        return np.array(out, np.int32)

    def keep(self, used: I32) -> I32:
        """Let go of rows that are not among these numbers; gives the new numbers of these."""
        kept, numbers = np.unique(np.append(used, 0), return_inverse=True)
        self.restore(self.rows[kept])
        return np.asarray(numbers[:-1].astype(np.int32))

    def restore(self, rows: I32) -> None:
        """Hold these rows, the first of them -1 throughout."""
        self.rows, self.count = rows, len(rows)
        self._number_of.clear()
