"""Recordings into the log: `liveroom replay --to-redis`, the way a live session comes in."""

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from sinks.log_writer import Appended, Entry, LogWriter, Wait
from sinks.redis_client import Link
from stream.errors import ConfigError, SinkError
from stream.formats import read_events
from stream.replay import split
from stream.replay_progress import paced, watched
from stream.settings import Settings

PRODUCER: Final = "replay"
ENTRY_BYTES: Final = 64 * 1024
GIVE_UP_S: Final = 60.0


def append_files(
    files: Sequence[Path], fmt: str, key: bytes, speed: float | None, settings: Settings
) -> int:
    """Append recordings to the log, ticks too, and wait wherever a shard says so.

    Recorded times are kept: a shard whose clock is past them already takes them as too late.

    Args:
        files: recordings, one after the other.
        fmt: their format, or `auto`.
        key: secret of the viewer hash, for foreign formats.
        speed: times recorded time; None: as fast as the engine takes it.
        settings: which Redis, how many shards, how much back-pressure.

    Returns:
        The exit code, 0.

    Raises:
        ConfigError: no Redis is named, or a file cannot be read.
        SinkError: Redis cannot be reached, or no engine takes entries for a minute.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "a Redis server, e.g. redis://127.0.0.1:6379")
    chunks = (chunk for path in files for chunk in read_events(path, fmt, key))
    link = Link(settings.redis_url)
    try:
        writer = LogWriter(link, settings.shards, limit_bytes=settings.backpressure_bytes)
        lines = append_chunks(watched(paced(chunks, speed), list(files)), writer)
    finally:
        link.close()
    sys.stderr.write(f"appended {lines} lines, ticks included, to {settings.shards} shards\n")
    return 0


def append_chunks(chunks: Iterable[bytes], writer: LogWriter) -> int:
    """Deal chunks out to the shards; how many lines they had. Raises as `append_files`."""
    lines = 0
    for chunk in chunks:
        lines += chunk.count(b"\n")
        append_patiently(
            writer,
            [
                Entry(shard, body, PRODUCER)
                for shard, part in enumerate(split(chunk, writer.shards))
                for body in pieces(part)
            ],
        )
    return lines


def pieces(lines: bytes, size: int = ENTRY_BYTES) -> list[bytes]:
    """Cut lines at line ends into entries of about `size` bytes; none for nothing."""
    found: list[bytes] = []
    start = 0
    while len(lines) - start > size:
        cut = lines.find(b"\n", start + size) + 1
        if not cut:
            break
        found.append(lines[start:cut])
        start = cut
    return [*found, lines[start:]] if start < len(lines) else found


def append_patiently(
    writer: LogWriter, entries: Sequence[Entry], give_up_s: float = GIVE_UP_S
) -> None:
    """Append entries in order; where a shard is full or Redis is away, wait and try again.

    After a lost reply entries are appended twice: the engine knows their events again.

    Raises:
        SinkError: Redis refuses for good, or nothing was taken for `give_up_s`.
    """
    left = list(entries)
    last_s = time.monotonic()
    while left:
        try:
            results = writer.append_many(left)
        except SinkError as error:
            if error.retry_after_ms is None or time.monotonic() - last_s > give_up_s:
                raise
            time.sleep(error.retry_after_ms / 1_000)
            continue
        if any(isinstance(result, Appended) for result in results):
            last_s = time.monotonic()
        waits = [result.retry_ms for result in results if isinstance(result, Wait)]
        left = [
            entry for entry, result in zip(left, results, strict=True) if isinstance(result, Wait)
        ]
        if left:
            if time.monotonic() - last_s > give_up_s:
                raise SinkError("log", "the engine does not keep up; is it running?", None)
            time.sleep(max(waits) / 1_000)
