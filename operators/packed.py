"""The cells, slots and marks of one session as some 3 KB, and back."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from operators.hashindex import I64

_HEAD: Final = struct.Struct("<IB")
_LEVEL: Final = 6
_WIDTHS: Final = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Packed:
    """One session's; all arrays are int64 and none refers to a number of the cube.

    By cell: `dimension`, `key`, `corrected`. By slot: `cell` (its place, ascending), `measure`,
    `total`. By mark: `slot` (its place, ascending), `id`, `of_viewer` (1: the id is a place in
    `viewers`, keys of viewers). By row of what was masked: `masked_…`.
    """

    dimension: I64
    key: I64
    corrected: I64
    cell: I64
    measure: I64
    total: I64
    slot: I64
    id: I64
    of_viewer: I64
    viewers: I64
    masked_cell: I64
    masked_measure: I64
    masked_top: I64
    masked_mask: I64


_NAMES: Final = tuple(field.name for field in fields(Packed))
_CLIMBING: Final = ("cell", "slot", "id")
"""Kept as differences: they are small."""


def to_bytes(packed: Packed) -> bytes:
    """Pack it."""
    arrays = [getattr(packed, name) for name in _NAMES]
    arrays = [
        np.diff(array, prepend=0) if name in _CLIMBING else array
        for name, array in zip(_NAMES, arrays, strict=True)
    ]
    return _encoded(arrays)


def from_bytes(data: bytes) -> Packed:
    """Unpack it."""
    found = dict(zip(_NAMES, _decoded(data, len(_NAMES)), strict=True))
    for name in _CLIMBING:
        found[name] = np.cumsum(found[name])
    return Packed(**found)


def _encoded(arrays: Sequence[I64]) -> bytes:
    """Each with as few bytes a number as it needs; their first bytes together, then the next."""
    heads, bodies = [], []
    for array in arrays:
        low, high = int(array.min(initial=0)), int(array.max(initial=0))
        width = next(w for w in _WIDTHS if -(1 << 8 * w - 1) <= low and high < 1 << 8 * w - 1)
        heads.append(_HEAD.pack(len(array), width))
        narrow = array.astype(f"<i{width}").view(np.uint8)
        bodies.append(narrow.reshape(-1, width).T.tobytes())
    return zlib.compress(b"".join((*heads, *bodies)), _LEVEL)


def _decoded(data: bytes, count: int) -> list[I64]:
    raw = zlib.decompress(data)
    at = count * _HEAD.size
    out: list[I64] = []
    for number in range(count):
        length, width = _HEAD.unpack_from(raw, number * _HEAD.size)
        planes = np.frombuffer(raw, np.uint8, length * width, at).reshape(width, length)
        out.append(np.ascontiguousarray(planes.T).view(f"<i{width}").reshape(-1).astype(np.int64))
        at += length * width
    return out
