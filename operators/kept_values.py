"""What leaderboards need of sessions whose cells are packed: a value for each of their keys."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.hashindex import I32, I64, Bool
from operators.rings import grown

Pair = tuple[str, str]
"""(dimension, measure)."""
NAMES: Final = ("session", "key", "value")


class _Column:
    """Values of one pair: `session`, `key` and `value` have shape (count,)."""

    def __init__(self) -> None:
        self.count = 0
        self.session: I32 = np.zeros(0, np.int32)
        self.key: I32 = np.zeros(0, np.int32)
        self.value: I64 = np.zeros(0, np.int64)

    def add(self, session: int, keys: I64, values: I64) -> None:
        start, self.count = self.count, self.count + len(keys)
        for name in NAMES:
            setattr(self, name, grown(getattr(self, name), self.count))
        self.session[start : self.count] = session
        self.key[start : self.count] = keys
        self.value[start : self.count] = values

    def keep(self, wanted: Bool) -> None:
        if not wanted.all():
            for name in NAMES:
                setattr(self, name, getattr(self, name)[: self.count][wanted].copy())
            self.count = len(self.session)


class KeptValues:
    """Values that are not 0, by pair, session and key. They do not change."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._columns = {pair: _Column() for pair in pairs}

    @property
    def pairs(self) -> list[Pair]:
        """The pairs of dimension and measure that are kept."""
        return list(self._columns)

    def add(self, pair: Pair, session: int, keys: I64, values: I64) -> None:
        """Keep a session's values of a pair."""
        some = np.flatnonzero(values)
        if len(some):
            self._columns[pair].add(session, keys[some], values[some])

    def of(self, pair: Pair) -> tuple[I64, I64, I64]:
        """(session, key, value) of a pair's values."""
        column = self._columns[pair]
        return (
            column.session[: column.count].astype(np.int64),
            column.key[: column.count].astype(np.int64),
            column.value[: column.count],
        )

    def keep(self, sessions: Bool) -> None:
        """Forget the values of the others; flags by session."""
        for column in self._columns.values():
            column.keep(sessions[column.session[: column.count]])

    def snapshot(self) -> dict[str, I32 | I64]:
        """Arrays by name; views."""
        return {
            f"kept.{dimension}.{measure}.{name}": getattr(column, name)[: column.count]
            for (dimension, measure), column in self._columns.items()
            for name in NAMES
        }

    def restore(self, array: Callable[[str], npt.NDArray[np.generic] | None]) -> None:
        """Take what `snapshot` gave, by name; a pair that it lacks starts empty."""
        for (dimension, measure), column in self._columns.items():
            found = [array(f"kept.{dimension}.{measure}.{name}") for name in NAMES]
            session, key, value = found
            if session is not None and key is not None and value is not None:
                column.session, column.key = session.astype(np.int32), key.astype(np.int32)
                column.value, column.count = value.astype(np.int64), len(value)
