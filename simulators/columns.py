"""Simulated events as columns: one int64 array `(len(Col), n)`, -1 for "not said".

Columns are indices into names (`simulators.render` turns them into text), so a million events
are a few numpy draws and no object each.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.events import TYPE_CODE

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NONE: Final = -1


class Col(IntEnum):
    """Row of the event array. Times are ms, money is minor units."""

    TIME = 0
    TYPE = 1  # stream.events.TYPE_CODE
    TENANT = 2
    ROOM = 3  # global room number; NONE: group-level
    USER = 4  # 63-bit viewer key
    PRODUCT = 5  # product number within the tenant
    ORDER = 6  # order number within the tenant
    LINE = 7  # NONE: the only line
    REFUND = 8
    QTY = 9
    AMOUNT = 10
    CHANNEL = 11
    SEGMENT = 12
    HOST = 13
    CAMPAIGN = 14
    POOL = 15  # 1: the room's own quota of the product; NONE: the product's shared pool
    REST = 16  # index into Fragments


class Fragments:
    """Interned pieces of JSON for rare fields, e.g. `,"title":"…"`."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._index: dict[str, int] = {}

    def add(self, text: str) -> int:
        """Index of `text`; the same text gets the same index."""
        found = self._index.get(text)
        if found is None:
            found = self._index[text] = len(self.texts)
            self.texts.append(text)
        return found


def block(type_name: str, time_ms: Ints, columns: Mapping[Col, Ints | int] | None = None) -> Ints:
    """Events of one type at the given times; columns not given are NONE."""
    out = np.full((len(Col), len(time_ms)), NONE, dtype=np.int64)
    out[Col.TIME] = time_ms
    out[Col.TYPE] = TYPE_CODE[type_name]
    for column, values in (columns or {}).items():
        out[column] = values
    return out


def single(type_name: str, time_ms: int, columns: Mapping[Col, Ints | int] | None = None) -> Ints:
    """One event."""
    return block(type_name, np.array([time_ms], dtype=np.int64), columns)


def join(blocks: list[Ints]) -> Ints:
    """All blocks behind each other; none gives an empty array of the right shape."""
    if not blocks:
        return np.empty((len(Col), 0), dtype=np.int64)
    return np.concatenate(blocks, axis=1)


def by_time(events: Ints) -> Ints:
    """Events in time order; equal times keep their order."""
    return events[:, np.argsort(events[Col.TIME], kind="stable")]


def is_type(events: Ints, *names: str) -> Bools:
    """Mask of the events of the named types."""
    return np.isin(events[Col.TYPE], [TYPE_CODE[name] for name in names])


def generator(*key: int) -> np.random.Generator:
    """A random stream of its own for each key: independent of order of use."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(list(key))))
