"""Cross-buy pairs: products that were paid in one order, and by one buyer in the session.

A basket is an order, or a buyer's session. Of a basket the first products count, in order of
payment and then of product, so that a reseller with hundreds cannot make pairs without end.
"""

from typing import Final

import numpy as np

from operators.hashindex import I64, Bool
from operators.talk.tables import Keyed, Store, high_of, low_of, packed

MAX_PRODUCTS: Final = 20
"""Different products of a basket that make pairs."""

_ORDER, _BUYER = 0, 1
_COUNT_OF: Final = {_ORDER: "orders", _BUYER: "buyers"}


class Pairs:
    """Baskets of the sessions, and how often two products were in one."""

    def __init__(self) -> None:
        self._baskets = Keyed("size")
        """By (2 x session + kind, order or viewer)."""
        self._members = Keyed()
        """By (basket, product)."""
        self._codes = Keyed()
        """By (product, other product), the smaller code first."""
        self.slots = Keyed("orders", "buyers")
        """By (session, code of the pair)."""

    def count(self, paid: Store) -> I64:
        """Put paid lines, in order of payment, into their baskets; sessions that had some."""
        there = paid["product"] >= 0
        lines = paid.take(np.flatnonzero(there))
        for kind, owner in ((_ORDER, "order"), (_BUYER, "viewer")):
            known = np.flatnonzero(lines[owner] >= 0)
            basket = packed(lines["session"][known] * 2 + kind, lines[owner][known])
            self._fill(kind, self._baskets.rows(basket), lines["product"][known])
        return np.unique(lines["session"])

    def _fill(self, kind: int, basket: I64, product: I64) -> None:
        """Add products to baskets of one kind, and count the pairs that they make."""
        keys = packed(basket, product)
        _, first = np.unique(keys, return_index=True)
        fresh = np.sort(first[self._members.index.find(keys[first]) < 0])
        if not len(fresh):
            return
        basket, product = basket[fresh], product[fresh]
        order = np.argsort(basket, kind="stable")
        starts = np.flatnonzero(np.diff(basket[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(starts, np.diff([*starts, len(order)]))
        place = np.empty(len(order), np.int64)
        place[order] = self._baskets.counts["size"][basket[order]] + rank
        basket, product, place = (a[place < MAX_PRODUCTS] for a in (basket, product, place))
        self._members.rows(packed(basket, product))
        self._baskets.add("size", basket, 1)
        self._pair(kind, basket, product)

    def _pair(self, kind: int, basket: I64, product: I64) -> None:
        """Count each new member with every other member of its basket, two new ones once."""
        keys = self._members.index.keys()
        members = np.sort(keys[np.isin(high_of(keys), basket)])
        homes = high_of(members)
        first = np.searchsorted(homes, basket, "left")
        count = np.searchsorted(homes, basket, "right") - first
        one = np.repeat(np.arange(len(basket)), count)
        offset = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
        other = low_of(members)[np.repeat(first, count) + offset]
        mine, home = product[one], basket[one]
        both_new = np.isin(packed(home, other), packed(basket, product))
        good = (mine != other) & (~both_new | (mine < other))
        low, high = np.minimum(mine, other)[good], np.maximum(mine, other)[good]
        session = high_of(self._baskets.index.keys())[home[good]] // 2
        rows = self.slots.rows(packed(session, self._codes.rows(packed(low, high))))
        self.slots.add(_COUNT_OF[kind], rows, 1)

    def products(self, slots: I64) -> tuple[I64, I64]:
        """The two products of each slot."""
        keys = self._codes.index.keys()[low_of(self.slots.index.keys())[slots]]
        return high_of(keys), low_of(keys)

    def drop(self, gone: Bool) -> None:
        """Forget sessions, by number."""
        baskets = self._baskets.keep(~gone[high_of(self._baskets.index.keys()) // 2])
        self._members.renumber_high(baskets)
        self.slots.keep(~gone[high_of(self.slots.index.keys())])
        used = np.zeros(len(self._codes), np.bool_)
        used[low_of(self.slots.index.keys())] = True
        self.slots.renumber_low(self._codes.keep(used))

    def mark_viewers(self, alive: Bool) -> None:
        """Set the flag of every viewer that is known of."""
        keys = self._baskets.index.keys()
        alive[low_of(keys)[high_of(keys) % 2 == _BUYER]] = True

    def renumber_viewers(self, numbers: I64) -> None:
        """Viewers got other numbers."""
        keys = self._baskets.index.keys()
        buyer = high_of(keys) % 2 == _BUYER
        low = low_of(keys)
        low[buyer] = numbers[low[buyer]]
        self._baskets.keep(np.ones(len(keys), np.bool_), packed(high_of(keys), low))

    def snapshot(self) -> dict[str, object]:
        """Plain data."""
        return {name: getattr(self, f"_{name}").snapshot() for name in _TABLES} | {
            "slots": self.slots.snapshot()
        }

    def restore(self, data: object) -> None:
        """Take a snapshot."""
        if isinstance(data, dict):
            for name in _TABLES:
                getattr(self, f"_{name}").restore(data.get(name))
            self.slots.restore(data.get("slots"))


_TABLES: Final = ("baskets", "members", "codes")
