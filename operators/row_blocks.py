"""Final rows as they are made: blocks of columns, which read as a sequence of `Row`.

A minute of a busy room has hundreds of rows of up to sixty figures. Whoever writes them takes
the columns of a block (`sinks.results`); whoever wants values iterates and gets `Row` objects.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np

from operators.figure_text import FigureText
from operators.figures import values_of
from operators.hashindex import I64
from operators.nulls import reasons
from operators.plan import View
from operators.results import Row


class Place(NamedTuple):
    """What a row is of: a room's n-th session, or one key of it; no room: of all of a group.

    `interval`: start and end in ms of a key that is an interval.
    """

    tenant: str
    group: str
    room_id: str | None
    key: str | None
    session_number: int | None
    interval: tuple[int, int] | None = None


class Layout:
    """The figures of one dimension and window in the order of their names.

    `which`: their places among the view's metrics.
    """

    def __init__(self, view: View, window: str) -> None:
        shown = np.flatnonzero(view.in_window[window]).tolist()
        self.dimension = view.dimension
        self.window = window
        # Rows are written sorted, and what is sorted once need not be sorted in each.
        self.which = np.array(sorted(shown, key=lambda k: view.metrics[k].name), np.int64)
        self.names = tuple(view.metrics[k].name for k in self.which.tolist())
        self.has_den = view.has_den[self.which]
        self.text = FigureText(self.names, self.has_den.tolist())


@dataclass(frozen=True, slots=True)
class MetricRows:
    """Final metric rows of one dimension and window.

    `num` and `den` have shape (rows, figures of the layout), `start_ms`, `end_ms` and
    `revision` (rows,). `den` is 0 where a figure has none.
    """

    layout: Layout
    places: Sequence[Place]
    start_ms: I64
    end_ms: I64
    revision: I64
    num: I64
    den: I64

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Row]:
        bodies = values_of(self.layout.names, self.layout.has_den, self.num, self.den)
        columns = zip(
            self.places,
            self.start_ms.tolist(),
            self.end_ms.tolist(),
            self.revision.tolist(),
            bodies,
            strict=True,
        )
        dimension, window = self.layout.dimension, self.layout.window
        nulls = self.nulls()
        for number, (at, start, end, revision, metrics) in enumerate(columns):
            where = at.tenant, at.group, at.room_id, dimension, at.key, window
            body: dict[str, object] = {"metrics": metrics, "session_number": at.session_number}
            if at.interval is not None:
                body["interval_start_ms"], body["interval_end_ms"] = at.interval
            if number in nulls:
                body["nulls"] = nulls[number]
            yield Row("metric", *where, start, end, True, revision, body)

    def nulls(self) -> dict[int, dict[str, str]]:
        """Row number to metric to why it is null; see `operators.nulls.reasons`."""
        return reasons(self.layout.names, self.num, self.den)


class RowSeq(Sequence[Row]):
    """Rows and blocks of rows in order, as one sequence of rows; equal to any with equal rows."""

    def __init__(self, parts: Iterable[Row | MetricRows] = ()) -> None:
        self.parts = tuple(part for part in parts if isinstance(part, Row) or len(part))

    @cached_property
    def _rows(self) -> list[Row]:
        return list(self)

    def __iter__(self) -> Iterator[Row]:
        for part in self.parts:
            if isinstance(part, Row):
                yield part
            else:
                yield from part

    def __len__(self) -> int:
        return sum(1 if isinstance(part, Row) else len(part) for part in self.parts)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> "RowSeq": ...
    def __getitem__(self, at: int | slice) -> "Row | RowSeq":
        if isinstance(at, int):
            return self._rows[at]
        whole = at.indices(len(self)) == (0, len(self), 1)
        return self if whole else RowSeq(self._rows[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Iterable) and self._rows == list(other)

    def __repr__(self) -> str:
        return f"RowSeq({self._rows!r})"


def joined(sequences: Iterable[Iterable[Row]]) -> RowSeq:
    """Several sequences of rows as one; blocks stay blocks."""
    parts: list[Row | MetricRows] = []
    for rows in sequences:
        parts += rows.parts if isinstance(rows, RowSeq) else rows
    return RowSeq(parts)
