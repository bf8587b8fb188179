"""Stock while orders are walked through in time: what can be sold, what sells out, restock."""

import heapq
from typing import Final

import numpy as np

from simulators.columns import NONE, Col, Ints, single
from simulators.commerce import Candidates
from simulators.timeline import Incident, Timeline, has_own_pool

Pool = tuple[int, int]
"""(product, room) of a room's own quota, (product, NONE) of a shared pool."""

_RESTOCK_PARTS: Final = 3
_RESTOCK_GAP_MS: Final = 20_000
_RESTOCK_UNITS: Final = (5, 16)


def pool_of(product: int, room: int) -> Pool:
    """The pool an order line draws from."""
    return (product, room if has_own_pool(product) else NONE)


def pool_name(pool: Pool) -> str:
    """Pool id as events carry it; a shared pool is named by its product."""
    product, room = pool
    return f"p{product + 1}" if room == NONE else f"p{product + 1}@r{room + 1}"


class Walk:
    """Plays cancels and restocks between the orders; labels when the short pool is empty.

    `hot` is the session whose incident makes a pool short; None: no pool is.
    """

    def __init__(
        self, rng: np.random.Generator, left: dict[Pool, int], hot: Timeline | None
    ) -> None:
        self._rng = rng
        self._left = left
        self._hot = hot
        self._short: Pool | None = None if hot is None else (hot.subject, NONE)
        self._releases: list[tuple[int, Pool, int, bool]] = []
        self._empty_ms: int | None = None
        self._oversold = False
        self._restocked = False
        self._labels: list[Incident] = []
        self.restocks: list[Ints] = []

    def place(self, wanted: Candidates, row: int) -> bool:
        """Whether the order line comes about."""
        now_ms = int(wanted.created_ms[row])
        while self._releases and self._releases[0][0] <= now_ms:
            at_ms, pool, units, delivered = heapq.heappop(self._releases)
            self._left[pool] += units
            if delivered:
                self._close(at_ms)
        pool = pool_of(int(wanted.product[row]), int(wanted.room[row]))
        units, race = int(wanted.qty[row]), bool(wanted.race[row])
        if self._left[pool] < units and not race:
            return False
        self._left[pool] -= units
        if wanted.cancelled_ms[row] >= 0:
            heapq.heappush(self._releases, (int(wanted.cancelled_ms[row]), pool, units, False))
        if pool == self._short and self._left[pool] <= 0 and self._hot is not None:
            self._sold_out(self._hot, pool, now_ms)
        return True

    def incidents(self) -> tuple[Incident, ...]:
        """Every time the short pool was empty, and when it was oversold."""
        if self._hot is not None:
            self._close(self._hot.end_ms)
        return tuple(self._labels)

    def _sold_out(self, hot: Timeline, pool: Pool, now_ms: int) -> None:
        if self._empty_ms is None:
            self._empty_ms = now_ms
        if self._left[pool] < 0 and not self._oversold:
            self._oversold = True
            self._labels.append(self._label(hot, "oversell", now_ms, hot.end_ms))
        if hot.effect.restock_after_s is not None and not self._restocked:
            self._restocked = True
            self._restock(hot, pool, now_ms, hot.effect.restock_after_s)

    def _close(self, end_ms: int) -> None:
        """The pool is no longer empty, or the session is over."""
        hot, start_ms = self._hot, self._empty_ms
        if hot is not None and start_ms is not None:
            kind = "slow_restock" if hot.effect.restock_after_s else "stock_out"
            self._labels.append(self._label(hot, kind, start_ms, end_ms))
        self._empty_ms = None

    def _label(self, hot: Timeline, kind: str, start_ms: int, end_ms: int) -> Incident:
        name = pool_name((hot.subject, NONE))
        return Incident(kind, hot.tenant, hot.room, name, start_ms, end_ms, True, hot.start_ms)

    def _restock(self, hot: Timeline, pool: Pool, now_ms: int, after_s: tuple[int, int]) -> None:
        """New stock minutes later, in three small deliveries."""
        wait_ms = int(self._rng.integers(after_s[0], after_s[1])) * 1_000
        first_ms = min(now_ms + wait_ms, now_ms + (hot.end_ms - now_ms) // 2)
        for part in range(_RESTOCK_PARTS):
            at_ms = first_ms + part * _RESTOCK_GAP_MS
            units = int(self._rng.integers(*_RESTOCK_UNITS))
            if at_ms < hot.end_ms - 1_000:
                columns: dict[Col, Ints | int] = {Col.PRODUCT: pool[0], Col.QTY: units}
                self.restocks.append(single("stock_adjust", at_ms, columns))
                heapq.heappush(self._releases, (at_ms, pool, units, True))
