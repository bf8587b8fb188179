"""What the goods of a session cost: units sold and not returned, at the catalog's unit cost."""

from collections.abc import Iterable

import msgspec

from operators.sides.history import History

Product = tuple[str, str, str]
"""(tenant, group, product id)."""


class Costs:
    """Net units by session and product, and unit costs as catalog events said them.

    A refund takes back the units it names; one that names none returns money only.

    Attributes:
        unit_cost: unit costs said.
        products: by number; None: nobody said of what.
        units: session to number of a product to units.
        resting: the same, packed, of sessions that rest.
    """

    def __init__(self) -> None:
        self.unit_cost: History[Product] = History()
        self.products: list[Product | None] = []
        self.units: dict[int, dict[int, int]] = {}
        self.resting: dict[int, bytes] = {}
        self._latest_ms = 0
        self._numbers: dict[Product | None, int] = {}
        self._kept: dict[int, int | None] = {}
        """Costs of sessions that only new units or costs can change."""

    def say(self, product: Product, time_ms: int, unit_cost: int) -> None:
        """A catalog event told a unit cost."""
        self.unit_cost.say(product, time_ms, unit_cost)
        self._latest_ms = max(self._latest_ms, time_ms)
        self._kept.clear()

    def sold(self, session: int, product: Product | None, units: int) -> None:
        """Add units (below 0: returned); None: nobody said of what."""
        self._kept.pop(session, None)
        number = self._numbers.get(product)
        if number is None:
            number = self._numbers[product] = len(self.products)
            self.products.append(product)
        if session in self.resting:
            self.units[session] = _unpacked(self.resting.pop(session))
        of_session = self.units.setdefault(session, {})
        of_session[number] = of_session.get(number, 0) + units

    def rest(self, sessions: Iterable[int]) -> None:
        """Pack the units of sessions that little is heard of any more: an eighth of the memory."""
        for session in sessions:
            self._kept.pop(session, None)
            if session in self.units:
                self.resting[session] = msgspec.msgpack.encode(self.units.pop(session))

    def forget(self, sessions: Iterable[int]) -> None:
        """Let go of resting sessions that nobody will ask for any more."""
        for session in sessions:
            self.resting.pop(session, None)

    def with_product(self, product: Product) -> list[int]:
        """Sessions that sold it and do not rest."""
        number = self._numbers.get(product, -1)
        return [session for session, units in self.units.items() if number in units]

    def of_session(self, session: int, as_of_ms: int) -> int | None:
        """Cost of its goods at the costs said before `as_of_ms`; None where one is not known."""
        if as_of_ms <= self._latest_ms:
            return self._summed(session, as_of_ms)
        if session not in self._kept:
            self._kept[session] = self._summed(session, as_of_ms)
        return self._kept[session]

    def restored(self) -> None:
        """After the tables were put in from outside."""
        self._numbers = {product: number for number, product in enumerate(self.products)}
        said = self.unit_cost.said.values()
        self._latest_ms = max((values[-1][0] for values in said), default=0)
        self._kept.clear()

    def _summed(self, session: int, as_of_ms: int) -> int | None:
        total = 0
        of_session = self.units.get(session)
        if of_session is None:
            of_session = _unpacked(self.resting[session]) if session in self.resting else {}
        for number, units in of_session.items():
            if units:
                product = self.products[number]
                cost = None if product is None else self.unit_cost.before(product, as_of_ms)
                if cost is None:
                    return None
                total += units * cost
        return total


def _unpacked(units: bytes) -> dict[int, int]:
    return msgspec.msgpack.decode(units, type=dict[int, int])
