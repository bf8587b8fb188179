"""Buyers who paid more than one order in a session."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from operators.hashindex import I64, firsts
from operators.longindex import Arrays, LongIndex
from operators.rings import grown
from stream.ids import key64

_MORE = 0
"""Instead of an order: there is another."""
_OTHERS = 2**32 - 1


class RepeatBuyers:
    """Distinct (session, buyer, order); counts the buyers with a second order.

    Attributes:
        index: keys of (session, buyer).
        order: by row, the number of an order of each, from 1 on; 0 once there is another.
        count: session to its buyers with two orders or more.
    """

    def __init__(self) -> None:
        self.index = LongIndex()
        self.order: npt.NDArray[np.uint32] = np.zeros(0, np.uint32)
        self.count: dict[int, int] = {}

    def paid(self, sessions: list[int], buyers: list[int], orders: I64) -> None:
        """Lines of orders were paid; orders by their numbers, all lists as long."""
        pairs = zip(sessions, buyers, strict=True)
        keys = np.array([key64(str(session), str(buyer)) for session, buyer in pairs], np.uint64)
        end = self.index.end
        rows = self.index.find_or_add(keys)
        self.order = grown(self.order, len(self.index))
        at, wanted = rows - self.index.first, (orders % _OTHERS + 1).astype(np.uint32)
        new = (rows >= end) & firsts(rows)
        self.order[at[new]] = wanted[new]
        other = np.flatnonzero((self.order[at] != _MORE) & (self.order[at] != wanted))
        other = other[firsts(rows[other])]
        self.order[at[other]] = _MORE
        for place in other.tolist():
            self.count[sessions[place]] = self.count.get(sessions[place], 0) + 1

    def turn_day(self, day: int, days: int) -> None:
        """As `LongIndex.turn_day`; counts stay."""
        gone = self.index.turn_day(day, days)
        if gone:
            self.order = self.order[gone : gone + len(self.index)].copy()

    def snapshot(self) -> Arrays:
        """Arrays."""
        return {**self.index.arrays(), "order": self.order[: len(self.index)]}

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot."""
        arrays = {name: one for name, one in data.items() if isinstance(one, np.ndarray)}
        self.index.restore(arrays)
        if "order" in arrays and len(arrays["order"]) == len(self.index):
            self.order = arrays["order"].astype(np.uint32)
