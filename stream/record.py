"""`liveroom record`: tap the log of all shards into one recording that replays alike."""

import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from sinks.log import LogGap
from sinks.log_reader import LogReader
from stream.errors import ConfigError
from stream.formats import read_events
from stream.record_merge import Merge
from stream.rules_watch import rules_in_force

WAIT_S: Final = 0.25
POP_BYTES: Final = 1 << 20

_log: Final = logging.getLogger("liveroom.record")


class RecordSettings(Protocol):
    """What recording reads of the settings."""

    @property
    def redis_url(self) -> str | None:
        """Address of the log."""

    @property
    def shards(self) -> int:
        """How many shards the log has."""


def record(
    settings: RecordSettings, out: Path, stop: threading.Event | None = None, fmt: str = "ndjson"
) -> int:
    """Record until `stop`, or Ctrl-C or SIGTERM where none is given; see `tap`.

    A Parquet file can be read only when it is complete. So `parquet` records NDJSON beside it,
    `<out>.ndjson`, and converts that at the end: what a killed recorder leaves can be used.

    Returns:
        The exit code, 0. How many lines were written is printed to stderr.
    """
    if stop is None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    lines = _TAPS[fmt](settings, out, stop)
    sys.stderr.write(f"recorded {lines} lines to {out}\n")
    return 0


def _tap_parquet(settings: RecordSettings, out: Path, stop: threading.Event) -> int:
    # Here and not at the end: pyarrow may be missing, the file may exist.
    from stream.parquet.write import check_new, write_parquet

    check_new(out)
    taped = out.with_name(out.name + ".ndjson")
    lines = tap(settings, taped, stop)
    write_parquet(read_events(taped, "ndjson", b""), out)
    taped.unlink()
    return lines


def tap(settings: RecordSettings, out: Path, stop: threading.Event) -> int:
    """Write events and ticks from the oldest kept entry on, until stopped.

    The reader only reads: it claims nothing and trims nothing. What was trimmed before it came
    is announced in the program's log.

    Args:
        settings: the settings of the engine whose log it is.
        out: a file that does not exist yet.
        stop: set it to end the recording; what the log holds by then is still written, and a
            closing tick.

    Returns:
        How many lines were written, ticks included.

    Raises:
        ConfigError: no server is named, or the file exists or cannot be made.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "the address of the engine's Redis")
    try:
        file = out.open("xb")
    except OSError as error:
        expected = f"a new file in a writable folder ({error.strerror})"
        raise ConfigError("out", str(out), expected) from error
    with file, LogReader(settings.redis_url, range(settings.shards)) as reader:
        head = rules_in_force(settings.redis_url, settings.shards)
        return _write(file, head) + _copy(reader, settings.shards, file, stop)


_TAPS: Final = {"ndjson": tap, "parquet": _tap_parquet}


def _copy(reader: LogReader, shards: int, file: BinaryIO, stop: threading.Event) -> int:
    merge = Merge(shards, _now_ms())
    written = 0
    ending = False
    while True:
        # Once stopped, go on until a wait finds nothing more: the log's end at that time.
        ending = ending or stop.is_set()
        if not reader.wait(WAIT_S * (4 if ending else 1)) and ending:
            break
        for shard in range(shards):
            _push(merge, reader, shard)
        written += _write(file, merge.drain(_now_ms()))
    return written + _write(file, merge.finish())


def _push(merge: Merge, reader: LogReader, shard: int) -> None:
    for item in reader.pop(shard, POP_BYTES):
        if isinstance(item, LogGap):
            _log.warning("shard %d: %s entries are missing (%s)", shard, item.lost_count, item)
        else:
            merge.push(shard, item.body, _now_ms())


def _write(file: BinaryIO, lines: list[bytes]) -> int:
    if lines:
        file.write(b"\n".join(lines) + b"\n")
        file.flush()
    return len(lines)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
