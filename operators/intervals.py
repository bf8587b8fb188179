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

import numpy as np

from operators.catalogue.axes import DIMENSION_NUMBER, PANE_MS
from operators.hashindex import I64, U64
from operators.profiles import Names
from stream.events import Event

OPEN_MS: Final = 2**42 - 1
"""End of an interval that nothing ended; later than any event."""
PHASE_MS: Final = 600_000
"""Length of the time after a campaign that it is compared with; before it, a window of r10."""
_TIME_BITS: Final = np.uint64(42)
_ANY: Final = -1


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
            out.append(Stay(kind.dimension, _ANY, start, end, key, start, end))
            if kind.dimension == "explanation":
                reach = min(end + tail_ms, one.again_ms)
                out.append(Stay(kind.dimension, one.subject, start, reach, key, start, end))
    return [stay for stay in out if stay.start_ms < OPEN_MS]


class Lookup:
    """Stays of some sessions, to find events in.

    Args:
        columns: dimension number, lane, start, end, key code of every stay, (5, stays).
        sessions: session of each, (stays,).
    """

    def __init__(self, columns: I64, sessions: I64) -> None:
        dimension, lanes, starts, ends, keys = columns
        packed = _packed(sessions, dimension, lanes)
        self._lanes: U64 = np.unique(packed)
        lane = np.searchsorted(self._lanes, packed).astype(np.uint64)
        at = (lane << _TIME_BITS) | starts.astype(np.uint64)
        # Of those that start together the longest is the last: the others are empty.
        order = np.lexsort((ends, at))
        self._at, self._lane = at[order], lane[order]
        self._ends, self._keys = ends[order], keys[order]
        several = lanes[dimension == DIMENSION_NUMBER["campaign_phase"]]
        self.campaigns = int(several.max()) + 1 if len(several) else 0
        """The most lanes of campaigns that a session has."""

    def find(self, sessions: I64, dimension: int, lanes: I64, times: I64) -> I64:
        """Key of each event, -1 where it belongs nowhere; all arrays have shape (n,)."""
        out = np.full(len(sessions), -1, np.int64)
        if not len(self._lanes):
            return out
        wanted = _packed(sessions, np.full(len(sessions), dimension, np.int64), lanes)
        lane = np.minimum(np.searchsorted(self._lanes, wanted), len(self._lanes) - 1)
        number = lane.astype(np.uint64)
        since = (number << _TIME_BITS) | times.astype(np.uint64)
        at = np.searchsorted(self._at, since, side="right") - 1
        good = (at >= 0) & (self._lanes[lane] == wanted)
        at = np.maximum(at, 0)
        good &= (self._lane[at] == number) & (times < self._ends[at])
        out[good] = self._keys[at[good]]
        return out


def _packed(sessions: I64, dimensions: I64, lanes: I64) -> U64:
    high = (sessions.astype(np.uint64) << np.uint64(36)) | (
        dimensions.astype(np.uint64) << np.uint64(32)
    )
    return np.asarray(high | (lanes + 1).astype(np.uint64))


class Intervals:
    """Starts and ends seen in the sessions of a shard, and what follows from them.

    Kept as long as the sessions' orders, since a refund belongs where its payment did. Bounded
    by the starts and ends that were told.
    """

    def __init__(self, tail_ms: int, names: Names) -> None:
        self._tail_ms = tail_ms
        self._names = names
        self.points: dict[int, Points] = {}
        self._columns: dict[int, tuple[I64, I64]] = {}

    def observe(self, session: int, event: Event) -> bool:
        """Take an accepted event of a session; whether it is the start of a campaign."""
        kind = KIND_OF_TYPE.get(event.type)
        subject = None if kind is None else getattr(event, kind.field)
        if kind is None or subject is None:
            return False
        is_start = event.type == kind.start
        of_session = self.points.setdefault(session, {})
        of_session.setdefault(kind.dimension, set()).add((event.event_time_ms, is_start, subject))
        self._columns.pop(session, None)
        return is_start and kind.dimension == "campaign_phase"

    def stays(self, session: int) -> list[Stay]:
        """Stays of a session."""
        return stays(self.points.get(session, {}), self._tail_ms)

    def bounds(self, session: int, code: int, key: str) -> tuple[int, int]:
        """`[from, to)` of the interval that a key of a session names by its code and text."""
        if key.endswith("/before"):
            start_ms = int(key.removesuffix("/before").rpartition("@")[2])
            end_ms = start_ms // PANE_MS * PANE_MS
            return end_ms - PHASE_MS, end_ms
        columns, lengths = self._of(session)
        at = int(np.flatnonzero(columns[4] == code)[0])
        return int(lengths[0, at]), int(lengths[1, at])

    def _of(self, session: int) -> tuple[I64, I64]:
        """Columns for `Lookup`, and start and end without a tail, of a session's stays; kept."""
        found = self._columns.get(session)
        if found is None:
            found = self._columns[session] = self._compiled(session)
        return found

    def lookup(self, sessions: Iterable[int]) -> Lookup:
        """The stays of some sessions."""
        parts, of = [np.zeros((5, 0), np.int64)], [np.zeros(0, np.int64)]
        for session in sessions:
            columns, _ = self._of(session)
            parts.append(columns)
            of.append(np.full(columns.shape[1], session, np.int64))
        return Lookup(np.concatenate(parts, axis=1), np.concatenate(of))

    def _compiled(self, session: int) -> tuple[I64, I64]:
        names = self._names
        rows = [
            (
                DIMENSION_NUMBER[stay.dimension],
                stay.lane if isinstance(stay.lane, int) else names[stay.lane],
                stay.start_ms,
                stay.end_ms,
                names[stay.key],
                stay.from_ms,
                stay.to_ms,
            )
            for stay in self.stays(session)
        ]
        table = np.array(rows, np.int64).reshape(-1, 7).T
        return table[:5], table[5:]
