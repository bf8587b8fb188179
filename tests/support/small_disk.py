"""A disk of a few MiB that really fills up: a tmpfs, where mounting is allowed."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stream.errors import LiveroomError


@contextlib.contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[Path | None]:
    """Mount a disk of `size_mib` at `folder`, for the block; None where `size_mib` is 0.

    Raises:
        LiveroomError: mounting is not allowed here (it takes root, and not in every container).
    """
    if not size_mib:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = ("mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "liveroom", str(folder))
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        message = f"a small disk cannot be mounted here: {error}"
        raise LiveroomError(message) from error
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=False, capture_output=True)


def fill(folder: Path) -> Path:
    """Fill the disk of `folder` to the last byte with one file, and give it.

    Raises:
        LiveroomError: it did not fill up within 1 GiB.
    """
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                for _ in range(1_024):
                    if file.write(b"\0" * size) < size:
                        break
                else:
                    message = f"{folder} is no small disk"
                    raise LiveroomError(message)
    return path
