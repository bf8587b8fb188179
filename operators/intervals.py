"""What lasted from when to when in a session: explanations, host shifts, campaigns.

One mechanism for all. Starts and ends are collected as they are accepted, in any order; an
*interval* goes from its start to its own end, to the next start that ends it, or, with neither,
as long as the session has events. Once the horizon has passed a time, every start and end before
it is known, so what an event of that time belongs to cannot change any more
(`operators.deferred`).

Ties: at one time an end comes before a start, and starts come in the order of their subjects.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

OPEN_MS: Final = 2**42 - 1
"""End of an interval that nothing ended; later than any event."""
PHASE_MS: Final = 600_000
"""Length of the time after a campaign that it is compared with; before it, a window of r10."""
ANY: Final = -1
"""The lane of what belongs to no product and no campaign."""


@dataclass(frozen=True, slots=True)
class IntervalKind:
    """A kind of interval: its dimension, event types, and the field that is its subject.

    `mark` is its name on the charts of a room (`operators.timeline`). `one_at_a_time`: any start
    ends the one before; else only one of the same subject does.
    """

    dimension: str
    mark: str
    start: str
    end: str
    field: str
    one_at_a_time: bool


KINDS: Final = (
    IntervalKind("explanation", "explanation", "explain_start", "explain_end", "product_id", True),
    IntervalKind("shift", "shift", "shift_start", "shift_end", "host_id", True),
    IntervalKind("campaign_phase", "promo", "promo_start", "promo_end", "campaign_id", False),
)
KIND_OF_TYPE: Final = {name: kind for kind in KINDS for name in (kind.start, kind.end)}

Point = tuple[int, bool, str]
"""(time, whether it is a start, subject): sorts as the ties say."""
Points = dict[str, set[Point]]
"""By dimension."""


@dataclass(frozen=True, slots=True)
class Interval:
    """`[start_ms, end_ms)` of a subject; `again_ms`: when the same subject starts anew."""

    subject: str
    start_ms: int
    end_ms: int
    again_ms: int


def intervals(kind: IntervalKind, points: Iterable[Point]) -> list[Interval]:
    """The intervals of one session and kind, in order."""
    out: list[Interval] = []
    ends: dict[str, int] = {}
    starts: dict[str, int] = {}
    newest = OPEN_MS
    for time, is_start, subject in sorted(points, reverse=True):
        if not is_start:
            ends[subject] = time
            continue
        again = starts.get(subject, OPEN_MS)
        following = newest if kind.one_at_a_time else again
        out.append(Interval(subject, time, min(following, ends.get(subject, OPEN_MS)), again))
        starts[subject] = newest = time
    return out[::-1]


@dataclass(frozen=True, slots=True)
class Stay:
    """Events in `[start_ms, end_ms)` of a lane belong to the key.

    `[from_ms, to_ms)` is its own length, without a tail; lanes of one dimension and session are
    looked up apart.
    """

    dimension: str
    lane: str | int
    start_ms: int
    end_ms: int
    key: str
    from_ms: int
    to_ms: int


def stays(points: Points, tail_ms: int) -> list[Stay]:
    """Where the events of a session belong.

    An explanation has two lanes: one of all events without a product, while it is on, and one of
    its product's, which count `tail_ms` longer. Each campaign has a lane of its own by number.
    """
    out: list[Stay] = []
    for kind in KINDS:
        found = intervals(kind, points.get(kind.dimension, ()))
        numbers = {subject: n for n, subject in enumerate(sorted({one.subject for one in found}))}
        for one in found:
            key, start, end = f"{one.subject}@{one.start_ms}", one.start_ms, one.end_ms
            if kind.dimension == "campaign_phase":
                lane = numbers[one.subject]
                after = min(end + PHASE_MS, one.again_ms)
                out.append(Stay(kind.dimension, lane, start, end, f"{key}/during", start, end))
                out.append(Stay(kind.dimension, lane, end, after, f"{key}/after", end, after))
                continue
            out.append(Stay(kind.dimension, ANY, start, end, key, start, end))
            if kind.dimension == "explanation":
                reach = min(end + tail_ms, one.again_ms)
                out.append(Stay(kind.dimension, one.subject, start, reach, key, start, end))
    return [stay for stay in out if stay.start_ms < OPEN_MS]
