"""Recordings through the engine: the same shards as live, driven by a plain loop or Bytewax."""

import gc
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from operators.results import Output, Row
from operators.row_blocks import RowSeq, joined
from operators.shard import Record, Shard
from sinks.results import sorted_lines
from stream.errors import ConfigError
from stream.formats import read_events
from stream.formats.common import Rejects
from stream.ids import shard_of
from stream.options import make_shard
from stream.settings import Settings
from stream.side import GC_THRESHOLDS

STEP_BYTES: Final = 4 << 20
"""Bytes folded at once: big enough that the fixed cost of a step does not show."""


class _Address(msgspec.Struct, gc=False):
    """The fields of a line that decide its shard."""

    type: str = ""
    tenant: str | None = None
    group: str | None = None


_address = msgspec.json.Decoder(_Address)
_shard_of: Final = lru_cache(maxsize=65_536)(shard_of)


def version_of(number: int) -> str:
    """Version text of a replay's n-th record."""
    return f"{number:013d}-{0:020d}"


def records(chunks: Iterable[bytes], size: int = STEP_BYTES) -> Iterator[list[Record]]:
    """Group chunks into batches of about `size` bytes, each chunk one record."""
    batch: list[Record] = []
    length = 0
    for number, chunk in enumerate(chunks, 1):
        batch.append(Record(version_of(number), 0, chunk))
        length += len(chunk)
        if length >= size:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch


def split(chunk: bytes, shards: int) -> list[bytes]:
    """The lines of each shard; ticks go to all, what cannot be read to shard 0."""
    if shards == 1:
        return [chunk]
    parts: list[list[bytes]] = [[] for _ in range(shards)]
    for line in chunk.split(b"\n"):
        if not line.strip():
            continue
        try:
            address = _address.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            parts[0].append(line)
            continue
        if address.type == "tick":
            for part in parts:
                part.append(line)
        else:
            parts[_shard_of(address.tenant or "", address.group, shards)].append(line)
    return [b"\n".join(part) for part in parts]


def outputs(
    chunks: Iterable[bytes], shards: list[Shard], *, size: int = STEP_BYTES
) -> Iterator[Output]:
    """Fold a recording into shards; yields all outputs, the closing ones last."""
    for batch in records(chunks, size):
        if len(shards) == 1:
            yield from shards[0].step(batch)
            continue
        parts = [split(record.body, len(shards)) for record in batch]
        for shard in shards:
            own = [
                Record(record.version, record.as_of_ms, part[shard.number])
                for record, part in zip(batch, parts, strict=True)
                if part[shard.number]
            ]
            yield from shard.step(own)
    for shard in shards:
        yield from shard.close()


def run_replay(
    chunks: Iterable[bytes],
    *,
    engine: str = "loop",
    settings: Settings,
    shards: int = 1,
    size: int = STEP_BYTES,
) -> Iterator[Row]:
    """Rows of a recording in the order of their making.

    Args:
        chunks: NDJSON in log order with ticks, as `stream.formats.read_events` gives it.
        engine: only `loop` here; `stream.replay_bytewax` runs the same shards under Bytewax.
        settings: those of the engine.
        shards: how many to split the groups over.
        size: bytes of a batch.
    """
    if engine != "loop":
        raise ConfigError("engine", engine, "loop")
    workers = [make_shard(number, settings) for number in range(shards)]
    for output in outputs(chunks, workers, size=size):
        yield from output.rows


def replay_command(
    files: list[Path],
    *,
    fmt: str,
    speed: float | None,
    results: str | None,
    to_redis: bool,
    serve: bool,
    engine: str,
    workers: int,
    processes: int,
    settings: Settings,
) -> int:
    """`liveroom replay`: see `liveroom replay --help`. Gives the exit code."""
    key = (settings.user_key or "liveroom").encode()
    if serve:
        if to_redis or results is not None:
            raise ConfigError("serve", True, "no --to-redis and no --results beside it")
        from stream.replay_serve import serve_files

        return serve_files(files, fmt, key, speed, settings)
    if to_redis:
        from stream.replay_log import append_files

        return append_files(files, fmt, key, speed, settings)
    if engine == "bytewax" or workers > 1 or processes > 1:
        from stream.replay_bytewax import replay_files

        if speed is not None:
            raise ConfigError("speed", speed, "max: only the plain loop and --to-redis keep pace")
        return replay_files(files, fmt, results, workers, processes, settings)
    from stream.replay_progress import paced, watched

    gc.set_threshold(*GC_THRESHOLDS)
    shard = make_shard(0, settings)
    rejects = Rejects()
    chunks = (chunk for path in files for chunk in read_events(path, fmt, key, rejects))
    started = time.monotonic()
    rows = joined(output.rows for output in outputs(watched(paced(chunks, speed), files), [shard]))
    _write(rows, results)
    seconds = time.monotonic() - started
    sys.stderr.write(summary_line(shard.state.counters, len(rows), seconds))
    for reason, count in sorted(rejects.by_reason.items()):
        first = rejects.first[reason].raw[:120].decode(errors="replace")
        sys.stderr.write(f"not events: {count} records, {reason}; the first: {first!r}\n")
    return 0


def _write(rows: RowSeq, results: str | None) -> None:
    if results is None:
        return
    if results == "-":
        sys.stdout.buffer.writelines(sorted_lines(rows))
        sys.stdout.buffer.flush()
        return
    with Path(results).open("wb") as file:
        file.writelines(sorted_lines(rows))


def summary_line(counters: Mapping[str, int], rows: int, seconds: float) -> str:
    """What a replay did, in one line; `seconds` it took."""
    reasons = ", ".join(
        f"{name.removeprefix('dead.')} {count}"
        for name, count in sorted(counters.items())
        if name.startswith("dead.")
    )
    return (
        f"{counters.get('in', 0)} events in {seconds:.1f} s = {counters.get('accepted', 0)} "
        f"accepted + {counters.get('duplicates', 0)} duplicates + {counters.get('dead', 0)} "
        f"dead letters{f' ({reasons})' if reasons else ''}; {counters.get('late', 0)} late; "
        f"{rows} rows\n"
    )
