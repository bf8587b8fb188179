"""The course of one room: session, incident, explanations, shifts, promotion."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulators.columns import Floats, Ints, generator
from simulators.plan import SimulationPlan
from simulators.scenarios import EFFECTS, Effect

ROOM_STAGE: Final = 1
"""First key of the random streams of a room; other stages use other numbers."""

NO_EFFECT: Final = Effect()


@dataclass(frozen=True, slots=True)
class Incident:
    """One labelled incident, `[start_ms, end_ms)`; `subject` a product, pool or None.

    `from_ms`: since when a warning about it is true, e.g. of a pool that runs short.
    """

    kind: str
    tenant: int
    room: int
    subject: str | None
    start_ms: int
    end_ms: int
    alert: bool
    from_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """Something with a key that lasts `[start_ms, end_ms)`."""

    key: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """One session of one room. `start_ms` and `end_ms` are those of room_status.

    `ended` False: the end is never sent. `incident` None: nothing happens. `pull` scales the
    demand of an incident that drains a pool: sessions differ in how fast they sell out.
    """

    room: int
    tenant: int
    start_ms: int
    end_ms: int
    ended: bool
    incident: Incident | None
    subject: int
    explained: tuple[Span, ...]
    shifts: tuple[Span, ...]
    pull: float = 1.0

    @property
    def effect(self) -> Effect:
        """Effect of the incident; no incident: none."""
        return NO_EFFECT if self.incident is None else EFFECTS[self.incident.kind]

    def within(self, time_ms: Ints) -> Ints:
        """1 where a time lies in the incident, else 0."""
        if self.incident is None:
            return np.zeros(len(time_ms), dtype=np.int64)
        inside = (time_ms >= self.incident.start_ms) & (time_ms < self.incident.end_ms)
        return inside.astype(np.int64)

    def factor(self, time_ms: Ints, during: float) -> Floats:
        """`during` inside the incident, 1 outside."""
        return np.where(self.within(time_ms) == 1, during, 1.0)

    def after_silence(self, time_ms: Ints, rng: np.random.Generator) -> Ints:
        """Times moved behind a feed outage: the shop's system sends them then."""
        if self.incident is None or not self.effect.silent:
            return time_ms
        later = self.incident.end_ms + rng.integers(1, 5_000, len(time_ms))
        return np.where(self.within(time_ms) == 1, later, time_ms)


def timelines(plan: SimulationPlan) -> list[Timeline]:
    """Every session of every room, in room order."""
    out: list[Timeline] = []
    for room in range(plan.rooms):
        out.extend(_sessions(plan, room))
    return out


def _sessions(plan: SimulationPlan, room: int) -> list[Timeline]:
    rng = generator(plan.seed, ROOM_STAGE, room, 0)
    length_ms = plan.minutes * 60_000
    start_ms = plan.start_ms + 1_000 + int(rng.integers(0, 3_000))
    if 0 < room <= plan.late_rooms:
        start_ms += length_ms // 3
    # Ends on a full minute: the last 1m window of a session is whole.
    end_ms = plan.end_ms
    last = plan.rooms - 1 - room
    if last < plan.restart_rooms:
        middle_ms = plan.start_ms + length_ms // 120_000 * 60_000
        middle_ms = max(middle_ms, (start_ms // 60_000 + 1) * 60_000)
        again_ms = middle_ms + min(20_000, length_ms // 10)
        if again_ms < end_ms - 10_000:
            first = _timeline(plan, room, start_ms, middle_ms, True, 0)
            return [first, _timeline(plan, room, again_ms, end_ms, True, 1)]
    ended = not last < plan.restart_rooms + plan.endless_rooms
    return [_timeline(plan, room, start_ms, end_ms, ended, 0)]


def _timeline(
    plan: SimulationPlan, room: int, start_ms: int, end_ms: int, ended: bool, number: int
) -> Timeline:
    rng = generator(plan.seed, ROOM_STAGE, room, 1, number)
    tenant = plan.tenant_of(room)
    effect = EFFECTS.get(plan.shape.incident or "", NO_EFFECT)
    if effect.burst_orders:
        # All rooms of the shop race for the same pool at the same moment.
        shared = generator(plan.seed, ROOM_STAGE, tenant, 2)
        subject = _shared_product(shared, plan.products)
        incident = _incident(plan, shared, room, plan.start_ms + 4_000, plan.end_ms, subject)
    else:
        subject = _shared_product(rng, plan.products)
        incident = _incident(plan, rng, room, start_ms, end_ms, subject)
    pull = float(rng.uniform(0.8, 2.5)) if effect.demand_ratio else 1.0
    line = Timeline(room, tenant, start_ms, end_ms, ended, incident, subject, (), (), pull)
    return replace(line, explained=_explained(plan, rng, line), shifts=_shifts(rng, line))


def _shared_product(rng: np.random.Generator, products: int) -> int:
    """A product whose pool is shared by the tenant's rooms, among the first eight."""
    shared = [number for number in range(min(products, 8)) if not has_own_pool(number)]
    return int(rng.choice(shared))


def has_own_pool(product: int) -> bool:
    """Whether each room has its own quota of the product: every fourth."""
    return product % 4 == 3


def _incident(
    plan: SimulationPlan,
    rng: np.random.Generator,
    room: int,
    start_ms: int,
    end_ms: int,
    subject: int,
) -> Incident | None:
    """The incident of a session; see `_is_hit` for which rooms have one."""
    shape, length_ms = plan.shape, end_ms - start_ms
    share, lasts_s = rng.uniform(*shape.at_ratio), int(rng.integers(*_closed(shape.lasts_s)))
    lucky = rng.random() > 1 / 3
    if shape.incident is None or not _is_hit(plan, room, EFFECTS[shape.incident], lucky):
        return None
    effect = EFFECTS[shape.incident]
    begin_ms = start_ms + int(share * length_ms) // 1_000 * 1_000
    lasting = effect.target_ratio or effect.reported_ratio
    cut_ms = length_ms if lasting else length_ms // (2 if effect.demand_ratio else 4)
    finish_ms = min(begin_ms + min(lasts_s * 1_000, cut_ms), end_ms)
    named = effect.demand_ratio or effect.refund_ratio or effect.promo
    return Incident(
        shape.incident,
        plan.tenant_of(room),
        room,
        f"p{subject + 1}" if named else None,
        begin_ms,
        finish_ms,
        effect.alert,
        begin_ms,
    )


def _is_hit(plan: SimulationPlan, room: int, effect: Effect, lucky: bool) -> bool:
    """The first room of each tenant; others one time in three; a race takes all, a pool one."""
    if effect.burst_orders or plan.is_first(room):
        return True
    return not lucky and not effect.demand_ratio


def _closed(bounds: tuple[int, int]) -> tuple[int, int]:
    return bounds[0], bounds[1] + 1


def _explained(plan: SimulationPlan, rng: np.random.Generator, line: Timeline) -> tuple[Span, ...]:
    """Explanations one after another, over all products again and again."""
    length_ms = line.end_ms - line.start_ms
    typical_ms = max(8_000, min(150_000, length_ms // 8))
    spans: list[Span] = []
    at_ms = line.start_ms + int(rng.integers(2_000, 5_000))
    product = int(rng.integers(plan.products))
    while at_ms < line.end_ms - 5_000:
        lasts_ms = int(typical_ms * rng.lognormal(0.0, 0.35))
        stop_ms = min(at_ms + lasts_ms, line.end_ms - 1_000)
        spans.extend(_outside(line, Span(product, at_ms, stop_ms)))
        at_ms = stop_ms + int(rng.integers(1_000, 6_000))
        product = (product + 1) % plan.products
    return tuple(spans)


def _outside(line: Timeline, span: Span) -> list[Span]:
    """What is left of a span when nobody explains during the incident."""
    incident = line.incident
    if incident is None or not (line.effect.unexplained or line.effect.silent):
        return [span]
    before = Span(span.key, span.start_ms, min(span.end_ms, incident.start_ms))
    after = Span(span.key, max(span.start_ms, incident.end_ms + 500), span.end_ms)
    return [part for part in (before, after) if part.end_ms - part.start_ms >= 1_000]


def _shifts(rng: np.random.Generator, line: Timeline) -> tuple[Span, ...]:
    """Two hosts in turn, an hour or half the session each; a host gap separates shifts."""
    length_ms = line.end_ms - line.start_ms
    each_ms = min(3_600_000, length_ms // 2 + 1)
    spans: list[Span] = []
    at_ms, turn = line.start_ms + 500, int(rng.integers(2))
    while at_ms < line.end_ms - 1_000:
        stop_ms = min(at_ms + each_ms, line.end_ms - 500)
        span = Span(2 * line.room + turn, at_ms, stop_ms)
        spans.extend(_outside(line, span) if line.effect.unexplained else [span])
        at_ms, turn = stop_ms + 1, 1 - turn
    return tuple(spans)


def key_at(spans: tuple[Span, ...], time_ms: Ints) -> Ints:
    """Key of the span that holds each time, -1 where none does."""
    if not spans:
        return np.full(len(time_ms), -1, dtype=np.int64)
    starts = np.array([span.start_ms for span in spans], dtype=np.int64)
    ends = np.array([span.end_ms for span in spans], dtype=np.int64)
    keys = np.array([span.key for span in spans], dtype=np.int64)
    place = np.searchsorted(starts, time_ms, side="right") - 1
    inside = (place >= 0) & (time_ms < ends[place])
    return np.where(inside, keys[place], -1)
