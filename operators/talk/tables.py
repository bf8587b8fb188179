"""Small tables of what is kept: rows by key with counts, and columns that are appended to."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from operators.hashindex import I64, U64, Bool, HashIndex
from operators.rings import grown

_SHIFT: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFF_FFFF)


def packed(high: I64, low: I64) -> U64:
    """Two numbers of 0 to 2**32 - 1 as one key."""
    return (high.astype(np.uint64) << _SHIFT) | low.astype(np.uint64)


def high_of(keys: U64) -> I64:
    """The first number of packed keys."""
    return (keys >> _SHIFT).astype(np.int64)


def low_of(keys: U64) -> I64:
    """The second number of packed keys."""
    return (keys & _LOW).astype(np.int64)


class Keyed:
    """Rows by 64-bit key, each with a few counts."""

    def __init__(self, *names: str) -> None:
        self.index = HashIndex()
        self.counts: dict[str, I64] = {name: np.zeros(0, np.int64) for name in names}

    def __len__(self) -> int:
        return self.index.count

    def rows(self, keys: U64) -> I64:
        """Rows of keys, new ones with counts of 0."""
        found = self.index.find_or_add(keys)
        for name, column in self.counts.items():
            self.counts[name] = grown(column, self.index.count)
        return found

    def add(self, name: str, rows: I64, values: I64 | int) -> None:
        """Add to a count; rows may repeat."""
        np.add.at(self.counts[name], rows, values)

    def new(self, keys: U64) -> U64:
        """Those of the keys that were not here, each once; they are from now on."""
        known = self.index.count
        self.rows(keys)
        return self.index.keys()[known:].copy()

    def keep(self, wanted: Bool, keys: U64 | None = None) -> I64:
        """Keep the wanted rows, under other `keys` (of all rows) if given.

        Gives the new number of each old row, -1 for those that are gone.
        """
        own = self.index.keys() if keys is None else keys
        kept = np.flatnonzero(wanted)
        numbers = np.full(len(wanted), -1, np.int64)
        numbers[kept] = np.arange(len(kept))
        for name, column in self.counts.items():
            self.counts[name] = column[kept].copy()
        self.index = HashIndex(own[kept])
        return numbers

    def renumber_high(self, numbers: I64) -> I64:
        """The first number of the keys became `numbers[old]`; rows of -1 go. As `keep`."""
        keys = self.index.keys()
        high = numbers[high_of(keys)]
        return self.keep(high >= 0, packed(np.maximum(high, 0), low_of(keys)))

    def renumber_low(self, numbers: I64) -> I64:
        """The second number of the keys became `numbers[old]`; rows of -1 go. As `keep`."""
        keys = self.index.keys()
        low = numbers[low_of(keys)]
        return self.keep(low >= 0, packed(high_of(keys), np.maximum(low, 0)))

    def snapshot(self) -> dict[str, object]:
        """Plain data."""
        count = self.index.count
        return {
            "keys": self.index.keys().copy(),
            **{name: column[:count].copy() for name, column in self.counts.items()},
        }

    def restore(self, data: object) -> None:
        """Take a snapshot; a count that it lacks begins at 0."""
        if not isinstance(data, dict):
            return
        keys = data.get("keys")
        if isinstance(keys, np.ndarray):
            self.index = HashIndex(keys.astype(np.uint64))
            for name in self.counts:
                found = data.get(name)
                self.counts[name] = np.zeros(len(keys), np.int64)
                if isinstance(found, np.ndarray) and len(found) == len(keys):
                    self.counts[name][:] = found


class Store:
    """Columns of int64 that are appended to: events that wait, or are looked back at."""

    def __init__(self, *names: str) -> None:
        self._place = {name: place for place, name in enumerate(names)}
        self._whole: I64 = np.zeros((len(names), 0), np.int64)
        self._parts: list[I64] = []

    def add(self, *columns: I64) -> None:
        """Append rows, columns in the order of the names."""
        if len(columns[0]):
            self._parts.append(np.stack(columns))

    def __len__(self) -> int:
        return sum(int(part.shape[1]) for part in (self._whole, *self._parts))

    def __getitem__(self, name: str) -> I64:
        return np.asarray(self.whole[self._place[name]])

    @property
    def whole(self) -> I64:
        """All rows, shape (columns, rows)."""
        if self._parts:
            self._whole = np.concatenate([self._whole, *self._parts], axis=1)
            self._parts = []
        return self._whole

    def take(self, rows: I64) -> "Store":
        """Some rows as a store of their own."""
        other = Store(*self._place)
        other._whole = self.whole[:, rows]
        return other

    def keep(self, wanted: Bool) -> None:
        """Drop the other rows."""
        self._whole = self.whole[:, wanted].copy()

    def put(self, name: str, rows: Bool | I64, values: I64 | int) -> None:
        """Change a column at some rows."""
        self.whole[self._place[name], rows] = values

    def restore(self, data: object) -> None:
        """Take `whole` of a snapshot."""
        if isinstance(data, np.ndarray) and data.shape[:1] == (len(self._place),):
            self._whole, self._parts = data.astype(np.int64), []


def best(homes: I64, values: Iterable[I64], limit: int) -> dict[int, list[int]]:
    """Of each home the places of the highest values, by the first list, then the second.

    With all that equal the last of them, so that a caller can settle ties by name.
    """
    columns = [-column for column in values]
    order = np.lexsort((*reversed(columns), homes))
    if not len(order):
        return {}
    starts = np.flatnonzero(np.diff(homes[order], prepend=homes[order[0]] - 1))
    found: dict[int, list[int]] = {}
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        places = order[start:end]
        if len(places) > limit:
            last = places[limit - 1]
            same = np.logical_and.reduce([column[places] == column[last] for column in columns])
            same[:limit] = True
            places = places[same]
        found[int(homes[order[start]])] = places.tolist()
    return found
