"""The way to the log: delays, repeats, losses, wrong clocks and garbage, all seeded.

`deliver` turns clean events into what arrives. Only viewer events are lost, skewed or sent too
late, so that orders, stock and sessions stay whole; delay, lateness and repeats hit all types.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.columns import Bools, Col, Ints, generator, is_type
from simulators.plan import Disorder
from simulators.world import World
from stream.events import MAX_EVENT_TIME_MS

_STAGE: Final = 11
_FRAGILE: Final = (
    "enter",
    "heartbeat",
    "like",
    "gift",
    "comment",
    "follow",
    "share",
    "product_exposure",
    "product_click",
)
LATE_MS: Final = (5_000, 45_000)
TOO_LATE_MS: Final = (75_000, 150_000)
REPEAT_MS: Final = (1, 10_000)
SKEW_MS: Final = (120_000, 600_000)


@dataclass(frozen=True, slots=True)
class Garbage:
    """One kind of line that must be rejected: made from a good line, counted as `reason`."""

    name: str
    reason: str
    make: Callable[[str], bytes]


def _without_type(line: str) -> bytes:
    return line.replace('"type":', '"kind":', 1).encode()


def _year_3000(line: str) -> bytes:
    head, _, tail = line.partition('"event_time_ms":')
    return f'{head}"event_time_ms":{MAX_EVENT_TIME_MS + 900 * 31_557_600_000}{tail[13:]}'.encode()


GARBAGE: Final = (
    Garbage("cut", "malformed_json", lambda line: line[: len(line) // 2].encode() + b"\n"),
    Garbage("nul", "malformed_json", lambda line: b"\x00\x00\x00" + line.encode()),
    Garbage(
        "utf8",
        "invalid_utf8",
        lambda line: line.encode().replace(b'"tenant":"', b'"tenant":"\xff\xfe', 1),
    ),
    Garbage("no_type", "wrong_type", _without_type),
    Garbage(
        "text_time",
        "wrong_type",
        lambda line: (
            line.replace('"event_time_ms":', '"event_time_ms":"x",', 1)
            .replace('"x",', '"x","was":', 1)
            .encode()
        ),
    ),
    Garbage(
        "unknown_type",
        "unknown_type",
        lambda line: line.replace('"type":"', '"type":"no_such_', 1).encode(),
    ),
    Garbage("year_3000", "event_time_out_of_range", _year_3000),
    Garbage(
        "no_tenant",
        "missing:tenant",
        lambda line: line.replace('"tenant":', '"tenent":', 1).encode(),
    ),
    Garbage(
        "huge",
        "too_long",
        lambda line: line.replace("}\n", ',"junk":"' + "x" * 17_000 + '"}\n').encode(),
    ),
)
"""Reasons are those of stream.codec and stream.validate."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What arrives, in arrival order; arrays of equal length.

    `row` is the clean event a line copies; `junk` the index into GARBAGE or -1; `stamp_ms` the
    event time on the line. `repeat`: a second copy. `accepted` masks the clean events that
    must count: it is False for the lost, the too late and the skewed.
    """

    arrival_ms: Ints
    row: Ints
    junk: Ints
    stamp_ms: Ints
    repeat: Bools
    accepted: Bools
    late: Bools


def deliver(world: World) -> Delivery:
    """Arrival of every clean event and of what is injected."""
    plan, events = world.plan, world.events
    how = plan.disorder
    rng = generator(plan.seed, _STAGE)
    time_ms = events[Col.TIME]
    count = len(time_ms)
    fate = rng.random(count)
    fragile = is_type(events, *_FRAGILE)
    lost = fragile & (fate < how.drop_ratio)
    too_late = fragile & _between(fate, how.drop_ratio, how.too_late_ratio)
    skewed = fragile & _between(fate, how.drop_ratio + how.too_late_ratio, how.skew_ratio)
    late = ~(lost | too_late | skewed) & (rng.random(count) < how.late_ratio)
    late &= ~is_type(events, "room_status")
    arrival = time_ms + _delay(rng, how, count)
    arrival = np.where(late, time_ms + rng.integers(*LATE_MS, count), arrival)
    arrival = np.where(too_late, time_ms + rng.integers(*TOO_LATE_MS, count), arrival)
    stamp = np.where(skewed, arrival + rng.integers(*SKEW_MS, count), time_ms)
    accepted = ~(lost | too_late | skewed)

    sent = np.flatnonzero(~lost)
    again = np.flatnonzero(accepted & (rng.random(count) < how.duplicate_ratio))
    # A copy of a late event stays within the lateness too, else it would be a dead letter.
    again_ms = arrival[again] + rng.integers(*REPEAT_MS, len(again))
    bad = np.flatnonzero(~lost & (rng.random(count) < how.malformed_ratio))
    junk = rng.integers(0, len(GARBAGE), len(bad))
    out = Delivery(
        np.concatenate([arrival[sent], again_ms, arrival[bad]]),
        np.concatenate([sent, again, bad]),
        np.concatenate([np.full(len(sent) + len(again), -1), junk]),
        np.concatenate([stamp[sent], stamp[again], stamp[bad]]),
        np.arange(len(sent) + len(again) + len(bad)) >= len(sent),
        accepted,
        late,
    )
    return _in_arrival_order(out, len(sent) + len(again))


def _in_arrival_order(out: Delivery, good: int) -> Delivery:
    order = np.argsort(out.arrival_ms, kind="stable")
    repeat = out.repeat & (np.arange(len(order)) < good)
    return Delivery(
        out.arrival_ms[order],
        out.row[order],
        out.junk[order],
        out.stamp_ms[order],
        repeat[order],
        out.accepted,
        out.late,
    )


def _between(
    fate: np.ndarray[tuple[int, ...], np.dtype[np.float64]], low: float, size: float
) -> Bools:
    return (fate >= low) & (fate < low + size)


def _delay(rng: np.random.Generator, how: Disorder, count: int) -> Ints:
    """Mostly short lags with a tail, never above the allowed disorder."""
    if how.max_delay_ms == 0:
        return np.zeros(count, dtype=np.int64)
    lag = rng.exponential(how.max_delay_ms / 4, count).astype(np.int64)
    return np.minimum(lag, how.max_delay_ms)


def expected_counts(world: World, delivery: Delivery, sent: slice) -> dict[str, int]:
    """What the engine must count for the lines of `sent`, ticks not included.

    `in` = `accepted` + `duplicates` + all of `dead_counts`. `late` are those that correct a
    window of a session: not names, prices and shared stock. `lost` never arrives.
    """
    row = delivery.row[sent]
    plain = delivery.junk[sent] < 0
    good = plain & ~delivery.repeat[sent] & delivery.accepted[row]
    return {
        "in": len(row),
        "accepted": int(good.sum()),
        "duplicates": int((plain & delivery.repeat[sent]).sum()),
        "late": int((good & delivery.late[row] & _in_session(world)[row]).sum()),
        "lost": int((~delivery.accepted).sum()) - _refused(delivery, slice(None)).size,
    }


def _in_session(world: World) -> Bools:
    """Which events belong to a room's session: it has begun, and the room is known."""
    events = world.events
    roomed = (events[Col.ROOM] >= 0) | is_type(events, "refund_requested", "refund_succeeded")
    begun = min(line.start_ms for line in world.timelines)
    return np.asarray(roomed & (events[Col.TIME] >= begun))


def dead_counts(world: World, delivery: Delivery, sent: slice) -> dict[str, int]:
    """Dead letters of the lines of `sent`, by reason."""
    junk = delivery.junk[sent]
    dead = Counter(GARBAGE[kind].reason for kind in junk[junk >= 0].tolist())
    refused = _refused(delivery, sent)
    time_ms = world.events[Col.TIME][delivery.row[sent][refused]]
    skewed = int((delivery.stamp_ms[sent][refused] != time_ms).sum())
    dead.update({"clock_skew": skewed, "too_late": len(refused) - skewed})
    return {reason: count for reason, count in sorted(dead.items()) if count}


def _refused(delivery: Delivery, sent: slice) -> Ints:
    """Places among `sent` of well-formed lines that must be refused for their time."""
    first = (delivery.junk[sent] < 0) & ~delivery.repeat[sent]
    return np.flatnonzero(first & ~delivery.accepted[delivery.row[sent]])
