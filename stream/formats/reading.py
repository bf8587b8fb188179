"""From a file of any format to NDJSON chunks in log order, with ticks. The only IO here."""

import gzip
import io
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from stream.errors import ConfigError
from stream.formats.common import Rejects, Unreadable
from stream.formats.ndjson import has_ticks, timed_lines, whole_lines
from stream.formats.table import Format, format_named
from stream.formats.ticks import Timed, with_ticks

CHUNK_LINES: Final = 2_000
BLOCK_BYTES: Final = 1 << 20
HEAD_BYTES: Final = 65_536


def read_events(
    path: Path, fmt: str, user_key: bytes, rejects: Rejects | None = None
) -> Iterator[bytes]:
    """Yield NDJSON chunks in log order with ticks.

    Args:
        path: a file (gzip is recognised), a folder, read as its `*.json` files, or `-`, stdin.
        fmt: a name of `FORMATS`, or `auto`.
        user_key: the secret with which viewer ids are hashed.
        rejects: counts the unreadable records of foreign formats, if given.

    Yields:
        Bytes that end with a line end, at most 2,000 lines, or about 1 MiB where an NDJSON
        recording with ticks is passed through unparsed, or a row group of a Parquet recording.
        Nothing for an empty file.

    Raises:
        ConfigError: the file cannot be read or its format is unknown.
    """
    counted = Rejects() if rejects is None else rejects
    try:
        with _open(path) as file:
            head = file.read(HEAD_BYTES)
            if not head:
                return
            entry = format_named(fmt, head, path.name)
            if entry.chunks is not None:
                file.seek(0)
                yield from entry.chunks(file)
            elif entry.read is None and has_ticks(head):
                yield from whole_lines(_blocks(head, file))
            else:
                lines = with_ticks(_timed(entry, head + file.read(), user_key, counted))
                yield from chunked(lines)
    except OSError as error:
        raise ConfigError("file", str(path), f"a readable file ({error.strerror})") from error


def chunked(lines: Iterable[bytes], size: int = CHUNK_LINES) -> Iterator[bytes]:
    """Join lines without line ends to chunks of at most `size` lines, each with its line end."""
    source = iter(lines)
    while batch := list(islice(source, size)):
        yield b"\n".join(batch) + b"\n"


def _timed(entry: Format, data: bytes, user_key: bytes, rejects: Rejects) -> list[Timed]:
    """All events of a file, sorted by event time; equal times keep the file's order."""
    if entry.read is None:
        timed = list(timed_lines(data))
    else:
        timed = []
        encode = msgspec.json.Encoder().encode
        for record in entry.read(data, user_key):
            if isinstance(record, Unreadable):
                rejects.add(record)
            else:
                timed.append((record.event_time_ms, encode(record)))
    timed.sort(key=itemgetter(0))
    return timed


def _open(path: Path) -> BinaryIO:
    if str(path) == "-":
        return io.BytesIO(sys.stdin.buffer.read())
    if path.is_dir():
        return io.BytesIO(b"\n".join(part.read_bytes() for part in sorted(path.glob("*.json"))))
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast("BinaryIO", gzip.open(path, "rb")) if zipped else path.open("rb")


def _blocks(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    yield head
    while block := file.read(BLOCK_BYTES):
        yield block
