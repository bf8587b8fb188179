"""Arrays that are mostly zeros, small in a snapshot: rings hold few of their panes."""

from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Packed = tuple[str, tuple[int, ...], Array, Array]
"""(dtype, shape, places of the non-zero 8-byte words, those words)."""

_WORD: Final = 8
_MIN_BYTES: Final = 65_536


def pack(array: Array) -> Array | Packed:
    """The array, or a sparse form of it where that takes less than half the bytes."""
    if array.nbytes < _MIN_BYTES or array.nbytes % _WORD or not array.flags.c_contiguous:
        return array
    words = array.reshape(-1).view(np.uint64)
    places = np.flatnonzero(words != 0)
    if len(places) * (_WORD + 4) * 2 > array.nbytes:
        return array
    return str(array.dtype), array.shape, places.astype(np.uint32), words[places]


def nbytes_of(found: Array | Packed) -> int:
    """Bytes of what `pack` gave back."""
    return found.nbytes if isinstance(found, np.ndarray) else found[2].nbytes + found[3].nbytes


def unpack(found: object) -> Array | None:
    """What `pack` gave back as an array; None for anything else."""
    if isinstance(found, np.ndarray):
        return found
    if not (isinstance(found, tuple) and len(found) == 4):
        return None
    dtype, shape, places, words = found
    whole = np.zeros(int(np.prod(shape)) * np.dtype(dtype).itemsize // _WORD, np.uint64)
    whole[places] = words
    return whole.view(dtype).reshape(shape)
