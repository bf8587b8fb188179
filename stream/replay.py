"""Recordings through the engine: the same shards as live, driven by a plain loop or Bytewax."""

import gc
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import msgspec

from operators.intake import AnyRecord, Record, Rows, RowsRecord
from operators.results import Output, Row
from operators.row_blocks import RowSeq, joined
from operators.shard import Shard
from sinks.results import sorted_lines
from stream.errors import ConfigError
from stream.formats import read_events
from stream.formats.common import Rejects
from stream.formats.table import is_parquet
from stream.ids import shard_of
from stream.options import make_shard
from stream.parquet.read import row_groups
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


class Stretch(Rows, Protocol):
    """Part of a recording that is columns already; big enough to be a batch of its own."""

    @property
    def size(self) -> int:
        """Its bytes in the file."""

    def ndjson(self) -> bytes:
        """All its lines."""


Piece = bytes | Stretch
"""NDJSON lines, or columns."""


def pieces(
    path: Path, fmt: str, user_key: bytes, rejects: Rejects | None = None
) -> Iterator[Piece]:
    """A recording as the fold takes it best; else as `stream.formats.read_events`."""
    if fmt in ("auto", "parquet") and path.is_file():
        with path.open("rb") as file:
            columns = is_parquet(file.read(4))
        if columns:
            yield from row_groups(path)
            return
    yield from read_events(path, fmt, user_key, rejects)


def records(pieces: Iterable[Piece], size: int = STEP_BYTES) -> Iterator[list[AnyRecord]]:
    """Group pieces into batches of about `size` bytes, each piece one record."""
    batch: list[AnyRecord] = []
    length = 0
    for number, piece in enumerate(pieces, 1):
        if isinstance(piece, bytes):
            batch.append(Record(version_of(number), 0, piece))
            length += len(piece)
        else:
            batch.append(RowsRecord(version_of(number), 0, piece))
            length += size
        if length >= size:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch


def split(chunk: bytes, shards: int) -> list[bytes]:
    """The lines of each shard; ticks and rules go to all, what cannot be read to shard 0."""
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
        if address.type in ("tick", "rules"):
            for part in parts:
                part.append(line)
        else:
            parts[_shard_of(address.tenant or "", address.group, shards)].append(line)
    return [b"\n".join(part) for part in parts]


def outputs(
    pieces: Iterable[Piece], shards: list[Shard], *, size: int = STEP_BYTES
) -> Iterator[Output]:
    """Fold a recording into shards; yields all outputs, the closing ones last."""
    if len(shards) == 1:
        for batch in records(pieces, size):
            yield from shards[0].step(batch)
    else:
        for batch in records(map(_lines_of, pieces), size):
            parts = [split(r.body, len(shards)) for r in batch if isinstance(r, Record)]
            for shard in shards:
                own = [
                    Record(record.version, record.as_of_ms, part[shard.number])
                    for record, part in zip(batch, parts, strict=True)
                    if part[shard.number]
                ]
                yield from shard.step(own)
    for shard in shards:
        yield from shard.close()


def _lines_of(piece: Piece) -> bytes:
    return piece if isinstance(piece, bytes) else piece.ndjson()


def run_replay(
    chunks: Iterable[Piece],
    *,
    engine: str = "loop",
    settings: Settings,
    shards: int = 1,
    size: int = STEP_BYTES,
) -> Iterator[Row]:
    """Rows of a recording in the order of their making.

    Args:
        chunks: a recording in log order with ticks, as `pieces` or `read_events` gives it.
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
    found: Iterable[Piece]
    if speed is None:
        found = (piece for path in files for piece in pieces(path, fmt, key, rejects))
    else:
        # Pace is kept tick by tick, which only lines can do.
        lines = (chunk for path in files for chunk in read_events(path, fmt, key, rejects))
        found = paced(lines, speed)
    started = time.monotonic()
    rows = joined(output.rows for output in outputs(watched(found, files), [shard]))
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
