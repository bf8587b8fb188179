"""One shop's orders against its stock: which lines come about, what is paid, refunded, left."""

import heapq
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from simulators.columns import NONE, Col, Ints, block, generator, join, single
from simulators.commerce import Candidates, race_ms
from simulators.plan import SimulationPlan
from simulators.refunds import refunds
from simulators.timeline import Incident, Timeline, has_own_pool

_STAGE: Final = 7

Pool = tuple[int, int]
"""(product, room) of a room's own quota, (product, NONE) of a shared pool."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Order, refund and stock events of a tenant, its opening stock, its stock incidents."""

    events: Ints
    opening: dict[Pool, int]
    incidents: tuple[Incident, ...]


def pool_of(product: int, room: int) -> Pool:
    """The pool an order line draws from."""
    return (product, room if has_own_pool(product) else NONE)


def pool_name(pool: Pool) -> str:
    """Pool id as events carry it; a shared pool is named by its product."""
    product, room = pool
    return f"p{product + 1}" if room == NONE else f"p{product + 1}@r{room + 1}"


def trade(
    plan: SimulationPlan, tenant: int, lines: list[Timeline], wanted: list[Candidates]
) -> Shop:
    """Walk all candidates of a tenant in time order."""
    merged = _merge(wanted)
    hot = next((one for one in lines if one.incident and one.effect.demand_ratio), None)
    opening = _opening(plan, lines, merged, hot)
    rng = generator(plan.seed, _STAGE, tenant)
    walk = _Walk(rng, dict(opening), hot)
    accepted = np.array([walk.place(merged, row) for row in range(len(merged.created_ms))])
    kept = np.flatnonzero(accepted) if len(accepted) else np.empty(0, dtype=np.int64)
    orders = _Orders(merged, kept)
    events = [orders.created(), orders.paid(), orders.cancelled(), *walk.restocks]
    events.append(refunds(plan, rng, lines, orders.paid()))
    return Shop(join(events), opening, tuple(walk.incidents))


def _merge(wanted: list[Candidates]) -> Candidates:
    """All rooms in one time order; order keys become unique in the tenant."""
    offset, keys = 0, []
    for one in wanted:
        keys.append(one.key + offset)
        offset += int(one.key.max()) + 1 if len(one.key) else 0
    parts = {
        item.name: np.concatenate([getattr(one, item.name) for one in wanted])
        for item in fields(Candidates)
    }
    parts["key"] = np.concatenate(keys)
    order = np.lexsort((parts["line"], parts["key"], parts["created_ms"]))
    return Candidates(**{name: values[order] for name, values in parts.items()})


def _opening(
    plan: SimulationPlan, lines: list[Timeline], merged: Candidates, hot: Timeline | None
) -> dict[Pool, int]:
    """Ample stock everywhere, except that an incident's pool ends at its moment."""
    rooms = sorted({line.room for line in lines})
    stock: dict[Pool, int] = {}
    for product in range(plan.products):
        for room in rooms if has_own_pool(product) else [NONE]:
            stock[(product, room)] = 0
    for product, room, qty in zip(
        merged.product.tolist(), merged.room.tolist(), merged.qty.tolist(), strict=True
    ):
        stock[pool_of(product, room)] += qty
    out = {pool: -(-(units * 3 + 60) // 10) * 10 for pool, units in stock.items()}
    if hot is not None and hot.incident is not None:
        out[(hot.subject, NONE)] = _short_stock(merged, hot, hot.incident)
    return out


def _short_stock(merged: Candidates, hot: Timeline, incident: Incident) -> int:
    """Stock that ends three quarters into the demand, or in the middle of the race."""
    race = hot.effect.burst_orders > 0
    lasts_ms = incident.end_ms - incident.start_ms
    at_ms = race_ms(incident) if race else incident.start_ms + lasts_ms * 3 // 4
    wants = (merged.product == hot.subject) & ~merged.race & (merged.created_ms < at_ms)
    released = (merged.cancelled_ms >= 0) & (merged.cancelled_ms < at_ms)
    held = int(merged.qty[wants & ~released].sum())
    return max(3, held) + int(merged.race.sum()) // 2


class _Walk:
    """Stock while the orders are walked through; cancels and restocks are played in time."""

    def __init__(
        self, rng: np.random.Generator, left: dict[Pool, int], hot: Timeline | None
    ) -> None:
        self._rng = rng
        self._left = left
        self._hot = hot
        self._releases: list[tuple[int, Pool, int]] = []
        self._done = False
        self.restocks: list[Ints] = []
        self.incidents: list[Incident] = []

    def place(self, wanted: Candidates, row: int) -> bool:
        """Whether the line comes about."""
        now_ms = int(wanted.created_ms[row])
        while self._releases and self._releases[0][0] <= now_ms:
            _, pool, units = heapq.heappop(self._releases)
            self._left[pool] += units
        pool = pool_of(int(wanted.product[row]), int(wanted.room[row]))
        units, race = int(wanted.qty[row]), bool(wanted.race[row])
        if self._left[pool] < units and not race:
            return False
        self._left[pool] -= units
        if wanted.cancelled_ms[row] >= 0:
            heapq.heappush(self._releases, (int(wanted.cancelled_ms[row]), pool, units))
        self._label(pool, now_ms)
        return True

    def _label(self, pool: Pool, now_ms: int) -> None:
        hot = self._hot
        if hot is None or hot.incident is None or pool != (hot.subject, NONE) or self._done:
            return
        left = self._left[pool]
        if left > 0 or (hot.effect.burst_orders and left == 0):
            return
        self._done = True
        end_ms = hot.end_ms
        if hot.effect.restock_after_s is not None:
            end_ms = self._restock(hot, pool, now_ms, hot.effect.restock_after_s)
        self.incidents.append(
            Incident(hot.incident.kind, hot.tenant, hot.room, pool_name(pool), now_ms, end_ms, True)
        )

    def _restock(self, hot: Timeline, pool: Pool, now_ms: int, after_s: tuple[int, int]) -> int:
        """New stock minutes later, in three small deliveries."""
        wait_ms = int(self._rng.integers(after_s[0], after_s[1])) * 1_000
        first_ms = min(now_ms + wait_ms, now_ms + (hot.end_ms - now_ms) // 2)
        for part in range(3):
            at_ms = first_ms + part * 20_000
            if at_ms >= hot.end_ms - 1_000:
                break
            units = int(self._rng.integers(5, 16))
            columns: dict[Col, Ints | int] = {Col.PRODUCT: pool[0], Col.QTY: units}
            self.restocks.append(single("stock_adjust", at_ms, columns))
            heapq.heappush(self._releases, (at_ms, pool, units))
        return first_ms


class _Orders:
    """Events of the lines that came about."""

    def __init__(self, wanted: Candidates, kept: Ints) -> None:
        self._wanted = wanted
        self._kept = kept

    def _rows(self, name: str, index: Ints, time_ms: Ints) -> Ints:
        one = self._wanted
        own = np.array([has_own_pool(number) for number in one.product[index].tolist()], dtype=bool)
        return block(
            name,
            time_ms,
            {
                Col.ROOM: one.room[index],
                Col.USER: one.user[index],
                Col.PRODUCT: one.product[index],
                Col.ORDER: one.key[index],
                Col.LINE: one.line[index],
                Col.QTY: one.qty[index],
                Col.AMOUNT: one.amount[index],
                Col.CHANNEL: one.channel[index],
                Col.SEGMENT: one.segment[index],
                Col.HOST: one.host[index],
                Col.CAMPAIGN: one.campaign[index],
                Col.POOL: np.where(own, 1, NONE),
            },
        )

    def created(self) -> Ints:
        return self._rows("order_created", self._kept, self._wanted.created_ms[self._kept])

    def paid(self) -> Ints:
        index = self._kept[self._wanted.paid_ms[self._kept] >= 0]
        return self._rows("order_paid", index, self._wanted.paid_ms[index])

    def cancelled(self) -> Ints:
        index = self._kept[self._wanted.cancelled_ms[self._kept] >= 0]
        out = self._rows("order_cancelled", index, self._wanted.cancelled_ms[index])
        out[Col.AMOUNT] = NONE
        return out
