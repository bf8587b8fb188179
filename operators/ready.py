"""Events that are columns already: a stretch of a recording, read without an event object each.

Ordinary rows are judged here as `ColumnReader` judges lines, all at once; whatever looks odd,
and every row that is an object of its own to the fold, goes through its line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from operators.columns import (
    ARRAYS,
    HAS_PRODUCT,
    HAS_QTY,
    IS_OBJECT,
    ColumnReader,
    Columns,
    event_keys,
    lacks,
    take,
)
from operators.hashindex import I32, I64, U64, Bool
from operators.intake import RAW_BYTES, Lines
from operators.results import DeadLetter
from stream.codec import Rejected, decode, decode_line
from stream.events import MAX_INT, Event
from stream.validate import reject_reason

Profile = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """`n` rows in log order, each of them one line of NDJSON. All arrays have shape (n,).

    Attributes:
        profile: place in `profiles`, -1 for a row that is told by its line alone.
        profiles: as `operators.profiles.profile_of` gives them.
        time_ms: event time.
        user: the viewer's 64-bit hash; anything where `has_user` is false.
        product: place in `products`, -1 for none.
        products: texts of the products.
        qty: units; 1 where the event does not say.
        hashes: XXH3 of the event id.
        line_of: the NDJSON line of a row, by its place.
    """

    profile: I32
    profiles: Sequence[Profile]
    time_ms: I64
    user: U64
    has_user: Bool
    product: I32
    products: Sequence[str]
    qty: I64
    hashes: U64
    line_of: Callable[[int], bytes]

    def read(self, reader: ColumnReader) -> tuple[Columns, list[DeadLetter], Lines]:
        """Columns of the usable rows, dead letters of the others, and their lines."""
        columns, odd = self._columns(reader)
        told = np.flatnonzero(odd)
        good, dead = _replace(columns, told, [self.line_of(row) for row in told.tolist()], reader)
        rows = np.flatnonzero(good)
        return take(columns, rows), dead, _RowLines(rows, self.line_of)

    def _columns(self, reader: ColumnReader) -> tuple[Columns, Bool]:
        """All rows as columns, and those that only their line can tell."""
        number, add = reader.profiles.number, reader.profiles.add
        told = [number[one] if one in number else add(one) for one in self.profiles]
        profile = np.array([*told, -1], np.int32)[self.profile]
        facts = reader.profiles
        type_ = np.where(profile < 0, 0, facts.type[profile]).astype(np.uint8)
        codes = np.array([*map(reader.product, self.products), -1], np.int32)
        product = np.where(HAS_PRODUCT[type_], codes[self.product], np.int32(-1))
        qty = np.where(HAS_QTY[type_], self.qty, 1)
        odd = (profile < 0) | facts.bad[profile] | IS_OBJECT[type_] | (np.abs(qty) > MAX_INT)
        odd |= lacks(type_, self.time_ms, self.has_user, product)
        user = np.where(self.has_user, self.user, np.uint64(0))
        key = event_keys(self.hashes, facts.salt[profile])
        columns = Columns(
            type_, self.time_ms.copy(), profile, user, self.has_user.copy(), product, qty, key, {}
        )
        return columns, odd


def _replace(
    columns: Columns, told: I64, lines: list[bytes], reader: ColumnReader
) -> tuple[Bool, list[DeadLetter]]:
    """Write the events of lines over their rows; which rows are good now, and dead letters."""
    good = np.ones(columns.n, np.bool_)
    dead: list[DeadLetter] = []
    if not lines:
        return good, dead
    events, rejected = decode(b"\n".join(lines) + b"\n")
    if rejected or len(events) != len(lines):
        events = []
        for row, line in zip(told.tolist(), lines, strict=True):
            found = decode_line(line)
            if isinstance(found, Rejected):
                good[row] = False
                dead.append(DeadLetter(found.reason, found.raw[:RAW_BYTES], found.detail))
            else:
                events.append(found)
    part, failed = reader.read(events)
    if failed:
        dead += _refused(told[good[told]], events, lines, told, good)
    rows = told[good[told]]
    for name in ARRAYS:
        getattr(columns, name)[rows] = getattr(part, name)
    columns.objects.update(
        (row, part.objects[place])
        for place, row in enumerate(rows.tolist())
        if place in part.objects
    )
    return good, dead


def _refused(
    rows: I64, events: list[Event], lines: list[bytes], told: I64, good: Bool
) -> list[DeadLetter]:
    """Dead letters of the events that cannot be used; their rows are no longer good."""
    line_at = dict(zip(told.tolist(), lines, strict=True))
    found = []
    for row, event in zip(rows.tolist(), events, strict=True):
        reason = reject_reason(event)
        if reason is not None:
            good[row] = False
            found.append(DeadLetter(reason, line_at[row][:RAW_BYTES]))
    return found


@dataclass(frozen=True, slots=True)
class _RowLines:
    """Lines of the usable rows."""

    rows: I64
    line_of: Callable[[int], bytes]

    def line(self, place: int) -> bytes:
        """The line of the usable row number `place`."""
        return self.line_of(int(self.rows[place]))
