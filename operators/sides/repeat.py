"""Buyers who paid more than one order in a session."""

from stream.ids import key64

Pair = tuple[int, int]


class RepeatBuyers:
    """Distinct (session, buyer, order); counts the buyers with a second order."""

    def __init__(self) -> None:
        self.first_order: dict[int, int] = {}
        """Key of (session, buyer) to an order of it; 0 once there is another."""
        self.count: dict[int, int] = {}
        """Session to its buyers with two orders or more."""

    def paid(self, session: int, buyer: int, order: int) -> None:
        """A line of an order was paid."""
        key = key64(str(session), str(buyer))
        first = self.first_order.setdefault(key, order)
        if first not in (order, 0):
            self.first_order[key] = 0
            self.count[session] = self.count.get(session, 0) + 1
