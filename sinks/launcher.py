"""A launcher for child processes that the kernel kills when their parent dies without a word.

A `preexec_fn` may deadlock where threads run; a tiny program that execs the child may not. Linux
only (`PR_SET_PDEATHSIG`, kept through `exec`); elsewhere only an orderly stop cleans up.
"""

import os
import sys
from typing import Final

# Argument 1 is the parent: had it died before prctl, nobody would ever kill the child.
_PROGRAM: Final = """
import os, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
except (ImportError, OSError, AttributeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def launched(*argv: str) -> tuple[str, ...]:
    """The command line that runs `argv`, whose first is a path, as a child of this process."""
    return (sys.executable, "-I", "-S", "-c", _PROGRAM, str(os.getpid()), *argv)
