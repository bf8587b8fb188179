"""Orders and refunds: which lines were seen, where they belong, and when they were paid.

Keys are 64-bit (`stream.ids.key64`) of tenant, group, order and line. An order, and each line of
it that says its number, is one row. A line is counted once of each type for as long as it is
kept; a refund that names no room is its order's.
"""

from typing import Final

import numpy as np

from operators.hashindex import I32, I64, U64, Bool, firsts
from operators.longindex import LongIndex
from operators.profiles import U8
from operators.rings import grown
from operators.tuples import Tuples
from stream.events import Event
from stream.ids import key64

_SEEN: Final = {"order_created": 1, "order_paid": 2, "order_cancelled": 4}
"""Bit of a type in `Ledger.seen`."""
_REFUNDS: Final = ("refund_requested", "refund_succeeded")
ORDER_TYPES: Final = (*_SEEN, *_REFUNDS)
FOLLOW_TYPES: Final = (*_REFUNDS, "order_cancelled")
"""Those that follow an order, and count where it does."""
NEVER: Final = 2**62
"""Time of a payment that was not seen."""
COLUMNS: Final = {"place": 0, "paid_ms": NEVER, "seen": 0}
"""Columns by row, with what an order has of which nothing is remembered."""


def refund_key(event: Event) -> int:
    """Identity of the line a refund is about, within its type."""
    return key64(*_group(event), event.type, event.refund_id or "", event.line_id or "")


def order_key(event: Event) -> int:
    """Identity of the order."""
    return key64(*_group(event), event.order_id or "")


def order_line(key: int, line_id: str | None) -> int:
    """Key of a line within an order; the order's own key where there is only one."""
    return key if line_id is None else key64(str(key), line_id)


def _group(event: Event) -> tuple[str, str]:
    """(tenant, group): ids of two groups never meet, whichever shards they share."""
    tenant = event.tenant or ""
    return tenant, tenant if event.group is None else event.group


class Ledger:
    """Orders and their lines; the number of an order is its row.

    Attributes:
        orders: key to row; rows of columns are those less `orders.first`.
        refunds: keys of the refunds that were counted.
        place: number in `places` of where what came first of it belongs; 0: nothing did.
        paid_ms: the earliest payment's time, `NEVER` without one.
        seen: the types of lines that were counted, a bit each.
        places: session, product, and number in `kinds`: many orders have the same.
        kinds: traits and price band.
    """

    def __init__(self, traits: int) -> None:
        self.orders = LongIndex()
        self.refunds = LongIndex()
        self.place: I32 = np.zeros(0, np.int32)
        self.paid_ms: I64 = np.zeros(0, np.int64)
        self.seen: U8 = np.zeros(0, np.uint8)
        self.places = Tuples(3)
        self.kinds = Tuples(traits + 1)

    def rows(self, keys: U64) -> I64:
        """Rows of orders or lines, new ones where they are new."""
        rows = self.orders.find_or_add(keys)
        self.fill()
        return rows

    def fill(self) -> None:
        """Make the columns as long as there are rows."""
        count = len(self.orders)
        for name, empty in COLUMNS.items():
            column = getattr(self, name)
            had = len(column)
            if had < count:
                column = grown(column, count)
                column[had:] = empty
                setattr(self, name, column)

    def new_lines(self, events: list[Event]) -> Bool:
        """True where the line of an order event is seen for the first time; remembers them all."""
        new = np.zeros(len(events), np.bool_)
        seen = [_SEEN.get(event.type, 0) for event in events]
        lines = [place for place, bit in enumerate(seen) if bit]
        if lines:
            # No line and one without a name are the same here.
            told = [events[place] for place in lines]
            keys = [order_line(order_key(event), event.line_id or None) for event in told]
            bits = np.array([seen[place] for place in lines], np.uint8)
            new[lines] = self._see(self.rows(np.array(keys, np.uint64)), bits)
        refunds = [place for place, bit in enumerate(seen) if not bit]
        if refunds:
            known = self.refunds.end
            keys = [refund_key(events[place]) for place in refunds]
            rows = self.refunds.find_or_add(np.array(keys, np.uint64))
            new[refunds] = (rows >= known) & firsts(rows)
        return new

    def _see(self, rows: I64, bits: U8) -> Bool:
        at = rows - self.orders.first
        new = ((self.seen[at] & bits) == 0) & firsts(rows * 8 + bits)
        np.bitwise_or.at(self.seen, at, bits)
        return np.asarray(new)

    def remember(self, rows: I64, session: I64, product: I32, traits: I32, band: I32) -> Bool:
        """Where the lines (or whole orders) of these rows belong; the first word stands.

        Gives where it is the first.
        """
        at = rows - self.orders.first
        new = np.asarray((self.place[at] == 0) & firsts(rows))
        kinds = self.kinds.numbers(np.column_stack((traits[new], band[new])))
        places = np.column_stack((session[new], product[new], kinds)).astype(np.int32)
        self.place[at[new]] = self.places.numbers(places)
        return new

    def is_known(self, row: int) -> bool:
        """Whether anything of this row is remembered."""
        return bool(self.place[row - self.orders.first])

    def of(self, row: int) -> tuple[int, int, I32, int]:
        """Session, product, traits and price band of what came first of a row."""
        session, product, kind = self.places.rows[self.place[row - self.orders.first]].tolist()
        said = self.kinds.rows[kind]
        return session, product, said[:-1], int(said[-1])

    def pay(self, rows: I64, times_ms: I64) -> None:
        """Orders or lines were paid."""
        np.minimum.at(self.paid_ms, rows - self.orders.first, times_ms)

    def paid(self, rows: I64) -> I64:
        """Times of the first payments of orders or lines, `NEVER` also where forgotten."""
        at = rows - self.orders.first
        out = np.full(len(rows), NEVER, np.int64)
        out[at >= 0] = self.paid_ms[at[at >= 0]]
        return out

    def turn_day(self, day: int, days: int) -> None:
        """A day began by the ticks: forget what came first more than `days` days before it."""
        self.refunds.turn_day(day, days)
        gone = self.orders.turn_day(day, days)
        if gone:
            count = gone + len(self.orders)
            for name in COLUMNS:
                setattr(self, name, getattr(self, name)[gone:count].copy())
            self.place = self.places.keep(self.place)
            rows = self.places.rows
            rows[1:, 2] = self.kinds.keep(rows[1:, 2])
