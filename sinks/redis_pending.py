"""What is not written to Redis yet. Pure.

`Pending` coalesces state patches to the newest value of each field, so that it stays bounded by
the live state however long Redis is away; it holds log entries and dead letters up to a bound,
beyond which the oldest are dropped and counted.
"""

from collections import deque
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Final

import msgspec

from operators.results import CHANNELS, DeadLetter, Output
from stream.errors import InvariantError, StateError

ID_FACTOR: Final = 2**20
"""Places within one log position: the id's sequence is `seq·2^20 + ordinal`."""
RESERVED: Final = frozenset(("_v", "_s", "_p"))
RAW_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths and lives of what is written."""

    out_maxlen: int = 100_000
    out_age_ms: int = 120_000
    log_maxlen: int = 10_000
    dead_maxlen: int = 10_000
    sealed_ttl_ms: int = 86_400_000
    pending_entries: int = 10_000


class StatePatch(msgspec.Struct, gc=False):
    """Newest values of one channel's changed fields, encoded; None deletes.

    `stamp` orders the writes of one sink, also those at one log position.
    """

    version: str
    stamp: int
    as_of_ms: int
    fields: dict[str, bytes | None]
    replace: bool = False


class QueuedEntry(msgspec.Struct, gc=False):
    """One log entry that is not written yet."""

    channel: str
    id: str
    data: bytes
    as_of_ms: int


class QueuedLetter(msgspec.Struct, gc=False):
    """One dead letter that is not written yet. `number` 0: unknown."""

    number: int
    reason: str
    raw: bytes
    detail: str
    version: str


class Totals(msgspec.Struct, gc=False):
    """Counters as of a version; `stamp` as in `StatePatch`."""

    version: str
    stamp: int
    values: dict[str, int]


@dataclass(slots=True)
class Pending:
    """Everything of one shard that is not written yet."""

    shard: int
    limits: Limits = Limits()
    patches: dict[str, StatePatch] = field(default_factory=dict)
    entries: deque[QueuedEntry] = field(default_factory=deque)
    letters: deque[QueuedLetter] = field(default_factory=deque)
    totals: Totals | None = None
    retired: dict[str, int] = field(default_factory=dict)
    stamp: int = 0
    dropped_entries_count: int = 0
    dropped_letters_count: int = 0

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self.patches or self.entries or self.letters or self.totals or self.retired)

    def add(self, output: Output, *, replace: bool = False) -> None:
        """Take an output in. `replace`: its patches are whole channels, not changes.

        Raises:
            InvariantError: another shard's output, an unknown channel kind, or a reserved field.
        """
        if output.shard != self.shard:
            raise InvariantError("an output of another shard reached this sink")
        self.stamp += 1
        whole: set[str] = set()
        for patch in output.patches:
            _expect(patch.channel, "state")
            if not RESERVED.isdisjoint(patch.fields):
                raise InvariantError("a channel field may not be named _v, _s or _p")
            # A channel may come in several patches: they are the whole of it together.
            first = replace and patch.channel not in whole
            whole.add(patch.channel)
            self._merge(patch.channel, patch.fields, output, first)
        for entry in output.entries:
            _expect(entry.channel, "log")
            entry_id = explicit_id(output.version, entry.ordinal)
            data = msgspec.json.encode(entry.data)
            self.entries.append(QueuedEntry(entry.channel, entry_id, data, output.as_of_ms))
        self._add_letters(output)
        if output.counters:
            self.totals = Totals(output.version, self.stamp, dict(output.counters))
        self.retired.update(dict.fromkeys(output.retired, output.as_of_ms))
        self._bound()

    def forget(self, settled: Set[int]) -> None:
        """Drop the queued items whose `id()` is in `settled`, and retired channels likewise."""
        self.entries = deque(e for e in self.entries if id(e) not in settled)
        self.letters = deque(e for e in self.letters if id(e) not in settled)
        self.retired = {c: at for c, at in self.retired.items() if id(c) not in settled}
        if self.totals is not None and id(self.totals) in settled:
            self.totals = None

    def _merge(
        self, channel: str, fields: Mapping[str, object], output: Output, replace: bool
    ) -> None:
        encoded = {name: _encode(value) for name, value in fields.items()}
        known = self.patches.get(channel)
        if known is None or replace:
            merged = StatePatch(output.version, self.stamp, output.as_of_ms, encoded, replace)
            self.patches[channel] = merged
            return
        if output.version < known.version:
            # Folded again after a resume: what waits is newer, and holds it or was written.
            return
        known.fields.update(encoded)
        known.version = output.version
        known.stamp = self.stamp
        known.as_of_ms = max(known.as_of_ms, output.as_of_ms)

    def _add_letters(self, output: Output) -> None:
        total = output.counters.get("dead")
        first = 0 if total is None else total - len(output.dead) + 1
        for place, letter in enumerate(output.dead):
            number = first + place if first > 0 else 0
            self.letters.append(_queued(letter, number, output.version))

    def _bound(self) -> None:
        while len(self.entries) > self.limits.pending_entries:
            self.entries.popleft()
            self.dropped_entries_count += 1
        # More would be trimmed from the stream at once.
        while len(self.letters) > self.limits.dead_maxlen:
            self.letters.popleft()
            self.dropped_letters_count += 1


def explicit_id(version: str, ordinal: int) -> str:
    """Stream id of a log entry, from the log position it comes from and its place there."""
    if not 0 <= ordinal < ID_FACTOR:
        raise InvariantError("more than 2^20 entries at one log position")
    ms, _, seq = version.partition("-")
    return f"{int(ms)}-{int(seq) * ID_FACTOR + ordinal}"


def _expect(channel: str, behaviour: str) -> None:
    kind, _, rest = channel.partition(":")
    if not rest or CHANNELS.get(kind, ("", ""))[0] != behaviour:
        msg = f"{channel!r} is not a {behaviour} channel"
        raise InvariantError(msg)


def _encode(value: object) -> bytes | None:
    if isinstance(value, bytes):
        return value
    # Not by orjson: it leaves 4 KiB behind each result, and with Redis away many wait.
    return None if value is None else msgspec.json.encode(value)


def _queued(letter: DeadLetter, number: int, version: str) -> QueuedLetter:
    return QueuedLetter(number, letter.reason, letter.raw[:RAW_BYTES], letter.detail, version)


class Frozen(msgspec.Struct):
    """`Pending` and the sink's place, as it goes into the recovery store."""

    epoch: str
    writes: int
    stamp: int
    patches: dict[str, StatePatch]
    entries: list[QueuedEntry]
    letters: list[QueuedLetter]
    totals: Totals | None
    retired: dict[str, int]

    def pending(self, shard: int, limits: Limits) -> Pending:
        """The pending writes again."""
        entries, letters = deque(self.entries), deque(self.letters)
        return Pending(
            shard, limits, self.patches, entries, letters, self.totals, self.retired, self.stamp
        )


def freeze(pending: Pending, epoch: str, writes: int) -> bytes:
    """Encode pending writes; the size is bounded as `Pending` is."""
    entries, letters = list(pending.entries), list(pending.letters)
    frozen = Frozen(
        epoch,
        writes,
        pending.stamp,
        pending.patches,
        entries,
        letters,
        pending.totals,
        pending.retired,
    )
    return msgspec.msgpack.encode(frozen)


def thaw(data: bytes) -> Frozen:
    """Decode what `freeze` made.

    Raises:
        StateError: it was made by something else.
    """
    try:
        return msgspec.msgpack.decode(data, type=Frozen)
    except msgspec.DecodeError as error:
        msg = f"the sink's part of the recovery store cannot be read ({error})"
        raise StateError(msg, "run `liveroom check`, or start with an empty recovery dir") from None
