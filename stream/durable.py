"""Files that are there as wholes or not at all, also after a power cut, and locks on folders."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def put_in_place(draft: Path, path: Path) -> None:
    """Give a written file its name, durably: its bytes first, then the name.

    Without the last step a power cut could take the name back and leave what refers to it.

    Raises:
        OSError: the disk is full, or a folder cannot be written.
    """
    _sync(draft)
    draft.rename(path)
    _sync(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock alone; wait for whoever has it. It ends with the process at the latest."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def shared_unless_locked(path: Path) -> Iterator[bool]:
    """Share a lock; gives False, at once and without it, while somebody holds it alone."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
