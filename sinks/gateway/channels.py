"""Channel state as a gateway caches it: what Redis holds, plus what changed since when.

Pure: entries of the out log and loads from Redis come in, frames to send come out. A channel
keeps for every field the sequence of its last change, so a delta from any predecessor since
the load is the absolute values of the fields changed after it. Frames are encoded once per
(predecessor, sequence) and shared by all clients.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

from sinks.gateway.protocol import Part, evt_frame, frame, quoted, snap_frame, upd_frame


@dataclass(frozen=True, slots=True)
class OutEntry:
    """One entry of `{p}:out`; `data` is JSON, `ts_ms` the append time of what it reflects."""

    channel: str
    kind: str
    epoch: str
    seq: int
    data: bytes
    ts_ms: int


class Step(Enum):
    """What became of an out entry."""

    APPLIED = "applied"
    OLD = "old"
    HOLE = "hole"
    EPOCH = "epoch"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands. `generation` changes when sequences stop being comparable."""

    generation: int
    seq: int


MAX_TOMBSTONES: Final = 10_000
_PATCH: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class StateChannel:
    """A map of fields whose newest value counts."""

    kind: Final = "state"

    def __init__(self, name: str, part_bytes: int) -> None:
        self.name = name
        self.epoch = ""
        self.seq = 0
        self.generation = 0
        self.position = Position(0, 0)
        """Where a reader that got everything stands; the same object until that changes."""
        self.ts_ms = 0
        self.reason = "epoch"
        self._quoted = quoted(name)
        self._part_bytes = part_bytes
        self._floor = 0
        self._values: dict[str, bytes | None] = {}
        self._deleted = 0
        self._changed: dict[str, int] = {}
        self._last = b""
        self._cache: dict[int, list[bytes]] = {}
        self._snapshot: list[bytes] | None = None

    def load(
        self, epoch: str, seq: int, values: Mapping[str, bytes], ts_ms: int, reason: str
    ) -> None:
        """Replace the state by what Redis holds.

        Args:
            epoch: epoch of the output state.
            seq: sequence that `values` reflects.
            values: field to JSON.
            ts_ms: as-of time to show.
            reason: why readers in step have to take a snapshot: `trim` or `epoch`. A channel that
                was empty before (no epoch) says `start` instead: nothing was lost.
        """
        if self.generation and epoch == self.epoch and seq == self.seq:
            return
        self.reason = reason if self.epoch or not self.generation else "start"
        self.epoch, self.seq, self.ts_ms = epoch, seq, ts_ms
        self.generation += 1
        self._floor = seq
        self._values = dict(values)
        self._changed = {}
        self._deleted = 0
        self._touch()

    def apply(self, entry: OutEntry) -> Step:
        """Take one patch; anything but its direct successor, and readable, changes nothing."""
        if entry.epoch != self.epoch:
            return Step.EPOCH
        if entry.seq <= self.seq:
            return Step.OLD
        if entry.seq != self.seq + 1:
            return Step.HOLE
        try:
            changed = _PATCH.decode(entry.data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Step.HOLE
        self.seq, self.ts_ms = entry.seq, entry.ts_ms
        for field, raw in changed.items():
            value = bytes(raw)
            self._values[field] = None if value == b"null" else value
            self._deleted += value == b"null"
            self._changed.pop(field, None)
            self._changed[field] = entry.seq
        self._touch()
        self._last = entry.data
        return Step.APPLIED

    def _touch(self) -> None:
        self.position = Position(self.generation, self.seq)
        self._cache = {}
        self._snapshot = None
        self._last = b""

    def reaches(self, position: Position) -> bool:
        """Whether a delta from `position` is known here in full."""
        return position.generation == self.generation and self._floor <= position.seq <= self.seq

    def resume_from(self, epoch: str, seq: int) -> Position | None:
        """Position of a returning client, if all it missed is known here; else None."""
        position = Position(self.generation, seq)
        return position if epoch and epoch == self.epoch and self.reaches(position) else None

    def frames_from(self, position: Position) -> list[bytes]:
        """Frames that bring a reader from `position` to now: nothing, a delta, or gap and snap."""
        if not self.reaches(position):
            reason = "trim" if position.generation == self.generation else self.reason
            return [self.gap_frame(None, reason), *self.snapshot()]
        if position.seq == self.seq:
            return []
        cached = self._cache.get(position.seq)
        if cached is None:
            patch = self._last if position.seq == self.seq - 1 else self._merged(position.seq)
            if len(patch) > self._part_bytes:
                cached = self.snapshot()
            else:
                cached = [upd_frame(self._quoted, self.seq, position.seq, self.ts_ms, patch)]
            self._cache[position.seq] = cached
        return cached

    def _merged(self, after: int) -> bytes:
        changed: list[bytes] = []
        for field in reversed(self._changed):
            if self._changed[field] <= after:
                break
            value = self._values[field]
            changed.append(quoted(field) + b":" + (b"null" if value is None else value))
        return b"{" + b",".join(changed) + b"}"

    def gap_frame(self, lost: int | None, reason: str) -> bytes:
        """A `gap`: what follows is not the successor of what was sent."""
        return frame("gap", ch=self.name, e=self.epoch, s=self.seq, lost=lost, reason=reason)

    def snapshot(self) -> list[bytes]:
        """The whole state as `snap` frames of at most `part_bytes` of data, where fields allow."""
        if self._snapshot is None:
            items = [
                quoted(field) + b":" + value
                for field, value in self._values.items()
                if value is not None
            ]
            pages = [b"{" + page + b"}" for page in _pages(items, self._part_bytes)]
            self._snapshot = _snap_frames(self, pages)
        return self._snapshot

    def prune(self) -> None:
        """Forget deleted fields once they are many; older readers then get a snapshot."""
        if self._deleted <= MAX_TOMBSTONES:
            return
        dead = [field for field, value in self._values.items() if value is None]
        self._deleted = len(dead)
        if len(dead) <= MAX_TOMBSTONES // 2:
            return
        self._deleted = 0
        self._floor = max(self._changed[field] for field in dead)
        for field in dead:
            del self._values[field], self._changed[field]


@dataclass(frozen=True, slots=True)
class LogItem:
    """One entry of a log channel."""

    seq: int
    data: bytes
    ts_ms: int


class LogChannel:
    """A sequence that loses nothing inside its ring; every loss is announced."""

    kind: Final = "log"

    def __init__(self, name: str, part_bytes: int, ring_count: int, snapshot_count: int) -> None:
        self.name = name
        self.epoch = ""
        self.seq = 0
        self.generation = 0
        self.position = Position(0, 0)
        """Where a reader that got everything stands; the same object until that changes."""
        self.ts_ms = 0
        self.reason = "epoch"
        self._quoted = quoted(name)
        self._part_bytes = part_bytes
        self._snapshot_count = snapshot_count
        self._ring: deque[LogItem] = deque(maxlen=ring_count)
        self._cache: dict[int, list[bytes]] = {}
        self._snapshot: list[bytes] | None = None

    @property
    def _floor(self) -> int:
        return self._ring[0].seq - 1 if self._ring else self.seq

    def load(self, epoch: str, seq: int, items: Sequence[LogItem], ts_ms: int, reason: str) -> None:
        """Replace the ring by the tail of the log in Redis, oldest first.

        Within one epoch sequences stay comparable: readers behind get what they missed, and a
        gap only for what Redis no longer has. `reason` as in `StateChannel.load`.
        """
        if self.generation and epoch == self.epoch and seq == self.seq:
            return
        if epoch != self.epoch or seq < self.seq:
            self.reason = reason if self.epoch or not self.generation else "start"
            self.generation += 1
        self.epoch, self.seq, self.ts_ms = epoch, seq, ts_ms
        self._ring.clear()
        for item in items:
            if self._ring and item.seq != self._ring[-1].seq + 1:
                self._ring.clear()
            self._ring.append(item)
        if self._ring and self._ring[-1].seq != seq:
            self._ring.clear()
        self._touch()

    def apply(self, entry: OutEntry) -> Step:
        """Take one entry; anything but its direct successor changes nothing."""
        if entry.epoch != self.epoch:
            return Step.EPOCH
        if entry.seq <= self.seq:
            return Step.OLD
        if entry.seq != self.seq + 1:
            return Step.HOLE
        self.seq, self.ts_ms = entry.seq, entry.ts_ms
        self._ring.append(LogItem(entry.seq, entry.data, entry.ts_ms))
        self._touch()
        return Step.APPLIED

    def _touch(self) -> None:
        self.position = Position(self.generation, self.seq)
        self._cache = {}
        self._snapshot = None

    def reaches(self, position: Position) -> bool:
        """Whether everything after `position` is still in the ring."""
        return position.generation == self.generation and self._floor <= position.seq <= self.seq

    def resume_from(self, epoch: str, seq: int) -> Position | None:
        """Position of a returning client, if all it missed is in the ring; else None."""
        position = Position(self.generation, seq)
        return position if epoch and epoch == self.epoch and self.reaches(position) else None

    def lost_since(self, epoch: str, seq: int) -> int | None:
        """Entries after `seq` that are gone for ever; None: another epoch, nobody knows."""
        if epoch != self.epoch or seq > self.seq:
            return None
        return max(0, self._shown_after - seq)

    @property
    def _shown_after(self) -> int:
        """Sequence before the first entry of a snapshot."""
        shown = min(len(self._ring), self._snapshot_count)
        return self._ring[-shown].seq - 1 if shown else self.seq

    def frames_from(self, position: Position) -> list[bytes]:
        """Frames that bring a reader from `position` to now: its missed entries, or a gap."""
        if position.generation != self.generation or position.seq > self.seq:
            return [self.gap_frame(None, self.reason), *self.snapshot()]
        if position.seq < self._floor:
            lost = self._shown_after - position.seq
            return [self.gap_frame(lost, "trim"), *self.snapshot()]
        cached = self._cache.get(position.seq)
        if cached is None:
            cached = self._cache[position.seq] = [
                evt_frame(self._quoted, item.seq, item.seq - 1, item.ts_ms, item.data)
                for item in self._ring
                if item.seq > position.seq
            ]
        return cached

    def gap_frame(self, lost: int | None, reason: str) -> bytes:
        """A `gap`: `lost` entries will never come (None: unknown how many)."""
        return frame("gap", ch=self.name, e=self.epoch, s=self.seq, lost=lost, reason=reason)

    def snapshot(self) -> list[bytes]:
        """The newest entries as `snap` frames; `data` is an array of `{"s", "ts", "data"}`."""
        if self._snapshot is None:
            items = [
                b'{"s":%d,"ts":%d,"data":%b}' % (item.seq, item.ts_ms, item.data)
                for item in list(self._ring)[-self._snapshot_count :]
            ]
            pages = [b"[" + page + b"]" for page in _pages(items, self._part_bytes)]
            self._snapshot = _snap_frames(self, pages)
        return self._snapshot

    def prune(self) -> None:
        """The ring bounds itself."""


CachedChannel = StateChannel | LogChannel


def _snap_frames(channel: CachedChannel, pages: Sequence[bytes]) -> list[bytes]:
    """One `snap` frame a page of a channel's content."""
    name, epoch = quoted(channel.name), quoted(channel.epoch)
    return [
        snap_frame(name, epoch, channel.seq, channel.ts_ms, Part(number, len(pages)), page)
        for number, page in enumerate(pages)
    ]


def _pages(items: Sequence[bytes], limit: int) -> list[bytes]:
    """Comma-joined runs of items of at most `limit` bytes (a single item may exceed it)."""
    pages: list[list[bytes]] = [[]]
    size = 0
    for item in items:
        if size and size + len(item) + 1 > limit:
            pages.append([])
            size = 0
        pages[-1].append(item)
        size += len(item) + 1
    return [b",".join(page) for page in pages]
