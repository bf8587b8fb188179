"""Large blocks go back to the system: seen by the process's own map, in a process of its own."""

import subprocess
import sys

_PROGRAM = """
import numpy as np, psutil
from stream.memory import give_back_large_blocks
if {asked}:
    assert give_back_large_blocks()
size = 8 << 20
np.ones(size, np.uint8)  # freed at once: glibc takes from now on what is as large from the heap
before = psutil.Process().memory_info().rss
kept = []
for _ in range(20):  # each large block is followed by a small one that stays
    large = np.ones(size - (1 << 20), np.uint8)
    kept.append(np.ones(4096, np.uint8))
    del large
    kept.append(np.ones(600_000, np.uint8))
print((psutil.Process().memory_info().rss - before) >> 20)
"""


def said_mib(program: str) -> int:
    """What a program says, in a process of its own."""
    command = [sys.executable, "-c", program]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_freed_large_blocks_leave_no_holes() -> None:
    assert said_mib(_PROGRAM.format(asked=True)) < said_mib(_PROGRAM.format(asked=False))


_HOLES = """
import numpy as np, psutil
from stream.memory import give_back_free_pages
kept = []
for _ in range(400):  # as large as comes from the heap, with something that stays behind each
    kept.append((np.ones(100_000, np.uint8), np.ones(3_000, np.uint8)))
for place, (large, small) in enumerate(kept):
    kept[place] = small
del large
before = psutil.Process().memory_info().rss
assert give_back_free_pages()
print((before - psutil.Process().memory_info().rss) >> 20)
"""


def test_free_pages_amid_the_heap_go_back() -> None:
    assert said_mib(_HOLES) >= 20  # of 38 MiB
