"""How the C library gives memory back to the system."""

import ctypes
from typing import Final

_TRIM, _MMAP = -1, -3
"""`M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD` of glibc's malloc.h."""
LARGE_BYTES: Final = 128 << 10
"""A block from here on has pages of its own, which go back when it is freed; glibc's own value at
the start. With 1 MiB a busy engine of eight shards had 55 MiB of holes, and a MiB more a minute."""
TOP_BYTES: Final = 32 << 20
"""So much may stay free at the end of the heap."""


def give_back_large_blocks() -> bool:
    """Keep large arrays out of the heap; False where the C library is not glibc.

    By itself glibc raises its bound to 32 MiB as soon as a large block was freed. From then on
    tables that grew and copies of states leave holes between what stays for good, and a process
    that runs for weeks is as large as the worst moment of each of its shards together.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP, LARGE_BYTES)) and bool(mallopt(_TRIM, TOP_BYTES))


def give_back_free_pages() -> bool:
    """Give whole free pages amid the heap back; False where the C library is not glibc.

    Smaller blocks that come and go leave some 2 MiB of them a minute in a busy engine. Other
    threads that want memory of the same heap wait for it: some milliseconds.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))
