"""What happened when in a room: explanations, promotions, host shifts, as marks on its charts.

Log order decides: a start closes the open mark of its kind (the next product ends the one
before), an end closes the open mark with its id, an end without a start is nothing.
"""

from collections.abc import Mapping
from typing import Final

from operators.history import KEPT_MS
from operators.intervals import KIND_OF_TYPE
from operators.results import Patch
from stream.events import Event

MAX_MARKS: Final = 500
"""Marks kept of a room: older ones are forgotten, not drawn twice."""


MARKED_TYPES: Final = frozenset(KIND_OF_TYPE)

Mark = dict[str, object]


class Timeline:
    """The marks of one group's rooms."""

    def __init__(self) -> None:
        self.marks: dict[str, dict[str, Mark]] = {}
        self.ended: dict[str, int] = {}
        self._changed: dict[str, set[str]] = {}

    def observe(self, event: Event) -> None:
        """Take an event; others than `MARKED_TYPES` are ignored."""
        kind = KIND_OF_TYPE.get(event.type)
        room = event.room_id
        if kind is None or room is None:
            return
        about = getattr(event, kind.field)
        if self.ended.pop(room, None) is not None:
            # A new session: what was drawn of the one before is taken away.
            for old in self.marks.pop(room, {}):
                self._touch(room, old)
        marks = self.marks.setdefault(room, {})
        for field, mark in marks.items():
            same = mark["kind"] == kind.mark and mark["end_ms"] is None
            mine = mark["id"] == about or (event.type == kind.start and kind.one_at_a_time)
            if same and mine and event.event_time_ms >= _start(mark):
                marks[field] = {**mark, "end_ms": event.event_time_ms}
                self._touch(room, field)
        if event.type == kind.start:
            field = f"mark.{event.event_time_ms}.{kind.mark}.{about}"
            start_ms = event.event_time_ms
            marks[field] = {"kind": kind.mark, "id": about, "start_ms": start_ms, "end_ms": None}
            self._touch(room, field)
            for old in list(marks)[:-MAX_MARKS]:
                del marks[old]
                self._touch(room, old)

    def flush(self, tenant: str) -> list[Patch]:
        """Patches of the marks that changed, on the rooms' channels; None takes one away."""
        patches = [
            Patch(
                f"room:{tenant}/{room}",
                {field: self.marks.get(room, {}).get(field) for field in sorted(fields)},
            )
            for room, fields in sorted(self._changed.items())
        ]
        self._changed.clear()
        return patches

    def end_room(self, room: str, now_ms: int) -> None:
        """The room's session is over: its marks are kept for a day, to say them again."""
        if room in self.marks:
            self.ended[room] = now_ms

    def forget(self, now_ms: int) -> None:
        """Let go of the marks of rooms that ended a day ago."""
        for room in [one for one, at_ms in self.ended.items() if at_ms < now_ms - KEPT_MS]:
            del self.ended[room]
            self.marks.pop(room, None)

    def forget_sent(self) -> None:
        """Say everything again."""
        self._changed = {room: set(marks) for room, marks in self.marks.items()}

    def restore(
        self, marks: Mapping[str, dict[str, Mark]], ended: Mapping[str, int] | None = None
    ) -> None:
        """Take the marks of a snapshot, and which rooms have ended when."""
        self.ended = dict(ended or {})
        self.marks = {room: dict(of_room) for room, of_room in marks.items()}

    def _touch(self, room: str, field: str) -> None:
        self._changed.setdefault(room, set()).add(field)


def _start(mark: Mark) -> int:
    start = mark["start_ms"]
    return start if isinstance(start, int) else 0
