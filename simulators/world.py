"""A whole simulated recording, clean: every event that happens, in time order."""

from dataclasses import dataclass
from typing import Final

from simulators.audience import social, visits
from simulators.backdrop import reported_gmv, room_events, shop_events
from simulators.columns import Col, Fragments, Ints, by_time, generator, is_type, join
from simulators.commerce import shopping
from simulators.plan import SimulationPlan
from simulators.stock import trade
from simulators.timeline import Incident, Timeline, timelines

_COMMON_STAGE: Final = 9


@dataclass(frozen=True, slots=True)
class World:
    """Clean events `(len(Col), n)` by time, with their text pieces and the labels."""

    plan: SimulationPlan
    events: Ints
    texts: Fragments
    timelines: tuple[Timeline, ...]
    incidents: tuple[Incident, ...]


def build(plan: SimulationPlan) -> World:
    """Draw everything. Same plan, same world."""
    texts = Fragments()
    lines = timelines(plan)
    blocks: list[Ints] = []
    incidents: list[Incident] = []
    by_tenant: dict[int, list[Timeline]] = {}
    for line in lines:
        by_tenant.setdefault(line.tenant, []).append(line)
    for tenant, mine in by_tenant.items():
        common = generator(plan.seed, _COMMON_STAGE, tenant).integers(1, 2**63 - 1, 2_000)
        parts, labels = _tenant(plan, tenant, mine, common, texts)
        blocks.extend(parts)
        incidents.extend(labels)
    events = by_time(join(blocks))
    incidents.sort(key=lambda one: (one.start_ms, one.room))
    return World(plan, events, texts, tuple(lines), tuple(incidents))


def _tenant(
    plan: SimulationPlan, tenant: int, lines: list[Timeline], common: Ints, texts: Fragments
) -> tuple[list[Ints], list[Incident]]:
    blocks, wanted, labels = [], [], []
    for line in lines:
        seen = visits(plan, line, common)
        viewers = social(plan, line, seen, texts)
        before, candidates = shopping(plan, line, seen)
        room = join([viewers, before, room_events(plan, line, seen, viewers, texts)])
        room[Col.ROOM] = line.room
        blocks.append(_silenced(line, room))
        if line.effect.silent:
            candidates = candidates.without(line.within(candidates.created_ms) == 1)
        wanted.append(candidates)
        if line.incident is not None and not line.effect.demand_ratio:
            labels.append(line.incident)
    shop = trade(plan, tenant, lines, wanted)
    blocks.append(shop.events)
    blocks.extend(reported_gmv(line, shop.events, texts) for line in lines)
    blocks.append(shop_events(plan, tenant, lines, shop.opening, texts))
    for part in blocks:
        part[Col.TENANT] = tenant
    return blocks, labels + list(shop.incidents)


def _silenced(line: Timeline, room: Ints) -> Ints:
    """Without what a feed outage swallows."""
    if not line.effect.silent:
        return room
    lost = (line.within(room[Col.TIME]) == 1) & ~is_type(room, "room_status")
    return room[:, ~lost]
