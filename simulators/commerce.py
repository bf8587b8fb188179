"""From seeing a product to placing an order: exposures, clicks, carts, order candidates."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from simulators.audience import Visits
from simulators.columns import Bools, Col, Floats, Ints, block, generator, join
from simulators.names import product_price_minor
from simulators.plan import SimulationPlan
from simulators.timeline import Incident, Timeline, key_at

_STAGE: Final = 5
_EXPOSED: Final = 0.60
_CLICKED: Final = 0.38
_CARTED: Final = 0.22
_ORDERED: Final = 0.16
_PAID: Final = 0.90
_SECOND_LINE: Final = 0.12
PROMO_PRICE: Final = 0.7


@dataclass(frozen=True, slots=True)
class Candidates:
    """Order lines people want to place, in time order; stock decides which come about.

    `key` is shared by the lines of one order and unique in the room's session; `line` is
    NONE for an order with one line. `race` marks a burst that the shop's stock check misses.
    """

    created_ms: Ints
    paid_ms: Ints  # NONE: never paid
    cancelled_ms: Ints  # NONE: not cancelled
    room: Ints
    user: Ints
    product: Ints
    qty: Ints
    amount: Ints
    channel: Ints
    segment: Ints
    host: Ints
    campaign: Ints
    key: Ints
    line: Ints
    race: Bools

    def without(self, lost: Bools) -> "Candidates":
        """Copy without the lines that `lost` marks."""
        parts = {item.name: getattr(self, item.name)[~lost] for item in fields(self)}
        return Candidates(**parts)


def shopping(plan: SimulationPlan, line: Timeline, seen: Visits) -> tuple[Ints, Candidates]:
    """Events up to the cart, and the order candidates, of one session."""
    rng = generator(plan.seed, _STAGE, line.room, line.start_ms)
    stay = seen.stop_ms - seen.start_ms
    looking = np.flatnonzero(~seen.bot & (stay > 3_000) & (rng.random(len(stay)) < _EXPOSED))
    shown_ms = _moment(rng, seen, looking)
    product = _choose(plan, rng, line, shown_ms)
    out = [_event("product_exposure", seen, looking, shown_ms, product)]

    clicked = rng.random(len(looking)) < _CLICKED * line.factor(shown_ms, line.effect.click)
    looking, product = looking[clicked], product[clicked]
    click_ms = _later(rng, shown_ms[clicked], 400, 6_000, line)
    out.append(_event("product_click", seen, looking, click_ms, product))

    carted = rng.random(len(looking)) < _CARTED
    cart_ms = _later(rng, click_ms, 1_000, 8_000, line)
    carts = _event("add_to_cart", seen, looking[carted], cart_ms[carted], product[carted])
    carts[Col.QTY] = 1
    out.append(carts)

    wanted = np.minimum(0.85, _ORDERED * line.factor(click_ms, line.effect.order * line.pull))
    ordered = rng.random(len(looking)) < wanted
    created_ms = _later(rng, click_ms[ordered], 2_500, 9_000, line)
    orders = _candidates(plan, rng, line, seen, looking[ordered], created_ms, product[ordered])
    return join(out), orders


def _moment(rng: np.random.Generator, seen: Visits, index: Ints) -> Ints:
    """When the card is seen: early in the visit, a few later."""
    window = np.minimum((seen.stop_ms - seen.start_ms)[index], 120_000)
    lag: Ints = (rng.random(len(index)) * (window - 600)).astype(np.int64)
    return seen.start_ms[index] + 500 + lag


def _later(
    rng: np.random.Generator, time_ms: Ints, least_ms: int, mean_ms: int, line: Timeline
) -> Ints:
    """A moment after, capped inside the session."""
    lag = least_ms + rng.exponential(mean_ms, len(time_ms)).astype(np.int64)
    return np.minimum(time_ms + np.minimum(lag, 60_000), line.end_ms - 1_000)


def _choose(plan: SimulationPlan, rng: np.random.Generator, line: Timeline, time_ms: Ints) -> Ints:
    """Mostly the product under explanation, else by popularity (Zipf).

    An incident's subject takes its share of the demand.
    """
    count = len(time_ms)
    weights = 1 / np.arange(1, plan.products + 1) ** 0.9
    popular = rng.choice(plan.products, count, p=weights / weights.sum())
    now = key_at(line.explained, time_ms)
    product = np.where((now >= 0) & (rng.random(count) < 0.65), now, popular)
    share = line.effect.demand_ratio or (0.7 if line.effect.promo else 0.0)
    hot = (line.within(time_ms) == 1) & (rng.random(count) < share)
    return np.where(hot, line.subject, product)


def _event(name: str, seen: Visits, index: Ints, time_ms: Ints, product: Ints) -> Ints:
    return block(
        name,
        time_ms,
        {
            Col.USER: seen.user[index],
            Col.PRODUCT: product,
            Col.CHANNEL: seen.channel[index],
            Col.SEGMENT: seen.segment[index],
        },
    )


def _candidates(
    plan: SimulationPlan,
    rng: np.random.Generator,
    line: Timeline,
    seen: Visits,
    who: Ints,
    created_ms: Ints,
    product: Ints,
) -> Candidates:
    who, created_ms, product, race = _with_burst(rng, line, seen, who, created_ms, product)
    key = np.arange(len(who))
    twice = (rng.random(len(who)) < _SECOND_LINE) & ~race
    double = np.flatnonzero(twice)
    index = np.concatenate([key, double])
    lines = np.concatenate([np.where(twice, 1, -1), np.full(len(double), 2)])
    product = np.concatenate([product, (product[double] + 1) % plan.products])
    created = created_ms[index]
    qty = np.where(race[index], 1, np.minimum(rng.geometric(0.82, len(index)), 5))
    paid, cancelled = _payments(rng, line, created_ms)
    promo = (line.within(created) == 1) & (product == line.subject) & line.effect.promo
    price = _prices(plan)[product] * np.where(promo, PROMO_PRICE, 1.0)
    order = np.lexsort((lines, index, created))
    return Candidates(
        created[order],
        paid[index][order],
        cancelled[index][order],
        np.full(len(order), line.room, dtype=np.int64),
        seen.user[who][index][order],
        product[order],
        qty[order],
        (np.rint(price).astype(np.int64) * qty)[order],
        seen.channel[who][index][order],
        seen.segment[who][index][order],
        key_at(line.shifts, created)[order],
        np.where(promo, line.room, -1)[order],
        index[order],
        lines[order],
        race[index][order],
    )


def _prices(plan: SimulationPlan) -> Floats:
    return np.array([product_price_minor(number) for number in range(plan.products)], dtype=float)


def race_ms(incident: Incident) -> int:
    """When a race begins; it lasts 5 s."""
    return incident.end_ms - 6_000


def _with_burst(
    rng: np.random.Generator,
    line: Timeline,
    seen: Visits,
    who: Ints,
    created_ms: Ints,
    product: Ints,
) -> tuple[Ints, Ints, Ints, Bools]:
    """Add the race for the last pieces: many orders for one product within 5 s."""
    race = np.zeros(len(who), dtype=np.bool_)
    count = line.effect.burst_orders
    if line.incident is None or not count:
        return who, created_ms, product, race
    at_ms = race_ms(line.incident)
    there = np.flatnonzero((seen.start_ms < at_ms) & (seen.stop_ms > at_ms))
    if not len(there) or not line.start_ms < at_ms < line.end_ms - 10_000:
        return who, created_ms, product, race
    racing = rng.choice(there, count)
    return (
        np.concatenate([who, racing]),
        np.concatenate([created_ms, at_ms + rng.integers(0, 5_000, count)]),
        np.concatenate([product, np.full(count, line.subject)]),
        np.concatenate([race, np.ones(count, dtype=np.bool_)]),
    )


def _payments(rng: np.random.Generator, line: Timeline, created_ms: Ints) -> tuple[Ints, Ints]:
    """Pay and cancel time of each order; what would fall behind the session is left out."""
    count = len(created_ms)
    chance = _PAID * line.factor(created_ms, line.effect.pay)
    pays = rng.random(count) < chance
    paid_ms = (
        created_ms + 1_500 + np.minimum(rng.exponential(9_000, count), 90_000).astype(np.int64)
    )
    cancel_ms = created_ms + rng.integers(90_000, 300_000, count)
    paid_ms = line.after_silence(paid_ms, rng)
    cancel_ms = line.after_silence(cancel_ms, rng)
    last_ms = line.end_ms - 500
    paid = np.where(pays & (paid_ms < last_ms), paid_ms, -1)
    cancelled = np.where(~pays & (cancel_ms < last_ms), cancel_ms, -1)
    return paid, cancelled
