"""Memory for copies of states: taken once, and used again and again."""

from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Block = npt.NDArray[np.uint8]

KEPT: Final = 2
"""Blocks kept: a state is copied while the one before is being written."""
_ALIGN: Final = 64


class CopySpace:
    """Blocks of memory that large arrays are copied into; any thread may give one back.

    Fresh pages cost several times what is copied into them: the copies of states of 25 to 50 MB
    took 9 to 87 ms of a busy engine's processor time each.
    """

    def __init__(self) -> None:
        # Appends and pops of a deque need no lock.
        self._free: deque[Block] = deque(maxlen=KEPT)

    def take(self, nbytes: int) -> Block:
        """A block of at least so many bytes, of any content."""
        free = sorted((self._free.popleft() for _ in range(len(self._free))), key=len)
        fitting = [block for block in free if len(block) >= nbytes]
        if fitting:
            self._free.extend(block for block in free if block is not fitting[0])
            return fitting[0]
        # All are too small for a state that has grown: the smallest goes.
        self._free.extend(free[1:])
        return np.empty(nbytes + nbytes // 8, np.uint8)

    def give_back(self, block: Block) -> None:
        """Nothing refers to it any more."""
        self._free.append(block)


def size_of(arrays: Mapping[str, Array]) -> int:
    """Bytes that `copied` needs."""
    return sum(_room(array) for array in arrays.values())


def copied(arrays: Mapping[str, Array], block: Block) -> dict[str, Array]:
    """Copies of arrays, one after the other in a block; as long as it is theirs."""
    found, at = dict[str, Array](), 0
    for name, array in arrays.items():
        copy = block[at : at + array.nbytes].view(array.dtype).reshape(array.shape)
        copy[...] = array
        found[name] = copy
        at += _room(array)
    return found


def _room(array: Array) -> int:
    return -(-array.nbytes // _ALIGN) * _ALIGN
