"""From the records of a log to columns: what a step of a shard folds.

A record's body is NDJSON, or columns already (`Rows`, e.g. a stretch of a Parquet recording).
Small bodies are joined before they are parsed: 25 events at a time cost twice what 250 do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from operators.columns import IS_CONTROL, ColumnReader, Columns, concat
from operators.results import DeadLetter
from stream.codec import CHUNK_BYTES, chunks, decode, decode_line
from stream.events import Event
from stream.validate import reject_reason

RAW_BYTES = 4096
"""Bytes of a rejected line that its dead letter keeps."""


class Lines(Protocol):
    """Finds the line of a usable event again."""

    def line(self, place: int) -> bytes:
        """The line of the event at `place` of its part."""


class Rows(Protocol):
    """Events that need no parsing."""

    def read(self, reader: ColumnReader) -> tuple[Columns, list[DeadLetter], Lines]:
        """Columns of the usable events in log order, the others, and where the lines are."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the log: its position as version text, when it was appended, its lines."""

    version: str
    as_of_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class RowsRecord:
    """One entry of a recording whose events are columns already."""

    version: str
    as_of_ms: int
    rows: Rows


AnyRecord = Record | RowsRecord


@dataclass(slots=True)
class Part:
    """A stretch of usable events of one record, which begins at `start` of the columns.

    The place of its first event among its `lines` is `first`.
    """

    start: int
    record: AnyRecord
    lines: Lines
    first: int = 0

    def line(self, place: int) -> bytes:
        """The line of the usable event at `place` of the columns."""
        return self.lines.line(place - self.start + self.first)


@dataclass(slots=True)
class ChunkLines:
    """The usable lines of an NDJSON chunk, found again when asked: rejects are rare."""

    chunk: bytes
    found: list[bytes] | None = None

    def line(self, place: int) -> bytes:
        """The line of the chunk's usable event number `place`."""
        if self.found is None:
            self.found = [line for line, reason in judged(self.chunk) if reason is None]
        return self.found[place]


@dataclass(slots=True)
class Intake:
    """What records hold.

    Attributes:
        parts: stretches of `columns` by record, ascending.
        dead: rejected lines in log order.
        seen: events and rejected lines, without ticks.
    """

    parts: list[Part]
    dead: list[DeadLetter]
    seen: int = 0
    columns: Columns | None = None

    def record_at(self, place: int) -> AnyRecord:
        """The record of the event at `place`."""
        return self.part_at(place).record

    def line_at(self, place: int) -> bytes:
        """The line of the event at `place`."""
        return self.part_at(place).line(place)

    def part_at(self, place: int) -> Part:
        """The part in which `place` lies."""
        low, high = 0, len(self.parts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.parts[middle].start <= place else (low, middle)
        return self.parts[low]


def take_in(records: Sequence[AnyRecord], reader: ColumnReader) -> Intake:
    """Decode and check all records; bad lines are dead letters.

    `columns` of the result is None where no record has a body.
    """
    reader.begin()
    taken = Intake([], [])
    found: list[Columns] = []
    start = 0
    for batch in _batches(records):
        for columns in _read(batch, reader, taken, start):
            taken.seen += columns.n - int(IS_CONTROL[columns.type].sum())
            found.append(columns)
            start += columns.n
    taken.seen += len(taken.dead)
    taken.columns = concat(found) if found else None
    return taken


def _batches(records: Sequence[AnyRecord]) -> Iterator[list[Record] | RowsRecord]:
    """Neighbours whose bodies together make about one chunk."""
    batch: list[Record] = []
    size = 0
    for record in records:
        if isinstance(record, RowsRecord) or size + len(record.body) > CHUNK_BYTES:
            if batch:
                yield batch
            batch, size = [], 0
        if isinstance(record, RowsRecord):
            yield record
        elif record.body:
            batch.append(record)
            size += len(record.body)
    if batch:
        yield batch


def _read(
    batch: list[Record] | RowsRecord, reader: ColumnReader, taken: Intake, start: int
) -> Iterator[Columns]:
    if isinstance(batch, RowsRecord):
        columns, dead, lines = batch.rows.read(reader)
        taken.parts.append(Part(start, batch, lines))
        taken.dead += dead
        yield columns
        return
    if len(batch) > 1:
        joined = _read_joined(batch, reader, taken.parts, start)
        if joined is not None:
            yield joined
            return
    for record in batch:
        for chunk in chunks(record.body):
            columns = _read_chunk(chunk, reader, taken.dead)
            taken.parts.append(Part(start, record, ChunkLines(chunk)))
            yield columns
            start += columns.n


def _read_joined(
    batch: list[Record], reader: ColumnReader, parts: list[Part], start: int
) -> Columns | None:
    """All bodies parsed as one; None unless every line of theirs is a usable event."""
    bodies = [
        record.body if record.body.endswith(b"\n") else record.body + b"\n" for record in batch
    ]
    counts = [body.count(b"\n") for body in bodies]
    chunk = b"".join(bodies)
    events, rejected = decode(chunk)
    if rejected or len(events) != sum(counts):
        return None
    columns, failed = reader.read(events)
    if failed:
        return None
    lines = ChunkLines(chunk)
    first = 0
    for record, count in zip(batch, counts, strict=True):
        parts.append(Part(start + first, record, lines, first))
        first += count
    return columns


def _read_chunk(chunk: bytes, reader: ColumnReader, dead: list[DeadLetter]) -> Columns:
    events, rejected = decode(chunk)
    dead += [DeadLetter(r.reason, r.raw[:RAW_BYTES], r.detail) for r in rejected]
    columns, failed = reader.read(events)
    if failed:
        dead += [
            DeadLetter(reason, line[:RAW_BYTES])
            for line, reason in judged(chunk)
            if reason is not None
        ]
    return columns


def judged(chunk: bytes) -> list[tuple[bytes, str | None]]:
    """Lines of a chunk that are events, each with the reason it cannot be used, or None."""
    events = [(line, decode_line(line)) for line in chunk.split(b"\n") if line.strip()]
    return [(line, reject_reason(event)) for line, event in events if isinstance(event, Event)]
