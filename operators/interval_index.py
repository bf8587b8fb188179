"""The intervals of the sessions of a shard, and where its events belong among them."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from operators.catalogue.axes import DIMENSION_NUMBER, PANE_MS
from operators.hashindex import I64, U64
from operators.intervals import KIND_OF_TYPE, PHASE_MS, Points, Stay, stays
from operators.profiles import Names
from stream.events import Event

_TIME_BITS: Final = np.uint64(42)


class Lookup:
    """Stays of some sessions, to find events in.

    Args:
        columns: dimension number, lane, start, end, code of the key within its session, of every
            stay, (5, stays).
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


@dataclass(slots=True)
class Told:
    """Starts and ends of a session, and the texts of its keys.

    A key gets its code when it is first needed, and within its session alone: the texts of all
    sessions together would be kept for ever.
    """

    points: Points = field(default_factory=dict)
    keys: Names = field(default_factory=Names)

    def to_bytes(self) -> bytes:
        """Encode it."""
        return _ENCODER.encode((self.points, self.keys.texts))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Told":
        """Decode it."""
        points, texts = _DECODER.decode(data)
        return cls(points, Names(texts))


_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")
_DECODER: Final = msgspec.msgpack.Decoder(tuple[Points, list[str]])


class Intervals:
    """Starts and ends seen in the sessions of a shard, and what follows from them.

    Kept as long as the sessions' orders, since a refund belongs where its payment did.

    Attributes:
        told: by session.
        resting: the same, packed, of sessions that rest; they wake when they are asked for.
    """

    def __init__(self, tail_ms: int, names: Names) -> None:
        self._tail_ms = tail_ms
        self._names = names
        self.told: dict[int, Told] = {}
        self.resting: dict[int, bytes] = {}
        self._columns: dict[int, tuple[I64, I64]] = {}

    def __contains__(self, session: int) -> bool:
        return session in self.told or session in self.resting

    def observe(self, session: int, event: Event) -> bool:
        """Take an accepted event of a session; whether it is the start of a campaign."""
        kind = KIND_OF_TYPE.get(event.type)
        subject = None if kind is None else getattr(event, kind.field)
        if kind is None or subject is None:
            return False
        is_start = event.type == kind.start
        points = self._awake(session).points.setdefault(kind.dimension, set())
        points.add((event.event_time_ms, is_start, subject))
        self._columns.pop(session, None)
        return is_start and kind.dimension == "campaign_phase"

    def stays(self, session: int) -> list[Stay]:
        """Stays of a session."""
        return stays(self._awake(session).points, self._tail_ms) if session in self else []

    def code(self, session: int, key: str) -> int:
        """The code of a key of a session."""
        return self._awake(session).keys[key]

    def text(self, session: int, code: int) -> str:
        """The key of a code of a session."""
        return self._awake(session).keys.texts[code]

    def bounds(self, session: int, code: int) -> tuple[int, int]:
        """`[from, to)` of the interval that a code of a session names."""
        key = self.text(session, code)
        if key.endswith("/before"):
            start_ms = int(key.removesuffix("/before").rpartition("@")[2])
            end_ms = start_ms // PANE_MS * PANE_MS
            return end_ms - PHASE_MS, end_ms
        columns, lengths = self._of(session)
        at = int(np.flatnonzero(columns[4] == code)[0])
        return int(lengths[0, at]), int(lengths[1, at])

    def lookup(self, sessions: Iterable[int]) -> Lookup:
        """The stays of some sessions."""
        parts, of = [np.zeros((5, 0), np.int64)], [np.zeros(0, np.int64)]
        for session in sessions:
            columns, _ = self._of(session)
            parts.append(columns)
            of.append(np.full(columns.shape[1], session, np.int64))
        return Lookup(np.concatenate(parts, axis=1), np.concatenate(of))

    def rest(self, sessions: Iterable[int]) -> None:
        """Pack what is known of sessions that little is heard of any more."""
        for session in sessions:
            self._columns.pop(session, None)
            if session in self.told:
                self.resting[session] = zlib.compress(self.told.pop(session).to_bytes())

    def forget(self, sessions: Iterable[int]) -> None:
        """Let go of sessions that nobody will ask for any more."""
        for session in sessions:
            self._columns.pop(session, None)
            self.told.pop(session, None)
            self.resting.pop(session, None)

    def _awake(self, session: int) -> Told:
        found = self.told.get(session)
        if found is None:
            found = self.told[session] = Told()
            if session in self.resting:
                packed = zlib.decompress(self.resting.pop(session))
                found = self.told[session] = Told.from_bytes(packed)
        return found

    def _of(self, session: int) -> tuple[I64, I64]:
        """Columns for `Lookup`, and start and end without a tail, of a session's stays; kept."""
        found = self._columns.get(session)
        if found is None:
            found = self._columns[session] = self._compiled(session)
        return found

    def _compiled(self, session: int) -> tuple[I64, I64]:
        rows = [
            (
                DIMENSION_NUMBER[stay.dimension],
                stay.lane if isinstance(stay.lane, int) else self._names[stay.lane],
                stay.start_ms,
                stay.end_ms,
                self.code(session, stay.key),
                stay.from_ms,
                stay.to_ms,
            )
            for stay in self.stays(session)
        ]
        table = np.array(rows, np.int64).reshape(-1, 7).T
        return table[:5], table[5:]
