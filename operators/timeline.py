"""What happened when in a room: explanations, promotions, host shifts, as marks on its charts.

Log order decides: a start closes the open mark of its kind (the next product ends the one
before), an end closes the open mark with its id, an end without a start is nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from operators.results import Patch
from stream.events import Event

MAX_MARKS: Final = 500
"""Marks kept of a room: older ones are forgotten, not drawn twice."""


@dataclass(frozen=True, slots=True)
class MarkKind:
    """A kind of mark: its event types and the field that says what it is about."""

    name: str
    start: str
    end: str
    field: str
    one_at_a_time: bool


KINDS: Final = (
    MarkKind("explanation", "explain_start", "explain_end", "product_id", True),
    MarkKind("promo", "promo_start", "promo_end", "campaign_id", False),
    MarkKind("shift", "shift_start", "shift_end", "host_id", True),
)
_BY_TYPE: Final = {t: kind for kind in KINDS for t in (kind.start, kind.end)}

Mark = dict[str, object]


class Timeline:
    """The marks of one group's rooms."""

    def __init__(self) -> None:
        self.marks: dict[str, dict[str, Mark]] = {}
        self.ended: set[str] = set()
        self._changed: dict[str, set[str]] = {}

    def observe(self, event: Event) -> None:
        """Take an event; others than those of `KINDS` are ignored."""
        kind = _BY_TYPE.get(event.type)
        room = event.room_id
        if kind is None or room is None:
            return
        about = getattr(event, kind.field)
        marks = self.marks.setdefault(room, {})
        self.ended.discard(room)
        for field, mark in marks.items():
            same = mark["kind"] == kind.name and mark["end_ms"] is None
            mine = mark["id"] == about or (event.type == kind.start and kind.one_at_a_time)
            if same and mine and event.event_time_ms >= _start(mark):
                marks[field] = {**mark, "end_ms": event.event_time_ms}
                self._touch(room, field)
        if event.type == kind.start:
            field = f"mark.{event.event_time_ms}.{kind.name}.{about}"
            start_ms = event.event_time_ms
            marks[field] = {"kind": kind.name, "id": about, "start_ms": start_ms, "end_ms": None}
            self._touch(room, field)
            for old in list(marks)[:-MAX_MARKS]:
                del marks[old]
                self._touch(room, old)

    def flush(self, tenant: str) -> list[Patch]:
        """Patches of the marks that changed, on the rooms' channels; None takes one away."""
        patches = [
            Patch(
                f"room:{tenant}/{room}",
                {field: self.marks[room].get(field) for field in sorted(fields)},
            )
            for room, fields in sorted(self._changed.items())
        ]
        self._changed.clear()
        for room in self.ended:
            self.marks.pop(room, None)
        self.ended.clear()
        return patches

    def end_room(self, room: str) -> None:
        """The room's session is over: its marks go once what changed has been said.

        When that is depends on the flush, what is said then does not.
        """
        if room in self.marks:
            self.ended.add(room)

    def forget_sent(self) -> None:
        """Say everything again."""
        self._changed = {room: set(marks) for room, marks in self.marks.items()}

    def restore(self, marks: Mapping[str, dict[str, Mark]], ended: Iterable[str] = ()) -> None:
        """Take the marks of a snapshot, and which rooms' are on their way out."""
        self.ended = set(ended)
        self.marks = {room: dict(of_room) for room, of_room in marks.items()}

    def _touch(self, room: str, field: str) -> None:
        self._changed.setdefault(room, set()).add(field)


def _start(mark: Mark) -> int:
    start = mark["start_ms"]
    return start if isinstance(start, int) else 0
