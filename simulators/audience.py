"""Who comes to a room, how long they stay, and what they do there besides buying."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.columns import Bools, Col, Floats, Fragments, Ints, block, generator, join
from simulators.names import (
    BOT_COMMENT,
    CHANNEL_WEIGHTS,
    COMMENTS,
    NEGATIVE_COMMENTS,
    SEGMENT_WEIGHTS,
)
from simulators.plan import SimulationPlan
from simulators.timeline import Timeline

_STAGE: Final = 2
_MEDIAN_STAY_S: Final = 80.0
_STAY_SIGMA: Final = 1.1
_HEARTBEAT_MS: Final = 120_000
_PER_ENTER: Final = {
    "gift": 17 / 49,
    "like": 9 / 49,
    "comment": 2 / 49,
    "follow": 2 / 49,
    "share": 0.5 / 49,
    "fans_join": 0.4 / 49,
}
"""Events per enter, from the mix of the recorded room (share and fans_join: assumed)."""

_GIFT_MINOR: Final = (10, 10, 10, 90, 520, 990)


@dataclass(frozen=True, slots=True)
class Visits:
    """One entry per enter, in time order; `stop_ms` exclusive, capped at the session's end."""

    start_ms: Ints
    stop_ms: Ints
    user: Ints
    channel: Ints
    segment: Ints
    bot: Bools
    leaves: Bools


def visits(plan: SimulationPlan, line: Timeline, common: Ints) -> Visits:
    """Draw the visits of a session; `common` are viewers who know all rooms of the tenant."""
    rng = generator(plan.seed, _STAGE, line.room, line.start_ms)
    human = _arrivals(rng, line, _intensity(plan, rng, line))
    bots = _bot_arrivals(plan, rng, line)
    start = np.concatenate([human, bots])
    order = np.argsort(start, kind="stable")
    start, bot = start[order], (np.arange(len(start)) >= len(human))[order]
    count = len(start)
    normal = _MEDIAN_STAY_S * 1_000 * rng.lognormal(0.0, _STAY_SIGMA, count)
    brief = rng.uniform(5_000, 20_000, count)
    stay: Ints = np.where(bot, brief, normal).astype(np.int64) + 1_000
    stop = _drop_out(rng, line, start, start + stay)
    fresh = rng.integers(1, 2**63 - 1, count)
    known = rng.random(count) < 0.08
    fresh = np.where(known & ~bot, common[rng.integers(0, len(common), count)], fresh)
    back = (rng.random(count) < 0.10) & ~bot
    earlier = (rng.random(count) * np.arange(count)).astype(np.int64)
    channel = rng.choice(len(CHANNEL_WEIGHTS), count, p=CHANNEL_WEIGHTS)
    segment = rng.choice(len(SEGMENT_WEIGHTS), count, p=SEGMENT_WEIGHTS)
    # Who is driven out by a traffic drop says so; of the others a quarter just vanishes.
    leaves = (rng.random(count) < 0.75) | (stop < start + stay)
    leaves &= stop < line.end_ms - 1_000
    stop = np.minimum(stop, line.end_ms - 1)
    user = np.where(back, fresh[earlier] if count else fresh, fresh)
    return Visits(start, stop, user, channel, segment, bot, leaves)


def _intensity(plan: SimulationPlan, rng: np.random.Generator, line: Timeline) -> Floats:
    """Expected enters of each second of the session, without the incident mean about 1 x."""
    seconds = (line.end_ms - line.start_ms) // 1_000
    at = np.arange(seconds)
    period_s, phase = rng.uniform(500, 1_100), rng.uniform(0, 2 * np.pi)
    wave = 1 + plan.shape.wave_ratio * np.sin(2 * np.pi * at / period_s + phase)
    warm = np.minimum(1.0, 0.55 + 0.45 * at / min(240.0, max(1.0, seconds / 6)))
    # Viewers already there when the recording starts come in its first ten seconds.
    warm[:10] += min(12.0, seconds / 20)
    rate: Floats = plan.enter_per_s * wave * warm
    if plan.shape.pushes:
        pushed = rng.random(seconds) < 1 / 90
        rate = 0.9 * rate + pushed * plan.enter_per_s * 7 * rng.lognormal(0.0, 0.6, seconds)
    out: Floats = rate * line.factor(line.start_ms + at * 1_000, line.effect.enter)
    return out


def _arrivals(rng: np.random.Generator, line: Timeline, rate: Floats) -> Ints:
    """Poisson counts per second; within a second most come in one clump (7 ms apart)."""
    counts = rng.poisson(rate)
    second = np.repeat(np.arange(len(rate)), counts)
    centre = np.repeat(rng.integers(0, 1_000, len(rate)), counts)
    clumped = (centre + rng.exponential(20.0, len(second)).astype(np.int64)) % 1_000
    spread = rng.integers(0, 1_000, len(second))
    offset = np.where(rng.random(len(second)) < 0.6, clumped, spread)
    out = np.sort(line.start_ms + 5 + second * 1_000 + offset)
    return out[out < line.end_ms - 1_000]


def _bot_arrivals(plan: SimulationPlan, rng: np.random.Generator, line: Timeline) -> Ints:
    if line.incident is None or not line.effect.bots:
        return np.empty(0, dtype=np.int64)
    lasts_ms = line.incident.end_ms - line.incident.start_ms
    count = rng.poisson(line.effect.bots * plan.enter_per_s * lasts_ms / 1_000)
    return line.incident.start_ms + rng.integers(0, max(1, lasts_ms - 1_000), count)


def _drop_out(rng: np.random.Generator, line: Timeline, start: Ints, stop: Ints) -> Ints:
    """A traffic drop makes a share of those online leave within 45 s."""
    if line.incident is None or not line.effect.leave_ratio:
        return stop
    at_ms = line.incident.start_ms
    hit = (start < at_ms) & (stop > at_ms) & (rng.random(len(start)) < line.effect.leave_ratio)
    return np.where(hit, np.minimum(stop, at_ms + rng.integers(1, 45_000, len(start))), stop)


def social(plan: SimulationPlan, line: Timeline, seen: Visits, texts: Fragments) -> Ints:
    """enter, leave, heartbeat, gift, like, comment, follow, share, fans_join."""
    rng = generator(plan.seed, _STAGE + 1, line.room, line.start_ms)
    everyone = np.arange(len(seen.user))
    gone = everyone[seen.leaves]
    blocks = [
        _by("enter", seen, everyone, seen.start_ms),
        _by("leave", seen, gone, seen.stop_ms[gone]),
        _heartbeats(seen),
    ]
    people = everyone[~seen.bot]
    for name, ratio in _PER_ENTER.items():
        factor = line.effect.comment if name == "comment" else line.effect.engage
        blocks.append(_actions(rng, line, seen, people, name, ratio, factor, texts))
    if line.effect.bots:
        blocks.append(_bot_comments(rng, seen, everyone[seen.bot], texts))
    return join(blocks)


def _by(name: str, seen: Visits, index: Ints, time_ms: Ints) -> Ints:
    columns: dict[Col, Ints | int] = {Col.USER: seen.user[index]}
    if name == "enter":
        columns[Col.CHANNEL] = seen.channel[index]
        columns[Col.SEGMENT] = seen.segment[index]
    return block(name, time_ms, columns)


def _heartbeats(seen: Visits) -> Ints:
    counts = (seen.stop_ms - seen.start_ms - 1) // _HEARTBEAT_MS
    index = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    return _by("heartbeat", seen, index, seen.start_ms[index] + number * _HEARTBEAT_MS)


def _actions(
    rng: np.random.Generator,
    line: Timeline,
    seen: Visits,
    people: Ints,
    name: str,
    ratio: float,
    during: float,
    texts: Fragments,
) -> Ints:
    """Actions at random moments of visits; an incident thins or multiplies those inside it."""
    if not len(people):
        return join([])
    stay = (seen.stop_ms - seen.start_ms)[people]
    weights = np.cumsum(np.minimum(stay, 600_000))
    most = max(1.0, during)
    count = rng.poisson(ratio * len(people) * most)
    chosen = people[np.searchsorted(weights, rng.random(count) * weights[-1], side="right")]
    stay = seen.stop_ms[chosen] - seen.start_ms[chosen]
    time_ms = seen.start_ms[chosen] + (rng.random(count) * stay).astype(np.int64)
    keep = rng.random(count) < line.factor(time_ms, during) / most
    chosen, time_ms = chosen[keep], time_ms[keep]
    out = _by(name, seen, chosen, time_ms)
    if name == "gift":
        out[Col.QTY] = np.minimum(rng.geometric(0.55, len(chosen)), 66)
        out[Col.AMOUNT] = rng.choice(_GIFT_MINOR, len(chosen)) * out[Col.QTY]
    elif name == "like":
        out[Col.QTY] = np.minimum(rng.geometric(0.12, len(chosen)), 100)
    elif name == "comment":
        out[Col.REST] = _texts(rng, line, time_ms, texts)
    return out


def _texts(rng: np.random.Generator, line: Timeline, time_ms: Ints, texts: Fragments) -> Ints:
    kind = np.array([texts.add(f',"text":"{text}"') for text in COMMENTS])
    bad = np.array([texts.add(f',"text":"{text}"') for text in NEGATIVE_COMMENTS])
    share = np.where(line.within(time_ms) == 1, max(0.02, line.effect.negative_ratio), 0.02)
    angry = rng.random(len(time_ms)) < share
    count = len(time_ms)
    return np.where(angry, rng.choice(bad, count), rng.choice(kind, count))


def _bot_comments(rng: np.random.Generator, seen: Visits, bots: Ints, texts: Fragments) -> Ints:
    talking = bots[rng.random(len(bots)) < 0.3]
    out = _by("comment", seen, talking, seen.start_ms[talking] + 2_000)
    out[Col.REST] = texts.add(f',"text":"{BOT_COMMENT}"')
    return out
