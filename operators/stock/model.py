"""The records of the stock ledger: plain data that survives a snapshot.

Every struct round-trips through `msgspec.to_builtins` and `msgspec.convert`: an unknown name
in a snapshot is dropped, a missing one is created empty.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from stream.events import Event

RESERVED: Final = "reserved"
SOLD: Final = "sold"
BACK: Final = "back"
FLOW: Final = "flow"
TAKE: Final = "take"

Effect = tuple[str, str, str, int, int]
"""What one order line does to one pool: (kind, pool, room or "", event ms, units)."""


@dataclass(frozen=True, slots=True)
class StockSettings:
    """Tunables of the ledger. Times in ms unless the name says seconds.

    Sources: research 3a (ETA below 10 minutes warns; ERPs warn at 5 units left). The payment
    timeout is the usual 15 minutes of the platforms.
    """

    payment_timeout_ms: int = 900_000
    horizon_ms: int = 62_000
    line_retention_ms: int = 30 * 86_400_000
    safety_units: int = 0
    low_eta_s: int = 600
    low_units: int = 5
    lead_time_s: int = 3_600
    dead_after_ms: int = 1_800_000
    slow_cover_days: int = 30
    hot_units_per_min: int = 10
    listed_orders: int = 1_000


class Level(msgspec.Struct):
    """Units on hand of one pool, or of one room's quota of it: a count plus what moved since.

    `log` holds the movements of the lateness horizon, so that a count which arrives late finds
    what happened after it; `moved` is the sum of all movements later than `set_ms`.
    """

    set_ms: int = -1
    set_id: str = ""
    set_units: int | None = None
    moved: int = 0
    pruned_ms: int = -1
    reserved: int = 0
    late_sets: int = 0
    log: dict[str, tuple[int, int]] = {}

    def on_hand(self) -> int | None:
        """Units on hand; None before the first count."""
        return None if self.set_units is None else self.set_units + self.moved

    def count(self, at_ms: int, event_id: str, units: int) -> None:
        """Take an absolute count; only the newest by (event time, event id) stands."""
        if (at_ms, event_id) <= (self.set_ms, self.set_id):
            return
        if at_ms < self.pruned_ms:
            self.late_sets += 1
            return
        self.set_ms, self.set_id, self.set_units = at_ms, event_id, units
        self.moved = sum(delta for ms, delta in self.log.values() if ms > at_ms)

    def move(self, key: str, at_ms: int, delta: int) -> None:
        """Add one movement; a repeated key within the horizon changes nothing."""
        if key in self.log:
            return
        if at_ms > self.pruned_ms:
            self.log[key] = (at_ms, delta)
        if at_ms > self.set_ms:
            self.moved += delta

    def unmove(self, key: str, at_ms: int, delta: int) -> None:
        """Take a movement back that turned out otherwise."""
        self.log.pop(key, None)
        if at_ms > self.set_ms:
            self.moved -= delta

    @property
    def blank(self) -> bool:
        """Whether a new level would do: no count, nothing held, no movement to remember.

        What `moved` says without a count is never read: a count adds up `log` anew.
        """
        return self.set_units is None and not self.reserved and not self.log

    def prune(self, before_ms: int) -> None:
        """Forget movements at or before `before_ms`; the sums keep them."""
        if before_ms <= self.pruned_ms:
            return
        self.pruned_ms = before_ms
        if not self.log:
            return
        old = [key for key, (ms, _) in self.log.items() if ms <= before_ms]
        for key in old:
            del self.log[key]


class Mark(msgspec.Struct, frozen=True):
    """One step of an order line as its event told it; "" and None: not said."""

    ms: int
    event_id: str
    pool: str
    room: str
    units: int | None
    amount_minor: int | None


class Line(msgspec.Struct):
    """One order line: the earliest event of each kind, by (event time, event id)."""

    created: Mark | None = None
    paid: Mark | None = None
    cancelled: Mark | None = None


class Refund(msgspec.Struct):
    """A refund of one order line."""

    line_id: str
    mark: Mark


class Order(msgspec.Struct):
    """Lines and refunds of one order, and the effects they have on pools now."""

    lines: dict[str, Line] = {}
    refunds: dict[str, Refund] = {}
    effects: dict[str, Effect] = {}
    last_ms: int = 0


def take_key(effect_key: str, order_id: str) -> str:
    """Key in `Pool.takes` of a TAKE effect of an order."""
    return f"{effect_key.removeprefix(f'{TAKE}|')}|{order_id}"


def pool_of(event: Event) -> str:
    """The stock pool an event is about: pool, else sku, else product; "" when none is said."""
    return event.pool_id or event.sku_id or event.product_id or ""


def mark_of(event: Event) -> Mark:
    """What the ledger keeps of an order event."""
    return Mark(
        event.event_time_ms,
        event.event_id,
        pool_of(event),
        event.room_id or "",
        event.qty,
        event.amount_minor,
    )


def earlier(old: Mark | None, new: Mark) -> Mark:
    """The mark that stands when a line's step is told twice: the earliest, whatever came first."""
    if old is None or (new.ms, new.event_id) < (old.ms, old.event_id):
        return new
    return old
