"""Results of shards as files: one a shard, appended while it runs, merged into one at the end.

A shard's file is exact through kills because its length is part of the shard's snapshot: a
successor cuts it there, and the rows after it are folded again from the log.
"""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from operators.results import Row
from sinks.results import Key, OrderedLine, encode_rows, sort_key
from stream.errors import StateError

_GLOB: Final = "shard-*.ndjson"


_line: Final = msgspec.json.Decoder(OrderedLine)


def shard_file(folder: Path, shard: int) -> Path:
    """Where a shard's rows are."""
    return folder / f"shard-{shard:04d}.ndjson"


class ResultsFile:
    """The rows of one shard, in the order of their making.

    Args:
        path: the file; its folder is made.
        length: bytes that stand, from an earlier `sync`; None: begin anew. A file that is there
            then is kept under its name and the time.

    Raises:
        StateError: the file is shorter than `length`.
    """

    def __init__(self, path: Path, length: int | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = path.stat().st_size if path.exists() else 0
        if length is None and found:
            path.rename(path.with_name(f"{path.name}.{time.time_ns() // 1_000_000}"))
        elif length is not None and found < length:
            what = f"{path} has {found} bytes, the recovery directory says {length}"
            raise StateError(what, "restore it with the recovery directory, or start both anew")
        self._file = path.open("ab", buffering=0)
        self._file.truncate(length or 0)
        self._length = length or 0
        self._synced = self._length

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows.

        Raises:
            OSError: the disk is full: nothing of these rows may be taken as written.
        """
        data = b"".join(encode_rows(rows))
        while data:
            written = self._file.write(data)
            self._length += written
            data = data[written:]

    def sync(self) -> int:
        """Make it durable; its length in bytes, for the snapshot."""
        if self._synced != self._length:
            os.fsync(self._file.fileno())
            self._synced = self._length
        return self._length

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def merged_lines(folder: Path) -> Iterator[bytes]:
    """Lines of all shards' files in the order of `sinks.results.sorted_lines`."""
    keyed: list[tuple[Key, bytes]] = []
    for path in sorted(folder.glob(_GLOB)):
        with path.open("rb") as file:
            keyed += [(sort_key(_line.decode(line)), line) for line in file]
    keyed.sort()
    return (line for _, line in keyed)
