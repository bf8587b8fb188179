"""Who wants the money back: requests after payment, and those that are granted."""

from typing import Final

import numpy as np

from simulators.columns import NONE, Bools, Col, Ints, block, join
from simulators.plan import SimulationPlan
from simulators.timeline import Timeline

_ASKED: Final = 0.04
_GRANTED: Final = 0.92
_SUBJECT_ASKED: Final = 0.8
"""Share of the subject's buyers who ask in a refund surge."""

_KEPT: Final = (Col.USER, Col.PRODUCT, Col.ORDER, Col.LINE, Col.QTY, Col.AMOUNT, Col.POOL)


def refunds(
    plan: SimulationPlan,
    rng: np.random.Generator,
    lines: list[Timeline],
    paid: Ints,
    spared: int,
) -> Ints:
    """Requests some minutes after payment and the refunds granted, all inside the session.

    Args:
        plan: for the share of refunds that do not say their room.
        rng: the tenant's random stream.
        lines: the tenant's sessions.
        paid: its order_paid events, any order.
        spared: a product nobody returns (a pool that must stay empty), or NONE.
    """
    paid = paid[:, np.argsort(paid[Col.TIME], kind="stable")]
    count: int = paid.shape[1]
    end_ms = np.zeros(count, dtype=np.int64)
    asked_ms: Ints = paid[Col.TIME] + 60_000 + rng.exponential(240_000, count).astype(np.int64)
    granted_ms: Ints = np.zeros(count, dtype=np.int64)
    asks: Bools = rng.random(count) < _ASKED
    for line in lines:
        mine = (paid[Col.ROOM] == line.room) & (paid[Col.TIME] >= line.start_ms)
        mine &= paid[Col.TIME] < line.end_ms
        end_ms[mine] = line.end_ms - 1_000
        asked_ms[mine] = line.after_silence(asked_ms[mine], rng)
        asked_ms, asks = _surge(rng, line, paid, mine, asked_ms, asks)
        lag_ms = rng.integers(4_000, 45_000, int(mine.sum()))
        granted_ms[mine] = line.after_silence(asked_ms[mine] + lag_ms, rng)
    asks &= (asked_ms < end_ms) & (paid[Col.PRODUCT] != spared)
    granted = asks & (granted_ms < end_ms) & (rng.random(count) < _GRANTED)
    says_room = rng.random(count) >= plan.null_room_ratio
    # A room's own quota is named by room and product: such refunds say their room.
    says_room |= paid[Col.POOL] == 1
    room = np.where(says_room, paid[Col.ROOM], NONE)
    return join(
        [
            _events("refund_requested", asked_ms, paid, room)[:, asks],
            _events("refund_succeeded", granted_ms, paid, room)[:, granted],
        ]
    )


def _events(name: str, time_ms: Ints, paid: Ints, room: Ints) -> Ints:
    """One refund event per paid line; the refund bears the line's place."""
    out = block(name, time_ms, {Col.ROOM: room, Col.REFUND: np.arange(paid.shape[1])})
    for column in _KEPT:
        out[column] = paid[column]
    return out


def _surge(
    rng: np.random.Generator, line: Timeline, paid: Ints, mine: Bools, asked_ms: Ints, asks: Bools
) -> tuple[Ints, Bools]:
    """A share of the buyers so far (of the subject most) asks within the incident."""
    if line.incident is None or not line.effect.refund_ratio:
        return asked_ms, asks
    start_ms = line.incident.start_ms
    lasts_ms = line.incident.end_ms - start_ms
    before = mine & (paid[Col.TIME] < start_ms - 5_000) & ~(asks & (asked_ms < start_ms))
    others = line.effect.refund_ratio * 0.6
    chance = np.where(paid[Col.PRODUCT] == line.subject, _SUBJECT_ASKED, others)
    hit = before & (rng.random(len(before)) < chance)
    moved = start_ms + rng.integers(0, lasts_ms, len(before))
    return np.where(hit, moved, asked_ms), asks | hit
