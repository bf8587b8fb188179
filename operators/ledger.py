"""Orders and refunds: which lines were seen, and to which session they belong.

Keys are 64-bit (`stream.ids.key64`) of tenant, kind, order or refund, and line. A line is
counted once for the life of the ledger; a refund that names no room is its order's.
"""

from typing import Final

import numpy as np

from operators.hashindex import I32, I64, U64, Bool, HashIndex, first_of_each
from operators.rings import grown
from stream.events import Event
from stream.ids import key64

ORDER_TYPES: Final = (
    "order_created",
    "order_paid",
    "order_cancelled",
    "refund_requested",
    "refund_succeeded",
)
FOLLOW_TYPES: Final = ("refund_requested", "refund_succeeded", "order_cancelled")
"""Those that follow an order, and count where it does."""
NO_LINE: Final = -1


def line_key(event: Event) -> int:
    """Identity of the line an event is about, within its type."""
    number = event.refund_id if event.type.startswith("refund") else event.order_id
    return key64(*_group(event), event.type, number or "", event.line_id or "")


def order_key(event: Event) -> int:
    """Identity of the order."""
    return key64(*_group(event), event.order_id or "")


def _group(event: Event) -> tuple[str, str]:
    """(tenant, group): ids of two groups never meet, whichever shards they share."""
    tenant = event.tenant or ""
    return tenant, tenant if event.group is None else event.group


class Ledger:
    """Lines seen, and the session, product, traits and price band of each order's lines."""

    def __init__(self, traits: int) -> None:
        self._traits = traits
        self.lines = HashIndex()
        self.orders = HashIndex()
        self.session: I32 = np.zeros(0, np.int32)
        self.product: I32 = np.zeros(0, np.int32)
        self.traits: I32 = np.zeros((0, traits), np.int32)
        self.band: I32 = np.zeros(0, np.int32)
        self._scratch: I32 = np.zeros(0, np.int32)

    def new_lines(self, keys: U64) -> Bool:
        """True where a line is seen for the first time; remembers them all."""
        known = self.lines.count
        rows = self.lines.find_or_add(keys)
        self._scratch = grown(self._scratch, self.lines.count)
        return np.asarray((rows >= known) & first_of_each(rows, self._scratch))

    def remember(
        self, keys: U64, session: I64, product: I32, traits: I32, band: I32
    ) -> tuple[I64, Bool]:
        """Where the lines (or whole orders) with these keys belong; the first word stands.

        Gives the row of each key and where a row was made by it.
        """
        known = self.orders.count
        rows = self.orders.find_or_add(keys)
        count = self.orders.count
        self.session = grown(self.session, count)
        self.product = grown(self.product, count)
        self.traits = grown(self.traits, count)
        self.band = grown(self.band, count)
        self._scratch = grown(self._scratch, count)
        new = (rows >= known) & first_of_each(rows, self._scratch)
        self.session[rows[new]] = session[new]
        self.product[rows[new]] = product[new]
        self.traits[rows[new]] = traits[new]
        self.band[rows[new]] = band[new]
        return rows, np.asarray(new)

    def fill(self) -> None:
        """After a snapshot from before there were bands: no order has one."""
        had, count = len(self.band), self.orders.count
        self.band = grown(self.band, count)
        self.band[had:] = NO_LINE

    def find(self, key: int) -> int:
        """Row of an order line, NO_LINE if unknown."""
        return int(self.orders.find(np.array([key], np.uint64))[0])
