"""One shop's trade: opening stock, the orders that come about, payments, refunds."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from simulators.columns import NONE, Col, Ints, block, generator, join
from simulators.commerce import Candidates, race_ms
from simulators.plan import SimulationPlan
from simulators.refunds import refunds
from simulators.timeline import Incident, Timeline, has_own_pool
from simulators.walk import Pool, Walk, pool_of

_STAGE: Final = 7


@dataclass(frozen=True, slots=True)
class Shop:
    """Order, refund and stock events of a tenant, its opening stock, its stock incidents."""

    events: Ints
    opening: dict[Pool, int]
    incidents: tuple[Incident, ...]


def trade(
    plan: SimulationPlan, tenant: int, lines: list[Timeline], wanted: list[Candidates]
) -> Shop:
    """Walk all candidates of a tenant in time order."""
    merged = _merge(wanted)
    hot = next((one for one in lines if one.incident and one.effect.demand_ratio), None)
    opening = _opening(plan, lines, merged, hot)
    rng = generator(plan.seed, _STAGE, tenant)
    walk = Walk(rng, dict(opening), hot)
    accepted = np.array([walk.place(merged, row) for row in range(len(merged.created_ms))])
    kept = np.flatnonzero(accepted) if len(accepted) else np.empty(0, dtype=np.int64)
    orders = _Orders(merged, kept)
    events = [orders.created(), orders.paid(), orders.cancelled(), *walk.restocks]
    events.append(refunds(plan, rng, lines, orders.paid(), NONE if hot is None else hot.subject))
    return Shop(join(events), opening, walk.incidents())


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
