"""What the goods of a session cost: units sold and not returned, at the catalog's unit cost."""

from operators.sides.history import History

Product = tuple[str, str, str]
"""(tenant, group, product id)."""


class Costs:
    """Net units by session and product, and unit costs as catalog events said them.

    A refund takes back the units it names; one that names none returns money only.
    """

    def __init__(self) -> None:
        self.unit_cost: History[Product] = History()
        self.units: dict[int, dict[Product | None, int]] = {}
        self._latest_ms = 0
        self._products: dict[Product | None, Product | None] = {}
        """Products as they stand in `units`: one object each."""
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
        product = self._products.setdefault(product, product)
        of_session = self.units.setdefault(session, {})
        of_session[product] = of_session.get(product, 0) + units

    def of_session(self, session: int, as_of_ms: int) -> int | None:
        """Cost of its goods at the costs said before `as_of_ms`; None where one is not known."""
        if as_of_ms <= self._latest_ms:
            return self._summed(session, as_of_ms)
        if session not in self._kept:
            self._kept[session] = self._summed(session, as_of_ms)
        return self._kept[session]

    def restored(self) -> None:
        """After the tables were put in from outside."""
        self.units = {
            session: {self._products.setdefault(one, one): n for one, n in of_session.items()}
            for session, of_session in self.units.items()
        }
        said = self.unit_cost.said.values()
        self._latest_ms = max((values[-1][0] for values in said), default=0)
        self._kept.clear()

    def _summed(self, session: int, as_of_ms: int) -> int | None:
        total = 0
        for product, units in self.units.get(session, {}).items():
            if units:
                cost = None if product is None else self.unit_cost.before(product, as_of_ms)
                if cost is None:
                    return None
                total += units * cost
        return total
