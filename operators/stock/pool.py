"""One stock pool: its level, the quotas carved out of it, its takers and its drain."""

from collections.abc import Callable, Mapping

import msgspec

from operators.stock.drain import Drain
from operators.stock.model import Level
from stream.events import Event


class Pool(msgspec.Struct):
    """Plain data of one pool.

    `takes` is line key -> (event ms, units) of held or sold units, as far as the archive does
    not have them.
    """

    total: Level = msgspec.field(default_factory=Level)
    quotas: dict[str, Level] = {}
    drain: Drain = msgspec.field(default_factory=Drain)
    takes: dict[str, tuple[int, int]] = {}
    products: dict[str, bool] = {}
    sold: int = 0
    returned: int = 0
    safety_units: int | None = None
    safety_ms: int = -1
    safety_id: str = ""

    def name(self, event: Event) -> None:
        """Remember which products draw on the pool."""
        if event.product_id:
            self.products[event.product_id] = True

    def quota(self, room: str) -> Level:
        """The level of one room's exclusive quota; without a count it limits nothing."""
        level = self.quotas.get(room)
        if level is None:
            level = self.quotas[room] = Level()
        return level

    def buffer(self, at_ms: int, event_id: str, units: int) -> None:
        """Set the safety buffer; the newest by (event time, event id) stands."""
        if (at_ms, event_id) > (self.safety_ms, self.safety_id):
            self.safety_units, self.safety_ms, self.safety_id = units, at_ms, event_id

    def move(self, key: str, room: str, at_ms: int, delta: int) -> None:
        """Move units in or out of the pool and of the room's quota."""
        self.total.move(key, at_ms, delta)
        if room:
            self.quota(room).move(key, at_ms, delta)

    def unmove(self, key: str, room: str, at_ms: int, delta: int) -> None:
        """Undo `move`."""
        self.total.unmove(key, at_ms, delta)
        if room:
            self.quota(room).unmove(key, at_ms, delta)

    def reserve(self, room: str, units: int) -> None:
        """Hold units (negative: let go)."""
        self.total.reserved += units
        if room:
            self.quota(room).reserved += units

    def take(self, line_key: str, at_ms: int, units: int, sign: int) -> None:
        """Remember who holds units since when, for naming oversold orders."""
        if sign > 0:
            self.takes[line_key] = (at_ms, units)
        else:
            self.takes.pop(line_key, None)

    def count_sale(self, sale: bool, units: int) -> None:
        """Count sold or returned units (negative: undo)."""
        if sale:
            self.sold += units
        else:
            self.returned += units

    def fold(self, before_ms: int) -> None:
        """Fold history at or before `before_ms` into sums.

        Rooms that only sold from the pool leave nothing behind: new ones come every day.
        """
        self.total.prune(before_ms)
        for level in self.quotas.values():
            level.prune(before_ms)
        for room in [room for room, level in self.quotas.items() if level.blank]:
            del self.quotas[room]
        self.drain.fold(before_ms)

    def moving(self) -> bool:
        """True while the velocity still changes by itself."""
        return self.drain.slow > 0.01 or bool(self.drain.recent)

    def on_hand(self) -> int | None:
        """Units on hand; without a count of the pool, the sum of its quotas; None: unknown."""
        counted = self.total.on_hand()
        if counted is not None:
            return counted
        quotas = [level.on_hand() for level in self.quotas.values()]
        known = [units for units in quotas if units is not None]
        return sum(known) if known else None

    def oversold(self) -> int:
        """Units promised beyond what is on hand; 0 while the stock is unknown."""
        on_hand = self.on_hand()
        return 0 if on_hand is None else max(0, self.total.reserved - on_hand)

    def oversold_orders(
        self, limit: int, older: Callable[[], Mapping[str, tuple[int, int]]]
    ) -> list[str]:
        """Orders holding the oversold units: the newest takers, oldest first, at most `limit`.

        `older` gives the takes that are not in `takes` any more.
        """
        missing = self.oversold()
        if missing <= 0:
            return []
        orders: list[str] = []
        takes = {**older(), **self.takes}
        newest = sorted(takes.items(), key=lambda item: (item[1][0], item[0]), reverse=True)
        for line_key, (_, units) in newest:
            if missing <= 0:
                break
            missing -= units
            order_id = line_key.partition("|")[2]
            if order_id not in orders:
                orders.append(order_id)
        return orders[:limit][::-1]
