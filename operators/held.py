"""Events of an ended room, kept until the watermark has passed them."""

from dataclasses import dataclass

import msgspec
import numpy as np

from operators.columns import ColumnReader, Columns
from operators.profiles import Names, Profiles
from stream.events import Event


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """One event, apart from any numbering."""

    time_ms: int
    key: int
    profile: tuple[str | None, ...]
    user: int | None
    product: str | None
    qty: int
    event: Event | None


def _order(held: HeldEvent) -> tuple[int, bool, int]:
    event = held.event
    starts = event is not None and event.type == "room_status" and event.status == "start"
    return held.time_ms, not starts, held.key


class Held:
    """The events that wait."""

    def __init__(self) -> None:
        self.events: list[HeldEvent] = []

    def add(self, columns: Columns, place: int, profiles: Profiles, names: Names) -> None:
        """Hold the event at `place`."""
        by_number = list(profiles.number)  # rare: dicts keep insertion order, numbers are dense
        self.events.append(
            HeldEvent(
                int(columns.time_ms[place]),
                int(columns.key[place]),
                by_number[int(columns.profile[place])],
                int(columns.user[place]) if columns.has_user[place] else None,
                names.text(int(columns.product[place])),
                int(columns.qty[place]),
                columns.objects.get(place),
            )
        )

    def due(self, watermark_ms: int) -> list[HeldEvent]:
        """Take the events before the watermark, in order; a start before what it starts with."""
        due = sorted((e for e in self.events if e.time_ms < watermark_ms), key=_order)
        if due:
            self.events = [e for e in self.events if e.time_ms >= watermark_ms]
        return due

    @staticmethod
    def columns(events: list[HeldEvent], reader: ColumnReader) -> Columns:
        """Events as columns again."""
        profiles = reader.profiles
        numbers = [
            profiles.number[e.profile] if e.profile in profiles.number else profiles.add(e.profile)
            for e in events
        ]
        profile = np.array(numbers, np.int32)
        return Columns(
            type=profiles.type[profile],
            time_ms=np.array([e.time_ms for e in events], np.int64),
            profile=profile,
            user=np.array([e.user or 0 for e in events], np.uint64),
            has_user=np.array([e.user is not None for e in events], np.bool_),
            product=np.array([reader.names[e.product] for e in events], np.int32),
            qty=np.array([e.qty for e in events], np.int64),
            key=np.array([e.key for e in events], np.uint64),
            objects={p: e.event for p, e in enumerate(events) if e.event is not None},
        )

    def snapshot(self) -> bytes:
        """The held events as bytes."""
        return msgspec.msgpack.encode(
            [(e.time_ms, e.key, e.profile, e.user, e.product, e.qty, e.event) for e in self.events]
        )

    def restore(self, data: bytes) -> None:
        """Take the events of a snapshot."""
        kind = list[
            tuple[int, int, tuple[str | None, ...], int | None, str | None, int, Event | None]
        ]
        self.events = [HeldEvent(*row) for row in msgspec.msgpack.decode(data, type=kind)]
