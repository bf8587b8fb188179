"""Values that hold from a moment on: targets of rooms, unit costs of products."""

from bisect import bisect_left, insort
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

MAX_CHANGES: Final = 1_000
"""Values kept of one key; the oldest go."""


class History(Generic[Key]):
    """By key, the values said so far, by event time, then by value."""

    def __init__(self) -> None:
        self.said: dict[Key, list[tuple[int, int]]] = {}

    def say(self, key: Key, time_ms: int, value: int) -> None:
        """From `time_ms` on it is `value`; of two at one time the larger stands."""
        values = self.said.setdefault(key, [])
        if (time_ms, value) not in values:
            insort(values, (time_ms, value))
            del values[:-MAX_CHANGES]

    def before(self, key: Key, time_ms: int) -> int | None:
        """What held just before `time_ms`; None when nothing had been said."""
        values = self.said.get(key, ())
        place = bisect_left(values, (time_ms,))
        return values[place - 1][1] if place else None
