"""Buyers who paid more than one order in a session."""

from collections.abc import Mapping

import numpy as np

from operators.hashindex import U64, HashIndex
from operators.rings import grown
from stream.ids import key64

_MORE = 0
"""Instead of an order: there is another."""


class RepeatBuyers:
    """Distinct (session, buyer, order); counts the buyers with a second order.

    Attributes:
        index: keys of (session, buyer); `order`: an order of each, 0 once there is another.
        count: session to its buyers with two orders or more.
    """

    def __init__(self) -> None:
        self.index = HashIndex()
        self.order: U64 = np.zeros(0, np.uint64)
        self.count: dict[int, int] = {}

    def paid(self, session: int, buyer: int, order: int) -> None:
        """A line of an order was paid."""
        key = np.array([key64(str(session), str(buyer))], np.uint64)
        known, row = self.index.count, int(self.index.find_or_add(key)[0])
        if row >= known:
            self.order = grown(self.order, row + 1)
            self.order[row] = order
            return
        first = int(self.order[row])
        if first not in (order, _MORE):
            self.order[row] = _MORE
            self.count[session] = self.count.get(session, 0) + 1

    def snapshot(self) -> dict[str, U64]:
        """Arrays."""
        return {"keys": self.index.keys(), "order": self.order[: self.index.count]}

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot."""
        keys, order = data.get("keys"), data.get("order")
        if isinstance(keys, np.ndarray) and isinstance(order, np.ndarray):
            self.index = HashIndex(keys.astype(np.uint64))
            self.order = order.astype(np.uint64)
